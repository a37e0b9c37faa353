"""`search-SET`: BM25, an encoder's vectors and both fused, on real questions; how they are fused is chosen on the train part, the judged part is read once.

chip-sts: each question of a pair of dev that means the same searches all other questions of dev. hint3-sofmattress: each test message in scope searches the
training messages, and a message of the same intent is right. Without the weight package there is BM25 alone.
"""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass
from typing import Any, Callable, Sequence

import numpy as np
from machine import all_threads
from sets import DATA
from work import Work

from startlm.columns.cleaning import clean_texts
from startlm.core.errors import CallError
from startlm.core.weight_folders import ENGLISH, MULTILINGUAL
from startlm.families.encoders import encoder_member
from startlm.metrics.rankings import JudgedRankings, hit_at, ndcg_at, ranking_gain, recall_at, reciprocal_rank, reciprocals
from startlm.search.bm25 import Bm25
from startlm.search.encoder import Encoder, encode
from startlm.search.fusion import DEPTH, choose_weight, fused
from startlm.search.ranked import Ranked
from startlm.search.vectors import Vectors

WEIGHTS = {"chip-sts": MULTILINGUAL, "hint3-sofmattress": ENGLISH}
OUT_OF_SCOPE = "NO_NODES_DETECTED"
CHOOSING = 4_000  # rows of chip-sts' train file on which the fusion is chosen: as many as dev has
TIMED = 100  # queries asked one at a time


@dataclass(frozen=True)
class Task:
    """queries search texts; right: for each query the texts that are right; own: for each query a text that it may not find (itself), -1: none."""

    queries: list[str]
    texts: list[str]
    right: list[set[int]]
    own: list[int]


def measure(work: Work, name: str) -> dict[str, Any]:
    """One set: figures of each way with their intervals, what fusing gains above BM25, milliseconds a query on one thread."""
    choosing, judged = TASKS[name](work.quick)
    encoder = _encoder(WEIGHTS[name])
    facts = {"set": name, "weights": WEIGHTS[name] if encoder else None, "queries": len(judged.queries), "texts": len(judged.texts)}
    if encoder is None:
        runs = [[each] for each in _bm25(judged)]
        return {**facts, "weight": None, "ways": {"bm25": _figures(_judge(judged, runs, lambda run: run[0]))}, "gain": None}
    chosen = work.piece("chosen", lambda: _chosen(choosing, encoder))["weight"]
    return {**facts, "weight": chosen, **work.piece("judged", lambda: _judged(judged, encoder, chosen))}


def _chosen(task: Task, encoder: Encoder) -> dict[str, Any]:
    runs, _ = _runs(task, encoder)

    def first_right(query: int, rows: np.ndarray) -> float:
        return next((1 / rank for rank, row in enumerate(rows[:10].tolist(), 1) if row in task.right[query]), 0.0)

    return {"weight": choose_weight(runs, first_right)}


def _judged(task: Task, encoder: Encoder, weight: float | None) -> dict[str, Any]:
    runs, milliseconds = _runs(task, encoder)
    ways: dict[str, Callable[[Sequence[Ranked]], Ranked]] = {
        "bm25": lambda run: run[0], "vectors": lambda run: run[1], "by rank": lambda run: fused(run, DEPTH), "fused": lambda run: fused(run, DEPTH, weight)}
    judged = {way: _judge(task, runs, take) for way, take in ways.items()}
    gains = {over: ranking_gain(reciprocals(judged[over]), reciprocals(judged["fused"])) for over in ("bm25", "vectors")}
    return {"ways": {way: _figures(each) for way, each in judged.items()}, "ms": milliseconds, **{f"gain{'' if over == 'bm25' else '_' + over}": [gain.value, gain.low, gain.high] for over, gain in gains.items()}}


def _runs(task: Task, encoder: Encoder) -> tuple[list[list[Ranked]], dict[str, float]]:
    """Both rankings of each query, without the text that is itself; mean milliseconds of a query, encoding counted."""
    with all_threads() as threads:
        engine = encoder.open(threads)
        vectors = Vectors.fit(encode(encoder.tokenizer, engine, task.texts))
        asked = encode(encoder.tokenizer, engine, task.queries)
    near = [vectors.search(each, DEPTH + 1) for each in asked]
    bm25, one = Bm25.fit(task.texts), encoder.open()
    shown = task.queries[:TIMED]
    times = {"bm25": _milliseconds(lambda query: bm25.search(query, DEPTH), shown),
             "vectors": _milliseconds(lambda query: vectors.search(encode(encoder.tokenizer, one, [query])[0], DEPTH), shown)}
    return [[_without(own, a), _without(own, b)] for own, a, b in zip(task.own, _bm25(task), near)], times


def _bm25(task: Task) -> list[Ranked]:
    bm25 = Bm25.fit(task.texts)
    return [_without(own, bm25.search(query, DEPTH + 1)) for query, own in zip(task.queries, task.own)]


def _milliseconds(ask: Callable[[str], Any], queries: Sequence[str]) -> float:
    for query in queries[:5]:
        ask(query)
    began = time.perf_counter()
    for query in queries:
        ask(query)
    return 1000 * (time.perf_counter() - began) / max(1, len(queries))


def _without(own: int, found: Ranked) -> Ranked:
    keep = found.rows != own
    return Ranked(found.rows[keep][:DEPTH], found.scores[keep][:DEPTH])


def _judge(task: Task, runs: Sequence[Sequence[Ranked]], take: Callable[[Sequence[Ranked]], Ranked]) -> JudgedRankings:
    return JudgedRankings.of([take(run).rows.tolist() for run in runs], task.right)


def _figures(judged: JudgedRankings) -> dict[str, list[float | None]]:
    figures = [reciprocal_rank(judged), hit_at(judged, 1), recall_at(judged, 10), ndcg_at(judged, 10)]
    return {figure.name: [figure.value, figure.low, figure.high] for figure in figures}


def _encoder(weights: str) -> Encoder | None:
    try:
        tokenizer, state = encoder_member(weights)
    except CallError:
        return None
    return Encoder({}, tokenizer, state)


# ------------------------------------------------------------------ the sets

def _chip_sts(quick: bool) -> tuple[Task, Task]:
    train, dev = _read("chip-sts/train.csv")[: 400 if quick else CHOOSING], _read("chip-sts/dev.csv")[: 400 if quick else None]
    return _pairs(train), _pairs(dev)


def _pairs(rows: list[dict[str, str]]) -> Task:
    questions, others = clean_texts([row["question"] for row in rows]), clean_texts([row["other"] for row in rows])
    number = {text: place for place, text in enumerate(dict.fromkeys(others))}
    right: dict[str, set[int]] = {}
    for row, question, other in zip(rows, questions, others):
        if row["same"] == "1":
            right.setdefault(question, set()).add(number[other])
    return Task(list(right), list(number), list(right.values()), [-1] * len(right))


def _hint3(quick: bool) -> tuple[Task, Task]:
    """Chosen on the training messages: each searches all the others."""
    train, test = (_read(f"hint3-sofmattress/{part}.csv") for part in ("train", "test"))
    test = [row for row in test if row["intent"] != OUT_OF_SCOPE][: 60 if quick else None]
    texts, queries = clean_texts([row["text"] for row in train]), clean_texts([row["text"] for row in test])
    of_intent: dict[str, set[int]] = {}
    for place, row in enumerate(train):
        of_intent.setdefault(row["intent"], set()).add(place)
    inner = Task(texts, texts, [of_intent[row["intent"]] - {place} for place, row in enumerate(train)], list(range(len(train))))
    return inner, Task(queries, texts, [of_intent.get(row["intent"], set()) for row in test], [-1] * len(test))


TASKS = {"chip-sts": _chip_sts, "hint3-sofmattress": _hint3}


def _read(file: str) -> list[dict[str, str]]:
    with (DATA / file).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))
