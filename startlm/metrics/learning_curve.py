"""Would more rows help? Accuracy by the number of rows learnt from, a power law through it, and what it promises, with intervals.

error(n) = floor + factor · n^−power, with floor and factor not below 0 (Hestness et al. 2017; Viering & Loog 2023 on what such
laws can and cannot say). Every size is judged on the same rows, each out of fold.
"""

from __future__ import annotations

from dataclasses import asdict
from math import floor, inf, log10
from typing import Any, NamedTuple, Sequence

import numpy as np

from startlm.core.contracts import Figure
from startlm.core.language import Said, say

from .intervals import DRAWS, FEWEST_ROWS, no_figure, percentile_interval, share_figure

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)  # of the rows that a fold learns from
FEWEST_SIZES = 3  # a law of three numbers needs as many points
FEWEST_LEARNT = 2  # rows a label at the smallest size, on average
POINT = 0.01  # of accuracy: what "how many more rows" is asked for
FURTHEST = 8  # times as many rows as there are: further on the law is not trusted, it was measured over so wide a range
_POWERS = np.linspace(0.05, 1.5, 59)


class Law(NamedTuple):
    """Power laws of D curves: error(n) = floor + factor · n^−power; float64 (D,) each."""

    floor: np.ndarray
    factor: np.ndarray
    power: np.ndarray

    def error(self, n: float) -> np.ndarray:
        """float64 (D,)"""
        return self.floor + self.factor * n**-self.power

    def more_for(self, gain: float, now: int) -> np.ndarray:
        """How many rows more than `now` lower the error by `gain`, float64 (D,); infinity where none do."""
        left = self.factor * now**-self.power - gain
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            needed = (np.maximum(left, 0.0) / self.factor) ** (-1 / self.power)
        return np.where(left > 0, needed - now, inf)


class Curve(NamedTuple):
    """Accuracy at each size; what twice as many rows would add; how many more a point takes (None: no number of rows that the law can be
    trusted for), with its interval; and the verdict in words."""

    sizes: tuple[int, ...]
    points: tuple[Figure, ...]
    law: tuple[float, float, float]
    doubling: Figure
    more: tuple[int | None, int | None, int | None]
    said: Said

    def to_json(self) -> dict[str, Any]:
        named = dict(zip(("value", "low", "high"), self.more))
        return {"points": [{"rows": size, "accuracy": asdict(each)} for size, each in zip(self.sizes, self.points)],
                "law": dict(zip(("floor", "factor", "power"), self.law)), "doubling": asdict(self.doubling), "rows_for_a_point": named, "said": self.said._asdict()}


def sizes_worth(learnt: int, labels: int) -> tuple[float, ...]:
    """The SHARES at which a model of so many labels learns from rows enough to say something; () where too few are left for a law."""
    worth = tuple(share for share in SHARES if share * learnt >= max(FEWEST_ROWS, FEWEST_LEARNT * labels))
    return worth if len(worth) >= FEWEST_SIZES else ()


def learning_curve(sizes: Sequence[int], right: np.ndarray, fold: np.ndarray, now: int, seed: int) -> Curve:
    """The curve of bool (N, S) right at S sizes, whose rows int64 (N,) fold tells apart: each fold was answered by models of its own.

    now: rows that there are to learn from. The interval is a bootstrap over folds and rows inside them, so both what was
    learnt from and what was asked vary; with few folds that is on the wide side.
    """
    measured = fit_law(np.asarray(sizes, dtype=np.float64), 1 - right.mean(axis=0, keepdims=True))
    drawn = fit_law(np.asarray(sizes, dtype=np.float64), 1 - _resampled(right, fold, seed))
    gain, gains = (law.error(now) - law.error(2 * now) for law in (measured, drawn))
    value = float(gain[0])
    low, high = percentile_interval(gains)
    n = len(right)
    doubling = Figure("gain", value, min(low, value), max(high, value), n, 0.0, "bootstrap") if n >= FEWEST_ROWS else no_figure("gain", n)
    needed, many = float(measured.more_for(POINT, now)[0]), drawn.more_for(POINT, now)
    few, most = (float(np.quantile(many, tail, method="inverted_cdf")) for tail in (0.025, 0.975))
    more = tuple(trusted(each, now) for each in (needed, min(few, needed), max(most, needed)))
    points = tuple(share_figure("accuracy", int(right[:, i].sum()), n) for i in range(len(sizes)))
    return Curve(tuple(sizes), points, (float(measured.floor[0]), float(measured.factor[0]), float(measured.power[0])), doubling, more, _said(doubling, more))


def fit_law(sizes: np.ndarray, errors: np.ndarray) -> Law:
    """Least squares for float64 (D, S) errors at (S,) sizes: for each power of a grid the best floor and factor not below 0 (D × P at once)."""
    x = sizes[None, :] ** -_POWERS[:, None]  # (P, S)
    mean_x, mean_y = x.mean(axis=1), errors.mean(axis=1)  # (P,), (D,)
    spread = ((x - mean_x[:, None]) ** 2).mean(axis=1)
    slope = (errors @ x.T / x.shape[1] - mean_y[:, None] * mean_x) / spread  # (D, P)
    base = mean_y[:, None] - slope * mean_x
    through = (errors @ x.T) / (x**2).sum(axis=1)  # without a floor
    slope, base = np.where(base < 0, through, slope), np.maximum(base, 0.0)
    slope, base = np.where(slope < 0, 0.0, slope), np.where(slope < 0, mean_y[:, None], base)
    off = ((errors[:, None, :] - base[:, :, None] - slope[:, :, None] * x) ** 2).sum(axis=2)
    best, rows = off.argmin(axis=1), np.arange(len(errors))
    return Law(base[rows, best], slope[rows, best], _POWERS[best])


def _resampled(right: np.ndarray, fold: np.ndarray, seed: int) -> np.ndarray:
    """float64 (draws, S): the share right at each size, of folds drawn with replacement and, in each, rows drawn with replacement."""
    random = np.random.default_rng(seed)
    parts = [right[fold == number] for number in np.unique(fold)]
    shares = np.empty((len(parts), DRAWS, right.shape[1]))
    for number, part in enumerate(parts):
        kinds, counts = np.unique(part, axis=0, return_counts=True)
        shares[number] = random.multinomial(len(part), counts / len(part), size=DRAWS) @ kinds / len(part)
    weights = np.array([len(part) for part in parts], dtype=np.float64)
    picked = random.integers(0, len(parts), size=(DRAWS, len(parts)))
    return np.einsum("df,dfs->ds", weights[picked] / weights[picked].sum(axis=1, keepdims=True), shares[picked, np.arange(DRAWS)[:, None]])


def trusted(more: float, now: int) -> int | None:
    """The number of rows, to two digits; None beyond FURTHEST times as many."""
    if not more <= (FURTHEST - 1) * now:
        return None
    step = 10 ** max(0, floor(log10(max(more, 1.0))) - 1)
    return max(1, round(more / step)) * step


def _said(doubling: Figure, more: Sequence[int | None]) -> Said:
    if doubling.value is None or doubling.low is None or doubling.high is None:
        return say(f"Not enough data ({doubling.n} rows) to say whether more rows would help.", f"数据不够（{doubling.n} 行），无法判断增加数据是否有用。")
    gained = f"{100 * doubling.value:+.1f} [{100 * doubling.low:+.1f}, {100 * doubling.high:+.1f}]"
    if doubling.high < POINT:
        return say(f"More rows of the same kind would not help measurably: twice as many add {gained} points.",
                   f"再增加同类数据没有明显用处：数据翻一倍只增加 {gained} 个百分点。")
    value, low, high = more
    if value is None:
        return say(f"More rows would hardly help: no number up to {FURTHEST} times as many adds a point; twice as many add {gained} points.",
                   f"增加数据用处不大：增加到 {FURTHEST} 倍以内都加不到一个百分点；翻一倍增加 {gained} 个百分点。")
    low_en, high_en = f"{low or 0:,}", f"{high:,}" if high is not None else "no number"
    high_zh = f"{high:,}" if high is not None else "无上限"
    return say(f"About {value:,} more rows [{low_en}, {high_en}] for one point of accuracy; twice as many rows add {gained} points.",
               f"再增加约 {value:,} 行 [{low_en}, {high_zh}] 可把准确率提高一个百分点；数据翻一倍增加 {gained} 个百分点。")
