"""How trees are grown: boosted by LightGBM, or as a forest by scikit-learn. Not a member.

Boosted trees are grown one after the other, each on what those before it got wrong; the trees of a forest each on rows drawn anew,
and their answers are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, Mapping

import numpy as np

from ..core.errors import MissingExtraError
from ..core.number_losses import ABSOLUTE, LEVELS, QUANTILES, number_losses
from .grown import Tree, from_forest, from_lightgbm, stump
from .problem import columns_of

BOOSTED = ("boosted", "shallow")  # kinds that grow round after round
SHALLOW = 7  # leaves of a shallow tree, better where columns tell little
TREES = 300  # of a forest
FEWEST = 10  # rows; fewer grow no tree
PATIENCE = 50  # rounds without a better figure on the rows that choose, after which boosting stops
DEEPEST = 64  # steps down: the engine refuses more
THREADS = 1  # of LightGBM: several wait for each other without sleeping, and on a busy machine two took seventy times as long as one
_FLOOR = 0.5 / TREES  # what a share counts at least: half a tree's vote, since no forest can be sure
_NEVER = -20.0  # logit of a label that no row has


@dataclass(frozen=True)
class Ground:
    """What trees grow on. seen: float32 (N, W); targets: int64 (N,) label numbers, or float64 (N,)."""

    seen: np.ndarray
    targets: np.ndarray
    labels: int
    options: Mapping[str, Any]  # class_weights, loss, leaves (of a boosted tree), bytes (that all trees may take)
    seed: int

    @property
    def numeric(self) -> bool:
        return self.targets.dtype.kind == "f"

    @property
    def loss(self) -> str:
        """Of numbers: what is minimised."""
        return str(self.options.get("loss", "squared"))

    @property
    def absolute(self) -> bool:
        return self.loss == ABSOLUTE

    @property
    def quantiles(self) -> bool:
        """Whether three quantiles of a number are told."""
        return self.numeric and self.loss == QUANTILES

    @property
    def tells(self) -> bool:
        """Whether there is anything to learn: enough rows, something to see, and not one label alone."""
        return len(self.targets) >= FEWEST and self.seen.shape[1] > 0 and (self.numeric or len(self.classes()[0]) > 1)

    @property
    def outputs(self) -> int:
        return columns_of(self.labels)

    def take(self, rows: np.ndarray) -> Ground:
        return replace(self, seen=self.seen[rows], targets=self.targets[rows])

    def classes(self) -> tuple[np.ndarray, np.ndarray]:
        """The labels that there are, and each row's place among them: int64 (P,), (N,)."""
        present, place = np.unique(self.targets, return_inverse=True)
        return present, place.ravel()

    def weights(self) -> np.ndarray | None:
        """float64 (N,): scikit-learn's "balanced", rows / (labels · rows of this label); None where every row counts the same."""
        if self.numeric or self.options.get("class_weights") != "balanced":
            return None
        _, place = self.classes()
        counts = np.bincount(place)
        return (len(place) / (len(counts) * counts))[place]


@dataclass(frozen=True)
class Grove:
    """Trees that answer together, taking turns at the outputs where each has K = 1; floor and median are the engine's settings."""

    trees: list[Tree]
    floor: float = 0.0
    median: bool = False


def grow(ground: Ground, kind: str, rounds: int) -> Grove:
    """The trees of this kind: so many rounds of boosted ones, or so many of a forest. Raises MissingExtraError without lightgbm."""
    if not ground.tells:
        return Grove(_constant(ground))
    if ground.quantiles and kind in BOOSTED:
        grown = [from_lightgbm(_boosted(ground, kind, rounds, level=level), rounds) for level in LEVELS]
        nothing = stump(np.zeros(1))  # where one level found nothing more to split
        return Grove([tree for turn in zip_longest(*grown, fillvalue=nothing) for tree in turn])
    if kind in BOOSTED:
        return Grove(_taking_turns(from_lightgbm(_boosted(ground, kind, rounds), rounds), ground))
    forest = _forest(ground, kind, rounds)
    if ground.quantiles or ground.numeric and ground.absolute:  # the middle tree is off by less than the mean of all
        return Grove(from_forest(forest), median=True)
    return Grove(_voting(forest, ground), 0.0 if ground.numeric else _FLOOR)


def losses_of(ground: Ground, held: Ground, kind: str, rounds: int) -> np.ndarray:
    """float64 (R,): the mean loss on the held rows after each round, until it no longer falls; of a forest, of all its trees.

    The loss is the logarithmic one, or the squared or absolute error, or the sum of the pinball losses.
    """
    if ground.quantiles and kind in BOOSTED:
        curves = [_curve(ground, held, kind, rounds, level) for level in LEVELS]
        longest = max(map(len, curves))  # one that no longer falls has stopped early: it goes on as it ended
        return 2 * np.sum([np.append(curve, np.full(longest - len(curve), curve[-1])) for curve in curves], axis=0)  # type: ignore[no-any-return]
    if kind in BOOSTED:
        return _curve(ground, held, kind, rounds)
    forest = _forest(ground, kind, rounds)
    if ground.numeric:
        return np.array([np.mean(number_losses(_told(forest, held), held.targets, ground.loss))])
    shares = np.maximum(forest.predict_proba(held.seen), _FLOOR)
    right = shares[np.arange(len(shares)), np.searchsorted(ground.classes()[0], held.targets)]
    return np.array([np.mean(np.log(shares.sum(axis=1)) - np.log(right))])


def _told(forest: Any, held: Ground) -> np.ndarray:
    """float64 (N, 1) or (N, 3): the numbers that a forest answers, as the engine does: the trees' mean, median or quantiles."""
    if not (held.absolute or held.quantiles):
        return forest.predict(held.seen)[:, None]  # type: ignore[no-any-return]
    return np.quantile([tree.predict(held.seen) for tree in forest.estimators_], LEVELS if held.quantiles else LEVELS[:1], axis=0).T  # type: ignore[no-any-return]


def answer_with_trees(ground: Ground, asked: np.ndarray, rounds: int) -> np.ndarray:
    """What shallow boosted trees of so many rounds say of the rows asked about, float32 (M, W): log-confidences float64 (M, L), or numbers
    float64 (M, 1). For comparisons that must be cheap. Raises MissingExtraError without lightgbm."""
    if ground.numeric:
        if not ground.tells:
            return np.full((len(asked), 1), np.median(ground.targets))
        return _boosted(ground, "shallow", rounds).predict(asked)[:, None]  # type: ignore[no-any-return]
    present, _ = ground.classes()
    shares = np.zeros((len(asked), ground.labels))
    if not ground.tells:
        shares[:, present] = np.bincount(ground.targets)[present] / len(ground.targets)
    else:
        found = _boosted(ground, "shallow", rounds).predict(asked)
        shares[:, present] = np.stack([1 - found, found], axis=1) if ground.labels == 2 else found
    return np.log(np.maximum(shares, 1e-9))  # type: ignore[no-any-return]


# ------------------------------------------------------------- boosted

def _curve(ground: Ground, held: Ground, kind: str, rounds: int, level: float | None = None) -> np.ndarray:
    """float64 (R,): the mean loss on the held rows after each round, until it no longer falls."""
    found: dict[str, Any] = {}
    _boosted(ground, kind, rounds, held, found, level=level)
    return np.array(next(iter(found["held"].values())))


def _boosted(ground: Ground, kind: str, rounds: int, held: Ground | None = None, found: dict[str, Any] | None = None, *, level: float | None = None) -> Any:
    """LightGBM's booster; with held rows, `found` gets their loss after each round, under "held". `level`: the quantile that is told."""
    try:
        import lightgbm
    except ImportError as error:
        raise MissingExtraError("train", "lightgbm") from error
    options = _boosting(ground, SHALLOW if kind == "shallow" else ground.options["leaves"], level)
    targets = ground.targets if ground.numeric else ground.classes()[1]
    train = lightgbm.Dataset(ground.seen, targets, weight=ground.weights(), params=options)
    if held is None:
        return lightgbm.train(options, train, rounds)
    known = held.targets if held.numeric else np.searchsorted(ground.classes()[0], held.targets)
    watch = [lightgbm.early_stopping(PATIENCE, verbose=False), lightgbm.record_evaluation(found)]
    return lightgbm.train(options, train, rounds, valid_sets=[train.create_valid(held.seen, known)], valid_names=["held"], callbacks=watch)


def _boosting(ground: Ground, leaves: int, level: float | None) -> dict[str, Any]:
    """LightGBM's parameters: https://lightgbm.readthedocs.io/en/stable/Parameters.html"""
    if level is not None:
        objective: dict[str, Any] = {"objective": "quantile", "alpha": level}
    elif ground.numeric:
        objective = {"objective": "l1" if ground.absolute else "l2"}
    elif ground.labels == 2:
        objective = {"objective": "binary"}
    else:
        objective = {"objective": "multiclass", "num_class": len(ground.classes()[0])}
    return objective | {
        "learning_rate": 0.05, "num_leaves": leaves, "min_data_in_leaf": int(np.clip(len(ground.targets) // 20, 1, 20)), "lambda_l2": 1.0,
        "feature_fraction": 0.8, "bagging_fraction": 0.8, "bagging_freq": 1, "use_missing": False, "zero_as_missing": False,
        "deterministic": True, "force_row_wise": True, "num_threads": THREADS, "seed": ground.seed, "verbosity": -1,
    }


def _taking_turns(trees: list[Tree], ground: Ground) -> list[Tree]:
    """Trees of the labels that there are, round after round; a label without rows gets leaves that never win."""
    if ground.outputs == 1:
        return trees
    present, _ = ground.classes()
    place = dict(zip(present.tolist(), range(len(present))))
    turns = []
    for first in range(0, len(trees), len(present)):
        never = stump(np.array([0.0 if first else _NEVER]))
        turns += [trees[first + place[label]] if label in place else never for label in range(ground.labels)]
    return turns


def _constant(ground: Ground) -> list[Tree]:
    """The mean (or median), or the logarithm of each label's share: where there is one label alone, or nothing to see."""
    if ground.quantiles:
        return [stump(np.quantile(ground.targets, LEVELS))]
    if ground.numeric:
        return [stump(np.array([np.median(ground.targets) if ground.absolute else np.mean(ground.targets)]))]
    shares = np.bincount(ground.targets, minlength=ground.labels) / max(1, len(ground.targets))
    logits = np.where(shares > 0, np.log(np.maximum(shares, 1e-300)), _NEVER)
    return [stump(logits if ground.outputs > 1 else logits[1:] - logits[:1])]


# ------------------------------------------------------------- a forest

def _forest(ground: Ground, kind: str, trees: int) -> Any:
    """scikit-learn's forest. Raises MissingExtraError without it."""
    try:
        from sklearn import ensemble
    except ImportError as error:
        raise MissingExtraError("train", "scikit-learn") from error
    make = getattr(ensemble, f"{'ExtraTrees' if kind == 'extra' else 'RandomForest'}{'Regressor' if ground.numeric else 'Classifier'}")
    wide = 1 if ground.numeric else ground.outputs
    most = max(16, int(ground.options["bytes"] // (TREES * (16 + 8 * wide))))  # leaves a tree: an inner node and a leaf for each
    machine = make(
        n_estimators=trees, max_depth=DEEPEST, max_leaf_nodes=most if len(ground.targets) > most else None, max_features=0.33 if ground.numeric else "sqrt",
        min_samples_leaf=1 if ground.numeric else 5, random_state=ground.seed, bootstrap=kind != "extra",
    )
    return machine.fit(ground.seen, ground.targets, sample_weight=ground.weights())


def _voting(forest: Any, ground: Ground) -> list[Tree]:
    """Leaves as what they add to the mean: of a number, of the second label of two, or of every label."""
    trees, count = from_forest(forest), len(forest.estimators_)
    if ground.outputs == 1:
        return [tree._replace(leaf=tree.leaf[:, -1:] / count) for tree in trees]
    present, _ = ground.classes()
    wide = [np.zeros((len(tree.leaf), ground.labels)) for tree in trees]
    for leaf, tree in zip(wide, trees):
        leaf[:, present] = tree.leaf / count
    return [tree._replace(leaf=leaf) for tree, leaf in zip(trees, wide)]
