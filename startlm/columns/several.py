"""Columns whose cells hold several labels: found by what their parts do, and told why.

>>> found = find_several(["refund; delivery", "delivery", "refund", "praise; refund", "praise"] * 9)
>>> found.separator, found.names
(';', 3)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, NamedTuple, Sequence

from ..core.label_sets import is_list, list_in, split_cell, widths
from ..core.language import Said, say
from . import filled
from .number import parse_number

SEPARATORS = (";", "|", "、", ",", "/")  # each in both widths; of equals the first wins
FEWEST = 20  # cells
MOST_NAMES, ROWS_A_NAME = 200, 5  # names, and how often each stands on average
LONGEST = 30  # letters of a name on average
OFTEN = 0.02  # share of cells that hold several
SLIPS = 0.05  # share of these that may hold a name twice
MIXED, LOOSE = 0.8, 0.5
_CODES = (";", "|")  # between these names may be numbers; between others they make dates, amounts and fractions


class Several(NamedTuple):
    """How a column writes several labels a cell; `separator` is None where cells are lists."""

    separator: str | None
    names: int
    share: float  # of cells with more than one

    def said(self, column: str) -> Said:
        """Why the column is taken for one of several labels, with the line for startlm.toml."""
        held = f"{self.names:,} names, {self.share:.0%} of the cells hold more than one", f"共 {self.names:,} 个名称，{self.share:.0%} 的单元格不止一个"
        if self.separator is None:
            return say(f"several labels a row: the cells of {column!r} are lists ({held[0]})", f"一行多个标签：{column!r} 的单元格是列表（{held[1]}）")
        return say(f"several labels a row: the cells of {column!r} are made of the same names with {self.separator!r} between them ({held[0]}); label_separator = \"{self.separator}\"",
                   f"一行多个标签：{column!r} 的单元格由同样的名称组成，以 {self.separator!r} 分隔（{held[1]}）；label_separator = \"{self.separator}\"")


def find_several(values: Sequence[Any]) -> Several | None:
    """How these cells hold several labels each; None where they do not, or where it could be something else.

    The parts of a cell must be few, short and repeated, alone or beside others than these. "New York, NY", "Smith, Mary", dates,
    and paths of a catalogue are made of repeated parts too: there a part has one place in the cell, or one companion.
    """
    texts = filled(values)
    if len(texts) < FEWEST:
        return None
    if all(map(is_list, texts)):
        return _of_cells([tuple(list_in(text)) for text in texts], None)
    found = [each for separator in SEPARATORS if (each := _with_separator(texts, separator))]
    return max(found, key=lambda each: each.share, default=None)


def _of_cells(cells: Sequence[tuple[str, ...]], separator: str | None) -> Several:
    return Several(separator, len({name for cell in cells for name in cell}), sum(len(cell) > 1 for cell in cells) / len(cells))


def _with_separator(texts: Sequence[str], separator: str) -> Several | None:
    cells = [tuple(split_cell(text, separator)) for text in texts]
    several = [cell for cell in cells if len(cell) > 1]
    twice = sum(len(set(cell)) < len(cell) for cell in several)
    if len(several) < max(3, OFTEN * len(cells)) or twice > SLIPS * len(several):
        return None
    counts = Counter(name for cell in cells for name in cell)
    few = len(counts) <= MOST_NAMES and counts.total() >= ROWS_A_NAME * len(counts) and sum(map(len, counts)) <= LONGEST * len(counts)
    if not few or separator not in _CODES and any(parse_number(name) is not None for name in counts):
        return None
    companions: dict[str, set[frozenset[str]]] = defaultdict(set)
    places: dict[str, set[int]] = defaultdict(set)  # of a name alone: -1
    for cell in cells:
        for place, name in enumerate(cell):
            companions[name].add(frozenset(cell))
            places[name].add(place if len(cell) > 1 else -1)
    mixed = sum(all(len(companions[name]) > 1 for name in cell) for cell in several)
    loose = [len(places[name]) > 1 for cell in several for name in cell]
    if mixed < MIXED * len(several) or sum(loose) < LOOSE * len(loose):
        return None
    return _of_cells(cells, max(widths(separator), key=lambda each: sum(each in text for text in texts)))
