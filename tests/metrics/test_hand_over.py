"""Answer or hand over, with a stated error."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.contracts import Figure
from startlm.core.errors import CallError
from startlm.metrics.hand_over import ANSWER_NOTHING, RATES, advise, choose_threshold, curve, figures_at, hours_saved


def rows_of(seed, n, hardness=0.5):
    """Confidences, and answers that are right as often as confidence ** hardness says."""
    random = np.random.default_rng(seed)
    confidence = random.beta(3, 1, n)
    return confidence, random.random(n) < confidence**hardness


def test_the_curve_ends_where_every_row_is_answered():
    confidence, correct = rows_of(0, 1_000)
    points = curve(confidence, correct)
    assert len(points) == 50
    assert points[-1].threshold == confidence.min() and points[-1].answered.value == 1.0
    assert points[-1].error.value == pytest.approx(np.mean(~correct))
    assert [point.answered.value for point in points] == pytest.approx(np.arange(1, 51) / 50)


@given(st.integers(0, 1_000), st.integers(1, 300), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_each_point_of_the_curve_counts_the_rows_at_or_above_its_threshold(seed, n, digits):
    confidence, correct = rows_of(seed, n)
    confidence = confidence.round(digits)
    points = curve(confidence, correct)
    assert len(points) <= 50
    for point in points:
        answers = confidence >= point.threshold
        assert point.error.n == answers.sum()
        assert point.error.value is None or point.error.value == np.mean(~correct[answers])
    assert points[0] == figures_at(confidence, correct, points[0].threshold)


def test_no_rows_give_no_curve():
    assert curve(np.array([]), np.array([], dtype=bool)) == []


def test_the_error_of_few_answered_rows_has_no_number():
    point = curve(*rows_of(1, 500))[0]
    assert (point.error.value, point.error.n) == (None, 10)


def test_a_good_model_answers_all():
    confidence = np.linspace(0.5, 1, 1_000)
    chosen = choose_threshold(confidence, np.arange(1_000) % 100 > 0, 0.05)
    assert (chosen.value, chosen.answered, chosen.error) == (0.5, 1.0, 0.01)
    assert chosen.error < chosen.error_upper <= 0.05


def test_a_model_that_guesses_hands_everything_over_and_says_so():
    confidence, _ = rows_of(2, 1_000)
    chosen = choose_threshold(confidence, np.arange(1_000) % 2 == 0, 0.05)
    assert (chosen.value, chosen.answered, chosen.error_upper) == (ANSWER_NOTHING, 0.0, None)
    assert "every row is handed over" in chosen.said.en and "转给人工" in chosen.said.zh
    assert not (confidence >= chosen.value).any()


@pytest.mark.parametrize("rows", [0, 1, 30])
def test_a_handful_of_right_answers_proves_nothing(rows):
    assert choose_threshold(np.ones(rows), np.ones(rows, dtype=bool), 0.05).answered == 0.0


def test_equal_confidences_are_answered_together():
    confidence, correct = np.full(400, 0.9), np.arange(400) % 100 > 0
    assert choose_threshold(confidence, correct, 0.05).answered == 1.0
    assert choose_threshold(confidence, correct, 0.005).answered == 0.0


def test_the_order_of_rows_changes_nothing():
    confidence, correct = rows_of(3, 2_000)
    order = np.random.default_rng(0).permutation(2_000)
    assert choose_threshold(confidence, correct, 0.1) == choose_threshold(confidence[order], correct[order], 0.1)


@pytest.mark.parametrize("hardness", [0.2, 0.5, 1.0])
def test_the_promised_error_is_kept_as_often_as_promised(hardness):
    everyone, right = rows_of(99, 400_000, hardness)
    order = np.argsort(-everyone)
    errors = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    broken = answered = 0
    for seed in range(100):
        chosen = choose_threshold(*rows_of(seed, 1_500, hardness), 0.1)
        count = int((everyone >= chosen.value).sum())
        broken += count > 0 and errors[count - 1] > 0.1
        answered += count / len(everyone) / 100
    assert broken <= 10
    assert answered > 0.6 * np.mean(errors <= 0.1)  # and not by answering next to nothing


@pytest.mark.parametrize("hardness", [0.2, 0.5, 1.0])
def test_the_rate_that_is_advised_is_the_lowest_that_keeps_half_of_the_rows(hardness):
    points = curve(*rows_of(7, 2_000, hardness))
    advice = advise(points)
    assert advice.point.answered.value >= 0.5 and advice.point.error.high <= advice.rate
    lower = [rate for rate in RATES if rate < advice.rate]
    assert not any(point.answered.value >= 0.5 and point.error.high <= lower[-1] for point in points if point.error.high is not None) if lower else True
    assert advise(points, above=advice.rate).rate > advice.rate


def test_where_half_of_the_answers_are_wrong_no_rate_is_advised():
    confidence, _ = rows_of(2, 1_000)
    assert advise(curve(confidence, np.arange(1_000) % 2 == 0)) is None and advise([]) is None


@pytest.mark.parametrize("target", [0.0, 1.0, -0.05, 5.0])
def test_a_target_that_is_no_share_is_refused_with_the_line_to_write(target):
    with pytest.raises(CallError) as refused:
        choose_threshold(*rows_of(0, 100), target)
    assert 'hand_over = "5%"' in refused.value.hint.en


def test_a_threshold_is_ready_for_json():
    assert json.loads(json.dumps(choose_threshold(*rows_of(0, 500), 0.1)._asdict()))["n"] == 500


def test_three_minutes_a_row_save_up_to_fifty_hours_per_thousand():
    saved = hours_saved(Figure("answered", 0.8, 0.7, 0.9, 400), 3)
    assert (saved.value, saved.low, saved.high, saved.n) == (40.0, 35.0, 45.0, 400)
    assert hours_saved(Figure("answered", None, None, None, 10), 3).value is None
