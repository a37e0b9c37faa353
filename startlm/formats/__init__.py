"""Where rows come from and go to. To add a format: copy `json_lines.py`, add a line here, run `check_format`."""

from __future__ import annotations

import hashlib
import re
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import Any

from startlm.core.contracts import Format, Table
from startlm.core.errors import CallError
from startlm.core.language import say
from startlm.core.shelves import look_up
from startlm.formats.sources import SAVE_AS_CSV, find_source

FORMATS = {
    "delimited": "startlm.formats.delimited:Delimited",
    "json_lines": "startlm.formats.json_lines:JsonLines",
    "memory": "startlm.formats.memory:Memory",
}

_NOT_YET = {".xlsx", ".xls", ".xlsm", ".ods", ".numbers", ".parquet", ".arrow", ".feather", ".db", ".sqlite", ".sqlite3"}


def find_format(name: str) -> Format:
    """The format of this name. Raises CallError, with the nearest name, for one that is not there."""
    return look_up(FORMATS, name, say("format", "格式"))


def open_table(source: Any, *, format: str | None = None, **options: Any) -> Table:
    """The table at `source`: a path, "-" (standard input), a list of dicts, or anything with the Arrow C stream.

    The format is chosen by `format`, else by the suffix, else by the content. Options that are None are left to be found.
    Raises CallError for what is not there or cannot be read, with its place and what to do.

    >>> open_table([{"text": "我的卡还没到", "label": "card"}]).columns
    ('text', 'label')
    """
    told = {name: value for name, value in options.items() if value is not None}
    if isinstance(source, (str, Path)):
        _refuse_url(str(source))
        source = find_source(source)
        _refuse_not_yet(source.name)
        name = format or _format_of(source.name, source.sample())
    else:
        name = format or "memory"
    member = find_format(name)
    known = [option for option in signature(member.open).parameters if option != "source"]
    if strange := [option for option in told if option not in known]:
        raise CallError(
            say(f"The format {name} has no setting {strange[0]!r}.", f"格式 {name} 没有设置项 {strange[0]!r}。"),
            say(f"take it out; it has: {', '.join(known) or 'none'}", f"请去掉它；可用的有：{'、'.join(known) or '无'}"),
        )
    return member.open(source, **told)


def format_for(path: str | Path) -> str:
    """The name of the format that writes this file, by its suffix. Raises CallError for a suffix nobody writes."""
    suffix = Path(path).suffix.lower()
    known = {ending: name for name in ("delimited", "json_lines") for ending in find_format(name).suffixes}
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


def _format_of(name: str, sample: bytes) -> str:
    suffix = Path(name).suffix.lower()
    for format_name in ("json_lines", "delimited"):
        if suffix in find_format(format_name).suffixes:
            return format_name
    return "json_lines" if re.match(rb"(\xef\xbb\xbf)?\s*[{\[]\s*[\"{]", sample) else "delimited"


def _refuse_not_yet(name: str) -> None:
    suffix = Path(name).suffix.lower()
    if suffix in _NOT_YET:
        raise CallError(say(f"A {suffix} file is not read yet.", f"{suffix} 文件暂不支持。"), SAVE_AS_CSV, where=name)


def _refuse_url(source: str) -> None:
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", source):
        return
    if source.lower().startswith(("http://", "https://", "s3://", "ftp://")):
        message = say("Nothing is fetched from the network.", "不会从网络下载数据。")
        raise CallError(message, say("download the file and give its path", "请先下载文件，再给出它的路径"), where=source)
    shown = re.sub(r"//[^/@]*@", "//…@", source)  # the address of a database may hold a password
    raise CallError(say("A database is not read yet.", "数据库暂不支持。"), SAVE_AS_CSV, where=shown)


def no_such_column(column: str, table: Table) -> CallError:
    """The refusal of a column that the table does not have: the nearest one offered, all listed."""
    near = get_close_matches(column, table.columns, n=1, cutoff=0.4)
    guess = say(f"did you mean {near[0]!r}? ", f"是不是 {near[0]!r}？") if near else say("", "")
    return CallError(
        say(f"There is no column {column!r}.", f"没有 {column!r} 这一列。"),
        say(f"{guess.en}The columns are: {', '.join(table.columns)}.", f"{guess.zh}现有的列：{'、'.join(table.columns)}。"),
        where=table.source,
    )


def no_rows(table: Table) -> CallError:
    """The refusal of a table without a row that can be read."""
    return CallError(say("The table has no rows, only a head.", "这张表只有表头，没有数据行。"), say("add rows below the head", "请在表头下面加入数据"), where=table.source)


def hash_source(source: Any) -> str:
    """SHA-256 of what a source holds; "" for None. Raises CallError for a stream, which passes only once."""
    if source is None:
        return ""
    if isinstance(source, (str, Path)):
        return _hash_of_file(source)
    return hashlib.sha256("\n".join(repr(row) for row in open_table(source).rows()).encode("utf-8", "surrogatepass")).hexdigest()


def _hash_of_file(path: str | Path) -> str:
    found, digest = find_source(path), hashlib.sha256()
    if not found.again:
        raise CallError(say("Rows to learn from are read more than once; this passes only once.", "用来学习的数据要读多遍，而这里只能读一遍。"),
                        say("save it to a file and give the file", "请先存成文件，再使用那个文件"), where=found.name)
    for block in found.blocks():
        digest.update(block)
    return digest.hexdigest()
