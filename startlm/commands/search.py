"""`startlm search`: the rows of a project's table that a query is about; the index is made at the first search and when the table has changed."""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Iterator

from ..columns import as_text
from ..columns.cleaning import clean_texts
from ..core.contracts import Figure, Progress, Table
from ..core.durable import allowed_name, hold, remove_leftovers
from ..core.errors import BundleError, CallError
from ..core.language import Said, say
from ..core.weight_folders import find_weights, weights_mark
from ..formats import hash_source, no_rows, no_such_column, open_table
from ..formats.joined import hash_join, open_joins, with_joins
from ..formats.paths import from_folder, from_here
from ..formats.rows import Rows
from ..metrics.intervals import in_words
from ..metrics.rankings import JudgedRankings, recall_at
from ..prepare import table_options
from ..project import Project
from ..search.cells import NEAR, Cells
from ..search.encoder import Encoder
from ..search.index import Facts, Hit, Index, Place, build_index_steps, read_index, write_index
from ..search.vectors import EXACT
from .display import Display

VERSION = 1  # goes into the fingerprint: raise it when the same rows would be indexed otherwise
FOLDER = "search"
NO_WEIGHTS = "none"
MOST = 1_000
SHOWN = 300  # characters of a text on the screen
PLACES = 3  # rows named on the screen, of those that hold the same text


@dataclass(frozen=True)
class Asked:
    """What was said on the command line. weights: None where nothing was said."""

    name: str
    query: str
    column: str | None
    top: int
    weights: str | None


def search_rows(asked: Asked, display: Display, tell: Callable[[Said | str], None], *, exact: int = EXACT) -> tuple[dict[str, Any], Said | None]:
    """Search; returns what --json shows, and the last sentence. exact: as in `index_steps`. Raises CallError for a call that makes no sense."""
    project = Project(Path(asked.name))
    query = clean_texts([asked.query], project.settings["clean"])[0]
    if not query.strip():
        raise CallError(say("There is nothing to search for.", "没有要搜索的内容。"), say(f'startlm search {shlex.quote(asked.name)} "where is my card"', f'startlm search {shlex.quote(asked.name)} "我的卡在哪里"'))
    if not 1 <= asked.top <= MOST:
        raise CallError(say(f"--top {asked.top} will not do.", f"--top {asked.top} 不行。"), say(f"a number from 1 to {MOST:,}", f"请写 1 到 {MOST:,} 的数"))
    for progress in index_steps(project, asked.column, asked.weights, exact=exact):
        if isinstance(index := progress.result, Index):
            break
        display.see(progress)
    hits = index.search(query, asked.top, way="bm25" if asked.weights == NO_WEIGHTS else None)
    files = [from_here(project.folder, name) for name in index.files]
    for hit in hits:
        tell(_line(hit, files))
    found = [{"rank": hit.rank, "score": round(hit.score, 6), "text": hit.text, "rows": [{"file": files[place.file], "line": place.line} for place in hit.places]} for hit in hits]
    result = {"query": asked.query, "column": index.column, "texts": len(index.texts), "weights": None if index.encoder is None else index.encoder.facts["name"], "cells": _cells_record(index), "hits": found}
    return result, None if hits else _nothing(index)


def index_steps(project: Project, column: str | None, weights: str | None, *, exact: int = EXACT) -> Iterator[Progress]:
    """The index of a column, read, or made where it is not there or the table has changed; the last Progress carries it.

    weights: a name; None, those of the index that is there (they need not be installed any more), else those of [build]; "none", the same without [build].
    exact: different texts up to which a new index compares every vector.
    """
    settings = project.prepare_settings()
    table = with_joins(open_table(project.data, **table_options(settings)), open_joins(settings.join))
    name = _column(project, table, column)
    folder = project.folder / FOLDER / _folder_name(name)
    fingerprint = _fingerprint(project, name)
    old, why = _read(folder, name)
    wanted = weights if weights not in (None, NO_WEIGHTS) else None if old is not None else project.build_settings().weights if weights is None else None
    same = old is not None and (wanted is None or _has_weights(old.encoder, wanted))
    if old is not None and same and old.fingerprint == fingerprint:
        yield Progress("search", result=old)
        return
    yield Progress("search", said=why or (say("The table has changed: the index is made anew.", "表有变化：重新建立索引。") if same else say("Other weights: the index is made anew.", "权重不同：重新建立索引。")))
    with hold(project.folder / FOLDER):
        remove_leftovers(project.folder / FOLDER)
        encoder = old.encoder if old is not None and same else None if wanted is None else encoder_of(wanted)
        yield from _make(project, table, name, fingerprint, (encoder, old if same else None, folder), exact)


def _make(project: Project, table: Table, name: str, fingerprint: str, beside: tuple[Encoder | None, Index | None, Path], exact: int) -> Iterator[Progress]:
    encoder, old, folder = beside
    rows = Rows((name,))
    for count in rows.read_steps(table):
        yield Progress("search", count)
    if not len(rows):
        raise no_rows(table)
    if rows.bad:
        yield Progress("search", said=say(f"Rows that cannot be read, and are left out: {len(rows.bad):,} (the first: line {rows.bad[0][1].line}, {rows.bad[0][1].why.en})",
                                          f"读不了而略去的行：{len(rows.bad):,}（第一处：第 {rows.bad[0][1].line} 行，{rows.bad[0][1].why.zh}）"))
    texts = clean_texts([as_text(value) for value in rows.column(name)], project.settings["clean"])
    ends = [*rows.starts[1:], len(rows)]
    places = [Place(number, rows.line[i]) for number, (start, end) in enumerate(zip(rows.starts, ends)) for i in range(start, end)]
    files = [from_folder(project.folder, source) for source in rows.sources]
    for progress in build_index_steps(texts, places, Facts(name, files, fingerprint), encoder=encoder, known=old, exact=exact):
        if isinstance(progress.result, Index):
            if (cells := _cells(progress.result)) is not None:
                yield Progress("search", said=_cells_line(cells, exact))
            write_index(progress.result, folder)
            yield Progress("search", said=say(f"Wrote {folder}", f"已写出 {folder}"))
        yield progress


def _column(project: Project, table: Table, told: str | None) -> str:
    """The column to search: as told, else the project's first text column. Raises CallError."""
    texts = project.settings["prepare"].text
    if told is None and not texts:
        raise CallError(say("It is not said which column to search: this project reads no text.", "没有说明搜索哪一列：这个项目不读文本。"),
                        say(f"--column NAME; the columns are: {', '.join(table.columns)}", f"--column 列名；现有的列：{'、'.join(table.columns)}"), where=table.source)
    name = told or texts[0]
    if name not in table.columns:
        raise no_such_column(name, table)
    return str(name)


def _folder_name(column: str) -> str:
    """The column's name where any system can write it, else a hash of it."""
    return column if allowed_name(column) and "/" not in column else f"column-{hashlib.sha256(column.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _fingerprint(project: Project, column: str) -> str:
    """SHA-256 of the data's bytes and of what shapes the texts."""
    settings = project.prepare_settings()
    how = table_options(settings)
    shaping = [VERSION, column, how, asdict(project.settings["clean"]), [hash_join(each) for each in settings.join], hash_source(project.data, **how)]
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()


def _read(folder: Path, column: str) -> tuple[Index | None, Said | None]:
    """The index that is there and can be used; else why one is made."""
    if not folder.is_dir():
        return None, say("First search of this column: the index is made once.", "第一次搜索这一列：先建立索引，以后直接使用。")
    try:
        index = read_index(folder)
    except BundleError:
        return None, say("The index was altered or damaged: it is made anew.", "索引被改动或损坏：重新建立。")
    return (index, None) if index.column == column else (None, say(f"The index there is of the column {index.column}: it is made anew.", f"那里的索引属于 {index.column} 列：重新建立。"))


def _has_weights(encoder: Encoder | None, wanted: str) -> bool:
    """Whether the index was made with these weights as they are now."""
    return encoder is not None and encoder.facts["name"] == _shown(wanted) and encoder.facts["fingerprint"] == weights_mark(wanted)


def _shown(weights: str) -> str:
    """The name of weights as an index holds it: no path of this machine."""
    return Path(weights).name if Path(weights).is_dir() else weights


def encoder_of(weights: str) -> Encoder:
    """The encoder of these weights as a graph. Raises CallError where there are none, MissingExtraError without torch."""
    from ..families.encoders import encoder_member

    found = find_weights(weights)
    tokenizer, state = encoder_member(weights)
    return Encoder({"name": _shown(weights), "fingerprint": weights_mark(weights), "licence": found.licence, "origin": found.origin}, tokenizer, state)


def _line(hit: Hit, files: list[str]) -> str:
    """A hit as one line."""
    text = " ".join(hit.text.split())
    text = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    named = ", ".join(f"{files[place.file]}:{place.line}" for place in hit.places[:PLACES])
    more = len(hit.places) - PLACES
    return f"{hit.rank:>3}  {hit.score:.4f}  {text}  ({named}{say(f' and {more} more', f' 等另外 {more} 行') if more > 0 else ''})"


def _cells(index: Index) -> Cells | None:
    return None if index.vectors is None else index.vectors.cells


def _recall(cells: Cells) -> Figure:
    """recall@10 against comparing every vector, as it was measured when the index was made; its interval is over texts, whose ten neighbours go together."""
    return recall_at(JudgedRankings.of([list(range(count)) for count in cells.found.tolist()], [set(range(NEAR))] * len(cells.found)), NEAR)


def _cells_record(index: Index) -> dict[str, Any] | None:
    """What --json says of an index that does not compare every vector."""
    if (cells := _cells(index)) is None:
        return None
    recall = _recall(cells)
    return {"cells": len(cells), "looked_in": cells.probes, f"recall_at_{NEAR}": [recall.value, recall.low, recall.high], "measured_on": recall.n}


def _cells_line(cells: Cells, exact: int) -> Said:
    words, n = in_words(_recall(cells)), len(cells.found)
    return say(f"Above {exact:,} rows the nearest are looked for in {cells.probes:,} of {len(cells):,} cells: recall@{NEAR} {words.en}, measured on {n} texts",
               f"超过 {exact:,} 行时，在 {len(cells):,} 个单元中最近的 {cells.probes:,} 个里查找：recall@{NEAR} {words.zh}，用 {n} 段文字测得")


def _nothing(index: Index) -> Said:
    return say(f"None of the {len(index.texts):,} texts of {index.column} shares a word with this. Try other words, or search by meaning: --weights NAME (see docs/search.md).",
               f"{index.column} 列的 {len(index.texts):,} 段文字与此没有共同的词。请换个说法，或按意思搜索：--weights 名称（见 docs/search.zh.md）。")
