"""A number as input: its size in robust units, pieces of its range, a flag where it is missing; one word of its quantile.

The size alone lets a linear model draw a straight line; the pieces (piecewise linear encoding, Gorishniy, Rubachev and Babenko 2022)
let it bend at quantiles of train. Trees need the size only, and lose nothing by the pieces. Measured in docs/decisions/0006-columns.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.language import say
from ..core.model_file import number, record
from . import MOST
from .stored import checked, rising

LINEAR, FARTHEST = 3.0, 10.0  # robust standard deviations
PIECES, BINS = 4, 16
_STATE = record({"middle": number(-MOST, MOST), "scale": number(5e-324, 2 * MOST),
                 "knots": rising(-MOST, MOST, (0, *range(3, PIECES + 2))), "cuts": rising(-MOST, MOST, range(BINS))})


class NumberEncoding:
    """Features: the size, 1 where it is missing, then the pieces. Words: quantile bins, the last one for what is missing."""

    def __init__(self, middle: float, scale: float, knots: np.ndarray, cuts: np.ndarray) -> None:
        self.middle, self.scale, self.knots, self.cuts = middle, scale, knots, cuts
        self.width = 2 + max(0, len(knots) - 1)
        self.word_count = len(cuts) + 2

    @classmethod
    def fit(cls, values: np.ndarray) -> NumberEncoding:
        """float64 (N,), NaN for what is missing."""
        held = np.clip(values[np.isfinite(values)], -MOST, MOST)
        return cls(*middle_and_scale(held), _knots(held), quantile_cuts(held, BINS))

    @property
    def names(self) -> tuple[str, ...]:
        return ("", " missing", *(f" from {low:.4g} to {high:.4g}" for low, high in zip(self.knots, self.knots[1:])))

    def features(self, values: np.ndarray) -> np.ndarray:
        """float32 (N, width). What is missing has the median's size, and no piece."""
        known = np.isfinite(values)
        held = np.where(known, np.clip(values, -MOST, MOST), self.middle)
        out = np.zeros((len(values), self.width), dtype=np.float32)
        out[:, 0] = standardised(held, self.middle, self.scale)
        out[:, 1] = ~known
        with np.errstate(over="ignore"):  # a piece may be as short as floats allow
            for i, (low, high) in enumerate(zip(self.knots, self.knots[1:]), 2):
                out[:, i] = np.where(known, np.clip((held - low) / (high - low), 0.0, 1.0), 0.0)
        return out

    def words(self, values: np.ndarray) -> np.ndarray:
        """int32 (N,)"""
        return np.where(np.isfinite(values), np.searchsorted(self.cuts, values, side="right"), len(self.cuts) + 1).astype(np.int32)

    def state(self) -> dict[str, Any]:
        return {"middle": self.middle, "scale": self.scale, "knots": self.knots.tolist(), "cuts": self.cuts.tolist()}

    @classmethod
    def from_state(cls, state: Any) -> NumberEncoding:
        """Raises BundleError for a state this encoding could not have written."""
        checked(state, _STATE, say("number", "数字"))
        return cls(float(state["middle"]), float(state["scale"]), np.array(state["knots"], dtype=np.float64), np.array(state["cuts"], dtype=np.float64))


def middle_and_scale(held: np.ndarray) -> tuple[float, float]:
    """The median, and what would be the standard deviation were the middle half of the values that of a normal distribution.

    Where half of the values are equal it is the standard deviation itself; where all are, 1.
    """
    if not len(held):
        return 0.0, 1.0
    low, middle, high = (float(each) for each in np.quantile(held, (0.25, 0.5, 0.75)))
    return middle, (high - low) / 1.349 or float(held.std()) or 1.0


def standardised(held: np.ndarray, middle: float, scale: float) -> np.ndarray:
    """float64 (N,): how many scales from the middle.

    From 3 on it grows with the logarithm, and ends at 10 (some 1,100 scales away): one slip of the pen, a price in cents, would
    else weigh more than all other columns together. Order is kept until there, so that trees can still part large from huge.
    """
    with np.errstate(over="ignore"):
        size = (held - middle) / scale
    length = np.abs(size)
    bent = LINEAR + np.log1p(np.maximum(length - LINEAR, 0.0))
    return np.sign(size) * np.minimum(np.where(length > LINEAR, bent, length), FARTHEST)


def quantile_cuts(held: np.ndarray, bins: int) -> np.ndarray:
    """float64: at most bins - 1 places at which the values are cut into about equally full bins; few different ones each have their own."""
    different = np.unique(held)
    if len(different) <= bins:
        return np.unique(different[:-1] + np.diff(different) / 2)
    return np.unique(np.quantile(held, np.linspace(0, 1, bins + 1)[1:-1]))


def _knots(held: np.ndarray) -> np.ndarray:
    """The ends of the pieces; none where there would be one piece, which is the size again."""
    knots = np.unique(np.quantile(held, np.linspace(0, 1, PIECES + 1))) if len(held) else held
    return knots if len(knots) > 2 else knots[:0]
