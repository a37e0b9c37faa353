"""Queries: SQLite and a real PostgreSQL, read only, streamed, failing in words and without showing a password."""

import sqlite3

import pytest

from startlm.core.contracts import Row
from startlm.core.errors import CallError, WorkError
from startlm.formats import hash_source, open_table


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "店.sqlite"
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE tickets (id INTEGER, message TEXT, team TEXT)")
        base.executemany("INSERT INTO tickets VALUES (?, ?, ?)", [(i, f"第 {i} 条 100%", "card") for i in range(5)])
    base.close()
    return path


def values(table):
    return [row.values for row in table.rows()]


def test_the_only_table_is_read_and_said(shop):
    table = open_table(shop)
    assert (table.format, table.columns, len(values(table))) == ("database", ("id", "message", "team"), 5)
    assert "Table: tickets" in [said.en for said in table.said]


def test_a_query_gives_its_columns_with_per_cent_signs_and_colons_as_they_are(shop):
    table = open_table(f"sqlite:///{shop}", query="SELECT message, ':x' AS m, message AS m FROM tickets WHERE message LIKE '%100%' ORDER BY id DESC")
    assert table.columns == ("message", "m", "m_2")
    assert values(table)[0] == ("第 4 条 100%", ":x", "第 4 条 100%") and len(values(table)) == 5


def test_of_several_tables_one_has_to_be_named(shop):
    with sqlite3.connect(shop) as base:
        base.execute("CREATE TABLE orders (id INTEGER)")
    base.close()
    with pytest.raises(CallError, match="there are: orders, tickets"):
        open_table(shop)
    assert open_table(shop, query="tickets").columns == ("id", "message", "team")
    with pytest.raises(CallError, match="no table 'ticket'"):
        open_table(shop, query="ticket")


@pytest.mark.parametrize("query", ["SELECT nope FROM tickets", "SELEC 1 FROM tickets", "DELETE FROM tickets WHERE 1", "DROP TABLE tickets"])
def test_a_query_that_fails_or_writes_is_refused_and_changes_nothing(shop, query):
    before = shop.read_bytes()
    with pytest.raises(CallError, match="The query failed") as caught:
        values(open_table(shop, query=query))
    assert "query" in str(caught.value.hint) and shop.read_bytes() == before


def test_a_database_that_does_not_answer_is_work_for_later_and_hides_the_password():
    with pytest.raises(WorkError, match="does not answer") as caught:
        open_table("postgresql://me:secret@127.0.0.1:1/base", query="SELECT 1 AS a")
    assert "secret" not in str(caught.value) and caught.value.exit_code == 1


def test_the_hash_of_a_query_is_that_of_its_rows(shop):
    first = hash_source(shop, query="SELECT id FROM tickets ORDER BY id")
    with sqlite3.connect(shop) as base:
        base.execute("CREATE TABLE other (a)")
    base.close()
    assert hash_source(shop, query="SELECT id FROM tickets ORDER BY id") == first
    with sqlite3.connect(shop) as base:
        base.execute("INSERT INTO tickets VALUES (9, 'new', 'card')")
    base.close()
    assert hash_source(shop, query="SELECT id FROM tickets ORDER BY id") != first


# ------------------------------------------------- a real PostgreSQL

@pytest.fixture
def tickets(postgresql):
    """The address of a server with a table `tickets` of 20,000 rows."""
    postgresql.run("DROP TABLE IF EXISTS tickets; CREATE TABLE tickets AS SELECT i AS id, '第 ' || i || ' 条' AS message, i / 4.0 AS weight, "
                   "DATE '2024-01-01' + i % 300 AS day, i % 2 = 0 AS even FROM generate_series(1, 20000) AS i")
    return postgresql.address


def test_postgresql_gives_typed_rows_in_the_order_asked(tickets):
    table = open_table(tickets, query="SELECT * FROM tickets ORDER BY id DESC")
    rows = table.rows()
    first = next(rows)
    rows.close()
    assert table.columns == ("id", "message", "weight", "day", "even") and first.line == 1
    assert (first.values[0], first.values[1], float(first.values[2]), str(first.values[3]), first.values[4]) == (20_000, "第 20000 条", 5000.0, "2024-07-19", True)


@pytest.mark.parametrize("query", ["SELECT nope FROM tickets", "DELETE FROM tickets", "SELECT 1 / 0 AS a"])
def test_postgresql_refuses_what_fails_or_writes(tickets, query):
    with pytest.raises(CallError, match="The query failed"):
        list(open_table(tickets, query=query).rows())
    assert len(list(open_table(tickets, query="SELECT id FROM tickets ORDER BY id").rows())) == 20_000


def test_a_server_that_stops_in_the_middle_is_said_and_the_same_call_goes_on_later(postgresql, tickets):
    table = open_table(tickets, query="SELECT * FROM tickets ORDER BY id")
    rows = table.rows()
    assert isinstance(next(rows), Row)
    postgresql.stop()
    with pytest.raises(WorkError, match="does not answer, or stopped") as caught:
        list(rows)
    assert caught.value.exit_code == 1
    postgresql.start()
    assert len(list(table.rows())) == 20_000
