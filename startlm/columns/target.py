"""The target of the task score: a column of numbers, and the scale on which a model learns it.

>>> import numpy as np
>>> target = Target.fit(np.array([1.0, 2.0, 4.0, 8.0, 100.0]))
>>> target.transform, np.round(target.back(target.to_model(np.array([2.0, 8.0]))), 9).tolist()
('log1p', [2.0, 8.0])
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Mapping, Sequence

import numpy as np

from ..core.errors import BundleError, CallError
from ..core.language import Said, say
from ..core.model_file import list_of, number, one_of, record
from .number import Number

SKEWED = 1.0  # a skewness above this is worth a transform
BINS = 10
WIDENED = 0.5  # of train's span on either side: no answer lies further out
LARGEST = 1e100  # number in a target: beyond it, squares and sums would leave float64

_FARTHEST = 700.0  # exponent of e that float64 still holds
_amount = number(-LARGEST, LARGEST)
_STATE = record({"mean": _amount, "scale": number(1e-300, LARGEST), "transform": one_of(["none", "log1p"]), "average": _amount,
                 "quantiles": list_of(_amount, 5, 5), "skewness": list_of(number(-1e6, 1e6), 2, 2)})


@dataclass(frozen=True)
class Target:
    """How a column of numbers is learnt: less its mean, over its spread, as log(1 + value) where a few values tower over the rest.

    mean, scale: of what is learnt, after the transform. average, quantiles (least, quarter, median, three quarters, greatest):
    of train in the column's own unit. skewness: before and after the logarithm.
    """

    mean: float
    scale: float
    transform: str
    average: float
    quantiles: tuple[float, ...]
    skewness: tuple[float, float]

    @staticmethod
    def read(values: Sequence[Any]) -> tuple[np.ndarray, list[int]]:
        """The column as float64 (N,), and the positions of what is written but is no finite number: NaN there, and where nothing is written."""
        numbers, bad = Number.read(values)
        far = np.abs(numbers) > LARGEST
        return np.where(far, np.nan, numbers), sorted({*bad, *np.flatnonzero(far).tolist()})

    @classmethod
    def fit(cls, values: np.ndarray) -> Target:
        """The scale of float64 (N,) values of train; NaN is left out. Raises CallError where there is no number at all."""
        known = values[np.isfinite(values)]
        if not len(known):
            raise CallError(say("The target column holds no numbers.", "目标列里没有数字。"),
                            say("name a column of numbers, or use the task classify for labels", "请指定一列数字；如果是标签，请用 classify 任务"))
        logged = _logged(known)
        skewness = _skewness(known), _skewness(logged)
        skewed = known.min() >= 0 and skewness[0] > SKEWED and abs(skewness[1]) < skewness[0]
        learnt = logged if skewed else known
        spread = float(learnt.std()) if known.min() < known.max() else 0.0
        quantiles = np.quantile(known, (0, 0.25, 0.5, 0.75, 1))
        return cls(float(learnt.mean()), spread or 1.0, "log1p" if skewed else "none", float(known.mean()), tuple(quantiles.tolist()), skewness)

    @property
    def median(self) -> float:
        """Of train, in the column's own unit."""
        return self.quantiles[2]

    @property
    def said(self) -> Said | None:
        """What was done to the numbers; None where nothing was."""
        if self.transform == "none":
            return None
        before, after = self.skewness
        return say(f"A few values are much larger than the rest (skewness {before:.1f}): learnt as log(1 + value), which brings it to {after:.1f}.",
                   f"少数值远大于其余值（偏度 {before:.1f}）：按 log(1 + 值) 学习，偏度降到 {after:.1f}。")

    def to_model(self, values: np.ndarray) -> np.ndarray:
        """Numbers in their own unit on the scale that is learnt, float64 (N,)."""
        return (self._learnt(np.asarray(values, dtype=np.float64)) - self.mean) / self.scale

    def back(self, values: np.ndarray, *, clipped: bool = True) -> np.ndarray:
        """Answers on the learnt scale in the column's own unit, float64 (N,); no further out than train's span widened by half on each side."""
        learnt = np.asarray(values, dtype=np.float64) * self.scale + self.mean
        if not clipped:
            return self._own(learnt)
        reach = WIDENED * (self.quantiles[4] - self.quantiles[0])
        ends = np.array([self.quantiles[0] - reach, self.quantiles[4] + reach])
        return np.clip(self._own(np.clip(learnt, *self._learnt(ends))), *ends)  # twice: a logarithm and back is off by a rounding

    @staticmethod
    def bins(values: np.ndarray, count: int = BINS) -> np.ndarray:
        """int64 (N,): the bin of each number, from 0 without gaps, about equally many rows in each; equal numbers share one.

        Up to `count` different numbers are their own bins. For splits in which every part has high and low values.

        >>> Target.bins(np.array([3.0, 1.0, 3.0, 2.0])).tolist()
        [2, 0, 2, 1]
        """
        different, of_row = np.unique(values, return_inverse=True)
        if len(different) > count:
            edges = np.quantile(values, np.linspace(0, 1, count + 1)[1:-1])
            _, of_row = np.unique(np.searchsorted(edges, values, side="left"), return_inverse=True)
        return of_row.astype(np.int64)

    def state(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "quantiles": list(self.quantiles), "skewness": list(self.skewness)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Target:
        """The target that `state` wrote. Raises BundleError for one it could not have written."""
        wrong = _STATE(state, "target")
        if wrong is None and not _consistent(state):
            wrong = "target.quantiles"
        if wrong is not None:
            raise BundleError(say(f"The target's scale is not one that this StartLM writes: {wrong[:120]!a}.", f"目标的换算参数不是当前 StartLM 写出的：{wrong[:120]!a}。"),
                              say("Do not use this model. Deploy it again, or take an unaltered copy.", "请不要使用这个模型。请重新部署，或取一份没有改动过的副本。"))
        rising, (before, after) = tuple(map(float, state["quantiles"])), state["skewness"]
        return cls(float(state["mean"]), float(state["scale"]), state["transform"], float(state["average"]), rising, (float(before), float(after)))

    def _learnt(self, values: np.ndarray) -> np.ndarray:
        return _logged(values) if self.transform == "log1p" else values

    def _own(self, learnt: np.ndarray) -> np.ndarray:
        return np.sign(learnt) * np.expm1(np.minimum(np.abs(learnt), _FARTHEST)) if self.transform == "log1p" else learnt


def _consistent(state: Mapping[str, Any]) -> bool:
    """Quantiles rise, the average lies among them, and only what is nowhere below 0 was taken a logarithm of."""
    rising = state["quantiles"]
    least = 0.0 if state["transform"] == "log1p" else -LARGEST
    slack = 1e-9 * max(map(abs, rising))
    return rising == sorted(rising) and rising[0] >= least and rising[0] - slack <= state["average"] <= rising[4] + slack


def _logged(values: np.ndarray) -> np.ndarray:
    """log(1 + value), the same with a minus below 0: every number has one, and it leads back."""
    return np.sign(values) * np.log1p(np.abs(values))


def _skewness(values: np.ndarray) -> float:
    """The mean cube of values over their spread; 0 where they are all the same."""
    if values.min() == values.max():
        return 0.0
    centred = values - values.mean()
    spread = centred.std()
    return float(np.mean((centred / spread) ** 3)) if spread else 0.0

