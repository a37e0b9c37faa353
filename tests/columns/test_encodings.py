"""What a model is given of a number, a category and a date."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from hypothesis import given, strategies

from startlm.columns.category import Category
from startlm.columns.category_encoding import MOST_VALUES, CategoryEncoding
from startlm.columns.date import Date
from startlm.columns.identifier import Identifier
from startlm.columns.number import Number
from startlm.columns.number_encoding import BINS, NumberEncoding, standardised
from startlm.core.errors import BundleError, CallError


def named(encoding: object, values: np.ndarray) -> list[dict[str, float]]:
    """The features that are not 0, by name."""
    return [{name: round(float(value), 4) for name, value in zip(encoding.names, row) if value} for row in encoding.features(values)]


def test_a_number_is_told_in_robust_units_with_a_flag_where_it_is_missing() -> None:
    fitted = Number.fit(np.array([1.0, 2.0, 3.0, 4.0, 5.0, np.nan, 1e9]))
    features = fitted.features(np.array([3.5, np.nan, 1e9]))
    assert (fitted.middle, fitted.names[:2]) == (3.5, ("", " missing"))
    assert features[:, 1].tolist() == [0.0, 1.0, 0.0] and features[0, 0] == features[1, 0] == 0.0
    assert features[2, 0] == 10.0 and (features[1, 2:] == 0).all()


@given(strategies.lists(strategies.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_a_larger_number_never_has_a_smaller_feature_or_an_earlier_word(numbers: list[float]) -> None:
    values = np.sort(np.array(numbers))
    fitted = Number.fit(values)
    assert (np.diff(fitted.features(values), axis=0) >= 0).all() and (np.diff(fitted.words(values)) >= 0).all()


@given(strategies.lists(strategies.floats(allow_nan=True), max_size=20), strategies.lists(strategies.floats(allow_nan=True), max_size=20))
def test_no_number_at_all_gives_a_feature_that_is_not_finite(train: list[float], new: list[float]) -> None:
    fitted = NumberEncoding.fit(np.array(train, dtype=np.float64))
    opened = NumberEncoding.from_state(json.loads(json.dumps(fitted.state(), allow_nan=False)))
    features = opened.features(np.array(new, dtype=np.float64))
    assert np.isfinite(features).all() and features.shape == (len(new), fitted.width)


def test_words_of_a_number_are_about_equally_frequent() -> None:
    values = np.random.default_rng(0).lognormal(size=4_000)
    counts = np.bincount(Number.fit(values).words(values), minlength=BINS + 1)
    assert counts[:BINS].min() > 200 and counts[BINS] == 0


def test_each_of_few_numbers_has_its_own_word() -> None:
    assert Number.fit(np.array([3.0, 3, 4, 5, 9])).words(np.array([2.0, 3, 4, 5, 9, 11, np.nan])).tolist() == [0, 0, 1, 2, 3, 3, 4]


def test_far_numbers_are_bent_but_stay_in_order() -> None:
    bent = standardised(np.array([-1e6, -2.0, 0.0, 2.0, 5.0, 50.0, 1e6]), 0.0, 1.0)
    assert bent[:4].tolist() == [-10.0, -2.0, 0.0, 2.0] and 3 < bent[4] < 5 < bent[5] < 10 and bent[6] == 10


def test_a_category_keeps_what_three_rows_have_the_most_frequent_first() -> None:
    fitted = Category.fit(Category.read(["a"] * 3 + ["b"] * 4 + ["c"] * 2 + [None]).values)
    assert fitted.names == ("=b", "=a", " rare or unseen", " missing")
    assert fitted.words(np.array(["b", "a", "c", "never", ""], dtype=object)).tolist() == [0, 1, 2, 2, 3]
    assert named(fitted, np.array(["a", "never"], dtype=object)) == [{"=a": 1.0}, {" rare or unseen": 1.0}]


def test_a_category_of_100_000_values_stays_narrow() -> None:
    values = Category.read([f"town {number % 100_000}" for number in range(400_000)]).values
    assert Category.fit(values).width == MOST_VALUES + 2


def test_personal_data_is_not_kept_however_often_it_stands_there() -> None:
    values = Category.read(["wei@example.com"] * 9 + ["13812345678"] * 9 + ["web"] * 3).values
    assert Category.fit(values).values == ("web",)


def test_a_date_tells_weekday_month_and_hour_and_nothing_beyond_train() -> None:
    days = Date.read(["2024-03-05 18:00", "2024-03-06", "2024-03-09", None]).values
    fitted = Date.fit(days)
    shown = named(fitted, days)
    assert shown[0][" on Tuesday"] == 1.0 and shown[0][" in March"] == 1.0 and shown[0][" hour, sine"] == -1.0 and shown[3] == {" missing": 1.0}
    later = Date.read(["2031-03-08", "1999-03-09"]).values
    assert named(fitted, later)[0][""] == shown[2][""] and fitted.features(later)[1, 0] == fitted.features(days)[0, 0]


@given(strategies.dates())
def test_weekday_and_month_are_those_of_the_calendar(day: date) -> None:
    values = Date.read([day]).values
    shown = named(Date.fit(np.array([0.0, 1.0])), values)[0]
    assert f" on {day:%A}" in shown and f" in {day:%B}" in shown


def test_dates_without_times_have_no_hour() -> None:
    assert Date.fit(np.array([1.0, 2.0])).width == 21 and Date.fit(np.array([1.0, 2.5])).width == 23


def test_an_identifier_is_refused_with_what_to_do_instead() -> None:
    with pytest.raises(CallError) as error:
        Identifier.fit(np.array(["a"]))
    assert "group" in error.value.hint.en and "group" in error.value.hint.zh


@pytest.mark.parametrize(("encoding", "state"), [
    (NumberEncoding, {"middle": 0.0, "scale": 0.0, "knots": [], "cuts": []}),
    (NumberEncoding, {"middle": 0.0, "scale": 1.0, "knots": [1.0, 2.0], "cuts": []}),
    (NumberEncoding, {"middle": 0.0, "scale": 1.0, "knots": [], "cuts": [float(number) for number in range(BINS)]}),
    (NumberEncoding, {"middle": True, "scale": 1.0, "knots": [], "cuts": []}),
    (NumberEncoding, {"middle": 0.0, "scale": 1.0, "knots": [], "cuts": [2.0, 1.0]}),
    (CategoryEncoding, {"values": ["a", "a"]}),
    (CategoryEncoding, {"values": [""]}),
    (CategoryEncoding, {"values": [str(number) for number in range(MOST_VALUES + 1)]}),
    (Date.encoding, {"middle": 0.0, "scale": 1.0, "first": 2.0, "last": 1.0, "cuts": [], "clock": False}),
    (Date.encoding, {"middle": 0.0, "scale": 1.0, "first": 0.0, "last": 1e9, "cuts": [], "clock": False}),
])  # fmt: skip
def test_a_state_out_of_range_is_refused(encoding: type, state: dict[str, object]) -> None:
    with pytest.raises(BundleError):
        encoding.from_state(state)
