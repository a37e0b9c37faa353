"""Dates and times of day with a date, in the forms that exports use, Chinese ones too."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Any, Sequence

from ..core.language import say
from . import Guess, Shown, filled, histogram, names_in

_DATE_NAMES = frozenset("date day time timestamp datetime created updated at on dob 日期 时间 年月 下单时间 生日".split())

_month = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_clock = r"(?:[t ]*\d{1,2}[:时点]\d{1,2}(?:[:分]\d{1,2}(?:\.\d{1,9})?秒?|分)?\s?(?:[ap]m)?\s?(?:z|utc|gmt|[+-]\d{2}:?\d{2})?)?"
_forms = re.compile(
    "(?:"
    r"(?P<y>(?:19|20)\d\d)[-/.年](?P<m>\d{1,2})(?:[-/.月](?P<d>\d{1,2})日?|月)"
    r"|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d\d)"
    rf"|\d{{1,2}}[- ]?{_month}[- ,]*(?:\d{{4}}|\d\d)"
    rf"|(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s)?{_month}\s\d{{1,2}},?\s\d{{4}}"
    rf"){_clock}"
)
_compact = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[0-2]\d[0-5]\d(?:[0-5]\d)?)?")


def is_date(text: str) -> bool:
    """Whether the text writes one date, with or without a time.

    >>> [is_date(t) for t in ("2024-02-30 08:00", "2024年3月5日", "31-Jul-18", "20240305", "2024", "1.2.3")]
    [True, True, True, True, False, False]
    """
    if not 6 <= len(text) <= 40:
        return False
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    found = _forms.fullmatch(plain)
    if found and found["y"]:
        return 1 <= int(found["m"]) <= 12 and 1 <= int(found["d"] or 1) <= 31
    return bool(found) or bool(_compact.fullmatch(plain))


_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_year_first = re.compile(r"((?:19|20)\d\d)[-/.年](\d{1,2})(?:[-/.月](\d{1,2}))?")
_named = re.compile(rf"(?:(\d{{1,2}})[- ]?)?({_month})[- ,]*(?:(\d{{1,2}}),?\s)?(\d{{4}}|\d\d)")
_numbers = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d\d)")


def parse_dates(texts: Sequence[str]) -> list[date | None]:
    """The day that each text writes; None where it writes none. 03/04/2024 is read day first where any of the column has a day
    above 12 in the first place, else month first.

    >>> parse_dates(["2024年3月5日", "31-Jul-18", "Mar 5, 2024", "13/01/2024", "20240305 1", "never"])[:4]
    [datetime.date(2024, 3, 5), datetime.date(2018, 7, 31), datetime.date(2024, 3, 5), datetime.date(2024, 1, 13)]
    """
    plain = [unicodedata.normalize("NFKC", text).strip().lower() if is_date(text) else "" for text in texts]
    numbers = [found for found in map(_numbers.match, plain) if found]
    day_first = any(int(found[1]) > 12 for found in numbers)
    return [_day(text, day_first) for text in plain]


def _day(text: str, day_first: bool) -> date | None:
    if _compact.fullmatch(text):
        parts = (text[:4], text[4:6], text[6:8])
    elif found := _year_first.match(text):
        parts = (found[1], found[2], found[3] or "1")
    elif found := _named.search(text):
        parts = (found[4], str(_MONTHS[found[2][:3]]), found[1] or found[3] or "1")
    elif found := _numbers.match(text):
        parts = (found[3], found[2], found[1]) if day_first else (found[3], found[1], found[2])
    else:
        return None
    year, month, day = map(int, parts)
    try:
        return date(year + (0 if year > 99 else 2000 if year < 70 else 1900), month, day)
    except ValueError:
        return None


class Date:
    """A day, with or without a time."""

    name = "date"
    said = say("date", "日期")

    @staticmethod
    def guess(values: Sequence[Any], name: str) -> Guess:
        """Nearly all values read as dates; eight bare digits need all of them to be, or a name that says so."""
        texts = filled(values)
        if not texts:
            return Guess(0.0, say("no values", "没有值"))
        dates = [is_date(text) for text in texts]
        share = sum(dates) / len(texts)
        why = say(f"{share:.0%} of the values are dates", f"{share:.0%} 的值是日期")
        bare = all(text.isdigit() for text, yes in zip(texts, dates, strict=True) if yes)
        if share < 0.9 or bare and share < 1.0 and not names_in(name, _DATE_NAMES):
            return Guess(0.3 * share, why)
        return Guess(0.98 * share, why)

    @staticmethod
    def show(values: Sequence[Any]) -> Shown:
        """The first and the last day, the days that lie in the future, and the rows over time."""
        texts = filled(values)
        days = [day for day in parse_dates(texts) if day is not None]
        if not days:
            return Shown(())
        later = sum(day > date.today() for day in days)
        facts = [(say("first day", "最早"), min(days).isoformat()), (say("last day", "最晚"), max(days).isoformat()),
                 (say("days in the future", "未来的日期"), f"{later:,}"), (say("not a date", "不是日期"), f"{len(texts) - len(days):,}")]
        return Shown(tuple(facts), histogram([day.toordinal() for day in days], lambda number: date.fromordinal(round(number)).isoformat()))
