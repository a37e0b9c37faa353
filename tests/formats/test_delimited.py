"""Delimited files as people have them: encodings, delimiters, head rows, bad rows, and what is written for others."""

import csv
import io
import tracemalloc
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.contracts import BadRow, Row
from startlm.core.errors import CallError
from startlm.formats import open_table
from startlm.formats.delimited import Delimited, disarm, undisarm
from startlm.formats.rows import NOTHING_YET
from startlm.formats.sources import StreamSource

CHINESE = "text,label\n" + "我的卡还没到，请问什么时候能收到？,物流\n这个商品的质量很好，我们都喜欢,评价\n" * 5
TRADITIONAL = "text,label\n" + "我的卡還沒到，請問什麼時候能收到？,物流\n這個商品的質量很好，我們都喜歡,評價\n" * 5


@pytest.fixture
def opened(tmp_path):
    def write_and_open(content, name="表 table.csv", **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return open_table(path, **options)

    return write_and_open


def values(table):
    return [row.values for row in table.rows() if isinstance(row, Row)]


def bad(table):
    return [(row.line, row.kind, row.column) for row in table.rows() if isinstance(row, BadRow)]


def said(table):
    return " ".join(map(str, table.said))


# ------------------------------------------------------------- encodings

@pytest.mark.parametrize(
    ("text", "written", "found"),
    [
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "utf-8-sig", "utf-8"),
        (CHINESE, "utf-16", "utf-16"),
        (CHINESE, "utf-16-le", "utf-16-le"),
        (CHINESE, "utf-16-be", "utf-16-be"),
        (CHINESE, "gbk", "gb18030"),
        (TRADITIONAL, "gbk", "gb18030"),
        (TRADITIONAL, "big5", "big5"),
        ("texte,genre\n" + "l'été est passé,où\n" * 9, "cp1252", "cp1252"),
    ],
)
def test_an_encoding_is_found_and_said_with_the_line_that_fixes_it(opened, text, written, found):
    table = opened(text.encode(written))
    assert (table.options["encoding"], values(table)) == (found, [tuple(line.split(",")) for line in text.splitlines()[1:]])
    assert found in str(table.said[0]) and 'encoding = "' in str(table.said[0])


def test_a_byte_order_mark_is_said_and_belongs_to_no_column(opened):
    table = opened(CHINESE.encode("utf-8-sig"))
    assert table.columns == ("text", "label") and "byte order mark" in str(table.said[0])


def test_a_short_file_with_one_row_in_another_encoding_keeps_the_encoding_of_most(opened):
    table = opened("文本,标签\n我的卡还没到,物流\n这个商品很好,评价\n".encode() + "我要退款,退款\n".encode("gbk"))
    assert table.options["encoding"] == "utf-8" and bad(table) == [(4, "undecodable", "文本")]


def test_one_short_chinese_row_is_enough_to_tell_gbk_from_big5(opened):
    assert opened("文本\n退款什么时候到\n".encode("gbk")).options["encoding"] == "gb18030"
    assert opened("文本\n退款什麼時候到\n".encode("big5")).options["encoding"] == "big5"


def test_chinese_that_begins_far_behind_plain_ascii_is_still_found(opened):
    table = opened(b"text,label\n" + b"where is my card,card\n" * 20_000 + "我的卡在哪里,卡\n".encode("gbk"))
    assert table.options["encoding"] == "gb18030" and values(table)[-1] == ("我的卡在哪里", "卡")


def test_a_wrong_byte_spoils_its_row_only_and_is_named(opened):
    content = CHINESE.encode().splitlines(keepends=True)
    content[3] = "我要退款,退款\n".encode("gbk")
    table = opened(b"".join(content))
    wrong = [row for row in table.rows() if isinstance(row, BadRow)]
    assert [(row.line, row.kind, row.column, row.accept) for row in wrong] == [(4, "undecodable", "text", 'bad_rows = "skip"')]
    assert "0xCE" in str(wrong[0].why) and "\\xCE" in wrong[0].value and len(values(table)) == 9


def test_a_wrong_byte_in_a_quoted_cell_is_named_with_its_own_line(opened):
    assert bad(opened(CHINESE.encode() + b'"a\nb\n\xff",c\n')) == [(14, "undecodable", "text")]


def test_a_wrong_encoding_that_was_set_gets_the_line_with_the_right_one(opened):
    wrong = next(row for row in opened(CHINESE.encode("gbk"), encoding="utf-8").rows() if isinstance(row, BadRow))
    assert wrong.accept == 'encoding = "gb18030"'
    assert bad(opened(CHINESE.encode("gbk"), encoding="gb18030")) == []


def test_an_encoding_that_does_not_exist_is_refused(opened):
    for name in ("utf-88", "base64", 7):
        with pytest.raises(CallError, match='encoding = "utf-8"'):
            opened(CHINESE, encoding=name)


# ---------------------------------------------------------------- layout

@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_found(opened, delimiter):
    table = opened(f"text{delimiter}price\nhello, you; there{delimiter}1.5\nfine!{delimiter}2\n".replace(", you; there" if delimiter in ",;" else "\0", ""))
    assert (table.options["delimiter"], table.columns) == (delimiter, ("text", "price"))


def test_commas_inside_the_sentences_of_a_single_column_stay(opened):
    assert values(opened("message\nhello, you\nfine\nthanks, bye, all\n")) == [("hello, you",), ("fine",), ("thanks, bye, all",)]


def test_a_single_column_is_said_with_the_line_that_would_cut_it(opened):
    assert "Only one column found" in said(opened("a/b\n1/2\n"))
    assert opened("a/b\n1/2\n", delimiter="/").columns == ("a", "b")


@pytest.mark.parametrize(
    "content",
    [
        "where is my card,card\nhow do I pay,payment\nmy card is lost,card\n",
        "where is my card?,card\nhow do I pay?,payment\nmy card is lost,card\n",
        "1,很快，好吃\n0,太慢\n1,好\n",
        "我的卡还没到。,卡\n怎么付款。,付款\n",
    ],
)
def test_a_missing_head_row_is_noticed_and_said(opened, content):
    table = opened(content)
    assert table.columns == ("column_1", "column_2") and "head = true" in said(table)
    assert len(values(table)) == 3 - (content.count("\n") == 2) and next(table.rows()).line == 1


@pytest.mark.parametrize("head", ["question,intent", "Zapytanie,Grupa", "文本,标签", ",sent_more", "2021,2022"])
def test_a_head_row_is_not_taken_for_data(opened, head):
    table = opened(f"{head}\nwhere is my card,card\nhow do I pay,payment\n")
    assert table.options["head"] is True and next(table.rows()).line == 2


def test_columns_without_a_name_or_with_the_same_get_one_of_their_own(opened):
    table = opened("text,,text,text_2\n1,2,3,4\n")
    assert table.columns == ("text", "column_2", "text_3", "text_2") and "'text_3'" in said(table) and "'column_2'" in said(table)


def test_quotes_that_enclose_nothing_are_ordinary_characters(opened):
    table = opened('text\tlabel\na\tb\n"Great, he said\tc\nd\te\n', name="a.tsv")
    assert table.options["quote"] == "" and values(table)[1] == ('"Great, he said', "c") and "quote = " in said(table)


def test_what_is_set_is_not_guessed(opened):
    table = opened("a;b,c\nd;e,f\n", delimiter=";", head=False, quote="", encoding="utf-8")
    assert values(table) == [("a", "b,c"), ("d", "e,f")] and len(table.said) == 1


@pytest.mark.parametrize("option", [{"delimiter": "::"}, {"quote": '""'}, {"head": "yes"}, {"delimiter": "\n"}])
def test_an_option_that_makes_no_sense_is_refused_with_a_line_that_does(opened, option):
    with pytest.raises(CallError, match=rf"set for example: {next(iter(option))} = "):
        opened(CHINESE, **option)


def test_the_options_found_read_the_file_again_in_the_same_way(opened, tmp_path):
    table = opened('1|"a\nb"\n2|c\n'.encode("utf-16"))
    assert list(open_table(tmp_path / "表 table.csv", **table.options).rows()) == list(table.rows())


# -------------------------------------------------------------- bad rows

def test_a_row_too_wide_or_too_narrow_says_line_column_and_what_to_set(opened):
    table = opened("text,label\na,b\nc,d,e\nf\n\ng,h\n")
    assert bad(table) == [(3, "too_many_fields", "label"), (4, "too_few_fields", "label")]
    wide = [row for row in table.rows() if isinstance(row, BadRow)][0]
    assert wide.value == "d | e" and wide.accept == 'bad_rows = "skip"' and "3 fields" in wide.why.en and "3 个字段" in wide.why.zh
    assert values(table) == [("a", "b"), ("g", "h")]


def test_a_row_says_the_line_it_starts_on(opened):
    table = opened('text,label\r\n"two\r\nlines",x\r\n\r\n"and\nthree\rmore",y\r\nz,z\r\n')
    assert [row.line for row in table.rows()] == [2, 5, 8]


def test_blank_lines_before_the_head_row_are_passed_over(opened):
    table = opened("\n\ntext,label\na,b\n")
    assert table.columns == ("text", "label") and list(table.rows()) == [Row(4, ("a", "b"))]


def test_lines_may_end_in_a_lone_carriage_return(opened):
    assert values(opened("text,label\ra,b\rc,d")) == [("a", "b"), ("c", "d")]


def test_a_nul_byte_spoils_its_row_only(opened):
    assert bad(opened(CHINESE + "a\0b,c\nd,e\n")) == [(12, "nul", "text")]


def test_a_cell_of_ten_megabytes_is_a_bad_row_and_the_next_rows_are_read(opened):
    for cell in ("x" * 10_000_000, '"' + "x," * 5_000_000 + '"'):
        table = opened(f"text,label\na,b\n{cell},c\nd,e\n")
        assert bad(table) == [(3, "oversize_cell", "text")] and values(table) == [("a", "b"), ("d", "e")]


def test_a_row_of_many_long_cells_does_not_swallow_the_next(opened):
    row = ",".join('"' + "x" * 450_001 + '"' for _ in range(12))
    assert bad(opened(f"text,label\n{row}\n" + "d,e\n" * 3))[0][:2] == (2, "too_many_fields")
    assert len(values(opened(f"text,label\n{row}\n" + "d,e\n" * 3))) == 3


def test_a_line_without_end_takes_bounded_memory(opened):
    table = opened("text,label\n" + "x" * 60_000_000 + ",c\nd,e\n", encoding="utf-8", head=True)
    tracemalloc.start()
    found = list(table.rows())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row.line for row in found] == [2, 3] and peak < 40_000_000


def test_a_cell_just_below_the_limit_is_read(opened):
    assert len(values(opened("text,label\n" + "字" * 999_999 + ",c\n"))[0][0]) == 999_999


@pytest.mark.parametrize("rows_behind", [3, 60_000])
def test_a_quote_that_is_never_closed_costs_one_row(opened, rows_behind):
    table = opened('text,label\n"a, b",c\n"open,d\n' + "where is my card,card\n" * rows_behind, quote='"')
    assert bad(table) == [(3, "open_quote", "text")] and len(values(table)) == rows_behind + 1
    assert [row.line for row in table.rows()] == list(range(2, rows_behind + 4))


def test_a_long_file_is_read_in_flat_memory(opened):
    peaks = []
    for rows in (10_000, 30_000):
        table = opened("text,label\n" + ("where is my card " * 30 + ",card\n") * rows)
        tracemalloc.start()
        assert sum(1 for _ in table.rows()) == rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"", b"text,label\n", b"\xff\xfe", "文本,标签\n".encode("gbk")]))
def test_no_bytes_whatever_make_it_stumble(tmp_path_factory, content, start):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(start + content)
    try:
        table = open_table(path)
    except CallError as error:
        assert error.hint.en and error.hint.zh
        return
    lines = [row.line for row in table.rows()]
    assert lines == sorted(lines) and list(table.rows()) == list(table.rows())


# --------------------------------------------------------------- writing

CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30) | st.sampled_from(
    ["", '"', '""', "\n", "\r", "\r\n", ",", "'", "=1+1", "\ufeff", "\u2028", "\x0b", "\x85", "中文，😀"]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), max_size=8))
def test_what_is_written_is_read_again(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "round.csv"
    with path.open("wb") as stream:
        writer = Delimited.writer(stream, ["text", "label"])
        writer.write_many(rows)
        writer.close()
    assert values(Delimited.open(path, **Delimited.written)) == rows


FORMULA = st.builds(str.__add__, st.sampled_from(["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'="]), CELL)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CELL, FORMULA), min_size=1, max_size=8))
def test_no_cell_written_for_excel_begins_like_a_formula_and_all_come_back(rows):
    stream = io.BytesIO()
    writer = Delimited.writer(stream, ["text", "label"], for_excel=True)
    writer.write_many(rows)
    writer.close()
    text = stream.getvalue().decode("utf-8")
    cells = list(csv.reader(io.StringIO(text[1:], newline="")))[1:]
    assert text[0] == "\ufeff" and not any(cell[:1] in tuple("=+-@\t\r\n＝＋－＠") for row in cells for cell in row)
    assert [tuple(map(undisarm, row)) for row in cells] == rows


def test_a_cell_for_excel_stays_one_cell_where_semicolons_separate():
    stream = io.BytesIO()
    writer = Delimited.writer(stream, ["text"], for_excel=True)
    writer.write(("a;=1+1",))
    writer.close()
    assert list(csv.reader(io.StringIO(stream.getvalue().decode("utf-8-sig")), delimiter=";"))[1] == ["a;=1+1"]


@given(st.text())
def test_a_disarmed_cell_gives_back_the_original(text):
    assert undisarm(disarm(text)) == text and undisarm(disarm("\0" + text)) == "\0" + text


def test_numbers_and_what_is_missing_are_written_as_they_are():
    stream = io.BytesIO()
    writer = Delimited.writer(stream, ["a", "b"])
    writer.write((None, -0.5))
    writer.flush()
    writer.write(("\ud800", True))
    writer.close()
    assert stream.getvalue() == b"a,b\r\n,-0.5\r\n?,true\r\n"


@pytest.mark.parametrize("for_excel", [False, True])
def test_a_truth_is_written_as_json_has_it_and_a_text_or_a_number_stays(for_excel):
    stream = io.BytesIO()
    writer = Delimited.writer(stream, ["a", "b", "c"], for_excel=for_excel)
    writer.write_many((True, "True", 1) if i % 5_000 else ("True", 1, False) for i in range(10_000))
    writer.close()
    rows = list(csv.reader(io.StringIO(stream.getvalue().decode("utf-8-sig"), newline="")))[1:]
    assert rows == [["true", "True", "1"] if i % 5_000 else ["True", "1", "false"] for i in range(10_000)]


# -------------------------------------------------------------- real data

@pytest.mark.real_data
def test_real_files_open_right(data_folder):
    broken = {}
    for path in sorted([*data_folder.glob("*/*.csv"), *data_folder.glob("*/*.tsv"), *data_folder.glob("*/*.jsonl")]):
        table = open_table(path)
        rows = list(islice(table.rows(), 2_000))
        if not rows or any(isinstance(row, BadRow) for row in rows) or "column_2" in table.columns or len(table.columns) < 2:
            broken[path.name] = table.columns
    assert broken == {}


# ------------------------------------------------------------ as it arrives

class Slow(StreamSource):
    """Bytes that arrive a few at a time, with a pause after each."""

    def __init__(self, data, size):
        super().__init__(io.BytesIO(data), "-")
        self.size, self._first = size, data[:12]

    def blocks(self):
        yield self._first
        for start in range(12, len(self.stream.getvalue()), self.size):
            yield b""
            yield self.stream.getvalue()[start : start + self.size]


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from('ab中,"\r\n'), max_size=60), st.integers(1, 12))
def test_rows_are_the_same_however_slowly_they_arrive(text, size):
    data = f"text,label\r\n{text}".encode()
    whole, slow = (Delimited.open(Slow(data, each), delimiter=",", quote='"', head=True) for each in (1 << 10, size))
    assert [row for row in slow.rows() if row is not NOTHING_YET] == [row for row in whole.rows() if row is not NOTHING_YET]


def test_a_row_too_long_to_be_read_again_is_waited_for(monkeypatch):
    monkeypatch.setattr("startlm.formats.lines.HELD", 20)
    rows = Delimited.open(Slow(b'text,label\r\n"' + b"abc\n" * 50 + b'",x\r\n', 8), delimiter=",", quote='"', head=True).rows()
    assert [row for row in rows if row is not NOTHING_YET] == [Row(2, ("abc\n" * 50, "x"))]
