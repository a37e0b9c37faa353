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
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Sequence

import numpy as np

GRAM = 5  # characters
CROWD = 128
NEIGHBOURS = 8
CHARACTERS = 1 << 20  # worked on at a time
TABLE_BITS = 22
MOST_EXACT = 7_131  # different characters: 7131^5 < 2^64, so that every gram has a number of its own
NOTHING = np.uint64(2**64 - 1)
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


def exact_groups(texts: Sequence[str]) -> np.ndarray:
    """int64 (N,): for each row, the first row with the same text."""
    first: dict[str, int] = {}
    return np.fromiter((first.setdefault(text, row) for row, text in enumerate(texts)), np.int64, len(texts))


def near_pairs(texts: Sequence[str], threshold: float = 0.9) -> Pairs:
    """The pairs of rows with a similarity of at least `threshold`, in (0, 1].

    A repeated text is paired with its first row only (similarity 1), and near pairs are given between first rows:
    thousands of equal rows cost no more than one. Texts shorter than 5 characters are near only where they are equal.
    """
    group = exact_groups(texts)
    repeated = np.flatnonzero(group != np.arange(len(texts)))
    first = np.flatnonzero(group == np.arange(len(texts)))
    first = first[np.argsort([len(texts[row]) for row in first], kind="stable")]  # equal lengths make rectangular blocks
    near, similarity = _near([texts[row] for row in first], threshold)
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


def leaks(train_texts: Sequence[str], test_texts: Sequence[str], threshold: float = 0.9) -> Leaks:
    """Which test rows stand in train, exactly or nearly."""
    texts = [*train_texts, *test_texts]
    group, border = exact_groups(texts), len(train_texts)
    members: dict[int, tuple[list[int], list[int]]] = {}
    for row, first in enumerate(group.tolist()):
        members.setdefault(first, ([], []))[row >= border].append(row if row < border else row - border)
    exact = [pair for train, test in members.values() for pair in _name_all(test, train)]
    near: dict[tuple[int, int], float] = {}
    pairs = near_pairs(texts, threshold)
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

def _near(texts: list[str], threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """int64 (P, 2) and float64 (P,) for texts all different and sorted by length."""
    grams = _Grams(texts)
    found = [np.empty(0, np.int64)], [np.empty(0)]
    for codes in _batches(_candidates(grams, threshold), most=1 << 21):
        pairs = np.stack(np.divmod(codes, len(texts)), axis=1)
        similarity = _similarity(grams, pairs)
        kept = similarity >= threshold
        found[0].append(codes[kept])
        found[1].append(similarity[kept])
    codes, index = np.unique(np.concatenate(found[0]), return_index=True)
    return np.stack(np.divmod(codes, max(1, len(texts))), axis=1), np.concatenate(found[1])[index]


class _Grams:
    """The 5-grams of texts sorted by length, as uint64 numbers, made block by block and never all at once."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.lengths = np.array([len(text) for text in texts], dtype=np.int64)
        self.rows = np.flatnonzero(self.lengths >= GRAM)  # those that have grams
        seen = np.zeros(0x110000, dtype=bool)
        for block in self._blocks(self.rows):
            seen[self._characters(block)] = True
        self.number = np.cumsum(seen).astype(np.uint64)  # of each character, from 1
        different = int(self.number[-1]) + 1
        self.base = np.uint64(different if different <= MOST_EXACT else int(MIX))

    def rarity(self) -> np.ndarray:
        """uint64 (2^TABLE_BITS,): how often the grams that fall on each place of the table occur."""
        counts = np.zeros(1 << TABLE_BITS, dtype=np.uint64)
        for _, codes in self.of(self.rows):
            np.add.at(counts, _place(codes.ravel()), np.uint64(1))
        return counts

    def of(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For the rows (ascending, so sorted by length), in blocks of one length: rows (R,), grams uint64 (R, T)."""
        for block in self._blocks(rows):
            length = self.lengths[block[0]]
            numbers = self.number[self._characters(block)].reshape(len(block), length)
            codes = np.zeros((len(block), length - GRAM + 1), dtype=np.uint64)
            for offset in range(GRAM):
                codes *= self.base
                codes += numbers[:, offset : length - GRAM + 1 + offset]
            yield block, codes

    def _blocks(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        for same in np.split(rows, np.flatnonzero(np.diff(self.lengths[rows])) + 1):
            if len(same):
                step = max(1, CHARACTERS // int(self.lengths[same[0]]))
                yield from (same[start : start + step] for start in range(0, len(same), step))

    def _characters(self, rows: np.ndarray) -> np.ndarray:
        return np.frombuffer("".join([self.texts[row] for row in rows]).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _place(codes: np.ndarray) -> np.ndarray:
    return ((codes * MIX) >> np.uint64(64 - TABLE_BITS)).astype(np.int64)


def _as_sets(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(R, T) -> each row sorted with every value once, NOTHING behind; and int64 (R,) how many are left."""
    codes = np.sort(codes, axis=1)
    again = codes[:, 1:] == codes[:, :-1]
    if not again.any():
        return codes, np.full(len(codes), codes.shape[1], dtype=np.int64)
    codes[:, 1:][again] = NOTHING
    codes.sort(axis=1)
    return codes, codes.shape[1] - again.sum(axis=1)


def _least_overlap(sizes: np.ndarray, others: np.ndarray, threshold: float) -> np.ndarray:
    """|A ∩ B| that J >= threshold asks for: ceil(t / (1 + t) (|A| + |B|)); 1e-9 is for the rounding of t."""
    return np.ceil(threshold / (1 + threshold) * (sizes + others) - 1e-9)


def _sketches(grams: _Grams, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """For every gram in every sketch: its key uint64, the row, the row's set size, and how many grams follow, itself counted."""
    rarity = grams.rarity()
    keys, rows, sizes, rest = [np.empty(0, np.uint64)], [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for block, codes in grams.of(grams.rows):
        key = np.minimum(rarity[_place(codes)], np.uint64(2**20 - 2)) << np.uint64(44) | (codes * MIX) >> np.uint64(20)
        key, size = _as_sets(key)
        sketch = size - np.ceil(threshold * size - 1e-9).astype(np.int64) + 1
        row, place = np.nonzero(np.arange(sketch.max()) < sketch[:, None])
        keys.append(key[row, place])
        rows.append(block[row])
        sizes.append(size[row])
        rest.append(size[row] - place)
    key, size = np.concatenate(keys), np.concatenate(sizes)
    order = np.lexsort((size, key))
    return key[order], np.concatenate(rows)[order], size[order], np.concatenate(rest)[order]


def _candidates(grams: _Grams, threshold: float) -> Iterator[np.ndarray]:
    """Pairs that may be near, as i * n + j with i < j, some more than once."""
    key, rows, size, rest = _sketches(grams, threshold)
    n = len(grams.texts)
    begins = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.empty(0, np.int64)
    crowd = np.diff(np.r_[begins, len(key)])
    for begin, many in zip(begins[crowd > CROWD], crowd[crowd > CROWD], strict=True):
        yield _neighbours(grams, np.unique(rows[begin : begin + many]))
    alone = np.repeat(crowd > CROWD, crowd)
    key, rows, size, rest = key[~alone], rows[~alone], size[~alone], rest[~alone]
    left = np.arange(len(key))
    for step in range(1, CROWD):
        left = left[left + step < len(key)]
        right = left + step
        # Sizes ascend within a key: once the partner is too large, so are all that follow.
        left = left[(key[left] == key[right]) & (size[left] >= threshold * size[right] - 1e-9)]
        if not len(left):
            return
        right = left + step
        needed = _least_overlap(size[left], size[right], threshold)
        may = (rest[left] >= needed) & (rest[right] >= needed)
        one, other = rows[left[may]], rows[right[may]]
        yield np.minimum(one, other) * n + np.maximum(one, other)


def _neighbours(grams: _Grams, rows: np.ndarray) -> np.ndarray:
    """Each text of a crowd with the next ones by its beginning and by its end, where near texts mostly agree."""
    pairs = []
    for backwards in (1, -1):
        order = np.array(sorted(rows.tolist(), key=lambda row: grams.texts[row][::backwards]), dtype=np.int64)
        for step in range(1, NEIGHBOURS + 1):
            one, other = order[:-step], order[step:]
            pairs.append(np.minimum(one, other) * len(grams.texts) + np.maximum(one, other))
    return np.concatenate(pairs)


def _batches(parts: Iterator[np.ndarray], most: int) -> Iterator[np.ndarray]:
    """The parts' values, each once a batch, in batches of about `most`."""
    waiting: list[np.ndarray] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= most:
            yield np.unique(np.concatenate(waiting))
            waiting = []
    if waiting:
        yield np.unique(np.concatenate(waiting))


def _similarity(grams: _Grams, pairs: np.ndarray) -> np.ndarray:
    """float64 (P,): the Jaccard similarity of each pair (i, j), i < j, counted on the whole sets."""
    similarity = np.empty(len(pairs))
    order = np.argsort(-grams.lengths[pairs[:, 1]], kind="stable")  # the first of a chunk is its widest
    place = 0
    while place < len(order):
        width = int(grams.lengths[pairs[order[place], 1]])
        step = max(1, CHARACTERS // (2 * width))
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
    for block, codes in grams.of(involved):
        span = slice(place, place + len(block))
        sets[span, : codes.shape[1]], sizes[span] = _as_sets(codes)
        place += len(block)
    both = np.sort(np.concatenate([sets[index[:, 0]], sets[index[:, 1]]], axis=1), axis=1)
    shared = ((both[:, 1:] == both[:, :-1]) & (both[:, 1:] != NOTHING)).sum(axis=1)
    return shared / (sizes[index].sum(axis=1) - shared)
