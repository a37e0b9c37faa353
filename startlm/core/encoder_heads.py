"""What stands on top of an encoder: vectors of length 1, or a linear layer that learns. Needs torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .encoders import Encoder, unit


def compared(vectors: Tensor) -> Tensor:
    """Of one text its vector (N, D); of two, a and b with |a − b| and a · b: (N, 2, D) -> (N, 4 D) (Conneau et al. 2017, InferSent)."""
    if vectors.dim() == 2:
        return vectors
    first, second = vectors[:, 0], vectors[:, 1]
    return torch.cat([first, second, (first - second).abs(), first * second], 1)


class Vectors(nn.Module):
    """ids int64 (N, T), lengths int64 (N,) -> float32 (N, D) or (N, 4 D), each text's vector of length 1."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        return compared(unit(self.encoder(ids, lengths)))


class Tuned(nn.Module):
    """Encoder, dropout and a linear layer: ids int64 (N, T), lengths int64 (N,) -> logits float32 (N, L). The last layer learns faster (`rates`)."""

    def __init__(self, encoder: Encoder, outputs: int, *, dropout: float, head_rate: float, longest: int) -> None:
        super().__init__()
        self.encoder, self.longest, self.rates = encoder, longest, {"head.": head_rate}
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.shape.width * (1 if encoder.apart is None else 4), outputs)
        nn.init.zeros_(self.head.bias)
        nn.init.normal_(self.head.weight, std=0.02)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        return self.head(self.dropout(compared(self.encoder(ids[:, : self.longest], lengths.clamp(max=self.longest)))))
