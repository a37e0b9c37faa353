"""`startlm compare` where a cell holds several labels: the cells of all files as sets, whoever wrote them how."""

from __future__ import annotations

from typing import Collection, Sequence

import numpy as np

from ..columns.several import SEPARATORS, find_several
from ..core.label_sets import is_list, list_in, multi_hot, split_cell
from ..metrics.label_sets import JudgedSets, micro_f1, micro_f1_gain
from ..metrics.pairwise import Errors, every_two
from .matching import Answers
from .verdicts import Contest


def sets_of(answers: Sequence[Answers], true: Answers, separator: str | None) -> list[list[list[str]]] | None:
    """The labels in each cell, of each file and then of the truth, by the separator that is told or that the truth shows; None where cells are single labels."""
    found = find_several(true.values) if separator is None else None
    if separator is None and found is None:
        return None
    separator = separator or (found.separator if found else None)
    truth = _cells(true.values, separator)
    names = {name for cell in truth for name in cell}
    return [*(_cells(each.values, separator or _separator_of(each.values, names)) for each in answers), truth]


def _cells(values: Sequence[str], separator: str | None) -> list[list[str]]:
    return [list_in(cell) if is_list(cell) else split_cell(cell, separator) for cell in values]


def _separator_of(values: Sequence[str], names: Collection[str]) -> str | None:
    """What stands between the labels of a file's cells, where the truth holds lists of these names; None where nothing makes more cells known."""
    def known(separator: str | None) -> int:
        return sum(all(name in names for name in cell) for cell in _cells(values, separator))

    return max((None, *SEPARATORS), key=known)


def contest_of_sets(named: Sequence[tuple[str, str]], sets: Sequence[Sequence[Sequence[str]]], against_first: bool) -> Contest:
    """Each file's sets and the truth's, judged: a row is right where all of its labels are; micro F1 beside."""
    labels = sorted({name for column in sets for cell in column for name in cell})
    numbers = {name: number for number, name in enumerate(labels)}
    *given, truth = (multi_hot([[numbers[name] for name in cell] for cell in column], len(labels)) for column in sets)
    judged = [JudgedSets(truth, each) for each in given]
    wrong = np.array([~each.exact for each in judged], dtype=bool).reshape(len(judged), -1)
    gains = [micro_f1_gain(judged[a], judged[b]) for a, b in every_two(len(judged), against_first=against_first)]
    return Contest(named, Errors(wrong), against_first, tuple(labels), "micro_f1", [micro_f1(each) for each in judged], gains, of_sets=True)
