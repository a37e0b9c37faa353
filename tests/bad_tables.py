"""Folders with a table that is wrong somewhere, and what is asked of them; for test_bad_tables.py and test_bad_sources.py."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Callable

from test_bad_input import Calls, shop_at, toml

from startlm.core.artifacts import Examples

NUMBERS = 'columns = ["pieces: number", "weight: number", "city: category", "ordered: date"]\nlabel = "paid"'
Rows = list[dict[str, Any]]


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


def check_found(folder: Path, here: Calls, *, en: str, zh: str) -> None:
    """prepare succeeds, says this in Chinese, and writes it down in both languages."""
    done = here("prepare", "desk", folder=folder, language="zh")
    assert done.returncode == 0 and zh in done.stderr, done.stderr
    said = [finding["said"] for finding in prepared(folder).meta["findings"]]
    assert any(en in each["en"] and zh in each["zh"] for each in said), said


def mended_line(wrong: str, right: str) -> Callable[[Path, str], None]:
    def mend(folder: Path, said: str) -> None:
        settings = folder / "desk" / "startlm.toml"
        text = settings.read_text(encoding="utf-8")
        assert text.count(wrong) == 1, text
        settings.write_text(text.replace(wrong, right), encoding="utf-8")

    return mend
