"""Small networks of each kind, to try export and engine on: networks' smallest honest relatives."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

VOCABULARY, LABELS, WIDTH = 300, 5, 16
KINDS = {"convolution": 3, "lstm": 1, "transformer": 1}  # the kind and its K ids a token


def real(ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """bool (N, T): which positions are text."""
    return torch.arange(ids.shape[1]) < lengths.unsqueeze(1)


class Convolution(nn.Module):
    """Sum of K embeddings, filters, masked maximum and mean."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
        self.filters = nn.ModuleList(nn.Conv1d(WIDTH, 8, size) for size in (1, 2, 3))
        self.head = nn.Linear(2 * 3 * 8, LABELS)

    def forward(self, ids, lengths):
        text = real(ids, lengths).unsqueeze(1)
        across = (self.table(ids).sum(2)).transpose(1, 2) * text
        found = torch.cat([torch.relu(conv(F.pad(across, (0, conv.kernel_size[0] - 1)))) for conv in self.filters], 1) * text
        return self.head(torch.cat([found.amax(2), found.sum(2) / lengths.clamp(min=1).unsqueeze(1)], 1))


class Lstm(nn.Module):
    """Both directions; the backward one reads each row reversed within its own length."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
        self.forwards, self.backwards = nn.LSTM(WIDTH, 12, batch_first=True), nn.LSTM(WIDTH, 12, batch_first=True)
        self.head = nn.Linear(24, LABELS)

    def forward(self, ids, lengths):
        places, text = torch.arange(ids.shape[1]).unsqueeze(0), real(ids, lengths)
        mirrored = torch.where(text, lengths.unsqueeze(1) - 1 - places, places)
        states = torch.cat([self.forwards(self.table(ids))[0], self.backwards(self.table(ids.gather(1, mirrored)))[0]], 2)
        return self.head((states * text.unsqueeze(2)).sum(1) / lengths.clamp(min=1).unsqueeze(1))


class Transformer(nn.Module):
    """One pre-norm layer of masked attention with two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.places = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0), nn.Embedding(512, WIDTH)
        self.before, self.after = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.three, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down, self.head = nn.Linear(WIDTH, 64), nn.Linear(64, WIDTH), nn.Linear(WIDTH, LABELS)

    def forward(self, ids, lengths):
        rows, tokens = ids.shape
        text = real(ids, lengths.clamp(min=1))
        states = self.table(ids) + self.places(torch.arange(tokens))
        three = self.three(self.before(states)).view(rows, tokens, 3, 2, WIDTH // 2).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(three[0], three[1], three[2], attn_mask=text[:, None, None, :])
        states = states + self.out(seen.transpose(1, 2).reshape(rows, tokens, WIDTH))
        states = states + self.down(F.gelu(self.up(self.after(states))))
        return self.head((states * text.unsqueeze(2)).sum(1) / text.sum(1, keepdim=True))


class Exploding(nn.Module):
    """Gives what is no number: always, or only where products are in bfloat16."""

    def __init__(self, only_bf16: bool = False) -> None:
        super().__init__()
        self.table, self.head, self.only_bf16 = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0), nn.Linear(WIDTH, LABELS), only_bf16

    def forward(self, ids, lengths):
        logits = self.head(self.table(ids).sum(1))
        return logits * (1.0 if self.only_bf16 and logits.dtype == torch.float32 else float("nan"))


def toy(kind: str, seed: int = 0) -> nn.Module:
    """A network of this kind with random weights, the same for the same seed."""
    torch.manual_seed(seed)
    return {"convolution": Convolution, "lstm": Lstm, "transformer": Transformer}[kind]().eval()


def ids_shape(kind: str) -> tuple[int, ...]:
    """What `export_graph` wants to know of its ids."""
    return (4, 16) if KINDS[kind] == 1 else (4, 16, KINDS[kind])
