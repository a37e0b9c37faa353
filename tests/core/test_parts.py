"""Which rows learn, choose, calibrate and test: shares, labels in proportion, groups whole, the same seed the same parts."""

from __future__ import annotations

import numpy as np
import pytest

from startlm.core.parts import CALIBRATION, CROSSFIT_BELOW, DEV, NO_DAY, TEST, TRAIN, draw_by_time, draw_groups, draw_parts, folds_of, newest


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


# ---------------------------------------------------------- groups and time

@pytest.mark.parametrize("labels", [np.arange(600) % 7, np.arange(600) // 60 % 5], ids=["all labels", "one label each"])
def test_groups_larger_than_a_labels_share_are_still_drawn_whole(labels: np.ndarray) -> None:
    """Ten customers of 60 rows: in proportion from each label none could be drawn, or all of them."""
    groups = np.repeat(np.arange(10), 60)
    open_given = np.full(600, -1, np.int8)
    part, _ = draw_groups(labels, groups, open_given, seed=0, test_share=0.2)
    assert np.sum(part == TEST) == 120 and (part.reshape(10, 60) == part[::60, None]).all()


@pytest.mark.parametrize("group", [1, 3, 10])
def test_groups_of_any_size_give_each_part_its_share_of_rows_and_labels(group: int) -> None:
    labels, groups = rows(9_000, group=group)
    part, crossfit = draw_groups(labels, groups, np.full(9_000, -1, np.int8), seed=1, test_share=0.2)
    assert not crossfit and (part.reshape(-1, group) == part[::group, None]).all()
    for number, share in ((TEST, 0.2), (DEV, 0.08), (CALIBRATION, 0.036)):
        assert np.mean(part == number) == pytest.approx(share, abs=0.004)
    for label in range(4):
        assert np.mean(part[labels == label] == TEST) == pytest.approx(0.2, abs=0.02)


def test_groups_that_mix_labels_are_drawn_without_regard_to_them_and_give_each_part_its_share() -> None:
    labels, _ = rows(6_000, labels=30)
    part, _ = draw_groups(labels, np.arange(6_000) // 12, np.full(6_000, -1, np.int8), seed=1, test_share=0.2)
    assert [np.mean(part == number) for number in (TEST, DEV, CALIBRATION)] == pytest.approx([0.2, 0.08, 0.036], abs=0.004)


def test_groups_of_single_rows_are_drawn_as_rows_are() -> None:
    labels, groups = rows(3_000)
    one, other = (draw(labels, groups, np.full(3_000, -1, np.int8), seed=1, test_share=0.2)[0] for draw in (draw_groups, draw_parts))
    assert np.array_equal(one, other)


def test_the_newest_rows_are_whole_days_nearest_to_the_share() -> None:
    days = np.random.default_rng(0).permutation(np.repeat(np.arange(100), 7))
    held = newest(days, 0.2)
    assert held.sum() == 140 and days[held].min() > days[~held].max()
    assert newest(np.array([1, 1, 1, 1, 2, 2, 3]), 0.2).tolist() == [False] * 6 + [True]
    assert newest(np.array([NO_DAY, 9, NO_DAY, 3]), 0.25).tolist() == [False, True, False, False]


@pytest.mark.parametrize("days", [[5] * 10, [NO_DAY] * 10, [1, *[2] * 9]])
def test_there_are_no_newest_rows_of_one_day_of_none_or_where_the_last_day_has_most(days: list[int]) -> None:
    assert not newest(np.array(days), 0.2).any()


def test_by_time_the_parts_follow_each_other_and_undated_rows_learn() -> None:
    days = np.random.default_rng(0).permutation(np.arange(10_000) // 10)
    days[:50] = NO_DAY
    given = np.where(newest(days, 0.2), TEST, -1).astype(np.int8)
    part, crossfit = draw_by_time(given, days)
    ends = [(days[part == number].min(), days[part == number].max()) for number in (TRAIN, DEV, CALIBRATION, TEST)]
    assert not crossfit and all(one[1] < other[0] for one, other in zip(ends, ends[1:])) and set(part[:50]) == {TRAIN}
    for number, share in ((TEST, 0.2), (DEV, 0.08), (CALIBRATION, 0.04)):
        assert np.mean(part == number) == pytest.approx(share, abs=0.002)


def test_by_time_folds_choose_where_rows_are_few_or_days_too_coarse() -> None:
    for days in (np.arange(1_000), np.repeat([1, 2, 3], [9_000, 6_000, 2_000])):
        given = np.where(newest(days, 0.2), TEST, -1).astype(np.int8)
        part, crossfit = draw_by_time(given, days)
        assert crossfit and set(part) == {TRAIN, TEST}
