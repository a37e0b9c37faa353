"""What a rung costs before it is trained, from a few rows that are timed, and which rungs a budget pays for. Not a member."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, NamedTuple, Sequence

import numpy as np

from ..core.contracts import Facts, Labelled, Recipe
from ..core.recipes import SIZES, TEACHER, TEACHES
from .network import time_network
from .reading import timed
from .teaching import FOLDS as LESSONS

TIMED_ROWS = 1_000  # a family that is not trained by gradient descent is timed on so many rows
FIRST = ("pretrained", "tuned", "static")  # paid before the others, in this order: who names weights wants them used; docs/decisions/0024
LAST = ("lstm",)  # paid from what the others leave: it is there for the blend


@dataclass(frozen=True)
class Ground:
    """What a rung is to be trained on: as often as `passes`, by so many threads (None: a measurement chooses); `folder` is the training's."""

    learn: Labelled
    dev: Labelled | None
    outputs: int
    passes: float
    seed: int
    threads: int | None
    folder: Path


class Reading(NamedTuple):
    """What rungs that read the same texts into the same vectors pay for once: their mark, and the seconds."""

    mark: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Price:
    """Seconds of all the fits of a rung, without reading: the shortest worth beginning, and as its recipe has it."""

    recipe: Recipe
    least: float
    whole: float
    within: Callable[[float], Recipe]  # the recipe, planned for so many seconds
    reading: Reading = Reading()
    rough: bool = False  # more rows take less time each than those timed, by how much less is not known: no reason to leave the rung out


class Share(NamedTuple):
    """What a rung is given: seconds of its fits, reading with them where it is the first that reads; None where it is left out."""

    seconds: float | None
    need: float  # the least it asked for when its turn came
    there: float  # what was left then


def priced(family: Any, recipe: Recipe, ground: Ground) -> Price:
    """Time a few rows. What teaches is fitted LESSONS times for each of its own fits; where vectors are kept, that costs next to nothing."""
    learn, seed = ground.learn, ground.seed
    passes = ground.passes * (LESSONS if TEACHES in recipe.options and not hasattr(family, "keeps") else 1)
    if hasattr(family, "network"):
        network = time_network(family, recipe, learn, ground.outputs, seed=seed, threads=ground.threads, answered=0 if ground.dev is None else len(ground.dev))
        return Price(network.recipe, network.least * passes, network.whole * passes, lambda seconds: network.within(seconds / passes))
    if hasattr(family, "seconds"):
        reading, taken = family.seconds(learn, ground.dev, recipe, passes, ground.folder / family.keeps, seed)
        return Price(recipe, taken, taken, lambda _: recipe, Reading((family.keeps, *recipe.tokenizer_options.get("columns", ())), reading))
    rows = np.random.default_rng(seed).permutation(len(learn))[:TIMED_ROWS]
    dev = None if ground.dev is None else ground.dev.take(np.arange(min(len(ground.dev), TIMED_ROWS // 4)))
    some, last = learn.take(rows), lambda steps: [*steps][-1].result
    choosing, fitted = timed(lambda: last(family.fit_steps(some, dev, ground.outputs, recipe, seed)))
    again, _ = timed(lambda: last(family.fit_steps(some, None, ground.outputs, fitted.recipe, seed)))
    taken = (choosing + again * (passes - 1)) * len(learn) / len(rows)
    return Price(recipe, taken, taken, lambda _: recipe, rough=True)


def dealt(prices: Sequence[Price], seconds: float) -> list[Share]:
    """The seconds of each rung. The first is always trained, for as long as there is, and what is only roughly priced; then each, in the order of FIRST, of the ladder and of LAST,
    has the least it asks for where that is there; what is left then raises them alike, up to what their recipes ask for."""
    shares: dict[int, Share] = {}
    read: set[tuple[str, ...]] = set()
    for numbers in _turns(prices):
        paid = {}
        for number in numbers:
            price, teacher = prices[number], _teacher(prices, number)
            reading = price.reading.seconds if price.reading.mark not in read else 0.0
            need = reading + price.least
            if teacher is not None and shares[teacher].seconds is None:  # without it there is nothing to learn from
                need += shares[teacher].need
            pays = need <= seconds or number == 0 or price.rough
            shares[number] = Share(min(need, max(seconds, 0.0)) if pays else None, need, seconds)
            if pays:
                read.add(price.reading.mark)
                paid[number] = reading
                seconds -= shares[number].seconds
        raised = _raised([prices[number] for number in paid], seconds)
        for (number, reading), each in zip(paid.items(), raised):
            if shares[number].need <= shares[number].there:
                shares[number] = shares[number]._replace(seconds=reading + each)
                seconds -= each - prices[number].least
    return [shares[number] for number in range(len(prices))]


def enough_for(number: int, prices: Sequence[Price], seconds: float) -> float:
    """The seconds, to the next whole one, that pay for this rung too beside those that `seconds` pay for; with more, others may be paid before it."""
    wanted = {number} | {other for other, share in enumerate(dealt(prices, seconds)) if share.seconds is not None}

    def suffice(more: int) -> bool:
        shares = dealt(prices, seconds + more)
        return all(shares[each].need <= shares[each].there for each in wanted)

    everything = math.ceil(sum(price.whole + price.reading.seconds for price in prices) + max(-seconds, 0.0)) + 1
    return seconds + bisect_left(range(everything), True, key=suffice)


def _turns(prices: Sequence[Price]) -> list[list[int]]:
    """The rungs' numbers in the order in which they are paid: those that share alike, then those that live on what is left."""
    numbers = sorted(range(1, len(prices)), key=lambda number: (not prices[number].rough, _place(prices[number].recipe)))
    last = [number for number in numbers if prices[number].recipe.family in LAST and not _is_lesson(prices[number].recipe)]
    return [[0, *(number for number in numbers if number not in last)], last]


def _place(recipe: Recipe) -> int:
    return FIRST.index(recipe.family) if recipe.family in FIRST and not _is_lesson(recipe) else len(FIRST)


def _is_lesson(recipe: Recipe) -> bool:
    """Who teaches goes before who is taught, as in the ladder."""
    return TEACHES in recipe.options or TEACHER in recipe.options


def _teacher(prices: Sequence[Price], number: int) -> int | None:
    if TEACHER not in prices[number].recipe.options:
        return None
    return next(other for other, price in enumerate(prices) if TEACHES in price.recipe.options)


def _raised(prices: Sequence[Price], more: float) -> list[float]:
    """Seconds of each: its least, raised to a level that is the same for all, as high as `more` allows; never above what its recipe asks for."""
    least, whole = (np.array([getattr(price, name) for price in prices]) for name in ("least", "whole"))
    levels = np.sort(np.concatenate([least, whole]))
    totals = [np.clip(level, least, whole).sum() for level in levels]
    return np.clip(np.interp(least.sum() + max(more, 0.0), totals, levels), least, whole).tolist() if len(prices) else []


def smaller_sizes(family: Any, recipe: Recipe, facts: Facts, seconds: float) -> list[tuple[Recipe, float]]:
    """The sizes below this one, largest first, with the seconds that their share of its parameters promises."""
    below = SIZES[: SIZES.index(recipe.size)] if recipe.size in SIZES else ()
    whole = family.recipe(facts, recipe.size).parameters if below else 1
    others = [family.recipe(facts, size) for size in reversed(below)]
    return [(other, seconds * other.parameters / max(whole, 1)) for other in others]
