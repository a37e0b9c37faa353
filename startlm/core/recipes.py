"""Recipes as JSON, and what one costs in words."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .contracts import Recipe
from .language import Said, say

BYTES_PER_PARAMETER = {"weights": 4, "training": 16}  # weight, gradient and AdamW's two moments, fp32

FROM_ROWS = ("epochs",)  # what the number of rows alone decides: a plan may come from other rows, and its steps stand


def describe_cost(recipe: Recipe, seconds: float, pays: bool) -> Said:
    """Parameters, memory and time of one rung, in a sentence; where the budget does not pay for it, what would."""
    weights = recipe.parameters * BYTES_PER_PARAMETER["weights"] / 1e6
    training = recipe.parameters * BYTES_PER_PARAMETER["training"] / 1e6
    en = f"{recipe.family} ({recipe.size}): {recipe.parameters:,} parameters, {weights:,.0f} MB, {training:,.0f} MB while it trains, " if recipe.parameters else f"{recipe.family}: "
    zh = f"{recipe.family}（{recipe.size}）：{recipe.parameters:,} 个参数，{weights:,.0f} MB，训练时 {training:,.0f} MB，" if recipe.parameters else f"{recipe.family}："
    if pays:
        return say(f"{en}about {seconds:.0f} s. {recipe.reason.en}", f"{zh}约 {seconds:.0f} 秒。{recipe.reason.zh}")
    return say(f"{en}left out: the budget does not pay for it. A longer budget would ([train] budget), or a smaller one: [build] size = \"small\".",
               f"{zh}略过：预算不够。可以加大预算（[train] budget），或用更小的：[build] size = \"small\"。")


def recipe_from_json(value: dict[str, Any]) -> Recipe:
    """A Recipe back from its JSON."""
    return Recipe(**{**value, "reason": Said(*value["reason"])})


def difference(there: Mapping[str, Any], here: Mapping[str, Any], planned: Sequence[Recipe], built: Sequence[Recipe]) -> Said | None:
    """The first thing that was settled or built otherwise for a plan than for this training; None where nothing was."""
    for name, value in here.items():
        if there[name] != value:
            return say(f"{name} is {there[name]} there and {value} here", f"{name} 在那里是 {there[name]}，这里是 {value}")
    by_family = {rung.family: rung for rung in built}
    for other in planned:
        if other.family not in by_family:
            return say(f"it trains {other.family}", f"它训练的是 {other.family}")
        if (odd := _odd_one(other, by_family[other.family])) is not None:
            return say(f"{other.family}: {odd.en}", f"{other.family}：{odd.zh}")
    return None if planned else say("it trains nothing", "它什么也不训练")


def _odd_one(other: Recipe, mine: Recipe) -> Said | None:
    pairs = [("size", other.size, mine.size), ("tokenizer", other.tokenizer, mine.tokenizer)]
    pairs += [(name, other.tokenizer_options.get(name), value) for name, value in mine.tokenizer_options.items()]
    pairs += [(name, other.options.get(name), value) for name, value in mine.options.items() if name not in FROM_ROWS]
    return next((say(f"{name} is {theirs} there and {ours} here", f"{name} 在那里是 {theirs}，这里是 {ours}") for name, theirs, ours in pairs if theirs != ours), None)
