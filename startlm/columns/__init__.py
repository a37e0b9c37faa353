"""Kinds of column: what a column's values are, guessed from a sample, cleaned, and told to the user.

Each kind has `guess(values, name) -> Guess` on a sample of at most 2,000 values, and `show(values) -> Shown`: what `startlm inspect`
tells of a whole column. `startlm.columns.roles` says which column is the text, which the label, which the split.
"""

from __future__ import annotations

import math
import re
from typing import Any, Callable, Iterable, NamedTuple, Sequence

import numpy as np

from ..core.language import Said, say
from ..core.shelves import look_up

COLUMNS = {
    "date": "startlm.columns.date:Date",
    "identifier": "startlm.columns.identifier:Identifier",
    "number": "startlm.columns.number:Number",
    "category": "startlm.columns.category:Category",
    "text": "startlm.columns.text:Text",
}

SAMPLE = 2_000
"""So many values are looked at when a kind is guessed."""


class Guess(NamedTuple):
    """How well a kind fits a column, from 0 (not at all) to 1, and why."""

    score: float
    why: Said


class Shown(NamedTuple):
    """What is told of a column: facts in words (what, value), and bars (name, rows) for a picture."""

    facts: tuple[tuple[Said, str], ...]
    bars: tuple[tuple[str, int], ...] = ()


def guess_kind(values: Sequence[Any], name: str) -> tuple[str, Said]:
    """The kind that fits best, and why. Of equal scores the first on the shelf wins; an empty column is a category."""
    sample = values[:SAMPLE]
    best, best_guess = "category", Guess(0.0, say("no values", "没有值"))
    for kind in COLUMNS:
        guess = look_up(COLUMNS, kind, say("kind of column", "列类型")).guess(sample, name)
        if guess.score > best_guess.score:
            best, best_guess = kind, guess
    return best, best_guess.why


def kind_said(kind: str) -> Said:
    """What a kind of column is called, in both languages."""
    return look_up(COLUMNS, kind, say("kind of column", "列类型")).said  # type: ignore[no-any-return]


def as_text(value: Any) -> str:
    """A value as text: nothing (None, not-a-number) is "", a whole number loses its ".0", a truth is true or false."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def filled(values: Sequence[Any]) -> list[str]:
    """The values that hold something, as stripped text."""
    return [text for text in (as_text(value).strip() for value in values) if text]


def histogram(numbers: Sequence[float], show: Callable[[float], str], bars: int = 12) -> tuple[tuple[str, int], ...]:
    """How many numbers lie in each of so many equally wide bins; the outermost one per cent on each side goes into the end bins."""
    values = np.asarray(numbers, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return ()
    low, high = np.quantile(values, (0.01, 0.99))
    if low == high:
        low, high = values.min(), values.max()
    if low == high:
        return ((show(low), len(values)),)
    edges = np.linspace(low, high, bars + 1)
    counts, _ = np.histogram(np.clip(values, low, high), edges)
    return tuple((f"{show(a)} – {show(b)}", int(count)) for a, b, count in zip(edges, edges[1:], counts))


_camel = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_between = re.compile(r"[\W_]+")


def words_of(name: str) -> list[str]:
    """The words of a column's name, in lower case.

    >>> words_of("customerID"), words_of("order_no"), words_of("客户 标签")
    (['customer', 'id'], ['order', 'no'], ['客户', '标签'])
    """
    return [word for word in _between.split(_camel.sub("_", name.lstrip("\ufeff")).lower()) if word]


def names_in(name: str, known: Iterable[str]) -> bool:
    """Whether a column's name is one of the known names, or one of its words is, or it ends with a Chinese one.

    >>> [names_in(n, {"id", "标签"}) for n in ("userID", "order_id", "客户标签", "idea")]
    [True, True, True, False]
    """
    words = words_of(name)
    ends = words[-1] if words else ""
    return any(each in words or "_".join(words) == each or not each.isascii() and ends.endswith(each) for each in known)
