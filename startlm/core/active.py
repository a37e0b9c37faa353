"""Which rows to label next: arrays in, row numbers out.

While nothing is known, rows from everywhere (`centres`); then, of those that the model is least sure of, rows that differ from each
other (`most_useful`): uncertainty by the lead of the best label over the second (Scheffer and others 2001), diversity by clusters
(Zhdanov 2019, "Diverse mini-batch active learning"). Vectors are float32 (N, D) of length 1; rows are numbers into them.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

import numpy as np

from .shelves import import_extra

WIDTH = 64  # of the vectors
POOL = 5  # so many times the rows that are asked for are clustered


class Clusters(NamedTuple):
    """The number of each row's cluster, int64 (N,), the largest is 0; and how near it lies to the middle, float32 (N,), larger is nearer."""

    number: np.ndarray
    nearness: np.ndarray

    def nearest(self, cluster: int, count: int) -> np.ndarray:
        """The positions of the rows nearest to the middle of a cluster, int64 (count,) or fewer."""
        rows = np.flatnonzero(self.number == cluster)
        return rows[np.argsort(-self.nearness[rows], kind="stable")[:count]]


def reduced(features: Any, width: int = WIDTH, seed: int = 0) -> np.ndarray:
    """Sparse features (N, F) as vectors: a truncated singular value decomposition (latent semantic analysis), each row of length 1."""
    width = min(width, min(features.shape) - 1)
    if width < 2:
        vectors = np.asarray(features.sum(axis=1), dtype=np.float32).reshape(-1, 1)
    else:
        decomposition = import_extra("sklearn.decomposition").TruncatedSVD(width, random_state=seed)
        vectors = decomposition.fit_transform(features).astype(np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def clusters(vectors: np.ndarray, count: int, seed: int = 0) -> Clusters:
    """At most `count` clusters by k-means, numbered from the largest on."""
    count = min(count, len(np.unique(vectors, axis=0)))
    means = import_extra("sklearn.cluster").KMeans(max(1, count), n_init=1, random_state=seed).fit(vectors)
    order = np.argsort(-np.bincount(means.labels_, minlength=means.n_clusters), kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    distance = np.linalg.norm(vectors - means.cluster_centers_[means.labels_], axis=1)
    return Clusters(number[means.labels_].astype(np.int64), -distance)


def centres(vectors: np.ndarray, rows: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Of these rows, one from the middle of each of `count` clusters, int64, the largest cluster first."""
    if len(rows) <= count:
        return np.asarray(rows, dtype=np.int64)
    found = clusters(vectors[rows], count, seed)
    return rows[_filled([found.nearest(cluster, 1)[0] for cluster in range(found.number.max() + 1)], len(rows), count)]


def leads(logits: np.ndarray) -> np.ndarray:
    """float32 (N,): by how much the best of (N, L) logits leads the second; small where the model is unsure."""
    best = np.partition(logits, -2, axis=1)[:, -2:]
    return best[:, 1] - best[:, 0]


def most_useful(vectors: np.ndarray, logits: np.ndarray, rows: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Of these rows, `count` that the model is unsure of and that differ from each other, int64, the most unsure first.

    The POOL * count rows with the smallest leads fall into `count` clusters; the most unsure of each is taken. logits: (N, L) of all rows.
    """
    lead = leads(logits[rows])
    unsure = np.argsort(lead, kind="stable")[: POOL * count]
    if len(unsure) <= count:
        return rows[unsure]
    number = clusters(vectors[rows[unsure]], count, seed).number
    _, first = np.unique(number, return_index=True)  # the rows stand in order of their leads
    return rows[unsure[_filled(np.sort(first), len(unsure), count)]]


def _filled(chosen: Sequence[int] | np.ndarray, n: int, count: int) -> np.ndarray:
    """The chosen ones of n, and where texts repeat and clusters are fewer, the first others: int64 (count,)."""
    others = np.setdiff1d(np.arange(n), chosen)
    return np.concatenate([np.array(chosen, dtype=np.int64), others])[:count]
