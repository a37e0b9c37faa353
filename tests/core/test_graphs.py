"""From a torch network to graphs that answer: the grid, the export, int8."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from toy_networks import KINDS, LABELS, VOCABULARY, ids_shape, toy

from startlm.core.contracts import Ragged
from startlm.core.errors import WorkError
from startlm.core.graph_check import check_graph
from startlm.core.graph_int8 import quantise
from startlm.core.graphs import OPSET, export_graph, padded
from startlm.engines.onnx import OnnxEngine


def ragged(kind: str, lengths: list[int], seed: int = 0) -> Ragged:
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    values = np.random.default_rng(seed).integers(1, VOCABULARY, (int(starts[-1]), *ids_shape(kind)[2:]))
    return Ragged(values.astype(np.int32), starts)


def batches(kind: str, count: int = 30) -> list[tuple[np.ndarray, np.ndarray]]:
    return [padded(ragged(kind, [5, 16, 9, 0, 30, 2, 25, 11], seed), np.arange(8)) for seed in range(count)]


def answers(graph: bytes, rows: Ragged, kind: str) -> np.ndarray:
    return OnnxEngine.from_state(OnnxEngine.make_state(graph, ids=KINDS[kind])).logits(rows)


def exported(kind: str) -> bytes:
    return export_graph(toy(kind), ids_shape(kind), VOCABULARY)


# ------------------------------------------------------------- the grid

def test_rows_lie_on_the_grid_in_the_order_asked_for():
    rows = Ragged(np.arange(1, 10, dtype=np.int32), np.array([0, 2, 2, 9]))
    ids, lengths = padded(rows, np.array([2, 1, 0]))
    assert ids.shape == (4, 16) and lengths.tolist() == [7, 0, 2, 0]
    assert ids[0].tolist() == [3, 4, 5, 6, 7, 8, 9] + [0] * 9 and ids[2, :3].tolist() == [1, 2, 0]


def test_a_row_longer_than_allowed_is_cut():
    rows = Ragged(np.ones((100, 3), dtype=np.int32), np.array([0, 100]))
    ids, lengths = padded(rows, np.array([0]), max_length=32)
    assert ids.shape == (4, 32, 3) and lengths[0] == 32


# --------------------------------------------------------------- export

@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_answers_like_torch(kind):
    rows = ragged(kind, [3, 40, 1, 0, 200])
    ids, lengths = padded(rows, np.arange(5))
    with torch.no_grad():
        wanted = toy(kind)(torch.from_numpy(ids), torch.from_numpy(lengths)).numpy()[:5]
    assert np.abs(answers(exported(kind), rows, kind) - wanted).max() <= 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_export_gives_the_same_bytes(kind):
    assert exported(kind) == exported(kind)


def test_graphs_carry_nothing_of_where_they_were_made(tmp_path):
    """The same bytes from another process in another folder; no doc strings, notes, module or file names."""
    script = "import sys; sys.path[:0] = sys.argv[1:]; import tests_of_graphs as t; sys.stdout.buffer.write(t.exported('transformer'))"
    folder = tmp_path / "另一个 folder"
    folder.mkdir()
    shutil.copy(__file__, folder / "tests_of_graphs.py")
    paths = [str(folder), *map(str, Path(__file__).resolve().parents[1:3])]
    other = subprocess.run([sys.executable, "-c", script, *paths], cwd=folder, capture_output=True, check=True, timeout=120).stdout
    assert other == exported("transformer")
    model = onnx.load_model_from_string(other)
    assert not any(node.doc_string or node.name or node.metadata_props for node in model.graph.node)
    assert not model.doc_string and not model.metadata_props and not model.graph.value_info
    assert b"/" not in b"".join(name.encode() for node in model.graph.node for name in (*node.input, *node.output))


def test_export_leaves_the_network_as_it_was():
    network = toy("lstm").train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    export_graph(network, ids_shape("lstm"), VOCABULARY)
    assert network.training and all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


class Fixed(torch.nn.Module):
    """Bakes the traced length into its answer, as a careless network would."""

    def forward(self, ids, lengths):
        return torch.zeros(ids.shape[0], LABELS) + lengths.unsqueeze(1) + int(ids.shape[1])


class Rigid(torch.nn.Module):
    """Cannot answer another number of rows than it was traced with."""

    def forward(self, ids, lengths):
        return (ids.sum(1) + lengths).float().reshape(int(ids.shape[0]), 1).expand(-1, LABELS)


class Deaf(torch.nn.Module):
    """Does not look at the lengths."""

    def forward(self, ids, lengths):
        return ids.sum(1, keepdim=True).float().expand(-1, LABELS)


class Unknown(torch.nn.Module):
    """Holds an operation that no graph can hold."""

    def forward(self, ids, lengths):
        return torch.linalg.matrix_exp(torch.eye(LABELS))[lengths.clamp(max=1)]


class Unstable(torch.nn.Module):
    """Divides by the length, which is 0 for an empty row."""

    def forward(self, ids, lengths):
        return (ids.sum(1) / lengths).unsqueeze(1).expand(-1, LABELS)


@pytest.mark.parametrize("network", [Fixed(), Rigid(), Deaf(), Unstable(), Unknown()], ids=lambda network: type(network).__name__)
def test_a_graph_that_answers_otherwise_than_torch_is_refused(network):
    with pytest.raises(WorkError) as caught:
        export_graph(network, (4, 16), VOCABULARY)
    assert "graph" in str(caught.value) and caught.value.hint.zh


# ----------------------------------------------------------------- int8

@pytest.mark.parametrize("kind", KINDS)
def test_int8_is_smaller_and_close(kind):
    graph, rows = exported(kind), ragged(kind, [12, 30, 7, 16, 0, 25] * 30, seed=9)
    small = quantise(graph, batches(kind))
    exact, close = answers(graph, rows, kind), answers(small, rows, kind)
    assert len(small) < len(graph) * 0.85
    assert np.abs(exact - close).max() < 0.05 * np.abs(exact - exact.mean(0)).max() + 0.02
    assert check_graph(small, opset=OPSET).labels == LABELS


class Outlying(torch.nn.Module):
    """One channel is a hundred times as large as the others and weighs a hundredth, as in trained encoders; two inputs take the same weights."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.table, self.head = torch.nn.Embedding(VOCABULARY, 16), torch.nn.Linear(16, LABELS, bias=False)
        self.scales = torch.ones(16)
        self.scales[3] = 100
        with torch.no_grad():
            self.head.weight[:, 3] /= 100

    def forward(self, ids, lengths):
        vectors = self.table(ids if ids.dim() == 2 else ids[..., 0]).mean(1) * self.scales
        return torch.maximum(self.head(vectors), self.head(torch.relu(vectors).flip(1) / 100 + lengths.unsqueeze(1) * 0))


def test_int8_is_not_drowned_by_one_channel_that_is_far_larger_than_the_others():
    graph, rows = export_graph(Outlying(), (1, 1), VOCABULARY), ragged("transformer", [16] * 64, seed=3)
    exact, close = (answers(each, rows, "transformer") for each in (graph, quantise(graph, [padded(rows, np.arange(64))])))
    assert np.abs(exact - close).max() < 0.03 * np.ptp(exact)


def test_int8_leaves_recurrence_masks_and_attention_alone():
    kinds = {kind: [node.op_type for node in onnx.load_model_from_string(quantise(exported(kind), batches(kind))).graph.node] for kind in KINDS}
    assert kinds["lstm"].count("LSTM") == 2 and kinds["lstm"].count("MatMulIntegerToFloat") == 1
    assert kinds["transformer"].count("MatMul") == 2 and kinds["transformer"].count("MatMulIntegerToFloat") == 5
    assert not any(kind.startswith("Dynamic") for found in kinds.values() for kind in found)


def test_int8_is_the_same_twice():
    graph = exported("transformer")
    assert quantise(graph, batches("transformer")) == quantise(graph, batches("transformer"))


def test_a_reduced_range_keeps_weights_within_seven_bits():
    model = onnx.load_model_from_string(quantise(exported("transformer"), batches("transformer"), reduce_range=True))
    weights = [onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.INT8]
    assert weights and max(np.abs(weight.astype(int)).max() for weight in weights) == 63


def test_int8_without_rows_to_measure_on_is_refused():
    with pytest.raises(WorkError):
        quantise(exported("convolution"), [])
