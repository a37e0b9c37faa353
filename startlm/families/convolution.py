"""Convolution: filters over one to four neighbouring words, then the strongest and the mean answer of each.

The sentence classifier of Kim 2014 ("Convolutional Neural Networks for Sentence Classification") on word vectors that
are the mean of the word's own and its n-grams' vectors (Bojanowski et al. 2017).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.contracts import Facts, Recipe
from ..core.embeddings import Embedding, drop_positions, pool, real_positions
from ..core.language import say
from ..core.recipes import sized

SIZES = {"small": (64, 64), "medium": (128, 160), "large": (192, 256)}  # width of a vector, filters of each kind


class Network(nn.Module):
    """ids int64 (N, T, K), lengths int64 (N,) -> logits float32 (N, L)."""

    def __init__(self, options: dict[str, Any], vocabulary_size: int, labels: int) -> None:
        super().__init__()
        width, filters, self.widths = options["width"], options["filters"], tuple(options["widths"])
        self.longest, self.token_dropout = options["longest"], options["token_dropout"]
        self.embedding = Embedding(vocabulary_size, width, spread=options["spread"])
        self.filters = nn.ModuleList(nn.Conv1d(width, filters, size) for size in self.widths)
        self.dropout = nn.Dropout(options["dropout"])
        self.head = nn.Linear(2 * filters * len(self.widths), labels)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        ids, lengths = ids[:, : self.longest], lengths.clamp(max=self.longest)
        real = real_positions(ids, lengths)
        vectors = drop_positions(self.embedding(ids), self.token_dropout, self.training)  # (N, T, D)
        # zeros on both sides, as many as a filter reaches over: past the last word it reads zeros, padded or not
        across = (vectors * real.unsqueeze(-1)).transpose(1, 2)  # (N, D, T)
        answers = [conv(F.pad(across, ((size - 1) // 2, size // 2))) for size, conv in zip(self.widths, self.filters, strict=True)]
        states = torch.relu(torch.cat(answers, 1))  # (N, filters of all widths, T)
        return self.head(self.dropout(pool(states, lengths, lowest=0.0)))


class Convolution:
    """The best small network from scratch."""

    name = "convolution"
    engine = "onnx"
    needs = ("text",)
    tasks = ("classify", "classify_several")

    @staticmethod
    def recipe(facts: Facts, size: str) -> Recipe:
        """`auto`: medium, small where there are fewer than 3,000 rows to learn from."""
        chosen, epochs = sized(facts.rows, size, small_below=3_000, passes=12, most=20)
        width, filters = SIZES[chosen]
        most = 65_536
        options = {
            "width": width, "filters": filters, "widths": [1, 2, 3, 4], "spread": 0.1, "longest": 512,
            "dropout": 0.5, "token_dropout": 0.2, "label_smoothing": 0.2,
            "learning_rate": 4e-3, "warm_up": 0.3, "weight_decay": 0.01, "epochs": epochs, "batch_rows": 64, "clip": 5.0,
        }  # fmt: skip
        pieces = min(most, int(20 * (facts.rows * facts.mean_length) ** 0.5))
        dense = sum(size * width * filters + filters for size in options["widths"]) + (2 * 4 * filters + 1) * facts.labels
        reason = say(
            f"{facts.rows:,} rows: vectors of {width}, {filters} filters of each width.",
            f"{facts.rows:,} 行：向量宽 {width}，每种宽度 {filters} 个卷积核。",
        )
        return Recipe("convolution", chosen, "pieces", {"most": most}, options, pieces * width + dense, reason)

    @staticmethod
    def network(recipe: Recipe, vocabulary_size: int, labels: int) -> nn.Module:
        return Network(dict(recipe.options), vocabulary_size, labels)
