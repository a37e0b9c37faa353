"""Step 1 of 5, prepare: tables in, examples out. Read, cleaned, grouped, split; what was done is written down.

Run it: `startlm prepare NAME`, or from Python

    examples = prepare_examples("tickets.csv", text="message", label="team")
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Iterator, Literal, Sequence

from .columns.cleaning import CleanSettings
from .columns.encoded import parse_columns
from .columns.roles import check_read
from .columns.splits import check_splits
from .core.artifacts import Examples
from .core.contracts import Progress, Table
from .core.durable import verify_folder
from .core.errors import BundleError, CallError
from .core.language import say
from .core.settings import fraction, not_empty, with_given
from .core.shelves import import_extra
from .core.temporary import temporary_folder
from .formats import FORMATS, check_columns, hash_source, known_format, no_rows, open_table
from .formats.joined import Joined, find_unmatched, hash_join, known_joins, open_joins, with_joins
from .formats.rows import Rows, leave_rejects, none_left, refuse_bad_rows
from .tasks import known_task
from .tasks.preparing import Preparing

VERSION = 4  # goes into the fingerprint: raise it when the same rows would come out differently


@dataclass(frozen=True)
class PrepareSettings:
    """Settings of [prepare]."""

    data: str | tuple[str, ...] = field(default="", metadata={"repeated": True})
    """The table to learn from: a file (CSV, JSON Lines, Parquet, Excel, SQLite), relative to the project's folder, or postgresql://…. Several
    files as one table: a list of them, or a pattern such as "tickets-*.csv".

    用来学习的表：文件（CSV、JSON Lines、Parquet、Excel、SQLite），路径相对于项目文件夹；或 postgresql://…。多个文件合成一张表：写成列表，
    或写成 "tickets-*.csv" 这样的模式。"""
    join: tuple[str, ...] = field(default=(), metadata={"repeated": True, "check": known_joins})
    """Other tables whose columns are put beside the rows by a key: "FILE on COLUMN", "FILE on COLUMN = ITS_COLUMN", "FILE (SHEET or QUERY) on …".

    按键把其他表的列并到每行旁边："文件 on 列"、"文件 on 列 = 它的列"、"文件 (工作表或查询) on …"。"""
    test: str | None = None
    """A second table that only tests; without one, a random part of the data is kept for testing.

    只用于测试的第二张表；没有时，从数据中随机留出一部分作测试。"""
    text: tuple[str, ...] = ()
    """The text columns. Several are joined, each with its name.

    文本列。多列时连同列名拼接在一起。"""
    columns: tuple[str, ...] = ()
    """Other columns that the model reads, each with its kind: "age: number", "colour: category", "bought: date"; without a kind it is guessed.

    模型还要读的其他列，各写明类型，如 "age: number"、"colour: category"、"bought: date"；不写类型则自动判断。"""
    label: str | None = None
    """The column that holds the label; for the task score, the number that is to be told.

    标签所在的列；任务为 score 时，是要预测的数字所在的列。"""
    label_separator: str | None = field(default=None, metadata={"check": not_empty})
    """What stands between the labels in a cell such as "refund; delivery", where a row may have several. A cell that is a JSON list needs none.

    一行可有多个标签时，单元格（如 "退款；物流"）里标签之间的分隔符。单元格是 JSON 列表时不用写。"""
    empty_label: Literal["unlabelled", "none"] = "unlabelled"
    """What an empty cell means where a row may have several labels: nobody has labelled the row, or it has none of the labels.

    一行可有多个标签时，空单元格的含义：还没有人标注，或者一个标签也没有。"""
    label_order: tuple[str, ...] = ()
    """All labels from the lowest to the highest, where they have an order: the report then tells how many steps answers are off.

    标签有高低之分时，从低到高写出全部标签：报告会加上回答平均差几级。"""
    split_column: str | None = None
    """A column that says which part a row belongs to (train, dev, test).

    说明每行属于哪一部分（train、dev、test）的列。"""
    group_column: str | None = None
    """Rows with the same value here (a customer, a conversation) stay in one part.

    此列取值相同的行（同一个客户、同一段对话）放在同一部分。"""
    time_column: str | None = None
    """A column of dates: the newest rows test, those before them choose, the oldest learn.

    日期列：最新的行用于测试，其前的用于选择，最早的用于学习。"""
    format: str | None = field(default=None, metadata={"check": known_format, "choices": tuple(FORMATS)})
    """How the file is written; left out, it is found out.

    文件格式；不写则自动识别。"""
    sheet: str | None = None
    """The sheet of a workbook; left out, the only one with rows.

    工作簿中的工作表；不写则取唯一有数据的那个。"""
    query: str | None = None
    """What a database is asked: one SELECT, or the name of a table; left out, its only table.

    向数据库查询什么：一条 SELECT，或一个表名；不写则取唯一的那张表。"""
    encoding: str | None = None
    """The file's character encoding, for instance "utf-8", "gb18030", "big5"; left out, it is found out.

    文件的字符编码，如 "utf-8"、"gb18030"、"big5"；不写则自动识别。"""
    delimiter: str | None = None
    """What separates the columns; left out, it is found out.

    列的分隔符；不写则自动识别。"""
    quote: str | None = None
    """What encloses a cell that holds the delimiter; "" where quotes are ordinary characters; left out, it is found out.

    包住单元格的引号；若引号只是普通字符，写 ""；不写则自动识别。"""
    head: bool | None = None
    """Whether the first row names the columns; left out, it is found out.

    第一行是否为列名；不写则自动识别。"""
    bad_rows: Literal["stop", "skip"] = "stop"
    """Rows that cannot be read: stop and list them, or skip them into rejects.csv.

    读不了的行：停下并列出（stop），或跳过并写入 rejects.csv（skip）。"""
    empty: Literal["drop", "stop"] = "drop"
    """Rows without a text: leave them out, or stop and list them.

    没有文本的行：略去（drop），或停下并列出（stop）。"""
    duplicates: Literal["keep", "drop"] = "keep"
    """Train rows whose text and label both stand in an earlier row.

    文本和标签都与前面某行相同的训练行：保留或丢弃。"""
    contradictions: Literal["keep", "drop"] = "keep"
    """Train rows whose text stands elsewhere with another label.

    文本相同但标签不同的训练行：保留或丢弃。"""
    label_typos: Literal["report", "merge"] = "report"
    """Rare labels that look like a misspelt common one: report them, or merge them into it.

    像是写错了的少见标签：只报告，或并入常见标签。"""
    label_once: Literal["keep", "drop"] = "keep"
    """Train rows whose label is seen once.

    标签只出现一次的训练行：保留或丢弃。"""
    give_aways: Literal["report", "stop"] = "report"
    """What tells the label by itself (another column, one of several text columns, the label's name in the text): report it, or stop.

    会直接泄露标签的内容（别的列、多个文本列之一、文本里的标签名）：只报告，或停下。"""
    leaks: Literal["report", "drop_train"] = "report"
    """Train rows equal or nearly equal to a test row, where the split is given: report them, or drop them from train.

    给定划分时，与测试行相同或几乎相同的训练行：只报告，或从训练中去掉。"""
    test_share: float = field(default=0.2, metadata={"check": fraction})
    """The share of rows kept for testing where no split is given.

    没有给定划分时，留作测试的比例。"""
    seed: int = 0
    """Seed of the random split.

    随机划分的种子。"""


def prepare_examples(source: Any, *, settings: PrepareSettings = PrepareSettings(), clean: CleanSettings = CleanSettings(),
                     task: str = "classify", folder: str | Path | None = None, **given: Any) -> Examples:
    """The examples of a table: a path, a list of dicts, or anything with the Arrow C stream.

    `given` are fields of PrepareSettings (`text=`, `label=`, `test=` …). Raises CallError for a table that will not do.

    >>> rows = [{"message": f"refund order {i}", "team": "money"} for i in range(9)]
    >>> rows += [{"message": f"where is parcel {i}", "team": "post"} for i in range(9)]
    >>> prepare_examples(rows, text="message", label="team").labels
    ('money', 'post')
    """
    known_task(task)
    for name in ("text", "columns"):
        if isinstance(given.get(name), str):
            given[name] = (given[name],)
    held = given.get("test")
    in_memory = {} if held is None or isinstance(held, (str, Path)) else {"test": given.pop("test")}
    asked = replace(with_given(settings, given, section="prepare", call="prepare_examples"), **in_memory)
    *_, last = prepare_steps(source, settings=asked, clean=clean, folder=None if folder is None else Path(folder), task=task)
    return last.result  # type: ignore[no-any-return]


def prepare_steps(source: Any, *, settings: PrepareSettings, clean: CleanSettings = CleanSettings(),
                  folder: Path | None = None, task: str = "classify") -> Iterator[Progress]:
    """Prepare, with a sign of life after each part; the last Progress carries the Examples."""
    import_extra("polars")  # missed before any work, not after
    folder = folder or temporary_folder()
    joins = open_joins(settings.join)
    tables = _open_tables(source, settings, joins)
    fingerprint = fingerprint_of(source, settings, clean, task)  # once: a file that grows from here on is not what was asked for
    target = folder / fingerprint[:16]
    if _is_fresh(target):
        leave_rejects(folder / "rejects.csv", (target / "rejects.csv").read_bytes() if (target / "rejects.csv").exists() else None)
        yield Progress("prepare", 1, 1, said=say("Nothing changed: the prepared rows are used again.", "没有变化：直接使用已准备好的数据。"),
                       result=Examples(target))
        return
    rows = Rows(tables[0].columns)
    for table in tables:
        for said in table.said:
            yield Progress("prepare", said=said)
        for count in rows.read_steps(table):
            yield Progress("prepare", count)
    prepared = Preparing(rows, settings, clean, task)
    prepared.read_cells()
    refuse_bad_rows(rows.bad, folder / "rejects.csv", stop=settings.bad_rows == "stop")
    for table, (_, start, end) in zip(tables, rows.bounds):
        if start == end:
            bad = [each for each in rows.bad if each[0] in {file.source for file in table.files}]
            raise none_left(bad, folder / "rejects.csv", where=table.source) if bad else no_rows(table)
    yield Progress("prepare", 1, 4, said=say(f"Read {len(rows.line):,} rows.", f"读入 {len(rows.line):,} 行。"))
    prepared.clean_rows()
    prepared.findings += find_unmatched(joins, rows)
    yield Progress("prepare", 2, 4, said=_cleaned(len(prepared.text), bool(settings.text)))
    yield from prepared.split()
    yield Progress("prepare", 3, 4, said=say("Compared all rows for near-duplicates and leaks.", "已比对近似重复和泄漏。"))
    prepared.write(target, fingerprint)
    examples = Examples(target)
    for finding in prepared.findings:
        yield Progress("prepare", said=finding.said_with_setting())
    yield Progress("prepare", 4, 4, said=_summary(examples), result=examples)


# ---------------------------------------------------------------- reading

def table_options(settings: PrepareSettings) -> dict[str, Any]:
    """What the settings say about how the file is written."""
    named = {name: getattr(settings, name) for name in ("format", "encoding", "delimiter", "quote", "head", "sheet", "query")}
    return {name: value for name, value in named.items() if value is not None}


def _open_tables(source: Any, settings: PrepareSettings, joins: Sequence[Joined]) -> list[Table]:
    sources = [source] if settings.test is None else [source, settings.test]
    tables = [with_joins(open_table(each, **table_options(settings)), joins) for each in sources]
    if not (settings.text or settings.columns) or not settings.label:
        raise CallError(say("It is not said which columns are read and which holds the label.", "没有说明读哪些列、哪一列是标签。"),
                        say('[prepare] text = ["…"] or columns = ["…"], and label = "…"', '[prepare] 下写 text = ["…"] 或 columns = ["…"]，以及 label = "…"'))
    check_splits(settings.split_column, settings.time_column)
    read = [*settings.text, *parse_columns(settings.columns, tables[0].columns)]
    check_read(read, settings.label, where=tables[0].source)
    needed = [*read, settings.label]
    check_columns(tables[0], [*needed, settings.split_column, settings.group_column, settings.time_column])
    for table in tables[1:]:
        check_columns(table, needed)
    return tables


# -------------------------------------------------------------- freshness

def fingerprint_of(source: Any, settings: PrepareSettings, clean: CleanSettings, task: str = "classify") -> str:
    """SHA-256 of the data's bytes and of every setting that shapes the rows; paths do not count."""
    shaping, how = asdict(settings) | {"data": "", "test": "", "join": [hash_join(each) for each in settings.join]}, table_options(settings)
    parts = [f"{VERSION} {task}", json.dumps([shaping, asdict(clean)], sort_keys=True), hash_source(source, **how), hash_source(settings.test, **how)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _is_fresh(target: Path) -> bool:
    """True when the examples are there whole; damaged ones are made anew."""
    try:
        return target.is_dir() and bool(verify_folder(target))
    except BundleError:
        return False


def _cleaned(rows: int, text: bool) -> Any:
    return say(f"Cleaned: {rows:,} rows{' with a text' if text else ''}.", f"清洗完毕：{rows:,} 行{'有文本' if text else ''}。")


def _summary(examples: Examples) -> Any:
    counts = ", ".join(f"{name} {count:,}" for name, count in examples.meta["parts"].items() if count)
    if not examples.labels:
        return say(f"{counts}.", f"{counts}。")
    return say(f"{len(examples.labels)} labels; {counts}.", f"{len(examples.labels)} 个标签；{counts}。")
