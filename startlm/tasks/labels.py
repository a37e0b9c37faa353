"""What a classifier learns: the label column of a table, brought into one spelling, its slips found, its labels numbered."""

from __future__ import annotations

from collections import Counter
from typing import Any, Mapping, Sequence

import numpy as np

from ..columns import as_text
from ..columns.category import Category, similar_labels
from ..columns.ordered import check_order
from ..core.errors import CallError
from ..core.findings import Find
from ..core.language import say


class Labels:
    """The labels of rows, as text; `names` are those that the rows that learn show, `unseen` those that only the test part knows."""

    empty_setting = ""  # the line for startlm.toml by which an empty cell means something else

    def __init__(self, settings: Any) -> None:
        """settings: label, label_order, label_typos, label_once of [prepare]."""
        self.settings = settings
        self.names: list[str] = []
        self.unseen: list[str] = []
        self.order: list[str] | None = None

    def read(self, values: Sequence[Any]) -> tuple[list[str], list[int]]:
        """Each label in one spelling, "" where there is none; no cell is bad."""
        written = [as_text(value) for value in values]
        spelt = {label: Category.clean(label) for label in set(written)}
        return [spelt[label] for label in written], []

    def find(self, labels: list[str], held_out: np.ndarray, find: Find, *, where: str) -> tuple[list[str], np.ndarray]:
        """The labels, slips merged where that is asked for, and bool (N,): the rows to drop. Raises CallError where nothing can be learnt."""
        learn = [i for i in range(len(labels)) if not held_out[i]]
        counts = Counter(labels[i] for i in learn)
        self.check(labels, learn, where=where)
        merge, keep = self.settings.label_typos == "merge", self.settings.label_once == "keep"
        for rare, common, why in similar_labels(counts):
            rows = [i for i, label in enumerate(labels) if label == rare]
            find("label_typos", rows, f"Rows with the label {rare!r}, which looks like {common!r} misspelt ({why.en}), {'merged' if merge else 'left as it is'}",
                 f"的标签是 {rare!r}，像是 {common!r} 写错了（{why.zh}）：{'已合并' if merge else '保持原样'}", 'label_typos = "report"' if merge else 'label_typos = "merge"')
            if merge:
                labels = [common if label == rare else label for label in labels]
                counts[common] += counts.pop(rare, 0)
        once = [i for i in learn if counts[labels[i]] == 1]
        find("label_once", once, f"Rows whose label is seen once{': it can be learnt from, not measured' if keep else ' (dropped)'}",
             f"的标签只出现一次：{'可以学，但无法衡量' if keep else '已丢弃'}", f'label_once = "{"drop" if keep else "keep"}"')
        return labels, np.isin(np.arange(len(labels)), [] if keep else once)

    def check(self, labels: Sequence[str], learn: Sequence[int], *, where: str) -> None:
        """Raises CallError where there are not two labels with two rows each."""
        counts, named = Counter(labels[i] for i in learn), self.settings.label
        other = say(f"name another label column: [prepare] label (now {named!r})", f"请换一个标签列：[prepare] label（现在是 {named!r}）")
        if len(counts) < 2:
            only = next(iter(counts), "")
            raise CallError(say(f"There is only one label ({only!r}): nothing to tell apart.", f"只有一个标签（{only!r}）：没有可区分的内容。"), other, where=where)
        if sum(count >= 2 for count in counts.values()) < 2:
            raise CallError(say("Fewer than two labels have two rows or more: nothing can be learnt and tested.", "至少要有两个标签各有两行以上，否则无法学习和测试。"),
                            say(f"add rows, or {other.en}", f"请增加数据，或{other.zh.removeprefix('请')}"), where=where)

    def number(self, labels: Sequence[str], learn: np.ndarray, find: Find) -> np.ndarray:
        """int32 (N,): numbers from the rows that learn; labels that only the test part knows come after them. Raises CallError for an order of other labels."""
        self.names = sorted({labels[i] for i in learn})
        self.unseen = sorted(set(labels) - set(self.names))
        numbers = {label: number for number, label in enumerate([*self.names, *self.unseen])}
        if self.settings.label_order:
            self.order = check_order(self.settings.label_order, list(numbers), where="[prepare] label_order")
        number = np.array([numbers[label] for label in labels], dtype=np.int32)
        find("unseen_labels", np.flatnonzero(number >= len(self.names)),
             "Test rows with a label that train never shows, counted as wrong unless it means out of scope", "测试数据的标签在训练中没有出现过：一律算错，表示超出范围的除外")
        return number

    def names_of(self, labels: Sequence[str]) -> Sequence[str]:
        """What a column may give away: the labels themselves."""
        return labels

    def columns(self, labels: Sequence[str]) -> dict[str, Any]:
        """What examples.arrow has beside the label's number: nothing."""
        return {}

    def meta(self, labels: Sequence[str], learn: np.ndarray) -> Mapping[str, Any]:
        """What meta.json says of the labels."""
        return {"labels": self.names, "unseen_labels": self.unseen, "order": self.order}
