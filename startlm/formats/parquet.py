"""Parquet: typed columns in compressed groups of rows. Reading and writing stream, one group at a time."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Iterable, Iterator, Sequence

from startlm.core.contracts import Row, Table
from startlm.core.errors import CallError
from startlm.core.language import say
from startlm.core.shelves import import_extra
from startlm.formats.rows import flat, name_columns, refuse_for_excel
from startlm.formats.sources import SAVE_AS_CSV, find_file

_BATCH = 4_096  # rows turned into Python values at a time
_GROUP = 65_536  # rows written as one group


class Parquet:
    """A Parquet file. The "line" of a row is its number, from 1."""

    name = "parquet"
    suffixes = (".parquet", ".pq")
    magics = (b"PAR1",)
    nests = True

    @staticmethod
    def open(source: str | Path) -> Table:
        """Column names and types stand in the file. A nested value becomes its JSON text.

        Raises CallError for a file that is not there, not Parquet, or damaged; MissingExtraError where pyarrow is not installed.
        """
        path = find_file(source)
        columns, changed = name_columns(_opened(path).schema_arrow.names)
        return Table(columns, str(path), Parquet.name, {}, partial(_read_rows, path), changed)

    @staticmethod
    def writer(stream: BinaryIO, columns: Sequence[str], *, for_excel: bool = False) -> ParquetWriter:
        """A writer whose column types are those of the first rows. Raises CallError for `for_excel`: Excel reads CSV."""
        refuse_for_excel(for_excel, "Parquet")
        return ParquetWriter(stream, columns)


class ParquetWriter:
    """Writes groups of rows to a stream that stays open. A column without a value in the first group holds text."""

    def __init__(self, stream: BinaryIO, columns: Sequence[str]) -> None:
        self._pyarrow, self._parquet = import_extra("pyarrow"), import_extra("pyarrow.parquet")
        self._stream, self._columns = stream, tuple(columns)
        self._rows: list[Sequence[Any]] = []
        self._writer: Any = None

    def write(self, values: Sequence[Any]) -> None:
        """Write one row."""
        self.write_many((values,))

    def write_many(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write rows; they reach the stream a group at a time."""
        self._rows.extend(rows)
        if len(self._rows) >= _GROUP:
            self._write_group()

    def flush(self) -> None:
        """Nothing: half a group cannot be read."""

    def close(self) -> None:
        """Write what is left and the file's end; the stream stays open."""
        if self._rows or self._writer is None:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        values = list(zip(*self._rows)) or [()] * len(self._columns)
        if self._writer is None:
            schema = self._pyarrow.schema([(name, _type_of(self._pyarrow, each)) for name, each in zip(self._columns, values)])
            self._writer = self._parquet.ParquetWriter(self._stream, schema)
        arrays = [self._array(each, field) for each, field in zip(values, self._writer.schema)]
        self._writer.write_table(self._pyarrow.Table.from_arrays(arrays, schema=self._writer.schema))
        self._rows = []

    def _array(self, values: Sequence[Any], field: Any) -> Any:
        if self._pyarrow.types.is_string(field.type):
            values = [None if value is None else _text(value) for value in values]
        try:
            return self._pyarrow.array(values, field.type)
        except (self._pyarrow.ArrowInvalid, self._pyarrow.ArrowTypeError) as error:
            raise CallError(
                say(f"The column {field.name!r} begins with values of the type {field.type}, and then has others: {error}", f"{field.name!r} 列开头的值是 {field.type} 类型，后面却不是：{error}"),
                say("a Parquet column has one type: let the name of the output end in .csv or .jsonl", "Parquet 的一列只能有一种类型：请让输出文件名以 .csv 或 .jsonl 结尾"),
            ) from None


def _type_of(pyarrow: Any, values: Sequence[Any]) -> Any:
    """The Arrow type of a column's first values; text where they are of several types or none."""
    try:
        found = pyarrow.array(values).type
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError):
        return pyarrow.string()
    if pyarrow.types.is_list(found) and pyarrow.types.is_null(found.value_type):
        return pyarrow.list_(pyarrow.string())
    return pyarrow.string() if pyarrow.types.is_null(found) or pyarrow.types.is_large_string(found) else found


def _text(value: Any) -> str:
    """A value as text that UTF-8 can hold: half a character (a lone surrogate) becomes a question mark."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _opened(path: Path) -> Any:
    pyarrow, parquet = import_extra("pyarrow"), import_extra("pyarrow.parquet")
    try:
        return parquet.ParquetFile(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise _damaged(path, error) from None


def _read_rows(path: Path) -> Iterator[Row]:
    pyarrow, file, number = import_extra("pyarrow"), _opened(path), 0
    with file:
        try:
            for batch in file.iter_batches(_BATCH):
                for values in zip(*(_values(pyarrow, column) for column in batch.columns)):
                    number += 1
                    yield Row(number, values)
        except (pyarrow.ArrowException, OSError) as error:
            raise _damaged(path, error, f":{number + 1}") from None


def _values(pyarrow: Any, column: Any) -> list[Any]:
    if pyarrow.types.is_timestamp(column.type) and column.type.unit == "ns":  # Python's dates end at microseconds
        column = column.cast(pyarrow.timestamp("us", column.type.tz), safe=False)
    return [flat(value) for value in column.to_pylist()]


def _damaged(path: Path, error: Exception, place: str = "") -> CallError:
    why = str(error).partition("\n")[0][:200]
    return CallError(say(f"This is not a whole Parquet file: {why}", f"这不是完整的 Parquet 文件：{why}"),
                     say(f"export or copy it again, or {SAVE_AS_CSV.en}", f"请重新导出或复制，或者{SAVE_AS_CSV.zh}"), where=f"{path}{place}")
