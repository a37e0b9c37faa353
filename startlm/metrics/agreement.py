"""Do two people who label the same rows mean the same? Cohen's kappa: agreement beyond what chance would give.

    kappa = (agreed − by chance) / (1 − by chance)      by chance: Σ over labels of (share of A) · (share of B)

Cohen (1960). 1 is full agreement, 0 what two people would reach who label at random with their own shares.
"""

from __future__ import annotations

from collections import Counter
from typing import Sequence

import numpy as np

from startlm.core.contracts import Figure

from .intervals import FEWEST_ROWS, bootstrap_sums, kinds_of, no_figure, percentile_interval


def kappa(a: Sequence[str], b: Sequence[str], seed: int = 0) -> Figure:
    """Cohen's kappa of two people's labels for the same N rows, with a bootstrap interval.

    No figure below 20 rows, nor where both give one and the same label to all: then nothing could have been disagreed upon.
    """
    names = sorted({*a, *b})
    if len(a) < FEWEST_ROWS or len(names) < 2:
        return no_figure("kappa", len(a), baseline=0.0)
    number = {name: i for i, name in enumerate(names)}
    pairs = np.array([[number[x], number[y]] for x, y in zip(a, b, strict=True)])
    kinds, counts = kinds_of(pairs)
    one_hot = np.eye(len(names))
    columns = np.concatenate([(kinds[:, :1] == kinds[:, 1:]).astype(np.float64), one_hot[kinds[:, 0]], one_hot[kinds[:, 1]]], axis=1)  # (C, 1 + 2L)
    value = float(_kappas((counts @ columns)[None], len(a))[0])
    low, high = percentile_interval(_kappas(bootstrap_sums(columns, counts, seed), len(a)))
    return Figure("kappa", value, min(low, value), max(high, value), len(a), 0.0, "bootstrap")


def _kappas(sums: np.ndarray, n: int) -> np.ndarray:
    """float64 (M,) from sums (M, 1 + 2L): rows agreed upon, rows of each label by A, by B. All of one label: 1."""
    agreed, (of_a, of_b) = sums[:, 0] / n, np.split(sums[:, 1:] / n, 2, axis=1)
    chance = (of_a * of_b).sum(axis=1)
    return np.where(chance < 1, (agreed - chance) / np.maximum(1 - chance, 1e-12), 1.0)


def confused_pairs(a: Sequence[str], b: Sequence[str], most: int = 5) -> list[tuple[str, str, int]]:
    """The labels that A and B gave where they differ, with how many rows, the most frequent first.

    >>> confused_pairs(["tea", "tea", "post"], ["post", "post", "post"])
    [('tea', 'post', 2)]
    """
    counts = Counter((x, y) for x, y in zip(a, b, strict=True) if x != y)
    return [(*pair, count) for pair, count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:most]]
