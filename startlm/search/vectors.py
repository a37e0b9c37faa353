"""Texts ranked by the cosine of their vectors with the query's: exactly, by one product of all vectors with one.

The encoder is given: `encode(texts)` gives float32 (N, D). N rows, D numbers a vector, C cells. Up to EXACT rows every vector is compared;
above, those of the cells nearest to the query (an inverted file: Jégou, Douze & Schmid 2011), and how much of the exact answer that finds is
measured when the index is built.
"""

from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from ..core.contracts import State
from .ranked import Ranked, best_of, check_arrays, unfit_index

EXACT = 100_000  # rows up to which every vector is compared
BLOCK = 1 << 14  # vectors compared by one product
LEAST_NORM = 1e-9

Encode = Callable[[Sequence[str]], np.ndarray]


class Vectors:
    """The ranking `vectors`."""

    name = "vectors"

    def __init__(self, vectors: np.ndarray) -> None:
        """vectors: float16 (N, D), each of length 1 (0 where the encoder says nothing)."""
        self.stored = vectors
        self.vectors = vectors.astype(np.float32)  # once: products of fp16 are slow everywhere

    @classmethod
    def fit(cls, vectors: np.ndarray) -> Vectors:
        """The index of these vectors, float32 (N, D), of any length."""
        return cls(stored_form(vectors))

    def search(self, query: np.ndarray, most: int) -> Ranked:
        """The nearest rows to one vector, float32 (D,): alone or after many others, the same bits. Raises BundleError for one of another width."""
        if query.shape != self.vectors.shape[1:]:
            raise unfit_index()
        asked = unit(query[None])[0]
        scores = np.concatenate([self.vectors[start : start + BLOCK] @ asked for start in range(0, len(self.vectors), BLOCK)] or [np.zeros(0, np.float32)])
        return best_of(scores, most)

    # ------------------------------------------------------- storing

    def state(self) -> State:
        return State({}, {"vectors": self.stored})

    @classmethod
    def from_state(cls, state: State) -> Vectors:
        """Raises BundleError for a state that this ranking could not have written."""
        arrays: dict[str, Any] = dict(state.arrays)
        check_arrays(arrays, {"vectors": (np.float16, 2)})
        if state.settings or not arrays["vectors"].shape[1] or np.abs(arrays["vectors"]).max(initial=0) > 1.01:
            raise unfit_index()
        return cls(arrays["vectors"])


def stored_form(vectors: np.ndarray) -> np.ndarray:
    """float16 (N, D), each of length 1: half the size, and cosines differ by less than 0.001."""
    return unit(vectors).astype(np.float16)


def unit(vectors: np.ndarray) -> np.ndarray:
    """float32 (N, D): each at length 1; zeros stay zeros."""
    vectors = np.asarray(vectors, dtype=np.float32)
    return vectors / np.maximum(np.sqrt((vectors**2).sum(axis=1, keepdims=True)), LEAST_NORM)
