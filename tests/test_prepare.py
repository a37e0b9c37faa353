"""What prepare finds, where it says that it stands, and what each choice makes of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from startlm import prepare_examples
from startlm.core.artifacts import Examples
from startlm.core.errors import CallError
from startlm.core.findings import KEPT
from tickets import tickets

COLUMNS = {"text": "message", "label": "team"}


def write_csv(path: Path, rows: list[dict[str, Any]], head: tuple[str, ...] = ("message", "team"), encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, head, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def found(examples: Examples, kind: str) -> list[dict[str, Any]]:
    return [each for each in examples.meta["findings"] if each["kind"] == kind]


def rows_found(examples: Examples, kind: str) -> list[int]:
    [only] = found(examples, kind)
    assert only["count"] == len(only["rows"])
    return list(only["rows"])


# ------------------------------------------------------- one table, every fault

TABLE = [
    {"message": message, "team": team}
    for message, team in [
        ("please refund the kettle, order 11", "money"),
        ("where is my parcel, number 22", "post"),
        ("please refund the kettle, order 11", "money"),  # 3: repeats row 1
        ("I was charged twice for the tray", "money"),
        ("I was charged twice for the tray", "post"),  # 4, 5: contradict each other
        ("  <br> ", "post"),  # 6: no text
        ("thank you for nothing at all", ""),  # 7: no label
        ("is the shop open on Sunday", "hours"),  # 8: a label seen once
        ("the parcel with two cups has not arrived", "Post"),  # 9: a misspelt label
        ("什么时候发龙井", "post"),
    ]
]
FOUND = {"empty": [6], "unlabelled": [7], "duplicates": [3], "contradictions": [4, 5], "label_once": [8, 9], "label_typos": [9]}


@pytest.mark.parametrize("kind", FOUND)
def test_each_kind_of_row_is_found_with_its_row_numbers(kind: str) -> None:
    examples = prepare_examples(TABLE, **COLUMNS)
    assert rows_found(examples, kind) == FOUND[kind]
    assert sorted(examples.frame["row"]) == [1, 2, 3, 4, 5, 8, 9, 10], "nothing is dropped unless asked"


@pytest.mark.parametrize(("setting", "left"), [("duplicates", [1, 2, 4, 5, 8, 9, 10]), ("contradictions", [1, 2, 3, 8, 9, 10]), ("label_once", [1, 2, 3, 4, 5, 10])])
def test_what_a_setting_drops_is_gone_and_the_sentence_says_how_to_keep_it(setting: str, left: list[int]) -> None:
    examples = prepare_examples(TABLE, **COLUMNS, **{setting: "drop"})
    assert sorted(examples.frame["row"]) == left
    [said] = found(examples, setting)
    assert said["setting"] == f'{setting} = "keep"' and "(dropped)" in said["said"]["en"] and "丢弃" in said["said"]["zh"]


def test_a_misspelt_label_is_merged_and_no_longer_seen_once() -> None:
    examples = prepare_examples(TABLE, **COLUMNS, label_typos="merge")
    assert "Post" not in examples.labels and rows_found(examples, "label_once") == [8]


def test_rows_without_a_text_stop_where_asked_and_are_listed() -> None:
    with pytest.raises(CallError, match=r"Rows without a text: 1 \(rows 6\)") as error:
        prepare_examples(TABLE, **COLUMNS, empty="stop")
    assert 'empty = "drop"' in error.value.hint.en and 'empty = "drop"' in error.value.hint.zh


def test_every_finding_that_a_setting_decides_names_it() -> None:
    examples = prepare_examples(TABLE, **COLUMNS)
    lines = {each["kind"]: each["setting"] for each in examples.meta["findings"]}
    assert (lines["empty"], lines["label_once"]) == ('empty = "stop"', 'label_once = "drop"')
    assert [kind for kind, line in lines.items() if not line] == ["unlabelled", "near_duplicates"]


# --------------------------------------------------------------- row numbers

def test_all_row_numbers_are_on_disk_and_ten_in_the_sentence(tmp_path: Path) -> None:
    copies = KEPT + 50
    path = write_csv(tmp_path / "t.csv", [*tickets(40), *[{"message": "one and the same text", "team": "post"}] * (copies + 1)])
    examples = prepare_examples(path, **COLUMNS, folder=tmp_path / "data")
    [finding] = found(examples, "duplicates")
    expected = list(range(42, 42 + copies))
    assert finding["count"] == copies and finding["rows"] == expected[:KEPT]
    assert f"(rows {', '.join(map(str, expected[:10]))} …)" in finding["said"]["en"]
    rows = list(csv.DictReader((examples.folder / "findings.csv").read_text("utf-8").splitlines()))
    listed = [row for row in rows if row["kind"] == "duplicates"]
    assert [int(row["row"]) for row in listed] == expected
    assert {row["file"] for row in listed} == {"t.csv"} and all(int(row["line"]) == int(row["row"]) + 1 for row in listed)


def test_rows_of_the_test_file_are_numbered_in_it_and_named_with_it(tmp_path: Path) -> None:
    held = [*tickets(30, seed=9), {"message": "", "team": "post"}, {"message": "a parcel of nobody", "team": ""}]
    held[2] = tickets(100)[56]
    data, test = write_csv(tmp_path / "tickets.csv", tickets(100)), write_csv(tmp_path / "held.csv", held)
    examples = prepare_examples(data, test=test, **COLUMNS, folder=tmp_path / "data")
    [leak], [empty] = found(examples, "leaks"), found(examples, "empty")
    assert leak["rows"] == [] and leak["elsewhere"] == {"held.csv": [3]} and "(held.csv: rows 3)" in leak["said"]["en"] and "held.csv：第 3 行" in leak["said"]["zh"]
    assert empty["elsewhere"] == {"held.csv": [31]}
    assert examples.meta["leaks"]["exact"] == [[3, 57]] and examples.meta["leaks"]["files"]["test_rows"] == ["held.csv"]
    at_test = examples.frame.filter(examples.frame["file"] == 1)
    assert at_test["row"].to_list() == list(range(1, 31)) and at_test["line"].to_list() == list(range(2, 32))
    assert at_test.filter(at_test["leaks"])["row"].to_list() == [3]
    lines = list(csv.reader((examples.folder / "findings.csv").read_text("utf-8").splitlines()))
    assert ["leaks", "held.csv", "3", "4"] in [line[1:] for line in lines]


def test_rows_without_a_label_are_kept_aside_with_their_texts(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "t.csv", [*tickets(40), {"message": " 还没有  分类 ", "team": " "}])
    test = write_csv(tmp_path / "held.csv", [{"message": "nobody has read this", "team": ""}, *tickets(5, seed=3)])
    examples = prepare_examples(data, test=test, **COLUMNS, folder=tmp_path / "data")
    assert examples.unlabelled.rows() == [(41, 42, 0, "还没有 分类"), (1, 2, 1, "nobody has read this")]
    assert examples.meta["unlabelled"] == 2
    assert prepare_examples(tickets(40), **COLUMNS).unlabelled.rows() == []


# ------------------------------------------------------- a test table of no use

@pytest.mark.parametrize(("held", "words"), [
    ([], "no rows"), ([{"message": "not sorted yet", "team": ""}], "has a label in 'team'"), ([{"message": "", "team": "post"}], "Every text in 'message' is empty"),
])  # fmt: skip
def test_a_test_table_without_usable_rows_is_refused_by_its_name(held: list[dict[str, Any]], words: str, tmp_path: Path) -> None:
    data, test = write_csv(tmp_path / "t.csv", tickets(40)), write_csv(tmp_path / "held.csv", held)
    with pytest.raises(CallError, match=words) as error:
        prepare_examples(data, test=test, **COLUMNS, folder=tmp_path / "data")
    assert error.value.where == str(test) and error.value.hint.en and error.value.hint.zh


def test_a_head_without_rows_is_said_of_the_data_and_not_made_up_for_by_the_test_table(tmp_path: Path) -> None:
    data, test = write_csv(tmp_path / "t.csv", []), write_csv(tmp_path / "held.csv", tickets(40))
    with pytest.raises(CallError, match="no rows") as error:
        prepare_examples(data, test=test, **COLUMNS, folder=tmp_path / "data")
    assert error.value.where == str(data)


def test_a_split_whose_test_rows_have_no_label_is_refused() -> None:
    rows = [{**row, "part": "train"} for row in tickets(40)] + [{"message": "not sorted yet", "team": "", "part": "test"}]
    with pytest.raises(CallError, match="No test row"):
        prepare_examples(rows, **COLUMNS, split_column="part")


# ------------------------------------------------- what gives the label away

def with_status(count: int = 60) -> list[dict[str, Any]]:
    return [{**row, "status": "paid back" if row["team"] == "money" else "sent again"} for row in tickets(count)]


def test_an_unused_column_that_tells_the_label_is_named_with_its_rows() -> None:
    examples = prepare_examples(with_status(), **COLUMNS)
    assert rows_found(examples, "gives_away") == list(range(1, 61))
    assert "'status'" in found(examples, "gives_away")[0]["said"]["en"]


def test_one_of_several_text_columns_that_tells_the_label_is_named() -> None:
    [finding] = found(prepare_examples(with_status(), text=("message", "status"), label="team"), "gives_away")
    assert "text column 'status'" in finding["said"]["en"] and finding["setting"] == 'give_aways = "stop"'


def test_a_column_that_does_not_tell_the_label_is_not_named() -> None:
    rows = [{**row, "desk": ("east", "west")[row["id"] % 2]} for row in tickets(60)]
    assert found(prepare_examples(rows, text=("message", "desk"), label="team"), "gives_away") == []


def test_what_gives_the_label_away_stops_where_asked_and_passes_with_the_line_of_the_hint() -> None:
    with pytest.raises(CallError, match="'status'") as error:
        prepare_examples(with_status(), **COLUMNS, give_aways="stop")
    assert 'give_aways = "report"' in error.value.hint.en
    assert prepare_examples(with_status(), **COLUMNS, give_aways="report").labels == ("money", "post")


def test_texts_that_hold_the_name_of_their_label_are_counted() -> None:
    rows = [{**row, "message": f"{row['team']}: {row['message']}"} for row in tickets(40)]
    assert rows_found(prepare_examples(rows, **COLUMNS), "gives_away") == list(range(1, 41))


# ------------------------------------------------------------------- leaks

LONG = "please send the two cups and the clay pot to the new address in Chengdu, and the invoice too, thank you very much"


def leaky(parts: tuple[str, str]) -> list[dict[str, Any]]:
    """Rows 1 to 60 of the first part, 61 to 80 of the second: 61 equals row 5, 62 is near to row 6."""
    rows = [{**row, "part": parts[0]} for row in tickets(60)] + [{**row, "part": parts[1]} for row in tickets(20, seed=5)]
    rows[5]["message"], rows[60]["message"], rows[61]["message"] = LONG, rows[4]["message"], LONG + "!"
    return rows


def test_leaks_under_a_split_column_name_both_rows() -> None:
    leaks = prepare_examples(leaky(("train", "test")), **COLUMNS, split_column="part").meta["leaks"]
    assert leaks["exact"] == [[61, 5]] and leaks["test_rows"] == [61, 62] and leaks["handled"] == "report"
    [[test, train, similarity]] = leaks["near"]
    assert (test, train) == (62, 6) and 0.9 <= similarity < 1


def test_leaks_from_a_test_file_name_both_rows(tmp_path: Path) -> None:
    rows = leaky(("train", "test"))
    data, test = write_csv(tmp_path / "t.csv", rows[:60]), write_csv(tmp_path / "held.csv", rows[60:])
    leaks = prepare_examples(data, test=test, **COLUMNS, folder=tmp_path / "data").meta["leaks"]
    assert leaks["exact"] == [[1, 5]] and [pair[:2] for pair in leaks["near"]] == [[2, 6]] and leaks["test_rows"] == [1, 2]


def test_drop_train_takes_the_leaking_rows_from_train_and_none_from_test() -> None:
    examples = prepare_examples(leaky(("train", "test")), **COLUMNS, split_column="part", leaks="drop_train")
    assert set(range(1, 81)) - set(examples.frame["row"]) == {5, 6}
    assert examples.meta["parts"]["test"] == 20 and examples.meta["leaks"]["handled"] == "drop_train"


# --------------------------------------------------- several text columns

def test_names_of_columns_count_neither_as_language_nor_as_likeness() -> None:
    rows = [{"title of the message": f"退款{i}", "content of the message": f"想退货{i * 7919 % 1000}", "team": "ab"[i % 2]} for i in range(40)]
    examples = prepare_examples(rows, text=("title of the message", "content of the message"), label="team")
    assert examples.meta["languages"]["zh"] == 40
    assert len(set(examples.frame["group"])) == 40 and found(examples, "near_duplicates") == []
    assert examples.frame["text"][0] == "title of the message: 退款0\ncontent of the message: 想退货0"


def test_the_map_to_the_original_is_kept_for_each_text_column() -> None:
    rows = [{"subject": f"order {row['id']}", **row} for row in tickets(40)]
    rows[0] |= {"message": "my <b>parcel</b> is late"}
    examples = prepare_examples(rows, text=("subject", "message"), label="team")
    subject, spans = examples.frame["spans"][0]
    assert subject is None and spans.to_list() == [0, 0, 3, 6, 9, 16] and examples.frame["spans"][1] is None
    assert examples.frame["original"][0].to_list() == ["order 0", "my <b>parcel</b> is late"]


# ----------------------------------------------------------------- files

@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16", "utf-8-sig"])
def test_a_table_in_any_encoding_gives_the_same_examples(encoding: str, tmp_path: Path) -> None:
    rows = [{"message": text, "team": team} for i in range(20) for text, team in ((f"請問退款什麼時候到帳 {i}", "money"), (f"包裹還沒有收到，單號 {i}", "post"))]
    plain = prepare_examples(write_csv(tmp_path / "plain.csv", rows), **COLUMNS, folder=tmp_path / "plain")
    other = prepare_examples(write_csv(tmp_path / "other.csv", rows, encoding=encoding), **COLUMNS, folder=tmp_path / "other")
    assert other.frame.equals(plain.frame) and other.labels == plain.labels


def test_a_list_of_rejected_rows_goes_when_the_file_is_mended(tmp_path: Path) -> None:
    path, data = write_csv(tmp_path / "t.csv", tickets(40)), tmp_path / "data"
    good = path.read_bytes()
    prepare_examples(path, **COLUMNS, folder=data)
    path.write_bytes(good + b"one,too,many\r\n")
    with pytest.raises(CallError, match="1 row cannot be read"):
        prepare_examples(path, **COLUMNS, folder=data)
    assert (data / "rejects.csv").exists()
    path.write_bytes(good)
    prepare_examples(path, **COLUMNS, folder=data)
    assert not (data / "rejects.csv").exists(), "also where the examples were there already"


# ----------------------------------------------------------- calls from Python

@pytest.mark.parametrize(("given", "words"), [
    ({"leaks": "drop"}, '"report" | "drop_train"'), ({"duplicates": "remove"}, '"keep" | "drop"'), ({"lable": "team"}, "Did you mean label?"), ({"seed": "one"}, "a whole number"),
])  # fmt: skip
def test_a_call_is_held_to_the_rules_of_the_settings_file(given: dict[str, Any], words: str) -> None:
    with pytest.raises(CallError) as error:
        prepare_examples(tickets(40), **COLUMNS | given)
    assert words in str(error.value) and "prepare_examples" in str(error.value)


def test_a_folder_may_be_a_text_and_an_error_names_the_file(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", tickets(40))
    assert prepare_examples(str(path), **COLUMNS, folder=str(tmp_path / "data")).folder.parent == tmp_path / "data"
    write_csv(path, [{**row, "team": "money"} for row in tickets(40)])
    with pytest.raises(CallError, match="only one label") as error:
        prepare_examples(path, **COLUMNS, folder=tmp_path / "data")
    assert error.value.where == str(path)


def test_a_test_table_may_lie_in_memory_too() -> None:
    assert prepare_examples(tickets(40), test=tickets(10, seed=4), **COLUMNS).meta["parts"]["test"] == 10


def test_what_is_on_disk_is_json_without_surprises(tmp_path: Path) -> None:
    examples = prepare_examples(TABLE, **COLUMNS, folder=tmp_path)
    assert json.loads((examples.folder / "meta.json").read_text("utf-8")) == examples.meta
