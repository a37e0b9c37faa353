"""Where a model of numbers is further off than elsewhere: its absolute error on groups of test rows, each beside the rest, corrected for
looking at many; and whether answers there are too high or too low.

>>> import numpy as np
>>> off = np.array([3.0] * 30 + [1.0] * 70)
>>> found = find_number_slices(np.zeros(100), off, [Cut("language", "", ["zh"] * 30 + ["en"] * 70)], seed=0)
>>> [(each.value, each.worse) for each in found]
[('zh', True), ('en', False)]
"""

from __future__ import annotations

from dataclasses import asdict
from math import sqrt
from typing import Any, Iterator, NamedTuple, Sequence

import numpy as np

from startlm.core.contracts import Figure

from .intervals import DRAWS, FEWEST_ROWS, LEVEL, percentile_interval
from .pairwise import holm
from .slices import SHOWN, Cut, groups_of

_FEWEST_DRAWS = 9_999  # other choices of rows that a group is held against, and at least so many for each group looked at:
_DRAWS_EACH = 100  # the smallest p that they can tell is then a hundredth after Holm
_ENOUGH = 400  # of them as far: p is known to a twentieth of itself, no more are drawn
_ROUNDED = 1e-11  # sums are rounded: what comes so close to as far, beside the largest sum there could be, is as far
_MOST_WORSE = 100  # worse groups that are shown, the surest; a report says how many more there are
_CHUNK = 1_000_000  # numbers drawn at once


class NumberSlice(NamedTuple):
    """Rows with one value: their mean absolute error and that of all others, how much greater it is, how much too high their answers are
    (below 0: too low), the chance of such a difference, and that chance after Holm."""

    kind: str
    column: str
    value: str
    mae: Figure
    rest: Figure
    gap: Figure
    bias: Figure
    p: float
    adjusted: float

    @property
    def worse(self) -> bool:
        """Further off than elsewhere, by more than chance, although so many slices were looked at."""
        return self.adjusted < 1 - LEVEL and (self.gap.value or 0.0) > 0

    def to_json(self) -> dict[str, Any]:
        figures = {name: asdict(getattr(self, name)) for name in ("mae", "rest", "gap", "bias")}
        return {"kind": self.kind, "column": self.column, "value": self.value, **figures, "p": self.p, "p_adjusted": self.adjusted, "worse": self.worse}


class _Group(NamedTuple):
    cut: Cut
    value: str
    rows: np.ndarray
    p: float = 1.0
    adjusted: float = 1.0
    gap: float = 0.0

    @property
    def worse(self) -> bool:
        return self.gap > 0 and self.adjusted < 1 - LEVEL

    def sure(self, all_rows: int) -> float:
        """How large the gap is beside what chance makes of it, but for a factor that all groups share: orders those of one p."""
        return float(np.float32(abs(self.gap) * sqrt(len(self.rows) * (all_rows - len(self.rows)))))


def find_number_slices(truth: np.ndarray, answers: np.ndarray, cuts: Sequence[Cut], *, seed: int, fewest: int = FEWEST_ROWS) -> list[NumberSlice]:
    """The slices with enough rows inside and outside, the surest difference first: the 100 surest that are worse, and so many more that SHOWN
    are there.

    truth, answers: float64 (N,). Which slices are looked at follows from how many rows they have, never from their errors.
    """
    return _shown(*_looked_at(truth, answers, cuts, seed, fewest), seed)


def number_slices_json(truth: np.ndarray, answers: np.ndarray, cuts: Sequence[Cut], *, seed: int) -> dict[str, Any]:
    """What a report says of slices: how many were looked at, at which level, on how many rows; the worse ones and the next few, and how many
    worse ones are left out."""
    error, groups = _looked_at(truth, answers, cuts, seed, FEWEST_ROWS)
    return {"looked_at": len(groups), "level": round(1 - LEVEL, 6), "n": len(truth), "left_out": max(0, sum(each.worse for each in groups) - _MOST_WORSE),
            "slices": [each.to_json() for each in _shown(error, groups, seed)]}


def _looked_at(truth: np.ndarray, answers: np.ndarray, cuts: Sequence[Cut], seed: int, fewest: int) -> tuple[np.ndarray, list[_Group]]:
    """The errors, float64 (N,), and every group that is large enough with its p, the surest first."""
    error = np.asarray(answers, dtype=np.float64) - truth
    found = [_Group(cut, value, rows) for cut in cuts for value, rows in groups_of(cut.values) if fewest <= len(rows) <= len(error) - fewest]
    off = np.abs(error)
    p = _permuted(off, [each.rows for each in found], seed)
    groups = [each._replace(p=one, adjusted=adjusted, gap=_gap(off, each.rows)) for each, one, adjusted in zip(found, p, holm(p))]
    return error, sorted(groups, key=lambda each: (each.p, -each.sure(len(off)), each.cut.kind, each.cut.column, each.value))


def _gap(off: np.ndarray, rows: np.ndarray) -> float:
    """The mean of these rows less that of all others."""
    inside = float(off[rows].sum())
    return inside / len(rows) - (float(off.sum()) - inside) / (len(off) - len(rows))


def _shown(error: np.ndarray, groups: list[_Group], seed: int) -> list[NumberSlice]:
    worse, others = ([each for each in groups if each.worse == is_worse] for is_worse in (True, False))
    kept = worse[:_MOST_WORSE] + others[: max(0, SHOWN - len(worse))]
    figures = _figures(error, [each.rows for each in kept], seed)
    return [NumberSlice(each.cut.kind, each.cut.column, each.value, *four, each.p, each.adjusted) for each, four in zip(kept, figures)]


# ------------------------------------------------------------------- tests

def _permuted(off: np.ndarray, groups: Sequence[np.ndarray], seed: int) -> list[float]:
    """Two-sided p of the permutation test: is the mean of these rows as far from the mean of all in so many random choices of rows?

    The rows stand in a circle in random order; each turn of their errors by 1 … N − 1 places gives the group other errors. The turns are a
    group of permutations, so those of one order make an exact test, however the errors are spread (Hemerik & Goeman 2018), and one
    Fourier transform sums them all. What was seen is counted among them (Phipson & Smyth 2010): no p is smaller than they can tell.
    A group with enough of them as far is done; the others are held against further orders.
    """
    if not groups:
        return []
    far = off - off.mean()
    away = np.array([abs(float(far[rows].sum())) - _ROUNDED * sqrt(len(rows)) * float(np.linalg.norm(far)) for rows in groups])
    as_far, drawn = np.zeros(len(groups), dtype=np.int64), np.zeros(len(groups), dtype=np.int64)
    random, step = np.random.default_rng(seed), max(1, _CHUNK // (2 * len(off)))
    while len(left := np.flatnonzero((as_far < _ENOUGH) & (drawn < max(_FEWEST_DRAWS, _DRAWS_EACH * len(groups))))):
        place = random.permutation(len(off))
        for some in np.split(left, range(step, len(left), step)):
            sums = _turned(far, [groups[number] for number in some], place)
            as_far[some] += np.sum(np.abs(sums) >= away[some, None], axis=1)
        drawn[left] += len(off) - 1
    return ((1 + as_far) / (1 + drawn)).tolist()  # type: ignore[no-any-return]


def _turned(far: np.ndarray, groups: Sequence[np.ndarray], place: np.ndarray) -> np.ndarray:
    """float64 (K, N − 1): what each group sums when the rows stand at `place` in a circle and their errors go on by 1 … N − 1 places."""
    errors, inside = np.empty(len(far)), np.zeros((len(groups), len(far)))
    errors[place] = far
    for number, rows in enumerate(groups):
        inside[number, place[rows]] = 1.0
    return np.fft.irfft(np.fft.rfft(inside) * np.fft.rfft(errors).conj(), n=len(far))[:, 1:]  # type: ignore[no-any-return]


# --------------------------------------------------------------- intervals

def _figures(error: np.ndarray, groups: Sequence[np.ndarray], seed: int) -> list[tuple[Figure, Figure, Figure, Figure]]:
    """For each group its mean absolute error, that of the others, the first less the second, and its mean error: one bootstrap over all rows
    serves them all, and a group reads its own rows of it only."""
    if not groups:
        return []
    columns = np.stack([np.ones(len(error)), np.abs(error), error])  # (3, N)
    of_all, of_group = np.empty((3, DRAWS)), np.empty((len(groups), 3, DRAWS))
    for draws, counts in _resampled(len(error), seed):
        of_all[:, draws] = columns @ counts
        for number, rows in enumerate(groups):
            of_group[number, :, draws] = columns.take(rows, axis=1) @ counts.take(rows, axis=0)
    found = []
    for rows, drawn in zip(groups, of_group):
        whole, several = _means(columns[:, rows].sum(axis=1), columns.sum(axis=1)), _means(drawn, of_all)
        n = (len(rows), len(error) - len(rows), len(rows), len(rows))
        mae, rest, gap, bias = (_figure(name, float(whole[at]), several[at], n[at]) for at, name in enumerate(("mae", "mae", "gap", "bias")))
        found.append((mae, rest, gap, bias))
    return found


def _resampled(rows: int, seed: int) -> Iterator[tuple[slice, np.ndarray]]:
    """How often each row comes up in DRAWS resamplings, float64 (rows, some) at a time, and which draws these are."""
    random, step = np.random.default_rng(seed), max(1, _CHUNK // rows)
    for first in range(0, DRAWS, step):
        size = min(step, DRAWS - first)
        picked = random.integers(0, rows, size=(size, rows)) * size + np.arange(size)[:, None]
        yield slice(first, first + size), np.bincount(picked.ravel(), minlength=size * rows).reshape(rows, size).astype(np.float64)


def _means(group: np.ndarray, everything: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of sums (3, …) of rows, absolute errors and errors: the mean absolute error inside and outside, their difference, the mean error inside."""
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw may miss a small group
        inside, outside = group[1] / group[0], (everything[1] - group[1]) / (everything[0] - group[0])
        return inside, outside, inside - outside, group[2] / group[0]


def _figure(name: str, value: float, drawn: np.ndarray, n: int) -> Figure:
    low, high = percentile_interval(drawn[np.isfinite(drawn)])
    return Figure(name, value, min(low, value), max(high, value), n, 0.0 if name in ("gap", "bias") else None, "bootstrap", False)
