"""Large tables of vectors stay out of a graph while it is traced and folded, which copies it half a dozen times, and come in at the end."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Iterator

import numpy as np

from .shelves import import_extra

if TYPE_CHECKING:
    import torch

SHORT = 64  # rows of a table that stand for all of them

Table = tuple[np.ndarray, np.ndarray]  # its first rows, and all of it


@contextmanager
def short_tables(network: torch.nn.Module) -> Iterator[list[Table]]:
    """Inside, the tables that modules name in `tables` have their first SHORT rows only; lookups of other ids would fail."""
    found: list[tuple[Any, str, Any]] = [(module, name, getattr(module, name)) for module in network.modules() for name in getattr(module, "tables", ())]
    for module, name, whole in found:
        _put(module, name, whole.detach()[:SHORT].clone())
    try:
        yield [(whole.detach()[:SHORT].numpy(), whole.detach().numpy()) for _, _, whole in found]
    finally:
        for module, name, whole in found:
            _put(module, name, whole.detach())


def _put(module: Any, name: str, value: torch.Tensor) -> None:
    if name in module._buffers:
        module._buffers[name] = value
    else:
        module._parameters[name] = import_extra("torch.nn").Parameter(value)


def with_whole_tables(graph: bytes, tables: list[Table]) -> bytes:
    """The ONNX graph with each short table replaced by the whole one."""
    if not tables:
        return graph
    onnx = import_extra("onnx")
    numpy_helper, model = onnx.numpy_helper, onnx.load_model_from_string(graph)
    for place, tensor in enumerate(model.graph.initializer):
        array = numpy_helper.to_array(tensor)
        whole = next((whole for short, whole in tables if array.shape == short.shape and np.array_equal(array, short)), None)
        if whole is not None:
            model.graph.initializer[place].CopyFrom(numpy_helper.from_array(whole, tensor.name))
    return model.SerializeToString(deterministic=True)  # type: ignore[no-any-return]
