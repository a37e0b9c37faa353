"""Every ranking of the shelf keeps its promises; one that breaks them is found out."""

from __future__ import annotations

import numpy as np
import pytest

from startlm.search.bm25 import Bm25
from startlm.search.ranked import Ranked
from startlm.search.vectors import Vectors
from startlm.testing import check_ranking

VECTORS = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)


def test_bm25_keeps_the_promises_of_a_ranking() -> None:
    check_ranking("bm25")


def test_vectors_keep_the_promises_of_a_ranking() -> None:
    check_ranking("vectors", Vectors.fit(np.concatenate([VECTORS, VECTORS])), VECTORS[3])


class Backwards(Bm25):
    """Of equal rows the later first."""

    def search(self, query: str, most: int) -> Ranked:
        found = super().search(query, 1_000)
        order = np.lexsort((-found.rows, -found.scores))[:most]
        return Ranked(found.rows[order], found.scores[order])


class Careless(Bm25):
    """Believes any state."""

    @classmethod
    def from_state(cls, state):
        return cls(state.settings["count"], *(state.arrays.get(name) for name in ("keys", "starts", "rows", "worth")))


@pytest.mark.parametrize("kind", [Backwards, Careless])
def test_a_ranking_that_breaks_a_promise_is_found_out(kind: type) -> None:
    with pytest.raises(AssertionError):
        check_ranking(kind, query="card where")
