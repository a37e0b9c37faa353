"""Several files as one table: columns in any order, each file in its own format, rows numbered in their own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from startlm.core.errors import CallError
from startlm.core.language import say, speaking
from startlm.formats import find_format, hash_source, open_table
from startlm.formats.many import Many
from startlm.formats.rows import Rows


def write(path: Path, text: str, encoding: str = "utf-8") -> str:
    path.write_bytes(text.encode(encoding))
    return str(path)


@pytest.fixture
def months(tmp_path: Path) -> list[str]:
    """January in GB18030 with semicolons, February in JSON lines the other way round."""
    january = write(tmp_path / "m-1.csv", "message;team\n" + "我的包裹到哪里了，请问什么时候能收到？;post\n" * 20 + "我要退款;money\n", "gb18030")
    return [january, write(tmp_path / "m-2.jsonl", '{"team": "post", "message": "where is it"}\n{"team": "money", "message": "多扣了"}\n')]


def test_files_of_different_formats_encodings_and_column_orders_are_one_table(months: list[str]) -> None:
    table = open_table(months)
    rows = list(table.rows())
    assert table.columns == ("message", "team") and len(rows) == 23
    assert rows[20].values == ("我要退款", "money") and rows[21].values == ("where is it", "post")
    said = " ".join(each.en for each in table.said)
    assert "2 files as one table: m-1.csv, m-2.jsonl" in said and "m-1.csv: " in said


def test_a_row_is_numbered_in_its_own_file_and_found_by_its_name(months: list[str]) -> None:
    rows = Rows(("message", "team"))
    rows.read(open_table(months))
    rows.read(open_table([{"message": "a", "team": "post"}]))
    assert rows.places.names == ("m-1.csv", "m-2.jsonl", "memory") and rows.places.data == 2
    files, numbers = rows.places.at([20, 21, 22, 23])
    assert files.tolist() == [0, 1, 1, 2] and numbers.tolist() == [21, 1, 2, 1] and rows.line[21:23] == [1, 2]
    found = rows.places.finding("odd", [0, 22], say("Odd", "奇怪"))
    assert found.rows == (1,) and found.elsewhere == {"m-2.jsonl": (2,)} and "m-1.csv: rows 1" in found.said.en
    assert [bound[1:] for bound in rows.bounds] == [(0, 23), (23, 24)]


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "t.csv", f"message,team\n{folder},post\n")
    rows = Rows(("message", "team"))
    rows.read(open_table([tmp_path / folder / "t.csv" for folder in ("a", "b", "c")]))
    assert rows.places.names == ("t.csv", "t.csv (2)", "t.csv (3)")


def test_a_column_that_one_file_lacks_is_empty_there_and_said(tmp_path: Path) -> None:
    files = [write(tmp_path / "a.csv", "message,team\nx,post\n"), write(tmp_path / "b.csv", "team,message,priority\nmoney,y,high\n")]
    table = open_table(files)
    assert [row.values for row in table.rows()] == [("x", "post", None), ("y", "money", "high")]
    assert any("a.csv has no column priority" in each.en and "a.csv 没有 priority 列" in each.zh for each in table.said)


def test_a_file_that_shares_no_column_is_refused_by_name_in_both_languages(tmp_path: Path) -> None:
    files = [write(tmp_path / "a.csv", "message,team\nx,post\n"), write(tmp_path / "b.csv", "sku,price\n1,2\n")]
    with pytest.raises(CallError, match="no column of the others") as error:
        open_table(files)
    assert error.value.where == files[1] and "message" in str(error.value) and "price" in str(error.value)
    with speaking("zh"):
        assert "没有一列与其他文件相同" in str(error.value)


def test_a_pattern_is_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        write(tmp_path / f"t-{number}.csv", f"message,team\n{number},post\n")
    write(tmp_path / "other.csv", "message,team\nno,post\n")
    assert [row.values[0] for row in open_table(str(tmp_path / "t-*.csv")).rows()] == ["1", "2", "3"]
    assert open_table(str(tmp_path / "t-[2].csv")).source == str(tmp_path / "t-2.csv"), "one file is no table of several"


def test_a_name_with_brackets_is_a_name_where_such_a_file_or_folder_is(tmp_path: Path) -> None:
    folder = tmp_path / "[a]"
    folder.mkdir()
    path = write(folder / "t [1].csv", "message,team\nx,post\n")
    write(folder / "t 1.csv", "message,team\ny,post\n")
    assert open_table(path).source == path
    assert len(list(open_table(str(folder / "t*.csv")).rows())) == 2


def test_a_pattern_that_no_file_fits_is_refused_in_both_languages(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="No file fits") as error:
        open_table(str(tmp_path / "t-*.csv"))
    with speaking("zh"):
        assert "没有文件符合" in str(error.value) and "t-*.csv" in str(error.value)


def test_an_option_goes_to_the_files_whose_format_has_it(tmp_path: Path, months: list[str]) -> None:
    files = [write(tmp_path / "bar.csv", "message|team\nx, y|post\n"), months[1]]
    assert [row.values for row in open_table(files, delimiter="|").rows()][0] == ("x, y", "post")
    with pytest.raises(CallError, match="no setting 'delimiter'"):
        open_table([months[1], months[1]], delimiter="|")


def test_the_hash_knows_the_bytes_and_the_order_but_no_name(tmp_path: Path) -> None:
    one, two = (write(tmp_path / name, f"message,team\n{name},post\n") for name in ("a.csv", "b.csv"))
    first = hash_source([one, two])
    assert first != hash_source([two, one]) and first == hash_source(str(tmp_path / "?.csv"))
    assert hash_source([one]) == hash_source(one)
    Path(one).rename(tmp_path / "renamed.csv")
    assert hash_source([tmp_path / "renamed.csv", two]) == first
    write(tmp_path / "b.csv", "message,team\nz,post\n")
    assert hash_source([tmp_path / "renamed.csv", two]) != first


def test_the_next_file_is_opened_when_its_first_row_is_asked_for(months: list[str]) -> None:
    rows = open_table(months).rows()
    next(rows)
    Path(months[1]).write_text('{"team": "post", "message": "written meanwhile"}\n', encoding="utf-8")
    assert list(rows)[-1].values[0] == "written meanwhile"


def test_no_files_are_refused_and_answers_are_not_written_to_many() -> None:
    for call in (lambda: Many.open([]), lambda: find_format("many").writer(None, ["a"])):
        with pytest.raises(CallError):
            call()
