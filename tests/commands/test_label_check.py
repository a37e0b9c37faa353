"""`startlm label NAME --check FILE`: doubted labels kept or changed one by one, and the table that comes of it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from startlm.commands import label as command
from startlm.commands.label import Asked, label_rows
from startlm.commands.label_check import read_doubts
from startlm.core.errors import CallError
from startlm.formats.delimited import Delimited
from tickets import tickets

ROWS = [{"message": row["message"], "team": row["team"], "note": f"n, {row['id']}"} for row in tickets(12)]
OTHER = {"money": "post", "post": "money"}


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def doubt(number: int, **changed: Any) -> dict[str, Any]:
    """The doubt that somebody has about a row, 1 is the first."""
    row = ROWS[number - 1]
    return {"file": "tickets.csv", "row": number, "text": row["message"], "label": row["team"], "suggested": OTHER[row["team"]], "confidence": 0.9} | changed


class Keys:
    """A terminal whose keys are given."""

    def __init__(self, keys: str) -> None:
        self.keys, self.said = list(keys), [""]

    def __enter__(self) -> Keys:
        return self

    def __exit__(self, *_: Any) -> None:
        return None

    def key(self) -> str:
        return self.keys.pop(0) if self.keys else ""

    def line(self, prompt: Any, begun: str = "") -> str:
        return f"{begun}third"

    def tell(self, said: Any = "", style: str = "") -> None:
        self.said.append(str(said))


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """check(keys, doubts) is one session in tmp_path / "desk", a project on tickets.csv."""
    monkeypatch.chdir(tmp_path)
    Path("desk").mkdir()
    write(Path("tickets.csv"), ROWS)
    Path("desk/startlm.toml").write_text('[prepare]\ndata = "../tickets.csv"\ntext = ["message"]\nlabel = "team"\n', encoding="utf-8")

    def session(keys: str, doubts: list[dict[str, Any]]) -> dict[str, Any]:
        write(Path("label_errors.csv"), doubts)
        monkeypatch.setattr(command, "Terminal", lambda *, aside: Keys(keys))
        return label_rows(Asked("desk", None, None, "ann", "label_errors.csv", {}), as_json=False)[0]

    return session


def test_what_is_changed_stands_in_a_corrected_table_and_all_else_is_as_it_was(check: Any) -> None:
    result = check("kcn", [doubt(3), doubt(5), doubt(7)])
    expected = [dict(row) for row in ROWS]
    expected[4]["team"], expected[6]["team"] = OTHER[ROWS[4]["team"]], "third"
    assert read(Path("desk/corrected.csv")) == expected and (result["kept"], result["changed"], result["written"]) == (1, 2, 2)
    assert result["next"] == "startlm run desk --data desk/corrected.csv" and read(Path("tickets.csv")) == ROWS
    assert [(row["row"], row["was"], row["label"], row["who"], row["verdict"]) for row in read(Path("desk/corrections.csv"))][:2] == [
        ("3", ROWS[2]["team"], ROWS[2]["team"], "ann", "kept"), ("5", ROWS[4]["team"], OTHER[ROWS[4]["team"]], "ann", "changed")]  # fmt: skip


def test_it_goes_on_where_it_stopped(check: Any) -> None:
    doubts = [doubt(number) for number in (1, 2, 3, 4)]
    assert check("kc", doubts)["changed"] == 1
    assert check("cc", doubts)["changed"] == 3 and [row["row"] for row in read(Path("desk/corrections.csv"))] == ["1", "2", "3", "4"]
    assert sum(new["team"] != old["team"] for new, old in zip(read(Path("desk/corrected.csv")), ROWS, strict=True)) == 3


def test_undo_and_skip(check: Any) -> None:
    check("cuksc", [doubt(1), doubt(2), doubt(3)])
    assert [(row["row"], row["verdict"]) for row in read(Path("desk/corrections.csv"))] == [("1", "kept"), ("3", "changed")]


def test_rows_that_no_longer_match_are_left_alone_and_counted(check: Any) -> None:
    result = check("ccc", [doubt(1, text="something else"), doubt(2, file="held.csv"), doubt(3)])
    assert (result["changed"], result["written"]) == (3, 1) and [i for i, (new, old) in enumerate(zip(read(Path("desk/corrected.csv")), ROWS, strict=True)) if new != old] == [2]


def test_labels_that_were_given_here_are_corrected_in_their_own_table(check: Any) -> None:
    rows = [{"text": row["message"], "label": row["team"], "who": "bob", "when": "2026-01-01T00:00:00+00:00", "row": number, "part": "train"} for number, row in enumerate(ROWS, 1)]
    write(Path("desk/labels.csv"), rows)
    Path("desk/startlm.toml").write_text('[prepare]\ndata = "labels.csv"\ntext = ["text"]\nlabel = "label"\n', encoding="utf-8")
    result = check("c", [doubt(4, file="labels.csv")])
    after = read(Path("desk/labels.csv"))
    assert (after[3]["label"], after[3]["who"], after[3]["row"]) == (OTHER[ROWS[3]["team"]], "ann", "4") and result["next"] == "startlm run desk"
    assert [row["label"] for i, row in enumerate(after) if i != 3] == [row["team"] for i, row in enumerate(ROWS) if i != 3]


@pytest.mark.parametrize("rows, words", [([{"row": 1, "text": "x", "label": "a"}], "no column 'suggested'"), ([doubt(1, row="first")], "no row number or no label: 'first'")])
def test_a_file_that_is_no_list_of_doubts_is_refused(check: Any, rows: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(CallError, match=words):
        check("k", rows)
    assert not Path("desk/corrections.csv").exists()


def test_a_folder_that_is_no_project_is_refused(check: Any) -> None:
    Path("desk/startlm.toml").unlink()
    with pytest.raises(CallError, match="desk is not a project"):
        check("k", [doubt(1)])


def test_what_evaluate_disarmed_for_a_spreadsheet_comes_back_as_it_was(tmp_path: Path) -> None:
    cells = {"row": 3, "text": "=2+2 is what I paid", "label": "@tea", "suggested": "-post"}
    with (tmp_path / "label_errors.csv").open("wb") as stream:
        writer = Delimited.writer(stream, list(cells), for_excel=True)
        writer.write_many([list(cells.values())])
        writer.close()
    [doubt] = read_doubts(str(tmp_path / "label_errors.csv"))
    assert (doubt.row, doubt.text, doubt.label, doubt.suggested) == tuple(cells.values())


@pytest.mark.parametrize(("how", "next_command"), [
    ("", "startlm run desk --data desk/corrected.csv"),
    ('delimiter = ","\n', "startlm new desk-corrected --data desk/corrected.csv --columns 'note: category' --label team"),
])  # fmt: skip
def test_labels_of_a_table_without_a_text_are_corrected_by_their_rows(check: Any, how: str, next_command: str) -> None:
    Path("desk/startlm.toml").write_text(f'[prepare]\ndata = "../tickets.csv"\n{how}columns = ["note: category"]\nlabel = "team"\n', encoding="utf-8")
    result = check("cc", [doubt(3, text="note: n, A3"), doubt(5, text="note: n, A5")])
    assert [i for i, (new, old) in enumerate(zip(read(Path("desk/corrected.csv")), ROWS, strict=True)) if new != old] == [2, 4]
    assert (result["written"], result["next"]) == (2, next_command)
