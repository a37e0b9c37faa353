"""Dates and times of day with a date, in the forms that exports use, Chinese ones too."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Sequence

from ..core.language import say
from . import Guess, filled, names_in

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


class Date:
    """A day, with or without a time."""

    name = "date"

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
