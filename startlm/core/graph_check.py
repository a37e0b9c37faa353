"""Is this ONNX file one that we could have written? Read byte by byte, before onnxruntime sees it, without the onnx package.

An ONNX file is a protobuf message. `SHAPES` lists the fields our own export writes, and nothing else is let through: no
external data, no functions, no graphs inside nodes, no notes, no foreign operators. Each field that protobuf would merge
from two copies may stand once only, so that what is read here is what onnxruntime reads.
Field numbers: github.com/onnx/onnx, onnx/onnx.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Iterator, Mapping, Sequence

from .errors import BundleError
from .language import say

MAX_BYTES = 2 * 1000**3
MAX_NODES = 5_000
MAX_WEIGHTS = 5_000
MAX_NAME = 200
MAX_DIMENSIONS = 8
MAX_LIST = 64  # values in one attribute, inputs of one node

# What our exports are made of: computing, moving and choosing values. Nothing that loops, calls, reads files or draws numbers.
OPERATORS: Mapping[str, frozenset[str]] = {
    "": frozenset(
        "Abs Add And ArgMax AveragePool Cast Clip Concat Conv Cos CumSum Div Elu Equal Erf Exp Expand Flatten Floor"
        " Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual HardSigmoid Identity IsNaN"
        " LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max MaxPool Min Mod Mul Neg Not Or Pad Pow"
        " QuantizeLinear Range Reciprocal ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape Shape"
        " Sigmoid Sign Sin Slice Softmax Softplus Split Sqrt Squeeze Sub Tanh Transpose Trilu Unsqueeze Where Xor".split()
    ),
    "com.microsoft": frozenset({"MatMulIntegerToFloat"}),  # onnxruntime's own: the int8 product
}
ITEM_BYTES = {1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1}  # float32, uint8, int8, int32, int64, bool

# message -> field number -> (name, kind); kinds: int, float, text, bytes, a message's name; "*" after it: may repeat
SHAPES: Mapping[str, Mapping[int, tuple[str, str]]] = {
    "Model": {1: ("ir_version", "int"), 2: ("producer", "text"), 7: ("graph", "Graph"), 8: ("opsets", "Opset*")},
    "Opset": {1: ("domain", "text"), 2: ("version", "int")},
    "Graph": {1: ("nodes", "Node*"), 2: ("name", "text"), 5: ("weights", "Tensor*"), 11: ("inputs", "Value*"), 12: ("outputs", "Value*")},
    "Node": {1: ("inputs", "text*"), 2: ("outputs", "text*"), 4: ("operator", "text"), 5: ("attributes", "Attribute*"), 7: ("domain", "text")},
    "Attribute": {
        1: ("name", "text"), 2: ("f", "float"), 3: ("i", "int"), 4: ("s", "text"), 7: ("floats", "float*"), 8: ("ints", "int*"),
        9: ("strings", "text*"), 20: ("type", "int"),
    },
    "Tensor": {1: ("sizes", "int*"), 2: ("type", "int"), 8: ("name", "text"), 9: ("data", "bytes")},
    "Value": {1: ("name", "text"), 2: ("type", "Type")},
    "Type": {1: ("tensor", "TensorType")},
    "TensorType": {1: ("type", "int"), 2: ("shape", "Shape")},
    "Shape": {1: ("sizes", "Size*")},
    "Size": {1: ("value", "int"), 2: ("name", "text")},
}


Described = tuple[int, tuple[int, ...]]  # a weight's type and sizes


@dataclass(frozen=True)
class GraphFacts:
    """What a checked graph promises: K ids a token (1: a plain row of ids) and L labels."""

    ids: int
    labels: int
    nodes: int


def check_graph(graph: bytes, *, opset: int) -> GraphFacts:
    """Raises BundleError for any bytes that are not a plain network graph of ours, else says what it promises."""
    if len(graph) > MAX_BYTES:
        raise _refused("it is too large")
    model = _read("Model", memoryview(graph))
    _check_opsets(model, opset)
    body = _one(model, "graph")
    nodes, weights = body.get("nodes", []), body.get("weights", [])
    if len(nodes) > MAX_NODES or len(weights) > MAX_WEIGHTS:
        raise _refused(f"it has {len(nodes)} nodes and {len(weights)} weights")
    known = {"ids", "lengths"}
    for tensor in weights:
        _check_tensor(tensor)
        _define(known, _one(tensor, "name"))
    constants = {_one(tensor, "name"): (_one(tensor, "type"), tuple(tensor.get("sizes", []))) for tensor in weights}
    for node in nodes:
        _check_node(node, known, constants)
    facts = _check_ends(body, len(nodes))
    if "logits" not in known:
        raise _refused("nothing computes its output")
    return facts


def _refused(why: str) -> BundleError:
    return BundleError(
        say(f"The network graph is not one that StartLM writes: {why}.", f"网络计算图不是 StartLM 写出的：{why}。"),
        say("don't use this model; train or deploy it again, or fetch an unaltered copy",
            "请不要使用这个模型；请重新训练或部署，或者取一份没有改动过的副本"),
        where="graph.onnx",
    )


# -------------------------------------------------------- what is allowed

def _one(message: Mapping[str, list[Any]], name: str) -> Any:
    if name not in message:
        raise _refused(f"{name} is missing")
    return message[name][0]


def _check_opsets(model: Mapping[str, list[Any]], opset: int) -> None:
    """The standard operators at our version, and onnxruntime's own at version 1."""
    found = [(item.get("domain", [""])[0], _one(item, "version")) for item in model.get("opsets", [])]
    if ("", opset) not in found or len(found) != len(set(found)) or set(found) - {("", opset), ("com.microsoft", 1)}:
        raise _refused(f"it asks for the operators {found}")


def _define(known: set[str], name: str) -> None:
    """Each value has one name and is defined once."""
    if not name or len(name) > MAX_NAME or name.startswith("__") or name in known:
        raise _refused(f"the name {name[:MAX_NAME]!r} is not allowed or stands twice")
    known.add(name)


def _check_tensor(tensor: Mapping[str, list[Any]]) -> None:
    """Its bytes are in the file, and exactly as many as its sizes say."""
    sizes, kind = tensor.get("sizes", []), _one(tensor, "type")
    if kind not in ITEM_BYTES or len(sizes) > MAX_DIMENSIONS or any(not 0 <= size <= MAX_BYTES for size in sizes):
        raise _refused(f"a weight has type {kind} and sizes {sizes[:MAX_DIMENSIONS]}")
    if len(tensor.get("data", [b""])[0]) != prod(sizes) * ITEM_BYTES[kind]:
        raise _refused("a weight's bytes do not fit its sizes")


def _check_node(node: Mapping[str, list[Any]], known: set[str], constants: Mapping[str, Described]) -> None:
    """An allowed operator on values known before it. What is constant has been computed at export, so that onnxruntime
    computes nothing of a size that the file chooses while it opens it."""
    operator, domain = _one(node, "operator"), node.get("domain", [""])[0]
    if operator not in OPERATORS.get(domain, ()):
        raise _refused(f"the operator {domain}:{operator} is not allowed"[:MAX_NAME])
    inputs, outputs = node.get("inputs", []), node.get("outputs", [])
    if len(inputs) > MAX_LIST or len(outputs) > MAX_LIST or not set(inputs) <= known | {""}:
        raise _refused(f"a node {operator} takes values that are not computed before it")
    if set(inputs) <= constants.keys() | {""}:
        raise _refused(f"a node {operator} depends on no input")
    if operator == "MatMulIntegerToFloat":
        _check_product(inputs, constants)
    for attribute in node.get("attributes", []):
        name = _one(attribute, "name")
        if not name.isidentifier() or name.startswith("_") or len(name) > MAX_NAME:
            raise _refused(f"the attribute {name[:MAX_NAME]!r} is not allowed")
        if any(len(values) > MAX_LIST for values in attribute.values()):
            raise _refused(f"the attribute {name} is too long")
    for output in filter(None, outputs):
        _define(known, output)


def _check_product(inputs: Sequence[str], constants: Mapping[str, Described]) -> None:
    """uint8 x times int8 w (R, C), a scale a column and a bias: onnxruntime checks its own operators less than the standard ones."""
    if len(inputs) != 7:
        raise _refused("an int8 product has other inputs")
    _, w, x_step, w_steps, x_zero, w_zero, bias = inputs
    kind, sizes = constants.get(w, (0, ()))
    columns = sizes[1:]
    good = kind == 3 and len(sizes) == 2 and w_zero == ""
    good = good and constants.get(x_step) == (1, ()) and constants.get(x_zero) == (2, ())
    if not good or constants.get(w_steps) != (1, columns) or (bias and constants.get(bias) != (1, columns)):
        raise _refused("the parts of an int8 product do not fit each other")


def _check_ends(body: Mapping[str, list[Any]], nodes: int) -> GraphFacts:
    """Inputs ids int64 (N, T) or (N, T, K) and lengths int64 (N,); output logits float32 (N, L)."""
    ends = [_described(value) for value in (*body.get("inputs", []), *body.get("outputs", []))]
    names, kinds, shapes = zip(*ends, strict=True) if ends else ((), (), ())
    ranks = tuple(len(shape) for shape in shapes)
    if names != ("ids", "lengths", "logits") or kinds != (7, 7, 1) or ranks not in ((2, 1, 2), (3, 1, 2)):
        raise _refused(f"its inputs and outputs are {list(names)}"[:MAX_NAME])
    width, labels = (shapes[0] + (1,))[2], shapes[2][1]
    if not (isinstance(width, int) and isinstance(labels, int) and 0 < width <= 4096 and 0 < labels <= 1_000_000):
        raise _refused(f"it gives {labels} labels for {width} ids a token")
    return GraphFacts(ids=width, labels=labels, nodes=nodes)


def _described(value: Mapping[str, list[Any]]) -> tuple[str, int, tuple[int | str, ...]]:
    tensor = _one(_one(value, "type"), "tensor")
    sizes = _one(tensor, "shape").get("sizes", [])
    return _one(value, "name"), _one(tensor, "type"), tuple(size.get("value", size.get("name", [0]))[0] for size in sizes)


# ------------------------------------------------------------ the wire

def _read(kind: str, data: memoryview) -> dict[str, list[Any]]:
    """One message as name -> values. The depth is bounded by SHAPES, which nests six deep and never in a circle."""
    shape, message = SHAPES[kind], {}
    for number, wire, value in _fields(data):
        if number not in shape:
            raise _refused(f"{kind} has a field {number}")
        name, inside = shape[number]
        values = message.setdefault(name, [])
        values.extend(_values(inside.rstrip("*"), wire, value))
        if len(values) > 1 and not inside.endswith("*"):
            raise _refused(f"{kind} says {name} twice")
    return message


def _values(kind: str, wire: int, value: Any) -> Sequence[Any]:
    """The value of one field; a packed list of numbers gives several."""
    if kind in ("int", "float"):
        if wire == 2:
            return list(_packed(kind, value))
        if wire != (0 if kind == "int" else 5):
            raise _refused("a number is written in another form")
        return [value]
    if wire != 2:
        raise _refused("a text is written in another form")
    if kind == "text":
        try:
            return [str(value, "utf-8")]
        except UnicodeDecodeError as error:
            raise _refused("a name is not text") from error
    return [value if kind == "bytes" else _read(kind, value)]


def _packed(kind: str, data: memoryview) -> Iterator[Any]:
    place = 0
    while place < len(data):
        if kind == "float":
            value, place = _take(data, place, 4)
        else:
            value, place = _varint(data, place)
        yield value


def _fields(data: memoryview) -> Iterator[tuple[int, int, Any]]:
    """Field number, wire type and raw value of each field. Groups and 8-byte numbers are never used in ONNX graphs."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        wire = key & 7
        if wire == 0:
            value, place = _varint(data, place)
        elif wire == 2:
            size, place = _varint(data, place)
            value, place = _take(data, place, size)
        elif wire == 5:
            value, place = _take(data, place, 4)
        else:
            raise _refused(f"it uses wire type {wire}")
        yield key >> 3, wire, value


def _take(data: memoryview, place: int, size: int) -> tuple[memoryview, int]:
    if not 0 <= size <= len(data) - place:
        raise _refused("it is cut off")
    return data[place : place + size], place + size


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """A whole number of at most 64 bits (7 a byte, lowest first), read as signed."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise _refused("it is cut off")
        byte = data[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            number &= 2**64 - 1
            return number - 2**64 if number >= 2**63 else number, place
    raise _refused("a number is too long")
