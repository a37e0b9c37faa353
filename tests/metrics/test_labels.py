"""Figures of a classifier, against scikit-learn and by hand."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from startlm.core.language import say
from startlm.core.shelves import look_up
from startlm.metrics import METRICS
from startlm.metrics.intervals import exact_interval
from startlm.metrics.judged import Counts, Judged, confusion, judge
from startlm.metrics.labels import (
    accuracy, confused_pairs, label_figures, log_loss, macro_f1, macro_precision, macro_recall,
    micro_f1, micro_precision, micro_recall, out_of_scope_figures, weighted_f1, weighted_precision, weighted_recall,
)

AVERAGES = {
    "micro": (micro_precision, micro_recall, micro_f1),
    "macro": (macro_precision, macro_recall, macro_f1),
    "weighted": (weighted_precision, weighted_recall, weighted_f1),
}


@st.composite
def judged_rows(draw):
    """Rows of up to nine labels of which some never occur, as truth, as prediction or at all."""
    labels = draw(st.integers(2, 9))
    rows = st.lists(st.integers(0, labels - 1), min_size=60, max_size=60)
    truth, predicted = np.array(draw(rows)), np.array(draw(rows))
    mixed = np.where(np.arange(60) < draw(st.integers(0, 60)), truth, predicted)
    return Judged(truth, mixed, labels)


@given(judged_rows())
@settings(max_examples=12, deadline=None)
def test_averages_equal_those_of_scikit_learn(judged):
    for average, metrics in AVERAGES.items():
        expected = reference.precision_recall_fscore_support(judged.truth, judged.predicted, average=average, zero_division=0)
        assert [metric(judged).value for metric in metrics] == pytest.approx(expected[:3], abs=1e-9)
    assert accuracy(judged).value == pytest.approx(reference.accuracy_score(judged.truth, judged.predicted), abs=1e-9)


@given(judged_rows())
@settings(max_examples=50, deadline=None)
def test_each_label_and_the_confusion_table_equal_those_of_scikit_learn(judged):
    every = np.arange(judged.labels)
    expected = reference.precision_recall_fscore_support(judged.truth, judged.predicted, labels=every, zero_division=0)
    counts = Counts.of(judged.table)
    for kind, values in zip(("precision", "recall", "f1"), expected, strict=False):
        assert counts.of_each_label(kind) == pytest.approx(values, abs=1e-9)
    assert np.array_equal(judged.table, reference.confusion_matrix(judged.truth, judged.predicted, labels=every))


@given(st.integers(0, 2**31), st.integers(2, 20))
@settings(max_examples=50, deadline=None)
def test_the_log_loss_equals_that_of_scikit_learn(seed, labels):
    random = np.random.default_rng(seed)
    truth = random.integers(0, labels, 50)
    confidences = random.dirichlet(np.full(labels, 0.1), 50)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # scikit-learn: rows that sum to 1 - 1e-16
        expected = reference.log_loss(truth, confidences, labels=np.arange(labels))
    assert log_loss(judge(truth, confidences)).value == pytest.approx(expected, abs=1e-9)


def test_a_confidence_of_zero_in_the_truth_costs_much_but_not_infinitely():
    figure = log_loss(judge(np.zeros(30, dtype=np.int64), np.tile([0.0, 1.0], (30, 1))))
    assert figure.value == pytest.approx(36.04, abs=0.01)


def test_the_baseline_answers_the_majority_label():
    truth = np.repeat([0, 1, 2], [10, 60, 30])
    judged = Judged(truth, truth, 3, majority=1)
    assert accuracy(judged).baseline == 0.6
    assert macro_f1(judged).baseline == pytest.approx(2 * 60 / 160 / 3)
    assert label_figures(judged)[1].recall.baseline == 1.0


def test_the_log_loss_of_the_baseline_is_that_of_the_shares_of_train():
    truth, shares = np.repeat([0, 1, 2], [10, 60, 30]), np.array([0.2, 0.5, 0.3])
    figure = log_loss(judge(truth, np.eye(3)[truth], majority=1, shares=shares))
    assert figure.baseline == pytest.approx(reference.log_loss(truth, np.tile(shares, (100, 1))), abs=1e-9)
    assert log_loss(judge(truth, np.eye(3)[truth], majority=1)).baseline is None


def test_every_figure_has_its_baseline_however_few_rows_there_are():
    for rows in (12, 60):
        truth = np.arange(rows) % 3
        judged = judge(truth, np.eye(3)[truth], majority=0, shares=np.array([0.5, 0.3, 0.2]))
        figures = [look_up(METRICS, name, say("metric", ""))(judged) for name in METRICS]
        assert len({(figure.value is None) for figure in figures}) == 1 and all(figure.baseline is not None for figure in figures)
        assert figures[0].baseline == pytest.approx(1 / 3)


def test_ten_rows_are_not_enough_for_any_figure():
    judged = judge(np.arange(10) % 2, np.full((10, 2), 0.5))
    for metrics in AVERAGES.values():
        assert [metric(judged).value for metric in metrics] == [None] * 3
    assert label_figures(judged)[0].f1.value is None
    assert log_loss(judged).n == 10


def test_without_confidences_there_is_no_log_loss():
    assert log_loss(Judged(np.zeros(50, dtype=np.int64), np.zeros(50, dtype=np.int64), 2)).value is None


def test_fifty_right_answers_are_no_proof_of_a_macro_f1_of_one():
    truth = np.arange(50) % 2
    figure = macro_f1(Judged(truth, truth, 2))
    assert figure.value == 1.0
    assert figure.low == pytest.approx(0.025 ** (1 / 50))


def test_the_interval_of_f1_of_one_label_is_exact():
    truth = np.repeat([0, 0, 1, 1], [30, 10, 5, 55])
    predicted = np.repeat([0, 1, 0, 1], [30, 10, 5, 55])
    figure = label_figures(Judged(truth, predicted, 2))[0].f1
    assert (figure.value, figure.n) == (60 / 75, 45)  # 30 right of 45 that are or were called label 0
    low, high = exact_interval(30, 45)
    assert (figure.low, figure.high) == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))


def test_a_label_of_five_rows_has_figures_of_its_own_with_wide_intervals():
    truth, predicted = np.repeat([0, 0, 1], [4, 1, 95]), np.repeat([0, 1, 1], [4, 1, 95])
    figures = label_figures(Judged(truth, predicted, 2))[0]
    expected = reference.precision_recall_fscore_support(truth, predicted, labels=[0])
    assert [figure.value for figure in figures[1:]] == pytest.approx([values[0] for values in expected[:3]], abs=1e-9)
    assert (figures.recall.low, figures.recall.high, figures.recall.n) == (*exact_interval(4, 5), 5)


@pytest.mark.parametrize(("rows", "others"), [(4, 96), (9, 10)])
def test_a_label_of_four_rows_or_a_test_part_of_nineteen_has_no_figures(rows, others):
    truth = np.repeat([0, 1], [rows, others])
    figures = label_figures(Judged(truth, truth, 2))[0]
    assert {figure.value for figure in figures[1:]} == {None} and figures.recall.n == rows


def test_a_label_that_is_never_predicted_has_no_precision():
    truth = np.repeat([0, 1], [30, 30])
    figures = label_figures(Judged(truth, np.ones(60, dtype=np.int64), 2))[0]
    assert (figures.precision.value, figures.recall.value, figures.f1.value) == (None, 0.0, 0.0)


def test_the_most_confused_pairs_come_first():
    table = np.array([[50, 1, 9], [4, 40, 0], [0, 4, 30]])
    pairs = confused_pairs(table, most=3)
    assert [(pair.truth, pair.predicted, pair.rows) for pair in pairs] == [(0, 2, 9), (1, 0, 4), (2, 1, 4)]
    assert pairs[0].share.value == 9 / 60


def test_no_confusion_gives_no_pairs():
    assert confused_pairs(np.diag([3, 4])) == []


def test_the_table_has_the_truth_in_its_rows():
    assert confusion(np.array([0, 0, 1]), np.array([1, 0, 1]), 3).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_out_of_scope_rows_are_caught_or_raise_false_alarms():
    is_out = np.repeat([True, False], [40, 60])
    flagged = np.repeat([True, False, True, False], [30, 10, 6, 54])
    figures = out_of_scope_figures(is_out, flagged)
    assert (figures.caught.value, figures.false_alarms.value) == (0.75, 0.1)
    assert out_of_scope_figures(is_out, flagged * 0.8, threshold=0.5) == figures


def test_without_out_of_scope_rows_only_false_alarms_are_known():
    figures = out_of_scope_figures(np.zeros(50, dtype=bool), np.zeros(50, dtype=bool))
    assert (figures.caught.value, figures.caught.n, figures.false_alarms.value) == (None, 0, 0.0)
