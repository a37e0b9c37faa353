"""Texts that are equal or nearly so: Jaccard similarity of their sets of character 5-grams, 0.9 or more.

    J(A, B) = |A ∩ B| / |A ∪ B|

Candidates come from sketches, in the manner of MinHash: all 5-grams stand in one order and a text is represented by
its k smallest (a bottom-k sketch; Broder 1997). Two things make it sharper than random hashes in bands:
- the order is by rarity, ties by hash, so that what thousands of texts share (boilerplate) does not bring them together;
- k is not fixed but chosen by the pigeonhole principle (prefix filtering: Chaudhuri, Ganti, Kaushik 2006; the position
  bound: Xiao, Wang, Lin, Yu 2008). If J(A, B) >= t, the sketches of k = |A| - ceil(t |A|) + 1 grams share one.
The probability of missing a pair is therefore 0; bands of 5 x 10 hashes would miss (1 - 0.9^5)^10 = 1.3e-4 of those at 0.9.
Each candidate is then verified on its whole sets. Only where more than CROWD different texts share a gram of their
sketches are they compared with their NEIGHBOURS in two orders instead of with all: enough to group what belongs together.

Grams are made block by block and never held all at once: beside the texts, a text of 60 characters costs about 600 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generator, Iterator, Sequence, TypeVar

import numpy as np

from .contracts import Progress
from .workers import in_threads

Found = TypeVar("Found")

GRAM = 5  # characters
CROWD = 128
NEIGHBOURS = 8
CHARACTERS = 1 << 18  # worked on at a time
STRETCH = 1 << 19  # grams of sketches sorted at a time
PAIRS = 1 << 16  # sifted at a time: their arrays stay in the processor's cache
VERIFIED = 1 << 20  # pairs verified at a time, about
SKETCHED, CROWDED = 0.4, 0.7  # the share of the work until sketches are made, until crowds are looked at
TABLE_BITS = 22  # of the table of rarities, at most
WORDS = 4  # of 64 bits
MOST_EXACT = 7_131  # different characters: 7131^5 < 2^64, so that every gram has a number of its own
NOTHING = np.uint64(2**64 - 1)
ONES = np.array([number.bit_count() for number in range(256)], dtype=np.uint8)
MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Pairs:
    """Near pairs: rows int64 (P, 2) with i < j, in order; similarity float64 (P,)."""

    rows: np.ndarray
    similarity: np.ndarray


@dataclass(frozen=True)
class Leaks:
    """Test rows that stand in train. Every test row and every train row concerned is named at least once."""

    exact: list[tuple[int, int]]  # (test row, train row)
    near: list[tuple[int, int, float]]  # (test row, train row, similarity), different texts

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Both kinds: (test row, train row)."""
        return [*self.exact, *((test, train) for test, train, _ in self.near)]


def exact_groups(texts: Sequence[str]) -> np.ndarray:
    """int64 (N,): for each row, the first row with the same text."""
    first: dict[str, int] = {}
    return np.fromiter((first.setdefault(text, row) for row, text in enumerate(texts)), np.int64, len(texts))


def equal_pairs(keys: Sequence[str]) -> Pairs:
    """Each row that is equal to an earlier one, with the first of these."""
    group = exact_groups(keys)
    repeated = np.flatnonzero(group != np.arange(len(keys)))
    return Pairs(np.stack([group[repeated], repeated], axis=1), np.ones(len(repeated)))


def near_pairs(texts: Sequence[str], threshold: float = 0.9) -> Pairs:
    """The pairs of rows with a similarity of at least `threshold`, in (0, 1].

    A repeated text is paired with its first row only (similarity 1), and near pairs are given between first rows:
    thousands of equal rows cost no more than one. Texts shorter than 5 characters are near only where they are equal.
    """
    return _ended(near_steps(texts, threshold))


def near_steps(texts: Sequence[str], threshold: float = 0.9) -> Generator[Progress, None, Pairs]:
    """`near_pairs` with signs of life, in hundredths; returns the pairs."""
    group = exact_groups(texts)
    repeated = np.flatnonzero(group != np.arange(len(texts)))
    first = np.flatnonzero(group == np.arange(len(texts)))
    first = first[np.argsort([len(texts[row]) for row in first], kind="stable")]  # equal lengths make rectangular blocks
    near, similarity = yield from _near([texts[row] for row in first], threshold)
    rows = np.concatenate([np.stack([group[repeated], repeated], axis=1), np.sort(first[near], axis=1)])
    similarity = np.concatenate([np.ones(len(repeated)), similarity])
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    return Pairs(rows[order], similarity[order])


def groups(n: int, pairs: Pairs) -> np.ndarray:
    """int64 (n,): the smallest row of the group that each row belongs to, through any chain of pairs."""
    group = np.arange(n, dtype=np.int64)
    low, high = pairs.rows[:, 0], pairs.rows[:, 1]
    while True:  # each round hands the smaller number across every pair, then down every chain
        least = np.minimum(group[low], group[high])
        before = group.copy()
        for side in (low, high):
            np.minimum.at(group, group[side], least)
        while not np.array_equal(group, shorter := group[group]):
            group = shorter
        if np.array_equal(group, before):
            return group


def _ended(steps: Generator[Progress, None, Found]) -> Found:
    """What the steps return."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def leaks(train_texts: Sequence[str], test_texts: Sequence[str], threshold: float | None = 0.9) -> Leaks:
    """Which test rows stand in train, exactly or nearly; without a threshold, exactly only."""
    return _ended(leak_steps(train_texts, test_texts, threshold))


def leak_steps(train_texts: Sequence[str], test_texts: Sequence[str], threshold: float | None = 0.9) -> Generator[Progress, None, Leaks]:
    """`leaks` with signs of life."""
    texts = [*train_texts, *test_texts]
    group, border = exact_groups(texts), len(train_texts)
    members: dict[int, tuple[list[int], list[int]]] = {}
    for row, first in enumerate(group.tolist()):
        members.setdefault(first, ([], []))[row >= border].append(row if row < border else row - border)
    exact = [pair for train, test in members.values() for pair in _name_all(test, train)]
    near: dict[tuple[int, int], float] = {}
    pairs = Pairs(np.zeros((0, 2), np.int64), np.zeros(0)) if threshold is None else (yield from near_steps(texts, threshold))
    for (low, high), similarity in zip(pairs.rows.tolist(), pairs.similarity.tolist(), strict=True):
        if group[high] != high:  # a repeated text: counted above
            continue
        for one, other in ((low, high), (high, low)):
            near.update(dict.fromkeys(_name_all(members[one][1], members[other][0]), similarity))
    return Leaks(sorted(exact), sorted((test, train, similarity) for (test, train), similarity in near.items()))


def _name_all(test: list[int], train: list[int]) -> list[tuple[int, int]]:
    """Pairs that name each row of both lists once or more, without pairing all with all."""
    if not test or not train:
        return []
    return [(row, train[0]) for row in test] + [(test[0], row) for row in train[1:]]


# ----------------------------------------------------------- different texts

def _near(texts: list[str], threshold: float) -> Generator[Progress, None, tuple[np.ndarray, np.ndarray]]:
    """int64 (P, 2) and float64 (P,) for texts all different and sorted by length."""
    grams = _Grams(texts)
    sketches = yield from _sketches(grams, threshold)
    found, waiting = ([np.empty(0, np.int64)], [np.empty(0)]), [np.empty(0, np.int64)]
    for share, codes in _candidates(grams, sketches, threshold):
        yield _progress(share)
        waiting.append(codes)
        if share < 1 and sum(map(len, waiting)) < VERIFIED:
            continue
        codes, waiting = np.unique(np.concatenate(waiting)), []
        similarity = _similarity(grams, np.stack(np.divmod(codes, max(1, len(texts))), axis=1))
        kept = similarity >= threshold
        found[0].append(codes[kept])
        found[1].append(similarity[kept])
    codes, index = np.unique(np.concatenate(found[0]), return_index=True)
    return np.stack(np.divmod(codes, max(1, len(texts))), axis=1), np.concatenate(found[1])[index]


def _progress(share: float) -> Progress:
    return Progress("prepare", int(100 * share), 100)


class _Grams:
    """The 5-grams of texts sorted by length, as uint64 numbers, made block by block and never all at once."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.lengths = np.array([len(text) for text in texts], dtype=np.int64)
        self.rows = np.flatnonzero(self.lengths >= GRAM)  # those that have grams
        seen = np.zeros(0x110000, dtype=bool)
        for block in self.blocks(self.rows):
            seen[self._characters(block)] = True
        self.number = np.cumsum(seen).astype(np.uint64)  # of each character, from 1
        different = int(self.number[-1]) + 1
        self.base = np.uint64(different if different <= MOST_EXACT else int(MIX))

    def rarity(self) -> np.ndarray:
        """uint64 (a power of two,): how often the grams that fall on each place of the table occur."""
        bits = min(TABLE_BITS, max(10, int(self.lengths.sum()).bit_length()))
        counts = np.zeros(1 << bits, dtype=np.uint64)
        for places in in_threads(lambda block: _place(self.of(block).ravel(), counts), self.blocks(self.rows)):
            np.add.at(counts, places, np.uint64(1))
        return counts

    def of(self, block: np.ndarray) -> np.ndarray:
        """uint64 (R, T): the grams of rows of one length."""
        length = self.lengths[block[0]]
        numbers = self.number[self._characters(block)].reshape(len(block), length)
        codes = np.zeros((len(block), length - GRAM + 1), dtype=np.uint64)
        for offset in range(GRAM):
            codes *= self.base
            codes += numbers[:, offset : length - GRAM + 1 + offset]
        return codes

    def blocks(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """The rows (ascending, so sorted by length) in blocks of one length."""
        for same in np.split(rows, np.flatnonzero(np.diff(self.lengths[rows])) + 1):
            if len(same):
                step = max(1, CHARACTERS // int(self.lengths[same[0]]))
                yield from (same[start : start + step] for start in range(0, len(same), step))

    def _characters(self, rows: np.ndarray) -> np.ndarray:
        return np.frombuffer("".join([self.texts[row] for row in rows]).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _place(codes: np.ndarray, table: np.ndarray) -> np.ndarray:
    return ((codes * MIX) >> np.uint64(65 - len(table).bit_length())).astype(np.int64)


def _as_sets(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(R, T) -> each row sorted with every value once, NOTHING behind; and int64 (R,) how many are left."""
    codes = np.sort(codes, axis=1)
    again = codes[:, 1:] == codes[:, :-1]
    if not again.any():
        return codes, np.full(len(codes), codes.shape[1], dtype=np.int64)
    codes[:, 1:][again] = NOTHING
    codes.sort(axis=1)
    return codes, codes.shape[1] - again.sum(axis=1)


@dataclass(frozen=True)
class _Sketches:
    """Every gram of every sketch, row by row; and of each text its set's size and bits."""

    key: np.ndarray  # uint64 (S,): the gram's place in the order of rarity
    row: np.ndarray  # int32 (S,)
    start: np.ndarray  # int64 (N,): where the row's sketch begins
    size: np.ndarray  # int32 (N,)
    bits: np.ndarray  # uint64 (N, WORDS): which places of a small table an odd number of grams falls on


def _sketches(grams: _Grams, threshold: float) -> Generator[Progress, None, _Sketches]:
    """Makes them in the share of the work up to SKETCHED."""
    rarity = grams.rarity()
    sizes = np.zeros(len(grams.texts), dtype=np.int32)
    bits = np.zeros((len(grams.texts), WORDS), dtype=np.uint64)

    def of(block: np.ndarray) -> np.ndarray:
        codes = grams.of(block)
        key = np.minimum(rarity[_place(codes, rarity)], np.uint64(2**20 - 2)) << np.uint64(44) | (codes * MIX) >> np.uint64(20)
        key, size = _as_sets(key)
        sizes[block], bits[block] = size, _parity(key)
        length = _sketch_length(size, threshold)
        return key[:, : length.max()][np.arange(length.max()) < length[:, None]]

    parts, blocks = [np.empty(0, np.uint64)], list(grams.blocks(grams.rows))
    for done, part in enumerate(in_threads(of, blocks), 1):
        parts.append(part)
        yield _progress(SKETCHED * done / len(blocks))
    key = np.concatenate(parts)
    length = np.where(sizes > 0, _sketch_length(sizes, threshold), 0)
    return _Sketches(key, np.repeat(np.arange(len(sizes), dtype=np.int32), length), np.cumsum(length) - length, sizes, bits)


def _sketch_length(sizes: np.ndarray, threshold: float) -> np.ndarray:
    return sizes - np.ceil(threshold * sizes - 1e-9).astype(np.int64) + 1


def _parity(key: np.ndarray) -> np.ndarray:
    """(R, T) -> uint64 (R, WORDS)"""
    word = (key >> np.uint64(6)) % np.uint64(WORDS)
    bit = np.where(key == NOTHING, np.uint64(0), np.uint64(1) << (key & np.uint64(63)))
    return np.stack([np.bitwise_xor.reduce(np.where(word == np.uint64(number), bit, np.uint64(0)), axis=1) for number in range(WORDS)], axis=1)


# ---------------------------------------------------------------- candidates

def _candidates(grams: _Grams, sketches: _Sketches, threshold: float) -> Iterator[tuple[float, np.ndarray]]:
    """Pairs that may be near, as i * n + j with i < j, some more than once, and the share of the work done, 1 last."""
    count = 1 << max(0, (len(sketches.key) // STRETCH).bit_length())
    crowded = [(np.empty(0, np.uint64), np.empty(0, np.int32))]
    for done, (codes, crowd) in enumerate(in_threads(lambda which: _sharing(sketches, which, count, threshold), range(count)), 1):
        crowded.append(crowd)
        yield SKETCHED + (CROWDED - SKETCHED) * done / count, codes
    key, row = (np.concatenate(part) for part in zip(*crowded, strict=True))
    for number, codes in enumerate(_neighbours(grams, sketches, key, row, threshold)):
        yield CROWDED + (1 - CROWDED) * number / (number + 99), codes  # how many are to come is not known
    yield 1.0, np.empty(0, np.int64)


def _sharing(sketches: _Sketches, which: int, count: int, threshold: float) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Of one in `count` (a power of two) grams: the pairs of rows that share one; and key and row where more than CROWD do."""
    place = np.flatnonzero((sketches.key & np.uint64(count - 1)) == np.uint64(which))
    place = place[np.argsort(sketches.key[place], kind="stable")]
    key, row = sketches.key[place], sketches.row[place]
    rest = (sketches.size[row] - (place - sketches.start[row])).astype(np.int32)  # grams of the row from this one on
    many = np.diff(np.flatnonzero(np.diff(key, prepend=NOTHING)), append=len(key))
    crowded = np.repeat(many > CROWD, many)
    crowd = key[crowded], row[crowded]
    row, rest, many = row[~crowded], rest[~crowded], many[many <= CROWD]
    after = np.repeat(np.cumsum(many), many) - np.arange(len(row)) - 1  # rows behind each one that share its gram
    passed = np.concatenate([[0], np.cumsum(after)])
    found, start = [np.empty(0, np.int64)], 0
    while start < len(row):
        end = max(start + 1, int(np.searchsorted(passed, passed[start] + PAIRS, side="right")) - 1)
        left = np.repeat(np.arange(start, end), after[start:end])
        right = np.arange(1, len(left) + 1) - (passed[left] - passed[start]) + left
        found.append(_kept(sketches, (row[left], row[right]), np.minimum(rest[left], rest[right]), threshold))
        start = end
    return np.concatenate(found), crowd


def _kept(sketches: _Sketches, pairs: tuple[np.ndarray, np.ndarray], rest: np.ndarray | None, threshold: float) -> np.ndarray:
    """Those of the pairs whose sizes, whose grams from the shared one on (int32 (P,), the fewer of both) and whose bits leave them near, coded.

    |A ∩ B| >= t / (1 + t) (|A| + |B|), rounded up, where J >= t; 1e-9 is for the rounding of t. The bits in which A and B differ
    are at most |A - B| + |B - A|, which J >= t bounds from above.
    """
    one, other = pairs
    sizes, others = sketches.size[one], sketches.size[other]
    total = sizes + others
    if rest is not None:
        may = (np.minimum(sizes, others) >= threshold * np.maximum(sizes, others) - 1e-9) & (rest >= np.ceil(threshold / (1 + threshold) * total - 1e-9))
        one, other, total = one[may], other[may], total[may]
    differ = _count_bits(sketches.bits[one] ^ sketches.bits[other])
    may = differ <= (1 - threshold) / (1 + threshold) * total + 1e-9
    one, other = one[may].astype(np.int64), other[may].astype(np.int64)
    return np.minimum(one, other) * len(sketches.size) + np.maximum(one, other)


def _count_bits(words: np.ndarray) -> np.ndarray:
    """uint64 (P, W) -> (P,)"""
    if hasattr(np, "bitwise_count"):  # numpy 2
        return np.bitwise_count(words).sum(axis=1, dtype=np.int64)  # type: ignore[no-any-return]
    return ONES[words.view(np.uint8)].sum(axis=1, dtype=np.int64)  # type: ignore[no-any-return]


def _neighbours(grams: _Grams, sketches: _Sketches, key: np.ndarray, row: np.ndarray, threshold: float) -> Iterator[np.ndarray]:
    """Each text of a crowd with the next ones by its beginning and by its end, where near texts mostly agree."""
    crowd, rank = np.unique(row).tolist(), np.zeros(len(grams.texts), dtype=np.int32)
    ends = np.flatnonzero(np.diff(key, append=NOTHING)) + 1  # of each crowd

    def pairs(stretch: tuple[int, int]) -> np.ndarray:
        here, rows = key[slice(*stretch)], row[slice(*stretch)]
        order = np.lexsort((rank[rows], here))
        here, rows = here[order], rows[order]
        same = [(step, here[:-step] == here[step:]) for step in range(1, NEIGHBOURS + 1)]
        left, right = (np.concatenate(part) for part in zip(*((rows[:-step][each], rows[step:][each]) for step, each in same), strict=True))
        return _kept(sketches, (left, right), None, threshold)

    for backwards in (1, -1):
        crowd.sort(key=lambda one: grams.texts[one][::backwards])
        rank[crowd] = np.arange(len(crowd), dtype=np.int32)
        yield from in_threads(pairs, _stretches(ends))


def _stretches(ends: np.ndarray) -> Iterator[tuple[int, int]]:
    """Neighbouring crowds, about PAIRS / NEIGHBOURS rows at a time: where each stretch begins and ends."""
    start = 0
    while start < (ends[-1] if len(ends) else 0):
        end = int(ends[min(len(ends) - 1, np.searchsorted(ends, start + PAIRS // NEIGHBOURS))])
        yield start, end
        start = end


def _similarity(grams: _Grams, pairs: np.ndarray) -> np.ndarray:
    """float64 (P,): the Jaccard similarity of each pair (i, j), i < j, counted on the whole sets."""
    similarity = np.empty(len(pairs))
    order = np.argsort(-grams.lengths[pairs[:, 1]], kind="stable")  # the first of a chunk is its widest
    place = 0
    while place < len(order):
        width = int(grams.lengths[pairs[order[place], 1]])
        step = max(1, CHARACTERS // (8 * width))
        chunk = order[place : place + step]
        similarity[chunk] = _compare(grams, pairs[chunk])
        place += step
    return similarity


def _compare(grams: _Grams, pairs: np.ndarray) -> np.ndarray:
    involved, index = np.unique(pairs, return_inverse=True)
    index = index.reshape(pairs.shape)
    width = int(grams.lengths[involved].max()) - GRAM + 1
    sets = np.full((len(involved), width), NOTHING)
    sizes, place = np.empty(len(involved), dtype=np.int64), 0
    for block in grams.blocks(involved):
        span, codes = slice(place, place + len(block)), grams.of(block)
        sets[span, : codes.shape[1]], sizes[span] = _as_sets(codes)
        place += len(block)
    both = np.sort(np.concatenate([sets[index[:, 0]], sets[index[:, 1]]], axis=1), axis=1, kind="stable")  # merges what is sorted
    shared = ((both[:, 1:] == both[:, :-1]) & (both[:, 1:] != NOTHING)).sum(axis=1)
    return shared / (sizes[index].sum(axis=1) - shared)
