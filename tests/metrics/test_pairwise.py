"""Which of several is better? Holm's correction, the permutation test, every two tools, slices, and the ranking in words."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from startlm.metrics.comparison import compare, letters
from startlm.metrics.pairwise import MOST_DRAWN, Errors, compare_pairs, every_two, holm, ranking, sign_flip_p


def errors(n: int = 1_000, *shares: float, seed: int = 0) -> Errors:
    """Tools that are wrong on these shares of n rows, independently."""
    random = np.random.default_rng(seed)
    return Errors(np.array([random.random(n) < share for share in shares]))


# ------------------------------------------------------------------- tests

def test_holm_by_hand() -> None:
    """Holm (1979): the smallest of four times 4, the next times 3 and no smaller than that, and so on."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=12))
@settings(max_examples=60, deadline=None)
def test_holm_never_lowers_a_p_and_is_never_dearer_than_bonferroni(given_p: list[float]) -> None:
    adjusted = holm(given_p)
    assert all(p <= q <= min(1.0, len(given_p) * p) + 1e-12 for p, q in zip(given_p, adjusted, strict=True))
    assert sorted(range(len(given_p)), key=lambda i: (given_p[i], i)) == sorted(range(len(given_p)), key=lambda i: (adjusted[i], given_p[i], i))


def test_the_permutation_test_is_near_the_exact_one_on_few_rows() -> None:
    gain = np.array([0.3, -0.1, 0.8, 0.2, 0.4, -0.2, 0.6, 0.1, 0.5, 0.7])
    every = [abs(sum(sign * each for sign, each in zip(signs, gain))) for signs in product((-1, 1), repeat=len(gain))]
    exact = np.mean(np.array(every) >= gain.sum() - 1e-9)
    assert sign_flip_p(gain, 0) == pytest.approx(exact, abs=0.004)


def test_the_permutation_test_of_many_rows_agrees_with_the_flips() -> None:
    random = np.random.default_rng(1)
    gain = random.normal(0.02, 1, MOST_DRAWN)
    more = np.concatenate([gain, [0.0]])
    assert sign_flip_p(more, 0) == pytest.approx(sign_flip_p(gain, 0), abs=0.02)
    assert sign_flip_p(np.zeros(50), 0) == 1.0


def test_the_interval_of_many_rows_agrees_with_the_bootstrap() -> None:
    off = np.abs(np.random.default_rng(1).normal(size=(2, MOST_DRAWN + 1)))
    many, fewer = (compare_pairs([Errors(off[:, :n])], every_two(2))[0][0].gain for n in (MOST_DRAWN + 1, MOST_DRAWN))
    assert (many.method, fewer.method) == ("normal", "bootstrap")
    assert (many.low, many.high) == pytest.approx((fewer.low, fewer.high), abs=0.002)


def test_where_neither_is_better_the_permutation_test_claims_so_one_time_in_twenty() -> None:
    random = np.random.default_rng(2)
    p = [sign_flip_p(random.normal(size=40), seed) for seed in range(200)]
    assert np.mean(np.array(p) <= 0.05) < 0.1 and stats.kstest(p, "uniform").pvalue > 0.001


# ------------------------------------------------------------- comparisons

def test_two_tools_are_compared_as_compare_does() -> None:
    found = errors(500, 0.3, 0.2)
    a, b = (np.where(wrong, "x", "y").tolist() for wrong in found.values)
    alone, pair = compare(a, b, ["y"] * 500), compare_pairs([found], every_two(2))[0][0]
    assert (pair.gain, pair.p, pair.only_first, pair.only_second) == (alone.accuracy_gain, alone.p, alone.only_a_right, alone.only_b_right)
    assert pair.adjusted == pair.p and found.figure(0) == alone.accuracy_a


def test_three_tools_make_three_comparisons_and_p_is_adjusted_for_all() -> None:
    found = compare_pairs([errors(1_000, 0.3, 0.2, 0.29)], every_two(3))[0]
    assert [(each.first, each.second) for each in found] == [(0, 1), (0, 2), (1, 2)]
    assert [each.adjusted for each in found] == holm([each.p for each in found])
    assert [each.better for each in found] == [1, None, 1]


def test_what_holds_alone_may_not_hold_among_many() -> None:
    """One of forty comparisons of equals has p under 0.05 now and then; adjusted, none is claimed."""
    many = compare_pairs([errors(200, *[0.3] * 10, seed=3)], every_two(10))[0]
    assert min(each.p for each in many) < 0.05 and [each for each in many if each.better is not None] == []


def test_slices_are_adjusted_together_and_few_rows_are_not_tested() -> None:
    whole = errors(600, 0.4, 0.2)
    parts = [whole.take(np.arange(300)), whole.take(np.arange(300, 590)), whole.take(np.arange(590, 600))]
    (first,), (second,), (few,) = compare_pairs(parts, every_two(2))
    assert [first.adjusted, second.adjusted] == holm([first.p, second.p])
    assert few.gain.value is None and few.better is None and few.adjusted == 1.0


def test_smaller_errors_of_numbers_are_better() -> None:
    random = np.random.default_rng(0)
    off = np.abs(random.normal(size=(2, 400)) * [[2.0], [1.0]])
    found = Errors(off)
    (pair,), figure = compare_pairs([found], every_two(2))[0], found.figure(0)
    assert pair.better == 1 and pair.gain.value == pytest.approx(off[0].mean() - off[1].mean()) and pair.only_first is None
    assert figure.name == "mae" and figure.low < figure.value < figure.high and not figure.higher_is_better
    assert figure.value == pytest.approx(off[0].mean())


# ---------------------------------------------------------------- in words

@pytest.mark.parametrize("shares, expected", [
    ((0.5, 0.1, 0.3), "B is better than A and C; C is better than A."),
    ((0.5, 0.1, 0.1), "B is better than A; C is better than A; nothing can be said of B and C."),
    ((0.3, 0.3, 0.3), "No difference shown between any two."),
    ((0.3, 0.3), "No difference shown between A and B."),
])  # fmt: skip
def test_the_ranking_is_in_plain_words(shares: tuple[float, ...], expected: str) -> None:
    said = ranking(compare_pairs([errors(2_000, *shares, seed=1)], every_two(len(shares)))[0], letters(len(shares)))
    assert said.en == expected and said.zh and said.zh != said.en


def test_few_rows_are_not_ranked() -> None:
    assert ranking(compare_pairs([errors(10, 0.9, 0.1, 0.5)], every_two(3))[0], "ABC").en == "Not enough data (10 rows)."


def test_more_than_26_files_have_names() -> None:
    assert letters(28)[25:] == ["Z", "A2", "B2"]
