"""What a report says of labels that have an order."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Sequence

import numpy as np

from ..core.language import say
from ..core.shelves import look_up
from ..metrics import ORDER_METRICS
from ..metrics.judged import Judged

MOST_LABELS = 7  # for which costs are offered: each pair is a line


def order_content(judged: Judged, names: Sequence[str], order: Sequence[str]) -> dict[str, Any]:
    """JSON-ready. A label that the order lacks (out of scope, or of another table) is left out with its rows."""
    place = np.array([order.index(name) if name in order else -1 for name in names])
    inside = (place[judged.truth] >= 0) & (place[judged.predicted] >= 0)
    majority = None if judged.majority is None or place[judged.majority] < 0 else int(place[judged.majority])
    ranked = replace(judged, truth=place[judged.truth[inside]], predicted=place[judged.predicted[inside]], labels=len(order), confidences=None, majority=majority, shares=None)
    few = len(order) <= MOST_LABELS
    return {"labels": list(order), "figures": [asdict(look_up(ORDER_METRICS, name, say("metric", "指标"))(ranked)) for name in ORDER_METRICS],
            "costs": [f"{a} -> {b}: {abs(i - j)}" for i, a in enumerate(order) for j, b in enumerate(order) if i != j and {a, b} <= set(names)] if few else []}
