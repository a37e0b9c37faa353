"""Figures of several labels a row, against scikit-learn and by hand; thresholds and how sure an answer is."""

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from startlm.core.language import say
from startlm.core.shelves import look_up
from startlm.metrics import SET_METRICS, label_sets, set_thresholds
from startlm.metrics.intervals import bootstrap_sums, corrected_interval, kinds_of
from startlm.metrics.judged import Counts
from startlm.metrics.label_sets import JudgedSets, figures_of_each_label, hamming_loss, labels_together, micro_f1, micro_f1_gain, samples_f1, subset_accuracy
from startlm.metrics.set_thresholds import OWN, best_threshold, certainty, choose_thresholds, fit_exponent, fit_set_temperature, sigmoid


@st.composite
def judged_sets(draw):
    """Rows of two to six labels, some without any, answered more or less rightly."""
    random, labels = np.random.default_rng(draw(st.integers(0, 2**31))), draw(st.integers(2, 6))
    truth = random.random((80, labels)) < random.uniform(0.1, 0.7, labels)
    truth[0] = True  # every label occurs
    return JudgedSets(truth, truth ^ (random.random(truth.shape) < draw(st.sampled_from([0.02, 0.2, 0.5]))))


@given(judged_sets())
@settings(max_examples=20, deadline=None)
def test_figures_equal_those_of_scikit_learn(judged):
    for average in ("micro", "macro", "weighted"):
        expected = reference.precision_recall_fscore_support(judged.truth, judged.predicted, average=average, zero_division=0)
        for kind, value in zip(("precision", "recall", "f1"), expected, strict=False):
            figure = look_up(SET_METRICS, f"{average}_{kind}", say("", ""))(judged)
            assert figure.value == pytest.approx(value, abs=1e-9) and figure.low <= figure.value <= figure.high
    assert subset_accuracy(judged).value == pytest.approx(reference.accuracy_score(judged.truth, judged.predicted), abs=1e-9)
    assert hamming_loss(judged).value == pytest.approx(reference.hamming_loss(judged.truth, judged.predicted), abs=1e-9)
    assert samples_f1(judged).value == pytest.approx(reference.f1_score(judged.truth, judged.predicted, average="samples", zero_division=1), abs=1e-9)


@given(judged_sets())
@settings(max_examples=20, deadline=None)
def test_precision_and_recall_of_rows_equal_scikit_learns_where_a_row_has_or_is_given_a_label(judged):
    some = (judged.truth | judged.predicted).any(axis=1)
    expected = reference.precision_recall_fscore_support(judged.truth[some], judged.predicted[some], average="samples", zero_division=0)
    for kind, value in zip(("precision", "recall"), expected, strict=False):
        own = look_up(SET_METRICS, f"samples_{kind}", say("", ""))(judged).value
        assert own == pytest.approx((value * some.sum() + (~some).sum()) / len(some), abs=1e-9), "no label where there is none counts 1"


@given(judged_sets())
@settings(max_examples=20, deadline=None)
def test_each_label_equals_scikit_learn_and_has_its_interval(judged):
    expected = np.array(reference.precision_recall_fscore_support(judged.truth, judged.predicted, zero_division=0)[:3])
    for each in figures_of_each_label(judged):
        for figure, value in zip(each[1:], expected[:, each.label], strict=True):
            assert figure.value is None or figure.value == pytest.approx(value, abs=1e-9) and figure.low <= figure.value <= figure.high


def test_the_baseline_always_answers_the_usual_labels():
    truth = np.array([[True, False], [True, True], [False, True], [True, False]] * 10)
    judged = JudgedSets(truth, truth, np.array([True, False]))
    assert subset_accuracy(judged).baseline == 0.5 and samples_f1(judged).baseline == pytest.approx((1 + 2 / 3 + 0 + 1) / 4)
    assert micro_f1(judged).baseline == pytest.approx(2 * 30 / (40 + 50)) and hamming_loss(judged).baseline == pytest.approx(3 / 8)


def test_answers_that_are_all_right_have_an_honest_interval():
    truth = np.arange(120).reshape(40, 3) % 2 == 0
    for figure, worst in ((samples_f1(JudgedSets(truth, truth)), 0.0), (hamming_loss(JudgedSets(truth, truth)), 1.0)):
        assert figure.value == 1 - worst and abs(figure.low - figure.high) == pytest.approx(0.0881, abs=1e-4), "as of 40 rows of 40: 0.025 ** (1 / 40)"


def test_figures_do_not_depend_on_how_many_labels_are_counted_at_a_time(monkeypatch):
    monkeypatch.setattr(label_sets, "_LABELS", 8, raising=False)
    monkeypatch.setattr(label_sets, "_CELLS", 500, raising=False)
    truth = np.random.default_rng(0).random((300, 45)) < 0.2
    judged = JudgedSets(truth, truth ^ (np.random.default_rng(1).random(truth.shape) < 0.1), seed=3)
    kinds, rows = kinds_of(np.concatenate([judged.truth, judged.predicted], axis=1))
    columns = np.hstack([kinds[:, :45] & kinds[:, 45:], kinds]).astype(np.float64)
    drawn, left_out = (Counts(*np.split(sums, 3, axis=1)) for sums in (bootstrap_sums(columns, rows, 3), rows @ columns - columns))
    for weighting in ("micro", "macro", "weighted"):
        figure = label_sets.Average(weighting, "f1")(judged)
        all_at_once = corrected_interval(figure.value, *(label_sets.average(counts, "f1", weighting) for counts in (drawn, left_out)), rows)
        assert (figure.low, figure.high) == all_at_once


def test_two_hundred_labels_cost_memory_for_a_few_of_them():
    truth = np.random.default_rng(0).random((12_000, 200)) < 0.05
    judged = JudgedSets(truth, truth ^ (np.random.default_rng(1).random(truth.shape) < 0.02))
    tracemalloc.start()
    assert micro_f1(judged).low > 0.8
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6, "rows by labels, as float64: hundreds of megabytes"


def test_labels_that_go_together_are_counted_with_what_was_answered():
    truth = np.array([[1, 1, 0]] * 5 + [[1, 0, 1]] * 3, dtype=bool)
    predicted = np.array([[1, 1, 0]] * 4 + [[1, 0, 0]] + [[1, 1, 1]] * 3, dtype=bool)
    assert [tuple(each) for each in labels_together(truth, predicted)] == [(0, 1, 5, 7, 4), (0, 2, 3, 3, 3)]


@pytest.mark.parametrize("exact", [2**24, 10])
def test_the_pairs_of_two_hundred_labels_are_soon_counted_and_exactly(exact, monkeypatch):
    monkeypatch.setattr(label_sets, "_EXACT", exact, raising=False)
    truth = np.random.default_rng(0).random((20_000, 200)) < np.linspace(0.1, 0.9, 200)
    began = time.process_time()
    first = labels_together(truth, truth)[0]
    assert time.process_time() - began < 2, "a product of whole numbers takes seconds"
    assert (first.first, first.second) == (198, 199) and type(first.rows) is int and first.rows == np.sum(truth[:, 198] & truth[:, 199])


def test_the_better_of_two_is_shown_by_micro_f1_with_an_interval():
    truth = np.random.default_rng(0).random((400, 4)) < 0.3
    good, bad = (JudgedSets(truth, truth ^ (np.random.default_rng(1).random(truth.shape) < wrong)) for wrong in (0.05, 0.2))
    gain = micro_f1_gain(bad, good)
    assert gain.value == pytest.approx(micro_f1(good).value - micro_f1(bad).value, abs=1e-9) and 0 < gain.low < gain.value < gain.high
    assert micro_f1_gain(good, good).value == 0


# ------------------------------------------------------------ thresholds

@given(st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_no_threshold_has_a_higher_f1_than_the_chosen_one(seed):
    random = np.random.default_rng(seed)
    truth = random.random(60) < 0.4
    sure = np.round(sigmoid(2.0 * truth - 1 + random.normal(0, 1, 60)), 2)
    truth[0] = True
    f1 = lambda least: reference.f1_score(truth, sure >= least, zero_division=0)  # noqa: E731
    assert f1(best_threshold(sure, truth)) == pytest.approx(max(f1(least) for least in np.clip(sure, 0.02, 0.98)), abs=1e-9)


def test_a_rare_label_takes_the_threshold_of_all_labels_together():
    random = np.random.default_rng(0)
    truth = random.random((400, 3)) < (0.5, 0.3, 0.01)
    sure = sigmoid(3.0 * truth - (0.0, 2.5, 1.5) + random.normal(0, 1, truth.shape))
    thresholds = choose_thresholds(sure, truth)
    assert truth[:, 2].sum() < OWN and thresholds[2] == best_threshold(sure.ravel(), truth.ravel()) and thresholds[0] == best_threshold(sure[:, 0], truth[:, 0])
    assert len(set(thresholds.tolist())) == 3


def test_the_temperature_makes_confidences_as_sure_as_they_are_right():
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (800, 3))
    truth = random.random(logits.shape) < sigmoid(logits)
    assert fit_set_temperature(5 * logits, truth) == pytest.approx(5, rel=0.15)


def test_the_temperature_of_very_many_labels_is_that_of_a_million_drawn_by_seed(monkeypatch):
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (2_000, 20))
    truth = random.random(logits.shape) < sigmoid(logits)
    of_all = fit_set_temperature(3 * logits, truth)
    monkeypatch.setattr(set_thresholds, "MOST_ASKED", 10_000, raising=False)
    of_some = fit_set_temperature(3 * logits, truth)
    assert of_some == fit_set_temperature(3 * logits, truth) != of_all and of_some == pytest.approx(of_all, rel=0.1)


def test_an_answer_is_on_average_as_sure_as_the_share_that_is_right():
    random = np.random.default_rng(0)
    sure = sigmoid(random.normal(0, 2, (600, 4)))
    chosen, exact = sure >= 0.5, random.random(600) < 0.7
    exponent = fit_exponent(sure, chosen, exact)
    assert certainty(sure, chosen, exponent).mean() == pytest.approx(exact.mean(), abs=0.01)
    assert fit_exponent(sure[:0], chosen[:0], exact[:0]) == 1.0
