"""What tells the label without the model's help, because it was written down afterwards: a column, some of its values, the label's own name.

A column gives the label away where its values tell nearly every row's; or where some of its values, or stretches of its numbers, do:
`is_violent_recid = 1` says all about those rows, though 0 says little about the others.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np

from ..columns import as_text
from ..columns.number import parse_number
from ..core.findings import Finding, Places
from ..core.language import Said, say
from ..core.near_duplicates import exact_groups
from ..metrics.intervals import exact_bounds

GIVES_AWAY = 0.99  # a column whose values tell the label this often
NAMED_IN_TEXT = 0.90  # share of rows whose text names their own label
TELLS, MORE_LIKELY = 0.90, 20.0  # a value tells where a label surely has this share of its rows, and odds so many times those elsewhere
FEWEST, SHARE = 20, 0.01  # rows of such a value, and their share of all
STRETCHES = 32  # that many different numbers are cut into
LOOKED_AT = 100_000  # rows
SHOWN = 3  # values in a sentence


class Telling(NamedTuple):
    """One value of a column, or a stretch of its numbers, that tells a label: the positions of its rows, and in words."""

    rows: list[int]
    said: Said


def telling_values(values: Sequence[Any], labels: Sequence[str]) -> list[Telling]:
    """The values that tell a label, those of most rows first."""
    names, of_row = _cut(values[:LOOKED_AT])
    shown, label_of = np.unique(np.asarray(labels[:LOOKED_AT], dtype=object), return_inverse=True)
    n = np.bincount(of_row, minlength=len(names))
    frequent = np.flatnonzero(n >= max(FEWEST, SHARE * len(of_row)))
    if not len(frequent):
        return []
    place = np.full(len(names), -1)
    place[frequent] = np.arange(len(frequent))
    inside = place[of_row] >= 0
    table = np.zeros((len(frequent), len(shown)), dtype=np.int64)
    np.add.at(table, (place[of_row[inside]], label_of[inside]), 1)
    n, best, all_rows = n[frequent], table.argmax(axis=1), np.bincount(label_of)
    hits = table[np.arange(len(frequent)), best]
    low, _ = exact_bounds(hits, n)
    others = all_rows[best] - hits, len(of_row) - n
    odds, elsewhere = (hits + 0.5) / (n - hits + 0.5), (others[0] + 0.5) / (others[1] - others[0] + 0.5)
    found = []
    for number in sorted(np.flatnonzero((low >= TELLS) & (odds >= MORE_LIKELY * elsewhere)), key=lambda each: -n[each]):
        share, label, name = hits[number] / n[number], shown[best[number]], names[frequent[number]]
        found.append(Telling(np.flatnonzero(of_row == frequent[number]).tolist(), say(f"{name}: {share:.0%} are {label!r}", f"{name}：{share:.0%} 是 {label!r}")))
    return found


def _cut(values: Sequence[Any]) -> tuple[list[str], np.ndarray]:
    """Names of the values, or of the stretches of numbers where they are many; and the number of each row's, int64 (N,)."""
    texts = [as_text(value).strip() for value in values]
    different, of_row = np.unique(np.asarray(texts, dtype=object), return_inverse=True)
    numbers = [parse_number(text) for text in different.tolist()] if len(different) > STRETCHES else []
    if sum(number is not None for number in numbers) < 0.9 * max(1, sum(text != "" for text in different)) or not numbers:
        return [repr(text) for text in different.tolist()], of_row.astype(np.int64)
    of_value = np.array([np.nan if number is None else number for number in numbers])
    each = of_value[of_row]
    edges = np.unique(np.nanquantile(each, np.linspace(0, 1, STRETCHES + 1)))
    stretch = np.clip(np.searchsorted(edges, each, side="right") - 1, 0, len(edges) - 2)
    names = [f"{low:.6g} … {high:.6g}" for low, high in zip(edges, edges[1:])]
    return [*names, "''"], np.where(np.isnan(each), len(names), stretch).astype(np.int64)


def give_aways(values: Sequence[Any], labels: Sequence[str]) -> list[int]:
    """Positions of the rows whose label this column tells: where rows share a value, it tells GIVES_AWAY of them; else none."""
    value = exact_groups(["" if each is None else str(each) for each in values])
    often = np.bincount(value, minlength=len(value))
    rows = np.flatnonzero([each not in (None, "") and n > 1 for each, n in zip(values, often[value].tolist())])
    if len(rows) < 20 or len(rows) < len(labels) / 2 or len(np.unique(value[rows])) < 2:
        return []
    label, n = exact_groups(labels)[rows], len(labels)
    pairs, first, counts = np.unique(value[rows] * n + label, return_index=True, return_counts=True)
    best = np.lexsort((first, -counts, pairs // n))  # of each value the commonest label first, of equally common ones that which came first
    best = best[np.flatnonzero(np.diff(pairs[best] // n, prepend=-1))]
    told = rows[np.isin(value[rows] * n + label, pairs[best])].tolist()
    return told if len(told) >= GIVES_AWAY * len(rows) else []


def share_told(values: Sequence[Any], labels: Sequence[Any]) -> float:
    """Share of the labelled rows whose label a column tells by itself, as its copy or otherwise; 0.0 where it does not give the label away.

    Where nearly all labels are the same any column is right that often: nearly all of the others must be told too.
    """
    rows = [(as_text(value).strip(), text) for value, label in zip(values, labels) if (text := as_text(label).strip())]
    copied = [i for i, (value, label) in enumerate(rows) if value == label]  # numbers need not repeat to be copied
    is_copy = len(rows) >= FEWEST and len(copied) >= GIVES_AWAY * len(rows)
    told = set(copied if is_copy else give_aways([value for value, _ in rows], [label for _, label in rows]))
    if not told:
        return 0.0
    [(commonest, _)] = Counter(label for _, label in rows).most_common(1)
    others = [i for i, (value, label) in enumerate(rows) if value and label != commonest]
    return len(told) / len(rows) if others and sum(i in told for i in others) >= TELLS * len(others) else 0.0


def label_in_text(texts: Sequence[str], labels: Sequence[str]) -> list[int]:
    """Positions of the rows whose text holds the name of their own label (names of two characters or more)."""
    return [i for i, (text, label) in enumerate(zip(texts, labels)) if len(label) > 1 and label.lower() in text.lower()]


def find_give_aways(places: Places, at: np.ndarray, columns: Mapping[str, Mapping[str, Sequence[Any]]], labels: Sequence[str]) -> list[Finding]:
    """What tells the label without the model's help: a column, some of its values, the label's own name in the text.

    `at` are the positions of the rows; columns: "unused" and "beside", as read; "text", cleaned.
    """
    good = say("so that what is measured may be too good", "量出来的成绩可能虚高")
    told = []
    for what, consequence in (("unused", say("which is not used", "没有使用这一列")), ("beside", good)):
        for name, values in columns[what].items():
            told += _of_column(name, values, labels, consequence)
    texts = columns["text"]
    if len(texts) > 1:
        told += [(give_aways(values, labels), say(f"Rows whose label the text column {name!r} alone gives away, {good.en}", f"的标签单看文本列 {name!r} 就能得知，{good.zh}"))
                 for name, values in texts.items()]
    named = label_in_text(["\n".join(values) for values in zip(*texts.values())], labels)
    if named and len(named) >= NAMED_IN_TEXT * len(labels):
        told.append((named, say(f"Rows whose text holds the name of their own label, {good.en}", f"的文本里写着自己的标签名，{good.zh}")))
    return [places.finding("gives_away", at[rows], what, 'give_aways = "stop"') for rows, what in told if rows]


def _of_column(name: str, values: Sequence[Any], labels: Sequence[str], consequence: Said) -> list[tuple[list[int], Said]]:
    if rows := give_aways(values, labels):
        return [(rows, say(f"Rows whose label the column {name!r} gives away, {consequence.en}", f"的标签可由 {name!r} 列直接得知，{consequence.zh}"))]
    if not (telling := telling_values(values, labels)):
        return []
    shown = [each.said for each in telling[:SHOWN]]
    more = " …" if len(telling) > SHOWN else ""
    en, zh = "; ".join(said.en for said in shown) + more, "；".join(said.zh for said in shown) + more
    what = say(f"Rows whose label some values of the column {name!r} give away ({en}), {consequence.en}", f"的标签可由 {name!r} 列的某些值得知（{zh}），{consequence.zh}")
    return [(sorted(row for each in telling for row in each.rows), what)]
