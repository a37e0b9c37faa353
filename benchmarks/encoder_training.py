"""`encoder-training`: rows a second of fine-tuning an encoder, beside Hugging Face's Trainer with the same weights, on banking77's train file.

Ours: the family `tuned` as the ladder builds it (32 rows a batch, by count of tokens), precision, threads and device as its own short measurement chooses. The Trainer: its
defaults at 32 rows a batch, then with each of its switches that are about speed and with both. All train the whole encoder but for what each leaves frozen of
itself; tokens are ready beforehand on both sides; warm, in turns, medians. STARTLM_TRAINER names the Trainer's Python. On a GPU, where there is one, the
same code: `device` says what it ran on.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import torch
from sets import few, load
from work import Work

from startlm.core.contracts import Facts
from startlm.core.descent import Descent, plan_descent, steady
from startlm.core.step_times import measure as measure_steps
from startlm.core.weight_folders import ENGLISH, find_weights
from startlm.families.tuned import Tuned
from startlm.tokenizers.subwords import Subwords

SET, BATCH, TURNS, STEPS = "banking77", 32, 2, 50
SWITCHES: dict[str, dict[str, Any]] = {"defaults": {}, "bf16": {"bf16": True}, "group_by_length": {"train_sampling_strategy": "group_by_length"},
                                       "both": {"bf16": True, "train_sampling_strategy": "group_by_length"}}  # fmt: skip


def measure(work: Work) -> dict[str, Any]:
    return work.piece("all", lambda: _measure(work))


def _measure(work: Work) -> dict[str, Any]:
    rows = few(load(SET, "train"), 400 if work.quick else 10**6)
    labels = np.unique(rows.labels, return_inverse=True)[1].astype(np.int64)
    facts = Facts(len(rows), int(labels.max()) + 1, float(np.mean([len(text) for text in rows.texts])), 100, 0.0, weights=ENGLISH, way="full")
    recipe = Tuned.recipe(facts, "auto")
    tokenizer = Subwords.fit(rows.texts, **recipe.tokenizer_options)
    encoded = tokenizer.encode(rows.texts)
    network = Tuned.network(recipe, tokenizer.vocabulary_size, facts.labels)
    timed = measure_steps(network, encoded, labels, recipe.options)
    descent = Descent(network, encoded, labels, plan_descent(recipe.options, encoded, labels, timed, seed=0))
    turns, steps = (1, 4) if work.quick else (TURNS, STEPS)
    ours, peers = _ours(descent, steps if work.quick else len(descent.batches)), {name: [] for name in SWITCHES}
    seen: list[float] = []
    for _ in range(turns):
        seen.append(next(ours))
        for name, switches in SWITCHES.items():
            peers[name] += _trainer({"texts": rows.texts, "labels": labels.tolist(), "steps": steps, "switches": switches, "threads": timed.threads})
    return {"set": SET, "weights": ENGLISH, "n": len(rows), "device": descent.plan.device, "precision": timed.precision, "threads": timed.threads, "ours": statistics.median(seen),
            "trainer": {name: statistics.median(rates) if rates else None for name, rates in peers.items()}}  # fmt: skip


def _ours(descent: Descent, steps: int) -> Iterator[float]:
    """Rows a second of so many steps, again and again; the first steps warm up. Batches differ in rows, so only as many as an epoch has are fair."""
    with steady(descent.plan):
        for _ in range(5):
            descent.take_step()
    while True:
        with steady(descent.plan):
            began = time.perf_counter()
            done = sum(descent.take_step().rows for _ in range(steps))
            yield done / (time.perf_counter() - began)


def _trainer(given: dict[str, Any]) -> list[float]:
    """Rows a second; none without STARTLM_TRAINER."""
    python = os.environ.get("STARTLM_TRAINER")
    if not python:
        return []
    given |= {"folder": str(find_weights(ENGLISH).path.parent), "batch": BATCH}
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads()), "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run([python, str(Path(__file__).with_name("trainer_peer.py"))], input=json.dumps(given), capture_output=True, text=True, check=True, env=environment)
    return [float(json.loads(done.stdout.strip().splitlines()[-1]))]
