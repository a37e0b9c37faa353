"""Figures of a search: how much of what is right it finds, and how far up. One query is one row of every figure; intervals are bootstraps over queries.

A member of RANKING_METRICS is called with a JudgedRankings. `k` is 10 unless told.

>>> found = [[3, 1], [2, 9]] * 10                   # rows, best first, of twenty queries
>>> judged = JudgedRankings.of(found, [{1}, {2}] * 10)
>>> reciprocal_rank(judged).value, recall_at(judged, 1).value
(0.75, 0.5)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Callable, Collection, Mapping, Sequence

import numpy as np

from startlm.core.contracts import Figure

from .comparison import paired_gain
from .intervals import FEWEST_ROWS, bootstrap_means, exact_interval, no_figure, percentile_interval, share_figure

K = 10


@dataclass(frozen=True)
class JudgedRankings:
    """Q queries, D results each at most.

    gains: float64 (Q, D), the worth of the result at each rank, 0 where it is wrong or there is none. ideal: float64 (Q, R), the worth of all
    rows that are right, the most first, then zeros. Queries with nothing right are left out beforehand.
    """

    gains: np.ndarray
    ideal: np.ndarray
    seed: int = 0

    @classmethod
    def of(cls, found: Sequence[Sequence[int]], right: Sequence[Collection[int] | Mapping[int, float]], *, seed: int = 0) -> JudgedRankings:
        """found: for each query row numbers, best first; right: the rows that are right (each worth 1), or the worth of each.

        A query with nothing right has no figure and is left out. ValueError where a row is found twice by one query.
        """
        pairs = [(list(rows), dict(worth) if isinstance(worth, Mapping) else dict.fromkeys(worth, 1.0)) for rows, worth in zip(found, right, strict=True)]
        pairs = [(rows, worth) for rows, worth in pairs if any(value > 0 for value in worth.values())]
        if any(len(set(rows)) < len(rows) for rows, _ in pairs):
            raise ValueError("a row stands twice in a ranking")
        gains = np.zeros((len(pairs), max((len(rows) for rows, _ in pairs), default=0)))
        ideal = np.zeros((len(pairs), max((len(worth) for _, worth in pairs), default=0)))
        for query, (rows, worth) in enumerate(pairs):
            gains[query, : len(rows)] = [worth.get(row, 0.0) for row in rows]
            ideal[query, : len(worth)] = sorted(worth.values(), reverse=True)
        return cls(gains, ideal, seed)

    def __len__(self) -> int:
        return len(self.gains)

    @cached_property
    def count(self) -> np.ndarray:
        """int64 (Q,): how many rows are right."""
        return (self.ideal > 0).sum(axis=1)  # type: ignore[no-any-return]


RankingMetric = Callable[[JudgedRankings], Figure]


# ------------------------------------------------------- one value a query

def recalls(judged: JudgedRankings, k: int = K) -> np.ndarray:
    """float64 (Q,): the share of the right rows that stands among the first k; of more than k right ones, of k."""
    return (judged.gains[:, :k] > 0).sum(axis=1) / np.maximum(np.minimum(judged.count, k), 1)  # type: ignore[no-any-return]


def hits(judged: JudgedRankings, k: int = K) -> np.ndarray:
    """bool (Q,): whether a right row stands among the first k."""
    return (judged.gains[:, :k] > 0).any(axis=1)  # type: ignore[no-any-return]


def reciprocals(judged: JudgedRankings, k: int = K) -> np.ndarray:
    """float64 (Q,): 1 over the rank of the first right row; 0 where none stands among the first k."""
    good = judged.gains[:, :k] > 0
    return good.any(axis=1) / (1.0 + good.argmax(axis=1)) if good.shape[1] else np.zeros(len(judged))  # type: ignore[no-any-return]


def ndcgs(judged: JudgedRankings, k: int = K) -> np.ndarray:
    """float64 (Q,): worth discounted by log2(1 + rank), over the most that was possible (Järvelin & Kekäläinen 2002)."""
    return _discounted(judged.gains[:, :k]) / np.maximum(_discounted(judged.ideal[:, :k]), 1e-300)  # type: ignore[no-any-return]


def _discounted(gains: np.ndarray) -> np.ndarray:
    return gains @ (1 / np.log2(np.arange(gains.shape[1]) + 2))  # type: ignore[no-any-return]


# ---------------------------------------------------------------- figures

def recall_at(judged: JudgedRankings, k: int = K) -> Figure:
    """How much of what is right is found among the first k, on average over queries."""
    return _mean(f"recall_at_{k}", recalls(judged, k), judged.seed)


def hit_at(judged: JudgedRankings, k: int = K) -> Figure:
    """The share of queries with a right row among the first k; exact interval."""
    return share_figure(f"hit_at_{k}", int(hits(judged, k).sum()), len(judged))


def reciprocal_rank(judged: JudgedRankings, k: int = K) -> Figure:
    """1 over the rank of the first right row, on average (MRR)."""
    return _mean("reciprocal_rank", reciprocals(judged, k), judged.seed)


def ndcg_at(judged: JudgedRankings, k: int = K) -> Figure:
    """NDCG of the first k, on average over queries."""
    return _mean(f"ndcg_at_{k}", ndcgs(judged, k), judged.seed)


def ranking_gain(a: np.ndarray, b: np.ndarray, seed: int = 0) -> Figure:
    """How much better B is than A on the same queries: float64 (Q,) values of one figure; a paired bootstrap over queries."""
    return paired_gain(-np.asarray(a, np.float64), -np.asarray(b, np.float64), seed, losses=True)


def _mean(name: str, values: np.ndarray, seed: int) -> Figure:
    n = len(values)
    if n < FEWEST_ROWS:
        return no_figure(name, n)
    value = float(values.mean())
    if not np.ptp(values):  # a bootstrap would see nothing to vary
        low, high = exact_interval(n, n).low, exact_interval(0, n).high
        return Figure(name, value, value * low, value + (1 - value) * high, n, None, "exact")
    low, high = percentile_interval(bootstrap_means(values, seed))
    return Figure(name, value, min(low, value), max(high, value), n, None, "bootstrap")
