"""How every family with a `network` is fitted: tokenizer, gradient descent, export to the graph that answers. Not a member."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import numpy as np

from ..core.checkpoints import CheckpointFolder
from ..core.contracts import Fitted, Labelled, Progress, Ragged, Recipe
from ..core.descent_plan import EPOCHS, Descended, DescentPlan, plan_descent, refit_plan
from ..core.errors import MissingExtraError
from ..core.graph_int8 import quantise
from ..core.graphs import export_graph, padded
from ..core.inputs import encode_inputs, width_of
from ..core.label_sets import row_f1
from ..core.language import say
from ..core.number_losses import number_losses
from ..core.shelves import look_up
from ..engines import ENGINES
from ..tokenizers import TOKENIZERS

INT8_MAY_LOSE = 0.003  # of accuracy on dev
CALIBRATION_ROWS = 256  # train rows that fix the scales of int8
CHECKPOINT_SECONDS = 15
CLOSING = 1.3e-7  # seconds for each number of a network, frozen ones too, after its last step: the graph made, compared, quantised and opened
ANSWERING = 1.5  # passes over the rows that are then answered, in time: as they are looked at, and by the engines in fp32 and int8; a mean of choosing and last fit
ENOUGH = 1 / 3  # of the recipe's epochs: with fewer, a network is not worth beginning


class Timed(NamedTuple):
    """A network some of whose steps were timed: what the clock decides (precision, threads, steps) stands in recipe.options["descent"] from `within` on."""

    recipe: Recipe
    descent: DescentPlan  # as long as the recipe has it
    steps: int  # of the shortest descent worth beginning
    step: float  # seconds a step
    closing: float  # seconds after the last one

    @property
    def least(self) -> float:
        """Seconds of one fit, the shortest worth beginning."""
        return self.steps * self.step + self.closing

    @property
    def whole(self) -> float:
        """Seconds of one fit as the recipe has it."""
        return self.descent.steps * self.step + self.closing

    def within(self, seconds: float) -> Recipe:
        """The recipe with its descent planned for so many seconds a fit, never below one pass over the rows."""
        steps = max(_a_pass(self.recipe, self.descent), min(self.descent.steps, int((seconds - self.closing) / self.step + 1e-6)))
        plan = replace(self.descent, steps=steps, stop=steps)
        return replace(self.recipe, options={**self.recipe.options, "descent": asdict(plan), "seconds": steps * self.step + self.closing})


def time_network(family: Any, recipe: Recipe, train: Labelled, labels: int, *, seed: int, threads: int | None, answered: int = 0) -> Timed:
    """Time a few steps on these rows, by so many threads (None: a measurement chooses); so many rows are `answered` after the last one."""
    _need_torch()
    from ..core.step_times import measure

    tokenizer, encoded = _encoded(recipe, train)
    network = _network(family, recipe, width_of(tokenizer, train), labels, seed)
    measured = measure(network, encoded, train.labels, recipe.options, seed=seed, threads=threads)
    plan = plan_descent(recipe.options, encoded, train.labels, measured, seed=seed, count=labels)
    plan = replace(plan, checkpoint_every=max(plan.checkpoint_every, int(CHECKPOINT_SECONDS / measured.seconds)))
    options = {**recipe.options, "planned_rows": len(train), "timed": measured.said._asdict()}
    recipe = replace(recipe, options=options, parameters=sum(parameter.numel() for parameter in network.parameters()))
    closing = CLOSING * sum(array.numel() for array in (*network.parameters(), *network.buffers()))
    closing += ANSWERING * _a_pass(recipe, plan) * measured.seconds * answered / len(train)
    return Timed(recipe, plan, max(math.ceil(plan.steps * ENOUGH), _a_pass(recipe, plan)), measured.seconds, closing)


def _a_pass(recipe: Recipe, whole: DescentPlan) -> int:
    """Steps of one pass over the rows."""
    return math.ceil(whole.steps / max(1, int(recipe.options.get("epochs", EPOCHS))))


def fit_network_steps(family: Any, train: Labelled, dev: Labelled | None, labels: int, recipe: Recipe, seed: int, checkpoints: Path) -> Iterator[Progress]:
    """Fit a planned recipe; the last Progress carries Fitted. The checkpoints stay: who keeps what was fitted removes them.

    With dev, the best look at dev decides how many steps are kept and whether int8 answers; both then stand in the recipe.
    Without, the steps that stand there are taken, as many more or fewer as there are more or fewer rows.
    """
    from ..core.descent import descend, steady

    tokenizer, encoded = _encoded(recipe, train)
    if hasattr(tokenizer, "said_of_cut") and (cut := tokenizer.said_of_cut(train.texts)) is not None:
        yield Progress("train", said=cut)
    width = width_of(tokenizer, train)
    network = _network(family, recipe, width, labels, seed)
    plan = DescentPlan(**recipe.options["descent"])
    planned, kept = recipe.options["planned_rows"], recipe.options.get("kept_step", plan.stop)
    if dev is None:
        plan = refit_plan(plan, Descended(kept, kept, None), planned, len(train))
    if hasattr(network, "begin"):  # where it stands before the first step depends on the rows
        with steady(plan):
            network.begin(encoded, train.labels)
    looked_at = None if dev is None else (encode_inputs(tokenizer, dev), dev.labels)
    store, descended = CheckpointFolder(checkpoints), None
    for progress in descend(network, encoded, train.labels if train.soft is None else train.soft, plan, dev=looked_at, checkpoints=store):
        descended = progress.result
        yield replace(progress, result=None)
        if store.damaged:
            names, store.damaged = store.damaged, []
            yield Progress("train", said=say(f"Damaged checkpoints were passed over: {', '.join(names)}.", f"跳过了损坏的检查点：{'、'.join(names)}。"))
    options = {**recipe.options, "kept_step": descended.step if dev is not None else kept}
    if hasattr(family, "engine_state"):
        state = family.engine_state(network)
    else:
        graph = export_graph(network, (1, 1, *encoded.values.shape[1:]), width, max_length=recipe.options["longest"])
        options["precision"], engine = _choose_precision(graph, recipe, encoded, looked_at, seed)
        state = engine.state()
    yield Progress("train", plan.stop, plan.stop, result=Fitted(replace(recipe, options=options), tokenizer, state))


def _choose_precision(graph: bytes, recipe: Recipe, encoded: Ragged, dev: tuple[Ragged, np.ndarray] | None, seed: int) -> tuple[str, Any]:
    """int8 where dev loses at most INT8_MAY_LOSE of accuracy, of rows' F1 or of a number's closeness; without dev, what was chosen before (fp32 where nothing was)."""
    chosen = recipe.options.get("precision")
    plain = _engine(graph, "fp32", encoded, recipe)
    if dev is None and chosen != "int8":
        return "fp32", plain
    small = _engine(_quantised(graph, encoded, recipe, seed), "int8", encoded, recipe)
    if dev is None:
        return "int8", small
    return ("int8", small) if _loses_little(plain, small, dev, recipe.options.get("loss", "squared")) else ("fp32", plain)


def _loses_little(plain: Any, small: Any, dev: tuple[Ragged, np.ndarray], loss: str) -> bool:
    if dev[1].dtype.kind == "f":
        losses = [float(number_losses(engine.logits(dev[0]), dev[1], loss).mean()) for engine in (plain, small)]
        return losses[1] - losses[0] <= INT8_MAY_LOSE
    if dev[1].ndim == 2:
        overlaps = [float(row_f1(engine.logits(dev[0]) > 0, dev[1]).mean()) for engine in (plain, small)]
        return overlaps[0] - overlaps[1] <= INT8_MAY_LOSE
    return _right(plain, dev) - _right(small, dev) <= may_lose(len(dev[1]))


def may_lose(rows: int) -> int:
    """How many of so many rows int8 may answer wrongly that fp32 answers right; whole rows, since shares are no exact numbers."""
    return math.floor(INT8_MAY_LOSE * rows + 1e-9)


def _quantised(graph: bytes, encoded: Ragged, recipe: Recipe, seed: int) -> bytes:
    return quantised_on(graph, encoded, calibration_rows(encoded, seed), recipe.options["longest"])


def calibration_rows(encoded: Ragged, seed: int) -> np.ndarray:
    """int64 (n,): the rows that fix the scales of int8."""
    return np.random.default_rng(seed).permutation(len(encoded))[:CALIBRATION_ROWS]


def quantised_on(graph: bytes, encoded: Ragged, rows: np.ndarray, longest: int) -> bytes:
    """The graph in int8, its scales from these rows, sixteen at a time in this order."""
    batches = [padded(encoded, each, max_length=longest) for each in np.array_split(rows, max(1, len(rows) // 16))]
    return quantise(graph, batches, reduce_range=not _has_vnni())


def _engine(graph: bytes, precision: str, encoded: Ragged, recipe: Recipe) -> Any:
    engine = look_up(ENGINES, "onnx", say("engine", "引擎"))
    ids = encoded.values.shape[1] if encoded.values.ndim == 2 else 1
    return engine.from_state(engine.make_state(graph, ids=ids, precision=precision, max_length=recipe.options["longest"]))


def _right(engine: Any, dev: tuple[Ragged, np.ndarray]) -> int:
    return int(np.sum(engine.logits(dev[0]).argmax(axis=1) == dev[1]))


def _has_vnni() -> bool:
    """Whether 8-bit products do not saturate on this processor."""
    try:
        return "vnni" in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _encoded(recipe: Recipe, train: Labelled) -> tuple[Any, Ragged]:
    tokenizer = look_up(TOKENIZERS, recipe.tokenizer, say("tokenizer", "分词器")).fit(train.texts, **recipe.tokenizer_options)
    return tokenizer, encode_inputs(tokenizer, train)


def _network(family: Any, recipe: Recipe, vocabulary_size: int, labels: int, seed: int) -> Any:
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return family.network(recipe, vocabulary_size, labels)


def _need_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("train", "torch") from error
