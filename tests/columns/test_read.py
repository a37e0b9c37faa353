"""Cells of numbers, dates and categories, as people and programs write them."""

from __future__ import annotations

import datetime
import math
import time
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies

from startlm.columns.category import Category
from startlm.columns.date import Date
from startlm.columns.days import parse_day
from startlm.columns.number import Number, parse_number
from startlm.columns.numerals import number_habit

_ONE_NUMBER = [
    ("1,234,567.8", 1234567.8), ("1'234", 1234.0), ("1,2345,6789", 123456789.0), ("１２３．５", 123.5), ("－7", -7.0), ("\u22127", -7.0), ("(1,234)", -1234.0), ("（5）", -5.0),
    ("3.2万", 32000.0), ("1.13万", 11300.0), ("2千万", 2e7), ("1.5亿", 1.5e8), ("1万亿", 1e12), ("3 万元", 30000.0), ("¥ 30", 30.0), ("￥1,200.00", 1200.0), ("-$5", -5.0), ("$-5", -5.0),
    ("30 €", 30.0), ("99元", 99.0), ("12%", 12.0), ("１２％", 12.0), ("1e3", 1000.0), (".5", 0.5), ("5.", 5.0),
    ("", None), ("12,5", None), ("1,23", None), ("1_000", None), ("12 kg", None), ("2024-01-01", None), ("1.2.3", None), ("--5", None), ("(-5)", None), ("(5", None), ("1e999", None),
    ("9" * 61, None), ("万", None), ("1 2", None), ("七", None), ("1,234.5.6", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "number"), _ONE_NUMBER)
def test_one_cell_of_a_number(text: str, number: float | None) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(("text", "number"), [("1 234,5", 1234.5), ("1.234.567,89", 1234567.89), ("1\u202f234,5 €", 1234.5), ("0,125", 0.125), ("7", 7.0), ("1.5", None), ("1,2,3", None)])
def test_one_cell_with_a_decimal_comma(text: str, number: float | None) -> None:
    assert parse_number(text, comma=True) == number


@pytest.mark.parametrize(("cells", "numbers"), [
    (["12%", "7.5%", None], [12.0, 7.5, math.nan]),
    (["12%", "0.5", "３％"], [0.12, 0.5, 0.03]),
    (["12%", 0.5], [0.12, 0.5]),
    (["12%", "n/a", "nan"], [12.0, math.nan, math.nan]),
    (["1 234,5", "12,25", "7"], [1234.5, 12.25, 7.0]),
    (["1.234", "2.500", "3,5"], [1234.0, 2500.0, 3.5]),
    (["12,5%", "1,5"], [0.125, 1.5]),
    (["1,234", "5,678"], [1234.0, 5678.0]),
    (["1.5", "2.5", "1,234"], [1.5, 2.5, 1234.0]),
    ([3, 2.5, Decimal("1.25"), np.int64(4), np.float32(0.5), "5"], [3.0, 2.5, 1.25, 4.0, 0.5, 5.0]),
])  # fmt: skip
def test_a_column_of_numbers_is_read_as_the_whole_of_it_is_written(cells: list[Any], numbers: list[float]) -> None:
    read = Number.read(cells)
    np.testing.assert_array_equal(read.values, numbers)
    assert read.bad == []


def test_what_says_nothing_is_missing_and_what_is_no_number_is_bad() -> None:
    nothing = [None, "", " ", "NaN", "N/A", "null", "-", "无", "空", math.nan, "#N/A", "——", "－"]
    bad = ["x", "inf", math.inf, "12 kg", True, "true", 10**400, 1e200, datetime.date(2024, 1, 1), "1e999"]
    read = Number.read([*nothing, *bad, "5"])
    assert read.bad == list(range(len(nothing), len(nothing) + len(bad)))
    assert np.isnan(read.values[:-1]).all() and read.values[-1] == 5.0


def test_a_point_in_a_column_of_commas_and_a_comma_in_one_of_points_are_bad() -> None:
    assert Number.read(["1,5", "2,5", "3.5"]).bad == [2]
    assert Number.read(["1.5", "2.5", "3,5"]).bad == [2]


@given(strategies.lists(strategies.floats(-1e15, 1e15), max_size=20))
def test_numbers_that_python_writes_come_back(numbers: list[float]) -> None:
    for cells in (numbers, list(map(repr, numbers)), [f"{number!r} 元" for number in numbers]):
        np.testing.assert_array_equal(Number.read(cells).values, numbers)


@given(strategies.lists(strategies.integers(-(10**12), 10**12), max_size=20), strategies.sampled_from([",", "_"]))
def test_separators_change_no_number(numbers: list[int], separator: str) -> None:
    full_width = str.maketrans("0123456789,-", "０１２３４５６７８９，－")
    cells = [f"{number:,}" for number in numbers] if separator == "," else [f"{number:,}".translate(full_width) for number in numbers]
    np.testing.assert_array_equal(Number.read(cells).values, np.array(numbers, dtype=np.float64))


@given(strategies.lists(strategies.one_of(strategies.text(max_size=12), strategies.floats(), strategies.integers(), strategies.none(), strategies.booleans(),
                                          strategies.text("0123456789.,%-() 万亿¥e/:年月日", max_size=12), strategies.dates(), strategies.datetimes()), max_size=12))  # fmt: skip
def test_any_cell_is_a_value_or_missing_or_bad_and_a_cell_is_read_alike_alone(cells: list[Any]) -> None:
    for kind in (Number, Date):
        habit = kind.habit(cells)
        read = kind.read(cells)
        alone = [kind.read([cell], habit) for cell in cells]
        np.testing.assert_array_equal(read.values, [each.values[0] for each in alone])
        assert read.bad == [place for place, each in enumerate(alone) if each.bad]
        assert np.isnan(read.values[read.bad]).all() and not np.isinf(read.values).any()


# ---------------------------------------------------------------- dates

_DAY = (datetime.date(2024, 3, 5) - datetime.date(1970, 1, 1)).days


@pytest.mark.parametrize("cell", [
    "2024-03-05", "2024/3/5", "2024.03.05", "2024年3月5日", "２０２４年３月５日", "20240305", "5-Mar-24", "5 March 2024", "Mar 5, 2024", "Tue Mar 5 2024", "3/5/2024", "3/5/24",
    "45356", 45356, 45356.0, "45356.0", datetime.date(2024, 3, 5), datetime.datetime(2024, 3, 5), np.datetime64("2024-03-05"), " 2024-03-05 ",
])  # fmt: skip
def test_one_day_in_many_forms(cell: Any) -> None:
    assert Date.read([cell]).values.tolist() == [_DAY]


@pytest.mark.parametrize("cell", [
    "2024-03-05 18:00", "2024-03-05T18:00:00Z", "2024-03-05T18:00:00.000+08:00", "2024年3月5日18时0分", "2024/3/5 下午 6:00:00", "3/5/2024 6:00 PM", "20240305180000", "45356.75", 45356.75,
    datetime.datetime(2024, 3, 5, 18), datetime.datetime(2024, 3, 5, 18, tzinfo=datetime.UTC),
])  # fmt: skip
def test_one_time_in_many_forms(cell: Any) -> None:
    assert Date.read([cell]).values.tolist() == [_DAY + 0.75]


def test_three_styles_and_serials_stand_in_one_column() -> None:
    read = Date.read(["2024-03-05", "05/03/2024", "2024年3月5日", "45356", "31/01/2024"])
    assert read.values.tolist() == [_DAY, _DAY, _DAY, _DAY, _DAY - 34] and read.bad == []


def test_a_month_that_can_be_none_is_the_day_whatever_the_column_does() -> None:
    assert Date.read(["13/01/2024", "01/13/2024"]).values.tolist() == [19735.0, 19735.0]


def test_what_no_calendar_has_is_bad_and_what_says_nothing_is_missing() -> None:
    read = Date.read(["2024-02-30", "2024-13-01", "2024-01-01 25:00", "soon", "99999", 7, True, None, "", "0000-00-00", "无", float("nan")])
    assert read.bad == list(range(7)) and np.isnan(read.values).all()


@given(strategies.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2090, 1, 1)))
def test_times_that_python_writes_come_back(moment: datetime.datetime) -> None:
    cells = [moment, moment.isoformat(), str(moment), moment.strftime("%Y/%m/%d %H:%M:%S.%f"), moment.strftime("%Y年%m月%d日 %H:%M:%S.%f")]
    read = Date.read(cells)
    assert read.bad == [] and np.ptp(read.values) < 1e-9
    assert datetime.date(1970, 1, 1) + datetime.timedelta(math.floor(read.values[0])) == moment.date()


# ----------------------------------------------------------- categories

def test_categories_are_read_in_one_spelling() -> None:
    read = Category.read([" red", "ｒed", "", None, 1.0, True, "\ud800", float("nan")])
    assert read.values.tolist() == ["red", "red", "", "", "1", "true", "\ufffd", ""] and read.bad == []


@pytest.mark.parametrize("habit", [{"comma": False, "hundredth": False}, {"comma": True, "hundredth": True}])
def test_a_long_column_of_numbers_is_read_as_its_cells_are_alone(habit: dict[str, bool]) -> None:
    odd = ["12%", "1.5", "1,5", "1.234,5", "1'234", "1’234", "（１２０）", "(120)", "１２，３４５", "１２.5", "−7", "-7", "¥1,234", "3.2万", "12 kg", "", "无", "nan", "inf", "1e5", "1e400", "9" * 60, "9" * 61,
           "1\n2", " 8 ", ".5", "5.", "1_000", "٣", "1e151", "0x10", "+3", "$ 4", "5 元", "--1"]
    read, alone = Number.read(odd * 40, habit), [Number.read([cell], habit) for cell in odd]
    assert np.array_equal(read.values, np.concatenate([each.values for each in alone] * 40), equal_nan=True)
    assert read.bad == [i for i in range(40 * len(odd)) if alone[i % len(odd)].bad]


def test_a_clock_does_not_change_the_day_before_it_and_what_is_remembered_of_one_habit_is_not_told_to_another() -> None:
    days = ["2024-03-05", "2024/3/5", "2024年3月5日", "5-Mar-24", "Mar 5, 2024", "Tue, Mar 5 2024", "3/4/2024", "13/4/2024", "2024-02-30", "31.12.99", "2024年3月"]
    clocks = {"00:00": 0.0, "9:30": 9.5, "T18:00:00Z": 18.0, "下午 6:30": 18.5, "上午12点15分": 0.25, "6:00 PM": 18.0, "23:59:60": 24.0, "12:00:00.5+08:00": 12 + 0.5 / 3600, "25:00": None, "12:61": None}
    for day_first in (False, True, False):
        for day in days:
            for clock, hours in clocks.items():
                alone = parse_day(day, day_first=day_first)
                for blank in " \u3000\u00a0\t":
                    both = parse_day(f"{day}{'' if clock[0] == 'T' else blank}{clock}", day_first=day_first)
                    assert both == (None if alone is None or hours is None else pytest.approx(alone + hours / 24, abs=1e-9)), (day, clock)


# -------------------------------------------------------------- quickly

@pytest.mark.parametrize(("kind", "cells"), [
    (Number, [f"{number / 7:.3f}" for number in range(200_000)]), (Number, [f"¥{number:,}" for number in range(200_000)]), (Number, [number / 7 for number in range(200_000)]),
    (Date, [str(datetime.datetime(2020, 1, 1) + datetime.timedelta(minutes=number)) for number in range(200_000)]), (Date, [f"{1 + number % 12}/{1 + number % 28}/2024" for number in range(200_000)]),
    (Category, [f"town {number % 100_000}" for number in range(200_000)]),
])  # fmt: skip
def test_a_long_column_is_read_quickly(kind: Any, cells: list[Any]) -> None:
    start = time.process_time()
    assert kind.read(cells).bad == []
    assert time.process_time() - start < 4.0  # of one processor; idle, a fifth of a million cells take less than half a second


def test_one_cell_without_the_sign_is_enough_to_make_per_cents_hundredths() -> None:
    assert number_habit(["12%"] * 1_000 + ["1.5"]) == {"comma": False, "hundredth": True}
    assert number_habit(["12%"] * 1_000) == {"comma": False, "hundredth": False}
