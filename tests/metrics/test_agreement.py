"""Two people's agreement, and whether more labels pay, beside references."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from startlm.metrics.agreement import confused_pairs, kappa
from startlm.metrics.more_labels import gain_of_more

A = ["yes"] * 25 + ["no"] * 25
B = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15


def test_kappa_by_hand() -> None:
    """Agreed 35 of 50; by chance 0.5 · 0.6 + 0.5 · 0.4 = 0.5."""
    assert kappa(A, B).value == pytest.approx((0.7 - 0.5) / (1 - 0.5))


def test_kappa_is_that_of_scikit_learn_and_its_interval_that_of_cohen() -> None:
    rng = random.Random(0)
    a = rng.choices("abcd", (5, 3, 1, 1), k=300)
    b = [label if rng.random() < 0.8 else rng.choice("abcd") for label in a]
    found = kappa(a, b)
    assert found.value == pytest.approx(cohen_kappa_score(a, b))
    agreed, chance = np.mean([x == y for x, y in zip(a, b)]), sum(a.count(c) * b.count(c) for c in "abcd") / 300**2
    half = 1.96 * np.sqrt(agreed * (1 - agreed) / 300) / (1 - chance)  # Cohen (1960)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.2) and found.low < found.value < found.high


def test_full_agreement_is_one_and_too_few_rows_are_no_figure() -> None:
    assert (kappa(A, A).value, kappa(A, A).low) == (1.0, 1.0)
    assert kappa(A[:19], A[:19]).value is None and kappa(["yes"] * 30, ["yes"] * 30).value is None


def test_the_labels_confused_most_come_first() -> None:
    assert confused_pairs(A, B) == [("no", "yes", 10), ("yes", "no", 5)] and confused_pairs(A, A) == []


def test_the_gain_of_more_labels_lies_on_the_curve() -> None:
    n = [50, 100, 200]
    assert gain_of_more(n, [2 / np.sqrt(each) for each in n], 56) == pytest.approx(2 / np.sqrt(200) - 2 / 16)


def test_a_curve_that_rises_or_is_flat_promises_nothing_and_one_point_is_no_curve() -> None:
    assert gain_of_more([50, 100], [0.2, 0.3], 50) == 0 and gain_of_more([50, 100], [0.2, 0.2], 50) == pytest.approx(0, abs=1e-9)
    assert gain_of_more([50, 50], [0.2, 0.1], 50) is None
