"""A query on a database: SQLite and PostgreSQL, through SQLAlchemy. It only reads, and streams.

    startlm new tickets --data postgresql://me@localhost/shop --query "SELECT message, team FROM tickets ORDER BY id"

A password does not belong into an address that is written down: PGPASSWORD or ~/.pgpass give it.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Iterator, NoReturn, Sequence

from startlm.core.contracts import Row, Table
from startlm.core.errors import CallError, WorkError, missing_extra
from startlm.core.language import Said, say
from startlm.core.shelves import import_extra
from startlm.formats.rows import flat, name_columns
from startlm.formats.sources import find_file

_BATCH = 4_096  # rows fetched at a time


class Database:
    """What a query gives. The "line" of a row is its number, from 1."""

    name = "database"
    suffixes: tuple[str, ...] = ()
    schemes = ("sqlite", "postgresql", "postgres", "postgresql+psycopg")
    magics = (b"SQLite format 3\0",)

    @staticmethod
    def open(source: str | Path, *, query: str | None = None) -> Table:
        """`source` is an address (postgresql://…, sqlite:///…) or an SQLite file; `query` one SELECT, or the name of a table.

        Raises CallError for an address that makes no sense, a query that fails, or several tables of which none is named;
        WorkError for a database that cannot be reached or stops; MissingExtraError where SQLAlchemy or psycopg is not installed.
        """
        address = _address(source)
        shown = str(source) if address.get_backend_name() == "sqlite" else address.set(drivername="postgresql").render_as_string(hide_password=True)
        statement, said = _statement(address, query, shown)
        with _asking(address, shown) as connection, connection.exec_driver_sql(statement) as result:
            columns, changed = name_columns(list(result.keys()))
        if " order by " not in f" {' '.join(statement.lower().split())} ":
            said = (*said, say("The query has no ORDER BY: where the rows come in another order next time, they are split anew.",
                               "查询里没有 ORDER BY：如果下次行的顺序不同，划分也会不同。"))
        return Table(columns, shown, Database.name, {"query": statement}, partial(_read_rows, address, statement, shown), (*said, *changed))

    @staticmethod
    def source_of(columns: Sequence[str], rows: Sequence[Sequence[Any]], folder: Path) -> Any:
        """These rows as the only table of a new SQLite file, which `open` takes."""
        sqlalchemy = import_extra("sqlalchemy")
        path = folder / "table.sqlite"
        table = sqlalchemy.Table("rows", sqlalchemy.MetaData(), *(sqlalchemy.Column(name, sqlalchemy.Text) for name in columns))
        engine = sqlalchemy.create_engine(f"sqlite:///{path.as_posix()}", poolclass=sqlalchemy.pool.NullPool)
        with engine.begin() as connection:
            table.create(connection)
            connection.execute(table.insert(), [dict(zip(columns, values, strict=True)) for values in rows])
        return path

    @staticmethod
    def writer(stream: BinaryIO, columns: Sequence[str], **options: Any) -> NoReturn:
        """Raises CallError: what a model answers is written to a file, never into a company's database."""
        raise CallError(say("Answers are not written into a database.", "答案不会写入数据库。"),
                        say("let the name of the output end in .csv, .jsonl, .parquet or .xlsx", "请让输出文件名以 .csv、.jsonl、.parquet 或 .xlsx 结尾"))


def _address(source: str | Path) -> Any:
    """The address as SQLAlchemy's URL; an SQLite file is opened for reading only, and must be there."""
    engine = import_extra("sqlalchemy.engine")
    text = str(source)
    if text.startswith("sqlite:///"):
        text = text.removeprefix("sqlite:///").partition("?")[0]
    if "://" not in text:
        return engine.URL.create("sqlite", database=f"file:{find_file(text).as_posix()}", query={"mode": "ro", "uri": "true"})
    try:
        address = engine.make_url(text)
    except import_extra("sqlalchemy").exc.ArgumentError:
        raise CallError(say("This is not the address of a database.", "这不是数据库地址。"),
                        say("write it like postgresql://user@host/name", "请写成 postgresql://用户@主机/库名"), where=text.partition("://")[0] + "://…") from None
    return address.set(drivername="postgresql+psycopg")


def _statement(address: Any, query: str | None, shown: str) -> tuple[str, tuple[Said, ...]]:
    """The SELECT that is asked; the name of a table, or a database's only one, becomes one."""
    sqlalchemy = import_extra("sqlalchemy")
    if query is not None and len(query.split()) > 1:
        return query.strip().rstrip(";"), ()
    with _asking(address, shown) as connection:
        seen = sqlalchemy.inspect(connection)
        tables = [*seen.get_table_names(), *seen.get_view_names()]
        quote = connection.dialect.identifier_preparer.quote
    if query in tables or query is None and len(tables) == 1:
        return f"SELECT * FROM {quote(query or tables[0])}", (say(f"Table: {query or tables[0]}", f"表：{query or tables[0]}"),)
    listed = ", ".join(tables) or "–"
    message = say(f"There is no table {query!r}.", f"没有 {query!r} 这张表。") if query else say("It is not said what to read from this database.", "没有说明从这个数据库里读什么。")
    raise CallError(message, say(f'write query = "SELECT … FROM …", or name a table (or --query); there are: {listed}',
                                 f'请写 query = "SELECT … FROM …"，或写一个表名（也可用 --query）；现有的表：{listed}'), where=shown)


def _read_rows(address: Any, statement: str, shown: str) -> Iterator[Row]:
    with _asking(address, shown) as connection, connection.exec_driver_sql(statement) as result:
        for number, values in enumerate(result, 1):
            yield Row(number, tuple(flat(value) for value in values))


@contextmanager
def _asking(address: Any, shown: str) -> Iterator[Any]:
    """A connection that reads and streams; what goes wrong is said without the password."""
    sqlalchemy = import_extra("sqlalchemy")
    options = {"stream_results": True, "yield_per": _BATCH, "no_parameters": True}  # a % in the query is a %
    if address.get_backend_name() == "postgresql":
        options["postgresql_readonly"] = True
    try:
        engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.pool.NullPool)
    except ImportError as error:
        raise missing_extra(error) from error
    try:
        with engine.connect().execution_options(**options) as connection:
            yield connection
    except sqlalchemy.exc.DBAPIError as error:
        raise _failed(error, shown) from None


def _failed(error: Any, shown: str) -> CallError | WorkError:
    """A query that is wrong is the caller's to mend; a database that does not answer may answer later."""
    why = str(error.orig).strip().partition("\n")[0][:300]
    if _is_gone(error.orig):
        return WorkError(say(f"The database does not answer, or stopped: {why}", f"数据库没有响应，或中途停止：{why}"),
                         say("see that it runs and that the address is right, then give the same command again", "请确认数据库在运行、地址无误，然后重新运行同一条命令"), where=shown)
    return CallError(say(f"The query failed: {why}", f"查询失败：{why}"), say("mend [prepare] query (or --query)", "请修改 [prepare] query（或 --query）"), where=shown)


def _is_gone(error: Any) -> bool:
    """Whether the driver says that the database cannot be reached, is busy or stopped, rather than that the query is wrong."""
    if hasattr(error, "sqlite_errorcode"):
        return error.sqlite_errorcode & 0xFF in (5, 6, 10, 14)  # busy, locked, read error, cannot open: sqlite.org/rescode.html
    # No state: no connection came about. Classes of PostgreSQL: 08 connection, 53 resources, 57 stopped by its operator.
    return type(error).__name__ in ("OperationalError", "AdminShutdown") and (getattr(error, "sqlstate", None) or "08")[:2] in ("08", "53", "57")
