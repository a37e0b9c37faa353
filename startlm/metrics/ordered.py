"""Figures of labels that have an order, such as bad, ok, good: how many steps an answer is off.

A member of ORDER_METRICS is called with a Judged whose label numbers are places in the order.

>>> import numpy as np
>>> truth = np.arange(40) % 3
>>> steps_off(Judged(truth, np.minimum(truth, 1), labels=3)).value
0.325
"""

from __future__ import annotations

import numpy as np

from startlm.core.contracts import Figure

from .intervals import FEWEST_ROWS, bootstrap_means, bootstrap_sums, corrected_interval, exact_interval, kinds_of, no_figure, percentile_interval, share_figure
from .judged import Judged


def steps_off(judged: Judged) -> Figure:
    """By how many steps an answer is off, on average; percentile bootstrap over rows. Lower is better."""
    n, baseline = len(judged), judged.by_majority()
    beside = None if baseline is None or not n else float(_steps(baseline).mean())
    if n < FEWEST_ROWS:
        return no_figure("steps_off", n, higher_is_better=False, baseline=beside)
    steps = _steps(judged)
    value = float(steps.mean())
    if judged.correct.all():  # a bootstrap would see nothing to vary
        return Figure("steps_off", 0.0, 0.0, (1 - exact_interval(n, n).low) * (judged.labels - 1), n, beside, "exact", higher_is_better=False)
    low, high = percentile_interval(bootstrap_means(np.sort(steps), judged.seed))
    return Figure("steps_off", value, min(low, value), max(high, value), n, beside, "bootstrap", higher_is_better=False)


def within_one_step(judged: Judged) -> Figure:
    """The share of rows that are right or one step off; exact interval."""
    baseline = judged.by_majority()
    beside = None if baseline is None or not len(judged) else float((_steps(baseline) <= 1).mean())
    return share_figure("within_one_step", int((_steps(judged) <= 1).sum()), len(judged), baseline=beside)


def quadratic_kappa(judged: Judged) -> Figure:
    """Cohen's kappa (1968) with squared steps as weights: 1 is perfect, 0 what chance gives answers and truths of these frequencies; it
    may lie below 0. BCa bootstrap over rows. No number where truth and answers are all one label."""
    n = len(judged)
    kinds, counts = kinds_of(np.stack([judged.truth, judged.predicted], axis=1).astype(np.float64))
    columns = _columns(kinds)
    total = counts @ columns
    beside = 0.0 if judged.majority is not None and n and np.ptp(judged.truth) else None
    if n < FEWEST_ROWS or not _expected(total):
        return no_figure("quadratic_kappa", n, baseline=beside)
    value = float(_kappa(total))
    if judged.correct.all():  # a bootstrap would see nothing to vary
        return Figure("quadratic_kappa", value, exact_interval(n, n).low, value, n, beside, "exact")
    low, high = corrected_interval(value, _kappa(bootstrap_sums(columns, counts, judged.seed)), _kappa(total - columns), counts)
    return Figure("quadratic_kappa", value, min(low, value), max(high, value), n, beside, "bootstrap")


def _steps(judged: Judged) -> np.ndarray:
    """float64 (N,)"""
    return np.abs(judged.truth - judged.predicted).astype(np.float64)  # type: ignore[no-any-return]


def _columns(pairs: np.ndarray) -> np.ndarray:
    """float64 (C, 6): of each pair (truth, answer) what kappa sums: 1, t, p, t², p², (t − p)²."""
    truth, answer = pairs.T
    return np.stack([np.ones(len(pairs)), truth, answer, truth**2, answer**2, (truth - answer) ** 2], axis=1)


def _expected(sums: np.ndarray) -> np.ndarray:
    """(…): n times the squared steps that chance would give, Σ over pairs of a truth and an answer of other rows too."""
    n, truth, answer, truth2, answer2, _ = np.moveaxis(sums, -1, 0)
    return n * (truth2 + answer2) - 2 * truth * answer  # type: ignore[no-any-return]


def _kappa(sums: np.ndarray) -> np.ndarray:
    below = _expected(sums)
    return np.where(below > 0, 1 - sums[..., 0] * sums[..., 5] / np.where(below > 0, below, 1.0), 1.0)
