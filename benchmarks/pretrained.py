"""`pretrained-SET`: the ladder with pretrained weights beside the ladder without, both through the five public calls, test read once; on BESIDE_ONE also
beside single kinds of model in the budget of the ladder.

`tuned-SET`: fine-tuning alone within a budget, three seeds fixed beforehand. Both learn from train and dev; the weights are the packages'.
"""

from __future__ import annotations

import csv
import shutil
from typing import Any

import numpy as np
from machine import all_threads
from quality import sized
from sets import BESIDE_ONE, DATA, SETS, few, leaking, load
from work import Work, timed

from startlm import build_model, deploy_model, evaluate_model, open_bundle, prepare_examples, train_model
from startlm.core.weight_folders import ENGLISH, MULTILINGUAL
from startlm.metrics.comparison import paired_gain
from startlm.metrics.intervals import bootstrap_means, exact_interval, percentile_interval

BUDGETS = {False: "5m", True: "10m"}  # without weights: the default
SEEDS = (0, 1, 2)
TUNED_BUDGET = "6m"
ON_TEST = ("banking77", "clinc150", "thucnews-title", "chnsenticorp", "hint3-sofmattress")
ALONE = ("tuned", "pretrained", "convolution")  # the kinds that are best alone somewhere
SMALL_PARTS = tuple(f"fewclue-tnews/train_{number}.csv" for number in range(5))

Records = list[dict[str, str]]


def measure(work: Work, name: str) -> dict[str, Any]:
    """One of SETS: trained on train (a given dev part as dev), judged on test; where the set leaks, on the clean test rows too."""
    train, dev, held = (load(name, part) for part in ("train", "dev", "test"))
    if work.quick:
        train, dev, held = few(train, 300), few(dev, 100), few(train, 100, seed=1)
    weights = MULTILINGUAL if SETS[name].chinese else ENGLISH
    table = train.records("train") + dev.records("dev") + held.records("test")
    sides = _both(work, table, ("text",), weights)
    alone = {} if name not in BESIDE_ONE else {"alone": {family: _beside(sides["with"], work.piece(family, lambda family=family: five_calls(
        work, table, ("text",), {"family": family} | ({} if family == "convolution" else {"weights": weights}), "20s" if work.quick else BUDGETS[True]))) for family in ALONE}}  # fmt: skip
    _, leaks = leaking(train + dev, held) if SETS[name].leaks else ([], np.zeros(0, np.int64))
    parts = {"published": np.arange(len(held))} | ({"clean": np.setdiff1d(np.arange(len(held)), leaks)} if len(leaks) else {})
    return {"set": name, "weights": weights} | {column: _compared(sides, rows) for column, rows in parts.items()} | _kept(sides) | alone


def small_parts(work: Work) -> dict[str, Any]:
    """fewclue-tnews: each of the five parts of 16 rows a label, judged on the public test; the means are over the parts."""
    held = _read("fewclue-tnews/test_public.csv", {"text": "text", "label": "label"}, "test")
    held = held[:60] if work.quick else held
    rows, kept = [], []
    for number, file in enumerate(SMALL_PARTS[: 2 if work.quick else 5]):
        sides = _both(work, _read(file, {"text": "text", "label": "label"}, "train") + held, ("text",), MULTILINGUAL, f"part-{number}-")
        rows.append(sides)
        kept.append(_kept(sides))
    right = {side: np.array([each[side]["right"] for each in rows], dtype=np.float64) for side in ("without", "with")}
    return {"set": "fewclue-tnews", "weights": MULTILINGUAL, "published": mean_of_parts(right),
            "by_part": right["with"].mean(axis=1).tolist(), **kept[0]}  # fmt: skip


def pairs(work: Work) -> dict[str, Any]:
    """fewclue-bustm: two texts, one label; both columns stand in one text where the ladder has no weights."""
    names = {"question": "question", "other": "other", "same": "label"}
    table = [row for file, part in (("train_few_all", "train"), ("dev_few_all", "dev"), ("test_public", "test")) for row in _read(f"fewclue-bustm/{file}.csv", names, part)]
    sides = _both(work, table[:400] if work.quick else table, ("question", "other"), MULTILINGUAL)
    return {"set": "fewclue-bustm", "weights": MULTILINGUAL, "published": _compared(sides, np.arange(len(sides["with"]["right"])))} | _kept(sides)


def tuned(work: Work, name: str) -> dict[str, Any]:
    """Fine-tuning alone, SEEDS fixed beforehand; the mean of their test accuracies, and each one's seconds of training."""
    train, held = load(name, "train"), load(name, "test")
    if work.quick:
        train, held = few(train, 300), few(train, 100, seed=1)
    table = train.records("train") + held.records("test")
    pieces = [work.piece(f"seed-{seed}", lambda seed=seed: five_calls(work, table, ("text",), {"family": "tuned", "weights": ENGLISH}, TUNED_BUDGET, seed)) for seed in SEEDS[: 1 if work.quick else 3]]
    accuracy, *interval = mean_of_draws(np.array([piece["right"] for piece in pieces]))
    return {"set": name, "weights": ENGLISH, "seeds": list(SEEDS), "accuracy": accuracy, "each": [float(np.mean(piece["right"])) for piece in pieces], "interval": interval,
            "n": len(held), "train_seconds": [piece["seconds"]["train"] for piece in pieces], "budget": TUNED_BUDGET}  # fmt: skip


def _both(work: Work, table: Records, text: tuple[str, ...], weights: str, prefix: str = "") -> dict[str, dict[str, Any]]:
    return {side: work.piece(prefix + side, lambda named=named: five_calls(work, table, text, {"weights": named}, "20s" if work.quick else BUDGETS[bool(named)]))
            for side, named in (("without", None), ("with", weights))}  # fmt: skip


def five_calls(work: Work, table: Records, text: tuple[str, ...], build: dict[str, Any], budget: str, seed: int = 0) -> dict[str, Any]:
    """One pass through the five calls; 0 and 1 a test row: was the deployed bundle right."""
    folder, seconds = work.folder("run"), {}
    with all_threads() as threads:
        examples, seconds["prepare"] = timed(lambda: prepare_examples(table, text=text, label="label", split_column="part", folder=folder / "data"))
        model = build_model(examples, **build)
        trained, seconds["train"] = timed(lambda: train_model(model, examples, budget=budget, seed=seed, folder=folder / "train"))
        report, seconds["evaluate"] = timed(lambda: evaluate_model(trained, examples, folder=folder))
    bundle = deploy_model(trained, report, to=folder / "bundles", force=True)
    predictor, held = open_bundle(bundle.folder), [row for row in table if row["part"] == "test"]
    answers, answering = timed(lambda: predictor.predict([{name: row[name] for name in text} for row in held]))
    size = sum(path.stat().st_size for path in bundle.folder.rglob("*") if path.is_file())
    shutil.rmtree(folder)
    return {"right": [int(answer.prediction == row["label"]) for answer, row in zip(answers, held, strict=True)], "seconds": seconds, "threads": threads,
            "chosen": " + ".join(sized(member) for member in predictor.settings["members"]), "ladder": [dict(line) for line in trained.ladder],
            "ms_a_row": 1000 * answering / max(len(held), 1), "megabytes": size / 1e6}  # fmt: skip


def _compared(sides: dict[str, dict[str, Any]], rows: np.ndarray) -> dict[str, Any]:
    right = {side: np.array(found["right"], dtype=bool)[rows] for side, found in sides.items()}
    gain = paired_gain(right["without"], right["with"], seed=0)
    shares = {side: [float(values.mean()), *exact_interval(int(values.sum()), len(values))] for side, values in right.items()}
    return {"n": len(rows), "gain": [gain.value, gain.low, gain.high], **shares}


def mean_of_parts(right: dict[str, np.ndarray]) -> dict[str, Any]:
    """0 and 1 for each part and row, float64 (P, N), on each side: the mean of the parts, and the gain of one side over the other."""
    shares = {side: hits.mean(axis=0) for side, hits in right.items()}
    gain = paired_gain(1 - shares["without"], 1 - shares["with"], seed=0, losses=True)
    return {"n": len(shares["with"]), "gain": [gain.value, gain.low, gain.high], **{side: mean_of_draws(hits) for side, hits in right.items()}}


def mean_of_draws(right: np.ndarray) -> list[float]:
    """Accuracy and its interval where the same N rows were judged P times, 0 and 1 (P, N): a row is drawn with its P answers, which are no P rows."""
    if len(right) == 1:
        return [float(right.mean()), *exact_interval(int(right.sum()), right.shape[1])]
    return [float(right.mean()), *percentile_interval(bootstrap_means(right.mean(axis=0), 0))]


def _beside(ladder: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    """One kind of model alone: its accuracy, and the ladder's gain over it on the same rows."""
    gain = paired_gain(*(np.array(side["right"], dtype=bool) for side in (one, ladder)), seed=0)
    share = exact_interval(int(sum(one["right"])), len(one["right"]))
    return {"accuracy": [float(np.mean(one["right"])), *share], "gain": [gain.value, gain.low, gain.high], "train_seconds": one["seconds"]["train"]}


def _kept(sides: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"chosen": {side: found["chosen"] for side, found in sides.items()}, "train_seconds": {side: found["seconds"]["train"] for side, found in sides.items()},
            "ms_a_row": {side: found["ms_a_row"] for side, found in sides.items()}, "ladder": sides["with"]["ladder"]}  # fmt: skip


def _read(file: str, names: dict[str, str], part: str) -> Records:
    with (DATA / file).open(encoding="utf-8-sig", newline="") as stream:
        return [{new: row[old] for old, new in names.items()} | {"part": part} for row in csv.DictReader(stream)]
