"""An interval around each answer that is a number, which holds the truth as often as it says: split conformal prediction.

Vovk, Gammerman & Shafer (2005); Lei et al. (2018). Rows that had no part in learning say how far answers are off; whatever
the model and the data, an interval made so holds the truth of a new row like them with at least the stated probability.

>>> import numpy as np
>>> half_width(np.arange(9.0), np.zeros(9), 0.9)
8.0
"""

from __future__ import annotations

from math import ceil

import numpy as np

from startlm.core.contracts import Figure
from startlm.core.errors import CallError
from startlm.core.language import say

from .intervals import share_figure
from .numbers import mean_figure

_ROUNDING = 1e-9  # 20 · 0.95 is a little above 19 in float64


def half_width(truth: np.ndarray, predicted: np.ndarray, coverage: float) -> float | None:
    """How far an answer must reach to both sides: the ceil((n + 1) · coverage)-th smallest of the n absolute residuals.

    truth, predicted: float64 (N,) of calibration rows. None where n is too small for the coverage: only an endless interval would keep it.
    Raises CallError for a coverage outside (0, 1).
    """
    return _held(np.abs(np.asarray(truth, dtype=np.float64) - predicted), coverage)


def margin(truth: np.ndarray, low: np.ndarray, high: np.ndarray, coverage: float) -> float | None:
    """By how much intervals that follow each row (low, high: quantiles that were learnt) must be widened on both sides, or below 0 may be
    narrowed, to hold as often as promised: conformalised quantile regression (Romano, Patterson and Candès 2019).

    truth, low, high: float64 (N,) of calibration rows. The ceil((n + 1) · coverage)-th smallest of how far the truth lies outside (inside:
    below 0). None where n is too small for the coverage. Raises CallError for a coverage outside (0, 1).
    """
    truth = np.asarray(truth, dtype=np.float64)
    return _held(np.maximum(low - truth, truth - high), coverage)


def _held(off: np.ndarray, coverage: float) -> float | None:
    """The least reach at which so many of the rows, and the new one, are held."""
    if not 0 < coverage < 1:
        raise CallError(say(f"The coverage of an interval must lie between 0 and 1, not {coverage}.", f"区间的覆盖率要在 0 和 1 之间，不能是 {coverage}。"),
                        say("write a share such as 0.9: nine of ten intervals then hold the truth", "请写成比例，例如 0.9：十个区间中有九个包含真实值"))
    rank = ceil((len(off) + 1) * coverage - _ROUNDING)
    return None if rank > len(off) else float(np.partition(off, rank - 1)[rank - 1])


def around(predicted: np.ndarray, half: float) -> tuple[np.ndarray, np.ndarray]:
    """Low and high end of each answer's interval, float64 (N,) each."""
    return predicted - half, predicted + half


def covered(truth: np.ndarray, low: np.ndarray, high: np.ndarray) -> Figure:
    """The share of rows whose truth lies inside its interval, ends included; exact interval."""
    inside = (truth >= low) & (truth <= high)
    return share_figure("covered", int(inside.sum()), len(inside))


def interval_losses(truth: np.ndarray, low: np.ndarray, high: np.ndarray, coverage: float) -> np.ndarray:
    """float64 (N,): the width of each interval, and where the truth lies outside 2 / (1 - coverage) times how far: the least mean is that of
    the true quantiles, so it tells whether one kind of interval is narrower without holding less (Gneiting and Raftery 2007).

    >>> interval_losses(np.array([1.0, 5.0]), np.array([0.0, 0.0]), np.array([4.0, 4.0]), 0.9).round(9).tolist()
    [4.0, 24.0]
    """
    outside = np.maximum(np.maximum(low - truth, truth - high), 0.0)
    return (high - low) + 2 / (1 - coverage) * outside  # type: ignore[no-any-return]


def mean_width(low: np.ndarray, high: np.ndarray, seed: int) -> Figure:
    """The mean width of the intervals, in the target's unit; of two that cover as much the narrower is better."""
    return mean_figure("width", high - low, seed)
