"""Figures of a classifier: one label a row.

Every member of the shelf is called with a `Judged` and returns a Figure. Intervals: exact (Clopper–Pearson) where the
figure is a share of rows, BCa bootstrap over the confusion table for macro and weighted averages, percentile bootstrap
over rows for the log loss.

>>> import numpy as np
>>> truth = np.arange(40) % 2
>>> accuracy(Judged(truth, truth, labels=2)).value
1.0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, NamedTuple

import numpy as np

from startlm.core.contracts import Figure

from .each_label import LabelFigures, figures_of_labels
from .intervals import (
    FEWEST_OF_LABEL, FEWEST_ROWS, bootstrap_means, corrected_interval, exact_interval, no_figure, percentile_interval, share_figure, share_figures,
)
from .judged import Counts, Judged

_SMALLEST = float(np.finfo(np.float64).eps)  # a confidence of 0 counts as this one, as in scikit-learn


# ----------------------------------------------------------------- figures

@dataclass(frozen=True)
class ShareRight:
    """The share of rows that are right; exact interval.

    With one label a row, micro precision, recall and F1 (counts of all labels together) and weighted recall are this share too.
    """

    name: str

    def __call__(self, judged: Judged) -> Figure:
        baseline = None if judged.majority is None or not len(judged) else float(np.mean(judged.truth == judged.majority))
        return share_figure(self.name, int(judged.correct.sum()), len(judged), baseline=baseline)


@dataclass(frozen=True)
class Average:
    """The macro or weighted mean of the labels' precision, recall or F1.

    BCa bootstrap over the cells of the confusion table. Where no row is wrong a bootstrap sees nothing to vary: the
    interval is then that of the accuracy, exact.
    """

    weighting: str
    kind: str

    def __call__(self, judged: Judged) -> Figure:
        name, n = f"{self.weighting}_{self.kind}", len(judged)
        baseline = judged.by_majority()
        beside = None if baseline is None or not n else float(Counts.of(baseline.table).average(self.kind, self.weighting))
        if n < FEWEST_ROWS:
            return no_figure(name, n, baseline=beside)
        value = float(Counts.of(judged.table).average(self.kind, self.weighting))
        if judged.correct.all():
            return Figure(name, value, *exact_interval(n, n), n, beside, "exact")
        drawn, left_out, cells = judged.resampled
        low, high = corrected_interval(
            value, drawn.average(self.kind, self.weighting), left_out.average(self.kind, self.weighting), cells
        )
        return Figure(name, value, min(low, value), max(high, value), n, beside, "bootstrap")


accuracy = ShareRight("accuracy")
micro_precision, micro_recall, micro_f1 = ShareRight("micro_precision"), ShareRight("micro_recall"), ShareRight("micro_f1")
macro_precision, macro_recall, macro_f1 = Average("macro", "precision"), Average("macro", "recall"), Average("macro", "f1")
weighted_recall = ShareRight("weighted_recall")
weighted_precision, weighted_f1 = Average("weighted", "precision"), Average("weighted", "f1")


def row_losses(truth: np.ndarray, confidences: np.ndarray) -> np.ndarray:
    """The log loss of each row, float64 (N,), in nats."""
    return -np.log(np.clip(confidences[np.arange(len(truth)), truth], _SMALLEST, 1.0))


def log_loss(judged: Judged) -> Figure:
    """The mean log loss in nats, with a percentile bootstrap over rows; needs confidences. The baseline's are the shares of train."""
    return _mean_of_rows("log_loss", judged, row_losses)


def brier(judged: Judged) -> Figure:
    """The mean squared distance between confidences and truth, summed over the labels and halved: in [0, 1], and with two labels the
    squared error of one confidence (Brier 1950). Percentile bootstrap over rows; the baseline's are the shares of train."""
    return _mean_of_rows("brier", judged, lambda truth, confidences: (np.square(confidences).sum(axis=1) + 1 - 2 * confidences[np.arange(len(truth)), truth]) / 2)


def _mean_of_rows(name: str, judged: Judged, of_row: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Figure:
    """The mean of something that each row's truth and confidences say; lower is better."""
    n, baseline = len(judged), judged.by_majority()
    beside = None if baseline is None or baseline.confidences is None or not n else float(of_row(judged.truth, baseline.confidences).mean())
    if n < FEWEST_ROWS or judged.confidences is None:
        return no_figure(name, n if judged.confidences is not None else 0, higher_is_better=False, baseline=beside)
    losses = of_row(judged.truth, judged.confidences)
    low, high = percentile_interval(bootstrap_means(losses, judged.seed))
    return Figure(name, float(losses.mean()), low, high, n, beside, "bootstrap", higher_is_better=False)


# ------------------------------------------------------------- each label

def label_figures(judged: Judged) -> list[LabelFigures]:
    """Precision, recall and F1 of each label with exact intervals, beside the baseline's."""
    baseline = judged.by_majority()
    return figures_of_labels(Counts.of(judged.table), None if baseline is None else Counts.of(baseline.table), len(judged))


class ConfusedPair(NamedTuple):
    """Rows of label `truth` that were predicted as `predicted`; `share` is their share of the label's rows."""

    truth: int
    predicted: int
    rows: int
    share: Figure


def confused_pairs(table: np.ndarray, most: int = 10) -> list[ConfusedPair]:
    """The most frequent confusions, most rows first; label numbers break ties."""
    wrong = table - np.diag(np.diagonal(table))
    actual, predicted = np.nonzero(wrong)
    first = np.lexsort((predicted, actual, -wrong[actual, predicted]))[:most]
    actual, predicted = actual[first], predicted[first]
    rows = wrong[actual, predicted]
    fewest = FEWEST_OF_LABEL if table.sum() >= FEWEST_ROWS else FEWEST_ROWS
    shares = share_figures("confused", rows, table.sum(axis=1)[actual], higher_is_better=False, fewest=fewest)
    return [ConfusedPair(*pair) for pair in zip(actual.tolist(), predicted.tolist(), rows.tolist(), shares, strict=True)]


# ------------------------------------------------------------ out of scope

class OutOfScope(NamedTuple):
    """The share of out-of-scope rows that is caught, and the share of the others that raises a false alarm."""

    caught: Figure
    false_alarms: Figure


def out_of_scope_figures(is_out: np.ndarray, flagged: np.ndarray, threshold: float | None = None) -> OutOfScope:
    """Both shares, exact intervals. `flagged` is bool (N,), or with `threshold` a score: flagged where score ≥ threshold.

    Without out-of-scope rows `caught` has no number.
    """
    is_out = np.asarray(is_out, dtype=bool)
    flags = np.asarray(flagged) >= threshold if threshold is not None else np.asarray(flagged, dtype=bool)
    inside = ~is_out
    return OutOfScope(
        share_figure("caught", int(flags[is_out].sum()), int(is_out.sum())),
        share_figure("false_alarms", int(flags[inside].sum()), int(inside.sum()), higher_is_better=False),
    )
