"""Another table's columns beside the rows, by a key: join = ["customers.csv on customer_id"].

The other table is held in memory, one entry a key; the rows themselves stream past it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

from startlm.core.contracts import BadRow, Row, Table
from startlm.core.errors import CallError
from startlm.core.findings import Finding, listed
from startlm.core.language import Said, say
from startlm.formats import check_columns, find_out, hash_source, no_such_column, open_table, options_of
from startlm.formats.rows import Rows

_WRITTEN = re.compile(r"(?P<what>.+)\son\s+(?P<keys>\S.*?)(?P<first>\s*[,，]\s*first)?\s*", re.DOTALL)
_WHOLE = re.compile(r"([+-]?\d+)\.0+")


@dataclass(frozen=True)
class Join:
    """One line of [prepare] join: "customers.csv on customer_id", "customers.csv on customer = id", "shop.db (SELECT …) on id, first"."""

    source: str
    inside: str | None  # a sheet of a workbook, a query or a table of a database
    key: str  # the column of the rows
    other: str  # the column of the other table
    first: bool  # of several rows with one key the first counts

    @classmethod
    def parse(cls, text: str) -> Join:
        """Raises ValueError, with what is wanted, for a line of another form.

        >>> Join.parse("shop.db (orders) on customer = id, first")
        Join(source='shop.db', inside='orders', key='customer', other='id', first=True)
        """
        found = _WRITTEN.fullmatch(text.strip())
        if found is None:
            raise ValueError(say('lines such as "customers.csv on customer_id"', "这样的写法：\"customers.csv on customer_id\""))
        key, equal, other = (each.strip() for each in found["keys"].partition("="))
        return cls(*_part_inside(found["what"].strip()), key, other if equal else key, bool(found["first"]))

    def __str__(self) -> str:
        inside = f" ({self.inside})" if self.inside else ""
        return f"{self.source}{inside} on {self.keys}{', first' if self.first else ''}"

    @property
    def keys(self) -> str:
        return self.key if self.key == self.other else f"{self.key} = {self.other}"

    @property
    def options(self) -> dict[str, Any]:
        """What `open_table` is told beside the source."""
        if self.inside is None:
            return {}
        name, _ = find_out(self.source)
        return {"sheet" if "sheet" in options_of(name) else "query": self.inside}


def _part_inside(what: str) -> tuple[str, str | None]:
    """A source and what stands in brackets behind it; a bracket before the end belongs to the name: "orders (1).csv"."""
    depth = 0
    for at in range(len(what) - 1, 0, -1) if what.endswith(")") else ():
        depth += (what[at] == ")") - (what[at] == "(")
        if depth == 0:
            return what[:at].strip(), what[at + 1:-1].strip()
    return what, None


def known_joins(texts: Sequence[str]) -> None:
    """Raises ValueError for a line of [prepare] join that makes no sense."""
    for text in texts:
        Join.parse(text)


known_joins.schema = {"items": {"type": "string", "pattern": r"\S.*\son\s+\S"}}  # type: ignore[attr-defined]  # as an editor checks it


def move_join(text: str, seen: Callable[[str], str]) -> str:
    """The line with its path as `seen` from elsewhere."""
    join = Join.parse(text)
    return str(replace(join, source=seen(join.source)))


def hash_join(text: str) -> str:
    """What tells a join from another: the keys, the name that its columns may bear, and what the table holds; its path does not count."""
    join = Join.parse(text)
    return f"{Path(join.source).stem} {replace(join, source='')} {hash_source(join.source, **join.options)}"


def open_joins(texts: Sequence[str]) -> list[Joined]:
    """The tables that are joined, in order. Raises CallError for one that cannot be opened or lacks its key."""
    return [Joined(Join.parse(text)) for text in texts]


def with_joins(table: Table, joins: Sequence[Joined], wanted: Sequence[str] = ()) -> Table:
    """The table with the columns of the joined ones. A column whose name is taken, or that is `wanted` so, is called STEM_name.

    Raises CallError where a file of the table lacks a key.
    """
    for joined in joins:
        table = joined.onto(table, wanted)
    return table


def find_unmatched(joins: Sequence[Joined], rows: Rows) -> list[Finding]:
    """The rows whose key each joined table does not have."""
    found = []
    for joined in joins:
        missing = [position for position, value in enumerate(rows.column(joined.join.key)) if key_of(value) not in joined.rows_of]
        if missing:
            found.append(rows.places.finding("join_missing", missing, joined.unmatched_said))
    return found


def key_of(value: Any) -> str:
    """A key as it is compared: text, trimmed, whole numbers without their ".0"; "" is no key.

    >>> [key_of(value) for value in (" 17 ", 17, 17.0, "17.00", None, float("nan"))]
    ['17', '17', '17', '17', '', '']
    """
    if value is None or value != value:  # NaN
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = (value if isinstance(value, str) else str(value)).strip()
    whole = _WHOLE.fullmatch(text) if text.endswith("0") and "." in text else None  # asked for each of a million rows
    return whole[1] if whole else text


class Joined:
    """One joined table: its head is read when it is opened, its rows when the first one is asked for."""

    def __init__(self, join: Join) -> None:
        self.join, self.table = join, open_table(join.source, **join.options)
        if join.other not in self.table.columns:
            raise no_such_column(join.other, self.table)
        check_columns(self.table, [join.other])
        self.columns = [column for column in self.table.columns if column != join.other]
        self.name = Path(join.source).name
        self.unmatched = 0  # rows that had no partner in the passes so far

    @property
    def unmatched_said(self) -> Said:
        return say(f"Rows whose {self.join.key!r} is not in {self.name}: the joined columns are empty", f"的 {self.join.key!r} 在 {self.name} 里找不到：并入的列为空")

    @cached_property
    def rows_of(self) -> dict[str, tuple[Any, ...]]:
        """The values of `columns` for each key. Raises CallError where a key repeats, unless the first is to count."""
        at = self.table.columns.index(self.join.other)
        found: dict[str, tuple[Any, ...]] = {}
        repeated: dict[str, None] = {}
        for row in self.table.rows():
            if isinstance(row, BadRow):
                raise CallError(say(f"A row of a joined table cannot be read: {row.why.en}: {row.value[:60]!r}", f"并入的表有一行读不了：{row.why.zh}：{row.value[:60]!r}"),
                                say("mend that row or take it out", "请修改或去掉那一行"), where=f"{self.table.source}:{row.line} {row.column}")
            key = key_of(row.values[at])
            if not key:
                continue
            if key in found:
                repeated[key] = None
            else:
                found[key] = (*row.values[:at], *row.values[at + 1:])
        if repeated and not self.join.first:
            raise self._repeats(list(repeated))
        return found

    def _repeats(self, keys: list[str]) -> CallError:
        """The refusal of a key that several rows have: which of them would be the partner?"""
        at = self.table.columns.index(self.join.other)
        shown: dict[str, list[int]] = {key: [] for key in keys[:3]}
        for number, row in enumerate(self.table.rows(), 1):
            if isinstance(row, Row) and (rows := shown.get(key_of(row.values[at]))) is not None:
                rows.append(number)
        more = " …" if len(keys) > len(shown) else ""
        en = "; ".join(f"{key!r} (rows {listed(rows)})" for key, rows in shown.items())
        zh = "；".join(f"{key!r}（第 {listed(rows)} 行）" for key, rows in shown.items())
        return CallError(
            say(f"{len(keys):,} values of {self.join.other!r} stand in several rows, so that a row would have several partners: {en}{more}",
                f"{self.join.other!r} 有 {len(keys):,} 个值出现在多行里，一行会有多个对应：{zh}{more}"),
            say(f'make one row a value of it (sum or count them first), or let the first count: join = ["… on {self.join.keys}, first"]',
                f'请先汇总成每个值一行，或取第一行：join = ["… on {self.join.keys}, first"]'), where=self.table.source)

    def onto(self, table: Table, wanted: Sequence[str]) -> Table:
        """The table with these columns after its own."""
        if self.join.key not in table.columns:
            raise no_such_column(self.join.key, table)
        check_columns(table, [self.join.key])
        names, taken = [], set(table.columns)
        for column in self.columns:
            prefixed = f"{Path(self.join.source).stem}_{column}"
            name = prefixed if column in taken or prefixed in wanted else column
            while name in taken:
                name = f"{name}_2"
            names.append(name)
            taken.add(name)
        said = [say(f"{self.name}: {each.en}", f"{self.name}：{each.zh}") for each in self.table.said]
        said.append(say(f"Joined {self.name} by {self.join.key}: {', '.join(names)}", f"按 {self.join.key} 并入 {self.name}：{'、'.join(names)}"))
        return replace(self._add(table, names), said=(*table.said, *said), parts=tuple(self._add(part, names) for part in table.parts))

    def _add(self, table: Table, names: Sequence[str]) -> Table:
        return replace(table, columns=(*table.columns, *names), rows=partial(self._read_rows, table))

    def _read_rows(self, table: Table) -> Iterator[Row | BadRow]:
        at, rows_of, nothing = table.columns.index(self.join.key), self.rows_of, (None,) * len(self.columns)
        for row in table.rows():
            if isinstance(row, BadRow):
                yield row
                continue
            found = rows_of.get(key_of(row.values[at]))
            if found is None:
                self.unmatched, found = self.unmatched + 1, nothing
            yield Row(row.line, row.values + found)
