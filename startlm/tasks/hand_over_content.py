"""What a report says of answering or handing over: the curve, the threshold that was chosen, the hours it saves."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Mapping

import numpy as np

from ..metrics.hand_over import ANSWER_NOTHING, Point, advise, curve, figures_at, hours_saved


def hand_over_content(sure: np.ndarray, correct: np.ndarray, settings: Mapping[str, Any], minutes: float | None) -> dict[str, Any]:
    """JSON-ready, from how sure each answer is, float64 (N,), and whether it is right, bool (N,); settings are those of model.json."""
    points, chosen, hours, tried = curve(sure, correct), None, None, 0.0
    if "hand_over" in settings:
        chosen = dict(settings["hand_over"])
        point = figures_at(sure, correct, chosen["value"])
        chosen |= {"answered_on_test": asdict(point.answered), "error_on_test": asdict(point.error)}
        hours, tried = _hours(point, minutes), chosen["target"] if chosen["value"] == ANSWER_NOTHING else 0.0
    advice = advise(points, above=tried)
    return {
        "curve": [{"threshold": each.threshold, "answered": asdict(each.answered), "error": asdict(each.error), "hours_saved": _hours(each, minutes)} for each in points],
        "chosen": chosen, "hours_saved": hours, "minutes_per_row": minutes,
        "advice": None if advice is None else {"rate": advice.rate, "answered": asdict(advice.point.answered), "error": asdict(advice.point.error)},
    }


def _hours(point: Point, minutes: float | None) -> dict[str, Any] | None:
    return None if minutes is None else asdict(hours_saved(point.answered, minutes))
