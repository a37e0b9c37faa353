"""Answer or hand over: which rows a model may answer alone, how many errors that costs, what it saves.

A row is answered where its confidence is at or above the threshold; the others go to a person.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from startlm.core.contracts import Figure
from startlm.core.errors import CallError
from startlm.core.language import Said, say

from .intervals import exact_upper, no_figure, share_figure, share_figures, upper_bound_holds

POINTS = 50  # of the curve: answered shares of 2 %, 4 %, … 100 %
ANSWER_NOTHING = 2.0  # a threshold that no confidence reaches
CONFIDENCE = 0.9  # that the error among answered rows is at or below the target
RATES = (0.01, 0.02, 0.05, 0.10, 0.15, 0.20, 0.25, 0.30)  # errors among answered rows that somebody may ask for
USEFUL = 0.5  # of the rows answered: with less, a person still does most of the work
WALKS = 2  # towards more answers, each with its part of the doubt

_ROWS_PER_1000 = 1_000
_MINUTES_PER_HOUR = 60


class Point(NamedTuple):
    """One threshold of the curve; both figures have exact intervals."""

    threshold: float
    answered: Figure
    error: Figure


class Threshold(NamedTuple):
    """A chosen threshold and what calibration rows say of it.

    answered: share of the n calibration rows; error: share wrong among those answered; error_upper: its upper bound.
    Where none keeps the promise: value ANSWER_NOTHING, answered 0, error and error_upper None.
    """

    value: float
    answered: float
    error: float | None
    error_upper: float | None
    n: int
    target: float
    said: Said


class _Grid(NamedTuple):
    thresholds: np.ndarray  # float64 (M,), strict to lenient
    answered: np.ndarray  # int64 (M,)
    wrong: np.ndarray  # int64 (M,)


def _grid(confidence: np.ndarray, correct: np.ndarray) -> _Grid:
    """Thresholds at which 2 %, 4 %, … 100 % of the rows are answered; equal confidences are answered together."""
    order = np.argsort(-confidence, kind="stable")
    falling = confidence[order]
    ranks = (np.arange(1, POINTS + 1) * len(falling) + POINTS - 1) // POINTS - 1
    thresholds = np.unique(falling[ranks])[::-1]
    thresholds = thresholds[thresholds >= 0]  # below are rows that no threshold answers
    answered = np.searchsorted(-falling, -thresholds, side="right")
    return _Grid(thresholds, answered, np.cumsum(~correct[order])[answered - 1])


def curve(confidence: np.ndarray, correct: np.ndarray) -> list[Point]:
    """At most 50 points from strict to lenient, for float64 (N,) confidences of predictions and bool (N,) correct."""
    confidence, correct = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=bool)
    n = len(confidence)
    if not np.any(confidence >= 0):
        return []
    thresholds, answered, wrong = _grid(confidence, correct)
    shares = share_figures("answered", answered, np.full_like(answered, n))
    errors = share_figures("error", wrong, answered, higher_is_better=False)
    return [Point(*point) for point in zip(thresholds.tolist(), shares, errors, strict=True)]


def figures_at(confidence: np.ndarray, correct: np.ndarray, threshold: float) -> Point:
    """The two figures of one threshold, on rows that had no part in choosing it."""
    answers = np.asarray(confidence) >= threshold
    wrong = int(np.sum(answers & ~np.asarray(correct, dtype=bool)))
    return Point(float(threshold), share_figure("answered", int(answers.sum()), len(answers)),
                 share_figure("error", wrong, int(answers.sum()), higher_is_better=False))


def choose_threshold(confidence: np.ndarray, correct: np.ndarray, target_error: float) -> Threshold:
    """The threshold that answers most while the error among answered rows stays ≤ target_error, on calibration rows.

    The promise holds with 90 % confidence although up to 50 thresholds are looked at: two walks go towards more answers
    while the one-sided Clopper–Pearson bound at 1 - 0.1 / 2 is ≤ the target, and end at their first failure (fixed-sequence
    testing with several starts; Angelopoulos et al. 2021, "Learn then test"). One begins where enough rows are answered
    to allow for a quarter of the target, one where half of the rows are: neither start looks at what is correct.
    Raises CallError where target_error is not between 0 and 1.
    """
    if not 0 < target_error < 1:
        raise CallError(
            say(f"The error that is allowed must lie between 0 % and 100 %, not {target_error:.0%}.",
                f"允许的错误率要在 0% 和 100% 之间，不能是 {target_error:.0%}。"),
            say('write, for example, hand_over = "5%" under [predict]', '请在 [predict] 下面写，例如 hand_over = "5%"'),
        )
    confidence, correct = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=bool)
    n = len(confidence)
    if not np.any(confidence >= 0):
        return _nothing_answered(n, target_error)
    thresholds, answered, wrong = _grid(confidence, correct)
    certain = 1 - (1 - CONFIDENCE) / WALKS
    enough = upper_bound_holds(np.ceil(answered * target_error / 4).astype(np.int64), answered, target_error, certain)
    starts = (int(enough.argmax()) if enough.any() else len(answered), int(np.searchsorted(answered, n / 2)))
    best = _furthest(starts, upper_bound_holds(wrong, answered, target_error, certain))
    if best is None:
        return _nothing_answered(n, target_error)
    share, bound = float(answered[best] / n), float(exact_upper(wrong[best], answered[best], certain)[0])
    said = say(
        f"Rows with a confidence of {thresholds[best]:.3f} or more are answered: {share:.0%} of {n} calibration rows, "
        f"with at most {bound:.1%} errors among them (with {CONFIDENCE:.0%} confidence).",
        f"置信度不低于 {thresholds[best]:.3f} 的由模型回答：占 {n} 行校准数据的 {share:.0%}，"
        f"其中错误不超过 {bound:.1%}（可信程度 {CONFIDENCE:.0%}）。",
    )
    return Threshold(float(thresholds[best]), share, float(wrong[best] / answered[best]), bound, n, target_error, said)


def _furthest(starts: tuple[int, ...], passes: np.ndarray) -> int | None:
    """The most lenient place, of bool (M,), that a walk reaches before its first failure."""
    reached = [start + int(np.logical_and.accumulate(passes[start:]).sum()) - 1 for start in starts if passes[start:start + 1].any()]
    return max(reached, default=None)


def _nothing_answered(n: int, target: float) -> Threshold:
    said = say(
        f"No threshold keeps the error at or below {target:.1%} on {n} calibration rows: every row is handed over. "
        "Allow more errors, or give more labelled rows.",
        f"在 {n} 行校准数据上，没有一个阈值能让错误率不超过 {target:.1%}：所有消息都转给人工。请放宽错误率，或者增加有标签的数据。",
    )
    return Threshold(ANSWER_NOTHING, 0.0, None, None, n, target, said)


class Advice(NamedTuple):
    """An error rate worth asking for, and the point of the curve that keeps it."""

    rate: float
    point: Point


def advise(points: list[Point], above: float = 0.0) -> Advice | None:
    """The lowest of RATES that the curve keeps (with its whole interval) while a USEFUL share is answered; None where none is.

    It names a rate to try, not a threshold: that is chosen on calibration rows, for the rate that is then written down. Those
    may be too few for a rate that was tried: then the next must lie above it.
    """
    measured = [point for point in points if point.error.high is not None and (point.answered.value or 0.0) >= USEFUL]
    for rate in (each for each in RATES if each > above):
        if kept := [point for point in measured if point.error.high <= rate]:  # type: ignore[operator]
            return Advice(rate, kept[-1])
    return None


def hours_saved(answered: Figure, minutes_per_row: float) -> Figure:
    """Hours saved per 1,000 messages, from the answered share and the minutes that a person needs for one."""
    if answered.value is None or answered.low is None or answered.high is None:
        return no_figure("hours_saved", answered.n)
    hours = _ROWS_PER_1000 * minutes_per_row / _MINUTES_PER_HOUR
    return Figure("hours_saved", answered.value * hours, answered.low * hours, answered.high * hours, answered.n, 0.0, answered.method)
