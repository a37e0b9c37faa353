"""The rows of one or more tables in memory, column order made one, and those that could not be read, for rejects.csv."""

from __future__ import annotations

import csv
import io
from typing import Any, Sequence

from ..core.contracts import BadRow, Table


class Rows:
    """Rows as read: their line, the number of their file, their values in the order of `columns`; bad ones apart."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self.line: list[int] = []
        self.file: list[int] = []
        self.values: list[tuple[Any, ...]] = []
        self.bad: list[tuple[str, BadRow]] = []

    def read(self, table: Table, file: int) -> None:
        """Take in every row of a table; a column that it does not have is None."""
        order = [table.columns.index(column) if column in table.columns else None for column in self.columns]
        same = order == list(range(len(table.columns)))
        for row in table.rows():
            if isinstance(row, BadRow):
                self.bad.append((table.source, row))
                continue
            self.line.append(row.line)
            self.file.append(file)
            self.values.append(row.values if same else tuple(None if i is None else row.values[i] for i in order))

    def column(self, name: str) -> list[Any]:
        """The values of one column."""
        position = self.columns.index(name)
        return [values[position] for values in self.values]


def rejects_csv(bad: Sequence[tuple[str, BadRow]]) -> bytes:
    """The reject file: file, line, column, value, kind, why, accept."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["file", "line", "column", "value", "kind", "why", "accept"])
    writer.writerows([source, row.line, row.column, row.value[:200], row.kind, str(row.why), row.accept] for source, row in bad)
    return out.getvalue().encode("utf-8")
