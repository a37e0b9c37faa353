"""Prepare with several files, joined columns, a group column and a time column; and `new`, `run` and `predict` on them by the command line."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from startlm import prepare_examples
from startlm.commands.new import look_at
from startlm.core.artifacts import PARTS, Examples
from startlm.core.errors import CallError
from startlm.core.language import speaking
from startlm.prepare import PrepareSettings, fingerprint_of
from startlm.columns.cleaning import CleanSettings
from tickets import tickets

COLUMNS = {"text": "message", "label": "team"}


def write_csv(path: Path, rows: list[dict[str, Any]], head: list[str] | None = None) -> str:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, head or list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def found(examples: Examples, kind: str) -> list[dict[str, Any]]:
    return [each for each in examples.meta["findings"] if each["kind"] == kind]


def customers(rows: int = 300, different: int = 60) -> list[dict[str, Any]]:
    """Tickets with a customer each, five of one customer far apart."""
    return [{**row, "customer": f"C{row['id'] % different}"} for row in tickets(rows)]


def dated(rows: int = 300, seed: int = 3) -> list[dict[str, Any]]:
    """Tickets with a day each, in no order, in three styles."""
    found = [{**row, "when": date(2024, 1, 1) + timedelta(days=row["id"] // 3)} for row in tickets(rows)]
    for row in found:
        row["when"] = row["when"].strftime(("%Y-%m-%d", "%Y年%m月%d日", "%d %b %Y")[row["id"] % 3])
    random.Random(seed).shuffle(found)
    return found


def part_of(examples: Examples) -> list[str]:
    """The part of each row, in the order of the table; these tables have no row that is left out."""
    frame = examples.frame.sort("file", "row")
    return [PARTS[number] for number in frame["part"].to_list()]


# ------------------------------------------------------------ several files

def test_several_files_are_prepared_as_one_table_and_rows_say_their_file(tmp_path: Path) -> None:
    rows = [*tickets(100), {"id": 100, "message": "", "team": "post"}]
    files = [write_csv(tmp_path / "a.csv", rows[:60]), write_csv(tmp_path / "b.csv", rows[60:], ["team", "id", "message"])]
    examples = prepare_examples(files, **COLUMNS)
    whole = prepare_examples(write_csv(tmp_path / "whole.csv", rows), **COLUMNS)
    assert examples.meta["files"] == ["a.csv", "b.csv"] and part_of(examples) == part_of(whole)
    assert examples.frame["text"].to_list() == whole.frame["text"].to_list()
    assert examples.frame["file"].to_list()[59:61] == [0, 1] and examples.frame["row"].to_list()[59:61] == [60, 1]
    [empty] = found(examples, "empty")
    assert empty["rows"] == [] and empty["elsewhere"] == {"b.csv": [41]} and "(b.csv: rows 41)" in empty["said"]["en"]


def test_a_test_table_beside_several_files_still_tests(tmp_path: Path) -> None:
    files = [write_csv(tmp_path / "a.csv", tickets(60)), write_csv(tmp_path / "b.csv", tickets(60, seed=1))]
    held = [*tickets(30, seed=2), {**tickets(60, seed=1)[6], "id": 30}]
    examples = prepare_examples(files, test=write_csv(tmp_path / "held.csv", held), **COLUMNS)
    assert [name for name, file in zip(part_of(examples), examples.frame.sort("file", "row")["file"]) if file == 2] == ["test"] * 31
    assert examples.meta["parts"]["test"] == 31
    leaks = examples.meta["leaks"]
    assert leaks["exact"] == [[31, 7]] and leaks["files"]["exact"] == ["held.csv"] and leaks["files"]["exact_train"] == ["b.csv"]


def test_a_column_that_is_read_must_be_in_every_file(tmp_path: Path) -> None:
    files = [write_csv(tmp_path / "a.csv", tickets(40)), write_csv(tmp_path / "b.csv", [{"massage": "x", "team": "post"}])]
    with pytest.raises(CallError, match="no column 'message'") as error:
        prepare_examples(files, **COLUMNS)
    assert error.value.where == files[1] and "did you mean 'massage'" in str(error.value)
    with pytest.raises(CallError, match="no column 'message'") as error:
        look_at(files, text=("message",))
    assert error.value.where == files[1]


def test_a_bad_row_names_its_file(tmp_path: Path) -> None:
    files = [write_csv(tmp_path / "a.csv", tickets(40)), write_csv(tmp_path / "b.csv", tickets(5))]
    with open(files[1], "a", encoding="utf-8") as stream:
        stream.write("1,one,two,three\n")
    with pytest.raises(CallError, match="b.csv:7"):
        prepare_examples(files, **COLUMNS)


def test_a_file_with_a_head_only_is_no_trouble_among_others_and_too_many_files_neither(tmp_path: Path) -> None:
    for number, row in enumerate(tickets(140)):
        write_csv(tmp_path / f"t-{number:03}.csv", [row])
    write_csv(tmp_path / "t-000.csv", [], ["id", "message", "team"])
    examples = prepare_examples(str(tmp_path / "t-*.csv"), **COLUMNS)
    assert examples.frame.height == 139 and examples.frame["file"].max() == 139


# ------------------------------------------------------------------- joins

def test_a_joined_column_can_be_the_text_or_the_label_and_missing_partners_are_counted(tmp_path: Path) -> None:
    rows = tickets(80)
    other = write_csv(tmp_path / "teams.csv", [{"number": row["id"], "team": row["team"]} for row in rows if row["id"] != 7])
    data = write_csv(tmp_path / "t.csv", rows, ["id", "message"])
    examples = prepare_examples(data, join=(f"{other} on id = number",), **COLUMNS)
    assert examples.meta["parts"]["train"] + examples.meta["parts"]["test"] == 79 and examples.meta["unlabelled"] == 1
    [missing] = found(examples, "join_missing")
    assert missing["rows"] == [8] and "teams.csv" in missing["said"]["en"]


def test_a_joined_table_that_changes_is_new_data_and_its_place_is_not(tmp_path: Path) -> None:
    data, other = write_csv(tmp_path / "t.csv", tickets(40), ["id", "message"]), tmp_path / "teams.csv"
    (tmp_path / "moved").mkdir()

    def mark(path: Path, city: str) -> str:
        write_csv(path, [{"id": 1, "city": city}])
        return fingerprint_of(data, PrepareSettings(text=("message",), label="city", join=(f"{path} on id",)), CleanSettings())

    assert mark(other, "Rome") == mark(tmp_path / "moved" / "teams.csv", "Rome") != mark(other, "Bern")


def test_a_line_of_join_that_makes_no_sense_is_refused_in_both_languages() -> None:
    with pytest.raises(CallError, match=r"\[prepare\] join = .*customers\.csv on customer_id") as error:
        prepare_examples(tickets(40), join=("customers.csv",), **COLUMNS)
    with speaking("zh"):
        assert "这样的写法" in str(error.value)


# ------------------------------------------------------------------ groups

def test_rows_of_one_customer_stay_in_one_part_and_one_group(tmp_path: Path) -> None:
    rows = customers()
    examples, random_ones = prepare_examples(rows, group_column="customer", **COLUMNS), prepare_examples(rows, **COLUMNS)

    def crossing(each: Examples) -> int:
        parts: dict[str, set[str]] = {}
        for row, part in zip(rows, part_of(each)):
            parts.setdefault(row["customer"], set()).add(part)
        return sum(len(names) > 1 for names in parts.values())

    assert crossing(examples) == 0 and crossing(random_ones) > 30
    assert len(set(examples.frame["group"].to_list())) == 60 and examples.meta["group_column"] == "customer"
    assert 40 <= examples.meta["parts"]["test"] <= 80 and "customer" not in examples.meta["unused"]


def test_near_duplicates_bring_groups_together_and_rows_without_a_customer_are_counted() -> None:
    rows = customers(120, 40)
    rows[45] = {**rows[45], "message": rows[3]["message"], "team": rows[3]["team"]}  # of C5, as C3's
    rows[50] = {**rows[50], "customer": " "}
    examples = prepare_examples(rows, group_column="customer", **COLUMNS)
    group = examples.frame.sort("row")["group"].to_list()
    assert group[3] == group[45] == group[5] == group[83] and group[50] == 50
    [without] = found(examples, "no_group")
    assert without["rows"] == [51]


def test_a_given_test_part_stays_and_known_customers_in_it_are_counted() -> None:
    rows = [{**row, "part": "test" if row["id"] >= 290 else "train"} for row in customers()]
    examples = prepare_examples(rows, group_column="customer", split_column="part", **COLUMNS)
    [known] = found(examples, "known_groups")
    assert known["rows"] == list(range(291, 301)) and examples.meta["parts"]["test"] == 10


def test_a_group_that_leaves_nothing_to_test_is_refused_in_both_languages() -> None:
    rows = [{**row, "shop": ("north", "south")[row["id"] % 2]} for row in tickets(100)]
    with pytest.raises(CallError, match="values of 'shop' are too few") as error:
        prepare_examples(rows, group_column="shop", **COLUMNS)
    assert error.value.where == "memory"
    with speaking("zh"):
        assert "无法留出测试数据" in str(error.value)


# -------------------------------------------------------------------- time

def test_the_newest_rows_test_whatever_the_order_of_the_file() -> None:
    rows = dated()
    examples = prepare_examples(rows, time_column="when", **COLUMNS)
    tested = {row["id"] for row, part in zip(rows, part_of(examples)) if part == "test"}
    assert tested == set(range(240, 300)) and examples.meta["time_column"] == "when" and "when" not in examples.meta["unused"]


def test_rows_without_a_day_learn_and_days_to_come_are_counted_in_both_languages() -> None:
    rows = dated()
    for position, value in ((4, "soon"), (9, ""), (2, "2098-01-01")):
        rows[position]["when"] = value
    examples = prepare_examples(rows, time_column="when", **COLUMNS)
    part = part_of(examples)
    assert [part[position] for position in (4, 9, 2)] == ["train", "train", "test"]
    [undated], [future] = found(examples, "no_day"), found(examples, "future")
    assert undated["rows"] == [5, 10] and future["rows"] == [3]
    assert "yet to come" in future["said"]["en"] and "未来的日期" in future["said"]["zh"] and "没有日期" in undated["said"]["zh"]


@pytest.mark.parametrize(("value", "words", "zh"), [("never", "no cell of it reads as a date", "没有一个单元格是日期"), ("2024-05-01", "too many rows share the newest day", "同一天")])
def test_a_column_that_is_no_time_is_refused_in_both_languages(value: str, words: str, zh: str) -> None:
    rows = [{**row, "when": value} for row in tickets(60)]
    with pytest.raises(CallError, match=words) as error:
        prepare_examples(rows, time_column="when", **COLUMNS)
    with speaking("zh"):
        assert zh in str(error.value) and "memory" in str(error.value)


def test_two_columns_cannot_both_say_which_rows_test() -> None:
    rows = [{**row, "part": "test" if row["id"] % 5 else "train"} for row in dated()]
    with pytest.raises(CallError, match="Both a split column") as error:
        prepare_examples(rows, time_column="when", split_column="part", **COLUMNS)
    with speaking("zh"):
        assert "划分列" in str(error.value)


def test_a_new_row_that_repeats_an_old_one_is_a_leak_of_the_test_part() -> None:
    rows = sorted(dated(), key=lambda row: row["id"])
    rows[299] = {**rows[299], "message": rows[5]["message"], "team": rows[5]["team"]}
    examples = prepare_examples(rows, time_column="when", **COLUMNS)
    assert examples.meta["leaks"]["exact"] == [[300, 6]]


def test_from_two_thousand_rows_on_the_parts_follow_each_other_in_time() -> None:
    rows = [{**row, "when": (date(2020, 1, 1) + timedelta(days=row["id"] // 5)).isoformat()} for row in tickets(3_000)]
    examples = prepare_examples(rows, time_column="when", **COLUMNS)
    order = [PARTS.index(part) for part in part_of(examples)]
    assert not examples.crossfit and order == sorted(order) and set(order) == {0, 1, 2, 3}


# ------------------------------------------------------------ what new says

def test_new_writes_a_group_column_and_speaks_of_time(tmp_path: Path) -> None:
    rows = [{**row, "customer_id": f"C{row['id'] % 60}", "when": (date(2024, 1, 1) + timedelta(days=row["id"] // 3)).isoformat()} for row in tickets(300)]
    look = look_at(write_csv(tmp_path / "t.csv", rows))
    said = [each.en for each in look.said]
    assert look.group_column == "customer_id" and look.proposed == {"time_column": "when"} and look.settings(tmp_path)["group_column"] == "customer_id"
    assert any(each.startswith("group: 'customer_id', 60 values with 5.0 rows each") for each in said)
    assert any(each.startswith("time: 'when' runs from 2024-01-01 to 2024-04-09") for each in said)
    assert said[-1] == "-> text: message; label: team; group: customer_id; not used: id, when"


def test_new_proposes_no_split_where_one_is_given(tmp_path: Path) -> None:
    rows = [{**row, "part": "test" if row["id"] % 5 == 0 else "train"} for row in customers()]
    look = look_at(write_csv(tmp_path / "t.csv", rows))
    assert look.split_column == "part" and look.group_column is None and look.proposed == {}


# --------------------------------------------------------- the command line

def startlm(*arguments: str, folder: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-m", "startlm", *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished project on two files whose text stands in a third."""
    folder = tmp_path_factory.mktemp("shop") / "商店 with spaces"
    folder.mkdir()
    rows = [{**row, "customer": f"C{row['id'] % 40}"} for row in tickets(240)]
    write_csv(folder / "t-1.csv", rows[:150], ["id", "team", "customer"])
    write_csv(folder / "t-2.csv", rows[150:], ["customer", "id", "team"])
    write_csv(folder / "texts.csv", [{"ticket": float(row["id"]), "message": row["message"]} for row in rows])
    startlm("new", "desk", "--data", "t-1.csv", "--data", "t-2.csv", "--join", "texts.csv on id = ticket", folder=folder)
    startlm("run", "desk", "--family", "linear", folder=folder)
    return folder


def test_the_settings_that_new_wrote_are_read_from_the_projects_folder(desk: Path) -> None:
    written = (desk / "desk" / "startlm.toml").read_text(encoding="utf-8")
    assert 'data = ["../t-1.csv", "../t-2.csv"]' in written and 'join = ["../texts.csv on id = ticket"]' in written and 'group_column = "customer"' in written
    again = json.loads(startlm("run", "desk", "--family", "linear", "--json", folder=desk).stdout)
    assert all(step["fresh"] for step in again["steps"])
    assert all(step["fresh"] for step in json.loads(startlm("run", ".", "--json", folder=desk / "desk").stdout)["steps"])


def test_predict_joins_what_the_model_reads_and_counts_rows_without_a_partner(desk: Path) -> None:
    write_csv(desk / "new.csv", [{"id": 3}, {"id": 4}, {"id": 9999}])
    done = startlm("predict", "desk", "new.csv", "-o", "out.csv", "--force", folder=desk)
    with (desk / "out.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["prediction"] for row in rows[:2]] == [row["team"] for row in tickets(240)[3:5]] and list(rows[0])[:2] == ["id", "message"]
    assert "'id' is not in texts.csv" in done.stderr and ": 1" in done.stderr


def test_rows_that_have_all_columns_are_answered_as_they_are_and_a_bundle_joins_nothing(desk: Path) -> None:
    write_csv(desk / "full.csv", [{"message": "please refund the kettle, order 11"}])
    startlm("predict", "desk", "full.csv", "-o", "full-out.csv", folder=desk)
    assert (desk / "full-out.csv").read_text(encoding="utf-8").splitlines()[0] == "message,prediction,confidence,handed_over"
    write_csv(desk / "bare.csv", [{"id": 3}])
    done = startlm("predict", "desk/bundles/current", "bare.csv", folder=desk, code=2)
    assert "no column 'message'" in done.stderr


def test_predict_answers_the_files_of_a_pattern_and_names_the_file_of_a_bad_row(desk: Path) -> None:
    for number, message in enumerate(("where is my parcel with two cups? 1", "I want my money back for the tray 2")):
        write_csv(desk / f"in-{number}.csv", [{"message": message}])
    startlm("predict", "desk", "in-*.csv", "-o", "answered.csv", folder=desk)
    assert len((desk / "answered.csv").read_text(encoding="utf-8").splitlines()) == 3
    with (desk / "in-1.csv").open("a", encoding="utf-8") as stream:
        stream.write('"never closed\n')
    done = startlm("predict", "desk", "in-*.csv", "-o", "no.csv", folder=desk, code=2)
    assert "in-1.csv:3" in done.stderr and not (desk / "no.csv").exists()


def test_flags_take_several_files_and_a_join_with_a_comma(desk: Path) -> None:
    startlm("new", "other", "--data", "t-1.csv", "--join", "texts.csv on id = ticket", "--text", "message", "--label", "team", folder=desk)
    done = startlm("prepare", "other", "--data", "t-1.csv", "--data", "t-2.csv", "--join", "texts.csv on id = ticket, first", folder=desk)
    assert "Read 240 rows." in done.stderr
    kept = json.loads(startlm("plan", "other", "--json", folder=desk).stdout)
    assert kept["steps"][0]["stale"] is False and any("texts.csv on id = ticket, first" in flag for flag in kept["in_force"])
    assert "Read 150 rows." in startlm("prepare", "other", "--forget-flags", folder=desk).stderr


def test_a_random_part_is_as_before_where_no_column_says_otherwise() -> None:
    examples = prepare_examples(tickets(300), **COLUMNS)
    assert np.bincount([PARTS.index(part) for part in part_of(examples)], minlength=4).tolist()[1:3] == [0, 0] and examples.meta["time_column"] is None
