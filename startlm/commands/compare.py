"""`startlm compare`: prediction files of any tool, row by row with the truth: two or several, labels or numbers, in slices too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from ..columns import SAMPLE, as_text, guess_kind, is_nothing
from ..columns.numerals import read_numbers
from ..columns.ordered import find_order
from ..columns.roles import Told, guess_roles
from ..columns.slices import Slice, language_slices, length_slices, slices_of
from ..core.contracts import BadRow, Table
from ..core.errors import CallError
from ..core.language import Said, say
from ..formats import no_such_column, open_table
from ..metrics.comparison import Comparison, check_same_rows, compare, letters, macro_f1_gain, number_labels
from ..metrics.intervals import in_words
from ..metrics.judged import Judged
from ..metrics.labels import macro_f1
from ..metrics.pairwise import Errors
from .compare_order import order_of, order_said
from .compare_sets import contest_of_sets, sets_of
from .matching import Answers, match_rows, read_answers, refuse_other_order, telling_apart
from .verdicts import Contest, contest_said, slices_said

LABELS = ("label", "truth", "category", "intent")  # names by which the column of true labels is known
MADE = {"language": language_slices, "length": length_slices}  # slices that are made from the text
KINDS = ("labels", "numbers")
EMPTY = ("unlabelled", "none")  # what an empty cell of the truth may mean
MOST_LABELS = 20  # a truth of more different numbers may be one of numbers
_NUMERIC = 0.9  # from this share of numbers on, predictions are numbers


@dataclass(frozen=True)
class Asked:
    """Which files are compared, and how. What is None is found, or not wanted."""

    files: tuple[str, ...]
    truth: str
    columns: tuple[str, ...] = ()  # of predictions: one for all files, or one a file
    own_columns: tuple[str | None, ...] = ()  # of the first files; they go before
    label: str | None = None
    against: str | None = None
    by: str | None = None
    text: str | None = None
    row_id: str | None = None
    kind: str | None = None
    separator: str | None = None  # between several labels of a cell
    order: str | None = None  # of labels, "bad < ok < good"
    empty_label: str | None = None  # "none": an empty cell of the truth means that the row has none of several labels


@dataclass(frozen=True)
class Compared:
    """The comparison, in lines for a person and as JSON."""

    lines: tuple[Said, ...]
    as_json: dict[str, Any]


def compare_files(asked: Asked) -> Compared:
    """Compare files of predictions, labels or numbers. Rows of the truth without a label are left out.

    Raises CallError where a column is missing, the rows do not match, or predictions and truth have no value in common.
    """
    files, told = zip(*_files(asked))
    tables, truth = [open_table(path) for path in files], _held(open_table(asked.truth))
    label = asked.label or _label_column(truth)
    true = _blank_where_nothing(read_answers(truth, label, "--label", asked.row_id), asked.kind)
    labelled = [row for row, value in enumerate(true.values) if value or asked.empty_label == "none"]
    total, without = len(true.values), len(true.values) - len(labelled)
    answers, unknown = _answers(asked, list(zip(tables, told)), truth, true, labelled)
    true = true.take(labelled)
    said = () if asked.label else (say(f"true labels: the column {label!r} (--label names another)", f"真实标签：{label!r} 列（可用 --label 指定另一列）"),)
    said += (say(f"left out: {without} of {total} rows of the truth, which have no label", f"未参与比较：{total} 行中有 {without} 行没有真实标签"),) if without else ()
    said += tuple(say(f"{name}: {count} rows are not in the truth", f"{name}：有 {count} 行不在真实标签表中") for name, count in zip(letters(len(files)), unknown) if count)
    slices, by_text = _slices(asked, truth, label, labelled) if asked.by else ([], ())
    lines, content = _compared(asked, files, answers, true, slices)
    columns = dict(zip(map(str.lower, letters(len(files))), (each.name for each in answers))) | {"truth": label}
    return Compared((*said, *by_text, *lines), content | {"columns": columns, "rows_without_label": without})


def _compared(asked: Asked, files: Sequence[str], answers: Sequence[Answers], true: Answers, slices: Sequence[Slice]) -> tuple[list[Said], dict[str, Any]]:
    named = [(path, each.name) for path, each in zip(files, answers)]
    kind = asked.kind if asked.order is None else "labels"
    if asked.order is not None and asked.kind is None and sets_of(answers, true, asked.separator):
        raise CallError(say("Cells with several labels have no order.", "一格有多个标签时没有顺序可言。"), say("leave out --order; or, where each cell is one label, add --as labels", "请不写 --order；如果每格只是一个标签，请加 --as labels"), where=true.source)
    if _is_of_numbers(kind, answers, true):
        truth = true.numbers()
        contest = Contest(named, Errors(np.array([np.abs(each.numbers() - truth) for each in answers])), asked.against is not None)
        lines, content = contest_said(contest)
    elif kind is None and (sets := sets_of(answers, true, asked.separator)):
        for each, column in zip(answers, sets):
            if not {name for cell in column for name in cell} & {name for cell in sets[-1] for name in cell}:
                raise _nothing_in_common(each, true)
        contest = contest_of_sets(named, sets, asked.against is not None)
        lines, content = contest_said(contest)
    else:
        for each in answers:
            if not set(each.values) & set(true.values):
                raise _nothing_in_common(each, true)
        wrong = np.array([[value != truth for value, truth in zip(each.values, true.values)] for each in answers], dtype=bool)
        contest = Contest(named, Errors(wrong.reshape(len(answers), -1)), asked.against is not None)
        if len(answers) == 2:
            found = compare(answers[0].values, answers[1].values, true.values)
            lines, content = _lines(found), found.to_json()
        else:
            lines, content = contest_said(_with_macro_f1(contest, answers, true))
        if order := order_of(answers, true, asked.order):
            more, content["order"] = order_said(order, answers, true, contest)
            lines += more
        elif unanswered := sum(value == "" for each in answers for value in each.values):
            if find_order([value for each in (*answers, true) for value in each.values if value], true.name):
                lines.append(say(f"Steps off are left out: {unanswered} predictions are empty.", f"没有计算差几级：有 {unanswered} 个预测是空的。"))
    if slices:
        more, content["slices"] = slices_said(contest, str(asked.by), slices)
        lines += more
    return lines, content


def _with_macro_f1(contest: Contest, answers: Sequence[Answers], true: Answers) -> Contest:
    labels, columns = number_labels([*(each.values for each in answers), true.values])
    count = len(labels)
    of_each = [macro_f1(Judged(columns[-1], column, count)) for column in columns[:-1]]
    gains = [macro_f1_gain(columns[[*pair, -1]], count, 0) for pair in contest.pairs]
    return replace(contest, labels=labels, f1s=of_each, f1_gains=gains)


# ------------------------------------------------------------------- files

def _files(asked: Asked) -> list[tuple[str, str | None]]:
    """Each file and the column told for it, in their order; the one that all others are compared with comes first."""
    against = None if asked.against is None else Path(asked.against)
    files = [*asked.files] if against in (None, *map(Path, asked.files)) else [str(asked.against), *asked.files]
    if len(files) < 2:
        raise CallError(say("There is only one file of predictions.", "只有一个预测文件。"),
                        say("give two or more: startlm compare A B --truth FILE", "请给出两个或更多：startlm compare A B --truth 文件"))
    if asked.kind not in (None, *KINDS):
        raise CallError(say(f"Predictions cannot be compared as {asked.kind!r}.", f"不能按 {asked.kind!r} 比较。"), say("--as labels or --as numbers", "--as labels 或 --as numbers"))
    if asked.empty_label not in (None, *EMPTY):
        raise CallError(say(f"An empty cell cannot mean {asked.empty_label!r}.", f"空单元格不能表示 {asked.empty_label!r}。"), say("--empty-label unlabelled or --empty-label none", "--empty-label unlabelled 或 --empty-label none"))
    if len(asked.columns) > 1 and len(asked.columns) != len(files):
        raise CallError(say(f"--column is given {len(asked.columns)} times for {len(files)} files.", f"{len(files)} 个文件，却给了 {len(asked.columns)} 个 --column。"),
                        say("give it once for all files, or once for each", "请给一次（用于全部文件），或每个文件各给一次"))
    told = list(zip(files, asked.columns if len(asked.columns) > 1 else [*asked.columns, None][:1] * len(files)))
    return told if against is None else sorted(told, key=lambda each: Path(each[0]) != against)


def _held(table: Table) -> Table:
    """The table with its rows in memory: they are looked at more than once, and standard input passes only once."""
    rows = list(table.rows())
    return replace(table, rows=lambda: iter(rows))


def _label_column(table: Table) -> str:
    return next((name for name in LABELS if name in table.columns), table.columns[-1])


def _prediction_column(table: Table, told: str | None) -> str:
    """The column told, else `prediction`, else the only one there is."""
    return told or (table.columns[0] if len(table.columns) == 1 else "prediction")


def _answers(asked: Asked, tables: Sequence[tuple[Table, str | None]], truth: Table, true: Answers, labelled: Sequence[int]) -> tuple[list[Answers], list[int]]:
    """The predictions for the labelled rows, in their order, and how many rows of each file the truth does not have."""
    apart = {} if asked.row_id else telling_apart(truth, true.name)
    found = []
    own = [*asked.own_columns, *[None] * len(tables)]
    for number, (table, column) in enumerate(tables):
        name = _prediction_column(table, own[number] or column)
        key = asked.row_id or next((each for each in table.columns if each in apart and each != name), None)
        found.append(read_answers(table, name, ("--column-a", "--column-b")[number] if number < 2 else "--column", key))
        if key and not asked.row_id:
            refuse_other_order(found[-1], apart[key], key)
    if asked.row_id:
        return match_rows(found, true, labelled, asked.row_id)
    check_same_rows([len(each.values) for each in found], len(true.values))
    return [each.take(labelled) for each in found], [0] * len(found)


def _blank_where_nothing(true: Answers, kind: str | None) -> Answers:
    """A truth of numbers has no label where a cell only says that nothing is known, as in training."""
    filled = [text for text in true.values if not is_nothing(text)]
    if kind == "labels" or kind is None and len(set(filled)) <= MOST_LABELS or len(filled) == len(true.values) or len(read_numbers(filled).bad):
        return true
    return replace(true, values=["" if is_nothing(text) else text for text in true.values])


def _is_of_numbers(kind: str | None, answers: Sequence[Answers], true: Answers) -> bool:
    """Whether the truth is a column of many numbers and the predictions are numbers.

    Whole numbers that repeat, three rows each or more, and of which every prediction is one, are codes of labels."""
    if kind is not None:
        return kind == "numbers"
    distinct = set(true.values)
    numbers = read_numbers(list(distinct)).values
    if len(distinct) <= MOST_LABELS or not np.isfinite(numbers).all():
        return False
    if any(np.mean(np.isfinite(read_numbers(each.values).values)) < _NUMERIC for each in answers):
        return False
    codes = len(true.values) >= 3 * len(distinct) and bool((numbers % 1 == 0).all())
    return not (codes and all(set(each.values) <= distinct for each in answers))


def _nothing_in_common(answers: Answers, true: Answers) -> CallError:
    listed, known = ", ".join(answers.columns), ", ".join(true.columns)
    return CallError(
        say(f"The column {answers.name!r} of {answers.source} and the column {true.name!r} of {true.source} have no value in common.",
            f"{answers.source} 的 {answers.name!r} 列与 {true.source} 的 {true.name!r} 列没有任何相同的值。"),
        say(f"name the column of true labels with --label (there are: {known}), or that of the predictions with {answers.flag} (there are: {listed})",
            f"请用 --label 指明真实标签所在的列（现有：{known}），或用 {answers.flag} 指明预测所在的列（现有：{listed}）"), where=true.source)


# ------------------------------------------------------------------ slices

def _slices(asked: Asked, truth: Table, label: str, labelled: Sequence[int]) -> tuple[list[Slice], tuple[Said, ...]]:
    """The slices of the rows that have a label, and what is to be said of how they were made."""
    rows = [row for row in truth.rows() if not isinstance(row, BadRow)]
    rows = [rows[number] for number in labelled]
    if asked.by in truth.columns:
        place = truth.columns.index(asked.by)
        return slices_of([row.values[place] for row in rows]), ()
    if asked.by not in MADE:
        error = no_such_column(str(asked.by), truth)
        raise CallError(error.message, say(f"{error.hint.en} From the text --by language and --by length can be made.", f"{error.hint.zh}也可以由文本得出：--by language、--by length。"), where=truth.source)
    text = _text_columns(asked, truth, label)
    places = [truth.columns.index(name) for name in text]
    named = ", ".join(map(repr, text))
    said = () if asked.text else (say(f"text: the column {named} (--text names another)", f"文本：{named} 列（可用 --text 指定另一列）"),)
    return MADE[str(asked.by)]([" ".join(as_text(row.values[place]) for place in places) for row in rows]), said


def _text_columns(asked: Asked, truth: Table, label: str) -> tuple[str, ...]:
    if asked.text is not None:
        if asked.text not in truth.columns:
            raise no_such_column(asked.text, truth)
        return (asked.text,)
    sample = [row.values for row in truth.rows() if not isinstance(row, BadRow)][:SAMPLE]
    samples = {name: [values[place] for values in sample] for place, name in enumerate(truth.columns)}
    kinds = {name: guess_kind(values, name)[0] for name, values in samples.items()}
    found = guess_roles(truth.columns, samples, kinds, Told(label=label)).text
    if not found:
        listed = ", ".join(truth.columns)
        raise CallError(say(f"No column of {truth.source} looks like text, from which {asked.by} could be made.", f"{truth.source} 里没有看起来像文本的列，无法得出 {asked.by}。"),
                        say(f"name it: --text COLUMN (there are: {listed})", f"请指明：--text 列名（现有：{listed}）"), where=truth.source)
    return found


def _lines(found: Comparison) -> list[Said]:
    lines = [say(f"{found.n} rows, {len(found.labels)} labels", f"{found.n} 行，{len(found.labels)} 个标签")]
    for name, accuracy, f1 in (("A", found.accuracy_a, found.macro_f1_a), ("B", found.accuracy_b, found.macro_f1_b)):
        lines.append(say(f"{name}: accuracy {in_words(accuracy).en}, macro F1 {in_words(f1).en}", f"{name}：准确率 {in_words(accuracy).zh}，宏平均 F1 {in_words(f1).zh}"))
    lines.append(say(f"only A right: {found.only_a_right} rows, only B right: {found.only_b_right} rows, exact McNemar p = {found.p:.3g}",
                     f"只有 A 对：{found.only_a_right} 行，只有 B 对：{found.only_b_right} 行，McNemar 精确检验 p = {found.p:.3g}"))
    return [*lines, found.verdict]
