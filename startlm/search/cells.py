"""Cells of vectors: an inverted file (Jégou, Douze & Schmid 2011). A query is compared with the cells' centres, then with the vectors of the nearest cells.

N rows, D numbers a vector, C cells, Q texts asked to measure. Own Lloyd iterations rather than scikit-learn's: an index is also made anew where only
the base is installed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import Any, Generator, Mapping

import numpy as np

from ..core.contracts import Progress
from ..core.language import say
from .ranked import check_starts, unfit_index

NEAR = 10  # recall is that of the first ten
WANTED = 0.97  # of them, on the texts by which `probes` is chosen
ENOUGH = 1_000  # rows compared at least, as many as a search may ask for: so fewer asked are the first of many
FEWEST = 100  # rows; fewer are not worth cells
CHOOSING, JUDGING = 200, 300  # stored texts asked to choose `probes`, and others to measure what was chosen
OF_A_CELL, TURNS = 40, 8  # sampled vectors for each cell, and Lloyd iterations over them: recall is measured, so few will do
SEED = 2011
BLOCK = 1 << 12  # vectors compared by one product
LEAST_NORM = 1e-9


@dataclass(frozen=True)
class Cells:
    """centres: float32 (C, D), of length 1; rows: int32 (N,), by cell; starts: int64 (C + 1,) into them; probes: cells looked in for a query, at least.

    found: uint8 (Q,), of each judged text how many of its ten exact neighbours are in those cells.
    """

    centres: np.ndarray
    rows: np.ndarray
    starts: np.ndarray
    probes: int
    found: np.ndarray

    def __len__(self) -> int:
        return len(self.centres)

    def near(self, asked: np.ndarray, most: int) -> np.ndarray:
        """The cells to look in for one vector, float32 (D,) of length 1, when `most` rows are asked for: int64, nearest first."""
        order = np.argsort(-products(self.centres, asked), kind="stable")
        enough = 1 + int(np.searchsorted(np.cumsum(np.diff(self.starts)[order]), max(most, ENOUGH)))
        return order[: max(self.probes, enough)]

    def stretches(self, cells: np.ndarray) -> list[slice]:
        """Where the rows of these cells stand in `rows`."""
        return [slice(self.starts[cell], self.starts[cell + 1]) for cell in cells.tolist()]

    # ------------------------------------------------------- storing

    def arrays(self) -> dict[str, np.ndarray]:
        return {"centres": self.centres, "cell_rows": self.rows, "cell_starts": self.starts, "found": self.found}

    @classmethod
    def of_arrays(cls, probes: Any, arrays: Mapping[str, np.ndarray], shape: tuple[int, int]) -> Cells:
        """The cells of (N, D) vectors, from arrays of the right types. Raises BundleError for what could not have been written."""
        centres, rows, starts, found = (arrays[name] for name in ("centres", "cell_rows", "cell_starts", "found"))
        if type(probes) is not int or not 1 <= probes <= len(centres) or centres.shape[1] != shape[1] or not np.abs(centres).max() <= 1.01:  # NaN is not
            raise unfit_index()
        check_starts(starts, len(centres), len(rows))
        if len(rows) != shape[0] or (np.sort(rows) != np.arange(shape[0])).any() or not len(found) or found.max() > NEAR:
            raise unfit_index()
        return cls(centres, rows, starts, probes, found)


KINDS = {"centres": (np.float32, 2), "cell_rows": (np.int32, 1), "cell_starts": (np.int64, 1), "found": (np.uint8, 1)}


def products(vectors: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """float32 (N,): each vector's product with one. The same bits wherever a vector stands and whatever stands beside it, which BLAS does not promise."""
    return np.einsum("nd,d->n", vectors, asked)


def unit(vectors: np.ndarray) -> np.ndarray:
    """float32 (N, D): each at length 1; zeros stay zeros."""
    vectors = np.asarray(vectors, dtype=np.float32)
    return vectors / np.maximum(np.sqrt((vectors**2).sum(axis=1, keepdims=True)), LEAST_NORM)


# -------------------------------------------------------------- making

def cells_steps(stored: np.ndarray, exact: int) -> Generator[Progress, None, Cells | None]:
    """Returns the cells of these vectors, float16 (N, D), about 4·√N; None up to `exact` rows. `probes` is doubled until recall@10 is WANTED."""
    total = len(stored)
    if total <= max(exact, FEWEST):
        return None
    count = min(round(4 * sqrt(total)), total)
    yield Progress("search", said=say(f"{total:,} vectors are put into {count:,} cells", f"{total:,} 个向量分入 {count:,} 个单元"))
    random = np.random.default_rng(SEED)
    centres = yield from _centres_steps(stored, count, random)
    cell_of = _nearest(stored, centres)
    starts = np.concatenate([[0], np.cumsum(np.bincount(cell_of, minlength=count))]).astype(np.int64)
    rows = np.argsort(cell_of, kind="stable").astype(np.int32)  # rows ascend within a cell
    asked = random.choice(total, min(total, CHOOSING + JUDGING), replace=False)
    near = _neighbours(stored, asked)
    cut = len(asked) * CHOOSING // (CHOOSING + JUDGING)
    cells = Cells(centres, rows, starts, min(count, ceil(ENOUGH * count / total)), np.zeros(0, np.uint8))
    while (found := _found(cells, stored[asked], cell_of[near]))[:cut].mean() < WANTED * NEAR and cells.probes < count:
        cells = replace(cells, probes=min(2 * cells.probes, count))
    return replace(cells, found=found[cut:])


def _centres_steps(stored: np.ndarray, count: int, random: np.random.Generator) -> Generator[Progress, None, np.ndarray]:
    """Spherical k-means (Dhillon & Modha 2001) on a sample; returns float32 (C, D). A cell that no vector is nearest to keeps its centre."""
    sample = stored[random.choice(len(stored), min(len(stored), OF_A_CELL * count), replace=False)]
    centres = unit(sample[:count])
    for turn in range(1, TURNS + 1):
        cell_of = _nearest(sample, centres)
        order = np.argsort(cell_of, kind="stable")
        filled, first = np.unique(cell_of[order], return_index=True)
        ends = np.append(first[1:], len(order))
        for cell, start, end in zip(filled.tolist(), first.tolist(), ends.tolist()):
            centres[cell] = sample[order[start:end]].sum(axis=0, dtype=np.float32)
        centres = unit(centres)
        yield Progress("search", turn, TURNS)
    return centres


def _nearest(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """int64 (N,): the cell whose centre each vector is nearest to."""
    blocks = (vectors[start : start + BLOCK].astype(np.float32) for start in range(0, len(vectors), BLOCK))
    return np.concatenate([(block @ centres.T).argmax(axis=1) for block in blocks])


def _neighbours(stored: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """int64 (Q, 10): the exact neighbours of these rows, themselves left out. Of rows that are equally near, any: recall is then a little low, not high."""
    queries = unit(stored[asked])
    rows, scores = np.zeros((len(asked), 0), np.int64), np.zeros((len(asked), 0), np.float32)
    for start in range(0, len(stored), BLOCK):
        block = stored[start : start + BLOCK].astype(np.float32)
        here = np.arange(start, start + len(block))
        rows = np.concatenate([rows, np.broadcast_to(here, (len(asked), len(here)))], axis=1)
        scores = np.concatenate([scores, np.where(here == asked[:, None], -np.inf, queries @ block.T)], axis=1)
        if scores.shape[1] > NEAR:
            best = np.argpartition(-scores, NEAR - 1, axis=1)[:, :NEAR]
            rows, scores = np.take_along_axis(rows, best, 1), np.take_along_axis(scores, best, 1)
    return rows


def _found(cells: Cells, queries: np.ndarray, near: np.ndarray) -> np.ndarray:
    """uint8 (Q,): how many of these neighbours' cells, int64 (Q, 10), are looked in when the text and ten others are asked for."""
    return np.array([np.isin(own, cells.near(asked, NEAR + 1)).sum() for asked, own in zip(unit(queries), near)], np.uint8)
