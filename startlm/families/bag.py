"""Bag: a small network on the weighed n-grams of `linear`: each n-gram has a vector, a text is their sum, and one hidden layer answers.

The sum of vectors and a hidden layer on it are the multilayer perceptron on a TF-IDF bag that Galke & Scherp 2022 ("Bag-of-Words vs. Graph vs.
Sequence in Text Classification") found as good as far larger models. It errs elsewhere than `linear` and `convolution`, so the three are
better averaged than any of them alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.contracts import Facts, Recipe, State
from ..core.language import say
from ..core.recipes import sized

SIZES = {"small": 128, "medium": 384, "large": 768}  # hidden units
MOST = 65_536  # n-grams that have a vector
LARGEST = float(np.finfo(np.float16).max)


class Table(nn.Module):
    """A vector for each id; a row is the sum of its ids' vectors, each times its weight. An id of weight 0 is padding."""

    sparse = True

    def __init__(self, vocabulary: int, width: int, *, spread: float) -> None:
        """`spread`: standard deviation of the first vectors."""
        super().__init__()
        self.weight = nn.Parameter(torch.randn(vocabulary, width) * spread)

    def forward(self, ids: Tensor, weights: Tensor) -> Tensor:
        """ids int64 (N, T), weights float32 (N, T) -> float32 (N, width). The gradient has only the rows of this batch's ids."""
        used, place = torch.unique(ids, return_inverse=True)
        return F.embedding_bag(place, F.embedding(used, self.weight, sparse=True), mode="sum", per_sample_weights=weights)


class Network(nn.Module):
    """ids int64 (N, T), lengths int64 (N,), weights float32 (N, T) -> logits float32 (N, L)."""

    def __init__(self, options: dict[str, Any], vocabulary_size: int, labels: int) -> None:
        super().__init__()
        width, self.feature_dropout = options["width"], options["feature_dropout"]
        self.embedding = Table(vocabulary_size, width, spread=options["spread"])
        self.bias = nn.Parameter(torch.zeros(width))
        self.dropout = nn.Dropout(options["dropout"])
        self.head = nn.Linear(width, labels)

    def forward(self, ids: Tensor, lengths: Tensor, weights: Tensor) -> Tensor:
        kept = F.dropout(weights, self.feature_dropout, self.training)
        hidden = torch.relu(self.embedding(ids, kept) + self.bias)
        return self.head(self.dropout(hidden))


class Bag:
    """One hidden layer on weighed n-grams; answers with numpy alone."""

    name = "bag"
    engine = "hidden"
    needs = ("text",)
    tasks = ("classify", "classify_several")

    @staticmethod
    def recipe(facts: Facts, size: str) -> Recipe:
        """`auto`: medium, small where there are fewer than 3,000 rows to learn from."""
        chosen, epochs = sized(facts.rows, size, small_below=3_000, passes=8, most=16)
        width = SIZES[chosen]
        options = {
            "width": width, "spread": 0.05, "dropout": 0.6, "feature_dropout": 0.3, "label_smoothing": 0.1,
            "learning_rate": 4e-3, "warm_up": 0.3, "weight_decay": 0.01, "epochs": epochs, "batch_rows": 64, "clip": 5.0,
        }  # fmt: skip
        ngrams = min(MOST, int(facts.rows * facts.mean_length * 2)) + facts.features
        reason = say(f"{facts.rows:,} rows: the n-grams of linear, and {width} hidden units.", f"{facts.rows:,} 行：与 linear 相同的 n-gram，加上 {width} 个隐藏单元。")
        return Recipe("bag", chosen, "ngrams", {"most": MOST}, options, (ngrams + 1) * width + (width + 1) * facts.labels, reason)

    @staticmethod
    def network(recipe: Recipe, vocabulary_size: int, labels: int) -> nn.Module:
        return Network(dict(recipe.options), vocabulary_size, labels)

    @staticmethod
    def engine_state(network: nn.Module) -> State:
        """The trained network as the engine `hidden` opens it."""
        weights = {name: value.detach().cpu().numpy().astype(np.float32) for name, value in network.state_dict().items()}
        table = np.clip(weights["embedding.weight"], -LARGEST, LARGEST).astype(np.float16)
        return State({}, {"table": table, "hidden": weights["bias"], "weights": np.ascontiguousarray(weights["head.weight"].T), "bias": weights["head.bias"]})
