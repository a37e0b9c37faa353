"""What stands on top of an encoder: vectors of length 1, a linear layer that learns, or a vector for each label. Needs torch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from .batches import cut, padded
from .contracts import Ragged
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


class Prototypes(nn.Module):
    """A vector for each label; logits are the cosines with it, `sharp` times: ids int64 (N, T), lengths int64 (N,) -> float32 (N, L).

    A label's vector begins as the mean of its rows' (`begin`), so the first step knows what the frozen encoder knows, and each step pulls a row to
    its own label and away from all others (Snell et al. 2017, "Prototypical Networks", with prototypes that learn). The vectors learn faster (`rates`).
    """

    def __init__(self, encoder: Encoder, outputs: int, *, sharp: float, head_rate: float, longest: int) -> None:
        super().__init__()
        self.encoder, self.longest, self.sharp, self.rates = encoder, longest, sharp, {"labels": head_rate}
        self.labels = nn.Parameter(torch.randn(outputs, encoder.shape.width * (1 if encoder.apart is None else 4)))

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        return self.sharp * self.vectors(ids, lengths) @ unit(self.labels).T

    def vectors(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Of length 1."""
        return unit(compared(unit(self.encoder(ids[:, : self.longest], lengths.clamp(max=self.longest)))))

    @torch.no_grad()
    def begin(self, rows: Ragged, labels: np.ndarray, tokens: int = 4096) -> None:
        """Each label at the mean of its rows; labels: int64 (N,). One that no row has stays where it is."""
        self.eval()
        sums, counts = torch.zeros_like(self.labels), torch.from_numpy(np.bincount(labels, minlength=len(self.labels)))
        order = np.argsort(rows.lengths, kind="stable")
        for batch in cut(order, np.maximum(rows.lengths[order], 1), tokens):
            ids, lengths = (torch.from_numpy(array) for array in padded(rows, batch))
            sums.index_add_(0, torch.from_numpy(labels[batch]), self.vectors(ids, lengths))
        self.labels[counts > 0] = (sums / counts.clamp(min=1).unsqueeze(1))[counts > 0]
