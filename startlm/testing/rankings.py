"""The contract check of a ranking: what an index asks of `bm25`, `vectors` and any other that stands on the shelf of startlm.search."""

from __future__ import annotations

from typing import Any

import numpy as np

from startlm.core.contracts import State
from startlm.core.errors import BundleError
from startlm.core.language import say
from startlm.core.shelves import look_up
from startlm.core.weights import from_bytes, to_bytes
from startlm.search import RANKINGS

from .promise import hold

_TEXTS = ("where is my card", "my card is late", "我的卡还没到", "物流太慢，卡在路上", "refund, please", "where is my card ？")


def check_ranking(ranking: str | Any, fitted: Any = None, query: Any = "my card 卡") -> None:
    """Check that a ranking keeps its promises: the best rows, exactly and in order, ties by row; fewer asked are the first of many; stored and
    read again it answers the same bits; a state of another kind is refused.

    fitted: the ranking of some rows, for one that is not fitted on texts; query: what it is asked. Raises AssertionError saying what does not hold.
    """
    member = look_up(RANKINGS, ranking, say("ranking", "排序方式")) if isinstance(ranking, str) else ranking
    made = member.fit(_TEXTS) if fitted is None else fitted
    found = made.search(query, 1_000)
    hold(len(found.rows) > 1 and len(found.rows) == len(found.scores), "a query that fits finds rows, each with its score")
    hold(len(set(found.rows.tolist())) == len(found.rows) and found.rows.dtype == np.int64, "each row is found once, as int64")
    pairs = list(zip((-found.scores).tolist(), found.rows.tolist()))
    hold(pairs == sorted(pairs), "the best row stands first, of equal ones the earlier")
    for most in (0, 1, 2, len(pairs)):
        few = made.search(query, most)
        hold(few.rows.tolist() == found.rows[:most].tolist() and few.scores.tolist() == found.scores[:most].tolist(), "fewer asked are the first of many")
    state = made.state()
    again = member.from_state(State(state.settings, from_bytes(to_bytes(state.arrays), where="ranking.safetensors"))).search(query, 1_000)
    hold([each.tobytes() for each in again] == [each.tobytes() for each in found], "stored and read again it answers the same bits")
    name = next(iter(state.arrays))
    for odd in (State({**state.settings, "odd": 1}, state.arrays), State(state.settings, {}), State(state.settings, {**state.arrays, name: state.arrays[name].astype(np.int8)})):
        try:
            member.from_state(odd)
        except BundleError:
            continue
        hold(False, "a state that it could not have written is refused with BundleError")
