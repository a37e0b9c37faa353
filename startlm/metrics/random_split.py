"""What a random split would have claimed, where the rows were split by group or by time: one cheap model, learnt and tested both ways."""

from __future__ import annotations

from dataclasses import asdict
from math import hypot
from typing import Any, Callable, NamedTuple, Sequence

import numpy as np

from startlm.core.contracts import Figure, Labelled
from startlm.core.near_duplicates import groups, near_pairs
from startlm.core.parts import TEST, draw_groups

from .intervals import no_figure, share_figure

MOST_LEARN, MOST_TEST = 20_000, 5_000  # rows, drawn at random from a larger table: the claim is an aside and must cost seconds

Answering = Callable[[Labelled, Labelled], np.ndarray]
"""Learns from the first rows and answers the second: label numbers int64 (M,)."""


class RandomSplit(NamedTuple):
    """`figure`: accuracy on a random test part, its baseline the same model's on the real one; `gain`: how much more is claimed."""

    figure: Figure
    gain: Figure

    def as_json(self) -> dict[str, Any]:
        return {name: asdict(figure) for name, figure in self._asdict().items()}


def random_split(rows: Labelled, keys: Sequence[str], test: np.ndarray, answer: Answering, seed: int = 0) -> RandomSplit:
    """Learn and test as the rows are split, then as a random split of the same rows and sizes would: in proportion from each label,
    near-duplicates together, as prepare draws it.

    keys: what tells rows apart (their texts), N of them; test: bool (N,), the rows that test.
    """
    random = np.random.default_rng(seed)
    learn, held = (_at_most(np.flatnonzero(mask), most, random) for mask, most in ((~test, MOST_LEARN), (test, MOST_TEST)))
    both = np.sort(np.concatenate([learn, held]))
    near = groups(len(both), near_pairs([keys[row] for row in both]))
    part, _ = draw_groups(rows.labels[both], near, np.full(len(both), -1, dtype=np.int8), seed=seed, test_share=len(held) / max(1, len(both)))
    real, drawn = (_right(rows, one, other, answer) for one, other in ((learn, held), (both[part != TEST], both[part == TEST])))
    own = share_figure("accuracy", int(real.sum()), len(real))
    claimed = share_figure("accuracy", int(drawn.sum()), len(drawn), baseline=own.value)
    return RandomSplit(claimed, difference("random_split_gain", claimed, own))


def _at_most(rows: np.ndarray, most: int, random: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= most else np.sort(random.choice(rows, most, replace=False))


def _right(rows: Labelled, learn: np.ndarray, held: np.ndarray, answer: Answering) -> np.ndarray:
    """bool (M,): which of the held rows are answered rightly."""
    if not len(learn) or not len(held):
        return np.zeros(0, dtype=bool)
    return answer(rows.take(learn), rows.take(held)) == rows.labels[held]


def difference(name: str, one: Figure, other: Figure) -> Figure:
    """One share less another, of different rows, with the interval that theirs give (MOVER: Zou & Donner 2008); n is the fewer rows."""
    n = min(one.n, other.n)
    if one.value is None or other.value is None:
        return no_figure(name, n)
    value = one.value - other.value
    low = value - hypot(one.value - one.low, other.high - other.value)  # type: ignore[operator]
    high = value + hypot(one.high - one.value, other.value - other.low)  # type: ignore[operator]
    return Figure(name, value, max(-1.0, low), min(1.0, high), n, 0.0, "exact")
