"""Figures of a classifier of several labels a row.

Every member of SET_METRICS is called with a JudgedSets and returns a Figure. Intervals: exact where the figure is a share of rows,
BCa bootstrap over rows for micro, macro and weighted figures, percentile bootstrap over rows for means of rows.

>>> import numpy as np
>>> truth = np.arange(80).reshape(40, 2) % 3 == 0
>>> subset_accuracy(JudgedSets(truth, truth)).value
1.0
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Iterator, NamedTuple, Protocol

import numpy as np

from startlm.core.contracts import Figure
from startlm.core.label_sets import row_f1

from .each_label import LabelFigures, figures_of_labels
from .intervals import FEWEST_ROWS, bootstrap_counts, bootstrap_means, bootstrap_sums, corrected_interval, exact_interval, kinds_of, no_figure, percentile_interval, share_figure
from .judged import Counts

_EXACT = 2**24  # whole numbers that float32 holds
_LABELS, _CELLS = 32, 1_000_000  # labels at a time where kinds of rows are many, and else so many labels of kinds


@dataclass(frozen=True)
class JudgedSets:
    """What was answered to rows whose labels are known: bool (N, L) each. The dumb baseline always answers `usual`, bool (L,)."""

    truth: np.ndarray
    predicted: np.ndarray
    usual: np.ndarray | None = None
    seed: int = 0

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def exact(self) -> np.ndarray:
        """bool (N,): are all labels right?"""
        return (self.truth == self.predicted).all(axis=1)

    @cached_property
    def counts(self) -> Counts:
        """For each label the rows that rightly have it, that have it and that were given it: int64 (L,) each."""
        return Counts((self.truth & self.predicted).sum(axis=0), self.truth.sum(axis=0), self.predicted.sum(axis=0))

    @cached_property
    def resampled(self) -> ResampledSets:
        """The counts of resampled rows: made once, used by every average."""
        return ResampledSets.of(self.truth, self.predicted, self.seed)

    def take(self, rows: np.ndarray) -> JudgedSets:
        """These rows, int64 (n,) or bool (N,)."""
        return replace(self, truth=self.truth[rows], predicted=self.predicted[rows])

    def by_usual(self) -> JudgedSets | None:
        """The same rows, answered by the dumb baseline; None where there is none, and where there are no rows."""
        if self.usual is None or not len(self):
            return None
        return replace(self, predicted=np.broadcast_to(self.usual, self.truth.shape), usual=None)


class ResampledSets(NamedTuple):
    """Counts of bootstrap draws (draws, L); the kinds of rows, of truth and answer, packed bits (C, …) each, and how often each comes, int64 (C,).

    Only bits are kept of kinds, for there are as many as rows where labels are many; they are counted a few at a time.
    """

    drawn: Counts
    truth: np.ndarray
    predicted: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, truth: np.ndarray, predicted: np.ndarray, seed: int) -> ResampledSets:
        """Of bool (N, L) each. The same draws serve all labels, a block of labels at a time."""
        packed = np.packbits(truth, axis=1), np.packbits(predicted, axis=1)
        kinds, rows = kinds_of(np.concatenate(packed, axis=1))
        of_truth, of_answer = np.split(kinds, 2, axis=1)
        step = 8 * max(_LABELS // 8, _CELLS // (8 * len(kinds)))  # whole bytes
        blocks = []
        for first in range(0, truth.shape[1], step):
            count, at = min(step, truth.shape[1] - first), slice(first // 8, (first + step) // 8)
            columns = _columns(of_truth[:, at], of_answer[:, at], count, _whole(len(truth)))
            blocks.append(np.concatenate([drawn.astype(columns.dtype) @ columns for drawn in bootstrap_counts(rows, seed)]).astype(np.float64).reshape(-1, 3, count))
        return cls(Counts(*np.concatenate(blocks, axis=2).transpose(1, 0, 2)), of_truth, of_answer, rows)

    def left_out(self) -> Iterator[Counts]:
        """The counts with one row of each kind left out, (some, L) at a time."""
        labels = self.drawn.actual.shape[1]
        step = max(1, _CELLS // (3 * labels))
        blocks = [slice(first, first + step) for first in range(0, len(self.rows), step)]
        total = np.sum([self.rows[at] @ _columns(self.truth[at], self.predicted[at], labels, np.float64) for at in blocks], axis=0)
        for at in blocks:
            yield Counts(*np.split(total - _columns(self.truth[at], self.predicted[at], labels, np.float64), 3, axis=1))


def _columns(truth: np.ndarray, predicted: np.ndarray, labels: int, as_type: type[np.floating[Any]]) -> np.ndarray:
    """Of packed bits (C, …): rightly given, had and given, each of so many labels: float (C, 3 L)."""
    has, given = (np.unpackbits(each, axis=1, count=labels) for each in (truth, predicted))
    return np.concatenate([has & given, has, given], axis=1).astype(as_type)


class SetMetric(Protocol):
    """A member of the shelf."""

    def __call__(self, judged: JudgedSets) -> Figure: ...


def subset_accuracy(judged: JudgedSets) -> Figure:
    """The share of rows whose labels are all right and none too many; exact interval."""
    baseline = judged.by_usual()
    beside = None if baseline is None else float(baseline.exact.mean())
    return share_figure("subset_accuracy", int(judged.exact.sum()), len(judged), baseline=beside)


def average(counts: Counts, kind: str, weighting: str) -> np.ndarray:
    """`micro`, `macro` or `weighted` precision, recall or F1 of counts (…, L): float64 (…)."""
    if weighting != "micro":
        return counts.average(kind, weighting)
    return Counts(*(each.sum(axis=-1, keepdims=True) for each in counts)).of_each_label(kind)[..., 0]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Average:
    """Precision, recall or F1 over labels: of all together (micro), each label the same (macro), or by its rows (weighted)."""

    weighting: str
    kind: str

    def __call__(self, judged: JudgedSets) -> Figure:
        name, n, baseline = f"{self.weighting}_{self.kind}", len(judged), judged.by_usual()
        beside = None if baseline is None else float(average(baseline.counts, self.kind, self.weighting))
        if n < FEWEST_ROWS:
            return no_figure(name, n, baseline=beside)
        value = float(average(judged.counts, self.kind, self.weighting))
        if judged.exact.all():  # a bootstrap would see nothing to vary
            return Figure(name, value, *exact_interval(n, n), n, beside, "exact")
        several = judged.resampled
        left_out = np.concatenate([average(each, self.kind, self.weighting) for each in several.left_out()])
        low, high = corrected_interval(value, average(several.drawn, self.kind, self.weighting), left_out, several.rows)
        return Figure(name, value, min(low, value), max(high, value), n, beside, "bootstrap")


@dataclass(frozen=True)
class OfRows:
    """The mean of something that each row's labels and answer say."""

    name: str
    higher_is_better: bool = True

    def __call__(self, judged: JudgedSets) -> Figure:
        n, baseline = len(judged), judged.by_usual()
        beside = None if baseline is None else float(_of_row(self.name, baseline).mean())
        if n < FEWEST_ROWS:
            return no_figure(self.name, n, self.higher_is_better, beside)
        values = _of_row(self.name, judged)
        value = float(values.mean())
        if judged.exact.all():  # a bootstrap would see nothing to vary
            low, high = exact_interval(n, n)
            ends = (low, high) if self.higher_is_better else (1 - high, 1 - low)
            return Figure(self.name, value, *ends, n, beside, "exact", self.higher_is_better)
        low, high = percentile_interval(bootstrap_means(np.sort(values), judged.seed))
        return Figure(self.name, value, min(low, value), max(high, value), n, beside, "bootstrap", self.higher_is_better)


def _of_row(name: str, judged: JudgedSets) -> np.ndarray:
    """float64 (N,): hamming_loss, or samples_precision, samples_recall, samples_f1. Nothing answered where there is nothing counts 1."""
    if name == "hamming_loss":
        return (judged.truth != judged.predicted).mean(axis=1)  # type: ignore[no-any-return]
    if name == "samples_f1":
        return row_f1(judged.predicted, judged.truth)
    both = (judged.truth & judged.predicted).sum(axis=1)
    below = (judged.predicted if name == "samples_precision" else judged.truth).sum(axis=1)
    neither = ~(judged.truth | judged.predicted).any(axis=1)
    return np.where(neither, 1.0, both / np.maximum(below, 1))


micro_precision, micro_recall, micro_f1 = (Average("micro", kind) for kind in ("precision", "recall", "f1"))
macro_precision, macro_recall, macro_f1 = (Average("macro", kind) for kind in ("precision", "recall", "f1"))
weighted_precision, weighted_recall, weighted_f1 = (Average("weighted", kind) for kind in ("precision", "recall", "f1"))
samples_precision, samples_recall, samples_f1 = (OfRows(f"samples_{kind}") for kind in ("precision", "recall", "f1"))
hamming_loss = OfRows("hamming_loss", higher_is_better=False)


def figures_of_each_label(judged: JudgedSets) -> list[LabelFigures]:
    """Precision, recall and F1 of each label with exact intervals, as `metrics.labels.label_figures` gives them."""
    baseline = judged.by_usual()
    return figures_of_labels(judged.counts, None if baseline is None else baseline.counts, len(judged))


# ------------------------------------------------------- labels together

class Together(NamedTuple):
    """Two labels that stand in the same rows: so many rows have both, so many were given both, and so many rightly."""

    first: int
    second: int
    rows: int
    answered: int
    right: int


def labels_together(truth: np.ndarray, predicted: np.ndarray, most: int = 10) -> list[Together]:
    """The pairs of labels that most rows have, bool (N, L) each; label numbers break ties."""
    own = truth.astype(_whole(len(truth)))
    rows = np.triu(own.T @ own, 1).astype(np.int64)
    first, second = np.nonzero(rows)
    order = np.lexsort((second, first, -rows[first, second]))[:most]
    found = []
    for a, b in zip(first[order].tolist(), second[order].tolist()):
        has, given = truth[:, a] & truth[:, b], predicted[:, a] & predicted[:, b]
        found.append(Together(a, b, int(has.sum()), int(given.sum()), int((has & given).sum())))
    return found


def _whole(rows: int) -> type[np.floating[Any]]:
    """The narrowest float that counts so many rows exactly: products of floats are many times as fast as those of whole numbers."""
    return np.float32 if rows <= _EXACT else np.float64


def micro_f1_gain(a: JudgedSets, b: JudgedSets) -> Figure:
    """B's micro F1 less A's on the same rows; paired BCa bootstrap over rows."""
    n = len(a)
    if n < FEWEST_ROWS:
        return no_figure("micro_f1_gain", n)
    columns = np.stack([column for each in (a, b) for column in ((each.truth & each.predicted).sum(axis=1), each.truth.sum(axis=1) + each.predicted.sum(axis=1))], axis=1)
    kinds, counts = kinds_of(columns.astype(np.float64))

    def gain(sums: np.ndarray) -> np.ndarray:
        of_a, of_b = (2 * sums[..., i] / np.maximum(sums[..., i + 1], 1) for i in (0, 2))
        return of_b - of_a  # type: ignore[no-any-return]

    total = counts @ kinds
    value = float(gain(total))
    low, high = corrected_interval(value, gain(bootstrap_sums(kinds, counts, a.seed)), gain(total - kinds), counts)
    return Figure("micro_f1_gain", value, min(low, value), max(high, value), n, 0.0, "bootstrap")
