"""Figures of a search: numbers by hand, against scikit-learn, and what is left out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from startlm.metrics.rankings import JudgedRankings, hit_at, hits, ndcg_at, ndcgs, ranking_gain, recall_at, recalls, reciprocal_rank, reciprocals

FOUND = [[4, 7, 1], [2, 5], [], [9, 8, 6]]
RIGHT = [{7}, {5: 1.0, 2: 3.0, 4: 2.0}, {1}, {0, 3}]


def test_each_figure_by_hand() -> None:
    judged = JudgedRankings.of(FOUND, RIGHT)
    assert recalls(judged).tolist() == [1, 2 / 3, 0, 0] and recalls(judged, 1).tolist() == [0, 1, 0, 0]
    assert hits(judged).tolist() == [True, True, False, False] and hits(judged, 1).tolist() == [False, True, False, False]
    assert reciprocals(judged).tolist() == [0.5, 1, 0, 0]
    best = 3 + 2 / math.log2(3) + 1 / 2
    assert ndcgs(judged) == pytest.approx([1 / math.log2(3), (3 + 1 / math.log2(3)) / best, 0, 0])


def test_of_many_right_rows_more_than_k_cannot_be_asked() -> None:
    judged = JudgedRankings.of([[0, 1]] * 20, [set(range(50))] * 20)
    assert recall_at(judged, 2).value == 1.0 and ndcg_at(judged, 2).value == pytest.approx(1.0)


def test_queries_with_nothing_right_are_left_out_and_a_row_found_twice_is_no_ranking() -> None:
    assert len(JudgedRankings.of([[1], [2]], [set(), {2}])) == 1 and len(JudgedRankings.of([[1]], [{1: 0.0}])) == 0
    with pytest.raises(ValueError, match="twice"):
        JudgedRankings.of([[1, 1]], [{1}])


@given(st.integers(0, 2**31), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_ndcg_equals_that_of_scikit_learn(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    worth, scores = random.integers(0, 4, (6, 9)).astype(float), random.permutation(54).reshape(6, 9)
    worth[:, 0] = 1.0
    found, right = np.argsort(-scores, axis=1).tolist(), [dict(enumerate(row.tolist())) for row in worth]
    assert ndcgs(JudgedRankings.of(found, right), k) == pytest.approx([ndcg_score([a], [b], k=k) for a, b in zip(worth, scores)])


def test_figures_have_their_interval_and_a_search_of_nothing_is_worth_nothing() -> None:
    judged = JudgedRankings.of([[1, 2], [2, 1]] * 50, [{1}] * 100)
    figure = reciprocal_rank(judged)
    assert (figure.value, figure.n) == (0.75, 100) and 0.69 < figure.low < 0.75 < figure.high < 0.81
    assert hit_at(judged, 1).name == "hit_at_1" and hit_at(judged, 1).value == 0.5
    nothing = recall_at(JudgedRankings.of([[]] * 30, [{1}] * 30))
    assert (nothing.value, nothing.low) == (0.0, 0.0) and 0 < nothing.high < 0.2


def test_a_gain_is_paired() -> None:
    """Queries differ much, the two searches hardly: only in pairs is the difference seen."""
    a = np.linspace(0, 1, 200)
    gain = ranking_gain(a, a + 0.01)
    assert gain.value == pytest.approx(0.01) and gain.low == pytest.approx(0.01) and ranking_gain(a, a).high == 0
    assert ranking_gain(a + 0.01, a).value == pytest.approx(-0.01)
