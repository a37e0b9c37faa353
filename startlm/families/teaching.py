"""How a larger model teaches a smaller one: what it says of rows that it did not learn from is learnt beside their labels. Not a member.

Distillation (Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network") with answers out of fold: a teacher that knew a row's label would
only repeat it. Rows without a label are taught by the teacher of all rows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Generator

import numpy as np

from ..core.contracts import Fitted, Inputs, Labelled
from ..core.parts import folds_of
from ..core.rungs import keep_fold, read_fold, say_damaged

FOLDS = 3
SHARE = 0.5  # of the teacher's word in what is learnt of a labelled row
MOST = 4  # rows without a label, for each with one

Fit = Callable[[Labelled, Path], Generator[Any, None, Fitted]]
"""Fits the teacher to these rows; the path names what is kept on the way."""


def beside(rows: Labelled, unlabelled: Inputs, seed: int) -> Inputs:
    """As many of the rows without a label, drawn by seed, as are taught beside these."""
    most = min(len(unlabelled), MOST * len(rows))
    return unlabelled.take(np.sort(np.random.default_rng(seed).permutation(len(unlabelled))[:most]))


def together(rows: Labelled, more: Inputs) -> Labelled:
    """The rows, then those without a label as if they had the same labels in the same shares: a plan weighs labels by how often each comes."""
    if not len(more):
        return rows
    alike = np.sort(rows.labels)[np.arange(len(more)) * len(rows) // len(more)]
    return Labelled([*rows.texts, *more.texts], features=np.concatenate([rows.features, more.features]), words=np.concatenate([rows.words, more.words]), word_count=rows.word_count,
                    labels=np.concatenate([rows.labels, alike]))  # fmt: skip


def taught_steps(rows: Labelled, unlabelled: Inputs, labels: int, seed: int, *, fit: Fit, say_of: Callable[[Fitted, Inputs], np.ndarray],
                 place: Path) -> Generator[Any, None, Labelled]:
    """Fit teachers, and return the rows, with those without a label behind them, and `soft`: what is to be learnt of each, float32 (N, L).

    say_of: a teacher's log-confidences, float64 (n, L). What each teacher said is kept durably beside `place`, so that what was broken off goes on.
    """
    more = beside(rows, unlabelled, seed)
    fold = folds_of(rows.labels, np.arange(len(rows)) if rows.group is None else rows.group, FOLDS, seed)  # the twin of a row tells its label too
    own = np.eye(labels, dtype=np.float32)[rows.labels]
    said = own.copy()  # a fold that nothing else can teach keeps its labels
    for number in range(FOLDS):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if len(inside) and len(outside):
            said[outside] = yield from _said_steps(rows.take(inside), rows.take(outside), place.with_name(f"{place.name}-teacher-{number}"), fit, say_of)
    soft = (1 - SHARE) * own + SHARE * said
    if len(more):
        beyond = yield from _said_steps(rows, more, place.with_name(f"{place.name}-teacher-all"), fit, say_of)
        soft = np.concatenate([soft, beyond])
    everything = together(rows, more)
    return replace(everything, labels=np.concatenate([rows.labels, soft[len(rows):].argmax(axis=1)]), soft=soft.astype(np.float32))


def _said_steps(learn: Labelled, asked: Inputs, part: Path, fit: Fit, say_of: Callable[[Fitted, Inputs], np.ndarray]) -> Generator[Any, None, np.ndarray]:
    """float32 (n, L): the confidences of a teacher that learnt from the one about the other."""
    if (kept := read_fold(part)) is None:
        yield from say_damaged(part)
        teacher = yield from fit(learn, part)
        kept = np.exp(say_of(teacher, asked)).astype(np.float32)
        keep_fold(part, kept)
    return kept
