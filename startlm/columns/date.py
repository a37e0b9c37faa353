"""Dates and times of day with a date, in the forms that exports use, Chinese ones too."""

from __future__ import annotations

from datetime import date
from typing import Any, Mapping, Sequence

import numpy as np

from ..core.language import say
from ..core.model_file import FLAG, record
from . import Guess, Read, Shown, all_equal, filled, histogram, is_nothing, names_in
from .date_encoding import DateEncoding
from .days import day_habit, is_date, is_serial, parse_dates, read_days, write_day

__all__ = ["Date", "is_date", "parse_dates"]

_DATE_NAMES = frozenset("date day time timestamp datetime created updated at on dob 日期 时间 年月 下单时间 生日".split())
_DAY_NAMES = frozenset("date day datetime timestamp dob birthday created updated 日期 时间 生日".split())
"""Names under which five digits are a spreadsheet's days: `time_on_site` is none."""

_MIXED = 0.1  # from this share of written dates on, five digits beside them are a spreadsheet's


class Date:
    """A day, with or without a time."""

    name = "date"
    said = say("date", "日期")
    encoding = DateEncoding
    habits = record({"day_first": FLAG})

    @staticmethod
    def guess(values: Sequence[Any], name: str) -> Guess:
        """Nearly all values read as dates; eight bare digits need all of them to be, or a name that says so; five bare digits
        (a spreadsheet's serial numbers) need such a name, or written dates beside them."""
        texts = [text for text in filled(values) if not is_nothing(text)]
        if not texts:
            return Guess(0.0, say("no values", "没有值"))
        dates = [is_date(text) for text in texts]
        if sum(dates) >= _MIXED * len(texts) or names_in(name, _DAY_NAMES):
            dates = [yes or is_serial(text) for text, yes in zip(texts, dates)]
        share = sum(dates) / len(texts)
        why = say(f"{share:.0%} of the values are dates", f"{share:.0%} 的值是日期")
        bare = all(text.isdigit() for text, yes in zip(texts, dates, strict=True) if yes)
        if share < 0.9 or bare and share < 1.0 and not names_in(name, _DATE_NAMES):
            return Guess(0.3 * share, why)
        return Guess(0.98 * share, why)

    @staticmethod
    def show(values: Sequence[Any]) -> Shown:
        """The first and the last day, the days that lie in the future, and the rows over time."""
        read = read_days(values)
        days = np.floor(read.values[np.isfinite(read.values)])
        if not len(days):
            return Shown(())
        later = int((days > _number(date.today())).sum())
        facts = [(say("first day", "最早"), write_day(days.min())), (say("last day", "最晚"), write_day(days.max())),
                 (say("days in the future", "未来的日期"), f"{later:,}"), (say("not a date", "不是日期"), f"{len(read.bad):,}")]
        if len(days) > 1 and days.min() == days.max():
            facts += all_equal(len(days))
        return Shown(tuple(facts), histogram(days, write_day))

    @staticmethod
    def habit(values: Sequence[Any]) -> dict[str, bool]:
        """How the column writes days: {"day_first": 03/04/2024 is in April}."""
        return day_habit(values)

    @staticmethod
    def read(values: Sequence[Any], habit: Mapping[str, bool] | None = None) -> Read:
        """float64 (N,): days since 1970-01-01, the time of day as a fraction. Several styles may stand in one column; a number from
        20,000 to 60,000 is a spreadsheet's day."""
        return read_days(values, habit)

    @staticmethod
    def fit(values: np.ndarray) -> DateEncoding:
        """The encoding of these train rows, float64 (N,) with NaN for what is missing."""
        return DateEncoding.fit(values)


def _number(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()
