"""Checkpoints through everything that happens to them: damage, a full disk, a loss that is no number, a run broken off."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pytest
import torch
from damage import files_of, mutations
from tickets import tickets
from torch import nn

import startlm.families.network
import startlm.train
from startlm import build_model, prepare_examples
from startlm.core.artifacts import Examples, Model
from startlm.core.checkpoints import CheckpointFolder
from startlm.core.contracts import Progress, Ragged
from startlm.core.descent import DescentPlan, arrays_of, descend
from startlm.core.durable import read_json, verify_folder
from startlm.core.embeddings import Embedding
from startlm.core.errors import CallError, WorkError
from startlm.families.convolution import Network
from startlm.train import TrainSettings, train_steps

SEED = 20261124
PLAN = DescentPlan(steps=60, stop=60, batch_tokens=64, learning_rate=0.05, dev_every=20, checkpoint_every=7, seed=3)


class Small(nn.Module):
    """Embedding, dropout, mean, linear."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.embedding, self.dropout, self.head = Embedding(50, 8, spread=0.5), nn.Dropout(0.3), nn.Linear(8, 3)

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return self.head(self.dropout(self.embedding(ids)).sum(1) / lengths.clamp(min=1).unsqueeze(1))


def small_rows() -> tuple[Ragged, np.ndarray]:
    """200 rows whose label is which third of the ids theirs come from."""
    random = np.random.default_rng(0)
    labels, lengths = random.integers(0, 3, 200), random.integers(1, 9, 200)
    values = np.concatenate([random.integers(1, 17, length) + 16 * label for label, length in zip(labels, lengths, strict=True)])
    return Ragged(values.astype(np.int32), np.concatenate([[0], np.cumsum(lengths)])), labels


ROWS = small_rows()


def walked(store: CheckpointFolder | None, until: int = 60) -> dict[str, np.ndarray]:
    """The weights after a descent that goes on from what is stored, broken off after `until` steps."""
    network = Small()
    for progress in descend(network, *ROWS, PLAN, checkpoints=store):
        if progress.done >= until:
            break
    return arrays_of(network)


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(array, other[name]) for name, array in one.items())


@pytest.fixture(scope="module")
def unbroken() -> dict[str, np.ndarray]:
    return walked(None)


@pytest.fixture
def store(tmp_path: Path) -> CheckpointFolder:
    """Two checkpoints, of steps 28 and 35, as a killed run leaves them."""
    store = CheckpointFolder(tmp_path / "rungs" / "0-checkpoints")
    walked(store, 35)
    assert [path.name for path in store._steps()] == ["step-000000035", "step-000000028"]
    return store


# ----------------------------------------------------------------- damage

def harm(folder: Path, name: str, data: bytes, number: int) -> None:
    """Write other bytes; now and then take the file away, add one, or empty the folder."""
    (folder / name).write_bytes(data)
    if number % 20 == 0:
        (folder / name).unlink()
    elif number % 20 == 1:
        (folder / "another").write_bytes(data)
    elif number % 20 == 2:
        for path in folder.iterdir():
            path.unlink()


def restore(store: CheckpointFolder, kept: Path) -> CheckpointFolder:
    shutil.rmtree(store.folder)
    shutil.copytree(kept, store.folder)
    return CheckpointFolder(store.folder)


def test_200_damaged_checkpoints_are_all_found_and_the_one_before_is_taken(store: CheckpointFolder, unbroken: dict[str, np.ndarray], tmp_path: Path) -> None:
    kept, newest = Path(shutil.copytree(store.folder, tmp_path / "kept")), "step-000000035"
    for number, (name, data) in enumerate(mutations(kept / newest, 200, SEED)):
        store = restore(store, kept)
        harm(store.folder / newest, name, data, number)
        arrays, record = store.load()
        assert store.damaged == [newest] and record["step"] == 28, f"seed {SEED}, number {number}, {name}"
        if number % 20 == 0:
            assert same(walked(CheckpointFolder(store.folder)), unbroken)


def test_where_no_checkpoint_is_good_the_descent_starts_anew_to_the_same_bits(store: CheckpointFolder, unbroken: dict[str, np.ndarray], tmp_path: Path) -> None:
    kept = Path(shutil.copytree(store.folder, tmp_path / "kept"))
    for number, (name, data) in enumerate(mutations(kept / "step-000000035", 5, SEED + 1)):
        store = restore(store, kept)
        for folder in store._steps():
            harm(folder, name, data, number)
        assert same(walked(store), unbroken)
        assert store.damaged == ["step-000000035", "step-000000028"]


def test_damaged_checkpoints_do_not_push_out_new_ones(store: CheckpointFolder) -> None:
    for folder in store._steps():
        (folder / "record.json").write_text("{}")
    walked(store, 14)
    arrays, record = CheckpointFolder(store.folder).load()
    assert record["step"] == 14


def test_what_a_kill_left_unfinished_is_cleared_away(store: CheckpointFolder) -> None:
    (store.folder / ".partial-0123").mkdir()
    (store.folder / ".partial-0123" / "arrays.safetensors").write_bytes(b"half")
    (store.folder / "step-000000035").rename(store.folder / ".aside-step-000000035")
    assert store.load()[1]["step"] == 35 and store.damaged == []
    assert sorted(path.name for path in store.folder.iterdir()) == ["step-000000028", "step-000000035"]


# ------------------------------------------------------------- a full disk

@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", place], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"mounting a small disk was refused, so checkpoints on a full one are NOT tested here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_disk_full_at_any_place_of_a_save_leaves_the_last_good_checkpoint(small_disk: Path) -> None:
    arrays = {name: np.random.default_rng(1).random((16, 250), np.float32) for name in "abcde"}  # 80 kB
    store = CheckpointFolder(small_disk / "rung")
    store.save(7, arrays, {"step": 7})
    before = sorted(path.name for path in store.folder.iterdir())
    for kilobytes in range(0, 80, 4):
        (small_disk / "ballast").write_bytes(bytes(shutil.disk_usage(small_disk).free - 1024 * kilobytes))
        with pytest.raises(WorkError, match="disk is full"):
            store.save(14, arrays, {"step": 14})
        assert sorted(path.name for path in store.folder.iterdir()) == before
        assert same(store.load()[0], arrays) and verify_folder(store.folder / before[0])
        (small_disk / "ballast").unlink()
    store.save(14, arrays, {"step": 14})
    assert store.load()[1]["step"] == 14 and store.damaged == []


def test_a_descent_that_meets_a_full_disk_stops_and_goes_on_later_to_the_same_bits(small_disk: Path, unbroken: dict[str, np.ndarray]) -> None:
    store = CheckpointFolder(small_disk / "rung")
    walked(store, 21)
    (small_disk / "ballast").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    with pytest.raises(WorkError, match="disk is full"):
        walked(store)
    (small_disk / "ballast").unlink()
    assert CheckpointFolder(store.folder).load()[1]["step"] == 21
    assert same(walked(CheckpointFolder(store.folder)), unbroken)


# -------------------------------------------------- through the whole of train

@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Examples]:
    examples = prepare_examples(tickets(120), text="message", label="team", folder=tmp_path_factory.mktemp("data"))
    return build_model(examples, family="convolution", size="small"), examples


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch)


@pytest.fixture(scope="module")
def whole(begun: tuple[Model, Examples], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an unbroken training, with its plan."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        train(begun, folder)
    return folder


def hasten(patch: pytest.MonkeyPatch) -> None:
    """A checkpoint an epoch, not one in 15 seconds; two folds, not five."""
    patch.setattr(startlm.families.network, "CHECKPOINT_SECONDS", 0)
    patch.setattr(startlm.train, "FOLDS", 2)


def train(begun: tuple[Model, Examples], folder: Path, stop_after: int | None = None, **settings: Any) -> list[Progress]:
    """Train in the folder, or break off after so many signs of life that carry a loss."""
    progress, losses = [], 0
    for each in train_steps(*begun, settings=replace(TrainSettings(budget="10s", threads=1), **settings), folder=folder):
        progress.append(each)
        losses += each.loss is not None
        if losses == stop_after:
            break
    return progress


def said_in(progress: list[Progress]) -> str:
    return "\n".join(each.said.en for each in progress if each.said)


def test_a_broken_training_with_damaged_checkpoints_starts_that_rung_anew_from_the_plan(
    begun: tuple[Model, Examples], whole: Path, often: None, tmp_path: Path
) -> None:
    train(begun, tmp_path, stop_after=30, plan=str(whole / "plan.json"))
    plan, checkpoints = (tmp_path / "plan.json").read_bytes(), sorted((tmp_path / "rungs").glob("*-checkpoints/step-*"))
    assert len(checkpoints) == 2
    for number, folder in enumerate(checkpoints):
        ((name, data),) = mutations(folder, 1, SEED + number)
        (folder / name).write_bytes(data)
    progress = train(begun, tmp_path, budget="1s")  # a machine ten times slower: the plan that is there is followed
    assert all(folder.name in said_in(progress) for folder in checkpoints) and "Damaged checkpoints" in said_in(progress)
    assert (tmp_path / "plan.json").read_bytes() == plan == (whole / "plan.json").read_bytes()
    assert files_of(tmp_path / "model") == files_of(whole / "model")
    assert list((tmp_path / "rungs").glob("*-checkpoints")) == []


def test_a_damaged_rung_is_trained_anew_to_the_same_bits(begun: tuple[Model, Examples], whole: Path, often: None, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "copy")
    ((name, data),) = mutations(tmp_path / "copy" / "rungs" / "0", 1, SEED)
    (tmp_path / "copy" / "rungs" / "0" / name).write_bytes(data)
    assert "is damaged: it is trained anew" in said_in(train(begun, tmp_path / "copy"))
    assert files_of(tmp_path / "copy" / "model") == files_of(whole / "model")


def test_a_training_broken_off_between_folds_goes_on_with_the_next_fold_to_the_same_bits(
    begun: tuple[Model, Examples], whole: Path, often: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits, fit = [], startlm.train.fit_network_steps

    def noted(*arguments: Any) -> Iterator[Progress]:
        fits.append(arguments[-1].name)
        if fits[-3:] == ["0-whole-checkpoints", "0-fold-0-checkpoints", "0-fold-1-checkpoints"]:
            raise KeyboardInterrupt
        return fit(*arguments)

    monkeypatch.setattr(startlm.train, "fit_network_steps", noted)
    with pytest.raises(KeyboardInterrupt):
        train(begun, tmp_path, plan=str(whole / "plan.json"))
    assert sorted(path.name for path in (tmp_path / "rungs").iterdir()) == ["0-fold-0", "0-whole"]
    fits.clear()
    train(begun, tmp_path)
    assert fits == ["0-fold-1-checkpoints"] and [path.name for path in (tmp_path / "rungs").iterdir()] == ["0"]
    assert files_of(tmp_path / "model") == files_of(whole / "model")


def test_what_a_clock_read_stands_in_the_plan_and_not_in_the_model(begun: tuple[Model, Examples], whole: Path, often: None, tmp_path: Path) -> None:
    plan = read_json(whole / "plan.json")
    assert plan["rungs"][0]["options"].keys() >= {"seconds", "timed"}
    plan["rungs"][0]["options"] |= {"seconds": 1e3, "timed": {"en": "slow", "zh": "慢"}}
    (tmp_path / "slower.json").write_text(json.dumps(plan), encoding="utf-8")
    train(begun, tmp_path / "run", plan=str(tmp_path / "slower.json"))
    assert files_of(tmp_path / "run" / "model") == files_of(whole / "model")


@pytest.mark.parametrize(("other", "settings", "said"), [
    ({"size": "medium"}, {}, "convolution: size is small there and medium here"),
    ({"family": "lstm"}, {}, "it trains convolution"),
    ({}, {"seed": 1}, "seed is 0 there and 1 here"),
    ({}, {"class_weights": "balanced"}, "class_weights is none there and balanced here"),
])  # fmt: skip
def test_a_plan_for_other_settings_is_refused_with_what_differs(
    begun: tuple[Model, Examples], whole: Path, tmp_path: Path, other: dict[str, str], settings: dict[str, Any], said: str
) -> None:
    model = build_model(begun[1], **{"family": "convolution", "size": "small", **other})
    with pytest.raises(CallError, match=said):
        train((model, begun[1]), tmp_path, plan=str(whole / "plan.json"), **settings)
    assert not (tmp_path / "plan.json").exists()


@pytest.mark.parametrize("content", ["[]", "{}", '{"settings": 1, "rungs": []}', '{"settings": {"labels": 2, "seed": 0, "class_weights": "none"}, "rungs": [{"family": "x"}]}'])
def test_a_file_that_is_no_plan_is_refused_in_words(begun: tuple[Model, Examples], tmp_path: Path, content: str) -> None:
    (tmp_path / "other.json").write_text(content, encoding="utf-8")
    with pytest.raises(CallError, match="not a plan for what is to be trained"):
        train(begun, tmp_path / "run", plan=str(tmp_path / "other.json"))


def test_a_plan_with_other_widths_or_for_other_labels_is_refused_and_one_for_other_rows_is_followed(begun: tuple[Model, Examples], whole: Path, often: None, tmp_path: Path) -> None:
    (rung,), more = begun[0].rungs, tickets(150, seed=1)
    wider = replace(begun[0], rungs=(replace(rung, options={**rung.options, "width": 80}),))
    with pytest.raises(CallError, match="width is 64 there and 80 here"):
        train((wider, begun[1]), tmp_path / "wider", plan=str(whole / "plan.json"))
    three = prepare_examples(tickets(120, teams=("money", "post", "tea")), text="message", label="team", folder=tmp_path / "three")
    with pytest.raises(CallError, match="labels is 2 there and 3 here"):
        train((build_model(three, family="convolution", size="small"), three), tmp_path / "labels", plan=str(whole / "plan.json"))
    examples = prepare_examples(more, text="message", label="team", folder=tmp_path / "more")
    assert train((build_model(examples, family="convolution", size="small"), examples), tmp_path / "rows", plan=str(whole / "plan.json"))[-1].result.folder


def test_a_planted_nan_is_said_halves_the_step_and_is_never_written(
    begun: tuple[Model, Examples], whole: Path, often: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, saved, forward, save = [], [], Network.forward, CheckpointFolder.save

    def poisoned(self: Network, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        calls.append(self.training)
        return forward(self, ids, lengths) * (float("nan") if len(calls) == 12 else 1.0)

    def noted(self: CheckpointFolder, step: int, arrays: dict[str, np.ndarray], record: dict[str, Any]) -> None:
        saved.append((all(np.isfinite(array).all() for array in arrays.values()), record["scale"]))
        save(self, step, arrays, record)

    monkeypatch.setattr(Network, "forward", poisoned)
    monkeypatch.setattr(CheckpointFolder, "save", noted)
    progress = train(begun, tmp_path, plan=str(whole / "plan.json"))
    assert calls[11] and "step 11" in said_in(progress) and said_in(progress).count("back at step") == 1
    assert all(finite for finite, _ in saved) and {scale for _, scale in saved} == {1.0, 0.5}
    weights = files_of(tmp_path / "model")["members/0/engine.onnx"]
    assert weights != files_of(whole / "model")["members/0/engine.onnx"] and progress[-1].result.folder == tmp_path / "model"
