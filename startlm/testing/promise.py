"""How a broken promise is told."""

from __future__ import annotations


def hold(holds: bool, promise: str) -> None:
    """Raises AssertionError, naming the promise that does not hold."""
    if not holds:
        raise AssertionError(promise)
