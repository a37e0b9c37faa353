"""Bad tables through the command, in both languages: what is said of columns, sheets, joins, databases, targets and days, with which
exit code, that nothing is left behind, and that obeying works. What is merely untidy is read, and said.

Each line of the list, and where else its parts are tried one by one:
a sheet that isn't there, merged head cells         WORKBOOKS; formats/test_spreadsheet.py
dates in three styles and Excel serials             test_days_in_three_styles…; columns/test_read.py
thousands, 万, %, ¥, full-width digits, decimal ,   test_numbers_as_people_write_them…; columns/test_read.py
a category of 100,000 values                        test_a_category_of_100_000_values…; columns/test_encodings.py
a constant column, the label's copy                 test_a_column_that_never_changes…, PREPARE; tasks/test_give_aways.py
a target with missing or infinite values            PREPARE, test_targets_that_are_missing…; test_tables.py
a join key that repeats or misses                   test_a_join_key…; formats/test_joined.py, test_splits.py
a query that fails, a database that stops           test_a_query…, test_a_database…; formats/test_database.py
text in a number column, reject file, skip          PREPARE, test_the_first_offending_rows…; test_tables.py
a time column out of order or in the future         test_days_out_of_order…; test_splits.py
"""

from __future__ import annotations

import csv
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from orders import orders
from test_bad_input import WITHIN, Calls, add_printed_line, assert_message, complaint, listing, shop_at, startlm, succeeds, toml
from tickets import tickets

from startlm.core.artifacts import PARTS, Examples

NUMBERS = 'columns = ["pieces: number", "weight: number", "city: category", "ordered: date"]\nlabel = "paid"'
Rows = list[dict[str, Any]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return tmp_path / "青山 茶铺"


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(capsys, monkeypatch)


def write_rows(path: Path, rows: Rows) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def table_at(folder: Path, rows: Rows, prepare: str = NUMBERS, task: str = "score") -> Path:
    """A folder with orders.csv and a project named desk that reads it."""
    shop_at(folder, settings=f'task = "{task}"\n\n' + toml("orders.csv", prepare=prepare, build='family = "linear"'))
    write_rows(folder / "orders.csv", rows)
    return folder


def prepared(folder: Path) -> Examples:
    [meta] = (folder / "desk" / "data").glob("*/meta.json")
    return Examples(meta.parent)


def said_in(folder: Path, here: Calls, *arguments: str, words: dict[str, str]) -> None:
    """The command succeeds and says the words, in either language."""
    for language in ("zh", "en"):
        done = here(*arguments, folder=folder, language=language)  # type: ignore[arg-type]
        assert done.returncode == 0 and words[language] in done.stderr + done.stdout, done.stderr


def cell(row: int, column: str, value: Any) -> Callable[[Rows], Any]:
    return lambda rows: rows[row].update({column: value})


def all_cells(column: str, value: Any) -> Callable[[Rows], Any]:
    return lambda rows: [row.update({column: value}) for row in rows]


def mended_rows(folder: Path, said: str) -> None:
    write_rows(folder / "orders.csv", orders(80))


def mended_line(wrong: str, right: str) -> Callable[[Path, str], None]:
    def mend(folder: Path, said: str) -> None:
        settings = folder / "desk" / "startlm.toml"
        text = settings.read_text(encoding="utf-8")
        assert text.count(wrong) == 1, text
        settings.write_text(text.replace(wrong, right), encoding="utf-8")

    return mend


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
    "a target that never changes": Wrong(("orders.csv", "(3)", "'paid'"), "name another column", mended_rows, all_cells("paid", 3)),
    "a kind that does not exist": Wrong(("'nmber'", "'number'"), "did you mean 'number'?", mended_line("nmber", "number"), prepare=NUMBERS.replace("weight: number", "weight: nmber")),
    "a column that does not exist": Wrong(("'wieght'", "'weight'", "pieces, weight"), "did you mean 'weight'?", mended_line("wieght", "weight"), prepare=NUMBERS.replace("weight", "wieght")),
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
    assert case.hint in said
    case.obey(shop, said)
    succeeds("prepare", "desk", folder=shop, here=here)


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
    said_in(shop, here, "prepare", "desk", words={"en": "Rows without a label, kept aside, never guessed: 8 (rows 1, 2, 3", "zh": "没有标签：放在一边"})
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
    said_in(shop, here, "prepare", "desk", words={"en": "Read 80 rows", "zh": "读入 80 行"})
    done = here("new", "guessed", "--data", "orders.csv", "--label", "paid", "--columns", "all", folder=shop)
    assert done.returncode == 0, done.stderr
    assert "order:" not in (shop / "guessed" / "startlm.toml").read_text(encoding="utf-8").replace("ordered:", "")


def test_a_category_of_100_000_values_keeps_the_frequent_ones_and_says_so(shop: Path, here: Calls) -> None:
    rows = [{"town": f"town {number // 2 if number < 200_000 else 7}", "pieces": number % 9, "paid": number % 50} for number in range(200_500)]
    table_at(shop, rows, 'columns = ["town: category", "pieces: number"]\nlabel = "paid"')
    begun = time.monotonic()
    said_in(shop, here, "prepare", "desk", words={"en": "'town' has 100,000 different values", "zh": "'town' 列有 100,000 种不同的值"})
    assert time.monotonic() - begun < WITHIN
    [town, _] = prepared(shop).meta["columns"]
    assert town["encoding"] == {"values": ["town 7"]}


def test_a_column_that_never_changes_is_said_and_read(shop: Path, here: Calls) -> None:
    rows = [{**row, "city": "Leeds"} for row in orders(80)]
    table_at(shop, rows)
    said_in(shop, here, "prepare", "desk", words={"en": "'city' holds the same in every row", "zh": "'city' 列每一行都一样"})


def test_a_column_that_is_the_labels_copy_is_said(shop: Path, here: Calls) -> None:
    rows = [{**row, "copy": row["returned"]} for row in orders(80)]
    table_at(shop, rows, 'columns = ["copy: category", "pieces: number"]\nlabel = "returned"', "classify")
    said_in(shop, here, "prepare", "desk", words={"en": "the column 'copy' gives away, so that what is measured may be too good", "zh": "可由 'copy' 列直接得知，量出来的成绩可能虚高"})


def test_days_out_of_order_are_put_in_order_and_days_to_come_are_said(shop: Path, here: Calls) -> None:
    rows = [{**row, "ordered": (date(2024, 1, 1) + timedelta(days=number * 37 % 80)).isoformat()} for number, row in enumerate(orders(80))]
    rows[4]["ordered"], rows[9]["ordered"] = "2098-01-01", ""
    table_at(shop, rows, NUMBERS + '\ntime_column = "ordered"')
    said_in(shop, here, "prepare", "desk", words={"en": "whose day in 'ordered' is yet to come: they count as the newest: 1 (rows 5)", "zh": "的 'ordered' 列是未来的日期：算作最新的行（第 5 行）"})
    frame = prepared(shop).frame.sort("row")
    tested = [i for i, part in enumerate(frame["part"].to_list()) if PARTS[part] == "test"]
    oldest = min(rows[i]["ordered"] for i in tested)
    assert 4 in tested and 9 not in tested and all(rows[i]["ordered"] < oldest for i in range(80) if i not in tested)


# --------------------------------------------------- workbooks and files

def book(*sheets: tuple[str, list[tuple[Any, ...]]], merged: str = "", title: str = "") -> Callable[[Path], None]:
    """An Excel file with these sheets; `merged` are cells of the head that are one, `title` stands above it."""
    def make(path: Path) -> None:
        import xlsxwriter

        workbook = xlsxwriter.Workbook(str(path))
        for name, rows in sheets:
            sheet = workbook.add_worksheet(name)
            if title:
                sheet.write(0, 0, title)
            if merged:
                sheet.merge_range(merged, "")
            for number, row in enumerate(rows, 2 if title else 0):
                sheet.write_row(number, 0, row)
        workbook.close()

    return make


ROWS = [("message", "team"), *((row["message"], row["team"]) for row in tickets(60))]


def locked(path: Path) -> None:
    """A workbook with a password, as far as one can see from outside: the old container with an encrypted package in it
    ([MS-CFB] 2.2 to 2.6, [MS-OFFCRYPTO] 2.3.4.4)."""
    free, end, none = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF

    def entry(name: str, kind: int, left: int, right: int, child: int, start: int, size: int) -> bytes:
        wide = (name + "\0").encode("utf-16-le")
        return wide.ljust(64, b"\0") + struct.pack("<HBBIII16xIQQIQ", len(wide), kind, 1, left, right, child, 0, 0, 0, start, size)

    head = struct.pack("<8s16xHHHHH6xIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0, 0)
    fat = struct.pack("<128I", *[0xFFFFFFFD, end, *range(3, 10), end, *range(11, 18), end], *[free] * 110)
    folder = entry("Root Entry", 5, none, none, 1, end, 0) + entry("EncryptedPackage", 2, 2, none, none, 2, 4096) + entry("EncryptionInfo", 2, none, none, none, 10, 4096) + entry("", 0, none, none, none, 0, 0)
    path.write_bytes(head.ljust(76, b"\0") + struct.pack("<109I", 0, *[free] * 108) + fat + folder + bytes(4096) + bytes(4096))


def html(path: Path) -> None:
    cells = "".join(f"<tr><td>{message}</td><td>{team}</td></tr>" for message, team in ROWS)
    path.write_text(f"<html><body><table>{cells}</table></body></html>", encoding="utf-8")


def cut_parquet(path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"message": [row[0] for row in ROWS[1:]], "team": [row[1] for row in ROWS[1:]]}), path)
    path.write_bytes(path.read_bytes()[:-40])


@dataclass(frozen=True)
class Workbook:
    """A file that `new` refuses: its name, what makes it, words of the message, the hint, and how to obey: other flags, or another file."""

    name: str
    make: Callable[[Path], None]
    words: tuple[str, ...]
    hint: str
    arguments: tuple[str, ...] = ()
    instead: tuple[str, ...] | Callable[[Path], None] = book(("orders", ROWS))


TWO = book(("March", ROWS), ("April", ROWS))
WORKBOOKS = {
    "a sheet that is not there": Workbook("book.xlsx", TWO, ("book.xlsx", "'Mrach'", "'March', 'April'"), "the sheets are", ("--sheet", "Mrach"), ("--sheet", "March")),
    "two sheets with rows": Workbook("book.xlsx", TWO, ("book.xlsx", "March", "April", "--sheet"), 'sheet = "March"', (), ("--sheet", "April")),
    "merged head cells": Workbook("book.xlsx", book(("orders", ROWS), merged="A1:B1"), ("book.xlsx[orders]", "A1:B1"), "unmerge them"),
    "an empty workbook": Workbook("book.xlsx", book(("orders", [])), ("book.xlsx[orders]", "sheet = "), "name another sheet"),
    "a workbook with a head only": Workbook("book.xlsx", book(("orders", ROWS[:1])), ("book.xlsx[orders]",), "add rows below the head"),
    "a workbook with a password": Workbook("book.xlsx", locked, ("book.xlsx",), "remove the password and save it again"),
    "a web page called .xls": Workbook("book.xls", html, ("book.xls",), "save it again as .xlsx"),
    "a Parquet file that was cut off": Workbook("book.parquet", cut_parquet, ("book.parquet", "Parquet"), "export or copy it again"),
}


@pytest.mark.parametrize("name", WORKBOOKS)
def test_new_refuses(name: str, shop: Path, here: Calls) -> None:
    case = WORKBOOKS[name]
    shop.mkdir()
    case.make(shop / case.name)
    said = complaint("new", "desk", "--data", case.name, *case.arguments, folder=shop, code=2, words=case.words, here=here)
    assert case.hint in said and not (shop / "desk").exists()
    if callable(case.instead):
        case.instead(shop / "mended.xlsx")
        succeeds("new", "desk", "--data", "mended.xlsx", folder=shop, here=here)
    else:
        succeeds("new", "desk", "--data", case.name, *case.instead, folder=shop, here=here)
    assert listing(shop / "desk").keys() == {"startlm.toml"}


def test_a_sheet_that_went_away_is_said_with_those_there_are(shop: Path, here: Calls) -> None:
    shop_at(shop, settings=toml("book.xlsx", prepare='text = ["message"]\nlabel = "team"\nsheet = "Mrach"'))
    TWO(shop / "book.xlsx")
    assert "the sheets are: 'March', 'April'" in complaint("prepare", "desk", folder=shop, code=2, words=("book.xlsx", "'Mrach'", "'March'"), here=here)
    mended_line("Mrach", "March")(shop, "")
    succeeds("prepare", "desk", folder=shop, here=here)


def test_a_title_above_the_head_is_passed_over_and_said(shop: Path, here: Calls) -> None:
    shop.mkdir()
    book(("orders", ROWS), title="Orders of March")(shop / "book.xlsx")
    for number, (language, words) in enumerate({"zh": "表头在第 3 行", "en": "Head found in row 3"}.items()):
        done = here("new", f"desk{number}", "--data", "book.xlsx", folder=shop, language=language)  # type: ignore[arg-type]
        assert done.returncode == 0 and words in done.stdout + done.stderr, done.stderr


def test_two_columns_of_one_name_in_a_parquet_file_are_told_apart(shop: Path, here: Calls) -> None:
    import pyarrow
    from pyarrow import parquet

    shop.mkdir()
    texts, teams = zip(*ROWS[1:], strict=True)
    parquet.write_table(pyarrow.table([list(texts), list(teams), list(teams)], names=["message", "team", "team"]), shop / "twins.parquet")
    for number, (language, words) in enumerate({"zh": "第 3 列（又一个 'team'）改称 'team_2'", "en": "Column 3 (a second 'team') is called 'team_2'"}.items()):
        done = here("new", f"desk{number}", "--data", "twins.parquet", folder=shop, language=language)  # type: ignore[arg-type]
        assert done.returncode == 0 and words in done.stdout + done.stderr, done.stderr


# ----------------------------------------------------------------- joins

JOINED = 'text = ["message"]\nlabel = "team"\njoin = ["../teams.csv on id"]'


def joined_at(folder: Path, keys: list[int]) -> None:
    """Messages whose team stands in another table, a row of it for each key."""
    rows = tickets(60)
    shop_at(folder, settings=toml("messages.csv", prepare=JOINED))
    write_rows(folder / "messages.csv", [{"id": row["id"], "message": row["message"]} for row in rows])
    write_rows(folder / "teams.csv", [{"id": key, "team": rows[key]["team"]} for key in keys])


def test_a_join_key_that_repeats_is_refused_with_its_rows(shop: Path, here: Calls) -> None:
    joined_at(shop, [*range(60), 7, 9])
    said = complaint("prepare", "desk", folder=shop, code=2, words=("teams.csv", "'id'", "'7'", "8, 61", "join = "), here=here)
    assert "let the first count" in said
    mended_line("on id", "on id, first")(shop, said)
    succeeds("prepare", "desk", folder=shop, here=here)
    assert len(prepared(shop).frame) == 60, "no row stands there twice"


def test_a_join_key_that_misses_leaves_cells_empty_and_is_counted(shop: Path, here: Calls) -> None:
    joined_at(shop, list(range(3, 60)))
    said_in(shop, here, "prepare", "desk", words={"en": "Rows whose 'id' is not in teams.csv: the joined columns are empty: 3 (rows 1, 2, 3)", "zh": "的 'id' 在 teams.csv 里找不到"})
    assert prepared(shop).meta["unlabelled"] == 3


def test_a_join_key_that_is_no_column_is_refused_with_the_nearest(shop: Path, here: Calls) -> None:
    joined_at(shop, list(range(60)))
    mended_line("on id", "on idd")(shop, "")
    assert "did you mean 'id'?" in complaint("prepare", "desk", folder=shop, code=2, words=("teams.csv", "'idd'", "'id'"), here=here)
    mended_line("on idd", "on id")(shop, "")
    succeeds("prepare", "desk", folder=shop, here=here)


# ------------------------------------------------------------- databases

def test_a_query_that_fails_is_refused_with_what_the_database_says(shop: Path, here: Calls) -> None:
    import sqlite3

    shop.mkdir()
    with sqlite3.connect(shop / "shop.db") as base:
        base.execute("CREATE TABLE tickets (message TEXT, team TEXT)")
        base.executemany("INSERT INTO tickets VALUES (?, ?)", ROWS[1:])
    base.close()
    query = "SELECT massage, team FROM tickets ORDER BY 1"
    said = complaint("new", "desk", "--data", "shop.db", "--query", query, folder=shop, code=2, words=("shop.db", "no such column: massage", "query"), here=here)
    assert "mend [prepare] query (or --query)" in said
    succeeds("new", "desk", "--data", "shop.db", "--query", query.replace("massage", "message"), folder=shop, here=here)
    mended_line("SELECT message", "SELECT massage")(shop, "")
    complaint("prepare", "desk", folder=shop, code=2, words=("shop.db", "no such column: massage"), here=here)
    mended_line("SELECT massage", "SELECT message")(shop, "")
    succeeds("prepare", "desk", folder=shop, here=here)


SLOW = "SELECT id, message, team FROM tickets WHERE (SELECT pg_sleep(seconds * (tickets.id >= 0)::int)::text FROM pace) IS NOT NULL ORDER BY id"


@pytest.mark.loopback
@pytest.mark.parametrize(("language", "how"), [("zh", "its backend is ended"), ("en", "the server fails")])
def test_a_database_that_stops_in_the_middle_is_said_and_the_same_command_goes_on(language: str, how: str, shop: Path, postgresql: Any) -> None:
    values = ", ".join(f"({row['id']}, '{row['message']}', '{row['team']}')" for row in tickets(60))
    postgresql.run(f"DROP TABLE IF EXISTS tickets, pace; CREATE TABLE tickets (id int, message text, team text); INSERT INTO tickets VALUES {values}; CREATE TABLE pace AS SELECT 0.5 AS seconds")
    shop_at(shop, settings=f'[prepare]\ndata = "{postgresql.address}"\nquery = "{SLOW}"\ntext = ["message"]\nlabel = "team"\n')
    before = listing(shop)
    asking = subprocess.Popen([sys.executable, "-m", "startlm", "--language", language, "prepare", "desk"], cwd=shop, stderr=subprocess.PIPE)
    postgresql.run("DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%pace%' AND wait_event = 'PgSleep' AND pid <> pg_backend_pid()) "
                   "LOOP PERFORM pg_sleep(0.05); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$")
    if how == "the server fails":
        postgresql.stop()
    else:
        postgresql.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pace%' AND pid <> pg_backend_pid()")
    said = asking.communicate(timeout=WITHIN)[1].decode("utf-8")
    assert asking.returncode == 1, said
    assert_message(said, language, ("中途停止" if language == "zh" else "does not answer, or stopped", "postgresql://"))
    assert listing(shop) == before
    if how == "the server fails":
        postgresql.start()
    postgresql.run("UPDATE pace SET seconds = 0")
    succeeds("prepare", "desk", folder=shop)
    assert len(prepared(shop).frame) == 60


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
    words = {"en": "Of the first 12 cells of 'pieces' 8 are no number and count as missing; the first, in row 5, is 'two'", "zh": "'pieces' 列的前 12 个单元格中有 8 个不是数字，按缺失处理；第一个在第 5 行：'two'"}
    said_in(answering, here, "predict", "desk", "changed.csv", "-o", "changed-out.csv", "--force", words=words)
    assert "'ordered' 12 are no date" in here("predict", "desk", "changed.csv", "-o", "changed-out.csv", "--force", folder=answering).stderr


def test_predict_says_nothing_of_cells_that_are_merely_missing(answering: Path, here: Calls) -> None:
    write_rows(answering / "gaps.csv", [{**row, "pieces": "未知", "weight": "", "city": "Nowhere", "ordered": None} for row in orders(12, seed=1)])
    assert "missing" not in succeeds("predict", "desk", "gaps.csv", "-o", "gaps-out.csv", folder=answering, here=here)
