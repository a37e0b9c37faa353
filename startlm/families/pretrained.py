"""Pretrained: an encoder that others have trained on far more text, left as it is, and a linear layer that learns on its vectors.

The encoder answers once for each text; what it said is kept on disk by content, so that folds, choices and the last fit cost no more passes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Iterator

import numpy as np

from ..core.contracts import Facts, Fitted, Labelled, Progress, Recipe
from ..core.graph_heads import with_head
from ..core.language import say
from ..core.weight_folders import find_weights
from .encoders import described, engine_state
from .heads import COSTS, Head, best_cost
from .reading import Reader, spread, timed, tried


class Pretrained:
    """A frozen encoder and a linear layer on its vectors."""

    name = "pretrained"
    engine = "onnx"
    needs = ("text", "weights", "text alone")
    tasks = ("classify", "classify_several", "score")
    keeps = "vectors"  # the folder, beside the rungs, that fit_steps is given

    @staticmethod
    def recipe(facts: Facts, size: str) -> Recipe:
        """`size` has nothing to choose: it is that of the weights. Raises CallError where the weights that facts name are not there."""
        weights = find_weights(facts.weights)
        columns = list(facts.pair)
        reason = say(f"the encoder {weights.label} (licence {weights.licence}) as it is, a linear layer on its vectors", f"编码器 {weights.label}（许可证 {weights.licence}）保持不变，其向量之上训练一个线性层")
        return Recipe("pretrained", "frozen", "subwords", {"weights": weights.name, "columns": columns}, described(weights) | {"longest": weights.longest}, 0, reason)

    @staticmethod
    def fit_steps(train: Labelled, dev: Labelled | None, labels: int, recipe: Recipe, seed: int, kept: Path) -> Iterator[Progress]:
        """The vectors of all rows, then the linear layer; its `cost` and `precision`, where the recipe leaves them open, are chosen on dev or by folds of train.

        Raises CallError for weights that are not there or have changed, MissingExtraError without scikit-learn.
        """
        reader = Reader.of(recipe, train, kept, seed)
        if (said := reader.tokenizer.said_of_cut(train.texts)) is not None:
            yield Progress("train", said=said)
        head = Head(train.labels, labels, recipe.options, seed)
        precision = recipe.options.get("precision") or reader.precision(train, dev, head)
        parts = [train] if dev is None else [train, dev]
        total, done, vectors = sum(map(len, parts)), 0, []
        for part in parts:
            for block in reader.blocks(part, precision):
                vectors.append(block)
                done += len(block)
                yield Progress("train", min(done, total - 1), total)
        seen = np.concatenate(vectors)
        held = None if dev is None else (seen[len(train):], dev.labels)
        cost = recipe.options.get("cost") or best_cost(head, seen[: len(train)], held, COSTS)
        weights, bias = head.solve(seen[: len(train)], cost)
        graph = with_head(reader.make[precision](), weights, bias)
        recipe = replace(recipe, options={**recipe.options, "precision": precision, "cost": cost}, parameters=weights.size)
        yield Progress("train", total, total, said=say(f"{precision}, cost {cost:g}", f"{precision}，代价系数 {cost:g}"),
                       result=Fitted(recipe, reader.tokenizer, engine_state(graph, recipe.options["longest"], precision)))

    @staticmethod
    def seconds(train: Labelled, dev: Labelled | None, recipe: Recipe, passes: float, kept: Path, seed: int) -> tuple[float, float]:
        """About how long reading each text once takes, and all else of all fits: the rows on which precisions are compared, and a layer for each cost."""
        reader = Reader.of(recipe, train, kept, seed)
        some, each = spread(train), {}
        for precision in reader.make:
            each[precision], vectors = reader.timed(some, precision)
        head, _ = timed(lambda: Head(some.labels, int(some.labels.max(initial=1)) + 1, recipe.options, seed).solve(vectors, COSTS[0]) if some.labels.dtype.kind == "i" else None)
        solving = 2e-4 * len(train) + head
        return each["int8"] * len(train), each["fp32"] * tried(train, dev) + (passes + len(COSTS)) * solving
