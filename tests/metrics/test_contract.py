"""Every member of the metrics shelf keeps the published contract."""

from dataclasses import replace

import numpy as np
import pytest

from startlm.core.contracts import Figure
from startlm.metrics import METRICS, NUMBER_METRICS, RANKING_METRICS, SET_METRICS, TWO_LABEL_METRICS
from startlm.metrics.numbers import mae
from startlm.testing import check_metric, check_number_metric, check_ranking_metric, check_set_metric, check_two_label_metric


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_of_the_shelf_keeps_its_promises(name):
    check_metric(name)


def test_the_check_finds_a_metric_that_depends_on_the_order_of_rows():
    def first_rows(judged):
        share = float(np.mean(judged.correct[:20]))
        return Figure("first", share, share, share, len(judged))

    with pytest.raises(AssertionError, match="order of rows"):
        check_metric(first_rows)


def test_the_check_finds_a_metric_that_calls_errors_good():
    def share_wrong(judged):
        share = float(np.mean(~judged.correct))
        return Figure("wrong", share, share, share, len(judged))

    with pytest.raises(AssertionError, match="perfect answers are best"):
        check_metric(share_wrong)


@pytest.mark.parametrize("name", TWO_LABEL_METRICS)
def test_a_metric_for_two_labels_keeps_its_promises(name):
    check_two_label_metric(name)


@pytest.mark.parametrize("name", SET_METRICS)
def test_a_metric_of_several_labels_keeps_its_promises(name):
    check_set_metric(name)


@pytest.mark.parametrize("name", NUMBER_METRICS)
def test_a_metric_of_numbers_of_the_shelf_keeps_its_promises(name):
    check_number_metric(name)


def test_the_check_finds_a_metric_of_numbers_whose_baseline_is_its_own_value():
    def flattering(judged):
        return replace(mae(judged), baseline=mae(judged).value)

    with pytest.raises(AssertionError, match="baseline"):
        check_number_metric(flattering)


@pytest.mark.parametrize("name", RANKING_METRICS)
def test_a_metric_of_rankings_keeps_its_promises(name):
    check_ranking_metric(name)
