"""Delimited text: CSV, TSV and their relatives, in whatever encoding people have. Reading and writing stream.

Read by the standard library's `csv` over decoded lines, because that knows the line each row starts on and reads any encoding.
"""

from __future__ import annotations

import csv
import io
import re
from functools import partial
from itertools import chain, islice, takewhile
from pathlib import Path
from typing import Any, BinaryIO, Iterable, Iterator, Mapping, Sequence

from startlm.core.contracts import BadRow, Row, Table
from startlm.core.errors import CallError
from startlm.core.language import Said, say
from startlm.formats.encodings import UNFIT, Encoding, choose_encoding, judge_unfit, say_encoding, start_decoder
from startlm.formats.layout import Layout, dialect, find_layout
from startlm.formats.lines import Lines
from startlm.formats.rows import NOTHING_YET, name_columns
from startlm.formats.sources import SAMPLE, Source, find_source

CELL_LIMIT = 1_000_000  # characters
_BATCH = 4_096  # rows written at a time
_SKIP = 'bad_rows = "skip"'
_NAMES = {",": say("comma", "逗号"), "\t": say("tab", "制表符"), ";": say("semicolon", "分号"), "|": say("bar |", "竖线 |")}
_DANGEROUS = "=+\\-@\t\r\n\0＝＋－＠"
_TO_DISARM = re.compile(f"'*[{_DANGEROUS}]")
_DISARMED = re.compile(f"'+[{_DANGEROUS}]")


class Delimited:
    """Rows between delimiters, one head row."""

    name = "delimited"
    suffixes = (".csv", ".tsv", ".txt", ".tab", ".psv")
    written: Mapping[str, Any] = {"encoding": "utf-8", "delimiter": ",", "quote": '"', "head": True}  # what reads the writer's files

    @staticmethod
    def open(
        source: str | Path | Source,
        *,
        encoding: str | None = None,
        delimiter: str | None = None,
        quote: str | None = None,
        head: bool | None = None,
    ) -> Table:
        """Find out how the file is written, as far as the options leave it open.

        `delimiter` is one character (or "tab"), `quote` one character or "" for none. Raises CallError for a file that cannot be
        read at all or an option that makes no sense.
        """
        told = _check_options(delimiter, quote, head)
        found = find_source(source)
        sample = found.sample()
        coding = choose_encoding(found, encoding)
        text = start_decoder(coding.name).decode(sample)
        _refuse_endless(found, text)
        csv.field_size_limit(CELL_LIMIT)  # process-wide in the standard library, whose default is lower than ours
        layout = find_layout(text, told, whole=found.again and len(sample) < SAMPLE, tabs_first=found.name.lower().endswith((".tsv", ".tab")))
        columns, changed = _name_columns(text, layout)
        return Table(
            columns=columns,
            source=found.name,
            format=Delimited.name,
            options={"encoding": coding.name, **layout._asdict()},
            rows=partial(_read_rows, found, coding, layout, columns),
            said=(say_encoding(coding, told=encoding is not None), *_say_layout(layout, told, len(columns)), *changed),
            arriving=found.arriving,
        )

    @staticmethod
    def writer(stream: BinaryIO, columns: Sequence[str], *, delimiter: str = ",", for_excel: bool = False) -> DelimitedWriter:
        """A writer of delimited text in UTF-8. `for_excel` adds a byte order mark and disarms cells (see `disarm`)."""
        return DelimitedWriter(stream, columns, delimiter=delimiter, for_excel=for_excel)


class DelimitedWriter:
    """Writes delimited text in UTF-8 to a stream that stays open: lines end in CRLF (RFC 4180), None is an empty cell, a truth
    true or false as in JSON."""

    def __init__(self, stream: BinaryIO, columns: Sequence[str], *, delimiter: str = ",", for_excel: bool = False) -> None:
        encoding = "utf-8-sig" if for_excel else "utf-8"
        # A lone surrogate, which JSON may bring, has no UTF-8 form: it becomes a question mark.
        self._text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
        self._disarm = for_excel
        # All cells are quoted for Excel: where the list separator is a semicolon, one inside a cell must not open a new cell.
        self._csv = csv.writer(self._text, delimiter=delimiter, quoting=csv.QUOTE_ALL if for_excel else csv.QUOTE_MINIMAL, lineterminator="\r\n")
        self.write(columns)

    def write(self, values: Sequence[Any]) -> None:
        """Write one row."""
        self.write_many((values,))

    def write_many(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write rows: many at once is several times faster than one by one."""
        iterator = iter(rows)
        while batch := list(islice(iterator, _BATCH)):
            batch = _truths_in_words(batch)
            self._csv.writerows(([disarm(value) for value in row] for row in batch) if self._disarm else batch)

    def flush(self) -> None:
        """Hand on to the stream what is written so far."""
        self._text.flush()

    def close(self) -> None:
        """Hand everything to the stream and let go of it; the stream stays open."""
        self._text.detach()


def _truths_in_words(rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """The rows with true for True and false for False. Only columns that hold a truth are gone through: looking for one is cheap."""
    columns = list(zip(*rows, strict=True))
    truths = [i for i, column in enumerate(columns) if bool in set(map(type, column))]
    if not truths:
        return rows
    for i in truths:
        columns[i] = tuple(("true" if value else "false") if isinstance(value, bool) else value for value in columns[i])
    return list(zip(*columns))


def disarm(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula gets a leading apostrophe; all else stays.

    That is a text beginning with = + - @, tab, CR, LF, NUL or full-width ＝＋－＠, also behind apostrophes, so that `undisarm`
    always knows which apostrophe was added. After OWASP, "CSV injection" (CWE-1236).

    >>> disarm("=1+1"), disarm("tea"), disarm(-1.5)
    ("'=1+1", 'tea', -1.5)
    """
    return "'" + value if isinstance(value, str) and _TO_DISARM.match(value) else value


def undisarm(value: Any) -> Any:
    """The original of a disarmed cell: undisarm(disarm(x)) == x for every x.

    >>> undisarm("'=1+1"), undisarm("'tis")
    ('=1+1', "'tis")
    """
    return value[1:] if isinstance(value, str) and _DISARMED.match(value) else value


# ------------------------------------------------------------- opening


def _check_options(delimiter: str | None, quote: str | None, head: bool | None) -> Layout:
    delimiter = "\t" if delimiter in ("tab", "\\t") else delimiter
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '\r\n"\0 '):
        raise _bad_option("delimiter", delimiter, 'delimiter = ","')
    if quote is not None and (not isinstance(quote, str) or len(quote) > 1 or quote in ("\r", "\n", "\0", " ") or quote and quote == delimiter):
        raise _bad_option("quote", quote, "quote = '\"'")
    if head is not None and not isinstance(head, bool):
        raise _bad_option("head", head, "head = true")
    return Layout(delimiter, quote, head)


def _refuse_endless(source: Source, text: str) -> None:
    """Without an end of its first line in sight a file has no columns."""
    if len(text) >= SAMPLE // 4 and "\n" not in text and "\r" not in text:
        raise CallError(
            say(f"The first line goes on for more than {len(text):,} characters: this is no table.", f"第一行超过 {len(text):,} 个字符：这不是表格。"),
            say("put one row on each line, the names of the columns on the first", "请每行放一条数据，第一行放列名"),
            where=f"{source.name}:1",
        )


def _bad_option(name: str, value: object, line: str) -> CallError:
    return CallError(
        say(f"{name} cannot be {value!r}.", f"{name} 不能是 {value!r}。"),
        say(f"under [prepare] set for example: {line}", f"请在 [prepare] 下设置，例如：{line}"),
    )


def _name_columns(sample: str, layout: Layout) -> tuple[tuple[str, ...], tuple[Said, ...]]:
    """The columns' names, no two equal and none empty, and what had to be changed for that."""
    reader = csv.reader(io.StringIO(sample, newline=""), **dialect(layout.delimiter or ",", layout.quote or ""))  # type: ignore[arg-type]
    try:
        first = next((row for row in reader if row), [""])
    except csv.Error:
        first = [""]
    if not layout.head:
        return tuple(f"column_{i}" for i in range(1, len(first) + 1)), ()
    return name_columns(first)


def _say_layout(layout: Layout, told: Layout, width: int) -> Iterator[Said]:
    if told.delimiter is None and width == 1:
        yield say(
            'Only one column found. If something separates its cells, set for example: delimiter = ";"',
            '只找到一列。如果单元格之间有分隔符，请设置，例如：delimiter = ";"',
        )
    elif told.delimiter is None:
        name = _NAMES[layout.delimiter or ","]
        line = 'delimiter = ";"' if layout.delimiter == "," else 'delimiter = ","'
        yield say(f"Delimiter found: {name.en}. If it is another, set: {line}", f"识别出的分隔符：{name.zh}。如果不对，请设置：{line}")
    if told.quote is None and layout.quote == "":
        yield say(
            "Quotes are read as ordinary characters. If they enclose cells, set: quote = '\"'",
            "引号按普通字符读取。如果引号用来包住单元格，请设置：quote = '\"'",
        )
    if told.head is None and not layout.head:
        yield say(
            "No head row found: columns are called column_1, column_2 … If the first row holds the names, set: head = true",
            "没有找到表头：各列称为 column_1、column_2……如果第一行是列名，请设置：head = true",
        )


# ------------------------------------------------------------- reading


def _read_rows(source: Source, coding: Encoding, layout: Layout, columns: tuple[str, ...]) -> Iterator[Row | BadRow]:
    csv.field_size_limit(CELL_LIMIT)
    lines = Lines(source.blocks(), coding.name, layout.quote or "")
    arguments = dialect(layout.delimiter or ",", layout.quote or "")
    to_skip = 1 if layout.head else 0
    width, line = len(columns), 1
    while True:
        base, rewind = line, False
        arrived = takewhile(lambda block: block or line < lines.first_held, lines)  # noqa: B023 (where the row begins that is being read by then)
        reader = csv.reader(chain.from_iterable(arrived), **arguments)  # type: ignore[call-overload]
        try:
            for row in reader:
                if lines.ended or lines.paused:  # csv gives a row after the last line only where a quote is still open
                    rewind = True
                    break
                if to_skip:
                    to_skip -= bool(row)
                elif len(row) == width and line > lines.unfit_until:
                    yield Row(line, tuple(row))
                elif row:
                    yield _judge_row(row, line, base + reader.line_num - 1, columns, coding)
                line = base + reader.line_num
            if lines.paused:  # a row that is not whole yet is read again with what follows
                yield NOTHING_YET
                line = lines.back_to(line, otherwise=line)
                continue
            if not rewind:
                return
        except csv.Error:
            rewind = base + reader.line_num - line > 1
        # Here a cell has no end, or none within the limit. A quote too many is likelier than a cell of a million characters over
        # many lines, so reading goes on with the line after the one where the row begins.
        last = base + reader.line_num - 1
        yield _oversize(line, columns) if not rewind else _open_quote(line, last, columns)
        to_skip, line = 0, lines.back_to(line + 1 if rewind else last + 1, otherwise=last + 1)


def _judge_row(row: list[str], line: int, last: int, columns: tuple[str, ...], coding: Encoding) -> Row | BadRow:
    """A row that is wider or narrower than the head, or that lies near bytes that do not fit."""
    for i, cell in enumerate(row):
        if unfit := UNFIT.search(cell):
            above = sum(other.count("\n") for other in row[:i]) + cell.count("\n", 0, unfit.start())
            return judge_unfit(cell, line + above, columns[min(i, len(columns) - 1)], coding)
    width = len(columns)
    if len(row) == width:
        return Row(line, tuple(row))
    over = say(f" (lines {line} to {last})", f"（第 {line} 到 {last} 行）") if last > line else say("", "")
    why = say(f"{len(row)} fields{over.en} where the head has {width}", f"有 {len(row)} 个字段{over.zh}，而表头只有 {width} 列")
    if len(row) > width:
        return BadRow(line, columns[-1], _short(" | ".join(row[width - 1 :])), "too_many_fields", why, _SKIP)
    why = say(why.en, f"有 {len(row)} 个字段{over.zh}，而表头有 {width} 列")
    return BadRow(line, columns[len(row)], _short(" | ".join(row)), "too_few_fields", why, _SKIP)


def _oversize(line: int, columns: tuple[str, ...]) -> BadRow:
    why = say(f"a cell of more than {CELL_LIMIT:,} characters", f"有一个单元格超过 {CELL_LIMIT:,} 个字符")
    return BadRow(line, columns[0], "", "oversize_cell", why, _SKIP)


def _open_quote(line: int, last: int, columns: tuple[str, ...]) -> BadRow:
    why = say(
        f'a quote opened here is not closed up to line {last}; if quotes are ordinary characters in this file, set quote = ""',
        f'这里的引号到第 {last} 行仍未结束；如果引号在这个文件里只是普通字符，请设置 quote = ""',
    )
    return BadRow(line, columns[0], "", "open_quote", why, _SKIP)


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"
