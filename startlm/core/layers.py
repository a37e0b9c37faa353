"""Linear layers and attention as training on a processor wants them: the same formulas as PyTorch's own, whose backward passes there are several times
slower on the short rows of a company's texts (docs/decisions/0020). Needs torch.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SHORT = 128  # positions up to which attention that writes its scores down trains faster than the fused kernel
UNSEEN = -1e9


class Linear(nn.Linear):
    """`nn.Linear`, whose weight's gradient comes out laid out as the weight is where products are in bf16 on the processor."""

    def forward(self, states: Tensor) -> Tensor:
        if self.training and states.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            return _Product.apply(states, self.weight, self.bias)  # type: ignore[no-any-return, no-untyped-call]
        return super().forward(states)


class _Product(torch.autograd.Function):
    """x W^T + b in bf16, gradients of W and b in float32. Autocast's own leaves the gradient of W transposed, and copying that across costs more than the product."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        small, matrix = states.to(torch.bfloat16), weight.to(torch.bfloat16)
        ctx.save_for_backward(small, matrix)
        ctx.kind = states.dtype
        with torch.autocast("cpu", enabled=False):
            return F.linear(small, matrix, bias.to(torch.bfloat16))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        small, matrix = ctx.saved_tensors
        gradient = gradients[0].reshape(-1, matrix.shape[0])
        of_states = (gradient @ matrix).view(small.shape).to(ctx.kind)
        return of_states, (gradient.t() @ small.reshape(-1, matrix.shape[1])).float(), gradient.sum(0).float()


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, *, training: bool) -> Tensor:
    """softmax(Q K^T / sqrt(d) + mask) V, each (N, H, T, d); mask: bool (what is seen) or float (what is added to the scores), spread to (N, H, T, T)."""
    if not training or query.device.type != "cpu" or query.shape[2] > SHORT:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask if mask.dtype == torch.bool else mask.to(query.dtype))
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    scores = scores.masked_fill(~mask, UNSEEN) if mask.dtype == torch.bool else scores + mask
    return scores.softmax(-1).to(value.dtype) @ value
