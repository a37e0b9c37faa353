"""Where rows come from and go to. To add a format: copy `json_lines.py`, add a line here, run `check_format`."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import Any, Iterable, Sequence

from startlm.core.contracts import Format, Table
from startlm.core.errors import CallError
from startlm.core.language import say
from startlm.core.shelves import look_up
from startlm.formats.sources import SAVE_AS_CSV, find_source, first_bytes, is_address, several_files

FORMATS = {
    "delimited": "startlm.formats.delimited:Delimited",
    "json_lines": "startlm.formats.json_lines:JsonLines",
    "parquet": "startlm.formats.parquet:Parquet",
    "spreadsheet": "startlm.formats.spreadsheet:Spreadsheet",
    "database": "startlm.formats.database:Database",
    "memory": "startlm.formats.memory:Memory",
    "many": "startlm.formats.many:Many",
}


def find_format(name: str) -> Format:
    """The format of this name. Raises CallError, with the nearest name, for one that is not there."""
    return look_up(FORMATS, name, say("format", "格式"))


def known_format(name: str) -> None:
    """Raises CallError for a format that is not on the shelf."""
    find_format(name)


def open_table(source: Any, *, format: str | None = None, **options: Any) -> Table:
    """The table at `source`: a path, a database's address, "-" (standard input), a list of dicts, or anything with the Arrow C stream;
    or several files as one table: a list of paths, or a pattern such as "tickets-*.csv".

    The format is chosen by `format`, else by the address or the first bytes, else by the suffix, else by the content. Options that
    are None are left to be found. Raises CallError for what is not there or cannot be read, with its place and what to do.

    >>> open_table([{"text": "我的卡还没到", "label": "card"}]).columns
    ('text', 'label')
    """
    told = {name: value for name, value in options.items() if value is not None}
    if (files := several_files(source)) is not None:
        own = None if format == "many" else format
        if len(files) == 1:
            return open_table(files[0], format=own, **told)
        table: Table = find_format("many").open(files, format=own, **told)
        return replace(table, source=source) if isinstance(source, str) else table  # a pattern is its name
    name, source = find_out(source, format)
    known = options_of(name)
    if strange := [option for option in told if option not in known]:
        raise no_such_option(name, strange[0], known)
    return find_format(name).open(source, **told)


def find_out(source: Any, format: str | None = None) -> tuple[str, Any]:
    """The name of the format that reads this source, as told or found out; and the source, opened where it had to be looked into."""
    if not isinstance(source, (str, Path)):
        return format or "memory", source
    name = format or _format_by_address(str(source)) or _format_by_bytes(first_bytes(Path(source)))
    if name is not None:
        return name, source
    found = find_source(source)
    return _format_of(found.name, found.sample()), found


def options_of(name: str) -> list[str]:
    """How a file of this format may be told to be written."""
    return [option for option in signature(find_format(name).open).parameters if option != "source"]


def no_such_option(name: str, option: str, known: Sequence[str]) -> CallError:
    """The refusal of an option that a format does not have."""
    return CallError(
        say(f"The format {name} has no setting {option!r}.", f"格式 {name} 没有设置项 {option!r}。"),
        say(f"take it out; it has: {', '.join(known) or 'none'}", f"请去掉它；可用的有：{'、'.join(known) or '无'}"),
    )


def format_for(path: str | Path) -> str:
    """The name of the format that writes this file, by its suffix. Raises CallError for a suffix nobody writes."""
    suffix = Path(path).suffix.lower()
    known = {ending: name for name in FORMATS for ending in find_format(name).suffixes}
    if suffix not in known:
        raise CallError(
            say(f"No format writes files that end in {suffix or 'nothing'!r}.", f"没有格式能写出以 {suffix or '空'!r} 结尾的文件。"),
            say(f"let the name end in one of {', '.join(known)}", f"文件名请以这些结尾之一：{'、'.join(known)}"),
            where=str(path),
        )
    return known[suffix]


def written_as(path: str | Path) -> dict[str, str]:
    """What the suffix of a file says about how it is written, as options of its format's writer.

    >>> written_as("answers.tsv"), written_as("answers.csv")
    ({'delimiter': '\\t'}, {})
    """
    delimiter = {".tsv": "\t", ".tab": "\t", ".psv": "|"}.get(Path(path).suffix.lower())
    return {"delimiter": delimiter} if delimiter else {}


def _format_by_address(source: str) -> str | None:
    """The format that reads this address; None for a path. Raises CallError for an address that nobody reads."""
    if not is_address(source):
        return None
    scheme = source.partition("://")[0].lower()
    for name in FORMATS:
        if scheme in getattr(find_format(name), "schemes", ()):
            return name
    if scheme in ("http", "https", "s3", "ftp"):
        raise CallError(say("Nothing is fetched from the network.", "不会从网络下载数据。"), say("download the file and give its path", "请先下载文件，再给出它的路径"), where=source)
    shown = re.sub(r"//[^/@]*@", "//…@", source)  # the address of a database may hold a password
    raise CallError(say(f"Nothing here reads {scheme}://.", f"还不能读取 {scheme}://。"), SAVE_AS_CSV, where=shown)


def _format_by_bytes(first: bytes) -> str | None:
    """The binary format whose files begin like this; None where none does."""
    return next((name for name in FORMATS for magic in getattr(find_format(name), "magics", ()) if first.startswith(magic)), None)


def _format_of(name: str, sample: bytes) -> str:
    """The format of text: by its suffix, else by how it begins. Raises CallError for the suffix of a format that is not text."""
    suffix = Path(name).suffix.lower()
    by_suffix = next((each for each in FORMATS if suffix in find_format(each).suffixes), None)
    return by_suffix or ("json_lines" if re.match(rb"(\xef\xbb\xbf)?\s*[{\[]\s*[\"{]", sample) else "delimited")


def no_such_column(column: str, table: Table) -> CallError:
    """The refusal of a column that the table does not have: the nearest one offered, all listed."""
    near = get_close_matches(column, table.columns, n=1, cutoff=0.4)
    guess = say(f"did you mean {near[0]!r}? ", f"是不是 {near[0]!r}？") if near else say("", "")
    return CallError(
        say(f"There is no column {column!r}.", f"没有 {column!r} 这一列。"),
        say(f"{guess.en}The columns are: {', '.join(table.columns)}.", f"{guess.zh}现有的列：{'、'.join(table.columns)}。"),
        where=table.source,
    )


def check_columns(table: Table, columns: Iterable[str | None]) -> None:
    """Raises CallError for a column that the table, or one of its files, does not have; None is no column."""
    for file in table.files:
        for column in columns:
            if column and column not in file.columns:
                raise no_such_column(column, file)


def no_rows(table: Table) -> CallError:
    """The refusal of a table without a row that can be read."""
    return CallError(say("The table has no rows, only a head.", "这张表只有表头，没有数据行。"), say("add rows below the head", "请在表头下面加入数据"), where=table.source)


def hash_source(source: Any, **options: Any) -> str:
    """SHA-256 of what a source holds; "" for None. Raises CallError for a stream, which passes only once.

    A file's is that of its bytes, that of several files their order's too; names do not count. Of rows in memory and of a query (`options` as for `open_table`) it is that of the rows.
    """
    if source is None:
        return ""
    if (files := several_files(source)) is not None:
        each = [hash_source(file, query=options.get("query")) for file in files]  # of a file the bytes count, however it is written
        return each[0] if len(each) == 1 else hashlib.sha256("\n".join(each).encode()).hexdigest()
    if isinstance(source, (str, Path)) and not is_address(source) and not _is_database(Path(source)):
        return _hash_of_file(source)
    digest = hashlib.sha256()
    for number, row in enumerate(open_table(source, **options).rows()):
        digest.update(("\n" * (number > 0) + repr(row)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _is_database(path: Path) -> bool:
    """Whether the file is asked, not read: its bytes change also where the rows do not."""
    name = _format_by_bytes(first_bytes(path))
    return name is not None and bool(getattr(find_format(name), "schemes", ()))


def _hash_of_file(path: str | Path) -> str:
    digest = hashlib.sha256()
    if first_bytes(Path(path)):
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    found = find_source(path)
    if not found.again:
        raise CallError(say("Rows to learn from are read more than once; this passes only once.", "用来学习的数据要读多遍，而这里只能读一遍。"),
                        say("save it to a file and give the file", "请先存成文件，再使用那个文件"), where=found.name)
    for block in found.blocks():
        digest.update(block)
    return digest.hexdigest()
