"""`startlm predict` as a command: what it prints, writes and refuses; and that --json gives one object, here and in the tour."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from startlm import open_bundle
from tickets import tickets

MESSAGES = [row["message"] for row in tickets(5)]


def startlm(*arguments: str, folder: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "startlm", *arguments], cwd=folder, input=stdin, capture_output=True, text=True, timeout=120, check=False)


def the_object(*arguments: str, folder: Path, code: int = 0) -> dict[str, Any]:
    """What a command prints with --json: one object, and nothing else."""
    done = startlm(*arguments, "--json", folder=folder)
    assert done.returncode == code, done.stderr
    assert done.stdout.count("\n") == 1, "one line on standard output"
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    with (tmp_path / "in.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["no", "message"], *enumerate(MESSAGES)])
    return tmp_path


def test_json_without_an_output_is_one_object_with_the_rows_and_their_answers(bundles: dict[str, Path], inbox: Path) -> None:
    found = the_object("predict", str(bundles["linear"]), "in.csv", folder=inbox)
    answers = open_bundle(bundles["linear"]).predict(MESSAGES)
    assert found == {"rows": 5, "answers": [{"prediction": each.prediction, "confidence": round(each.confidence, 6), "handed_over": False} for each in answers]}
    every = the_object("predict", str(bundles["linear"]), "in.csv", "--confidences", folder=inbox)["answers"]
    assert [each["confidences"]["money"] for each in every] == [round(each.confidences["money"], 6) for each in answers]


def test_json_with_an_output_says_how_many_rows_and_where(bundles: dict[str, Path], inbox: Path) -> None:
    assert the_object("predict", str(bundles["linear"]), "in.csv", "-o", "out.csv", folder=inbox) == {"rows": 5, "output": "out.csv"}


def test_json_of_a_file_that_cannot_be_answered_is_one_object_too(bundles: dict[str, Path], inbox: Path) -> None:
    (inbox / "in.csv").write_text("message\nwell\n\"\n", encoding="utf-8")
    assert the_object("predict", str(bundles["linear"]), "in.csv", folder=inbox, code=2)["error"]["exit_code"] == 2


def test_the_tour_and_doctor_give_one_object_too(tmp_path: Path) -> None:
    assert {"new", "run", "predict", "demo"} <= set(the_object(folder=tmp_path)["commands"])
    assert the_object("doctor", folder=tmp_path)["checks"]


def test_a_text_shows_the_confidence_of_every_label_where_asked(bundles: dict[str, Path], tmp_path: Path) -> None:
    lines = startlm("predict", str(bundles["linear"]), "--text", MESSAGES[0], "--confidences", folder=tmp_path).stdout.splitlines()
    answer = open_bundle(bundles["linear"]).predict(MESSAGES[:1])[0]
    surest, other = sorted(answer.confidences, key=answer.confidences.get, reverse=True)
    assert [line.split() for line in lines[1:]] == [[f"{answer.confidences[label]:.1%}", label] for label in (surest, other)]
    assert lines[0].startswith(f"{surest}  {answer.confidence:.1%}")


def test_texts_are_written_where_an_output_is_named(bundles: dict[str, Path], tmp_path: Path) -> None:
    done = startlm("predict", str(bundles["linear"]), "--text", MESSAGES[0], "--text", MESSAGES[1], "-o", "out.jsonl", "--confidences", folder=tmp_path)
    assert done.returncode == 0 and done.stdout == "Wrote out.jsonl\n"
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["message"] for row in rows] == MESSAGES[:2]
    assert list(rows[0]) == ["message", "prediction", "confidence", "handed_over", "confidence_money", "confidence_post"]


@pytest.mark.parametrize("call, hint", [
    (("in.csv", "--text", "a"), "give one of them"),
    (("--text", "a", "--for-excel"), "-o answers.csv"),
    (("in.csv", "--json", "--for-excel"), "-o answers.csv"),
    ((), '--text "…"'),
])  # fmt: skip
def test_a_call_that_would_be_obeyed_by_half_is_refused(call: tuple[str, ...], hint: str, bundles: dict[str, Path], inbox: Path) -> None:
    done = startlm("predict", str(bundles["linear"]), *call, folder=inbox)
    assert done.returncode == 2 and hint in done.stderr and "Traceback" not in done.stderr


def test_a_file_for_excel_begins_with_a_mark_and_holds_no_formula(bundles: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('message,=note\n"=HYPERLINK(""http://x"")",@SUM(1)\n我要退款,fine\n', encoding="utf-8")
    assert startlm("predict", str(bundles["linear"]), "in.csv", "-o", "out.csv", "--for-excel", folder=tmp_path).returncode == 0
    data = (tmp_path / "out.csv").read_bytes()
    head, first, second = csv.reader(data.decode("utf-8-sig").splitlines())
    assert data.startswith(b"\xef\xbb\xbf") and head[:2] == ["message", "'=note"]
    assert first[:2] == ["'=HYPERLINK(\"http://x\")", "'@SUM(1)"] and second[:2] == ["我要退款", "fine"]
    assert second[2] == "money" and second[4] == "false"
