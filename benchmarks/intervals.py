"""Intervals that follow each row (`loss = "quantiles"`) beside intervals of one width, on three folds of rows that learn.

    python benchmarks/intervals.py wine-quality alexa-reviews

A fifth of the rows, equal ones together, is set aside first and never looked at. A line for each family: MAE, coverage (promised: 90 %), mean
width, the coverage of the worst quarter of the answers; of models of the absolute error, and of quantiles with either kind of interval.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from columns import TABLES, Table

from startlm import build_model, prepare_examples, train_model
from startlm.metrics.conformal import covered, mean_width
from startlm.metrics.numbers import mean_figure
from startlm.metrics.slices import quarters
from startlm.predict import open_model

FOLDS = 3
FAMILIES = ("linear", "trees")


def learning_rows(table: Table) -> tuple[list[dict[str, str]], np.ndarray]:
    """Four fifths of the rows, and the fold of each, equal rows together."""
    fold = Table(table.rows, table.label, 5 * FOLDS, table.columns, table.text).fold_of()
    kept = np.flatnonzero(fold % 5 != 0)
    return [table.rows[i] for i in kept], fold[kept] // 5


def answered(table: Table, rows: list[dict[str, str]], fold: np.ndarray, family: str, loss: str) -> tuple[np.ndarray, np.ndarray]:
    """What each row is answered by a model of the other folds, and what it would be with intervals of one width: float64 (N, 3) each."""
    mine, fixed = np.zeros((len(rows), 3)), np.zeros((len(rows), 3))
    for number in range(FOLDS):
        held = np.flatnonzero(fold == number)
        given = [{**row, "part_": "test" if f == number else "train"} for row, f in zip(rows, fold)]
        with tempfile.TemporaryDirectory() as folder:
            examples = prepare_examples(given, text=table.text, columns=table.columns, label=table.label, split_column="part_", task="score", folder=Path(folder) / "data")
            model = train_model(build_model(examples, family=family), examples, loss=loss, folder=Path(folder) / "train")
            predictor = open_model(model.folder)
            mean = predictor.mean(predictor.inputs([rows[i] for i in held]))
            mine[held] = predictor.task.answered(mean, predictor.settings)
            fixed[held] = predictor.task.answered(mean, predictor.task.with_constant_width(predictor.settings))
    return mine, fixed


def line(truth: np.ndarray, answers: np.ndarray) -> dict[str, Any]:
    number, low, high = answers.T
    inside, width, quarter = covered(truth, low, high), mean_width(low, high, 0), np.array(quarters(number, number))
    error = mean_figure("mae", np.abs(number - truth), 0)
    worst = min(covered(truth[quarter == each], low[quarter == each], high[quarter == each]).value or 0.0 for each in np.unique(quarter))
    return {name: [round(float(each), 3) for each in (figure.value, figure.low, figure.high)] for name, figure in (("mae", error), ("covered", inside), ("width", width))} | {"worst_quarter": round(worst, 3)}


def main(names: list[str]) -> None:
    for name in names:
        table = TABLES[name]()
        rows, fold = learning_rows(table)
        truth = np.array([float(row[table.label]) for row in rows])
        for family in FAMILIES:
            if family == "trees" and not table.columns:
                continue
            quantiles, of_one_width = answered(table, rows, fold, family, "quantiles")
            absolute, _ = answered(table, rows, fold, family, "absolute")
            narrower = mean_figure("narrower", (absolute[:, 2] - absolute[:, 1]) - (quantiles[:, 2] - quantiles[:, 1]), 0)
            found = {"set": name, "family": family, "n": len(rows), "quantiles": line(truth, quantiles), "quantiles, one width": line(truth, of_one_width), "absolute, one width": line(truth, absolute),
                     "narrower": [round(float(each), 3) for each in (narrower.value, narrower.low, narrower.high)]}  # fmt: skip
            print(json.dumps(found, indent=1), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or ["wine-quality", "alexa-reviews"])
