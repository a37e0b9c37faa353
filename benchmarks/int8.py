"""`int8-speed`: the small Transformer in int8, as the bundle answers, beside the same weights in eager PyTorch, on the same rows.

Eager PyTorch takes 32 rows at a time as they come, padded to the longest of them, in inference mode. Ours is measured twice: handed
all rows at once (the engine puts rows of like length together, as `predict` does with a file) and handed 32 rows at a time.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
from sets import load
from work import Work, repeated, spread

from startlm.core.batches import padded
from startlm.core.contracts import Facts, Labelled, Ragged
from startlm.families.network import _quantised, time_network
from startlm.families.transformer import Transformer
from startlm.tokenizers.bytes_bpe import BytesBpe

SET = "banking77"
BATCH, TIMES = 32, 5
SECONDS = 60.0  # of training: the speed does not depend on it, the agreement of the answers does
THREADS = (1, 2)


def measure(work: Work) -> dict[str, Any]:
    """Rows a second of both at one and two threads, and how the answers agree."""
    return work.piece("all", lambda: _measure(work))


def _measure(work: Work) -> dict[str, Any]:
    from startlm.core.graphs import export_graph
    from startlm.engines.onnx import OnnxEngine

    rows = load(SET, "train")
    rows = rows.take(range(400)) if work.quick else rows
    labels = np.unique(rows.labels, return_inverse=True)[1].astype(np.int64)
    count, seconds = int(labels.max()) + 1, 5.0 if work.quick else SECONDS
    recipe = Transformer.recipe(Facts(len(rows), count, float(np.mean([len(text) for text in rows.texts])), 0, 0.0), "small")
    recipe = time_network(Transformer, recipe, Labelled(rows.texts, labels), count, seed=0, threads=None).within(seconds)
    encoded, network = _trained(recipe, rows.texts, labels)
    graph = export_graph(network, (1, 1), int(encoded.values.max()) + 1, max_length=recipe.options["longest"])
    state = OnnxEngine.make_state(_quantised(graph, encoded, recipe, 0), precision="int8", max_length=recipe.options["longest"])
    eager, lines = _eager(network, encoded), []
    calls = [encoded.take(np.arange(start, min(start + BATCH, len(encoded)))) for start in range(0, len(encoded), BATCH)]
    for threads in THREADS:
        engine = OnnxEngine.from_state(state, threads=threads)
        by_32 = lambda engine=engine: [engine.logits(call) for call in calls]  # noqa: E731
        ways = {"eager": eager, "all_rows": lambda engine=engine: engine.logits(encoded), "by_32": by_32}
        lines.append({"threads": threads, **_rates(threads, len(encoded), ways)})
    same = np.concatenate(eager()).argmax(axis=1) == engine.logits(encoded).argmax(axis=1)
    return {"set": SET, "n": len(rows), "parameters": recipe.parameters, "lines": lines, "same_label": float(np.mean(same))}


def _trained(recipe: Any, texts: list[str], labels: np.ndarray) -> tuple[Ragged, Any]:
    import torch

    from startlm.core.descent import DescentPlan, descend

    tokenizer = BytesBpe.fit(texts, **recipe.tokenizer_options)
    encoded = tokenizer.encode(texts)
    torch.manual_seed(0)
    network = Transformer.network(recipe, tokenizer.vocabulary_size, int(labels.max()) + 1)
    for _ in descend(network, encoded, labels, DescentPlan(**recipe.options["descent"])):
        pass
    return encoded, network.eval()


def _eager(network: Any, encoded: Ragged) -> Callable[[], list[np.ndarray]]:
    """One pass of the plain way to answer: 32 rows at a time, in order."""
    import torch

    def answer() -> list[np.ndarray]:
        logits = []
        with torch.inference_mode():
            for start in range(0, len(encoded), BATCH):
                ids, lengths = padded(encoded, np.arange(start, min(start + BATCH, len(encoded))))
                logits.append(network(torch.from_numpy(ids), torch.from_numpy(lengths)).numpy())
        return logits

    return answer


def _rates(threads: int, rows: int, ways: dict[str, Callable[[], Any]]) -> dict[str, float]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    rates = {name: rows / spread(repeated(way, TIMES))["median"] for name, way in ways.items()}
    torch.set_num_threads(before)
    return rates
