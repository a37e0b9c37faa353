"""JSON lines: columns, values, bad lines, and the round trip."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.contracts import BadRow, Row
from startlm.core.errors import CallError
from startlm.formats import open_table
from startlm.formats.json_lines import JsonLines


@pytest.fixture
def opened(tmp_path):
    def write_and_open(content, name="messages.jsonl", **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return open_table(path, **options)

    return write_and_open


def values(table):
    return [row.values for row in table.rows() if isinstance(row, Row)]


def test_keys_become_columns_in_order_and_what_is_missing_is_none(opened):
    table = opened('{"text": "卡", "n": 1}\n\n{"n": 2.5, "ok": true}\n')
    assert table.columns == ("text", "n", "ok") and values(table) == [("卡", 1, None), (None, 2.5, True)]
    assert [row.line for row in table.rows()] == [1, 3]


def test_nested_values_become_compact_json_text(opened):
    assert values(opened('{"a": {"b": [1, "卡"]}, "c": []}')) == [('{"b":[1,"卡"]}', "[]")]


def test_a_key_that_comes_late_is_left_out_and_that_is_said(opened):
    table = opened('{"a": 1}\n' * 1_000 + '{"a": 2, "late": 3}\n')
    assert table.columns == ("a",) and "left out" in str(table.said[0]) and values(table)[-1] == (2,)
    assert opened('{"a": 1}\n' * 1_000).said == ()


def test_bad_lines_are_named_and_the_rest_is_read(opened):
    good = '{"text": "我的卡还没到，请问什么时候能收到"}'.encode()
    content = [good, b"{broken", b"[1]", b'{"text": NaN}', b'{"text": "\xff"}', b"[" * 100_000, b'{"text": "b"}']
    table = opened(b"\n".join(content))
    wrong = [row for row in table.rows() if isinstance(row, BadRow)]
    assert [(row.line, row.kind) for row in wrong] == [(2, "bad_json"), (3, "not_an_object"), (4, "bad_json"), (5, "undecodable"), (6, "bad_json")]
    assert {row.accept for row in wrong} == {'bad_rows = "skip"'} and len(values(table)) == 2


def test_a_value_of_ten_megabytes_is_a_bad_row(opened):
    table = opened('{"text": "a"}\n{"text": "' + "x" * 3_000_000 + '"}\n{"text": "' + "x" * 10_000_000 + '"}\n{"text": "b"}\n')
    assert [row.kind for row in table.rows() if isinstance(row, BadRow)] == ["oversize_cell"] * 2 and len(values(table)) == 2


def test_half_an_emoji_becomes_a_replacement_character(opened):
    assert values(opened('{"text": "a\\ud83d", "b": ["\\ud83d\\ude00"]}')) == [("a\ufffd", '["😀"]')]


def test_a_json_array_is_refused_with_what_to_do(opened):
    with pytest.raises(CallError, match="one object a line"):
        opened('[{"text": "a"},\n {"text": "b"}]', name="a.json")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_other_encodings_are_read(opened, encoding):
    assert values(opened('{"text": "我的卡还没到"}\n'.encode(encoding))) == [("我的卡还没到",)]


VALUE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=8))
def test_what_is_written_is_read_again_with_its_types(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "round.jsonl"
    with path.open("wb") as stream:
        writer = JsonLines.writer(stream, ["a", "b"])
        writer.write_many(rows)
        writer.close()
    assert repr(values(JsonLines.open(path, **JsonLines.written))) == repr(rows)


def test_what_json_lacks_is_written_as_something_it_has():
    stream = io.BytesIO()
    writer = JsonLines.writer(stream, ["a", "b", "c"])
    writer.write((np.float32(0.5), float("nan"), "\ud800"))
    assert json.loads(stream.getvalue()) == {"a": 0.5, "b": None, "c": "\ud800"}


def test_excel_is_told_that_it_reads_csv():
    with pytest.raises(CallError, match=r"\.csv"):
        JsonLines.writer(io.BytesIO(), ["a"], for_excel=True)
