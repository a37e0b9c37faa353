"""What wrong answers cost: the cheapest answer is Bayes' rule, its threshold the textbook's, and the saving is paired."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from startlm.core.errors import CallError
from startlm.metrics.costs import Costs, cost_figure, parse_costs

LABELS = ["fine", "fraud"]
LINES = ["fraud -> fine: 200", "fine -> fraud: 5"]


def test_the_threshold_of_two_labels_is_the_cost_of_an_alarm_over_both():
    label, threshold = parse_costs(LINES, LABELS).threshold()
    assert (LABELS[label], threshold) == ("fraud", pytest.approx(5 / 205))


@given(st.floats(0, 1))
def test_the_cheapest_answer_changes_at_the_threshold(sure):
    costs = parse_costs(LINES, LABELS)
    _, threshold = costs.threshold()
    if abs(sure - threshold) > 1e-9:
        assert costs.cheapest(np.array([[1 - sure, sure]]))[0] == (sure > threshold)


def test_a_person_is_asked_where_that_is_cheaper_than_either_answer():
    costs = parse_costs([*LINES, "* -> person: 2"], LABELS)
    answers = costs.cheapest(np.array([[0.999, 0.001], [0.9, 0.1], [0.05, 0.95]]))
    assert answers.tolist() == [0, 2, 1]
    assert costs.of_rows(np.array([1, 1, 0]), answers).tolist() == [200, 2, 5]


def test_the_cheapest_constant_answer_depends_on_the_shares():
    costs = parse_costs(LINES, LABELS)
    assert [costs.constant(np.array(shares)) for shares in ([0.99, 0.01], [0.9, 0.1])] == [0, 1]


def test_costs_are_told_for_a_thousand_rows_with_an_interval_that_holds_them():
    figure = cost_figure("cost", np.random.default_rng(0).choice([0.0, 5.0, 200.0], 500, p=[0.8, 0.15, 0.05]), 0)
    assert figure.low < 10_750 < figure.high and figure.low < figure.value < figure.high


@pytest.mark.parametrize(("line", "words"), [("fraud = 3", "form TRUTH"), ("fruad -> fine: 2", "Did you mean 'fraud'"), ("fraud -> fine: -2", "form TRUTH")])
def test_a_line_that_will_not_do_is_refused_with_an_example(line, words):
    with pytest.raises(CallError, match=words) as refused:
        parse_costs([line], LABELS)
    assert "* -> person: 3" in refused.value.hint.en and "标签" in refused.value.hint.zh


def test_three_labels_have_no_single_threshold():
    assert Costs(np.ones((3, 3)) - np.eye(3)).threshold() is None
