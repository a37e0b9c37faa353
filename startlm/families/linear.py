"""The linear family: hashed n-grams and one weight for each feature and label, solved as a support vector machine."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterator

import numpy as np

from ..core.contracts import Facts, Fitted, Labelled, Progress, Recipe, State
from ..core.errors import MissingExtraError
from ..core.language import say
from ..core.shelves import look_up
from ..tokenizers import TOKENIZERS


class Linear:
    """One weight for each n-gram and label; answers with numpy alone."""

    name = "linear"
    engine = "numpy"

    @staticmethod
    def recipe(facts: Facts, size: str) -> Recipe:
        return Recipe(
            "linear", size, "ngrams", {}, {"cost": 1.0},
            reason=say("Word and character n-grams: the cheapest model, and hard to beat.", "字词 n 元组：最便宜的模型，也很难被超过。"),
        )

    @staticmethod
    def fit_steps(train: Labelled, dev: Labelled | None, labels: int, recipe: Recipe, seed: int) -> Iterator[Progress]:
        try:
            from scipy.sparse import csr_matrix
            from sklearn.svm import LinearSVC
        except ImportError as error:
            raise MissingExtraError("train", "scikit-learn") from error
        tokenizer = look_up(TOKENIZERS, recipe.tokenizer, say("tokenizer", "分词器")).fit(train.texts, **recipe.tokenizer_options)
        yield Progress("train", 1, 3)
        encoded = tokenizer.encode(train.texts)
        yield Progress("train", 2, 3)
        features = csr_matrix((encoded.weights, encoded.values, encoded.starts), shape=(len(train), tokenizer.vocabulary_size))
        machine = LinearSVC(C=recipe.options["cost"], class_weight=recipe.options.get("class_weights"), random_state=seed)
        machine.fit(features, train.labels)
        columns = np.arange(1) if len(machine.classes_) == 2 == labels else machine.classes_
        weights = np.zeros((tokenizer.vocabulary_size, max(1, labels if labels > 2 else 1)), dtype=np.float16)
        bias = np.full(weights.shape[1], -1.0, dtype=np.float32)
        weights[:, columns], bias[columns] = machine.coef_.T, machine.intercept_
        recipe = replace(recipe, parameters=weights.size)
        yield Progress("train", 3, 3, result=Fitted(recipe, tokenizer, State({}, {"weights": weights, "bias": bias})))
