"""`few-shot-banking77`: ten rows a label, three seeded draws of train; words alone, the frozen encoder, a vector for each label and the whole ladder beside SetFit on the same
rows with the same weights, all judged on the test part. STARTLM_SETFIT names a Python that has `setfit`; without one SetFit is left out."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from pretrained import five_calls, mean_of_draws
from sets import Rows, few, load
from work import Work

from startlm.core.weight_folders import ENGLISH, find_weights
from startlm.metrics.comparison import paired_gain

ROWS_A_LABEL, SEEDS, ITERATIONS = 10, (0, 1, 2), 5
WAYS = {"linear": {"family": "linear"}, "frozen": {"family": "pretrained", "weights": ENGLISH},
        "few-shot": {"family": "tuned", "way": "few-shot", "weights": ENGLISH}, "auto": {"weights": ENGLISH}}


def measure(work: Work, name: str) -> dict[str, Any]:
    """The mean of the draws: accuracy of each way with its interval, seconds of training, gain over SetFit on its draws."""
    train, held = load(name, "train"), load(name, "test")
    held = few(train, 150, seed=1) if work.quick else held
    pieces: dict[str, list[dict[str, Any]]] = {way: [] for way in (*WAYS, "setfit")}
    for seed in SEEDS[: 1 if work.quick else 3]:
        rows = drawn(train, 2 if work.quick else ROWS_A_LABEL, seed)
        table = rows.records("train") + held.records("test")
        for way, build in WAYS.items():
            pieces[way].append(work.piece(f"{way}-{seed}", lambda table=table, build=build: five_calls(work, table, ("text",), build, "20s" if work.quick else "5m")))
        if seed == SEEDS[0] and os.environ.get("STARTLM_SETFIT"):
            pieces["setfit"].append(work.piece(f"setfit-{seed}", lambda rows=rows: _setfit(rows, held)))
    right = {way: np.array([piece["right"] for piece in found], dtype=bool) for way, found in pieces.items() if found}
    lines = [{"way": way, "draws": len(pieces[way]), "accuracy": mean_of_draws(hits),
              "seconds": [piece["seconds"]["train"] for piece in pieces[way]], "chosen": [piece.get("chosen", "") for piece in pieces[way]]} for way, hits in right.items()]  # fmt: skip
    gains = {}
    if "setfit" in right:
        for way in WAYS:
            gain = paired_gain(right["setfit"][0], np.array(pieces[way][0]["right"], bool), seed=0)
            gains[way] = [gain.value, gain.low, gain.high]
    return {"set": name, "weights": ENGLISH, "rows_a_label": ROWS_A_LABEL, "n": len(held), "lines": lines, "over_setfit": gains}


def drawn(rows: Rows, count: int, seed: int) -> Rows:
    """So many rows of each label, drawn by seed."""
    order, labels = np.random.default_rng(seed).permutation(len(rows)), np.array(rows.labels)
    return rows.take(np.sort(np.concatenate([order[labels[order] == label][:count] for label in np.unique(labels)])))


def _setfit(rows: Rows, held: Rows) -> dict[str, Any]:
    given = {"folder": str(find_weights(ENGLISH).path.parent), "texts": rows.texts, "labels": rows.labels, "held": held.texts, "iterations": ITERATIONS}
    done = subprocess.run([os.environ["STARTLM_SETFIT"], str(Path(__file__).with_name("setfit_peer.py"))], input=json.dumps(given), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {"right": [int(answer == label) for answer, label in zip(found["answers"], held.labels, strict=True)], "seconds": {"train": found["seconds"]}}
