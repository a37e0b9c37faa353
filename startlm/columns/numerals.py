"""How numbers are written: separators, per cent, currencies, 万 and 亿, full width, brackets for what is below zero.

A long column is written in few shapes ("¥0,000.00"): what a shape means is worked out once.

>>> [parse_number(text) for text in ("1,234.5", "１２", "¥ 30", "12%", "3.2万", "(5)", "n/a")]
[1234.5, 12.0, 30.0, 12.0, 32000.0, -5.0, None]
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np

from . import MOST, TO_SHAPE, Read, as_text, is_nothing, read_each, shapes_of

_TIMES = {"千": 3, "万": 4, "百万": 6, "千万": 7, "亿": 8, "百亿": 10, "千亿": 11, "万亿": 12}
_LONGEST = 60  # characters of a number
_MANY = 1_000  # texts from which on a column is read shape by shape
_cell = re.compile(
    r"(?P<open>\()?[$€£¥]?\s?(?P<sign>[+-]?)\s?[$€£¥]?\s?(?P<body>\d[\d,.' ]*|\.\d+)(?:[eE](?P<power>[+-]?\d{1,3}))?"
    r"\s?(?P<times>[百千]?万|[百千万]?亿|千)?\s?(?P<unit>%|[元块]|[$€£¥])?(?P<close>\))?"
)
# Thousands in threes (1,234,567 or Swiss 1'234) or, as some Chinese do, in fours (1,2345); a decimal point.
_point = re.compile(r"(?:\d{1,3}(?P<s>[,'])\d{3}(?:(?P=s)\d{3})*|\d{1,4}(?:,\d{4})+|\d+)(?:\.\d*)?|\.\d+")
# Thousands in threes parted by points, blanks or apostrophes (1 234 567); a decimal comma.
_comma = re.compile(r"(?:\d{1,3}(?P<s>[. '])\d{3}(?:(?P=s)\d{3})*|\d+)(?:,\d+)?")
_TO_POINT = str.maketrans("", "", ",' "), str.maketrans({".": None, " ": None, "'": None, ",": "."})
_ODD_SIGNS = str.maketrans({"\u2212": "-", "\u2019": "'"})  # the minus sign and the curly apostrophe


class _Form(NamedTuple):
    """Where the parts of a number stand in texts of one shape."""

    body: slice
    power: slice | None
    sign: str
    exponent: int
    per_cent: bool


@lru_cache(maxsize=10_000)
def _form(shape: str, comma: bool) -> _Form | None:
    """How numbers of this shape are read; None where they are none."""
    plain = unicodedata.normalize("NFKC", shape).translate(_ODD_SIGNS) if len(shape) <= _LONGEST else ""
    found = _cell.fullmatch(plain)
    if not found or len(plain) != len(shape) or bool(found["open"]) != bool(found["close"]) or found["open"] and found["sign"]:
        return None
    if not (_comma if comma else _point).fullmatch(found["body"].rstrip()):
        return None
    return _Form(slice(*found.span("body")), slice(*found.span("power")) if found["power"] else None, "-" if found["open"] else found["sign"],
                 _TIMES.get(found["times"], 0), found["unit"] == "%")


def parse_number(text: str, *, comma: bool = False, hundredth: bool = False) -> float | None:
    """The number that one cell writes; None where it writes none, or one that no float holds.

    `comma`: the decimal sign is a comma. `hundredth`: 12% is 0.12, else 12. A currency is read over.
    """
    text = text.strip()
    form = _form(text.translate(TO_SHAPE), comma)
    if form is None:
        return None
    body, exponent = text[form.body], form.exponent - 2 * (hundredth and form.per_cent)
    if not body.isascii():
        body = unicodedata.normalize("NFKC", body).translate(_ODD_SIGNS)
    if form.power:
        exponent += int(text[form.power])
    number = float(f"{form.sign}{body.translate(_TO_POINT[comma])}e{exponent}")
    return number if math.isfinite(number) else None


def _as_python(text: str) -> float | None:
    """What Python alone reads, the quick way. It takes more than we do: 1_000, and any length."""
    try:
        number = float(text)
    except ValueError:
        return None
    return None if len(text) > _LONGEST or "_" in text else number


def number_habit(values: Sequence[Any]) -> dict[str, bool]:
    """How the column writes numbers. `comma`: more of its cells can be read with a decimal comma only than with a point only.
    `hundredth`: some cells bear a per cent sign and others none, so that 12% has to be 0.12; where all bear it, 12% is 12.
    """
    shapes = Counter(shapes_of([value.strip() for value in values if isinstance(value, str)]))
    point, comma = ({shape for shape in shapes if _form(shape, reading)} for reading in (False, True))
    with_comma = sum(shapes[shape] for shape in comma - point) > sum(shapes[shape] for shape in point - comma)
    read = comma if with_comma else point
    signed = {shape for shape in read if "%" in shape or "％" in shape}
    return {"comma": with_comma, "hundredth": bool(signed) and (signed != read or any(_is_number(value) for value in values))}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def read_numbers(values: Sequence[Any], habit: Mapping[str, bool] | None = None) -> Read:
    """The numbers of a column, read as its habit says; without one, as it is itself found to be written."""
    told = number_habit(values) if habit is None else habit
    one = partial(_number_of, comma=told["comma"], hundredth=told["hundredth"])
    if len(values) < _MANY or not all(type(value) is str for value in values):
        return read_each(values, one)
    quick = _by_shape([value.strip() for value in values], **told)
    others = np.flatnonzero(np.isnan(quick))
    read = read_each([values[i] for i in others], one)
    quick[others] = read.values
    far = np.flatnonzero(np.abs(quick) > MOST)
    quick[far] = np.nan
    return Read(quick, sorted({*others[read.bad].tolist(), *far.tolist()}))


def _by_shape(texts: list[str], *, comma: bool, hundredth: bool) -> np.ndarray:
    """float64 (N,): the numbers of the texts whose shape says where they stand, all at once; NaN for the others, which are read one by one."""
    shapes = shapes_of(texts)
    forms = {shape: form for shape in set(shapes) if (form := _form(shape, comma)) and not form.power and shape[form.body].isascii()}
    ends = {shape: f"e{form.exponent - 2 * (hundredth and form.per_cent)}" for shape, form in forms.items()}
    written = [f"{forms[shape].sign}{text[forms[shape].body]}{ends[shape]}" if shape in forms else "nan" for text, shape in zip(texts, shapes)]
    plain = "\n".join(written).translate(_TO_POINT[comma]).split("\n")
    return np.fromiter(map(float, plain), np.float64, len(texts))


def _number_of(value: Any, *, comma: bool, hundredth: bool) -> float:
    """NaN where there is none, infinity where something else stands there."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        try:
            return float(value)
        except (OverflowError, ValueError):  # a whole number of 400 digits; a decimal that signals
            return math.inf
    text = as_text(value)
    number = None if comma else _as_python(text)
    if number is None:
        number = parse_number(text, comma=comma, hundredth=hundredth)
    return number if number is not None else math.nan if is_nothing(text) else math.inf
