"""Pretrained encoders as torch modules: BERT and its relatives, read from Hugging Face's files without running anything of theirs.

Devlin et al. 2019 (BERT), Liu et al. 2019 (RoBERTa), Conneau et al. 2020 (XLM-R), Sanh et al. 2019 (DistilBERT), Song et al. 2020 (MPNet). One
module computes all of them; `_NAMES` says what each calls its weights. N rows, T tokens, D width, H heads. Needs torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .embeddings import real_positions
from .errors import CallError
from .language import say
from .layers import Linear, attend
from .weight_folders import Weights, not_weights

LEAST_NORM = 1e-9
MOST_LAYERS, MOST_WIDTH = 64, 8_192
_BERT = {
    "query": "encoder.layer.{}.attention.self.query", "key": "encoder.layer.{}.attention.self.key", "value": "encoder.layer.{}.attention.self.value",
    "out": "encoder.layer.{}.attention.output.dense", "norm_1": "encoder.layer.{}.attention.output.LayerNorm",
    "wide": "encoder.layer.{}.intermediate.dense", "narrow": "encoder.layer.{}.output.dense", "norm_2": "encoder.layer.{}.output.LayerNorm",
}  # fmt: skip
_MPNET = {**_BERT, **{part: f"encoder.layer.{{}}.attention.attn.{part[0]}" for part in ("query", "key", "value", "out")}, "norm_1": "encoder.layer.{}.attention.LayerNorm"}
_DISTILBERT = {
    "query": "transformer.layer.{}.attention.q_lin", "key": "transformer.layer.{}.attention.k_lin", "value": "transformer.layer.{}.attention.v_lin",
    "out": "transformer.layer.{}.attention.out_lin", "norm_1": "transformer.layer.{}.sa_layer_norm",
    "wide": "transformer.layer.{}.ffn.lin1", "narrow": "transformer.layer.{}.ffn.lin2", "norm_2": "transformer.layer.{}.output_layer_norm",
}  # fmt: skip
_NAMES: Mapping[str, Mapping[str, str]] = {"bert": _BERT, "roberta": _BERT, "xlm-roberta": _BERT, "camembert": _BERT, "electra": _BERT, "mpnet": _MPNET, "distilbert": _DISTILBERT}
_AFTER_PADDING = {"roberta", "xlm-roberta", "camembert", "mpnet"}  # their positions are counted from the padding's id on
CURVES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu, "gelu_new": lambda x: F.gelu(x, approximate="tanh"), "gelu_pytorch_tanh": lambda x: F.gelu(x, approximate="tanh"), "relu": F.relu,
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """The sizes of an encoder."""

    kind: str
    vocabulary: int
    width: int
    wide: int  # between the two products of the position-wise network
    places: int  # positions that it has vectors for
    layers: int
    heads: int
    curve: str
    epsilon: float
    first_place: int  # the position of a row's first token
    buckets: int  # of relative positions, where it has them


def shape_of(weights: Weights) -> Shape:
    """The sizes that config.json names. Raises CallError for another architecture and for sizes that are none."""
    config = weights.config
    kind = config.get("model_type")
    if kind not in _NAMES:
        raise CallError(say(f"The architecture of these weights is not known here: {str(kind)[:60]!r}.", f"不支持这些权重的结构：{str(kind)[:60]!r}。"),
                        say(f"take an encoder of one of these kinds: {', '.join(_NAMES)}", f"请使用以下结构之一的编码器：{'、'.join(_NAMES)}"), where=str(weights.path))
    width, layers, heads = (_size(weights, *names) for names in (("hidden_size", "dim"), ("num_hidden_layers", "n_layers"), ("num_attention_heads", "n_heads")))
    curve = config.get("hidden_act", config.get("activation", "gelu"))
    relative = config.get("position_embedding_type", "absolute") != "absolute" or config.get("embedding_size", width) != width
    if width % heads or width > MOST_WIDTH or layers > MOST_LAYERS or curve not in CURVES or relative:
        raise not_weights(weights.path, say(f"its sizes or its curve ({str(curve)[:40]}) are not ones that {kind} takes here", f"{kind} 的尺寸或激活函数（{str(curve)[:40]}）不受支持"))
    padding = config.get("pad_token_id", 1)
    first = (padding if type(padding) is int else 1) + 1 if kind in _AFTER_PADDING else 0
    buckets = config.get("relative_attention_num_buckets", 32) if kind == "mpnet" else 0
    epsilon = config.get("layer_norm_eps", 1e-12)
    wide, places = _size(weights, "intermediate_size", "hidden_dim"), _size(weights, "max_position_embeddings")
    return Shape(kind, _size(weights, "vocab_size"), width, wide, places, layers, heads, curve, float(epsilon) if isinstance(epsilon, (int, float)) else 1e-12, first, buckets)


def _size(weights: Weights, *names: str) -> int:
    value = next((weights.config[name] for name in names if name in weights.config), None)
    if type(value) is not int or not 0 < value < 10_000_000:
        raise not_weights(weights.path, say(f"config.json names no {names[0]}", f"config.json 没有写明 {names[0]}"))
    return value


class Layer(nn.Module):
    """Attention, then the position-wise network; a norm after each."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, wide = shape.width, shape.wide
        self.heads, self.curve = shape.heads, CURVES[shape.curve]
        self.into, self.out = Linear(width, 3 * width), Linear(width, width)
        self.wide, self.narrow = Linear(width, wide), Linear(wide, width)
        self.norm_1, self.norm_2 = nn.LayerNorm(width, shape.epsilon), nn.LayerNorm(width, shape.epsilon)
        self.dropout = nn.Dropout(0.0)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """(N, T, D); mask bool or float (N, 1 or H, 1 or T, T): what is seen, or what is added to the scores."""
        states = self.norm_1(states + self.dropout(self.out(attend(self.into(states), self.heads, mask, training=self.training))))
        return self.norm_2(states + self.dropout(self.narrow(self.curve(self.wide(states)))))


class Encoder(nn.Module):
    """ids int64 (N, T), lengths int64 (N,) -> one vector a text: float32 (N, D), or (N, 2, D) where `apart` is the id that begins each of two texts."""

    tables = ("words",)  # looked up, and large

    def __init__(self, shape: Shape, *, pooling: str = "mean", apart: int | None = None) -> None:
        super().__init__()
        self.shape, self.pooling, self.apart = shape, pooling, apart
        self.words = nn.Parameter(torch.zeros(shape.vocabulary, shape.width))
        self.places = nn.Parameter(torch.zeros(shape.places, shape.width))
        self.norm = nn.LayerNorm(shape.width, shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.relative = nn.Parameter(torch.zeros(shape.buckets, shape.heads)) if shape.buckets else None

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        real = real_positions(ids, lengths)  # (N, T)
        at = torch.arange(ids.shape[1], device=ids.device)
        if self.apart is None:
            part, seen, place = None, real[:, None, None, :], at
        else:  # each text sees itself alone, and its positions begin anew
            part = (ids == self.apart).to(torch.int64).cumsum(1).clamp(1, 2) - 1  # (N, T): 0 or 1
            seen = (real[:, None, :] & (part[:, :, None] == part[:, None, :]))[:, None]
            place = at - (1 - part).sum(1, keepdim=True) * part
        states = self.norm(F.embedding(ids, self.words) + F.embedding(place + self.shape.first_place, self.places))
        mask = seen if self.relative is None else self._bias(at, place, seen)
        for layer in self.layers:
            states = layer(states, mask)
        return self._pooled(states, real) if part is None else torch.stack([self._pooled(states, real & (part == which)) for which in (0, 1)], 1)

    def _pooled(self, states: Tensor, real: Tensor) -> Tensor:
        """(N, T, D), bool (N, T) -> (N, D): the mean, or the first."""
        kept = real.to(states.dtype).unsqueeze(-1)
        if self.pooling == "cls":
            kept = kept * (real.to(torch.int64).cumsum(1) == 1).to(states.dtype).unsqueeze(-1)
        return (states * kept).sum(1) / kept.sum(1).clamp(min=1)

    def _bias(self, at: Tensor, place: Tensor, seen: Tensor) -> Tensor:
        """MPNet: what is added to the scores, by the distance of two positions; float (N, H, T, T)."""
        bias = F.embedding(_bucket(at[None, :] - at[:, None], self.shape.buckets), self.relative).permute(2, 0, 1)[None]  # type: ignore[arg-type]
        return bias + (~seen).to(bias.dtype) * -1e9


def _bucket(distance: Tensor, buckets: int) -> Tensor:
    """The bucket of each distance: near ones alone, far ones together, logarithmically up to 128 (Raffel et al. 2020, both directions)."""
    half, away = buckets // 2, distance.abs()
    near = half // 2
    far = near + (torch.log(away.clamp(min=1).float() / near) / math.log(128 / near) * (half - near)).long()
    return (distance > 0).long() * half + torch.where(away < near, away, far.clamp(max=half - 1))


# ------------------------------------------------------------------ reading

def load_encoder(weights: Weights, *, apart: int | None = None) -> Encoder:
    """The encoder with its numbers. Raises CallError where a weight is missing, of another size, or no number."""
    shape, arrays = shape_of(weights), _without_prefix(weights.arrays())
    take = _Taker(arrays, weights)
    words = take("embeddings.word_embeddings.weight", (shape.vocabulary, shape.width))
    encoder = Encoder(shape, pooling=weights.pooling, apart=apart)
    found: dict[str, np.ndarray] = {"words": words, "places": take("embeddings.position_embeddings.weight", (shape.places, shape.width)), **take.norm("norm", "embeddings.LayerNorm", shape.width)}
    if "embeddings.token_type_embeddings.weight" in arrays:  # every token is of the first type: added once
        found["places"] = found["places"] + arrays["embeddings.token_type_embeddings.weight"][0]
    if shape.buckets:
        found["relative"] = take("encoder.relative_attention_bias.weight", (shape.buckets, shape.heads))
    for number in range(shape.layers):
        found |= _layer(take, shape, number)
    encoder.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in found.items()})
    return encoder.eval()


def _layer(take: _Taker, shape: Shape, number: int) -> dict[str, np.ndarray]:
    names = {part: name.format(number) for part, name in _NAMES[shape.kind].items()}
    width, wide, prefix, found = shape.width, shape.wide, f"layers.{number}", {}
    for end, size in (("weight", (width, width)), ("bias", (width,))):
        found[f"{prefix}.into.{end}"] = np.concatenate([take(f"{names[part]}.{end}", size) for part in ("query", "key", "value")])
    for part, (rows, columns) in {"out": (width, width), "wide": (wide, width), "narrow": (width, wide)}.items():
        found |= {f"{prefix}.{part}.weight": take(f"{names[part]}.weight", (rows, columns)), f"{prefix}.{part}.bias": take(f"{names[part]}.bias", (rows,))}
    return found | take.norm(f"{prefix}.norm_1", names["norm_1"], width) | take.norm(f"{prefix}.norm_2", names["norm_2"], width)


@dataclass(frozen=True)
class _Taker:
    """Takes arrays by name, each of the size it must have."""

    arrays: Mapping[str, np.ndarray]
    weights: Weights

    def __call__(self, name: str, size: tuple[int, ...]) -> np.ndarray:
        array = self.arrays.get(name)
        if array is None or array.shape != size or not np.isfinite(array).all():
            what = say("is missing", "缺失") if array is None else say(f"is not {size} finite numbers", f"不是 {size} 的有限数值")
            raise not_weights(self.weights.path, say(f"{name} {what.en}", f"{name} {what.zh}"))
        return array

    def norm(self, mine: str, theirs: str, width: int) -> dict[str, np.ndarray]:
        old = f"{theirs}.gamma" in self.arrays  # as TensorFlow called them
        names = {"weight": "gamma", "bias": "beta"} if old else {"weight": "weight", "bias": "bias"}
        return {f"{mine}.{end}": self(f"{theirs}.{name}", (width,)) for end, name in names.items()}


def _without_prefix(arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Weights of a model with a head call the encoder's "bert.…", "roberta.…" and so on."""
    ends = "embeddings.word_embeddings.weight"
    prefix = next((name.removesuffix(ends) for name in arrays if name.endswith(ends)), "")
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)} if prefix else arrays


# ------------------------------------------------------------------ learning

def freeze(module: nn.Module, *names: str) -> None:
    """These parameters of the module stay as they are: no gradient, and in no checkpoint, since the weight folder has them."""
    for name in names:
        value = getattr(module, name).detach()
        delattr(module, name)
        module.register_buffer(name, value, persistent=False)


class Adapted(nn.Module):
    """A linear layer that keeps its weight W and learns a difference of low rank: W + B A (Hu et al. 2021, LoRA)."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(layer.bias.detach().clone())
        self.weight = nn.Parameter(layer.weight.detach())
        freeze(self, "weight")
        self.into = nn.Parameter(torch.randn(rank, layer.in_features) / math.sqrt(layer.in_features))
        self.out = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, states: Tensor) -> Tensor:
        if self.training:
            return F.linear(states, self.weight, self.bias) + F.linear(F.linear(states, self.into), self.out)
        return F.linear(states, self.weight + self.out @ self.into, self.bias)  # constants: an exported graph has their sum


def adapt(encoder: Encoder, rank: int) -> None:
    """Everything stays as it is but the biases, the norms and a difference of low rank for each linear layer."""
    freeze(encoder, "words", "places", *(["relative"] if encoder.relative is not None else []))
    for layer in encoder.layers:
        for name in ("into", "out", "wide", "narrow"):
            setattr(layer, name, Adapted(getattr(layer, name), rank))


def unit(vectors: Tensor) -> Tensor:
    """Each vector at length 1."""
    return vectors / vectors.pow(2).sum(-1, keepdim=True).sqrt().clamp(min=LEAST_NORM)
