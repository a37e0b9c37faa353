"""The task score: how rungs are compared, answers with their intervals, and what a report says of truth and answers."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from startlm.columns.target import Target
from startlm.core.errors import BundleError
from startlm.metrics.numbers import JudgedNumbers, mae
from startlm.tasks.number_content import Intervals, headline, number_content
from startlm.tasks.score import Score
from startlm.testing import check_task
from toy_numbers import drawn


def test_the_task_keeps_its_promises() -> None:
    check_task(Score)


def test_the_check_notices_an_interval_that_leaves_its_answer_out() -> None:
    class Shifted(Score):
        @staticmethod
        def answers(answered, settings):
            return [answer._replace(low=answer.prediction) for answer in Score.answers(answered, settings)]

    with pytest.raises(AssertionError, match="holds its answer"):
        check_task(Shifted)


# ------------------------------------------------------------------- train

def test_a_member_with_two_outputs_says_their_difference() -> None:
    assert Score.of_member(np.array([[-1.5, 1.5]], np.float32), 1.0).tolist() == [[3.0]] == Score.of_member(np.array([[3.0]], np.float32), 1.0).tolist()


def test_rungs_are_compared_by_the_loss_that_is_asked_for_and_a_greater_absolute_error_is_worse() -> None:
    truth = np.random.default_rng(0).normal(size=300)
    near, far = (truth[:, None] + noise for noise in (0.1, 0.5))
    assert [Score.losses(near, truth, loss).mean() for loss in ("squared", "absolute")] == pytest.approx([0.01, 0.1])
    assert Score.shown(far, truth, "absolute") == {"loss": "absolute", "squared_error": pytest.approx(0.25), "absolute_error": pytest.approx(0.5)}
    assert Score.worse(near, far, truth, seed=0, level=0.8) and not Score.worse(far, near, truth, seed=0, level=0.8)
    assert Score.described(near, truth)[0] > 0.9 and Score.described(0 * near + 9, truth)[0] == 0.0
    assert Score.joined([near, far])[0, 0] == pytest.approx(truth[0] + 0.3)


@pytest.mark.parametrize("skewed", [False, True])
def test_an_interval_settled_on_calibration_rows_holds_new_rows_as_often_as_promised(skewed: bool) -> None:
    truth, answers = drawn(4_000, 7, skewed=skewed)
    target = Target.fit(truth[:1_000])
    settings = {"target": target.state()}
    settled, said = Score.settled(target.to_model(answers[:2_000])[:, None], target.to_model(truth[:2_000]), settings, SimpleNamespace(coverage=0.9))
    assert "90%" in said.en and "90%" in said.zh and settled["interval"]["n"] == 2_000
    answered = Score.answered(target.to_model(answers[2_000:])[:, None], settings | settled)
    assert np.mean((truth[2_000:] >= answered[:, 1]) & (truth[2_000:] <= answered[:, 2])) == pytest.approx(0.9, abs=0.03)
    width = answered[:, 2] - answered[:, 1]
    assert (width > 2 * np.median(width)).any() == skewed


def test_too_few_calibration_rows_settle_no_interval_and_say_so() -> None:
    settled, said = Score.settled(np.zeros((8, 1)), np.zeros(8), {"target": Target.fit(np.arange(9.0)).state()}, SimpleNamespace(coverage=0.9))
    assert settled["interval"] == {"coverage": 0.9, "half_width": None, "n": 8} and "too few" in said.en and "8 行" in said.zh


# ----------------------------------------------------------------- predict

def test_the_half_width_is_in_the_targets_own_unit_where_nothing_was_transformed() -> None:
    target = Target.fit(np.arange(101.0))
    half = Score.half_width(target.to_model(np.full(9, 50.0)), target.to_model(np.full(9, 47.0)), target, 0.9)
    assert half == pytest.approx(3.0)
    settings = {"target": target.state(), "interval": {"coverage": 0.9, "half_width": half, "n": 9}}
    answered = Score.answered(target.to_model(np.array([60.0]))[:, None], settings)
    assert Score.answers(answered, settings)[0] == pytest.approx((60.0, 57.0, 63.0)) and Score.columns(settings, False) == ["prediction", "low", "high"]
    assert Score.cells(answered, settings, False)[0] == pytest.approx((60.0, 57.0, 63.0))


def test_an_answer_without_an_interval_has_empty_cells_and_no_rows_have_no_answers() -> None:
    settings = {"target": Target.fit(np.arange(9.0)).state(), "interval": {"coverage": 0.9, "half_width": None, "n": 3}}
    assert Score.cells(Score.answered(np.zeros((1, 1)), settings), settings, False) == [(4.0, "", "")]
    assert Score.answers(Score.answered(np.zeros((0, 1)), settings), settings) == []


@pytest.mark.parametrize("values", [np.arange(1e6, 1e6 + 9), np.array([1.0] * 30 + [1e6])])
def test_a_probe_agrees_within_a_part_of_the_targets_spread(values: np.ndarray) -> None:
    target = Target.fit(values)
    settings = {"target": target.state()}
    now, near, far = (Score.answered(np.array([[number]]), settings) for number in (0.1, 0.1005, 0.12))
    (was,) = Score.probed(now, settings)
    assert [Score.agrees(was, answered[0], settings, 1e-3) for answered in (now, near, far)] == [True, True, False]


def test_a_target_that_was_altered_is_refused() -> None:
    with pytest.raises(BundleError):
        Score.answered(np.zeros((1, 1)), {"target": Target.fit(np.arange(9.0)).state() | {"scale": -1.0}})


# ------------------------------------------------------------------ report

def test_a_report_of_numbers_is_plain_json_and_the_same_for_the_same_seed() -> None:
    judged = JudgedNumbers(*drawn(600, 1), 5.6, 6.0, seed=3)
    content = number_content(judged, Intervals(0.9, 2.0, judged.predicted - 2, judged.predicted + 2))
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert content == number_content(JudgedNumbers(judged.truth, judged.predicted, 5.6, 6.0, seed=3), Intervals(0.9, 2.0, judged.predicted - 2, judged.predicted + 2))
    assert content["better_than_baseline"] and len(content["truth_and_answer"]) == 400 and sum(content["residuals"]["counts"]) == 600


def test_bins_of_the_truth_say_where_answers_are_too_high() -> None:
    truth = np.linspace(0.0, 100.0, 1_000)
    content = number_content(JudgedNumbers(truth, 0.5 * truth + 25), Intervals(0.9))
    assert [each["n"] for each in content["by_bin"]] == [100] * 10
    assert content["by_bin"][0]["bias"]["low"] > 0 > content["by_bin"][-1]["bias"]["high"]
    assert content["by_bin"][0]["mae"]["value"] == pytest.approx(content["by_bin"][0]["bias"]["value"])


@pytest.mark.parametrize(("rows", "bins"), [(0, 0), (19, 1), (90, 4), (2_000, 10)])
def test_few_rows_make_fewer_bins(rows: int, bins: int) -> None:
    truth = np.random.default_rng(0).normal(size=rows)
    content = number_content(JudgedNumbers(truth, truth + 1.0), Intervals(0.9))
    assert len(content["by_bin"]) == bins
    assert content["interval"]["covered"]["value"] is None and content["interval"]["half_width"] is None


def test_answers_that_are_all_exact_have_no_picture_of_errors() -> None:
    assert number_content(JudgedNumbers(np.arange(50.0), np.arange(50.0)), Intervals(0.9))["residuals"] is None


def test_the_headline_says_the_error_and_the_baselines_in_both_languages() -> None:
    judged = JudgedNumbers(*drawn(600, 1), 5.6, 6.0)
    said = headline(judged, mae(judged), True)
    assert "always answering 6, the median" in said.en and "600 test rows" in said.en and "中位数 6" in said.zh and "600 行" in said.zh
    assert "Not better" in headline(judged, mae(judged), False).en and "不比基线好" in headline(judged, mae(judged), False).zh
    few = JudgedNumbers(np.arange(9.0), np.arange(9.0))
    assert headline(few, mae(few), False).en.startswith("Not enough data (9 rows)") and "数据不够" in headline(few, mae(few), False).zh


# --------------------------------------------------------------- quantiles

def test_crossed_quantiles_are_put_in_order_and_judged_by_their_pinball_losses() -> None:
    answers = Score.of_member(np.array([[0.5, 2.0, -1.0]], np.float32), 1.0)
    assert answers.tolist() == [[0.5, -1.0, 2.0]] and Score.losses(answers, np.array([0.5]), "quantiles")[0] == pytest.approx(2 * 0.05 * 1.5 + 2 * 0.05 * 1.5)
    assert Score.shown(answers, np.array([1.5]), "quantiles") == {"loss": "quantiles", "squared_error": 1.0, "absolute_error": 1.0}
    assert (Score.outputs([], "quantiles"), Score.outputs([], "absolute")) == (3, 1)


def uneven(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers on the model's scale, half of them nearly certain; and quantiles that know which, though they are too narrow by a third."""
    random = np.random.default_rng(seed)
    middle, spread = random.normal(size=rows), np.where(random.random(rows) < 0.5, 0.05, 0.5)
    return middle + spread * random.normal(size=rows), np.stack([middle, middle - spread, middle + spread], axis=1)


NINE = SimpleNamespace(coverage=0.9)


@pytest.mark.parametrize("learnt", [np.arange(101.0), np.exp(np.random.default_rng(0).normal(size=500))])
def test_quantiles_moved_on_calibration_rows_hold_new_rows_as_often_as_promised_and_are_narrower(learnt: np.ndarray) -> None:
    target, (truth, mean) = Target.fit(learnt), uneven(4_000, 1)
    settled, said = Score.settled(mean[:2_000], truth[:2_000], {"target": target.state()}, NINE)
    settings = {"target": target.state()} | settled
    assert settled["interval"]["margin"] > 0 and Score.width(settings) == 3 and "hard to tell" in said.en and "难答" in said.zh
    answered, fixed = (Score.answered(mean[2_000:], each) for each in (settings, Score.with_constant_width(settings)))
    known = target.back(truth[2_000:], clipped=False)
    assert np.mean((known >= answered[:, 1]) & (known <= answered[:, 2])) == pytest.approx(0.9, abs=0.03)
    assert np.array_equal(fixed[:, 0], answered[:, 0]) and np.mean(answered[:, 2] - answered[:, 1]) < 0.9 * np.mean(fixed[:, 2] - fixed[:, 1])


def test_quantiles_that_know_nothing_of_the_spread_leave_intervals_of_one_width() -> None:
    target, (truth, mean) = Target.fit(np.arange(101.0)), uneven(2_000, 1)
    shuffled = mean[:, :1] + (mean - mean[:, :1])[np.random.default_rng(2).permutation(2_000)]
    settled, said = Score.settled(shuffled, truth, {"target": target.state()}, NINE)
    settings = {"target": target.state()} | settled
    assert settled["interval"]["margin"] is None and settled["interval"]["half_width"] > 0 and Score.width(settings) == 3 and "not shown to be better" in said.en
    answered = Score.answered(shuffled, settings)
    assert np.ptp(answered[:, 2] - answered[:, 1]) == pytest.approx(0.0, abs=1e-9)


def test_the_rows_that_choose_say_whether_intervals_follow_each_row_never_those_that_calibrate() -> None:
    target, (truth, mean) = Target.fit(np.arange(101.0)), uneven(2_000, 1)
    shuffled = mean[:, :1] + (mean - mean[:, :1])[np.random.default_rng(2).permutation(2_000)]
    margins = [Score.settled(mean, truth, {"target": target.state()}, NINE, (chose, truth))[0]["interval"]["margin"] for chose in (shuffled, mean)]
    assert margins[0] is None and margins[1] is not None


def test_ends_that_a_margin_below_zero_brings_past_each_other_still_hold_the_answer() -> None:
    target = Target.fit(np.arange(101.0))
    settings = {"target": target.state(), "interval": {"coverage": 0.9, "half_width": 3.0, "n": 99, "margin": -1.0}}
    (answer,) = Score.answers(Score.answered(np.array([[0.0, -0.1, 0.1]]), settings), settings)
    assert answer.low == answer.prediction == answer.high == pytest.approx(50.0)


def test_too_few_calibration_rows_settle_no_margin() -> None:
    settled, said = Score.settled(np.zeros((8, 3)), np.zeros(8), {"target": Target.fit(np.arange(9.0)).state()}, SimpleNamespace(coverage=0.9))
    assert settled["interval"] == {"coverage": 0.9, "half_width": None, "n": 8, "margin": None} and "too few" in said.en
    answered = Score.answered(np.zeros((1, 3)), {"target": Target.fit(np.arange(9.0)).state()} | settled)
    assert np.isnan(answered[0, 1:]).all()


def test_a_report_sets_intervals_that_follow_the_row_beside_those_of_one_width() -> None:
    judged = JudgedNumbers(*drawn(600, 1), 5.6, 6.0)
    constant = np.stack([judged.predicted - 3, judged.predicted + 3], axis=1)
    found = number_content(judged, Intervals(0.9, 3.0, judged.predicted - 2, judged.predicted + 2, 0.1, constant))["interval"]
    assert found["margin"] == 0.1 and found["width"]["value"] == pytest.approx(4.0) and found["constant"]["width"]["value"] == pytest.approx(6.0)
    assert found["constant"]["narrower"]["value"] == pytest.approx(2.0) and found["constant"]["covered"]["value"] > found["covered"]["value"]
