"""Where a model is worse than elsewhere: its accuracy on groups of test rows, each beside the rest, corrected for looking at many.

>>> import numpy as np
>>> right = np.array([False] * 30 + [True] * 70)
>>> found = find_slices(right, [Cut("language", "", ["zh"] * 40 + ["en"] * 60)])
>>> [(each.value, each.worse) for each in found]
[('zh', True), ('en', False)]
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Callable, NamedTuple, Sequence

import numpy as np

from startlm.core.contracts import Figure

from .intervals import FEWEST_ROWS, LEVEL, share_figures
from .pairwise import holm

SHOWN = 30  # slices of a report that are not worse: all that are worse are shown


class Cut(NamedTuple):
    """One way to cut the rows: by `language`, `length`, `label` or, with its name, by a `column`; one value a row."""

    kind: str
    column: str
    values: Sequence[str]


class Slice(NamedTuple):
    """Rows with one value: their accuracy and that of all others, the chance of such a difference, and that chance after Holm."""

    kind: str
    column: str
    value: str
    inside: Figure
    rest: Figure
    p: float
    adjusted: float

    @property
    def worse(self) -> bool:
        """Fewer rows are right than elsewhere, by more than chance, although so many slices were looked at."""
        return self.adjusted < 1 - LEVEL and (self.inside.value or 0.0) < (self.rest.value or 0.0)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "column": self.column, "value": self.value, "accuracy": asdict(self.inside), "rest": asdict(self.rest),
                "p": self.p, "p_adjusted": self.adjusted, "worse": self.worse}


def find_slices(correct: np.ndarray, cuts: Sequence[Cut], fewest: int = FEWEST_ROWS) -> list[Slice]:
    """Every slice with enough rows inside and outside, for bool (N,) correct; the surest difference first.

    Which slices are looked at follows from how many rows they have, never from how many of those are right.
    """
    found = [(cut, value, inside) for cut in cuts for value, inside in groups_of(cut.values) if fewest <= len(inside) <= len(correct) - fewest]
    if not found:
        return []
    n = np.array([len(inside) for _, _, inside in found])
    hits = np.array([int(np.sum(correct[inside])) for _, _, inside in found])
    rows, right = len(correct), int(np.sum(correct))
    p = np.array([fisher_exact(k, m, right, rows) for k, m in zip(hits.tolist(), n.tolist())])
    figures = zip(share_figures("accuracy", hits, n), share_figures("accuracy", right - hits, rows - n))
    slices = [Slice(cut.kind, cut.column, value, *pair, float(one), float(adjusted))
              for (cut, value, _), pair, one, adjusted in zip(found, figures, p, holm(p))]
    return sorted(slices, key=lambda each: (not each.worse, each.p, each.kind, each.column, each.value))


def slices_json(correct: np.ndarray, cuts: Sequence[Cut]) -> dict[str, Any]:
    """What a report says of slices: how many were looked at, at which level, on how many rows; all worse ones and the next few."""
    found = find_slices(correct, cuts)
    shown = [each.to_json() for number, each in enumerate(found) if each.worse or number < SHOWN]
    return {"looked_at": len(found), "level": round(1 - LEVEL, 6), "n": len(correct), "slices": shown}


def quarters(values: np.ndarray, learnt: np.ndarray, show: Callable[[float], str] | None = None) -> list[str]:
    """The quarter that each value falls in, by the quartiles of the rows that learnt: "≤ 12", "13–20", "21–40", "≥ 41"; of numbers that are
    not whole "≤ 1.5", "1.5–3" (the upper end inside) …, "> 4". "" for NaN. Quartiles that are equal make fewer quarters. `show` writes an edge.

    values, learnt: int or float, (N,) and (M,).
    """
    learnt = learnt[~np.isnan(learnt)]
    if not len(learnt):
        return [""] * len(values)
    whole = values.dtype.kind == learnt.dtype.kind == "i"
    edges = np.unique(np.quantile(learnt, (0.25, 0.5, 0.75), method="lower")).astype(np.int64 if whole else np.float64)
    shown = [show(edge) if show else f"{edge:g}" if abs(edge) < 1e5 else f"{edge:,.0f}" for edge in edges]
    after = [f"{edge + 1}" for edge in edges] if whole else shown
    between = [f"{low}–{high}" if low != high else high for low, high in zip(after[:-1], shown[1:])]
    names = [f"≤ {shown[0]}", *between, f"≥ {after[-1]}" if whole else f"> {shown[-1]}"]
    return ["" if missing else names[i] for i, missing in zip(np.searchsorted(edges, values), np.isnan(values))]


def fisher_exact(hits: int, n: int, all_hits: int, all_rows: int) -> float:
    """Fisher's exact test, two-sided: the chance that `hits` of n rows or a less likely number are right, all_hits of all_rows being so.

    scipy.stats.fisher_exact gives the same; this needs no more than the base install has.
    """
    at = np.arange(max(0, n - (all_rows - all_hits)), min(n, all_hits) + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, all_rows + 1)))])  # of factorials
    ways = -logs[at] - logs[n - at] - logs[all_hits - at] - logs[all_rows - all_hits - n + at]
    chances = np.exp(ways - ways.max())
    own = chances[hits - at[0]]
    return float(min(1.0, chances[chances <= own * (1 + 1e-7)].sum() / chances.sum()))


def groups_of(values: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    """Each value but the empty one, with the numbers of its rows."""
    if not len(values):
        return []
    names, numbers = np.unique(np.asarray(values, dtype=object).astype(str), return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(numbers))[:-1])
    return [(str(name), rows) for name, rows in zip(names, parts) if name]
