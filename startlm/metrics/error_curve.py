"""Would more rows help a model of numbers? Its mean absolute error by the number of rows learnt from, the power law of
`metrics.learning_curve` through it, and what that promises, in the target's own unit.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple, Sequence

import numpy as np

from startlm.core.amounts import amount
from startlm.core.contracts import Figure
from startlm.core.language import Said, say

from .intervals import DRAWS, FEWEST_ROWS, bootstrap_sums, no_figure, percentile_interval
from .learning_curve import FURTHEST, fit_law, trusted
from .numbers import mean_figure

LESS = 0.05  # of the error that there is now: what "how many more rows" is asked for


class ErrorCurve(NamedTuple):
    """The mean absolute error at each size; by how much twice as many rows would lower it; how many more rows a twentieth less takes
    (None: no number of rows that the law can be trusted for), with its interval, and how much that twentieth is; and the verdict in words."""

    sizes: tuple[int, ...]
    points: tuple[Figure, ...]
    law: tuple[float, float, float]
    doubling: Figure
    more: tuple[int | None, int | None, int | None]
    less: float
    said: Said

    def to_json(self) -> dict[str, Any]:
        named = dict(zip(("value", "low", "high"), self.more))
        return {"points": [{"rows": size, "mae": asdict(each)} for size, each in zip(self.sizes, self.points)],
                "law": dict(zip(("floor", "factor", "power"), self.law)), "doubling": asdict(self.doubling),
                "rows_for_less": {**named, "less": self.less}, "said": self.said._asdict()}


def error_curve(sizes: Sequence[int], off: np.ndarray, fold: np.ndarray, now: int, seed: int) -> ErrorCurve:
    """The curve of absolute errors float64 (N, S) at S sizes, whose rows int64 (N,) fold tells apart: each fold was answered by models of its own.

    now: rows that there are to learn from. The interval is a bootstrap over folds and rows inside them, as for accuracy.
    """
    at, n = np.asarray(sizes, dtype=np.float64), len(off)
    measured, drawn = fit_law(at, off.mean(axis=0, keepdims=True)), fit_law(at, _resampled(off, fold, seed))
    gain, gains = (law.error(now) - law.error(2 * now) for law in (measured, drawn))
    value, less = float(gain[0]), LESS * float(measured.error(now)[0])
    low, high = percentile_interval(gains)
    doubling = Figure("gain", value, min(low, value), max(high, value), n, 0.0, "bootstrap") if n >= FEWEST_ROWS else no_figure("gain", n)
    needed, many = float(measured.more_for(less, now)[0]), drawn.more_for(less, now)
    few, most = (float(np.quantile(many, tail, method="inverted_cdf")) for tail in (0.025, 0.975))
    value_low_high = [trusted(each, now) for each in (needed, min(few, needed), max(most, needed))]
    more = (value_low_high[0], value_low_high[1], value_low_high[2])
    points = tuple(mean_figure("mae", off[:, i], seed) for i in range(len(sizes)))
    law = (float(measured.floor[0]), float(measured.factor[0]), float(measured.power[0]))
    return ErrorCurve(tuple(sizes), points, law, doubling, more, less, _said(doubling, more, less))


def _resampled(off: np.ndarray, fold: np.ndarray, seed: int) -> np.ndarray:
    """float64 (draws, S): the mean error at each size, of folds drawn with replacement and, in each, rows drawn with replacement."""
    parts = [off[fold == number] for number in np.unique(fold)]
    means = np.stack([bootstrap_sums(part, np.ones(len(part), dtype=np.int64), seed + number) / len(part) for number, part in enumerate(parts)])  # (P, draws, S)
    weights = np.array([len(part) for part in parts], dtype=np.float64)
    picked = np.random.default_rng(seed).integers(0, len(parts), size=(DRAWS, len(parts)))
    return np.einsum("df,dfs->ds", weights[picked] / weights[picked].sum(axis=1, keepdims=True), means[picked, np.arange(DRAWS)[:, None]])  # type: ignore[no-any-return]


def _said(doubling: Figure, more: Sequence[int | None], less: float) -> Said:
    if doubling.value is None or doubling.low is None or doubling.high is None:
        return say(f"Not enough data ({doubling.n} rows) to say whether more rows would help.", f"数据不够（{doubling.n} 行），无法判断增加数据是否有用。")
    like = max(abs(doubling.value), doubling.high - doubling.low)
    gained = "{} [{}, {}]".format(*(amount(each, like) for each in (doubling.value, doubling.low, doubling.high)))
    if doubling.high < less:
        return say(f"More rows of the same kind would not help measurably: twice as many lower the mean absolute error by {gained}.",
                   f"再增加同类数据没有明显用处：数据翻一倍，平均绝对误差只降低 {gained}。")
    value, low, high = more
    if value is None:
        return say(f"More rows would hardly help: no number up to {FURTHEST} times as many lowers the mean absolute error by {LESS:.0%}; twice as many lower it by {gained}.",
                   f"增加数据用处不大：增加到 {FURTHEST} 倍以内，平均绝对误差都降不到 {LESS:.0%}；翻一倍降低 {gained}。")
    high_en, high_zh = (f"{high:,}", f"{high:,}") if high is not None else ("no number", "无上限")
    return say(f"About {value:,} more rows [{low or 0:,}, {high_en}] for a mean absolute error {LESS:.0%} less (by {amount(less)}); twice as many rows lower it by {gained}.",
               f"再增加约 {value:,} 行 [{low or 0:,}, {high_zh}] 可把平均绝对误差降低 {LESS:.0%}（{amount(less)}）；数据翻一倍降低 {gained}。")
