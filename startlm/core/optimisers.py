"""How a gradient moves the weights: AdamW or SGD, dense by PyTorch, sparse (embeddings) row by row.

AdamW: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization". For embeddings the lazy form: only the rows
that a batch uses are read, updated and written; a row that is not used keeps its moments. Needs torch.
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from .errors import CallError
from .language import say

BETAS, EPSILON, MOMENTUM = (0.9, 0.999), 1e-8, 0.9


class LazyAdamW:
    """AdamW on the rows of a table that a sparse gradient names. No weight decay: unused rows could not share it."""

    def __init__(self, table: nn.Parameter) -> None:
        self.table = table
        self.mean, self.square = torch.zeros_like(table), torch.zeros_like(table)

    @torch.no_grad()
    def update(self, rate: float, step: int) -> None:
        """`step` counts from 1."""
        if self.table.grad is None:
            return
        gradient = self.table.grad.coalesce()
        rows, values = gradient.indices()[0], gradient.values()
        mean = self.mean.index_select(0, rows).lerp_(values, 1 - BETAS[0])
        square = self.square.index_select(0, rows).mul_(BETAS[1]).addcmul_(values, values, value=1 - BETAS[1])
        self.mean.index_copy_(0, rows, mean)
        self.square.index_copy_(0, rows, square)
        divisor = square.div_(1 - BETAS[1] ** step).sqrt_().add_(EPSILON)
        move = mean.mul_(rate / (1 - BETAS[0] ** step)).div_(divisor)
        self.table.index_copy_(0, rows, self.table.index_select(0, rows).sub_(move))


def _groups(names: list[str], parameters: list[nn.Parameter], weight_decay: float, rates: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    """Parameters that are moved alike: vectors (biases, norms) are not pulled to zero; `rates` says which names begin with what learns faster."""
    times = [next((times for start, times in rates.items() if name.startswith(start)), 1.0) for name in names]
    for faster in sorted(set(times)):
        for matrices in (True, False):
            mine = [each for each, other in zip(parameters, times) if other == faster and (each.dim() > 1) == matrices]
            if mine:
                yield {"params": mine, "weight_decay": weight_decay if matrices else 0.0, "times": faster}


class Optimiser:
    """One optimiser over a network's dense and sparse parameters, whose whole state is named arrays."""

    def __init__(self, network: nn.Module, kind: str, weight_decay: float) -> None:
        """kind: adamw or sgd. Raises CallError for another."""
        sparse = {f"{name}.weight" for name, module in network.named_modules() if getattr(module, "sparse", False)}
        self.names = [name for name, _ in network.named_parameters() if name not in sparse]
        named = dict(network.named_parameters())
        self.dense = [named[name] for name in self.names]
        self.kind, self.steps = kind, 0
        groups = list(_groups(self.names, self.dense, weight_decay, getattr(network, "rates", {})))
        self.lazy: dict[str, LazyAdamW] = {}
        self.tables = [named[name] for name in sorted(sparse)]
        if kind == "adamw":
            self.inner: torch.optim.Optimizer = torch.optim.AdamW(groups, betas=BETAS, eps=EPSILON, fused=True)
            self.lazy = {name: LazyAdamW(named[name]) for name in sorted(sparse)}
        elif kind == "sgd":
            self.inner = torch.optim.SGD(groups, momentum=MOMENTUM)
        else:
            raise CallError(
                say(f"There is no optimiser {kind!r}.", f"没有优化器 {kind!r}。"),
                say('optimiser = "adamw" or optimiser = "sgd"', '请写 optimiser = "adamw" 或 optimiser = "sgd"'),
            )

    @torch.no_grad()
    def clip(self, most: float) -> float:
        """Shrink all gradients together to a norm of at most `most` (0: leave them); returns the norm before."""
        parts: list[Tensor] = []
        for parameter in [*self.dense, *self.tables]:
            if parameter.grad is not None:
                if parameter.grad.is_sparse:
                    parameter.grad = parameter.grad.coalesce()
                parts.append(parameter.grad._values() if parameter.grad.is_sparse else parameter.grad)
        norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(parts)))) if parts else 0.0
        if most and norm > most:
            torch._foreach_mul_(parts, most / norm)
        return norm

    @torch.no_grad()
    def update(self, rate: float) -> None:
        """One step down the gradient, which is then cleared."""
        self.steps += 1
        for group in self.inner.param_groups:
            group["lr"] = rate * group["times"]
        self.inner.step()
        for lazy in self.lazy.values():
            lazy.update(rate, self.steps)
        for parameter in self.tables:
            if self.kind == "sgd" and parameter.grad is not None:
                parameter.add_(parameter.grad, alpha=-rate)
        self.forget()

    def forget(self) -> None:
        """No gradient is left."""
        for parameter in [*self.dense, *self.tables]:
            parameter.grad = None

    def arrays(self) -> dict[str, np.ndarray]:
        """A copy of the whole state."""
        kept = {"steps": np.array([self.steps])}
        for name, parameter in zip(self.names, self.dense, strict=True):
            for key, value in self.inner.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    kept[f"{key}/{name}"] = value.cpu().numpy().copy()
        for name, lazy in self.lazy.items():
            kept[f"mean/{name}"], kept[f"square/{name}"] = lazy.mean.cpu().numpy().copy(), lazy.square.cpu().numpy().copy()
        return kept

    def put(self, kept: Mapping[str, np.ndarray]) -> None:
        """Take a state that `arrays` gave."""
        self.steps = int(kept["steps"][0])
        self.inner.state.clear()
        by_name = dict(zip(self.names, self.dense, strict=True))
        for key, array in kept.items():
            what, _, name = key.partition("/")
            value = torch.from_numpy(np.array(array))
            if name in self.lazy:
                {"mean": self.lazy[name].mean, "square": self.lazy[name].square}[what].copy_(value)
            elif name:
                self.inner.state[by_name[name]][what] = value.to(by_name[name].device)
        self.forget()
