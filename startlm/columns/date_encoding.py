"""A day as input: how late it is, its weekday and month, the hour where there are times; one word of its era and weekday."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.language import say
from ..core.model_file import FLAG, number, record
from .days import FIRST, LAST
from .number_encoding import middle_and_scale, quantile_cuts, standardised
from .stored import checked, damaged, rising

ERAS = 4  # about equally full stretches of train's days
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_DAY = number(FIRST, LAST)
_STATE = record({"middle": _DAY, "scale": number(1e-9, LAST - FIRST), "first": _DAY, "last": _DAY, "cuts": rising(FIRST, LAST, range(ERAS)), "clock": FLAG})


class DateEncoding:
    """Features: the day in robust units, 1 where it is missing, weekdays, months, the hour on its circle where train has times.

    Days before train's first and after its last count as those: what a trend does outside of train nobody has seen.
    Words: the era (a quarter of train's rows, in order of time) and the weekday together; the last one for what is missing.
    """

    def __init__(self, scaling: tuple[float, float], span: tuple[float, float], cuts: np.ndarray, clock: bool) -> None:
        self.scaling, self.span, self.cuts, self.clock = scaling, span, cuts, clock
        self.width = 2 + 7 + 12 + 2 * clock
        self.word_count = (len(cuts) + 1) * 7 + 1

    @classmethod
    def fit(cls, values: np.ndarray) -> DateEncoding:
        """float64 (N,): days since 1970-01-01, the time of day as a fraction; NaN for what is missing."""
        held = np.clip(values[np.isfinite(values)], FIRST, LAST)
        span = (float(held.min()), float(held.max())) if len(held) else (0.0, 0.0)
        middle, scale = middle_and_scale(held)
        return cls((middle, max(scale, 1e-9)), span, quantile_cuts(held, ERAS), bool((held % 1 > 0).any()))

    @property
    def names(self) -> tuple[str, ...]:
        return ("", " missing", *(f" on {day}" for day in _WEEKDAYS), *(f" in {month}" for month in _MONTHS), *((" hour, sine", " hour, cosine") if self.clock else ()))

    def features(self, values: np.ndarray) -> np.ndarray:
        """float32 (N, width). What is missing has the median's day, and no weekday, month or hour."""
        known = np.flatnonzero(np.isfinite(values))
        days = np.clip(values[known], FIRST, LAST - 1)
        out = np.zeros((len(values), self.width), dtype=np.float32)
        out[known, 0] = standardised(np.clip(days, *self.span), *self.scaling)
        out[:, 1] = 1.0
        out[known, 1] = 0.0
        out[known, 2 + _weekday(days)] = 1.0
        out[known, 9 + np.floor(days).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12] = 1.0
        if self.clock:
            angle = 2 * np.pi * (days % 1)
            out[known, 21], out[known, 22] = np.sin(angle), np.cos(angle)
        return out

    def words(self, values: np.ndarray) -> np.ndarray:
        """int32 (N,)"""
        known = np.flatnonzero(np.isfinite(values))
        days = np.clip(values[known], FIRST, LAST - 1)
        out = np.full(len(values), self.word_count - 1, dtype=np.int32)
        out[known] = np.searchsorted(self.cuts, days, side="right") * 7 + _weekday(days)
        return out

    def state(self) -> dict[str, Any]:
        middle, scale = self.scaling
        return {"middle": middle, "scale": scale, "first": self.span[0], "last": self.span[1], "cuts": self.cuts.tolist(), "clock": self.clock}

    @classmethod
    def from_state(cls, state: Any) -> DateEncoding:
        """Raises BundleError for a state this encoding could not have written."""
        checked(state, _STATE, say("date", "日期"))
        if state["first"] > state["last"]:
            raise damaged(say("date", "日期"), "first")
        return cls((float(state["middle"]), float(state["scale"])), (float(state["first"]), float(state["last"])), np.array(state["cuts"], dtype=np.float64), state["clock"])


def _weekday(days: np.ndarray) -> np.ndarray:
    """int64 (N,), 0 is Monday; 1970-01-01 was a Thursday."""
    return (np.floor(days).astype(np.int64) + 3) % 7
