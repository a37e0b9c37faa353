"""Answers out of fold: no row's own label had a part in them, near-duplicates stay together, and the work is bounded."""

from __future__ import annotations

import numpy as np
import pytest
from tickets import tickets

from startlm.core.contracts import Labelled
from startlm.families import out_of_fold as module
from startlm.families.out_of_fold import OutOfFold, out_of_fold

TEAMS = ("money", "post", "tea")


def rows_of(count: int, teams: tuple[str, ...] = TEAMS) -> Labelled:
    rows = tickets(count, seed=1, teams=teams)
    return Labelled([row["message"] for row in rows], np.array([teams.index(row["team"]) for row in rows]))


def folds(rows: Labelled, labels: int = 3) -> OutOfFold:
    return out_of_fold(rows, np.arange(len(rows)), labels, seed=0)


@pytest.mark.parametrize("teams", [TEAMS, ("money", "post")])
def test_rows_that_were_not_seen_are_answered_well(teams: tuple[str, ...]) -> None:
    rows = rows_of(300, teams)
    trial = folds(rows, len(teams))
    assert np.mean(trial.logits().argmax(axis=1) == rows.labels) > 0.9 and trial.logits().shape == (300, len(teams))


def test_no_rows_own_label_has_a_part_in_what_is_said_of_it() -> None:
    trial = folds(rows_of(300))
    changed = trial.labels.copy()
    changed[trial.fold == 2] = 0
    whole, other = trial.logits(), trial.logits(changed)
    assert np.array_equal(whole[trial.fold == 2], other[trial.fold == 2]) and not np.array_equal(whole[trial.fold != 2], other[trial.fold != 2])


def test_near_duplicates_are_in_one_fold() -> None:
    rows = rows_of(300)
    groups = np.arange(300) // 3
    fold = out_of_fold(rows, groups, 3, seed=0).fold
    assert all(len(set(fold[groups == group])) == 1 for group in range(100)) and len(set(fold)) == 5


def test_fewer_rows_to_learn_from_are_fewer_right() -> None:
    trial = folds(rows_of(600))
    right, fold = trial.right_at((1 / 16, 1.0))
    assert right[:, 0].mean() < right[:, 1].mean() > 0.95 and trial.learnt() == 480 and trial.learnt(1 / 16) == 30
    assert right.shape == (600, 2) and sorted(fold) == sorted(trial.fold)


def test_the_same_seed_gives_the_same_bits() -> None:
    one, other = (folds(rows_of(200)) for _ in range(2))
    assert one.logits().tobytes() == other.logits().tobytes() and one.right_at((0.5, 1.0))[0].tobytes() == other.right_at((0.5, 1.0))[0].tobytes()


def test_of_more_rows_than_the_time_allows_so_many_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 120)
    rows = rows_of(300)
    trial = folds(rows)
    assert len(trial.rows) == 120 and np.array_equal(trial.labels, rows.labels[trial.rows]) and np.all(np.diff(trial.rows) > 0)
    assert np.mean(trial.logits().argmax(axis=1) == trial.labels) > 0.8


@pytest.mark.parametrize(("work", "rows", "asked"), [(6e8, 300, 5), (1.0e6, 300, 2), (0.5e6, 200, 2)])
def test_a_learning_curve_asks_fewer_folds_then_fewer_rows(monkeypatch: pytest.MonkeyPatch, work: float, rows: int, asked: int) -> None:
    monkeypatch.setattr(module, "MOST_WORK", work)
    shares = (0.5, 1.0)
    trial = folds(rows_of(300)).affordable(shares)
    right, fold = trial.right_at(shares)
    assert len(trial.rows) == pytest.approx(rows, rel=0.3) and len(set(fold)) == asked and len(right) == len(fold)
    assert module._work(trial.features, 3) * 1.5 * 0.8 * asked <= work * 1.05


def test_a_label_that_one_fold_alone_knows_is_answered_wrong_not_refused() -> None:
    rows = rows_of(60)
    labels = rows.labels.copy()
    labels[7] = 3
    trial = folds(Labelled(rows.texts, labels), 4)
    assert np.isfinite(trial.logits()).all() and not trial.right_at((1.0,))[0].all()
    one = np.where(np.arange(60) == 7, 1, 0)
    assert folds(Labelled(rows.texts, one), 2).right_at((0.1, 1.0))[0].shape == (60, 2)
