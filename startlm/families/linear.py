"""The linear family: hashed n-grams and one weight for each n-gram and label. The cheapest rung, and hard to beat.

Solved as support vector machines, one label against the rest with squared hinge loss, by liblinear (scikit-learn's LinearSVC).
The features of each label may first be scaled by how unevenly they occur with it and without it (`ratio`: Wang and Manning 2012,
"Baselines and Bigrams"); the scale is folded into the weights afterwards and costs nothing when answering.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Iterator

import numpy as np

from ..core.contracts import Facts, Fitted, Labelled, Progress, Ragged, Recipe, State, Tokenizer
from ..core.errors import MissingExtraError
from ..core.language import say
from ..core.shelves import look_up
from ..engines import ENGINES

_TOKENIZERS = {"ngrams": "startlm.tokenizers.ngrams:Ngrams"}
_BYTES = {"small": 8e6, "medium": 24e6, "large": 96e6, "auto": 24e6}  # what tokenizer and weights may take on disk
_DEFAULT = {"cost": 2.0, "ratio": 0.0}  # the best for many labels, where trying costs too much
_RATIOS, _COSTS = (0.0, 0.3, 0.6), (0.5, 0.2, 2.0)  # tried in this order, the costs with the best ratio; of equals the first stays
_TRIAL = 3e6  # multiplications that one candidate may cost, in all its folds: about a tenth of a second
_WITH_DEV = 4  # times as many where there is a dev part


class Linear:
    """One weight for each n-gram and label; answers with numpy alone."""

    name = "linear"
    engine = "numpy"

    @staticmethod
    def recipe(facts: Facts, size: str) -> Recipe:
        """`size` bounds the bytes on disk, and with them how many n-grams are kept: 8, 24 (`medium`, `auto`) or 96 MB."""
        columns = _columns(facts.labels)
        most = int(_BYTES[size] // (2 * columns + 8))  # a float16 weight for each column; its bucket and its idf
        features = min(most, int(facts.rows * facts.mean_length * 2))
        return Recipe(
            "linear", size, "ngrams", {"most": most}, {}, features * columns,
            say("words and pieces of words with one weight each: the cheapest model, and hard to beat",
                "字、词和词的片段各有一个权重：最便宜的模型，也很难被超过"),
        )

    @staticmethod
    def fit_steps(train: Labelled, dev: Labelled | None, labels: int, recipe: Recipe, seed: int) -> Iterator[Progress]:
        """Count n-grams, choose `cost` and `ratio` where the recipe leaves them open, solve.

        options: cost (C of the support vector machine), ratio (0 … 1), class_weights (None or "balanced").
        Raises MissingExtraError without scikit-learn.
        """
        tokenizer = look_up(_TOKENIZERS, recipe.tokenizer, say("tokenizer", "分词器")).fit(train.texts, **recipe.tokenizer_options)
        problem = Problem.of(train, tokenizer, labels, recipe.options.get("class_weights"), seed)
        total = len(_RATIOS) + len(_COSTS) + 2
        yield Progress("train", 1, total)
        chosen = {key: recipe.options[key] for key in _DEFAULT if key in recipe.options}
        if len(chosen) < len(_DEFAULT):
            trials = problem.trials(Problem.of(dev, tokenizer, labels, None, seed) if dev is not None and len(dev) else None)
            for done, (best, figure) in enumerate(_choose(trials, chosen), 2):
                chosen = best
                yield Progress("train", done, total, figure=figure)
        chosen = {**_DEFAULT, **chosen}
        weights, bias = problem.solve(**chosen)
        recipe = replace(recipe, options={**recipe.options, **chosen}, parameters=weights.size)
        state = State({}, {"weights": weights.astype(np.float16), "bias": bias.astype(np.float32)})
        said = say(f"cost {chosen['cost']:g}, log-count ratios folded in by {chosen['ratio']:g}",
                   f"代价系数 {chosen['cost']:g}，对数计数比权重 {chosen['ratio']:g}")
        yield Progress("train", total, total, said=said, result=Fitted(recipe, tokenizer, state))


def answer_with_linear(train: Labelled, rows: Labelled, seed: int = 0) -> np.ndarray:
    """int64 (M,): what a linear model with default choices, learnt from `train`, answers to `rows`; for comparisons that must be cheap."""
    labels = int(max(train.labels.max(), rows.labels.max())) + 1
    facts = Facts(len(train), labels, float(np.mean([len(text) for text in train.texts])), 0, 0.0)
    recipe = replace(Linear.recipe(facts, "small"), options=_DEFAULT)
    *_, last = Linear.fit_steps(train, None, labels, recipe, seed)
    engine = look_up(ENGINES, Linear.engine, say("engine", "引擎")).from_state(last.result.engine)
    return engine.logits(last.result.tokenizer.encode(rows.texts)).argmax(axis=1)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Problem:
    """Encoded rows and their labels."""

    features: Any  # scipy CSR, float64 (N, F)
    targets: np.ndarray  # int64 (N,)
    labels: int
    class_weights: str | None
    seed: int

    @classmethod
    def of(cls, rows: Labelled, tokenizer: Tokenizer, labels: int, class_weights: str | None, seed: int) -> Problem:
        """Raises MissingExtraError without scipy."""
        try:
            from scipy.sparse import csr_matrix
        except ImportError as error:
            raise MissingExtraError("train", "scikit-learn") from error
        encoded: Ragged = tokenizer.encode(rows.texts)
        shape = (len(encoded), tokenizer.vocabulary_size)
        features = csr_matrix((encoded.weights.astype(np.float64), encoded.values, encoded.starts.astype(np.int32)), shape=shape)
        return cls(features, rows.labels, labels, class_weights, seed)

    def take(self, rows: np.ndarray) -> Problem:
        return replace(self, features=self.features[rows], targets=self.targets[rows])

    def trials(self, dev: Problem | None) -> list[tuple[Problem, Problem]]:
        """What candidates are compared on: (to solve, to count right answers on), of a size that takes about `_TRIAL`.

        Without dev: one to five folds of these rows. With it: the dev rows and as many folds, all counted together, because the
        rows of dev alone tell near candidates apart no better than chance; and larger, because it is done once for all fits.
        Empty where what can be paid for is too few rows of each label to say anything.
        """
        affordable = _TRIAL / max(1, self.features.nnz * _columns(self.labels))  # how often all rows fit into one trial
        if affordable < 1 and int(len(self.targets) * affordable) < 20 * self.labels:
            return []
        affordable *= 1 if dev is None else _WITH_DEV
        order = np.random.default_rng(self.seed).permutation(len(self.targets))[: max(1, int(len(self.targets) * affordable))]
        if len(order) < 5:
            return []
        folds = np.array_split(order, 5)[: int(np.clip(affordable, 1, 5))]
        pairs = [(self.take(np.sort(np.setdiff1d(order, fold))), self.take(np.sort(fold))) for fold in folds]
        return pairs if dev is None else [(self.take(np.sort(order)), dev), *pairs]

    def solve(self, cost: float, ratio: float) -> tuple[np.ndarray, np.ndarray]:
        """weights float64 (F, C) and bias float64 (C,); C as the numpy engine has it: the labels, or 1 for two labels."""
        present = np.unique(self.targets)
        weights = np.zeros((self.features.shape[1], _columns(self.labels)))
        bias = np.full(weights.shape[1], -1.0)  # what no row has is as far away as a row that has nothing in common
        if len(present) < 2:
            bias[:] = np.where(np.arange(len(bias)) == present[0], 1, -1) if self.labels != 2 else 2 * present[0] - 1
        elif self.labels == 2:
            weights[:, 0], bias[0] = self._one_label(1, cost, ratio, self._weight_of(present))
        elif ratio or len(present) == 2:
            for label in present:
                weights[:, label], bias[label] = self._one_label(label, cost, ratio, self._weight_of([label]))
        else:
            machine = self._machine(cost, self._weight_of(present)).fit(self.features, self.targets)
            weights[:, present], bias[present] = machine.coef_.T, machine.intercept_
        return weights, bias

    def right(self, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """bool (N,): is the best label the right one?"""
        logits = self.features @ weights + bias
        return (logits[:, 0] > 0 if self.labels == 2 else logits.argmax(axis=1)) == self.targets

    def _one_label(self, label: int, cost: float, ratio: float, class_weight: dict[int, float] | None) -> tuple[np.ndarray, float]:
        mine = self.targets == label
        features, scale = self.features, 1.0
        if ratio:
            scale = (1 - ratio) + ratio * _log_count_ratio(self.features, mine)
            features = self.features.copy()
            features.data *= scale[features.indices]
        if class_weight and self.labels != 2:
            class_weight = {1: class_weight[label], 0: 1.0}
        machine = self._machine(cost, class_weight).fit(features, mine.astype(np.int64))
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


def _choose(trials: list[tuple[Problem, Problem]], fixed: dict[str, float]) -> Iterator[tuple[dict[str, float], float]]:
    """First the ratio, then the cost; yields the best so far and its accuracy. Nothing where there are no trials."""
    if not trials:
        return
    best = {"ratio": _RATIOS[0], "cost": _COSTS[0], **fixed}
    figures: dict[tuple[float, float], float] = {}
    for key, values in (("ratio", _RATIOS), ("cost", _COSTS)):
        if key in fixed:
            continue
        for value in values:
            candidate = {**best, key: value}
            name = (candidate["ratio"], candidate["cost"])
            if name not in figures:
                figures[name] = float(np.mean(np.concatenate([dev.right(*train.solve(**candidate)) for train, dev in trials])))
            if figures[name] > figures[best["ratio"], best["cost"]]:
                best = candidate
            yield best, figures[best["ratio"], best["cost"]]


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


def _columns(labels: int) -> int:
    """One column of weights a label; two labels share one."""
    return 1 if labels == 2 else max(1, labels)
