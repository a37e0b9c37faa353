"""What cheap models say of rows that they did not learn from, where columns are read or a number is told: as `out_of_fold`, which is for labels
of texts. Not a member.

Where there is a text, its n-grams and the features of the columns have a weight each (as in the linear family); columns alone grow shallow
boosted trees. The amount of work is fixed by counting, not by a clock: the same rows give the same figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Sequence

import numpy as np

from ..core.contracts import Labelled, Ragged
from ..core.errors import MissingExtraError
from ..core.inputs import encode_inputs, width_of
from ..core.language import say
from ..core.parts import folds_of
from ..core.shelves import look_up
from .growing import Ground, answer_with_trees

FOLDS = 5
MOST_ROWS = 50_000
MOST_WORK = 1e9  # features × outputs × rows × rounds of one pass over all folds: about five seconds on one core
ROUNDS = 150
_ALPHA = 1.0  # of the ridge: fixed, so that no size has a better recipe than another
_MOST_WEIGHTS = 2e7  # n-grams
_TOKENIZERS = {"ngrams": "startlm.tokenizers.ngrams:Ngrams"}


@dataclass(frozen=True)
class Folded:
    """Rows cut into folds. `rows` are the numbers of those looked at among all that were given, int64 (n,), ascending.

    labels: int64 (n,) label numbers, `count` different ones; or float64 (n,) targets on the scale that is learnt, count 1.
    """

    features: Any  # float32 (n, F) for trees; scipy CSR, float64 (n, F), for linear
    labels: np.ndarray
    count: int
    rows: np.ndarray
    fold: np.ndarray  # int64 (n,)
    seed: int
    family: str  # "trees" or "linear"

    @property
    def numeric(self) -> bool:
        return self.labels.dtype.kind == "f"

    def logits(self, labels: np.ndarray | None = None) -> np.ndarray:
        """Each row answered by a model of the other folds: float64 (n, L), or numbers float64 (n, 1); with other `labels`, as if those were given.

        Raises MissingExtraError without lightgbm or scikit-learn.
        """
        known, answers = self.labels if labels is None else labels, np.zeros((len(self.rows), self.count))
        for number in range(FOLDS):
            inside, outside = np.flatnonzero(self.fold != number), np.flatnonzero(self.fold == number)
            if len(inside) and len(outside):
                answers[outside] = self._answered(inside, outside, known)
        return answers

    def told(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers of each row, float64 (n,), as models of the other folds expect them."""
        return self.logits(numbers)[:, 0]

    def learnt(self, share: float = 1.0) -> int:
        """From how many rows each model learns, about."""
        return round(share * len(self.rows) * (FOLDS - 1) / FOLDS)

    def answers_at(self, shares: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """What models of so large a share of the other folds say: float64 (n, S, L), for the rows of all folds in the order of `rows`; and
        the rows' folds, int64 (n,). A smaller share is a part of a larger one."""
        answers = np.zeros((len(self.rows), len(shares), self.count))
        for number in range(FOLDS):
            inside, outside = np.flatnonzero(self.fold != number), np.flatnonzero(self.fold == number)
            order = np.random.default_rng((self.seed, number)).permutation(inside)
            for at, share in enumerate(shares):
                if len(outside) and len(inside):
                    answers[outside, at] = self._answered(np.sort(order[: max(1, round(share * len(order)))]), outside, self.labels)
        return answers, self.fold

    def right_at(self, shares: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """bool (n, S): is a row answered right by a model of so large a share of the other folds? And its fold, int64 (n,)."""
        answers, fold = self.answers_at(shares)
        return answers.argmax(axis=2) == self.labels[:, None], fold

    def affordable(self, shares: Sequence[float]) -> Folded:
        """These rows, or fewer drawn by seed, so that MOST_WORK pays for a learning curve."""
        part = MOST_WORK / max(1.0, _work(self.features, self.count) * sum(shares))
        if part >= 1:
            return self
        kept = _drawn(len(self.rows), int(part * len(self.rows)), self.seed)
        return replace(self, features=self.features[kept], labels=self.labels[kept], rows=self.rows[kept], fold=self.fold[kept])

    def _answered(self, inside: np.ndarray, outside: np.ndarray, known: np.ndarray) -> np.ndarray:
        """float64 (m, L)"""
        if self.family == "trees":
            ground = Ground(self.features[inside], known[inside], self.count, {"loss": "absolute"}, self.seed)
            return answer_with_trees(ground, self.features[outside], ROUNDS)
        try:
            from sklearn.linear_model import Ridge
        except ImportError as error:
            raise MissingExtraError("train", "scikit-learn") from error
        machine = Ridge(alpha=_ALPHA, solver="sparse_cg", tol=1e-3).fit(self.features[inside], known[inside])
        return machine.predict(self.features[outside])[:, None]  # type: ignore[no-any-return]


def fold_rows(rows: Labelled, groups: np.ndarray, count: int, bins: np.ndarray, seed: int) -> Folded:
    """Folds of the rows, groups whole and in proportion from each bin; of more than can be paid for so many are drawn by seed.

    groups: int64 (N,), near-duplicates share one; count: labels, 1 for numbers; bins: int64 (N,), the labels, or bins of the numbers.
    Labels of rows with a text are for `out_of_fold`. Raises MissingExtraError without scipy.
    """
    with_text = any(rows.texts)
    some = _drawn(len(rows), MOST_ROWS, seed)
    if not with_text:
        some = _drawn(len(rows), int(min(MOST_ROWS, MOST_WORK / max(1, ROUNDS * rows.features.shape[1] * count))), seed)
    rows = rows.take(some)
    features = _matrix(rows) if with_text else rows.features
    fold = folds_of(np.asarray(bins)[some], np.asarray(groups)[some], FOLDS, seed)
    return Folded(features, rows.labels, count, some, fold, seed, "linear" if with_text else "trees")


def _matrix(rows: Labelled) -> Any:
    """scipy CSR, float64 (N, V + F): the n-grams' weights, then the columns' features. Raises MissingExtraError without scipy."""
    try:
        from scipy.sparse import csr_matrix
    except ImportError as error:
        raise MissingExtraError("train", "scikit-learn") from error
    tokenizer = look_up(_TOKENIZERS, "ngrams", say("tokenizer", "分词器")).fit(rows.texts, most=int(_MOST_WEIGHTS))
    encoded: Ragged = encode_inputs(tokenizer, rows)
    shape = (len(encoded), width_of(tokenizer, rows))
    return csr_matrix((encoded.weights.astype(np.float64), encoded.values, encoded.starts.astype(np.int32)), shape=shape)  # type: ignore[union-attr]


def _work(features: Any, count: int) -> float:
    """What one model of all rows costs, within a factor of two or three."""
    if isinstance(features, np.ndarray):
        return float(features.size) * ROUNDS * count
    return 40.0 * (features.nnz + 100 * features.shape[0])  # steps of conjugate gradients


def _drawn(count: int, most: int, seed: int) -> np.ndarray:
    """int64 (min(count, most),): ascending numbers below count."""
    return np.arange(count) if count <= most else np.sort(np.random.default_rng(seed).permutation(count)[:most])
