"""Slices: exact tests, corrected for looking at many; what is looked at does not follow from what is right."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control, fisher_exact as scipy_fisher
from sklearn.metrics import accuracy_score

from startlm.metrics.pairwise import holm
from startlm.metrics.slices import Cut, find_slices, fisher_exact, quarters, slices_json


def test_fishers_test_is_scipys() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        rows = int(rng.integers(2, 300))
        n, hits = int(rng.integers(1, rows)), int(rng.integers(0, rows + 1))
        inside = int(rng.hypergeometric(hits, rows - hits, n))
        table = [[inside, n - inside], [hits - inside, rows - n - hits + inside]]
        assert fisher_exact(inside, n, hits, rows) == pytest.approx(scipy_fisher(table).pvalue, rel=1e-6, abs=1e-300)


def test_holm_multiplies_the_smallest_by_all_of_them_and_never_falls() -> None:
    assert np.array(holm(np.array([0.03, 0.01, 0.04, 0.5]))) == pytest.approx([0.09, 0.04, 0.09, 0.5])
    assert np.array(holm(np.array([]))).tolist() == [] and np.array(holm(np.array([0.9, 0.8]))).max() == 1.0
    p = np.random.default_rng(1).random(50)
    assert np.all(np.array(holm(p)) >= false_discovery_control(p) - 1e-12), "stricter than a bound on false discoveries"


def planted(rows: int, seed: int, *, worse: str = "") -> tuple[np.ndarray, list[Cut]]:
    """Rows that are right nine times in ten, in a group that is named seven in ten, cut three ways."""
    rng = np.random.default_rng(seed)
    language, shop = rng.choice(["zh", "en"], rows), rng.choice(["north", "south", "east", "west"], rows)
    right = rng.random(rows) < np.where((language == worse) | (shop == worse), 0.7, 0.9)
    return right, [Cut("language", "", language), Cut("column", "shop", shop), Cut("label", "", rng.choice([f"l{i}" for i in range(10)], rows))]


@pytest.mark.parametrize(("worse", "kind"), [("zh", "language"), ("south", "column")])
def test_a_group_that_is_worse_is_found_and_no_other(worse: str, kind: str) -> None:
    right, cuts = planted(2_000, 0, worse=worse)
    found = find_slices(right, cuts)
    assert [(each.kind, each.value) for each in found if each.worse] == [(kind, worse)] == [(found[0].kind, found[0].value)]
    inside = np.array(next(cut for cut in cuts if cut.kind == kind).values) == worse
    assert found[0].inside.value == accuracy_score(np.ones(inside.sum()), right[inside]) and found[0].rest.n == np.sum(~inside)
    assert found[0].inside.low < found[0].inside.value < found[0].inside.high < found[0].rest.low


def test_where_nothing_is_worse_hardly_any_look_says_so() -> None:
    """With 5 % for all groups together, 200 looks at chance alone make about 10 false alarms at most; uncorrected, about half would."""
    alarms = [find_slices(*planted(600, seed)) for seed in range(200)]
    assert sum(any(each.worse for each in found) for found in alarms) <= 18
    assert sum(any(each.p < 0.05 for each in found) for found in alarms) > 60


def test_a_group_with_few_rows_is_not_looked_at_however_wrong_it_is() -> None:
    right = np.array([False] * 19 + [True] * 400)
    values = ["bad"] * 19 + ["good"] * 200 + ["fine"] * 200
    assert [each.value for each in find_slices(right, [Cut("column", "shop", values)])] == ["fine", "good"]
    assert slices_json(right, [Cut("column", "shop", values)])["looked_at"] == 2
    assert slices_json(right[:10], [Cut("column", "shop", values[:10])]) == {"looked_at": 0, "level": 0.05, "n": 10, "slices": []}


def test_a_missing_value_is_no_group() -> None:
    found = find_slices(np.arange(90) % 2 == 0, [Cut("column", "shop", [""] * 30 + ["north"] * 30 + ["south"] * 30)])
    assert {each.value for each in found} == {"north", "south"}


def test_quarters_are_those_of_the_rows_that_learnt() -> None:
    assert quarters(np.array([1, 10, 11, 20, 21, 30, 31, 99]), np.arange(1, 41)) == ["≤ 10", "≤ 10", "11–20", "11–20", "21–30", "21–30", "≥ 31", "≥ 31"]
    assert set(quarters(np.array([3, 7]), np.array([5, 5, 5, 5]))) == {"≤ 5", "≥ 6"}
    assert quarters(np.array([3]), np.array([], dtype=np.int64)) == [""]


def test_quarters_of_numbers_leave_out_what_is_missing() -> None:
    learnt = np.array([0.5, 1.5, 2.5, 3.5, np.nan])
    assert quarters(np.array([0.1, 0.5, 1.0, 2.0, 9.0, np.nan]), learnt) == ["≤ 0.5", "≤ 0.5", "0.5–1.5", "1.5–2.5", "> 2.5", ""]
