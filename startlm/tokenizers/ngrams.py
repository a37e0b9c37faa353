"""Hashed word and character n-grams, weighed by TF-IDF: the tokenizer of the linear family.

What is counted follows from the characters themselves, so one text may mix languages and nothing is to be set:

- Scripts that put spaces between words (Latin, Cyrillic, Hangul …): words and pairs of neighbouring words; and character
  n-grams inside each stretch between blanks, its two edges counted as a blank (`" ca"`, `"rd "`).
- Characters that stand alone (Chinese, kana, Thai, emoji, full-width signs): every n-gram that holds at least one
  of them, across words, single spaces and any Latin letters or digits beside it (`"用2"`); the edge of a row counts as a blank.

An n-gram is hashed to a bucket; a table made from train rows says which buckets are features. No text is stored.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Iterator, NamedTuple, Sequence

import numpy as np

from ..core.contracts import Ragged, State
from ..core.errors import BundleError, CallError
from ..core.language import say

BLANK, MARK, LETTER, ALONE = 0, 1, 2, 3

# Fixed here and not asked of `unicodedata`, whose answers change with the Python version: a bundle must not change with it.
_BLANKS = ((0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
           (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000))
_MARKS = ((0x00, 0x2F), (0x3A, 0x40), (0x5B, 0x5E), (0x60, 0x60), (0x7B, 0xBF), (0xD7, 0xD7), (0xF7, 0xF7), (0x2000, 0x206F),
          (0x20A0, 0x20CF), (0x2190, 0x2BFF), (0x2E00, 0x2E7F))
_ALONE = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2600, 0x27BF), (0x2E80, 0xA4CF), (0xF900, 0xFAFF),
          (0xFE10, 0xFE6F), (0xFF00, 0xFFEF), (0x1F000, 0x1FAFF), (0x20000, 0x3FFFF))

_PRIME = np.uint32(0x01000193)  # FNV's 32-bit prime; odd, so it has an inverse modulo 2**32
_INVERSE = np.uint32(pow(0x01000193, -1, 1 << 32))
_MIX = np.uint32(0x9E3779B1)  # Knuth's multiplicative hash: 2**32 / golden ratio
_BLOCK = 1 << 16  # characters encoded at once: the arrays of one block stay in the processor's cache
_NONE = np.uint32(0xFFFFFFFF)  # no feature; sorts behind all others

Stream = tuple[np.ndarray, np.ndarray]  # the row (ascending) and the bucket of each n-gram of one kind, both uint32


class Counts(NamedTuple):
    """How often each feature occurs in each row of a block, rows and features ascending."""

    lengths: np.ndarray  # int64, features a row
    features: np.ndarray  # uint32
    counts: np.ndarray  # int64


class Ngrams:
    """Hashed n-grams of both kinds with TF-IDF weights, each row scaled to length 1."""

    name = "ngrams"
    round_trips = False

    def __init__(self, settings: dict[str, Any], buckets: np.ndarray, idf: np.ndarray) -> None:
        self.settings, self.buckets, self.idf = settings, buckets, idf
        self.vocabulary_size = len(buckets)
        self._bits = max(1, int(len(buckets)).bit_length())
        self._table = np.full(2 << settings["bits"], _NONE)  # bucket -> feature
        self._table[buckets] = np.arange(len(buckets), dtype=np.uint32)

    @classmethod
    def fit(cls, texts: Sequence[str], *, longest: Sequence[int] = (2, 4, 3), bits: int = 21, min_rows: int = 2, most: int = 1 << 22,
            word_weight: float = 1.5) -> Ngrams:
        """Find the features of train rows.

        longest: the longest n-gram of words, of characters between blanks, and of characters that stand alone. bits: n-grams are
        hashed to 2**bits buckets for words and as many for characters. min_rows: an n-gram seen in fewer rows is dropped, while
        any is left. most: keep only so many, the most frequent. word_weight: how much more a word counts than a character
        n-gram of equal rarity.
        """
        words, characters, alone = longest
        settings = {"bits": bits, "words": words, "characters": characters, "alone": alone}
        seen = np.zeros(2 << bits, dtype=np.int64)
        for start, stop in _blocks(texts, (1 << (31 - bits)) - 1):
            np.add.at(seen, _count(_streams(texts[start:stop], settings), stop - start, bits + 1).features, 1)
        kept = np.flatnonzero(seen >= min_rows)
        if not len(kept):
            kept = np.flatnonzero(seen)
        if len(kept) > most:
            kept = np.sort(kept[np.argsort(-seen[kept], kind="stable")[:most]])
        idf = np.log((1 + len(texts)) / (1 + seen[kept])) + 1  # scikit-learn's smooth idf
        idf[kept < 1 << bits] *= word_weight
        return cls(settings, kept.astype(np.int32), idf.astype(np.float32))

    def encode(self, texts: Sequence[str]) -> Ragged:
        """Feature numbers, ascending within a row, with weights (1 + ln count) · idf, scaled to length 1.

        A row without any known n-gram is empty.
        """
        values, weights, lengths = [], [], np.zeros(len(texts) + 1, dtype=np.int64)
        for start, stop in _blocks(texts, (1 << (32 - self._bits)) - 1):
            streams = [(rows, self._table[buckets]) for rows, buckets in _streams(texts[start:stop], self.settings)]
            counted = _count(streams, stop - start, self._bits)
            lengths[start + 1 : stop + 1] = counted.lengths
            values.append(counted.features.view(np.int32))
            weights.append(self._weigh(counted))
        return Ragged(
            np.concatenate(values) if values else np.zeros(0, np.int32),
            np.cumsum(lengths),
            np.concatenate(weights) if weights else np.zeros(0, np.float32),
        )

    def _weigh(self, counted: Counts) -> np.ndarray:
        """float32: sublinear TF-IDF, scaled to length 1. Each row is summed by itself in the order of its features, so
        its weights do not depend on its neighbours."""
        weights = self.idf[counted.features]
        often = np.flatnonzero(counted.counts > 1)
        weights[often] *= 1 + np.log(counted.counts[often].astype(np.float32))
        filled = counted.lengths[counted.lengths > 0]
        if len(filled):
            squares = np.add.reduceat(weights * weights, np.cumsum(filled) - filled)
            weights *= np.repeat(1 / np.sqrt(squares), filled)
        return weights

    def decode(self, ids: Sequence[int]) -> str:
        """Always raises CallError: hashes cannot be turned back into text, and that is why they are private."""
        raise CallError(
            say("Hashed n-grams cannot be turned back into text.", "哈希后的 n 元组无法还原成文本。"),
            say("show the row's own text instead", "请直接显示该行的原文"),
        )

    def state(self) -> State:
        return State(dict(self.settings), {"buckets": self.buckets, "idf": self.idf})

    @classmethod
    def from_state(cls, state: State) -> Ngrams:
        """Raises BundleError for a state this tokenizer could not have written."""
        return cls(_checked_settings(state), *_checked_arrays(state))


# -------------------------------------------------------------- from text to n-grams

def _blocks(texts: Sequence[str], most_rows: int) -> Iterator[tuple[int, int]]:
    """Neighbouring rows with about `_BLOCK` characters together."""
    start = size = 0
    for i, text in enumerate(texts):
        if i > start and (size + len(text) > _BLOCK or i - start >= most_rows):
            yield start, i
            start, size = i, 0
        size += len(text) + 1
    if start < len(texts):
        yield start, len(texts)


def _streams(texts: Sequence[str], settings: dict[str, Any]) -> list[Stream]:
    """Every n-gram, one stream for each kind and length."""
    lowered = [text.lower() for text in texts]
    joined = "\n".join(["", *lowered, ""])
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    lengths = np.fromiter(map(len, lowered), np.int64, len(lowered)) + 1
    kinds = _kinds()[codes]
    rows = np.repeat(np.arange(len(lengths) + 1, dtype=np.uint32), np.append(lengths, 1))
    edges = np.append(0, np.cumsum(lengths))  # the line feeds that part the rows; a text may hold more of them
    found = list(_spaced(codes, kinds, rows, settings))
    if (kinds == ALONE).any():
        found += _standing_alone(codes, kinds, rows, edges, settings["alone"])
    shift = np.uint32(32 - settings["bits"])
    return [(row, hashes * _MIX >> shift | np.uint32(half << settings["bits"])) for row, hashes, half in found]


def _spaced(codes: np.ndarray, kinds: np.ndarray, rows: np.ndarray, settings: dict[str, Any]) -> Iterator[tuple]:
    """n-grams of what lies between blanks; characters that stand alone count as blanks here."""
    blank = (kinds == BLANK) | (kinds == ALONE)
    kept = np.flatnonzero(~(blank[:-1] & blank[1:]))  # of several blanks the last, which belongs to the row that follows
    kept = np.append(kept, len(codes) - 1)
    full = ~blank[kept]
    codes, rows = np.where(full, codes[kept], np.uint32(32)), rows[kept]
    yield from _words(codes, (kinds[kept] == LETTER) & full, rows, settings["words"])
    hashes, fits = codes, full
    for n in range(2, settings["characters"] + 1):
        if len(codes) < n:
            return
        hashes = hashes[:-1] * _PRIME + codes[n - 1 :]
        # From the third character on, everything but the first and the last must lie between blanks.
        fits = full[:-1] | full[1:] if n == 2 else full[1:-1] if n == 3 else fits[:-1] & full[n - 2 : -1]
        where = np.flatnonzero(fits)
        yield rows[where], (hashes[where] ^ np.uint32(n)) * _PRIME, 1


def _words(codes: np.ndarray, letters: np.ndarray, rows: np.ndarray, longest: int) -> Iterator[tuple]:
    """Words and, for `longest` = 2 and more, neighbouring words of one row."""
    change = np.flatnonzero(letters[:-1] != letters[1:]) + 1  # the first and the last position are blanks
    starts, ends = change[0::2], change[1::2]
    if not len(starts):
        return
    powers, inverses = _powers(len(codes))
    sums = np.cumsum(codes * powers[: len(codes)], dtype=np.uint32)
    # sum of code · prime**position over the word, moved back to position 0: the same wherever the word stands
    word = (sums[ends - 1] - sums[starts - 1]) * inverses[starts]
    rows = rows[starts]
    hashes = word
    for n in range(1, longest + 1):
        if n > 1:
            if len(word) < n:
                return
            hashes = (hashes[:-1] ^ hashes[:-1] >> np.uint32(15)) * _MIX + word[n - 1 :]
        where = np.flatnonzero(rows[: len(hashes)] == rows[n - 1 :]) if n > 1 else slice(None)
        yield rows[: len(hashes)][where], (hashes[where] ^ hashes[where] >> np.uint32(16)) * _PRIME + np.uint32(n), 0


def _standing_alone(codes: np.ndarray, kinds: np.ndarray, rows: np.ndarray, edges: np.ndarray, longest: int) -> Iterator[tuple]:
    """n-grams of one row that hold a character that stands alone; several blanks count as one. A row's edge may only be
    their first or last character."""
    inside = np.ones(len(codes), dtype=bool)
    inside[edges] = False
    blank = kinds == BLANK
    repeated = blank[:-1] & blank[1:] & inside[:-1] & inside[1:]
    if repeated.any():
        kept = np.append(np.flatnonzero(~repeated), len(codes) - 1)
        codes, kinds, rows, inside, blank = codes[kept], kinds[kept], rows[kept], inside[kept], blank[kept]
    codes = np.where(blank, np.uint32(32), codes)
    hashes, holds, fits = codes, kinds == ALONE, None
    alone = holds
    for n in range(1, longest + 1):
        if n > 1:
            if len(codes) < n:
                return
            hashes = hashes[:-1] * _PRIME + codes[n - 1 :]
            holds = holds[:-1] | alone[n - 1 :]
            fits = None if n == 2 else inside[1:-1] if n == 3 else fits[:-1] & inside[n - 2 : -1]
        where = np.flatnonzero(holds if fits is None else holds & fits)
        yield rows[where], (hashes[where] ^ np.uint32(n << 24)) * _PRIME, 1


def _count(streams: list[Stream], rows: int, bits: int) -> Counts:
    """Sort row << bits | feature and count equal ones; what is `_NONE` is left out."""
    keys, places, totals = [], [], np.zeros(rows, dtype=np.int64)
    for row, features in streams:
        known = np.flatnonzero(features != _NONE)
        row = row[known]
        count = np.bincount(row, minlength=rows)
        keys.append(row << np.uint32(bits) | features[known])
        places.append((row, totals - np.cumsum(count) + count))  # the n-th of a stream is the (n + this)-th of its row
        totals = totals + count
    ordered = _sorted_rows(keys, places, totals)
    fresh = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    first = np.flatnonzero(fresh)
    counts = np.diff(first, append=len(ordered))
    ordered = ordered[first]
    starts = np.searchsorted(ordered, np.arange(rows + 1, dtype=np.uint64) << np.uint64(bits))
    return Counts(np.diff(starts), ordered & np.uint32((1 << bits) - 1), counts)


def _sorted_rows(keys: list[np.ndarray], places: list[Stream], totals: np.ndarray) -> np.ndarray:
    """All keys in ascending order.

    Each row is laid out as a line whose length is a power of two, lines of one length together, and each line is sorted by
    itself: numpy does that many times faster than one long sort.
    """
    size = np.maximum(4, np.ceil(np.log2(np.maximum(totals, 1)))).astype(np.int64)
    order = np.argsort(size, kind="stable")
    ends = np.cumsum(1 << size[order])
    line = np.empty(len(totals), dtype=np.int64)  # where the line of each row starts
    line[order] = ends - (1 << size[order])
    lines = np.full(ends[-1] if len(ends) else 0, _NONE)
    for key, (row, shift) in zip(keys, places, strict=True):
        index = (line + shift)[row]
        index += np.arange(len(row))
        lines[index] = key
    start = 0
    for power, number in enumerate(np.bincount(size)):
        stop = start + (int(number) << power)
        lines[start:stop].reshape(int(number), 1 << power).sort(axis=1)
        start = stop
    index = np.repeat(line - np.cumsum(totals) + totals, totals)
    index += np.arange(len(index))
    return lines[index]


@lru_cache(maxsize=1)
def _kinds() -> np.ndarray:
    """uint8 (0x110000,): the kind of every code point."""
    kinds = np.full(0x110000, LETTER, dtype=np.uint8)
    for ranges, kind in ((_MARKS, MARK), (_ALONE, ALONE), (_BLANKS, BLANK)):
        for low, high in ranges:
            kinds[low : high + 1] = kind
    return kinds


def _powers(length: int) -> tuple[np.ndarray, np.ndarray]:
    """prime**i and prime**-i modulo 2**32, for i in 0 … length − 1 and more."""
    return _powers_up_to(max(_BLOCK, 1 << length.bit_length()))


@lru_cache(maxsize=2)
def _powers_up_to(length: int) -> tuple[np.ndarray, np.ndarray]:
    return tuple(
        np.cumprod(np.concatenate([[1], np.full(length, base)]).astype(np.uint32), dtype=np.uint32) for base in (_PRIME, _INVERSE)
    )


# ---------------------------------------------------------------- what a bundle brings

_MOST_IDF = 1e6  # no table has so many rows; float32 holds its square
_LIMITS = {"bits": (8, 22), "words": (0, 4), "characters": (0, 8), "alone": (0, 5)}


def _checked_settings(state: State) -> dict[str, Any]:
    settings = dict(state.settings)
    good = settings.keys() == _LIMITS.keys() and all(
        type(settings[key]) is int and low <= settings[key] <= high for key, (low, high) in _LIMITS.items()
    )
    if not good:
        raise _damaged("settings")
    return settings


def _checked_arrays(state: State) -> tuple[np.ndarray, np.ndarray]:
    buckets, idf = (state.arrays.get(key) for key in ("buckets", "idf"))
    good = (
        isinstance(buckets, np.ndarray) and isinstance(idf, np.ndarray) and set(state.arrays) == {"buckets", "idf"}
        and buckets.dtype == np.int32 and idf.dtype == np.float32 and buckets.ndim == 1 and buckets.shape == idf.shape
        and (not len(buckets) or (buckets[0] >= 0 and buckets[-1] < 2 << state.settings["bits"]))
        and bool((np.diff(buckets.astype(np.int64)) > 0).all()) and bool(((idf > 0) & (idf <= _MOST_IDF)).all())
    )
    if not good:
        raise _damaged("arrays")
    return buckets, idf


def _damaged(part: str) -> BundleError:
    return BundleError(
        say(f"The tokenizer ngrams is damaged: its {part} are not what was written.", f"分词器 ngrams 已损坏：其 {part} 与写入时不符。"),
        say("deploy the bundle again, or copy it anew", "请重新部署，或重新复制这个模型包"),
    )
