"""What each column is worth: how far the accuracy falls, or a number's error grows, when one column's values are dealt out anew among the rows (permutation importance).

Breiman (2001). A column that another repeats seems to be worth nothing, because the other still tells what it told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from startlm.core.contracts import Figure

from .comparison import paired_gain

Columns = Mapping[str, Sequence[Any]]


def columns_worth(predict: Callable[[dict[str, Sequence[Any]]], np.ndarray], columns: Columns, truth: np.ndarray, seed: int) -> dict[str, Figure]:
    """The fall of accuracy without each column, in shares of 1, or the growth of the mean absolute error, with the paired interval; above 0,
    the column tells something.

    predict: from the columns' values, N of each, to predicted label numbers int64 (N,), or numbers float64 (N,); truth: the same of what is true.
    Every row gets the value of another row of those given, so no value is seen that could not come.

    >>> rows = {"a": [0, 1] * 50, "b": [5] * 100}
    >>> worth = columns_worth(lambda given: np.array(given["a"]), rows, np.array([0, 1] * 50), seed=0)
    >>> worth["a"].value > 0.4, worth["b"].value
    (True, 0.0)
    """
    numeric = np.asarray(truth).dtype.kind == "f"
    judged = (lambda answers: np.abs(answers - truth)) if numeric else (lambda answers: answers == truth)
    whole = judged(np.asarray(predict(dict(columns))))
    random = np.random.default_rng(seed)
    worth = {}
    for name, values in columns.items():
        without = judged(np.asarray(predict({**columns, name: _dealt(values, _another(len(truth), random))})))
        worth[name] = replace(paired_gain(without, whole, seed, losses=numeric), name="worth")
    return worth


def _dealt(values: Sequence[Any], order: np.ndarray) -> Sequence[Any]:
    """The values in this order; an array stays one."""
    return values[order] if isinstance(values, np.ndarray) else [values[i] for i in order]


def _another(n: int, random: np.random.Generator) -> np.ndarray:
    """int64 (n,): a random order in which no row keeps its place (a cycle through all of them), for n > 1."""
    order = random.permutation(n)
    moved = np.empty(n, dtype=np.int64)
    moved[order] = np.roll(order, 1)
    return moved
