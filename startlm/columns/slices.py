"""The rows of a table in slices: by the values of a column, by the quarters of a number, by the language of a text or by its length.

>>> [(str(each.name), len(each.rows)) for each in slices_of(["web", "shop", "web", ""])]
[('web', 2), ('shop', 1), ('empty', 1)]
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Callable, NamedTuple, Sequence

import numpy as np

from ..core.language import Said, say
from ..core.scripts import LANGUAGES, languages_of
from . import as_text
from .category import Category
from .number import parse_number

MOST_VALUES = 20
"""So many values of a column are slices of their own, the most frequent ones; a column of more different numbers is cut into quarters."""

_NUMERIC = 0.9  # from this share of numbers on a column is one of numbers


class Slice(NamedTuple):
    """What the rows of a slice have in common, and their positions, int64 (n,)."""

    name: Said
    rows: np.ndarray


def slices_of(values: Sequence[Any]) -> list[Slice]:
    """The slices of one column, in which every row lies once: its values, the most frequent first, the rest joined; or the quarters of its numbers."""
    texts = [as_text(value).strip() for value in values]
    spelled = {text: Category.clean(text) for text in set(texts)}
    texts = [spelled[text] for text in texts]
    numbers = {text: number for text in spelled.values() if (number := parse_number(text)) is not None and np.isfinite(number)}
    filled = sum(map(bool, texts))
    if len(set(numbers.values())) > MOST_VALUES and sum(text in numbers for text in texts) >= _NUMERIC * filled:
        return _with_rest([numbers.get(text) for text in texts], texts)
    return _by_value(texts)


def language_slices(texts: Sequence[str]) -> list[Slice]:
    """The rows by the language of their text."""
    return _grouped(np.array(languages_of(texts), dtype=object), [(key, LANGUAGES[key]) for key in LANGUAGES])


def length_slices(texts: Sequence[str]) -> list[Slice]:
    """The rows by the quarters of their text's length in characters."""
    return _quarters(np.array([len(text) for text in texts], dtype=np.float64), np.arange(len(texts)), lambda edge: say(f"{edge} characters", f"{edge} 个字"))


def _by_value(texts: list[str]) -> list[Slice]:
    counts = Counter(text for text in texts if text)
    common = sorted(counts, key=lambda text: (-counts[text], text))[:MOST_VALUES]
    known = set(common)
    keys = np.array([text if text in known or not text else None for text in texts], dtype=object)
    rest = len(counts) - len(common)
    names = [(text, say(text, text)) for text in common]
    return _grouped(keys, [*names, (None, say(f"other ({rest} values)", f"其他（{rest} 种值）")), ("", say("empty", "空"))])


def _with_rest(numbers: list[float | None], texts: list[str]) -> list[Slice]:
    """The quarters of what is a number; what is none, and what is empty, apart."""
    rows = np.array([i for i, number in enumerate(numbers) if number is not None], dtype=np.int64)
    found = _quarters(np.array([number for number in numbers if number is not None]), rows, lambda edge: say(edge, edge))
    kinds = np.array(["number" if number is not None else "text" if text else "" for number, text in zip(numbers, texts)], dtype=object)
    return found + _grouped(kinds, [("text", say("not a number", "不是数字")), ("", say("empty", "空"))])


def _grouped(keys: np.ndarray, names: list[tuple[Any, Said]]) -> list[Slice]:
    """The rows of each key, object (N,); keys without a row are left out."""
    found = [Slice(name, np.flatnonzero(keys == key)) for key, name in names]
    return [each for each in found if len(each.rows)]


def _quarters(numbers: np.ndarray, rows: np.ndarray, named: Callable[[str], Said]) -> list[Slice]:
    """Up to four slices of float64 (n,) numbers and their rows, int64 (n,); equal numbers are never torn apart."""
    if not len(numbers):
        return []
    edges = np.unique(np.quantile(numbers, (0.25, 0.5, 0.75), method="lower"))
    quarter = np.searchsorted(edges, numbers)  # (n,): how many edges lie below
    shown = [f"{edge:,.6g}" for edge in edges]
    words = [f"≤ {shown[0]}", *(f"> {low}, ≤ {high}" for low, high in zip(shown, shown[1:])), f"> {shown[-1]}"]
    found = [Slice(named(word), rows[quarter == number]) for number, word in enumerate(words)]
    return [each for each in found if len(each.rows)]
