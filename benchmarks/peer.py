"""The peer: scikit-learn's TF-IDF + LinearSVC at its best settings, found on folds of the rows that it learns from.

English: words 1-2 and characters 2-5, Chinese: characters 1-3, sublinear term frequency. The analyser of the characters
(inside words or across them) and C are the peer's own choice, by three folds in which equal or near rows stay together.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from sets import Rows, folds, near_groups

COSTS = (0.1, 0.3, 1.0, 3.0)
USUAL = 1.0
INNER_FOLDS = 3
ANALYSERS = {False: ("char_wb", "char"), True: ("char",)}


@dataclass(frozen=True)
class Peer:
    """One fitted peer: its settings, what it was right about while choosing, and its seconds."""

    analyser: str
    cost: float
    pipeline: Any
    choose_seconds: float
    fit_seconds: float

    def answers(self, texts: list[str]) -> list[str]:
        return list(self.pipeline.predict(texts)) if texts else []


def features(analyser: str, chinese: bool) -> Any:
    """The union of TF-IDF vectorisers."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    characters = ("characters", TfidfVectorizer(analyzer=analyser, ngram_range=(1, 3) if chinese else (2, 5), sublinear_tf=True))
    words = ("words", TfidfVectorizer(analyzer="word", ngram_range=(1, 2), sublinear_tf=True))
    return FeatureUnion([characters] if chinese else [words, characters])


def classifier(cost: float) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=cost, random_state=0)


def fit_peer(train: Rows, chinese: bool) -> Peer:
    """Settings chosen, then the whole of `train` fitted; `fit_seconds` is that last fit alone."""
    from sklearn.pipeline import Pipeline

    began = time.perf_counter()
    analyser, cost = choose(train, chinese)
    chosen = time.perf_counter()
    pipeline = Pipeline([("features", features(analyser, chinese)), ("classifier", classifier(cost))]).fit(train.texts, train.labels)
    return Peer(analyser, cost, pipeline, chosen - began, time.perf_counter() - chosen)


def choose(train: Rows, chinese: bool) -> tuple[str, float]:
    """The analyser with the most right answers at C = 1, then the C with the most for it."""
    fold = folds(train.labels, near_groups(train), INNER_FOLDS, seed=1)
    parts = [(train.take(np.flatnonzero(fold != number)), train.take(np.flatnonzero(fold == number))) for number in range(INNER_FOLDS)]
    right = {analyser: _right(parts, analyser, chinese, (USUAL,)) for analyser in ANALYSERS[chinese]}
    analyser = max(right, key=lambda name: right[name][USUAL])
    by_cost = right[analyser] | _right(parts, analyser, chinese, tuple(cost for cost in COSTS if cost != USUAL))
    return analyser, max(sorted(by_cost), key=by_cost.__getitem__)


def _right(parts: list[tuple[Rows, Rows]], analyser: str, chinese: bool, costs: tuple[float, ...]) -> dict[float, int]:
    """How many held rows of all inner folds each C answers right."""
    right = dict.fromkeys(costs, 0)
    for fit, held in parts:
        union = features(analyser, chinese)
        inside, outside = union.fit_transform(fit.texts), union.transform(held.texts)
        for cost in costs:
            answers = classifier(cost).fit(inside, fit.labels).predict(outside)
            right[cost] += int(np.sum(answers == np.array(held.labels)))
    return right
