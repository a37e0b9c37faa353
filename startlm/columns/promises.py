"""What a kind of column promises about reading and encoding, each promise looked at: `startlm.testing.check_column` says which is broken."""

from __future__ import annotations

import json
from typing import Any, Iterator, Sequence

import numpy as np

from ..core.errors import BundleError, CallError
from ..core.model_file import record

Looked = Iterator[tuple[bool, str]]
"""Whether a promise is kept, and which."""

_DAMAGED: tuple[Any, ...] = (None, [[None]], {"a": "b"}, float("nan"), float("inf"), "\ud800")
_WRITTEN: tuple[list[Any], ...] = (
    [1, 2.5, None, "3,000", "4万", "12%", "x", float("inf"), 10**400, True] * 5,
    [f"{number * 7 % 101}" for number in range(200)],
    ["2024-01-31", "31/01/2024", "2024年2月1日 08:30", "45322", "Mar 5, 2024", "2024-02-30", ""] * 5,
    ["red", "绿", " red ", "ｒed", None, "blue"] * 5,
    ["1.234,5", "2,5", "1e300", "-1e300", "5e-324"] * 3,
)


def look_at_promises(member: Any, columns: Sequence[list[Any]]) -> Looked:
    """Every promise about these columns and some of our own. A kind that is no input has no `fit`, or refuses with a hint."""
    if not hasattr(member, "fit"):
        return
    try:
        member.fit(member.read(["a", "b"]).values)
    except CallError as error:
        yield bool(error.hint.en and error.hint.zh), "a kind that tells nothing of new rows refuses with a hint"
        return
    others = [member.read(values).values for values in (*columns, *_WRITTEN)]
    for values, read in zip((*columns, *_WRITTEN), others):
        yield from _reading(member, values)
        yield from _encoding(member, read, others)


def _reading(member: Any, values: list[Any]) -> Looked:
    given = list(map(repr, values))
    habit = member.habit(values) if hasattr(member, "habit") else None
    read = member.read(values)
    yield list(map(repr, values)) == given, "reading leaves the values alone"
    yield read.values.shape == (len(values),) and read.values.dtype in (np.dtype(np.float64), np.dtype(object)), "as many cells come out as go in"
    yield read.bad == sorted(set(read.bad)) and all(0 <= place < len(values) for place in read.bad), "bad cells are told by their positions, in order"
    yield all(_is_missing(read.values[place]) for place in read.bad), "what is bad is missing"
    yield all(_is_missing(cell) for value, cell in zip(values, read.values) if value is None or value == ""), "what holds nothing is missing, not bad"
    if habit is not None:
        yield json.loads(json.dumps(habit)) == habit and getattr(member, "habits", record({}))(habit, "") is None, "a habit is plain JSON that `habits` allows"
    alone = [member.read([value], habit) if habit is not None else member.read([value]) for value in values]
    yield _same([each.values[0] for each in alone], read.values), "a cell is read alike alone and beside others, where the habit is told"
    yield [place for place, each in enumerate(alone) if each.bad] == read.bad, "a cell is as bad alone as beside others"


def _is_missing(cell: Any) -> bool:
    return bool(cell != cell or cell == "")


def _same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return all(a == b or a != a and b != b for a, b in zip(one, other))


def _encoding(member: Any, train: np.ndarray, others: list[np.ndarray]) -> Looked:
    fitted = member.fit(train)
    state = json.loads(json.dumps(fitted.state(), allow_nan=False))
    opened = member.encoding.from_state(state)
    yield state == json.loads(json.dumps(member.fit(train).state())) == json.loads(json.dumps(opened.state())), "the same rows give the same state, and it comes back"
    yield len(fitted.names) == fitted.width and all(isinstance(name, str) for name in fitted.names), "every feature has a name"
    for values in others:
        features, words = fitted.features(values), fitted.words(values)
        yield features.dtype == np.float32 and features.shape == (len(values), fitted.width), "features are float32 (N, width)"
        yield bool(np.isfinite(features).all()), "features are finite, whatever is missing, unseen or huge"
        yield words.dtype == np.int32 and words.shape == (len(values),), "words are int32 (N,)"
        yield bool(((words >= 0) & (words < fitted.word_count)).all()), "words lie in [0, word_count)"
        yield np.array_equal(opened.features(values), features) and np.array_equal(opened.words(values), words), "a state that was stored and opened encodes as before"
        for row in range(len(values)):
            alone = values[row : row + 1]
            kept = np.array_equal(fitted.features(alone)[0], features[row]) and fitted.words(alone)[0] == words[row]
            yield kept, "a row has the same features and word alone and beside others"
    for broken in _damages(state):
        yield _refused(member.encoding, broken), f"a state it could not have written is refused with a hint: {str(broken)[:200]}"


def _damages(state: dict[str, Any]) -> Iterator[Any]:
    """The state with something taken away, added, or of another type, deep inside too."""
    yield from (None, [], "state", {**state, "more": 1})
    for key, value in state.items():
        yield {name: each for name, each in state.items() if name != key}
        yield from ({**state, key: wrong} for wrong in _DAMAGED)
        if isinstance(value, list) and value:
            yield from ({**state, key: [*value[:-1], wrong]} for wrong in _DAMAGED)
            yield {**state, key: [*value, value[0]]}


def _refused(encoding: Any, state: Any) -> bool:
    try:
        encoding.from_state(state)
    except BundleError as error:
        return bool(error.hint.en and error.hint.zh)
    return False
