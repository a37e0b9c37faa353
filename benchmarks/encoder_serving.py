"""`encoder-serving`: a frozen encoder with its linear layer in int8, as the bundle answers, beside Hugging Face's pipeline with the same weights.

Text in, logits out, tokenizing counted on both sides; the pipeline is handed all texts and takes 32 at a time. Ours is handed all at once, and 32 at a
time. Beside it the family `static`, one thread. The accuracy of int8 and fp32 is that of layers learnt on either's vectors, on held-out rows of train. STARTLM_TRAINER names the peer's Python.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from sets import Rows, few, folds, load, near_groups
from work import Work, repeated, spread

from startlm import build_model, prepare_examples, train_model
from startlm.core.contracts import Inputs
from startlm.core.graph_heads import with_head
from startlm.core.weight_folders import ENGLISH, find_weights
from startlm.families.encoders import engine_state, opened, small_graph, subwords, vector_graph
from startlm.families.heads import COSTS, Head
from startlm.metrics.comparison import paired_gain
from startlm.predict import open_model

SET, BATCH, TIMES, THREADS = "banking77", 32, 5, (1, 2)


def measure(work: Work) -> dict[str, Any]:
    return work.piece("all", lambda: _measure(work))


def _measure(work: Work) -> dict[str, Any]:
    rows = few(load(SET, "train"), 400 if work.quick else 10**6)
    labels = np.unique(rows.labels, return_inverse=True)[1].astype(np.int64)
    fold = folds(rows.labels, near_groups(rows), 5)
    learn, held = np.flatnonzero(fold != 0), np.flatnonzero(fold == 0)
    weights = find_weights(ENGLISH)
    tokenizer, plain = subwords(weights), vector_graph(weights.name, weights.fingerprint)
    encoded = tokenizer.encode(rows.texts)
    graphs = {"fp32": plain, "int8": small_graph(plain, encoded.take(learn), weights.longest, 0)}
    head, right = Head(labels[learn], int(labels.max()) + 1, {}, 0), {}
    for precision, graph in graphs.items():
        vectors = opened(engine_state(graph, weights.longest, precision), max(THREADS)).logits(encoded)
        numbers = head.solve(vectors[learn], COSTS[0])
        right[precision] = (vectors[held] @ numbers[0] + numbers[1]).argmax(axis=1) == labels[held]
        state = engine_state(with_head(graph, *numbers), weights.longest, precision)
    gain = paired_gain(right["fp32"], right["int8"], seed=0)
    lines = [_rates(work, rows.texts, tokenizer, state, int(labels.max()) + 1, threads, weights.path.parent) for threads in THREADS]
    return {"set": SET, "weights": weights.name, "n": len(rows), "held": len(held), "lines": lines, "static": _static(work, rows, weights.name), "gain": [gain.value, gain.low, gain.high],
            **{precision: float(values.mean()) for precision, values in right.items()}}  # fmt: skip


def _static(work: Work, rows: Rows, weights: str) -> float:
    """Rows a second of the family `static`, as a trained model answers on one thread, tokenizing counted."""
    folder = work.folder("static")
    examples = prepare_examples(rows.records("train"), text="text", label="label", folder=folder / "data")
    trained = train_model(build_model(examples, family="static", weights=weights), examples, folder=folder / "train")
    member = open_model(trained.folder).members[0]
    return len(rows) / spread(repeated(lambda: member.logits(Inputs(rows.texts)), 1 if work.quick else TIMES))["median"]  # type: ignore[no-any-return]


def _rates(work: Work, texts: list[str], tokenizer: Any, state: Any, labels: int, threads: int, folder: Path) -> dict[str, Any]:
    engine = opened(state, threads)
    calls = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    ways = {"all_rows": lambda: engine.logits(tokenizer.encode(texts)), "by_32": lambda: [engine.logits(tokenizer.encode(call)) for call in calls]}
    rates = {name: len(texts) / spread(repeated(way, 1 if work.quick else TIMES))["median"] for name, way in ways.items()}
    return {"threads": threads, **rates, "pipeline": _pipeline(work, texts, labels, threads, folder)}


def _pipeline(work: Work, texts: list[str], labels: int, threads: int, folder: Path) -> float | None:
    """Rows a second, the median of the rounds; None without STARTLM_TRAINER."""
    python = os.environ.get("STARTLM_TRAINER")
    if not python:
        return None
    given = {"folder": str(folder), "texts": texts, "labels": labels, "threads": threads, "batch": BATCH, "times": 1 if work.quick else 3}
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "true"}
    done = subprocess.run([python, str(Path(__file__).with_name("pipeline_peer.py"))], input=json.dumps(given), capture_output=True, text=True, check=True, env=environment)
    return statistics.median(json.loads(done.stdout.strip().splitlines()[-1]))
