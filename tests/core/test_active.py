"""Which rows to label next: numbers of rows, from everywhere first, then unsure ones that differ."""

from __future__ import annotations

import numpy as np

from startlm.core.active import centres, clusters, leads, most_useful, reduced

RANDOM = np.random.default_rng(0)


def heaps(sizes: tuple[int, ...], width: int = 8) -> np.ndarray:
    """Vectors of length 1 in heaps that lie far from each other."""
    found = np.concatenate([np.eye(width)[i] + RANDOM.normal(0, 0.02, (size, width)) for i, size in enumerate(sizes)])
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def test_the_largest_cluster_comes_first_and_each_row_is_in_one() -> None:
    found = clusters(heaps((10, 40, 20)), 3)
    assert np.bincount(found.number).tolist() == [40, 20, 10] and set(found.number[10:50].tolist()) == {0}


def test_the_nearest_rows_of_a_cluster_lie_in_its_middle() -> None:
    vectors = heaps((30,))
    vectors[7] = np.eye(8)[5]
    found = clusters(vectors, 1)
    assert 7 not in found.nearest(0, 29) and len(found.nearest(0, 3)) == 3


def test_rows_from_everywhere_are_one_of_each_heap() -> None:
    vectors, rows = heaps((30, 20, 10)), np.arange(5, 60)
    chosen = centres(vectors, rows, 3)
    assert sorted(np.digitize(chosen, [30, 50]).tolist()) == [0, 1, 2] and set(chosen) <= set(rows.tolist())


def test_fewer_rows_than_asked_for_are_all_taken() -> None:
    assert centres(heaps((4,)), np.array([1, 3]), 5).tolist() == [1, 3]
    assert sorted(most_useful(heaps((4,)), np.eye(4), np.array([1, 3]), 5)) == [1, 3]


def test_rows_that_are_all_equal_are_taken_as_they_stand() -> None:
    vectors = np.ones((20, 4), dtype=np.float32) / 2
    assert len(set(centres(vectors, np.arange(20), 5))) == 5 and len(set(most_useful(vectors, np.zeros((20, 2)), np.arange(20), 5))) == 5


def test_the_lead_is_that_of_the_best_over_the_second() -> None:
    assert leads(np.array([[3.0, 1.0, 2.0], [0.0, 0.0, -5.0]])).tolist() == [1.0, 0.0]


def test_the_most_useful_are_unsure_and_differ_from_each_other() -> None:
    vectors = heaps((100, 100, 100, 100))
    logits = np.zeros((400, 2))
    logits[:, 0] = 5 + RANDOM.random(400)  # sure of all
    unsure = np.array([0, 1, 2, 3, 4, 5, 6, 7, 120, 121, 122, 123, 250, 251, 252, 350, 351, 352, 353, 354])
    logits[unsure, 0] = np.linspace(0, 1, len(unsure))
    chosen = most_useful(vectors, logits, np.arange(400), 4)  # of the twenty most unsure
    assert set(chosen) <= set(unsure.tolist()) and 0 in chosen and len({row // 100 for row in chosen}) == 4
    assert list(chosen) == sorted(chosen, key=lambda row: logits[row, 0])


def test_rows_that_may_not_be_asked_for_are_never_chosen() -> None:
    vectors, logits, rows = heaps((50, 50)), RANDOM.normal(size=(100, 3)), np.arange(0, 100, 2)
    assert set(most_useful(vectors, logits, rows, 4).tolist()) <= set(rows.tolist())


def test_vectors_have_length_one_and_similar_rows_lie_near_each_other() -> None:
    from scipy.sparse import csr_matrix

    features = np.zeros((30, 20))
    features[:15, :5], features[15:, 10:15] = RANDOM.random((15, 5)) + 1, RANDOM.random((15, 5)) + 1
    vectors = reduced(csr_matrix(features), 4)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors[:15] @ vectors[:15].T).min() > 0.9 > 0.1 > (vectors[:15] @ vectors[15:].T).max()
