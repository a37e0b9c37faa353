"""What a classifier of several labels a row learns: the cells of the label column as sets of names, in one spelling, numbered."""

from __future__ import annotations

from collections import Counter
from typing import Any, Mapping, Sequence

import numpy as np

from ..columns import SAMPLE, as_text
from ..columns.category import Category, similar_labels
from ..columns.several import find_several
from ..core.errors import CallError
from ..core.findings import Find
from ..core.label_sets import is_list, joined, packed, split_cell, unpacked
from ..core.language import say

SHOWN = 5  # labels in a sentence
OFTEN = 10  # rows that a combination needs to be a stratum of its own: else the row goes with its rarest label


def holds_sets(task: str, settings: Any, values: Sequence[Any]) -> bool:
    """Whether a classifier's label column holds several labels a row: by its setting, or because every cell is a list.

    Raises CallError for a separator or an order where a number is told, for an order of sets, and where an empty cell is to mean none of several labels that no row has.
    """
    if task != "classify":
        for name in ("label_separator", "label_order"):
            if getattr(settings, name):
                raise CallError(say(f"{name} is for labels, and the task is {task}.", f"{name} 用于标签，而任务是 {task}。"),
                                say('take it out of [prepare], or write task = "classify"', '请从 [prepare] 中去掉它，或写 task = "classify"'))
        return _one_label(settings)
    texts = (text for value in values if (text := as_text(value).strip()))
    several = settings.label_separator is not None or is_list(next(texts, "")) and all(map(is_list, texts))
    if several and settings.label_order:
        raise CallError(say("label_order is for one label a row.", "label_order 用于每行一个标签的情形。"), say("take it, or label_separator, out of [prepare]", "请从 [prepare] 中去掉它，或去掉 label_separator"))
    return several or _one_label(settings)


def _one_label(settings: Any) -> bool:
    """False, once it is sure that no setting asks for several labels."""
    if settings.empty_label == "none":
        raise CallError(say('empty_label = "none" is for several labels a row.', 'empty_label = "none" 用于每行多个标签的情形。'),
                        say("take it out of [prepare]; or write the label_separator, or a label of its own in these cells", "请从 [prepare] 中去掉它；或写 label_separator，或在这些单元格里写上一个标签"))
    return False


def _cuts_nothing(settings: Any, cells: Sequence[Any], where: str) -> CallError:
    """The refusal of a separator that stands in no cell, with the one that does."""
    separator, found = settings.label_separator, find_several(cells[:: max(1, len(cells) // SAMPLE)])
    if found is None or found.separator is None:
        hint = say("write what stands between the labels, or take label_separator out of [prepare] where a row has one label",
                   "请写标签之间实际使用的分隔符；如果每行只有一个标签，请去掉 [prepare] label_separator")
    else:
        hint = say(f"the cells are cut by {found.separator!r}: label_separator = \"{found.separator}\"", f"单元格里的分隔符看起来是 {found.separator!r}：label_separator = \"{found.separator}\"")
    return CallError(say(f"No cell of {settings.label!r} holds more than one label with {separator!r} between them.", f"{settings.label!r} 列没有一个单元格含有以 {separator!r} 分隔的多个标签。"), hint, where=where)


def _find_other_separator(sets: Sequence[Sequence[str]], find: Find) -> None:
    """Rows whose labels are cut once more by something that looks like a second separator."""
    other = find_several([name for names in sets[:: max(1, len(sets) // SAMPLE)] for name in names])
    if other is not None and other.separator is not None:
        rows = [i for i, names in enumerate(sets) if any(len(split_cell(name, other.separator)) > 1 for name in names)]
        find("label_separator", rows, f"Rows with a label that holds {other.separator!r}, which looks like a second separator; one label it stays: write the same separator in all rows",
             f"有标签含 {other.separator!r}，像是另一种分隔符（仍算一个标签）：请统一分隔符")


class LabelSets:
    """The labels of rows, each row's as one text (`core.label_sets.packed`); `names` and `unseen` as those of Labels."""

    empty_setting = 'empty_label = "none"'

    def __init__(self, settings: Any) -> None:
        """settings: label, label_separator, empty_label, label_typos, label_once of [prepare]."""
        self.settings = settings
        self.names: list[str] = []
        self.unseen: list[str] = []
        self.uncut: Sequence[Any] = ()  # the cells, where the separator cuts none of them

    def read(self, values: Sequence[Any]) -> tuple[list[str], list[int]]:
        """Each row's labels as one text, "" where the row has none and that means that nobody looked; no cell is bad."""
        cells = {text: split_cell(text, self.settings.label_separator) for text in {as_text(value) for value in values}}
        spelt = {name: Category.clean(name) for names in cells.values() for name in names}
        empty = packed(()) if self.settings.empty_label == "none" else ""
        labels = {text: packed(found) if (found := [spelt[name] for name in names if spelt[name]]) else empty for text, names in cells.items()}
        self.uncut = values if self.settings.label_separator and all(len(names) < 2 for names in cells.values()) else ()
        return [labels[as_text(value)] for value in values], []

    def find(self, labels: list[str], held_out: np.ndarray, find: Find, *, where: str) -> tuple[list[str], np.ndarray]:
        """The labels, slips merged where that is asked for, and bool (N,): the rows to drop.

        Raises CallError where nothing can be learnt, and where the separator cuts no cell.
        """
        if len(self.uncut):
            raise _cuts_nothing(self.settings, self.uncut, where)
        self.check(labels, np.flatnonzero(~held_out).tolist(), where=where)
        sets = [unpacked(label) for label in labels]
        counts = Counter(name for i in np.flatnonzero(~held_out) for name in sets[i])
        find("label_none", [i for i, names in enumerate(sets) if not names], "Rows with none of the labels, learnt as such", "一个标签也没有：照此学习", 'empty_label = "unlabelled"')
        _find_other_separator(sets, find)
        merge, keep = self.settings.label_typos == "merge", self.settings.label_once == "keep"
        for rare, common, why in similar_labels(counts):
            rows = [i for i, names in enumerate(sets) if rare in names]
            find("label_typos", rows, f"Rows with the label {rare!r}, which looks like {common!r} misspelt ({why.en}), {'merged' if merge else 'left as it is'}",
                 f"有标签 {rare!r}，像是 {common!r} 写错了（{why.zh}）：{'已合并' if merge else '保持原样'}", 'label_typos = "report"' if merge else 'label_typos = "merge"')
            if merge:
                for i in rows:
                    sets[i] = [common if name == rare else name for name in sets[i]]
                counts[common] += counts.pop(rare, 0)
        once = [i for i in np.flatnonzero(~held_out) if any(counts[name] == 1 for name in sets[i])]
        rare = [name for name, count in counts.items() if count == 1]
        named = ", ".join(rare[:SHOWN]) + (" …" if len(rare) > SHOWN else "")
        find("label_once", once, f"Rows with a label that is seen once ({named}){': it can be learnt from, not measured' if keep else ', dropped'}",
             f"有一个标签只出现一次（{named}）：{'可以学，但无法衡量' if keep else '已丢弃'}", f'label_once = "{"drop" if keep else "keep"}"')
        return [packed(names) for names in sets], np.isin(np.arange(len(labels)), [] if keep else once)

    def check(self, labels: Sequence[str], learn: Sequence[int], *, where: str) -> None:
        """Raises CallError where there are not two labels that some rows have and others lack."""
        counts, named = Counter(name for i in learn for name in unpacked(labels[i])), self.settings.label
        usable = sum(2 <= count < len(learn) for count in counts.values())
        if len(counts) < 2 or not usable:
            raise CallError(say(f"The label column {named!r} has {len(counts)} label(s), of which {usable} stand in two rows or more and are lacking in others: nothing can be learnt and tested.",
                                f"标签列 {named!r} 里有 {len(counts)} 个标签，其中 {usable} 个在两行以上出现、又不是每行都有：无法学习和测试。"),
                            say('add rows, or take label_separator out of [prepare] where a row has one label',
                                '请增加数据；如果每行只有一个标签，请去掉 [prepare] label_separator'), where=where)

    def number(self, labels: Sequence[str], learn: np.ndarray, find: Find) -> np.ndarray:
        """int32 (N,): the stratum of each row, by which parts and folds are drawn: its combination where that is frequent, else its rarest label."""
        sets = [unpacked(label) for label in labels]
        self.names = sorted({name for i in learn for name in sets[i]})
        self.unseen = sorted({name for names in sets for name in names} - set(self.names))
        unseen = set(self.unseen)
        find("unseen_labels", [i for i, names in enumerate(sets) if unseen.intersection(names)],
             "Test rows with a label that train never shows, which is always missed", "测试数据有训练中没有出现过的标签：这个标签一律算漏掉")
        # of the rows that learn alone: a given test part can change no fold
        combinations, counts = Counter(labels[i] for i in learn), Counter(name for i in learn for name in sets[i])
        strata = [label if combinations[label] >= OFTEN or not names else min(names, key=lambda name: (counts[name], name)) for label, names in zip(labels, sets)]
        return np.unique(np.array(strata, dtype=object), return_inverse=True)[1].astype(np.int32)

    def names_of(self, labels: Sequence[str]) -> Sequence[str]:
        """What a column may give away: the combination of labels."""
        return [joined(unpacked(label), self.settings.label_separator) for label in labels]

    def columns(self, labels: Sequence[str]) -> dict[str, Any]:
        """What examples.arrow has beside the stratum: the numbers of each row's labels; those that only the test part knows come last."""
        numbers = {name: number for number, name in enumerate([*self.names, *self.unseen])}
        return {"labels": [sorted(numbers[name] for name in unpacked(label)) for label in labels]}

    def meta(self, labels: Sequence[str], learn: np.ndarray) -> Mapping[str, Any]:
        """What meta.json says of the labels."""
        return {"labels": self.names, "unseen_labels": self.unseen, "separator": self.settings.label_separator}
