"""The whole way through the command line, as a user goes it: new, run, plan, predict, twice in a row."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

ENGLISH = {"money": ["refund the {}", "I was charged twice for the {}", "give my money back for {}"],
           "post": ["where is my parcel with {}", "the {} has not arrived", "when does the {} come"]}
CHINESE = {"money": ["我要退{}的钱", "{}多扣了一次费", "请给我退款，{}不要了"], "post": ["{}的包裹到哪了", "{}还没有收到", "什么时候发{}"]}
THINGS = ["tea", "cup", "pot", "green tea", "kettle", "茶", "杯子", "茶壶", "绿茶", "龙井", "box", "tray"]


def write_tickets(path: Path, rows: int = 240) -> Path:
    """A table of messages in both languages with the label `team`."""
    rng = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "message", "team"])
        for number in range(rows):
            language, team = rng.choice([ENGLISH, CHINESE]), rng.choice(["money", "post"])
            writer.writerow([number, rng.choice(language[team]).format(rng.choice(THINGS)) + f" {rng.randrange(9999)}", team])
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def startlm(*arguments: str, folder: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "startlm", *arguments], cwd=folder, input=stdin, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished project named `desk`."""
    folder = tmp_path_factory.mktemp("商店 with spaces")
    write_tickets(folder / "tickets.csv")
    assert startlm("new", "desk", "--data", "tickets.csv", folder=folder).returncode == 0
    done = startlm("run", "desk", "--family", "linear", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_new_guesses_the_roles_and_says_why(tmp_path: Path) -> None:
    write_tickets(tmp_path / "tickets.csv")
    done = startlm("new", "desk", "--data", "tickets.csv", "--json", folder=tmp_path)
    found = json.loads(done.stdout)
    assert (found["text"], found["label"]) == (["message"], "team")
    assert any("id" in said and "not used" in said for said in found["said"])


def test_new_onto_an_existing_project_is_refused(desk: Path) -> None:
    before = (desk / "desk" / "startlm.toml").read_bytes()
    done = startlm("new", "desk", "--data", "tickets.csv", folder=desk)
    assert done.returncode == 2 and "already" in done.stderr
    assert (desk / "desk" / "startlm.toml").read_bytes() == before


def test_a_second_run_does_nothing_twice(desk: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (desk / "desk").rglob("*") if path.is_file() and path.name != ".lock"}
    done = startlm("run", "desk", "--family", "linear", "--json", folder=desk)
    assert all(step["fresh"] for step in json.loads(done.stdout)["steps"])
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_plan_names_the_setting_that_makes_a_step_stale(desk: Path) -> None:
    done = startlm("plan", "desk", "--family", "linear", "--class-weights", "balanced", "--json", folder=desk)
    steps = {step["step"]: step for step in json.loads(done.stdout)["steps"]}
    assert not steps["build"]["stale"] and steps["train"]["stale"]
    assert "class_weights" in steps["train"]["why"]


def test_predict_answers_as_evaluate_did_row_by_row(desk: Path) -> None:
    run = next((desk / "desk" / "runs").glob("2*"))
    stored = {row["row"]: row for row in read_csv(run / "answers.csv")}
    assert startlm("predict", "desk", "tickets.csv", "-o", "out.csv", "--force", folder=desk).returncode == 0
    answered = read_csv(desk / "out.csv")
    for number, row in stored.items():
        same = answered[int(number) - 1]
        assert (same["prediction"], same["confidence"], same["handed_over"]) == (row["prediction"], row["confidence"], row["handed_over"])
    assert len(stored) > 20


def test_a_project_of_two_text_columns_is_answered_as_it_was_judged(tmp_path: Path) -> None:
    rows = read_csv(write_tickets(tmp_path / "tickets.csv"))
    with (tmp_path / "two.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["subject", "body", "team"], *([row["message"], f"{row['id']} 你好", row["team"]] for row in rows)])
    assert startlm("new", "desk", "--data", "two.csv", "--text", "subject,body", "--label", "team", folder=tmp_path).returncode == 0
    assert startlm("run", "desk", "--family", "linear", folder=tmp_path).returncode == 0
    assert startlm("predict", "desk", "two.csv", "-o", "out.csv", folder=tmp_path).returncode == 0
    answered, run = read_csv(tmp_path / "out.csv"), next((tmp_path / "desk" / "runs").glob("2*"))
    stored = read_csv(run / "answers.csv")
    assert len(stored) > 20 and [answered[int(row["row"]) - 1]["confidence"] for row in stored] == [row["confidence"] for row in stored]
    assert startlm("predict", "desk", "--text", "where is my parcel", folder=tmp_path).stdout.startswith("post")


def test_predict_does_not_write_over_a_file_without_force(desk: Path) -> None:
    (desk / "mine.csv").write_text("precious", encoding="utf-8")
    done = startlm("predict", "desk", "tickets.csv", "-o", "mine.csv", folder=desk)
    assert done.returncode == 2 and "--force" in done.stderr
    assert (desk / "mine.csv").read_text(encoding="utf-8") == "precious"


def test_standard_input_is_answered_line_by_line(desk: Path) -> None:
    done = startlm("predict", "desk", "-", folder=desk, stdin="message\n我要退款，茶壶不要了\nwhere is my parcel\n")
    assert [row["prediction"] for row in csv.DictReader(done.stdout.splitlines())] == ["money", "post"]


def test_one_text_is_answered_in_the_asked_language(desk: Path) -> None:
    done = startlm("--language", "zh", "predict", "desk", "--text", "包裹到哪了", folder=desk)
    assert done.returncode == 0 and done.stdout.startswith("post")


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = "import sys, startlm.cli; sys.argv = ['startlm', '--help']; startlm.cli._main(['--help']); print(sorted({'torch', 'polars', 'numpy', 'pydantic', 'onnxruntime'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
