"""Rows that are in memory already: a list of dicts, or anything with the Arrow C stream (pandas, polars, pyarrow, DuckDB)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Iterator, Mapping, NoReturn, Sequence

from startlm.core.contracts import Row, Table
from startlm.core.errors import CallError, MissingExtraError
from startlm.core.language import say
from startlm.formats.rows import flat


class Memory:
    """A list of dicts, or a frame. The "line" of a row is its number, from 1. Cannot write."""

    name = "memory"
    suffixes: tuple[str, ...] = ()

    @staticmethod
    def open(source: Any) -> Table:
        """The keys of all rows are the columns, in order of appearance; a missing key is None, a nested value its JSON text.

        Raises CallError for what is neither a list of dicts nor a frame, or has no rows or columns; MissingExtraError where a
        frame is given and polars is not installed.
        """
        if hasattr(source, "__arrow_c_stream__"):
            return _open_frame(source)
        if not isinstance(source, Sequence) or isinstance(source, (str, bytes)):
            _refuse(say(f"Rows cannot be read from {type(source).__name__}.", f"不能从 {type(source).__name__} 读取数据。"))
        columns: dict[str, None] = {}
        for number, record in enumerate(source, 1):
            if not isinstance(record, Mapping) or not all(isinstance(key, str) for key in record):
                _refuse(say(f"Row {number} is not a dict with names as keys.", f"第 {number} 行不是以列名为键的字典。"))
            columns.update(dict.fromkeys(record))
        if not columns:
            _refuse(say("There are no rows.", "没有数据行。"))
        return Table(tuple(columns), "memory", Memory.name, {}, partial(_read_dicts, source, tuple(columns)))

    @staticmethod
    def source_of(columns: Sequence[str], rows: Sequence[Sequence[Any]], folder: Path) -> Any:
        """These rows, as `open` takes them."""
        return [dict(zip(columns, values, strict=True)) for values in rows]

    @staticmethod
    def writer(stream: Any, columns: Sequence[str], **options: Any) -> NoReturn:
        """Raises CallError: rows in memory have no file."""
        _refuse(say("Rows in memory are not written to a file.", "内存中的数据没有可写的文件格式。"))


def _refuse(message: Any) -> NoReturn:
    hint = say(
        'give a path, a list like [{"text": "…", "label": "…"}], or a pandas or polars frame',
        '请给出文件路径、形如 [{"text": "…", "label": "…"}] 的列表，或 pandas、polars 的表',
    )
    raise CallError(message, hint)


def _read_dicts(records: Sequence[Mapping[str, Any]], columns: tuple[str, ...]) -> Iterator[Row]:
    for number, record in enumerate(records, 1):
        yield Row(number, tuple(flat(record.get(key)) for key in columns))


def _open_frame(source: Any) -> Table:
    try:
        import polars
    except ImportError:
        raise MissingExtraError("train", "polars") from None
    frame = polars.DataFrame(source)
    if not frame.width or not frame.height:
        _refuse(say("The frame has no rows.", "表中没有数据行。"))
    return Table(tuple(frame.columns), "memory", Memory.name, {}, partial(_read_frame, frame))


def _read_frame(frame: Any) -> Iterator[Row]:
    for number, values in enumerate(frame.iter_rows(), 1):
        yield Row(number, tuple(flat(value) for value in values))
