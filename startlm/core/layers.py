"""Linear layers and attention as training on a processor wants them: the same formulas as PyTorch's own, whose backward passes there are several times
slower on the short rows of a company's texts (docs/decisions/0020). Needs torch.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SHORT = {torch.bfloat16: 128, torch.float32: 64}  # positions up to which attention that writes its scores down trains faster than the fused kernel
UNSEEN = -1e9


class Linear(nn.Linear):
    """`nn.Linear`, whose weight's gradient comes out laid out as the weight is where products are in bf16 on the processor."""

    def forward(self, states: Tensor) -> Tensor:
        if self.training and self.bias is not None and states.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            return _Product.apply(states, self.weight, self.bias)  # type: ignore[no-any-return, no-untyped-call]
        return super().forward(states)


class _Product(torch.autograd.Function):
    """x W^T + b in bf16; gradients too, handed over in float32. Autocast's own leaves the gradient of W transposed, and copying that across costs more than the product."""

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


def attend(mixed: Tensor, heads: int, mask: Tensor, *, training: bool) -> Tensor:
    """softmax(Q K^T / sqrt(d) + mask) V of each head: (N, T, 3 D), queries, keys and values side by side -> (N, T, D).

    mask: bool (what is seen) or float (what is added to the scores), spread to (N, H, T, T).
    """
    rows, tokens, width = mixed.shape[0], mixed.shape[1], mixed.shape[2] // 3
    short = training and mixed.device.type == "cpu" and tokens <= SHORT.get(mixed.dtype, 0)
    if short and mask.dtype == torch.bool:
        with torch.autocast("cpu", enabled=False):
            return _Attention.apply(mixed, heads, mask)  # type: ignore[no-any-return, no-untyped-call]
    query, key, value = mixed.view(rows, tokens, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    if short:
        found = (query @ key.transpose(-2, -1) / math.sqrt(width // heads) + mask).softmax(-1).to(value.dtype) @ value
    else:
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=mask if mask.dtype == torch.bool else mask.to(query.dtype))
    return found.transpose(1, 2).reshape(rows, tokens, width)


class _Attention(torch.autograd.Function):
    """Attention with its scores written down, and the derivative of it by hand: three products forward and back, of parts that are laid out once."""

    @staticmethod
    def forward(ctx: Any, mixed: Tensor, heads: int, mask: Tensor) -> Tensor:
        rows, tokens, width = mixed.shape[0], mixed.shape[1], mixed.shape[2] // 3
        parts = mixed.view(rows, tokens, 3, heads, width // heads).permute(2, 0, 3, 1, 4).reshape(3, rows * heads, tokens, width // heads)
        scores = torch.bmm(parts[0], parts[1].transpose(1, 2)).mul_(1 / math.sqrt(width // heads)).view(rows, heads, tokens, tokens)
        shares = scores.masked_fill_(~mask, UNSEEN).softmax(-1).view(rows * heads, tokens, tokens)
        ctx.save_for_backward(parts, shares)
        ctx.heads = heads
        return torch.bmm(shares, parts[2]).view(rows, heads, tokens, -1).transpose(1, 2).reshape(rows, tokens, width)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (parts, shares), heads = ctx.saved_tensors, ctx.heads
        rows, tokens, width = gradients[0].shape
        gradient = gradients[0].view(rows, tokens, heads, -1).transpose(1, 2).reshape(rows * heads, tokens, -1)
        of_shares = torch.bmm(gradient, parts[2].transpose(1, 2))
        of_scores = torch._softmax_backward_data(of_shares, shares, -1, shares.dtype).mul_(1 / math.sqrt(width // heads))
        found = torch.stack([torch.bmm(of_scores, parts[1]), torch.bmm(of_scores.transpose(1, 2), parts[0]), torch.bmm(shares.transpose(1, 2), gradient)])
        return found.view(3, rows, heads, tokens, -1).permute(1, 3, 0, 2, 4).reshape(rows, tokens, 3 * width), None, None
