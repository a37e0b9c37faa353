"""What `new` takes as told, what it guesses, and what it refuses at once."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from startlm import prepare_examples
from startlm.commands.new import look_at
from startlm.core.errors import CallError
from tickets import tickets


def write_csv(path: Path, rows: list[dict[str, Any]], head: list[str] | None = None) -> str:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, head or list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def test_roles_that_are_told_are_said_as_told_and_not_guessed_again(tmp_path: Path) -> None:
    said = [each.en for each in look_at(write_csv(tmp_path / "t.csv", tickets(60)), text=("message",), label="team").said]
    assert "text: 'message', as told" in said and "label: 'team', as told" in said
    assert not [each for each in said if "none" in each] and said[-1] == "-> text: message; label: team; not used: id"


def test_a_label_that_looks_like_text_may_be_named(tmp_path: Path) -> None:
    reasons = ("the customer wants the money back for an order", "the parcel has been on its way for far too long", "a question about how to brew some tea")
    rows = [{"message": row["message"], "reason": f"{reasons[row['id'] % 3]} {row['id'] // 6}"} for row in tickets(60)]
    look = look_at(write_csv(tmp_path / "t.csv", rows), label="reason")
    assert (look.text, look.label) == (("message",), "reason")


def test_one_column_for_both_is_still_refused(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="both text and label"):
        look_at(write_csv(tmp_path / "t.csv", tickets(60)), text=("message",), label="message")


def test_a_split_column_whose_values_are_no_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="'team' does not hold train, dev and test: money, post") as error:
        look_at(write_csv(tmp_path / "t.csv", tickets(60)), text=("message",), label="id", split_column="team")
    assert error.value.where == str(tmp_path / "t.csv") and "split_column" in error.value.hint.en


def test_a_split_column_that_is_told_is_taken_and_its_words_are_shown(tmp_path: Path) -> None:
    rows = [{**row, "part": "test" if row["id"] % 3 else "train"} for row in tickets(60)]
    look = look_at(write_csv(tmp_path / "t.csv", rows), split_column="part")
    assert look.split_column == "part" and "test = test" in look.said[-1].en and look.label == "team"


@pytest.mark.parametrize(("head", "rows", "words"), [
    (["message", "taem"], [{"message": "where is it", "taem": "post"}], "no column 'team'"), (["message", "team"], [], "no rows"),
])  # fmt: skip
def test_a_test_table_is_looked_at_too(head: list[str], rows: list[dict[str, Any]], words: str, tmp_path: Path) -> None:
    held = write_csv(tmp_path / "held.csv", rows, head)
    with pytest.raises(CallError, match=words) as error:
        look_at(write_csv(tmp_path / "t.csv", tickets(60)), test=held)
    assert error.value.where == held


def with_copy(path: Path, *, text: bool) -> str:
    """Tickets with an amount and a copy of the team; without `text`, no messages."""
    rows = [{**row, "amount": row["id"] * 37 % 501 + 0.5, "copy": row["team"]} for row in tickets(200)]
    return write_csv(path / "t.csv", [{name: value for name, value in row.items() if text or name != "message"} for row in rows])


def test_a_copy_of_the_label_is_not_among_the_columns_to_read_and_it_is_said_why(tmp_path: Path) -> None:
    said = look_at(with_copy(tmp_path, text=True)).said
    assert [each.en for each in said if '--columns "amount" reads them too' in each.en] and [each.zh for each in said if '加 --columns "amount" 则' in each.zh]
    assert [each for each in said if "left out: 'copy', it tells 'team' by itself in 100.0% of the rows looked at" in each.en and "单凭它就能知道 'team'" in each.zh]


def test_a_copy_of_the_label_is_not_read_instead_of_a_text(tmp_path: Path) -> None:
    look = look_at(with_copy(tmp_path, text=False))
    assert (look.text, look.columns, look.label) == ((), ("amount: number",), "team") and "not used: id, copy" in look.said[-1].en


@pytest.mark.parametrize("columns", [("copy", "amount"), ("all",)])
def test_a_copy_of_the_label_that_is_asked_for_is_read_with_a_warning(columns: tuple[str, ...], tmp_path: Path) -> None:
    look = look_at(with_copy(tmp_path, text=True), columns=columns)
    assert "copy: category" in look.columns
    assert [each for each in look.said if "careful: 'copy' tells 'team' by itself" in each.en and each.zh.startswith("注意：") and "[prepare] columns" in each.zh]


def test_a_copy_of_a_number_is_found_though_no_value_repeats(tmp_path: Path) -> None:
    rows = [{"size": i * 37 % 501 + 0.25, "age": i % 60, "price": i + 0.5, "price_before": i + 0.5} for i in range(200)]
    assert look_at(write_csv(tmp_path / "t.csv", rows), label="price").columns == ("size: number", "age: number")


def test_the_only_column_is_read_though_it_tells_the_label(tmp_path: Path) -> None:
    look = look_at(write_csv(tmp_path / "t.csv", [{"copy": row["team"], "team": row["team"]} for row in tickets(60)]))
    assert look.columns == ("copy: category",) and [each for each in look.said if "careful: 'copy' tells 'team'" in each.en]


def refused(cells: list[str], path: Path) -> CallError:
    """What `new` says where these are called numbers."""
    rows = [{"city": cell, "age": i % 60, "plan": "old" if i % 2 else "new"} for i, cell in enumerate(cells)]
    with pytest.raises(CallError) as error:
        look_at(write_csv(path / "t.csv", rows), columns=("city: number", "age"), label="plan")
    return error.value


def test_cells_none_of_which_is_a_number_are_not_to_be_skipped_and_the_flag_is_named(tmp_path: Path) -> None:
    error = refused([f"c{i}" for i in range(5_000)], tmp_path)
    assert error.message.en.startswith("2,000 of the 2,000 cells of 'city' looked at hold no number") and error.message.zh.startswith("'city' 列看过的 2,000 个单元格中有 2,000 个不是数字")
    assert error.hint == ("take 'city' out of --columns", "从 --columns 中去掉 'city'")


def test_missing_cells_beside_bad_ones_leave_nothing_either(tmp_path: Path) -> None:
    error = refused([("Ulm", "Bonn", "Kiel", "n/a")[i % 4] for i in range(200)], tmp_path)
    assert error.hint == ('write --columns "city: category"', '写 --columns "city: category"')


def test_rows_can_be_skipped_where_some_cells_are_numbers_once_there_is_a_project(tmp_path: Path) -> None:
    error = refused([str(i) if i % 3 == 0 else f"about {i}" for i in range(200)], tmp_path)
    assert 'without it, then add it to [prepare] columns with bad_rows = "skip"' in error.hint.en and '建好项目后再写进 [prepare] columns，并写 bad_rows = "skip"' in error.hint.zh
    examples = prepare_examples(str(tmp_path / "t.csv"), columns=("city: number", "age: number"), label="plan", bad_rows="skip", folder=tmp_path)
    assert examples.meta["rejected"] == 133


@pytest.mark.parametrize(("name", "read"), [("score_text", True), ("text", False)])
def test_a_column_of_few_values_is_missed_as_the_text_only_where_that_is_its_whole_name(name: str, read: bool, tmp_path: Path) -> None:
    rows = [{"age": 20 + number % 37, name: ("low", "high")[number % 2], "again": "yes" if number % 3 else "no"} for number in range(90)]
    path = write_csv(tmp_path / "t.csv", rows)
    if read:
        assert f"{name}: category" in look_at(path, label="again").columns
    else:
        with pytest.raises(CallError, match="No column looks like the text"):
            look_at(path, label="again")
