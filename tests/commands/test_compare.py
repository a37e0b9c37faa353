"""`startlm compare`: predictions of any tool, whatever their column is called; what cannot be compared is refused, not judged."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Sequence

import pytest

TRUTH = random.Random(0).choices(["money", "post", "tea"], k=200)
GOOD = [label if i % 10 else "tea" for i, label in enumerate(TRUTH)]
POOR = [label if i % 3 else "money" for i, label in enumerate(TRUTH)]


def write(path: Path, **columns: Sequence[str]) -> str:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([list(columns), *zip(*columns.values(), strict=True)])
    return path.name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    numbers = [str(i) for i in range(len(TRUTH))]
    write(tmp_path / "good.csv", no=numbers, prediction=GOOD)
    write(tmp_path / "poor.csv", no=numbers, prediction=POOR)
    write(tmp_path / "truth.csv", no=numbers, team=TRUTH)
    return tmp_path


def compare(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "startlm", "compare", *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def compared(*arguments: str, folder: Path) -> dict[str, Any]:
    """The one object that --json prints."""
    done = compare(*arguments, "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def refused(*arguments: str, folder: Path) -> str:
    done = compare(*arguments, folder=folder)
    assert done.returncode == 2 and done.stdout == "" and "Traceback" not in done.stderr
    return done.stderr


def right(predictions: list[str], truth: list[str] = TRUTH) -> float:
    return sum(map(str.__eq__, predictions, truth)) / len(truth)


def test_the_better_one_is_named_and_json_has_every_figure(folder: Path) -> None:
    found = compared("poor.csv", "good.csv", "--truth", "truth.csv", "--label", "team", folder=folder)
    assert (found["n"], found["accuracy_a"]["value"], found["accuracy_b"]["value"]) == (200, right(POOR), right(GOOD))
    assert found["p"] < 0.05 and found["accuracy_gain"]["low"] > 0 and found["verdict"]["en"].startswith("B is better by")
    only_a = sum(a == t != b for a, b, t in zip(POOR, GOOD, TRUTH, strict=True))
    assert found["only_a_right"] == only_a and found["columns"] == {"a": "prediction", "b": "prediction", "truth": "team"}


def test_the_column_of_the_truth_that_was_guessed_is_said(folder: Path) -> None:
    done = compare("poor.csv", "good.csv", "--truth", "truth.csv", folder=folder)
    assert done.returncode == 0 and "the column 'team' (--label names another)" in done.stdout


def test_each_file_may_call_its_predictions_otherwise_and_a_file_of_one_column_needs_no_name(folder: Path) -> None:
    write(folder / "other.csv", no=["1"] * 200, answer=POOR)
    write(folder / "only.csv", guess=GOOD)
    found = compared("other.csv", "only.csv", "--truth", "truth.csv", "--column-a", "answer", folder=folder)
    assert found["columns"] == {"a": "answer", "b": "guess", "truth": "team"} and found["accuracy_b"]["value"] == right(GOOD)
    found = compared("poor.csv", "other.csv", "--truth", "truth.csv", "--column", "prediction", "--column-b", "answer", folder=folder)
    assert found["columns"] == {"a": "prediction", "b": "answer", "truth": "team"} and found["only_a_right"] == found["only_b_right"] == 0


def test_a_file_without_a_column_of_predictions_is_told_the_flag_that_names_one(folder: Path) -> None:
    write(folder / "other.csv", no=["1"] * 200, answer=POOR)
    said = refused("poor.csv", "other.csv", "--truth", "truth.csv", folder=folder)
    assert "no column 'prediction'" in said and "no, answer" in said and "--column-b" in said


def test_rows_of_the_truth_without_a_label_are_left_out_and_counted(folder: Path) -> None:
    some = ["" if i < 20 else label for i, label in enumerate(TRUTH)]
    write(folder / "some.csv", label=some)
    found = compared("poor.csv", "good.csv", "--truth", "some.csv", folder=folder)
    assert (found["n"], found["rows_without_label"], found["labels"]) == (180, 20, ["money", "post", "tea"])
    assert found["accuracy_b"]["value"] == right(GOOD[20:], TRUTH[20:])
    assert "left out: 20 of 200 rows of the truth" in compare("poor.csv", "good.csv", "--truth", "some.csv", folder=folder).stdout


def test_predictions_that_share_no_value_with_the_truth_are_not_judged(folder: Path) -> None:
    write(folder / "wide.csv", team=TRUTH, note=[f"note {i}" for i in range(200)])
    said = refused("poor.csv", "good.csv", "--truth", "wide.csv", folder=folder)
    assert "'note'" in said and "--label" in said and "team, note" in said
    assert compare("poor.csv", "good.csv", "--truth", "wide.csv", "--label", "team", folder=folder).returncode == 0


def test_files_of_other_rows_are_refused_also_where_some_have_no_label(folder: Path) -> None:
    write(folder / "short.csv", label=["", *TRUTH[:99]])
    assert "B has 200, the truth has 100" in refused("poor.csv", "good.csv", "--truth", "short.csv", folder=folder)
