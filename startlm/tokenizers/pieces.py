"""Pieces: each position of a text holds up to K ids, so that a rare or misspelt word still says something.

A position is a word, or one character where a script writes no spaces (Chinese, Japanese, Thai), or one mark.
A word's ids: the word itself and its character n-grams; a Chinese character's: itself and its bigrams and
trigrams with its neighbours. Pieces are kept as 64-bit hashes, never as text, and only those seen in
`min_rows` train rows. Everything is computed on whole arrays: the hash of a piece is a difference of a prefix sum
(Karp and Rabin 1987, "Efficient randomized pattern-matching algorithms", modulo 2^64 with an odd base).
"""

from __future__ import annotations

import unicodedata
from dataclasses import asdict, dataclass, fields
from typing import Any, Iterator, NamedTuple, Sequence

import numpy as np

from ..core.contracts import Ragged, State
from ..core.errors import BundleError, CallError
from ..core.language import say

SPACE, WORD, ALONE, MARK = 1, 2, 3, 4
# Scripts written without spaces: one character is one position.
UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3040, 0x30FF),
    (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip
UNKNOWN = 1  # the id of a position of which no piece is known; 0 is padding
FIRST = 2  # the first piece's id
CHUNK = 2_000  # rows worked on at once: arrays stay in the processor's cache
BASE = 0x9E3779B97F4A7C15
INVERSE = pow(BASE, -1, 2**64)
SALTS = {"word": 1, "inner": 2, "front": 3, "back": 4, "alone": 5, "mark": 6}


@dataclass(frozen=True)
class Options:
    """What a piece is."""

    lower: bool = True
    """Fold upper case into lower case."""
    shortest: int = 3
    """The shortest n-gram of a word, its two edges counted as characters."""
    longest: int = 5
    """The longest n-gram of a word."""
    min_rows: int = 3
    """Keep only pieces seen in at least this many train rows."""
    most: int = 65_536
    """Keep at most this many pieces, the most frequent."""
    per_position: int = 12
    """At most this many ids in one position; fewer where the data need fewer."""


class Units(NamedTuple):
    """A chunk of texts cut into positions; equal words are one unit, whose pieces are computed once."""

    rows: np.ndarray  # (P,) the row of each position
    unit: np.ndarray  # (P,) the unit of each position
    total: int
    owner: np.ndarray  # (E,) the unit each piece belongs to, ascending
    hashes: np.ndarray  # (E,) uint64


class Pieces:
    """Text to positions of up to K ids.

    >>> pieces = Pieces.fit(["where is my card"] * 3)
    >>> pieces.encode(["my card", ""]).lengths.tolist()
    [2, 0]
    """

    name = "pieces"
    round_trips = False

    def __init__(self, options: Options, known: np.ndarray) -> None:
        """`known`: the kept hashes, uint64, ascending; a piece's id is its place + 2."""
        self.options, self.known = options, known
        self.vocabulary_size = len(known) + FIRST

    @classmethod
    def fit(cls, texts: Sequence[str], **options: Any) -> Pieces:
        """Keep the pieces seen in at least `min_rows` of these rows; set K by what their positions hold.

        Raises CallError for options that make no sense.
        """
        chosen = read_options(options)
        hashes, counts = seen_in_rows(texts, chosen)
        frequent = counts >= chosen.min_rows
        hashes, counts = hashes[frequent], counts[frequent]
        # stable, so that pieces seen equally often are kept by their hash: the same on every machine
        best = np.argsort(-counts, kind="stable")[: chosen.most]
        fitted = cls(chosen, np.sort(hashes[best]))
        return cls(Options(**{**asdict(chosen), "per_position": fitted.needed(texts)}), fitted.known)

    def needed(self, texts: Sequence[str]) -> int:
        """K that holds every piece of 99 in 100 positions, at most `per_position`."""
        held = np.zeros(self.options.per_position + 1, dtype=np.int64)
        for chunk in chunks(texts):
            units = cut(chunk, self.options)
            kept = np.bincount(units.owner[self.look_up(units.hashes) > 0], minlength=units.total)
            held += np.bincount(np.minimum(kept, self.options.per_position)[units.unit], minlength=len(held))
        if not held.sum():
            return 1
        return max(1, int(np.searchsorted(np.cumsum(held), 0.99 * held.sum())))

    def look_up(self, hashes: np.ndarray) -> np.ndarray:
        """The id of each hash, int32; 0 where it is not known."""
        if not len(self.known):
            return np.zeros(len(hashes), dtype=np.int32)
        place = np.minimum(np.searchsorted(self.known, hashes), len(self.known) - 1)
        return np.where(self.known[place] == hashes, place + FIRST, 0).astype(np.int32)

    def encode(self, texts: Sequence[str]) -> Ragged:
        """values int32 (total, K): a position's ids first, then zeros. An empty text has no position."""
        values, lengths = [], []
        for chunk in chunks(texts):
            units = cut(chunk, self.options)
            values.append(self.table(units)[units.unit])
            lengths.append(np.bincount(units.rows, minlength=len(chunk)))
        starts = np.zeros(len(texts) + 1, dtype=np.int64)
        if not lengths:
            return Ragged(np.zeros((0, self.options.per_position), dtype=np.int32), starts)
        np.cumsum(np.concatenate(lengths), out=starts[1:])
        return Ragged(np.concatenate(values), starts)

    def table(self, units: Units) -> np.ndarray:
        """The ids of each unit, int32 (units, K)."""
        width = self.options.per_position
        ids = self.look_up(units.hashes)
        owner, ids = units.owner[ids > 0], ids[ids > 0]
        first = np.searchsorted(owner, owner)  # where the owner's own pieces begin
        column = np.arange(len(owner)) - first
        table = np.zeros((units.total, width), dtype=np.int32)
        fits = column < width
        table[owner[fits], column[fits]] = ids[fits]
        table[table[:, 0] == 0, 0] = UNKNOWN
        return table

    def decode(self, ids: Sequence[int]) -> str:
        """Always raises CallError: pieces are kept as hashes, so there is no text to give back."""
        raise CallError(
            say("The tokenizer 'pieces' keeps no text that it could give back.", "分词器 pieces 只存哈希值，不能还原文字。"),
            say("take 'bytes_bpe' or 'characters' where texts must be given back", "需要还原文字时，请改用 bytes_bpe 或 characters"),
        )

    def state(self) -> State:
        return State({"tokenizer": self.name, **asdict(self.options)}, {"known": self.known})

    @classmethod
    def from_state(cls, state: State) -> Pieces:
        """Raises BundleError for settings or hashes that `state()` could not have written."""
        known = state.arrays.get("known")
        settings = {key: value for key, value in state.settings.items() if key != "tokenizer"}
        if state.settings.get("tokenizer") != cls.name or set(settings) != {field.name for field in fields(Options)}:
            raise damaged("settings")
        if set(state.arrays) != {"known"} or not isinstance(known, np.ndarray) or known.dtype != np.uint64 or known.ndim != 1:
            raise damaged("known")
        if len(known) > 2**24 or (known[1:] <= known[:-1]).any():
            raise damaged("known")
        try:
            return cls(read_options(settings), np.ascontiguousarray(known))
        except CallError as error:
            raise damaged("settings") from error


def damaged(part: str) -> BundleError:
    return BundleError(
        say(f"The tokenizer's {part!r} are not what 'pieces' writes.", f"分词器的 {part!r} 不是 pieces 会写出的内容。"),
        say("take the bundle from where it was made once more", "请从原处重新复制这个模型包"),
    )


def read_options(given: dict[str, Any]) -> Options:
    """Raises CallError for an unknown name, a wrong type or a value out of range."""
    known = {field.name: field.default for field in fields(Options)}
    wrong = [name for name, value in given.items() if name not in known or type(value) is not type(known[name])]
    options = None if wrong else Options(**given)
    if options and not (1 <= options.shortest <= options.longest <= 16 and 1 <= options.per_position <= 64):
        wrong = ["shortest, longest, per_position"]
    if options and not (options.min_rows >= 1 and 0 <= options.most <= 2**24):
        wrong = ["min_rows, most"]
    if wrong:
        raise CallError(
            say(f"Not options of the tokenizer 'pieces': {', '.join(wrong)}.", f"分词器 pieces 的选项不对：{'、'.join(wrong)}。"),
            say(f"It knows: {', '.join(known)}.", f"可用的选项：{'、'.join(known)}。"),
        )
    return Options(**given)


def chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), CHUNK):
        yield texts[start : start + CHUNK]


# ------------------------------------------------------------- counting

def seen_in_rows(texts: Sequence[str], options: Options) -> tuple[np.ndarray, np.ndarray]:
    """Each piece's hash, ascending, and the number of rows it is seen in."""
    hashes, counts = [np.zeros(0, dtype=np.uint64)], [np.zeros(0, dtype=np.int64)]
    for chunk in chunks(texts):
        units = cut(chunk, options)
        sizes = np.bincount(units.owner, minlength=units.total)
        begin = np.cumsum(sizes) - sizes
        repeat = sizes[units.unit]  # pieces in each position
        at = np.arange(repeat.sum()) + np.repeat(begin[units.unit] - (np.cumsum(repeat) - repeat), repeat)
        piece, row = units.hashes[at], np.repeat(units.rows, repeat)
        order = np.lexsort((row, piece))
        piece, row = piece[order], row[order]
        new = np.ones(len(piece), dtype=bool)
        new[1:] = (piece[1:] != piece[:-1]) | (row[1:] != row[:-1])
        found, times = np.unique(piece[new], return_counts=True)
        hashes.append(found)
        counts.append(times)
    found, place = np.unique(np.concatenate(hashes), return_inverse=True)
    return found, np.bincount(place, weights=np.concatenate(counts), minlength=len(found)).astype(np.int64)


# -------------------------------------------------------------- cutting

def cut(texts: Sequence[str], options: Options) -> Units:
    """Cut texts into positions and compute the hashes of their pieces."""
    lowered = [text.lower() for text in texts] if options.lower else list(texts)
    codes = np.frombuffer("\n".join(lowered).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    if not len(codes):
        return Units(*(np.zeros(0, dtype=np.int64),) * 2, 0, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64))
    lengths = np.fromiter((len(text) + 1 for text in lowered), dtype=np.int64, count=len(lowered))
    row_of = np.repeat(np.arange(len(texts)), lengths)
    kinds = kinds_of(codes)
    inside = kinds == WORD
    begins = (kinds >= ALONE) | (inside & ~np.concatenate([[False], inside[:-1]]))
    ends = (kinds >= ALONE) | (inside & ~np.concatenate([inside[1:], [False]]))
    start, stop = np.flatnonzero(begins), np.flatnonzero(ends) + 1
    kind = kinds[start]
    hashed = Hashed(codes)
    whole = hashed.spans(start, stop, SALTS["word"])
    # equal words are one unit; a lone character has neighbours, so each is its own
    words = np.flatnonzero(kind == WORD)
    _, first, unit_of_word = np.unique(whole[words], return_index=True, return_inverse=True)
    others = np.flatnonzero(kind != WORD)
    unit = np.empty(len(start), dtype=np.int64)
    unit[words], unit[others] = unit_of_word, len(first) + np.arange(len(others))
    parts = word_pieces(hashed, start[words[first]], stop[words[first]], options)
    parts += [(owner + len(first), piece) for owner, piece in lone_pieces(hashed, start[others], kinds)]
    owner, pieces = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    order = np.argsort(owner, kind="stable")
    return Units(row_of[start], unit, len(first) + len(others), owner[order], pieces[order])


Parts = list[tuple[np.ndarray, np.ndarray]]


def word_pieces(hashed: Hashed, start: np.ndarray, stop: np.ndarray, options: Options) -> Parts:
    """(owner, hash) of each word and of its n-grams; the word's two edges count as characters."""
    size = stop - start
    parts = [(np.arange(len(start)), hashed.spans(start, stop, SALTS["word"]))]
    for n in range(options.shortest, options.longest + 1):
        edged = np.flatnonzero(size >= max(n - 1, 1))
        parts.append((edged, hashed.spans(start[edged], start[edged] + n - 1, SALTS["front"])))
        parts.append((edged, hashed.spans(stop[edged] - n + 1, stop[edged], SALTS["back"])))
        inner = np.maximum(size - n + 1, 0)
        owner = np.repeat(np.arange(len(start)), inner)
        at = start[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(inner) - inner, inner)
        parts.append((owner, hashed.spans(at, at + n, SALTS["inner"])))
    return parts


def lone_pieces(hashed: Hashed, at: np.ndarray, kinds: np.ndarray) -> Parts:
    """(owner, hash) of each lone character, of its two bigrams and of the trigram around it; of each mark."""
    alone = kinds[at] == ALONE
    beside = np.concatenate([[SPACE], kinds, [SPACE]])
    left, right = alone & (beside[at] == ALONE), alone & (beside[at + 2] == ALONE)
    marks, characters, both = np.flatnonzero(~alone), np.flatnonzero(alone), np.flatnonzero(left & right)
    left, right = np.flatnonzero(left), np.flatnonzero(right)
    salt = SALTS["alone"]
    return [
        (marks, hashed.spans(at[marks], at[marks] + 1, SALTS["mark"])),
        (characters, hashed.spans(at[characters], at[characters] + 1, salt)),
        (right, hashed.spans(at[right], at[right] + 2, salt)),
        (left, hashed.spans(at[left] - 1, at[left] + 1, salt)),
        (both, hashed.spans(at[both] - 1, at[both] + 2, salt)),
    ]


class Hashed:
    """The hash of any stretch of an array of code points, from one prefix sum."""

    def __init__(self, codes: np.ndarray) -> None:
        self.powers, self.inverses = powers(BASE, len(codes) + 1), powers(INVERSE, len(codes) + 1)
        self.sums = np.zeros(len(codes) + 1, dtype=np.uint64)
        np.cumsum(mix(codes.astype(np.uint64)) * self.powers[:-1], out=self.sums[1:])

    def spans(self, start: np.ndarray, stop: np.ndarray, salt: int) -> np.ndarray:
        """uint64 hash of codes[start:stop] for each pair; equal stretches of equal salt hash equally anywhere."""
        return mix((self.sums[stop] - self.sums[start]) * self.inverses[start] + np.uint64(salt * 0xD1B54A32D192ED03 % 2**64))


def mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit depends on every bit."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


_powers: dict[int, np.ndarray] = {}


def powers(base: int, count: int) -> np.ndarray:
    """base^0 … base^(count − 1) modulo 2^64; remembered, and grown when more are asked for."""
    have = _powers.get(base)
    if have is None or len(have) < count:
        size = 1 << max(16, (count - 1).bit_length())
        have = np.full(size, base, dtype=np.uint64)
        have[0] = 1
        have = np.cumprod(have, dtype=np.uint64)
        if size <= 1 << 22:  # a single enormous text must not stay in memory
            _powers[base] = have
    return have[:count]


_kinds = np.zeros(0x110000, dtype=np.uint8)  # 0: not asked for yet


def kinds_of(codes: np.ndarray) -> np.ndarray:
    """SPACE, WORD, ALONE or MARK for each code point, uint8."""
    kinds = _kinds[codes]
    if not kinds.all():
        new = np.unique(codes[kinds == 0])
        _kinds[new] = [kind_of(int(code)) for code in new]
        kinds = _kinds[codes]
    return kinds


def kind_of(code: int) -> int:
    if any(low <= code <= high for low, high in UNSPACED):
        return ALONE
    category = unicodedata.category(chr(code))
    if category[0] == "Z" or category == "Cc":
        return SPACE
    return MARK if category[0] in "PS" or category == "Cs" else WORD
