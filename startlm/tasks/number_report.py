"""The report of a model that tells a number: figures with their intervals, the interval around answers, and where it errs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..columns.target import Target
from ..core.artifacts import Examples
from ..core.contracts import Figure
from ..core.language import say
from ..core.report_numbers import numbers_page
from ..metrics.comparison import paired_gain
from ..metrics.interval_slices import least_covered
from ..metrics.numbers import JudgedNumbers
from ..metrics.slices import Cut, quarters
from .judging import Judging
from .number_content import Intervals, headline, number_content, number_figures
from .next_steps import LEARNT, cuts_beside
from .number_next_steps import SeenNumbers, number_next_steps

MISTAKES = 0.1  # of the test rows stand in mistakes.csv: those that are furthest off


class NumberReport(Judging):
    """A model of numbers judged on one test part."""

    ANSWERED = ("prediction", "low", "high")
    page = staticmethod(numbers_page)

    def __init__(self, predictor: Any, examples: Examples, settings: Any) -> None:
        super().__init__(predictor, examples, settings)
        self.truth = self.test.labels
        self.constants = self.task.baseline(self.learnt)

    def judge(self, mean: np.ndarray) -> None:
        """Numbers and their intervals, float64 (N, 3)."""
        self.answered = self.task.answered(mean, self.predictor.settings)
        self.constant = self.task.answered(mean, self.task.with_constant_width(self.predictor.settings))[:, 1:]
        self.judged = self._judge(np.ones(len(self.truth), dtype=bool))

    def _judge(self, rows: np.ndarray) -> JudgedNumbers:
        return JudgedNumbers(self.truth[rows], self.answered[rows, 0], self.constants.mean, self.constants.median, self.settings.seed)

    def next_steps(self, folder: Path) -> dict[str, Any]:
        target = Target.from_state(self.predictor.settings["target"])
        seen = SeenNumbers(self.rows, self.truth, self.answered[:, 0], self.settings.seed, target, lambda columns: self.answered_columns(columns)[:, 0], self.examples.cells)
        return number_next_steps(self.examples, seen, folder) | {"least_covered": self._least_covered()}

    def _least_covered(self) -> dict[str, Any] | None:
        """The group of rows whose intervals hold the truth least often; None where there are no intervals or too few rows."""
        if self.predictor.settings["interval"]["half_width"] is None:
            return None
        number, low, high = self.answered.T
        cuts = [*cuts_beside(self.examples, self.rows, self.examples.rows_of(*LEARNT), self.examples.cells), Cut("answer", "", quarters(number, number))]
        found = least_covered(self.truth, low, high, cuts)
        return found and found.to_json()

    def content(self) -> dict[str, Any]:
        target = self.predictor.settings["target"]
        found = number_content(self.judged, self._intervals())
        error = Figure(**found["figures"][0])
        said = Target.from_state(target).said
        return {
            **self.data(), "headline": headline(self.judged, error, found["better_than_baseline"])._asdict(), **found,
            "target": {"name": self.examples.meta["label"], "transform": target["transform"], "said": said and said._asdict(),
                       "quantiles": np.quantile(self.learnt, (0, 0.25, 0.5, 0.75, 1)).tolist()},
            "figures_clean": self._clean_figures(), "cheapest": self._cheapest(), "mistakes": len(self.order()),
            "maximum_mae": self.settings.maximum_mae, "broken_limit": self._broken_limit(error), "warnings": [each._asdict() for each in self.found()],
        }

    def _intervals(self) -> Intervals:
        """The intervals of the test rows; where they follow each row, those of one width beside them."""
        interval = self.predictor.settings["interval"]
        if interval["half_width"] is None:
            return Intervals(interval["coverage"])
        follow = interval.get("margin")
        return Intervals(interval["coverage"], interval["half_width"], self.answered[:, 1], self.answered[:, 2], follow, None if follow is None else self.constant)

    def _broken_limit(self, error: Figure) -> dict[str, str] | None:
        """The stated limit that this model breaks, in words."""
        most = self.settings.maximum_mae
        if most is None or error.value is not None and error.value <= most:
            return None
        value = "–" if error.value is None else f"{error.value:.4g}"
        return say(f"a mean absolute error of {value} is above the stated maximum of {most:g}.", f"平均绝对误差 {value} 高于规定的最高值 {most:g}。")._asdict() | {"setting": "maximum_mae"}

    def _clean_figures(self) -> list[dict[str, Any]] | None:
        """The same figures on the test rows that have no equal or near row in train; None where nothing leaks."""
        return None if self.leaking is None else number_figures(self._judge(~self.leaking))

    def _cheapest(self) -> dict[str, Any] | None:
        """The ladder's first rung on the same test rows, and by how much less the chosen model is off."""
        if self.cheapest is None:
            return None
        errors = [np.abs(judged.predicted - judged.truth) for judged in (self.cheapest.judged, self.judged)]
        return {"family": self.cheapest.predictor.settings["members"][0]["family"], "figures": number_figures(self.cheapest.judged),
                "gain": asdict(paired_gain(*errors, self.settings.seed, losses=True))}

    def order(self) -> list[int]:
        """The rows that are furthest off, the worst first."""
        error = np.abs(self.answered[:, 0] - self.truth)
        return np.argsort(-error, kind="stable")[: int(np.ceil(MISTAKES * len(error)))].tolist()  # type: ignore[no-any-return]

    def shown(self, i: int) -> tuple[Any, ...]:
        return (float(self.truth[i]), *self.task.cells(self.answered[i : i + 1], self.predictor.settings, False)[0])
