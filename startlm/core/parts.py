"""Which rows learn, choose, calibrate and test. Drawn by label and seed; near-duplicates never cross."""

from __future__ import annotations

import numpy as np

from .artifacts import PARTS

TRAIN, DEV, CALIBRATION, TEST = range(len(PARTS))
CROSSFIT_BELOW = 2_000  # rows to learn and choose from: with fewer, a dev part would be too small to choose by
DEV_SHARE, CALIBRATION_SHARE = 0.10, 0.05
MOST_DEV, MOST_CALIBRATION = 4_000, 2_000
DEV_WORTH_HALVING = 1_000


def draw_parts(
    labels: np.ndarray, groups: np.ndarray, given: np.ndarray, *, seed: int, test_share: float
) -> tuple[np.ndarray, bool]:
    """The part of each row, int8 (N,), and whether rows are so few that folds of train do the choosing.

    labels, groups: int (N,). given: int8 (N,), the part the data names, or -1. A given part is never changed, save that train lends the test part where
    none is given, and that
    a given dev part of DEV_WORTH_HALVING rows or more lends half of its rows to calibration.
    """
    rng = np.random.default_rng(seed)
    part = given.astype(np.int8).copy()
    if not np.any(part == TEST):
        # where every row has a part and none is test, train lends the test part
        free = np.flatnonzero(part == (-1 if np.any(part == -1) else TRAIN))
        part[free[_draw(labels[free], groups[free], test_share, rng)]] = TEST
    part[part == -1] = TRAIN
    learn = int(np.sum(part == TRAIN) + np.sum(part == DEV))
    if learn < CROSSFIT_BELOW:
        return part, True
    had_dev = bool(np.any(part == DEV))
    if not had_dev:
        _move(part, labels, groups, TRAIN, DEV, min(DEV_SHARE, MOST_DEV / learn), rng)
    if not np.any(part == DEV):  # a few large groups that cannot be divided
        return part, True
    dev = int(np.sum(part == DEV))
    if not np.any(part == CALIBRATION):
        if had_dev and dev >= DEV_WORTH_HALVING:
            _move(part, labels, groups, DEV, CALIBRATION, 0.5, rng)
        else:
            _move(part, labels, groups, TRAIN, CALIBRATION, min(CALIBRATION_SHARE, MOST_CALIBRATION / learn), rng)
    return part, False


def _move(part: np.ndarray, labels: np.ndarray, groups: np.ndarray, source: int, target: int, share: float,
          rng: np.random.Generator) -> None:
    rows = np.flatnonzero(part == source)
    part[rows[_draw(labels[rows], groups[rows], share, rng)]] = target


def _draw(labels: np.ndarray, groups: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """bool (N,): a share of the rows, in proportion from each label, whole groups at a time.

    Systematic sampling: groups stand in a line, sorted by the label of their first row and shuffled inside it; a group is
    drawn when the running count of rows times the share passes a whole number. A label with one group is never drawn, nor is
    a group that alone would be more than its label's share: it stays whole where it is.
    """
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    sizes = np.bincount(group_of)
    group_labels = labels[first]
    names, label_of = np.unique(group_labels, return_inverse=True)
    alone = np.bincount(label_of, minlength=len(names))[label_of] < 2
    alone |= sizes > np.maximum(1, share * np.bincount(label_of, weights=sizes, minlength=len(names)))[label_of]
    order = np.lexsort((rng.random(len(first)), group_labels))
    order = order[~alone[order]]
    after, offset = np.cumsum(sizes[order]) * share, rng.random()
    before = after - sizes[order] * share
    drawn = np.zeros(len(first), dtype=bool)
    drawn[order] = np.floor(after + offset) > np.floor(before + offset)
    return drawn[group_of]


def folds_of(labels: np.ndarray, groups: np.ndarray, count: int, seed: int) -> np.ndarray:
    """int64 (N,): which of `count` folds each row falls in, stratified by label, groups whole."""
    rng = np.random.default_rng(seed)
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    order = np.lexsort((rng.random(len(first)), labels[first]))
    fold = np.empty(len(first), dtype=np.int64)
    fold[order] = np.arange(len(first)) % count
    return fold[group_of]
