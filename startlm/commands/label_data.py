"""What `startlm label` is to label: found, read, freed of repeats, with a random part set aside that only tests."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np

from ..columns import SAMPLE, as_text, guess_kind
from ..columns.cleaning import clean_texts
from ..columns.roles import guess_roles
from ..core.appended import AppendedTable
from ..core.contracts import Table
from ..core.durable import read_json, write_json
from ..core.errors import CallError
from ..core.language import Said, say
from ..core.near_duplicates import groups, near_pairs
from ..core.project_file import FILE
from ..formats import hash_source, is_address, no_rows, no_such_column, open_table
from ..formats.rows import Rows
from .label_pool import MOST_POOL

CARD, LABELS, OPINIONS = "label.json", "labels.csv", "second_opinions.csv"
COLUMNS = ("text", "label", "who", "when", "row", "part")
TRAIN, TEST = "train", "test"
MOST_TEST, TEST_SHARE = 100, 0.2  # the random part: so many messages, and at most this share of them
SEED = 0


@dataclass(frozen=True)
class Source:
    """Where the messages lie: the path as seen from here, the text column (None: to be found), how the file is written."""

    path: str
    text: str | None
    how: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Inbox:
    """The messages. `texts` are as read and `cleaned` as learnt from, both by row; `pool` and `test` are rows, 0 is the first."""

    source: Source
    texts: list[str]
    cleaned: list[str]
    pool: np.ndarray  # int64: different messages, the test part included
    test: list[int]
    said: tuple[Said, ...]


def label_table(folder: Path, name: str = LABELS) -> AppendedTable:
    """The table of labels, or of second opinions, of a project. Raises CallError for one that was changed so that it makes no sense."""
    table = AppendedTable(folder / name, COLUMNS, (TRAIN, TEST))
    for number, (_, label, _, _, row, _) in enumerate(table.rows, 2):
        if not label.strip() or not row.isascii() or not row.isdigit() or row == "0":
            what = say("an empty label", "空的标签") if not label.strip() else say(f"the row number {row!r}", f"行号 {row!r}")
            raise CallError(say(f"Row {number} of {table.path} has {what.en}.", f"{table.path} 第 {number} 行有{what.zh}。"), say("mend or delete that row", "请改好或删掉那一行"), where=str(table.path))
    return table


# ----------------------------------------------------------------- finding

def find_source(folder: Path, data: str | None, text: str | None, how: Mapping[str, str]) -> Source:
    """What was labelled before; else what is told; else what the project learns from. Raises CallError where nothing is said or it differs from before."""
    if data == "-":
        raise CallError(say("Rows to label are read more than once; standard input passes only once.", "要标注的数据要读多遍，而标准输入只能读一遍。"),
                        say("save them to a file and give the file", "请先存成文件，再使用那个文件"))
    before = _from_card(folder)
    if before is not None:
        if data is not None and os.path.realpath(data) != os.path.realpath(before.path):
            raise _another(folder, say(f"{before.path}, not {data}", f"{before.path}，不是 {data}"))
        if text not in (None, before.text):
            raise _another(folder, say(f"the column {before.text!r}, not {text!r}", f"{before.text!r} 列，不是 {text!r} 列"))
        return Source(before.path, before.text, {**before.how, **how})
    if data is not None:
        return Source(data, text, how)
    project = _from_project(folder)
    if project is None:
        name = shlex.quote(str(folder))
        raise CallError(say("It is not said which table to label.", "没有说明要标注哪张表。"), say(f"startlm label {name} --data FILE", f"startlm label {name} --data 文件"), where=str(folder))
    return Source(project.path, text or project.text, {**project.how, **how})


def _another(folder: Path, what: Said) -> CallError:
    return CallError(say(f"{folder} labels {what.en}.", f"{folder} 标注的是 {what.zh}。"), say("label another table or column under another name", "另一张表或另一列请用另一个名称标注"), where=str(folder / CARD))


def _from_card(folder: Path) -> Source | None:
    card = _card(folder)
    return None if card is None else Source(_from_here(folder, card["data"]), card["text"], card["how"])


def _card(folder: Path) -> dict[str, Any] | None:
    """What was decided when the labelling began: data, text, how, sha256, test (row numbers, 1 is the first). None before that."""
    path = folder / CARD
    if not path.exists():
        return None
    card = read_json(path)
    kinds = {"data": str, "text": str, "how": dict, "sha256": str, "test": list}
    if not isinstance(card, dict) or any(not isinstance(card.get(key), kind) for key, kind in kinds.items()) or any(type(row) is not int or row < 1 for row in card["test"]):
        raise CallError(say(f"{path} is not as startlm label wrote it.", f"{path} 与 startlm label 写出的不一样。"), say("put it back as it was", "请恢复原来的文件"), where=str(path))
    return card


def _from_project(folder: Path) -> Source | None:
    """The data of a project that was made without labelling; its text column where it has one."""
    if not (folder / FILE).exists():
        return None
    from ..prepare import table_options
    from ..project import Project

    project = Project(folder)
    settings = project.settings["prepare"]
    return Source(project.data, settings.text[0] if len(settings.text) == 1 else None, table_options(settings))


def _from_here(folder: Path, path: str) -> str:
    return path if is_address(path) else os.path.relpath(os.path.realpath(folder / path))


def _from_folder(folder: Path, path: str) -> str:
    return path if is_address(path) else Path(os.path.relpath(os.path.realpath(path), os.path.realpath(folder))).as_posix()


# ----------------------------------------------------------------- reading

def open_inbox(folder: Path, source: Source, labels: AppendedTable) -> Inbox:
    """Read the table, leave out repeats, draw the random part where that is not done, and keep what was decided in label.json."""
    table = open_table(source.path, **source.how)
    rows = Rows(table.columns)
    rows.read(table)
    if not len(rows):
        raise no_rows(table)
    text = _text_column(table, rows, source.text)
    texts = [as_text(value) for value in rows.column(text)]
    cleaned = clean_texts(texts)
    if not any(cleaned):
        raise CallError(say(f"Every text in {text!r} is empty.", f"{text!r} 列的文本全部为空。"), say("name another text column: --text COLUMN", "请换一个文本列：--text 列名"), where=source.path)
    said = [*table.said, say(f"text: {text!r}, {len(texts):,} rows", f"文本：{text!r} 列，{len(texts):,} 行")]
    if rows.bad:
        said.append(say(f"Rows that cannot be read, left out: {len(rows.bad):,}", f"有 {len(rows.bad):,} 行读不了，已略去"))
    now = hash_source(source.path, **source.how)
    before = _card(folder)
    if before is not None and before["sha256"] != now:
        said.append(_same_rows(source, texts, labels))
    known = sorted({int(row[4]) - 1 for row in labels.rows})
    test = [row - 1 for row in before["test"] if row <= len(texts)] if before else None
    pool = _different(cleaned, list(dict.fromkeys([*known, *(test or [])])))
    if test is None:
        drawn = np.random.default_rng(SEED).permutation(pool)[: min(MOST_TEST, max(1, int(TEST_SHARE * len(pool))))]
        test = [int(row) for row in drawn]
    if before is None or before["sha256"] != now:
        write_json(folder / CARD, {"data": _from_folder(folder, source.path), "text": text, "how": dict(source.how), "sha256": now, "test": [row + 1 for row in test]})
    said.append(say(f"{len(pool):,} different messages; {len(test)} of them, drawn at random, only test", f"{len(pool):,} 条不同的消息；其中随机抽出 {len(test)} 条只用于测试"))
    return Inbox(Source(source.path, text, source.how), texts, cleaned, pool, test, tuple(said))


def _text_column(table: Table, rows: Rows, told: str | None) -> str:
    if told is not None:
        if told not in table.columns:
            raise no_such_column(told, table)
        return told
    if len(table.columns) == 1:
        return table.columns[0]
    step = max(1, len(rows) // SAMPLE)
    samples = {name: rows.column(name)[::step][:SAMPLE] for name in table.columns}
    found = guess_roles(table.columns, samples, {name: guess_kind(values, name)[0] for name, values in samples.items()}).text
    if len(found) == 1:
        return found[0]
    listed = ", ".join(found or table.columns)
    what = say(f"Several columns hold sentences: {listed}.", f"有几列都是句子：{listed}。") if found else say(f"No column holds sentences: {listed}.", f"没有一列是句子：{listed}。")
    raise CallError(what, say("name the one to label: --text COLUMN", "请指明要标注的那一列：--text 列名"), where=table.source)


def _same_rows(source: Source, texts: Sequence[str], labels: AppendedTable) -> Said:
    """That a file that has changed still holds what was labelled where it was. Raises CallError where it does not."""
    moved = [row[4] for row in labels.rows if int(row[4]) > len(texts) or _stored(texts[int(row[4]) - 1]) != row[0]]
    if moved:
        raise CallError(say(f"{source.path} has changed: {len(moved)} of {len(labels.rows)} labelled rows hold another text now (the first: row {moved[0]}).",
                            f"{source.path} 变了：{len(labels.rows)} 个已标注的行里有 {len(moved)} 行的文本与当时不同（第一处：第 {moved[0]} 行）。"),
                        say(f"put the old file back, or label the new one under another name; {LABELS} holds its texts and can be learnt from without the old file",
                            f"请恢复原来的文件，或用另一个名称标注新文件；{LABELS} 里存有文本，没有原来的文件也能用来学习"), where=source.path)
    return say(f"The table has changed; all {len(labels.rows)} labelled rows stand where they stood.", f"表变了；{len(labels.rows)} 个已标注的行都还在原处。")


def _stored(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _different(cleaned: Sequence[str], known: list[int]) -> np.ndarray:
    """int64: the rows of different messages, in order. Of equal or nearly equal ones the first stays; those that are `known` stay anyway."""
    there = set(known)
    others = np.array([row for row, text in enumerate(cleaned) if text and row not in there], dtype=np.int64)
    if len(others) > MOST_POOL:
        others = np.sort(np.random.default_rng(SEED).permutation(others)[:MOST_POOL])
    order = np.array([*known, *others], dtype=np.int64)
    first = groups(len(order), near_pairs([cleaned[row] for row in order]))
    place = np.arange(len(order))
    return np.sort(order[(first == place) | (place < len(known))])
