"""BM25: its numbers by hand, its terms in both languages, exact top rows, states that were not written so."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.contracts import State
from startlm.core.errors import BundleError
from startlm.search.bm25 import Bm25
from startlm.search.ranked import best_of
from startlm.search.terms import terms_of

TEXTS = ["where is my card", "my card is late, my card!", "我的卡还没到", "物流太慢", "refund"]


def test_the_score_is_lucenes_by_hand() -> None:
    """Two texts of 2 and 4 terms, b .75 and k1 1.2: 茶 is in both, twice in the second; 3 in the first alone, twice in the query."""
    bm25 = Bm25.fit(["3 茶", "茶, 茶, 7 9"])
    common, rare = math.log(1 + 0.5 / 2.5), math.log(1 + 1.5 / 1.5)
    first, second = 1.2 * (0.25 + 0.75 * 2 / 3), 1.2 * (0.25 + 0.75 * 4 / 3)
    assert bm25.scores("茶") == pytest.approx([common / (1 + first), common * 2 / (2 + second)], rel=1e-6)
    assert bm25.scores("3 茶, 3") == pytest.approx([common / (1 + first) + 2 * rare / (1 + first), common * 2 / (2 + second)], rel=1e-6)


@pytest.mark.parametrize(("text", "terms"), [
    ("Companies' CARDS’ glass bus this", ["company", "card", "glass", "bus", "this"]),
    ("it's Zoë's user_name", ["it", "zoë", "user", "name"]),
    ("订单A-12已退款", ["订", "订单", "单", "a", "12", "已", "已退", "退", "退款", "款"]),
    ("ＣＡＲＤ　退", ["card", "退"]), ("カード", ["カ", "カー", "ー", "ード", "ド"]), ("карты 카드", ["карты", "카", "카드", "드"]), (" ,!？", []),
])  # fmt: skip
def test_terms_are_words_or_characters_and_their_pairs(text: str, terms: list[str]) -> None:
    found = terms_of(text)
    pieces = {piece for term in terms if term.isalpha() for marked in [f"<{term}>"] for piece in (marked[i : i + 4] for i in range(len(marked) - 3))}
    assert [term for term in found if term not in pieces - set(terms)] == terms


def test_words_come_in_pieces_and_numbers_whole() -> None:
    assert terms_of("refunds 2041a") == ["refund", "<ref", "refu", "efun", "fund", "und>", "2041a"]
    bm25 = Bm25.fit(["my money was refunded", "order 20415", "wher is it"])
    assert [bm25.search(query, 1).rows.tolist() for query in ("refund", "where", "2041")] == [[0], [2], []]


def test_chinese_and_english_are_found_alike() -> None:
    bm25 = Bm25.fit(TEXTS)
    assert bm25.search("CARDS late?", 2).rows.tolist() == [1, 0]
    assert bm25.search("卡什么时候到", 5).rows.tolist() == [2]
    assert bm25.search("我的卡 is", 5).rows.tolist()[0] == 2  # three characters and their pairs
    assert len(bm25.search("nothing of it", 5).rows) == 0 and len(Bm25.fit([]).search("x", 5).rows) == 0


@given(st.lists(st.integers(0, 4), max_size=40), st.integers(0, 45))
@settings(max_examples=200, deadline=None)
def test_the_best_rows_are_those_of_a_full_sort_ties_by_row(values: list[int], most: int) -> None:
    scores = np.array(values, dtype=np.float32)
    full = sorted(range(len(values)), key=lambda row: (-values[row], row))[:most]
    found = best_of(scores, most)
    assert found.rows.tolist() == full and found.scores.tolist() == [values[row] for row in full]


@given(st.lists(st.text(alphabet="ab 卡到s", max_size=12), max_size=8), st.text(alphabet="ab 卡到s", max_size=6))
@settings(max_examples=100, deadline=None)
def test_a_stored_ranking_answers_as_before(texts: list[str], query: str) -> None:
    bm25 = Bm25.fit(texts)
    again = Bm25.from_state(bm25.state())
    assert [each.tolist() for each in again.search(query, 3)] == [each.tolist() for each in bm25.search(query, 3)]


def _with(name: str, change: object) -> State:
    state = Bm25.fit(TEXTS).state()
    return replace(state, arrays={**state.arrays, name: change(state.arrays[name])})  # type: ignore[operator]


@pytest.mark.parametrize(("name", "change"), [
    ("rows", lambda rows: rows + 5), ("rows", lambda rows: -rows - 1), ("rows", lambda rows: np.zeros_like(rows)), ("rows", lambda rows: rows.astype(np.int64)), ("rows", lambda rows: rows[:-1]),
    ("starts", lambda starts: starts[::-1].copy()), ("starts", lambda starts: starts[1:]), ("starts", lambda starts: starts + 1), ("keys", lambda keys: keys[::-1].copy()),
    ("worth", lambda worth: -worth), ("worth", lambda worth: worth[:-1]), ("worth", lambda worth: worth.astype(np.float64)),
])  # fmt: skip
def test_arrays_that_were_not_written_so_are_refused(name: str, change: object) -> None:
    with pytest.raises(BundleError):
        Bm25.from_state(_with(name, change))


@pytest.mark.parametrize("settings", [{}, {"count": 4}, {"count": -1}, {"count": True}, {"count": 5, "more": 1}])
def test_settings_that_were_not_written_so_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(BundleError):
        Bm25.from_state(State(settings, Bm25.fit(TEXTS).state().arrays))
