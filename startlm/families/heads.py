"""The linear layer on an encoder's vectors: logistic regression of one label or several, ridge regression of a number. Not a member."""

from __future__ import annotations

import warnings
from typing import Any, Mapping, Sequence

import numpy as np

from ..core.errors import MissingExtraError
from ..core.number_losses import LEVELS, QUANTILES, number_losses
from ..core.parts import folds_of
from ..core.shelves import import_extra
from .problem import fit_quantile

COSTS = (0.1, 0.01, 1.0)  # C of the logistic regression, 1 / alpha of the ridge, on vectors whose numbers vary by 1; the first is the default
FOLDS = 3
NEVER = -20.0  # logit of a label that no row has


class Head:
    """What is learnt on vectors of length 1. targets: as in Labelled."""

    def __init__(self, targets: np.ndarray, outputs: int, options: Mapping[str, Any], seed: int) -> None:
        self.targets, self.outputs, self.options, self.seed = targets, outputs, options, seed
        self.numeric, self.several = targets.dtype.kind == "f", targets.ndim == 2

    def solve(self, vectors: np.ndarray, cost: float) -> tuple[np.ndarray, np.ndarray]:
        """Weights float32 (D, L) and bias (L,). Raises MissingExtraError without scikit-learn."""
        centre = vectors.mean(axis=0)
        spread = max(float(np.sqrt(np.mean((vectors - centre) ** 2))), 1e-6)  # encoders differ in how far apart their vectors lie
        weights, bias = self._solve((vectors - centre) / spread, cost)
        weights = weights / spread
        return weights.astype(np.float32), (bias - centre @ weights).astype(np.float32)

    def _solve(self, vectors: np.ndarray, cost: float) -> tuple[np.ndarray, np.ndarray]:
        if self.numeric:
            weights, bias = self._number(vectors, cost)
        elif self.several:
            each = [self._two(vectors, mine, cost) for mine in self.targets.T]
            weights, bias = np.stack([one for one, _ in each], 1), np.array([one for _, one in each])
        else:
            weights, bias = self._labels(vectors, cost)
        return weights, bias

    def wrong(self, logits: np.ndarray, targets: np.ndarray) -> float:
        """How many rows are answered wrongly; of numbers, the sum of squared errors."""
        if self.numeric:
            return float(np.sum(number_losses(logits, targets, self.options.get("loss", "squared"))))
        if self.several:
            return float(np.sum(((logits > 0) != targets).mean(axis=1)))
        return float(np.sum(logits.argmax(axis=1) != targets))

    def loss(self, logits: np.ndarray, targets: np.ndarray) -> float:
        """The mean loss that is minimised."""
        if self.numeric:
            return float(np.mean(number_losses(logits, targets, self.options.get("loss", "squared"))))
        if self.several:
            return float(np.mean(np.logaddexp(0.0, np.where(targets, -logits, logits))))
        most = logits.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(logits - most).sum(axis=1)) + most[:, 0] - logits[np.arange(len(targets)), targets]))

    def take(self, rows: np.ndarray) -> Head:
        return Head(self.targets[rows], self.outputs, self.options, self.seed)

    def _labels(self, vectors: np.ndarray, cost: float) -> tuple[np.ndarray, np.ndarray]:
        present = np.unique(self.targets)
        weights, bias = np.zeros((vectors.shape[1], self.outputs)), np.full(self.outputs, NEVER)
        if len(present) < 2:
            bias[present] = 0.0
            return weights, bias
        machine = self._machine(vectors, self.targets, cost)
        if len(present) == 2:  # one column stands for both
            weights[:, present[1]], bias[present] = machine.coef_[0], (0.0, machine.intercept_[0])
        else:
            weights[:, present], bias[present] = machine.coef_.T, machine.intercept_
        return weights, bias

    def _two(self, vectors: np.ndarray, mine: np.ndarray, cost: float) -> tuple[np.ndarray, float]:
        if mine.all() or not mine.any():
            return np.zeros(vectors.shape[1]), -NEVER if mine.all() else NEVER
        machine = self._machine(vectors, mine.astype(np.int64), cost)
        return machine.coef_[0], float(machine.intercept_[0])

    def _machine(self, vectors: np.ndarray, targets: np.ndarray, cost: float) -> Any:
        try:
            from sklearn.exceptions import ConvergenceWarning
            from sklearn.linear_model import LogisticRegression
        except ImportError as error:
            raise MissingExtraError("train", "scikit-learn") from error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what it has by then is good, and dev judges it
            warnings.filterwarnings("ignore", message="The number of unique classes")
            return LogisticRegression(C=cost, class_weight=self.options.get("class_weights"), tol=1e-3, max_iter=300).fit(vectors, targets)

    def _number(self, vectors: np.ndarray, cost: float) -> tuple[np.ndarray, np.ndarray]:
        """The ridge in closed form, or what the loss asks for: float64 (D, 1 or 3) and (1 or 3,)."""
        if (loss := self.options.get("loss", "squared")) != "squared":
            return self._quantiles(vectors, cost, LEVELS if loss == QUANTILES else (0.5,))
        centre, away = vectors.mean(axis=0), self.targets - self.targets.mean()
        moved = (vectors - centre).astype(np.float64)
        weights = np.linalg.solve(moved.T @ moved + np.eye(len(centre)) / cost, moved.T @ away)
        bias = float(self.targets.mean() - centre @ weights)
        return weights[:, None], np.array([bias])

    def _quantiles(self, vectors: np.ndarray, cost: float, levels: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        rows = import_extra("scipy.sparse").csr_matrix(vectors, dtype=np.float64)
        found = [fit_quantile(rows, self.targets, level, 1 / cost) for level in levels]
        return np.stack([weights for weights, _ in found], 1), np.array([bias for _, bias in found])


def best_cost(head: Head, vectors: np.ndarray, held: tuple[np.ndarray, np.ndarray] | None, costs: Sequence[float]) -> float:
    """The cost with the least loss on the held rows, or by folds of the rows themselves; the first where nothing can be compared."""
    if held is not None:
        trials = [(head, vectors, *held)]
    else:
        fold = folds_of(np.zeros(len(vectors), np.int64) if head.numeric or head.several else head.targets, np.arange(len(vectors)), FOLDS, head.seed)
        trials = []
        for number in range(FOLDS):
            inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            if len(inside) and len(outside):
                trials.append((head.take(inside), vectors[inside], vectors[outside], head.targets[outside]))
    losses = []
    for cost in costs:
        found = []
        for part, learn, seen, targets in trials:
            weights, bias = part.solve(learn, cost)
            found.append(part.loss(seen @ weights + bias, targets))
        losses.append(np.mean(found) if found else 0.0)
    return costs[int(np.argmin(losses))]
