"""Intervals around answers that are numbers: they hold the truth as often as they promise."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.errors import CallError
from startlm.metrics.conformal import around, covered, half_width, mean_width

FINITE = st.floats(-1e6, 1e6)


@given(st.lists(FINITE, min_size=2, max_size=40), st.sampled_from([0.5, 0.8, 0.9, 0.95]))
@settings(max_examples=100, deadline=None)
def test_of_rows_that_could_change_places_at_least_so_many_are_held_as_promised(errors, coverage):
    """Each row in turn is the new one, the others calibrate: what holds for a drawn order holds on average over all."""
    rows, zeros = np.array(errors), np.zeros(len(errors) - 1)
    halves = [half_width(np.delete(rows, i), zeros, coverage) for i in range(len(rows))]
    held = sum(half is None or abs(row) <= half for row, half in zip(rows, halves))
    assert held >= ceil(len(rows) * coverage - 1e-9)


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_a_new_row_is_held_as_often_as_promised_and_not_much_more(coverage):
    random = np.random.default_rng(0)
    errors = random.standard_t(3, size=(4_000, 100))  # 99 rows calibrate, the last is new
    held = np.mean([abs(row[-1]) <= half_width(row[:-1], np.zeros(99), coverage) for row in errors])
    assert coverage - 0.02 <= held <= coverage + 0.02


def test_intervals_that_follow_each_rows_spread_are_held_as_often_where_rows_are_hard():
    random = np.random.default_rng(1)
    spread = np.where(np.arange(4_000) % 2, 0.1, 3.0)
    truth = spread * random.normal(size=4_000)
    half = half_width(truth[:2_000], np.zeros(2_000), 0.9, spread[:2_000])
    low, high = around(np.zeros(2_000), half, spread[2_000:])
    hard = spread[2_000:] > 1
    for rows in (hard, ~hard):
        assert covered(truth[2_000:][rows], low[rows], high[rows]).value == pytest.approx(0.9, abs=0.03)
    fixed = half_width(truth[:2_000], np.zeros(2_000), 0.9)
    assert mean_width(low, high, 0).value < mean_width(*around(np.zeros(2_000), fixed), 0).value


@pytest.mark.parametrize(("rows", "coverage"), [(8, 0.9), (18, 0.95), (0, 0.5)])
def test_too_few_rows_give_no_interval_and_one_more_gives_the_largest_error(rows, coverage):
    errors = np.arange(rows + 1.0)
    assert half_width(errors[:rows], np.zeros(rows), coverage) is None
    assert half_width(errors, np.zeros(rows + 1), coverage) == rows


def test_the_share_that_is_held_counts_the_ends_and_says_how_sure_it_is():
    figure = covered(np.arange(40.0), np.zeros(40), np.full(40, 29.0))
    assert (figure.value, figure.n, figure.method) == (0.75, 40, "exact") and figure.low < 0.75 < figure.high


def test_the_width_is_in_the_targets_unit_and_less_is_better():
    figure = mean_width(np.zeros(40), np.arange(40.0), 0)
    assert figure.value == 19.5 and not figure.higher_is_better and figure.low < 19.5 < figure.high


@pytest.mark.parametrize("coverage", [0.0, 1.0, 90.0])
def test_a_coverage_that_is_no_share_is_refused_with_a_hint(coverage):
    with pytest.raises(CallError) as refused:
        half_width(np.zeros(30), np.zeros(30), coverage)
    assert "0.9" in refused.value.hint.en and "0.9" in refused.value.hint.zh
