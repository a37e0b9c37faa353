"""What cheap models say of rows that they did not learn from: the ground of label errors and of the learning curve. Not a member.

Nothing of this answers a user. The n-grams are counted once, without a look at any label; what is learnt from labels is learnt
in folds, so no row's own label had a part in what is said of it. The amount of work is fixed by counting, not by a clock: the
same rows give the same figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np

from ..core.contracts import Labelled, Ragged
from ..core.errors import MissingExtraError
from ..core.language import say
from ..core.parts import folds_of
from ..core.shelves import look_up

FOLDS = 5
MOST_ROWS = 50_000
MOST_WEIGHTS = 2e7  # n-grams × labels: 160 MB
MOST_WORK = 6e8  # of a learning curve, as `_work` counts it: six to ten seconds on one core
_SMOOTHING = 0.05  # counts added to each n-gram; 0.02 to 0.1 did equally well on three sets
_COST = 0.5  # of the support vector machine: fixed, so that no size has a better recipe than another
_TOKENIZERS = {"ngrams": "startlm.tokenizers.ngrams:Ngrams"}


@dataclass(frozen=True)
class OutOfFold:
    """Rows cut into folds. `rows` are the numbers of those looked at among all that were given, int64 (n,), ascending."""

    features: Any  # scipy CSR, float64 (n, F), none below 0
    labels: np.ndarray  # int64 (n,)
    count: int
    rows: np.ndarray
    fold: np.ndarray  # int64 (n,)
    seed: int
    family = "linear"

    def logits(self, labels: np.ndarray | None = None) -> np.ndarray:
        """float64 (n, L): each row answered by naive Bayes of the other folds; with other `labels`, as if those were given.

        A hundredth of the time that support vector machines take for many labels, and no worse at putting wrong labels first
        (docs/decisions/0009-insight.md). Raises MissingExtraError without scikit-learn.
        """
        try:
            from sklearn.naive_bayes import MultinomialNB
        except ImportError as error:
            raise MissingExtraError("train", "scikit-learn") from error
        known, answers = self.labels if labels is None else labels, np.zeros((len(self.rows), self.count))
        for number in range(FOLDS):
            inside, outside = self.fold != number, self.fold == number
            if inside.any() and outside.any():
                bayes = MultinomialNB(alpha=_SMOOTHING, fit_prior=False).partial_fit(self.features[inside], known[inside], classes=np.arange(self.count))
                answers[outside] = bayes.predict_joint_log_proba(self.features[outside])
        return answers

    def learnt(self, share: float = 1.0) -> int:
        """From how many rows each model learns, about."""
        return round(share * len(self.rows) * (FOLDS - 1) / FOLDS)

    def right_at(self, shares: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """bool (m, S): is a row answered right by a linear model of so large a share of the other folds? And its fold, int64 (m,).

        The rows of as many folds as MOST_WORK pays for, two at least. A smaller share is a part of a larger one.
        """
        one = _work(self.features, self.count) * sum(shares) * (FOLDS - 1) / FOLDS
        asked = range(int(np.clip(MOST_WORK // max(one, 1.0), 2, FOLDS)))
        parts = [self._right_of(number, shares) for number in asked]
        return np.concatenate(parts), np.concatenate([np.full(len(part), number) for number, part in zip(asked, parts)])

    def _right_of(self, number: int, shares: Sequence[float]) -> np.ndarray:
        inside, outside = np.flatnonzero(self.fold != number), np.flatnonzero(self.fold == number)
        order = np.random.default_rng((self.seed, number)).permutation(inside)
        taken = [np.sort(order[: max(1, round(share * len(order)))]) for share in shares]
        answers = [_answered(self.features[rows], self.labels[rows], self.features[outside], self.seed) for rows in taken]
        return np.stack([each == self.labels[outside] for each in answers], axis=1)

    def affordable(self, shares: Sequence[float]) -> OutOfFold:
        """These rows, or fewer drawn by seed, so that MOST_WORK pays for two folds of a learning curve."""
        part = MOST_WORK / max(1.0, 2 * _work(self.features, self.count) * sum(shares) * (FOLDS - 1) / FOLDS)
        if part >= 1:
            return self
        kept = _drawn(len(self.rows), int(part * len(self.rows)), self.seed)
        return OutOfFold(self.features[kept], self.labels[kept], self.count, self.rows[kept], self.fold[kept], self.seed)


def out_of_fold(examples: Labelled, groups: np.ndarray, labels: int, seed: int) -> OutOfFold:
    """Folds of the rows, groups whole; of more than MOST_ROWS so many are drawn by seed.

    groups: int64 (N,), near-duplicates share one; labels: how many there are. Raises MissingExtraError without scipy.
    """
    rows = _drawn(len(examples), MOST_ROWS, seed)
    examples = examples.take(rows)
    tokenizer = look_up(_TOKENIZERS, "ngrams", say("tokenizer", "分词器")).fit(examples.texts, most=int(MOST_WEIGHTS // labels))
    features = _matrix(tokenizer.encode(examples.texts), tokenizer.vocabulary_size)
    return OutOfFold(features, examples.labels, labels, rows, folds_of(examples.labels, np.asarray(groups)[rows], FOLDS, seed), seed)


def _matrix(encoded: Ragged, width: int) -> Any:
    try:
        from scipy.sparse import csr_matrix
    except ImportError as error:
        raise MissingExtraError("train", "scikit-learn") from error
    return csr_matrix((encoded.weights.astype(np.float64), encoded.values, encoded.starts.astype(np.int32)), shape=(len(encoded), width))  # type: ignore[union-attr]


def _answered(features: Any, labels: np.ndarray, asked: Any, seed: int) -> np.ndarray:
    """int64 (m,): the label of each row asked about, by a linear support vector machine as in the linear family."""
    if len(np.unique(labels)) < 2:
        return np.full(asked.shape[0], labels[0])
    try:
        from sklearn.svm import LinearSVC
    except ImportError as error:
        raise MissingExtraError("train", "scikit-learn") from error
    return LinearSVC(C=_COST, tol=0.1, random_state=seed).fit(features, labels).predict(asked)  # type: ignore[no-any-return]


def _work(features: Any, labels: int) -> float:
    """What one machine of all rows costs, within a factor of two or three: values of features, and a hundred a row, for each column of weights."""
    return float(features.nnz + 100 * features.shape[0]) * max(8, labels)


def _drawn(count: int, most: int, seed: int) -> np.ndarray:
    """int64 (min(count, most),): ascending numbers below count."""
    return np.arange(count) if count <= most else np.sort(np.random.default_rng(seed).permutation(count)[:most])
