"""What prepare found in the rows and what became of it: counted, with row numbers, with the setting that decides."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, field
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from .errors import CallError
from .language import Said, say
from .near_duplicates import Leaks, exact_groups

SHOWN = 10  # row numbers of each file in a sentence
KEPT = 1_000  # and in report.json; findings.csv has all


Find = Callable[..., None]
"""(kind, positions, English, Chinese, setting = ""): writes a finding down, where there are any positions."""


@dataclass(frozen=True)
class Finding:
    """One thing found. `rows` are those of the (first) data file, `elsewhere` those of another, by its name; 1 is a file's first row."""

    kind: str
    count: int
    said: Said
    rows: tuple[int, ...] = ()
    setting: str = ""  # the line for startlm.toml that decides what is done with it
    examples: tuple[Any, ...] = field(default_factory=tuple)
    elsewhere: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def said_with_setting(self) -> Said:
        """The sentence, with the line for startlm.toml that decides."""
        return say(f"{self.said.en}. To change it: {self.setting}", f"{self.said.zh}。如需改变：{self.setting}") if self.setting else self.said

    def as_json(self) -> dict[str, Any]:
        cut = {name: rows[:KEPT] for name, rows in self.elsewhere.items()}
        return asdict(self) | {"said": self.said._asdict(), "rows": self.rows[:KEPT], "elsewhere": cut}


@dataclass(frozen=True)
class Places:
    """Where rows stand that were read from files one after the other. Where the first file is all the data, it goes without saying."""

    names: tuple[str, ...]
    starts: tuple[int, ...]  # the position of each file's first row
    lines: Sequence[int]  # of every row, in its file
    data: int = 1  # so many of the files, from the first on, are the data; what follows is the test table

    def at(self, positions: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The number of the file, int32 (N,), and of the row in it, int64 (N,), for the rows at these positions (0 is the first).

        >>> [each.tolist() for each in Places(("tickets.csv", "held.csv"), (0, 100), range(200)).at([7, 102])]
        [[0, 1], [8, 3]]
        """
        positions = np.asarray(positions, dtype=np.int64)
        files = np.searchsorted(self.starts, positions, side="right") - 1
        return files.astype(np.int32), positions - np.asarray(self.starts, dtype=np.int64)[files] + 1

    def finding(self, kind: str, positions: Sequence[int] | np.ndarray, what: Said, setting: str = "", examples: tuple[Any, ...] = ()) -> Finding:
        """One kind of row, counted and placed."""
        files, rows = self.at(positions)
        of = {number: tuple(rows[files == number].tolist()) for number in np.unique(files).tolist()}
        named = {number: number > 0 or self.data > 1 for number in of}
        en = "; ".join(f"{f'{self.names[number]}: ' if named[number] else ''}rows {listed(each)}" for number, each in of.items())
        zh = "；".join(f"{f'{self.names[number]}：' if named[number] else ''}第 {listed(each)} 行" for number, each in of.items())
        said = say(f"{what.en}: {len(rows)} ({en})", f"{len(rows)} 行{what.zh}（{zh}）")
        return Finding(kind, len(rows), said, of.pop(0, ()), setting, examples, {self.names[number]: each for number, each in of.items()})


def listed(rows: Sequence[int]) -> str:
    """Row numbers for a sentence: "3, 9, 12 …"."""
    return ", ".join(str(row) for row in rows[:SHOWN]) + (" …" if len(rows) > SHOWN else "")


def findings_csv(findings: Sequence[Finding], places: Places) -> bytes:
    """Every row of every finding: finding (its number in report.json, from 1), kind, file, row, line."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["finding", "kind", "file", "row", "line"])
    starts = dict(zip(places.names[1:], places.starts[1:]))
    for number, found in enumerate(findings, 1):
        for name, start, rows in [(places.names[0], 0, found.rows), *((name, starts[name], rows) for name, rows in found.elsewhere.items())]:
            writer.writerows([number, found.kind, name, row, places.lines[start + row - 1]] for row in rows)
    return out.getvalue().encode("utf-8")


def leaks_json(found: Leaks, places: Places, test: np.ndarray, train: np.ndarray) -> dict[str, Any]:
    """Leaks as report.json has them; `test` and `train` are the positions of the rows that were compared.

    exact: [test row, train row]; near: [test row, train row, similarity]; test_rows. `files` names, entry by entry, the file of
    each test row of these three; train rows are of the data file, and where that is several, `exact_train` and `near_train` name it.
    """
    files, rows = places.at(test)
    train_files, of_train = places.at(train)
    names, train_names = ([places.names[number] for number in numbers] for numbers in (files, train_files))
    leaking = sorted({one for one, _ in found.pairs})
    several = {"exact_train": [train_names[s] for _, s in found.exact], "near_train": [train_names[s] for _, s, _ in found.near]} if places.data > 1 else {}
    return {
        "exact": [(int(rows[t]), int(of_train[s])) for t, s in found.exact],
        "near": [(int(rows[t]), int(of_train[s]), round(float(similarity), 4)) for t, s, similarity in found.near],
        "test_rows": rows[leaking].tolist(),
        "files": {"exact": [names[t] for t, _ in found.exact], "near": [names[t] for t, *_ in found.near], "test_rows": [names[t] for t in leaking], **several},
    }


def stopped_by(found: Sequence[Finding], accept: str, *, where: str) -> CallError:
    """The refusal of what a setting says to stop at; `accept` is the line that lets it pass."""
    return CallError(say("\n    ".join(f"{each.said.en}." for each in found), "\n    ".join(f"{each.said.zh}。" for each in found)),
                     say(f"mend the table, or write under [prepare]: {accept}", f"修改表格，或在 [prepare] 下写：{accept}"), where=where)


def contradictions(texts: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """int64 positions of the rows whose text stands elsewhere with another label."""
    group, name = exact_groups(texts), exact_groups(labels)
    mixed = np.zeros(len(texts), dtype=bool)
    mixed[group[name != name[group]]] = True  # a group is known by its first row
    return np.flatnonzero(mixed[group])


def repeats(texts: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """int64 positions of the rows whose text and label both stood in an earlier row."""
    _, first = np.unique(exact_groups(texts) * len(texts) + exact_groups(labels), return_index=True)
    again = np.ones(len(texts), dtype=bool)
    again[first] = False
    return np.flatnonzero(again)


def check_usable(filled: Sequence[bool], labels: Sequence[str], *, where: str, read: str, label: str, test: bool) -> None:
    """Raises CallError where a table has no row with something to read, or none that has a label as well."""
    other = say("take [prepare] test out, or give a table with such rows", "去掉 [prepare] test，或换一张有这些内容的表")
    if not any(filled):
        raise CallError(say(f"Every text in {read!r} is empty.", f"{read!r} 列的文本全部为空。"),
                        other if test else say("name another text column: [prepare] text", "请换一个文本列：[prepare] text"), where=where)
    if not any(each and name for each, name in zip(filled, labels)):
        raise CallError(say(f"No row with a text has a label in {label!r}.", f"有文本的行在 {label!r} 列里都没有标签。"),
                        other if test else say("name another label column: [prepare] label", "请换一个标签列：[prepare] label"), where=where)


def check_sentences(texts: Sequence[str], *, where: str, text: str) -> None:
    """Raises CallError where the texts to learn from are numbers."""
    if any(texts) and all(each.replace(".", "").replace(",", "").replace("-", "").isdigit() for each in texts if each):
        raise CallError(say(f"The column {text!r} holds numbers where text is expected.", f"{text!r} 列里是数字，而这里需要文本。"),
                        say("name a column of sentences: [prepare] text; a column of numbers stands under columns", "请换成写有句子的列：[prepare] text；数字列写在 columns 下"), where=where)
