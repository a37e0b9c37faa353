"""What a report says to do next, through the five calls: from which rows, written where, and what a bundle keeps to itself."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any, Mapping

import numpy as np
import pytest
from tickets import tickets

from startlm import build_model, deploy_model, evaluate_model, prepare_examples, train_model
from startlm.core.artifacts import Report
from startlm.formats.delimited import undisarm
from startlm.metrics.slices import quarters
from startlm.tasks.next_steps import LEARNT, Seen, _cuts, worth_json

TEAMS = ("money", "post", "tea")
KEYS = ("slices", "label_errors", "learning_curve", "columns_worth")


def judged(rows: list[dict[str, Any]], folder: Path, text: tuple[str, ...] = ("message",), **given: Any) -> Report:
    examples = prepare_examples(rows, text=text, label="team", **given)
    return evaluate_model(train_model(build_model(examples, family="linear"), examples), examples, folder=folder)


def with_parts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "part": "train" if row["id"] % 3 else "test"} for row in rows]


def found_in(folder: Path) -> list[dict[str, str]]:
    rows = csv.DictReader((folder / "label_errors.csv").read_text(encoding="utf-8-sig").splitlines())
    return [{name: undisarm(value) for name, value in row.items()} for row in rows]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, list[dict[str, Any]], set[int]]:
    """A report on tickets, a tenth of whose train labels are changed; the rows, and which are changed (1 is the first)."""
    rows = with_parts(tickets(900, seed=2, teams=TEAMS))
    rng, changed = random.Random(0), set()
    for number, row in enumerate(rows, 1):
        if row["part"] == "train" and rng.random() < 0.1:
            row["team"] = rng.choice([team for team in TEAMS if team != row["team"]])
            changed.add(number)
    return judged(rows, tmp_path_factory.mktemp("planted"), split_column="part"), rows, changed


def test_wrong_labels_are_listed_with_file_and_row_the_likeliest_first(planted: tuple[Report, list[dict[str, Any]], set[int]]) -> None:
    report, rows, changed = planted
    found = found_in(report.folder)
    assert list(found[0]) == ["file", "row", "text", "label", "suggested", "confidence"] and {each["file"] for each in found} == {"memory"}
    for each in found:
        row = rows[int(each["row"]) - 1]
        assert row["part"] == "train" and (row["message"], row["team"]) == (each["text"], each["label"]) and each["suggested"] != each["label"]
    hits = [int(each["row"]) in changed for each in found]
    assert sum(hits) > 0.6 * len(changed) and sum(hits) > 0.9 * len(found) and all(hits[:30])


def test_what_is_found_is_counted_and_the_search_is_tried_on_planted_errors(planted: tuple[Report, list[dict[str, Any]], set[int]]) -> None:
    report, rows, _ = planted
    errors = report.content["label_errors"]
    assert errors["looked_at"] == sum(row["part"] == "train" for row in rows) and errors["found"] == len(found_in(report.folder))
    assert errors["file"] == "label_errors.csv" and errors["caught"]["n"] == round(0.05 * errors["looked_at"])
    assert errors["caught"]["low"] <= errors["caught"]["value"] <= errors["caught"]["high"] and errors["caught"]["value"] > 0.7
    assert errors["expected_precision"]["value"] < 0.9, "wrong labels that were there before count against it"


def test_no_test_row_has_a_part_in_label_errors_and_the_learning_curve(planted: tuple[Report, list[dict[str, Any]], set[int]], tmp_path: Path) -> None:
    report, rows, _ = planted
    others = [{**row, "team": "tea", "message": row["message"] + " again"} if row["part"] == "test" else row for row in rows]
    again = judged(others, tmp_path, split_column="part")
    assert again.content["slices"] != report.content["slices"]
    assert all(again.content[key] == report.content[key] for key in ("label_errors", "learning_curve"))
    assert (tmp_path / "label_errors.csv").read_bytes() == (report.folder / "label_errors.csv").read_bytes()


def test_the_slices_are_of_language_length_and_label_and_say_how_many_were_looked_at(planted: tuple[Report, list[dict[str, Any]], set[int]]) -> None:
    report, rows, _ = planted
    slices = report.content["slices"]
    kinds = [each["kind"] for each in slices["slices"]]
    assert slices["looked_at"] == len(kinds) and kinds.count("label") == 3 and kinds.count("length") == 4 and kinds.count("language") >= 2
    assert slices["n"] == sum(row["part"] == "test" for row in rows) and not any(each["worse"] for each in slices["slices"])
    of_label = {each["value"]: each["accuracy"] for each in slices["slices"] if each["kind"] == "label"}
    for each in report.content["classes"]:
        assert of_label[each["label"]]["value"] == each["recall"]["value"] and of_label[each["label"]]["n"] == each["recall"]["n"]


def test_a_language_that_the_labels_fail_in_is_called_worse(tmp_path: Path) -> None:
    rng, rows = random.Random(1), with_parts(tickets(900, seed=3, teams=TEAMS))
    for row in rows:
        if any("一" <= letter <= "鿿" for letter in row["message"]) and rng.random() < 0.5:
            row["team"] = rng.choice(TEAMS)
    report = judged(rows, tmp_path, split_column="part")
    worse = [each for each in report.content["slices"]["slices"] if each["worse"]]
    languages = {each["value"] for each in worse if each["kind"] == "language"}
    assert languages and languages <= {"zh", "mixed"} and all(each["p_adjusted"] < 0.05 for each in worse)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Where it is worse" in page and "哪里更差" in page and "No group is shown to be worse" not in page


def test_the_learning_curve_is_of_the_rows_that_learn(planted: tuple[Report, list[dict[str, Any]], set[int]]) -> None:
    report, rows, _ = planted
    curve, learn = report.content["learning_curve"], sum(row["part"] == "train" for row in rows)
    assert curve["rows"] == learn and [each["rows"] for each in curve["points"]] == [round(share * 0.8 * learn) for share in (1 / 8, 1 / 4, 1 / 2, 1)]
    assert all(each["accuracy"]["n"] == learn for each in curve["points"]) and curve["points"][0]["accuracy"]["value"] < curve["points"][-1]["accuracy"]["value"]


def test_each_of_several_text_columns_is_worth_what_it_tells(tmp_path: Path) -> None:
    rng = random.Random(5)
    rows = [{**row, "shop": rng.choice(["north gate", "south gate", "east gate"])} for row in tickets(400, teams=TEAMS)]
    report = judged(rows, tmp_path, text=("message", "shop"))
    worth = {each["column"]: each["worth"] for each in report.content["columns_worth"]["columns"]}
    assert worth["message"]["low"] > 0.3 and worth["shop"]["low"] < 0 < worth["shop"]["high"] and worth["shop"]["n"] == report.content["columns_worth"]["n"]
    assert "What each column is worth" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_ten_rows_leave_every_part_empty_and_the_file_without_rows(tmp_path: Path) -> None:
    content = judged(tickets(10), tmp_path).content
    assert [content[key] for key in KEYS] == [{"looked_at": 0, "level": 0.05, "n": 2, "slices": []}, None, None, None]
    assert found_in(tmp_path) == []


def test_a_bundle_carries_none_of_it(planted: tuple[Report, list[dict[str, Any]], set[int]], tmp_path: Path) -> None:
    report, rows, _ = planted
    examples = prepare_examples(rows, text="message", label="team", split_column="part")
    bundle = deploy_model(train_model(build_model(examples, family="linear"), examples), report, to=tmp_path)
    kept: Mapping[str, Any] = json.loads((bundle.folder / "report.json").read_text(encoding="utf-8"))
    assert not set(KEYS) & set(kept) and not list(bundle.folder.rglob("label_errors*"))


def test_the_same_rows_give_the_same_bytes(planted: tuple[Report, list[dict[str, Any]], set[int]], tmp_path: Path) -> None:
    report, rows, _ = planted
    judged(rows, tmp_path, split_column="part")
    for name in ("report.json", "report.html", "label_errors.csv"):
        assert (tmp_path / name).read_bytes() == (report.folder / name).read_bytes()


def test_columns_beside_the_text_are_cut_too_numbers_by_the_quartiles_of_the_rows_that_learn() -> None:
    rows = tickets(300, teams=TEAMS)
    examples = prepare_examples(rows, text="message", label="team")
    cells = {"shop": np.array(["north", "south", ""] * 100, dtype=object), "age": np.arange(300.0)}
    test, learn = examples.rows_of("test"), examples.rows_of(*LEARNT)
    seen = Seen(test, np.zeros(len(test), np.int64), test % 2 == 0, TEAMS, 0, lambda columns: np.zeros(len(test), np.int64), lambda at: {name: values[at] for name, values in cells.items()})
    cuts = {cut.column: cut.values for cut in _cuts(examples, seen, learn) if cut.kind == "column"}
    assert cuts["shop"] == cells["shop"][test].tolist() and set(cuts["age"]) == {*quarters(cells["age"][test], cells["age"][learn])} and len(set(cuts["age"])) == 4
    worth = worth_json(examples, seen)
    assert worth is not None and [each["column"] for each in worth["columns"]] == ["message", "shop", "age"]
