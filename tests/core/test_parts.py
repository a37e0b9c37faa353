"""Which rows learn, choose, calibrate and test: shares, labels in proportion, groups whole, the same seed the same parts."""

from __future__ import annotations

import numpy as np
import pytest

from startlm.core.parts import CALIBRATION, CROSSFIT_BELOW, DEV, TEST, TRAIN, draw_parts, folds_of


def rows(count: int, labels: int = 4, group: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Labels of unequal frequency, and groups of so many neighbouring rows, which share a label."""
    label = np.random.default_rng(3).choice(labels, count, p=np.arange(1, labels + 1) / (labels * (labels + 1) / 2))
    groups = np.arange(count) // group
    return label[groups * group].astype(np.int32), groups


def drawn(count: int, group: int = 1, seed: int = 0, given: np.ndarray | None = None) -> tuple[np.ndarray, bool]:
    labels, groups = rows(count, group=group)
    return draw_parts(labels, groups, np.full(count, -1, np.int8) if given is None else given, seed=seed, test_share=0.2)


def test_near_duplicates_stay_in_one_part() -> None:
    part, _ = drawn(6_000, group=3)
    assert set(part) == {TRAIN, DEV, CALIBRATION, TEST} and (part.reshape(-1, 3) == part[::3, None]).all()


def test_each_part_has_its_share_of_every_label() -> None:
    part, _ = drawn(10_000)
    labels, _ = rows(10_000)
    for number, share in ((TEST, 0.2), (DEV, 0.8 * 0.1), (CALIBRATION, 0.8 * 0.9 * 0.05)):
        assert np.mean(part == number) == pytest.approx(share, abs=0.001)
        for label in range(4):
            assert np.mean(part[labels == label] == number) == pytest.approx(share, abs=0.004), (number, label)


def test_folds_of_train_choose_below_two_thousand_rows_and_not_from_there_on() -> None:
    for count, few in ((CROSSFIT_BELOW - 1, True), (CROSSFIT_BELOW, False)):
        given = np.concatenate([np.full(count, TRAIN), np.full(500, TEST)]).astype(np.int8)
        part, crossfit = drawn(count + 500, given=given)
        assert crossfit is few and bool(np.any(part == DEV)) is not few


def test_the_same_seed_draws_the_same_parts_and_another_others() -> None:
    one, again, other = (drawn(3_000, seed=seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_a_given_part_is_not_changed() -> None:
    given = np.random.default_rng(1).choice([TRAIN, DEV, CALIBRATION, TEST], 4_000).astype(np.int8)
    assert np.array_equal(drawn(4_000, given=given)[0], given)


def test_folds_are_equal_in_size_and_labels_and_keep_groups_whole() -> None:
    labels, groups = rows(3_000, group=3)
    fold = folds_of(labels, groups, 5, seed=0)
    assert (fold.reshape(-1, 3) == fold[::3, None]).all()
    assert np.bincount(fold).tolist() == [600] * 5
    counts = np.array([np.bincount(labels[fold == number], minlength=4) for number in range(5)])
    assert (counts.max(axis=0) - counts.min(axis=0)).max() <= 3, "a group more or less"
    assert np.array_equal(fold, folds_of(labels, groups, 5, seed=0)) and not np.array_equal(fold, folds_of(labels, groups, 5, seed=1))
