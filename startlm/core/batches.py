"""Batches of rows of similar length, counted in tokens, so that little is computed on padding."""

from __future__ import annotations

import numpy as np

from .contracts import Ragged

POOL = 8  # batches whose rows are sorted together: less padding with more of them, less accuracy too (docs/decisions/0003)


def draw_batches(lengths: np.ndarray, tokens: int, *, seed: int, epoch: int, pool: int = POOL) -> list[np.ndarray]:
    """The batches of one epoch: every row once, each batch at most `tokens` positions with its padding.

    A row longer than `tokens` is a batch of its own; the rows of `pool` batches are sorted together. Order and neighbours depend on (seed, epoch) alone.

    >>> [batch.tolist() for batch in draw_batches(np.array([5, 1, 5, 1]), 10, seed=0, epoch=0)]
    [[2, 0], [1, 3]]
    """
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(lengths))
    lengths = np.maximum(lengths, 1)
    together = max(1, int(pool * tokens / max(lengths.mean(), 1))) if len(lengths) else 1
    batches: list[np.ndarray] = []
    for start in range(0, len(order), together):
        rows = order[start : start + together]
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        batches += cut(rows, lengths[rows], tokens)
    return [batches[number] for number in random.permutation(len(batches))]


def cut(rows: np.ndarray, lengths: np.ndarray, tokens: int) -> list[np.ndarray]:
    """Rows, shortest first, cut into batches of at most `tokens` positions, all of nearly the same number."""
    batches, start = [], 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or lengths[end] * (end + 1 - start) > tokens:
            batches.append(rows[start:end])
            start = end
    return batches


def padded(encoded: Ragged, rows: np.ndarray, *, longest: int = 0) -> tuple[np.ndarray, ...]:
    """These rows as one array: ids int64 (N, T) or (N, T, K), 0 where a row has ended, and lengths int64 (N,); where ids are weighed
    their weights too, float32 (N, T).

    `longest` cuts rows to their first so many positions (0: as they are). T is at least 1.
    """
    rows = np.asarray(rows, dtype=np.int64)
    lengths = encoded.lengths[rows]
    if longest:
        lengths = np.minimum(lengths, longest)
    width = max(1, int(lengths.max(initial=0)))
    at = np.arange(width)
    real = at < lengths[:, None]
    ids = np.zeros((len(rows), width, *encoded.values.shape[1:]), dtype=np.int64)
    index = (encoded.starts[rows][:, None] + at)[real]
    ids[real] = encoded.values[index]
    if encoded.weights is None:
        return ids, lengths
    weights = np.zeros((len(rows), width), dtype=np.float32)
    weights[real] = encoded.weights[index]
    return ids, lengths, weights
