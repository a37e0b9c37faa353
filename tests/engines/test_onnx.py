"""Answers from ONNX graphs: the same whatever stands beside a row, and only from graphs that we could have written."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from importlib.util import find_spec

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from toy_networks import KINDS, LABELS, VOCABULARY, ids_shape, toy

from startlm.core.contracts import Facts, Ragged, State
from startlm.core.errors import BundleError
from startlm.core.graph_int8 import quantise
from startlm.core.graphs import OPSET, export_graph, padded
from startlm.core.language import say
from startlm.core.shelves import look_up
from startlm.engines import ENGINES
from startlm.engines.onnx import OnnxEngine
from startlm.families import FAMILIES
from startlm.testing import check_engine
from toy_weights import built_on

PRECISIONS = ("fp32", "int8")


def ragged(lengths: np.ndarray, ids: int, seed: int = 0) -> Ragged:
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    width = () if ids == 1 else (ids,)
    return Ragged(np.random.default_rng(seed).integers(1, VOCABULARY, (int(starts[-1]), *width)).astype(np.int32), starts)


def many_rows(ids: int, count: int = 500) -> Ragged:
    """Rows of 1 to 512 tokens, most of them short as messages are, and a few empty ones."""
    random = np.random.default_rng(7)
    lengths = np.minimum(random.geometric(0.03, count), 512)
    long = count // 25
    lengths[:long], lengths[long : long + 4], lengths[-1] = random.integers(400, 513, long), 0, 512
    return ragged(random.permutation(lengths), ids)


@cache
def graphs(kind: str) -> dict[str, bytes]:
    graph = export_graph(toy(kind), ids_shape(kind), VOCABULARY)
    rows = many_rows(KINDS[kind], 64)
    return {"fp32": graph, "int8": quantise(graph, [padded(rows, part) for part in np.array_split(np.arange(64), 8)])}


def state_of(kind: str, precision: str) -> State:
    return OnnxEngine.make_state(graphs(kind)[precision], ids=KINDS[kind], precision=precision)


# -------------------------------------------------- neighbours never matter

@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_500_rows_answer_the_same_alone_and_in_any_batch(kind, precision):
    """Bit for bit, here; the promise is 1e-6."""
    check_engine("onnx", state_of(kind, precision), many_rows(KINDS[kind]), tolerance=0.0)


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "linear"])
def test_networks_of_the_shelf_answer_the_same_beside_other_rows(name):
    family = look_up(FAMILIES, name, say("family", "模型"))
    if family.engine != "onnx" or built_on(name):
        pytest.skip("answered by another engine, or built on weights: tests/test_neighbours.py")
    recipe = family.recipe(Facts(2_000, LABELS, 50.0, 200, 0.5), "small")
    network = family.network(recipe, VOCABULARY, LABELS)
    ids = 6 if recipe.tokenizer == "pieces" else 1
    graph = export_graph(network, (4, 16) if ids == 1 else (4, 16, ids), VOCABULARY)
    rows = many_rows(ids, 60)
    small = quantise(graph, [padded(rows, part) for part in np.array_split(np.arange(60), 8)])
    for precision, data in (("fp32", graph), ("int8", small)):
        check_engine("onnx", OnnxEngine.make_state(data, ids=ids, precision=precision), rows, tolerance=1e-6)


def test_threads_do_not_change_the_answer():
    state, rows = state_of("transformer", "int8"), many_rows(1, 60)
    one, two = (OnnxEngine.from_state(state, threads=threads).logits(rows) for threads in (1, 2))
    assert np.array_equal(one, two)


def test_rows_longer_than_the_limit_are_cut():
    state = OnnxEngine.make_state(graphs("lstm")["fp32"], max_length=32)
    rows = ragged(np.array([200, 32]), 1)
    cut = Ragged(rows.values[:32], np.array([0, 32]))
    engine = OnnxEngine.from_state(state)
    assert np.array_equal(engine.logits(rows)[0], engine.logits(cut)[0])


# ------------------------------------------------------------ what is refused

def answers_or_refuses(graph: bytes, kind: str, precision: str) -> bool:
    """True where the graph was opened and answered; BundleError is the only error that may come out."""
    try:
        engine = OnnxEngine.from_state(OnnxEngine.make_state(graph, ids=KINDS[kind], precision=precision))
        engine.logits(ragged(np.array([3, 40]), KINDS[kind]))
    except BundleError as error:
        assert error.hint.en and error.hint.zh
        return False
    return True


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_500_mutated_graphs_are_refused_or_answer_and_nothing_else(kind, precision):
    random = np.random.default_rng(11)
    good, refused = graphs(kind)[precision], 0
    for _ in range(500 // 6 + 1):
        graph = bytearray(good)
        if random.random() < 0.3:
            del graph[random.integers(len(graph)) :]
        else:  # the first bytes hold the nodes, where a flip does more than change a weight
            for place in random.integers(min(len(graph), 4_000), size=random.integers(1, 4)):
                graph[place] ^= 1 << random.integers(8)
        refused += not answers_or_refuses(bytes(graph), kind, precision)
    assert refused > 40


def with_nodes(nodes: list[onnx.NodeProto], arrays: dict[str, np.ndarray]) -> bytes:
    """The lstm's graph with more nodes, the last of which takes the place of the logits."""
    model = onnx.load_model_from_string(graphs("lstm")["fp32"])
    for node in model.graph.node:
        node.output[:] = ["before" if name == "logits" else name for name in node.output]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in arrays.items())
    return model.SerializeToString()


def test_a_graph_that_grows_without_end_is_refused_and_the_process_lives():
    """6.4 GB of numbers from two small weights: sizes that only running shows."""
    nodes = [
        helper.make_node("ReduceSum", ["before"], ["one"], keepdims=0), helper.make_node("Add", ["one", "tall"], ["column"]),
        helper.make_node("MatMul", ["column", "wide"], ["huge"]), helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0),
        helper.make_node("Add", ["before", "sum"], ["logits"]),
    ]  # fmt: skip
    graph = with_nodes(nodes, {"tall": np.ones((40_000, 1), np.float32), "wide": np.ones((1, 40_000), np.float32)})
    assert not answers_or_refuses(graph, "lstm", "fp32")
    assert answers_or_refuses(graphs("lstm")["fp32"], "lstm", "fp32")


def test_a_graph_that_answers_in_another_shape_is_refused():
    graph = with_nodes([helper.make_node("Transpose", ["before"], ["logits"], perm=[1, 0])], {})
    assert not answers_or_refuses(graph, "lstm", "fp32")


def test_ids_beyond_the_vocabulary_are_refused():
    engine = OnnxEngine.from_state(state_of("lstm", "fp32"))
    with pytest.raises(BundleError, match="tokenizer"):
        engine.logits(Ragged(np.array([VOCABULARY + 5], dtype=np.int32), np.array([0, 1])))


@pytest.mark.parametrize("change", [
    {"precision": "fp16"}, {"ids": 2}, {"ids": True}, {"max_length": 10**9}, {"pad": [1, 1]}, {"__class__": "x"}, {"external_data": "x"},
])  # fmt: skip
def test_settings_that_are_never_written_are_refused(change):
    state = state_of("lstm", "fp32")
    with pytest.raises(BundleError):
        OnnxEngine.from_state(State({**state.settings, **change}, state.arrays))


# ------------------------------------------------------------------- surroundings

def test_the_engine_answers_without_torch_and_onnx(tmp_path):
    path = tmp_path / "graph.onnx"
    path.write_bytes(graphs("transformer")["int8"])
    code = (
        "import sys; sys.modules.update(torch=None, onnx=None)\n"
        "import numpy as np; from startlm.engines.onnx import OnnxEngine; from startlm.core.contracts import Ragged\n"
        "engine = OnnxEngine.from_state(OnnxEngine.make_state(open(sys.argv[1], 'rb').read(), precision='int8'))\n"
        "print(engine.logits(Ragged(np.array([1, 2], np.int32), np.array([0, 2]))).shape)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(path)], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.stdout == f"(1, {LABELS})\n" and done.stderr == ""
    assert [entry.name for entry in tmp_path.iterdir()] == ["graph.onnx"]


def test_the_engine_is_not_taken_for_the_package_of_its_name():
    assert look_up(ENGINES, "onnx", say("engine", "引擎")) is OnnxEngine
    assert find_spec("onnx").origin != find_spec("startlm.engines.onnx").origin
    assert OPSET == onnx.load_model_from_string(graphs("lstm")["fp32"]).opset_import[0].version
