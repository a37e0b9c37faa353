"""What a report says of a cascade: each threshold's share and loss from calibration rows, and the milliseconds of both models on test rows."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ..core.contracts import Inputs

TIMED_ROWS = 200


def cascade_content(predictor: Any, rows: Inputs) -> dict[str, Any] | None:
    """None where no cascade answers. ms: mean milliseconds a row of the cheap model and of the dear one, in one thread, rows handed over together."""
    found = predictor.settings.get("cascade")
    if found is None:
        return None
    some = rows.take(np.arange(min(len(rows), TIMED_ROWS)))
    cheap, dear = (_ms(members, some) for members in (predictor.members[:1], predictor.members[1:]))
    return {**found, "ms": {"cheap": cheap, "dear": dear}}


def _ms(members: Any, rows: Inputs) -> float | None:
    if not len(rows):
        return None
    for member in members:
        member.logits(rows.take(np.arange(min(len(rows), 8))))
    began = time.perf_counter()
    for member in members:
        member.logits(rows)
    return 1000 * (time.perf_counter() - began) / len(rows)
