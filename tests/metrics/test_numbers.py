"""Figures of answers that are numbers, against scikit-learn, SciPy and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as reference

from startlm.metrics.intervals import bootstrap_counts
from startlm.metrics.numbers import JudgedNumbers, gain_over_baseline, mae, mean_figure, r2, rmse, spearman


@st.composite
def judged_numbers(draw):
    """Rows of a few different numbers or of many, near 0 or far from it."""
    seed, step, far = draw(st.integers(0, 2**31)), draw(st.sampled_from([0.0, 1.0, 0.25])), draw(st.sampled_from([0.0, 1e6, -3e4]))
    random = np.random.default_rng(seed)
    truth = random.normal(size=60) * 2 + far
    predicted = truth * random.uniform(-1, 1) + random.normal(size=60)
    if step:
        truth, predicted = (np.round(values / step) * step for values in (truth, predicted))
    return JudgedNumbers(truth, predicted)


@given(judged_numbers())
@settings(max_examples=40, deadline=None)
def test_the_errors_equal_those_of_scikit_learn(judged):
    assert mae(judged).value == pytest.approx(reference.mean_absolute_error(judged.truth, judged.predicted), rel=1e-9)
    assert rmse(judged).value == pytest.approx(reference.root_mean_squared_error(judged.truth, judged.predicted), rel=1e-9)
    assert r2(judged).value == pytest.approx(reference.r2_score(judged.truth, judged.predicted), rel=1e-9, abs=1e-9)


@given(judged_numbers())
@settings(max_examples=40, deadline=None)
def test_the_rank_correlation_equals_that_of_scipy_with_equal_values_too(judged):
    assert spearman(judged).value == pytest.approx(stats.spearmanr(judged.truth, judged.predicted).statistic, abs=1e-9)


def test_the_baselines_are_the_median_for_absolute_and_the_mean_for_squared_errors():
    judged = JudgedNumbers(np.arange(20.0), np.arange(20.0), baseline_mean=9.5, baseline_median=3.0)
    assert mae(judged).baseline == pytest.approx(np.abs(np.arange(20) - 3).mean())
    assert rmse(judged).baseline == pytest.approx(np.arange(20).std())
    assert (r2(judged).baseline, spearman(judged).baseline) == (pytest.approx(0.0), None)


def test_nineteen_rows_give_no_number_but_the_baseline_stands():
    few = JudgedNumbers(np.arange(19.0), np.arange(19.0), 9.0, 9.0)
    assert [(metric(few).value, metric(few).n) for metric in (mae, rmse, r2, spearman)] == [(None, 19)] * 4
    assert mae(few).baseline == pytest.approx(90 / 19) and mae(JudgedNumbers(np.zeros(0), np.zeros(0), 1.0, 1.0)).baseline is None


def test_where_all_truths_are_the_same_nothing_can_be_explained_or_ordered():
    same = JudgedNumbers(np.full(50, 0.1), np.arange(50.0), 0.1, 0.1)
    assert (r2(same).value, r2(same).baseline, spearman(same).value) == (None, None, None)
    assert mae(same).value == pytest.approx(24.404)


def test_one_truth_that_differs_is_enough_for_an_interval():
    truth = np.zeros(20)
    truth[0] = 1.0
    figure = r2(JudgedNumbers(truth, truth * 0.9))
    assert np.isfinite([figure.low, figure.high]).all() and figure.low <= figure.value <= figure.high


def test_r2_keeps_its_digits_far_from_zero():
    truth = np.random.default_rng(0).normal(size=200)
    near, far = (r2(JudgedNumbers(truth + offset, 0.5 * truth + offset)).value for offset in (0.0, 1e9))
    assert far == pytest.approx(near, abs=1e-6)


@pytest.mark.parametrize(("metric", "measured"), [
    (mae, reference.mean_absolute_error), (rmse, reference.root_mean_squared_error), (r2, reference.r2_score), (spearman, lambda *each: stats.spearmanr(*each).statistic),
])  # fmt: skip
def test_the_interval_holds_the_truth_as_often_as_it_says(metric, measured):
    random = np.random.default_rng(5)

    def rows(n):
        truth = random.gamma(2.0, 1.0, n)
        return truth, 0.6 * truth + 0.5 * random.normal(size=n)

    true = measured(*rows(400_000))
    figures = [metric(JudgedNumbers(*rows(150), seed=seed)) for seed in range(100)]
    assert 0.88 <= np.mean([figure.low <= true <= figure.high for figure in figures]) <= 1.0


def test_resampled_ranks_agree_with_ranking_resampled_rows_one_by_one():
    random = np.random.default_rng(1)
    truth, rows = random.normal(size=80).round(1), np.arange(80)
    predicted = truth + random.normal(size=80).round(1)
    drawn = [random.choice(rows, 80) for _ in range(2_000)]
    slow = np.quantile([stats.spearmanr(truth[each], predicted[each]).statistic for each in drawn], (0.025, 0.975))
    figure = spearman(JudgedNumbers(truth, predicted))
    assert (figure.low, figure.high) == pytest.approx(tuple(slow), abs=0.03)


@pytest.mark.parametrize("counts", [np.ones(300, np.int64), np.array([200, 60, 40])])
def test_counts_that_are_drawn_add_up_to_the_rows(counts):
    drawn = np.concatenate(list(bootstrap_counts(counts, 0, 50)))
    assert drawn.shape == (50, len(counts)) and set(drawn.sum(axis=1)) == {300}


def test_the_gain_is_the_medians_error_less_the_models():
    random = np.random.default_rng(2)
    truth = random.normal(size=400)
    good, useless = (JudgedNumbers(truth, answers, 0.0, 0.1) for answers in (truth + 0.3 * random.normal(size=400), np.full(400, 0.1) + 0.3 * random.normal(size=400)))
    gain = gain_over_baseline(good)
    assert gain.value == pytest.approx(np.abs(truth - 0.1).mean() - mae(good).value) and gain.low > 0
    assert gain_over_baseline(useless).low <= 0
    assert gain_over_baseline(JudgedNumbers(truth, truth)).value is None


def test_a_mean_has_its_interval_around_it():
    figure = mean_figure("bias", np.arange(-50.0, 50.0), 0)
    assert (figure.value, figure.n, figure.baseline) == (-0.5, 100, None) and figure.low < 0 < figure.high
    assert mean_figure("bias", np.arange(19.0), 0).value is None
