"""What the linear family solves, and trees for their text: one weight for each feature and label, or one for each feature. Not a member.

Labels are support vector machines, one label against the rest with squared hinge loss, by liblinear (scikit-learn's LinearSVC).
The features of each label may first be scaled by how unevenly they occur with it and without it (`ratio`: Wang and Manning 2012,
"Baselines and Bigrams"); the scale is folded into the weights afterwards and costs nothing when answering.
Several labels a row are such machines too, each with the rows that have its label against all others.
Numbers are ridge regression by conjugate gradients (Ridge), or, for the absolute error, support vector regression (LinearSVR); three
quantiles of a number, each by its smoothed pinball loss (Zheng 2011) and L-BFGS: liblinear weighs rows above and below alike.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Iterator, Mapping

import numpy as np

from ..core.contracts import Labelled, Ragged, Tokenizer
from ..core.errors import CallError, MissingExtraError
from ..core.inputs import encode_inputs, width_of
from ..core.label_sets import row_f1
from ..core.language import say
from ..core.number_losses import ABSOLUTE, LEVELS, QUANTILES, number_losses

Choices = dict[str, float]

_LABELS: Choices = {"cost": 2.0, "ratio": 0.0}  # the best for many labels, where trying costs too much
_NUMBER: Choices = {"alpha": 1.0}
_RATIOS, _COSTS = (0.0, 0.3, 0.6), (0.5, 0.2, 2.0)  # tried in this order, the costs with the best ratio; of equals the first stays
_ALPHAS = (1.0, 0.3, 3.0, 0.1)
_TRIAL = 3e6  # multiplications that one candidate may cost, in all its folds: about a tenth of a second
_WITH_DEV = 4  # times as many where there is a dev part
_LARGEST = 60_000.0  # float16, in which weights are stored, ends at 65,504
_FARTHEST = 1e6  # the numpy engine opens no larger bias
_ROUNDED, _STEPS = 0.05, 200  # of quantiles: spreads over which the loss is rounded; steps of L-BFGS at most


@dataclass(frozen=True)
class Problem:
    """Encoded rows and what is to be learnt of them."""

    features: Any  # scipy CSR, float64 (N, F)
    targets: np.ndarray  # int64 (N,), bool (N, L) where a row may have several labels, or float64 (N,) where they are numbers
    labels: int
    text: int  # so many of the features are n-grams, the first
    class_weights: str | None
    loss: str  # of numbers: which error counts
    seed: int

    @classmethod
    def of(cls, rows: Labelled, tokenizer: Tokenizer, labels: int, options: Mapping[str, Any], seed: int) -> Problem:
        """options: class_weights (None or "balanced"), loss ("squared", "absolute" or "quantiles"). Raises MissingExtraError without scipy."""
        try:
            from scipy.sparse import csr_matrix
        except ImportError as error:
            raise MissingExtraError("train", "scikit-learn") from error
        encoded: Ragged = encode_inputs(tokenizer, rows)
        shape = (len(encoded), width_of(tokenizer, rows))
        features = csr_matrix((encoded.weights.astype(np.float64), encoded.values, encoded.starts.astype(np.int32)), shape=shape)
        return cls(features, rows.labels, labels, tokenizer.vocabulary_size, options.get("class_weights"), options.get("loss", "squared"), seed)

    @property
    def numeric(self) -> bool:
        return self.targets.dtype.kind == "f"

    @property
    def several(self) -> bool:
        return self.targets.ndim == 2

    @property
    def columns(self) -> int:
        """Columns of weights."""
        return self.labels if self.several else columns_of(self.labels)

    @property
    def default(self) -> Choices:
        """What is solved with where nothing can be tried: every choice there is, by name."""
        return _NUMBER if self.numeric else _LABELS

    @property
    def tried(self) -> dict[str, tuple[float, ...]]:
        """The values of each choice that are tried, one choice after the other."""
        return {"alpha": _ALPHAS} if self.numeric else {"ratio": _RATIOS, "cost": _COSTS}

    def take(self, rows: np.ndarray) -> Problem:
        return replace(self, features=self.features[rows], targets=self.targets[rows])

    def trials(self, dev: Problem | None) -> list[tuple[Problem, Problem]]:
        """What candidates are compared on: (to solve, to judge on), of a size that takes about `_TRIAL`.

        Without dev: one to five folds of these rows. With it: the dev rows and as many folds, all counted together, because the
        rows of dev alone tell near candidates apart no better than chance; and larger, because it is done once for all fits.
        Empty where what can be paid for is too few rows of each label to say anything.
        """
        affordable = _TRIAL / max(1, self.features.nnz * self.columns)  # how often all rows fit into one trial
        if affordable < 1 and int(len(self.targets) * affordable) < 20 * self.labels:
            return []
        affordable *= 1 if dev is None else _WITH_DEV
        order = np.random.default_rng(self.seed).permutation(len(self.targets))[: max(1, int(len(self.targets) * affordable))]
        if len(order) < 5:
            return []
        folds = np.array_split(order, 5)[: int(np.clip(affordable, 1, 5))]
        pairs = [(self.take(np.sort(np.setdiff1d(order, fold))), self.take(np.sort(fold))) for fold in folds]
        return pairs if dev is None else [(self.take(np.sort(order)), dev), *pairs]

    # ------------------------------------------------------------- solving

    def solve(self, **choices: float) -> tuple[np.ndarray, np.ndarray]:
        """weights float64 (F, C) and bias float64 (C,); C as the numpy engine has it: the labels, or 1 for two labels and for
        numbers, or 3 for quantiles.

        choices: cost and ratio; alpha for numbers.
        """
        if self.several:
            return self._solve_several(**choices)
        return self._solve_number(**choices) if self.numeric else self._solve_labels(**choices)

    def judged(self, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """(N,), the more the better: is the best label the right one? Of several labels, their F1; of a number, minus its error."""
        logits = self.features @ weights + bias
        if self.numeric:
            return -number_losses(logits, self.targets, self.loss)
        if self.several:
            return row_f1(logits > 0, self.targets)
        return (logits[:, 0] > 0 if self.labels == 2 else logits.argmax(axis=1)) == self.targets

    def _solve_number(self, alpha: float) -> tuple[np.ndarray, np.ndarray]:
        """Around the mean (or median) and in units of the spread, so that alpha means the same for every target.

        Raises CallError for weights that float16 does not hold.
        """
        quantiles, robust = self.loss == QUANTILES, self.loss in (ABSOLUTE, QUANTILES)
        centre = np.median(self.targets) if robust else np.mean(self.targets)
        away = self.targets - centre
        spread = float(np.mean(np.abs(away)) if robust else np.sqrt(np.mean(away**2)))
        width = len(LEVELS) if quantiles else 1
        weights, bias = np.zeros((self.features.shape[1], width)), np.full(width, float(centre))
        if spread > 0 and quantiles:
            for at, level in enumerate(LEVELS):
                slope, rise = fit_quantile(self.features, away / spread, level, alpha)
                weights[:, at], bias[at] = slope * spread, rise * spread + centre
        elif spread > 0 and self.features.nnz:
            machine = _fitted(self._regression(alpha), self.features, away / spread)
            weights[:, 0], bias[0] = machine.coef_.ravel() * spread, float(np.ravel(machine.intercept_)[0]) * spread + centre
        if np.abs(weights).max(initial=0.0) > _LARGEST or np.abs(bias).max() > _FARTHEST:
            raise CallError(say("The numbers to be predicted are too large for the linear model.", "要预测的数值对线性模型来说太大了。"),
                            say("write them in a larger unit, thousands for instance", "请换用更大的单位，例如以千计"))
        return weights, bias

    def _regression(self, alpha: float) -> Any:
        """Raises MissingExtraError without scikit-learn."""
        try:
            from sklearn.linear_model import Ridge
            from sklearn.svm import LinearSVR
        except ImportError as error:
            raise MissingExtraError("train", "scikit-learn") from error
        if self.loss == ABSOLUTE:
            return LinearSVR(epsilon=0.0, C=1 / alpha, tol=0.01, random_state=self.seed)
        return Ridge(alpha=alpha, solver="sparse_cg", tol=1e-3)

    def _solve_labels(self, cost: float, ratio: float) -> tuple[np.ndarray, np.ndarray]:
        present = np.unique(self.targets)
        weights = np.zeros((self.features.shape[1], columns_of(self.labels)))
        bias = np.full(weights.shape[1], -1.0)  # what no row has is as far away as a row that has nothing in common
        if len(present) < 2:
            bias[:] = np.where(np.arange(len(bias)) == present[0], 1, -1) if self.labels != 2 else 2 * present[0] - 1
        elif self.labels == 2:
            weights[:, 0], bias[0] = self._one_label(self.targets == 1, cost, ratio, self._weight_of(present))
        elif ratio or len(present) == 2:
            for label in present:
                weight = self._weight_of([label])
                weights[:, label], bias[label] = self._one_label(self.targets == label, cost, ratio, weight and {1: weight[label], 0: 1.0})
        else:
            machine = _fitted(self._machine(cost, self._weight_of(present)), self.features, self.targets)
            weights[:, present], bias[present] = machine.coef_.T, machine.intercept_
        return weights, bias

    def _solve_several(self, cost: float, ratio: float) -> tuple[np.ndarray, np.ndarray]:
        """A machine for each label; one that no row has, or every row, is as far away as a row that has nothing in common."""
        weights, bias = np.zeros((self.features.shape[1], self.labels)), np.full(self.labels, -1.0)
        for label, mine in enumerate(self.targets.T):
            share = mine.mean() if len(mine) else 0.0
            balanced = {1: 0.5 / share, 0: 0.5 / (1 - share)} if self.class_weights == "balanced" and 0 < share < 1 else None
            if 0 < share < 1:
                weights[:, label], bias[label] = self._one_label(mine, cost, ratio, balanced)
            elif share:
                bias[label] = 1.0
        return weights, bias

    def _one_label(self, mine: np.ndarray, cost: float, ratio: float, class_weight: dict[int, float] | None) -> tuple[np.ndarray, float]:
        """The weights and the bias of one label: bool (N,) has it, against the rows that lack it."""
        features, scale = self.features, 1.0
        if ratio:
            scale = (1 - ratio) + ratio * _log_count_ratio(self.features, mine)
            scale[self.text :] = 1.0  # a number of a column stands in every row: how often says nothing
            features = self.features.copy()
            features.data *= scale[features.indices]
        machine = _fitted(self._machine(cost, class_weight), features, mine.astype(np.int64))
        return machine.coef_[0] * scale, machine.intercept_[0]

    def _weight_of(self, present: Any) -> dict[int, float] | None:
        """scikit-learn's "balanced": rows / (labels · rows of this label)."""
        if self.class_weights != "balanced":
            return None
        counts = np.bincount(self.targets, minlength=self.labels)
        return {int(label): len(self.targets) / (np.count_nonzero(counts) * counts[label]) for label in present}

    def _machine(self, cost: float, class_weight: dict[int, float] | None) -> Any:
        """Raises MissingExtraError without scikit-learn."""
        try:
            from sklearn.svm import LinearSVC
        except ImportError as error:
            raise MissingExtraError("train", "scikit-learn") from error
        return LinearSVC(C=cost, class_weight=class_weight, tol=0.1, random_state=self.seed)


def fit_quantile(features: Any, targets: np.ndarray, level: float, alpha: float) -> tuple[np.ndarray, float]:
    """Weights float64 (F,) and bias of the linear function with the least alpha · |weights|² / 2 + the sum of twice the pinball loss.

    targets: float64 (N,) in units of their spread. The loss is rounded over _ROUNDED of that about 0, so that it has a gradient.
    Raises MissingExtraError without scipy.
    """
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise MissingExtraError("train", "scikit-learn") from error
    rows, turned = len(targets), features.T.tocsr()

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        weights, far = point[:-1], (targets - features @ point[:-1] - point[-1]) / _ROUNDED
        pull = level - 0.5 * (1 - np.tanh(0.5 * far))  # (N,): how the loss grows with the residual
        value = 2 * _ROUNDED * float(np.sum(level * far + np.logaddexp(0.0, -far))) + 0.5 * alpha * float(weights @ weights)
        return value / rows, np.append(alpha * weights - 2 * (turned @ pull), -2 * pull.sum()) / rows

    start = np.append(np.zeros(features.shape[1]), np.quantile(targets, level))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x
    return found[:-1], float(found[-1])


def _fitted(machine: Any, features: Any, targets: np.ndarray) -> Any:
    """liblinear stops after so many passes over dense columns and warns: what it has by then is good, and dev judges it."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return machine.fit(features, targets)


# ------------------------------------------------------------- choosing

def choose_steps(problem: Problem, dev: Problem | None, options: Mapping[str, Any]) -> Iterator[tuple[Choices, float]]:
    """The best choices so far and their figure, after each trial of one that `options` leave open; the last are to be solved with.

    The first choice, then the next with the best of the first. Nothing where all are made or no trial can be paid for: then those
    of `options` stand, and the default for the others. Quantiles take what suits the middle one: liblinear tries that 25 times as fast.
    """
    if problem.numeric and problem.loss == QUANTILES:
        problem, dev = (each and replace(each, loss=ABSOLUTE, labels=1) for each in (problem, dev))  # type: ignore[assignment]
    fixed = {key: options[key] for key in problem.default if key in options}
    trials = problem.trials(dev) if len(fixed) < len(problem.default) else []
    if not trials:
        return
    best = {key: values[0] for key, values in problem.tried.items()} | fixed
    figures: dict[tuple[float, ...], float] = {}
    for key, values in problem.tried.items():
        if key in fixed:
            continue
        for value in values:
            candidate = {**best, key: value}
            name = tuple(candidate.values())
            if name not in figures:
                figures[name] = float(np.mean(np.concatenate([held.judged(*part.solve(**candidate)) for part, held in trials])))
            if figures[name] > figures[tuple(best.values())]:
                best = candidate
            yield best, figures[tuple(best.values())]


def settled(problem: Problem, options: Mapping[str, Any], chosen: Choices) -> Choices:
    """Every choice: as chosen, else as `options` say, else the default."""
    return {key: chosen.get(key, options.get(key, value)) for key, value in problem.default.items()}


def _log_count_ratio(features: Any, mine: np.ndarray) -> np.ndarray:
    """float64 (F,): |log of (share of a feature among this label's occurrences) / (share among the others')|, root mean square 1.

    Each feature counts once a row, plus one.
    """
    rows = np.repeat(mine, np.diff(features.indptr))
    all_rows = np.bincount(features.indices, minlength=features.shape[1])
    with_label = np.bincount(features.indices[rows], minlength=features.shape[1])
    inside, outside = with_label + 1.0, all_rows - with_label + 1.0
    ratio = np.abs(np.log(inside / inside.sum()) - np.log(outside / outside.sum()))
    return ratio / max(float(np.sqrt(np.mean(ratio**2))), 1e-12)


def columns_of(labels: int) -> int:
    """One column of weights a label; two labels share one."""
    return 1 if labels == 2 else max(1, labels)
