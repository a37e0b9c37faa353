"""Rows on their way from tables to examples: read, cleaned, compared with each other, given their parts, written down."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generator, Iterable, Iterator, Sequence

import numpy as np

from ..columns import as_text, guess_kind, kind_said
from ..columns.cleaned import clean_rows
from ..columns.cleaning import CleanSettings
from ..columns.encoded import ColumnEncoder, find_habits, find_untelling, parse_columns, read_cells
from ..columns.roles import check_kind
from ..columns.splits import Split
from ..core.artifacts import PARTS
from ..core.contracts import BadRow, Facts, Progress
from ..core.examples_folder import cell_column, row_keys, write_examples
from ..core.findings import Finding, check_sentences, check_usable, contradictions, findings_csv, leaks_json, repeats, stopped_by
from ..core.language import say
from ..core.near_duplicates import equal_pairs, groups as near_groups, leak_steps, near_steps
from ..core.parts import TEST, TRAIN
from ..core.scripts import languages_of
from ..core.shelves import look_up
from ..formats.rows import Rows, rejects_csv
from . import LEARNT
from .give_aways import find_give_aways
from .label_sets import holds_sets

CHOICES = {"keep": say("kept", "保留"), "drop": say("dropped", "丢弃")}


class Preparing:
    """The rows on their way from the table to examples.arrow; each method does one part."""

    def __init__(self, rows: Rows, settings: Any, clean: CleanSettings, task: str) -> None:
        self.rows, self.settings, self.cleaning, self.where = rows, settings, clean, rows.bounds[0][0]
        self.task = "classify_several" if holds_sets(task, settings, rows.column(settings.label)) else task
        self.kinds = self._kinds()
        used = {*settings.text, *self.kinds, settings.label, settings.split_column, settings.group_column, settings.time_column}
        self.unused = [name for name in rows.columns if name not in used]
        self.learnt = look_up(LEARNT, self.task, say("task", "任务"))(settings)
        self.findings: list[Finding] = []
        self.parts = Split(settings, rows, self.findings)
        self.leaks: dict[str, Any] = {}

    def _kinds(self) -> dict[str, str]:
        """The kind of each column that is read beside the text, as told or as its values look."""
        told = parse_columns(self.settings.columns, self.rows.columns)
        return {name: kind or guess_kind(self.rows.column(name), name)[0] for name, kind in told.items()}

    def find(self, kind: str, positions: Sequence[int] | np.ndarray, en: str, zh: str, setting: str = "") -> None:
        """Count one kind of row; `positions` are those of the rows as read (0 is the first)."""
        if len(positions):
            self.findings.append(self.places.finding(kind, positions, say(en, zh), setting))

    def _find_kept(self, kind: str, at: Sequence[int] | np.ndarray, en: str, zh: str, setting: str = "") -> None:
        """The same for rows counted among those that are kept."""
        self.find(kind, self.kept[np.asarray(at, dtype=np.int64)], en, zh, setting)

    def read_cells(self) -> None:
        """Read the label and the columns beside the text; rows in which one is not what its column holds go to the rejects."""
        label = self.settings.label or ""
        columns = {name: self.rows.column(name) for name in self.kinds}
        self.habits = find_habits(self.kinds, columns)
        self.cells, bad = read_cells(self.kinds, columns, self.habits)
        labels, wrong = self.learnt.read(self.rows.column(label))
        kinds = {**self.kinds, label: "number"}
        bad |= {label: wrong} if wrong else {}
        for name, at in bad.items() if self.settings.bad_rows == "stop" else ():
            check_kind(name, kinds[name], self.rows.column(name), at, is_label=name == label, where=self.where)
        found = {i: _bad_cell(self.rows, i, name, kinds[name]) for name, at in bad.items() for i in at}
        keep = self.rows.reject(found)
        self.cells = {name: values[keep] for name, values in self.cells.items()}
        self.label = [each for each, kept in zip(labels, keep) if kept]
        self.places = self.rows.places

    def clean_rows(self) -> None:
        settings, columns = self.settings, {name: self.rows.column(name) for name in self.settings.text}
        self.cleaned = clean_rows(columns, len(self.rows.line), self.cleaning, self.places)
        texts, labels = self.cleaned.texts, self.label
        filled = [True] * len(texts) if self.kinds else [bool(text) for text in texts]  # a row without a text may have other columns
        for where, start, end in self.rows.bounds:
            check_usable(filled[start:end], labels[start:end], where=where, read=", ".join((*settings.text, *self.kinds)), label=settings.label or "", test=start > 0)
        check_sentences(texts[:self.rows.bounds[0][2]], where=self.where, text=", ".join(settings.text))
        stop = settings.empty == "stop"
        self.find("empty", [i for i, each in enumerate(filled) if not each], f"Rows without a text{'' if stop else ', left out'}", f"没有文本{'' if stop else '：已略去'}", 'empty = "stop"')
        if stop and self.findings:
            raise stopped_by(self.findings, 'empty = "drop"', where=self.where)
        self.unlabelled = np.array([i for i, label in enumerate(labels) if not label and filled[i]], dtype=np.int64)
        self.find("unlabelled", self.unlabelled, "Rows without a label, kept aside, never guessed", "没有标签：放在一边，不猜测", self.learnt.empty_setting)
        self.findings += self.cleaned.findings + find_untelling(self.cells)
        self.kept, self.text, self.values = np.arange(len(texts)), texts, self.cleaned.values
        self.key = row_keys(self.values, self.cells)
        self.leaking = np.zeros(len(texts), dtype=bool)
        self._keep(np.array([bool(each and label) for each, label in zip(filled, labels)]))

    # --- what the rows are like, and which part each goes to
    def split(self) -> Iterator[Progress]:
        """Give each row its part, with signs of life from the long comparison."""
        given = self.parts.given(self.kept)
        held_out = given == TEST
        self.label, drop = self.learnt.find(self.label, held_out, self._find_kept, where=self.where)
        learn = np.flatnonzero(~held_out)
        self._find_give_aways(learn)
        self.rows.forget([*self.unused, self.settings.label])
        keys, labels = [self.key[i] for i in learn], [self.label[i] for i in learn]
        for kind, positions, en, zh in (
            ("duplicates", repeats(keys, labels), "Rows that repeat an earlier row", "与前面某行完全相同"),
            ("contradictions", contradictions(keys, labels), "Rows with the same text and different labels", "文本相同而标签不同"),
        ):
            choice = getattr(self.settings, kind)
            self._find_kept(kind, learn[positions], f"{en} ({CHOICES[choice].en})", f"{zh}，{CHOICES[choice].zh}", f'{kind} = "{"keep" if choice == "drop" else "drop"}"')
            if choice == "drop":
                drop[learn[positions]] = True
        if held_out.any():
            yield from self._find_leaks(learn, np.flatnonzero(held_out), drop)
        self._keep(~drop)
        given, learn = given[~drop], np.flatnonzero(given[~drop] != TEST)
        self.learnt.check(self.label, learn, where=self.where)
        self.number = self.learnt.number(self.label, learn, self._find_kept)
        self.group = yield from self._groups(learn)
        self.part, self.crossfit = self.parts.draw(self.kept, self.number, self.group, given)

    def _groups(self, learn: np.ndarray) -> Generator[Progress, None, np.ndarray]:
        """int64 (N,): rows that are equal or nearly so share a number. From the rows that learn only, so that a given test part can
        change no weight; from values, without the columns' names; numbers are near only where they are equal."""
        group = np.arange(len(self.text), dtype=np.int64)
        if self.settings.text:
            pairs = yield from near_steps([self.values[i] for i in learn])
        else:
            pairs = equal_pairs([self.key[i] for i in learn])
        near = np.unique(pairs.rows[:, 1])
        group[learn] = learn[near_groups(len(learn), self.parts.link(pairs, self.kept, learn))]
        self._find_kept("near_duplicates", learn[near], "Rows equal or nearly equal to an earlier one, kept together in one part", "与前面某行相同或几乎相同：放在同一部分")
        return group

    def _keep(self, keep: np.ndarray) -> None:
        self.kept, self.leaking = self.kept[keep], self.leaking[keep]
        self.text, self.values, self.label, self.key = ([each for each, kept in zip(column, keep) if kept] for column in (self.text, self.values, self.label, self.key))
        self.cells = {name: values[keep] for name, values in self.cells.items()}

    def _find_give_aways(self, learn: np.ndarray) -> None:
        at = self.kept[learn]
        texts = {name: [values[i] for i in at] for name, values in self.cleaned.columns.items()}
        columns = {"unused": self._raw(self.unused, at), "beside": self._raw(self.kinds, at), "text": texts}
        found = find_give_aways(self.places, at, columns, self.learnt.names_of([self.label[i] for i in learn]))
        if found and self.settings.give_aways == "stop":
            raise stopped_by(found, 'give_aways = "report"', where=self.where)
        self.findings += found

    def _raw(self, names: Iterable[str], at: np.ndarray) -> dict[str, list[Any]]:
        """These columns as read, at these positions."""
        columns = {name: self.rows.column(name) for name in names}
        return {name: [values[i] for i in at] for name, values in columns.items()}

    def _find_leaks(self, learn: np.ndarray, held: np.ndarray, drop: np.ndarray) -> Iterator[Progress]:
        compared, threshold = (self.values, 0.9) if self.settings.text else (self.key, None)
        found = yield from leak_steps([compared[i] for i in learn], [compared[i] for i in held], threshold)
        self.leaking[held[[test for test, _ in found.pairs]]] = True
        self.leaks = leaks_json(found, self.places, self.kept[held], self.kept[learn]) | {"handled": self.settings.leaks}
        dropped = self.settings.leaks == "drop_train"
        self.find("leaks", self.kept[self.leaking], f"Test rows equal or nearly equal to a train row, {'which is dropped from train' if dropped else 'reported'}",
                  f"测试数据与训练数据相同或几乎相同：{'已从训练中去掉' if dropped else '仅报告'}", f'leaks = "{"report" if dropped else "drop_train"}"')
        if dropped:
            drop[learn[[train for _, train in found.pairs]]] = True

    # --- on disk
    def write(self, target: Path, fingerprint: str) -> None:
        languages = languages_of(self.values)
        single = len(self.settings.text) == 1
        raw = [self.cleaned.raw[name] for name in self.settings.text]
        columns = self._placed(self.kept) | {
            "text": self.text, "original": [None if single and raw[0][i] == text else [values[i] for values in raw] for i, text in zip(self.kept, self.text)],
            "spans": [self.cleaned.spans.get(int(i)) for i in self.kept], "label": self.number, "part": self.part, "language": languages,
            "group": self.group, "leaks": self.leaking, **self.learnt.columns(self.label), **{cell_column(name): values for name, values in self.cells.items()},
        }
        unlabelled = self._placed(self.unlabelled) | {"text": [self.cleaned.texts[i] for i in self.unlabelled]}
        files = {"findings.csv": findings_csv(self.findings, self.places)} | ({"rejects.csv": rejects_csv(self.rows.bad)} if self.rows.bad else {})
        write_examples(target, columns, unlabelled, meta=self._meta(fingerprint, languages), files=files)

    def _placed(self, positions: np.ndarray) -> dict[str, Any]:
        file, row = self.places.at(positions)
        return {"row": row, "line": [self.rows.line[i] for i in positions], "file": file}

    def _meta(self, fingerprint: str, languages: list[Any]) -> dict[str, Any]:
        learn = np.flatnonzero(self.part != TEST)
        train = learn if self.crossfit else np.flatnonzero(self.part == TRAIN)
        encoder = ColumnEncoder.fit(self.kinds, {name: values[train] for name, values in self.cells.items()}, self.habits)
        lengths = np.array([len(self.text[i]) for i in learn])
        facts = Facts(rows=len(learn), labels=len(self.learnt.names) or 1, mean_length=float(lengths.mean()), length_99=int(np.quantile(lengths, 0.99)),
                      chinese=float(np.mean([languages[i] in ("zh", "mixed") for i in learn])), text=bool(self.settings.text), features=encoder.width,
                      numeric=not self.learnt.names, several=self.task == "classify_several")
        counts = {name: int(np.sum(self.part == number)) for number, name in enumerate(PARTS)}
        tested = hashlib.sha256()
        for number, i in enumerate(np.flatnonzero(self.part == TEST)):
            tested.update(f"{chr(10) * (number > 0)}{self.label[i]}\t{self.key[i]}".encode("utf-8", "surrogatepass"))
        return {
            "fingerprint": fingerprint, "test_fingerprint": tested.hexdigest(), "task": self.task, "text": list(self.settings.text),
            "kinds": self.kinds, "columns": encoder.state(), "label": self.settings.label, **self.learnt.meta(self.label, train), "rows_read": len(self.rows.line), "rejected": len(self.rows.bad), "unlabelled": len(self.unlabelled),
            "files": list(self.places.names), "group_column": self.settings.group_column, "time_column": self.settings.time_column, "unused": self.unused, "parts": counts, "crossfit": self.crossfit,
            "cleaning": asdict(self.cleaning), "languages": {name: languages.count(name) for name in ("zh", "en", "mixed", "other")},
            "findings": [finding.as_json() for finding in self.findings], "leaks": self.leaks, "facts": asdict(facts),
        }


def _bad_cell(rows: Rows, position: int, column: str, kind: str) -> BadRow:
    """What is said of a cell that is not of its column's kind."""
    said = kind_said(kind)
    return BadRow(rows.line[position], column, as_text(rows.column(column)[position]), f"not_{kind}", say(f"no {said.en}", f"不是{said.zh}"), 'bad_rows = "skip"')
