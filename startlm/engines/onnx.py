"""Answers from a network's ONNX graph with onnxruntime. Without torch, and the same for a row whatever stands beside it.

Rows are put together only with rows of the same padded length, and batches have a multiple of 4 rows: every kernel sees a row
in the same surroundings, alone or among thousands.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Iterator, Mapping

import numpy as np
import onnxruntime

from ..core.contracts import Ragged, State
from ..core.errors import BundleError
from ..core.graph_check import GraphFacts, check_graph
from ..core.graphs import GRAPH_ERRORS, MAX_LENGTH, OPSET, PAD, padded
from ..core.language import Said, say

TOKENS_A_BATCH = 4096  # padded tokens answered at once: large enough for full speed, small enough for the cache
LARGEST_LENGTH = 8_192
MOST_MEMORY = 4 * 1024**3  # bytes that all graphs of this process may hold: one that asks for more is refused, the process lives


class OnnxEngine:
    """The engine `onnx`: a graph, its session, and the grid it answers on."""

    name = "onnx"

    def __init__(self, graph: bytes, settings: Mapping[str, Any], facts: GraphFacts, session: onnxruntime.InferenceSession) -> None:
        self.graph, self.settings, self.facts, self.session = graph, settings, facts, session

    # ------------------------------------------------------- storing

    @staticmethod
    def make_state(graph: bytes, *, ids: int = 1, precision: str = "fp32", max_length: int = MAX_LENGTH) -> State:
        """The state of a graph from `export_graph` or `quantise`. ids: K ids a token (1: a plain row of ids)."""
        settings = {"ids": ids, "max_length": max_length, "pad": list(PAD), "precision": precision}
        return State(settings, {"graph": np.frombuffer(graph, dtype=np.uint8)})

    def state(self) -> State:
        return State(self.settings, {"graph": np.frombuffer(self.graph, dtype=np.uint8)})

    @classmethod
    def from_state(cls, state: State, *, threads: int = 1) -> OnnxEngine:
        """Raises BundleError for a state this engine could not have written; the graph is read before onnxruntime sees it."""
        settings = _checked_settings(state)
        graph = state.arrays["graph"].tobytes()
        facts = check_graph(graph, opset=OPSET)
        if facts.ids != settings["ids"]:
            raise _unfit(say(f"the graph takes {facts.ids} ids a token, the settings say {settings['ids']}",
                             f"计算图每个词元需要 {facts.ids} 个编号，设置里写的是 {settings['ids']}"))
        return cls(graph, settings, facts, _open_session(graph, threads))

    # ----------------------------------------------------- answering

    def logits(self, encoded: Ragged) -> np.ndarray:
        """float32 (N, L), in the order of the rows. Rows longer than `max_length` are cut; empty rows are answered too."""
        logits = np.empty((len(encoded), self.facts.labels), dtype=np.float32)
        pad, longest = tuple(self.settings["pad"]), self.settings["max_length"]
        for rows in _batches(np.minimum(encoded.lengths, longest), pad):
            ids, lengths = padded(encoded, rows, pad, longest)
            logits[rows] = self._run(ids, lengths)[: len(rows)]
        return logits

    def _run(self, ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        try:
            answer = self.session.run(["logits"], {"ids": ids, "lengths": lengths})[0]
        except GRAPH_ERRORS as error:
            raise _unfit(say("it cannot answer: graph and tokenizer do not fit", "它无法作答：计算图和分词器不匹配")) from error
        if answer.shape != (len(ids), self.facts.labels):
            raise _unfit(say("it answers in another shape than it says", "它给出的结果形状与声明的不一致"))
        return answer


def _batches(lengths: np.ndarray, pad: tuple[int, int]) -> Iterator[np.ndarray]:
    """Row numbers, batch by batch: rows of one padded length, at most TOKENS_A_BATCH tokens."""
    widths = np.maximum(-(-lengths // pad[1]), 1) * pad[1]
    order = np.argsort(widths, kind="stable")
    edges = np.flatnonzero(np.diff(widths[order])) + 1
    for group in np.split(order, edges):
        if len(group):
            size = max(TOKENS_A_BATCH // int(widths[group[0]]) // pad[0], 1) * pad[0]
            yield from (group[start : start + size] for start in range(0, len(group), size))


def _open_session(graph: bytes, threads: int) -> onnxruntime.InferenceSession:
    """Fixed options: nothing is written to disk, no thread spins, no order of summing depends on chance."""
    _prepare_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except GRAPH_ERRORS as error:
        raise _unfit(say("onnxruntime cannot open it", "onnxruntime 无法打开它")) from error


@cache
def _prepare_onnxruntime() -> None:
    """Once a process: silence (errors come as ours), and one arena with a lid, since a graph computes sizes as it runs."""
    onnxruntime.set_default_logger_severity(4)
    place = onnxruntime.OrtMemoryInfo("Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT)
    onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg({"max_mem": MOST_MEMORY}))


def _checked_settings(state: State) -> Mapping[str, Any]:
    """The settings, if this engine could have written them, and the graph is there as plain bytes."""
    settings, graph = state.settings, state.arrays.get("graph")
    if set(settings) != {"ids", "max_length", "pad", "precision"} or set(state.arrays) != {"graph"}:
        raise _unfit(say(f"its settings are {sorted(settings)}", f"它的设置项是 {sorted(settings)}"))
    numbers = all(type(settings[name]) is int for name in ("ids", "max_length"))
    if not numbers or not 1 <= settings["max_length"] <= LARGEST_LENGTH or settings["pad"] != list(PAD):
        raise _unfit(say("its sizes are not ones that are written", "它的尺寸设置不合规范"))
    plain = isinstance(graph, np.ndarray) and graph.dtype == np.uint8 and graph.ndim == 1
    if settings["precision"] not in ("fp32", "int8") or not plain:
        raise _unfit(say("its precision or its graph is of another kind", "它的精度或计算图类型不对"))
    return dict(settings)


def _unfit(why: Said) -> BundleError:
    return BundleError(
        say(f"The network of this model cannot be used: {why.en}.", f"这个模型的网络不能使用：{why.zh}。"),
        say("train or deploy the model again, or fetch an unaltered copy", "请重新训练或部署模型，或者取一份没有改动过的副本"),
        where="engine.json",
    )
