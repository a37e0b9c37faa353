"""Several labels a row: cells such as "refund; delivery", one text for a set of names, and sets as rows of truth values.

>>> split_cell("refund ; delivery;", ";"), split_cell('["refund", "delivery"]', None)
(['refund', 'delivery'], ['refund', 'delivery'])
"""

from __future__ import annotations

import json
from typing import Iterable, Sequence

import numpy as np

_BETWEEN = "\x1f"  # cleaned names hold no control character
_WIDE = 0xFEE0  # from "!" to "！", and so on to "~"


def split_cell(text: str, separator: str | None) -> list[str]:
    """The names in a cell, as they are written; without a separator the cell is a JSON list, or one name.

    A separator is the same in half and full width, as a Chinese keyboard writes both: "；" cuts where ";" does. It
    wins: with one, a cell that begins with a bracket is no list.
    """
    if separator is None:
        return list_in(text) if is_list(text) else [text.strip()] if text.strip() else []
    half, full = widths(separator)
    return [name for part in text.replace(full, half).split(half) if (name := part.strip())]


def widths(separator: str) -> tuple[str, str]:
    """The separator in half and in full width.

    >>> widths("；"), widths("|"), widths("、")
    ((';', '；'), ('|', '｜'), ('、', '、'))
    """
    half = "".join(chr(ord(c) - _WIDE) if "！" <= c <= "～" else c for c in separator)
    return half, "".join(chr(ord(c) + _WIDE) if "!" <= c <= "~" else c for c in half)


def is_list(text: str) -> bool:
    """Whether a cell is a JSON list of names or numbers; null stands for none.

    >>> is_list('["a", 1, null]'), is_list("[a]"), is_list('[["a"]]')
    (True, False, False)
    """
    if not text.lstrip().startswith("["):
        return False
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, list) and all(each is None or isinstance(each, (str, int, float)) and not isinstance(each, bool) for each in found)


def list_in(text: str) -> list[str]:
    """The names in a JSON list."""
    return [name for each in json.loads(text) if each is not None and (name := str(each).strip())]


def joined(names: Iterable[str], separator: str | None) -> str:
    """Names as a cell of a table that cannot hold a list; without a separator a JSON list all the same, which is read back whatever the names hold.

    >>> joined(["refund", "delivery"], ";"), joined(["退款", "物流"], "、"), joined(["退款; 物流"], None), joined([], ";")
    ('refund; delivery', '退款、物流', '["退款; 物流"]', '')
    """
    if separator is None:
        return json.dumps(list(names), ensure_ascii=False)
    return (f"{separator} " if separator in (";", ",") else separator).join(names)


# ------------------------------------------------- one text for a set

def packed(names: Iterable[str]) -> str:
    """One text for a set of names, never empty: so that rows are compared, counted and grouped by it."""
    return _BETWEEN + _BETWEEN.join(sorted(set(names)))


def unpacked(label: str) -> list[str]:
    """The names in a text that `packed` made, sorted.

    >>> unpacked(packed(["b", "a"])), unpacked(packed([]))
    (['a', 'b'], [])
    """
    return [name for name in label.split(_BETWEEN) if name]


# ---------------------------------------------------------- truth values

def multi_hot(numbers: Sequence[Sequence[int]], count: int) -> np.ndarray:
    """bool (N, count): which labels each row has, from their numbers."""
    found = np.zeros((len(numbers), count), dtype=bool)
    rows = np.repeat(np.arange(len(numbers)), np.array([len(each) for each in numbers], dtype=np.int64))
    found[rows, np.array([number for each in numbers for number in each], dtype=np.int64)] = True
    return found


def row_f1(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """float64 (N,): the F1 of each row's labels, bool (N, L) each; no label answered where there is none counts 1."""
    both, either = (predicted & truth).sum(axis=1), predicted.sum(axis=1) + truth.sum(axis=1)
    return np.where(either > 0, 2 * both / np.maximum(either, 1), 1.0)
