"""Step 1 of 5, prepare: tables in, examples out. Read, cleaned, grouped, split; what was done is written down.

Run it: `startlm prepare NAME`, or from Python

    examples = prepare_examples("tickets.csv", text="message", label="team")
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Iterator, Literal, Sequence

import numpy as np

from .columns.category import similar_labels
from .columns.cleaned import clean_rows
from .columns.cleaning import CleanSettings
from .columns.splits import Split, check_splits
from .core.artifacts import PARTS, Examples
from .core.contracts import Facts, Progress, Table
from .core.durable import verify_folder
from .core.errors import BundleError, CallError
from .core.examples_folder import write_examples
from .core.findings import Finding, check_learnable, check_usable, contradictions, find_give_aways, findings_csv, leaks_json, repeats, stopped_by
from .core.language import say
from .core.near_duplicates import groups as near_groups, leaks as find_leaks, near_pairs
from .core.parts import TEST
from .core.scripts import languages_of
from .core.settings import fraction, with_given
from .core.shelves import import_extra
from .formats import FORMATS, check_columns, hash_source, known_format, no_rows, open_table
from .formats.joined import Joined, find_unmatched, hash_join, known_joins, open_joins, with_joins
from .formats.rows import Rows, leave_rejects, refuse_bad_rows, rejects_csv

VERSION = 3  # goes into the fingerprint: raise it when the same rows would come out differently
CHOICES = {"keep": say("kept", "保留"), "drop": say("dropped", "丢弃")}


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
    label: str | None = None
    """The column that holds the label.

    标签所在的列。"""
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
    if task != "classify":
        raise CallError(say(f"There is no task {task!r} yet.", f"还没有 {task!r} 这种任务。"), say('use task = "classify"', '请用 task = "classify"'))
    if isinstance(given.get("text"), str):
        given["text"] = (given["text"],)
    held = given.get("test")
    in_memory = {} if held is None or isinstance(held, (str, Path)) else {"test": given.pop("test")}
    asked = replace(with_given(settings, given, section="prepare", call="prepare_examples"), **in_memory)
    *_, last = prepare_steps(source, settings=asked, clean=clean, folder=None if folder is None else Path(folder))
    return last.result  # type: ignore[no-any-return]


def prepare_steps(source: Any, *, settings: PrepareSettings, clean: CleanSettings = CleanSettings(),
                  folder: Path | None = None) -> Iterator[Progress]:
    """Prepare, with a sign of life after each part; the last Progress carries the Examples."""
    import_extra("polars")  # missed before any work, not after
    folder = folder or Path(tempfile.mkdtemp(prefix="startlm-"))
    joins = open_joins(settings.join)
    tables = _open_tables(source, settings, joins)
    fingerprint = fingerprint_of(source, settings, clean)  # once: a file that grows from here on is not what was asked for
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
        rows.read(table)
    refuse_bad_rows(rows.bad, folder / "rejects.csv", stop=settings.bad_rows == "stop")
    for table, (_, start, end) in zip(tables, rows.bounds):
        if start == end:
            raise no_rows(table)
    yield Progress("prepare", 1, 4, said=say(f"Read {len(rows.line):,} rows.", f"读入 {len(rows.line):,} 行。"))
    prepared = _Prepared(rows, settings, clean)
    prepared.clean_rows()
    prepared.findings += find_unmatched(joins, rows)
    yield Progress("prepare", 2, 4, said=say(f"Cleaned: {len(prepared.text):,} rows with a text.", f"清洗完毕：{len(prepared.text):,} 行有文本。"))
    prepared.split()
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
    if not settings.text or not settings.label:
        raise CallError(say("It is not said which column is the text and which the label.", "没有说明哪一列是文本、哪一列是标签。"),
                        say('[prepare] text = ["…"] and label = "…"', '[prepare] 下写 text = ["…"] 和 label = "…"'))
    check_splits(settings.split_column, settings.time_column)
    check_columns(tables[0], [*settings.text, settings.label, settings.split_column, settings.group_column, settings.time_column])
    for table in tables[1:]:
        check_columns(table, [*settings.text, settings.label])
    return tables


# --------------------------------------------------------------- preparing

class _Prepared:
    """The rows on their way from the table to examples.arrow; each method does one part."""

    def __init__(self, rows: Rows, settings: PrepareSettings, clean: CleanSettings) -> None:
        self.rows, self.settings, self.cleaning = rows, settings, clean
        self.places, self.where = rows.places, rows.bounds[0][0]
        used = {*settings.text, settings.label, settings.split_column, settings.group_column, settings.time_column}
        self.unused = [name for name in rows.columns if name not in used]
        self.findings: list[Finding] = []
        self.parts = Split(settings, rows, self.findings)
        self.leaks: dict[str, Any] = {}

    def find(self, kind: str, positions: Sequence[int] | np.ndarray, en: str, zh: str, setting: str = "") -> None:
        """Count one kind of row; `positions` are those of the rows as read (0 is the first)."""
        if len(positions):
            self.findings.append(self.places.finding(kind, positions, say(en, zh), setting))

    def clean_rows(self) -> None:
        settings, columns = self.settings, {name: self.rows.column(name) for name in self.settings.text}
        self.cleaned = clean_rows(columns, self.rows.column(settings.label or ""), self.cleaning, self.places)
        texts, labels = self.cleaned.texts, self.cleaned.labels
        for where, start, end in self.rows.bounds:
            check_usable(texts[start:end], labels[start:end], where=where, text=", ".join(settings.text), label=settings.label or "", test=start > 0)
        stop = settings.empty == "stop"
        self.find("empty", [i for i, text in enumerate(texts) if not text], f"Rows without a text{'' if stop else ', left out'}", f"没有文本{'' if stop else '：已略去'}", 'empty = "stop"')
        if stop and self.findings:
            raise stopped_by(self.findings, 'empty = "drop"', where=self.where)
        self.unlabelled = np.array([i for i, label in enumerate(labels) if not label and texts[i]], dtype=np.int64)
        self.find("unlabelled", self.unlabelled, "Rows without a label, kept aside, never guessed", "没有标签：放在一边，不猜测")
        self.findings += self.cleaned.findings
        self.kept, self.text, self.values, self.label = np.arange(len(texts)), texts, self.cleaned.values, labels
        self.leaking = np.zeros(len(texts), dtype=bool)
        self._keep(np.array([bool(text and label) for text, label in zip(texts, labels)]))

    # --- what the rows are like, and which part each goes to
    def split(self) -> None:
        given = self.parts.given(self.kept)
        held_out = given == TEST
        drop = self._find_in_labels(held_out)
        learn = np.flatnonzero(~held_out)
        texts, labels = [self.text[i] for i in learn], [self.label[i] for i in learn]
        for kind, positions, en, zh in (
            ("duplicates", repeats(texts, labels), "Rows that repeat an earlier row", "与前面某行完全相同"),
            ("contradictions", contradictions(texts, labels), "Rows with the same text and different labels", "文本相同而标签不同"),
        ):
            choice = getattr(self.settings, kind)
            self.find(kind, self.kept[learn[positions]] if len(positions) else [], f"{en} ({CHOICES[choice].en})", f"{zh}，{CHOICES[choice].zh}",
                      f'{kind} = "{"keep" if choice == "drop" else "drop"}"')
            if choice == "drop" and len(positions):
                drop[learn[positions]] = True
        if held_out.any():
            self._find_leaks(learn, np.flatnonzero(held_out), drop)
        self._keep(~drop)
        given, learn = given[~drop], np.flatnonzero(given[~drop] != TEST)
        check_learnable(Counter(self.label[i] for i in learn), where=self.where, label=self.settings.label or "")
        self._number_labels(learn)
        # Groups come from the rows that learn only, so that a given test part can change no weight; and from values, without the columns' names.
        self.group = np.arange(len(self.text), dtype=np.int64)
        pairs = near_pairs([self.values[i] for i in learn])
        self.group[learn] = learn[near_groups(len(learn), self.parts.link(pairs, self.kept, learn))]
        self.find("near_duplicates", self.kept[learn[np.unique(pairs.rows[:, 1])]] if len(pairs.rows) else [],
                  "Rows equal or nearly equal to an earlier one, kept together in one part", "与前面某行相同或几乎相同：放在同一部分")
        self.part, self.crossfit = self.parts.draw(self.kept, self.number, self.group, given)

    def _keep(self, keep: np.ndarray) -> None:
        self.kept, self.leaking = self.kept[keep], self.leaking[keep]
        self.text, self.values, self.label = ([each for each, kept in zip(column, keep) if kept] for column in (self.text, self.values, self.label))

    def _find_in_labels(self, held_out: np.ndarray) -> np.ndarray:
        """Refuses labels that nothing can be learnt from; merges or reports slips; finds what gives the label away. True for rows to drop."""
        learn = [i for i in range(len(self.label)) if not held_out[i]]
        counts = Counter(self.label[i] for i in learn)
        check_learnable(counts, where=self.where, label=self.settings.label or "")
        merge = self.settings.label_typos == "merge"
        for rare, common, why in similar_labels(counts):
            rows = [self.kept[i] for i, label in enumerate(self.label) if label == rare]
            self.find("label_typos", rows, f"Rows with the label {rare!r}, which looks like {common!r} misspelt ({why.en}), {'merged' if merge else 'left as it is'}",
                      f"的标签是 {rare!r}，像是 {common!r} 写错了（{why.zh}）：{'已合并' if merge else '保持原样'}", 'label_typos = "report"' if merge else 'label_typos = "merge"')
            if merge:
                self.label = [common if label == rare else label for label in self.label]
                counts[common] += counts.pop(rare, 0)
        once, keep = [i for i in learn if counts[self.label[i]] == 1], self.settings.label_once == "keep"
        self.find("label_once", self.kept[once], f"Rows whose label is seen once{': it can be learnt from, not measured' if keep else ' (dropped)'}",
                  f"的标签只出现一次：{'可以学，但无法衡量' if keep else '已丢弃'}", f'label_once = "{"drop" if keep else "keep"}"')
        at = self.kept[learn]
        unused = {name: [self.rows.values[i][position] for i in at] for position, name in enumerate(self.rows.columns) if name in self.unused}
        read = {name: [values[i] for i in at] for name, values in self.cleaned.columns.items()}
        found = find_give_aways(self.places, at, unused, read, [self.label[i] for i in learn])
        if found and self.settings.give_aways == "stop":
            raise stopped_by(found, 'give_aways = "report"', where=self.where)
        self.findings += found
        return np.isin(np.arange(len(self.label)), [] if keep else once)

    def _find_leaks(self, learn: np.ndarray, held: np.ndarray, drop: np.ndarray) -> None:
        found = find_leaks([self.values[i] for i in learn], [self.values[i] for i in held])
        self.leaking[held[[test for test, _ in found.pairs]]] = True
        self.leaks = leaks_json(found, self.places, self.kept[held], self.kept[learn]) | {"handled": self.settings.leaks}
        dropped = self.settings.leaks == "drop_train"
        self.find("leaks", self.kept[self.leaking], f"Test rows equal or nearly equal to a train row, {'which is dropped from train' if dropped else 'reported'}",
                  f"测试数据与训练数据相同或几乎相同：{'已从训练中去掉' if dropped else '仅报告'}", f'leaks = "{"report" if dropped else "drop_train"}"')
        if dropped:
            drop[learn[[train for _, train in found.pairs]]] = True

    def _number_labels(self, learn: np.ndarray) -> None:
        """Numbers from the rows that learn; labels that only the test part knows come after them."""
        self.labels = sorted({self.label[i] for i in learn})
        self.unseen = sorted(set(self.label) - set(self.labels))
        numbers = {label: number for number, label in enumerate([*self.labels, *self.unseen])}
        self.number = np.array([numbers[label] for label in self.label], dtype=np.int32)
        unseen = [self.kept[i] for i, label in enumerate(self.label) if numbers[label] >= len(self.labels)]
        self.find("unseen_labels", unseen, "Test rows with a label that train never shows, counted as wrong unless it means out of scope", "测试数据的标签在训练中没有出现过：一律算错，表示超出范围的除外")

    # --- on disk
    def write(self, target: Path, fingerprint: str) -> None:
        languages = languages_of(self.values)
        single = len(self.settings.text) == 1
        raw = [[self.cleaned.raw[name][i] for name in self.settings.text] for i in self.kept]
        columns = self._placed(self.kept) | {
            "text": self.text, "original": [None if single and values[0] == text else values for values, text in zip(raw, self.text)],
            "spans": [self.cleaned.spans.get(int(i)) for i in self.kept], "label": self.number, "part": self.part, "language": languages,
            "group": self.group, "leaks": self.leaking,
        }
        unlabelled = self._placed(self.unlabelled) | {"text": [self.cleaned.texts[i] for i in self.unlabelled]}
        files = {"findings.csv": findings_csv(self.findings, self.places)} | ({"rejects.csv": rejects_csv(self.rows.bad)} if self.rows.bad else {})
        write_examples(target, columns, unlabelled, meta=self._meta(fingerprint, languages), files=files)

    def _placed(self, positions: np.ndarray) -> dict[str, Any]:
        file, row = self.places.at(positions)
        return {"row": row, "line": [self.rows.line[i] for i in positions], "file": file}

    def _meta(self, fingerprint: str, languages: list[Any]) -> dict[str, Any]:
        learn = np.flatnonzero(self.part != TEST)
        lengths = np.array([len(self.text[i]) for i in learn])
        facts = Facts(rows=len(learn), labels=len(self.labels), mean_length=float(lengths.mean()), length_99=int(np.quantile(lengths, 0.99)),
                      chinese=float(np.mean([languages[i] in ("zh", "mixed") for i in learn])))
        counts = {name: int(np.sum(self.part == number)) for number, name in enumerate(PARTS)}
        tested = "\n".join(f"{self.label[i]}\t{self.text[i]}" for i in np.flatnonzero(self.part == TEST))
        return {
            "fingerprint": fingerprint, "test_fingerprint": hashlib.sha256(tested.encode("utf-8", "surrogatepass")).hexdigest(), "text": list(self.settings.text), "label": self.settings.label, "labels": self.labels,
            "unseen_labels": self.unseen, "rows_read": len(self.rows.line), "rejected": len(self.rows.bad), "unlabelled": len(self.unlabelled),
            "files": list(self.places.names), "group_column": self.settings.group_column, "time_column": self.settings.time_column, "unused": self.unused, "parts": counts, "crossfit": self.crossfit,
            "cleaning": asdict(self.cleaning), "languages": {name: languages.count(name) for name in ("zh", "en", "mixed", "other")},
            "findings": [finding.as_json() for finding in self.findings], "leaks": self.leaks, "facts": asdict(facts),
        }


# -------------------------------------------------------------- freshness

def fingerprint_of(source: Any, settings: PrepareSettings, clean: CleanSettings) -> str:
    """SHA-256 of the data's bytes and of every setting that shapes the rows; paths do not count."""
    shaping, how = asdict(settings) | {"data": "", "test": "", "join": [hash_join(each) for each in settings.join]}, table_options(settings)
    parts = [f"{VERSION}", json.dumps([shaping, asdict(clean)], sort_keys=True), hash_source(source, **how), hash_source(settings.test, **how)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _is_fresh(target: Path) -> bool:
    """True when the examples are there whole; damaged ones are made anew."""
    try:
        return target.is_dir() and bool(verify_folder(target))
    except BundleError:
        return False


def _summary(examples: Examples) -> Any:
    counts = ", ".join(f"{name} {count:,}" for name, count in examples.meta["parts"].items() if count)
    return say(f"{len(examples.labels)} labels; {counts}.", f"{len(examples.labels)} 个标签；{counts}。")
