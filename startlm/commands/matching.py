"""The rows of prediction files and of the truth, brought together: in the same order, or by a column that tells them apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Sequence

import numpy as np

from ..columns import as_text
from ..columns.category import Category
from ..columns.numerals import read_numbers
from ..core.contracts import BadRow, Table
from ..core.errors import CallError
from ..core.language import say
from ..formats import no_such_column


@dataclass(frozen=True)
class Answers:
    """One column of a file in one spelling, with the line of each row and, where one was asked for, the key that tells the row apart."""

    source: str
    columns: tuple[str, ...]
    name: str
    flag: str  # names another column
    values: list[str]
    lines: list[int]
    keys: list[str]

    def take(self, rows: Sequence[int]) -> Answers:
        """These rows, in this order."""
        return replace(self, values=[self.values[row] for row in rows], lines=[self.lines[row] for row in rows], keys=[self.keys[row] for row in rows] if self.keys else [])

    def numbers(self) -> np.ndarray:
        """float64 (N,), as prepare reads a column: 12% is 12 where every cell bears the sign, else 0.12. Raises CallError for the first value that is no number."""
        numbers = read_numbers(self.values).values
        if not np.isfinite(numbers).all():
            row = int(np.flatnonzero(~np.isfinite(numbers))[0])
            raise CallError(say(f"The column {self.name!r} holds {self.values[row]!r}, which is not a number.", f"{self.name!r} 列里的 {self.values[row]!r} 不是数字。"),
                            say("write a number there, or compare as labels: --as labels", "请改成数字，或按标签比较：--as labels"), where=f"{self.source}:{self.lines[row]}")
        return numbers


def read_answers(table: Table, name: str, flag: str, key: str | None) -> Answers:
    """The column `name` of a table, and the column `key`. Raises CallError for a column that is not there and for a row that cannot be read."""
    places = [_place(table, name, flag), *([] if key is None else [_place(table, key, "--id")])]
    lines, cells = [], []
    for row in table.rows():
        if isinstance(row, BadRow):
            raise CallError(say(f"A row cannot be read: {row.why.en}", f"有一行读不了：{row.why.zh}"), say("mend the row", "请修改这一行"), where=f"{table.source}:{row.line}")
        lines.append(row.line)
        cells.append([as_text(row.values[place]) for place in places])
    spelled = {text: Category.clean(text) for text in {cell[0] for cell in cells}}
    keys = [] if key is None else [cell[1].strip() for cell in cells]
    return Answers(table.source, table.columns, name, flag, [spelled[cell[0]] for cell in cells], lines, keys)


def _place(table: Table, name: str, flag: str) -> int:
    if name not in table.columns:
        error = no_such_column(name, table)
        raise CallError(error.message, say(f"{error.hint.en} Name one of them: {flag} COLUMN", f"{error.hint.zh}请指明其中一列：{flag} 列名"), where=table.source)
    return table.columns.index(name)


def telling_apart(truth: Table, label: str) -> dict[str, list[str]]:
    """The columns of the truth, but for its labels, that have another value in each row, with their values."""
    rows = [row.values for row in truth.rows() if not isinstance(row, BadRow)]
    found = {name: [as_text(values[place]).strip() for values in rows] for place, name in enumerate(truth.columns) if name != label}
    return {name: values for name, values in found.items() if all(values) and len(set(values)) == len(values)}


def refuse_other_order(answers: Answers, keys: Sequence[str], column: str) -> None:
    """Raises CallError where a file has the very rows of the truth in another order."""
    if answers.keys != keys and len(answers.keys) == len(keys) and set(answers.keys) == set(keys):
        row = next(row for row, pair in enumerate(zip(answers.keys, keys)) if pair[0] != pair[1])
        raise CallError(say(f"The rows stand in another order than those of the truth: {column} is {answers.keys[row]!r} where the truth has {keys[row]!r}.",
                            f"各行的顺序与真实标签表不同：这里 {column} 是 {answers.keys[row]!r}，真实标签表是 {keys[row]!r}。"),
                        say(f"match the rows by that column: --id {column}", f"请按这一列对应各行：--id {column}"), where=f"{answers.source}:{answers.lines[row]}")


def match_rows(found: Sequence[Answers], true: Answers, labelled: Sequence[int], column: str) -> tuple[list[Answers], list[int]]:
    """Each file's rows for the labelled rows of the truth, matched by their keys, and how many of its rows the truth does not have.

    Raises CallError for a key that stands twice in a file, and where a labelled row has no prediction.
    """
    known, wanted = _by_key(true, column), [true.keys[row] for row in labelled]
    matched, unknown = [], []
    for answers in found:
        row_of = _by_key(answers, column)
        missing = [key for key in wanted if key not in row_of]
        if missing:
            raise CallError(say(f"Rows of the truth without a prediction: {len(missing)}, the first with {column} = {missing[0]!r}.", f"真实标签表中有 {len(missing)} 行没有预测，第一行的 {column} 是 {missing[0]!r}。"),
                            say("predict these rows too, or take them out of the truth", "请补上这些行的预测，或从真实标签表中去掉它们"), where=answers.source)
        matched.append(answers.take([row_of[key] for key in wanted]))
        unknown.append(len(row_of.keys() - known.keys()))
    return matched, unknown


def _by_key(answers: Answers, column: str) -> dict[str, int]:
    """The row of each key."""
    row_of: dict[str, int] = {}
    for row, key in enumerate(answers.keys):
        if key in row_of:
            raise CallError(say(f"Two rows have the same {column}: {key!r}.", f"有两行的 {column} 相同：{key!r}。"),
                            say("name a column that tells the rows apart", "请指明一个能区分各行的列"), where=f"{answers.source}:{answers.lines[row]}")
        row_of[key] = row
    return row_of
