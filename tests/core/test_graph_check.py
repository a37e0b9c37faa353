"""Graphs that we could not have written are refused by reading their bytes alone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from toy_networks import KINDS, VOCABULARY, ids_shape, toy

from startlm.core.errors import BundleError
from startlm.core.graph_check import GraphFacts, check_graph
from startlm.core.graphs import OPSET, export_graph

GRAPH = export_graph(toy("transformer"), ids_shape("transformer"), VOCABULARY)


def external(model):
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")


def external_by_key_alone(model):
    model.graph.initializer[0].external_data.add(key="offset", value="-1")


def external_in_an_attribute(model):
    tensor = helper.make_tensor("x", 1, [1], [0.0])
    tensor.external_data.add(key="location", value="elsewhere")
    model.graph.node[0].attribute.append(helper.make_attribute("value", tensor))


def foreign_domain(model):
    model.graph.node[0].domain = "evil.ops"
    model.opset_import.append(helper.make_opsetid("evil.ops", 1))


def foreign_opset(model):
    model.opset_import.append(helper.make_opsetid("evil.ops", 1))


def another_opset(model):
    model.opset_import[0].version = OPSET - 1


def operator_of_onnxruntime(model):
    model.graph.node[0].domain, model.graph.node[0].op_type = "com.microsoft", "Sampling"
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def function(model):
    model.functions.append(helper.make_function("local", "f", ["x"], ["y"], [helper.make_node("Relu", ["x"], ["y"])], [helper.make_opsetid("", OPSET)]))


def loop(model):
    body = helper.make_graph([helper.make_node("Identity", ["c"], ["d"])], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["lengths"], ["looped"], body=body))


def condition(model):
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("If", ["lengths"], ["chosen"], then_branch=body, else_branch=body))


def graph_in_an_allowed_operator(model):
    model.graph.node[0].attribute.append(helper.make_attribute("body", helper.make_graph([], "body", [], [])))


def huge_constant(model):
    model.graph.initializer.append(numpy_helper.from_array(np.array([10**9]), "size"))
    model.graph.node.append(helper.make_node("ConstantOfShape", ["size"], ["filled"]))


def huge_expand(model):
    for name, value in (("size", np.array([10**5, 10**4])), ("one", np.array([1.0], np.float32))):
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    model.graph.node.append(helper.make_node("Expand", ["one", "size"], ["filled"]))


def too_many_nodes(model):
    names = ["lengths", *(f"n{i}" for i in range(5_001))]
    model.graph.node.extend(helper.make_node("Neg", [a], [b]) for a, b in zip(names, names[1:], strict=False))


def matrix(model):
    return next(tensor for tensor in model.graph.initializer if len(tensor.dims) == 2)


def weight_shorter_than_its_sizes(model):
    matrix(model).dims[0] += 1


def weight_of_negative_size(model):
    matrix(model).dims[0] *= -1


def weight_as_text(model):
    model.graph.initializer.append(helper.make_tensor("words", onnx.TensorProto.STRING, [1], [b"x"]))


def weight_outside_its_raw_bytes(model):
    model.graph.initializer[0].float_data.append(1.0)


def dunder_attribute(model):
    model.graph.node[0].attribute.append(helper.make_attribute("__class__", 1))


def dunder_name(model):
    model.graph.node.append(helper.make_node("Neg", ["lengths"], ["__reduce__"]))


def circle(model):
    model.graph.node.extend([helper.make_node("Neg", ["late"], ["early"]), helper.make_node("Neg", ["early"], ["late"])])


def name_twice(model):
    model.graph.node.append(helper.make_node("Neg", ["lengths"], ["logits"]))


def note(model):
    model.metadata_props.add(key="auto_map", value="x")


def doc_string(model):
    model.graph.doc_string = "x"


def training(model):
    model.training_info.add()


def other_input(model):
    model.graph.input.append(helper.make_tensor_value_info("more", 1, [1]))


def other_output(model):
    model.graph.output[0].name = "answers"


def free_labels(model):
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "labels"


def default_input(model):
    model.graph.initializer.append(numpy_helper.from_array(np.array([1]), "lengths"))


SHAPED = [
    external, external_by_key_alone, external_in_an_attribute, foreign_domain, foreign_opset, another_opset, operator_of_onnxruntime, function, loop,
    condition, graph_in_an_allowed_operator, huge_constant, huge_expand, too_many_nodes, weight_shorter_than_its_sizes, weight_of_negative_size,
    weight_as_text, weight_outside_its_raw_bytes, dunder_attribute, dunder_name, circle, name_twice, note, doc_string, training, other_input,
    other_output, free_labels, default_input,
]  # fmt: skip


def test_our_own_graphs_pass_with_their_facts():
    for kind, ids in KINDS.items():
        facts = check_graph(export_graph(toy(kind), ids_shape(kind), VOCABULARY), opset=OPSET)
        assert facts == GraphFacts(ids=ids, labels=5, nodes=facts.nodes)


@pytest.mark.parametrize("shape", SHAPED, ids=lambda shape: shape.__name__)
def test_a_graph_of_another_shape_is_refused(shape):
    model = onnx.load_model_from_string(GRAPH)
    shape(model)
    with pytest.raises(BundleError) as caught:
        check_graph(model.SerializeToString(), opset=OPSET)
    assert caught.value.where == "graph.onnx" and caught.value.hint.zh


CRAFTED = {
    "nothing": b"",
    "text": b"not a graph",
    "a pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",
    "bytes behind the end": GRAPH + b"\x00",
    "a second graph behind the first": GRAPH + GRAPH,
    "a second body, which protobuf would add to the first": GRAPH + onnx.ModelProto(graph=helper.make_graph([], "more", [], [])).SerializeToString(),
    "an unknown field": GRAPH + b"\xfa\x07\x00",
    "a group": GRAPH + b"\x0b\x0c",
    "an endless number": GRAPH + b"\x08" + b"\xff" * 11,
    "a length beyond the end": b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    "a negative length": b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
}


@pytest.mark.parametrize("name", CRAFTED)
def test_crafted_bytes_are_refused(name):
    with pytest.raises(BundleError):
        check_graph(CRAFTED[name], opset=OPSET)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_and_nothing_else_is_raised(data):
    with pytest.raises(BundleError):
        check_graph(data, opset=OPSET)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(GRAPH) - 1))
def test_a_graph_cut_anywhere_is_refused(length):
    with pytest.raises(BundleError):
        check_graph(GRAPH[:length], opset=OPSET)


def test_an_int8_product_whose_parts_do_not_fit_is_refused():
    """onnxruntime reads as many scales as the weights have columns, so their number is checked before."""
    model = onnx.load_model_from_string(GRAPH)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    for name, value in {"w": np.zeros((4, 8), np.int8), "s": np.float32(1), "t": np.ones(3, np.float32), "z": np.uint8(0)}.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    model.graph.node.append(helper.make_node("MatMulIntegerToFloat", ["ids", "w", "s", "t", "z", "", ""], ["p"], domain="com.microsoft"))
    with pytest.raises(BundleError, match="int8 product"):
        check_graph(model.SerializeToString(), opset=OPSET)


def test_the_check_needs_neither_onnx_nor_onnxruntime():
    code = "import sys, startlm.core.graph_check; sys.exit(bool({'onnx', 'onnxruntime', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
