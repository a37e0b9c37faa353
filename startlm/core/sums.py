"""Each row's sum of its features' weights: by itself and in a fixed order, so it is bit for bit the same alone and in any batch."""

from __future__ import annotations

import numpy as np

from .contracts import Ragged

_FEW = 16  # up to so many columns many rows are summed at once, above them row by row: whichever is faster
_BLOCK = 1 << 13  # values summed at once: what is gathered for them stays in the processor's cache


def sum_weights(weights: np.ndarray, encoded: Ragged) -> np.ndarray:
    """float32 (N, C): row i is the sum over its values v of encoded.weights · weights[v]; 0 for an empty row.

    weights: float32 (F, C), with a row for every value.
    """
    summed = np.zeros((len(encoded), weights.shape[1]), dtype=np.float32)
    (_sum_many if weights.shape[1] <= _FEW else _sum_each)(weights, encoded, summed)
    return summed


def _sum_many(weights: np.ndarray, encoded: Ragged, summed: np.ndarray) -> None:
    """Blocks of rows: gather, multiply, add each row's stretch."""
    filled = np.flatnonzero(encoded.lengths)
    begins, ends = encoded.starts[filled], encoded.starts[filled + 1]
    first = 0
    while first < len(filled):
        last = max(first + 1, int(np.searchsorted(ends, begins[first] + _BLOCK, side="right")))
        span = slice(begins[first], ends[last - 1])
        gathered = weights.take(encoded.values[span], axis=0)
        gathered *= encoded.weights[span, None]
        if gathered.shape[1] == 1:  # one long array is added up faster than one of width 1
            summed[filled[first:last], 0] = np.add.reduceat(gathered[:, 0], begins[first:last] - begins[first])
        else:
            summed[filled[first:last]] = np.add.reduceat(gathered, begins[first:last] - begins[first], axis=0)
        first = last


def _sum_each(weights: np.ndarray, encoded: Ragged, summed: np.ndarray) -> None:
    """Row by row one small product of a vector and a matrix, always of the same shape for the same row."""
    values, starts = encoded.values.astype(np.intp), encoded.starts.tolist()
    take, factors = weights.take, encoded.weights
    for start, stop, row in zip(starts, starts[1:], summed, strict=False):
        np.dot(factors[start:stop], take(values[start:stop], 0), row)
