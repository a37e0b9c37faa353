"""LSTM: embedding, a recurrent layer that reads the words in order, a linear layer. The classic classifier, made right.

Long short-term memory: Hochreiter and Schmidhuber 1997; two directions: Schuster and Paliwal 1997. The backward reader
gets each row turned round within its own length, so that it never sees padding first, and padding never changes an
answer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..core.contracts import Facts, Recipe
from ..core.embeddings import Embedding, drop_positions, pool
from ..core.language import say
from ..core.recipes import sized

SIZES = {"small": (64, 96), "medium": (128, 160), "large": (192, 256)}  # width of a vector, of the state in one direction


class Network(nn.Module):
    """ids int64 (N, T, K) or (N, T), lengths int64 (N,) -> logits float32 (N, L)."""

    def __init__(self, options: dict[str, Any], vocabulary_size: int, labels: int) -> None:
        super().__init__()
        width, state = options["width"], options["state"]
        self.longest, self.token_dropout, self.pooling = options["longest"], options["token_dropout"], options["pooling"]
        self.embedding = Embedding(vocabulary_size, width, spread=options["spread"])
        self.readers = nn.ModuleList(nn.LSTM(width, state, batch_first=True) for _ in range(options["directions"]))
        self.dropout = nn.Dropout(options["dropout"])
        self.head = nn.Linear(options["directions"] * state * (2 if self.pooling == "all" else 1), labels)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        ids, lengths = ids[:, : self.longest], lengths.clamp(1, self.longest)
        vectors = self.dropout(drop_positions(self.embedding(ids), self.token_dropout, self.training))  # (N, T, D)
        states = [self.readers[0](vectors)[0]]  # (N, T, H)
        if len(self.readers) == 2:
            states.append(self.readers[1](turn_round(vectors, lengths))[0])
        both = torch.cat(states, 2)
        if self.pooling == "last":  # the last real step of each direction
            summary = both.gather(1, (lengths - 1).view(-1, 1, 1).expand(-1, 1, both.shape[2])).squeeze(1)
        else:  # maximum and mean do not ask in which order the steps lie, so nothing is turned back
            summary = pool(both.transpose(1, 2), lengths, lowest=-1.0)  # an LSTM's state lies between -1 and 1
        return self.head(self.dropout(summary))


def turn_round(vectors: Tensor, lengths: Tensor) -> Tensor:
    """Each row's first `length` steps in reverse, padding left where it is: (N, T, D), int64 (N,) -> (N, T, D)."""
    at = torch.arange(vectors.shape[1], device=vectors.device)
    back = lengths.unsqueeze(1) - 1 - at  # (N, T); negative where the row has ended
    return vectors.gather(1, torch.where(back >= 0, back, at).unsqueeze(2).expand_as(vectors))


class Lstm:
    """Reads in order: where word order decides."""

    name = "lstm"
    engine = "onnx"
    needs = ("text",)
    tasks = ("classify", "classify_several")

    @staticmethod
    def recipe(facts: Facts, size: str) -> Recipe:
        """`auto`: small below 3,000 rows, else medium."""
        chosen, epochs = sized(facts.rows, size, small_below=3_000, passes=12, most=20)
        width, state = SIZES[chosen]
        options = {
            "width": width, "state": state, "directions": 2, "pooling": "all", "spread": 0.1, "longest": 256,
            "dropout": 0.4, "token_dropout": 0.1, "label_smoothing": 0.1,
            "learning_rate": 4e-3, "warm_up": 0.2, "weight_decay": 0.01, "epochs": epochs, "batch_rows": 64, "clip": 5.0,
        }  # fmt: skip
        most = 65_536
        pieces = min(most, int(20 * (facts.rows * facts.mean_length) ** 0.5))
        dense = 2 * (4 * state * (width + state + 2)) + (4 * state + 1) * facts.labels
        reason = say(
            f"{facts.rows:,} rows: vectors of {width}, a state of {state} in each of two directions.",
            f"{facts.rows:,} 行：向量宽 {width}，两个方向的状态各宽 {state}。",
        )
        return Recipe("lstm", chosen, "pieces", {"most": most}, options, pieces * width + dense, reason)

    @staticmethod
    def network(recipe: Recipe, vocabulary_size: int, labels: int) -> nn.Module:
        return Network(dict(recipe.options), vocabulary_size, labels)
