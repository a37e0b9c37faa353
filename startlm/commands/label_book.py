"""What one person has labelled so far, and what others have: the two tables of an inbox, and what is read off them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, UTC
from functools import cached_property
from typing import Iterable

import numpy as np

from ..core.appended import AppendedTable
from ..core.contracts import Figure
from ..metrics.agreement import confused_pairs, kappa
from .label_data import TEST, TRAIN, Inbox
from .label_pool import Pool


class Book:
    """`labels` hold one label a row and train; `opinions` are second labels for the same rows and only tell how far people agree."""

    def __init__(self, inbox: Inbox, labels: AppendedTable, opinions: AppendedTable, who: str) -> None:
        self.inbox, self.labels, self.opinions, self.who = inbox, labels, opinions, who
        self.held = frozenset(inbox.test)
        self._units: dict[int, list[int]] = {id(labels): [], id(opinions): []}  # how many labels each answer of this session gave

    # --- writing
    def give(self, rows: list[int], label: str, table: AppendedTable | None = None) -> None:
        """Write down one label for these rows; when this returns it is on disk."""
        table = table or self.labels
        now = datetime.now(UTC).isoformat(timespec="seconds")
        table.append(*((self.inbox.texts[row], label, self.who, now, str(row + 1), TEST if row in self.held else TRAIN) for row in rows))
        self._units[id(table)].append(len(rows))

    def undo(self, table: AppendedTable | None = None) -> list[tuple[int, str]]:
        """Take the last answer back, also one of an earlier session, but nobody else's: its rows and labels; nothing where there is none."""
        table = table or self.labels
        if not table.rows or table.rows[-1][2] != self.who:
            return []
        units = self._units[id(table)]
        return [(int(row[4]) - 1, row[1]) for row in table.take_back(units.pop() if units else 1)]

    # --- reading
    @property
    def names(self) -> list[str]:
        """The labels in the order in which they came up."""
        return list(dict.fromkeys(row[1] for table in (self.labels, self.opinions) for row in table.rows))

    @property
    def given(self) -> dict[int, str]:
        """The label of each labelled row."""
        return {int(row[4]) - 1: row[1] for row in self.labels.rows}

    @property
    def learnt(self) -> int:
        """How many labels a model may learn from."""
        return sum(row[5] == TRAIN for row in self.labels.rows)

    def of_others(self) -> list[int]:
        """The rows that somebody else labelled, in order."""
        return sorted({int(row[4]) - 1 for row in self.labels.rows if row[2] != self.who})

    def my_opinions(self) -> set[int]:
        return {int(row[4]) - 1 for row in self.opinions.rows if row[2] == self.who}

    def by_person(self) -> dict[str, int]:
        """How many labels each person gave, second opinions included."""
        return dict(Counter(row[2] for table in (self.labels, self.opinions) for row in table.rows))

    def can_train(self) -> bool:
        """Whether two labels have two messages each outside the random part."""
        return sum(count > 1 for count in Counter(row[1] for row in self.labels.rows if row[5] == TRAIN).values()) > 1

    def agreement(self) -> tuple[Figure, list[tuple[str, str, int]]] | None:
        """Kappa of labels and second opinions, and the labels that are confused; None without second opinions."""
        given = self.given
        pairs = [(given[row], label) for row, label in ((int(each[4]) - 1, each[1]) for each in self.opinions.rows) if row in given]
        if not pairs:
            return None
        first, second = zip(*pairs)
        return kappa(first, second), confused_pairs(first, second)

    # --- for a model
    @cached_property
    def pool(self) -> Pool:
        return Pool([self.inbox.cleaned[row] for row in self.inbox.pool])

    def in_pool(self, rows: Iterable[int]) -> np.ndarray:
        """int64: the numbers of these rows in the pool."""
        return np.searchsorted(self.inbox.pool, np.array(list(rows), dtype=np.int64))

    def examples(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """The labelled messages of a part: their numbers in the pool and those of their labels, int64; labels that train knows come first."""
        order = dict.fromkeys([*(row[1] for row in self.labels.rows if row[5] == TRAIN), *self.names])
        number = {name: i for i, name in enumerate(order)}
        rows = [row for row in self.labels.rows if row[5] == part]
        return self.in_pool(int(row[4]) - 1 for row in rows), np.array([number[row[1]] for row in rows], dtype=np.int64)
