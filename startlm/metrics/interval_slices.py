"""Where intervals hold the truth least often: a promise kept on the whole may be broken for one group of rows and overdone for another.

>>> import numpy as np
>>> truth, low, high = np.zeros(80), np.full(80, -1.0), np.where(np.arange(80) < 40, 1.0, -0.5)
>>> least_covered(truth, low, high, [Cut("column", "shop", ["north"] * 40 + ["south"] * 40)]).value
'south'
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple, Sequence

import numpy as np

from startlm.core.contracts import Figure

from .conformal import covered
from .intervals import FEWEST_ROWS
from .slices import Cut, groups_of


class Covered(NamedTuple):
    """The group of rows whose intervals hold the truth least often, of so many looked at; and how often that is."""

    kind: str
    column: str
    value: str
    covered: Figure
    looked_at: int

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "covered": asdict(self.covered)}


def least_covered(truth: np.ndarray, low: np.ndarray, high: np.ndarray, cuts: Sequence[Cut], fewest: int = FEWEST_ROWS) -> Covered | None:
    """Of all groups with enough rows the one that is held least often; None where none has enough. float64 (N,) each.

    The least of many is low by chance too: the interval is that of a group named beforehand, and `looked_at` says of how many it is the least.
    """
    held = (truth >= low) & (truth <= high)
    groups = [(cut, value, rows) for cut in cuts for value, rows in groups_of(cut.values) if len(rows) >= fewest]
    if not groups:
        return None
    cut, value, rows = min(groups, key=lambda each: (float(held[each[2]].mean()), each[0].kind, each[0].column, each[1]))
    return Covered(cut.kind, cut.column, value, covered(truth[rows], low[rows], high[rows]), len(groups))
