"""Contents of reports of the task score, from random truths and answers: everything that evaluate writes, nothing trained."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from startlm.columns.target import Target
from startlm.metrics.comparison import paired_gain
from startlm.metrics.error_curve import error_curve
from startlm.metrics.interval_slices import least_covered
from startlm.metrics.intervals import share_figure
from startlm.metrics.number_slices import number_slices_json
from startlm.metrics.numbers import JudgedNumbers, mae, mean_figure
from startlm.metrics.slices import Cut
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


def next_steps(rows: int, seed: int = 0, *, column: str = "vineyard") -> dict[str, Any]:
    """What a report says to do next: one vineyard's wines are further off, some grades are likely wrong, more rows would help."""
    random = np.random.default_rng(seed)
    truth, answers = drawn(rows, seed)
    group = random.choice(["north", "south", "east"], rows)
    answers = np.where(group == "south", answers + random.normal(0, 2.5, rows), answers)
    cuts = [Cut("language", "", random.choice(["zh", "en"], rows).tolist()), Cut("column", column, group.tolist())]
    sizes = (100, 200, 400, 800)
    off = np.abs(random.normal(size=(rows, 1))) * (0.4 + 8 / np.sqrt(np.array(sizes)))
    curve = error_curve(sizes, off, random.integers(0, 5, rows), 1_000, seed).to_json()
    half = np.full(rows, 2.0)
    return {
        "slices": number_slices_json(truth, answers, cuts, seed=seed), "label_errors": None, "learning_curve": {"family": "trees", "rows": 1_000, **curve},
        "target_errors": {"looked_at": 4_600, "found": 23, "file": "target_errors.csv", "expected_precision": asdict(share_figure("precision", 19, 23)), "caught": asdict(share_figure("caught", 19, 46))},
        "columns_worth": {"n": rows, "columns": [{"column": name, "worth": asdict(mean_figure("worth", worth + random.normal(0, 1, rows), seed))} for name, worth in ((column, 0.4), ("alcohol", 0.0))]},
        "least_covered": least_covered(truth, answers - half, answers + half, cuts).to_json(),
    }
