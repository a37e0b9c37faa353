"""Deployed bundles of what reads columns: trees of each kind, a number to be told, columns beside a text; one of each, from one small table."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orders import orders

from startlm import build_model, deploy_model, evaluate_model, prepare_examples, train_model

NUMBERS = ("pieces: number", "weight: number", "city: category", "ordered: date")


@dataclass(frozen=True)
class Kind:
    """What is prepared, the family, and where it is trees, which."""

    family: str
    given: dict[str, Any]
    task: str = "classify"
    trees: str | None = None
    loss: str = "squared"


RETURNED = {"text": "note", "columns": NUMBERS, "label": "returned"}
KINDS = {
    "boosted": Kind("trees", RETURNED, trees="boosted"),
    "forest": Kind("trees", {"columns": ("pieces: number", "weight: number", "paid: number"), "label": "city"}, trees="forest"),
    "median": Kind("trees", {"columns": NUMBERS, "label": "paid"}, "score", "extra", "absolute"),
    "score": Kind("linear", {"text": "note", "columns": NUMBERS, "label": "paid"}, "score"),
    "lstm": Kind("lstm", RETURNED),
}
TREES = [name for name, kind in KINDS.items() if kind.trees]


def make(name: str, folder: Path) -> Path:
    """The bundle; orders.csv, answers.csv and report.json lie two folders above it."""
    kind, rows = KINDS[name], orders(260)
    folder.mkdir(parents=True)
    with (folder / "orders.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    examples = prepare_examples(folder / "orders.csv", task=kind.task, test_share=0.4, folder=folder / "data", **kind.given)
    model = build_model(examples, family=kind.family, size="small")
    if kind.trees:
        model = replace(model, rungs=tuple(replace(rung, options={**rung.options, "kind": kind.trees, "rounds": 40}) for rung in model.rungs))
    settings = {"loss": kind.loss} if kind.task == "score" else {}
    trained = train_model(model, examples, budget="10s", threads=1, folder=folder / "train", **settings)
    report = evaluate_model(trained, examples, folder=folder)
    return deploy_model(trained, report, to=folder / "bundles", force=True).folder
