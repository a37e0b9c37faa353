"""What a report says of a cascade: what the cheap rung answers and what that loses, at a dozen thresholds; and how long each member takes."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np

from ..core.contracts import Inputs
from ..core.members import BOTH, CHEAP, Member, confidence_of, roles_of
from ..metrics.cascade import CascadePoint, cascade_points
from ..metrics.intervals import share_figure

TIMED = 200  # messages, one at a time
FIRST = 5  # answered before the clock starts


class Apart(NamedTuple):
    """What each side of a cascade says of N rows by itself."""

    sureness: np.ndarray  # float64 (N,), of the cheap one
    cheap: np.ndarray  # int64 (N,), label numbers
    dear: np.ndarray

    @classmethod
    def of(cls, sides: tuple[np.ndarray, np.ndarray]) -> Apart:
        """From the log-confidences of both, float64 (N, L)."""
        return cls(confidence_of(sides[0]), *(side.argmax(axis=1) for side in sides))


def cascade_content(settings: Mapping[str, Any], apart: Apart, truth: np.ndarray, confidences: np.ndarray, seed: int) -> dict[str, Any]:
    """JSON-ready, for the rows of a test part. settings: those of model.json; truth: int64 (N,); confidences: float64 (N, L or more) of the cascade."""
    chosen, families = dict(settings["cascade"]), [member["family"] for member in settings["members"]]
    dear_ones = [family for family, role in zip(families, roles_of(settings["members"]), strict=True) if role != CHEAP]
    cheap, dear = apart.cheap == truth, apart.dear == truth
    points = cascade_points(apart.sureness, cheap, dear, chosen["threshold"], seed)
    sure = apart.sureness >= chosen["threshold"]
    point = next(each for each in points if each.threshold == chosen["threshold"])
    return {
        "chosen": chosen | {f"{name}_on_test": figure for name, figure in _figures(point).items()},
        "curve": [{"threshold": each.threshold, **_figures(each)} for each in points],
        "cheap": _side(families[:1], cheap, sure, confidences), "dear": _side(dear_ones, dear, ~sure, confidences),
    }  # fmt: skip


def _figures(point: CascadePoint) -> dict[str, Any]:
    return {name: asdict(getattr(point, name)) for name in ("answered", "accuracy", "loss")}


def _side(families: Sequence[str], right: np.ndarray, own: np.ndarray, confidences: np.ndarray) -> dict[str, Any]:
    """Accuracy on all rows; of those that it answers in the cascade, how sure these answers are and how many are right: the two should agree."""
    return {"families": list(families), "accuracy": asdict(share_figure("accuracy", int(right.sum()), len(right))),
            "right": asdict(share_figure("right", int(right[own].sum()), int(own.sum()))), "confidence": float(confidences[own].max(axis=1).mean()) if own.any() else None}


def times_of(members: Sequence[Member], inputs: Inputs) -> dict[str, float]:
    """Milliseconds that a message takes, each answered alone: by the cheap member, by those that are asked after it, and by the dear ones where they are asked always."""
    rows = np.unique(np.linspace(0, len(inputs) - 1, min(TIMED, len(inputs))).astype(np.int64)) if len(inputs) else []
    messages = [inputs.take(np.array([row])) for row in rows]
    cheap, after = _milliseconds(members[:1], messages), _milliseconds(members[1:], messages)
    return {"cheap": cheap, "after": after, "dear": after + (cheap if members[0].role == BOTH else 0.0)}


def _milliseconds(members: Sequence[Member], messages: Sequence[Inputs]) -> float:
    began = 0.0
    for number, message in enumerate([*messages[:FIRST], *messages]):
        began = time.perf_counter() if number == min(FIRST, len(messages)) else began
        for member in members:
            member.logits(message)
    return 1000 * (time.perf_counter() - began) / len(messages) if messages else 0.0
