"""The encoder that a recipe names, as what answers: its tokenizer, its graph, its engine. Not a member."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from ..core.contracts import Ragged, Recipe, State
from ..core.durable import writing
from ..core.errors import CallError
from ..core.graphs import export_graph
from ..core.language import say
from ..core.shelves import import_extra, look_up
from ..core.weight_folders import Weights, find_weights
from ..engines import ENGINES
from ..tokenizers import TOKENIZERS
from .network import calibration_rows, quantised_on


def named_weights(recipe: Recipe) -> Weights:
    """The weights of this recipe. Raises CallError where they are no longer those it was built for: other numbers would answer."""
    weights = find_weights(recipe.options["weights"])
    if weights.fingerprint != recipe.options["fingerprint"]:
        raise CallError(say(f"The weights {weights.name} have changed since the model was built.", f"构建模型之后，权重 {weights.name} 有了改动。"),
                        say("put the old ones back, or build again: startlm run NAME --fresh", "请放回原来的权重，或重新构建：startlm run NAME --fresh"), where=str(weights.path))
    return weights


def described(weights: Weights) -> dict[str, Any]:
    """What a recipe, and with it model.json, says of its weights."""
    return {"weights": weights.name, "fingerprint": weights.fingerprint, "licence": weights.licence, "origin": weights.origin}


def subwords(weights: Weights, columns: Sequence[str] = (), means: bool = False) -> Any:
    """The tokenizer of these weights; with `means`, of averaged tokens."""
    return look_up(TOKENIZERS, "subwords", say("tokenizer", "分词器")).fit([], weights=weights.name, columns=list(columns), means=means)


def loaded_encoder(weights: Weights, tokenizer: Any) -> Any:
    """The torch module; two texts apart where the tokenizer makes two. Raises CallError where tokenizer and weights do not belong together."""
    encoder = import_extra("startlm.core.encoders").load_encoder(weights, apart=tokenizer.beginning if tokenizer.columns else None)
    if tokenizer.vocabulary_size > encoder.shape.vocabulary:
        raise CallError(
            say(f"Tokenizer and weights do not belong together: {tokenizer.vocabulary_size:,} ids, {encoder.shape.vocabulary:,} vectors.",
                f"分词器和权重不匹配：{tokenizer.vocabulary_size:,} 个编号，{encoder.shape.vocabulary:,} 个向量。"),
            say("take tokenizer.json and model.safetensors from the same place", "tokenizer.json 和 model.safetensors 要来自同一处"), where=str(weights.path))
    return encoder


@cache
def vector_graph(name: str, fingerprint: str, columns: tuple[str, ...] = ()) -> bytes:
    """The encoder as a graph that gives one vector of length 1 a row, float32 (N, D); of two texts a and b: a, b, |a − b| and a · b, (N, 4 D)."""
    weights = find_weights(name)
    tokenizer = subwords(weights, columns)
    module = import_extra("startlm.core.encoder_heads").Vectors(loaded_encoder(weights, tokenizer))
    return export_graph(module, (1, 1), tokenizer.vocabulary_size, max_length=weights.longest)


def engine_state(graph: bytes, longest: int, precision: str = "fp32") -> State:
    return look_up(ENGINES, "onnx", say("engine", "引擎")).make_state(graph, max_length=longest, precision=precision)  # type: ignore[no-any-return]


def opened(state: State, threads: int = 1) -> Any:
    """The engine that answers."""
    return look_up(ENGINES, "onnx", say("engine", "引擎")).from_state(state, threads=threads)


def encoder_member(name: str) -> tuple[Any, State]:
    """Tokenizer and engine state of these weights, fp32, whose "logits" are vectors of length 1: for a search, a memory, a teacher."""
    weights = find_weights(name)
    return subwords(weights), engine_state(vector_graph(name, weights.fingerprint), weights.longest)


def small_graph(graph: bytes, encoded: Ragged, longest: int, seed: int) -> bytes:
    """The graph in int8, its scales from a few of these rows."""
    rows = calibration_rows(encoded, seed)
    return quantised_on(graph, encoded, rows[np.argsort(encoded.lengths[rows], kind="stable")], longest)


def kept_bytes(path: Path, make: Any) -> bytes:
    """The bytes of this file; made, and kept durably, where it is not there."""
    if path.is_file():
        return path.read_bytes()
    data = make()
    with writing(path) as stream:
        stream.write(data)
    return data  # type: ignore[no-any-return]
