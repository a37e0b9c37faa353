"""What a rung costs before it is trained: the seconds of all its fits, from a few rows that are timed. Not a member."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.contracts import Facts, Labelled, Recipe
from ..core.recipes import SIZES
from .network import ENOUGH, plan_network

TIMED_ROWS = 1_000  # a family that is not trained by gradient descent is timed on so many rows


@dataclass(frozen=True)
class Ground:
    """What a rung is to be trained on: `passes` fits in all, by so many threads (None: a measurement chooses); `folder` is the training's."""

    learn: Labelled
    dev: Labelled | None
    outputs: int
    passes: int
    seed: int
    threads: int | None
    folder: Path


def priced(family: Any, recipe: Recipe, ground: Ground, seconds: float) -> tuple[Recipe, float, float, bool]:
    """The planned recipe, the seconds all its fits will take, those of the shortest worth beginning, and whether the `seconds` there are are that many."""
    learn, seed = ground.learn, ground.seed
    if hasattr(family, "network"):
        planned, share = plan_network(family, recipe, learn, ground.outputs, seed=seed, seconds=seconds / ground.passes, threads=ground.threads)
        taken = planned.options["seconds"] * ground.passes
        return planned, taken, taken / share * ENOUGH, share >= ENOUGH
    if hasattr(family, "seconds"):
        taken = family.seconds(learn, recipe, ground.passes, ground.folder / family.keeps, seed)
        return recipe, taken, taken, taken <= seconds
    rows = np.random.default_rng(seed).permutation(len(learn))[:TIMED_ROWS]
    dev = None if ground.dev is None else ground.dev.take(np.arange(min(len(ground.dev), TIMED_ROWS // 4)))
    began = time.monotonic()
    for _ in family.fit_steps(learn.take(rows), dev, ground.outputs, recipe, seed):
        pass
    taken = (time.monotonic() - began) * len(learn) / len(rows) * ground.passes
    return recipe, taken, taken, True


def smaller_sizes(family: Any, recipe: Recipe, facts: Facts, seconds: float) -> list[tuple[Recipe, float]]:
    """The sizes below this one, largest first, with the seconds that their share of its parameters promises."""
    below = SIZES[: SIZES.index(recipe.size)] if recipe.size in SIZES else ()
    whole = family.recipe(facts, recipe.size).parameters if below else 1
    others = [family.recipe(facts, size) for size in reversed(below)]
    return [(other, seconds * other.parameters / max(whole, 1)) for other in others]
