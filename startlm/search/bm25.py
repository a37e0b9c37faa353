"""BM25 (Robertson & Walker 1994) as Lucene computes it, on postings in flat arrays: what a term adds to a row's score is computed once, when the index is built.

N rows, V different terms, P postings (a term in a row).
"""

from __future__ import annotations

from collections import Counter
from typing import Sequence

import numpy as np

from ..core.contracts import State
from .ranked import Ranked, best_of, check_arrays, check_starts, unfit_index
from .terms import key_of, terms_of

SATURATION, LENGTH = 1.2, 0.75  # Lucene's k1 and b


class Bm25:
    """The ranking `bm25`."""

    name = "bm25"

    def __init__(self, count: int, keys: np.ndarray, starts: np.ndarray, rows: np.ndarray, worth: np.ndarray) -> None:
        """keys: uint64 (V,), ascending; starts: int64 (V + 1,) into rows, int32 (P,), and worth, float32 (P,)."""
        self.count, self.keys, self.starts, self.rows, self.worth = count, keys, starts, rows, worth

    @classmethod
    def fit(cls, texts: Sequence[str], *, saturation: float = SATURATION, length: float = LENGTH) -> Bm25:
        """The index of these texts."""
        number_of: dict[str, int] = {}
        terms, rows, times, lengths = [], [], [], np.zeros(len(texts))
        for row, text in enumerate(texts):
            found = terms_of(text)
            lengths[row] = len(found)
            for term, often in Counter(found).items():
                terms.append(number_of.setdefault(term, len(number_of)))
                rows.append(row)
                times.append(often)
        keys = np.array([key_of(term) for term in number_of], dtype=np.uint64)
        by_key = np.argsort(keys, kind="stable")
        place = np.empty(len(keys), dtype=np.int64)
        place[by_key] = np.arange(len(keys))
        term, row, often = place[np.array(terms, dtype=np.int64)], np.array(rows, dtype=np.int32), np.array(times, dtype=np.float64)
        rarity = _rarity(len(texts), np.bincount(term, minlength=len(keys)))
        norm = saturation * (1 - length + length * lengths / max(lengths.mean(), 1e-9)) if len(texts) else lengths
        worth = (rarity[term] * often / (often + norm[row])).astype(np.float32)
        order = np.argsort(term, kind="stable")  # rows ascend within a term
        starts = np.concatenate([[0], np.cumsum(np.bincount(term, minlength=len(keys)))]).astype(np.int64)
        return cls(len(texts), keys[by_key], starts, row[order], worth[order])

    def search(self, query: str, most: int) -> Ranked:
        """The rows that share a term with the query, best first; terms are added up in the order of their keys."""
        scores = self.scores(query)
        hit = np.flatnonzero(scores > 0)
        return best_of(scores[hit], most, hit)

    def scores(self, query: str) -> np.ndarray:
        """float32 (N,)"""
        scores = np.zeros(self.count, dtype=np.float32)
        for key, often in sorted(Counter(map(key_of, terms_of(query))).items()):
            at = int(np.searchsorted(self.keys, np.uint64(key)))
            if at < len(self.keys) and int(self.keys[at]) == key:
                span = slice(self.starts[at], self.starts[at + 1])
                scores[self.rows[span]] += self.worth[span] * np.float32(often)
        return scores

    # ------------------------------------------------------- storing

    def state(self) -> State:
        return State({"count": self.count}, {"keys": self.keys, "starts": self.starts, "rows": self.rows, "worth": self.worth})

    @classmethod
    def from_state(cls, state: State) -> Bm25:
        """Raises BundleError for a state that this ranking could not have written."""
        count, arrays = state.settings.get("count"), dict(state.arrays)
        check_arrays(arrays, {"keys": (np.uint64, 1), "starts": (np.int64, 1), "rows": (np.int32, 1), "worth": (np.float32, 1)})
        keys, rows = arrays["keys"], arrays["rows"]
        check_starts(arrays["starts"], len(keys), len(rows))
        inside = type(count) is int and count >= 0 and (not len(rows) or 0 <= rows.min() and rows.max() < count)
        if set(state.settings) != {"count"} or not inside or len(arrays["worth"]) != len(rows) or (keys[1:] <= keys[:-1]).any() or not _ascend(rows, arrays["starts"]):
            raise unfit_index()
        if not (arrays["worth"] > 0).all():
            raise unfit_index()
        return cls(count, keys, arrays["starts"], rows, arrays["worth"])


def _rarity(count: int, containing: np.ndarray) -> np.ndarray:
    """float64 (V,): ln(1 + (N − n + ½) / (n + ½)), above 0 for every term."""
    return np.log1p((count - containing + 0.5) / (containing + 0.5))


def _ascend(rows: np.ndarray, starts: np.ndarray) -> bool:
    """Whether no row stands twice under one term: a sum would count it once."""
    steps = np.diff(rows.astype(np.int64)) > 0
    edges = starts[1:-1]
    steps[edges[(edges > 0) & (edges < len(rows))] - 1] = True
    return bool(steps.all())
