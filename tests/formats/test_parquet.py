"""Parquet: typed values come back as what they were, damage is refused with its place, groups are written as they fill."""

import datetime
import io

import pyarrow
import pytest
from pyarrow import parquet

from startlm.core.errors import CallError
from startlm.formats import open_table
from startlm.formats import parquet as module
from startlm.formats.parquet import Parquet


def stored(tmp_path, columns, **options):
    path = tmp_path / "表.parquet"
    parquet.write_table(pyarrow.table(columns), path, **options)
    return path


def values(table):
    return [row.values for row in table.rows()]


def test_types_come_back_and_nested_values_are_json(tmp_path):
    when = datetime.datetime(2024, 1, 2, 3, 4, 5)
    path = stored(tmp_path, {"n": [1, None], "x": [0.5, 2.0], "yes": [True, False], "when": [when, None], "list": [["a", "茶"], None], "raw": [b"tea", b"\xff"]})
    assert values(open_table(path)) == [(1, 0.5, True, when, '["a","茶"]', "tea"), (None, 2.0, False, None, None, "\ufffd")]


def test_nanoseconds_are_cut_to_what_python_can_hold(tmp_path):
    path = stored(tmp_path, {"when": pyarrow.array([1_700_000_000_123_456_789], pyarrow.timestamp("ns"))})
    assert values(open_table(path)) == [(datetime.datetime(2023, 11, 14, 22, 13, 20, 123456),)]


def test_a_parquet_file_is_known_by_its_first_bytes_whatever_its_name(tmp_path):
    path = stored(tmp_path, {"a": ["b"]}).rename(tmp_path / "export.csv")
    assert open_table(path).format == "parquet"


def test_a_file_cut_off_or_altered_is_refused_with_its_place(tmp_path):
    path = stored(tmp_path, {"a": [str(i) for i in range(50_000)]}, compression="none", use_dictionary=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(CallError, match="not a whole Parquet file") as caught:
        open_table(path)
    assert str(path) in str(caught.value)


def test_a_writer_keeps_types_and_writes_a_group_when_it_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_GROUP", 2)
    stream = io.BytesIO()
    writer = Parquet.writer(stream, ["text", "n", "none"])
    for number in range(5):
        writer.write((f"第 {number}", number, None))
    writer.close()
    stream.seek(0)
    file = parquet.ParquetFile(stream)
    assert (file.num_row_groups, [str(field.type) for field in file.schema_arrow]) == (3, ["string", "int64", "string"])
    assert file.read().column("n").to_pylist() == [0, 1, 2, 3, 4]


def test_a_column_of_several_types_in_the_first_group_is_text():
    stream = io.BytesIO()
    writer = Parquet.writer(stream, ["mixed"])
    writer.write_many([(1,), ("a",), ("\ud800",), (None,)])
    writer.close()
    assert parquet.read_table(stream).column("mixed").to_pylist() == ["1", "a", "?", None]


def test_a_value_that_does_not_fit_the_type_of_the_first_group_is_refused(monkeypatch):
    monkeypatch.setattr(module, "_GROUP", 2)
    writer = Parquet.writer(io.BytesIO(), ["n"])
    writer.write_many([(1,), (2,)])
    with pytest.raises(CallError, match="'n' begins with values of the type int64"):
        writer.write_many([("three",), (4,)])


def test_no_rows_make_a_file_with_a_head():
    stream = io.BytesIO()
    Parquet.writer(stream, ["a", "b"]).close()
    assert parquet.read_table(stream).column_names == ["a", "b"]
