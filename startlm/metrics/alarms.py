"""Out of scope with a stated rate of false alarms, settled on calibration rows that are in scope.

A row is judged by its energy: how far its confidences are from saying nothing. Unlike the largest confidence it counts all labels: what
resembles nothing that was learnt leaves many of them likely (Liu et al. 2020, "Energy-based Out-of-distribution Detection"; docs/decisions/0021).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from startlm.core.language import Said, say

FEWEST = 50  # rows in scope; fewer settle nothing
MOST_SHIFT = 100.0  # nats
TINY = 1e-300
SCORES = PROBABILITY, ENERGY = ("probability", "energy")
BY = {PROBABILITY: "概率", ENERGY: "能量"}
TOO_FEW = say(f"Out of scope: false_alarms settles nothing, since there are fewer than {FEWEST} calibration rows in scope.", f"超出范围：范围内的校准数据不足 {FEWEST} 行，false_alarms 没有生效。")


def energy(mean: np.ndarray) -> np.ndarray:
    """float64 (N,): the logsumexp of logits (N, L) around their mean, in nats; of log-confidences that is less their mean. At least log L, for a row of which nothing is known."""
    centred = mean - mean.mean(axis=1, keepdims=True)
    highest = centred.max(axis=1)
    return highest + np.log(np.exp(centred - highest[:, None]).sum(axis=1))  # type: ignore[no-any-return]


def choose_shift(mean: np.ndarray, truth: np.ndarray, outside: int, allowed: float, choosing: tuple[np.ndarray, np.ndarray] | None = None) -> dict[str, Any] | None:
    """How far to lean towards the label that was learnt for what is out of scope, so that at most `allowed` of the rows in scope are taken for it; None where they are too few.

    mean: log-confidences float64 (N, L); truth: int64 (N,). `choosing`: the same of rows that choose: energy counts where more of those out of scope are caught by it.
    """
    rules = [_shift(mean, truth, outside, allowed, score) for score in SCORES]
    if rules[0] is None or choosing is None:
        return rules[0]
    strange = choosing[0][choosing[1] == outside]
    caught = [int((shifted(strange, outside, rule).argmax(axis=1) == outside).sum()) for rule in rules]
    return rules[int(caught[1] > caught[0])]


def _shift(mean: np.ndarray, truth: np.ndarray, outside: int, allowed: float, score: str) -> dict[str, Any] | None:
    within = mean[truth != outside]
    if len(within) < FEWEST:
        return None
    away = np.delete(within, outside, axis=1).max(axis=1) - within[:, outside] - _towards(within, outside, score)  # how far to lean before the row is taken
    ordered = np.sort(away)
    shift = float(np.clip(np.nextafter(ordered[_may(allowed, len(within))], -np.inf), -MOST_SHIFT, MOST_SHIFT))
    return {"shift": shift} | _stated(score, int((away < shift).sum()), len(within), allowed)


def _towards(mean: np.ndarray, outside: int, score: str) -> np.ndarray | float:
    """What the labels in scope say of a row's being none of them, beside a shift that is the same for all rows."""
    return 0.0 if score == PROBABILITY else -energy(np.delete(mean, outside, axis=1))


def shifted(mean: np.ndarray, outside: int | None, rule: Any) -> np.ndarray:
    """The same log-confidences, leaning as the rule says."""
    if rule is None or outside is None or "shift" not in rule:
        return mean
    leaning = mean.copy()
    leaning[:, outside] += rule["shift"] + _towards(mean, outside, rule.get("score", PROBABILITY))
    return leaning


def choose_least(confidences: np.ndarray, allowed: float) -> dict[str, Any] | None:
    """The energy below which a row is handed over where no label was learnt for what is out of scope; None where the rows, all in scope, are too few."""
    if len(confidences) < FEWEST:
        return None
    energies = energy_of(confidences)
    least = float(np.sort(energies)[_may(allowed, len(energies))])
    return {"least": least} | _stated(ENERGY, int((energies < least).sum()), len(energies), allowed)


def energy_of(confidences: np.ndarray) -> np.ndarray:
    """The same from confidences (N, L)."""
    return energy(np.log(np.maximum(confidences, TINY)))


def _may(allowed: float, rows: int) -> int:
    """How many rows may be taken for out of scope."""
    return min(int(np.floor(allowed * rows + 1e-9)), rows - 1)


def _stated(score: str, alarms: int, rows: int, allowed: float) -> dict[str, Any]:
    share = alarms / rows
    said: Said = say(f"Out of scope, by {score}: {share:.1%} of {rows:,} calibration rows in scope are taken for it, at most {allowed:.1%} were allowed.",
                     f"超出范围（按{BY[score]}）：{rows:,} 行范围内的校准数据里有 {share:.1%} 被当作超出范围，允许的上限是 {allowed:.1%}。")
    return {"score": score, "allowed": allowed, "alarms": share, "n": rows, "said": said._asdict()}
