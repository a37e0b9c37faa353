"""`startlm compare`: prediction files of any tool, row by row with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..columns import as_text
from ..columns.category import Category
from ..core.contracts import BadRow, Table
from ..core.errors import CallError
from ..core.language import Said, say
from ..formats import no_such_column, open_table
from ..metrics.comparison import Comparison, compare
from ..metrics.intervals import in_words


@dataclass(frozen=True)
class Compared:
    """The comparison, in lines for a person and as JSON."""

    lines: tuple[Said, ...]
    as_json: dict[str, Any]


def compare_files(a: str, b: str, truth: str, *, column: str, label: str | None) -> Compared:
    """Compare two files of predictions. Raises CallError where a column is missing or the rows do not match."""
    true_table = open_table(truth)
    label = label or next((name for name in ("label", "truth", "category", "intent") if name in true_table.columns), None) or true_table.columns[-1]
    predictions = [_column(open_table(path), column) for path in (a, b)]
    found = compare(predictions[0], predictions[1], _column(true_table, label))
    return Compared(_lines(found), found.to_json())


def _column(table: Table, name: str) -> list[str]:
    if name not in table.columns:
        raise no_such_column(name, table)
    position, values = table.columns.index(name), []
    for row in table.rows():
        if isinstance(row, BadRow):
            raise CallError(say(f"A row cannot be read: {row.why.en}", f"有一行读不了：{row.why.zh}"), say("mend the row", "请修改这一行"), where=f"{table.source}:{row.line}")
        values.append(Category.clean(as_text(row.values[position])))
    return values


def _lines(found: Comparison) -> tuple[Said, ...]:
    lines = [say(f"{found.n} rows, {len(found.labels)} labels", f"{found.n} 行，{len(found.labels)} 个标签")]
    for name, accuracy, f1 in (("A", found.accuracy_a, found.macro_f1_a), ("B", found.accuracy_b, found.macro_f1_b)):
        lines.append(say(f"{name}: accuracy {in_words(accuracy).en}, macro F1 {in_words(f1).en}", f"{name}：准确率 {in_words(accuracy).zh}，宏平均 F1 {in_words(f1).zh}"))
    lines.append(say(f"only A right: {found.only_a_right} rows, only B right: {found.only_b_right} rows, exact McNemar p = {found.p:.3g}",
                     f"只有 A 对：{found.only_a_right} 行，只有 B 对：{found.only_b_right} 行，McNemar 精确检验 p = {found.p:.3g}"))
    return (*lines, found.verdict)
