"""The real sets: where their rows lie, and how they are cut into folds. Names and sizes of sets stand here, never in the product."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

import numpy as np

from startlm.columns.cleaning import clean_texts
from startlm.core.near_duplicates import groups, leaks, near_pairs
from startlm.core.parts import folds_of

DATA = Path(os.environ.get("STARTLM_DATA") or Path(__file__).resolve().parents[1] / ".." / "shared" / "data")
FOLDS = 5


@dataclass(frozen=True)
class Set:
    """One set: a file a part, the two columns, and the label that is left out of every part (out of scope)."""

    train: str
    text: str
    label: str
    dev: str = ""
    test: str = ""
    left_out: str = ""
    chinese: bool = False
    leaks: bool = False  # its train file is known to hold test rows: also judged clean


SETS = {
    "banking77": Set("banking77/train.csv", "text", "category", test="banking77/test.csv"),
    "clinc150": Set("clinc150/train.csv", "text", "intent", "clinc150/dev.csv", "clinc150/test.csv", left_out="oos"),
    "thucnews-title": Set("thucnews-title/train.csv", "text", "label", "thucnews-title/dev.csv", "thucnews-title/test.csv", chinese=True, leaks=True),
    "chnsenticorp": Set("chnsenticorp/train.csv", "text", "label", "chnsenticorp/dev.csv", "chnsenticorp/test.csv", chinese=True, leaks=True),
    "waimai-10k": Set("waimai-10k/reviews.csv", "review", "label", chinese=True),
    "hint3-sofmattress": Set("hint3-sofmattress/train.csv", "text", "intent", test="hint3-sofmattress/test.csv", left_out="NO_NODES_DETECTED"),
}

BESIDE_ONE = ("banking77", "hint3-sofmattress", "thucnews-title")  # sets on which the ladder is measured beside one kind of model alone
LABELLING = ("banking77", "thucnews-title", "hint3-sofmattress")  # sets on which the order of `startlm label` is measured

@dataclass(frozen=True)
class Rows:
    """Texts with their labels, as read."""

    texts: list[str]
    labels: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    def __add__(self, other: Rows) -> Rows:
        return Rows(self.texts + other.texts, self.labels + other.labels)

    def take(self, rows: Sequence[int] | np.ndarray) -> Rows:
        return Rows([self.texts[i] for i in rows], [self.labels[i] for i in rows])

    def records(self, part: str) -> list[dict[str, str]]:
        """As a list of dicts with the part they are given to: what `prepare_examples` takes."""
        return [{"text": text, "label": label, "part": part} for text, label in zip(self.texts, self.labels, strict=True)]


NONE = Rows([], [])


def load(name: str, part: str) -> Rows:
    """The rows of a part (train, dev, test); no rows where the set has no such file. FileNotFoundError where the data is not there."""
    chosen = SETS[name]
    file = getattr(chosen, part)
    if not file:
        return NONE
    with (DATA / file).open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row[chosen.label] != chosen.left_out]
    return Rows([row[chosen.text] for row in rows], [row[chosen.label] for row in rows])


def near_groups(rows: Rows) -> np.ndarray:
    """int64 (N,): equal or near rows (after cleaning) share a number."""
    return groups(len(rows), near_pairs(clean_texts(rows.texts)))


def folds(labels: Sequence[str], group: np.ndarray, count: int = FOLDS, seed: int = 0) -> np.ndarray:
    """int64 (N,): the fold of each row; stratified by label, groups whole."""
    return folds_of(np.unique(labels, return_inverse=True)[1].astype(np.int64), group, count, seed)


def leaking(train: Rows, test: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the train rows and of the test rows that are equal or near to one on the other side."""
    found = leaks(clean_texts(train.texts), clean_texts(test.texts))
    pairs = [(source, target) for target, source, *_ in (*found.exact, *found.near)]
    return np.unique([source for source, _ in pairs]).astype(np.int64), np.unique([target for _, target in pairs]).astype(np.int64)


def without(rows: Rows, positions: np.ndarray) -> Rows:
    """The rows that do not stand at these positions."""
    return rows.take(np.setdiff1d(np.arange(len(rows)), positions))


def few(rows: Rows, count: int, seed: int = 0) -> Rows:
    """`count` rows drawn by seed (all of them where there are no more)."""
    return rows.take(np.sort(np.random.default_rng(seed).permutation(len(rows))[:count]))
