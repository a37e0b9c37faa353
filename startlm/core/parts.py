"""Which rows learn, choose, calibrate and test. Drawn by label and seed, or by time; groups of rows, near-duplicates first of all, never cross."""

from __future__ import annotations

import numpy as np

from .artifacts import PARTS

TRAIN, DEV, CALIBRATION, TEST = range(len(PARTS))
CROSSFIT_BELOW = 2_000  # rows to learn and choose from: with fewer, a dev part would be too small to choose by
DEV_SHARE, CALIBRATION_SHARE = 0.10, 0.05
MOST_DEV, MOST_CALIBRATION = 4_000, 2_000
DEV_WORTH_HALVING = 1_000
NO_DAY = np.iinfo(np.int64).min  # the day of a row without one: older than any
OF_ONE_LABEL = 0.9  # share of the rows that have the label of their group's first row: with less, groups mix labels
MOST_OVER = 3  # the newest days are no part where together they have more than so many times its share


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

    def move(source: int, target: int, share: float) -> None:
        rows = np.flatnonzero(part == source)
        part[rows[_draw(labels[rows], groups[rows], share, rng)]] = target

    if not np.any(part == TEST):
        # where every row has a part and none is test, train lends the test part
        move(-1 if np.any(part == -1) else TRAIN, TEST, test_share)
    part[part == -1] = TRAIN
    learn = int(np.sum(part == TRAIN) + np.sum(part == DEV))
    if learn < CROSSFIT_BELOW:
        return part, True
    had_dev = bool(np.any(part == DEV))
    if not had_dev:
        move(TRAIN, DEV, min(DEV_SHARE, MOST_DEV / learn))
    if not np.any(part == DEV):  # a few large groups that cannot be divided
        return part, True
    dev = int(np.sum(part == DEV))
    if not np.any(part == CALIBRATION):
        if had_dev and dev >= DEV_WORTH_HALVING:
            move(DEV, CALIBRATION, 0.5)
        else:
            move(TRAIN, CALIBRATION, min(CALIBRATION_SHARE, MOST_CALIBRATION / learn))
    return part, False


def _draw(labels: np.ndarray, groups: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """bool (N,): a share of the rows, in proportion from each label, whole groups at a time.

    Systematic sampling: groups stand in a line, sorted by the label of their first row and shuffled inside it. A label with one group is never drawn, nor is
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
    drawn = np.zeros(len(first), dtype=bool)
    drawn[order] = _pick_in_share(sizes[order], share, rng.random())
    return drawn[group_of]


def _pick_in_share(sizes: np.ndarray, share: float, offset: float) -> np.ndarray:
    """bool (G,): which of the groups in a line are drawn, whose sizes are int64 (G,); offset in [0, 1).

    One is drawn when the rows drawn so far are behind the share of the rows passed so far by its size: the share holds for groups of any size.
    """
    drawn, passed, taken = np.zeros(len(sizes), dtype=bool), 0, 0
    for at, size in enumerate(sizes.tolist()):
        passed += size
        if taken + size <= passed * share + size * offset:
            drawn[at], taken = True, taken + size
    return drawn


def draw_groups(labels: np.ndarray, groups: np.ndarray, given: np.ndarray, *, seed: int, test_share: float) -> tuple[np.ndarray, bool]:
    """`draw_parts` for groups of any size. Labels are left out of account where groups mix them, so that none has a label to be
    drawn by, and where groups are larger than a label's share, so that less than half of a test part comes out."""
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    if np.mean(labels[first][group_of] == labels) >= OF_ONE_LABEL:
        part, crossfit = draw_parts(labels, groups, given, seed=seed, test_share=test_share)
        if np.any(given == TEST) or np.mean(part == TEST) >= test_share / 2:
            return part, crossfit
    return draw_parts(np.zeros_like(labels), groups, given, seed=seed, test_share=test_share)


# ------------------------------------------------------------------ by time

def newest(days: np.ndarray, share: float) -> np.ndarray:
    """bool (N,): the newest rows, as near to this share of all as whole days come; none where only one day, or too large a one, is left.

    days: int64 (N,), larger is later, NO_DAY where there is none: never among the newest.

    >>> newest(np.array([3, 1, 2, NO_DAY, 5]), 0.2).tolist()
    [False, False, False, False, True]
    """
    known, counts = np.unique(days[days != NO_DAY], return_counts=True)
    if len(known) < 2:
        return np.zeros(len(days), dtype=bool)
    after = np.cumsum(counts[::-1])[::-1][1:]  # rows of each day but the first, and of all later days
    wanted = share * len(days)
    nearest = int(np.argmin(np.abs(after - wanted)))
    if after[nearest] > MOST_OVER * max(wanted, 1):
        return np.zeros(len(days), dtype=bool)
    return days >= known[1:][nearest]


def draw_by_time(given: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, bool]:
    """`draw_parts` in the order of time: the rows before the test part calibrate, those before these choose, the oldest learn.

    given: int8 (N,), TEST or -1; days: int64 (N,). Where days are too coarse for a dev part, folds of train choose.
    """
    part = np.where(given == TEST, TEST, TRAIN).astype(np.int8)
    learn = int(np.sum(part == TRAIN))
    if learn < CROSSFIT_BELOW:
        return part, True
    for target, most, share in ((CALIBRATION, MOST_CALIBRATION, CALIBRATION_SHARE), (DEV, MOST_DEV, DEV_SHARE)):
        rows = np.flatnonzero(part == TRAIN)
        part[rows[newest(days[rows], min(share * learn, most) / len(rows))]] = target
    if DEV not in part:
        return np.where(given == TEST, TEST, TRAIN).astype(np.int8), True
    return part, False


def folds_of(labels: np.ndarray, groups: np.ndarray, count: int, seed: int) -> np.ndarray:
    """int64 (N,): which of `count` folds each row falls in, stratified by label, groups whole."""
    rng = np.random.default_rng(seed)
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    order = np.lexsort((rng.random(len(first)), labels[first]))
    fold = np.empty(len(first), dtype=np.int64)
    fold[order] = np.arange(len(first)) % count
    return fold[group_of]
