"""Precision, recall and F1 of each label, from its counts: whether a row has one label or several."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from startlm.core.contracts import Figure

from .intervals import FEWEST_OF_LABEL, FEWEST_ROWS, exact_bounds, no_figure
from .judged import Counts


class LabelFigures(NamedTuple):
    """The three figures of one label; n are the rows each divides by."""

    label: int
    precision: Figure
    recall: Figure
    f1: Figure


def figures_of_labels(counts: Counts, dumb: Counts | None, rows: int) -> list[LabelFigures]:
    """Each label's figures with exact intervals; `dumb` are the counts of what the baseline answers, on the same so many rows.

    Precision is a share of the rows predicted as the label, recall of those that are it. F1 is 2 J / (1 + J) with J the
    share right among rows that are either: given their number J is binomial, and F1 grows with it, so its interval is
    exact too, and stays honest for a label of few rows, where a bootstrap does not. Five rows of a label are enough for its
    figures, where the test part as a whole is.
    """
    either = counts.actual + counts.predicted - counts.right
    enough = rows >= FEWEST_ROWS
    of_label = {}
    for kind, n in (("precision", counts.predicted), ("recall", counts.actual), ("f1", either)):
        ends = exact_bounds(counts.right, n)
        low, high = (2 * end / (1 + end) for end in ends) if kind == "f1" else ends
        columns = (counts.of_each_label(kind), low, high, n, None if dumb is None else dumb.of_each_label(kind))
        shown = enough & (n > 0) & (np.maximum(n, counts.actual) >= FEWEST_OF_LABEL)
        of_label[kind] = [_label_figure(kind, i, columns, shown) for i in range(len(either))]
    return [LabelFigures(i, *(of_label[kind][i] for kind in ("precision", "recall", "f1"))) for i in range(len(either))]


def _label_figure(kind: str, label: int, columns: tuple[np.ndarray | None, ...], shown: np.ndarray) -> Figure:
    value, low, high, n, baseline = (None if column is None else column[label].item() for column in columns)
    if not shown[label]:
        return no_figure(kind, n, baseline=baseline)
    return Figure(kind, value, low, high, n, baseline, "exact")
