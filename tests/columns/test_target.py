"""The target of the task score: read, learnt on a scale of its own, and brought back."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.columns.target import Target
from startlm.core.errors import BundleError, CallError

NUMBERS = st.lists(st.floats(-1e9, 1e9).map(lambda value: round(value, 3)), min_size=1, max_size=60)


@given(NUMBERS)
@settings(max_examples=200, deadline=None)
def test_a_number_of_train_comes_back(numbers):
    values = np.array(numbers)
    target = Target.fit(values)
    back = target.back(target.to_model(values))
    assert np.all(np.abs(back - values) <= 1e-9 * max(1e-3, np.abs(values).max()))


@given(st.floats(0.3, 3.0), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_each_number_of_a_skewed_column_comes_back_to_nine_digits_of_its_own(sigma, seed):
    values = np.random.default_rng(seed).lognormal(2.0, sigma, 200)
    target = Target.fit(values)
    assert target.back(target.to_model(values)) == pytest.approx(values, rel=1e-9)


def test_a_skewed_column_is_learnt_by_its_logarithm_and_that_is_said():
    target = Target.fit(np.random.default_rng(0).lognormal(3.0, 1.0, 500))
    assert target.transform == "log1p" and abs(target.skewness[1]) < 1 < target.skewness[0]
    assert "log(1 + value)" in target.said.en and "log(1 + 值)" in target.said.zh
    learnt = target.to_model(np.random.default_rng(0).lognormal(3.0, 1.0, 500))
    assert (learnt.mean(), learnt.std()) == pytest.approx((0.0, 1.0))


@pytest.mark.parametrize("values", [np.arange(50.0), -np.random.default_rng(0).lognormal(3.0, 1.0, 500), np.append(np.random.default_rng(0).lognormal(3.0, 1.0, 500), -1.0)])
def test_an_even_column_and_one_that_goes_below_zero_are_learnt_as_they_are(values):
    target = Target.fit(values)
    assert (target.transform, target.said) == ("none", None)


def test_no_answer_lies_further_out_than_the_span_of_train_widened_by_half():
    target = Target.fit(np.array([2.0, 3.0, 6.0]))
    assert target.back(np.array([-1e9, 0.0, 1e9])).tolist() == pytest.approx([0.0, 11 / 3, 8.0])
    skewed = Target.fit(np.array([1.0] * 30 + [1_000.0]))
    assert skewed.back(np.array([-1e9, 1e9])).tolist() == pytest.approx([1 - 499.5, 1_499.5])
    assert np.isfinite(skewed.back(np.array([1e300]), clipped=False)).all()


def test_a_test_row_far_below_train_has_a_place_on_the_learnt_scale():
    skewed = Target.fit(np.array([1.0] * 30 + [1_000.0]))
    assert np.isfinite(skewed.to_model(np.array([-50.0, 0.0, 1e90]))).all()


def test_a_constant_column_is_always_answered_with_its_constant():
    target = Target.fit(np.full(30, 0.1))
    assert target.scale == 1.0 and target.back(np.array([-5.0, 0.0, 5.0])).tolist() == [0.1, 0.1, 0.1]


def test_missing_cells_are_left_out_and_no_number_at_all_is_refused_with_a_hint():
    assert Target.fit(np.array([1.0, np.nan, 3.0])).average == 2.0
    with pytest.raises(CallError) as refused:
        Target.fit(np.array([np.nan, np.nan]))
    assert "classify" in refused.value.hint.en and "classify" in refused.value.hint.zh


def test_a_column_is_read_with_its_missing_and_its_bad_cells():
    values, bad = Target.read([3, 2.5, "1,234.5", "", None, "four", float("inf"), "１２", float("nan"), "1e400", True])
    assert bad == [5, 6, 9, 10]
    assert values == pytest.approx([3, 2.5, 1234.5, *[np.nan] * 4, 12, *[np.nan] * 3], nan_ok=True)


# ------------------------------------------------------------------- state

def test_a_stored_target_is_the_same_target():
    for values in (np.arange(9.0), np.array([0.0, 0.0, 1.0, 900.0]), np.full(3, 7.5)):
        target = Target.fit(values)
        assert Target.from_state(json.loads(json.dumps(target.state()))) == target


@pytest.mark.parametrize(("key", "wrong"), [
    ("mean", float("nan")), ("mean", "1"), ("scale", 0.0), ("scale", float("inf")), ("transform", "exp"), ("quantiles", [1, 2, 3, 4]),
    ("quantiles", [5.0, 4.0, 3.0, 2.0, 1.0]), ("quantiles", [0.0, 0.0, 0.0, 0.0, 0.0]), ("average", 1e99), ("skewness", [0.0]), ("skewness", None), ("more", 1),
])  # fmt: skip
def test_a_state_that_it_could_not_have_written_is_refused(key, wrong):
    state = Target.fit(np.arange(1.0, 10.0)).state() | {key: wrong}
    with pytest.raises(BundleError) as refused:
        Target.from_state(state)
    assert refused.value.hint.en and refused.value.hint.zh


def test_a_state_without_a_key_or_a_logarithm_of_what_is_below_zero_is_refused():
    state = Target.fit(np.arange(-4.0, 5.0)).state()
    for damaged in ({}, None, {key: value for key, value in state.items() if key != "scale"}, state | {"transform": "log1p"}):
        with pytest.raises(BundleError):
            Target.from_state(damaged)


# -------------------------------------------------------------------- bins

@given(NUMBERS, st.integers(1, 12))
@settings(max_examples=100, deadline=None)
def test_bins_rise_with_the_numbers_have_no_gaps_and_keep_equal_numbers_together(numbers, count):
    values = np.array(numbers)
    found = Target.bins(values, count)
    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(found[order]) >= 0) and found.dtype == np.int64
    assert set(found.tolist()) == set(range(found.max() + 1)) and len(set(found.tolist())) <= count
    assert all(len(set(found[values == value].tolist())) == 1 for value in set(numbers))


def test_ten_bins_of_a_thousand_numbers_hold_a_hundred_each():
    assert np.bincount(Target.bins(np.random.default_rng(0).normal(size=1_000))).tolist() == [100] * 10


def test_many_zeros_have_a_bin_of_their_own():
    values = np.append(np.zeros(900), np.arange(1.0, 101.0))
    assert set(values[Target.bins(values) == 0]) == {0.0}
