"""From a trained network to the graph that answers: the grid of shapes and the export to ONNX (8 bits: `core.graph_int8`).

A graph takes `ids` int64 (N, T) or (N, T, K) and `lengths` int64 (N,) and gives `logits` float32 (N, L), for any N and T
on the grid of `padded`. It is one self-contained file without paths, names of modules or doc strings, so that the same
network gives the same bytes in whatever folder it is exported. torch and onnx are extras: they are imported inside.
"""

from __future__ import annotations

import copy
import io
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

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
    Raises WorkError where a logit is not finite or differs from torch's by more than TOLERANCE, and MissingExtraError.
    """
    network = copy.deepcopy(network).cpu().float().eval()
    width = tuple(ids_shape[2:])
    with short_tables(network) as tables:
        model = load_graph(_traced(network, _random_batch(0, 4, 32, width, min(vocabulary_size, SHORT) if tables else vocabulary_size)))
    _drop_zero_states(model)
    graph = with_whole_tables(canonical(load_graph(_folded(model.SerializeToString()))), tables)
    session = session_of(graph)
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


def load_graph(graph: bytes) -> onnx.ModelProto:
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


def canonical(model: onnx.ModelProto) -> bytes:
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


def session_of(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
