"""What several formats do with rows: names of columns made fit, nested values made flat, the rows of several tables in memory,
and those that could not be read, for rejects.csv."""

from __future__ import annotations

import csv
import io
import json
import re
from itertools import islice
from pathlib import Path
from typing import Any, Iterable, Iterator, Mapping, Sequence

import numpy as np

from ..core.contracts import BadRow, Row, Table
from ..core.disk_errors import work_errors
from ..core.durable import write_bytes
from ..core.errors import CallError
from ..core.findings import Places
from ..core.language import Said, say

SHOWN_BAD_ROWS, SHOWN_CHARACTERS = 5, 60
CHUNK = 1 << 12  # rows taken in at a time
NOTHING_YET = BadRow(0, "", "", "nothing_yet", say("nothing more has arrived yet", "还没有更多数据到达"), "")  # no row: see `in_chunks`
MOST_KNOWN = 1 << 14  # different texts of a column, up to which each is kept once
_UNFIT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")  # for a column's name: control characters, and what is none


def flat(value: Any) -> Any:
    """A nested value as its JSON text, bytes as the text they hold; any other stays.

    >>> flat([1, "a"]), flat(2.5)
    ('[1,"a"]', 2.5)
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    nested = isinstance(value, (dict, list, tuple))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str) if nested else value


def name_columns(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[Said, ...]]:
    """The columns' names from a head's cells, no two equal and none empty, and what had to be changed for that.

    >>> name_columns(["a", "", "a"])[0]
    ('a', 'column_2', 'a_2')
    """
    names, taken, changed = [], set(cells), []
    seen: set[str] = set()
    for i, cell in enumerate(cells, 1):
        name = _UNFIT.sub("\ufffd", cell).strip() or f"column_{i}"
        if name in seen or not cell.strip():
            name = _free_name(name, taken | seen if name in seen else seen)
            was = say("without a name", "没有名称") if not cell.strip() else say(f"a second {cell!r}", f"又一个 {cell!r}")
            changed.append(say(f"Column {i} ({was.en}) is called {name!r}.", f"第 {i} 列（{was.zh}）改称 {name!r}。"))
        seen.add(name)
        names.append(name)
    return tuple(names), tuple(changed)


def _free_name(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def refuse_for_excel(for_excel: bool, kind: str) -> None:
    """Raises CallError where a file is asked for Excel in a format that Excel does not read."""
    if for_excel:
        raise CallError(say(f"Excel does not read {kind}.", f"Excel 不能读取 {kind}。"),
                        say("let the name of the output end in .csv or .xlsx", "请让输出文件名以 .csv 或 .xlsx 结尾"))


def in_order(table: Table, columns: Sequence[str]) -> Iterator[Row | BadRow]:
    """The table's rows with their values in the order of `columns`; a column that it does not have is None."""
    order = [table.columns.index(column) if column in table.columns else None for column in columns]
    if order == list(range(len(table.columns))):
        yield from table.rows()
        return
    for row in table.rows():
        yield row if isinstance(row, BadRow) else Row(row.line, tuple(None if i is None else row.values[i] for i in order))


def in_chunks(table: Table, columns: Sequence[str], size: int) -> Iterator[list[Row]]:
    """The rows as `in_order`, `size` at a time; of rows that somebody sends, those that are there: nobody waits for an answer.

    Raises CallError at a row that cannot be read, after those before it.
    """
    if table.arriving is not None:
        table.arriving.pauses = True
    chunk: list[Row] = []
    for row in in_order(table, columns):
        if isinstance(row, Row):
            chunk.append(row)
            if len(chunk) < size:
                continue
        if chunk:
            yield chunk
            chunk = []
        if isinstance(row, BadRow) and row is not NOTHING_YET:
            raise CallError(say(f"A row cannot be read: {row.why.en}: {row.value[:60]!r}", f"有一行读不了：{row.why.zh}：{row.value[:60]!r}"),
                            say("mend that row or take it out, then give the same command again", "请修改或去掉那一行，然后重新运行同一条命令"), where=f"{table.source}:{row.line} {row.column}")
    if chunk:
        yield chunk


class Rows:
    """Rows as read from one table after the other: their line in its file, their cells by column; bad ones apart.

    A text that stands in many rows is kept once. A table may be several files: `sources` and `starts` (the position of the first row) have one entry a file.
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self.sources: list[str] = []
        self.starts: list[int] = []
        self.tables: list[tuple[str, int]] = []  # the source of each table, and the number of its first file
        self.line: list[int] = []
        self.cells: list[list[Any]] = [[] for _ in columns]  # of each column
        self._known: list[dict[str, str]] = [{} for _ in columns]
        self.bad: list[tuple[str, BadRow]] = []

    def __len__(self) -> int:
        return len(self.line)

    def read(self, table: Table) -> None:
        """Take in every row of a table, file by file; a column that it does not have is None."""
        for _ in self.read_steps(table):
            pass

    def read_steps(self, table: Table) -> Iterator[int]:
        """The same, with a sign of life now and then: how many rows are read so far."""
        self.tables.append((table.source, len(self.sources)))
        for file in table.files:
            self.sources.append(file.source)
            self.starts.append(len(self.line))
            rows = in_order(file, self.columns)
            while chunk := list(islice(rows, CHUNK)):
                good = [row for row in chunk if isinstance(row, Row)]
                self.bad += [(file.source, row) for row in chunk if isinstance(row, BadRow)]
                self.line += [row.line for row in good]
                for i, values in enumerate(zip(*(row.values for row in good))):
                    self.cells[i] += self._once(i, values)
                yield len(self.line)

    def _once(self, column: int, values: Sequence[Any]) -> Iterable[Any]:
        """The values, with one object for texts that are equal, while a column shows few different ones."""
        known = self._known[column]
        if len(known) > MOST_KNOWN:
            return values
        return [known.setdefault(value, value) if type(value) is str else value for value in values]

    def reject(self, found: Mapping[int, BadRow]) -> np.ndarray:
        """Move rows, by their positions, to those that could not be read; bool (N,): which of the N rows stay."""
        keep = np.ones(len(self.line), dtype=bool)
        keep[list(found)] = False
        files = list(zip(self.sources, self.starts, [*self.starts[1:], len(self.line)]))
        self.bad += [(source, found[i]) for source, start, end in files for i in sorted(found) if start <= i < end]
        self.starts = [int(keep[:start].sum()) for start in self.starts]
        if found:
            self.line, *self.cells = ([each for each, kept in zip(column, keep) if kept] for column in (self.line, *self.cells))
        return keep

    def forget(self, names: Iterable[str]) -> None:
        """Let go of the cells of columns that nobody reads any more."""
        for name in names:
            self.cells[self.columns.index(name)] = []

    @property
    def bounds(self) -> list[tuple[str, int, int]]:
        """Of each table: its source, the position of its first row, and the one behind its last."""
        starts = [self.starts[first] for _, first in self.tables]
        return [(source, start, end) for (source, _), start, end in zip(self.tables, starts, [*starts[1:], len(self.line)])]

    @property
    def places(self) -> Places:
        """Which row of which file each one is; a second file of the same name is told apart by a (2)."""
        names: list[str] = []
        for source in self.sources:
            plain = name = Path(source).name or source
            number = 1
            while name in names:
                number += 1
                name = f"{plain} ({number})"
            names.append(name)
        return Places(tuple(names), tuple(self.starts), self.line, self.tables[1][1] if len(self.tables) > 1 else len(names))

    def column(self, name: str) -> list[Any]:
        """The values of one column, not to be changed."""
        return self.cells[self.columns.index(name)]


def rejects_csv(bad: Sequence[tuple[str, BadRow]]) -> bytes:
    """The reject file: file, line, column, value, kind, why, accept."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["file", "line", "column", "value", "kind", "why", "accept"])
    writer.writerows([source, row.line, row.column, row.value[:200], row.kind, str(row.why), row.accept] for source, row in bad)
    return out.getvalue().encode("utf-8")


def leave_rejects(path: Path, content: bytes | None) -> None:
    """Leave this reject file, or none: an older one would speak of rows that are mended."""
    if content is not None:
        write_bytes(path, content)
    else:
        with work_errors(path):
            path.unlink(missing_ok=True)


def refuse_bad_rows(bad: Sequence[tuple[str, BadRow]], path: Path, *, stop: bool) -> None:
    """Writes the reject file where a row could not be read. Raises CallError with the places of the first ones to `stop` there."""
    leave_rejects(path, rejects_csv(bad) if bad else None)
    if not bad or not stop:
        return
    shown = bad[:SHOWN_BAD_ROWS]
    lines = "\n".join(f"    {source}:{row.line} {row.column}: {row.why}: {row.value[:SHOWN_CHARACTERS]!r}" for source, row in shown)
    accept = " / ".join(dict.fromkeys(row.accept for _, row in shown))
    many = "1 row" if len(bad) == 1 else f"{len(bad):,} rows"
    raise CallError(
        say(f"{many} cannot be read:\n{lines}", f"有 {len(bad):,} 行读不了：\n{lines}"),
        say(f"mend the file, or write under [prepare]: {accept} (all of them are in {path})",
            f"修改文件，或在 [prepare] 下写：{accept}（全部列在 {path}）"),
        where=f"{shown[0][0]}:{shown[0][1].line}",
    )


def none_left(bad: Sequence[tuple[str, BadRow]], path: Path, *, where: str) -> CallError:
    """The refusal of a table of which no row is left without those that could not be read."""
    _, first = bad[0]
    value = first.value[:SHOWN_CHARACTERS]
    return CallError(
        say(f"No row is left: {len(bad):,} were skipped, the first for {first.column}: {first.why.en}: {value!r}",
            f"没有剩下任何一行：略去了 {len(bad):,} 行，第一行是因为 {first.column}：{first.why.zh}：{value!r}"),
        say(f"mend the file or what [prepare] says of its columns (all of them are in {path})", f"请修改文件，或 [prepare] 里对列的说明（全部列在 {path}）"), where=where)
