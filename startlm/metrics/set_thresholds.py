"""From confidences in each of several labels to a row's labels: a threshold for each label, and how sure the whole answer is."""

from __future__ import annotations

import numpy as np

from .calibration import fit_temperature

OWN = 20  # rows that have a label from which on it gets a threshold of its own; a rarer one takes that of all labels together
LOWEST, HIGHEST = 0.02, 0.98
FLATTEST, STEEPEST = 0.02, 50.0  # exponents
MOST_ASKED = 1_000_000  # labels of rows that the temperature is fitted on
_HALVINGS = 60


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(−logits)), float64; element by element, without overflow."""
    small = np.exp(-np.abs(np.asarray(logits, dtype=np.float64)))
    return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))


def fit_set_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The one temperature with the least log loss over all labels, for (N, L) logits and bool (N, L): each label is a question of two answers.

    A million of these questions, always the same ones, say as much as more.
    """
    logits, truth = np.ravel(logits), np.ravel(truth)
    if len(logits) > MOST_ASKED:
        asked = np.random.default_rng(0).choice(len(logits), MOST_ASKED, replace=False, shuffle=False)
        logits, truth = logits[asked], truth[asked]
    return fit_temperature(np.stack([np.zeros(len(logits)), logits], axis=1), truth.astype(np.int64))


def choose_thresholds(confidences: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """float64 (L,): the threshold of each label that gives it the highest F1 on these rows, (N, L) confidences and bool (N, L).

    A label with fewer than OWN rows would get one that fits these few: it takes the one with the highest F1 of all labels together.
    """
    shared = best_threshold(confidences.ravel(), truth.ravel())
    own = truth.sum(axis=0) >= OWN
    return np.array([best_threshold(confidences[:, label], truth[:, label]) if own[label] else shared for label in range(truth.shape[1])])


def best_threshold(confidence: np.ndarray, truth: np.ndarray) -> float:
    """The threshold with the highest F1, half way between two confidences; 0.5 where no row has the label.

    >>> best_threshold(np.array([0.9, 0.3, 0.2, 0.1]), np.array([True, True, False, False]))
    0.25
    """
    if not truth.any():
        return 0.5
    order = np.argsort(-confidence, kind="stable")
    falling, hits = confidence[order], np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(falling) + 1) + truth.sum())
    last = np.append(falling[1:] < falling[:-1], True)  # rows of equal confidence pass together
    best = int(np.argmax(np.where(last, f1, -1.0)))
    below = falling[best + 1] if best + 1 < len(falling) else 0.0
    return float(np.clip((falling[best] + below) / 2, LOWEST, HIGHEST))


def certainty(confidences: np.ndarray, chosen: np.ndarray, exponent: float = 1.0) -> np.ndarray:
    """float64 (N,): how sure it is that all labels of a row are right: the product of the confidence in each, to the power `exponent`.

    Labels are not independent, so the bare product is too small or too large; the exponent makes it as large as the share of rows
    that is right.
    """
    right = np.where(chosen, confidences, 1 - confidences)
    return np.exp(exponent * np.log(np.maximum(right, 1e-300)).sum(axis=1))  # type: ignore[no-any-return]


def fit_exponent(confidences: np.ndarray, chosen: np.ndarray, exact: np.ndarray) -> float:
    """The exponent with which the mean certainty is the share of rows, bool (N,), that are right; half a row is added to either side."""
    share = (exact.sum() + 0.5) / (len(exact) + 1)
    logs = np.log(np.maximum(certainty(confidences, chosen), 1e-300))
    low, high = np.log(FLATTEST), np.log(STEEPEST)
    for _ in range(_HALVINGS if len(exact) else 0):
        middle = (low + high) / 2
        too_sure = float(np.exp(np.exp(middle) * logs).mean()) > share
        low, high = (middle, high) if too_sure else (low, middle)
    return float(np.exp((low + high) / 2)) if len(exact) else 1.0
