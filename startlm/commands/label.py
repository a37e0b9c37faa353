"""`startlm label`: labels for a table that has none, given in the terminal, the most useful messages first."""

from __future__ import annotations

import getpass
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Mapping

from ..columns.category import Category
from ..core.durable import hold
from ..core.language import Said, say
from ..core.project_file import FILE
from ..formats import open_table
from .label_book import Book
from .label_check import Check, read_doubts
from .label_data import LABELS, OPINIONS, TEST, find_source, label_table, open_inbox
from .label_person import Person
from .label_rounds import agreement_said
from .label_session import Session
from .terminal import Terminal


@dataclass(frozen=True)
class Asked:
    """What was said on the command line; `how` is how the table is written."""

    name: str
    data: str | None
    text: str | None
    who: str | None
    check: str | None
    how: Mapping[str, str]


def label_rows(asked: Asked, *, as_json: bool) -> tuple[dict[str, Any], Said]:
    """Ask until the person leaves; returns what --json shows, and the last sentences. Raises CallError, or WorkError where another holds the project."""
    folder, who = Path(asked.name), Category.clean(asked.who or _user()) or "me"
    with Terminal(aside=as_json) as terminal:
        if asked.check:
            return _check(folder, asked.check, who, terminal)
        source = find_source(folder, asked.data, asked.text, asked.how)
        open_table(source.path, **source.how)  # what cannot be read is refused before a folder is made
        with hold(folder):
            labels, opinions = label_table(folder), label_table(folder, OPINIONS)
            inbox = open_inbox(folder, source, labels)
            for said in inbox.said:
                terminal.tell(said, "dim")
            if labels.torn:
                terminal.tell(say(f"The last row of {LABELS} was cut short when it was written; it was never confirmed and is left out.", f"{LABELS} 的最后一行没有写完整；它从未得到确认，已去掉。"))
            book = Book(inbox, labels, opinions, who)
            session = Session(book, Person(terminal, lambda: book.names))
            session.run()
    return _result(folder, book, session), _last_words(folder, book)


def _check(folder: Path, file: str, who: str, terminal: Terminal) -> tuple[dict[str, Any], Said]:
    from ..project import Project

    Project(folder)  # a folder that is none is refused before anything is written
    doubts = read_doubts(file)
    with hold(folder):
        check = Check(folder, doubts, who)
        check.ask(Person(terminal, check.names))
        return check.finish()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without names of users
        return ""


def _result(folder: Path, book: Book, session: Session) -> dict[str, Any]:
    held = sum(row[5] == TEST for row in book.labels.rows)
    agreement = book.agreement()
    return {
        "labels": str(folder / LABELS), "labelled": len(book.labels.rows), "test": held, "train": book.learnt, "by": book.by_person(), "names": book.names,
        "accuracy": asdict(session.accuracy) if session.accuracy else None, "kappa": asdict(agreement[0]) if agreement else None, "next": _next_command(folder, book),
    }


def _last_words(folder: Path, book: Book) -> Said:
    """What there is, and the line that goes on."""
    count, command = len(book.labels.rows), _next_command(folder, book)
    said = [*agreement_said(book), say(f"{count} labels in {folder / LABELS}.", f"{folder / LABELS} 里有 {count} 个标签。")]
    if command:
        said.append(say(f"Next: {command}", f"下一步：{command}"))
    else:
        said.append(say("A model needs two labels with two messages each outside the random part: the same command goes on.", "训练至少需要两个标签，在随机部分之外各有两条消息：再次输入同一命令即可继续。"))
    return say("\n" + "\n".join(each.en for each in said), "\n" + "\n".join(each.zh for each in said))


def _next_command(folder: Path, book: Book) -> str:
    """The line that trains from the labels; "" while they are too few."""
    if not book.can_train():
        return ""
    name, table = shlex.quote(str(folder)), shlex.quote(str(folder / LABELS))
    roles = "--text text --label label" + (" --split-column part" if any(row[5] == TEST for row in book.labels.rows) else "")
    if not (folder / FILE).exists():
        return f"startlm new {name} --data {table} {roles}"
    from ..prepare import table_options
    from ..project import Project

    project = Project(folder)
    settings = project.settings["prepare"]
    if settings.data and (folder / settings.data).resolve() == (folder / LABELS).resolve():
        return f"startlm run {name}"
    if table_options(settings) or settings.test:  # they are about the other table
        return f"startlm new {shlex.quote(f'{folder}-labelled')} --data {table} {roles}"
    return f"startlm run {name} --data {table} {roles}"
