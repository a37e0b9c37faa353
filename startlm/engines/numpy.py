"""Answers of the linear family: a row's logits are the sum of its features' weights. Nothing but numpy.

Each row is summed by itself and in a fixed order, so its logits are bit for bit the same alone and in any batch.
"""

from __future__ import annotations

import numpy as np

from ..core.contracts import Ragged, State
from ..core.errors import BundleError
from ..core.language import say
from ..core.sums import sum_weights

_MOST_BIAS = 1e6  # no training comes near; float32 holds every sum with it


class NumpyEngine:
    """logits = encoded @ weights + bias."""

    name = "numpy"

    def __init__(self, weights: np.ndarray, bias: np.ndarray) -> None:
        """weights: float16 (F, C) and bias: float32 (C,). C is the number of labels; or 1 for two labels: logits (−x / 2, x / 2)."""
        self.weights, self.bias = weights, bias
        self._wide = weights.astype(np.float32)

    @property
    def width(self) -> int:
        """How many ids it knows."""
        return len(self.weights)

    def logits(self, encoded: Ragged) -> np.ndarray:
        """float32 (N, L). A row's logits do not depend on the rows beside it. BundleError for features without weights here."""
        if encoded.weights is None or (len(encoded.values) and encoded.values.max() >= len(self.weights)):
            raise _damaged()
        summed = sum_weights(self._wide, encoded)
        summed += self.bias
        if summed.shape[1] == 1:
            return np.concatenate([summed * np.float32(-0.5), summed * np.float32(0.5)], axis=1)
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
