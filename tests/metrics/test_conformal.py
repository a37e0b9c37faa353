"""Intervals around answers that are numbers: they hold the truth as often as they promise."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.errors import CallError
from startlm.metrics.conformal import around, covered, half_width, interval_losses, margin, mean_width

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


# ----------------------------------------------------------- that follow each row

@given(st.lists(st.tuples(FINITE, FINITE, FINITE), min_size=2, max_size=40), st.sampled_from([0.5, 0.8, 0.9]))
@settings(max_examples=100, deadline=None)
def test_learnt_ends_moved_by_their_margin_hold_at_least_as_many_rows_as_promised(rows, coverage):
    """Each row in turn is the new one, whatever the ends are, crossed ones too."""
    truth, low, high = np.array(rows).T
    held = 0
    for i in range(len(rows)):
        others = np.delete(np.arange(len(rows)), i)
        wider = margin(truth[others], low[others], high[others], coverage)
        held += wider is None or max(low[i] - truth[i], truth[i] - high[i]) <= wider
    assert held >= ceil(len(rows) * coverage - 1e-9)


def test_ends_that_are_too_far_out_are_brought_in_and_too_few_rows_give_no_margin():
    truth = np.arange(99.0)
    assert margin(truth, truth - 5, truth + 5, 0.9) == -5.0
    assert margin(truth[:8], truth[:8] - 5, truth[:8] + 5, 0.9) is None


def test_ends_that_follow_the_spread_are_narrower_than_one_width_and_hold_hard_rows_as_often():
    random = np.random.default_rng(2)
    spread = np.where(np.arange(4_000) % 4 == 0, 3.0, 0.2)
    truth, low, high = spread * random.normal(size=4_000), -1.3 * spread, 1.3 * spread
    wider = margin(truth[:2_000], low[:2_000], high[:2_000], 0.9)
    mine = low[2_000:] - wider, high[2_000:] + wider
    fixed = around(np.zeros(2_000), half_width(truth[:2_000], np.zeros(2_000), 0.9))
    hard = spread[2_000:] > 1
    assert covered(truth[2_000:][hard], *(end[hard] for end in mine)).value > 0.75 > covered(truth[2_000:][hard], *(end[hard] for end in fixed)).value
    assert covered(truth[2_000:], *mine).low > 0.87 and mean_width(*mine, 0).high < mean_width(*fixed, 0).low


def test_of_all_intervals_around_a_normal_number_its_quantiles_lose_least():
    truth = np.random.default_rng(3).normal(size=40_000)
    losses = {reach: interval_losses(truth, np.full(40_000, -reach), np.full(40_000, reach), 0.9).mean() for reach in (1.2, 1.645, 2.2)}
    assert min(losses, key=losses.__getitem__) == 1.645
