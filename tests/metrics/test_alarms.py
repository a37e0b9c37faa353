"""Out of scope with a stated rate of false alarms."""

import numpy as np
import pytest

from startlm.metrics.alarms import choose_alarms, shifted

RANDOM = np.random.default_rng(0)


def log_confidences(rows, labels=4):
    logits = RANDOM.normal(size=(rows, labels)) * 2
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


@pytest.mark.parametrize("allowed", [0.0, 0.02, 0.3])
def test_where_the_label_was_learnt_no_more_rows_in_scope_are_taken_than_allowed_and_one_more_shift_would(allowed):
    mean, truth = log_confidences(500), RANDOM.integers(0, 3, 500)
    found = choose_alarms(mean, truth, 3, allowed)
    taken = (shifted(mean, 3, found).argmax(axis=1) == 3).mean()
    assert taken <= allowed and taken == pytest.approx(found["alarms"]) and taken >= allowed - 0.003
    further = shifted(mean, 3, {"shift": found["shift"] + 1e-6})
    assert (further.argmax(axis=1) == 3).mean() > allowed


def test_rows_that_are_out_of_scope_do_not_settle_it():
    mean, truth = log_confidences(500), np.where(np.arange(500) < 100, 3, 0)
    odd = mean.copy()
    odd[:100, 3] += 50
    assert choose_alarms(odd, truth, 3, 0.05)["shift"] == choose_alarms(mean, truth, 3, 0.05)["shift"]


def test_where_it_was_not_learnt_the_least_sure_are_handed_over():
    mean = log_confidences(500)
    found = choose_alarms(mean, np.zeros(500, int), None, 0.1)
    assert (np.exp(mean.max(axis=1)) < found["threshold"]).mean() == pytest.approx(0.1)
    assert shifted(mean, None, found) is mean


def test_too_few_rows_in_scope_settle_nothing():
    assert choose_alarms(log_confidences(49), np.zeros(49, int), 3, 0.1) is None
