"""Recipes: their size by the rows there are, as JSON, what one costs in words, and how one differs from another."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import PurePath
from typing import Any, Mapping, Sequence

from .contracts import Recipe
from .language import Said, say

SIZES = ("small", "medium", "large")
BYTES_PER_PARAMETER = {"weights": 4, "training": 16}  # weight, gradient and AdamW's two moments, fp32

FROM_ROWS = ("epochs",)  # what the number of rows alone decides: a plan may come from other rows, and its steps stand

TEACHES, TEACHER = "teaches", "teacher"  # of a recipe's options: the family that it teaches, or that teaches it

TIMES = ("seconds", "timed")  # of a planned recipe's options: what a clock read, kept in the plan alone


def sized(rows: int, size: str, *, small_below: int, passes: int, most: int) -> tuple[str, int]:
    """A network's size (`auto`: small below so many rows, else medium) and epochs: `passes` at 10,000 rows, more where there are fewer."""
    chosen = size if size != "auto" else "small" if rows < small_below else "medium"
    return chosen, round(min(most, max(6, passes * (10_000 / max(rows, 1)) ** 0.5)))


def describe_size(recipe: Recipe) -> Said:
    """Parameters, memory and reason of one rung, in a sentence: what is known before anything is timed."""
    size = _size(recipe)
    return say(f"{size.en}. {recipe.reason.en}", f"{size.zh}。{recipe.reason.zh}")


def describe_cost(recipe: Recipe, seconds: float | None) -> Said:
    """Parameters, memory and time of one rung, in a sentence; None: it is left out."""
    size = _size(recipe)
    if seconds is not None:
        return say(f"{size.en}, about {seconds:.0f} s. {recipe.reason.en}", f"{size.zh}，约 {seconds:.0f} 秒。{recipe.reason.zh}")
    return say(f"{size.en}, left out: the budget does not pay for it.", f"{size.zh}，略过：预算不够。")


def describe_shortage(recipe: Recipe, least: float, there: float, budget: float, smaller: Sequence[tuple[Recipe, float]]) -> Said:
    """That the budget does not suffice, for what, and what would do: `budget` seconds in all, or something smaller.

    least, there: the seconds of the shortest training worth beginning, and those that are left for it.
    """
    others = [(f"size = \"{each.size}\"", each.parameters, _short(seconds)) for each, seconds in smaller]
    en = [f"{line} ({parameters:,} parameters, about {seconds} s)" for line, parameters, seconds in others]
    zh = [f"{line}（{parameters:,} 个参数，约 {seconds} 秒）" for line, parameters, seconds in others]
    linear = ["family = \"linear\""] if recipe.family != "linear" else []
    less = say(f", or under [build] {', '.join(en + linear)}", f"，或在 [build] 下写 {'、'.join(zh + linear)}") if en + linear else say("", "")
    return say(
        f"The budget does not suffice for {recipe.family} ({recipe.size}): the shortest training worth beginning takes about {_short(least)} s, and {_short(max(there, 0))} s are "
        f"there. What would: [train] budget = \"{math.ceil(budget)}s\"{less.en}.",
        f"预算不够训练 {recipe.family}（{recipe.size}）：值得开始的最短训练约需 {_short(least)} 秒，而只有 {_short(max(there, 0))} 秒。可以写 [train] budget = \"{math.ceil(budget)}s\"{less.zh}。",
    )


def _short(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"


def _size(recipe: Recipe) -> Said:
    if not recipe.parameters:
        return say(recipe.family, recipe.family)
    weights, training = (f"{recipe.parameters * each / 1e6:,.0f} MB" for each in BYTES_PER_PARAMETER.values())
    return say(f"{recipe.family} ({recipe.size}): {recipe.parameters:,} parameters, {weights}, {training} while it trains",
               f"{recipe.family}（{recipe.size}）：{recipe.parameters:,} 个参数，{weights}，训练时 {training}")


def lesson(recipe: Recipe, teacher: Recipe) -> tuple[Recipe, Recipe]:
    """The teacher's recipe and the taught one's, each with the other's family in its options."""
    return replace(teacher, options={**teacher.options, TEACHES: recipe.family}), replace(recipe, options={**recipe.options, TEACHER: teacher.family})


def name_of(recipe: Recipe) -> str:
    """A rung in a word: family and size, and who teaches it."""
    taught = f" ← {recipe.options[TEACHER]}" if TEACHER in recipe.options else ""
    return f"{recipe.family} ({recipe.size}){taught}"


def recipe_from_json(value: dict[str, Any]) -> Recipe:
    """A Recipe back from its JSON."""
    return Recipe(**{**value, "reason": Said(*value["reason"])})


def without_times(recipe: Recipe) -> dict[str, Any]:
    """The options as they are exported: the same training gives the same file, however fast the machine was."""
    options = {name: value for name, value in recipe.options.items() if name not in TIMES}
    return options | {"weights": PurePath(options["weights"]).name} if "weights" in options else options  # no path of this machine


def difference(there: Mapping[str, Any], here: Mapping[str, Any], planned: Sequence[Recipe], built: Sequence[Recipe]) -> Said | None:
    """The first thing that was settled or built otherwise for a plan than for this training; None where nothing was."""
    for name, value in here.items():
        if there[name] != value:
            return say(f"{name} is {there[name]} there and {value} here", f"{name} 在那里是 {there[name]}，这里是 {value}")
    which = lambda rung: (rung.family, rung.options.get(TEACHER))  # noqa: E731
    by_name = {which(rung): rung for rung in built}
    for other in planned:
        if which(other) not in by_name:
            return say(f"it trains {other.family}", f"它训练的是 {other.family}")
        if (odd := _odd_one(other, by_name[which(other)])) is not None:
            return say(f"{other.family}: {odd.en}", f"{other.family}：{odd.zh}")
    return None if planned else say("it trains nothing", "它什么也不训练")


def _odd_one(other: Recipe, mine: Recipe) -> Said | None:
    pairs = [("size", other.size, mine.size), ("tokenizer", other.tokenizer, mine.tokenizer)]
    pairs += [(name, other.tokenizer_options.get(name), value) for name, value in mine.tokenizer_options.items()]
    pairs += [(name, other.options.get(name), value) for name, value in mine.options.items() if name not in FROM_ROWS]
    return next((say(f"{name} is {theirs} there and {ours} here", f"{name} 在那里是 {theirs}，这里是 {ours}") for name, theirs, ours in pairs if theirs != ours), None)
