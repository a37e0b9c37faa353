"""Bad sources of tables through the command, in both languages: sheets, Parquet, joins, databases; what is said, with which exit code,
that nothing is left behind, and that obeying works. What stands in the cells: test_bad_tables.py.

Each line of the list, and where else its parts are tried one by one:
a sheet that isn't there, merged head cells         WORKBOOKS; formats/test_spreadsheet.py
a join key that repeats or misses                   test_a_join_key…; formats/test_joined.py, test_splits.py
a query that fails, a database that stops           test_a_query…, test_a_database…; formats/test_database.py
"""

from __future__ import annotations

import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest
from bad_tables import check_found, mended_line, prepared, write_rows
from test_bad_input import WITHIN, Calls, assert_message, complaint, listing, shop_at, succeeds, toml
from tickets import tickets


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return tmp_path / "青山 茶铺"


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(capsys, monkeypatch)


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

    head = struct.pack("<8s16xHHHHH6xIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0)
    fat = struct.pack("<128I", *[0xFFFFFFFD, end, *range(3, 10), end, *range(11, 18), end], *[free] * 110)
    folder = entry("Root Entry", 5, none, none, 1, end, 0) + entry("EncryptedPackage", 2, 2, none, none, 2, 4096) + entry("EncryptionInfo", 2, none, none, none, 10, 4096) + entry("", 0, none, none, none, 0, 0)
    path.write_bytes(head + struct.pack("<109I", 0, *[free] * 108) + fat + folder + bytes(4096) + bytes(4096))


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
    check_found(shop, here, en="Rows whose 'id' is not in teams.csv: the joined columns are empty: 3 (rows 1, 2, 3)", zh="的 'id' 在 teams.csv 里找不到")
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
    postgresql.run("SET statement_timeout = '60s'; DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND pid <> pg_backend_pid()) "
                   "LOOP PERFORM pg_sleep(0.05); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$")
    if how == "the server fails":
        postgresql.stop()
    else:
        postgresql.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND pid <> pg_backend_pid()")
    said = asking.communicate(timeout=WITHIN)[1].decode("utf-8")
    assert asking.returncode == 1, said
    assert_message(said, language, ("中途停止" if language == "zh" else "does not answer, or stopped", "postgresql://"))
    assert listing(shop) == before
    if how == "the server fails":
        postgresql.start()
    postgresql.run("UPDATE pace SET seconds = 0")
    succeeds("prepare", "desk", folder=shop)
    assert len(prepared(shop).frame) == 60
