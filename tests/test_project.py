"""A project from call to call: what each step does or leaves, what `plan` says of it, and which run a call goes on with."""

from __future__ import annotations

import json
import random
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, Literal

import pytest

from startlm.core.durable import read_json, write_json
from startlm.core.errors import CallError, GateError
from startlm.core.language import speaking
from startlm.core.settings import settings_of
from startlm.deploy import made_by
from startlm.predict import open_bundle
from startlm.project import SECTIONS, STEPS, Project, StepDone, cost_of, new_project, plan_project, run_project
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


# ------------------------------------------------------------ startlm.toml

@pytest.mark.parametrize("language", ["en", "zh"])
def test_any_line_of_a_new_startlm_toml_works_when_its_mark_is_taken_off(language: Literal["en", "zh"], desk: Path) -> None:
    with speaking(language):
        new_project(desk.parent / "other", {"data": "../t.jsonl", "text": ["message"], "label": "team"}, "")
    path, defaults = desk.parent / "other" / "startlm.toml", Project(desk.parent / "other").settings
    lines = path.read_text(encoding="utf-8").splitlines()
    commented = [i for i, line in enumerate(lines) if re.match(r"# [a-z_]+ = ", line)]
    for i in commented:
        path.write_text("\n".join([*lines[:i], lines[i][2:], *lines[i + 1:]]), encoding="utf-8")
        same = Project(path.parent).settings == defaults
        assert same != bool(re.search("no default; an example$|没有默认值；这是例子$", lines[i])), lines[i]
    assert len(commented) == sum(len(settings_of(section)) for section in SECTIONS.values()) - 3


def test_a_startlm_toml_saved_with_a_bom_is_read(desk: Path) -> None:
    before = Project(desk).settings
    (desk / "startlm.toml").write_text((desk / "startlm.toml").read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert (desk / "startlm.toml").read_bytes().startswith(b"\xef\xbb\xbf") and Project(desk).settings == before


def test_a_printed_command_can_be_given_as_it_stands(tmp_path: Path) -> None:
    with pytest.raises(CallError) as refused:
        Project(tmp_path / "my desk")
    assert shlex.split(str(refused.value.hint))[-5:] == ["startlm", "new", str(tmp_path / "my desk"), "--data", "FILE"]
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(row) for row in tickets(60)), encoding="utf-8")
    printed = startlm("new", "my desk", "--data", "t.jsonl", folder=tmp_path).stdout.splitlines()[-1]
    assert printed.endswith("Next: startlm run 'my desk'")


def test_a_path_in_a_flag_starts_where_one_stands_and_holds_from_elsewhere(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk.parent / "elsewhere").mkdir()
    for name, rows in (("other", tickets(200, seed=1)), ("held", tickets(50, seed=2))):
        (desk.parent / "elsewhere" / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    monkeypatch.chdir(desk.parent / "elsewhere")
    examples = go(Path("../desk"), "prepare", prepare={"data": "other.jsonl", "test": "held.jsonl"})[0].wrote
    assert json.loads((examples / "meta.json").read_text(encoding="utf-8"))["rows_read"] == 250
    assert [str(flag) for flag in Project(Path("../desk")).in_force] == ["--data other.jsonl", "--test held.jsonl"]
    monkeypatch.chdir(desk)
    assert fresh(go(Path("."), "prepare")) == ["prepare"]


def test_a_plan_is_found_from_where_one_stands_by_flag_and_from_the_project_by_line(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(desk, "train")
    (desk.parent / "plan.json").write_bytes((Project(desk).runs()[0] / "train" / "plan.json").read_bytes())
    monkeypatch.chdir(desk.parent)
    assert go(Path("desk"), "train", train={"plan": "plan.json"})[-1].step == "train"
    change(desk, "[train]", '[train]\nplan = "../plan.json"')
    assert fresh(go(Path("desk"), "train")) == ["prepare", "build", "train"], "the same plan by the same path"


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
    assert stale(desk) == {} and len(Project(desk).runs()) == 1 and len(list(desk.glob("runs/*/train"))) == 2


def test_what_a_killed_run_left_is_cleared_by_the_next_call(desk: Path) -> None:
    go(desk)
    run = Project(desk).runs()[0]
    places = [desk / "data", desk / "bundles", desk / "runs", run, run / "train", run / "train" / "rungs", run / "train" / "refit"]
    for place in places:
        (place / ".partial-0123").mkdir(parents=True)
        (place / ".partial-0123" / "weights").write_bytes(b"half")
    answers = desk / ".partial-4567"  # of `predict -o`, which may be at work beside this
    answers.write_bytes(b"half")
    assert fresh(go(desk, "prepare")) == ["prepare"]
    assert list(desk.rglob(".partial-*")) == [answers]


GONE = "what it made is gone or damaged"


def test_plan_sees_what_is_gone_from_disk_as_run_does(desk: Path) -> None:
    go(desk)
    run = Project(desk).runs()[0]
    arrow = next(desk.glob("data/*/examples.arrow"))
    arrow.write_bytes(arrow.read_bytes()[:-1])
    (run / "build.json").unlink()
    shutil.rmtree(run / "train" / "model")
    (run / "report.json").write_text("{", encoding="utf-8")
    (desk / "bundles" / "current").unlink()
    assert stale(desk) == dict.fromkeys(STEPS[:4], GONE) | {"deploy": "no version answers now"}
    assert fresh(go(desk)) == [] and stale(desk) == {}
    assert [path.name for path in (desk / "bundles").iterdir() if not path.is_symlink()] == ["v1"]


def test_what_was_done_is_fresh_although_an_earlier_step_is_made_again_to_the_same_bits(desk: Path) -> None:
    go(desk)
    shutil.rmtree(next(desk.glob("data/*")))
    assert stale(desk) == {"prepare": GONE} and fresh(go(desk)) == list(STEPS[1:])


def test_a_model_trained_anew_without_its_plan_is_judged_anew_and_published_where_it_is_another(desk: Path) -> None:
    go(desk)
    run, mark = Project(desk).runs()[0], Project(desk).marks["deploy"]
    shutil.rmtree(run / "train")
    assert stale(desk) == {"train": GONE, "evaluate": "follows train", "deploy": "follows train"}
    assert fresh(go(desk)) == ["prepare", "build", "deploy"], "linear comes out the same without a plan"
    assert made_by(desk / "bundles", mark, run / "train" / "model") == desk / "bundles" / "v1"
    manifest = run / "train" / "model" / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"sha256": "', '"sha256": "0'), encoding="utf-8")
    assert made_by(desk / "bundles", mark, run / "train" / "model") is None


# ------------------------------------------------- what is not done again

def cost(project: Path) -> str:
    found = Project(project)
    return cost_of(found, plan_project(found)).en


def test_the_cost_says_whether_anything_is_trained(desk: Path) -> None:
    assert cost(desk) == "A run would train for at most 5m."
    go(desk)
    assert cost(desk) == "A run would do nothing: everything is done."
    change(desk, "[evaluate]", "[evaluate]\nseed = 1")
    assert cost(desk).startswith("A run would train nothing")
    change(desk, "[predict]", '[predict]\nhand_over = "20%"')
    assert cost(desk).startswith("A run would train nothing")
    change(desk, "[train]", "[train]\nseed = 1")
    assert cost(desk).startswith("A run would train for at most 5m")


def test_another_hand_over_is_exported_and_deployed_without_training(desk: Path) -> None:
    go(desk)
    run = Project(desk).runs()[0]
    trained = {path: path.stat().st_mtime_ns for path in [run / "train" / "plan.json", *run.glob("train/r*/**/*")]}
    change(desk, "[predict]", '[predict]\nhand_over = "20%"')
    assert stale(desk) == {"train": "[predict] hand_over changed from None to '20%'", "evaluate": "follows train", "deploy": "follows train"}
    steps = go(desk)
    assert fresh(steps) == ["prepare", "build"] and steps[-1].wrote.name == "v2" and Project(desk).runs() == [run]
    assert {path: path.stat().st_mtime_ns for path in trained} == trained and len(trained) > 3
    opened = {name: open_bundle(desk / "bundles" / name).settings for name in ("v1", "v2", "current")}
    assert "threshold" not in opened["v1"] and opened["v2"]["hand_over"]["target"] == 0.2 and opened["current"] == opened["v2"]
    change(desk, 'hand_over = "20%"\n', "")
    assert go(desk)[-1].wrote.name == "v1" and open_bundle(desk / "bundles" / "current").settings == opened["v1"]


def test_an_export_that_is_broken_off_never_counts_as_the_old_model(desk: Path) -> None:
    go(desk)
    change(desk, "[predict]", '[predict]\nhand_over = "20%"')
    for progress in run_project(Project(desk), "train"):
        if progress.said is not None and "exported" in progress.said.en:
            break
    change(desk, 'hand_over = "20%"\n', "")
    go(desk)
    assert "threshold" not in open_bundle(desk / "bundles" / "current").settings and stale(desk) == {}


def test_another_training_begins_a_run_with_what_is_prepared_and_built_behind_it(desk: Path) -> None:
    go(desk)
    first = Project(desk).runs()[0]
    write_json(first / "timing.json", {"prepare": 900.0, "build": 901.0, "train": 902.0})
    change(desk, "[train]", "[train]\nseed = 1")
    assert list(stale(desk)) == ["train", "evaluate", "deploy"] and fresh(go(desk)) == ["prepare", "build"]
    seconds = read_json(Project(desk).runs()[0] / "timing.json")
    assert (seconds["prepare"], seconds["build"]) == (900.0, 901.0) and seconds["train"] < 900
    assert stale(desk) == {} and Project(desk).runs()[0] != first


def test_a_new_run_that_is_broken_off_in_training_is_gone_on_with(desk: Path) -> None:
    go(desk)
    change(desk, "[train]", "[train]\nseed = 1")
    for progress in run_project(Project(desk)):
        if progress.step == "train" and progress.said is not None:
            break
    go(desk)
    assert len(list((desk / "runs").glob("*/train"))) == 2
