"""Kill -9 at any moment, then the same command: the same bits as an unbroken run of the same plan."""

from __future__ import annotations

import csv
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tickets import tickets

SEED = 20261124
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


def check_kills(folder: Path, kills: int) -> None:
    plan, whole = plan_of(folder / "desk"), what_came_out(folder / "again")
    wall = run(folder, "--plan", str(plan), project=f"timed-{kills}", copy_of="desk")
    moments = random.Random(SEED)
    print(f"seed {SEED}, one run takes {wall:.1f} s")
    for number in range(kills):
        name, moment = f"killed-{kills}-{number}", moments.uniform(0, wall)
        (folder / name).mkdir()
        (folder / name / "startlm.toml").write_bytes((folder / "desk" / "startlm.toml").read_bytes())
        process = subprocess.Popen(command(name, "--plan", str(plan)), cwd=folder, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        run(folder, "--plan", str(plan), project=name)
        assert what_came_out(folder / name) == whole, f"killed after {moment:.2f} s"


def test_the_same_plan_gives_the_same_bits(unbroken: Path) -> None:
    assert what_came_out(unbroken / "desk") == what_came_out(unbroken / "again")


def test_a_run_killed_at_four_moments_ends_with_the_same_bits(unbroken: Path) -> None:
    check_kills(unbroken, 4)


@pytest.mark.slow
def test_a_run_killed_at_twenty_moments_ends_with_the_same_bits(unbroken: Path) -> None:
    check_kills(unbroken, 20)
