"""Figures for two labels of which one is looked for: how well its confidence ranks the rows that have it above those that have not.

The one looked for is the rarer of the two in train (of equals the second). Rows matter only by their confidence and their truth, so a
bootstrap draws how often each pair of the two comes up; all draws are worked on as one matrix, in blocks.
"""

from __future__ import annotations

from typing import Callable

import numpy as np

from startlm.core.contracts import Figure

from .intervals import DRAWS, FEWEST_OF_LABEL, FEWEST_ROWS, no_figure, percentile_interval
from .judged import Judged

_BLOCK = 4_000_000  # numbers worked on at once: 32 MB


def auroc(judged: Judged) -> Figure:
    """The share of pairs (a row with the label, one without) that the confidence puts in the right order, ties half; chance is 0.5.

    Mann and Whitney 1947; percentile bootstrap over rows.
    """
    return _figure("auroc", judged, _auroc, lambda share: 0.5)


def auprc(judged: Judged) -> Figure:
    """Average precision: the mean, over rows with the label, of the precision when just these and the surer ones are taken.

    As scikit-learn's average_precision_score; chance is the label's share. Percentile bootstrap over rows.
    """
    return _figure("auprc", judged, _average_precision, lambda share: share)


def looked_for(judged: Judged) -> int:
    """The number of the label that is looked for."""
    return 1 if judged.majority is None else 1 - judged.majority


Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From rows with and without the label at each confidence, the surest first, (D, K) each: the figure, (D,)."""


def _figure(name: str, judged: Judged, measure: Measure, chance: Callable[[float], float]) -> Figure:
    label, n = looked_for(judged), len(judged)
    has = judged.truth == label
    few = min(int(has.sum()), int((~has).sum())) < FEWEST_OF_LABEL
    if n < FEWEST_ROWS or few or judged.confidences is None:
        return no_figure(name, n)
    sure, place = np.unique(-judged.confidences[:, label], return_inverse=True)
    counts = np.stack([np.bincount(place, weights=each, minlength=len(sure)) for each in (has, ~has)])  # (2, K)
    value = float(measure(counts[:1], counts[1:])[0])
    low, high = percentile_interval(_drawn(counts, measure, judged.seed))
    return Figure(name, value, min(low, value), max(high, value), n, chance(float(has.mean())), "bootstrap")


def _drawn(counts: np.ndarray, measure: Measure, seed: int) -> np.ndarray:
    """The figure of DRAWS resamplings, float64; one without a row of either kind counts as no better than chance could be: it is left out."""
    random, cells, n = np.random.default_rng(seed), counts.ravel(), int(counts.sum())
    found = []
    step = max(1, _BLOCK // cells.size)
    for first in range(0, DRAWS, step):
        drawn = random.multinomial(n, cells / n, size=min(step, DRAWS - first)).reshape(-1, 2, counts.shape[1])
        both = (drawn.sum(axis=2) > 0).all(axis=1)
        found.append(measure(drawn[both, 0], drawn[both, 1]))
    return np.concatenate(found)


def _auroc(with_label: np.ndarray, without: np.ndarray) -> np.ndarray:
    above = np.cumsum(with_label, axis=1) - with_label / 2  # ties half
    return (above * without).sum(axis=1) / (with_label.sum(axis=1) * without.sum(axis=1))


def _average_precision(with_label: np.ndarray, without: np.ndarray) -> np.ndarray:
    hits, taken = np.cumsum(with_label, axis=1), np.cumsum(with_label + without, axis=1)
    precision = hits / np.maximum(taken, 1)
    return (precision * with_label).sum(axis=1) / with_label.sum(axis=1)
