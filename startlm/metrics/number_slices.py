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
from math import erfc, sqrt
from typing import Any, Iterator, NamedTuple, Sequence

import numpy as np

from startlm.core.contracts import Figure

from .intervals import DRAWS, FEWEST_ROWS, LEVEL, percentile_interval
from .pairwise import holm
from .slices import SHOWN, Cut, groups_of

_DRAWN = 20_000_000  # numbers drawn in all for the permutations, and at most FLIPS of them
_FLIPS, _FEWEST_FLIPS = 9_999, 999
_CHUNK = 2_000_000  # numbers drawn at once


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


def find_number_slices(truth: np.ndarray, answers: np.ndarray, cuts: Sequence[Cut], *, seed: int, fewest: int = FEWEST_ROWS) -> list[NumberSlice]:
    """The slices with enough rows inside and outside, the surest difference first: all that are worse, and so many more that SHOWN are there.

    truth, answers: float64 (N,). Which slices are looked at follows from how many rows they have, never from their errors.
    """
    return _shown(*_looked_at(truth, answers, cuts, seed, fewest), seed)


def number_slices_json(truth: np.ndarray, answers: np.ndarray, cuts: Sequence[Cut], *, seed: int) -> dict[str, Any]:
    """What a report says of slices: how many were looked at, at which level, on how many rows; all worse ones and the next few."""
    error, groups = _looked_at(truth, answers, cuts, seed, FEWEST_ROWS)
    return {"looked_at": len(groups), "level": round(1 - LEVEL, 6), "n": len(truth), "slices": [each.to_json() for each in _shown(error, groups, seed)]}


def _looked_at(truth: np.ndarray, answers: np.ndarray, cuts: Sequence[Cut], seed: int, fewest: int) -> tuple[np.ndarray, list[_Group]]:
    """The errors, float64 (N,), and every group that is large enough with its p, the surest first."""
    error = np.asarray(answers, dtype=np.float64) - truth
    found = [_Group(cut, value, rows) for cut in cuts for value, rows in groups_of(cut.values) if fewest <= len(rows) <= len(error) - fewest]
    p = _permuted(np.abs(error), [each.rows for each in found], seed)
    groups = [each._replace(p=one, adjusted=adjusted) for each, one, adjusted in zip(found, p, holm(p))]
    return error, sorted(groups, key=lambda each: (each.p, each.cut.kind, each.cut.column, each.value))


def _shown(error: np.ndarray, groups: list[_Group], seed: int) -> list[NumberSlice]:
    off = np.abs(error)
    mean = [float(off[each.rows].mean() - np.delete(off, each.rows).mean()) for each in groups]
    worse = [each for each, gap in zip(groups, mean) if gap > 0 and each.adjusted < 1 - LEVEL]
    others = [each for each, gap in zip(groups, mean) if not (gap > 0 and each.adjusted < 1 - LEVEL)]
    kept = worse + others[: max(0, SHOWN - len(worse))]
    figures = _figures(error, [each.rows for each in kept], seed)
    return [NumberSlice(each.cut.kind, each.cut.column, each.value, *four, each.p, each.adjusted) for each, four in zip(kept, figures)]


# ------------------------------------------------------------------- tests

def _permuted(off: np.ndarray, groups: Sequence[np.ndarray], seed: int) -> list[float]:
    """Two-sided p of the permutation test: is the mean of these rows as far from the mean of all in so many random choices of rows?

    The first n of a random order are a random choice of n rows: one set of orders serves groups of every size. What was seen is counted
    among the orders (Phipson & Smyth 2010); where not one of them goes as far, the normal limit says how much less likely it is.
    """
    if not groups:
        return []
    sizes = np.array([len(rows) for rows in groups])
    away = np.array([abs(float(off[rows].mean() - off.mean())) for rows in groups])
    draws = int(np.clip(_DRAWN // len(off), _FEWEST_FLIPS, _FLIPS))
    as_far = np.ones(len(groups), dtype=np.int64)
    for orders in _orders(len(off), draws, seed):
        means = np.cumsum(off[orders], axis=1)[:, sizes - 1] / sizes  # (some, K)
        as_far += np.sum(np.abs(means - off.mean()) >= away * (1 - 1e-9), axis=0)
    spread = off.std() * np.sqrt((len(off) / sizes - 1) / max(1, len(off) - 1))  # of the mean of n rows drawn without returning them
    least = 1 / (draws + 1)
    return [count * least if count > 1 else min(least, erfc(far / each / sqrt(2))) if each > 0 else 1.0
            for count, far, each in zip(as_far.tolist(), away.tolist(), spread.tolist())]


def _orders(rows: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Random orders of so many rows, int64 (some, rows) at a time."""
    random, step = np.random.default_rng(seed), max(1, _CHUNK // rows)
    for first in range(0, draws, step):
        yield random.permuted(np.tile(np.arange(rows), (min(step, draws - first), 1)), axis=1)


# --------------------------------------------------------------- intervals

def _figures(error: np.ndarray, groups: Sequence[np.ndarray], seed: int) -> list[tuple[Figure, Figure, Figure, Figure]]:
    """For each group its mean absolute error, that of the others, the first less the second, and its mean error: one bootstrap over all rows
    serves them all."""
    if not groups:
        return []
    inside = np.zeros((len(error), len(groups)))
    for number, rows in enumerate(groups):
        inside[rows, number] = 1.0
    off = np.abs(error)
    columns = np.hstack([inside, inside * off[:, None], inside * error[:, None], np.ones((len(error), 1)), off[:, None]])  # (N, 3 K + 2)
    drawn = np.concatenate([counts @ columns for counts in _resampled(len(error), seed)])
    whole, several = _means(columns.sum(axis=0), len(groups)), _means(drawn, len(groups))
    names = ("mae", "mae", "gap", "bias")
    rows = [(len(each), len(error) - len(each), len(each), len(each)) for each in groups]
    return [tuple(_figure(name, whole[at][number], several[at][:, number], rows[number][at]) for at, name in enumerate(names))  # type: ignore[misc]
            for number in range(len(groups))]


def _resampled(rows: int, seed: int) -> Iterator[np.ndarray]:
    """How often each row comes up in DRAWS resamplings, float64 (some, rows) at a time."""
    random, step = np.random.default_rng(seed), max(1, _CHUNK // rows)
    for first in range(0, DRAWS, step):
        size = min(step, DRAWS - first)
        picked = random.integers(0, rows, size=(size, rows)) + rows * np.arange(size)[:, None]
        yield np.bincount(picked.ravel(), minlength=size * rows).reshape(size, rows).astype(np.float64)


def _means(sums: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """float64 (…, K) each: the mean absolute error inside and outside, their difference, the mean error inside."""
    n, off, error = sums[..., :count], sums[..., count : 2 * count], sums[..., 2 * count : 3 * count]
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw may miss a small group
        mine, others = off / n, (sums[..., -1:] - off) / (sums[..., -2:-1] - n)
        return mine, others, mine - others, error / n


def _figure(name: str, value: float, drawn: np.ndarray, n: int) -> Figure:
    low, high = percentile_interval(drawn[np.isfinite(drawn)])
    return Figure(name, float(value), min(low, float(value)), max(high, float(value)), n, 0.0 if name in ("gap", "bias") else None, "bootstrap", False)
