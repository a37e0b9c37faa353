"""Bad tables through the command, in both languages: what is said of columns, targets and days, with which exit code, that nothing
is left behind, and that obeying works. What is merely untidy is read, and said. Sheets, joins and databases: test_bad_sources.py.

Each line of the list, and where else its parts are tried one by one:
dates in three styles and Excel serials             test_days_in_three_styles…; columns/test_read.py
thousands, 万, %, ¥, full-width digits, decimal ,   test_numbers_as_people_write_them…; columns/test_read.py
a category of 100,000 values                        test_a_category_of_100_000_values…; columns/test_encodings.py
a constant column, the label's copy                 test_a_column_that_never_changes…, PREPARE; tasks/test_give_aways.py
a target with missing or infinite values            PREPARE, test_targets_that_are_missing…; test_tables.py
text in a number column, reject file, skip          PREPARE, test_the_first_offending_rows…; test_tables.py
a time column out of order or in the future         test_days_out_of_order…; test_splits.py
"""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from bad_tables import NUMBERS, Rows, check_found, mended_line, prepared, table_at, write_rows
from orders import orders
from test_bad_input import WITHIN, Calls, add_printed_line, complaint, startlm, succeeds

from startlm.core.artifacts import PARTS


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return tmp_path / "青山 茶铺"


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(capsys, monkeypatch)


def cell(row: int, column: str, value: Any) -> Callable[[Rows], Any]:
    return lambda rows: rows[row].update({column: value})


def all_cells(column: str, value: Any) -> Callable[[Rows], Any]:
    return lambda rows: [row.update({column: value}) for row in rows]


def mended_rows(folder: Path, said: str) -> None:
    write_rows(folder / "orders.csv", orders(80))


# ------------------------------------------------ what prepare refuses

@dataclass(frozen=True)
class Wrong:
    """What is wrong with the rows or the settings, words of the message, and how to obey what it prints."""

    words: tuple[str, ...]
    hint: str
    obey: Callable[[Path, str], Any]
    change: Callable[[Rows], Any] = lambda rows: None
    prepare: str = NUMBERS
    task: str = "score"


SKIP = 'bad_rows = "skip"'
PREPARE = {
    "text in a number column": Wrong(("orders.csv:8", "pieces", "three or four"), SKIP, add_printed_line, cell(6, "pieces", "three or four")),
    "infinity in a number column": Wrong(("orders.csv:8", "weight", "inf"), SKIP, add_printed_line, cell(6, "weight", "inf")),
    "a whole number of 400 digits": Wrong(("orders.csv:8", "pieces", "9" * 60), SKIP, add_printed_line, cell(6, "pieces", "9" * 400)),
    "a day that no calendar has": Wrong(("orders.csv:8", "ordered", "2025-02-30"), SKIP, add_printed_line, cell(6, "ordered", "2025-02-30")),
    "an infinite target": Wrong(("orders.csv:8", "paid", "-Infinity"), SKIP, add_printed_line, cell(6, "paid", "-Infinity")),
    "a target that is no number": Wrong(("orders.csv:8", "paid", "a lot"), SKIP, add_printed_line, cell(6, "paid", "a lot")),
    "a target without a value": Wrong(("orders.csv", "'paid'"), "name another label column", mended_rows, all_cells("paid", "")),
    "a target that never changes": Wrong(("orders.csv", "3", "'paid'"), "name another column", mended_rows, all_cells("paid", 3)),
    "a kind that does not exist": Wrong(("'nmber'", "'number'"), "did you mean 'number'?", mended_line("nmber", "number"), prepare=NUMBERS.replace("weight: number", "weight: nmber")),
    "a column that does not exist": Wrong(("'wieght'", "'weight'", "pieces", "returned"), "did you mean 'weight'?", mended_line("wieght", "weight"), prepare=NUMBERS.replace("weight", "wieght")),
    "a category called a number": Wrong(("orders.csv", "80", "'city'"), 'write in [prepare] columns (or --columns): "city: category"', mended_line("city: number", "city: category"), prepare=NUMBERS.replace("category", "number")),
    "a text called a number": Wrong(("orders.csv", "80", "'note'"), "take 'note' out of [prepare] columns, name it under text", mended_line('"note: number", ', ""), cell(0, "note", "it came broken"), NUMBERS.replace("[", '["note: number", ')),
    "labels to be told as numbers": Wrong(("orders.csv", "80", "'returned'"), 'task = "classify"', mended_line('task = "score"', 'task = "classify"'), prepare=NUMBERS.replace('"paid"', '"returned"')),
    "no row that can be read": Wrong(("orders.csv", "80", "city", "rejects.csv"), "what [prepare] says of its columns", mended_line("city: number", "city: category"), prepare=NUMBERS.replace("category", "number") + f"\n{SKIP}"),
    "a column named twice": Wrong(("'pieces'", "[prepare] columns"), "name it once", mended_line(', "pieces"]', "]"), prepare=NUMBERS.replace("]", ', "pieces"]')),
    "the label named as a column": Wrong(("'paid'", "orders.csv", "[prepare]"), "take 'paid' out of", mended_line(', "paid: number"]', "]"), prepare=NUMBERS.replace("]", ', "paid: number"]')),
    "the label named as the text": Wrong(("'note'", "orders.csv", "[prepare]"), "name another label", mended_line('label = "note"', 'label = "returned"'), prepare='text = ["note"]\nlabel = "note"', task="classify"),
    "an identifier named as a column": Wrong(("order",), "leave it out of [prepare] columns", mended_line('"order: identifier", ', ""), prepare=NUMBERS.replace("[", '["order: identifier", ')),
    "a text named as a column": Wrong(("note", "'text'"), "name it under [prepare] text", mended_line('"note: text", ', ""), prepare=NUMBERS.replace("[", '["note: text", ')),
    "the label's copy": Wrong(("orders.csv", "'copy'"), 'give_aways = "report"', mended_line('"stop"', '"report"'), lambda rows: [row.update(copy=row["returned"]) for row in rows],
                              'text = ["note"]\nlabel = "returned"\ngive_aways = "stop"', "classify"),
    "a time column without days": Wrong(("orders.csv", "'city'"), "name another [prepare] time_column", mended_line('time_column = "city"', 'time_column = "ordered"'), prepare=NUMBERS + '\ntime_column = "city"'),
}  # fmt: skip


@pytest.mark.parametrize("name", PREPARE)
def test_prepare_refuses(name: str, shop: Path, here: Calls) -> None:
    case, rows = PREPARE[name], orders(80)
    case.change(rows)
    table_at(shop, rows, case.prepare, case.task)
    said = complaint("prepare", "desk", folder=shop, code=2, words=case.words, here=here)
    assert case.hint in said and (SKIP in said) == (case.hint == SKIP)  # where no cell is what it is called, skipping leaves nothing
    case.obey(shop, said)
    succeeds("prepare", "desk", folder=shop, here=here)


@pytest.mark.parametrize(("columns", "words", "hint"), [
    ("city: number", ("orders.csv", "'city'", "80"), "city: category"), ("order,pieces", ("order",), "leave it out of [prepare] columns"), ("note: text", ("note", "'text'"), "[prepare] text"),
])  # fmt: skip
def test_new_refuses_a_column_that_prepare_would_refuse(columns: str, words: tuple[str, ...], hint: str, shop: Path, here: Calls) -> None:
    table_at(shop, orders(80))
    said = complaint("new", "other", "--data", "orders.csv", "--label", "paid", "--columns", columns, folder=shop, code=2, words=words, here=here)
    assert hint in said and not (shop / "other").exists()


def test_the_first_offending_rows_are_named_all_are_in_the_reject_file_and_skipping_leaves_the_others(shop: Path, here: Calls) -> None:
    rows = orders(80)
    for number in range(10, 30, 2):
        rows[number]["weight"] = f"heavy {number}"
    table_at(shop, rows)
    said = complaint("prepare", "desk", folder=shop, code=2, words=("10", "orders.csv:12", "orders.csv:20", "heavy 18", "rejects.csv"), here=here)
    assert "heavy 20" not in said
    with (shop / "desk" / "data" / "rejects.csv").open(encoding="utf-8", newline="") as stream:
        listed = list(csv.DictReader(stream))
    assert [(row["line"], row["column"], row["value"], row["kind"], row["accept"]) for row in listed] == [
        (str(number + 2), "weight", f"heavy {number}", "not_number", SKIP) for number in range(10, 30, 2)]
    add_printed_line(shop, said)
    succeeds("prepare", "desk", folder=shop, here=here)
    assert prepared(shop).meta["rejected"] == 10 and len(prepared(shop).frame) == 70


# -------------------------------------------- what is read as it stands

def test_targets_that_are_missing_in_any_spelling_are_rows_without_a_label(shop: Path, here: Calls) -> None:
    rows = orders(80)
    for number, nothing in enumerate(("", "NaN", "N/A", "-", "无", "未知", "unknown", "\\N")):
        rows[number]["paid"] = nothing
    table_at(shop, rows)
    check_found(shop, here, en="Rows without a label, kept aside, never guessed: 8 (rows 1, 2, 3", zh="没有标签：放在一边")
    assert prepared(shop).meta["unlabelled"] == 8 and prepared(shop).meta["rejected"] == 0


def test_cells_that_say_that_nothing_is_known_are_missing_in_every_column(shop: Path, here: Calls) -> None:
    rows = orders(80)
    for number, nothing in enumerate(("", "nan", "N/A", "#N/A", "null", "-", "——", "无", "未知", "不详", "Unknown")):
        rows[number].update(weight=nothing, ordered=nothing)
    table_at(shop, rows)
    succeeds("prepare", "desk", folder=shop, here=here)
    frame = prepared(shop).frame.sort("row")
    assert prepared(shop).meta["rejected"] == 0
    assert np.isnan(frame["cell weight"].to_numpy()[:11]).all() and np.isnan(frame["cell ordered"].to_numpy()[:11]).all()


def test_days_in_three_styles_and_serial_numbers_in_one_column_are_one_day_each(shop: Path, here: Calls) -> None:
    rows, epoch = orders(80), date(1970, 1, 1)
    days = [date(2025, 1, 1) + timedelta(days=number * 3) for number in range(80)]
    styles: list[Callable[[date], Any]] = [date.isoformat, lambda day: day.strftime("%d/%m/%Y"), lambda day: f"{day.year}年{day.month}月{day.day}日", lambda day: (day - date(1899, 12, 30)).days]
    for number, row in enumerate(rows):
        row["ordered"] = styles[number % 4](days[number])
    table_at(shop, rows)
    succeeds("prepare", "desk", folder=shop, here=here)
    assert prepared(shop).frame.sort("row")["cell ordered"].to_list() == [(day - epoch).days for day in days]


AS_PEOPLE_WRITE = (f"{1234567.5:,}", "１２３４", "3.2万", "¥1,200", "￥ 30", "12元", "1'234", "-5", "(7)", "1.5亿")
MEANT = (1234567.5, 1234.0, 32000.0, 1200.0, 30.0, 12.0, 1234.0, -5.0, -7.0, 1.5e8)


def test_numbers_as_people_write_them_are_read_in_a_column_and_in_the_target(shop: Path, here: Calls) -> None:
    rows = orders(80)
    for number, row in enumerate(rows):
        row.update(weight=AS_PEOPLE_WRITE[number % 10], paid=AS_PEOPLE_WRITE[number // 8])
    table_at(shop, rows)
    succeeds("prepare", "desk", folder=shop, here=here)
    frame = prepared(shop).frame.sort("row")
    assert frame["cell weight"].to_list() == [MEANT[number % 10] for number in range(80)]
    assert frame["target"].to_list() == [MEANT[number // 8] for number in range(80)]


@pytest.mark.parametrize(("cells", "meant"), [(["12%", "7.5%"], [12.0, 7.5]), (["12%", "0.5"], [0.12, 0.5])])
def test_per_cents_are_read_as_the_column_writes_them(cells: list[str], meant: list[float], shop: Path, here: Calls) -> None:
    rows = [{**row, "weight": cells[number % 2]} for number, row in enumerate(orders(80))]
    table_at(shop, rows)
    succeeds("prepare", "desk", folder=shop, here=here)
    assert prepared(shop).frame.sort("row")["cell weight"].to_list()[:2] == meant


def test_semicolons_and_decimal_commas_are_found_out(shop: Path, here: Calls) -> None:
    rows = orders(80)
    table_at(shop, rows)
    lines = ["pieces;weight;city;ordered;paid"] + [";".join((str(row["pieces"]), str(row["weight"]).replace(".", ","), row["city"], row["ordered"], f"{row['paid']:.2f}".replace(".", ","))) for row in rows]
    (shop / "orders.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    succeeds("prepare", "desk", folder=shop, here=here)
    frame = prepared(shop).frame.sort("row")
    assert frame["target"].to_list() == [row["paid"] for row in rows]
    assert [value for value in frame["cell weight"].to_list() if value == value] == [row["weight"] for row in rows if row["weight"] != ""]


def test_a_long_number_that_names_a_thing_is_left_out_by_new_and_read_where_told(shop: Path, here: Calls) -> None:
    rows = [{**row, "order": 6225880123456780000 + number * 7919} for number, row in enumerate(orders(80))]
    table_at(shop, rows, NUMBERS.replace("[", '["order: number", '))
    assert "Read 80 rows" in succeeds("prepare", "desk", folder=shop, here=here)
    done = here("new", "guessed", "--data", "orders.csv", "--label", "paid", "--columns", "all", folder=shop)
    assert done.returncode == 0, done.stderr
    assert '"order:' not in (shop / "guessed" / "startlm.toml").read_text(encoding="utf-8")


def test_a_category_of_100_000_values_keeps_the_frequent_ones_and_says_so(shop: Path, here: Calls) -> None:
    rows = [{"town": f"town {number // 2 if number < 200_000 else 7}", "pieces": number % 9, "paid": number % 50} for number in range(200_500)]
    table_at(shop, rows, 'columns = ["town: category", "pieces: number"]\nlabel = "paid"')
    begun = time.monotonic()
    check_found(shop, here, en="'town' has 100,000 different values", zh="'town' 列有 100,000 种不同的值")
    assert time.monotonic() - begun < WITHIN
    [town, _] = prepared(shop).meta["columns"]
    assert town["encoding"] == {"values": ["town 7"]}


@pytest.mark.parametrize(("column", "cells", "en", "zh"), [
    ("city", ["Leeds"], "'city' holds the same in every row", "'city' 列每一行都一样"), ("weight", [3], "'weight' holds the same in every row", "'weight' 列每一行都一样"),
    ("weight", ["", "N/A"], "'weight' is empty in every row", "'weight' 列每一行都是空的"),
])  # fmt: skip
def test_a_column_that_never_changes_is_said_and_read(column: str, cells: list[Any], en: str, zh: str, shop: Path, here: Calls) -> None:
    table_at(shop, [{**row, column: cells[number % len(cells)]} for number, row in enumerate(orders(80))])
    check_found(shop, here, en=en, zh=zh)


def test_a_column_with_one_value_or_none_may_tell_something_and_nothing_is_said_of_it(shop: Path, here: Calls) -> None:
    table_at(shop, [{**row, "city": number % 2 * "gift", "weight": number % 2 * "1"} for number, row in enumerate(orders(80))])
    assert "in every row" not in succeeds("prepare", "desk", folder=shop, here=here)


def test_a_column_that_is_the_labels_copy_is_said(shop: Path, here: Calls) -> None:
    rows = [{**row, "copy": row["returned"]} for row in orders(80)]
    table_at(shop, rows, 'columns = ["copy: category", "pieces: number"]\nlabel = "returned"', "classify")
    check_found(shop, here, en="the column 'copy' gives away, so that what is measured may be too good", zh="可由 'copy' 列直接得知，量出来的成绩可能虚高")


def test_days_out_of_order_are_put_in_order_and_days_to_come_are_said(shop: Path, here: Calls) -> None:
    rows = [{**row, "ordered": (date(2024, 1, 1) + timedelta(days=number * 37 % 80)).isoformat()} for number, row in enumerate(orders(80))]
    rows[4]["ordered"], rows[9]["ordered"] = "2098-01-01", ""
    table_at(shop, rows, NUMBERS + '\ntime_column = "ordered"')
    check_found(shop, here, en="whose day in 'ordered' is yet to come: they count as the newest: 1 (rows 5)", zh="的 'ordered' 列是未来的日期：算作最新的行（第 5 行）")
    frame = prepared(shop).frame.sort("row")
    tested = [i for i, part in enumerate(frame["part"].to_list()) if PARTS[part] == "test"]
    oldest = min(rows[i]["ordered"] for i in tested)
    assert 4 in tested and 9 not in tested and all(rows[i]["ordered"] < oldest for i in range(80) if i not in tested)


# -------------------------------------------------- the file to be answered

@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished project that tells what is paid from columns, and the sort of file it answers."""
    folder = table_at(tmp_path_factory.mktemp("answering") / "青山 茶铺", orders(240))
    assert startlm("run", "desk", folder=folder).returncode == 0
    return folder


def test_predict_names_a_column_that_is_missing_and_passes_over_those_it_does_not_read(answering: Path, here: Calls) -> None:
    rows = [{"extra": "kept", **{name: value for name, value in row.items() if name != "note"}} for row in orders(12, seed=1)]
    write_rows(answering / "bad.csv", [{("wieght" if name == "weight" else name): value for name, value in row.items()} for row in rows])
    said = complaint("predict", "desk", "bad.csv", "-o", "out.csv", folder=answering, code=2, words=("bad.csv", "'weight'", "wieght"), here=here)
    assert "rename a column of the file" in said
    write_rows(answering / "good.csv", rows)
    succeeds("predict", "desk", "good.csv", "-o", "out.csv", folder=answering, here=here)
    with (answering / "out.csv").open(encoding="utf-8", newline="") as stream:
        answers = list(csv.DictReader(stream))
    assert [row["extra"] for row in answers] == ["kept"] * 12 and all(float(row["prediction"]) for row in answers)


def test_predict_says_which_column_no_longer_holds_what_it_did(answering: Path, here: Calls) -> None:
    rows = [{**row, "pieces": ("one", "two", "three")[number % 3] if number > 3 else 2, "ordered": row["pieces"]} for number, row in enumerate(orders(12, seed=1))]
    write_rows(answering / "changed.csv", rows)
    words = {"zh": "'pieces' 列的前 12 个单元格中有 8 个不是数字，按缺失处理；第一个在第 5 行：'two'。", "en": "8 of the first 12 cells of 'pieces' hold no number and count as missing; the first, in row 5, holds 'two'."}
    for language, said in words.items():
        done = here("predict", "desk", "changed.csv", "-o", "changed-out.csv", "--force", folder=answering, language=language)  # type: ignore[arg-type]
        assert done.returncode == 0 and said in done.stderr, done.stderr
    assert "12 of the first 12 cells of 'ordered' hold no date" in done.stderr



def test_predict_says_nothing_of_cells_that_are_merely_missing(answering: Path, here: Calls) -> None:
    write_rows(answering / "gaps.csv", [{**row, "pieces": "未知", "weight": "", "city": "Nowhere", "ordered": None} for row in orders(12, seed=1)])
    assert "missing" not in succeeds("predict", "desk", "gaps.csv", "-o", "gaps-out.csv", folder=answering, here=here)


def test_predict_of_a_text_names_the_columns_that_have_no_value_then(tables: dict[str, Path], tmp_path: Path, here: Calls) -> None:
    for language, said in {"zh": "这里没有值的列：pieces、weight、city、ordered。", "en": "Without a value here: pieces, weight, city, ordered."}.items():
        done = here("predict", str(tables["score"]), "--text", "it came broken", folder=tmp_path, language=language)  # type: ignore[arg-type]
        assert done.returncode == 0 and said in done.stderr and "it came broken" in done.stdout, done.stderr
