"""The cascade's threshold: as many cheap answers as the stated loss allows."""

import numpy as np
import pytest

from startlm.metrics.cascade import choose_cascade


def answers(sure, label, other=1):
    """Log-confidences (N, 2) of rows that answer `label` with confidence `sure`."""
    rows = np.log(np.stack([sure, 1 - np.asarray(sure)], 1))
    return np.where(np.asarray(label)[:, None] == 0, rows, rows[:, ::-1])


def test_the_cheap_model_answers_all_that_it_may_and_no_row_more():
    truth = np.zeros(100, int)
    sure = np.linspace(0.99, 0.51, 100)
    cheap = answers(sure, np.where(np.arange(100) >= 60, 1, 0))  # wrong on its last forty rows
    dear = answers(np.full(100, 0.9), truth)
    assert choose_cascade(cheap, dear, truth, 0.0)["share"] == pytest.approx(0.60)
    found = choose_cascade(cheap, dear, truth, 0.05)
    assert found["share"] == pytest.approx(0.65) and found["loss"] == pytest.approx(0.05)
    assert np.mean(np.exp(cheap.max(axis=1)) >= found["threshold"]) == found["share"]


def test_where_the_cheap_model_is_better_it_answers_everything():
    truth = np.zeros(100, int)
    found = choose_cascade(answers(np.full(100, 0.9), truth), answers(np.full(100, 0.9), truth + 1), truth, 0.0)
    assert found["share"] == 1.0 and found["loss"] == pytest.approx(-1.0)


def test_too_few_rows_or_too_few_cheap_answers_settle_nothing():
    truth = np.zeros(100, int)
    wrong, right = answers(np.linspace(0.99, 0.51, 100), truth + 1), answers(np.full(100, 0.9), truth)
    assert choose_cascade(wrong, right, truth, 0.01) is None
    assert choose_cascade(right[:20], right[:20], truth[:20], 0.0) is None


def test_the_shown_thresholds_fall_as_the_share_rises_and_each_has_an_interval():
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 400)
    cheap = answers(random.uniform(0.5, 1, 400), np.where(random.random(400) < 0.2, 1 - truth, truth))
    lines = choose_cascade(cheap, answers(np.full(400, 0.9), truth), truth, 0.02)["lines"]
    assert [line["share"] for line in lines] == sorted(line["share"] for line in lines) and lines[-1]["share"] == 1.0
    assert all(line["low"] <= line["loss"] <= line["high"] for line in lines)
