"""Answers of the family `bag`: the sum of a row's vectors, one hidden layer, logits. Nothing but numpy.

Each row is summed and multiplied by itself, so its logits are bit for bit the same alone and in any batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.contracts import Ragged, State
from ..core.errors import BundleError
from ..core.language import say
from ..core.sums import sum_weights

_MOST = 1e6  # no training comes near; float32 holds every sum with it
_ARRAYS = {"table": (np.float16, 2), "hidden": (np.float32, 1), "weights": (np.float32, 2), "bias": (np.float32, 1)}


class HiddenEngine:
    """logits = max(0, encoded @ table + hidden) @ weights + bias."""

    name = "hidden"

    def __init__(self, table: np.ndarray, hidden: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> None:
        """table: float16 (F, H); hidden: float32 (H,); weights: float32 (H, L); bias: float32 (L,)."""
        self.table, self.hidden, self.weights, self.bias = table, hidden, weights, bias
        self._wide = table.astype(np.float32)

    @property
    def width(self) -> int:
        """How many ids it knows."""
        return len(self.table)

    def logits(self, encoded: Ragged) -> np.ndarray:
        """float32 (N, L). A row's logits do not depend on the rows beside it. BundleError for features without a vector here."""
        if encoded.weights is None or (len(encoded.values) and encoded.values.max() >= len(self.table)):
            raise _damaged()
        states = np.maximum(sum_weights(self._wide, encoded) + self.hidden, 0)
        logits = np.empty((len(encoded), len(self.bias)), dtype=np.float32)
        for state, row in zip(states, logits, strict=True):  # one small product each: of many rows at once, bits would change with their number
            np.dot(state, self.weights, row)
        logits += self.bias
        return logits

    def state(self) -> State:
        return State({}, {"table": self.table, "hidden": self.hidden, "weights": self.weights, "bias": self.bias})

    @classmethod
    def from_state(cls, state: State) -> HiddenEngine:
        """Raises BundleError for a state this engine could not have written."""
        arrays: dict[str, Any] = dict(state.arrays)
        if state.settings or set(arrays) != set(_ARRAYS) or not all(_is(arrays[name], *form) for name, form in _ARRAYS.items()):
            raise _damaged()
        width, labels = arrays["weights"].shape
        if arrays["table"].shape[1] != width or len(arrays["hidden"]) != width or len(arrays["bias"]) != labels or not width or not labels:
            raise _damaged()
        return cls(**arrays)


def _is(array: Any, kind: Any, dimensions: int) -> bool:
    largest = min(_MOST, float(np.finfo(kind).max))
    return isinstance(array, np.ndarray) and array.dtype == kind and array.ndim == dimensions and bool((np.abs(array) <= largest).all())


def _damaged() -> BundleError:
    return BundleError(
        say("The engine hidden is damaged: its weights are not what was written.", "推理引擎 hidden 已损坏：其权重与写入时不符。"),
        say("deploy the bundle again, or copy it anew", "请重新部署，或重新复制这个模型包"),
    )
