"""A project from call to call: what each step does or leaves, what `plan` says of it, and which run a call goes on with."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

from startlm.core.errors import CallError, GateError
from startlm.project import STEPS, Project, StepDone, new_project, plan_project, run_project
from tickets import tickets


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A project named desk that reads a small table and trains the cheapest family."""
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(row) for row in tickets(240)), encoding="utf-8")
    new_project(tmp_path / "desk", {"data": "../t.jsonl", "text": ["message"], "label": "team"}, "")
    change(tmp_path / "desk", '# family = "auto"', 'family = "linear"')
    return tmp_path / "desk"


def change(project: Path, old: str, new: str) -> None:
    text = (project / "startlm.toml").read_text(encoding="utf-8")
    assert old in text
    (project / "startlm.toml").write_text(text.replace(old, new), encoding="utf-8")


def go(project: Path, until: str = "deploy", **flags: Any) -> list[StepDone]:
    return list(done(project, until, **flags))


def done(project: Path, until: str, **flags: Any) -> Iterator[StepDone]:
    for progress in run_project(Project(project, flags), until):
        if isinstance(progress.result, StepDone):
            yield progress.result


def fresh(steps: list[StepDone]) -> list[str]:
    return [step.step for step in steps if step.fresh]


def stale(project: Path, **flags: Any) -> dict[str, str]:
    return {state.step: state.why.en for state in plan_project(Project(project, flags)) if state.stale}


# ------------------------------------------------------------ step by step

def test_five_steps_one_by_one_leave_nothing_to_do(desk: Path) -> None:
    for number, step in enumerate(STEPS):
        assert fresh(go(desk, step)) == list(STEPS[:number]), "a step is fresh from the second call on"
    assert stale(desk) == {} and fresh(go(desk)) == list(STEPS)


def test_plan_names_the_step_that_was_done_again(desk: Path) -> None:
    go(desk)
    change(desk, "[evaluate]", "[evaluate]\nseed = 1")
    assert stale(desk) == {"evaluate": "[evaluate] seed changed from 0 to 1", "deploy": "follows evaluate"}
    go(desk, "evaluate")
    assert stale(desk) == {"deploy": "evaluate was done again"}


# ------------------------------------------------------------------ flags

def said(project: Path, until: str = "deploy", **flags: Any) -> list[str]:
    return [progress.said.en for progress in run_project(Project(project, flags), until) if progress.said is not None]


def test_a_step_goes_on_with_the_flags_of_the_call_before_it_and_says_so(desk: Path) -> None:
    change(desk, 'family = "linear"', '# family = "auto"')
    go(desk, "build", build={"family": "linear"}, train={"seed": "3"})
    lines = said(desk, "train")
    assert lines[0] == 'Still in force from an earlier call: --family linear (startlm.toml: "auto"), --train-seed 3 (startlm.toml: 0). --forget-flags goes by startlm.toml.'
    assert "To try, cheapest first: linear." in lines and len(Project(desk).runs()) == 1
    assert list(stale(desk)) == ["evaluate", "deploy"]


def test_a_line_of_startlm_toml_that_changed_wins_over_an_older_flag(desk: Path) -> None:
    go(desk, "build", train={"budget": "10s"}, build={"size": "small"})
    change(desk, '# budget = "5m"', 'budget = "4m"')
    settings = Project(desk).settings
    assert (settings["train"].budget, settings["build"].size) == ("4m", "small")


def test_a_flag_holds_until_another_or_until_it_is_forgotten(desk: Path) -> None:
    go(desk, "prepare", build={"size": "small"})
    assert Project(desk, {"build": {"size": "large"}}).settings["build"].size == "large"
    assert Project(desk, forget_flags=True).settings["build"].size == "auto" and Project(desk).settings["build"].size == "small"
    list(run_project(Project(desk, forget_flags=True), "prepare"))
    assert Project(desk).settings["build"].size == "auto"


def test_a_flag_that_will_not_do_stands_in_nobodys_way(desk: Path) -> None:
    for flags in ({"prepare": {"label": "gone"}}, {"predict": {"out_of_scope": "gone"}}):
        with pytest.raises(CallError):
            go(desk, "train", **flags)
    assert go(desk, "train")[-1].step == "train"


def test_permission_to_deploy_a_bad_model_is_given_for_one_call(desk: Path) -> None:
    change(desk, "# minimum_accuracy = 0.5", "minimum_accuracy = 0.999")
    rows = [row | {"team": random.Random(number).choice(["money", "post"])} for number, row in enumerate(tickets(240))]
    (desk.parent / "t.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    with pytest.raises(GateError):
        go(desk, train={"seed": "4"})
    assert go(desk, deploy={"force": True})[-1].wrote.name == "v1" and len(Project(desk).runs()) == 1
    with pytest.raises(GateError):
        go(desk, train={"seed": "5"})


def startlm(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "startlm", *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def test_by_command_each_step_takes_the_flags_of_the_steps_before_it_and_deploy_goes_on(desk: Path) -> None:
    change(desk, 'family = "linear"', '# family = "auto"')
    done = startlm("evaluate", "desk", "--family", "linear", "--train-seed", "2", "--minimum-accuracy", "0.9999", "--label-typos", "merge", folder=desk.parent)
    assert done.returncode == 0, done.stderr
    shown = json.loads(startlm("plan", "desk", "--json", folder=desk.parent).stdout)
    assert "--family linear" in shown["in_force"] and [step["step"] for step in shown["steps"] if step["stale"]] == ["deploy"]
    done = startlm("deploy", "desk", "--force", folder=desk.parent)
    assert done.returncode == 0 and "--family linear" in done.stderr and len(Project(desk).runs()) == 1
    assert "--forget-flags goes by" not in startlm("plan", "desk", "--forget-flags", folder=desk.parent).stdout


# ----------------------------------------------------------------- damage

@pytest.mark.parametrize("damage", ['{"kind": "startl', "[]"])
def test_a_damaged_manifest_of_one_version_keeps_no_other_from_coming(damage: str, desk: Path) -> None:
    go(desk)
    (desk / "bundles" / "v1" / "manifest.json").write_text(damage, encoding="utf-8")
    assert list(stale(desk)) == ["deploy"]
    assert go(desk)[-1].wrote == desk / "bundles" / "v2" and stale(desk) == {}


@pytest.mark.parametrize("damage", ['{"mark": "', "[]", "{}"])
def test_a_damaged_run_is_passed_over(damage: str, desk: Path) -> None:
    go(desk)
    for file in ("run.json", "timing.json"):
        next(desk.glob(f"runs/*/{file}")).write_text(damage, encoding="utf-8")
    assert "train" in stale(desk)
    go(desk)
    assert stale(desk) == {} and len(Project(desk).runs()) == 2
