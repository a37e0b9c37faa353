"""Two rankings as one: by rank and by score, by hand; the weight that does best where answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from startlm.search.fusion import by_rank, by_score, choose_weight, fused
from startlm.search.ranked import Ranked
from startlm.search.vectors import Vectors, unit


def ranked(rows: list[int], scores: list[float]) -> Ranked:
    return Ranked(np.array(rows, np.int64), np.array(scores))


WORDS, MEANING = ranked([4, 2, 9], [8.0, 6.0, 4.0]), ranked([2, 7], [0.9, 0.7])


def test_by_rank_a_row_of_both_wins_by_hand() -> None:
    found = fused([WORDS, MEANING], 10)
    assert found.rows.tolist() == [2, 4, 7, 9]
    assert found.scores == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62, 1 / 63])
    assert by_rank([WORDS.rows, np.zeros(0, np.int64)], 2).rows.tolist() == [4, 2] and len(by_rank([], 2).rows) == 0


def test_by_score_each_ranking_is_brought_to_one_scale_by_hand() -> None:
    found = by_score([WORDS, MEANING], (0.6, 0.4), 3)
    assert found.rows.tolist() == [2, 4, 7] and found.scores == pytest.approx([0.6 * 0.5 + 0.4, 0.6, 0.0])
    assert by_score([ranked([5], [3.0]), ranked([], [])], (0.5, 0.5), 3).scores.tolist() == [0.5]


def test_the_weight_that_puts_the_right_row_first_is_chosen_and_ranks_where_none_does() -> None:
    runs = [[ranked([0, 1], [2.0, 1.0]), ranked([1, 0], [0.9, 0.1])]] * 3

    def first(right: int):
        return lambda query, rows: float(rows[0] == right)

    assert choose_weight(runs, first(1)) == 0.6
    assert choose_weight(runs, first(0)) is None and choose_weight([], first(0)) is None


def test_vectors_are_ranked_as_their_cosines_in_full_and_a_query_answers_the_same_alone() -> None:
    random = np.random.default_rng(0)
    rows, queries = random.normal(size=(20_000, 12)).astype(np.float32), random.normal(size=(5, 12)).astype(np.float32)
    vectors = Vectors.fit(rows)
    found = [vectors.search(query, 10) for query in queries]
    cosines = unit(queries) @ unit(rows).T
    for query, each in enumerate(found):
        assert each.scores == pytest.approx(np.sort(cosines[query])[::-1][:10], abs=1e-3)
        assert vectors.search(queries[query], 10).scores.tobytes() == each.scores.tobytes()
    assert Vectors.fit(np.zeros((0, 4), np.float32)).search(np.ones(4, np.float32), 5).rows.tolist() == []
    assert Vectors.fit(np.zeros((2, 4), np.float32)).search(np.zeros(4, np.float32), 5).scores.tolist() == [0, 0]
