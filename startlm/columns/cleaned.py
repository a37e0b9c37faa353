"""The text columns of a whole table, cleaned; what each rule changed is counted, with examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ..core.findings import Finding, Places
from ..core.language import say
from . import as_text
from .cleaning import CleanSettings, clean_texts, join_columns

EXAMPLES, SHOWN_CHARACTERS = 3, 120


@dataclass(frozen=True)
class CleanedRows:
    """One text a row, "" where there is none.

    `values` are the texts without the names of columns, which several columns are joined with; `raw` the text columns as read,
    `columns` the same cleaned; `spans` for each text column the map back, for the rows in which characters moved.
    """

    texts: list[str]
    values: list[str]
    raw: dict[str, list[str]]
    columns: dict[str, list[str]]
    spans: dict[int, list[tuple[int, ...] | None]]
    findings: list[Finding]


def clean_rows(columns: Mapping[str, Sequence[Any]], rows: int, cleaning: CleanSettings, places: Places) -> CleanedRows:
    """Clean the text columns of so many rows and join them row by row; without a text column each text is ""."""
    raw = {name: [_storable(as_text(value)) for value in values] for name, values in columns.items()}
    cleaned = {name: clean_texts(values, cleaning) for name, values in raw.items()}
    names = tuple(cleaned)
    texts = values = cleaned[names[0]] if names else [""] * rows
    if len(names) > 1:
        texts = [join_columns(dict(zip(names, parts)), names) for parts in zip(*cleaned.values())]
        values = ["\n".join(part for part in parts if part.strip()) for parts in zip(*cleaned.values())]
    spans, findings = _changes(raw, cleaned, cleaning, places)
    return CleanedRows(texts, values, raw, cleaned, spans, findings)


def _storable(text: str) -> str:
    """Half characters (lone surrogates), which no file can hold, become U+FFFD, whatever the settings."""
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _changes(raw: Mapping[str, Sequence[str]], cleaned: Mapping[str, Sequence[str]], cleaning: CleanSettings,
             places: Places) -> tuple[dict[int, list[tuple[int, ...] | None]], list[Finding]]:
    rows: dict[str, set[int]] = {}
    examples: dict[str, list[tuple[str, str]]] = {}
    spans: dict[int, list[tuple[int, ...] | None]] = {}
    for number, (name, texts) in enumerate(cleaned.items()):
        for i, (before, after) in enumerate(zip(raw[name], texts)):
            if before == after:
                continue
            whole = cleaning.cleaner.clean(before)
            if whole.spans is not None:
                spans.setdefault(i, [None] * len(cleaned))[number] = whole.spans
            for rule in whole.changed:
                rows.setdefault(rule, set()).add(i)
                if len(examples.setdefault(rule, [])) < EXAMPLES:
                    examples[rule].append((before[:SHOWN_CHARACTERS], after[:SHOWN_CHARACTERS]))
    return spans, [places.finding(f"cleaned_{rule}", sorted(each), say(f"Changed by cleaning ({rule})", f"被清洗（{rule}）改动"), f"[clean] {rule} = false", tuple(examples[rule]))
                   for rule, each in sorted(rows.items())]
