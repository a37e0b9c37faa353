"""Likely label errors: what confident learning says, by hand and on planted errors."""

from __future__ import annotations

import numpy as np
import pytest

from startlm.metrics.label_errors import doubted, find_label_errors, plant_errors, planted_figures


def noisy(seed: int, rows: int = 3_000, labels: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """True labels and confidences of a good model of them, float64 (N, L)."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, labels, rows)
    logits = rng.normal(size=(rows, labels))
    logits[np.arange(rows), truth] += 4
    return truth, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_as_many_rows_are_suspected_as_look_like_another_label_those_whose_own_is_believed_least() -> None:
    labels = np.repeat([0, 1], 6)
    sure = np.array([0.9, 0.9, 0.9, 0.9, 0.6, 0.05, 0.1, 0.1, 0.1, 0.1, 0.1, 0.45])  # of label 0; it usually is 0.708, label 1 0.842
    found = find_label_errors(labels, np.stack([sure, 1 - sure], axis=1))
    assert found.rows.tolist() == [5] and found.suggested.tolist() == [1] and found.confidence.tolist() == [0.95]


@pytest.mark.parametrize("seed", range(3))
def test_planted_errors_come_first(seed: int) -> None:
    truth, confidences = noisy(seed)
    labels, changed = plant_errors(truth, 6, seed)
    found = find_label_errors(labels, confidences)
    first = found.rows[: changed.sum()]
    assert changed[first].mean() > 0.9 and np.mean(found.suggested[:100] == truth[found.rows[:100]]) > 0.95
    assert np.all(np.diff(confidences[found.rows, labels[found.rows]]) >= 0) and set(found.rows) <= set(doubted(labels, confidences)[: 2 * len(found.rows)])


def test_where_every_label_is_right_and_sure_nothing_is_suspected() -> None:
    truth, _ = noisy(0)
    assert len(find_label_errors(truth, np.where(np.eye(6, dtype=bool)[truth], 0.9, 0.02)).rows) == 0


def test_rows_of_a_label_that_four_rows_bear_are_left_out_and_it_is_not_suggested() -> None:
    truth, confidences = noisy(1, 500, 3)
    labels, changed = plant_errors(truth, 3, 1, share=0.2)
    keep = np.flatnonzero((labels != 2) | (np.cumsum(labels == 2) <= 4))
    found = find_label_errors(labels[keep], confidences[keep])
    assert changed[keep][found.rows].mean() > 0.9 and set(labels[keep][found.rows]) == {0, 1} == set(found.suggested)


def test_the_order_of_rows_does_not_matter() -> None:
    truth, confidences = noisy(2)
    labels, _ = plant_errors(truth, 6, 2)
    order = np.random.default_rng(0).permutation(len(labels))
    found, moved = find_label_errors(labels, confidences), find_label_errors(labels[order], confidences[order])
    assert sorted(order[moved.rows]) == sorted(found.rows)


def test_planting_changes_so_many_labels_each_to_another() -> None:
    labels = np.arange(1_000) % 7
    planted, changed = plant_errors(labels, 7, seed=3)
    assert changed.sum() == 50 and np.array_equal(planted != labels, changed) and set(planted) == set(range(7))


def test_the_figures_of_a_trial_count_planted_rows() -> None:
    changed = np.arange(1_000) < 50
    precision, caught = planted_figures(changed, np.concatenate([np.arange(40), np.arange(500, 510)]))
    assert (precision.value, precision.n, caught.value, caught.n) == (0.8, 50, 0.8, 50) and precision.low < 0.8 < precision.high
    assert planted_figures(changed, np.arange(3))[0].value is None
