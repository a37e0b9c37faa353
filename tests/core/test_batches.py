"""Batches: every row once an epoch, little padding, the same order for the same seed."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.batches import draw_batches, padded
from startlm.core.contracts import Ragged


@given(st.lists(st.integers(0, 60), max_size=300), st.integers(1, 400), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_every_row_comes_once_and_no_batch_is_too_large(lengths, tokens, epoch):
    lengths = np.array(lengths, dtype=np.int64)
    batches = draw_batches(lengths, tokens, seed=7, epoch=epoch)
    assert sorted(row for batch in batches for row in batch.tolist()) == list(range(len(lengths)))
    assert all(len(batch) == 1 or lengths[batch].max() * len(batch) <= tokens for batch in batches)


def test_the_order_is_fixed_by_seed_and_epoch_and_differs_between_them():
    lengths = np.random.default_rng(0).integers(1, 50, 500)
    orders = {key: np.concatenate(draw_batches(lengths, 300, seed=key[0], epoch=key[1])).tolist() for key in ((0, 0), (0, 1), (1, 0))}
    assert orders[0, 0] == np.concatenate(draw_batches(lengths, 300, seed=0, epoch=0)).tolist()
    assert orders[0, 0] != orders[0, 1] != orders[1, 0]


def test_little_of_what_is_computed_is_padding():
    lengths = np.random.default_rng(0).integers(1, 100, 5_000)
    batches = draw_batches(lengths, 2_000, seed=0, epoch=0)
    assert sum(len(batch) * lengths[batch].max() for batch in batches) < lengths.sum() / 0.8


def test_rows_end_in_zeros_and_are_cut_where_told():
    encoded = Ragged(np.array([5, 6, 7, 8], dtype=np.int32), np.array([0, 3, 3, 4]))
    ids, lengths = padded(encoded, np.array([2, 0, 1]))
    assert ids.tolist() == [[8, 0, 0], [5, 6, 7], [0, 0, 0]] and lengths.tolist() == [1, 3, 0]
    assert padded(encoded, np.array([0, 2]), longest=2)[0].tolist() == [[5, 6], [8, 0]]


def test_weights_come_beside_their_ids_and_are_nothing_in_the_padding():
    encoded = Ragged(np.array([5, 6, 7, 8], dtype=np.int32), np.array([0, 3, 3, 4]), np.array([0.5, 0.25, 1, 2], dtype=np.float32))
    ids, _, weights = padded(encoded, np.array([2, 0, 1]))
    assert ids.tolist() == [[8, 0, 0], [5, 6, 7], [0, 0, 0]] and weights.tolist() == [[2, 0, 0], [0.5, 0.25, 1], [0, 0, 0]]


def test_an_empty_row_alone_still_has_one_position():
    assert padded(Ragged(np.zeros((0, 3), dtype=np.int32), np.array([0, 0])), np.array([0]))[0].shape == (1, 1, 3)
