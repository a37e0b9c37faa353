"""`startlm new`: look at a table, guess each column's kind and role, and say why."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Collection, Mapping, Sequence

from ..columns import as_text, guess_kind, kind_said, names_in
from ..columns.category import LABEL_NAMES, OUTCOME_NAMES
from ..columns.encoded import check_kinds, parse_columns
from ..columns.text import TEXT_NAMES
from ..columns.ordered import find_order, order_said
from ..columns.roles import MOST_ROWS, Told, check_read, guess_roles, guess_split, names_parts, no_parts, sample_of
from ..columns.several import Several, find_several
from ..columns.splits import propose_group, propose_time
from ..core.contracts import Row, Table
from ..core.errors import CallError
from ..core.label_sets import split_cell
from ..core.language import Said, say
from ..core.settings import check_settings
from ..formats import check_columns, no_rows, open_table
from ..formats.joined import open_joins, with_joins
from ..formats.paths import from_folder, move_paths
from ..prepare import PrepareSettings
from ..tasks import known_task
from ..tasks.give_aways import share_told

ALL = ("all",)  # of --columns: every one that can be read


@dataclass(frozen=True)
class Look:
    """What was seen in a table: the roles of its columns, and a sentence for every guess."""

    table: Table
    data: str | tuple[str, ...]
    test: str | None
    text: tuple[str, ...]
    columns: tuple[str, ...]  # "age: number", the columns read beside the text
    label: str
    split_column: str | None
    task: str
    said: tuple[Said, ...]
    how: Mapping[str, str]  # what was told of how the file is written
    join: tuple[str, ...] = ()
    group_column: str | None = None
    proposed: Mapping[str, Any] = field(default_factory=dict)  # settings of [prepare] that are spoken of, not set
    label_separator: str | None = None

    def settings(self, folder: Path) -> dict[str, Any]:
        """What goes into [prepare], with paths relative to the project's folder."""
        told = {"data": self.data, "join": self.join, "test": self.test}
        paths = {name: move_paths(name, value, partial(from_folder, folder)) for name, value in told.items() if value}
        columns = {"text": list(self.text), "columns": list(self.columns), "label": self.label, "label_separator": self.label_separator, "split_column": self.split_column, "group_column": self.group_column}
        return {**paths, **{name: value for name, value in columns.items() if value}, **self.how}


def look_at(data: str | Sequence[str], *, test: str | None = None, join: Sequence[str] = (), text: tuple[str, ...] = (), columns: tuple[str, ...] = (),
            label: str | None = None, split_column: str | None = None, task: str | None = None, how: Mapping[str, str] = MappingProxyType({})) -> Look:
    """Open the tables, take a sample, guess what is not told. Raises CallError where nothing to read or no label can be found."""
    if task is not None:
        known_task(task)
    data, join = data if isinstance(data, str) else data[0] if len(data) == 1 else tuple(data), tuple(join)
    check_settings(PrepareSettings, {"join": join}, section="prepare", where=str(say("the command line", "命令行")), lenient=True)
    joins = open_joins(join)
    tables = [with_joins(open_table(each, **how), joins) for each in (data, test) if each]
    table = tables[0]
    told = parse_columns(columns, table.columns) if columns != ALL else {}
    check_columns(table, (*text, label, split_column))
    cells = _columns(table)
    samples = {name: sample_of(values) for name, values in cells.items()}
    kinds = {name: guess_kind(values, name) for name, values in samples.items()}
    if split_column and not names_parts(samples[split_column]):
        raise no_parts(split_column, samples[split_column], where=table.source)
    several = {} if task == "score" else {name: found for name, values in samples.items() if (found := find_several(values))}
    kind_of = {name: kind for name, (kind, _) in kinds.items()} | dict.fromkeys(several, "category") | {name: kind for name, kind in told.items() if kind}
    roles = guess_roles(table.columns, samples, kind_of, Told(text, label or _number_to_tell(kind_of, task), split_column, tuple(told)))
    said = [said for each in tables for said in each.said]
    said += [say(f"column {name}: {kind_said(kind).en} ({why.en})", f"列 {name}：{kind_said(kind).zh}（{why.zh}）") for name, (kind, why) in kinds.items()]
    text, label, split_column = roles.text, roles.label, roles.split
    if label in text:
        raise CallError(say(f"{label!r} cannot be both text and label.", f"{label!r} 不能既是文本又是标签。"), say("name two columns: --text … --label …", "请写两个不同的列：--text … --label …"), where=table.source)
    if len(table.columns) < 2:
        raise CallError(say(f"The table has one column ({table.columns[0]}): a text and a label are needed.", f"这张表只有一列（{table.columns[0]}）：需要文本和标签两列。"),
                        say('add a column of labels, or name the separator: --delimiter ";"', '请增加标签列，或写明分隔符：--delimiter ";"'), where=table.source)
    shares = {name: share for name in (*told, *roles.beside) if label and (share := share_told(samples[name], samples[label]))}
    honest = tuple(name for name in roles.beside if name not in shares)
    beside = tuple(told) or (roles.beside if columns == ALL else () if text else honest or roles.beside)
    if not (text or beside) or not label or (not text and not told and any(name.strip().lower() in TEXT_NAMES for name in beside)):
        raise _nothing_found("text" if label else "label", kinds, table.source)
    check_read((*text, *beside), label, where=table.source)
    check_kinds({name: kind_of[name] for name in told}, samples, where=table.source)
    task = task or _task_of(label, kind_of[label])
    check_columns(table, (*text, *beside, label, split_column))  # of several files each
    for other in tables[1:]:
        _check_test(other, (*text, *beside, label))
    order = find_order(cells[label], label) if task == "classify" and label not in several else None
    free = {} if split_column or test else {name: cells[name] for name in roles.unused if name not in beside}
    group, time = (propose(free, kind_of) for propose in (propose_group, propose_time))
    said += list(roles.why) + _task_said(task, label, several.get(label), cells[label]) + ([order_said(label, order)] if order else [])
    named = {name: kind_of[name] for name in beside}
    said += _beside_said(named, honest if text else ()) + _shares_said(shares, label, named) + [each.why for each in (group, time) if each]
    said.append(_roles_said(table, {"text": text, "columns": beside}, label, split_column, samples, group.column if group else None))
    return Look(table, data, test, text, tuple(f"{name}: {kind}" for name, kind in named.items()), label, split_column, task, tuple(said), how, join,
                group.column if group else None, ({"time_column": time.column} if time else {}) | ({"label_order": list(order)} if order else {}), several[label].separator if label in several else None)


def _number_to_tell(kinds: Mapping[str, str], task: str | None) -> str | None:
    """The column of numbers that a score tells: by its name, or the last; None where the task is not to tell a number."""
    if task != "score":
        return None
    numbers = [name for name, kind in kinds.items() if kind in ("number", "category")]
    named = [name for name in numbers if names_in(name, OUTCOME_NAMES | LABEL_NAMES)]
    return (named or numbers or [None])[-1]


def _task_of(label: str, kind: str) -> str:
    """A label of many different numbers is told as a number."""
    return "score" if kind == "number" else "classify"


def _task_said(task: str, label: str, several: Several | None, cells: Sequence[Any]) -> list[Said]:
    if several:
        empty = sum(not split_cell(as_text(cell), several.separator) for cell in cells)
        return [several.said(label)] + ([say(f"{empty:,} cells of {label!r} are empty: rows that nobody has labelled, kept aside; where they mean none of the labels, write empty_label = \"none\" under [prepare]",
                                             f"{label!r} 列有 {empty:,} 个空单元格：当作还没有人标注，放在一边；如果表示一个标签也没有，请在 [prepare] 下写 empty_label = \"none\"")] if empty else [])
    if task == "score":
        return [say(f"task: score, {label!r} is told as a number", f"任务：score，把 {label!r} 当作数字来预测")]
    return []


def _beside_said(beside: Mapping[str, str], left: Sequence[str]) -> list[Said]:
    """Which columns are read beside the text, or how to have them read."""
    if beside:
        en, zh = (", ".join(f"{name!r} ({kind_said(kind)[i]})" for name, kind in beside.items()) for i in (0, 1))
        return [say(f"columns: {en}", f"列：{zh}")]
    if left:
        names = ",".join(left)
        return [say(f"left out for now, since they may not be known when a message comes: --columns \"{names}\" reads them too", f"暂不使用，因为消息到来时不一定知道它们的值：加 --columns \"{names}\" 则一并读取")]
    return []


def _shares_said(shares: Mapping[str, float], label: str, read: Collection[str]) -> list[Said]:
    """Which columns tell the label by themselves, and what to do about it."""
    return [say(f"careful: {name!r} tells {label!r} by itself in {share:.1%} of the rows looked at; take it out of [prepare] columns where it is not known beforehand",
                f"注意：看过的行中有 {share:.1%} 单凭 {name!r} 就能知道 {label!r}；如果事先并不知道它，请从 [prepare] columns 中去掉") if name in read else
            say(f"left out: {name!r}, it tells {label!r} by itself in {share:.1%} of the rows looked at; name it under --columns only where it is known beforehand",
                f"不用：{name!r}，看过的行中有 {share:.1%} 单凭它就能知道 {label!r}；只有事先就知道它时才写进 --columns") for name, share in shares.items()]


def _nothing_found(what: str, kinds: Mapping[str, tuple[str, Said]], data: str) -> CallError:
    missing = say("text", "文本") if what == "text" else say("label", "标签")
    seen = [say(f"{name}: {kind_said(kind).en} ({why.en})", f"{name}：{kind_said(kind).zh}（{why.zh}）") for name, (kind, why) in kinds.items()]
    return CallError(say(f"No column looks like the {missing.en}.", f"看不出哪一列是{missing.zh}。"),
                     say(f"name it: --{missing.en} COLUMN; the columns are {', '.join(each.en for each in seen)}",
                         f"请指明：--{missing.en} 列名；现有的列：{'；'.join(each.zh for each in seen)}"), where=data)


def _roles_said(table: Table, read: Mapping[str, tuple[str, ...]], label: str, split: str | None, samples: Mapping[str, Sequence[Any]], group: str | None) -> Said:
    unused = [name for name in table.columns if name not in (*read["text"], *read["columns"], label, split, group)]
    parts = guess_split(samples[split]) if split else None
    named = {"text": say("text", "文本"), "columns": say("columns", "列")}
    en = "-> " + "".join(f"{named[what].en}: {', '.join(names)}; " for what, names in read.items() if names) + f"label: {label}"
    zh = "-> " + "".join(f"{named[what].zh}：{'、'.join(names)}；" for what, names in read.items() if names) + f"标签：{label}"
    if split:
        words = ", ".join(f"{word} = {part}" for word, part in (parts or {}).items())
        en, zh = en + f"; split: {split} ({words})", zh + f"；划分：{split}（{words}）"
    if group:
        en, zh = en + f"; group: {group}", zh + f"；分组：{group}"
    if unused:
        en, zh = en + f"; not used: {', '.join(unused)}", zh + f"；未使用：{'、'.join(unused)}"
    return say(en, zh)


def _columns(table: Table) -> dict[str, list[Any]]:
    """The first MOST_ROWS values of each column; bad rows are prepare's to report."""
    rows = [row.values for row in islice(table.rows(), MOST_ROWS) if isinstance(row, Row)]
    if not rows:
        raise no_rows(table)
    return {name: [row[i] for row in rows] for i, name in enumerate(table.columns)}


def _check_test(table: Table, columns: Sequence[str]) -> None:
    """Raises CallError where the test table has no rows, or lacks a column that is read."""
    check_columns(table, columns)
    if not any(isinstance(row, Row) for row in table.rows()):
        raise no_rows(table)

