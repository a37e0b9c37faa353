"""Numbers that are likely wrong: a row whose target lies far from what models of the other rows say, measured by how far such rows usually lie.

How far is usual is told by the same models, from the residuals of the other rows: where a shop's payments are noisy, or large ones are, it
takes more to be doubted. A row is doubted from FAR such spreads on, each as wide as a standard deviation would be were residuals normal
(Leys et al. 2013 on medians instead of standard deviations).
"""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

from .label_errors import PLANTED

FAR = 4.0  # spreads; of normal residuals one row in 16,000 lies so far out
_AS_DEVIATION = 1.4826  # a median absolute residual of a normal distribution, times this, is its standard deviation
_LEAST = 0.5  # of the spread of all rows: a model that takes some rows for nearly exact is itself unsure of that (docs/decisions/0009-insight.md)

Expect = Callable[[np.ndarray], np.ndarray]
"""What models of the other rows say of each row, float64 (N,), where numbers, float64 (N,), are learnt."""


class Doubted(NamedTuple):
    """Rows whose target is likely wrong, the likeliest first: their numbers, int64 (K,), and how many spreads they lie away, float64 (K,)."""

    rows: np.ndarray
    times: np.ndarray


def find_target_errors(targets: np.ndarray, answers: np.ndarray, expect: Expect) -> Doubted:
    """The doubted rows, from float64 (N,) targets and out-of-fold answers, both on the scale that is learnt."""
    off = np.abs(targets - answers)
    usual = usual_spread(off, expect)
    times = np.divide(off, usual, out=np.zeros(len(off)), where=usual > 0)
    order = np.argsort(-times, kind="stable")
    found = order[: int(np.sum(times > FAR))]
    return Doubted(found, times[found])


def usual_spread(off: np.ndarray, expect: Expect) -> np.ndarray:
    """float64 (N,): how far rows like this one usually lie from their answers, from absolute residuals; the largest are cut, or the very rows
    that are looked for would make others look harmless."""
    if not len(off):
        return np.zeros(0)
    whole = _AS_DEVIATION * float(np.median(off))
    return np.maximum(_AS_DEVIATION * expect(np.minimum(off, FAR * whole)), _LEAST * whole)  # type: ignore[no-any-return]


def exchange_targets(targets: np.ndarray, seed: int, share: float = PLANTED) -> tuple[np.ndarray, np.ndarray]:
    """The targets, a share of them dealt out anew among those rows, and bool (N,): which rows got another number than their own."""
    random = np.random.default_rng(seed)
    rows = random.permutation(len(targets))[: round(share * len(targets))]
    planted = targets.copy()
    planted[rows] = targets[np.roll(rows, 1)]
    return planted, planted != targets
