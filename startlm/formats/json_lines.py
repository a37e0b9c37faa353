"""JSON lines: one object a line, in UTF-8 or whatever encoding people have. Reading and writing stream."""

from __future__ import annotations

import json
import re
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Iterable, Iterator, Mapping, Sequence

from startlm.core.contracts import BadRow, Row, Table
from startlm.core.errors import CallError
from startlm.core.language import Said, say
from startlm.formats.encodings import UNFIT, Encoding, choose_encoding, judge_unfit, say_encoding
from startlm.formats.lines import Lines
from startlm.formats.rows import NOTHING_YET, flat, refuse_for_excel
from startlm.formats.sources import Source, find_source

CELL_LIMIT = 1_000_000  # characters
HEAD_LINES = 1_000  # lines whose keys become the columns
_SKIP = 'bad_rows = "skip"'
_BATCH = 1_000


class JsonLines:
    """One JSON object a line; its keys are the columns."""

    name = "json_lines"
    suffixes = (".jsonl", ".ndjson", ".json")
    written: Mapping[str, Any] = {"encoding": "utf-8"}
    nests = True

    @staticmethod
    def open(source: str | Path | Source, *, encoding: str | None = None) -> Table:
        """Columns are the keys of the first 1,000 lines, in order of appearance; a missing key is None, a nested value its JSON text.

        Raises CallError for a file that cannot be read at all or holds no object in its first lines.
        """
        found = find_source(source)
        coding = choose_encoding(found, encoding)
        columns, more = _find_columns(found, coding.name)
        said: list[Said] = [] if coding.name == "utf-8" else [say_encoding(coding, told=encoding is not None)]
        if more:
            said.append(
                say(
                    f"Columns are the keys of the first {HEAD_LINES:,} lines; a key that appears only later is left out.",
                    f"列取自前 {HEAD_LINES:,} 行的键；只在后面出现的键不读取。",
                )
            )
        rows = partial(_read_rows, found, coding, columns)
        return Table(columns, found.name, JsonLines.name, {"encoding": coding.name}, rows, tuple(said), arriving=found.arriving)

    @staticmethod
    def writer(stream: BinaryIO, columns: Sequence[str], *, for_excel: bool = False) -> JsonLinesWriter:
        """A writer in UTF-8. Raises CallError for `for_excel`: Excel reads CSV."""
        refuse_for_excel(for_excel, "JSON lines")
        return JsonLinesWriter(stream, columns)


class JsonLinesWriter:
    """Writes one object a line to a stream that stays open. NaN and infinity, which JSON lacks, become null."""

    def __init__(self, stream: BinaryIO, columns: Sequence[str]) -> None:
        self._stream = stream
        self._keys = tuple(columns)
        self._encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_plain).encode

    def write(self, values: Sequence[Any]) -> None:
        """Write one row."""
        self.write_many((values,))

    def write_many(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write rows: many at once is faster than one by one."""
        iterator = iter(rows)
        while batch := list(islice(iterator, _BATCH)):
            text = "".join([self._line(row) for row in batch])
            # A lone surrogate has no UTF-8 form: its JSON escape stands for it.
            self._stream.write(text.encode("utf-8", "backslashreplace"))

    def _line(self, row: Sequence[Any]) -> str:
        record = dict(zip(self._keys, row, strict=True))
        try:
            return self._encode(record) + "\n"
        except ValueError:
            finite = {key: None if isinstance(value, float) and value - value != 0 else value for key, value in record.items()}
            return self._encode(finite) + "\n"

    def flush(self) -> None:
        """Nothing is held back but what the stream itself holds."""
        self._stream.flush()

    def close(self) -> None:
        """Nothing is held back; the stream stays open."""


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


# ------------------------------------------------------------- reading


def _find_columns(source: Source, encoding: str) -> tuple[tuple[str, ...], bool]:
    """The keys of the first lines, and whether more lines follow. A stream shows only the lines that have arrived."""
    blocks = source.blocks() if source.again else iter([source.sample()])
    columns: dict[str, None] = {}
    first: str | None = None
    more = False
    for number, line in enumerate(chain.from_iterable(Lines(blocks, encoding)), 1):
        if number > HEAD_LINES:
            more = True
            break
        record = _parse(line)
        first = line.strip() if first is None and line.strip() else first
        columns.update(dict.fromkeys(record) if isinstance(record, dict) else {})
    if columns:
        return tuple(columns), more
    message = say(f"No line among the first {HEAD_LINES:,} is a JSON object.", f"前 {HEAD_LINES:,} 行中没有一行是 JSON 对象。")
    hint = say('write one object a line, for example {"text": "…", "label": "…"}', '请每行写一个对象，例如 {"text": "…", "label": "…"}')
    if first and first[0] in "[{":
        hint = say(f"{hint.en}; a file that is one JSON array or object is not read yet", f"{hint.zh}；整个文件是一个 JSON 数组或对象的，暂不支持")
    raise CallError(message, hint, where=source.name)


def _read_rows(source: Source, coding: Encoding, columns: tuple[str, ...]) -> Iterator[Row | BadRow]:
    lines, number = Lines(source.blocks(), coding.name), 0
    for line in chain.from_iterable(block or [None] for block in lines):
        if line is None:
            yield NOTHING_YET
            continue
        number += 1
        if number <= lines.unfit_until and UNFIT.search(line):
            yield judge_unfit(line.strip(), number, columns[0], coding)
            continue
        record = _parse(line)
        if isinstance(record, dict):
            get = record.get
            values = [get(key) for key in columns]
            if len(line) > CELL_LIMIT or any(type(value) in (dict, list) for value in values):
                values = [flat(value) for value in values]
                long = [key for key, value in zip(columns, values, strict=True) if isinstance(value, str) and len(value) > CELL_LIMIT]
                if long:
                    yield BadRow(number, long[0], "", "oversize_cell", _too_long(), _SKIP)
                    continue
            yield Row(number, tuple(values))
        elif not isinstance(record, _Blank):
            yield _bad_line(number, line, record, columns)


class _Blank:
    """A line without anything on it: no row."""


def _parse(line: str) -> Any:
    """The line's JSON value; the error where there is none; `_Blank` where there is nothing."""
    try:
        record = _DECODER.decode(line)
    except (ValueError, RecursionError) as error:  # RecursionError: thousands of open brackets
        return error if line.strip(" \t\r\n\ufeff") else _Blank()
    return _mend(record) if "\\u" in line else record


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_LONE = re.compile("[\ud800-\udfff]")


def _mend(value: Any) -> Any:
    """Half a character (an escaped lone surrogate, as from a cut emoji) becomes U+FFFD: no encoding could write it again."""
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_mend(key): _mend(item) for key, item in value.items()}
    return [_mend(item) for item in value] if isinstance(value, list) else value


def _bad_line(number: int, line: str, record: Any, columns: tuple[str, ...]) -> BadRow:
    if len(line) > CELL_LIMIT:  # a line beyond the limit may have lost its end
        return BadRow(number, columns[0], "", "oversize_cell", _too_long(), _SKIP)
    if isinstance(record, Exception):
        place = record.colno if isinstance(record, json.JSONDecodeError) else 1
        why = say(f"not valid JSON at character {place}", f"不是有效的 JSON（从第 {place} 个字符起）")
        return BadRow(number, columns[0], _short(line.strip()), "bad_json", why, _SKIP)
    why = say("JSON, but not an object with names and values", "是 JSON，但不是带键和值的对象")
    return BadRow(number, columns[0], _short(line.strip()), "not_an_object", why, _SKIP)


def _too_long() -> Said:
    return say(f"a value of more than {CELL_LIMIT:,} characters", f"有一个值超过 {CELL_LIMIT:,} 个字符")


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"
