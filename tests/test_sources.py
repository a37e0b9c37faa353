"""From a Parquet file, an Excel workbook and a PostgreSQL query to answers: new, run, predict, by the command line."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tickets import tickets

from startlm.formats import find_format, open_table

ROWS = tickets(160)
COLUMNS = ("id", "message", "team")


def startlm(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "startlm", *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def write(path: Path) -> Path:
    """The tickets in the format that the suffix names."""
    name = {".parquet": "parquet", ".xlsx": "spreadsheet", ".csv": "delimited"}[path.suffix]
    with path.open("wb") as stream:
        writer = find_format(name).writer(stream, COLUMNS)
        writer.write_many([tuple(row[column] for column in COLUMNS) for row in ROWS])
        writer.close()
    return path


def answers(path: Path) -> list[str]:
    table = open_table(path)
    return [str(row.values[table.columns.index("prediction")]) for row in table.rows()]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a project on the same rows as CSV answers."""
    folder = tmp_path_factory.mktemp("plain")
    write(folder / "tickets.csv")
    return carry_through("tickets.csv", "out.csv", folder)


def carry_through(source: str, out: str, folder: Path, *more: str) -> list[str]:
    """new, run and predict on one source; the answers that were written."""
    assert_done(startlm("new", "desk", "--data", source, *more, folder=folder))
    assert_done(startlm("run", "desk", "--family", "linear", folder=folder))
    assert_done(startlm("predict", "desk", source, *more, "-o", out, folder=folder))
    again = startlm("run", "desk", "--family", "linear", "--json", folder=folder)
    assert all(step["fresh"] for step in json.loads(again.stdout)["steps"])
    return answers(folder / out)


def assert_done(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("suffix", [".parquet", ".xlsx"])
def test_a_file_of_another_format_gives_the_answers_that_csv_gives(tmp_path: Path, plain: list[str], suffix: str) -> None:
    folder = tmp_path / "商店 with spaces"
    folder.mkdir()
    write(folder / f"tickets{suffix}")
    assert carry_through(f"tickets{suffix}", f"out{suffix}", folder) == plain


@pytest.mark.loopback
def test_a_postgresql_query_gives_the_answers_that_csv_gives(tmp_path: Path, plain: list[str], postgresql: Any) -> None:
    with (tmp_path / "rows.sql").open("w", encoding="utf-8") as stream:
        values = ", ".join(f"({row['id']}, '{row['message']}', '{row['team']}')" for row in ROWS)
        stream.write(f"DROP TABLE IF EXISTS tickets; CREATE TABLE tickets (id int, message text, team text); INSERT INTO tickets VALUES {values}")
    postgresql.run((tmp_path / "rows.sql").read_text(encoding="utf-8"))
    query = ("--query", "SELECT id, message, team FROM tickets ORDER BY id")
    assert carry_through(postgresql.address, "out.csv", tmp_path, *query) == plain


def test_an_sqlite_file_beside_the_project_is_referenced_relative_to_it(tmp_path: Path) -> None:
    source = find_format("database").source_of(COLUMNS, [[row[column] for column in COLUMNS] for row in ROWS], tmp_path)
    assert_done(startlm("new", "desk", "--data", f"sqlite:///{source.name}", "--query", "SELECT * FROM rows ORDER BY id", folder=tmp_path))
    assert 'data = "../table.sqlite"' in (tmp_path / "desk" / "startlm.toml").read_text(encoding="utf-8")
    assert_done(startlm("prepare", "desk", folder=tmp_path))


def test_answers_are_not_written_into_a_database(tmp_path: Path, plain: list[str]) -> None:
    write(tmp_path / "tickets.csv")
    assert_done(startlm("new", "desk", "--data", "tickets.csv", folder=tmp_path))
    assert_done(startlm("run", "desk", "--family", "linear", folder=tmp_path))
    done = startlm("predict", "desk", "tickets.csv", "-o", "sqlite:///out.db", folder=tmp_path)
    assert done.returncode == 2 and "end in" in done.stderr and not (tmp_path / "out.db").exists()


def test_csv_answers_of_typed_values_read_as_they_were(tmp_path: Path) -> None:
    write(tmp_path / "tickets.parquet")
    assert_done(startlm("new", "desk", "--data", "tickets.parquet", folder=tmp_path))
    assert_done(startlm("run", "desk", "--family", "linear", folder=tmp_path))
    assert_done(startlm("predict", "desk", "tickets.parquet", "-o", "out.csv", folder=tmp_path))
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == [str(row["id"]) for row in ROWS]
