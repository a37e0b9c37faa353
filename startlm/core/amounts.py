"""Numbers in a user's own unit, written for a person: as many digits as matter, whatever their size.

>>> amount(0.52341), amount(12345.6), amount(-0.0), amount(5.0, trimmed=True)
('0.523', '12,346', '0.00', '5')
"""

from __future__ import annotations

from math import floor, log10
from typing import Any, Mapping

DIGITS = 3  # that matter
LARGE, SMALL = 1e9, 1e-4  # beyond these a power of ten reads better


def amount(value: float, like: float | None = None, *, trimmed: bool = False) -> str:
    """The value with the decimals that three digits of `like` have (else of its own); `trimmed` drops zeros at the end.

    >>> amount(0.0312, like=5.2), amount(2.5e12)
    ('0.03', '2.5e+12')
    """
    size = abs(value if like is None else like)
    if size and not SMALL <= size < LARGE:
        return f"{value:.{DIGITS}g}"
    decimals = max(0, DIGITS - 1 - (floor(log10(size)) if size else 0))
    text = f"{round(value, decimals) + 0.0:,.{decimals}f}"  # + 0.0: no minus before a zero
    return text.rstrip("0").rstrip(".") if trimmed and "." in text else text


def amounts_of(figure: Mapping[str, Any]) -> tuple[str, str, str]:
    """Value, low and high of a figure that has them, with equally many decimals.

    >>> amounts_of({"value": 0.0003, "low": -0.05, "high": 0.051})
    ('0.000', '-0.050', '0.051')
    """
    like = max(abs(figure["value"]), figure["high"] - figure["low"])
    value, low, high = (amount(figure[name], like) for name in ("value", "low", "high"))
    return value, low, high


def between(low: float, high: float, like: float | None = None) -> str:
    """Both ends of a bin, or the one value that it holds.

    >>> between(3.0, 4.25), between(7.0, 7.0)
    ('3 – 4.25', '7')
    """
    one, other = (amount(end, like, trimmed=True) for end in (low, high))
    return one if one == other else f"{one} – {other}"
