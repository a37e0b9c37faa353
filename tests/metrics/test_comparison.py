"""Is B better than A?"""

import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score

from startlm.core.contracts import Figure
from startlm.core.errors import CallError
from startlm.metrics.calibration import calibration_error, fit_temperature, softmax_with
from startlm.metrics.comparison import compare, mcnemar, paired_gain, verdict
from startlm.metrics.hand_over import choose_threshold, curve
from startlm.metrics.judged import judge
from startlm.metrics.labels import label_figures, log_loss, macro_f1


@given(st.integers(0, 300), st.integers(0, 300))
@settings(max_examples=60, deadline=None)
def test_mcnemar_is_the_exact_binomial_test_of_the_rows_that_differ(only_a, only_b):
    a = np.repeat([True, False, True], [only_a, only_b, 7])
    b = np.repeat([False, True, True], [only_a, only_b, 7])
    test = mcnemar(a, b)
    expected = stats.binomtest(only_a, only_a + only_b, 0.5).pvalue if only_a + only_b else 1.0
    assert test.p == pytest.approx(expected, abs=1e-9)
    assert (test.only_a, test.only_b) == (only_a, only_b)
    assert test.mid_p <= test.p


def test_the_mid_p_by_hand():
    test = mcnemar(np.repeat([True, False], [1, 4]), np.repeat([False, True], [1, 4]))
    assert (test.p, test.mid_p) == pytest.approx((2 * 6 / 32, 2 * 6 / 32 - 5 / 32))


def test_the_gain_is_b_less_a_for_right_answers_and_a_less_b_for_losses():
    a, b = np.arange(100) < 60, np.arange(100) < 80
    assert paired_gain(a, b, 0).value == pytest.approx(0.2)
    assert paired_gain(1.0 - a, 1.0 - b, 0, losses=True).value == pytest.approx(0.2)
    assert paired_gain(a, b, 0).low > 0


def test_shares_are_no_answers_of_yes_and_no():
    shares = np.linspace(0, 1, 100)
    with pytest.raises(ValueError, match="right or wrong"):
        paired_gain(shares, shares, 0)


def test_equal_answers_show_a_gain_of_zero_but_not_certainty():
    same = np.arange(200) % 3 > 0
    gain = paired_gain(same, same, 0)
    assert gain.low < gain.value == 0 < gain.high


def test_a_lower_level_gives_a_narrower_interval():
    random = np.random.default_rng(0)
    a, b = random.random(500) < 0.8, random.random(500) < 0.85
    wide, narrow = paired_gain(a, b, 0), paired_gain(a, b, 0, level=0.9)
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


@pytest.mark.parametrize(
    "gain, p, expected",
    [
        (Figure("gain", 0.012, 0.003, 0.021, 900), 0.01, "B is better by 1.2 points [0.3, 2.1]."),
        (Figure("gain", -0.012, -0.021, -0.003, 900), 0.01, "A is better by 1.2 points [0.3, 2.1]."),
        (Figure("gain", 0.012, -0.003, 0.021, 900), 0.2, "No difference shown: B minus A is +1.2 points [-0.3, +2.1]."),
        (Figure("gain", 0.012, 0.003, 0.021, 900), 0.12, "No difference shown: B minus A is +1.2 points [+0.3, +2.1]."),
        (Figure("gain", None, None, None, 10), 1.0, "Not enough data (10 rows)."),
    ],
)
def test_the_verdict_is_in_plain_words(gain, p, expected):
    said = verdict(gain, p)
    assert said.en == expected
    assert said.zh and said.zh != said.en


def messages(seed, n, right_a, right_b):
    """Truth and two tools' labels, as strings."""
    random = np.random.default_rng(seed)
    names = np.array(["物流", "退款", "card", "other"])
    truth, noise = random.integers(0, 4, n), random.integers(1, 4, n)
    draw = random.random(n)
    return [names[(truth + noise * (draw > right)) % 4].tolist() for right in (right_a, right_b)] + [names[truth].tolist()]


def test_two_prediction_files_are_compared():
    a, b, truth = messages(0, 1_000, 0.8, 0.9)
    result = compare(a, b, truth)
    assert result.accuracy_b.value == pytest.approx(accuracy_score(truth, b), abs=1e-9)
    assert result.macro_f1_a.value == pytest.approx(f1_score(truth, a, average="macro"), abs=1e-9)
    assert result.macro_f1_gain.value == pytest.approx(f1_score(truth, b, average="macro") - f1_score(truth, a, average="macro"), abs=1e-9)
    assert result.macro_f1_gain.low > 0 and result.p < 1e-6 and result.only_a_right == 0
    assert result.verdict.en.startswith("B is better by")


def test_swapping_the_files_swaps_the_verdict():
    a, b, truth = messages(1, 800, 0.8, 0.9)
    there, back = compare(a, b, truth), compare(b, a, truth)
    assert there.p == back.p
    assert there.macro_f1_gain.value == pytest.approx(-back.macro_f1_gain.value)
    assert back.verdict.en.startswith("A is better by")


def test_a_tool_against_itself_shows_no_difference():
    a, _, truth = messages(2, 500, 0.8, 0.8)
    result = compare(a, a, truth, names=("ours", "theirs"))
    assert (result.p, result.macro_f1_gain.value) == (1.0, 0.0)
    assert result.verdict.en.startswith("No difference shown: theirs minus ours")


def test_a_comparison_is_ready_for_json():
    loaded = json.loads(json.dumps(compare(*messages(3, 100, 0.7, 0.8)).to_json()))
    assert set(loaded["verdict"]) == {"en", "zh"} and loaded["accuracy_a"]["n"] == 100


@pytest.mark.parametrize("rows", [0, 10])
def test_ten_rows_are_not_compared(rows):
    result = compare(*messages(4, rows, 0.5, 1.0))
    assert result.verdict.en == f"Not enough data ({rows} rows)."
    assert result.macro_f1_gain.value is None


def test_files_of_different_length_are_refused_with_their_lengths():
    with pytest.raises(CallError, match="A has 2, B has 1, the truth has 2"):
        compare(["a", "b"], ["a"], ["a", "b"])


def test_labels_are_compared_as_they_are_written():
    assert compare([1, 2] * 20, ["1", "2"] * 20, [1, "2"] * 20).accuracy_b.value == 1.0


def test_ten_thousand_rows_of_150_labels_take_seconds():
    random = np.random.default_rng(0)
    truth = random.integers(0, 150, 10_000)
    logits = random.normal(size=(10_000, 150))
    logits[np.arange(10_000), truth] += 4
    began = time.process_time()
    judged = judge(truth, softmax_with(logits, fit_temperature(logits, truth)), majority=0)
    figures = [metric(judged) for metric in (macro_f1, log_loss, calibration_error)]
    label_figures(judged)
    confidence = judged.confidences.max(axis=1)
    curve(confidence, judged.correct)
    choose_threshold(confidence, judged.correct, 0.05)
    compare(judged.predicted, truth, truth)
    assert all(figure.value is not None for figure in figures)
    assert time.process_time() - began < 10  # of processor time; about 2 s unhurried
