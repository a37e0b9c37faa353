"""The text columns and the label column of a whole table, cleaned; what each rule changed is counted, with examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ..core.findings import Finding, cleaning_finding
from . import as_text
from .category import Category
from .cleaning import CleanSettings, clean_texts, join_columns

EXAMPLES, SHOWN_CHARACTERS = 3, 120


@dataclass(frozen=True)
class CleanedRows:
    """One text and one label a row, "" where there is none; `raw` as read, `spans` the map back where characters moved."""

    texts: list[str]
    labels: list[str]
    raw: dict[str, list[str]]
    spans: dict[int, tuple[int, ...]]
    findings: list[Finding]


def clean_rows(columns: Mapping[str, Sequence[Any]], labels: Sequence[Any], cleaning: CleanSettings) -> CleanedRows:
    """Clean the text columns, join them row by row, and bring each label into one spelling."""
    raw = {name: [_storable(as_text(value)) for value in values] for name, values in columns.items()}
    cleaned = {name: clean_texts(values, cleaning) for name, values in raw.items()}
    names = tuple(cleaned)
    texts = cleaned[names[0]] if len(names) == 1 else [join_columns(dict(zip(names, parts)), names) for parts in zip(*cleaned.values())]
    written = [as_text(value) for value in labels]
    spelt = {label: Category.clean(label) for label in set(written)}
    spans, findings = _changes(raw, cleaned, cleaning)
    return CleanedRows(texts, [spelt[label] for label in written], raw, spans, findings)


def _storable(text: str) -> str:
    """Half characters (lone surrogates), which no file can hold, become U+FFFD, whatever the settings."""
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _changes(raw: Mapping[str, Sequence[str]], cleaned: Mapping[str, Sequence[str]], cleaning: CleanSettings) -> tuple[dict[int, tuple[int, ...]], list[Finding]]:
    rows: dict[str, list[int]] = {}
    examples: dict[str, list[tuple[str, str]]] = {}
    spans: dict[int, tuple[int, ...]] = {}
    for name, texts in cleaned.items():
        for i, (before, after) in enumerate(zip(raw[name], texts)):
            if before == after:
                continue
            whole = cleaning.cleaner.clean(before)
            if len(cleaned) == 1 and whole.spans is not None:
                spans[i] = whole.spans
            for rule in whole.changed:
                rows.setdefault(rule, []).append(i + 1)
                if len(examples.setdefault(rule, [])) < EXAMPLES:
                    examples[rule].append((before[:SHOWN_CHARACTERS], after[:SHOWN_CHARACTERS]))
    return spans, [cleaning_finding(rule, each, examples[rule]) for rule, each in sorted(rows.items())]
