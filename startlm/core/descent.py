"""The one training loop, a generator of Progress: gradient descent on the cross-entropy (binary for each of several labels; with shares of labels where these are given), or on a
number's loss (`core.number_losses`).

`core.step_times` times a few steps and chooses precision, threads and device; `plan_descent` fixes everything the clock could touch;
`descend` then follows the plan: the same plan gives the same bits, whether or not it was interrupted. The randomness of
a step (dropout) depends on the seed and the step's number alone, so a checkpoint needs no random state beyond them.
Needs torch; only training imports it.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Callable, Iterator, Mapping, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .batches import draw_batches, padded
from .contracts import Progress, Ragged
from .descent_plan import DescentPlan, Descended, batches_of, cut_lengths, plan_descent, refit_plan, schedule
from .devices import usable
from .errors import WorkError
from .label_sets import row_f1
from .language import Said, say
from .number_losses import ABSOLUTE, LEVELS, QUANTILES, number_losses
from .optimisers import Optimiser

__all__ = [
    "Checkpoints", "Descended", "Descent", "DescentPlan", "Exploded", "accuracy", "arrays_of", "closeness", "descend", "logits_of", "not_finite", "overlap",
    "plan_descent", "put_arrays", "refit_plan", "schedule", "steady",
]  # fmt: skip

RETRIES = 5  # halvings of the step size before giving up
EXPLODED = 20.0  # times the loss of guessing, of the worst row where a number is guessed: no step in its right mind comes here

Arrays = Mapping[str, np.ndarray]


class Checkpoints(Protocol):
    """Where the loop's state is kept. `save` returns once it is durable; `load` gives the newest good one."""

    def save(self, step: int, arrays: Arrays, record: Mapping[str, Any]) -> None: ...

    def load(self) -> tuple[Arrays, Mapping[str, Any]] | None: ...


class Exploded(Exception):
    """A loss or gradient that is no number, or far too large. Never leaves this module."""

    def __init__(self, what: Said) -> None:
        super().__init__(what)
        self.what = what


def not_finite(what: Said) -> WorkError:
    """What is told where no smaller step and no other precision helps."""
    return WorkError(
        say(f"Training does not stay finite: {what.en}", f"训练无法保持有限的数值：{what.zh}"),
        say("take a smaller network: size = \"small\" under [build], or family = \"linear\"", "请用更小的网络：在 [build] 下写 size = \"small\"，或 family = \"linear\""),
    )


# ------------------------------------------------------------ the loop

def descend(
    network: nn.Module,
    train: Ragged,
    labels: np.ndarray,
    plan: DescentPlan,
    *,
    dev: tuple[Ragged, np.ndarray] | None = None,
    checkpoints: Checkpoints | None = None,
    judge: Callable[[np.ndarray, np.ndarray], float] | None = None,
) -> Iterator[Progress]:
    """Train `network` in place as planned, going on from the newest checkpoint; the last Progress carries Descended.

    judge(logits, labels) -> the dev figure, higher is better (default: accuracy, overlap of several labels, or closeness to a number). With dev, the weights of the best look
    are kept. Raises WorkError when the loss still explodes after five halvings of the step size.
    """
    descent = Descent(network, train, labels, plan)
    descent.resume(checkpoints.load() if checkpoints else None)
    began, before = time.perf_counter(), descent.step
    while not descent.over:
        said = descent.said = None
        try:
            with steady(plan):
                loss = descent.walk_to(descent.next_stop())
                if dev is not None and descent.at(plan.dev_every):
                    descent.look((judge or descent.judge)(logits_of(network, dev[0], descent.plan), dev[1]))
        except Exploded as explosion:
            loss, said = None, descent.step_back(explosion.what)
        if checkpoints and (said or descent.at(plan.checkpoint_every)):
            checkpoints.save(descent.step, *descent.last_good)
        each = (time.perf_counter() - began) / max(descent.step - before, 1)
        yield Progress("train", descent.step, plan.stop, loss, descent.figure, each * (plan.stop - descent.step), said or descent.said)
    yield Progress("train", descent.step, plan.stop, figure=descent.best_figure, result=descent.finish())


@contextmanager
def steady(plan: DescentPlan) -> Iterator[None]:
    """Threads, determinism and the random generator are the plan's inside, and the caller's again outside."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.set_num_threads(plan.threads)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # costs time, changes nothing here
    try:
        with torch.random.fork_rng():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)
        torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Step:
    loss: float
    rows: int


class Descent:
    """Where a descent stands: the network, the optimiser, the position, the best so far."""

    def __init__(self, network: nn.Module, train: Ragged, labels: np.ndarray, plan: DescentPlan) -> None:
        plan = replace(plan, device=usable(plan.device))
        self.network, self.train, self.plan = network.to(plan.device), train, plan
        labels = np.asarray(labels)
        self.numeric, self.several = labels.dtype.kind == "f" and labels.ndim == 1, labels.dtype.kind == "b"
        self.labels = torch.from_numpy(labels.astype(np.int64 if labels.dtype.kind == "i" else np.float32))
        self.most = EXPLODED * of_guessing(labels) * max((1.0, *(plan.class_weights or ())))
        self.judge = partial(closeness, loss=plan.loss) if self.numeric else overlap if self.several else accuracy
        self.lengths = cut_lengths(train, plan.longest)
        self.mean_rows = plan.batch_tokens / max(float(self.lengths.mean()), 1.0) if len(train) else 1.0
        self.optimiser = Optimiser(network, plan.optimiser, plan.weight_decay)
        self.weights = None if plan.class_weights is None else torch.tensor(plan.class_weights, device=plan.device)
        self.step = self.epoch = self.index = 0
        self.parts, self.said = 1, None  # of a batch that are computed one after the other, and what is to be told
        self.scale, self.retries = 1.0, 0
        self.figure: float | None = None
        self.best_figure: float | None = None
        self.best_step, self.looks_without_gain = 0, 0
        self.best: dict[str, np.ndarray] = {}
        self.batches = batches_of(self.lengths, plan, 0)
        self.last_good = self.state()

    # -- moving

    @property
    def over(self) -> bool:
        spent = self.plan.patience and self.looks_without_gain >= self.plan.patience
        return self.step >= self.plan.stop or bool(spent)

    def at(self, every: int) -> bool:
        """Whether this is a place where something happens every so many steps; the end always is."""
        return self.step > 0 and (self.step % every == 0 or self.step >= self.plan.stop)

    def next_stop(self) -> int:
        """The next step at which dev, a checkpoint or a sign of life is due: fixed by the plan, never by a clock."""
        plan = self.plan
        signs = max(1, plan.steps // 100)
        return min(plan.stop, *((self.step // every + 1) * every for every in (plan.dev_every, plan.checkpoint_every, signs)))

    def walk_to(self, stop: int) -> float:
        """Take the steps up to `stop`; their mean loss. Raises Exploded."""
        losses = [self.take_step().loss for _ in range(stop - self.step)]
        if self.at(self.plan.checkpoint_every):
            self.last_good = self.checked_state()
        return float(np.mean(losses))

    def take_step(self) -> Step:
        """One batch: forward, backward, clip, update. Raises Exploded before a bad gradient touches a weight."""
        if self.index == len(self.batches):
            self.epoch, self.index = self.epoch + 1, 0
            self.batches = batches_of(self.lengths, self.plan, self.epoch)
        rows = self.batches[self.index]
        self.network.train()
        value = self.backward(rows)
        norm = self.optimiser.clip(self.plan.clip)
        if not (math.isfinite(value) and math.isfinite(norm)) or value > self.most:
            raise Exploded(self.explain(value, rows))
        self.optimiser.update(self.plan.learning_rate * self.scale * schedule(self.step, self.plan))
        self.step, self.index = self.step + 1, self.index + 1
        return Step(value, len(rows))

    def backward(self, rows: np.ndarray) -> float:
        """The gradient of these rows' mean loss, and that. Where memory runs out, of a half after the other, from here on: the batch counts as before."""
        while True:
            torch.manual_seed(np.random.SeedSequence((self.plan.seed, self.step)).generate_state(1, np.uint64)[0].item())
            value = 0.0
            try:
                for part in np.array_split(rows, min(self.parts, len(rows))):
                    loss = self.loss(part)
                    # a batch of short rows holds more of them: weighed so that every row of the epoch counts the same
                    (loss * (len(part) / self.mean_rows)).backward()
                    value += float(loss.detach()) * len(part) / len(rows)
                return value
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error) or self.parts >= len(rows):
                    raise
            self.optimiser.forget()
            self.parts *= 2
            self.said = say(f"Memory ran out at step {self.step}: each batch is computed in {self.parts} parts from here on, and counts as before.",
                            f"第 {self.step} 步内存不足：此后每批分 {self.parts} 份计算，效果与整批相同。")

    def loss(self, rows: np.ndarray) -> Tensor:
        plan = self.plan
        inputs = [torch.from_numpy(array).to(plan.device) for array in padded(self.train, rows, longest=plan.longest)]
        with torch.autocast(plan.device, dtype=torch.bfloat16, enabled=plan.precision == "bf16"):
            logits = self.network(*inputs)
        if self.numeric and plan.loss == QUANTILES:
            off = self.labels[rows].to(plan.device).unsqueeze(1) - logits.float()  # (n, 3)
            levels = torch.tensor(LEVELS, device=plan.device)
            return 2 * torch.maximum(levels * off, (levels - 1) * off).sum(1).mean()
        if self.numeric:
            error = F.l1_loss if plan.loss == ABSOLUTE else F.mse_loss
            return error(logits.float()[:, 0], self.labels[rows].to(plan.device))
        if self.several:  # of every label, added up; all too sure of a hundred labels that it lacks, a row would unlearn the few it has: no smoothing
            return F.binary_cross_entropy_with_logits(logits.float(), self.labels[rows].to(plan.device), pos_weight=self.weights, reduction="sum") / len(rows)
        return F.cross_entropy(logits.float(), self.labels[rows].to(plan.device), self.weights, label_smoothing=plan.label_smoothing)

    def look(self, figure: float) -> None:
        """Remember the figure on dev, and the weights where it is the best yet; of equals, the later."""
        self.figure = figure
        if self.best_figure is None or figure >= self.best_figure:
            gained = self.best_figure is None or figure > self.best_figure
            self.best_figure, self.best_step = figure, self.step
            self.best = {f"best/{name}": value for name, value in arrays_of(self.network).items()}
            self.looks_without_gain = 0 if gained else self.looks_without_gain + 1
        else:
            self.looks_without_gain += 1
        if self.at(self.plan.checkpoint_every):
            self.last_good = self.state()

    def finish(self) -> Descended:
        """Put the weights of the best look back into the network, which is on the processor again: it is exported there."""
        self.network.cpu()
        if self.best:
            put_arrays(self.network, {name.removeprefix("best/"): value for name, value in self.best.items()})
        return Descended(self.best_step if self.best else self.step, self.step, self.best_figure)

    # -- what went wrong

    def explain(self, loss: float, rows: np.ndarray) -> Said:
        """Names the step, the batch's first rows and the first gradient that is no number (for the person who looks)."""
        bad = [name for name, p in self.network.named_parameters() if p.grad is not None and not finite(p.grad)]
        numbers = ", ".join(map(str, rows[:5]))
        tensor = bad[0] if bad else "–"
        return say(
            f"At step {self.step} the loss was {loss:.3g} (training rows {numbers} …; gradient that is no number: {tensor}).",
            f"第 {self.step} 步的损失是 {loss:.3g}（训练行 {numbers} …；不是数的梯度：{tensor}）。",
        )

    def step_back(self, what: Said) -> Said:
        """Return to the last good state with half the step size. Raises WorkError after five times."""
        retries, scale = self.retries + 1, self.scale / 2
        if retries > RETRIES:
            raise not_finite(what)
        self.restore(*self.last_good)
        self.retries, self.scale = retries, scale
        self.last_good = self.state()
        return say(
            f"{what.en} Nothing of it was kept: back at step {self.step}, going on with {self.scale:g} of the step size.",
            f"{what.zh} 这一步没有保留：回到第 {self.step} 步，以原步长的 {self.scale:g} 倍继续。",
        )

    # -- what is kept

    def checked_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The state, or Exploded where a weight is no number: such a state is never written."""
        for name, parameter in self.network.named_parameters():
            if not finite(parameter.detach()):
                text = f"{name}, {self.step}"
                raise Exploded(say(f"A weight became no number ({text}).", f"有权重变成了不是数的值（{text}）。"))
        return self.state()

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays (weights, optimiser, best weights) and a plain JSON record of the position; all copies."""
        weights = {f"weights/{name}": value for name, value in arrays_of(self.network).items()}
        moments = {f"optimiser/{name}": value for name, value in self.optimiser.arrays().items()}
        names = ("step", "epoch", "index", "parts", "scale", "retries", "figure", "best_figure", "best_step", "looks_without_gain")
        return {**weights, **moments, **self.best}, {name: getattr(self, name) for name in names}

    def resume(self, kept: tuple[Arrays, Mapping[str, Any]] | None) -> None:
        if kept is not None:
            self.restore(*kept)
            self.last_good = self.state()

    def restore(self, arrays: Arrays, record: Mapping[str, Any]) -> None:
        for name, value in record.items():
            setattr(self, name, value)
        put_arrays(self.network, part(arrays, "weights/"))
        self.optimiser.put(part(arrays, "optimiser/"))
        self.best = {name: value for name, value in arrays.items() if name.startswith("best/")}
        self.batches = batches_of(self.lengths, self.plan, self.epoch)


def out_of_memory(error: Exception) -> bool:
    """Whether this is what PyTorch or Python say where no more memory is given."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "allocate memory" in str(error) or "out of memory" in str(error)


def part(arrays: Arrays, prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def finite(tensor: Tensor) -> bool:
    values = tensor.coalesce().values() if tensor.is_sparse else tensor
    return bool(torch.isfinite(values).all())


def arrays_of(network: nn.Module) -> dict[str, np.ndarray]:
    """A copy of every weight and buffer."""
    return {name: value.detach().cpu().numpy().copy() for name, value in network.state_dict().items()}


def put_arrays(network: nn.Module, arrays: Arrays) -> None:
    network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in arrays.items()})


def logits_of(network: nn.Module, encoded: Ragged, plan: DescentPlan) -> np.ndarray:
    """float32 (N, L) in the rows' order; computed in fp32, rows of similar length together."""
    network.eval()
    parts: list[np.ndarray] = []
    batches = draw_batches(cut_lengths(encoded, plan.longest), 4 * plan.batch_tokens, seed=plan.seed, epoch=0)
    with torch.inference_mode():
        for rows in batches:
            inputs = [torch.from_numpy(array).to(plan.device) for array in padded(encoded, rows, longest=plan.longest)]
            parts.append(network(*inputs).float().cpu().numpy())
    return np.concatenate(parts)[np.argsort(np.concatenate(batches))]


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of rows whose highest logit is their label's."""
    return float((logits.argmax(1) == labels).mean())


def overlap(logits: np.ndarray, labels: np.ndarray) -> float:
    """The mean F1 of rows' labels, each answered at even odds; bool (N, L) labels."""
    return float(row_f1(logits > 0, labels).mean())


def of_guessing(labels: np.ndarray) -> float:
    """About the loss of a network that knows nothing, of the worst row where a number is guessed."""
    if labels.dtype.kind == "f" and labels.ndim == 1:
        return 1 + float(np.square(labels).max(initial=0))
    of_one = math.log((labels.max(initial=0) if labels.ndim == 1 else labels.shape[1]) + 2)
    return labels.shape[1] * math.log(2) if labels.dtype.kind == "b" else of_one


def closeness(numbers: np.ndarray, targets: np.ndarray, loss: str = "squared") -> float:
    """1 less the mean loss, the one that is minimised: targets vary by 1 on train, so of squared errors always saying their mean is 0, being right is 1."""
    return 1.0 - float(number_losses(numbers, targets, loss).mean())
