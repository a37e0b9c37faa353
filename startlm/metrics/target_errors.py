"""Numbers that are likely wrong: a row whose target lies far from what models of the other rows say, measured by how far such rows usually lie.

How far is usual is the median absolute residual of the rows with the nearest answers: where answers are large errors often are,
and a median is not moved by the very rows that are looked for. A row is doubted from FAR such spreads on, each as wide
as a standard deviation would be were residuals normal (Leys et al. 2013 on medians instead of standard deviations).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .label_errors import PLANTED

FAR = 4.0  # spreads; of normal residuals one row in 16,000 lies so far out
NEAREST = 0.05  # of the rows say what is usual for an answer, and at least FEWEST_NEAREST of them
FEWEST_NEAREST = 50
_AS_DEVIATION = 1.4826  # a median absolute residual of a normal distribution, times this, is its standard deviation
_LEAST = 0.2  # of the spread of all rows: where half of the nearest are exact, the spread is not nothing


class Doubted(NamedTuple):
    """Rows whose target is likely wrong, the likeliest first: their numbers, int64 (K,), and how many spreads they lie away, float64 (K,)."""

    rows: np.ndarray
    times: np.ndarray


def find_target_errors(targets: np.ndarray, answers: np.ndarray) -> Doubted:
    """The doubted rows, from float64 (N,) targets and out-of-fold answers, both on the scale that is learnt."""
    off = np.abs(targets - answers)
    usual = usual_spread(answers, off)
    times = np.divide(off, usual, out=np.zeros(len(off)), where=usual > 0)
    order = np.argsort(-times, kind="stable")
    found = order[: int(np.sum(times > FAR))]
    return Doubted(found, times[found])


def usual_spread(answers: np.ndarray, off: np.ndarray) -> np.ndarray:
    """float64 (N,): how far rows with an answer like this one usually lie from it, by the absolute residuals `off` of the nearest answers.

    Of each of many windows along the sorted answers the median is taken; between their middles it is interpolated.
    """
    n = len(off)
    whole = _AS_DEVIATION * float(np.median(off)) if n else 0.0
    width = max(FEWEST_NEAREST, round(NEAREST * n))
    if n < 2 * width:
        return np.full(n, whole)
    order = np.argsort(answers, kind="stable")
    starts = np.unique(np.append(np.arange(0, n - width, max(1, width // 4)), n - width))
    medians = np.array([np.median(off[order[start : start + width]]) for start in starts])
    middles = np.array([np.median(answers[order[start : start + width]]) for start in starts])
    return np.maximum(_AS_DEVIATION * np.interp(answers, middles, medians), _LEAST * whole)  # type: ignore[no-any-return]


def exchange_targets(targets: np.ndarray, seed: int, share: float = PLANTED) -> tuple[np.ndarray, np.ndarray]:
    """The targets, a share of them dealt out anew among those rows, and bool (N,): which rows got another number than their own."""
    random = np.random.default_rng(seed)
    rows = random.permutation(len(targets))[: round(share * len(targets))]
    planted = targets.copy()
    planted[rows] = targets[np.roll(rows, 1)]
    return planted, planted != targets
