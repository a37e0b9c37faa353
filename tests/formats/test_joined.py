"""Another table's columns beside the rows: which key meets which, what is empty, what is refused."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from startlm.core.errors import CallError
from startlm.core.language import speaking
from startlm.formats import find_format, open_table
from startlm.formats.joined import Join, find_unmatched, hash_join, key_of, open_joins, with_joins
from startlm.formats.paths import from_here, move_paths
from startlm.formats.rows import Rows

ROWS = [{"message": "a", "customer": 17}, {"message": "b", "customer": " 18 "}, {"message": "c", "customer": "19"}, {"message": "d", "customer": None}]


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def customers(tmp_path: Path) -> str:
    return write(tmp_path / "customers.csv", "city,customer,since\n上海,17.0,2020\nBeijing,18,2021\nnobody,,2022\n")


def joined(*lines: str, rows: Any = ROWS) -> Any:
    return with_joins(open_table(rows), open_joins(lines))


@pytest.mark.parametrize(("line", "parts"), [
    ("customers.csv on id", ("customers.csv", None, "id", "id", False)),
    ("a b/customers on file.csv  on  customer = id", ("a b/customers on file.csv", None, "customer", "id", False)),
    ("orders (1).csv on id, first", ("orders (1).csv", None, "id", "id", True)),
    ("book.xlsx (三月 March) on 编号，first", ("book.xlsx", "三月 March", "编号", "编号", True)),
    ("shop (2).db (SELECT id, sum(x) AS x FROM o JOIN p ON o.i = p.i GROUP BY id) on id", ("shop (2).db", "SELECT id, sum(x) AS x FROM o JOIN p ON o.i = p.i GROUP BY id", "id", "id", False)),
])  # fmt: skip
def test_a_line_says_file_place_and_keys_and_is_written_as_it_was_read(line: str, parts: tuple[Any, ...]) -> None:
    join = Join.parse(line)
    assert (join.source, join.inside, join.key, join.other, join.first) == parts
    assert Join.parse(str(join)) == join


@pytest.mark.parametrize("line", ["customers.csv", "on id", "customers.csv on", "customers.csv by id"])
def test_a_line_of_another_form_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"customers\.csv on customer_id"):
        Join.parse(line)


def test_each_row_gets_the_columns_of_its_key_and_nothing_where_there_is_none(customers: str) -> None:
    table = joined(f"{customers} on customer")
    assert table.columns == ("message", "customer", "city", "since")
    assert [row.values[2:] for row in table.rows()] == [("上海", "2020"), ("Beijing", "2021"), (None, None), (None, None)]
    assert "Joined customers.csv by customer: city, since" in [each.en for each in table.said]


def test_keys_meet_as_trimmed_text_and_whole_numbers_without_their_fraction() -> None:
    assert [key_of(value) for value in (" 7", 7, 7.0, "7.00", "-7.0", "07", "7.5", 7.5, None, float("nan"), "")] == ["7", "7", "7", "7", "-7", "07", "7.5", "7.5", "", "", ""]


def test_rows_without_a_partner_are_found_with_their_numbers(customers: str) -> None:
    joins = open_joins([f"{customers} on customer"])
    table = with_joins(open_table(ROWS), joins)
    rows = Rows(table.columns)
    rows.read(table)
    [found] = find_unmatched(joins, rows)
    assert (found.kind, found.rows, joins[0].unmatched) == ("join_missing", (3, 4), 2)
    assert "'customer' is not in customers.csv" in found.said.en and "在 customers.csv 里找不到" in found.said.zh and "第 3, 4 行" in found.said.zh


def test_a_name_that_is_taken_gets_the_files_name_in_front(tmp_path: Path) -> None:
    other = write(tmp_path / "orders.csv", "customer,message,orders_message\n17,x,y\n")
    assert joined(f"{other} on customer").columns == ("message", "customer", "orders_message", "orders_orders_message")


def test_a_name_with_the_files_name_in_front_is_given_where_it_is_wanted(tmp_path: Path) -> None:
    other = write(tmp_path / "orders.csv", "customer,status\n17,x\n")
    table = with_joins(open_table(ROWS), open_joins([f"{other} on customer"]), wanted=["orders_status"])
    assert table.columns == ("message", "customer", "orders_status"), "the rows it was learnt from had a status of their own"


def test_a_key_that_repeats_is_refused_with_its_rows_and_the_ways_out(tmp_path: Path) -> None:
    other = write(tmp_path / "orders.csv", "id,item\n17,cup\n18,pot\n17,tea\n18.0,tray\n19,x\n")
    with pytest.raises(CallError, match="2 values of 'id' stand in several rows") as error:
        list(joined(f"{other} on customer = id").rows())
    assert "'17' (rows 1, 3); '18' (rows 2, 4)" in str(error.value) and error.value.where == other and 'join = ["… on customer = id, first"]' in error.value.hint.en
    with speaking("zh"):
        assert "'17'（第 1, 3 行）" in str(error.value) and "先汇总" in str(error.value)
    assert [row.values[2] for row in joined(f"{other} on customer = id, first").rows()] == ["cup", "pot", "x", None]


def test_a_key_column_that_is_not_there_is_refused_with_the_nearest(customers: str) -> None:
    with pytest.raises(CallError, match="no column 'custommer'") as error:
        joined(f"{customers} on custommer")
    assert "did you mean 'customer'" in error.value.hint.en and error.value.where == customers
    with pytest.raises(CallError, match="no column 'id'") as error:
        joined(f"{customers} on id = customer")
    assert error.value.where == "memory"


def test_a_joined_table_with_a_row_that_cannot_be_read_is_refused_with_its_line(tmp_path: Path) -> None:
    other = write(tmp_path / "orders.csv", "customer,item\n17,cup\n18,a,b\n")
    with pytest.raises(CallError, match="A row of a joined table cannot be read") as error:
        list(joined(f"{other} on customer").rows())
    assert f"{other}:3" in str(error.value.where)


def test_a_second_join_may_go_by_a_column_of_the_first(tmp_path: Path, customers: str) -> None:
    cities = write(tmp_path / "cities.csv", "city,people\n上海,24\nBeijing,21\n")
    table = joined(f"{customers} on customer", f"{cities} on city")
    assert [row.values[-1] for row in table.rows()] == ["24", "21", None, None]


def test_each_of_several_files_is_joined_and_may_lack_other_columns(tmp_path: Path, customers: str) -> None:
    files = [write(tmp_path / "a.csv", "message,customer\na,17\n"), write(tmp_path / "b.csv", "customer,city,message\n18,here,b\n")]
    table = joined(f"{customers} on customer", rows=files)
    assert table.columns == ("message", "customer", "city", "customers_city", "since")
    assert [row.values for row in table.rows()] == [("a", "17", None, "上海", "2020"), ("b", "18", "here", "Beijing", "2021")]
    rows = Rows(table.columns)
    rows.read(table)
    assert list(zip(*rows.cells)) == [row.values for row in table.rows()] and rows.places.names == ("a.csv", "b.csv")


def test_a_query_and_a_sheet_can_be_joined(tmp_path: Path) -> None:
    database = find_format("database").source_of(("customer", "item"), [("17", "cup"), ("17", "pot"), ("18", "tray")], tmp_path)
    with (tmp_path / "book.xlsx").open("wb") as stream:
        writer = find_format("spreadsheet").writer(stream, ("customer", "city"))
        writer.write_many([(17, "上海")])
        writer.close()
    table = joined(f"{database} (SELECT customer, count(*) AS items FROM rows GROUP BY customer) on customer", f"{tmp_path / 'book.xlsx'} (startlm) on customer")
    assert [row.values[2:] for row in table.rows()] == [(2, "上海"), (1, None), (None, None), (None, None)]


def test_the_mark_of_a_join_knows_what_the_table_holds_and_not_where_it_lies(tmp_path: Path, customers: str) -> None:
    first = hash_join(f"{customers} on customer")
    (tmp_path / "elsewhere").mkdir()
    copy = write(tmp_path / "elsewhere" / "customers.csv", Path(customers).read_text(encoding="utf-8"))
    assert hash_join(f"{copy} on customer") == first != hash_join(f"{copy} on customer, first")
    write(Path(copy), "customer,city\n17,Rome\n")
    assert hash_join(f"{copy} on customer") != first


def test_the_path_of_a_join_is_seen_from_the_projects_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert move_paths("join", ("../c.csv on id, first", "postgresql://me@h/shop (orders) on id"), partial(from_here, tmp_path / "desk")) == ("c.csv on id, first", "postgresql://me@h/shop (orders) on id")
    assert move_paths("data", ["../a-*.csv", "../b.csv"], partial(from_here, tmp_path / "desk")) == ["a-*.csv", "b.csv"]
