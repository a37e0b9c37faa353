"""`cascade-SET`: the ladder with pretrained weights as a cascade, through the five public calls, test read once: accuracy of the cheap rung alone,
of the dear ones alone and of both, and the mean milliseconds of a message by one thread, asked one at a time and handed over together."""

from __future__ import annotations

import os
import time
from typing import Any, Sequence

import numpy as np
from machine import all_threads
from sets import SETS, few, load
from work import Work, timed

from startlm import build_model, deploy_model, evaluate_model, open_bundle, prepare_examples, train_model
from startlm.core.members import CHEAP
from startlm.core.weight_folders import ENGLISH, MULTILINGUAL
from startlm.metrics.comparison import paired_gain
from startlm.metrics.intervals import exact_interval
from startlm.predict import Predictor

BUDGET = "10m"
ON = ("banking77", "clinc150", "thucnews-title")
TIMED = 1_000  # messages


def measure(work: Work, name: str) -> dict[str, Any]:
    """One of SETS: trained on train (a given dev part as dev), judged on test."""
    train, dev, held = (load(name, part) for part in ("train", "dev", "test"))
    if work.quick:
        train, dev, held = few(train, 2_600), few(dev, 100), few(train, 300, seed=1)
    weights = None if work.quick else MULTILINGUAL if SETS[name].chinese else ENGLISH
    table = train.records("train") + dev.records("dev") + held.records("test")
    return {"set": name, "weights": weights, **work.piece("cascade", lambda: _run(work, table, weights))}


def _run(work: Work, table: list[dict[str, str]], weights: str | None) -> dict[str, Any]:
    folder, held = work.folder("run"), [row for row in table if row["part"] == "test"]
    with all_threads():
        examples = prepare_examples(table, text="text", label="label", split_column="part", folder=folder / "data")
        trained, seconds = timed(lambda: train_model(build_model(examples, weights=weights), examples, budget="40s" if work.quick else BUDGET, folder=folder / "train"))
        report = evaluate_model(trained, examples, folder=folder)
    both = open_bundle(deploy_model(trained, report, to=folder / "bundles", force=True).folder)
    if both.threshold is None:
        return {"cascade": None, "train_seconds": seconds}
    sides = {"cheap": _alone(both, both.members[:1]), "dear": _alone(both, [member for member in both.members if member.role != CHEAP]), "cascade": both}
    texts = [row["text"] for row in held]
    right = {side: np.array([answer.prediction == row["label"] for answer, row in zip(predictor.predict(texts), held, strict=True)]) for side, predictor in sides.items()}
    loss = paired_gain(right["cascade"], right["dear"], seed=0)
    return {"n": len(held), "cascade": dict(both.settings["cascade"]), "share": report.content["cascade"]["chosen"]["answered_on_test"]["value"], "members": [member["family"] for member in both.settings["members"]],
            "loss": [loss.value, loss.low, loss.high], "train_seconds": seconds,
            "accuracy": {side: [float(hits.mean()), *exact_interval(int(hits.sum()), len(hits))] for side, hits in right.items()},
            "ms": {side: _milliseconds(predictor, texts[:TIMED]) for side, predictor in sides.items()},
            "ms_together": {side: 1000 * timed(lambda predictor=predictor: predictor.predict(texts))[1] / len(texts) for side, predictor in sides.items()}}  # fmt: skip


def _alone(both: Predictor, members: Sequence[Any]) -> Predictor:
    """A predictor of some of the members, without a cascade."""
    return Predictor({key: value for key, value in both.settings.items() if key != "cascade"}, list(members), both.encoder)


def _milliseconds(predictor: Predictor, texts: Sequence[str]) -> float:
    """Mean of a call with one message, the thread and its caches warm; engines answer with one thread, the tokenizers' library too."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    for text in texts[:50]:
        predictor.predict([text])
    began = time.perf_counter()
    for text in texts:
        predictor.predict([text])
    return 1000 * (time.perf_counter() - began) / len(texts)
