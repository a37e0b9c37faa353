"""Answers of the linear family: a row's logits are the sum of its features' weights. Nothing but numpy.

Each row is summed by itself and in a fixed order, so its logits are bit for bit the same alone and in any batch.
"""

from __future__ import annotations

import numpy as np

from ..core.contracts import Ragged, State
from ..core.errors import BundleError
from ..core.language import say

_FEW = 24  # up to so many labels it is faster to sum label by label over all rows than row by row over all labels
_BLOCK = 1 << 15  # values summed at once: they stay in the processor's cache


class NumpyEngine:
    """logits = encoded @ weights + bias."""

    name = "numpy"

    def __init__(self, weights: np.ndarray, bias: np.ndarray) -> None:
        """weights: float16 (F, C) and bias: float32 (C,). C is the number of labels; or 1 for two labels: logits (−x / 2, x / 2)."""
        self.weights, self.bias = weights, bias
        wide = weights.astype(np.float32)
        self._by_label = np.ascontiguousarray(wide.T) if wide.shape[1] <= _FEW else None  # (C, F)
        self._by_feature = wide if self._by_label is None else None  # (F, C)

    def logits(self, encoded: Ragged) -> np.ndarray:
        """float32 (N, L). A row's logits do not depend on the rows beside it."""
        summed = self._label_by_label(encoded) if self._by_feature is None else self._row_by_row(encoded)
        summed += self.bias
        if summed.shape[1] == 1:
            return np.concatenate([summed * np.float32(-0.5), summed * np.float32(0.5)], axis=1)
        return summed

    def _label_by_label(self, encoded: Ragged) -> np.ndarray:
        summed = np.zeros((len(encoded), len(self._by_label)), dtype=np.float32)
        rows = np.repeat(np.arange(len(encoded)), encoded.lengths)
        for label, weights in enumerate(self._by_label):
            # bincount adds in float64 in the order of the values: the same for a row wherever it stands
            summed[:, label] = np.bincount(rows, weights[encoded.values] * encoded.weights, minlength=len(encoded))
        return summed

    def _row_by_row(self, encoded: Ragged) -> np.ndarray:
        summed = np.zeros((len(encoded), self._by_feature.shape[1]), dtype=np.float32)
        starts = encoded.starts.tolist()
        for row, (start, stop) in enumerate(zip(starts, starts[1:])):
            summed[row] = encoded.weights[start:stop] @ self._by_feature[encoded.values[start:stop]]
        return summed

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
            and bool(np.isfinite(weights).all()) and bool(np.isfinite(bias).all())
        )
        if not good:
            raise BundleError(
                say("The engine numpy is damaged: its weights are not what was written.", "推理引擎 numpy 已损坏：其权重与写入时不符。"),
                say("deploy the bundle again, or copy it anew", "请重新部署，或重新复制这个模型包"),
            )
        return cls(weights, bias)
