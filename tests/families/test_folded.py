"""Answers out of fold from columns, and of numbers: no row's own target had a part in them, and the work is bounded."""

from __future__ import annotations

import numpy as np
import pytest

from startlm.core.contracts import Labelled
from startlm.families import folded as module
from startlm.families.folded import Folded, fold_rows


def rows_of(count: int, kind: str, seed: int = 0) -> Labelled:
    """Columns (or a text) that tell a number, or which of three labels a row has."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 3)).astype(np.float32)
    number = features[:, 0].astype(np.float64) * 2 + features[:, 1]
    texts = [f"{'very ' if value > 0 else ''}good tea number {value:.0f}" for value in number] if "text" in kind else [""] * count
    return Labelled(texts, number if "number" in kind else np.digitize(number, [-1, 1]).astype(np.int64), features=features)


def folds(rows: Labelled) -> Folded:
    count = 1 if rows.numeric else 3
    return fold_rows(rows, np.arange(len(rows)), count, np.zeros(len(rows), np.int64) if rows.numeric else rows.labels, seed=0)


def test_columns_tell_the_label_of_rows_that_were_not_seen() -> None:
    trial = folds(rows_of(600, "labels"))
    assert trial.family == "trees" and trial.logits().shape == (600, 3) and np.mean(trial.logits().argmax(axis=1) == trial.labels) > 0.8


@pytest.mark.parametrize(("kind", "family"), [("number", "trees"), ("number text", "linear")])
def test_columns_tell_the_number_of_rows_that_were_not_seen(kind: str, family: str) -> None:
    trial = folds(rows_of(600, kind))
    answers = trial.logits()
    assert trial.family == family and answers.shape == (600, 1) and np.mean((answers[:, 0] - trial.labels) ** 2) < 0.25 * trial.labels.var()


@pytest.mark.parametrize("kind", ["labels", "number", "number text"])
def test_no_rows_own_target_has_a_part_in_what_is_said_of_it(kind: str) -> None:
    trial = folds(rows_of(300, kind))
    changed = np.where(trial.fold == 2, trial.labels.max(), trial.labels)
    whole, other = trial.logits(), trial.logits(changed)
    assert np.array_equal(whole[trial.fold == 2], other[trial.fold == 2]) and not np.array_equal(whole[trial.fold != 2], other[trial.fold != 2])


@pytest.mark.parametrize("kind", ["number", "number text"])
def test_fewer_rows_to_learn_from_are_further_off(kind: str) -> None:
    trial = folds(rows_of(800, kind))
    answers, fold = trial.answers_at((1 / 16, 1.0))
    off = np.abs(answers[:, :, 0] - trial.labels[:, None]).mean(axis=0)
    assert off[0] > 1.1 * off[1] and answers.shape == (800, 2, 1) and np.array_equal(fold, trial.fold) and trial.learnt() == 640


def test_of_more_rows_than_can_be_paid_for_so_many_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WORK", 150 * 3 * 200)
    rows = rows_of(600, "number")
    trial = folds(rows)
    assert len(trial.rows) == 200 and np.array_equal(trial.labels, rows.labels[trial.rows]) and len(trial.affordable((0.5, 1.0)).rows) == 133


def test_the_same_seed_gives_the_same_bits() -> None:
    one, other = (folds(rows_of(200, "number")) for _ in range(2))
    assert one.logits().tobytes() == other.logits().tobytes()


def test_a_label_that_one_fold_alone_knows_is_answered_not_refused() -> None:
    rows = rows_of(60, "labels")
    one = Labelled(rows.texts, np.where(np.arange(60) == 7, 1, 0), features=rows.features)
    trial = fold_rows(one, np.arange(60), 2, one.labels, seed=0)
    assert np.isfinite(trial.logits()).all() and trial.right_at((0.5, 1.0))[0].shape == (60, 2)
