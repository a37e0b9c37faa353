"""Figures of answers that are numbers: how far off they are, how much they explain, whether they order the rows rightly.

Every member of the shelf is called with a `JudgedNumbers` and returns a Figure in the target's own unit (mae, rmse) or
without one (r2, spearman). Intervals: bootstrap over rows, BCa where a figure is made of sums, percentile for ranks.

>>> import numpy as np
>>> truth = np.arange(40.0)
>>> mae(JudgedNumbers(truth, truth + 0.5)).value
0.5
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Callable, NamedTuple, Protocol

import numpy as np

from startlm.core.contracts import Figure

from .comparison import paired_gain
from .intervals import (
    DRAWS, FEWEST_ROWS, bootstrap_counts, bootstrap_means, bootstrap_sums, corrected_interval, kinds_of, no_figure, percentile_interval,
)

_FEWEST_DRAWS = 200  # of ranks, where rows are many: each draw ranks all rows anew
_RANKED = 4_000_000  # rows ranked in all
_CONSTANT = 1e-12  # a spread below this share of the whole is none


@dataclass(frozen=True)
class JudgedNumbers:
    """What was answered to rows whose true number is known.

    truth, predicted: float64 (N,), in the target's own unit. The dumb baseline always answers the median of train (which no
    other constant beats in absolute error) or its mean (the same in squared error); None where train is not known.
    """

    truth: np.ndarray
    predicted: np.ndarray
    baseline_mean: float | None = None
    baseline_median: float | None = None
    seed: int = 0

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def resampled(self) -> Resampled:
        """The sums of the rows and of resamplings: made once, used by every figure that is made of sums."""
        return Resampled.of(self.truth, self.predicted, self.seed)

    def always(self, constant: float | None) -> JudgedNumbers | None:
        """The same rows, all answered with one number."""
        if constant is None:
            return None
        return replace(self, predicted=np.full(len(self), float(constant)), baseline_mean=None, baseline_median=None)


class NumberMetric(Protocol):
    """A member of the shelf."""

    def __call__(self, judged: JudgedNumbers) -> Figure: ...


# ---------------------------------------------------------------- sums

class Sums(NamedTuple):
    """Over so many rows: the absolute errors, the squared ones, the truth less its mean, and that squared; (…) each."""

    rows: int
    absolute: np.ndarray
    squared: np.ndarray
    truth: np.ndarray
    truth_squared: np.ndarray

    @property
    def spread(self) -> np.ndarray:
        """The truth's squared distances from its mean, (…)."""
        return self.truth_squared - self.truth**2 / self.rows


class Resampled(NamedTuple):
    """Sums of all rows, of bootstrap draws (draws,), and with one row of each kind left out (C,); `counts` are int64 (C,) rows."""

    whole: Sums
    drawn: Sums
    left_out: Sums
    counts: np.ndarray

    @classmethod
    def of(cls, truth: np.ndarray, predicted: np.ndarray, seed: int) -> Resampled:
        """A row matters only by its truth and its answer: equal pairs are one kind."""
        kinds, counts = kinds_of(np.column_stack([truth, predicted]))
        error, centred = kinds[:, 1] - kinds[:, 0], kinds[:, 0] - np.average(kinds[:, 0], weights=counts)  # squares of far values would cancel
        columns = np.column_stack([np.abs(error), error**2, centred, centred**2])  # (C, 4)
        n, whole = len(truth), counts @ columns
        drawn = bootstrap_sums(columns, counts, seed)
        return cls(Sums(n, *whole), Sums(n, *drawn.T), Sums(n - 1, *(whole - columns).T), counts)


def _mean_absolute(sums: Sums) -> np.ndarray:
    return sums.absolute / sums.rows


def _root_mean_squared(sums: Sums) -> np.ndarray:
    return np.sqrt(np.maximum(sums.squared, 0.0) / sums.rows)


def _explained(sums: Sums) -> np.ndarray:
    """1 - errors² / spread; NaN where all truths are the same: nothing is there to be explained."""
    varies = sums.spread > _CONSTANT * sums.truth_squared
    return np.where(varies, 1 - sums.squared / np.where(varies, sums.spread, 1.0), np.nan)


# ------------------------------------------------------------- figures

@dataclass(frozen=True)
class OfSums:
    """A figure made of sums over rows; BCa bootstrap (Efron 1987). `always`: the constant that the dumb baseline answers."""

    name: str
    of: Callable[[Sums], np.ndarray]
    always: str
    higher_is_better: bool = False

    def __call__(self, judged: JudgedNumbers) -> Figure:
        n, beside = len(judged), self._baseline(judged)
        if n < FEWEST_ROWS:
            return no_figure(self.name, n, self.higher_is_better, beside)
        whole, drawn, left_out, counts = judged.resampled
        value, draws, without = float(self.of(whole)), self.of(drawn), self.of(left_out)
        draws = draws[np.isfinite(draws)]
        if not np.isfinite(value) or not len(draws):
            return no_figure(self.name, n, self.higher_is_better, beside)
        low, high = corrected_interval(value, draws, np.where(np.isfinite(without), without, value), counts)
        return Figure(self.name, value, min(low, value), max(high, value), n, beside, "bootstrap", self.higher_is_better)

    def _baseline(self, judged: JudgedNumbers) -> float | None:
        other = judged.always(judged.baseline_median if self.always == "median" else judged.baseline_mean)
        if other is None or not len(other):
            return None
        error, centred = other.predicted - other.truth, other.truth - other.truth.mean()
        value = float(self.of(Sums(len(other), np.abs(error).sum(), (error**2).sum(), centred.sum(), (centred**2).sum())))
        return value if np.isfinite(value) else None


mae = OfSums("mae", _mean_absolute, "median")
rmse = OfSums("rmse", _root_mean_squared, "mean")
r2 = OfSums("r2", _explained, "mean", higher_is_better=True)


def spearman(judged: JudgedNumbers) -> Figure:
    """The correlation of the ranks of truth and answers (Spearman 1904), equal values sharing their average rank.

    Percentile bootstrap over rows, each draw ranked anew: 1,000 draws, fewer (200 at least) above 4,000 rows. No number where
    all truths or all answers are the same.
    """
    n = len(judged)
    if n < FEWEST_ROWS:
        return no_figure("spearman", n)
    kinds, counts = kinds_of(np.column_stack([judged.truth, judged.predicted]))
    groups = [_Groups.of(column) for column in kinds.T]
    value = float(_rank_correlation(groups, counts[None])[0])
    if not np.isfinite(value):
        return no_figure("spearman", n)
    draws = min(DRAWS, max(_FEWEST_DRAWS, _RANKED // n))
    drawn = np.concatenate([_rank_correlation(groups, times) for times in bootstrap_counts(counts, judged.seed, draws)])
    low, high = percentile_interval(drawn[np.isfinite(drawn)])
    return Figure("spearman", value, min(low, value), max(high, value), n, None, "bootstrap")


class _Groups(NamedTuple):
    """Equal values of one column over C kinds of rows: the order that sorts them, where each group starts, each kind's group."""

    order: np.ndarray  # int64 (C,)
    starts: np.ndarray  # int64 (G,)
    of_kind: np.ndarray  # int64 (C,)

    @classmethod
    def of(cls, column: np.ndarray) -> _Groups:
        order = np.argsort(column, kind="stable")
        _, starts, of_kind = np.unique(column[order], return_index=True, return_inverse=True)
        back = np.empty_like(of_kind)
        back[order] = of_kind
        return cls(order, starts, back)

    def centred_ranks(self, times: np.ndarray) -> np.ndarray:
        """Average ranks less their mean, float64 (D, C), where the kinds come int64 (D, C) times."""
        rows = np.add.reduceat(times[:, self.order], self.starts, axis=1)  # (D, G)
        ranks = np.cumsum(rows, axis=1) - rows / 2 - rows.sum(axis=1, keepdims=True) / 2
        return ranks[:, self.of_kind]


def _rank_correlation(groups: list[_Groups], times: np.ndarray) -> np.ndarray:
    """float64 (D,) for kinds that come int64 (D, C) times; NaN where one column is constant."""
    one, other = (each.centred_ranks(times) for each in groups)
    weighted = one * times
    both, first, second = (np.einsum("dc,dc->d", a, b) for a, b in ((weighted, other), (weighted, one), (other * times, other)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(both / np.sqrt(first * second), -1.0, 1.0)


def mean_figure(name: str, values: np.ndarray, seed: int, *, higher_is_better: bool = False) -> Figure:
    """The mean of float64 (N,) values, percentile bootstrap over rows."""
    if len(values) < FEWEST_ROWS:
        return no_figure(name, len(values), higher_is_better)
    value = float(values.mean())
    low, high = percentile_interval(bootstrap_means(values, seed))
    return Figure(name, value, min(low, value), max(high, value), len(values), None, "bootstrap", higher_is_better)


def gain_over_baseline(judged: JudgedNumbers) -> Figure:
    """How far the mean absolute error lies below that of always answering the median of train; paired bootstrap.

    An interval wholly above 0 means better than the baseline.
    """
    constant = judged.always(judged.baseline_median)
    if constant is None:
        return no_figure("gain", len(judged))
    errors = (np.abs(each.truth - each.predicted) for each in (constant, judged))
    return paired_gain(*errors, judged.seed, losses=True)
