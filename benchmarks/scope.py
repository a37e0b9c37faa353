"""`scope-clinc150`: rows out of scope with a stated rate of false alarms, by the ladder with pretrained weights, test read once.

Twice: learnt from the set's labelled rows out of scope (100 of 15,100 in train, 100 in dev), and from none. In scope a row is right where it is answered,
and answered right; a row out of scope is caught where the answer says so, or, where none was learnt, where it is handed over.
"""

from __future__ import annotations

import csv
import shutil
from typing import Any

import numpy as np
from machine import all_threads
from sets import DATA, SETS, Rows, few
from work import Work, timed

from startlm import build_model, prepare_examples, train_model
from startlm.core.weight_folders import ENGLISH
from startlm.metrics.intervals import exact_interval
from startlm.predict import Predictor, PredictSettings, open_model

BUDGET, ALLOWED = "10m", ("0.2%", "0.5%", "1%", "2%")  # false alarms that are allowed, each settled on calibration rows of the same training
ON = ("clinc150",)


def measure(work: Work, name: str) -> dict[str, Any]:
    """One of SETS whose parts hold rows of its label out of scope."""
    parts = {part: _all(name, part) for part in ("train", "dev", "test")}
    if work.quick:
        parts = {"train": few(parts["train"], 2_600), "dev": few(parts["dev"], 100), "test": few(parts["train"], 300, seed=1)}
    outside = SETS[name].left_out
    ways = {"learnt": parts, "none": {part: rows if part == "test" else rows.take([i for i, label in enumerate(rows.labels) if label != outside]) for part, rows in parts.items()}}
    lines = {way: work.piece(way, lambda rows=rows: _run(work, rows, outside)) for way, rows in ways.items()}
    return {"set": name, "weights": None if work.quick else ENGLISH, "lines": lines}


def _all(name: str, part: str) -> Rows:
    """The rows of a part, those out of scope too."""
    chosen = SETS[name]
    with (DATA / getattr(chosen, part)).open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return Rows([row[chosen.text] for row in rows], [row[chosen.label] for row in rows])


def _run(work: Work, parts: dict[str, Rows], outside: str) -> dict[str, Any]:
    folder, held = work.folder("run"), parts["test"]
    table = [record for part, rows in parts.items() for record in rows.records(part)]
    points, took = {}, []
    with all_threads():
        examples = prepare_examples(table, text="text", label="label", split_column="part", folder=folder / "data")
        model = build_model(examples, weights=None if work.quick else ENGLISH)
        for allowed in ALLOWED:  # the rungs are there after the first: what follows settles the rule anew
            predict = PredictSettings(false_alarms=allowed, out_of_scope=outside)
            trained, seconds = timed(lambda predict=predict: train_model(model, examples, predict=predict, budget="40s" if work.quick else BUDGET, folder=folder / "train"))
            predictor = open_model(trained.folder)
            points[allowed] = _judged(predictor, held, outside)
            took.append(seconds)
    shutil.rmtree(folder)
    return {"train_seconds": took[0], "members": [member["family"] for member in predictor.settings["members"]], "points": points}


def _judged(predictor: Predictor, held: Rows, outside: str) -> dict[str, Any]:
    answers = predictor.predict(held.texts)
    flagged = np.array([answer.handed_over or answer.prediction == outside for answer in answers])
    right = np.array([answer.prediction == label for answer, label in zip(answers, held.labels, strict=True)])
    strange = np.array(held.labels) == outside
    shares = {"in_scope": right[~strange] & ~flagged[~strange], "caught": flagged[strange], "false_alarms": flagged[~strange], "answered_all": right[~strange]}
    alarms = predictor.settings.get("alarms", {})
    return {"n": int((~strange).sum()), "strange": int(strange.sum()), "score": alarms.get("score"), "settled": alarms.get("alarms"),
            **{name: [float(hits.mean()), *exact_interval(int(hits.sum()), len(hits))] if len(hits) else None for name, hits in shares.items()}}  # fmt: skip
