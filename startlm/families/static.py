"""Static: one vector for each token, distilled from a pretrained encoder; a text is the mean of its tokens' vectors, and a linear layer answers.

A token's vector is what the encoder says of it alone (one pass a token, kept on disk), weighed down where the token is frequent (Arora et al. 2017,
SIF). Then all vectors are moved, as little as need be, so that the means of the company's own texts come near what the encoder says of each whole
text: a ridge regression, solved by conjugate gradients. Mean and layer are linear, so they are multiplied out: numpy answers with one weight for
each token and label, as fast as `linear`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator

import numpy as np

from ..core.contracts import Facts, Fitted, Labelled, Progress, Ragged, Recipe, State
from ..core.durable import writing
from ..core.errors import BundleError
from ..core.language import say
from ..core.shelves import import_extra
from ..core.weight_folders import Weights, find_weights
from ..core.weights import from_bytes, to_bytes
from .encoders import described, named_weights, subwords
from .heads import COSTS, Head, best_cost
from .reading import Reader, spread, timed

MOST_TOKENS = 20_000  # that are passed through the encoder: those of the own texts, then the vocabulary's first
FREQUENT = 1e-3  # share of all tokens from which on one is weighed down
PULL = 0.1  # of the ridge that keeps vectors near where they were; docs/decisions/0014
STEPS = 30  # of conjugate gradients
TIMED_TOKENS = 512


class Static:
    """Averaged vectors of tokens; answers with numpy alone."""

    name = "static"
    engine = "numpy"
    needs = ("text", "weights", "text alone")
    tasks = ("classify", "classify_several", "score")
    keeps = "vectors"

    @staticmethod
    def recipe(facts: Facts, size: str) -> Recipe:
        """`size` has nothing to choose. Raises CallError where the weights that facts name are not there."""
        weights = find_weights(facts.weights)
        reason = say(f"a vector for each token, distilled from {weights.label} (licence {weights.licence})", f"每个词元一个向量，从 {weights.label}（许可证 {weights.licence}）蒸馏而来")
        return Recipe("static", "averaged", "subwords", {"weights": weights.name, "means": True}, described(weights) | {"longest": weights.longest}, 0, reason)

    @staticmethod
    def fit_steps(train: Labelled, dev: Labelled | None, labels: int, recipe: Recipe, seed: int, kept: Path) -> Iterator[Progress]:
        """Vectors of tokens, moved towards those of the texts, then the layer, whose `cost` is chosen on dev or by folds of train where it is open.

        Raises CallError for weights that are not there or have changed, MissingExtraError without scikit-learn.
        """
        weights = named_weights(recipe)
        tokenizer = subwords(weights, means=True)
        reader = Reader.of(recipe, train, kept, seed)
        encoded = tokenizer.encode(train.texts)
        table = _token_vectors(weights, tokenizer, encoded, reader, kept)
        yield Progress("train", 1, 4)
        table = table * _rarity(encoded, len(table))[:, None]
        vectors = []
        for block in reader.blocks(train, "int8"):
            vectors.append(block)
            yield Progress("train", 2, 4)
        table = _moved(table, encoded, np.concatenate(vectors))
        head = Head(train.labels, labels, recipe.options, seed)
        seen = _means(table, encoded)
        cost = recipe.options.get("cost") or best_cost(head, seen, None if dev is None else (_means(table, tokenizer.encode(dev.texts)), dev.labels), COSTS)
        layer, bias = head.solve(seen, cost)
        state = State({}, {"weights": (table @ layer).astype(np.float16), "bias": bias})
        recipe = replace(recipe, options={**recipe.options, "cost": cost}, parameters=int(len(table) * len(bias)))
        yield Progress("train", 4, 4, said=say(f"cost {cost:g}", f"代价系数 {cost:g}"), result=Fitted(recipe, tokenizer, state))

    @staticmethod
    def seconds(train: Labelled, dev: Labelled | None, recipe: Recipe, passes: float, kept: Path, seed: int) -> tuple[float, float]:
        """About how long reading each text once takes, and all else of all fits: tokens read alone, and each fit a regression and a layer."""
        reader = Reader.of(recipe, train, kept, seed)
        some = spread(train)
        a_text, _ = reader.timed(some, "int8")
        engine, alone = reader.engine("int8"), _alone(named_weights(recipe), reader.tokenizer.encode(some.texts).values[:TIMED_TOKENS])
        tokens, _ = timed(lambda: engine.logits(alone))
        return a_text * len(train), tokens * MOST_TOKENS / max(len(alone), 1) + passes * 5e-4 * len(train)


def _token_vectors(weights: Weights, tokenizer: Any, encoded: Ragged, reader: Reader, kept: Path) -> np.ndarray:
    """float32 (V, D): what the encoder says of each token alone; zeros for those beyond MOST_TOKENS. Kept beside the vectors of texts."""
    own = np.unique(encoded.values)
    chosen = np.unique(np.concatenate([own, np.setdiff1d(np.arange(min(tokenizer.vocabulary_size, MOST_TOKENS)), own)[: max(0, MOST_TOKENS - len(own))]]))
    path = kept / f"{weights.fingerprint[:16]}-tokens.safetensors"
    try:
        there = from_bytes(path.read_bytes(), where=path.name) if path.is_file() else {}
    except BundleError:  # damaged: computed anew
        there = {}
    known = there.get("tokens", np.zeros(0, np.int64))
    missing = np.setdiff1d(chosen, known) if len(known) else chosen
    if len(missing):
        vectors = reader.engine("int8").logits(_alone(weights, missing))
        there = {"tokens": np.concatenate([known, missing]), "vectors": np.concatenate([there["vectors"], vectors]) if len(known) else vectors}
        with writing(path) as stream:
            stream.write(to_bytes(there))
    place = np.isin(there["tokens"], chosen)
    table = np.zeros((tokenizer.vocabulary_size, there["vectors"].shape[1]), np.float32)
    table[there["tokens"][place]] = there["vectors"][place]
    return table


def _alone(weights: Weights, tokens: np.ndarray) -> Ragged:
    """Each of these tokens as a text of its own, between the ids that stand before and behind a text."""
    *begin, end = subwords(weights).encode([""]).values.tolist()
    rows = np.stack([*(np.full(len(tokens), mark) for mark in begin), tokens, np.full(len(tokens), end)], axis=1).astype(np.int32)
    return Ragged(rows.ravel(), np.arange(len(tokens) + 1, dtype=np.int64) * rows.shape[1])


def _rarity(encoded: Ragged, count: int) -> np.ndarray:
    """float32 (V,): a / (a + p), p the token's share of all tokens of the own texts."""
    share = np.bincount(encoded.values, minlength=count) / max(len(encoded.values), 1)
    return (FREQUENT / (FREQUENT + share)).astype(np.float32)


def _matrix(encoded: Ragged, count: int) -> Any:
    return import_extra("scipy.sparse").csr_matrix((encoded.weights, encoded.values, encoded.starts), shape=(len(encoded), count), dtype=np.float32)


def _means(table: np.ndarray, encoded: Ragged) -> np.ndarray:
    """float32 (N, D)"""
    return _matrix(encoded, len(table)) @ table  # type: ignore[no-any-return]


def _moved(table: np.ndarray, encoded: Ragged, wanted: np.ndarray) -> np.ndarray:
    """The table T + Δ with the least |X (T + Δ) − Y|² + λ |Δ|²; X holds the texts' means, Y (N, D) what the encoder says of them less its mean.

    Conjugate gradients, all columns at once, each with a step of its own. λ is PULL times the mean square of a token's weights.
    """
    matrix = _matrix(encoded, len(table))
    turned = matrix.T.tocsr()
    ridge = PULL * float(matrix.multiply(matrix).sum()) / max(len(np.unique(encoded.values)), 1)
    means = matrix @ table
    residual = turned @ ((wanted - wanted.mean(axis=0)) - (means - means.mean(axis=0)))
    change, direction = np.zeros_like(table), residual.copy()
    square = (residual**2).sum(axis=0)
    for _ in range(STEPS):
        if not (square > 1e-12).any():
            break
        product = turned @ (matrix @ direction) + ridge * direction
        step = square / np.maximum((direction * product).sum(axis=0), 1e-12)
        change += step * direction
        residual -= step * product
        before, square = square, (residual**2).sum(axis=0)
        direction = residual + square / np.maximum(before, 1e-12) * direction
    return table + change
