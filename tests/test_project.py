"""A project from call to call: what each step does or leaves, what `plan` says of it, and which run a call goes on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest

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
