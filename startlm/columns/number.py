"""Numbers: amounts, counts, measures; with thousands separators, full-width digits, a currency or a per cent sign.

>>> [parse_number(text) for text in ("1,234.5", "１２", "¥ 30", "12%", "n/a")]
[1234.5, 12.0, 30.0, 12.0, None]
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Sequence

import numpy as np

from ..core.language import say
from . import Guess, Shown, filled, histogram

_number = re.compile(r"[$€£¥]?\s?([+-]?)\s?[$€£¥]?\s?((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)((?:[eE][+-]?\d{1,3})?)\s?[%元块]?")


def parse_number(text: str) -> float | None:
    """The number that the text writes; None where it writes none. A per cent sign or a currency is read over."""
    if len(text) > 60:
        return None
    found = _number.fullmatch(unicodedata.normalize("NFKC", text).strip())
    return float(found[1] + found[2].replace(",", "") + found[3]) if found else None


class Number:
    """A number whose size means something."""

    name = "number"
    said = say("number", "数字")

    @staticmethod
    def guess(values: Sequence[Any], name: str) -> Guess:
        """Nearly all values are numbers. What has few different whole ones is more likely a category."""
        texts = filled(values)
        if not texts:
            return Guess(0.0, say("no values", "没有值"))
        share = sum(parse_number(text) is not None for text in texts) / len(texts)
        why = say(f"{share:.0%} of the values are numbers", f"{share:.0%} 的值是数字")
        return Guess(0.9 * share if share >= 0.9 else 0.3 * share, why)

    @staticmethod
    def show(values: Sequence[Any]) -> Shown:
        """Quartiles, ends and mean of what reads as a number; how many values do not."""
        texts = filled(values)
        numbers = np.array([number for number in map(parse_number, texts) if number is not None])
        if not len(numbers):
            return Shown(())
        named = (say("least", "最小"), say("quarter below", "四分之一低于"), say("half below", "一半低于"), say("three quarters below", "四分之三低于"), say("greatest", "最大"))
        facts = [(said, f"{value:,.6g}") for said, value in zip(named, np.quantile(numbers, (0, 0.25, 0.5, 0.75, 1)))]
        facts += [(say("mean", "平均"), f"{numbers.mean():,.6g}"), (say("not a number", "不是数字"), f"{len(texts) - len(numbers):,}")]
        return Shown(tuple(facts), histogram(numbers, lambda number: f"{number:,.4g}"))
