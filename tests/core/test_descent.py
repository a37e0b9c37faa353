"""The training loop: same plan, same bits; interrupted or not; nothing that is no number is ever kept."""

import json
import math
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from startlm.core import descent as loop, step_times
from startlm.core.contracts import Ragged
from startlm.core.descent import Descended, DescentPlan, accuracy, arrays_of, descend, plan_descent, refit_plan, schedule
from startlm.core.descent_plan import Measured
from startlm.core.embeddings import Embedding
from startlm.core.errors import CallError, WorkError
from startlm.core.language import say
from startlm.core.number_losses import in_order
from startlm.core.optimisers import Optimiser
from startlm.core.step_times import measure

PLAN = DescentPlan(steps=60, stop=60, batch_tokens=64, learning_rate=0.05, dev_every=20, checkpoint_every=7, seed=3)


class Toy(nn.Module):
    """Embedding, dropout, mean, linear: every kind of state that a real network has."""

    def __init__(self, dropout=0.3):
        super().__init__()
        torch.manual_seed(1)
        self.embedding, self.dropout, self.head = Embedding(50, 8, spread=0.5), nn.Dropout(dropout), nn.Linear(8, 3)

    def forward(self, ids, lengths):
        return self.head(self.dropout(self.embedding(ids)).sum(1) / lengths.clamp(min=1).unsqueeze(1))


class Memory:
    """Checkpoints kept in a list."""

    def __init__(self):
        self.kept = []

    def save(self, step, arrays, record):
        self.kept.append((step, {name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(record))))

    def load(self):
        return self.kept[-1][1:] if self.kept else None


def toy_rows(count=200, seed=0):
    """Rows whose label is which third of the ids their first id comes from."""
    random = np.random.default_rng(seed)
    labels, lengths = random.integers(0, 3, count), random.integers(1, 9, count)
    values = np.concatenate([random.integers(1, 17, length) + 16 * label for label, length in zip(labels, lengths, strict=True)])
    return Ragged(values.astype(np.int32), np.concatenate([[0], np.cumsum(lengths)])), labels


TRAIN, DEV = toy_rows(), toy_rows(60, 1)


def run(plan=PLAN, network=None, **options):
    network = network or Toy()
    progress = list(descend(network, *TRAIN, plan, **options))
    return network, progress


def same(one, other):
    return all(np.array_equal(array, other[name]) for name, array in one.items())


def test_the_loss_falls_and_dev_is_learned():
    _, progress = run(dev=DEV)
    assert progress[0].loss > 0.9 and progress[-2].loss < 0.5 and progress[-1].result.figure > 0.95
    assert [p.done for p in progress] == sorted(p.done for p in progress) and progress[-1].done == 60


def test_a_precision_that_explodes_while_it_is_timed_is_left_out():
    from toy_networks import Exploding  # here, since a fresh process below imports this file alone

    assert measure(Exploding(only_bf16=True), *TRAIN, {"batch_rows": 16}, threads=1).precision == "fp32"


def test_where_every_precision_explodes_while_it_is_timed_it_is_said_in_words():
    from toy_networks import Exploding

    with pytest.raises(WorkError, match="does not stay finite: At step 0 the loss was nan") as caught:
        measure(Exploding(), *TRAIN, {"batch_rows": 16}, threads=1)
    assert 'size = "small"' in caught.value.hint.en and "第 0 步" in caught.value.message.zh


def test_a_gpu_that_fails_while_it_is_timed_is_left_out(monkeypatch):
    monkeypatch.setattr(step_times, "devices", lambda: ["broken", "cpu"])
    monkeypatch.setattr(loop, "usable", lambda device: device)
    assert measure(Toy(), *TRAIN, {"batch_rows": 16}, threads=1).device == "cpu"


class Sleeping:
    """A descent whose steps take so many seconds."""

    def __init__(self, seconds):
        self.plan, self.steps, self.seconds = PLAN, 0, seconds

    def take_step(self):
        self.steps += 1
        time.sleep(self.seconds)
        return SimpleNamespace(rows=10)


def test_what_has_lost_is_not_timed_again():
    whole, lost = Sleeping(0.02), Sleeping(0.02)
    assert step_times.time_steps(whole)[1] == pytest.approx(500, rel=0.3) and whole.steps == 1 + step_times.MOST, "one to warm up"
    assert step_times.time_steps(lost, beat=0.01)[0] >= 0.02 and lost.steps == 2


def test_long_steps_are_timed_less_often(monkeypatch):
    monkeypatch.setattr(step_times, "LONGEST", 0.05)
    step_times.time_steps(long := Sleeping(0.03))
    assert long.steps == 1 + step_times.FEWEST


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_plan_made_beside_a_gpu_is_followed_without_one():
    assert same(arrays_of(run(replace(PLAN, device="cuda"), dev=DEV)[0]), arrays_of(run(dev=DEV)[0]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU at hand")
def test_on_a_gpu_the_same_plan_learns_as_well_is_resumed_bit_for_bit_and_ends_on_the_processor():
    plan, memory = replace(PLAN, device="cuda"), Memory()
    whole, progress = run(plan, dev=DEV, checkpoints=memory)
    memory.kept = memory.kept[: len(memory.kept) // 2]
    assert progress[-1].result.figure > 0.95 and next(whole.parameters()).device.type == "cpu"
    assert same(arrays_of(whole), arrays_of(run(plan, dev=DEV, checkpoints=memory)[0]))


def test_the_same_plan_gives_the_same_bits_and_another_seed_others():
    one, again, other = run()[0], run()[0], run(DescentPlan(**{**vars(PLAN), "seed": 4}))[0]
    assert same(arrays_of(one), arrays_of(again)) and not same(arrays_of(one), arrays_of(other))


def test_what_the_caller_does_between_two_signs_changes_nothing():
    network = Toy()
    for progress in descend(network, *TRAIN, PLAN, dev=DEV):
        torch.rand(progress.done + 1)
        torch.set_num_threads(1 + progress.done % 2)
    torch.set_num_threads(1)
    assert same(arrays_of(network), arrays_of(run(dev=DEV)[0]))


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_killed_anywhere_and_resumed_the_bits_are_those_of_an_unbroken_run(optimiser):
    plan = DescentPlan(**{**vars(PLAN), "optimiser": optimiser})
    unbroken = arrays_of(run(plan, dev=DEV)[0])
    for killed_after in np.random.default_rng(0).integers(1, 60, 5):
        kept = Memory()
        for progress in descend(Toy(), *TRAIN, plan, dev=DEV, checkpoints=kept):
            if progress.done >= killed_after:
                break
        resumed, progress = run(plan, dev=DEV, checkpoints=kept)
        assert progress[0].done >= progress[0].total or progress[0].done > killed_after - 8
        assert same(unbroken, arrays_of(resumed))


def test_a_fresh_process_goes_on_to_the_same_bits(tmp_path):
    kept = Memory()
    walk = descend(Toy(), *TRAIN, PLAN, dev=DEV, checkpoints=kept)
    while next(walk).done < 35:
        pass
    arrays, record = kept.load()
    np.savez(tmp_path / "state.npz", **arrays)
    (tmp_path / "state.json").write_text(json.dumps(record))
    code = f"""
        import json, sys, numpy as np
        sys.path.insert(0, {str(__file__).rsplit("/", 1)[0]!r})
        from test_descent import *
        class Stored:
            def load(self): return dict(np.load("state.npz")), json.load(open("state.json"))
            def save(self, *state): pass
        np.savez("end.npz", **arrays_of(run(dev=DEV, checkpoints=Stored())[0]))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, check=True)
    assert same(dict(np.load(tmp_path / "end.npz")), arrays_of(run(dev=DEV)[0]))


def test_checkpoints_come_where_the_plan_says():
    kept = Memory()
    run(checkpoints=kept)
    assert [step for step, *_ in kept.kept] == [7, 14, 21, 28, 35, 42, 49, 56, 60]


def test_a_finished_run_is_not_run_again():
    kept = Memory()
    first, _ = run(dev=DEV, checkpoints=kept)
    again, progress = run(dev=DEV, checkpoints=kept)
    assert len(progress) == 1 and same(arrays_of(first), arrays_of(again))


# ---------------------------------------------------------- what goes wrong

class Poisoned(Toy):
    """Gives a NaN at the calls with these numbers (counted while training)."""

    def __init__(self, calls):
        super().__init__()
        self.calls, self.seen = set(calls), 0

    def forward(self, ids, lengths):
        logits = super().forward(ids, lengths)
        self.seen += self.training
        return logits * float("nan") if self.training and self.seen in self.calls else logits


def test_a_planted_nan_is_never_kept_and_said_with_its_step():
    kept = Memory()
    network, progress = run(network=Poisoned([25]), dev=DEV, checkpoints=kept)
    said = [p.said for p in progress if p.said]
    assert len(said) == 1 and "step 24" in said[0].en and "embedding.weight" in said[0].en and "back at step 21" in said[0].en and "第 24 步" in said[0].zh
    assert all(np.isfinite(array).all() for _, arrays, _ in kept.kept for array in arrays.values())
    assert kept.kept[-1][2]["scale"] == 0.5 and progress[-1].result.figure > 0.9


def test_after_a_nan_a_resumed_run_goes_on_with_the_half_step_to_the_same_bits():
    unbroken, kept = run(network=Poisoned([25]), dev=DEV)[0], Memory()
    for progress in descend(Poisoned([25]), *TRAIN, PLAN, dev=DEV, checkpoints=kept):
        if progress.said:
            break
    assert same(arrays_of(unbroken), arrays_of(run(dev=DEV, checkpoints=kept)[0]))


def test_a_nan_that_comes_back_ends_with_an_error_and_what_to_try():
    network = Poisoned(range(25, 1000))
    with pytest.raises(WorkError, match=r"size = .small"):
        run(network=network)
    assert network.seen < 25 + 6 * 8


def test_an_infinite_weight_is_not_written(monkeypatch):
    monkeypatch.setattr(Optimiser, "update", lambda self, rate: self.dense[0].data.fill_(math.inf))
    kept = Memory()
    with pytest.raises(WorkError):
        run(checkpoints=kept)
    assert all(np.isfinite(array).all() for _, arrays, _ in kept.kept for array in arrays.values())


# ------------------------------------------------------------- optimisers

def test_rows_of_an_embedding_move_as_adams_do_when_every_row_is_used():
    plain, lazy = nn.Embedding(6, 4), Embedding(6, 4, spread=1.0)
    lazy.weight.data.copy_(plain.weight.data)
    reference, own = torch.optim.AdamW(plain.parameters(), weight_decay=0), Optimiser(nn.ModuleList([lazy, nn.Linear(1, 1)]), "adamw", 0.1)
    for step in range(5):
        ids = torch.randint(1, 6, (30,)).unique()
        for table in (plain(torch.arange(1, 6)), lazy(torch.arange(1, 6).unsqueeze(0))[0]):
            ((table - step) ** 2 * len(ids)).sum().backward()
        reference.param_groups[0]["lr"] = 0.01
        reference.step()
        reference.zero_grad()
        own.update(0.01)
    assert torch.allclose(plain.weight, lazy.weight, atol=1e-6)


def test_clipping_counts_sparse_and_dense_gradients_together():
    toy = Toy(0.0)
    toy(torch.tensor([[1, 2], [2, 3]]), torch.tensor([2, 2])).sum().backward()
    whole = math.sqrt(sum(float(p.grad.to_dense().square().sum()) for p in toy.parameters()))
    optimiser = Optimiser(toy, "adamw", 0.0)
    assert optimiser.clip(0.5) == pytest.approx(whole, rel=1e-5) and optimiser.clip(0.0) == pytest.approx(0.5, rel=1e-5)


def test_an_unknown_optimiser_is_refused():
    with pytest.raises(CallError, match="adamw"):
        Optimiser(Toy(), "adam", 0.0)


# ----------------------------------------------------------------- plans

def test_the_plan_counts_its_steps_before_the_first():
    measured = Measured("fp32", 1, 0.1, 1000, say("", ""))
    options = {"epochs": 4, "batch_rows": 16, "learning_rate": 0.01, "class_weights": "balanced"}
    plan = plan_descent(options, *TRAIN, measured, seed=0)
    each = plan.dev_every
    assert 4 * each - 4 <= plan.steps <= 4 * each + 4 and plan.learning_rate == 0.01
    assert np.bincount(TRAIN[1]) @ plan.class_weights == pytest.approx(len(TRAIN[1]))
    assert DescentPlan(**json.loads(json.dumps(vars(plan)))).steps == plan.steps


def test_refit_walks_as_far_on_more_rows():
    plan = refit_plan(PLAN, Descended(step=40, stop=60, figure=0.9), 100, 120)
    assert (plan.steps, plan.stop, plan.patience) == (72, 48, 0)


def test_the_rate_rises_then_falls_to_nothing():
    plan = DescentPlan(steps=100, stop=100, batch_tokens=1, warm_up=0.1)
    rates = [schedule(step, plan) for step in range(100)]
    assert np.argmax(rates) == 10 and rates[0] < 0.1 and rates[-1] < 0.01 and max(rates) == 1.0


def test_without_a_gain_on_dev_it_stops_and_keeps_the_best_weights():
    figures = iter([0.5, 0.9, 0.8, 0.7, 0.6])
    plan = DescentPlan(**{**vars(PLAN), "dev_every": 10, "patience": 2})
    _, progress = run(plan, dev=DEV, judge=lambda logits, labels: next(figures))
    assert progress[-1].result == Descended(step=20, stop=40, figure=0.9)


def test_measuring_leaves_the_network_alone():
    network = Toy()
    before = arrays_of(network)
    measured = measure(network, *TRAIN, {"batch_rows": 16})
    assert measured.precision in ("fp32", "bf16") and measured.seconds > 0 and measured.rows > 0
    assert same(before, arrays_of(network))


def test_logits_come_back_in_the_rows_order():
    network = Toy()
    logits = loop.logits_of(network, TRAIN[0], PLAN)
    alone = loop.logits_of(network, TRAIN[0].take(np.array([17])), PLAN)
    assert np.allclose(logits[17], alone[0], atol=1e-6) and 0 <= accuracy(logits, TRAIN[1]) <= 1


# --------------------------------------------------------------- quantiles

def spread_out(count=600, seed=0):
    """Rows that are one id: rows of the first are sure to be near 1, those of the second are anywhere about −1."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, 2, count)
    numbers = np.where(kind == 0, 1 + 0.05 * random.normal(size=count), -1 + 1.0 * random.normal(size=count))
    return Ragged((kind + 1).astype(np.int32), np.arange(count + 1)), numbers, kind


def test_a_network_tells_quantiles_and_interrupted_or_not_ends_with_the_same_bits():
    encoded, numbers, kind = spread_out()
    plan = DescentPlan(steps=400, stop=400, batch_tokens=64, learning_rate=0.02, dev_every=100, checkpoint_every=50, seed=1, loss="quantiles")
    whole, broken, memory = Toy(0.0), Toy(0.0), Memory()
    for _ in descend(whole, encoded, numbers, plan, dev=(encoded, numbers)):
        pass
    for progress in descend(broken, encoded, numbers, plan, dev=(encoded, numbers), checkpoints=memory):
        if progress.done > 120:
            break
    broken = Toy(0.0)
    for _ in descend(broken, encoded, numbers, plan, dev=(encoded, numbers), checkpoints=memory):
        pass
    assert all(np.array_equal(one, other) for one, other in zip(arrays_of(whole).values(), arrays_of(broken).values(), strict=True))
    middle, low, high = in_order(loop.logits_of(whole, encoded, plan)).T
    assert np.mean((high - low)[kind == 1]) > 4 * np.mean((high - low)[kind == 0])
    assert [np.mean(numbers < each) for each in (low, middle, high)] == pytest.approx([0.05, 0.5, 0.95], abs=0.06)


class Hungry(Toy):
    """Has memory for batches of at most so many rows."""

    most = 5

    def forward(self, ids, lengths):
        if self.training and len(ids) > self.most:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes.")
        return super().forward(ids, lengths)


def test_where_memory_runs_out_smaller_parts_give_the_same_descent_and_it_is_said():
    plan = DescentPlan(**{**vars(PLAN), "steps": 6, "stop": 6})
    plain, (hungry, progress) = run(plan, Toy(0.0))[0], run(plan, Hungry(0.0))
    said = [each.said for each in progress if each.said]
    assert "Memory ran out at step" in said[0].en and "内存不足" in said[0].zh
    assert all(np.allclose(array, arrays_of(plain)[name], atol=1e-5) for name, array in arrays_of(hungry).items())


def test_an_error_that_is_not_of_memory_is_not_taken_for_one():
    class Wrong(Toy):
        def forward(self, ids, lengths):
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        run(network=Wrong())
