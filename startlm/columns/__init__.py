"""Kinds of column: what a column's values are, guessed from a sample, cleaned, read, encoded, and told to the user.

Each kind has `guess(values, name) -> Guess` on a sample of at most 2,000 values, and `show(values) -> Shown`: what `startlm inspect`
tells of a whole column. `startlm.columns.roles` says which column is the text, which the label, which the split.

A kind that can stand beside the text also has `read(values) -> Read`, which turns cells into numbers or clean words; `fit(values) ->
Encoding`, on what was read of train rows; and `encoding`, the class of what `fit` gives. Where a cell alone does not say how it is to
be read (decimal commas, day before month), `habit(values)` finds how the column is written, plain JSON that the rule `habits` allows,
and `read(values, habit)` reads other rows of it in the same way. `startlm.columns.encoded` puts the columns of a row together.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any, Callable, Iterable, NamedTuple, Protocol, Sequence

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
    """What is told of a column: facts (what, a figure or a day; never a cell, which could hold markup), and bars (name, rows) for a picture."""

    facts: tuple[tuple[Said, str], ...]
    bars: tuple[tuple[str, int], ...] = ()


class Read(NamedTuple):
    """The cells of a column. values: float64 (N,) with NaN where there is none, or object (N,) of str with "" there.

    `bad`: the positions, ascending, of cells that hold something which is not of this kind; there, the value is missing.
    """

    values: np.ndarray
    bad: list[int]


class Encoding(Protocol):
    """How one column becomes input. Missing and unseen values are ordinary: encoded, never refused."""

    @property
    def width(self) -> int:
        """How many features there are."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """One a feature, to stand behind the column's name: "", " missing", "=Male"."""
        ...

    @property
    def word_count(self) -> int:
        """How many words there are."""
        ...

    def features(self, values: np.ndarray) -> np.ndarray:
        """float32 (N, width), no NaN. A row's features do not depend on the rows beside it."""
        ...

    def words(self, values: np.ndarray) -> np.ndarray:
        """int32 (N,) in [0, word_count): one word a row, for families that read sequences."""
        ...

    def state(self) -> dict[str, Any]:
        """Plain JSON."""
        ...

    @classmethod
    def from_state(cls, state: Any) -> Encoding:
        """Raises BundleError for a state this encoding could not have written."""
        ...


def guess_kind(values: Sequence[Any], name: str) -> tuple[str, Said]:
    """The kind that fits best, and why. Of equal scores the first on the shelf wins; an empty column is a category."""
    sample = values[:SAMPLE]
    best, best_guess = "category", Guess(0.0, say("no values", "没有值"))
    for kind in COLUMNS:
        guess = look_up(COLUMNS, kind, say("kind of column", "列类型")).guess(sample, name)
        if guess.score > best_guess.score:
            best, best_guess = kind, guess
    texts = filled(sample)
    if len(texts) > 2 and len(set(texts)) == 1:
        return best, say(f"one value in all {len(texts):,} rows looked at: it tells nothing", f"看过的 {len(texts):,} 行都是同一个值：没有信息")
    return best, best_guess.why


def kind_said(kind: str) -> Said:
    """What a kind of column is called, in both languages."""
    return look_up(COLUMNS, kind, say("kind of column", "列类型")).said  # type: ignore[no-any-return]


def stands_beside(kind: str) -> bool:
    """Whether columns of this kind can be read beside the text."""
    return hasattr(look_up(COLUMNS, kind, say("kind of column", "列类型")), "encoding")


# ---------------------------------------------------------------- cells

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


NOTHING = frozenset("nan n/a na #n/a <na> null none nil nat - -- — —— / ? \\n unknown 无 空 缺失 暂无 未填 未知 不详".split())
"""What people and programs write, in small letters, where a number or a date is missing (MySQL exports it as \\N)."""


def is_nothing(text: str) -> bool:
    """Whether the text says that there is no number and no date.

    >>> [is_nothing(text) for text in ("", " N/A ", "无", "－", "0", "nothing")]
    [True, True, True, True, False, False]
    """
    plain = text.strip().lower()
    return not plain or plain in NOTHING or not plain.isascii() and unicodedata.normalize("NFKC", plain).strip() in NOTHING


MOST = 1e150  # a larger number measures nothing, and its square could not be summed
TO_SHAPE = str.maketrans("123456789０１２３４５６７８９", "0" * 19)  # of all that is written as "2024-03-05" the shape is "0000-00-00"
_REMEMBERED = 100_000  # different texts of a column whose meaning is kept while it is read


def shapes_of(texts: Sequence[str]) -> list[str]:
    """Each text with a 0 for every digit: what "2024-03-05" shares with any other day. All at once, which is ten times as quick as one by one."""
    shapes = "\n".join(texts).translate(TO_SHAPE).split("\n")
    return shapes if len(shapes) == len(texts) else [text.translate(TO_SHAPE) for text in texts]  # a line feed inside, or no texts


def read_each(values: Sequence[Any], parse: Callable[[Any], float]) -> Read:
    """Read cell by cell, equal texts once. `parse` gives NaN where there is no value, and more than MOST, as infinity is, for a bad one."""
    known: dict[str, float] = {}

    def cell(value: Any) -> float:
        if type(value) is not str:
            return parse(value)
        number = known.get(value)
        if number is None:
            number = parse(value)
            if len(known) < _REMEMBERED:
                known[value] = number
        return number

    numbers = np.fromiter(map(cell, values), np.float64, len(values))
    bad = np.flatnonzero(np.abs(numbers) > MOST)
    numbers[bad] = np.nan
    return Read(numbers, bad.tolist())


# -------------------------------------------------------- what is shown

def all_equal(rows: int) -> tuple[tuple[Said, str], ...]:
    """The fact that a column holds one value only."""
    return ((say("rows, all with one value, which tells a model nothing", "行，全是同一个值，对模型没有信息"), f"{rows:,}"),)


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


# --------------------------------------------------------------- names

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
