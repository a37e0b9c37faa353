"""Pieces: one position a word or a Chinese character, its ids first, then zeros."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.errors import CallError
from startlm.tokenizers.pieces import UNKNOWN, Pieces

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)


def test_a_position_is_a_word_a_chinese_character_or_a_mark():
    pieces = Pieces.fit(["x"] * 3)
    assert pieces.encode(["my card, 我的卡 x9", "", "  "]).lengths.tolist() == [7, 0, 0]


def test_a_misspelt_word_shares_pieces_with_the_right_one():
    pieces = Pieces.fit(["transfer refund"] * 3)
    right, wrong, other = (set(pieces.encode([word]).values.ravel().tolist()) - {0} for word in ("transfer", "transferr", "refund"))
    assert len(right & wrong) > 3 and not right & other


def test_a_words_ids_do_not_depend_on_what_stands_beside_it_but_a_characters_do():
    pieces = Pieces.fit(["my card 我的卡"] * 3)
    together, alone = pieces.encode(["my card", "我的"]).values, pieces.encode(["card", "的"]).values
    assert np.array_equal(together[1], alone[0])
    assert set(alone[1].tolist()) < set(together[3].tolist())


def test_only_pieces_of_three_rows_are_known():
    pieces = Pieces.fit(["secret secret secret", "secret", "card", "card", "card"])
    ids = pieces.encode(["secret card"]).values
    assert ids[0].tolist() == [UNKNOWN] + [0] * (ids.shape[1] - 1) and ids[1, 0] > UNKNOWN


def test_the_most_frequent_are_kept_when_there_are_too_many():
    pieces = Pieces.fit(["卡", "卡", "卡", "到"], min_rows=1, most=1)
    assert pieces.encode(["卡到"]).values[:, 0].tolist() == [2, UNKNOWN]


def test_options_that_do_not_exist_are_refused_with_those_that_do():
    with pytest.raises(CallError, match="per_position"):
        Pieces.fit(["a"], width=3)
    with pytest.raises(CallError, match="shortest"):
        Pieces.fit(["a"], shortest=9)


@given(st.lists(ANY, max_size=6))
@settings(max_examples=100, deadline=None)
def test_a_texts_ids_are_its_own(texts):
    pieces = Pieces.fit(["my card 我的卡, ok"] * 3)
    together = pieces.encode(texts)
    for number, text in enumerate(texts):
        assert np.array_equal(pieces.encode([text]).values, together.values[together.starts[number] : together.starts[number + 1]])


def test_encoding_is_linear_in_a_word_without_end():
    pieces = Pieces.fit(["card"] * 3)
    pieces.encode(["ab" * 400_000])  # warm
    took = []
    for size in (50_000, 400_000):  # eight times as long: 64 times the time where it were quadratic
        start = time.process_time()
        pieces.encode(["ab" * size])
        took.append(time.process_time() - start)
    assert took[1] < 40 * max(took[0], 0.01)
