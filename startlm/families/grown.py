"""Trees that LightGBM and scikit-learn have grown, as the arrays that the engine `trees` walks down. Not a member."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

import numpy as np


class Tree(NamedTuple):
    """One tree: M inner nodes, each behind its parent, and B leaves. A child n ≥ 0 is inner node n, else it is leaf −1 − n."""

    feature: np.ndarray  # int (M,)
    threshold: np.ndarray  # float64 (M,): up to it left, above it right
    left: np.ndarray  # int (M,)
    right: np.ndarray  # int (M,)
    leaf: np.ndarray  # float64 (B, K)


def stump(leaf: np.ndarray) -> Tree:
    """A tree that is one leaf, float64 (K,)."""
    none = np.zeros(0, np.int64)
    return Tree(none, np.zeros(0), none, none, np.asarray(leaf, np.float64)[None])


def from_lightgbm(booster: Any, rounds: int) -> list[Tree]:
    """The trees of so many rounds, K = 1, as they stand in the model's text. Of numbers only, grown with use_missing=False: then zero
    and what is missing have no rule of their own (https://lightgbm.readthedocs.io/en/stable/Advanced-Topics.html#missing-value-handle)."""
    trees = []
    for block in booster.model_to_string(num_iteration=rounds).split("\nTree=")[1:]:
        lines = dict(line.partition("=")[::2] for line in block.partition("\n\n")[0].splitlines())
        read = {name: np.array(lines.get(name, "").split(), dtype) for name, dtype in (
            ("split_feature", np.int64), ("threshold", np.float64), ("left_child", np.int64), ("right_child", np.int64), ("leaf_value", np.float64))}
        trees.append(Tree(*list(read.values())[:4], read["leaf_value"][:, None]))
    return trees


def from_forest(forest: Any) -> list[Tree]:
    """The trees of a scikit-learn forest; a leaf holds its mean (K = 1), or the share of each class the forest has seen (K classes)."""
    return [_from_sklearn(each.tree_) for each in forest.estimators_]


def _from_sklearn(tree: Any) -> Tree:
    inner = tree.children_left >= 0
    number = np.where(inner, np.cumsum(inner) - 1, -np.cumsum(~inner))
    leaf = tree.value[~inner, 0, :].astype(np.float64)
    if tree.n_classes[0] > 1:
        leaf = leaf / leaf.sum(axis=1, keepdims=True)
    return Tree(tree.feature[inner], tree.threshold[inner], number[tree.children_left[inner]], number[tree.children_right[inner]], leaf)


def joined(trees: Sequence[Tree]) -> dict[str, np.ndarray]:
    """The trees one behind the other, as the engine stores them: feature, threshold, left, right, leaf, roots."""
    inner, leaves = (np.array([len(tree[place]) for tree in trees], np.int64) for place in (0, 4))
    first, first_leaf = np.cumsum(inner) - inner, np.cumsum(leaves) - leaves + inner.sum()

    def children(side: str) -> np.ndarray:
        return np.concatenate([np.where(child >= 0, child + a, b - 1 - child) for child, a, b in zip([getattr(tree, side) for tree in trees], first, first_leaf)])

    return {
        "feature": np.concatenate([tree.feature for tree in trees]).astype(np.int32),
        "threshold": _rounded_down(np.concatenate([tree.threshold for tree in trees])),
        "left": children("left").astype(np.int32), "right": children("right").astype(np.int32),
        "leaf": np.concatenate([tree.leaf for tree in trees]), "roots": np.where(inner > 0, first, first_leaf).astype(np.int32),
    }


def _rounded_down(thresholds: np.ndarray) -> np.ndarray:
    """float32: the largest number of this type that is not above, so that the same float32 values stay at or below it."""
    largest = np.finfo(np.float32).max
    narrow = np.clip(thresholds, -largest, largest).astype(np.float32)
    return np.where(narrow > thresholds, np.nextafter(narrow, np.float32(-np.inf)), narrow).clip(-largest, largest)
