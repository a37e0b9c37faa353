"""Above `exact` rows the nearest cells are looked in: what that finds is measured, stored, and the same alone and after others; altered, it is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.contracts import State
from startlm.core.errors import BundleError
from startlm.core.weights import from_bytes, to_bytes
from startlm.search.cells import CHOOSING, ENOUGH, JUDGING, NEAR, SEED, WANTED, cells_steps
from startlm.search.vectors import Vectors, stored_form
from startlm.testing import check_ranking

ROWS, WIDTH = 12_000, 24
RANDOM = np.random.default_rng(4)
VECTORS = RANDOM.normal(size=(ROWS, WIDTH)).astype(np.float32)  # no groups in them: the hard case
QUERIES = RANDOM.normal(size=(20, WIDTH)).astype(np.float32)


@pytest.fixture(scope="module")
def parted() -> Vectors:
    return Vectors.fit(VECTORS, exact=1_000)


@pytest.fixture(scope="module")
def exact() -> Vectors:
    return Vectors.fit(VECTORS)


def bits(found: Any) -> list[bytes]:
    return [each.tobytes() for each in found]


def test_it_keeps_the_promises_of_a_ranking_also_where_vectors_are_equal(parted: Vectors) -> None:
    check_ranking("vectors", parted, QUERIES[0])
    check_ranking("vectors", Vectors.fit(np.concatenate([VECTORS[:1_500], VECTORS[:1_500]]), exact=100), VECTORS[3])


def test_every_row_lies_in_the_one_cell_whose_centre_is_nearest(parted: Vectors) -> None:
    cells = parted.cells
    assert len(cells) == round(4 * np.sqrt(ROWS)) and sorted(cells.rows.tolist()) == list(range(ROWS))
    own = np.empty(ROWS, np.int64)
    own[cells.rows] = np.repeat(np.arange(len(cells)), np.diff(cells.starts))
    assert own.tolist() == (parted.stored.astype(np.float32) @ cells.centres.T).argmax(axis=1).tolist()


def test_up_to_exact_rows_every_vector_is_compared_and_above_only_some(parted: Vectors) -> None:
    assert Vectors.fit(VECTORS, exact=ROWS).cells is None and Vectors.fit(VECTORS[:90], exact=0).cells is None
    looked = parted.cells.stretches(parted.cells.near(QUERIES[0], 10))
    assert ENOUGH <= sum(span.stop - span.start for span in looked) < ROWS


def test_with_all_cells_looked_in_the_answer_is_the_exact_one_to_the_bit(parted: Vectors, exact: Vectors) -> None:
    everywhere = Vectors(parted.stored, replace(parted.cells, probes=len(parted.cells)))
    assert [bits(everywhere.search(query, most)) for query in QUERIES for most in (1, 10, ROWS)] == [bits(exact.search(query, most)) for query in QUERIES for most in (1, 10, ROWS)]


def test_as_many_rows_as_are_asked_for_are_found(parted: Vectors) -> None:
    assert [len(parted.search(QUERIES[1], most).rows) for most in (0, 1, ENOUGH, ENOUGH + 1_500, ROWS)] == [0, 1, ENOUGH, ENOUGH + 1_500, ROWS]


def test_a_query_answers_the_same_alone_and_after_others(parted: Vectors) -> None:
    after = [bits(parted.search(query, 10)) for query in QUERIES]
    assert [bits(Vectors(parted.stored, parted.cells).search(query, 10)) for query in QUERIES[::-1]] == after[::-1]


# ------------------------------------------------------------- measured

def asked_rows() -> np.ndarray:
    """The judged texts, drawn as the index draws them: after the sample for the centres."""
    random = np.random.default_rng(SEED)
    random.choice(ROWS, ROWS, replace=False)
    return random.choice(ROWS, CHOOSING + JUDGING, replace=False)


def counted(vectors: Vectors, exact: Vectors, rows: np.ndarray) -> list[int]:
    """Of each row, how many of the ten nearest others a search finds."""
    def others(index: Vectors, row: int) -> set[int]:
        return set([found for found in index.search(index.stored[row].astype(np.float32), NEAR + 1).rows.tolist() if found != row][:NEAR])

    return [len(others(vectors, row) & others(exact, row)) for row in rows.tolist()]


def test_the_stored_recall_is_what_searching_counts_and_half_the_cells_would_not_have_done(parted: Vectors, exact: Vectors) -> None:
    chosen, judged = asked_rows()[:CHOOSING], asked_rows()[CHOOSING:]
    assert parted.cells.found.tolist() == counted(parted, exact, judged)
    assert np.mean(counted(parted, exact, chosen)) >= WANTED * NEAR
    fewer = Vectors(parted.stored, replace(parted.cells, probes=parted.cells.probes // 2))
    assert np.mean(counted(fewer, exact, chosen)) < WANTED * NEAR


def test_two_builds_are_the_same_to_the_bit(parted: Vectors) -> None:
    again = Vectors.fit(VECTORS, exact=1_000).state()
    assert again.settings == parted.state().settings and to_bytes(again.arrays) == to_bytes(parted.state().arrays)


def test_making_cells_shows_signs_of_life() -> None:
    seen = list(cells_steps(stored_form(VECTORS[:500]), 100))
    assert str(seen[0].said) == "500 vectors are put into 89 cells" and [each.done for each in seen[1:]] == list(range(1, seen[-1].total + 1))


# -------------------------------------------------------------- storing

@given(st.integers(101, 400), st.integers(1, 9), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=12, deadline=None)
def test_any_vectors_make_the_round_trip(rows: int, width: int, seed: int, few: bool) -> None:
    """Also where most are equal or zero, so that most cells are empty."""
    random = np.random.default_rng(seed)
    made = Vectors.fit((random.integers(-1, 2, (rows, width)) if few else random.normal(size=(rows, width))).astype(np.float32), exact=100)
    query = random.normal(size=width).astype(np.float32)
    state = made.state()
    again = Vectors.from_state(State(state.settings, from_bytes(to_bytes(state.arrays), where="vectors.safetensors")))
    assert bits(again.search(query, 20)) == bits(made.search(query, 20)) == bits(Vectors(made.stored).search(query, 20)), "fewer than are compared at least"
    assert to_bytes(again.state().arrays) == to_bytes(state.arrays)


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict[str, Any], dict[str, np.ndarray]], None]:
    return lambda told, arrays: arrays.update({name: change(arrays[name].copy())})


def put(place: int, value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array.flat[place] = value
        return array

    return change


ALTERED = {
    "no cell looked in": lambda told, arrays: told.update(probes=0), "more cells looked in than there are": lambda told, arrays: told.update(probes=10_000),
    "probes that are true": lambda told, arrays: told.update(probes=True), "probes that are a fraction": lambda told, arrays: told.update(probes=4.0),
    "a setting too many": lambda told, arrays: told.update(odd=1), "another setting": lambda told, arrays: (told.clear(), told.update(odd=1)), "no settings": lambda told, arrays: told.clear(),
    "no centres": lambda told, arrays: arrays.pop("centres"), "cells without a centre": changed("centres", lambda centres: centres[:-1]), "centres of another width": changed("centres", lambda centres: centres[:, :-1].copy()),
    "a centre that is no number": changed("centres", put(3, np.nan)), "a centre that is endless": changed("centres", put(3, np.inf)), "a centre longer than 1": changed("centres", put(3, 7)),
    "a row in two cells": changed("cell_rows", lambda rows: put(0, rows[1])(rows)), "a row that is none": changed("cell_rows", put(0, ROWS)), "a row before the first": changed("cell_rows", put(0, -1)),
    "a row in no cell": changed("cell_rows", lambda rows: rows[:-1]), "rows of another type": changed("cell_rows", lambda rows: rows.astype(np.int64)),
    "starts that go back": changed("cell_starts", put(2, ROWS)), "starts that begin later": changed("cell_starts", put(0, 1)), "starts that end early": changed("cell_starts", put(-1, ROWS - 1)),
    "nothing measured": changed("found", lambda found: found[:0]), "more found than were looked for": changed("found", put(0, NEAR + 1)),
    "a vector that is no number": changed("vectors", put(5, np.nan)), "a vector too few": changed("vectors", lambda vectors: vectors[:-1]),
}  # fmt: skip


@pytest.mark.parametrize("what", ALTERED)
def test_an_altered_state_is_refused(parted: Vectors, what: str) -> None:
    state = parted.state()
    told, arrays = dict(state.settings), dict(state.arrays)
    ALTERED[what](told, arrays)
    with pytest.raises(BundleError):
        Vectors.from_state(State(told, arrays))


def test_an_index_from_before_there_were_cells_is_read(exact: Vectors) -> None:
    old = State({}, {"vectors": exact.stored})
    assert bits(Vectors.from_state(old).search(QUERIES[2], 10)) == bits(exact.search(QUERIES[2], 10))
