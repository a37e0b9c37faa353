"""Figures of labels with an order, against scikit-learn and by hand; orders that are found and refused; the report."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from startlm import build_model, evaluate_model, prepare_examples, train_model
from startlm.columns.ordered import find_order
from startlm.core.errors import CallError
from startlm.core.report_page import report_page
from startlm.metrics import ORDER_METRICS
from startlm.metrics.judged import Judged
from startlm.metrics.ordered import quadratic_kappa, steps_off, within_one_step
from startlm.testing import check_metric


@pytest.mark.parametrize("name", ORDER_METRICS)
def test_a_metric_of_ordered_labels_gives_few_rows_no_number(name):
    from startlm.core.language import say
    from startlm.core.shelves import look_up

    nothing = look_up(ORDER_METRICS, name, say("", ""))(Judged(np.zeros(10, int), np.ones(10, int), 3))
    assert (nothing.value, nothing.low, nothing.n) == (None, None, 10)


def test_within_one_step_keeps_the_promises_of_a_metric():
    check_metric(within_one_step)


@given(st.integers(0, 2**31), st.integers(2, 7))
@settings(max_examples=40, deadline=None)
def test_kappa_equals_that_of_scikit_learn_and_steps_are_counted(seed, labels):
    random = np.random.default_rng(seed)
    truth = random.integers(0, labels, 90)
    judged = Judged(truth, np.clip(truth + random.integers(-2, 3, 90), 0, labels - 1), labels, majority=0)
    figure = quadratic_kappa(judged)
    assert figure.value == pytest.approx(cohen_kappa_score(truth, judged.predicted, weights="quadratic"), abs=1e-9) and figure.low <= figure.value <= figure.high
    assert steps_off(judged).value == pytest.approx(np.abs(truth - judged.predicted).mean()) and steps_off(judged).baseline == pytest.approx(truth.mean())
    assert within_one_step(judged).value == pytest.approx((np.abs(truth - judged.predicted) <= 1).mean())


def test_one_label_alone_has_no_kappa_and_a_perfect_answer_has_all_of_it():
    same = np.ones(40, dtype=int)
    assert quadratic_kappa(Judged(same, same, 3)).value is None
    truth = np.arange(40) % 3
    assert quadratic_kappa(Judged(truth, truth, 3)).value == 1 and quadratic_kappa(Judged(truth, same, 3, majority=1)).value == quadratic_kappa(Judged(truth, same, 3, majority=1)).baseline == 0


def test_answers_that_are_all_right_may_still_be_off():
    truth = np.arange(40) % 3
    figure = steps_off(Judged(truth, truth, 3))
    assert (figure.value, figure.low) == (0, 0) and figure.high == pytest.approx(2 * 0.0881, abs=2e-4)


# ------------------------------------------------------------------ orders

@pytest.mark.parametrize(("values", "name", "order"), [
    (["3", "1", "2", "5", "4"], "stars", ("1", "2", "3", "4", "5")), (["10", "9", "8"], "评分", ("8", "9", "10")), (["high", "Low", "medium"], "risk", ("Low", "medium", "high")),
    (["好", "差", "中"], "意见", ("差", "中", "好")), (["large", "small", "medium"], "size", ("small", "medium", "large")), (["满意", "一般", "不满意"], "x", ("不满意", "一般", "满意")),
    (["1", "2", "3"], "intent", None), (["1", "3", "4"], "stars", None), (["good", "bad"], "x", None), (["refund", "post", "tea"], "x", None), (["high", "low", "tea"], "x", None),
])  # fmt: skip
def test_an_order_is_seen_in_stars_and_in_known_scales_only(values, name, order):
    assert find_order(values * 5, name) == order


def rows_of(count=240):
    random = np.random.default_rng(0)
    words = {"bad": ["broken", "awful", "差"], "ok": ["fine", "average", "一般"], "good": ["lovely", "great", "好"]}
    return [{"m": f"{random.choice(words[label])} {random.choice(words[label])} {random.integers(10**6)}", "t": str(label)} for label in random.choice(list(words), count)]


@pytest.mark.parametrize(("order", "match", "hint"), [
    (("bad", "okay", "good"), "'okay'", "'ok'"), (("bad", "good"), "leaves out the label 'ok'", "bad, good, ok"), (("bad", "ok", "good", "ok"), "twice", "once"),
])
def test_an_order_of_other_labels_is_refused_with_the_nearest(order, match, hint):
    with pytest.raises(CallError, match=match) as refused:
        prepare_examples(rows_of(), text="m", label="t", label_order=order)
    assert hint in refused.value.hint.en


def test_a_scale_may_name_a_level_that_these_rows_lack_and_need_not_rank_what_is_out_of_scope():
    rows = rows_of() + [{"m": f"the weather {i}", "t": "oos"} for i in range(40)]
    examples = prepare_examples(rows, text="m", label="t", label_order=("very bad", "bad", "ok", "good"))
    content = evaluate_model(train_model(build_model(examples, family="linear"), examples), examples).content
    assert content["order"]["labels"] == ["very bad", "bad", "ok", "good"] and content["order"]["figures"][0]["n"] > 20
    assert not any("very bad" in line or "oos" in line for line in content["order"]["costs"])


@pytest.mark.parametrize("given", [{"task": "score"}, {"label_separator": ";"}])
def test_an_order_of_numbers_or_of_sets_is_refused(given):
    rows = [{"m": f"text {i}", "t": str(i % 3)} for i in range(60)]
    with pytest.raises(CallError, match="label_order is for"):
        prepare_examples(rows, text="m", label="t", label_order=("0", "1", "2"), **given)


def test_the_report_of_ordered_labels_counts_steps_and_shows_the_confusion_in_their_order():
    examples = prepare_examples(rows_of(), text="m", label="t", label_order=("bad", "ok", "good"))
    content = evaluate_model(train_model(build_model(examples, family="linear"), examples), examples, costs=("bad -> good: 2", "* -> person: 1")).content
    assert content["confusion"]["labels"] == ["bad", "ok", "good"] and [each["name"] for each in content["order"]["figures"]] == list(ORDER_METRICS)
    table = np.array(content["confusion"]["counts"])
    off = np.abs(np.subtract.outer(range(3), range(3)))
    assert content["order"]["figures"][0]["value"] == pytest.approx((table * off).sum() / table.sum())
    assert "bad -> good: 2" in content["order"]["costs"] and json.loads(json.dumps(content)) == content
    page = report_page(content)
    assert "Quadratic weighted kappa" in page and "二次加权 kappa" in page and 'aria-labelledby="order"' in page
    plain = prepare_examples(rows_of(), text="m", label="t")
    assert evaluate_model(train_model(build_model(plain, family="linear"), plain), plain).content["order"] is None
