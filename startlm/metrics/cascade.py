"""A cascade: the cheap model answers the rows that it is sure of, the dear one the rest. Which threshold, and what each one costs and saves."""

from __future__ import annotations

from typing import Any

import numpy as np

from startlm.core.language import say

from .comparison import paired_gain

LINES = 12  # thresholds that are shown
FEWEST = 50  # rows; fewer settle no threshold
USEFUL = 0.05  # of the rows: with fewer answers of the cheap model a cascade is not worth its second half


def choose_cascade(cheap: np.ndarray, dear: np.ndarray, truth: np.ndarray, allowed: float) -> dict[str, Any] | None:
    """The threshold at which the cheap model answers most rows while the accuracy lost against the dear one alone is at most `allowed`.

    cheap, dear: log-confidences float64 (N, L), each at its own temperature; truth: int64 (N,). None where the rows are too few, or no
    threshold is worth it. The loss is what these rows show; its interval (95 %, paired bootstrap) stands beside it.
    """
    if len(truth) < FEWEST:
        return None
    sure = np.exp(cheap.max(axis=1))
    right = {name: answers.argmax(axis=1) == truth for name, answers in (("cheap", cheap), ("dear", dear))}
    order = np.argsort(-sure, kind="stable")
    lost = np.cumsum((right["dear"].astype(int) - right["cheap"])[order])  # rows lost, net, where so many are answered cheaply
    counts = np.flatnonzero(np.append(np.diff(sure[order]) < 0, True)) + 1  # rows that are equally sure are answered together
    good = [count for count in counts if lost[count - 1] <= allowed * len(truth)]
    if not good or good[-1] < USEFUL * len(truth):
        return None
    at = lambda count: _line(float(sure[order][count - 1]), sure, right)  # noqa: E731
    shown = np.unique(np.searchsorted(counts, np.linspace(0, len(truth), LINES + 1)[1:]).clip(max=len(counts) - 1))
    chosen = at(int(good[-1]))
    said = say(f"Cascade: the cheap model answers {chosen['share']:.0%} of the rows, those it is sure of by {chosen['threshold']:.0%} or more; accuracy lost against the dear one alone: {chosen['loss']:+.2%} of {len(truth):,} rows.",
               f"级联：便宜的模型回答 {chosen['share']:.0%} 的行（把握不低于 {chosen['threshold']:.0%} 的），其余由昂贵的模型回答；与只用昂贵模型相比，正确率损失 {chosen['loss']:+.2%}（{len(truth):,} 行）。")
    return {**chosen, "allowed": allowed, "n": len(truth), "lines": [at(int(counts[i])) for i in shown], "said": said._asdict()}


def _line(threshold: float, sure: np.ndarray, right: dict[str, np.ndarray]) -> dict[str, float]:
    cheaply = sure >= threshold
    loss = paired_gain(np.where(cheaply, right["cheap"], right["dear"]), right["dear"], 0)
    return {"threshold": threshold, "share": float(cheaply.mean()), "loss": float(loss.value or 0.0), "low": float(loss.low or 0.0), "high": float(loss.high or 0.0)}
