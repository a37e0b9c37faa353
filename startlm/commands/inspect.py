"""`startlm inspect`: look at a table before anything is trained, and write what was seen as one offline page."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Callable, Collection, Iterable, Iterator, Mapping, Sequence

from ..columns import COLUMNS, as_text, guess_kind, kind_said, names_in
from ..columns.category import LABEL_NAMES, OUTCOME_NAMES
from ..columns.cleaning import clean_texts
from ..columns.roles import Roles, Told, guess_roles, sample_of
from ..columns.several import Several, find_several
from ..core.contracts import Progress, Table
from ..core.durable import write_text
from ..core.errors import CallError
from ..core.inspect_page import gives_away_said, inspect_page
from ..core.language import Said, say
from ..core.near_duplicates import near_pairs
from ..core.personal import count_personal
from ..core.shelves import look_up
from ..formats import is_address, no_rows, open_table
from ..formats.rows import Rows
from ..tasks.give_aways import share_told
from .display import Display

FEWEST = 10  # rows of a label below which `new` can be followed, but little be learnt
FEW = 6  # columns named in a sentence; of more it says how many
MOST_LABELS = 200  # different values up to which a column is offered as a label


@dataclass(frozen=True)
class Seen:
    """One column: its kind and why, how many rows have a value, and what its kind shows."""

    name: str
    kind: str
    why: Said
    filled: int
    distinct: int
    facts: tuple[tuple[Said, str], ...]
    bars: tuple[tuple[str, int], ...]
    personal: Mapping[str, int]
    repeats: int | None  # rows equal to an earlier one once cleaned; None where that is not asked (only of texts)
    near: int | None  # rows nearly equal to an earlier one


def inspect_table(source: str, output: str | None, display: Display, tell: Callable[[Said], None], *, how: Mapping[str, str | None],
                  overwrite: bool) -> tuple[dict[str, Any], Said]:
    """Look at the table and write its page; returns what --json shows, and the last sentence."""
    page = Path(output or ("table" if is_address(source) or source == "-" else re.sub(r"[*?\[\]]", "", Path(source).stem)) + ".inspect.html")
    for progress in inspect_steps(open_table(source, **how), page, overwrite=overwrite):
        display.see(progress)
    for use in progress.result["uses"]:
        tell(say(f"{use['en']}\n  {use['command']}".rstrip(), f"{use['zh']}\n  {use['command']}".rstrip()))
    for found in progress.result["gives_away"]:
        tell(gives_away_said(found))
    return {**progress.result, "page": str(page)}, say(f"\nWrote {page}", f"\n已写出 {page}")


def inspect_steps(table: Table, page: Path, *, overwrite: bool) -> Iterator[Progress]:
    """Read the table, look at each column, write the page; the last Progress carries what was seen as plain JSON."""
    if page.exists() and not overwrite:
        raise CallError(say(f"{page} is there already.", f"{page} 已经存在。"), say("give another name with -o, or --force to replace it", "请用 -o 换一个文件名，或加 --force 覆盖"), where=str(page))
    for said in table.said:
        yield Progress("inspect", said=said)
    rows = Rows(table.columns)
    rows.read(table)
    if not len(rows):
        raise no_rows(table)
    total = len(table.columns) + 1
    yield Progress("inspect", 1, total, said=say(f"Read {len(rows):,} rows.", f"读入 {len(rows):,} 行。"))
    if rows.bad:
        yield Progress("inspect", said=say(f"Rows that cannot be read: {len(rows.bad):,} (the first: line {rows.bad[0][1].line}, {rows.bad[0][1].why.en})",
                                           f"有 {len(rows.bad):,} 行读不了（第一处：第 {rows.bad[0][1].line} 行，{rows.bad[0][1].why.zh}）"))
    seen = []
    for number, name in enumerate(table.columns, 2):
        seen.append(_look(name, rows.column(name)))
        yield Progress("inspect", number, total, said=say(f"{name}: {kind_said(seen[-1].kind).en}, {seen[-1].filled:,} filled", f"{name}：{kind_said(seen[-1].kind).zh}，{seen[-1].filled:,} 行有值"))
    content = _content(table, rows, seen)
    write_text(page, inspect_page(content))
    yield Progress("inspect", total, total, result=content)


def _look(name: str, values: list[Any]) -> Seen:
    texts = [as_text(value).strip() for value in values]
    kind, why = guess_kind(sample_of(values), name)
    shown = look_up(COLUMNS, kind, say("kind of column", "列类型")).show(texts)
    written = [text for text in texts if text]
    personal = count_personal(written) if kind in ("text", "identifier") else {}
    repeats = near = None
    if kind == "text":
        cleaned = clean_texts(written)
        once = list(dict.fromkeys(cleaned))
        repeats, near = len(cleaned) - len(once), len(set(near_pairs(once).rows[:, 1].tolist()))
    return Seen(name, kind, why, len(written), len(set(written)), shown.facts, shown.bars, personal, repeats, near)


def _content(table: Table, rows: Rows, seen: list[Seen]) -> dict[str, Any]:
    """What was seen, as plain JSON."""
    different = len(set(zip(*([as_text(value) for value in rows.column(name)] for name in table.columns))))
    samples = {each.name: sample_of(rows.column(each.name)) for each in seen}
    several = {name: found for name, values in samples.items() if (found := find_several(values))}
    kinds = {each.name: "category" if each.name in several else each.kind for each in seen}
    guess = partial(guess_roles, table.columns, samples, kinds)
    roles = guess()
    targets = _targets(rows, seen, kinds, several, roles)
    told = _told(rows, seen, targets)
    copies = {label for label, column in told if column == roles.label and (column, label) in told}  # to learn them is no other use
    targets, told = {label: said for label, said in targets.items() if label not in copies}, {pair: share for pair, share in told.items() if pair[0] not in copies}
    uses = _uses(table, targets, told, guess)
    spans = [(each.facts[0][1], each.facts[1][1]) for each in seen if each.kind == "date" and each.facts]  # first and last day, as Date shows them
    return {
        "source": table.source, "format": table.format, "rows": len(rows), "bad_rows": len(rows.bad), "said": [said._asdict() for said in table.said],
        "bad": [{"line": bad.line, "column": bad.column, "why": bad.why._asdict()} for _, bad in rows.bad[:5]],
        "repeated_rows": len(rows) - different, "first_day": min((first for first, _ in spans), default=None), "last_day": max((last for _, last in spans), default=None),
        "columns": [_column(each, len(rows)) for each in seen], "uses": [{**said._asdict(), "command": call} for said, call in uses],
        "gives_away": [{"label": label, "column": column, "share": share} for (label, column), share in told.items()],
    }


def _column(each: Seen, rows: int) -> dict[str, Any]:
    return {
        "name": each.name, "kind": each.kind, "kind_said": kind_said(each.kind)._asdict(), "why": each.why._asdict(), "filled": each.filled, "missing": rows - each.filled, "distinct": each.distinct,
        "facts": [{"what": said._asdict(), "value": value} for said, value in each.facts], "bars": [list(bar) for bar in each.bars],
        "personal": dict(each.personal), "repeats": each.repeats, "near": each.near,
    }


def _labels(seen: list[Seen]) -> list[Seen]:
    """The columns that could be learnt: categories of two to MOST_LABELS values."""
    return [each for each in seen if each.kind == "category" and 2 <= each.distinct <= MOST_LABELS]


def _targets(rows: Rows, seen: list[Seen], kinds: Mapping[str, str], several: Mapping[str, Several], roles: Roles) -> dict[str, Said | None]:
    """The columns that could be learnt, and what is said of their labels; None of a number."""
    targets: dict[str, Said | None] = {name: say(f"{found.names} labels, several a row.", f"{found.names} 个标签，每行可有多个。") for name, found in several.items()}
    targets |= {each.name: _labels_said(each, rows) for each in _labels(seen) if each.name not in (*several, roles.split)}
    return targets | dict.fromkeys(_numbers(kinds, by_name=bool(roles.text)))


def _told(rows: Rows, seen: list[Seen], targets: Iterable[str]) -> dict[tuple[str, str], float]:
    """By (label, column), for each column that could be learnt and each that tells it by itself: in which share of the rows."""
    return {(label, each.name): share for label in targets for each in seen
            if each.name != label and each.kind != "text" and (share := share_told(rows.column(each.name), rows.column(label)))}


def _uses(table: Table, targets: Mapping[str, Said | None], told: Collection[tuple[str, str]], guess: Callable[..., Roles]) -> Iterator[tuple[Said, str]]:
    """What the table could be used for, with the command that begins it ("" where none does).

    The columns have the roles that `new` gives them. `told`: (label, column) where the column tells the label by itself.
    """
    roles, offered = guess(), False
    for label, what in targets.items():
        read = guess(Told(label=label))
        beside = [name for name in read.beside if (label, name) not in told] or read.beside
        names = read.text or tuple(name for name in beside if "," not in name)  # a comma cannot be given to --columns
        if names:
            offered, named = True, ",".join(names)
            command = f"startlm new NAME --data {shlex.quote(table.source)} {'--text' if read.text else '--columns'} {shlex.quote(named)} --label {shlex.quote(label)}"
            yield _use_said(label, what, names, is_text=bool(read.text)), command if what else f"{command} --task score"
    if not offered and roles.text:
        text = ",".join(roles.text)
        yield say(f"{text} can be read, but no column could be its label: add one with a few repeated values.", f"{text} 可以读，但没有一列能当标签：请增加一列取值少而重复的标签。"), ""
    elif not offered:
        yield say("No column holds sentences, and none could be told from the others: there is nothing to learn from yet.", "没有一列是句子，也没有一列能由其他列判断：目前没有可学的内容。"), ""


def _labels_said(label: Seen, rows: Rows) -> Said:
    """How many labels there are, and whether one of them is rare."""
    counts = Counter(as_text(value).strip() for value in rows.column(label.name))
    fewest = min(count for value, count in counts.items() if value)
    few = say(f" The rarest has {fewest} of the rows: {FEWEST} or more are better.", f"最少的一类只有 {fewest} 行：最好有 {FEWEST} 行以上。") if fewest < FEWEST else say("", "")
    return say(f"{label.distinct} labels.{few.en}", f"{label.distinct} 个标签。{few.zh}")


def _numbers(kinds: Mapping[str, str], *, by_name: bool) -> list[str]:
    """The columns of numbers that could be told: those whose names say so; else the last one, but not from a text (it could be an order's number)."""
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    return [name for name in numbers if names_in(name, LABEL_NAMES | OUTCOME_NAMES)] or ([] if by_name else numbers[-1:])


def _use_said(label: str, labels: Said | None, names: Sequence[str], *, is_text: bool) -> Said:
    """One use in a sentence; `labels` is None where a number is told."""
    named = say(",".join(names), ",".join(names)) if is_text or len(names) <= FEW else say(f"{len(names)} columns", f"{len(names)} 列")
    if labels is None:
        return say(f"Tell {label}, a number, from {named.en}.", f"由 {named.zh} 预测数字 {label}。")
    if is_text:
        return say(f"Classify {named.en} by {label}: {labels.en}", f"按 {label} 给 {named.zh} 分类：{labels.zh}")
    return say(f"Tell {label} from {named.en}: {labels.en}", f"由 {named.zh} 判断 {label}：{labels.zh}")
