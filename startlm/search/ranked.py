"""What a ranking gives: the best rows and their scores, best first, the earlier row first where scores are equal."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

import numpy as np

from ..core.errors import BundleError
from ..core.language import say


class Ranked(NamedTuple):
    """Row numbers, int64 (K,), and scores, float32 or float64 (K,)."""

    rows: np.ndarray
    scores: np.ndarray


def best_of(scores: np.ndarray, most: int, rows: np.ndarray | None = None) -> Ranked:
    """The `most` best of these scores; rows: integers, the row of each, in any order (left out: 0, 1, …).

    >>> best_of(np.array([1.0, 3.0, 3.0, 0.5]), 3).rows
    array([1, 2, 0])
    """
    places = np.arange(len(scores))
    if 0 < most < len(scores):
        least = np.partition(scores, len(scores) - most)[len(scores) - most]
        places = np.flatnonzero(scores >= least)  # a few more where scores are equal
    order = places[np.lexsort((places if rows is None else rows[places], -scores[places]))][: max(most, 0)]
    return Ranked((order if rows is None else rows[order]).astype(np.int64), scores[order])


def check_arrays(arrays: Mapping[str, np.ndarray], kinds: Mapping[str, tuple[Any, int]]) -> None:
    """Raises BundleError unless there are just these arrays, each of its type and number of dimensions."""
    if set(arrays) != set(kinds):
        raise unfit_index()
    for name, (kind, dimensions) in kinds.items():
        if arrays[name].dtype != kind or arrays[name].ndim != dimensions:
            raise unfit_index()


def check_starts(starts: np.ndarray, count: int, total: int) -> None:
    """Raises BundleError unless int64 (count + 1,) starts cut `total` values into `count` stretches."""
    if len(starts) != count + 1 or starts[0] != 0 or starts[-1] != total or (np.diff(starts) < 0).any():
        raise unfit_index()


def unfit_index() -> BundleError:
    """The refusal of an index that was not written so."""
    return BundleError(say("The search index is not what was written.", "搜索索引与写入时不同。"),
                       say("remove its folder under search/: the next search makes it anew", "请删除 search/ 下它的文件夹：下次搜索时会重新建立"))
