"""How the rungs of a ladder are compared: which of them pays, alone or averaged, and the ladder's table. Not a member."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np

from ..core.contracts import Figure, Recipe
from ..core.recipes import TEACHER, TEACHES
from ..core.rungs import Rung
from ..metrics.comparison import paired_gain

SURE = 0.80  # confidence level of the interval of a rung's gain, which must lie above WORTH
LIKELY = 0.20  # instead, of a blend where few rows choose, each answered by a model of other folds: docs/decisions/0023
WORTH = 0.005  # nats a row: a gain below this is not worth a dearer model


@dataclass(frozen=True)
class Ladder:
    """The rows that choose: what is true of them, by which loss and by which seed rungs are compared on them; `folded` where they are few and in folds."""

    task: Any
    truth: np.ndarray
    loss: str
    seed: int
    folded: bool = False

    def choose(self, rungs: Sequence[Rung]) -> tuple[list[int], list[dict[str, Any]]]:
        """The numbers of the members, and the ladder's table."""
        answers = [self.task.calibrated(rung.logits, self.truth) for rung in rungs]
        best, table = [0], [self._line(rungs[0].fitted.recipe, answers[0], None, True)]
        for number in range(1, len(rungs)):
            gain, pays = self._pays(answers[best[0]], answers[number])
            pays = pays and TEACHES not in rungs[number].fitted.recipe.options
            table.append(self._line(rungs[number].fitted.recipe, answers[number], gain, pays))
            best = [number] if pays else best
        if len(rungs) > 1 and not any(TEACHES in rung.fitted.recipe.options for rung in rungs):  # a teacher is there so that it need not answer
            blend = self._blend(answers)
            mixed = self.task.calibrated(self.task.joined([answers[i] for i in blend]), self.truth)
            gain, pays = self._pays(answers[best[0]], mixed, LIKELY if self.folded else SURE)
            pays = pays and len(blend) > 1
            table.append(self._line(Recipe("blend", " + ".join(rungs[i].fitted.recipe.family for i in blend), ""), mixed, gain, pays))
            best = blend if pays else best
        return best, table

    def _blend(self, answers: Sequence[np.ndarray]) -> list[int]:
        """All rungs, less those whose leaving lowers the mean loss."""
        members = list(range(len(answers)))
        loss = lambda rows: float(self._losses(self.task.joined([answers[i] for i in rows])).mean())  # noqa: E731
        while len(members) > 1:
            without = min(members, key=lambda i: loss([j for j in members if j != i]))
            fewer = [j for j in members if j != without]
            if loss(fewer) >= loss(members):
                break
            members = fewer
        return members

    def _losses(self, answers: np.ndarray) -> np.ndarray:
        """float64 (N,): rungs are compared by the loss that is asked for, or a rung that is best at it would be passed over."""
        return self.task.losses(answers, self.truth, self.loss)  # type: ignore[no-any-return]

    def _pays(self, old: np.ndarray, new: np.ndarray, sure: float = SURE) -> tuple[Figure, bool]:
        """The fall of the loss per row with its SURE interval; and whether it is worth a dearer model, as sure as asked, and nothing a user counts is surely worse."""
        losses = self._losses(old), self._losses(new)
        gain = {level: paired_gain(*losses, self.seed, level=level, losses=True) for level in {SURE, sure}}
        return gain[SURE], _surely_above(gain[sure], WORTH) and not self.task.worse(old, new, self.truth, seed=self.seed, level=SURE)

    def _line(self, recipe: Recipe, answers: np.ndarray, gain: Figure | None, kept: bool) -> dict[str, Any]:
        taught = {key: recipe.options[key] for key in (TEACHES, TEACHER) if key in recipe.options}
        return {"family": recipe.family, "size": recipe.size, **taught, "parameters": recipe.parameters, "n": len(self.truth), **self.task.shown(answers, self.truth, self.loss),
                "gain": None if gain is None or gain.value is None else [gain.value, gain.low, gain.high], "level": SURE, "kept": kept}


def _surely_above(gain: Figure, least: float) -> bool:
    """Whether the whole interval lies above; too few rows have none."""
    return gain.low is not None and gain.low > least
