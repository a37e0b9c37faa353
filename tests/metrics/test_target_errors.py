"""Likely wrong numbers: by how far rows with such an answer usually lie, not by bare distance."""

from __future__ import annotations

import numpy as np
import pytest

from startlm.metrics.target_errors import Expect, exchange_targets, find_target_errors, usual_spread


def rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Targets and answers: the larger the answer, the wider the spread."""
    rng = np.random.default_rng(seed)
    answers = rng.uniform(1, 10, count)
    return answers + 0.05 * answers * rng.normal(size=count), answers


def by(kind: np.ndarray) -> Expect:
    """What is expected of rows of a kind: the median of all such rows."""
    return lambda off: np.array([np.median(off[kind == each]) for each in kind])


def by_answer(answers: np.ndarray) -> Expect:
    return by(np.round(answers))


def test_a_small_miss_where_rows_are_exact_is_doubted_before_a_large_one_where_they_are_not() -> None:
    targets, answers = rows(2_000)
    low, high = int(np.argmin(np.abs(answers - 1.5))), int(np.argmin(np.abs(answers - 9.5)))
    targets[low], targets[high] = answers[low] + 0.8, answers[high] + 1.0
    found = find_target_errors(targets, answers, by_answer(answers))
    assert found.rows[0] == low and high not in found.rows and found.times[0] > 6


def test_the_spread_follows_the_answers_and_is_not_moved_by_what_is_looked_for() -> None:
    targets, answers = rows(4_000)
    usual = usual_spread(np.abs(targets - answers), by_answer(answers))
    assert usual == pytest.approx(np.maximum(0.05 * np.round(answers), usual.min()), rel=0.35) and usual.max() > 4 * usual.min()
    targets[::20] *= 10
    assert usual_spread(np.abs(targets - answers), by_answer(answers)) == pytest.approx(usual, rel=0.25)


def test_numbers_ten_times_too_large_are_found_and_hardly_anything_else() -> None:
    targets, answers = rows(2_000)
    targets[:100] *= 10
    found = set(find_target_errors(targets, answers, by_answer(answers)).rows.tolist())
    assert found >= set(range(100)) and len(found) < 110


def test_normal_residuals_are_hardly_ever_doubted_and_exact_ones_never() -> None:
    normal, nothing = rows(5_000), np.zeros(0)
    assert len(find_target_errors(*normal, by_answer(normal[1])).rows) < 12
    assert len(find_target_errors(np.arange(300.0), np.arange(300.0), by_answer(np.zeros(300))).rows) == 0
    assert len(find_target_errors(nothing, nothing, by_answer(nothing)).rows) == 0


def test_exchanged_numbers_are_those_of_other_rows_and_a_twentieth_of_all() -> None:
    targets = np.arange(1_000.0)
    planted, changed = exchange_targets(targets, 0)
    assert changed.sum() == 50 and sorted(planted) == sorted(targets) and np.array_equal(planted[~changed], targets[~changed])
    assert np.array_equal(exchange_targets(targets, 0)[0], planted) and not exchange_targets(np.zeros(100), 0)[1].any()
