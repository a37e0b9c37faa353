"""JSON as we write and read it: one form for each value, and nothing that other readers take differently."""

from __future__ import annotations

import json
from typing import Any


def json_bytes(value: Any) -> bytes:
    """UTF-8, sorted keys, a newline at the end: the same value always gives the same bytes. ValueError for NaN or infinity."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=1)
    return (text + "\n").encode("utf-8", "backslashreplace")  # of a lone surrogate it makes JSON's own escape


def parse_json(data: bytes) -> Any:
    """The value of strict JSON in UTF-8. Raises ValueError (also for NaN, a key given twice and too deep nesting)."""
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_no_twins)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is given twice")
    return value
