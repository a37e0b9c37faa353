"""What prepare found in the rows and what became of it: counted, with row numbers, with the setting that decides."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any, Mapping, Sequence

import numpy as np

from .errors import CallError
from .language import Said, say

SHOWN = 10  # row numbers listed for each finding
GIVES_AWAY = 0.99  # a column whose values tell the label this often
NAMED_IN_TEXT = 0.90  # share of rows whose text names their own label


@dataclass(frozen=True)
class Finding:
    """One thing found. `rows` are row numbers (1 is the first row read), at most SHOWN of them."""

    kind: str
    count: int
    said: Said
    rows: tuple[int, ...] = ()
    setting: str = ""  # the line for startlm.toml that decides what is done with it
    examples: tuple[Any, ...] = field(default_factory=tuple)

    def said_with_setting(self) -> Said:
        """The sentence, with the line for startlm.toml that decides."""
        return say(f"{self.said.en}. To change it: {self.setting}", f"{self.said.zh}。如需改变：{self.setting}") if self.setting else self.said

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"said": self.said._asdict()}


def first_rows(rows: Sequence[int] | np.ndarray) -> tuple[int, ...]:
    return tuple(int(row) for row in rows[:SHOWN])


def listed(rows: Sequence[int]) -> str:
    """Row numbers for a sentence: "3, 9, 12 …"."""
    return ", ".join(str(row) for row in rows[:SHOWN]) + (" …" if len(rows) > SHOWN else "")


def contradictions(texts: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """int64 positions of the rows whose text stands elsewhere with another label."""
    seen: dict[str, set[str]] = defaultdict(set)
    for text, label in zip(texts, labels):
        seen[text].add(label)
    return np.array([i for i, text in enumerate(texts) if len(seen[text]) > 1], dtype=np.int64)


def repeats(texts: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """int64 positions of the rows whose text and label both stood in an earlier row."""
    seen: set[tuple[str, str]] = set()
    found = []
    for i, pair in enumerate(zip(texts, labels)):
        if pair in seen:
            found.append(i)
        seen.add(pair)
    return np.array(found, dtype=np.int64)


def give_aways(columns: Mapping[str, Sequence[Any]], labels: Sequence[str]) -> list[tuple[str, float]]:
    """Columns whose value alone tells the label in GIVES_AWAY of the rows that share a value, with that share."""
    found = []
    for name, values in columns.items():
        counts: dict[Any, Counter[str]] = defaultdict(Counter)
        for value, label in zip(values, labels):
            if value not in (None, ""):
                counts[str(value)][label] += 1
        shared = [counter for counter in counts.values() if counter.total() > 1]
        rows = sum(counter.total() for counter in shared)
        if rows < 20 or rows < len(labels) / 2 or len(shared) < 2:
            continue
        right = sum(counter.most_common(1)[0][1] for counter in shared) / rows
        if right >= GIVES_AWAY:
            found.append((name, right))
    return found


def label_in_text(texts: Sequence[str], labels: Sequence[str]) -> float:
    """The share of rows whose text holds the name of their own label (names of two characters or more)."""
    named = sum(len(label) > 1 and label.lower() in text.lower() for text, label in zip(texts, labels))
    return named / max(1, len(texts))


def find_give_aways(columns: Mapping[str, Sequence[Any]], texts: Sequence[str], labels: Sequence[str]) -> list[Finding]:
    """What tells the label without the model's help: another column, or the label's own name in the text."""
    found = [Finding("gives_away", len(labels), say(f"The column {name!r} gives the label away ({share:.1%} of rows): it is not used",
                                                    f"{name!r} 列会直接泄露标签（{share:.1%} 的行）：没有使用它"))
             for name, share in give_aways(columns, labels)]
    named = label_in_text(texts, labels)
    if named >= NAMED_IN_TEXT:
        found.append(Finding("gives_away", len(labels), say(
            f"{named:.1%} of the texts hold the name of their own label: what is measured may be too good",
            f"{named:.1%} 的文本里写着自己的标签名：量出来的成绩可能虚高"), setting='text = ["…"]'))
    return found


def check_learnable(counts: Mapping[str, int], *, where: str, label: str) -> None:
    """Raises CallError where there are not two labels with two rows each."""
    if len(counts) < 2:
        only = next(iter(counts), "")
        raise CallError(say(f"There is only one label ({only!r}): nothing to tell apart.", f"只有一个标签（{only!r}）：没有可区分的内容。"),
                        say(f"name another label column: [prepare] label (now {label!r})", f"请换一个标签列：[prepare] label（现在是 {label!r}）"), where=where)
    if sum(count >= 2 for count in counts.values()) < 2:
        raise CallError(say("Fewer than two labels have two rows or more: nothing can be learnt and tested.", "至少要有两个标签各有两行以上，否则无法学习和测试。"),
                        say(f"add rows, or name another label column: [prepare] label (now {label!r})", f"请增加数据，或换一个标签列：[prepare] label（现在是 {label!r}）"), where=where)


def cleaning_finding(rule: str, rows: Sequence[int], examples: Sequence[tuple[str, str]]) -> Finding:
    """What one cleaning rule changed."""
    return Finding(
        f"cleaned_{rule}", len(rows),
        say(f"Changed by cleaning ({rule}): {len(rows)} (rows {listed(rows)})", f"清洗（{rule}）改动了 {len(rows)} 行（第 {listed(rows)} 行）"),
        first_rows(rows), f"[clean] {rule} = false", tuple(examples[:3]),
    )
