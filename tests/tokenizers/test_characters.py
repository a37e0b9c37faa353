"""Characters lose nothing: what is not known is spelled in bytes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.testing import check_round_trip
from startlm.tokenizers.characters import Characters

CHARACTERS = Characters.fit(["where is my card", "我的卡还没到"] * 3)


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_string_comes_back(text):
    check_round_trip(CHARACTERS, text)


def test_a_character_of_fewer_than_three_rows_is_spelled_in_bytes():
    fitted = Characters.fit(["卡卡卡卡", "卡", "到", "到", "到"])
    assert fitted.encode(["到", "卡"]).lengths.tolist() == [1, 3]


def test_only_the_most_frequent_are_kept():
    assert Characters.fit(["ab", "ab", "abc", "c"], min_rows=2, most=2).known.tolist() == [ord("a"), ord("b")]
