"""Slices of errors: a permutation test corrected for looking at many, intervals that hold, nothing looked at because of its errors."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from scipy.stats import permutation_test

from startlm.metrics.number_slices import _looked_at, _permuted, find_number_slices, number_slices_json
from startlm.metrics.slices import Cut


def planted(rows: int, seed: int, *, worse: str = "") -> tuple[np.ndarray, np.ndarray, list[Cut]]:
    """Skewed errors, a third again as large in a group that is named."""
    rng = np.random.default_rng(seed)
    shop, language = rng.choice(["north", "south", "east", "west"], rows), rng.choice(["zh", "en"], rows)
    size = rng.gamma(1.0, 1.0, rows) * np.where((shop == worse) | (language == worse), 1.7, 1.0)
    truth = rng.normal(0, 5, rows)
    return truth, truth + size * rng.choice([-1, 1], rows), [Cut("column", "shop", shop), Cut("language", "", language), Cut("column", "kind", rng.choice([f"k{i}" for i in range(9)], rows))]


@pytest.mark.parametrize(("worse", "kind"), [("zh", "language"), ("south", "column")])
def test_a_group_that_is_further_off_is_found_and_no_other(worse: str, kind: str) -> None:
    truth, answers, cuts = planted(2_000, 0, worse=worse)
    found = find_number_slices(truth, answers, cuts, seed=0)
    assert [(each.kind, each.value) for each in found if each.worse] == [(kind, worse)]
    inside = np.array(next(cut for cut in cuts if cut.kind == kind).values) == worse
    off = np.abs(answers - truth)
    first = found[0]
    assert first.mae.value == pytest.approx(off[inside].mean()) and first.rest.value == pytest.approx(off[~inside].mean())
    assert first.gap.value == pytest.approx(first.mae.value - first.rest.value) and first.gap.low > 0 and first.mae.low < first.mae.value < first.mae.high
    assert first.bias.value == pytest.approx((answers - truth)[inside].mean()) and first.bias.low < first.bias.value < first.bias.high
    assert first.mae.n == inside.sum() and first.rest.n == (~inside).sum()


def test_where_nothing_is_worse_hardly_any_look_says_so() -> None:
    looks = [find_number_slices(*planted(300, seed), seed=seed) for seed in range(60)]
    assert sum(any(each.worse for each in found) for found in looks) <= 7
    assert sum(any(each.p < 0.05 for each in found) for found in looks) > 20, "without the correction many would"


def heavy(rows: int, groups: int, seed: int, *, worse: float = 1.0) -> tuple[np.ndarray, np.ndarray, list[Cut]]:
    """Errors as of money: lognormal, a few as large as all others together; those of group g0 so many times as large."""
    group = np.arange(rows) % groups
    return np.zeros(rows), np.random.default_rng(seed).lognormal(0, 2, rows) * np.where(group == 0, worse, 1.0), [Cut("column", "shop", [f"g{each}" for each in group])]


def false_alarms(rows: int, groups: int, seeds: range) -> int:
    return sum(_looked_at(*heavy(rows, groups, seed), seed, 20)[1][0].adjusted < 0.05 for seed in seeds)


def test_a_few_huge_errors_name_no_group_among_very_many() -> None:
    assert false_alarms(20_000, 1_000, range(3)) == 0


def test_false_alarms_of_heavy_tailed_errors_stay_at_the_level() -> None:
    assert false_alarms(1_000, 50, range(100)) <= 9, "of 100, 5 are allowed: more than 9 are a chance of 3 %"


def test_a_worse_one_of_two_hundred_groups_is_found_and_none_is_surer_than_the_draws_can_tell() -> None:
    found = find_number_slices(*heavy(10_000, 200, 0, worse=20.0), seed=0)
    assert [each.value for each in found if each.worse] == ["g0"]
    assert found[0].p > 1 / 40_000 and found[0].adjusted == pytest.approx(200 * found[0].p)


def test_the_chance_is_that_of_scipys_permutation_test() -> None:
    rng = np.random.default_rng(3)
    off, rows = rng.gamma(1.0, 1.0, 120), np.arange(25)
    off[rows] *= 1.4
    theirs = permutation_test((off[rows], off[25:]), lambda one, other, axis: np.abs(one.mean(axis) - other.mean(axis)), vectorized=True, n_resamples=9_999, alternative="greater", rng=0)
    assert _permuted(off, [rows], 0)[0] == pytest.approx(theirs.pvalue, abs=0.02)


def test_answers_that_are_too_high_in_a_group_are_said_to_be() -> None:
    truth, cuts = np.zeros(400), [Cut("column", "shop", ["north"] * 100 + ["south"] * 300)]
    answers = np.random.default_rng(0).normal(0, 1, 400) + np.where(np.arange(400) < 100, 2.0, 0.0)
    first = find_number_slices(truth, answers, cuts, seed=0)[0]
    assert first.value == "north" and first.bias.low > 1.5 and first.worse


def test_a_group_with_few_rows_is_not_looked_at_however_far_off() -> None:
    answers = np.array([99.0] * 19 + [1.0] * 400)
    cut = Cut("column", "shop", ["bad"] * 19 + ["good"] * 200 + ["fine"] * 200)
    found = number_slices_json(np.zeros(419), answers, [cut], seed=0)
    assert found["looked_at"] == 2 and [each["value"] for each in found["slices"]] == ["fine", "good"]
    assert number_slices_json(np.zeros(10), np.ones(10), [], seed=0) == {"looked_at": 0, "level": 0.05, "n": 10, "left_out": 0, "slices": []}


def test_rows_that_are_all_off_by_the_same_tell_nothing() -> None:
    found = find_number_slices(np.zeros(60), np.ones(60), [Cut("column", "a", ["x"] * 30 + ["y"] * 30)], seed=0)
    assert [(each.p, each.worse) for each in found] == [(1.0, False)] * 2


def test_of_many_slices_all_worse_ones_and_thirty_in_all_are_shown() -> None:
    rng = np.random.default_rng(0)
    cuts = [Cut("column", f"c{number}", rng.choice(["a", "b", "c"], 600)) for number in range(20)]
    found = number_slices_json(np.zeros(600), rng.normal(size=600), cuts, seed=0)
    assert found["looked_at"] == 60 and len(found["slices"]) == 30


def test_many_worse_groups_cost_little_memory_and_the_surest_hundred_are_shown() -> None:
    group = np.arange(10_000) % 250
    off = np.random.default_rng(0).gamma(4.0, 1.0, 10_000) * np.where(group < 120, 4.0, 1.0)
    cut = Cut("column", "shop", [f"g{each}" for each in group])
    tracemalloc.start()
    found = number_slices_json(np.zeros(10_000), off, [cut], seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6, "no table of rows by groups"
    assert found["left_out"] == 20 and len(found["slices"]) == 100 and all(each["worse"] for each in found["slices"])


def test_two_groups_of_very_many_rows_are_soon_compared() -> None:
    off, began = np.random.default_rng(0).lognormal(0, 1, 200_000), time.process_time()
    p = _permuted(off, [np.arange(100_000), np.arange(100)], 0)
    assert time.process_time() - began < 6 and min(p) > 0.05


def test_the_intervals_are_those_of_a_bootstrap_over_all_rows() -> None:
    truth, answers, cuts = planted(500, 0, worse="zh")
    found, off, inside = find_number_slices(truth, answers, cuts, seed=0)[0], np.abs(answers - truth), np.array(cuts[1].values) == "zh"
    drawn = np.random.default_rng(1).integers(0, 500, size=(4_000, 500))
    gaps = [off[rows][inside[rows]].mean() - off[rows][~inside[rows]].mean() for rows in drawn]
    assert (found.value, found.worse) == ("zh", True)
    assert (found.gap.low, found.gap.high) == pytest.approx(np.quantile(gaps, (0.025, 0.975)), abs=0.06)
