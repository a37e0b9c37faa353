"""Transformer: every position looks at every other. From scratch, to be read beside the paper.

Vaswani et al. 2017, "Attention Is All You Need": scaled dot-product attention (3.2.1), several heads (3.2.2), the
position-wise network (3.3), sinusoidal positions (3.5). Two later habits: the norm stands before each part (Xiong et
al. 2020), and the network's curve is GELU. N rows, T tokens, D width, H heads.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.contracts import Facts, Recipe
from ..core.embeddings import Embedding, drop_positions, pool, real_positions
from ..core.language import say
from ..core.layers import Linear, attend
from ..core.recipes import sized

SIZES = {"small": (96, 4, 2), "medium": (128, 4, 3), "large": (256, 8, 4)}  # width, heads, layers


def attention(query: Tensor, key: Tensor, value: Tensor, real: Tensor) -> Tensor:
    """Formula 1 of the paper as it is written: softmax(Q K^T / sqrt(d)) V.

    query, key, value (N, H, T, d); real bool (N, T): padding gets no attention. Returns (N, H, T, d).
    """
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (N, H, T, T)
    scores = scores.masked_fill(~real[:, None, None, :], float("-inf"))
    return scores.softmax(-1) @ value


class MultiHeadAttention(nn.Module):
    """H attentions side by side, each over its own d = D / H of the width."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.into = Linear(width, 3 * width)  # W^Q, W^K and W^V of all heads in one product
        self.out = Linear(width, width)  # W^O

    def forward(self, states: Tensor, real: Tensor) -> Tensor:
        """(N, T, D), bool (N, T) -> (N, T, D)"""
        # `attention` above, by whichever kernel is fast; a test holds them equal
        return self.out(attend(self.into(states), self.heads, real[:, None, None, :], training=self.training))


class Layer(nn.Module):
    """Attention, then the position-wise network; each adds to what came in."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = MultiHeadAttention(width, heads)
        self.wide, self.narrow = Linear(width, 4 * width), Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, real: Tensor) -> Tensor:
        states = states + self.dropout(self.attention(self.norm_1(states), real))
        return states + self.dropout(self.narrow(F.gelu(self.wide(self.norm_2(states)))))


def positions(tokens: Tensor, width: int) -> Tensor:
    """Section 3.5: sines in the first half of the width, cosines in the second. int64 (T,) -> float32 (T, D)."""
    rates = torch.exp(torch.arange(width // 2, device=tokens.device) * (-2 * math.log(10_000) / width))
    angles = tokens.unsqueeze(1) * rates
    return torch.cat([angles.sin(), angles.cos()], 1)


class Network(nn.Module):
    """ids int64 (N, T), lengths int64 (N,) -> logits float32 (N, L)."""

    def __init__(self, options: dict[str, Any], vocabulary_size: int, labels: int) -> None:
        super().__init__()
        self.width, self.longest, self.token_dropout = options["width"], options["longest"], options["token_dropout"]
        self.embedding = Embedding(vocabulary_size, self.width, spread=self.width**-0.5)
        self.layers = nn.ModuleList(Layer(self.width, options["heads"], options["dropout"]) for _ in range(options["layers"]))
        self.norm = nn.LayerNorm(self.width)
        self.dropout = nn.Dropout(options["dropout"])
        self.head_dropout = nn.Dropout(options["head_dropout"])
        self.head = nn.Linear(2 * self.width, labels)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        ids, lengths = ids[:, : self.longest], lengths.clamp(max=self.longest)
        real = real_positions(ids, lengths)
        vectors = drop_positions(self.embedding(ids), self.token_dropout, self.training)
        places = positions(torch.arange(ids.shape[1], device=ids.device), self.width)
        states = self.dropout(vectors * math.sqrt(self.width) + places)  # (N, T, D)
        for layer in self.layers:
            states = layer(states, real)
        # a norm of width D has no entry beyond sqrt(D), far above -1e4
        return self.head(self.head_dropout(pool(self.norm(states).transpose(1, 2), lengths, lowest=-1e4)))


class Transformer:
    """Attention from scratch."""

    name = "transformer"
    engine = "onnx"
    tasks = ("classify", "classify_several")

    @staticmethod
    def recipe(facts: Facts, size: str) -> Recipe:
        """`auto`: small below 10,000 rows, else medium."""
        chosen, epochs = sized(facts.rows, size, small_below=10_000, passes=15, most=25)
        width, heads, layers = SIZES[chosen]
        options = {
            "width": width, "heads": heads, "layers": layers, "longest": 512,
            "dropout": 0.1, "head_dropout": 0.4, "token_dropout": 0.1, "label_smoothing": 0.1,
            "learning_rate": 2e-3, "warm_up": 0.2, "weight_decay": 0.05, "epochs": epochs, "batch_rows": 64, "clip": 5.0,
        }  # fmt: skip
        pieces = min(32_000, max(512, int(8 * (facts.rows * facts.mean_length) ** 0.5)))
        parameters = (pieces + 1) * width + layers * (12 * width**2 + 13 * width) + 2 * width + (2 * width + 1) * facts.labels
        reason = say(
            f"{facts.rows:,} rows: {layers} layers of width {width}, {heads} heads.",
            f"{facts.rows:,} 行：{layers} 层，宽 {width}，{heads} 个注意力头。",
        )
        return Recipe("transformer", chosen, "bytes_bpe", {"lower": True}, options, parameters, reason)

    @staticmethod
    def network(recipe: Recipe, vocabulary_size: int, labels: int) -> nn.Module:
        return Network(dict(recipe.options), vocabulary_size, labels)
