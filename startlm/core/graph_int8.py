"""A graph with 8-bit weights: which products, which scales, and the nodes that compute with them. onnx is an extra, imported inside."""

from __future__ import annotations

import copy
from collections import Counter
from typing import TYPE_CHECKING, Any, Iterable, Mapping

import numpy as np

from .errors import WorkError
from .graphs import Batch, canonical, load_graph, session_of
from .language import say

if TYPE_CHECKING:
    import onnx

SMALLEST_TABLE = 4096  # elements: an embedding table below this gains nothing from int8
OUTLYING = 3.0  # times the mean channel: where none is larger, one scale suits all as they are
SMOOTH = 0.8  # how much of the difference between channels goes over to the weights (docs/decisions/0022)
LEAST = 0.3  # of the mean channel: one that the calibration rows hardly use may be larger elsewhere


def quantise(graph: bytes, calibration_batches: Iterable[Batch], *, reduce_range: bool = False) -> bytes:
    """The graph with 8-bit weights: matrix products with constant weights, and embedding tables.

    Activations with outlying channels are smoothed, each channel divided by a constant that its weights are multiplied by (Xiao et al. 2023,
    "SmoothQuant"). All get one fixed scale each, from the smallest and largest value seen over the calibration batches (on the grid of `padded`);
    weights one a column, tables one a row. Nothing depends on the batch: scales computed per batch moved answers with the neighbours. Everything else stays fp32: masks, softmax, normalisation, convolutions, recurrence.
    reduce_range: 7-bit weights, for processors without VNNI, whose 8-bit products saturate.
    Raises WorkError where the batches give no range to measure.
    """
    model = load_graph(graph)
    _split_gemms(model.graph)
    arrays = _arrays(model.graph)
    products = {n.output[0]: n for n in model.graph.node if n.op_type == "MatMul" and np.ndim(arrays.get(n.input[1])) == 2}
    ranges = _ranges(model, sorted({node.input[0] for node in products.values()}), calibration_batches)
    factors = {name: _smoothing(ranges[name], [arrays[node.input[1]] for node in products.values() if node.input[0] == name]) for name in ranges}
    biases = _biases(model.graph, products, arrays)
    writer = _Int8Writer(model.graph, arrays, 63 if reduce_range else 127)
    for node in model.graph.node:
        if node.output[0] in products:
            bias, output = biases.get(node.output[0], ("", node.output[0]))
            writer.write_product(node, ranges[node.input[0]], factors[node.input[0]], bias, output)
        elif node.op_type == "Gather" and _is_table(arrays.get(node.input[0]), node):
            writer.write_lookup(node)
        elif node.output[0] not in {output for _, output in biases.values()}:
            writer.nodes.append(node)
    nodes = [copy.deepcopy(node) for node in writer.nodes]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return canonical(model)


def _arrays(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    from onnx import numpy_helper

    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def _is_table(array: np.ndarray | None, node: onnx.NodeProto) -> bool:
    by_row = all(attribute.i == 0 for attribute in node.attribute if attribute.name == "axis")
    return array is not None and array.dtype == np.float32 and array.ndim == 2 and array.size >= SMALLEST_TABLE and by_row


def _split_gemms(graph: onnx.GraphProto) -> None:
    """Each Gemm with constant weights as MatMul and Add, so that there is one way to quantise a product."""
    from onnx import helper, numpy_helper

    arrays, nodes = _arrays(graph), []
    for place, node in enumerate(graph.node):
        options = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        plain = options.get("alpha", 1.0) == options.get("beta", 1.0) == 1.0 and not options.get("transA", 0)
        if node.op_type != "Gemm" or node.input[1] not in arrays or len(node.input) != 3 or not plain:
            nodes.append(node)
            continue
        weight = arrays[node.input[1]]
        name = f"gemm{place}"
        graph.initializer.append(numpy_helper.from_array(weight.T.copy() if options.get("transB", 0) else weight, name))
        nodes.append(helper.make_node("MatMul", [node.input[0], name], [f"{name}_product"]))
        nodes.append(helper.make_node("Add", [f"{name}_product", node.input[2]], list(node.output)))
    del graph.node[:]
    graph.node.extend(nodes)


def _biases(graph: onnx.GraphProto, products: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[str, str]]:
    """For each product whose only use is the adding of a constant row: that row, and the name of the sum."""
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update(value.name for value in graph.output)
    found = {}
    for node in graph.node:
        for product, bias in (tuple(node.input), tuple(node.input)[::-1]) if node.op_type == "Add" else ():
            if product in products and uses[product] == 1 and np.ndim(arrays.get(bias)) == 1:
                if arrays[bias].shape == arrays[products[product].input[1]].shape[1:]:
                    found[product] = (bias, node.output[0])
    return found


def _ranges(model: onnx.ModelProto, names: list[str], batches: Iterable[Batch]) -> dict[str, np.ndarray]:
    """The smallest and the largest value of each channel of these tensors over the batches: name -> (2, K)."""
    from onnx import helper

    probe = copy.deepcopy(model)
    probe.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names if name != "logits")
    session = session_of(probe.SerializeToString())
    found: dict[str, np.ndarray] = {}
    for ids, lengths in batches:
        for name, values in zip(names, session.run(names, {"ids": ids, "lengths": lengths}) if names else [], strict=True):
            flat = values.reshape(-1, values.shape[-1])
            seen = np.stack([flat.min(axis=0), flat.max(axis=0)])
            before = found.get(name, seen)
            found[name] = np.stack([np.minimum(before[0], seen[0]), np.maximum(before[1], seen[1])])
    if len(found) < len(names) or not all(np.isfinite(values).all() for values in found.values()):
        raise WorkError(
            say("int8 needs rows to measure the network's values on, and there were none (or values that are not numbers).",
                "int8 需要用一些数据行来测量网络内部的取值，但没有数据行（或出现了非数值）。"),
            say("keep the fp32 graph", "请保留 fp32 计算图"),
        )
    return found


def _smoothing(values: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """float32 (K,): what each channel is divided by; 1 where none is outlying. A few channels of an encoder would otherwise set the scale of all.

    values: (2, K) of `_ranges`; weights: (K, M) of the products that take this tensor.
    """
    largest = np.abs(values).max(axis=0)
    if largest.max() <= OUTLYING * largest.mean():
        return np.ones(len(largest), dtype=np.float32)
    largest = np.maximum(largest, max(LEAST * largest.mean(), 1e-8))
    heaviest = np.maximum(np.max([np.abs(weight).max(axis=1) for weight in weights], axis=0), 1e-5)
    logs = SMOOTH * np.log(largest) - (1 - SMOOTH) * np.log(heaviest)
    return np.exp(logs - logs.mean()).astype(np.float32)


class _Int8Writer:
    """Rewrites single nodes of a graph to compute with 8-bit constants."""

    def __init__(self, graph: Any, arrays: dict[str, np.ndarray], largest: int) -> None:
        self.graph, self.arrays, self.largest = graph, arrays, largest
        self.nodes: list[Any] = []
        self.done: set[str] = set()

    def write_product(self, node: Any, values: np.ndarray, factors: np.ndarray, bias: str, output: str) -> None:
        """(x / factors) @ (factors * w) + bias with x in uint8 (one scale) and w in int8 (a scale a column), summed in int32.

        It is what onnxruntime makes of MatMul between DequantizeLinear nodes; written out, the bias joins in and no
        optimiser decides what is computed.
        """
        x, x_step, x_zero = self._activation(node.input[0], values / factors, factors)
        w, w_steps = self._weight(node.input[1], factors[:, None], axis=0, beside=node.input[0])
        self._add("MatMulIntegerToFloat", [x, w, x_step, w_steps, x_zero, "", bias], output, domain="com.microsoft")

    def write_lookup(self, node: Any) -> None:
        """Rows of an int8 table, each times its own scale."""
        table, steps = self._weight(node.input[0], np.float32(1), axis=1)
        rows = node.output[0]
        self._add("Gather", [table, node.input[1]], f"{rows}_int8", axis=0)
        self._add("Cast", [f"{rows}_int8"], f"{rows}_float", to=1)
        self._add("Gather", [steps, node.input[1]], f"{rows}_step", axis=0)
        self._add("Mul", [f"{rows}_float", f"{rows}_step"], rows)

    def _activation(self, name: str, values: np.ndarray, factors: np.ndarray) -> tuple[str, str, str]:
        """The names of the smoothed values in uint8, their scale and their zero point."""
        names = (f"{name}_uint8", f"{name}_step", f"{name}_zero")
        if name not in self.done:
            self.done.add(name)
            low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
            step = np.float32(max(high - low, 1e-8) / 255)
            self._constant(names[1], step)
            self._constant(names[2], np.uint8(np.clip(np.rint(-low / step), 0, 255)))
            smooth = name if (factors == 1).all() else f"{name}_smooth"
            if smooth != name:
                self._add("Mul", [name, self._constant(f"{name}_factors", 1 / factors)], smooth)
            self._add("QuantizeLinear", [smooth, *names[1:]], names[0])
        return names

    def _weight(self, name: str, factors: Any, axis: int, beside: str = "") -> tuple[str, str]:
        """The names of the int8 weights, times `factors`, and of their scales; `axis` is the one that shares a scale, `beside` the tensor they are multiplied with."""
        names = (f"{name}_int8_{beside}", f"{name}_step_{beside}")
        if names[0] not in self.done:
            self.done.add(names[0])
            weight = self.arrays[name] * factors
            largest = np.abs(weight).max(axis=axis, keepdims=True)
            steps = (np.maximum(largest, 1e-8) / self.largest).astype(np.float32)
            self._constant(names[0], np.rint(weight / steps).astype(np.int8))
            self._constant(names[1], steps[0] if axis == 0 else steps)
        return names

    def _constant(self, name: str, value: Any) -> str:
        from onnx import numpy_helper

        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _add(self, kind: str, inputs: list[str], output: str, **options: Any) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], **options))
