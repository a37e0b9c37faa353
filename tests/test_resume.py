"""Kill -9 at any moment, then the same command: the same bits as an unbroken run of the same plan."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import startlm.train
from damage import files_of
from orders import orders
from startlm import build_model, prepare_examples, train_model
from tickets import tickets
from toy_weights import built_on, toy_weights

ROOT, SEED = Path(__file__).resolve().parent.parent, 20261124
RUN = ("--family", "auto", "--size", "small", "--budget", "30s")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished project whose plan the others follow; 2,200 rows, so that dev, calibration and refit take part."""
    folder = tmp_path_factory.mktemp("unbroken")
    with (folder / "tickets.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["id", "message", "team"])
        writer.writeheader()
        writer.writerows(tickets(2_900, teams=("money", "post", "tea")))
    subprocess.run([sys.executable, "-m", "startlm", "new", "desk", "--data", "tickets.csv"], cwd=folder, check=True, capture_output=True)
    run(folder)
    run(folder, "--plan", str(plan_of(folder / "desk")), project="again", copy_of="desk")
    return folder


def plan_of(project: Path) -> Path:
    return next(project.glob("runs/2*/train/plan.json"))


def run(folder: Path, *more: str, project: str = "desk", copy_of: str | None = None) -> float:
    if copy_of:
        (folder / project).mkdir()
        (folder / project / "startlm.toml").write_bytes((folder / copy_of / "startlm.toml").read_bytes())
    began = time.monotonic()
    done = subprocess.run(command(project, *more), cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - began


def command(project: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "startlm", "run", project, *RUN, *more]


def what_came_out(project: Path) -> dict[str, str]:
    """The hashes of every file of the model and the bundle, and of the predictions."""
    run_folder = next(project.glob("runs/2*"))
    model = json.loads((run_folder / "train" / "model" / "manifest.json").read_text(encoding="utf-8"))
    bundle = json.loads((project / "bundles" / "v1" / "manifest.json").read_text(encoding="utf-8"))
    answers = (run_folder / "answers.csv").read_text(encoding="utf-8")
    return {**{name: each["sha256"] for name, each in model["files"].items()}, **{f"bundle/{name}": each["sha256"] for name, each in bundle["files"].items()}, "answers": answers}


def check_kills(folder: Path, kills: int, *more: str) -> None:
    plan, whole = plan_of(folder / "desk"), what_came_out(folder / "again")
    more = (*more, "--plan", str(plan))
    wall = run(folder, *more, project=f"timed-{kills}", copy_of="desk")
    moments = random.Random(SEED)
    print(f"seed {SEED}, one run takes {wall:.1f} s")
    for number in range(kills):
        name, moment = f"killed-{kills}-{number}", moments.uniform(0, wall)
        (folder / name).mkdir()
        (folder / name / "startlm.toml").write_bytes((folder / "desk" / "startlm.toml").read_bytes())
        process = subprocess.Popen(command(name, *more), cwd=folder, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        run(folder, *more, project=name)
        assert what_came_out(folder / name) == whole, f"killed after {moment:.2f} s"


def test_the_same_plan_gives_the_same_bits(unbroken: Path) -> None:
    assert what_came_out(unbroken / "desk") == what_came_out(unbroken / "again")


def test_a_run_killed_at_two_moments_ends_with_the_same_bits(unbroken: Path) -> None:
    check_kills(unbroken, 2)


# ----------------------------------------------- columns: trees beside a text, and a number to be told

PROJECTS = {  # what `new` is told of orders.csv, and the family
    "trees": (("--label", "returned", "--columns", "pieces: number,weight: number,city: category"), "trees"),
    "score": (("--label", "paid", "--columns", "pieces: number,weight: number,city: category,ordered: date"), "auto"),
}


@pytest.fixture(scope="module", params=PROJECTS)
def unbroken_table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, str]]:
    """A finished project on a table of columns, another that followed its plan, and the flags of both."""
    told, family = PROJECTS[request.param]
    folder, more = tmp_path_factory.mktemp(request.param), ("--family", family)
    with (folder / "orders.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(orders(1)[0]))
        writer.writeheader()
        writer.writerows(orders(240))
    subprocess.run([sys.executable, "-m", "startlm", "new", "desk", "--data", "orders.csv", *told], cwd=folder, check=True, capture_output=True)
    run(folder, *more)
    run(folder, *more, "--plan", str(plan_of(folder / "desk")), project="again", copy_of="desk")
    return folder, more


def test_a_run_on_columns_killed_at_two_moments_ends_with_the_same_bits(unbroken_table: tuple[Path, tuple[str, str]]) -> None:
    folder, more = unbroken_table
    assert what_came_out(folder / "desk") == what_came_out(folder / "again"), "the same plan, the same bits"
    check_kills(folder, 2, *more)


@pytest.mark.slow
def test_a_run_on_columns_killed_at_twelve_moments_ends_with_the_same_bits(unbroken_table: tuple[Path, tuple[str, str]]) -> None:
    folder, more = unbroken_table
    check_kills(folder, 12, *more)


# ------------------------------------------ fewer than 2,000 rows: every fold may be the one that is killed

PLACES = ("plan.json", "rungs/0-whole-checkpoints", "rungs/0-whole", "rungs/0-fold-0", "rungs/0-fold-1-checkpoints", "rungs/0-fold-1", "rungs/0")


def train_in_folds(family: str, parent: Path, name: str, plan: str | None) -> None:
    """A short training of 96 rows in two folds; the examples lie beside it, made once."""
    startlm.train.FOLDS = 2
    examples = prepare_examples(tickets(120), text="message", label="team", folder=parent / "data")
    weights = {"weights": str(toy_weights(parent / "toy"))} if built_on(family) else {}
    train_model(build_model(examples, family=family, size="small", **weights), examples, budget="1s", threads=1, folder=parent / name, plan=plan)


@pytest.mark.parametrize("family", ["lstm", "tuned", "pretrained", *(pytest.param(name, marks=pytest.mark.slow) for name in ("linear", "convolution", "transformer"))])
def test_a_training_in_folds_killed_at_a_drawn_place_ends_with_the_same_bits(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startlm.train, "FOLDS", 2)  # so that it is as before afterwards
    place = random.Random(f"{SEED} {family}").choice([place for place in PLACES if family not in ("linear", "pretrained") or "checkpoints" not in place])
    train_in_folds(family, tmp_path, "whole", None)
    plan = str(tmp_path / "whole" / "plan.json")
    code = f"from pathlib import Path; from test_resume import train_in_folds; train_in_folds({family!r}, Path({str(tmp_path)!r}), 'killed', {plan!r})"
    path = os.pathsep.join([*map(str, (ROOT, ROOT / "tests")), os.environ["PYTHONPATH"]])
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (tmp_path / "killed" / place).exists():
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL, f"it ended before {place} was there"
    train_in_folds(family, tmp_path, "killed", plan)
    assert files_of(tmp_path / "killed" / "model") == files_of(tmp_path / "whole" / "model"), f"killed at {place}"


@pytest.mark.slow
def test_a_run_killed_at_twenty_moments_ends_with_the_same_bits(unbroken: Path) -> None:
    check_kills(unbroken, 20)
