"""The messages to label as a model sees them: what it learnt from some says which of the others to ask for next."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cached_property
from typing import Any, Sequence

import numpy as np

from ..core.active import centres, most_useful, reduced
from ..core.contracts import Labelled
from ..families.problem import Problem
from ..metrics.more_labels import gain_of_more
from ..tokenizers.ngrams import Ngrams

BATCH = 50  # after so many labels a model is judged; so many come from everywhere at first
ROUND = 10  # then so many are chosen at a time, by a model from all labels so far
MOST_POOL = 20_000  # texts looked at; of more, so many drawn at random
COST, RATIO = 2.0, 0.0  # the linear family's own start; choosing them anew each time would cost more than it brings
SHARES, DRAWS = (0.25, 0.5, 0.75), 5  # of the labels so far, for the learning curve; how often each is drawn
SEED = 0


class Pool:
    """N texts, known by their number. Labels are int64 numbers from 0 on, given beside the texts that have one."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._tokenizer = Ngrams.fit(texts)
        self._problem = Problem.of(Labelled(texts, np.zeros(len(texts), dtype=np.int64)), self._tokenizer, 2, {}, SEED)
        self.features = self._problem.features

    def encoded(self, texts: Sequence[str]) -> Any:
        """Features of other texts, as `features` has those of the N."""
        return Problem.of(Labelled(texts, np.zeros(len(texts), dtype=np.int64)), self._tokenizer, 2, {}, SEED).features

    @cached_property
    def vectors(self) -> np.ndarray:
        """float32 (N, D), made at the first call: seconds for 20,000 texts."""
        return reduced(self.features, seed=SEED)

    def logits(self, texts: np.ndarray, labels: np.ndarray, asked: Any = None) -> np.ndarray:
        """What the linear family, learning from these texts, says of all N, or of the features that are `asked`: float64 (N, L)."""
        features = self.features[texts]
        used = np.unique(features.indices)
        problem = replace(self._problem, features=features[:, used], targets=labels, labels=int(labels.max()) + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of many labels with few texts each, which is how labelling begins
            weights, bias = problem.solve(cost=COST, ratio=RATIO)
        found = (self.features if asked is None else asked)[:, used] @ weights + bias
        return np.concatenate([-found / 2, found / 2], axis=1) if found.shape[1] == 1 else found

    def next_texts(self, texts: np.ndarray, labels: np.ndarray, free: np.ndarray, seed: int = SEED) -> np.ndarray:
        """Which of the free texts to label next, int64: BATCH from everywhere, then ROUND after ROUND of the most useful; fewer at the end."""
        if self.from_everywhere(labels):
            return centres(self.vectors, free, max(BATCH - len(texts), ROUND), seed)
        return most_useful(self.vectors, self.logits(texts, labels), free, ROUND - len(texts) % ROUND, seed)

    @staticmethod
    def from_everywhere(labels: np.ndarray) -> bool:
        """Whether the labels are too few for a model to choose by."""
        return len(labels) < BATCH or len(np.unique(labels)) < 2

    def right(self, texts: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """bool (T,): which of the test texts a model gets right that learnt from the others. A label it has not seen is never right."""
        return self.logits(texts, labels, self.features[test]).argmax(axis=1) == truth

    def gain_of_more(self, texts: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray) -> float | None:
        """How much accuracy the next BATCH labels would bring, by a curve through models from parts of the labels so far; None below 2 BATCH."""
        if len(texts) < 2 * BATCH:
            return None
        random, sizes, errors = np.random.default_rng(SEED), [], []
        for size in [*(int(share * len(texts)) for share in SHARES for _ in range(DRAWS)), len(texts)]:
            part = random.permutation(len(texts))[:size]
            wrong = np.sum(~self.right(texts[part], labels[part], test, truth)) if len(np.unique(labels[part])) > 1 else len(test)
            sizes.append(size)
            errors.append((wrong + 0.5) / (len(test) + 1))
        return gain_of_more(sizes, errors, BATCH)
