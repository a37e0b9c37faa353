"""The layers that every network begins and ends with: ids to vectors, and pooling over the real positions only.

Needs torch; only networks import it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Embedding(nn.Module):
    """A table of vectors for ids (N, T), or for the mean of the K ids in each position (N, T, K); id 0 is nothing.

    While training, only the batch's own ids enter the graph, so that the gradient has as many rows as there are
    different ids (sparse) rather than as many as the table: most of an epoch's time, with a large vocabulary.
    `sparse=False` gives the ordinary dense gradient.
    """

    def __init__(self, vocabulary: int, width: int, *, spread: float, sparse: bool = True) -> None:
        """`spread`: standard deviation of the first weights."""
        super().__init__()
        self.weight = nn.Parameter(torch.randn(vocabulary, width) * spread)
        self.sparse = sparse

    def forward(self, ids: Tensor) -> Tensor:
        """ids int64 (N, T) or (N, T, K) -> float32 (N, T, width); zeros where a position holds no id."""
        if not self.training:
            return self.mean(ids)
        if not self.sparse:
            return self.look_up(ids, self.weight)
        # 0 first, whether the batch holds it or not: padding's place is then always 0
        used, place = torch.unique(torch.cat([ids.new_zeros(1), ids.reshape(-1)]), return_inverse=True)
        return self.look_up(place[1:].reshape(ids.shape), F.embedding(used, self.weight, sparse=True))

    @staticmethod
    def look_up(ids: Tensor, table: Tensor) -> Tensor:
        """As `mean`, by PyTorch's fused bag."""
        if ids.dim() == 2:
            return F.embedding(ids, table, padding_idx=0) * (ids > 0).unsqueeze(-1)
        rows, positions, places = ids.shape
        bags = F.embedding_bag(ids.reshape(rows * positions, places), table, mode="mean", padding_idx=0)
        return bags.reshape(rows, positions, -1)

    def mean(self, ids: Tensor) -> Tensor:
        """The same in plain operations, which an exported graph can hold."""
        real = (ids > 0).to(self.weight.dtype).unsqueeze(-1)  # (N, T, 1) or (N, T, K, 1)
        vectors = self.weight[ids] * real
        return vectors if ids.dim() == 2 else vectors.sum(2) / real.sum(2).clamp(min=1)


def real_positions(ids: Tensor, lengths: Tensor) -> Tensor:
    """bool (N, T): which positions are text. An empty row keeps one, of padding, so that pooling has something."""
    return torch.arange(ids.shape[1], device=ids.device) < lengths.clamp(min=1).unsqueeze(1)


def pool(states: Tensor, lengths: Tensor, *, lowest: float) -> Tensor:
    """Maximum and mean over the real positions: (N, D, T), int64 (N,) -> (N, 2 D). No state is below `lowest`."""
    real = torch.arange(states.shape[2], device=states.device) < lengths.clamp(min=1).unsqueeze(1)
    kept = states * real.unsqueeze(1)
    # where no state is negative the zeros of `kept` never win, and one pass is saved
    highest = kept if lowest == 0 else states.masked_fill(~real.unsqueeze(1), lowest)
    return torch.cat([highest.max(2).values, kept.sum(2) / real.sum(1, keepdim=True)], 1)


def drop_positions(vectors: Tensor, share: float, training: bool) -> Tensor:
    """While training, a random share of positions says nothing (token dropout): (N, T, D) -> (N, T, D)."""
    if not training or not share:
        return vectors
    return vectors * (torch.rand(vectors.shape[:2], device=vectors.device) >= share).unsqueeze(-1)
