"""The linear family: hashed n-grams and one weight for each n-gram and label. The cheapest rung, and hard to beat.

The features of other columns have a weight each beside them; a number is predicted by one weight for each feature.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Iterator

import numpy as np

from ..core.contracts import Facts, Fitted, Labelled, Progress, Recipe, State
from ..core.inputs import encode_inputs
from ..core.language import Said, say
from ..core.shelves import look_up
from ..engines import ENGINES
from .problem import Choices, Problem, choose_steps, columns_of, settled

_TOKENIZERS = {"ngrams": "startlm.tokenizers.ngrams:Ngrams"}
_BYTES = {"small": 8e6, "medium": 24e6, "large": 96e6, "auto": 24e6}  # what tokenizer and weights may take on disk


class Linear:
    """One weight for each n-gram or feature and label; answers with numpy alone."""

    name = "linear"
    engine = "numpy"
    tasks = ("classify", "classify_several", "score")

    @staticmethod
    def recipe(facts: Facts, size: str) -> Recipe:
        """`size` bounds the bytes on disk, and with them how many n-grams are kept: 8, 24 (`medium`, `auto`) or 96 MB."""
        columns = facts.labels if facts.several else columns_of(facts.labels)
        most = int(_BYTES[size] // (2 * columns + 8))  # a float16 weight for each column; its bucket and its idf
        features = min(most, int(facts.rows * facts.mean_length * 2)) + facts.features
        return Recipe(
            "linear", size, "ngrams", {"most": most}, {}, features * columns,
            say("words and pieces of words with one weight each: the cheapest model, and hard to beat",
                "字、词和词的片段各有一个权重：最便宜的模型，也很难被超过"),
        )

    @staticmethod
    def fit_steps(train: Labelled, dev: Labelled | None, labels: int, recipe: Recipe, seed: int) -> Iterator[Progress]:
        """Count n-grams, make the choices that the recipe leaves open, solve.

        options: cost (C of the support vector machine), ratio (0 … 1), class_weights (None or "balanced"); for numbers alpha (of the
        ridge; 1 / C for the absolute error) and loss ("squared", "absolute" or "quantiles").
        Raises MissingExtraError without scikit-learn.
        """
        tokenizer = look_up(_TOKENIZERS, recipe.tokenizer, say("tokenizer", "分词器")).fit(train.texts, **recipe.tokenizer_options)
        problem = Problem.of(train, tokenizer, labels, recipe.options, seed)
        total = sum(map(len, problem.tried.values())) + 2
        yield Progress("train", 1, total)
        held = Problem.of(dev, tokenizer, labels, recipe.options, seed) if dev is not None and len(dev) else None
        chosen: Choices = {}
        for done, (best, figure) in enumerate(choose_steps(problem, held, recipe.options), 2):
            chosen = best
            yield Progress("train", done, total, **({"loss": -figure} if problem.numeric else {"figure": figure}))
        chosen = settled(problem, recipe.options, chosen)
        weights, bias = problem.solve(**chosen)
        recipe = replace(recipe, options={**recipe.options, **chosen}, parameters=weights.size)
        state = State({}, {"weights": weights.astype(np.float16), "bias": bias.astype(np.float32)})
        yield Progress("train", total, total, said=_said(chosen), result=Fitted(recipe, tokenizer, state))


def _said(chosen: Choices) -> Said:
    if "alpha" in chosen:
        return say(f"alpha {chosen['alpha']:g}: how much large weights are punished", f"alpha {chosen['alpha']:g}：对大权重的惩罚程度")
    return say(f"cost {chosen['cost']:g}, log-count ratios folded in by {chosen['ratio']:g}",
               f"代价系数 {chosen['cost']:g}，对数计数比权重 {chosen['ratio']:g}")


def answer_with_linear(train: Labelled, rows: Labelled, seed: int = 0) -> np.ndarray:
    """int64 (M,): what a linear model with default choices, learnt from `train`, answers to `rows`; for comparisons that must be cheap."""
    labels = int(max(train.labels.max(), rows.labels.max())) + 1
    facts = Facts(len(train), labels, float(np.mean([len(text) for text in train.texts] or [0])), 0, 0.0)
    recipe = replace(Linear.recipe(facts, "small"), options={"cost": 2.0, "ratio": 0.0})
    *_, last = Linear.fit_steps(train, None, labels, recipe, seed)
    engine = look_up(ENGINES, Linear.engine, say("engine", "引擎")).from_state(last.result.engine)
    return engine.logits(encode_inputs(last.result.tokenizer, rows)).argmax(axis=1)  # type: ignore[no-any-return]
