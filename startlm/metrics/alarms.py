"""Out of scope with a stated rate of false alarms: how far to lean towards "none of these", settled on calibration rows that are in scope."""

from __future__ import annotations

from typing import Any

import numpy as np

from startlm.core.language import say

FEWEST = 50  # rows in scope; fewer settle nothing
MOST_SHIFT = 30.0  # nats


def choose_alarms(mean: np.ndarray, truth: np.ndarray, outside: int | None, allowed: float) -> dict[str, Any] | None:
    """The rule under which at most `allowed` of the rows in scope are taken for out of scope. None where they are too few.

    mean: log-confidences float64 (N, L); outside: the number of the label that was learnt for it, or None. Where it was learnt, the rule is a
    shift of that label's log-confidence; else a confidence below which a row is handed over.
    """
    within = np.ones(len(truth), bool) if outside is None else truth != outside
    rows = int(within.sum())
    if rows < FEWEST:
        return None
    may = int(np.floor(allowed * rows + 1e-9))  # rows that may be taken for out of scope
    if outside is None:
        sure = np.sort(np.exp(mean.max(axis=1) - np.logaddexp.reduce(mean, axis=1)))
        threshold, alarms = float(sure[may]), int((sure < sure[may]).sum())
        rule = {"threshold": threshold}
    else:
        rest = np.delete(mean[within], outside, axis=1).max(axis=1) - mean[within, outside]  # how far to lean before the row is taken
        ordered = np.sort(rest)
        shift = float(np.clip(np.nextafter(ordered[min(may, rows - 1)], -np.inf), -MOST_SHIFT, MOST_SHIFT))
        rule, alarms = {"shift": shift}, int((rest < shift).sum())
    share = alarms / rows
    said = say(f"Out of scope: {share:.1%} of {rows:,} calibration rows in scope are taken for it, at most {allowed:.1%} were allowed.",
               f"超出范围：{rows:,} 行范围内的校准数据里有 {share:.1%} 被当作超出范围，允许的上限是 {allowed:.1%}。")
    return {**rule, "allowed": allowed, "alarms": share, "n": rows, "said": said._asdict()}


def shifted(mean: np.ndarray, outside: int | None, rule: Any) -> np.ndarray:
    """The same log-confidences, leaning as the rule says."""
    if rule is None or outside is None or "shift" not in rule:
        return mean
    leaning = mean.copy()
    leaning[:, outside] += rule["shift"]
    return leaning
