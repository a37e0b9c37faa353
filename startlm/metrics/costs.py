"""What wrong answers cost: the cheapest answer by confidences, and the money it saves against always answering the same.

With calibrated confidences p the expected cost of answering a is Σ_t p(t) · cost(t, a); the cheapest a is Bayes' rule, and nothing is
chosen on the rows that are judged. With two labels it is a threshold: see `threshold`.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, NamedTuple, Sequence

import numpy as np

from startlm.core.contracts import Figure
from startlm.core.errors import CallError
from startlm.core.language import say

from .intervals import FEWEST_ROWS, bootstrap_means, no_figure, percentile_interval

PERSON = "person"  # what is answered where a row is handed over
PER = 1_000  # rows that costs are told for
_cost = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")


class Costs(NamedTuple):
    """matrix: float64 (L, L), truth by answer; person: what a row handed over costs, or None where none is."""

    matrix: np.ndarray
    person: float | None = None

    def cheapest(self, confidences: np.ndarray) -> np.ndarray:
        """int64 (N,): the answer of least expected cost for confidences (N, L); L means handing the row over."""
        expected = confidences @ self.matrix
        if self.person is not None:
            expected = np.concatenate([expected, np.full((len(expected), 1), self.person)], axis=1)
        return expected.argmin(axis=1)

    def of_rows(self, truth: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """float64 (N,): what each row's answer cost; L is a row handed over."""
        matrix = np.concatenate([self.matrix, np.full((len(self.matrix), 1), self.person or 0.0)], axis=1)
        return matrix[truth, answers]  # type: ignore[no-any-return]

    def constant(self, shares: np.ndarray) -> int:
        """The one answer (L: a person) that costs least where labels come with these shares, float64 (L,)."""
        return int(self.cheapest(shares[None])[0])

    def threshold(self) -> tuple[int, float] | None:
        """With two labels and no person: the dearer label to miss, and the confidence from which answering it is cheaper."""
        if len(self.matrix) != 2 or self.person is not None:
            return None
        missed, alarm = self.matrix[1, 0] - self.matrix[1, 1], self.matrix[0, 1] - self.matrix[0, 0]
        label = 1 if missed >= alarm else 0
        one, other = (missed, alarm) if label == 1 else (alarm, missed)
        return (label, float(other / (one + other))) if one > 0 and other >= 0 else None


def parse_costs(lines: Sequence[str], labels: Sequence[str]) -> Costs:
    """Lines like "fraud -> fine: 200" (the truth, what is answered, what that costs); "* -> person: 3" is what handing over a row costs.

    What no line names costs nothing. Raises CallError for a line of another form or a label that is none.
    """
    matrix, person = np.zeros((len(labels), len(labels))), None
    for line in lines:
        names, _, told = line.rpartition(":")
        truth, arrow, answer = (part.strip() for part in names.partition("->"))
        if not (truth and arrow and answer) or not _cost.fullmatch(told.strip()):
            raise _wrong(say(f"[evaluate] costs: {line!r} is not of the form TRUTH -> ANSWER: COST.", f"[evaluate] costs：{line!r} 不是“真实标签 -> 回答: 代价”的形式。"), labels)
        cost = float(told)
        if answer == PERSON and truth == "*" and PERSON not in labels:
            person = cost
            continue
        for name in (truth, answer):
            if name not in labels:
                near = get_close_matches(name, labels, n=1)
                guess = say(f" Did you mean {near[0]!r}?", f"是不是 {near[0]!r}？") if near else say("", "")
                raise _wrong(say(f"[evaluate] costs: there is no label {name!r}.{guess.en}", f"[evaluate] costs：没有 {name!r} 这个标签。{guess.zh}"), labels)
        matrix[labels.index(truth), labels.index(answer)] = cost
    return Costs(matrix, person)


def _wrong(message: Any, labels: Sequence[str]) -> CallError:
    one, other = (list(labels) + ["a", "b"])[:2]
    return CallError(message, say(f'for instance costs = ["{one} -> {other}: 20", "{other} -> {one}: 1", "* -> person: 3"]; the labels: {", ".join(labels[:12])}',
                                  f'例如 costs = ["{one} -> {other}: 20", "{other} -> {one}: 1", "* -> person: 3"]；标签：{"、".join(labels[:12])}'))


def cost_figure(name: str, costs: np.ndarray, seed: int, *, baseline: np.ndarray | None = None, higher_is_better: bool = False) -> Figure:
    """The mean of float64 (N,) costs (or of what is saved), for 1,000 rows, with a percentile bootstrap over rows."""
    beside = None if baseline is None or not len(baseline) else float(PER * baseline.mean())
    if len(costs) < FEWEST_ROWS:
        return no_figure(name, len(costs), higher_is_better, beside)
    low, high = percentile_interval(PER * bootstrap_means(costs, seed))
    return Figure(name, float(PER * costs.mean()), low, high, len(costs), beside, "bootstrap", higher_is_better)
