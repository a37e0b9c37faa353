"""A linear layer put on top of an exported graph: what an encoder gives, times weights, plus a bias. Needs onnx."""

from __future__ import annotations

import numpy as np

from .shelves import import_extra


def with_head(graph: bytes, weights: np.ndarray, bias: np.ndarray) -> bytes:
    """The graph of `core.graphs` whose output is now logits = vectors @ weights + bias; float32 (D, L) and (L,). The same inputs give the same bytes."""
    onnx = import_extra("onnx")
    model = onnx.load_model_from_string(graph)
    last = next(node for node in reversed(model.graph.node) if "logits" in node.output)
    last.output[list(last.output).index("logits")] = "vectors"
    numbers = {"head_weights": weights.astype(np.float32), "head_bias": bias.astype(np.float32)}
    model.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in numbers.items())
    model.graph.node.append(onnx.helper.make_node("MatMul", ["vectors", "head_weights"], ["products"]))
    model.graph.node.append(onnx.helper.make_node("Add", ["products", "head_bias"], ["logits"]))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = len(bias)
    return model.SerializeToString(deterministic=True)  # type: ignore[no-any-return]
