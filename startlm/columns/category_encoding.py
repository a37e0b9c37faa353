"""A category as input: one feature and one word for each value that train has often enough, two more for all else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from ..core.language import say
from ..core.model_file import is_name, list_of, record, where
from ..core.personal import find_personal
from .stored import checked

FEWEST_ROWS = 3  # what fewer rows hold may be one person's, and teaches little
MOST_VALUES = 256
LONGEST = 200  # characters of a value that is kept
_VALUE = where(lambda value: isinstance(value, str) and 0 < len(value) <= LONGEST and is_name(value))
_STATE = record({"values": list_of(_VALUE, 0, MOST_VALUES)})


class CategoryEncoding:
    """Features and words: the values kept, most frequent first, then "rare or unseen", then "missing"."""

    def __init__(self, values: tuple[str, ...]) -> None:
        self.values = values
        self.width = self.word_count = len(values) + 2
        self._numbers = {value: number for number, value in enumerate(values)} | {"": len(values) + 1}

    @classmethod
    def fit(cls, values: np.ndarray) -> CategoryEncoding:
        """object (N,) of str, "" for what is missing. What looks like personal data counts as rare, however often it stands there."""
        counts = Counter(values.tolist())
        often = [value for value, count in counts.items() if count >= FEWEST_ROWS and _VALUE(value, "") is None]
        often.sort(key=lambda value: (-counts[value], value))
        kept = []
        for value in often:
            if len(kept) < MOST_VALUES and not find_personal(value):
                kept.append(value)
        return cls(tuple(kept))

    @property
    def names(self) -> tuple[str, ...]:
        return (*(f"={value}" for value in self.values), " rare or unseen", " missing")

    def features(self, values: np.ndarray) -> np.ndarray:
        """float32 (N, width), one 1 a row."""
        out = np.zeros((len(values), self.width), dtype=np.float32)
        out[np.arange(len(values)), self.words(values)] = 1.0
        return out

    def words(self, values: np.ndarray) -> np.ndarray:
        """int32 (N,)"""
        rare = len(self.values)
        return np.fromiter((self._numbers.get(value, rare) for value in values.tolist()), np.int32, len(values))

    def state(self) -> dict[str, Any]:
        return {"values": list(self.values)}

    @classmethod
    def from_state(cls, state: Any) -> CategoryEncoding:
        """Raises BundleError for a state this encoding could not have written."""
        checked(state, _STATE, say("category", "类别"))
        return cls(tuple(checked(state["values"], _different, say("category", "类别"))))


def _different(values: Any, path: str) -> str | None:
    return "values" if len(set(values)) < len(values) else None
