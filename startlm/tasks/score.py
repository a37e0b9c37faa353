"""The task score: a number for each row. Owns the dumb baselines, how rungs are compared, the interval around an answer and its form."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np

from ..columns.target import Target
from ..core.amounts import amount
from ..core.contracts import NumberAnswer
from ..core.language import Said, say
from ..core.number_losses import LEVELS, QUANTILES, in_order, number_losses
from ..metrics.comparison import paired_gain
from ..metrics.conformal import around, half_width, interval_losses, margin

_DIGITS = ".9g"  # of a number in a table: what a model of float32 knows, and a little more


class Constants(NamedTuple):
    """What always answering one number would say: the mean of train has the least squared error, the median the least absolute one."""

    mean: float
    median: float


class Score:
    """Which number a row has, and between which it lies. Where `settings` stands, it is what model.json says.

    A model knows numbers on a scale of its own (`columns.target`): truth and answers of train are on it, a user's are not.
    """

    name = "score"
    numeric = True

    # --- train: how rungs are compared. Answers of one rung: numbers float64 (N, 1), or (N, 3): middle, low and high of three quantiles
    @staticmethod
    def outputs(labels: Sequence[str], loss: str) -> int:
        """How many numbers a model gives that learns by this loss."""
        return len(LEVELS) if loss == QUANTILES else 1

    @staticmethod
    def width(settings: Mapping[str, Any]) -> int:
        """How many numbers the model gives."""
        return len(LEVELS) if "margin" in settings["interval"] else 1

    @staticmethod
    def calibrated(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Answers from logits: a number needs no temperature."""
        return Score.of_member(logits, 1.0)

    @staticmethod
    def joined(answers: Sequence[np.ndarray]) -> np.ndarray:
        """The answers of several members together: their mean."""
        return np.mean(answers, axis=0)  # type: ignore[no-any-return]

    @staticmethod
    def losses(answers: np.ndarray, truth: np.ndarray, loss: str) -> np.ndarray:
        """float64 (N,): what train minimises: squared or absolute errors, or pinball losses, in which the middle one counts by its absolute error."""
        return number_losses(answers, truth, loss)

    @staticmethod
    def worse(old: np.ndarray, new: np.ndarray, truth: np.ndarray, *, seed: int, level: float) -> bool:
        """Whether the absolute error is greater, by more than chance."""
        high = paired_gain(*(np.abs(answers[:, 0] - truth) for answers in (old, new)), seed, level=level, losses=True).high
        return high is not None and high < 0

    @staticmethod
    def shown(answers: np.ndarray, truth: np.ndarray, loss: str) -> dict[str, Any]:
        """What the ladder's table says of one rung; `loss`: what gains are of."""
        return {"loss": loss, "squared_error": float(np.square(answers[:, 0] - truth).mean()), "absolute_error": float(np.abs(answers[:, 0] - truth).mean())}

    @staticmethod
    def described(logits: np.ndarray, truth: np.ndarray) -> tuple[float, Said]:
        """The figure of one rung on the rows that choose, and in words: the share of the target's spread that it explains."""
        spread = float(np.square(truth - truth.mean()).sum())
        share = max(0.0, 1 - float(np.square(Score.of_member(logits, 1.0)[:, 0] - truth).sum()) / spread) if spread else 0.0
        return share, say(f"explains {share:.1%} of the spread on the rows that choose", f"在用于选择的行上解释了 {share:.1%} 的波动")

    # --- train: what calibration rows settle
    @staticmethod
    def begun(labels: Sequence[str], every_label: Sequence[str], predict: Any) -> dict[str, Any]:
        """What model.json says of labels: there are none."""
        return {"labels": []}

    @staticmethod
    def temperatures(logits: Sequence[np.ndarray], truth: np.ndarray) -> list[float]:
        """One for each member: a number needs none."""
        return [1.0] * len(logits)

    @staticmethod
    def of_member(logits: np.ndarray, temperature: float) -> np.ndarray:
        """A member's part of the answer, float64 (N, 1): its one output, or the second of two less the first; or its three, in order, (N, 3)."""
        numbers = np.asarray(logits, dtype=np.float64)
        if numbers.shape[1] == len(LEVELS):
            return in_order(numbers)
        return numbers[:, 1:] - numbers[:, :1] if numbers.shape[1] == 2 else numbers

    @staticmethod
    def settled(mean: np.ndarray, truth: np.ndarray, settings: Mapping[str, Any], predict: Any,
                choosing: tuple[np.ndarray, np.ndarray] | None = None) -> tuple[dict[str, Any], Said | None]:
        """What calibration rows settle, for model.json, and in words; `mean` are the members' parts, averaged.

        choosing: the same two of the rows that choose, which say whether intervals follow each row; None: these rows.
        """
        target = Target.from_state(settings["target"])
        half, learnt = Score.half_width(truth, mean[:, 0], target, predict.coverage), mean.shape[1] == len(LEVELS)
        follow = learnt and half is not None and Score.better_following(*(choosing or (mean, truth)), target, predict.coverage)
        settled: dict[str, Any] = {"interval": {"coverage": predict.coverage, "half_width": half, "n": len(truth)}}
        if learnt:
            settled["interval"]["margin"] = margin(truth, mean[:, 1], mean[:, 2], predict.coverage) if follow else None
        if half is None:
            return settled, say(f"{len(truth):,} calibration rows are too few for intervals that hold the true number {predict.coverage:.0%} of the time: answers have none.",
                                f"校准数据只有 {len(truth):,} 行，给不出以 {predict.coverage:.0%} 的比例包含真实值的区间：回答不带区间。")
        if follow:
            return settled, say(f"Answers carry an interval that is wide where rows are hard to tell and holds the true number {predict.coverage:.0%} of the time (from {len(truth):,} calibration rows).",
                                f"回答带有区间，难答的行区间宽，以 {predict.coverage:.0%} 的比例包含真实值（由 {len(truth):,} 行校准数据得出）。")
        own = target.transform == "none"
        reach = say(f"an interval of ± {amount(half)}", f" ± {amount(half)} 的区间") if own else say("an interval, wider for larger numbers,", "区间（数越大越宽）")
        instead = say(" Intervals that follow each row were not shown to be better.", "随行变化的区间没有显出更好。") if learnt else say("", "")
        return settled, say(f"Answers carry {reach.en} that holds the true number {predict.coverage:.0%} of the time (from {len(truth):,} calibration rows).{instead.en}",
                            f"回答带有{reach.zh}，以 {predict.coverage:.0%} 的比例包含真实值（由 {len(truth):,} 行校准数据得出）。{instead.zh}")

    @staticmethod
    def better_following(mean: np.ndarray, truth: np.ndarray, target: Target, coverage: float) -> bool:
        """Whether intervals from learnt quantiles are better than those of one width on these rows, by more than chance: narrower, and no less
        often or less nearly right, as the interval score has it."""
        interval = {"coverage": coverage, "half_width": Score.half_width(truth, mean[:, 0], target, coverage), "margin": margin(truth, mean[:, 1], mean[:, 2], coverage)}
        if interval["margin"] is None:
            return False
        known, settings = target.back(truth, clipped=False), {"target": target.state(), "interval": interval}
        answered = (Score.answered(mean, each) for each in (Score.with_constant_width(settings), settings))
        low = paired_gain(*(interval_losses(known, each[:, 1], each[:, 2], coverage) for each in answered), 0, losses=True).low
        return low is not None and low > 0

    @staticmethod
    def half_width(truth: np.ndarray, numbers: np.ndarray, target: Target, coverage: float) -> float | None:
        """How far intervals reach to both sides, from calibration rows: float64 (N,) each, on the model's scale.

        In the target's own unit; where the model learnt a logarithm, on its scale: intervals are then narrow where numbers are small.
        """
        answered = target.back(numbers)
        if target.transform == "none":
            return half_width(target.back(truth, clipped=False), answered, coverage)
        return half_width(truth, target.to_model(answered), coverage)

    # --- predict
    @staticmethod
    def answered(mean: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
        """float64 (N, 3): the number and both ends of its interval, in the target's own unit; ends are NaN where there is none."""
        target = Target.from_state(settings["target"])
        interval, numbers = settings.get("interval") or {}, target.back(mean[:, 0])
        half = interval.get("half_width")
        if interval.get("margin") is not None:
            # a margin below 0 may bring the ends past each other or past the middle, which lies inside whatever it is
            low, high = (target.back(end, clipped=False) for end in (mean[:, 1] - interval["margin"], mean[:, 2] + interval["margin"]))
            low, high = np.minimum(low, numbers), np.maximum(high, numbers)
        elif half is None:
            low = high = np.full(len(numbers), np.nan)
        elif target.transform == "none":
            low, high = around(numbers, half)
        else:
            low, high = (target.back(end, clipped=False) for end in around(target.to_model(numbers), half))
        return np.column_stack([numbers, low, high])

    @staticmethod
    def answers(answered: np.ndarray, settings: Mapping[str, Any]) -> list[NumberAnswer]:
        """One NumberAnswer a row from float64 (N, 3)."""
        return [NumberAnswer(number, *((low, high) if low == low else (None, None))) for number, low, high in answered.tolist()]

    @staticmethod
    def answer_schema(settings: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON Schema of an answer's properties."""
        return {"prediction": {"type": "number"}, **dict.fromkeys(("low", "high"), {"type": ["number", "null"]})}

    @staticmethod
    def columns(settings: Mapping[str, Any], every_label: bool) -> list[str]:
        """The columns that predict adds to a table."""
        return ["prediction", "low", "high"]

    @staticmethod
    def cells(answered: np.ndarray, settings: Mapping[str, Any], every_label: bool) -> list[tuple[Any, ...]]:
        """What stands in these columns, row by row; an end that is not there is empty."""
        return [tuple(float(format(number, _DIGITS)) if number == number else "" for number in row) for row in answered.tolist()]

    @staticmethod
    def probed(answered: np.ndarray, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What golden.json keeps of the answers to the probes."""
        return [{"prediction": number} for number in answered[:, 0].tolist()]

    @staticmethod
    def agrees(was: Mapping[str, Any], now: np.ndarray, settings: Mapping[str, Any], tolerance: float) -> bool:
        """Whether a probe is answered as it was, within `tolerance` of the target's spread."""
        target = Target.from_state(settings["target"])
        one, other = target.to_model(np.array([was["prediction"], now[0]]))
        return bool(abs(one - other) <= tolerance)

    @staticmethod
    def with_constant_width(settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of the same model with intervals of one width (on the scale that is learnt), for comparison."""
        return {**settings, "interval": {key: value for key, value in settings["interval"].items() if key != "margin"}}

    # --- what a number is compared with
    @staticmethod
    def baseline(values: np.ndarray) -> Constants:
        """The two constants of float64 (N,) numbers of train, in their own unit."""
        return Constants(float(np.mean(values)), float(np.median(values)))
