"""The family of decision trees, for columns beside the text: boosted trees or a forest, whichever is better on dev.

Text comes in as the scores of its linear model. The trees learn from scores of rows that the linear model had not seen, because
those of rows it has learnt by heart would look better than they will ever be.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterator, Mapping, NamedTuple

import numpy as np

from ..core.contracts import Facts, Fitted, Labelled, Progress, Recipe, State, Tokenizer
from ..core.language import Said, say
from ..core.parts import folds_of
from ..core.shelves import look_up
from .grown import joined
from .growing import BOOSTED, TREES, Ground, grow, losses_of
from .problem import Choices, Problem, choose_steps, columns_of, settled

_TOKENIZERS = {"ngrams": "startlm.tokenizers.ngrams:Ngrams"}
_SIZES = {"small": (15, 200, 8e6), "medium": (31, 400, 24e6), "large": (63, 1_000, 96e6)}  # leaves a tree, rounds, bytes that all trees may take
_KINDS = {"boosted": say("boosted trees", "提升树"), "shallow": say("shallow boosted trees", "浅的提升树"),
          "forest": say("a random forest", "随机森林"), "extra": say("a forest of extra random trees", "极端随机森林")}
_FOLDS, _CHOOSING = 5, 3  # folds that text is scored by, and folds that choose where there is no dev part
_PER_LEAF = 24  # bytes of a leaf and an inner node


class Trees:
    """Boosted trees or a forest, on the features of columns and the linear scores of the text; answers with numpy alone."""

    name = "trees"
    engine = "trees"
    needs = ("columns",)
    tasks = ("classify", "score")

    @staticmethod
    def recipe(facts: Facts, size: str) -> Recipe:
        """`size` bounds the leaves of a boosted tree, the rounds, and the bytes on disk: 8, 24 (`medium`, `auto`) or 96 MB for the trees."""
        size = "medium" if size == "auto" else size
        leaves, rounds, most = _SIZES[size]
        outputs = columns_of(facts.labels)
        rounds = int(np.clip(most // (_PER_LEAF * leaves * outputs), 20, rounds))
        grams = int(most // (2 * outputs + 8))
        text = min(grams, int(facts.rows * facts.mean_length * 2)) * outputs
        return Recipe(
            "trees", size, "ngrams", {"most": grams}, {"leaves": leaves, "most_rounds": rounds, "bytes": int(most)}, text + rounds * outputs * leaves * 2,
            say("many small decision trees: at home where numbers and categories decide", "许多小决策树：适合由数值和类别决定的问题"),
        )

    @staticmethod
    def fit_steps(train: Labelled, dev: Labelled | None, labels: int, recipe: Recipe, seed: int) -> Iterator[Progress]:
        """Score the text, choose the kind and the rounds where the recipe leaves them open, grow.

        options: leaves, most_rounds and bytes (see `recipe`), class_weights and loss, and what is chosen: kind ("boosted", "shallow", "forest",
        "extra"), rounds, and cost and ratio, or alpha, of the text's linear model.
        A forest's logits are the logarithms of the shares of its votes, clipped, since no forest can be sure.
        Raises MissingExtraError without lightgbm or scikit-learn.
        """
        tokenizer = look_up(_TOKENIZERS, recipe.tokenizer, say("tokenizer", "分词器")).fit(train.texts, **recipe.tokenizer_options)
        open_choice, total = "kind" not in recipe.options, 3 + len(_KINDS) * ("kind" not in recipe.options)
        yield Progress("train", 1, total)
        equal, dev = _equal_rows(train), dev if dev is not None and len(dev) else None
        scored = _score_text(train, dev, tokenizer, labels, recipe, equal, seed)
        recipe = replace(recipe, options={**recipe.options, **scored.chosen})
        ground = Ground(np.concatenate([train.features, scored.unseen], axis=1), train.labels, labels, recipe.options, seed)
        yield Progress("train", 2, total)
        if open_choice:
            held = None if dev is None else replace(ground, seen=np.concatenate([dev.features, scored.dev], axis=1), targets=dev.labels)
            for done, (chosen, loss) in enumerate(_choose(_trials(ground, held, equal), recipe.options["most_rounds"]), 3):
                recipe = replace(recipe, options={**recipe.options, **chosen})
                yield Progress("train", done, total, loss=loss)
        grove = grow(ground, recipe.options["kind"], recipe.options["rounds"])
        arrays = joined(grove.trees) | {"weights": scored.weights, "bias": scored.bias}
        settings = {"text": len(scored.weights), "columns": train.features.shape[1], "outputs": ground.outputs, "floor": grove.floor, "median": grove.median}
        recipe = replace(recipe, parameters=scored.weights.size + len(arrays["feature"]) + arrays["leaf"].size)
        yield Progress("train", total, total, said=_said(recipe.options), result=Fitted(recipe, tokenizer, State(settings, arrays)))


def _said(options: Mapping[str, Any]) -> Said:
    kind, count = _KINDS[options["kind"]], options["rounds"]
    en, zh = ("rounds", "轮") if options["kind"] in BOOSTED else ("trees", "棵")
    return say(f"{kind.en}, {count} {en}", f"{kind.zh}，{count} {zh}")


# ---------------------------------------------------------------- text

class _Scored(NamedTuple):
    """The text's linear model, weights float16 (V, S) and bias float32 (S,), and its scores, float32 (N, S)."""

    weights: np.ndarray
    bias: np.ndarray
    unseen: np.ndarray  # of each train row, by a model that has not seen it
    dev: np.ndarray | None
    chosen: Choices


def _score_text(train: Labelled, dev: Labelled | None, tokenizer: Tokenizer, labels: int, recipe: Recipe, equal: np.ndarray, seed: int) -> _Scored:
    """S = 0 where there is no text."""
    if not tokenizer.vocabulary_size:
        none = np.zeros((0, 0), np.float16)
        return _Scored(none, np.zeros(0, np.float32), np.zeros((len(train), 0), np.float32), None if dev is None else np.zeros((len(dev), 0), np.float32), {})
    problem = Problem.of(Labelled(train.texts, train.labels), tokenizer, labels, recipe.options, seed)
    held = None if dev is None else Problem.of(Labelled(dev.texts, dev.labels), tokenizer, labels, recipe.options, seed)
    chosen: Choices = {}
    for better, _ in choose_steps(problem, held, recipe.options):
        chosen = better
    chosen = settled(problem, recipe.options, chosen)
    weights, bias = problem.solve(**chosen)
    unseen = np.zeros((len(train), len(bias)), np.float32)
    fold = folds_of(train.labels, equal, _FOLDS, seed)
    for number in np.unique(fold):
        inside = np.flatnonzero(fold != number)
        if len(inside):
            unseen[fold == number] = _scores(problem.take(np.flatnonzero(fold == number)), *problem.take(inside).solve(**chosen))
    return _Scored(weights.astype(np.float16), bias.astype(np.float32), unseen, None if held is None else _scores(held, weights, bias), chosen)


def _scores(problem: Problem, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """float32 (N, S)"""
    return (problem.features @ weights + bias).astype(np.float32)


def _equal_rows(rows: Labelled) -> np.ndarray:
    """int64 (N,): rows that are equal have the same number. One in a fold would tell the answer of the other in the next."""
    numbers: dict[tuple[str, bytes], int] = {}
    return np.array([numbers.setdefault((text, features.tobytes()), len(numbers)) for text, features in zip(rows.texts, rows.features)], np.int64)


# ------------------------------------------------------------ choosing

def _trials(ground: Ground, dev: Ground | None, equal: np.ndarray) -> list[tuple[Ground, Ground]]:
    """What kinds are compared on: (to grow on, to judge on), rows of labels that the first lack left out of the second."""
    if dev is not None:
        pairs = [(ground, dev)]
    else:
        fold = folds_of(ground.targets, equal, _CHOOSING, ground.seed)
        pairs = [(ground.take(np.flatnonzero(fold != number)), ground.take(np.flatnonzero(fold == number))) for number in range(_CHOOSING)]
    if not ground.numeric:
        pairs = [(part, held.take(np.flatnonzero(np.isin(held.targets, part.targets)))) for part, held in pairs]
    return [(part, held) for part, held in pairs if part.tells and len(held.targets)]


def _choose(trials: list[tuple[Ground, Ground]], most: int) -> Iterator[tuple[dict[str, Any], float | None]]:
    """The best kind so far with its rounds, and its mean loss, after each kind; the first where nothing can be compared."""
    best: dict[str, Any] = {"kind": next(iter(_KINDS)), "rounds": most}
    least = None
    for kind in _KINDS:
        if trials:
            curves = [losses_of(part, held, kind, most if kind in BOOSTED else TREES) * len(held.targets) for part, held in trials]
            length = min(map(len, curves))
            curve = sum(curve[:length] for curve in curves) / sum(len(held.targets) for _, held in trials)
            if least is None or curve.min() < least:
                best, least = {"kind": kind, "rounds": int(curve.argmin()) + 1 if kind in BOOSTED else TREES}, float(curve.min())
        yield best, least
