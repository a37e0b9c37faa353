"""What a report says of numbers and of the intervals around them: the parts that depend on truth and answers alone."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np

from ..columns.target import BINS, Target
from ..core.amounts import amount, amounts_of
from ..core.contracts import Figure
from ..core.language import Said, say
from ..core.shelves import look_up
from ..metrics import NUMBER_METRICS
from ..metrics.conformal import covered, mean_width
from ..metrics.intervals import FEWEST_ROWS, in_words, no_figure
from ..metrics.numbers import JudgedNumbers, gain_over_baseline, mean_figure

PAIRS = 400  # rows whose truth and answer a report draws
BARS = 24  # of the picture of errors
USUAL = 0.99  # of the rows have a smaller error than the ends of that picture


class Intervals(NamedTuple):
    """What was promised of the intervals around the judged rows, and their ends, float64 (N,); None where there are none.

    margin: by how much learnt quantiles were widened, where intervals follow each row; constant: then the ends (N, 2) that intervals of one
    width would have.
    """

    coverage: float
    half_width: float | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    margin: float | None = None
    constant: np.ndarray | None = None


def number_content(judged: JudgedNumbers, intervals: Intervals) -> dict[str, Any]:
    """The parts of a report that depend on truth and answers alone, JSON-ready."""
    gain = gain_over_baseline(judged)
    return {
        "better_than_baseline": gain.low is not None and gain.low > 0, "gain": asdict(gain),
        "baseline": {"mean": judged.baseline_mean, "median": judged.baseline_median},
        "figures": number_figures(judged), "interval": _interval(judged, intervals),
        "truth_and_answer": _drawn(judged), "by_bin": _by_bin(judged), "residuals": _residuals(judged),
    }


def number_figures(judged: JudgedNumbers) -> list[dict[str, Any]]:
    """Every figure on the shelf, JSON-ready."""
    return [asdict(look_up(NUMBER_METRICS, name, say("metric", "指标"))(judged)) for name in NUMBER_METRICS]


def headline(judged: JudgedNumbers, error: Figure, better: bool) -> Said:
    """The verdict in a sentence, from the mean absolute error."""
    if error.value is None:
        few = in_words(error)
        return say(f"{few.en[0].upper()}{few.en[1:]} to say how good the model is.", f"{few.zh}，无法判断模型好坏。")
    value, low, high = amounts_of(asdict(error))
    off = f"{value} [{low}, {high}]"
    if error.baseline is None or judged.baseline_median is None:
        return say(f"Off by {off} on average over {error.n:,} test rows.", f"在 {error.n:,} 行测试数据上平均误差 {off}。")
    always, beside = amount(judged.baseline_median, trimmed=True), amount(error.baseline, like=max(error.value, error.baseline))
    if not better:
        return say(f"Not better than the baseline: always answering {always}, the median, is off by {beside} on average, the model by {off}.",
                   f"不比基线好：总是回答中位数 {always} 的平均误差是 {beside}，模型是 {off}。")
    return say(f"Off by {off} on average over {error.n:,} test rows; always answering {always}, the median, is off by {beside}.",
               f"在 {error.n:,} 行测试数据上平均误差 {off}；总是回答中位数 {always} 的平均误差是 {beside}。")


def _interval(judged: JudgedNumbers, intervals: Intervals) -> dict[str, Any]:
    """How often the intervals hold the truth, beside what was promised, and how wide they are."""
    if intervals.low is None or intervals.high is None:
        inside, width = no_figure("covered", 0), no_figure("width", 0, higher_is_better=False)
    else:
        inside, width = covered(judged.truth, intervals.low, intervals.high), mean_width(intervals.low, intervals.high, judged.seed)
    return {"coverage": intervals.coverage, "half_width": intervals.half_width, "margin": intervals.margin, "covered": asdict(inside), "width": asdict(width),
            "constant": _constant(judged, intervals)}


def _constant(judged: JudgedNumbers, intervals: Intervals) -> dict[str, Any] | None:
    """The same of intervals of one width around the same answers, and how much narrower on average those that follow each row are."""
    if intervals.constant is None or intervals.low is None or intervals.high is None:
        return None
    low, high = intervals.constant.T
    narrower = mean_figure("narrower", (high - low) - (intervals.high - intervals.low), judged.seed, higher_is_better=True)
    return {"covered": asdict(covered(judged.truth, low, high)), "width": asdict(mean_width(low, high, judged.seed)), "narrower": asdict(replace(narrower, baseline=0.0))}


def _drawn(judged: JudgedNumbers) -> list[list[float]]:
    """Some rows, drawn by the seed: [truth, answer] each."""
    rows = np.sort(np.random.default_rng(judged.seed).permutation(len(judged))[:PAIRS])
    return np.column_stack([judged.truth[rows], judged.predicted[rows]]).tolist()


def _by_bin(judged: JudgedNumbers) -> list[dict[str, Any]]:
    """The error, and how far answers are too high (above 0) or too low, from the least to the greatest truth; ten bins, fewer of few rows."""
    if not len(judged):
        return []
    of_row, error = Target.bins(judged.truth, min(BINS, max(1, len(judged) // FEWEST_ROWS))), judged.predicted - judged.truth
    found = []
    for number in range(int(of_row.max()) + 1):
        rows = of_row == number
        truth, off = judged.truth[rows], np.sort(error[rows])  # sorted: the order of rows changes nothing
        found.append({"low": float(truth.min()), "high": float(truth.max()), "n": len(off),
                      "mae": asdict(mean_figure("mae", np.abs(off), judged.seed)), "bias": asdict(mean_figure("bias", off, judged.seed))})
    return found


def _residuals(judged: JudgedNumbers) -> dict[str, Any] | None:
    """How many answers lie how far above (or below 0, under) the truth; what lies beyond the ends is counted in the outermost bars."""
    error = judged.predicted - judged.truth
    end = float(np.quantile(np.abs(error), USUAL)) if len(error) else 0.0
    if not end:
        return None
    counts, edges = np.histogram(np.clip(error, -end, end), bins=BARS, range=(-end, end))
    return {"edges": edges.tolist(), "counts": counts.tolist()}
