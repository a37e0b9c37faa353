"""Rows that stand alone in a file of their own, `linear.py` and `networks.py`: called here, measured there."""

from __future__ import annotations

from typing import Any

from work import Work

QUICK_SET = "hint3-sofmattress"
SPEED_ONLY = "thucnews-title"


def linear_row(work: Work, name: str) -> dict[str, Any]:
    import linear

    return work.piece("all", lambda: linear.measure(QUICK_SET if work.quick else name))


def network_row(work: Work, family: str) -> dict[str, Any]:
    """Trained to the end on an English set (speed and accuracy); on a Chinese set the speed alone."""
    import networks

    lines = [work.piece("banking77", lambda: networks.measure(family, "banking77", train=not work.quick))]
    if not work.quick:
        lines.append(work.piece(SPEED_ONLY, lambda: networks.measure(family, SPEED_ONLY)))
    return {"lines": lines}
