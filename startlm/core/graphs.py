"""From a trained network to the graph that answers: the grid of shapes, export to ONNX, and int8.

A graph takes `ids` int64 (N, T) or (N, T, K) and `lengths` int64 (N,) and gives `logits` float32 (N, L), for any N and T
on the grid of `padded`. It is one self-contained file without paths, names of modules or doc strings, so that the same
network gives the same bytes in whatever folder it is exported. torch and onnx are extras: they are imported inside.
"""

from __future__ import annotations

import copy
import io
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable, Mapping

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime_errors

from .contracts import Ragged
from .errors import MissingExtraError, WorkError
from .graph_tables import SHORT, short_tables, with_whole_tables
from .language import say

if TYPE_CHECKING:
    import onnx
    import torch

OPSET = 20
IR_VERSION = 9
PRODUCER = "startlm"
PAD = (4, 16)  # rows and tokens are padded to multiples of these, so that kernels never change with the neighbours
MAX_LENGTH = 512
TOLERANCE = 1e-4  # how far a graph's logit may lie from torch's (relative to the largest logit where that is above 1): 256 steps of an LSTM make 2e-5 of roundings, a fault far more
SMALLEST_TABLE = 4096  # elements: an embedding table below this gains nothing from int8

# onnxruntime's errors have no base of their own
GRAPH_ERRORS: tuple[type[Exception], ...] = (
    *(error for error in vars(onnxruntime_errors).values() if isinstance(error, type) and issubclass(error, Exception)),
    RuntimeError, ValueError,
)

Batch = tuple[np.ndarray, np.ndarray]  # ids int64 (N, T) or (N, T, K); lengths int64 (N,)


# ------------------------------------------------------------- the grid

def padded(encoded: Ragged, rows: np.ndarray, pad: tuple[int, int] = PAD, max_length: int = MAX_LENGTH) -> Batch:
    """These rows as one rectangle on the grid: N and T rounded up to multiples of `pad`.

    Added rows are empty and added tokens are 0; a row longer than `max_length` is cut. The first len(rows) rows of
    the batch are the rows asked for, in that order.
    """
    kept = np.minimum(encoded.lengths[rows], max_length)
    height = _round_up(len(rows), pad[0])
    width = _round_up(int(kept.max(initial=0)), pad[1])
    ids = np.zeros((height, width, *encoded.values.shape[1:]), dtype=np.int64)
    inside = np.arange(width) < kept[:, None]  # (rows, T)
    steps = np.broadcast_to(np.arange(width), inside.shape)[inside]
    ids[: len(rows)][inside] = encoded.values[np.repeat(encoded.starts[rows], kept) + steps]
    lengths = np.zeros(height, dtype=np.int64)
    lengths[: len(rows)] = kept
    return ids, lengths


def _round_up(number: int, multiple: int) -> int:
    return max(-(-number // multiple), 1) * multiple


# --------------------------------------------------------------- export

def export_graph(
    network: torch.nn.Module, ids_shape: tuple[int, ...], vocabulary_size: int, *, max_length: int = MAX_LENGTH
) -> bytes:
    """The network as ONNX bytes, compared with torch on random rows (an empty and a full one among them).

    ids_shape: (N, T) or (N, T, K); only K and the number of dimensions matter. The network itself is left alone.
    Raises WorkError where a logit is not finite or differs from torch's by more than 1e-5, and MissingExtraError.
    """
    network = copy.deepcopy(network).cpu().float().eval()
    width = tuple(ids_shape[2:])
    with short_tables(network) as tables:
        model = _load(_traced(network, _random_batch(0, 4, 32, width, min(vocabulary_size, SHORT) if tables else vocabulary_size)))
    _drop_zero_states(model)
    graph = with_whole_tables(_canonical(_load(_folded(model.SerializeToString()))), tables)
    session = _session(graph)
    for seed, (rows, tokens) in enumerate(((4, 16), (12, 48), (4, max_length))):
        _compare(network, session, _random_batch(seed, rows, min(tokens, max_length), width, vocabulary_size))
    return graph


def _random_batch(seed: int, rows: int, tokens: int, width: tuple[int, ...], vocabulary_size: int) -> Batch:
    """Random ids (0 behind each row's length); the first row is full, the second empty."""
    random = np.random.default_rng(seed)
    lengths = random.integers(1, tokens + 1, rows)
    lengths[:2] = tokens, 0
    ids = random.integers(min(1, vocabulary_size - 1), vocabulary_size, (rows, tokens, *width))
    ids[np.arange(tokens) >= lengths[:, None]] = 0
    return ids, lengths


def _traced(network: torch.nn.Module, batch: Batch) -> bytes:
    """The network traced by torch's TorchScript exporter.

    The newer exporter takes 3–4 s instead of 0.3, needs one more package, and writes source paths into the file.
    """
    import torch

    buffer, rows = io.BytesIO(), {0: "rows"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the exporter warns of (free batch of an LSTM) is measured by _compare
        try:
            torch.onnx.export(
                network, (torch.from_numpy(batch[0]), torch.from_numpy(batch[1])), buffer, dynamo=False,
                opset_version=OPSET, input_names=["ids", "lengths"], output_names=["logits"],
                dynamic_axes={"ids": {0: "rows", 1: "tokens"}, "lengths": rows, "logits": rows},
            )
        except RuntimeError as error:  # torch's errors of export are of this kind
            raise _not_exported(str(error).partition("\n")[0], str(error).partition("\n")[0]) from error
    return buffer.getvalue()


def _not_exported(en: str, zh: str) -> WorkError:
    return WorkError(
        say(f"The network could not be made into a graph that answers like it: {en}.", f"无法把网络导出成结果一致的计算图：{zh}。"),
        say("train another family (startlm.toml: [build] family = \"linear\"); whoever wrote this family has to mend it",
            "请换一种模型（startlm.toml：[build] family = \"linear\"）；这个问题要由该模型的作者修复"),
    )


def _load(graph: bytes) -> onnx.ModelProto:
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("train", "onnx") from error
    return onnx.load_model_from_string(graph)


def _drop_zero_states(model: onnx.ModelProto) -> None:
    """An LSTM's initial states of zeros are ONNX's default: without them no size is computed inside the graph."""
    zeros = {node.output[0] for node in model.graph.node if node.op_type == "ConstantOfShape"}
    for node in model.graph.node:
        if node.op_type == "LSTM" and set(node.input[5:7]) <= zeros | {""}:
            del node.input[4:]


def _folded(graph: bytes) -> bytes:
    """Everything that is constant computed once, by onnxruntime's basic optimisations (the same on every processor)."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "folded.onnx"
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        return path.read_bytes()


def _canonical(model: onnx.ModelProto) -> bytes:
    """The graph without anything that does not answer: unused nodes, notes, shapes in between, names with a history."""
    from onnx import helper, numpy_helper

    nodes = _used_nodes(model.graph)
    arrays = {tensor.name: tensor for tensor in model.graph.initializer}
    names = {"": "", "ids": "ids", "lengths": "lengths", "logits": "logits"}
    weights = []
    for node in nodes:
        for name in (*node.input, *node.output):
            if name not in names:
                names[name] = f"w{len(weights)}" if name in arrays else f"v{len(names)}"
                if name in arrays:
                    weights.append(numpy_helper.from_array(numpy_helper.to_array(arrays[name]), names[name]))
    clean = [_clean_node(node, names) for node in nodes]
    inputs = [_described(value) for value in model.graph.input]
    outputs = [_described(value) for value in model.graph.output]
    domains = sorted({node.domain for node in clean} | {""})
    return helper.make_model(
        helper.make_graph(clean, "network", inputs, outputs, weights),
        producer_name=PRODUCER, ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid(domain, 1 if domain else OPSET) for domain in domains],
    ).SerializeToString(deterministic=True)


def _used_nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    needed, used = {value.name for value in graph.output}, []
    for node in reversed(graph.node):  # nodes are in the order of computing
        if needed & set(node.output):
            needed |= set(node.input)
            used.append(node)
    return used[::-1]


def _clean_node(node: onnx.NodeProto, names: dict[str, str]) -> onnx.NodeProto:
    from onnx import helper

    clean = helper.make_node(
        node.op_type, [names[name] for name in node.input], [names[name] for name in node.output],
        domain="" if node.domain == "ai.onnx" else node.domain,
    )
    clean.attribute.extend(sorted(node.attribute, key=lambda attribute: attribute.name))
    for attribute in clean.attribute:
        attribute.ClearField("doc_string")
    return clean


def _described(value: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    """Name, type and shape of an input or output, with the free sizes called rows and tokens."""
    from onnx import helper

    tensor = value.type.tensor_type
    shape = [size.dim_value or ("rows", "tokens")[place] for place, size in enumerate(tensor.shape.dim)]
    return helper.make_tensor_value_info(value.name, tensor.elem_type, shape)


def _compare(network: torch.nn.Module, session: onnxruntime.InferenceSession, batch: Batch) -> None:
    """Raises WorkError unless the graph and torch agree on this batch."""
    import torch

    with torch.no_grad():
        wanted = network(torch.from_numpy(batch[0]), torch.from_numpy(batch[1])).numpy()
    try:
        got = session.run(None, {"ids": batch[0], "lengths": batch[1]})[0]
    except GRAPH_ERRORS as error:
        raise _not_exported("it fails on a batch of another shape, or leaves out an input", "它不能处理其他形状的批次，或者缺少输入") from error
    gap = np.abs(got - wanted).max() / max(1.0, np.abs(wanted).max()) if got.shape == wanted.shape else np.inf
    if not gap <= TOLERANCE:  # also where it is not a number
        raise _not_exported(f"their logits differ by {gap:.1e}", f"logits 相差 {gap:.1e}")


def _session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


# ----------------------------------------------------------------- int8

def quantise(graph: bytes, calibration_batches: Iterable[Batch], *, reduce_range: bool = False) -> bytes:
    """The graph with 8-bit weights: matrix products with constant weights, and embedding tables.

    Activations get one fixed scale each, from the smallest and largest value seen over the calibration batches (on the
    grid of `padded`); weights one a column, tables one a row. Nothing depends on the batch: scales computed per batch
    moved answers with the neighbours. Everything else stays fp32: masks, softmax, normalisation, convolutions, recurrence.
    reduce_range: 7-bit weights, for processors without VNNI, whose 8-bit products saturate.
    Raises WorkError where the batches give no range to measure.
    """
    model = _load(graph)
    _split_gemms(model.graph)
    arrays = _arrays(model.graph)
    products = {n.output[0]: n for n in model.graph.node if n.op_type == "MatMul" and np.ndim(arrays.get(n.input[1])) == 2}
    ranges = _ranges(model, sorted({node.input[0] for node in products.values()}), calibration_batches)
    biases = _biases(model.graph, products, arrays)
    writer = _Int8Writer(model.graph, arrays, 63 if reduce_range else 127)
    for node in model.graph.node:
        if node.output[0] in products:
            bias, output = biases.get(node.output[0], ("", node.output[0]))
            writer.write_product(node, ranges[node.input[0]], bias, output)
        elif node.op_type == "Gather" and _is_table(arrays.get(node.input[0]), node):
            writer.write_lookup(node)
        elif node.output[0] not in {output for _, output in biases.values()}:
            writer.nodes.append(node)
    nodes = [copy.deepcopy(node) for node in writer.nodes]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return _canonical(model)


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


def _ranges(model: onnx.ModelProto, names: list[str], batches: Iterable[Batch]) -> dict[str, tuple[float, float]]:
    """The smallest and the largest value of each of these tensors over the batches."""
    from onnx import helper

    probe = copy.deepcopy(model)
    probe.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names if name != "logits")
    session = _session(probe.SerializeToString())
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    for ids, lengths in batches:
        values = session.run(names, {"ids": ids, "lengths": lengths}) if names else []
        low = np.minimum(low, [value.min() for value in values])
        high = np.maximum(high, [value.max() for value in values])
    if not np.isfinite(low).all() or not np.isfinite(high).all():
        raise WorkError(
            say("int8 needs rows to measure the network's values on, and there were none (or values that are not numbers).",
                "int8 需要用一些数据行来测量网络内部的取值，但没有数据行（或出现了非数值）。"),
            say("keep the fp32 graph", "请保留 fp32 计算图"),
        )
    return {name: (float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}


class _Int8Writer:
    """Rewrites single nodes of a graph to compute with 8-bit constants."""

    def __init__(self, graph: Any, arrays: dict[str, np.ndarray], largest: int) -> None:
        self.graph, self.arrays, self.largest = graph, arrays, largest
        self.nodes: list[Any] = []
        self.done: set[str] = set()

    def write_product(self, node: Any, values: tuple[float, float], bias: str, output: str) -> None:
        """x @ w + bias with x in uint8 (one scale) and w in int8 (a scale a column), summed in int32.

        It is what onnxruntime makes of MatMul between DequantizeLinear nodes; written out, the bias joins in and no
        optimiser decides what is computed.
        """
        x, x_step, x_zero = self._activation(node.input[0], min(values[0], 0.0), max(values[1], 0.0))
        w, w_steps = self._weight(node.input[1], axis=0)
        self._add("MatMulIntegerToFloat", [x, w, x_step, w_steps, x_zero, "", bias], output, domain="com.microsoft")

    def write_lookup(self, node: Any) -> None:
        """Rows of an int8 table, each times its own scale."""
        table, steps = self._weight(node.input[0], axis=1)
        rows = node.output[0]
        self._add("Gather", [table, node.input[1]], f"{rows}_int8", axis=0)
        self._add("Cast", [f"{rows}_int8"], f"{rows}_float", to=1)
        self._add("Gather", [steps, node.input[1]], f"{rows}_step", axis=0)
        self._add("Mul", [f"{rows}_float", f"{rows}_step"], rows)

    def _activation(self, name: str, low: float, high: float) -> tuple[str, str, str]:
        """The names of the values in uint8, their scale and their zero point."""
        names = (f"{name}_uint8", f"{name}_step", f"{name}_zero")
        if name not in self.done:
            self.done.add(name)
            step = np.float32(max(high - low, 1e-8) / 255)
            self._constant(names[1], step)
            self._constant(names[2], np.uint8(np.clip(np.rint(-low / step), 0, 255)))
            self._add("QuantizeLinear", [name, *names[1:]], names[0])
        return names

    def _weight(self, name: str, axis: int) -> tuple[str, str]:
        """The names of the int8 weights and of their scales; `axis` is the one that shares a scale."""
        names = (f"{name}_int8_{axis}", f"{name}_step_{axis}")
        if names[0] not in self.done:
            self.done.add(names[0])
            weight = self.arrays[name]
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
