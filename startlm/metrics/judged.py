"""Rows whose truth is known and what was answered to them: what every metric is called with, and the counts it rests on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from startlm.core.contracts import Figure

from .intervals import bootstrap_sums


@dataclass(frozen=True)
class Judged:
    """What was answered to rows whose truth is known.

    truth, predicted: int64 (N,) label numbers in [0, labels); confidences: float64 (N, L), rows sum to 1, or None where a
    tool gives only labels. The dumb baseline always answers `majority`, the most frequent label of train, as surely as `shares`
    says, float64 (L,): the labels' shares of train.
    """

    truth: np.ndarray
    predicted: np.ndarray
    labels: int
    confidences: np.ndarray | None = None
    majority: int | None = None
    seed: int = 0
    shares: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def correct(self) -> np.ndarray:
        """bool (N,)"""
        return self.truth == self.predicted

    @cached_property
    def table(self) -> np.ndarray:
        """int64 (L, L): rows are the truth, columns what was predicted."""
        return confusion(self.truth, self.predicted, self.labels)

    @cached_property
    def resampled(self) -> Resampled:
        """The counts of resampled confusion tables: made once, used by every average."""
        return Resampled.of(self.table, self.seed)

    def by_majority(self) -> Judged | None:
        """The same rows, answered by the dumb baseline."""
        if self.majority is None:
            return None
        always = np.full_like(self.truth, self.majority)
        as_surely = None if self.shares is None else np.broadcast_to(self.shares, (len(self), self.labels))
        return replace(self, predicted=always, confidences=as_surely, majority=None)


def judge(truth: np.ndarray, confidences: np.ndarray, *, majority: int | None = None, seed: int = 0, shares: np.ndarray | None = None) -> Judged:
    """Judged rows from float64 (N, L) confidences: the prediction is the first label with the largest one."""
    truth = np.asarray(truth, dtype=np.int64)
    confidences = np.asarray(confidences, dtype=np.float64)
    return Judged(truth, confidences.argmax(axis=1), confidences.shape[1], confidences, majority, seed, shares)


class Metric(Protocol):
    """A member of the shelf."""

    def __call__(self, judged: Judged) -> Figure: ...


# ------------------------------------------------------------------ counts

def confusion(truth: np.ndarray, predicted: np.ndarray, labels: int) -> np.ndarray:
    """int64 (L, L): how many rows of label i were predicted as j."""
    return np.bincount(truth * labels + predicted, minlength=labels * labels).reshape(labels, labels)


class Counts(NamedTuple):
    """For each label the rows that are right, that are it and that are predicted as it: (…, L) each."""

    right: np.ndarray
    actual: np.ndarray
    predicted: np.ndarray

    @classmethod
    def of(cls, table: np.ndarray) -> Counts:
        return cls(np.diagonal(table), table.sum(axis=1), table.sum(axis=0))

    def of_each_label(self, kind: str) -> np.ndarray:
        """`precision`, `recall` or `f1` of each label, float64 (…, L); 0 where nothing is divided by nothing."""
        if kind == "precision":
            return _ratio(self.right, self.predicted)
        if kind == "recall":
            return _ratio(self.right, self.actual)
        return _ratio(2 * self.right, self.predicted + self.actual)

    def average(self, kind: str, weighting: str) -> np.ndarray:
        """The `macro` mean over labels that occur (as truth or prediction), or the mean `weighted` by true rows: float64 (…)."""
        weights = self.actual if weighting == "weighted" else (self.actual + self.predicted > 0)
        return _ratio((self.of_each_label(kind) * weights).sum(axis=-1), weights.sum(axis=-1))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return above / np.where(below == 0, 1, below) * (below != 0)


class Resampled(NamedTuple):
    """Counts of bootstrap draws (draws, L), and with one row of each kind left out (C, L); `cells` are int64 (C,) rows."""

    drawn: Counts
    left_out: Counts
    cells: np.ndarray

    @classmethod
    def of(cls, table: np.ndarray, seed: int) -> Resampled:
        """A row matters only by its cell of the table: resampling rows is resampling cells."""
        labels = len(table)
        actual, predicted = np.nonzero(table)
        each = np.eye(labels)
        kinds = np.hstack([each[actual] * (actual == predicted)[:, None], each[actual], each[predicted]])  # (C, 3 L)
        cells = table[actual, predicted]
        drawn = bootstrap_sums(kinds, cells, seed)
        left_out = cells @ kinds - kinds
        return cls(Counts(*np.split(drawn, 3, axis=1)), Counts(*np.split(left_out, 3, axis=1)), cells)
