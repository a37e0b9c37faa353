"""Confidences that mean what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special
from sklearn.calibration import calibration_curve

from startlm.core.errors import CallError
from startlm.metrics.calibration import (
    COLDEST, HOTTEST, calibration_error, calibration_error_debiased, debiased_calibration_error, expected_calibration_error,
    fit_temperature, log_softmax, reliability_bins, softmax_with,
)
from startlm.metrics.judged import judge
from startlm.metrics.labels import row_losses


def sharpened(seed, rows=2_000, labels=5, temperature=2.5):
    """Logits whose right temperature is `temperature`, and labels drawn from what they then say."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(rows, labels)) * 2
    labels_drawn = (special.softmax(logits, axis=1).cumsum(axis=1) < random.random((rows, 1))).sum(axis=1)
    return logits * temperature, labels_drawn


@given(st.integers(0, 1_000), st.floats(0.1, 8), st.integers(2, 8))
@settings(max_examples=30, deadline=None)
def test_the_temperature_is_the_one_with_the_least_log_loss(seed, temperature, labels):
    logits, truth = sharpened(seed, 300, labels, temperature)

    def loss(log_temperature):
        return row_losses(truth, softmax_with(logits, np.exp(log_temperature))).mean()

    best = optimize.minimize_scalar(loss, bounds=np.log([COLDEST, HOTTEST]), method="bounded", options={"xatol": 1e-9})
    fitted = fit_temperature(logits, truth)
    assert loss(np.log(fitted)) <= best.fun + 1e-12
    assert np.log(fitted) == pytest.approx(best.x, abs=1e-4)


def test_a_model_that_is_too_sure_is_cooled_to_what_it_should_say():
    assert fit_temperature(*sharpened(0, rows=20_000)) == pytest.approx(2.5, rel=0.03)


@pytest.mark.parametrize("scale", [1e-3, 1, 100, 1e6])
def test_rows_that_are_all_right_give_a_finite_temperature_and_never_certainty(scale):
    truth = np.arange(40) % 3
    logits = np.eye(3)[truth] * scale
    temperature = fit_temperature(logits, truth)
    assert COLDEST <= temperature <= HOTTEST
    assert temperature == pytest.approx(np.clip(scale / np.log(40 * 3 + 1), COLDEST, HOTTEST))  # p = 1 - (2/3) / 41, by hand


def test_rows_that_are_all_wrong_are_as_unsure_as_they_can_be():
    truth = np.arange(40) % 2
    assert fit_temperature(np.eye(2)[1 - truth], truth) == HOTTEST


@pytest.mark.parametrize("rows", [0, 1, 19])
def test_a_handful_of_rows_says_nothing(rows):
    assert fit_temperature(np.ones((rows, 3)), np.zeros(rows, dtype=np.int64)) == 1.0


def test_infinite_logits_are_borne():
    logits, truth = sharpened(1, rows=200)
    logits[:50, 4], logits[50, 2], logits[51] = -np.inf, np.inf, -np.inf
    assert COLDEST <= fit_temperature(logits, truth) <= HOTTEST
    confidences = softmax_with(logits, 2.0)
    assert np.isfinite(confidences).all() and confidences.sum(axis=1) == pytest.approx(1)
    assert confidences[50].tolist() == [0, 0, 1, 0, 0] and confidences[51].tolist() == [0.2] * 5


def test_a_logit_that_is_not_a_number_is_refused():
    with pytest.raises(CallError, match="NaN"):
        fit_temperature(np.full((30, 2), np.nan), np.zeros(30, dtype=np.int64))


@given(st.integers(0, 1_000), st.integers(1, 40), st.integers(1, 200), st.floats(0.05, 20))
@settings(max_examples=40, deadline=None)
def test_confidences_are_the_same_bits_alone_and_beside_others(seed, rows, labels, temperature):
    logits = (np.random.default_rng(seed).normal(size=(rows, labels)) * 10).astype(np.float32)
    together = softmax_with(logits, temperature)
    assert np.array_equal(together, np.vstack([softmax_with(row[None], temperature) for row in logits]))
    assert np.array_equal(together, softmax_with(np.asfortranarray(logits), temperature))
    assert together == pytest.approx(special.softmax(logits.astype(np.float64) / temperature, axis=1), abs=1e-12)


def test_the_logarithm_of_confidences_is_finite_where_they_vanish():
    logits = np.array([[0.0, -1_000.0], [3.0, 1.0]])
    assert log_softmax(logits, 2.0) == pytest.approx(special.log_softmax(logits / 2, axis=1), abs=1e-12)
    assert np.exp(log_softmax(logits, 2.0)) == pytest.approx(softmax_with(logits, 2.0), abs=1e-15)


@given(st.integers(0, 1_000), st.integers(20, 400))
@settings(max_examples=40, deadline=None)
def test_reliability_bins_equal_those_of_scikit_learn(seed, rows):
    random = np.random.default_rng(seed)
    confidence = random.random(rows).round(int(random.integers(1, 4)))  # ties too
    correct = random.random(rows) < confidence
    right, said = calibration_curve(correct, confidence, n_bins=15, strategy="quantile")
    bins = reliability_bins(confidence, correct)
    assert [each.right for each in bins] == pytest.approx(right, abs=1e-9)
    assert [each.confidence for each in bins] == pytest.approx(said, abs=1e-9)
    assert sum(each.rows for each in bins) == rows


def test_the_calibration_error_by_hand():
    confidence = np.repeat([0.6, 0.9], [40, 60])
    correct = np.repeat([True, False, True, False], [30, 10, 42, 18])
    assert expected_calibration_error(reliability_bins(confidence, correct)) == pytest.approx(0.4 * 0.15 + 0.6 * 0.2)


def test_the_calibration_error_of_the_baseline_is_how_far_test_strays_from_train():
    truth = np.repeat([0, 1], [60, 40])
    judged = judge(truth, np.eye(2)[truth], majority=0, shares=np.array([0.75, 0.25]))
    assert calibration_error(judged).baseline == pytest.approx(0.15)  # as sure as train, 75 %, and right for 60 %
    assert 0.1 < calibration_error_debiased(judged).baseline < 0.15


def test_chance_is_taken_off_the_calibration_error_of_a_calibrated_model():
    random = np.random.default_rng(5)
    raw, debiased = [], []
    for _ in range(40):
        confidence = 0.5 + random.random(500) / 2
        bins = reliability_bins(confidence, random.random(500) < confidence)
        raw.append(expected_calibration_error(bins))
        debiased.append(debiased_calibration_error(bins))
    assert np.mean(raw) > 0.05
    assert np.mean(debiased) < np.mean(raw) / 2


def test_a_temperature_brings_the_calibration_error_down():
    logits, truth = sharpened(2, rows=4_000)
    before = calibration_error(judge(truth, softmax_with(logits, 1.0)))
    after = calibration_error(judge(truth, softmax_with(logits, fit_temperature(logits, truth))))
    assert after.high < before.low


@pytest.mark.parametrize("metric", [calibration_error, calibration_error_debiased])
def test_the_interval_of_the_calibration_error_of_a_calibrated_model_reaches_zero(metric):
    logits, truth = sharpened(3, rows=2_000, temperature=1.0)
    assert metric(judge(truth, softmax_with(logits, 1.0))).low < 0.002


def test_the_interval_of_the_calibration_error_holds_the_truth():
    random, held = np.random.default_rng(6), 0
    for seed in range(60):
        said = 0.75 + random.random(1_000) / 4
        right = random.random(1_000) < said - 0.08
        confidences = np.column_stack([np.where(right, said, 1 - said), np.where(right, 1 - said, said)])
        figure = calibration_error_debiased(judge(np.zeros(1_000), confidences, seed=seed))
        held += figure.low <= 0.08 <= figure.high
    assert held >= 54
