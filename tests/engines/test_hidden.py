"""The hidden engine: right numbers, rows that do not depend on their neighbours, nothing damaged opened."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.contracts import Ragged, State
from startlm.core.errors import BundleError
from startlm.engines.hidden import HiddenEngine
from startlm.testing import check_engine

FEATURES = 300


def engine(width, labels):
    random = np.random.default_rng(labels)
    return HiddenEngine(random.normal(size=(FEATURES, width)).astype(np.float16), random.normal(size=width).astype(np.float32),
                        random.normal(size=(width, labels)).astype(np.float32), random.normal(size=labels).astype(np.float32))


def encoded(lengths, seed=0):
    random = np.random.default_rng(seed)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Ragged(random.integers(0, FEATURES, starts[-1]).astype(np.int32), starts, random.random(starts[-1]).astype(np.float32))


@pytest.mark.parametrize(("width", "labels"), [(3, 2), (17, 5), (384, 77)])
@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 400), max_size=40))
def test_a_row_has_bit_for_bit_the_same_logits_alone_and_in_a_batch(width, labels, lengths):
    rows, machine = encoded(lengths), engine(width, labels)
    together = machine.logits(rows)
    alone = [machine.logits(rows.take([i]))[0] for i in range(len(rows))]
    backwards = machine.logits(rows.take(np.arange(len(rows))[::-1]))[::-1]
    assert together.dtype == np.float32 and together.shape == (len(rows), labels)
    assert all((a == b).all() for a, b in zip(together, alone, strict=True)) and (together == backwards).all()


def test_logits_are_those_of_one_hidden_layer_on_the_weighted_sum():
    rows, machine = encoded([5, 0, 900, 1]), engine(20, 4)
    dense = np.zeros((4, FEATURES))
    np.add.at(dense, (np.repeat(np.arange(4), rows.lengths), rows.values), rows.weights)
    hidden = np.maximum(dense @ machine.table.astype(float) + machine.hidden, 0)
    assert machine.logits(rows) == pytest.approx(hidden @ machine.weights + machine.bias, rel=1e-4, abs=1e-3)


def test_the_engine_keeps_the_contract():
    check_engine("hidden", engine(16, 3).state(), encoded([3, 0, 40, 1, 7, 200, 2, 2]))


@pytest.mark.parametrize("arrays", [
    {"table": np.ones((3, 2), np.float32)}, {"table": np.full((3, 2), np.inf, np.float16)}, {"table": np.ones((3, 4), np.float16)}, {"table": None},
    {"hidden": np.ones(3, np.float32)}, {"hidden": np.array([np.nan, 0], np.float32)}, {"weights": np.ones((3, 5), np.float32)}, {"weights": np.ones((2, 5))},
    {"bias": np.ones(4, np.float32)}, {"bias": np.full(5, 1e30, np.float32)}, {"more": np.ones(1)},
    {"weights": np.ones((2, 0), np.float32), "bias": np.ones(0, np.float32)},
])
def test_a_damaged_state_is_refused(arrays):
    whole = {"table": np.ones((3, 2), np.float16), "hidden": np.ones(2, np.float32), "weights": np.ones((2, 5), np.float32), "bias": np.ones(5, np.float32)}
    HiddenEngine.from_state(State({}, whole))
    with pytest.raises(BundleError):
        HiddenEngine.from_state(State({}, {**whole, **arrays}))


def test_an_id_beyond_the_table_is_refused():
    with pytest.raises(BundleError):
        engine(4, 3).logits(Ragged(np.array([FEATURES], np.int32), np.array([0, 1]), np.ones(1, np.float32)))
