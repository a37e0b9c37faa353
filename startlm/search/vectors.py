"""Texts ranked by the cosine of their vectors with the query's.

The encoder is given: `encode(texts)` gives float32 (N, D). N rows, D numbers a vector, C cells. Up to EXACT rows every vector is compared;
above, those of the cells nearest to the query (cells.py), and how much of the exact answer that finds is measured when the index is built.
"""

from __future__ import annotations

from typing import Any, Callable, Generator, Sequence

import numpy as np

from ..core.contracts import Progress, State
from .cells import KINDS, Cells, cells_steps, products, unit
from .ranked import Ranked, best_of, check_arrays, unfit_index

EXACT = 100_000  # rows up to which every vector is compared
BLOCK = 1 << 14  # vectors brought to fp32 at once

Encode = Callable[[Sequence[str]], np.ndarray]


class Vectors:
    """The ranking `vectors`."""

    name = "vectors"

    def __init__(self, vectors: np.ndarray, cells: Cells | None = None) -> None:
        """vectors: float16 (N, D), each of length 1 (0 where the encoder says nothing); cells: theirs, None where every vector is compared."""
        self.stored, self.cells = vectors, cells
        self.vectors = np.empty(vectors.shape, np.float32)  # once: products of fp16 are slow everywhere; by cell where there are cells
        for start in range(0, len(vectors), BLOCK):
            span = slice(start, start + BLOCK)
            self.vectors[span] = vectors[span] if cells is None else vectors[cells.rows[span]]

    @classmethod
    def fit(cls, vectors: np.ndarray, *, exact: int = EXACT) -> Vectors:
        """The index of these vectors, float32 (N, D), of any length. exact: rows up to which every vector is compared."""
        steps = vectors_steps(stored_form(vectors), exact)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]

    def search(self, query: np.ndarray, most: int) -> Ranked:
        """The nearest rows to one vector, float32 (D,): alone or after many others, the same bits. Raises BundleError for one of another width."""
        if query.shape != self.vectors.shape[1:]:
            raise unfit_index()
        asked = unit(query[None])[0]
        if self.cells is None:
            return best_of(products(self.vectors, asked), most)
        spans = self.cells.stretches(self.cells.near(asked, most))
        rows = np.concatenate([self.cells.rows[span] for span in spans])
        scores = np.concatenate([products(self.vectors[span], asked) for span in spans])
        return best_of(scores, most, rows)

    # ------------------------------------------------------- storing

    def state(self) -> State:
        if self.cells is None:
            return State({}, {"vectors": self.stored})
        return State({"probes": self.cells.probes}, {"vectors": self.stored, **self.cells.arrays()})

    @classmethod
    def from_state(cls, state: State) -> Vectors:
        """Raises BundleError for a state that this ranking could not have written."""
        arrays: dict[str, Any] = dict(state.arrays)
        check_arrays(arrays, {"vectors": (np.float16, 2), **(KINDS if state.settings else {})})
        vectors = arrays["vectors"]
        if not vectors.shape[1] or not np.abs(vectors).max(initial=0) <= 1.01:  # NaN is not
            raise unfit_index()
        if not state.settings:
            return cls(vectors)
        if set(state.settings) != {"probes"}:
            raise unfit_index()
        return cls(vectors, Cells.of_arrays(state.settings["probes"], arrays, vectors.shape))


def vectors_steps(stored: np.ndarray, exact: int = EXACT) -> Generator[Progress, None, Vectors]:
    """Returns the index of these vectors, float16 (N, D), each of length 1."""
    return Vectors(stored, (yield from cells_steps(stored, exact)))


def stored_form(vectors: np.ndarray) -> np.ndarray:
    """float16 (N, D), each of length 1: half the size, and cosines differ by less than 0.001."""
    return unit(vectors).astype(np.float16)
