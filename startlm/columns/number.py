"""Numbers: amounts, counts, measures; with thousands separators, full-width digits, a currency or a per cent sign.

>>> [parse_number(text) for text in ("1,234.5", "１２", "¥ 30", "12%", "n/a")]
[1234.5, 12.0, 30.0, 12.0, None]
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Sequence

from ..core.language import say
from . import Guess, filled

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

    @staticmethod
    def guess(values: Sequence[Any], name: str) -> Guess:
        """Nearly all values are numbers. What has few different whole ones is more likely a category."""
        texts = filled(values)
        if not texts:
            return Guess(0.0, say("no values", "没有值"))
        share = sum(parse_number(text) is not None for text in texts) / len(texts)
        why = say(f"{share:.0%} of the values are numbers", f"{share:.0%} 的值是数字")
        return Guess(0.9 * share if share >= 0.9 else 0.3 * share, why)
