"""Labels saved by the order of `startlm label`: how many are needed for nine tenths of the full accuracy, beside random order.

    make bench ROW=labelling

One fold of the train file judges (`HELD` of its rows), the others are the pool, one of equal or near rows; no test part is read. The
person is the set's own label. Both orders are judged with the same model, the linear family's start, at every `STEP` labels; the labels
needed lie where the line between two steps crosses the target.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
from sets import few, folds, load, near_groups
from work import Work

from startlm.columns.cleaning import clean_texts
from startlm.commands.label_pool import BATCH, MOST_POOL, Pool

SEEDS, TARGET, HELD = 5, 0.9, 2_000
STEP = {"hint3-sofmattress": 10}  # of 250 rows
QUICK = {"rows": 1_500, "seeds": 2}
Order = Callable[[np.ndarray], np.ndarray]  # the texts labelled so far to those to label next


def measure(work: Work, name: str) -> dict[str, Any]:
    """Labels needed by both orders, seed by seed."""
    rows = load(name, "train")
    rows = few(rows, QUICK["rows"]) if work.quick else rows
    group = near_groups(rows)
    fold = folds(rows.labels, group)
    held = rows.take(np.random.default_rng(0).permutation(np.flatnonzero(fold == 0))[:HELD])
    others = np.random.default_rng(0).permutation(np.flatnonzero((fold != 0) & (group == np.arange(len(rows)))))[:MOST_POOL]
    rows = rows.take(np.sort(others))
    numbers = {label: number for number, label in enumerate(sorted({*rows.labels, *held.labels}))}
    bench = Bench(clean_texts(rows.texts), clean_texts(held.texts), *(np.array([numbers[label] for label in each.labels]) for each in (rows, held)))
    full = work.piece("full", lambda: bench.accuracy(np.arange(len(rows))))
    seeds, step = range(QUICK["seeds"] if work.quick else SEEDS), STEP.get(name, BATCH)
    curves = {order: [work.piece(f"{order}-{seed}", lambda make=make, seed=seed: bench.curve(make(bench, seed), TARGET * full, step)) for seed in seeds]
              for order, make in (("proposed", proposed), ("random", at_random))}  # fmt: skip
    needed = {order: [labels_needed(curve, TARGET * full) for curve in each] for order, each in curves.items()}
    means = {order: float(np.mean(each)) for order, each in needed.items()}
    return {"set": name, "pool": len(rows), "n": len(held), "full": full, "needed": needed, "means": means, "ratio": means["proposed"] / means["random"]}


class Bench:
    """The texts of the pool, then those that judge, seen by one tokenizer, with the true label of each."""

    def __init__(self, texts: list[str], held: list[str], labels: np.ndarray, truth: np.ndarray) -> None:
        self.pool, self.labels, self.truth = Pool(texts), labels, truth
        self.judge = self.pool.encoded(held)

    def accuracy(self, texts: np.ndarray) -> float:
        """Of a model that learnt from these texts."""
        return float(np.mean(self.pool.logits(texts, self.labels[texts], self.judge).argmax(axis=1) == self.truth))

    def curve(self, order: Order, target: float, step: int) -> list[tuple[int, float]]:
        """Labels and accuracy at each step, until the target is reached."""
        texts, found = np.zeros(0, dtype=np.int64), [(0, 0.0)]
        while len(texts) < len(self.labels):
            for text in order(texts):
                texts = np.append(texts, text)
                if len(texts) % step == 0:
                    found.append((len(texts), self.accuracy(texts) if len(set(self.labels[texts])) > 1 else 0.0))
                    if found[-1][1] >= target:
                        return found
        return found


def proposed(bench: Bench, seed: int) -> Order:
    """The order of the command."""
    everything = np.arange(len(bench.labels))
    return lambda texts: bench.pool.next_texts(texts, bench.labels[texts], np.setdiff1d(everything, texts), seed)


def at_random(bench: Bench, seed: int) -> Order:
    order = np.random.default_rng(seed).permutation(len(bench.labels))
    return lambda texts: order[len(texts) : len(texts) + BATCH]


def labels_needed(curve: list[tuple[int, float]], target: float) -> float:
    """Where the line between the last two points crosses the target.

    >>> labels_needed([(0, 0.0), (50, 0.5), (100, 0.7)], 0.6)
    75.0
    """
    (n, low), (more, high) = curve[-2:]
    return float(n + (more - n) * min(1.0, (target - low) / max(high - low, 1e-12)))
