"""Contents of reports of the task score, from random truths and answers: everything that evaluate writes, nothing trained."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from startlm.columns.target import Target
from startlm.metrics.comparison import paired_gain
from startlm.metrics.numbers import JudgedNumbers, mae
from startlm.tasks.number_content import Intervals, headline, number_content, number_figures
from startlm.tasks.score import Score

NO_LEAKS = {"exact": [], "near": [], "test_rows": [], "handled": "report", "files": {"exact": [], "near": [], "test_rows": []}}
RUNGS = [("linear", 0.52, None, True), ("trees", 0.41, [0.11, 0.07, 0.15], True), ("transformer", 0.43, [-0.02, -0.05, 0.01], False)]


def drawn(rows: int, seed: int, *, skewed: bool = False, noise: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    """True numbers, and what a model that knows them but for some noise would say of them; grades from 0 to 10, or prices."""
    random = np.random.default_rng(seed)
    known, unknown = random.normal(size=(2, rows))
    said = 0.7 * known
    truth = said + noise * unknown
    return (np.round(np.exp(6 + truth), 2), np.exp(6 + said)) if skewed else (np.clip(np.round(5.6 + 1.5 * truth), 0, 10), 5.6 + 1.5 * said)


def content_of(rows: int, seed: int = 0, *, skewed: bool = False, noise: float = 0.7, name: str = "quality", **changed: Any) -> dict[str, Any]:
    """The content of the report of so many test rows."""
    truth, answers = drawn(400, seed + 1, skewed=skewed, noise=noise)
    target, constants = Target.fit(truth), Score.baseline(truth)
    half = Score.half_width(target.to_model(truth[:200]), target.to_model(answers[:200]), target, 0.9)
    truth, answers = drawn(rows, seed, skewed=skewed, noise=noise)
    answered = Score.answered(target.to_model(answers)[:, None], {"target": target.state(), "interval": {"half_width": half}})
    judged = JudgedNumbers(truth, answered[:, 0], constants.mean, constants.median, seed)
    parts = number_content(judged, Intervals(0.9, half, *answered[:, 1:].T))
    cheapest = JudgedNumbers(truth, 0.5 * judged.predicted + 0.5 * constants.mean, constants.mean, constants.median, seed)
    gain = paired_gain(np.abs(truth - cheapest.predicted), np.abs(truth - judged.predicted), seed, losses=True)
    ladder = [{"family": family, "size": "small", "parameters": 1000, "n": 900, "squared_error": loss, "absolute_error": 0.8 * loss, "gain": gain, "level": 0.95, "kept": kept} for family, loss, gain, kept in RUNGS]
    return parts | {
        "schema": 1, "task": "score", "headline": headline(judged, mae(judged), parts["better_than_baseline"])._asdict(),
        "target": {"name": name, "transform": target.transform, "said": target.said and target.said._asdict(), "quantiles": list(target.quantiles)},
        "rows": {"train": 4_000, "dev": 400, "calibration": 200, "test": rows}, "languages": {"zh": 2_000, "en": 2_600}, "crossfit": False,
        "figures_clean": None, "cheapest": {"family": "linear", "figures": number_figures(cheapest), "gain": asdict(gain)}, "mistakes": rows // 10,
        "members": [{"family": "linear", "size": "small", "parameters": 1000}, {"family": "trees", "size": "small", "parameters": 9}],
        "ladder": ladder, "leaks": NO_LEAKS, "findings": [], "unlabelled": 3, "rejected": 0, "unused": ["id"], "maximum_mae": None, "broken_limit": None, "warnings": [],
        **dict.fromkeys(("slices", "label_errors", "learning_curve", "columns_worth")),
    } | changed
