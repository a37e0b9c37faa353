"""Labels that are likely wrong: confident learning (Northcutt, Jiang & Chuang 2021) on confidences that each row had no part in.

How many there are is counted from the confident joint: rows for which the model is as sure of another label as it usually is of
rows that bear that one. Which they are: those whose own label the model believes in least. (The rows of the joint themselves are
a worse choice: many of them are merely between two labels that are alike.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from startlm.core.contracts import Figure

from .intervals import share_figure

FEWEST_OF_LABEL = 5  # rows of a label below which nothing is said of them
PLANTED = 0.05  # of the rows get another label where the search itself is tried


class Suspects(NamedTuple):
    """Rows whose label is likely wrong, the likeliest first: their numbers and the labels that fit better, int64 (K,) each, and
    how sure the model is of those, float64 (K,)."""

    rows: np.ndarray
    suggested: np.ndarray
    confidence: np.ndarray


def find_label_errors(labels: np.ndarray, confidences: np.ndarray) -> Suspects:
    """The suspects among rows with these int64 (N,) labels, from float64 (N, L) out-of-fold confidences.

    Rows of a label that fewer than five rows bear are left out.
    """
    n, count = confidences.shape
    rows = np.arange(n)
    of_label, own = np.bincount(labels, minlength=count), confidences[rows, labels]
    usual = np.bincount(labels, weights=own, minlength=count) / np.maximum(of_label, 1)
    usual[of_label < FEWEST_OF_LABEL] = np.inf
    sure = np.where(confidences >= usual, confidences, -1.0)
    guess = sure.argmax(axis=1)
    known = of_label[labels] >= FEWEST_OF_LABEL
    many = int(np.sum((sure[rows, guess] >= 0) & (guess != labels) & known))
    others = np.where(of_label >= FEWEST_OF_LABEL, confidences, -1.0)
    others[rows, labels] = -1.0
    best = others.argmax(axis=1)
    order = doubted(labels, confidences)
    found = order[(known & (others[rows, best] > own))[order]][:many]
    return Suspects(found, best[found], confidences[found, best[found]])


def doubted(labels: np.ndarray, confidences: np.ndarray) -> np.ndarray:
    """int64 (N,): all rows, first those whose own label has the least confidence."""
    return np.argsort(confidences[np.arange(len(labels)), labels], kind="stable")


def plant_errors(labels: np.ndarray, count: int, seed: int, share: float = PLANTED) -> tuple[np.ndarray, np.ndarray]:
    """The labels with a share of them changed to another one of `count` at random, and bool (N,): which are changed."""
    random = np.random.default_rng(seed)
    changed = np.zeros(len(labels), dtype=bool)
    changed[random.permutation(len(labels))[: round(share * len(labels))]] = True
    moved = (labels + random.integers(1, max(2, count), size=len(labels))) % max(2, count)
    return np.where(changed, moved, labels), changed


def planted_figures(changed: np.ndarray, found: np.ndarray) -> tuple[Figure, Figure]:
    """On rows of which bool (N,) are changed on purpose: the share of what was found (row numbers) that is, and the share of those that was
    found. Errors that were there before count as not planted, so the first is on the low side."""
    hits = int(changed[found].sum())
    return share_figure("precision", hits, len(found)), share_figure("caught", hits, int(changed.sum()))
