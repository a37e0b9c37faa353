"""The columns beside the text together: read, encoded side by side, stored, opened, and asked for by name."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from startlm.columns.encoded import ColumnEncoder, find_habits, parse_columns, read_cells
from startlm.core.errors import BundleError, CallError

KINDS = {"age": "number", "性别": "category", "joined": "date"}
TABLE = {"age": ["31", "4 万", None, "forty"] * 3, "性别": ["女", "男", "", "女"] * 3, "joined": ["2024-03-05", "31/01/2024", "never", None] * 3}


def fitted() -> tuple[ColumnEncoder, dict[str, np.ndarray]]:
    habits = find_habits(KINDS, TABLE)
    cells, _ = read_cells(KINDS, TABLE, habits)
    return ColumnEncoder.fit(KINDS, cells, habits), cells


def test_cells_of_each_kind_are_read_and_the_bad_ones_told() -> None:
    cells, bad = read_cells(KINDS, TABLE)
    assert cells["age"][:2].tolist() == [31.0, 40000.0] and cells["性别"][:3].tolist() == ["女", "男", ""]
    assert bad == {"age": [3, 7, 11], "性别": [], "joined": [2, 6, 10]}


def test_features_stand_side_by_side_and_each_column_knows_its_own() -> None:
    encoder, cells = fitted()
    features, words = encoder.encode(cells)
    assert features.shape == (12, encoder.width) and len(encoder.names) == encoder.width and words.shape == (12, 3)
    assert encoder.names[encoder.groups["性别"]] == ("性别=女", "性别=男", "性别 rare or unseen", "性别 missing")
    assert features[:, encoder.groups["性别"]][:3].tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]
    assert (features[2, encoder.groups["age"]][:2]).tolist() == [0.0, 1.0]


def test_no_two_columns_share_a_word() -> None:
    encoder, cells = fitted()
    words = encoder.encode(cells)[1]
    ranges = [set(column.tolist()) for column in words.T]
    assert not ranges[0] & ranges[1] and not ranges[1] & ranges[2] and words.max() < encoder.word_count


def test_a_row_alone_after_storing_is_what_it_was_beside_others() -> None:
    encoder, cells = fitted()
    opened = ColumnEncoder.from_state(json.loads(json.dumps(encoder.state())))
    for row in range(12):
        alone = opened.read({name: [values[row]] for name, values in TABLE.items()})
        for one, whole in zip(opened.encode(alone), encoder.encode(cells)):
            np.testing.assert_array_equal(one[0], whole[row])


def test_how_a_column_is_written_goes_with_the_model() -> None:
    table = {"rate": ["12%", "0.5", "7%"], "day": ["13/02/2024", "01/02/2024", ""]}
    kinds = {"rate": "number", "day": "date"}
    habits = find_habits(kinds, table)
    encoder = ColumnEncoder.from_state(ColumnEncoder.fit(kinds, read_cells(kinds, table, habits)[0], habits).state())
    assert encoder.habits == habits == {"rate": {"comma": False, "hundredth": True}, "day": {"day_first": True}}
    cells = encoder.read({"rate": ["12%"], "day": ["01/02/2024"]})
    assert cells["rate"].tolist() == [0.12] and cells["day"].tolist() == [19754.0]


def test_without_columns_there_is_nothing() -> None:
    encoder = ColumnEncoder.from_state(ColumnEncoder.fit({}, {}).state())
    assert (encoder.width, encoder.word_count, encoder.names) == (0, 0, ()) and encoder.encode({})[0].shape == (0, 0)


@pytest.mark.parametrize(("kind", "words"), [("identifier", "group"), ("text", "[prepare] text"), ("nmber", "number")])
def test_a_kind_that_is_no_input_is_refused_with_its_column(kind: str, words: str) -> None:
    with pytest.raises(CallError) as error:
        read_cells({"c": kind}, {"c": ["a"]})
    assert words in error.value.hint.en


def damaged(**changes: Any) -> list[dict[str, Any]]:
    return [{**fitted()[0].state()[0], **changes}]


@pytest.mark.parametrize("state", [
    None, {}, [None], damaged(kind="text"), damaged(kind="nothing"), damaged(name=None), damaged(name="\ud800"), damaged(name="age\x1b[2J"), damaged(habit={"comma": 1, "hundredth": False}), damaged(habit={"more": True}),
    damaged(habit=None), damaged(encoding={}), damaged(encoding=None), damaged(kind="category"), damaged(more=1), damaged() * 2,
])  # fmt: skip
def test_a_damaged_state_is_refused(state: Any) -> None:
    with pytest.raises(BundleError) as error:
        ColumnEncoder.from_state(state)
    assert error.value.hint.en and error.value.hint.zh


# -------------------------------------------------- [prepare] columns

KNOWN = ["age", "ratio: a", "时间：下单", "price: number", "price"]


@pytest.mark.parametrize(("given", "asked"), [
    (["age"], {"age": None}),
    (["age: number"], {"age": "number"}),
    (["age:number ", "price : category"], {"age": "number", "price": "category"}),
    (["age：数字"], {"age": "number"}),
    (["ratio: a"], {"ratio: a": None}),
    (["ratio: a: category"], {"ratio: a": "category"}),
    (["时间：下单", "price: number"], {"时间：下单": None, "price: number": None}),
    (["price: number: number"], {"price: number": "number"}),
    ([], {}),
])  # fmt: skip
def test_columns_are_asked_for_with_a_kind_or_without(given: list[str], asked: dict[str, str | None]) -> None:
    assert parse_columns(given, KNOWN) == asked


@pytest.mark.parametrize(("given", "words"), [
    (["agee"], "did you mean 'age'"), (["agee: number"], "did you mean 'age'"), (["age: nmber"], "did you mean 'number'"), (["age: "], "date, identifier, number"),
    (["age", "age: number"], "named twice"), (["nothing: at all"], "The columns are"),
])  # fmt: skip
def test_what_is_not_there_is_refused_with_what_there_is(given: list[str], words: str) -> None:
    with pytest.raises(CallError) as error:
        parse_columns(given, KNOWN)
    assert words in f"{error.value.message.en} {error.value.hint.en}" and error.value.hint.zh
