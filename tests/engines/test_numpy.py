"""The numpy engine: right sums, rows that do not depend on their neighbours, nothing damaged opened."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.contracts import Ragged, State
from startlm.core.errors import BundleError
from startlm.engines.numpy import NumpyEngine

FEATURES = 300


def engine(columns):
    random = np.random.default_rng(columns)
    return NumpyEngine(random.normal(size=(FEATURES, columns)).astype(np.float16), random.normal(size=columns).astype(np.float32))


def encoded(lengths, seed=0):
    random = np.random.default_rng(seed)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Ragged(random.integers(0, FEATURES, starts[-1]).astype(np.int32), starts, random.random(starts[-1]).astype(np.float32))


@pytest.mark.parametrize("columns", [1, 3, 16, 17, 150])
@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 400), max_size=60))
def test_a_row_has_bit_for_bit_the_same_logits_alone_and_in_a_batch(columns, lengths):
    rows, machine = encoded(lengths), engine(columns)
    together = machine.logits(rows)
    alone = [machine.logits(rows.take([i]))[0] for i in range(len(rows))]
    backwards = machine.logits(rows.take(np.arange(len(rows))[::-1]))[::-1]
    assert together.dtype == np.float32 and together.shape == (len(rows), max(2, columns))
    assert all((a == b).all() for a, b in zip(together, alone, strict=True)) and (together == backwards).all()


@pytest.mark.parametrize("columns", [3, 40])
def test_logits_are_the_weighted_sum_of_the_features_plus_the_bias(columns):
    rows, machine = encoded([5, 0, 900, 1]), engine(columns)
    dense = np.zeros((4, FEATURES))
    np.add.at(dense, (np.repeat(np.arange(4), rows.lengths), rows.values), rows.weights)
    assert machine.logits(rows) == pytest.approx(dense @ machine.weights.astype(float) + machine.bias, abs=1e-3)
    assert (machine.logits(rows)[1] == machine.bias).all()


def test_two_labels_share_one_column_and_differ_by_its_sum():
    logits = engine(1).logits(encoded([4, 7]))
    assert logits.shape == (2, 2) and (logits[:, 0] == -logits[:, 1]).all()


def test_a_state_opens_as_the_same_engine():
    rows, machine = encoded([3, 9]), engine(20)
    assert (NumpyEngine.from_state(machine.state()).logits(rows) == machine.logits(rows)).all()


@pytest.mark.parametrize("arrays", [
    {"weights": np.ones((3, 2), np.float32)}, {"bias": np.ones(3, np.float32)}, {"bias": np.ones(2)}, {"weights": np.ones(2, np.float16)},
    {"weights": np.full((3, 2), np.inf, np.float16)}, {"bias": np.array([np.nan, 0], np.float32)}, {"weights": None}, {"more": np.ones(1)},
    {"weights": np.ones((3, 0), np.float16), "bias": np.ones(0, np.float32)},
])
def test_a_damaged_state_is_refused(arrays):
    whole = {"weights": np.ones((3, 2), np.float16), "bias": np.ones(2, np.float32)}
    with pytest.raises(BundleError):
        NumpyEngine.from_state(State({}, {**whole, **arrays}))


def test_a_state_with_settings_is_refused():
    with pytest.raises(BundleError):
        NumpyEngine.from_state(State({"x": 1}, engine(2).state().arrays))
