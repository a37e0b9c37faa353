"""Two rankings of the same rows as one: by their ranks, or by their scores, brought to one scale and weighed.

>>> by_rank([np.array([7, 3]), np.array([3, 5])], most=3).rows
array([3, 7, 5])
"""

from __future__ import annotations

from typing import Callable, Sequence

import numpy as np

from .ranked import Ranked, best_of

LATE = 60  # ranks are counted from here on, so that the first few do not decide alone (Cormack, Clarke & Büttcher 2009)
DEPTH = 100  # rows of each ranking that are looked at
USUAL = 0.7  # weight of the second ranking where no answers are known to choose it by: better than by rank on four sets (docs/decisions/0016-search.md)
WEIGHTS = tuple(round(0.1 * step, 1) for step in range(1, 10))


def by_rank(rankings: Sequence[np.ndarray], most: int) -> Ranked:
    """Reciprocal-rank fusion: a row scores 1 / (60 + rank) in each ranking that has it. rankings: row numbers, best first."""
    return _summed([(rows, 1.0 / (LATE + 1 + np.arange(len(rows)))) for rows in rankings], most)


def by_score(rankings: Sequence[Ranked], weights: Sequence[float], most: int) -> Ranked:
    """The weighted sum of scores, each ranking's between 0 (its last) and 1 (its first); a row that one does not have gets 0 there."""
    return _summed([(each.rows, weight * _scaled(each.scores)) for each, weight in zip(rankings, weights, strict=True)], most)


def fused(rankings: Sequence[Ranked], most: int, weight: float | None = None) -> Ranked:
    """Both rankings as one: by score with this weight of the second, or by rank where none is given."""
    if weight is None:
        return by_rank([each.rows for each in rankings], most)
    return by_score(rankings, (1 - weight, weight), most)


def choose_weight(runs: Sequence[Sequence[Ranked]], judge: Callable[[int, np.ndarray], float], *, depth: int = DEPTH) -> float | None:
    """The weight of the second ranking that does best on queries with known answers, None where fusing by rank does at least as well.

    runs: for each query its two rankings. judge(query, rows): how good these rows are as an answer, more is better. Ask it about train
    rows only, never about those that test.
    """
    def worth(weight: float | None) -> float:
        return float(np.mean([judge(number, fused(each, depth, weight).rows) for number, each in enumerate(runs)]))

    return max((None, *WEIGHTS), key=worth) if runs else None


def _scaled(scores: np.ndarray) -> np.ndarray:
    scores = scores.astype(np.float64)
    spread = np.ptp(scores) if len(scores) else 0.0
    return (scores - scores.min()) / spread if spread > 0 else np.ones(len(scores))


def _summed(parts: Sequence[tuple[np.ndarray, np.ndarray]], most: int) -> Ranked:
    rows = np.unique(np.concatenate([part for part, _ in parts])).astype(np.int64) if parts else np.zeros(0, np.int64)
    scores = np.zeros(len(rows))
    for part, values in parts:
        scores[np.searchsorted(rows, part)] += values
    return best_of(scores, most, rows)
