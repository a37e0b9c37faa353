"""One row as one run of ids: the text by its tokenizer, the other columns as features or as words beside it."""

from __future__ import annotations

import numpy as np

from .contracts import Inputs, Ragged, Tokenizer


def encode_inputs(tokenizer: Tokenizer, inputs: Inputs) -> Ragged:
    """What an engine takes. V is the tokenizer's vocabulary size.

    A tokenizer that weighs what it counts: the text's ids, then feature j as id V + j, weighed by its value; zeros are left out.
    One that does not: the row's words as ids V + word, then the text's ids; first, because long rows are cut at their end.
    """
    text, after = tokenizer.encode(inputs.texts), tokenizer.vocabulary_size
    if text.weights is not None:
        return _joined(text, _as_features(inputs.features, after)) if inputs.features.shape[1] else text
    return _joined(_as_words(inputs.words, after, text.values.shape[1:]), text) if inputs.words.shape[1] else text


def width_of(tokenizer: Tokenizer, inputs: Inputs) -> int:
    """How many ids `encode_inputs` may give."""
    like = tokenizer.encode([""])
    return tokenizer.vocabulary_size + (inputs.word_count if like.weights is None else inputs.features.shape[1])


def _as_features(features: np.ndarray, after: int) -> Ragged:
    rows, columns = np.nonzero(features)
    counts = np.bincount(rows, minlength=len(features))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Ragged((columns + after).astype(np.int32), starts, features[rows, columns].astype(np.float32))


def _as_words(words: np.ndarray, after: int, shape: tuple[int, ...]) -> Ragged:
    """Where a position holds several ids, a word is the first of them and the others are padding."""
    rows, columns = words.shape
    values = np.zeros((rows * columns, *shape), dtype=np.int32)
    values.reshape(rows * columns, -1)[:, 0] = words.ravel() + after
    return Ragged(values, np.arange(rows + 1, dtype=np.int64) * columns)


def _joined(first: Ragged, second: Ragged) -> Ragged:
    """Row by row the one, then the other."""
    starts = np.concatenate([[0], np.cumsum(first.lengths + second.lengths)]).astype(np.int64)
    to_first = np.arange(len(first.values)) + np.repeat(starts[:-1] - first.starts[:-1], first.lengths)
    to_second = np.arange(len(second.values)) + np.repeat(starts[:-1] + first.lengths - second.starts[:-1], second.lengths)
    values = np.empty((starts[-1], *first.values.shape[1:]), dtype=np.int32)
    values[to_first], values[to_second] = first.values, second.values
    if first.weights is None or second.weights is None:
        return Ragged(values, starts)
    weights = np.empty(starts[-1], dtype=np.float32)
    weights[to_first], weights[to_second] = first.weights, second.weights
    return Ragged(values, starts, weights)
