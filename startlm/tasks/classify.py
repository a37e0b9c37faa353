"""The task classify: one label out of several for a text. Owns the dumb baseline, thresholds and the form of an answer."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import numpy as np

from ..core.contracts import Answer
from ..core.errors import CallError
from ..core.language import say

OUT_OF_SCOPE_NAMES = ("oos", "out_of_scope", "out-of-scope", "outofscope", "none_of_these", "超出范围", "范围外", "都不是")


class Classify:
    """Which label a text has, and how sure that is."""

    name = "classify"

    @staticmethod
    def baseline(labels: np.ndarray, count: int) -> int:
        """The number of the most frequent label: what always answering the same would say."""
        return int(np.argmax(np.bincount(labels, minlength=count)))

    @staticmethod
    def out_of_scope(labels: Sequence[str], named: str | None) -> int | None:
        """The number of the label that means "none of these", by its setting or by its name; None where there is none."""
        for number, label in enumerate(labels):
            if label == named or (named is None and label.lower() in OUT_OF_SCOPE_NAMES):
                return number
        return None

    @staticmethod
    def check_out_of_scope(labels: Sequence[str], named: str | None) -> None:
        """Raises CallError for a setting that is no label, nor a usual name of one: it will be misspelt."""
        if named is not None and named not in labels and named.lower() not in OUT_OF_SCOPE_NAMES:
            raise CallError(say(f"There is no label {named!r}.", f"没有 {named!r} 这个标签。"),
                            say(f"[predict] out_of_scope takes one of: {', '.join(labels)}", f"[predict] out_of_scope 可写：{'、'.join(labels)}"))

    @staticmethod
    def sureness(confidences: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
        """float64 (N,): the confidence of the prediction; -1 where it is "none of these", which no threshold answers."""
        best = confidences.argmax(axis=1)
        sure = confidences[np.arange(len(best)), best]
        return sure if settings.get("out_of_scope") is None else np.where(best == settings["out_of_scope"], -1.0, sure)

    @staticmethod
    def handed_over(confidences: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
        """bool (N,): the rows a person should answer: below the threshold, or out of scope."""
        best = confidences.argmax(axis=1)
        handed = confidences[np.arange(len(best)), best] < settings.get("threshold", 0.0)
        if settings.get("out_of_scope") is not None:
            handed = handed | (best == settings["out_of_scope"])
        return handed

    @staticmethod
    def answers(confidences: np.ndarray, labels: Sequence[str], settings: Mapping[str, Any]) -> list[Answer]:
        """One Answer a row from confidences float64 (N, L)."""
        best = confidences.argmax(axis=1)
        handed = Classify.handed_over(confidences, settings)
        return [Answer(labels[top], float(row[top]), dict(zip(labels, row.tolist())), bool(over))
                for row, top, over in zip(confidences, best, handed)]
