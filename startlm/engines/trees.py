"""Answers of many decision trees, boosted or a forest. Nothing but numpy.

A row becomes F + S numbers: the features of its columns, and the S scores that a linear model gives its text. All rows and all
trees walk down at once, each step one comparison; then each output adds up its trees one after the other, so a row's logits
are bit for bit the same alone and in any batch.
"""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from ..core.contracts import Ragged, State
from ..core.errors import BundleError
from ..core.language import say
from ..core.number_losses import LEVELS
from ..core.sums import sum_weights

ARRAYS = {"weights": (np.float16, 2), "bias": (np.float32, 1), "feature": (np.int32, 1), "threshold": (np.float32, 1), "left": (np.int32, 1),
          "right": (np.int32, 1), "leaf": (np.float64, 2), "roots": (np.int32, 1)}  # type and dimensions of each
_LIMITS = {"text": (0, 1 << 30), "columns": (0, 1 << 20), "outputs": (1, 1 << 20)}
_MOST_LEAF, _MOST_BIAS = 1e12, 1e6  # no training comes near; float32 holds every sum with them
_DEEPEST = 64  # steps from a root to a leaf that are ever grown
_BLOCK = 1 << 15  # trees times rows that walk at once: what they need stays in the processor's cache


class TreesEngine:
    """logits = the sum of one leaf of each tree, or, where leaves hold shares of votes, its logarithm; or the median of all trees, or three quantiles of them.

    settings: text (V, ids below are the text's), columns (F, the ids from V on), outputs (C), floor (0: the sums are the logits;
    else they are shares that count as at least so much), median (of one output: its trees' middle answer, not their sum; of three: the quantiles of `core.number_losses` of their
    answers). C is the number of labels; or 3 for quantiles of a number; or 1 for two labels and for a number x: logits (−x / 2, x / 2).

    arrays: weights float16 (V, S) and bias float32 (S,), the linear scores of the text. The trees stand one behind the other. M inner
    nodes: feature int32 (M,), below F a column's, from F on a score; threshold float32 (M,), up to it (inclusive) left, above it right;
    left and right int32 (M,): a child below M is an inner node, which stands behind its parent, child M + b is leaf b. leaf float64
    (B, K): K = C, what it adds to each output; or K = 1, what it adds to one, trees taking turns. roots int32 (T,).

    Thresholds need no more than float32, because what they are compared with is float32.
    """

    name = "trees"

    def __init__(self, settings: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.settings, self.arrays = dict(settings), dict(arrays)
        self._text, self._columns, self._outputs, self._floor, self._median = (settings[key] for key in ("text", "columns", "outputs", "floor", "median"))
        self._weights = arrays["weights"].astype(np.float32)
        self._lay_out()

    def _lay_out(self) -> None:
        """Nodes as they are walked: a leaf is a node that leads to itself, and trees stand deepest first, so that the shallow ones stop early."""
        inner, leaves = len(self.arrays["feature"]), len(self.arrays["leaf"])
        itself = np.arange(inner, inner + leaves)
        self._feature = np.concatenate([self.arrays["feature"].astype(np.intp), np.zeros(leaves, np.intp)])
        self._threshold = np.concatenate([self.arrays["threshold"], np.full(leaves, np.inf, np.float32)])
        left, right = (np.concatenate([self.arrays[name].astype(np.intp), itself]) for name in ("left", "right"))
        self._children = np.stack([left, right], axis=1).ravel()  # of node n: 2n and 2n + 1
        depth = self._depths()
        order = np.argsort(-depth, kind="stable")
        self._roots, self._place = self.arrays["roots"].astype(np.intp)[order], np.argsort(order)
        self._walking = [int(np.count_nonzero(depth > step)) for step in range(int(depth.max(initial=0)))]  # so many trees at each step

    def _depths(self) -> np.ndarray:
        """int64 (T,): the steps from the root to the deepest leaf. Raises BundleError where they are more than are ever grown."""
        inner, nodes = len(self.arrays["feature"]), self.arrays["roots"].astype(np.intp)
        trees, depth = np.arange(len(nodes)), np.zeros(len(nodes), np.int64)
        while len(nodes):
            split = nodes < inner
            nodes, trees = nodes[split], trees[split]
            depth[trees] += 1
            if depth.max() > _DEEPEST:
                raise _damaged()
            nodes, trees = np.concatenate([self._children[2 * nodes], self._children[2 * nodes + 1]]), np.concatenate([trees, trees])
        return depth

    @property
    def width(self) -> int:
        """How many ids it knows. A model gives it just as many: each row takes memory for all columns, used or not."""
        return self._text + self._columns  # type: ignore[no-any-return]

    # ----------------------------------------------------------- answering

    def logits(self, encoded: Ragged) -> np.ndarray:
        """float32 (N, L). A row's logits do not depend on the rows beside it. BundleError for features that it does not know."""
        if encoded.weights is None or (len(encoded.values) and encoded.values.max() >= self._text + self._columns):
            raise _damaged()
        seen = self._seen(encoded)
        summed = np.empty((len(seen), self._outputs))
        size = max(4, _BLOCK // (len(self._roots) * self.arrays["leaf"].shape[1]))
        for start in range(0, len(seen), size):
            summed[start : start + size] = self._sums(seen[start : start + size])
        return self._as_logits(summed)

    def _seen(self, encoded: Ragged) -> np.ndarray:
        """float32 (N, F + S): what a row is to the trees."""
        rows = np.repeat(np.arange(len(encoded)), encoded.lengths)
        of_text = encoded.values < self._text
        seen = np.zeros((len(encoded), self._columns + self._weights.shape[1]), dtype=np.float32)
        column = ~of_text
        seen[rows[column], encoded.values[column] - self._text] = encoded.weights[column]
        if self._weights.shape[1]:
            starts = np.concatenate([[0], np.cumsum(np.bincount(rows[of_text], minlength=len(encoded)))]).astype(np.int64)
            text = Ragged(encoded.values[of_text], starts, encoded.weights[of_text])
            seen[:, self._columns :] = sum_weights(self._weights, text) + self.arrays["bias"]
        return seen

    def _sums(self, seen: np.ndarray) -> np.ndarray:
        """float64 (N, C)"""
        rows, inner = len(seen), len(self.arrays["feature"])
        numbers, offset = seen.ravel(), np.arange(rows) * seen.shape[1]
        node = np.repeat(self._roots[:, None], rows, axis=1)  # (T, N)
        for trees in self._walking:
            here = node[:trees]
            above = numbers.take(self._feature.take(here) + offset) > self._threshold.take(here)
            node[:trees] = self._children.take(2 * here + above)
        leaves = self.arrays["leaf"].take(node.take(self._place, axis=0) - inner, axis=0)  # (T, N, K), trees in the order they were grown
        if self._median:
            return np.median(leaves[:, :, 0], axis=0)[:, None] if self._outputs == 1 else np.quantile(leaves[:, :, 0], LEVELS, axis=0).T
        taking_turns = self._outputs // leaves.shape[2]
        # a running total adds one tree after the other; a plain sum may pair them otherwise in another batch
        total = np.cumsum(leaves.reshape(-1, taking_turns, rows, leaves.shape[2]), axis=0)[-1]
        return total.transpose(1, 0, 2).reshape(rows, self._outputs)

    def _as_logits(self, summed: np.ndarray) -> np.ndarray:
        if self._floor:
            shares = np.maximum(summed, self._floor)
            summed = np.log(shares) - np.log(np.maximum(1 - summed, self._floor)) if self._outputs == 1 else np.log(shares)
        if self._outputs == 1:
            return np.concatenate([summed * -0.5, summed * 0.5], axis=1).astype(np.float32)
        return summed.astype(np.float32)

    # ------------------------------------------------------------- storing

    def state(self) -> State:
        return State(self.settings, self.arrays)

    @classmethod
    def from_state(cls, state: State) -> TreesEngine:
        """Raises BundleError for a state this engine could not have written."""
        if not (_good_settings(state.settings) and _good_types(state.arrays) and _good_numbers(state) and _good_trees(state.arrays)):
            raise _damaged()
        return cls(state.settings, state.arrays)


# ---------------------------------------------------------------- what a bundle brings

def _good_settings(settings: Mapping[str, Any]) -> bool:
    whole = settings.keys() == {*_LIMITS, "floor", "median"} and all(type(settings[key]) is int and low <= settings[key] <= high for key, (low, high) in _LIMITS.items())
    if not whole or type(settings["floor"]) is not float or type(settings["median"]) is not bool:
        return False
    return 0 <= settings["floor"] < 0.5 and (not settings["median"] or (settings["outputs"] in (1, len(LEVELS)) and settings["floor"] == 0))


def _good_types(arrays: Mapping[str, Any]) -> bool:
    return arrays.keys() == ARRAYS.keys() and all(
        isinstance(arrays[name], np.ndarray) and arrays[name].dtype == kind and arrays[name].ndim == dimensions for name, (kind, dimensions) in ARRAYS.items())


def _good_numbers(state: State) -> bool:
    """Sizes that fit each other, numbers that are finite."""
    settings, arrays = state.settings, state.arrays
    scores, (leaves, width) = len(arrays["bias"]), arrays["leaf"].shape
    return (
        arrays["weights"].shape == (settings["text"], scores) and len({len(arrays[name]) for name in ("feature", "threshold", "left", "right")}) == 1
        and width in (1, settings["outputs"]) and leaves > 0 and (width == 1 if settings["median"] else len(arrays["roots"]) % (settings["outputs"] // width) == 0)
        and bool(np.isfinite(arrays["weights"]).all()) and bool((np.abs(arrays["bias"]) <= _MOST_BIAS).all())
        and bool(np.isfinite(arrays["threshold"]).all()) and bool((np.abs(arrays["leaf"]) <= _MOST_LEAF).all())
        and bool(((arrays["feature"] >= 0) & (arrays["feature"] < settings["columns"] + scores)).all())
    )


def _good_trees(arrays: Mapping[str, np.ndarray]) -> bool:
    """Each node but a root is the child of one other that stands before it: there is no circle, and no two trees share a branch."""
    inner, leaves = len(arrays["feature"]), len(arrays["leaf"])
    reached = np.concatenate([arrays["left"], arrays["right"], arrays["roots"]]).astype(np.int64)
    if len(reached) != inner + leaves or reached.min(initial=0) < 0 or reached.max(initial=0) >= inner + leaves:
        return False
    behind = all(bool((arrays[side] > np.arange(inner)).all()) for side in ("left", "right"))
    return behind and bool((np.bincount(reached, minlength=inner + leaves) == 1).all())


def _damaged() -> BundleError:
    return BundleError(
        say("The engine trees is damaged: its trees are not what was written.", "推理引擎 trees 已损坏：其决策树与写入时不符。"),
        say("deploy the bundle again, or copy it anew", "请重新部署，或重新复制这个模型包"),
    )
