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

LABELS = ("label", "truth", "category", "intent")  # names by which the column of true labels is known
FLAGS = ("--column-a", "--column-b", "--label")


@dataclass(frozen=True)
class Compared:
    """The comparison, in lines for a person and as JSON."""

    lines: tuple[Said, ...]
    as_json: dict[str, Any]


def compare_files(a: str, b: str, truth: str, *, columns: tuple[str | None, str | None], label: str | None) -> Compared:
    """Compare two files of predictions; a column that is None is found. Rows of the truth without a label are left out.

    Raises CallError where a column is missing, the rows do not match, or predictions and truth have no value in common.
    """
    tables = [open_table(path) for path in (a, b, truth)]
    names = [*map(_prediction_column, tables, columns), label or _label_column(tables[2])]
    values = [_values(table, name, flag) for table, name, flag in zip(tables, names, FLAGS)]
    total, without = len(values[2]), values[2].count("")
    if len({len(each) for each in values}) == 1:  # else the comparison says so
        values = [[value for value, true in zip(each, values[2]) if true] for each in values]
    for flag, table, name, predicted in zip(FLAGS[:2], tables, names, values):
        if not set(predicted) & set(values[2]):
            raise _nothing_in_common(flag, table, name, tables[2], names[2])
    found = compare(*values)
    said = () if label else (say(f"true labels: the column {names[2]!r} (--label names another)", f"真实标签：{names[2]!r} 列（可用 --label 指定另一列）"),)
    said += (say(f"left out: {without} of {total} rows of the truth, which have no label", f"未参与比较：{total} 行中有 {without} 行没有真实标签"),) if without else ()
    used = dict(zip(("a", "b", "truth"), names))
    return Compared((*said, *_lines(found)), found.to_json() | {"columns": used, "rows_without_label": without})


def _prediction_column(table: Table, told: str | None) -> str:
    """The column told, else `prediction`, else the only one there is."""
    return told or (table.columns[0] if len(table.columns) == 1 else "prediction")


def _label_column(table: Table) -> str:
    return next((name for name in LABELS if name in table.columns), table.columns[-1])


def _nothing_in_common(flag: str, predictions: Table, name: str, truth: Table, label: str) -> CallError:
    listed, true = ", ".join(predictions.columns), ", ".join(truth.columns)
    return CallError(
        say(f"The column {name!r} of {predictions.source} and the column {label!r} of {truth.source} have no value in common.",
            f"{predictions.source} 的 {name!r} 列与 {truth.source} 的 {label!r} 列没有任何相同的值。"),
        say(f"name the column of true labels with --label (there are: {true}), or that of the predictions with {flag} (there are: {listed})",
            f"请用 --label 指明真实标签所在的列（现有：{true}），或用 {flag} 指明预测所在的列（现有：{listed}）"), where=truth.source)


def _values(table: Table, name: str, flag: str) -> list[str]:
    if name not in table.columns:
        error = no_such_column(name, table)
        raise CallError(error.message, say(f"{error.hint.en} Name one of them: {flag} COLUMN", f"{error.hint.zh}请指明其中一列：{flag} 列名"), where=table.source)
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
