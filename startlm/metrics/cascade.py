"""A cascade: from which confidence on a cheap model answers alone, and how much accuracy that loses against asking the dear one always."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from startlm.core.contracts import Figure
from startlm.core.language import Said, say

from .comparison import paired_gain
from .intervals import share_figure

STEPS = 20  # thresholds that are looked at: the cheap model answers 5 %, 10 % … 100 %
POINTS = 10  # of the report's table, beside the chosen one and none at all
SURE = 0.80  # of the interval of the loss, whose upper end decides with it
UNSEEN = 0.005  # how far that end may lie above the loss one accepts: fewer rows cannot tell a harmless threshold from a harmful one
WORTH = 0.2  # share of rows below which two models are more trouble than they save
ROUND = 1e6  # a threshold has so many different values
ASK_ALWAYS = 1.5  # a threshold that no confidence reaches


class Cascade(NamedTuple):
    """A chosen threshold, and what the n rows that chose it say: share that the cheap model answers, accuracy lost with its SURE interval."""

    threshold: float
    answered: float
    loss: float
    low: float
    high: float
    n: int
    allowed: float


class CascadePoint(NamedTuple):
    """One threshold on a test part: share answered by the cheap model, accuracy of both together, accuracy lost against the dear one."""

    threshold: float
    answered: Figure
    accuracy: Figure
    loss: Figure


def choose_cascade(confidence: np.ndarray, cheap: np.ndarray, dear: np.ndarray, allowed: float, seed: int) -> tuple[Cascade | None, Said]:
    """The most lenient threshold whose loss is allowed, and in words; None where none is worth it, with the reason.

    confidence: float64 (N,) of the cheap model's predictions; cheap, dear: bool (N,), which rows each answers rightly. A walk goes from
    strict to lenient while the loss is at most `allowed` and the upper end of its interval at most UNSEEN more, and ends at its first
    failure: a lenient threshold that looks good by chance, behind one that does not, is never taken.
    """
    confidence = np.asarray(confidence, dtype=np.float64)
    n, found = len(confidence), None
    for threshold in _thresholds(confidence, STEPS):
        sure = confidence >= threshold
        loss = paired_gain(np.where(sure, cheap, dear), dear, seed, level=SURE)
        if loss.value is None or loss.value > allowed or loss.high > allowed + UNSEEN:  # type: ignore[operator]
            break
        found = Cascade(float(threshold), float(sure.mean()), loss.value, loss.low, loss.high, n, allowed)  # type: ignore[arg-type]
    if found is None or found.answered < WORTH:
        return None, say(
            f"No cascade: with at most {allowed:.1%} of accuracy lost, the cheapest rung cannot be seen to answer {WORTH:.0%} of {n:,} rows alone.",
            f"不用级联：在准确率最多损失 {allowed:.1%} 的前提下，从 {n:,} 行数据看不出最便宜的一级能独自回答 {WORTH:.0%}。")
    return found, say(
        f"Cascade: the cheapest rung answers what it is at least {found.threshold:.1%} sure of, {found.answered:.0%} of {n:,} rows, and the chosen ones the rest; "
        f"against these alone {100 * found.loss:.2f} points of accuracy are lost [{100 * found.low:.2f}, {100 * found.high:.2f}].",
        f"级联：最便宜的一级回答把握达到 {found.threshold:.1%} 的行（{n:,} 行中的 {found.answered:.0%}），其余由选中的模型回答；"
        f"与全部由后者回答相比，准确率损失 {100 * found.loss:.2f} 个百分点 [{100 * found.low:.2f}, {100 * found.high:.2f}]。")


def _thresholds(confidence: np.ndarray, steps: int) -> list[float]:
    """Strict to lenient: at the k-th of them k / steps of the rows, or more where confidences are as good as equal, are at or above it.

    Rounded down, so that no row lies upon one: what it is answered would hang on the last bit of a sum.
    """
    falling = -np.sort(-confidence)
    ranks = (np.arange(1, steps + 1) * len(falling) + steps - 1) // steps - 1
    return np.unique(np.floor(falling[ranks] * ROUND) / ROUND)[::-1].tolist() if len(falling) else []  # type: ignore[no-any-return]


def cascade_points(confidence: np.ndarray, cheap: np.ndarray, dear: np.ndarray, chosen: float, seed: int) -> list[CascadePoint]:
    """A dozen thresholds, strict to lenient: the dear model alone first, the cheap one alone last, the chosen one among them."""
    found = sorted({ASK_ALWAYS, chosen, *_thresholds(np.asarray(confidence), POINTS)}, reverse=True)
    return [_point(confidence, cheap, dear, threshold, seed) for threshold in found]


def _point(confidence: np.ndarray, cheap: np.ndarray, dear: np.ndarray, threshold: float, seed: int) -> CascadePoint:
    sure, n = np.asarray(confidence) >= threshold, len(confidence)
    right = np.where(sure, cheap, dear)
    loss = paired_gain(right, dear, seed)
    if loss.value is not None and not sure.any():  # the same answers to every row: nothing is drawn
        loss = Figure("gain", 0.0, 0.0, 0.0, n, 0.0, loss.method)
    return CascadePoint(float(threshold), share_figure("answered", int(sure.sum()), n), share_figure("accuracy", int(right.sum()), n),
                        Figure("loss", loss.value, loss.low, loss.high, n, 0.0, loss.method, higher_is_better=False))
