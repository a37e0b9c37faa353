"""AUROC and AUPRC beside scikit-learn's; the rarer label is the one looked for."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from startlm.metrics.detection import auprc, auroc, looked_for
from startlm.metrics.judged import judge
from startlm.metrics.labels import brier


def judged(rows=600, seed=0, majority=0):
    random = np.random.default_rng(seed)
    truth = (random.random(rows) < 0.2).astype(np.int64)
    sure = np.round(np.clip(0.3 * truth + random.random(rows) * 0.7, 0, 1), 2)  # rounded: many ties
    return judge(truth, np.stack([1 - sure, sure], axis=1), majority=majority), truth, sure


@pytest.mark.parametrize(("figure", "reference"), [(auroc, roc_auc_score), (auprc, average_precision_score)])
def test_a_figure_is_scikit_learns_with_ties_too(figure, reference):
    each, truth, sure = judged()
    assert figure(each).value == pytest.approx(reference(truth, sure), abs=1e-12)


def test_brier_of_two_labels_is_scikit_learns():
    each, truth, sure = judged()
    assert brier(each).value == pytest.approx(brier_score_loss(truth, sure), abs=1e-12)


def test_the_rarer_label_is_looked_for_whichever_number_it_has():
    each, truth, sure = judged(majority=1)
    assert looked_for(each) == 0
    assert auroc(each).value == pytest.approx(roc_auc_score(1 - truth, 1 - sure), abs=1e-12)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    _, truth, sure = judged(rows=200_000, seed=1)
    whole = roc_auc_score(truth, sure)
    inside = []
    for seed in range(100):
        figure = auroc(judged(rows=300, seed=seed + 2)[0])
        inside.append(figure.low <= whole <= figure.high)
    assert 0.88 <= np.mean(inside) <= 1.0


def test_a_handful_of_rows_with_the_label_gives_no_number():
    truth = np.r_[np.ones(3, np.int64), np.zeros(97, np.int64)]
    assert auroc(judge(truth, np.stack([1.0 - truth, truth], axis=1), majority=0)).value is None
