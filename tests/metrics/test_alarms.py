"""Out of scope with a stated rate of false alarms."""

import numpy as np
import pytest

from startlm.metrics.alarms import choose_least, choose_shift, energy, energy_of, shifted
from startlm.metrics.calibration import log_softmax, softmax_with

RANDOM = np.random.default_rng(0)


def log_confidences(rows, labels=4):
    return log_softmax(RANDOM.normal(size=(rows, labels)) * 2)


@pytest.mark.parametrize("allowed", [0.0, 0.02, 0.3])
def test_where_the_label_was_learnt_no_more_rows_in_scope_are_taken_than_allowed_and_one_more_shift_would(allowed):
    mean, truth = log_confidences(500), RANDOM.integers(0, 3, 500)
    found = choose_shift(mean, truth, 3, allowed)
    taken = (shifted(mean, 3, found).argmax(axis=1) == 3).mean()
    assert taken <= allowed and taken == pytest.approx(found["alarms"]) and taken >= allowed - 0.003
    further = shifted(mean, 3, {"shift": found["shift"] + 1e-6})
    assert (further.argmax(axis=1) == 3).mean() > allowed


def test_rows_that_are_out_of_scope_do_not_settle_it():
    mean, truth = log_confidences(500), np.where(np.arange(500) < 100, 3, 0)
    odd = mean.copy()
    odd[:100, 3] += 50
    assert choose_shift(odd, truth, 3, 0.05)["shift"] == choose_shift(mean, truth, 3, 0.05)["shift"]


def known_and_strange(flat):
    """500 rows sure of one of three labels, and 100 strange ones: flat, all three are as likely, and the fourth label, learnt for these, says nothing; else it tells them apart."""
    logits = RANDOM.normal(size=(600, 4)) * 0.1
    logits[np.arange(500), np.arange(500) % 3] += 6
    logits[500:, : 3 if flat else 1] += 6
    logits[500:, 3] += 0 if flat else 3
    return log_softmax(logits), np.where(np.arange(600) < 500, np.arange(600) % 3, 3)


@pytest.mark.parametrize(("flat", "score"), [(True, "energy"), (False, "probability")])
def test_energy_leans_too_where_that_catches_more_of_the_rows_that_choose(flat, score):
    mean, truth = known_and_strange(flat)
    found = choose_shift(mean, truth, 3, 0.02, (mean, truth))
    taken = shifted(mean, 3, found).argmax(axis=1) == 3
    assert found["score"] == score and taken[:500].mean() <= 0.02 and taken[500:].mean() > 0.9
    assert choose_shift(mean, truth, 3, 0.02)["score"] == "probability"


def test_where_it_was_not_learnt_the_rows_of_least_energy_are_handed_over():
    confidences = softmax_with(RANDOM.normal(size=(500, 4)) * 2, 1.0)
    found = choose_least(confidences, 0.1)
    assert (energy_of(confidences) < found["least"]).mean() == pytest.approx(0.1) == found["alarms"]
    assert shifted(confidences, None, found) is confidences


def test_energy_is_least_for_a_row_of_which_nothing_is_known_and_the_same_from_logits_and_confidences():
    logits = np.array([[3.0, 3.0, 3.0], [9.0, 3.0, 3.0], [9.0, 9.0, 3.0]])
    of_logits = energy(logits)
    assert of_logits[0] == pytest.approx(np.log(3)) and of_logits.argmin() == 0
    assert np.allclose(of_logits, energy(logits + 7)) and np.allclose(of_logits, energy_of(softmax_with(logits, 1.0)))
    assert np.isfinite(energy_of(np.array([[1.0, 0.0, 0.0]]))).all()


def test_energy_tells_apart_what_the_largest_confidence_does_not():
    """Both rows are half sure of one label: the first wavers between two, the second knows none of the others either."""
    wavering, strange = [0.5, 0.498, 0.001, 0.001], [0.5, 0.17, 0.165, 0.165]
    assert energy_of(np.array([wavering]))[0] > energy_of(np.array([strange]))[0] + 1


def test_too_few_rows_in_scope_settle_nothing():
    assert choose_shift(log_confidences(49), np.zeros(49, int), 3, 0.1) is None
    assert choose_least(np.exp(log_confidences(49)), 0.1) is None
