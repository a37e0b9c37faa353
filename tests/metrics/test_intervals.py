"""Intervals: equal to scipy's, and as often right as they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from startlm.core.contracts import Figure
from startlm.core.language import Said
from startlm.metrics.comparison import paired_gain
from startlm.metrics.intervals import (
    bootstrap_means, corrected_interval, exact_bounds, exact_interval, exact_upper, in_words, percentile_interval, share_figure,
    share_figures, upper_bound_holds,
)
from startlm.metrics.judged import Counts, Judged
from startlm.metrics.labels import macro_f1


@given(st.integers(1, 200_000), st.floats(0, 1), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
@settings(max_examples=60, deadline=None)
def test_the_exact_interval_equals_the_quantiles_of_the_beta_distribution(n, share, level):
    hits, tail = round(share * n), (1 - level) / 2
    low = stats.beta.ppf(tail, hits, n - hits + 1) if hits else 0.0
    high = stats.beta.ppf(1 - tail, hits + 1, n - hits) if hits < n else 1.0
    assert exact_interval(hits, n, level) == pytest.approx((low, high), abs=1e-9)


def test_the_upper_bound_of_no_error_in_n_rows_is_known_in_closed_form():
    assert exact_upper(np.array([0]), np.array([45]), 0.9)[0] == pytest.approx(1 - 0.1 ** (1 / 45), abs=1e-12)


@given(st.integers(1, 3_000), st.floats(0, 0.2), st.floats(0.01, 0.2), st.sampled_from([0.9, 0.95]))
@settings(max_examples=60, deadline=None)
def test_a_bound_that_holds_is_the_exact_bound_at_or_below_the_target(n, share, target, confidence):
    hits = np.array([round(share * n)])
    holds = upper_bound_holds(hits, np.array([n]), target, confidence)[0]
    assert holds == (exact_upper(hits, np.array([n]), confidence)[0] <= target)


def test_nothing_of_nothing_can_be_any_share():
    assert exact_interval(0, 0) == (0.0, 1.0)


def test_nineteen_rows_are_too_few_and_twenty_are_not():
    assert [figure.value for figure in share_figures("share", np.array([19, 20]), np.array([19, 20]))] == [None, 1.0]
    assert share_figure("share", 20, 20) == share_figures("share", np.array([20]), np.array([20]))[0]


def test_bootstrap_means_agree_with_resampling_rows_one_by_one():
    values = np.random.default_rng(0).exponential(size=400)
    random = np.random.default_rng(1)
    slow = [random.choice(values, len(values)).mean() for _ in range(4_000)]
    for given_values in (values, np.round(values)):  # many kinds of rows, few kinds of rows
        drawn = bootstrap_means(given_values, seed=2, draws=4_000)
        assert drawn.mean() == pytest.approx(given_values.mean(), abs=0.005)
        assert drawn.std() == pytest.approx(np.std(slow), rel=0.1)


def test_the_same_seed_gives_the_same_draws_in_any_order_of_rows():
    values = np.random.default_rng(0).normal(size=300)
    assert np.array_equal(bootstrap_means(values, seed=5), bootstrap_means(values[::-1], seed=5))
    assert not np.array_equal(bootstrap_means(values, seed=5), bootstrap_means(values, seed=6))


def test_the_corrected_interval_equals_that_of_scipy():
    values = np.random.default_rng(3).exponential(size=80)
    left_out = (values.sum() - values) / 79
    ours = corrected_interval(values.mean(), bootstrap_means(values, 0, 20_000), left_out, np.ones(80))
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=0).confidence_interval
    assert ours == pytest.approx(tuple(theirs), abs=0.02)
    assert abs(ours.high - theirs.high) < abs(percentile_interval(bootstrap_means(values, 0, 20_000)).high - theirs.high)


def test_the_exact_interval_of_a_share_holds_the_truth_at_least_as_often_as_it_says():
    hits = np.arange(301)
    low, high = exact_bounds(hits, np.full(301, 300))
    for share in (0.02, 0.5, 0.83, 0.97):
        covered = stats.binom.pmf(hits, 300, share)[(low <= share) & (share <= high)].sum()
        assert 0.95 <= covered <= 0.98


def test_the_interval_of_macro_f1_holds_the_truth_as_often_as_it_says():
    joint = np.array([[0.40, 0.03, 0.02], [0.04, 0.30, 0.01], [0.03, 0.02, 0.15]])
    true = float(Counts.of(joint).average("f1", "macro"))
    cells = np.random.default_rng(11).choice(9, size=(400, 300), p=joint.ravel())
    figures = [macro_f1(Judged(row // 3, row % 3, 3, seed=seed)) for seed, row in enumerate(cells)]
    assert 0.93 <= np.mean([figure.low <= true <= figure.high for figure in figures]) <= 0.98


@pytest.mark.parametrize("only_a, only_b", [(0.05, 0.08), (0.02, 0.02)])
def test_the_interval_of_the_paired_gain_holds_the_truth_as_often_as_it_says(only_a, only_b):
    kinds = np.random.default_rng(12).choice(3, size=(1_000, 500), p=[only_a, only_b, 1 - only_a - only_b])
    figures = [paired_gain(row != 1, row != 0, seed) for seed, row in enumerate(kinds)]
    assert 0.93 <= np.mean([figure.low <= only_b - only_a <= figure.high for figure in figures]) <= 0.98


def test_a_figure_reads_as_a_share_or_as_not_enough_data():
    assert in_words(Figure("accuracy", 0.923, 0.91, 0.934, 500)).en == "92.3 % [91.0, 93.4]"
    assert in_words(Figure("log_loss", 0.35, 0.3, 0.4, 500), share=False).en == "0.350 [0.300, 0.400]"
    assert in_words(Figure("accuracy", None, None, None, 10)) == Said("not enough data (10 rows)", "数据不够（10 行）")


def test_the_middle_of_the_draws_is_between_its_percentiles():
    assert percentile_interval(np.arange(101.0), 0.9) == pytest.approx((5.0, 95.0))
