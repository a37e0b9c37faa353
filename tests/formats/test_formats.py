"""Opening a table from whatever is given: the format chosen, the file refused in words, standard input, rows in memory."""

import io
import os
import sys
import threading
from types import SimpleNamespace

import pytest

from startlm.core.contracts import Row
from startlm.core.errors import CallError, MissingExtraError
from startlm.core.language import speaking
from startlm.formats import format_for, open_table
from startlm.formats.rows import in_chunks

ROWS = [{"text": "我的卡还没到", "label": "card"}, {"text": "hi", "extra": [1]}]


def values(table):
    return [row.values for row in table.rows()]


# ------------------------------------------------------ choosing the format

@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a.csv", "text,label\na,b\n", "delimited"),
        ("a.jsonl", '{"text": "a"}\n', "json_lines"),
        ("a", '{"text": "a"}\n', "json_lines"),
        ("a.log", "text\tlabel\na\tb\n", "delimited"),
        ("a.CSV", '{"text"\n', "delimited"),
    ],
)
def test_the_format_is_chosen_by_suffix_then_by_content(tmp_path, name, content, format):
    (tmp_path / name).write_text(content)
    assert open_table(tmp_path / name).format == format


def test_a_format_that_was_set_is_not_guessed_and_a_wrong_one_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text('{"text": "a"}\n')
    assert open_table(tmp_path / "a.csv", format="json_lines").columns == ("text",)
    with pytest.raises(CallError, match="did you mean 'json_lines'"):
        open_table(tmp_path / "a.csv", format="jsonlines")


def test_an_option_the_format_does_not_have_is_refused_and_none_means_open(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    assert open_table(tmp_path / "a.jsonl", delimiter=None, encoding=None).columns == ("text",)
    with pytest.raises(CallError, match="delimiter"):
        open_table(tmp_path / "a.jsonl", delimiter=",")


def test_the_format_that_writes_is_chosen_by_suffix():
    assert [format_for(name) for name in ("a.csv", "b.JSONL", "c.xlsx", "d.parquet")] == ["delimited", "json_lines", "spreadsheet", "parquet"]
    with pytest.raises(CallError, match=r"\.csv"):
        format_for("a.docx")


# ----------------------------------------------------------- files refused

def _empty(path):
    path.write_bytes(b"")


REFUSED = {
    "missing.csv": (lambda path: None, "no such file"),
    "folder.csv": (lambda path: path.mkdir(), "folder"),
    "empty.csv": (_empty, "empty"),
    "blank.jsonl": (lambda path: path.write_bytes(b"\xef\xbb\xbf \r\n\n"), "empty"),
    "workbook.csv": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(500)), "save it as CSV UTF-8"),
    "workbook.xlsx": (lambda path: path.write_bytes(b"anything"), "save it as CSV UTF-8"),
    "table.parquet": (lambda path: path.write_bytes(b"PAR1" + bytes(500)), "save it as CSV UTF-8"),
    "broken.db": (lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(99)), "mend"),
    "noise.csv": (lambda path: path.write_bytes(bytes(range(256)) * 20), "binary"),
    "nuls.csv": (lambda path: path.write_bytes(bytes(5_000) + b"abc"), "binary"),
    "endless.csv": (lambda path: path.write_bytes(b"a," * 3_000_000), "one row on each line"),
    "object.jsonl": (lambda path: path.write_bytes(b"hello\nyou\n"), "one object a line"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused_with_its_place_and_what_to_do(tmp_path, name):
    make, word = REFUSED[name]
    path = tmp_path / name
    make(path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CallError) as caught:
        open_table(path)
    assert word in str(caught.value) and str(path) in str(caught.value) and caught.value.exit_code == 2
    with speaking("zh"):
        assert "怎么办" in str(caught.value) and word not in str(caught.value).replace(str(path), "").replace("CSV UTF-8", "")
    assert sorted(tmp_path.iterdir()) == before


def test_a_misspelt_path_is_offered_the_nearest_name(tmp_path):
    (tmp_path / "tickets.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CallError, match="did you mean .*tickets.csv"):
        open_table(tmp_path / "tikets.csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = tmp_path / "secret.csv"
    path.write_text("a,b\n")
    path.chmod(0)
    with pytest.raises(CallError, match="may not be read"):
        open_table(path)


@pytest.mark.parametrize("address", ["mysql://me:secret@host/base", "sqlite:///a.db", "https://example.org/a.csv"])
def test_an_address_that_nobody_reads_is_refused_without_showing_its_password(address):
    with pytest.raises(CallError) as caught:
        open_table(address)
    assert "secret" not in str(caught.value) and any(fix in str(caught.value) for fix in ("save it as CSV", "download", "check the path"))


# ------------------------------------------------------------------ streams

@pytest.fixture
def standard_input(monkeypatch):
    """A pipe whose other end the test writes to."""
    reader, writer = os.pipe()
    with open(reader, "rb") as stream, open(writer, "wb", buffering=0) as end:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
        yield end


def test_standard_input_is_answered_line_by_line(standard_input):
    standard_input.write(b"text,label\n")
    table = open_table("-")
    rows = table.rows()
    for text in ("first", "second"):
        standard_input.write(f"{text},x\n".encode())
        assert next(rows).values == (text, "x")  # would wait for ever if more than the line were needed
    standard_input.close()
    assert list(rows) == []


def test_standard_input_may_hold_json_lines(standard_input):
    standard_input.write('{"text": "卡"}\n'.encode())
    rows = open_table("-").rows()
    assert next(rows) == Row(1, ("卡",))


@pytest.mark.parametrize(("head", "rows", "begun", "rest"), [("text,label\n", "first,x\n" * 10, '"second\n', 'line",y\n'), ("", '{"text": "first", "label": "x"}\n' * 10, '{"text": "second\\n', 'line", "label": "y"}\n')])
def test_rows_that_have_arrived_come_together_and_do_not_wait_for_the_rest_of_another(standard_input, head, rows, begun, rest):
    standard_input.write((head + rows + begun).encode())
    chunks = in_chunks(open_table("-"), ("text", "label"), 4)
    assert [[row.values for row in next(chunks)] for _ in range(3)] == [[("first", "x")] * size for size in (4, 4, 2)]
    standard_input.write(rest.encode())
    assert [row.values for row in next(chunks)] == [("second\nline", "y")]
    standard_input.close()
    assert list(chunks) == []


def test_rows_before_one_that_cannot_be_read_come_first(standard_input):
    standard_input.write(b"text,label\na,x\nb,x,y\n")
    chunks = in_chunks(open_table("-"), ("text", "label"), 4)
    assert next(chunks) == [Row(2, ("a", "x"))]
    with pytest.raises(CallError, match="3 fields"):
        next(chunks)


def test_chinese_that_arrives_after_plain_ascii_names_the_encoding_to_set(standard_input):
    standard_input.write(b"text,label\n")
    rows = open_table("-").rows()
    standard_input.write("我的卡还没到，请问什么时候能收到？,card\n".encode("gbk"))
    assert next(rows).accept == 'encoding = "gb18030"'


def test_standard_input_is_read_once_and_says_so(standard_input):
    standard_input.write(b"text,label\na,b\n")
    standard_input.close()
    table = open_table("-")
    assert values(table) == [("a", "b")]
    with pytest.raises(CallError, match="only once"):
        list(table.rows())


def test_empty_standard_input_is_refused(standard_input):
    standard_input.close()
    with pytest.raises(CallError, match="empty"):
        open_table("-")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_read_as_a_stream(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writing = threading.Thread(target=path.write_bytes, args=(b"text,label\n" + b"a,b\n" * 50_000,))
    writing.start()
    assert len(values(open_table(path))) == 50_000
    writing.join()


# ----------------------------------------------------------------- memory

def test_a_list_of_dicts_is_a_table():
    table = open_table(ROWS)
    assert table.columns == ("text", "label", "extra")
    assert list(table.rows()) == [Row(1, ("我的卡还没到", "card", None)), Row(2, ("hi", None, "[1]"))] == list(table.rows())


@pytest.mark.parametrize("rows", [[], [{}], [7], [{"a": 1}, 2], [{1: 2}], 7, None])
def test_what_is_no_table_in_memory_is_refused(rows):
    with pytest.raises(CallError, match="give a path, a list like"):
        open_table(rows)


@pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
def test_anything_with_the_arrow_stream_is_a_table(library):
    frames = pytest.importorskip(library)
    make = frames.table if library == "pyarrow" else frames.DataFrame
    frame = make({"text": ["卡", None], "n": [1, 2]})
    if not hasattr(frame, "__arrow_c_stream__"):
        pytest.skip(f"this {library} has no Arrow stream")
    table = open_table(frame)
    assert table.columns == ("text", "n") and values(table) == [("卡", 1), (None, 2)]


def test_a_frame_without_polars_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtraError, match=r"startlm\[train\]"):
        open_table(SimpleNamespace(__arrow_c_stream__=io.BytesIO))
