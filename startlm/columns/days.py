"""How days and times are written: year, month or day first, month names, 年月日, eight digits, a spreadsheet's serial numbers.

A day is counted from 1970-01-01, its time of day as a fraction. A time zone is read over: the day is the one that was written.

>>> [parse_day(text) for text in ("1970-01-02", "1970年1月1日 12:00", "31-Jul-18", "45322.5", "2024-02-30", "soon")]
[1.0, 0.5, 17743.0, 19753.5, None, None]
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date, datetime
from functools import lru_cache, partial
from typing import Any, Mapping, Sequence

from . import TO_SHAPE, Read, as_text, is_nothing, read_each

FIRST, LAST = date.min.toordinal() - date(1970, 1, 1).toordinal(), date.max.toordinal() - date(1970, 1, 1).toordinal() + 1
"""The days that Python's calendar holds."""

_month = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_clock = (
    r"(?:[t \t]*(?P<half>上午|下午)?\s?(?P<hour>\d{1,2})[:时点](?P<minute>\d{1,2})(?:[:分](?P<second>\d{1,2}(?:\.\d{1,9})?)秒?|分)?"
    r"\s?(?P<noon>[ap]m)?\s?(?:z|utc|gmt|[+-]\d{2}:?\d{2})?)?"
)
_forms = re.compile(
    "(?:"
    r"(?P<y>\d{4})[-/.年](?P<m>\d{1,2})(?:[-/.月](?P<d>\d{1,2})日?|月)"
    r"|(?P<one>\d{1,2})[-/.](?P<two>\d{1,2})[-/.](?P<three>\d{4}|\d\d)"
    rf"|(?P<day>\d{{1,2}})[- ]?(?P<month>{_month})[- ,]*(?P<year>\d{{4}}|\d\d)"
    rf"|(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s)?(?P<its_month>{_month})\s(?P<its_day>\d{{1,2}}),?\s(?P<its_year>\d{{4}})"
    rf"){_clock}"
)
_compact = re.compile(r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?:(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?)?")
_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_serial = re.compile(r"\d{5}(?:\.\d+)?")
_SERIALS, _SERIAL_OF_1970 = (20_000, 60_000), 25_569  # 1954 to 2064, counted from 1899-12-30
_no_day = re.compile(r"0000-00-00(?:[t ]00:00:00)?")  # what MySQL stores for none
_REMEMBERED = 100_000  # days and clocks
_numbers = re.compile(r"\s*(\d{1,2})[-/.](\d{1,2})[-/.]\d{2}")


@lru_cache(maxsize=10_000)
def _form(shape: str) -> dict[str, slice] | None:
    """Where the parts of a day stand in texts of this shape; None where they write none."""
    plain = unicodedata.normalize("NFKC", shape)
    found = _compact.fullmatch(plain) or _forms.fullmatch(plain) if 6 <= len(plain) == len(shape) <= 40 else None
    return {name: slice(*found.span(name)) for name, value in found.groupdict().items() if value is not None} if found else None


def _parts(text: str) -> dict[str, str] | None:
    """The parts of the day that the text writes, by their names in the forms above."""
    plain = text.strip().lower()
    form = _form(plain.translate(TO_SHAPE)) if len(text) <= 60 else None
    return {name: plain[place] for name, place in form.items()} if form else None


def is_date(text: str) -> bool:
    """Whether the text writes one date, with or without a time, by its form.

    >>> [is_date(t) for t in ("2024-02-30 08:00", "2024年3月5日", "31-Jul-18", "20240305", "2024", "1.2.3")]
    [True, True, True, True, False, False]
    """
    got = _parts(text)
    return bool(got) and ("y" not in got or _in_our_time(got["y"]) and 1 <= int(got["m"]) <= 12 and 1 <= int(got.get("d", 1)) <= 31)


def _in_our_time(year: str) -> bool:
    return 1900 <= int(year) < 2100


def is_serial(text: str) -> bool:
    """Whether the text is a number by which a spreadsheet means a day between 1954 and 2064.

    >>> [is_serial(text) for text in ("45322", "45322.75", "2024", "99999")]
    [True, True, False, False]
    """
    return bool(_serial.fullmatch(text.strip())) and _SERIALS[0] <= float(text) <= _SERIALS[1]


def parse_day(text: str, *, day_first: bool = False) -> float | None:
    """The day that one cell writes; None where it writes none, or one that no calendar has.

    Where neither number is above 12, 03/04/2024 is read day first or month first as told.
    """
    plain = text.strip().lower()
    form = _form(plain.translate(TO_SHAPE)) if len(text) <= 60 else None
    if form is None:
        return float(text) - _SERIAL_OF_1970 if is_serial(text) else None
    if "hour" not in form or "y" in form and plain[:8].isdigit():
        return _whole(plain, form, day_first)
    begins = form.get("half", form["hour"]).start
    day, seconds = _day_alone(plain[:begins].rstrip().removesuffix("t").rstrip(), day_first), _clock_alone(plain[begins:])
    return None if day is None or seconds is None else day + seconds / 86_400


@lru_cache(maxsize=_REMEMBERED)
def _day_alone(plain: str, day_first: bool) -> float | None:
    """The day before the clock: a column of times has few, however many rows it has."""
    form = _form(plain.translate(TO_SHAPE))
    return None if form is None else _whole(plain, form, day_first)


@lru_cache(maxsize=_REMEMBERED)
def _clock_alone(plain: str) -> float | None:
    """Seconds since midnight of the clock behind a day."""
    got = _parts(f"2000-01-01 {plain}")
    return None if got is None or "hour" not in got else _seconds(got)


def _whole(plain: str, form: Mapping[str, slice], day_first: bool) -> float | None:
    """The day, and the clock where the form has one, of a text of this form."""
    got = {name: plain[place] for name, place in form.items()}
    try:
        day = date(*_year_month_day(got, day_first)).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        return None
    if "hour" not in got:
        return float(day)
    seconds = _seconds(got)
    return None if seconds is None else day + seconds / 86_400


def _year_month_day(got: Mapping[str, str], day_first: bool) -> tuple[int, int, int]:
    """Raises ValueError for a year that bare digits do not mean; whether a calendar has the day is left to ask."""
    if "y" in got:
        if not _in_our_time(got["y"]):
            raise ValueError(got["y"])
        return int(got["y"]), int(got["m"]), int(got.get("d", 1))
    if "one" in got:
        one, two, year = int(got["one"]), int(got["two"]), got["three"]
        month, day = (two, one) if one > 12 or day_first and two <= 12 else (one, two)
    elif "month" in got:
        month, day, year = _MONTHS[got["month"][:3]], int(got["day"]), got["year"]
    else:
        month, day, year = _MONTHS[got["its_month"][:3]], int(got["its_day"]), got["its_year"]
    century = 0 if len(year) > 2 else 2000 if int(year) < 70 else 1900
    return century + int(year), month, day


def _seconds(got: Mapping[str, str]) -> float | None:
    """Seconds since midnight, None where no clock shows that."""
    hour, minute, second, half = int(got["hour"]), int(got["minute"]), float(got.get("second", 0)), got.get("half") or got.get("noon")
    if half in ("下午", "pm") and hour < 12:
        hour += 12
    elif half in ("上午", "am") and hour == 12:
        hour = 0
    seconds = hour * 3_600 + minute * 60 + second
    return seconds if minute < 60 and second < 61 and seconds <= 86_400 else None


def day_habit(values: Sequence[Any]) -> dict[str, bool]:
    """How the column writes days: {"day_first": a cell has a number above 12 in the first place}."""
    texts = {value for value in values if type(value) is str and value[4:5] not in ("-", "年")}
    return {"day_first": any(int(found[1]) > 12 for found in map(_numbers.match, texts) if found)}


def read_days(values: Sequence[Any], habit: Mapping[str, bool] | None = None) -> Read:
    """The days of a column, read as its habit says; without one, as it is itself found to be written."""
    told = day_habit(values) if habit is None else habit
    return read_each(values, partial(_day_of, day_first=told["day_first"]))


def parse_dates(texts: Sequence[str]) -> list[date | None]:
    """The day that each text writes; None where it writes none. 03/04/2024 is read day first where any of the column has a day
    above 12 in the first place, else month first.

    >>> parse_dates(["2024年3月5日", "31-Jul-18", "Mar 5, 2024", "13/01/2024", "20240305 1", "never"])[:4]
    [datetime.date(2024, 3, 5), datetime.date(2018, 7, 31), datetime.date(2024, 3, 5), datetime.date(2024, 1, 13)]
    """
    return [None if math.isnan(day) else date.fromordinal(min(math.floor(day), LAST - 1) + date(1970, 1, 1).toordinal()) for day in read_days(texts).values.tolist()]


def _day_of(value: Any, *, day_first: bool) -> float:
    """NaN where there is none, infinity where something else stands there."""
    if isinstance(value, date) and value == value:  # a datetime is a date; pandas' NaT is one too, and equals nothing
        return _days(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) - _SERIAL_OF_1970 if _SERIALS[0] <= value <= _SERIALS[1] else math.nan if value != value else math.inf
    text = as_text(value)
    if text[4:5] == "-" and text[:2] in ("19", "20"):
        try:
            return _days(datetime.fromisoformat(text))  # what programs write, ten times as fast
        except ValueError:
            pass
    day = parse_day(text, day_first=day_first)
    if day is not None:
        return day
    return math.nan if is_nothing(text) or _no_day.fullmatch(text.strip().lower()) else math.inf


def _days(value: date) -> float:
    days = value.toordinal() - date(1970, 1, 1).toordinal()
    if not isinstance(value, datetime):
        return float(days)
    return days + (value.hour * 3_600 + value.minute * 60 + value.second + value.microsecond / 1e6) / 86_400


def write_day(day: float) -> str:
    """The nearest day to so many since 1970-01-01, as 2024-03-05.

    >>> write_day(19_787.0)
    '2024-03-05'
    """
    return date.fromordinal(int(min(max(round(day), FIRST), LAST - 1)) + date(1970, 1, 1).toordinal()).isoformat()
