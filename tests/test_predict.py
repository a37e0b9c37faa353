"""A table of answers: its format by the suffix, and streams answered as they arrive."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from startlm.formats import open_table
from startlm.predict import Output, _fresh_names, open_bundle, predict_steps
from tickets import tickets


def answered(bundle: Path, rows: list[dict[str, Any]], out: Path, **options: Any) -> Path:
    """The path of the file in which the rows were answered."""
    *_, last = predict_steps(open_bundle(bundle), open_table(rows), Output(str(out), **options))
    assert last.result == len(rows)
    return out


def values(path: Path) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    table = open_table(path)
    return table.columns, [row.values for row in table.rows()]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".xlsx"])
def test_a_format_that_has_truths_gets_one_in_handed_over(suffix: str, bundles: dict[str, Path], tmp_path: Path) -> None:
    rows = [{"message": row["message"], "paid": row["id"] % 2 == 0} for row in tickets(4)]
    columns, found = values(answered(bundles["linear"], rows, tmp_path / f"out{suffix}"))
    assert columns == ("message", "paid", "prediction", "confidence", "handed_over")
    assert [(row[1], row[4]) for row in found] == [(paid, False) for paid in (True, False, True, False)]


def test_a_truth_in_csv_is_true_or_false_in_lower_case_also_in_the_columns_that_came(bundles: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"message": "please refund the tray", "paid": true}\n{"message": "True", "paid": null}\n', encoding="utf-8")
    *_, _ = predict_steps(open_bundle(bundles["linear"]), open_table(tmp_path / "in.jsonl"), Output(str(tmp_path / "out.csv")))
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    assert [(row["message"], row["paid"], row["handed_over"]) for row in found] == [("please refund the tray", "true", "false"), ("True", "", "false")]


def test_a_column_that_is_there_already_keeps_its_name_and_its_values(bundles: dict[str, Path], tmp_path: Path) -> None:
    row = {"message": "please refund the tray", "prediction": "mine", "prediction_startlm": "mine too", "confidence": 1}
    line = json.loads(answered(bundles["linear"], [row], tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    assert list(line) == [*row, "prediction_startlm_startlm", "confidence_startlm", "handed_over"]
    assert row.items() <= line.items() and line["prediction_startlm_startlm"] == "money"


def test_each_label_gets_a_column_of_its_confidence_also_beside_columns_of_that_name(bundles: dict[str, Path], tmp_path: Path) -> None:
    rows = [{"message": row["message"], "confidence_money": "mine"} for row in tickets(6)]
    columns, found = values(answered(bundles["linear"], rows, tmp_path / "out.jsonl", confidences=True))
    assert columns == ("message", "confidence_money", "prediction", "confidence", "handed_over", "confidence_money_startlm", "confidence_post")
    answers = open_bundle(bundles["linear"]).predict([row["message"] for row in rows])
    for row, answer in zip(found, answers, strict=True):
        assert row[1] == "mine" and row[2:4] == (answer.prediction, round(answer.confidence, 6))
        assert row[5:] == tuple(round(answer.confidences[label], 6) for label in ("money", "post"))


def test_the_name_for_one_label_is_not_taken_from_another() -> None:
    assert _fresh_names(["c_a", "c_a_startlm"], ["c_a"]) == ["c_a_startlm_startlm", "c_a_startlm"]


def test_the_suffix_says_what_stands_between_the_cells(bundles: dict[str, Path], tmp_path: Path) -> None:
    rows = open_table([{"message": row["message"]} for row in tickets(3)])
    for name, delimiter in (("a.csv", ","), ("a.tsv", "\t"), ("a.psv", "|")):
        *_, last = predict_steps(open_bundle(bundles["linear"]), rows, Output(str(tmp_path / name)))
        head = (tmp_path / name).read_text(encoding="utf-8").splitlines()[0]
        assert last.result == 3 and head == delimiter.join(["message", "prediction", "confidence", "handed_over"])


def test_a_named_pipe_is_answered_line_by_line(bundles: dict[str, Path], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "inbox")
    command = [sys.executable, "-m", "startlm", "predict", str(bundles["linear"]), "inbox"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, encoding="utf-8") as answering, (tmp_path / "inbox").open("w", encoding="utf-8") as inbox:
        inbox.write("message\nplease refund the tray\n")
        inbox.flush()
        assert answering.stdout is not None and answering.stdout.readline().startswith("message,prediction")
        assert answering.stdout.readline().startswith("please refund the tray,money,"), "the answer does not wait for the next line"
