"""Intervals: exact ones for shares, bootstrap ones for everything else. All of it plain numpy, all of it seeded.

Resampling N rows with replacement is the same as drawing, from a multinomial, how often each *kind* of row comes up.
Every figure here depends on the rows only through sums over kinds of rows, so a bootstrap is one matrix product
(draws × kinds) @ (kinds × columns), and does not depend on the order of the rows.
"""

from __future__ import annotations

from math import lgamma, sqrt
from statistics import NormalDist
from typing import Callable, Iterator, NamedTuple

import numpy as np

from startlm.core.contracts import Figure
from startlm.core.language import Said, say

FEWEST_ROWS = 20  # below this a figure reads "not enough data"
FEWEST_OF_LABEL = 5  # the same for one label of a test part that is large enough: its exact interval says how little is known
LEVEL = 0.95
DRAWS = 1_000

_CHUNK = 2_000_000  # numbers drawn at once: 16 MB
_HALVINGS = 52  # of an interval inside [0, 1]: the digits of float64
_MULTINOMIAL_COST = 10  # one multinomial cell costs about as much as ten drawn rows


class Interval(NamedTuple):
    """Both ends, included."""

    low: float
    high: float


# ------------------------------------------------------------------ exact

def exact_bounds(hits: np.ndarray, n: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Two-sided Clopper–Pearson bounds of many shares: float64 (M,) low and high for int64 (M,) hits of n.

    Clopper & Pearson (1934): the ends are where the binomial tails hold (1 - level) / 2. Nothing of nothing: [0, 1].
    """
    hits, n = np.broadcast_arrays(np.atleast_1d(hits), np.atleast_1d(n))
    tail = (1 - level) / 2
    return _lower_bound(hits, n, tail), 1 - _lower_bound(n - hits, n, tail)


def exact_interval(hits: int, n: int, level: float = LEVEL) -> Interval:
    """The two-sided Clopper–Pearson interval of one share."""
    low, high = exact_bounds(np.array([hits]), np.array([n]), level)
    return Interval(float(low[0]), float(high[0]))


def exact_upper(hits: np.ndarray, n: np.ndarray, confidence: float) -> np.ndarray:
    """One-sided Clopper–Pearson upper bounds, float64 (M,): the share lies above one with probability ≤ 1 - confidence."""
    hits, n = np.broadcast_arrays(np.atleast_1d(hits), np.atleast_1d(n))
    return 1 - _lower_bound(n - hits, n, 1 - confidence)


def upper_bound_holds(hits: np.ndarray, n: np.ndarray, target: float, confidence: float) -> np.ndarray:
    """bool (M,): exact_upper(hits, n, confidence) ≤ target, without solving for the bound: one tail at the target decides."""
    few = np.minimum(hits, np.floor(n * target)).astype(np.int64)  # beyond the mean the bound lies above the target anyway
    return (hits <= n * target) & (binomial_tail(n - few, n, 1 - target) <= 1 - confidence)


def _lower_bound(hits: np.ndarray, n: np.ndarray, tail: float) -> np.ndarray:
    tail_at = _tail_of(hits, n)
    low = np.zeros(hits.shape)
    high = hits / np.maximum(n, 1)  # there the tail is about a half: the root lies below
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = tail_at(middle) > tail
        high = np.where(above, middle, high)
        low = np.where(above, low, middle)
    return np.where(hits > 0, (low + high) / 2, 0.0)


def binomial_tail(hits: np.ndarray, n: np.ndarray, share: float) -> np.ndarray:
    """P(X ≥ hits) for X ~ Binomial(n, share), float64 (M,), where hits ≥ n · share and share < 1."""
    return _tail_of(hits, n)(np.full(hits.shape, share))


def binomial_at(hits: np.ndarray, n: np.ndarray, share: float) -> np.ndarray:
    """P(X = hits) for X ~ Binomial(n, share), float64 (M,); 0 < share < 1."""
    return np.exp(_log_ways(hits, n) + hits * np.log(share) + (n - hits) * np.log1p(-share))


def _tail_of(hits: np.ndarray, n: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The upper tail as a function of float64 (M,) shares ≤ hits / n, where its terms only fall.

    The first term by logarithms of factorials, the others by the ratio of neighbours; 5 √n + 60 terms reach beyond float64.
    """
    j = np.arange(int(5 * sqrt(n.max(initial=1))) + 60)  # (J,)
    ratios = np.maximum(n[:, None] - hits[:, None] - j, 0) / (hits[:, None] + 1 + j)  # (M, J)
    ways, misses = _log_ways(hits, n), n - hits

    def tail_at(share: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(hits > 0, hits * np.log(share), 0.0) + np.where(misses > 0, misses * np.log1p(-share), 0.0)
            odds = np.where(misses > 0, share / (1 - share), 0.0)
        return np.exp(ways + logs) * (1 + np.cumprod(ratios * odds[:, None], axis=1).sum(axis=1))

    return tail_at


def _log_ways(hits: np.ndarray, n: np.ndarray) -> np.ndarray:
    return np.array([lgamma(m + 1) - lgamma(k + 1) - lgamma(m - k + 1) for k, m in zip(hits.tolist(), n.tolist(), strict=True)])


# -------------------------------------------------------------- bootstrap

def kinds_of(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows of a (N, K) array, sorted, and how often each comes: (C, K) and int64 (C,)."""
    if rows.shape[1] == 1:
        kinds, counts = np.unique(rows[:, 0], return_counts=True)
        return kinds[:, None], counts
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    return kinds, counts


def bootstrap_counts(counts: np.ndarray, seed: int, draws: int = DRAWS) -> Iterator[np.ndarray]:
    """How often each of C kinds of rows, which come int64 (C,) times, comes up in `draws` resamplings: int64 (some, C) at a time."""
    random = np.random.default_rng(seed)
    n, width = int(counts.sum()), len(counts)
    few_kinds = width * _MULTINOMIAL_COST <= n
    kind_of_row = np.repeat(np.arange(width), counts)
    step = max(1, _CHUNK // max(n, width))
    for first in range(0, draws, step):
        size = min(step, draws - first)
        if few_kinds:
            yield random.multinomial(n, counts / n, size=size)  # (size, C)
        else:
            picked = kind_of_row[random.integers(0, n, size=(size, n))] + width * np.arange(size)[:, None]
            yield np.bincount(picked.ravel(), minlength=size * width).reshape(size, width)


def bootstrap_sums(kinds: np.ndarray, counts: np.ndarray, seed: int, draws: int = DRAWS) -> np.ndarray:
    """Column sums of `draws` resamplings, float64 (draws, K), for C kinds of rows (C, K) that come int64 (C,) times."""
    return np.concatenate([drawn.astype(np.float64) @ kinds for drawn in bootstrap_counts(counts, seed, draws)])


def bootstrap_means(values: np.ndarray, seed: int, draws: int = DRAWS) -> np.ndarray:
    """Means of `draws` resamplings of float64 (N,) values: float64 (draws,)."""
    kinds, counts = kinds_of(np.asarray(values, dtype=np.float64)[:, None])
    return bootstrap_sums(kinds, counts, seed, draws)[:, 0] / len(values)


def percentile_interval(drawn: np.ndarray, level: float = LEVEL) -> Interval:
    """The middle `level` of the drawn figures, float64 (draws,)."""
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def corrected_interval(value: float, drawn: np.ndarray, left_out: np.ndarray, counts: np.ndarray, level: float = LEVEL) -> Interval:
    """The BCa interval (Efron 1987): percentiles shifted for the bias of the draws and for the skew of the figure.

    drawn: float64 (draws,); left_out: float64 (C,), the figure with one row of each kind left out; counts: int64 (C,).
    """
    normal = NormalDist()
    below = (np.sum(drawn < value) + np.sum(drawn == value) / 2) / len(drawn)
    shift = normal.inv_cdf(float(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn))))
    gaps = np.average(left_out, weights=counts) - left_out
    spread = float(np.sum(counts * gaps**2))
    skew = float(np.sum(counts * gaps**3)) / (6 * spread**1.5) if spread > 0 else 0.0
    ends = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = shift + normal.inv_cdf(tail)
        ends.append(normal.cdf(shift + z / max(1 - skew * z, 1e-3)))
    low, high = np.quantile(drawn, ends)
    return Interval(float(low), float(high))


# ---------------------------------------------------------------- figures

def share_figure(name: str, hits: int, n: int, *, baseline: float | None = None, higher_is_better: bool = True) -> Figure:
    """A share of rows with its exact interval."""
    if n < FEWEST_ROWS:
        return no_figure(name, n, higher_is_better, baseline)
    low, high = exact_interval(hits, n)
    return Figure(name, hits / n, low, high, n, baseline, "exact", higher_is_better)


def share_figures(name: str, hits: np.ndarray, n: np.ndarray, *, higher_is_better: bool = True, fewest: int = FEWEST_ROWS) -> list[Figure]:
    """Many shares at once, int64 (M,) hits of n, each with its exact interval."""
    low, high = exact_bounds(hits, n)
    return [
        Figure(name, k / m, float(a), float(b), m, None, "exact", higher_is_better) if m >= fewest else no_figure(name, m, higher_is_better)
        for k, m, a, b in zip(np.asarray(hits).tolist(), np.asarray(n).tolist(), low, high, strict=True)
    ]


def no_figure(name: str, n: int, higher_is_better: bool = True, baseline: float | None = None) -> Figure:
    """The figure of too few rows: no number; the baseline's stands, being what it is."""
    return Figure(name, None, None, None, n, baseline, "", higher_is_better)


def in_words(figure: Figure, share: bool = True) -> Said:
    """"92.3 % [91.0, 93.4]", or without `share` the bare numbers; "not enough data (10 rows)" where there is none."""
    if figure.value is None or figure.low is None or figure.high is None:
        return say(f"not enough data ({figure.n} rows)", f"数据不够（{figure.n} 行）")
    if share:
        text = f"{100 * figure.value:.1f} % [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"
    else:
        text = f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
    return say(text, text)
