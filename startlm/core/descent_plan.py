"""What fixes a descent before its first step: the plan, how it comes about, and the step size it gives each step.

Everything that a clock could touch (precision, threads, the number of steps) is a field of DescentPlan, so that following the same plan
gives the same bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Mapping

import numpy as np

from .batches import POOL, draw_batches
from .contracts import Ragged
from .language import Said

EPOCHS = 10  # of a recipe that names none
SGD_RATE = 30  # recipes' rates are AdamW's, which moves each weight by about the rate; a gradient itself is far smaller


@dataclass(frozen=True)
class DescentPlan:
    """Everything that fixes a descent; plain JSON. Written down before the first step."""

    steps: int
    """Length of the schedule."""
    stop: int
    """Steps to take of it: all, or fewer where an earlier descent was best before its end."""
    batch_tokens: int
    """Positions in a batch, padding counted."""
    seed: int = 0
    precision: str = "fp32"
    """fp32, or bf16: matrix products in bfloat16, weights in float32."""
    threads: int = 1
    device: str = "cpu"
    """cpu, or cuda: the first GPU; where that is missing when the plan is followed, the processor does it."""
    optimiser: str = "adamw"
    """adamw or sgd (momentum 0.9)."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warm_up: float = 0.1
    """Share of the steps over which the rate rises from nothing."""
    decay: str = "cosine"
    """How the rate then falls: cosine or linear, to nothing; or constant."""
    clip: float = 1.0
    """Largest norm of a gradient; 0: as it is."""
    label_smoothing: float = 0.0
    """Of one label a row; several have none."""
    class_weights: tuple[float, ...] | None = None
    loss: str = "squared"
    """Where a number is learnt: squared or absolute error, or "quantiles", whose pinball losses are summed. Labels always take cross-entropy."""
    longest: int = 0
    """Rows are cut to their first so many positions; 0: as they are."""
    dev_every: int = 100
    """Steps between two looks at dev; the end always is one."""
    patience: int = 0
    """Looks at dev without a gain before stopping; 0: never."""
    checkpoint_every: int = 100
    pool: int = POOL
    """Batches whose rows are sorted by length together."""


@dataclass(frozen=True)
class Measured:
    """What a few timed steps said."""

    precision: str
    threads: int
    seconds: float
    """Seconds a step."""
    rows: float
    """Rows a second."""
    said: Said
    device: str = "cpu"


@dataclass(frozen=True)
class Descended:
    """What a descent ends with; the network holds the weights."""

    step: int
    """The step whose weights were kept."""
    stop: int
    """The step at which it ended."""
    figure: float | None
    """Dev figure of the weights kept."""


def plan_descent(options: Mapping[str, Any], train: Ragged, labels: np.ndarray, measured: Measured, *, seed: int, count: int = 0) -> DescentPlan:
    """The plan for these options (a recipe's): `epochs`, `batch_rows` and any field of DescentPlan.

    `class_weights = "balanced"` weighs each label by the inverse of its share (mean weight of a row 1); `count` labels in all, one that train lacks weighs 1.
    """
    tokens = batch_tokens(options, train)
    lengths = cut_lengths(train, options.get("longest", 0))
    counts = [len(draw_batches(lengths, tokens, seed=seed, epoch=epoch, pool=options.get("pool", POOL))) for epoch in range(int(options.get("epochs", EPOCHS)))]
    steps = sum(counts)
    chosen = {name: value for name, value in options.items() if name in DescentPlan.__dataclass_fields__}
    if chosen.get("optimiser") == "sgd" and "learning_rate" in chosen:
        chosen["learning_rate"] *= SGD_RATE
    if labels.dtype.kind == "f":
        chosen.pop("class_weights", None)
    elif chosen.get("class_weights") == "balanced":
        chosen["class_weights"] = _balanced(labels, count)
    plan = DescentPlan(steps=steps, stop=steps, batch_tokens=tokens, seed=seed, precision=measured.precision, threads=measured.threads, device=measured.device)
    return replace(plan, **{"dev_every": counts[0], "checkpoint_every": counts[0], **chosen})


MOST_WEIGHT = 50.0  # of a row that has one of several labels, against those that lack it: heavier ones drown all else in their batch


def _balanced(labels: np.ndarray, count: int) -> tuple[float, ...]:
    """The weight of each label; of several labels a row, that of the rows that have it against those that lack it."""
    shares = labels.mean(axis=0) if labels.ndim == 2 else np.bincount(labels, minlength=count) / len(labels)
    seen = shares > 0
    known = np.where(seen, shares, 1)
    weights = np.minimum((1 - known) / known, MOST_WEIGHT) if labels.ndim == 2 else 1 / known / np.count_nonzero(seen)
    return tuple(np.where(seen & (weights > 0), weights, 1.0).tolist())


def refit_plan(plan: DescentPlan, done: Descended, before: int, now: int) -> DescentPlan:
    """The plan for train + dev: the same schedule over as many more steps as there are more rows, no looks at dev."""
    more = now / max(before, 1)
    return replace(plan, steps=math.ceil(plan.steps * more), stop=math.ceil(done.step * more), patience=0)


def batch_tokens(options: Mapping[str, Any], train: Ragged) -> int:
    """`batch_rows` rows of mean length, in positions."""
    mean = float(np.maximum(cut_lengths(train, options.get("longest", 0)), 1).mean()) if len(train) else 1.0
    return max(1, math.ceil(options.get("batch_rows", 64) * mean))


def batches_of(lengths: np.ndarray, plan: DescentPlan, epoch: int) -> list[np.ndarray]:
    """The batches of this epoch."""
    return draw_batches(lengths, plan.batch_tokens, seed=plan.seed, epoch=epoch, pool=plan.pool)


def cut_lengths(encoded: Ragged, longest: int) -> np.ndarray:
    return np.minimum(encoded.lengths, longest) if longest else encoded.lengths


def schedule(step: int, plan: DescentPlan) -> float:
    """The rate at this step as a share of the highest: a straight rise, then the plan's decay."""
    rise = plan.warm_up * plan.steps
    if step < rise:
        return (step + 1) / (rise + 1)
    fall = (step - rise) / max(plan.steps - rise, 1)
    return {"cosine": 0.5 * (1 + math.cos(math.pi * fall)), "linear": 1 - fall, "constant": 1.0}[plan.decay]
