"""Layers for training on a processor: the same numbers and gradients as PyTorch's own."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from startlm.core.layers import SHORT, Linear, attend


def learnt(layer: nn.Linear, states: torch.Tensor) -> list[torch.Tensor]:
    """The answer and the gradients of states, weight and bias, in bf16."""
    states = states.clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        answer = layer(states)
    answer.float().square().sum().backward()
    return [answer.detach(), states.grad, layer.weight.grad, layer.bias.grad]


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_a_linear_layer_in_bf16_answers_and_learns_as_pytorchs_own(kind):
    torch.manual_seed(0)
    theirs = nn.Linear(24, 40)
    mine = Linear(24, 40)
    mine.load_state_dict(deepcopy(theirs.state_dict()))
    states = torch.randn(3, 7, 24).to(kind)
    for ours, other in zip(learnt(mine, states), learnt(theirs, states), strict=True):
        assert ours.dtype == other.dtype and ours.shape == other.shape
        assert torch.allclose(ours.float(), other.float(), rtol=0.02, atol=0.02 * float(other.float().abs().max()))
    assert mine.weight.grad.is_contiguous()


def test_a_linear_layer_in_float32_is_pytorchs_own_to_the_bit():
    torch.manual_seed(0)
    layer, states = Linear(24, 40), torch.randn(5, 24)
    assert torch.equal(layer(states), F.linear(states, layer.weight, layer.bias))


@pytest.mark.parametrize("tokens", [9, SHORT[torch.float32] + 1])
@pytest.mark.parametrize("mask", ["seen", "bias"])
def test_attention_learns_the_same_by_its_formula_and_by_the_fused_kernel(tokens, mask):
    torch.manual_seed(0)
    mixed, away = torch.randn(2, tokens, 3 * 32), torch.randn(2, tokens, 32)
    seen = (torch.arange(tokens) < torch.tensor([tokens, 4]).unsqueeze(1))[:, None, None, :]
    added = torch.randn(2, 4, tokens, tokens) + (~seen) * -1e9 if mask == "bias" else seen
    results = []
    for training in (True, False):
        each = mixed.clone().requires_grad_()
        answer = attend(each, 4, added, training=training)
        (answer * away).sum().backward()
        results.append((answer.detach(), each.grad))
    for ours, other in zip(*results, strict=True):
        assert torch.allclose(ours, other, atol=2e-5)
