"""Answers of the linear family: a row's logits are the sum of its features' weights. Nothing but numpy.

Each row is summed by itself and in a fixed order, so its logits are bit for bit the same alone and in any batch.
"""

from __future__ import annotations

import numpy as np

from ..core.contracts import Ragged, State
from ..core.errors import BundleError
from ..core.language import say

_FEW = 16  # up to so many columns many rows are summed at once, above them row by row: whichever is faster
_MOST_BIAS = 1e6  # no training comes near; float32 holds every sum with it
_BLOCK = 1 << 13  # values summed at once: what is gathered for them stays in the processor's cache


class NumpyEngine:
    """logits = encoded @ weights + bias."""

    name = "numpy"

    def __init__(self, weights: np.ndarray, bias: np.ndarray) -> None:
        """weights: float16 (F, C) and bias: float32 (C,). C is the number of labels; or 1 for two labels: logits (−x / 2, x / 2)."""
        self.weights, self.bias = weights, bias
        self._wide = weights.astype(np.float32)

    def logits(self, encoded: Ragged) -> np.ndarray:
        """float32 (N, L). A row's logits do not depend on the rows beside it. BundleError for features without weights here."""
        if encoded.weights is None or (len(encoded.values) and encoded.values.max() >= len(self.weights)):
            raise _damaged()
        summed = np.zeros((len(encoded), self._wide.shape[1]), dtype=np.float32)
        (self._sum_many if self._wide.shape[1] <= _FEW else self._sum_each)(encoded, summed)
        summed += self.bias
        if summed.shape[1] == 1:
            return np.concatenate([summed * np.float32(-0.5), summed * np.float32(0.5)], axis=1)
        return summed

    def _sum_many(self, encoded: Ragged, summed: np.ndarray) -> None:
        """Blocks of rows: gather, multiply, add each row's stretch."""
        filled = np.flatnonzero(encoded.lengths)
        begins, ends = encoded.starts[filled], encoded.starts[filled + 1]
        first = 0
        while first < len(filled):
            last = max(first + 1, int(np.searchsorted(ends, begins[first] + _BLOCK, side="right")))
            span = slice(begins[first], ends[last - 1])
            gathered = self._wide.take(encoded.values[span], axis=0)
            gathered *= encoded.weights[span, None]
            if gathered.shape[1] == 1:  # one long array is added up faster than one of width 1
                summed[filled[first:last], 0] = np.add.reduceat(gathered[:, 0], begins[first:last] - begins[first])
            else:
                summed[filled[first:last]] = np.add.reduceat(gathered, begins[first:last] - begins[first], axis=0)
            first = last

    def _sum_each(self, encoded: Ragged, summed: np.ndarray) -> None:
        """Row by row one small product of a vector and a matrix, always of the same shape for the same row."""
        values, starts = encoded.values.astype(np.intp), encoded.starts.tolist()
        take, weights = self._wide.take, encoded.weights
        for start, stop, logits in zip(starts, starts[1:], summed, strict=False):
            np.dot(weights[start:stop], take(values[start:stop], 0), logits)

    def state(self) -> State:
        return State({}, {"weights": self.weights, "bias": self.bias})

    @classmethod
    def from_state(cls, state: State) -> NumpyEngine:
        """Raises BundleError for a state this engine could not have written."""
        weights, bias = (state.arrays.get(key) for key in ("weights", "bias"))
        good = (
            not state.settings and set(state.arrays) == {"weights", "bias"}
            and isinstance(weights, np.ndarray) and isinstance(bias, np.ndarray) and weights.dtype == np.float16 and bias.dtype == np.float32
            and weights.ndim == 2 and weights.shape[1:] == bias.shape and weights.shape[1] > 0
            and bool(np.isfinite(weights).all()) and bool((np.abs(bias) <= _MOST_BIAS).all())
        )
        if not good:
            raise _damaged()
        return cls(weights, bias)


def _damaged() -> BundleError:
    return BundleError(
        say("The engine numpy is damaged: its weights are not what was written.", "推理引擎 numpy 已损坏：其权重与写入时不符。"),
        say("deploy the bundle again, or copy it anew", "请重新部署，或重新复制这个模型包"),
    )
