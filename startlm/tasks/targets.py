"""What a model of numbers learns: the target column of a table, read as numbers, its scale fitted on the rows that learn."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import numpy as np

from ..columns import as_text
from ..columns.target import Target
from ..core.errors import CallError
from ..core.findings import Find
from ..core.language import say

BINS = 10  # of the target: parts and folds are drawn in proportion from each


class Targets:
    """The targets of rows, as text (so that equal ones are known by it); "" where there is none."""

    names: tuple[str, ...] = ()  # no labels
    empty_setting = ""

    def __init__(self, settings: Any) -> None:
        """settings: label of [prepare], which names the column."""
        self.settings = settings

    def read(self, values: Sequence[Any]) -> tuple[list[str], list[int]]:
        """Each target as text, "" where it is missing; the positions of what is no number, or an infinite one."""
        numbers, bad = Target.read(values)
        return ["" if np.isnan(number) else repr(number) for number in numbers.tolist()], bad

    def find(self, labels: list[str], held_out: np.ndarray, find: Find, *, where: str) -> tuple[list[str], np.ndarray]:
        """The targets as they are: no number is a slip of another. Raises CallError where nothing can be learnt."""
        self.check(labels, [i for i in range(len(labels)) if not held_out[i]], where=where)
        return labels, np.zeros(len(labels), dtype=bool)

    def check(self, labels: Sequence[str], learn: Sequence[int], *, where: str) -> None:
        """Raises CallError where there are not two different numbers."""
        different = {labels[i] for i in learn}
        if len(different) < 2:
            only = as_text(float(next(iter(different)))) if different else ""
            raise CallError(say(f"The target is the same in every row ({only}): nothing to learn.", f"每一行的目标值都一样（{only}）：没有可学的内容。"),
                            say(f"name another column: [prepare] label (now {self.settings.label!r})", f"请换一列：[prepare] label（现在是 {self.settings.label!r}）"), where=where)

    def number(self, labels: Sequence[str], learn: np.ndarray, find: Find) -> np.ndarray:
        """int32 (N,): the bin of each target, by quantiles of the rows that learn."""
        numbers = np.array([float(label) for label in labels])
        return Target.fit(numbers[learn]).bins(numbers, BINS).astype(np.int32)

    def names_of(self, labels: Sequence[str]) -> Sequence[str]:
        """What a column may give away: in which of the bins a target lies."""
        return [str(number) for number in self.number(labels, np.arange(len(labels)), lambda *_: None)]

    def columns(self, labels: Sequence[str]) -> dict[str, Any]:
        """What examples.arrow has beside the bin: the target, float64."""
        return {"target": [float(label) for label in labels]}

    def meta(self, labels: Sequence[str], learn: np.ndarray) -> Mapping[str, Any]:
        """What meta.json says of the target."""
        fitted = Target.fit(np.array([float(labels[i]) for i in learn]))
        return {"labels": [], "unseen_labels": [], "target": fitted.state(), "target_said": fitted.said and fitted.said._asdict()}
