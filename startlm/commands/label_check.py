"""`startlm label NAME --check FILE`: doubted labels looked at one by one; each decision is kept, and a corrected table is written."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime, UTC
from pathlib import Path
from typing import Any, Iterator

from ..columns import as_text
from ..columns.category import Category
from ..columns.cleaning import clean_texts, join_columns
from ..core.appended import AppendedTable
from ..core.contracts import Row, Table
from ..core.durable import writing
from ..core.errors import CallError
from ..core.language import Said, say
from ..formats import find_format, no_rows, no_such_column, open_table
from ..formats.delimited import undisarm
from .label_data import LABELS, label_table
from .label_person import Leave, Person

CORRECTIONS, CORRECTED = "corrections.csv", "corrected.csv"
COLUMNS = ("file", "row", "text", "was", "label", "who", "when", "verdict")
KEPT, CHANGED = "kept", "changed"


@dataclass(frozen=True)
class Doubt:
    """One row of the file: where the row stands ("" is the data), 1 is a file's first; its label, and the one that seems likelier."""

    file: str
    row: int
    text: str
    label: str
    suggested: str


def read_doubts(path: str) -> list[Doubt]:
    """The rows of a file with the columns row, text, label, suggested and, where there are several tables, file. Raises CallError."""
    table = open_table(path)
    for column in ("row", "text", "label", "suggested"):
        if column not in table.columns:
            raise no_such_column(column, table)
    found = []
    for line, values in _rows(table):
        if not values["row"].isdigit() or not values["label"]:
            raise CallError(say(f"This row has no row number or no label: {values['row']!r}, {values['label']!r}", f"这一行没有行号或没有标签：{values['row']!r}、{values['label']!r}"),
                            say("give the file that evaluate wrote", "请用 evaluate 写出的文件"), where=f"{path}:{line}")
        found.append(Doubt(values.get("file", ""), int(values["row"]), values["text"], values["label"], values["suggested"]))
    if not found:
        raise no_rows(table)
    return found


def _rows(table: Table) -> Iterator[tuple[int, dict[str, str]]]:
    for row in table.rows():
        if isinstance(row, Row):
            yield row.line, {name: undisarm(as_text(value)) for name, value in zip(table.columns, row.values)}  # evaluate writes it for spreadsheets


class Check:
    """One person at the doubted labels of one project."""

    def __init__(self, folder: Path, doubts: list[Doubt], who: str) -> None:
        self.folder, self.doubts, self.who = folder, doubts, who
        self.decisions = AppendedTable(folder / CORRECTIONS, COLUMNS, (KEPT, CHANGED))

    def names(self) -> list[str]:
        """The labels that the file names, and those that were given instead."""
        named = [name for doubt in self.doubts for name in (doubt.label, doubt.suggested) if name]
        return list(dict.fromkeys([*named, *(row[4] for row in self.decisions.rows)]))

    def ask(self, person: Person) -> None:
        """Go through the doubts that are not decided yet."""
        decided = {row[:4] for row in self.decisions.rows}
        left = [doubt for doubt in self.doubts if _key(doubt) not in decided]
        behind: list[Doubt] = []
        try:
            while left:
                doubt = left[0]
                person.show(say(f"{len(left)} left · row {doubt.row} · label now: {doubt.label} · suggested: {doubt.suggested}", f"还剩 {len(left)} 条 · 第 {doubt.row} 行 · 现在的标签：{doubt.label} · 建议：{doubt.suggested}"), [doubt.text])
                key, label = person.answer("kcsu", say(f"Is it {doubt.label}? c makes it {doubt.suggested}. ", f"是 {doubt.label} 吗？按 c 改成 {doubt.suggested}。"))
                if key == "u":
                    taken = self.decisions.take_back() if behind else []
                    person.undone((int(row[1]), row[4]) for row in taken)
                    left[:0] = [behind.pop()] if taken else []
                    continue
                left.pop(0)
                if key != "s":
                    self._decide(doubt, label or (doubt.suggested if key == "c" and doubt.suggested else doubt.label), person)
                    behind.append(doubt)
        except Leave:
            return

    def _decide(self, doubt: Doubt, label: str, person: Person) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.decisions.append((*_key(doubt), label, self.who, now, KEPT if label == doubt.label else CHANGED))
        person.saved(label)

    def finish(self) -> tuple[dict[str, Any], Said]:
        """Write the table with what was changed; what --json shows and the last sentences."""
        changed = sum(row[7] == CHANGED for row in self.decisions.rows)
        en, zh = f"\n{len(self.decisions.rows) - changed} labels kept, {changed} changed ({self.folder / CORRECTIONS}).", f"\n保留 {len(self.decisions.rows) - changed} 个标签，改掉 {changed} 个（{self.folder / CORRECTIONS}）。"
        result: dict[str, Any] = {"corrections": str(self.folder / CORRECTIONS), "kept": len(self.decisions.rows) - changed, "changed": changed}
        if changed:
            path, written, command = self._write()
            result |= {"table": str(path), "written": written, "next": command}
            left = changed - written
            en += f"\n{written} of them are in {path}." + (f" {left} are not: the row holds another text or label now, or stands in another file." if left else "") + f"\nNext: {command}"
            zh += f"\n其中 {written} 个已写入 {path}。" + (f"另有 {left} 个没有写入：那一行的文本或标签已不同，或在别的文件里。" if left else "") + f"\n下一步：{command}"
        return result, say(en, zh)

    def _write(self) -> tuple[Path, int, str]:
        """The corrected table: labels.csv itself where the project learns from it, else a new file."""
        from ..prepare import table_options
        from ..project import Project

        project = Project(self.folder)
        settings = project.settings["prepare"]
        new = {int(row[1]): row for row in self.decisions.rows if row[7] == CHANGED and row[0] in ("", Path(project.data).name)}
        if Path(project.data).resolve() == (self.folder / LABELS).resolve():
            return self.folder / LABELS, self._correct_labels(new), f"startlm run {shlex.quote(str(self.folder))}"
        table = open_table(project.data, **table_options(settings))
        position, path, written = table.columns.index(settings.label), self.folder / CORRECTED, 0
        with writing(path) as stream:
            writer = find_format("delimited").writer(stream, table.columns)
            good = (row.values for row in table.rows() if isinstance(row, Row))
            for number, values in enumerate(good, 1):
                text = join_columns(dict(zip(table.columns, values)), settings.text)
                fits = number in new and (not settings.text or _same(text, new[number][2])) and Category.clean(as_text(values[position])) in (new[number][3], new[number][4])
                if fits:
                    written += 1
                    values = (*values[:position], new[number][4], *values[position + 1 :])
                writer.write(values)
            writer.close()
        name, as_it_is = str(self.folder), not table_options(settings)
        read = {"text": settings.text, "columns": settings.columns}
        columns = " ".join([*(f"--{role} {shlex.quote(','.join(names))}" for role, names in read.items() if names), f"--label {shlex.quote(settings.label)}"])
        return path, written, f"startlm run {shlex.quote(name)} --data {shlex.quote(str(path))}" if as_it_is else f"startlm new {shlex.quote(name + '-corrected')} --data {shlex.quote(str(path))} {columns}"

    def _correct_labels(self, new: dict[int, tuple[str, ...]]) -> int:
        table, written = label_table(self.folder), 0
        rows = list(table.rows)
        for number, row in enumerate(rows, 1):
            if number in new and _same(row[0], new[number][2]) and row[1] in (new[number][3], new[number][4]):
                written += 1
                rows[number - 1] = (row[0], new[number][4], new[number][5], new[number][6], *row[4:]) if row[1] != new[number][4] else row
        table.rewrite(rows)
        return written


def _key(doubt: Doubt) -> tuple[str, str, str, str]:
    return doubt.file, str(doubt.row), doubt.text, doubt.label


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same once cleaned."""
    return clean_texts([one]) == clean_texts([other])
