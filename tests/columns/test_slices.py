"""Rows in slices: every row lies in one, numbers are cut into quarters, rare values are joined."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from startlm.columns.slices import MOST_VALUES, Slice, language_slices, length_slices, slices_of


def named(slices: Sequence[Slice]) -> dict[str, list[int]]:
    return {each.name.en: each.rows.tolist() for each in slices}


def test_values_are_slices_the_most_frequent_first_and_empty_ones_apart() -> None:
    assert named(slices_of(["shop", "web", None, "web ", "ｗｅｂ", ""])) == {"web": [1, 3, 4], "shop": [0], "empty": [2, 5]}


def test_beyond_twenty_values_the_rest_is_joined() -> None:
    values = [f"v{i}" for i in range(MOST_VALUES + 5)] + ["v24"]
    found = slices_of(values)
    assert len(found) == MOST_VALUES + 1 and found[0].name.en == "v24" and found[-1].name == ("other (5 values)", "其他（5 种值）")
    assert len(found[-1].rows) == 5


def test_numbers_are_cut_into_quarters_and_what_is_none_stands_apart() -> None:
    found = slices_of([*map(str, range(1, 101)), "", "n/a"])
    assert {name: len(rows) for name, rows in named(found).items()} == {"≤ 25": 25, "> 25, ≤ 50": 25, "> 50, ≤ 75": 25, "> 75": 25, "not a number": 1, "empty": 1}


def test_equal_numbers_are_never_torn_apart() -> None:
    found = slices_of([0.0] * 80 + [float(i) for i in range(1, 31)])
    assert [len(each.rows) for each in found][0] == 80 and [each.name.en for each in found] == ["≤ 0", "> 0, ≤ 2", "> 2"]


def test_few_different_numbers_are_values() -> None:
    assert list(named(slices_of([1, 2, 2, 5]))) == ["2", "1", "5"]


def test_the_language_and_the_length_of_a_text_make_slices() -> None:
    texts = ["我的卡还没到", "where is my card", "12:30", "退款"]
    assert named(language_slices(texts)) == {"Chinese": [0, 3], "English": [1], "other": [2]}
    assert [each.name for each in length_slices(texts)][0] == ("≤ 2 characters", "≤ 2 个字")


@pytest.mark.parametrize("slicing", [slices_of, lambda values: length_slices([str(value) for value in values]), lambda values: language_slices([str(value) for value in values])])
@given(values=st.lists(st.one_of(st.none(), st.integers(-50, 50), st.floats(), st.text(max_size=4)), max_size=60))
def test_every_row_lies_in_exactly_one_slice(slicing: Any, values: list[Any]) -> None:
    found = slicing(values)
    rows = np.concatenate([each.rows for each in found]) if found else np.zeros(0)
    assert sorted(rows.tolist()) == list(range(len(values))) and all(len(each.rows) for each in found)
