"""An encoder that answers at once: letters and words counted, taken through one fixed matrix. An ONNX graph like a real one's."""

from __future__ import annotations

from functools import cache

import torch
from torch import nn

from startlm.core.graphs import export_graph
from startlm.engines.onnx import OnnxEngine
from startlm.search.encoder import Encoder
from startlm.tokenizers.characters import Characters
from tickets import tickets

WIDTH = 16


class Summed(nn.Module):
    """The mean of its characters' vectors."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.table = nn.Embedding(vocabulary, WIDTH)
        self.table.weight.data = torch.randn(vocabulary, WIDTH, generator=generator)

    def forward(self, ids, lengths):
        real = (torch.arange(ids.shape[1]) < lengths.unsqueeze(1)).to(torch.float32).unsqueeze(2)
        return (self.table(ids) * real).sum(1) / lengths.clamp(min=1).unsqueeze(1)


@cache
def toy_encoder(name: str = "toy") -> Encoder:
    tokenizer = Characters.fit([row["message"] for row in tickets(60, seed=3)])
    graph = export_graph(Summed(tokenizer.vocabulary_size), (1, 1), tokenizer.vocabulary_size)
    return Encoder({"name": name, "fingerprint": "f" * 64, "licence": "MIT", "origin": "here"}, tokenizer, OnnxEngine.make_state(graph))
