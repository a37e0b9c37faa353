"""What the report of a model of numbers says to do next, and that of labels where there is no text; through the five calls."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest
from orders import orders

from startlm import build_model, deploy_model, evaluate_model, prepare_examples, train_model
from startlm.core.artifacts import Report
from startlm.core.report_number_next import number_next_sections
from startlm.formats.delimited import undisarm

COLUMNS = ("pieces: number", "weight: number", "city: category", "ordered: date")
SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "report.schema.json"


def with_parts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "part": "test" if number % 3 == 0 else "train"} for number, row in enumerate(rows)]


def judged(rows: list[dict[str, Any]], folder: Path, *, label: str = "paid", family: str = "linear", loss: str = "squared", columns: tuple[str, ...] = COLUMNS, **given: Any) -> Report:
    examples = prepare_examples(rows, columns=columns, label=label, task="score" if label == "paid" else "classify", split_column="part", **given)
    return evaluate_model(train_model(build_model(examples, family=family), examples, loss=loss, folder=folder / "train"), examples, folder=folder)


def found_in(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8-sig", newline="") as stream:
        return [{key: undisarm(value) for key, value in row.items()} for row in csv.DictReader(stream)]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, list[dict[str, Any]], set[int]]:
    """A report on orders: one in twenty to learn from has a payment ten times too large; those to Oslo are noisy."""
    rng, changed, rows = random.Random(0), set(), with_parts(orders(1_500, seed=3))
    for number, row in enumerate(rows, 1):
        if row["city"] == "Oslo":
            row["paid"] = round(row["paid"] + rng.gauss(0, 15), 2)
        if row["part"] == "train" and rng.random() < 0.05:
            row["paid"] = round(10 * row["paid"], 2)
            changed.add(number)
    return judged(rows, tmp_path_factory.mktemp("planted"), family="trees", loss="absolute"), rows, changed


def test_numbers_ten_times_too_large_are_listed_the_furthest_first(planted: tuple[Report, list[dict[str, Any]], set[int]]) -> None:
    report, rows, changed = planted
    found = found_in(report.folder, "target_errors.csv")
    assert list(found[0]) == ["file", "row", "text", "target", "expected", "times"]
    for each in found:
        row = rows[int(each["row"]) - 1]
        assert row["part"] == "train" and float(each["target"]) == row["paid"] and f"city: {row['city']}" in each["text"] and f"ordered: {row['ordered']}" in each["text"]
    hits = [int(each["row"]) in changed for each in found]
    assert sum(hits) > 0.8 * len(changed) and sum(hits) > 0.6 * len(found) and all(hits[:20])
    times = [float(each["times"]) for each in found]
    assert times == sorted(times, reverse=True) and min(times) >= 4


def test_what_is_found_is_counted_and_the_search_is_tried_on_exchanged_numbers(planted: tuple[Report, list[dict[str, Any]], set[int]]) -> None:
    report, rows, _ = planted
    errors = report.content["target_errors"]
    assert errors["looked_at"] == sum(row["part"] == "train" for row in rows) and errors["found"] == len(found_in(report.folder, "target_errors.csv"))
    assert errors["caught"]["value"] > 0.2 and errors["caught"]["low"] <= errors["caught"]["value"] <= errors["caught"]["high"]


def test_a_city_whose_payments_are_noisy_is_called_worse(planted: tuple[Report, list[dict[str, Any]], set[int]]) -> None:
    report, rows, _ = planted
    slices = report.content["slices"]
    worse = [each for each in slices["slices"] if each["worse"]]
    assert [(each["column"], each["value"]) for each in worse] == [("city", "Oslo")] and worse[0]["gap"]["low"] > 0
    assert slices["n"] == sum(row["part"] == "test" for row in rows)
    ordered = [each["value"] for each in slices["slices"] if each["column"] == "ordered"]
    assert ordered and all("2025-" in value for value in ordered), "days are written as days"


def test_each_column_is_worth_the_error_that_its_loss_adds(planted: tuple[Report, list[dict[str, Any]], set[int]]) -> None:
    worth = {each["column"]: each["worth"] for each in planted[0].content["columns_worth"]["columns"]}
    assert set(worth) == {"pieces", "weight", "city", "ordered"}
    assert worth["pieces"]["low"] > 10 > worth["weight"]["value"] > 1 and worth["ordered"]["low"] < 1


def test_the_curve_is_in_the_unit_of_what_is_paid(planted: tuple[Report, list[dict[str, Any]], set[int]]) -> None:
    report, rows, _ = planted
    curve = report.content["learning_curve"]
    assert curve["family"] == "trees" and curve["rows"] == sum(row["part"] == "train" for row in rows)
    assert [each["rows"] for each in curve["points"]] == [round(share * 0.8 * curve["rows"]) for share in (1 / 8, 1 / 4, 1 / 2, 1)]
    assert curve["points"][0]["mae"]["value"] > curve["points"][-1]["mae"]["value"] > curve["law"]["floor"]


def test_no_test_row_has_a_part_in_errors_and_curve(planted: tuple[Report, list[dict[str, Any]], set[int]], tmp_path: Path) -> None:
    report, rows, _ = planted
    others = [{**row, "paid": row["paid"] * 3} if row["part"] == "test" else row for row in rows]
    again = judged(others, tmp_path, family="trees", loss="absolute")
    assert again.content["slices"] != report.content["slices"]
    assert all(again.content[key] == report.content[key] for key in ("target_errors", "learning_curve"))


def test_the_page_shows_it_in_both_languages_and_the_report_keeps_its_schema(planted: tuple[Report, list[dict[str, Any]], set[int]]) -> None:
    from jsonschema import Draft202012Validator

    report, _, _ = planted
    page = (report.folder / "report.html").read_text(encoding="utf-8")
    for title in ("Where it is worse", "哪里更差", "Numbers that are likely wrong", "可能写错的数", "Would more rows help?", "What each column is worth", "error added without it"):
        assert title in page
    assert page.count("<svg") == 4 and 'href="target_errors.csv"' in page
    schema = json.loads(SCHEMA.read_text("utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(json.loads((report.folder / "report.json").read_text("utf-8")))] == []


def test_the_page_says_how_many_worse_groups_it_leaves_out(planted: tuple[Report, list[dict[str, Any]], set[int]]) -> None:
    content = planted[0].content
    page = number_next_sections(content | {"slices": content["slices"] | {"left_out": 1_234}})[0]
    assert "1,234 more are worse; these are the surest." in page and "还有 1,234 组更差" in page
    assert "more are worse" not in number_next_sections(content)[0]


def test_text_and_columns_together_say_the_same_things(tmp_path: Path) -> None:
    report = judged(with_parts(orders(400)), tmp_path, text="note")
    kinds = {each["kind"] for each in report.content["slices"]["slices"]}
    assert kinds == {"language", "length", "column"} and report.content["learning_curve"]["family"] == "linear"
    assert {each["column"] for each in report.content["columns_worth"]["columns"]} == {"note", "pieces", "weight", "city", "ordered"}


def test_a_bundle_carries_none_of_it(planted: tuple[Report, list[dict[str, Any]], set[int]], tmp_path: Path) -> None:
    report, rows, _ = planted
    examples = prepare_examples(rows, columns=COLUMNS, label="paid", task="score", split_column="part")
    bundle = deploy_model(train_model(build_model(examples, family="linear"), examples), report, to=tmp_path, force=True)
    kept = json.loads((bundle.folder / "report.json").read_text(encoding="utf-8"))
    assert not {"slices", "target_errors", "learning_curve", "columns_worth"} & set(kept) and "Oslo" not in json.dumps(kept)


def test_ten_rows_leave_every_part_empty_and_the_file_without_rows(tmp_path: Path) -> None:
    content = judged(with_parts(orders(12)), tmp_path).content
    assert [content[key] for key in ("target_errors", "learning_curve")] == [None, None] and content["slices"]["looked_at"] == 0
    assert found_in(tmp_path, "target_errors.csv") == []


# ------------------------------------------------- labels of tables without a text

def test_wrong_labels_of_a_table_without_a_text_are_found_and_its_columns_are_weighed(tmp_path: Path) -> None:
    rng, changed, rows = random.Random(1), set(), with_parts(orders(1_200, seed=5))
    for number, row in enumerate(rows, 1):
        row["returned"] = "yes" if row["pieces"] > 5 or row["city"] == "Oslo" else "no"
        if row["part"] == "train" and rng.random() < 0.05:
            row["returned"] = "no" if row["returned"] == "yes" else "yes"
            changed.add(number)
    report = judged(rows, tmp_path, label="returned", family="trees")
    found = found_in(tmp_path, "label_errors.csv")
    hits = [int(each["row"]) in changed for each in found]
    assert sum(hits) > 0.8 * len(changed) and sum(hits) > 0.8 * len(found)
    row = rows[int(found[0]["row"]) - 1]
    assert f"pieces: {row['pieces']}\n" in found[0]["text"] and found[0]["label"] == row["returned"]
    assert report.content["label_errors"]["caught"]["value"] > 0.7 and report.content["learning_curve"]["family"] == "trees"
    worth = {each["column"]: each["worth"] for each in report.content["columns_worth"]["columns"]}
    assert worth["pieces"]["low"] > 0.1 and worth["weight"]["low"] <= 0 <= worth["weight"]["high"]
    assert {each["kind"] for each in report.content["slices"]["slices"]} == {"label", "column"}
