"""Numbers: amounts, counts, measures, however they are written."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import numpy as np

from ..core.language import say
from ..core.model_file import FLAG, record
from . import Guess, Read, Shown, all_equal, filled, histogram, is_nothing
from .number_encoding import NumberEncoding
from .numerals import number_habit, parse_number, read_numbers

__all__ = ["Number", "parse_number"]


class Number:
    """A number whose size means something."""

    name = "number"
    said = say("number", "数字")
    encoding = NumberEncoding
    habits = record({"comma": FLAG, "hundredth": FLAG})

    @staticmethod
    def guess(values: Sequence[Any], name: str) -> Guess:
        """Nearly all values are numbers. What has few different whole ones is more likely a category."""
        texts = [text for text in filled(values) if not is_nothing(text)]
        if not texts:
            return Guess(0.0, say("no values", "没有值"))
        habit = number_habit(texts)
        if habit["comma"] and not any("," in text or "，" in text for text in texts):
            habit["comma"] = False  # digits in groups of three alone are as likely telephone numbers
        share = 1 - len(read_numbers(texts, habit).bad) / len(texts)
        why = say(f"{share:.0%} of the values are numbers", f"{share:.0%} 的值是数字")
        return Guess(0.9 * share if share >= 0.9 else 0.3 * share, why)

    @staticmethod
    def show(values: Sequence[Any]) -> Shown:
        """Quartiles, ends and mean of what reads as a number; how many values do not."""
        read = read_numbers(values)
        numbers = read.values[np.isfinite(read.values)]
        if not len(numbers):
            return Shown(())
        named = (say("least", "最小"), say("quarter below", "四分之一低于"), say("half below", "一半低于"), say("three quarters below", "四分之三低于"), say("greatest", "最大"))
        facts = [(said, f"{value:,.6g}") for said, value in zip(named, np.quantile(numbers, (0, 0.25, 0.5, 0.75, 1)))]
        facts += [(say("mean", "平均"), f"{numbers.mean():,.6g}"), (say("not a number", "不是数字"), f"{len(read.bad):,}")]
        if len(numbers) > 1 and numbers.min() == numbers.max():
            facts += all_equal(len(numbers))
        return Shown(tuple(facts), histogram(numbers, lambda number: f"{number:,.4g}"))

    @staticmethod
    def habit(values: Sequence[Any]) -> dict[str, bool]:
        """How the column writes numbers: {"comma": the decimal sign is one, "hundredth": 12% is 0.12, not 12}."""
        return number_habit(values)

    @staticmethod
    def read(values: Sequence[Any], habit: Mapping[str, bool] | None = None) -> Read:
        """float64 (N,). 12% is 12 where every filled cell bears the sign, else 0.12; 3.2万 is 32000; what is infinite is bad."""
        return read_numbers(values, habit)

    @staticmethod
    def fit(values: np.ndarray) -> NumberEncoding:
        """The encoding of these train rows, float64 (N,) with NaN for what is missing."""
        return NumberEncoding.fit(values)
