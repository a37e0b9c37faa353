"""Recipes as JSON, and what one costs in words."""

from __future__ import annotations

from typing import Any

from .contracts import Recipe
from .language import Said, say

BYTES_PER_PARAMETER = {"weights": 4, "training": 16}  # weight, gradient and AdamW's two moments, fp32


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
