"""What columns say of the split: whose rows belong together, which day is the newest, and what `new` proposes."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from startlm.columns.splits import days_of, propose_group, propose_time, same_value
from startlm.core.parts import NO_DAY


def test_days_are_read_from_texts_and_from_dates_as_databases_give_them() -> None:
    day = date(2024, 3, 5).toordinal()
    assert days_of(["2024-03-05", "2024年3月5日", datetime(2024, 3, 5, 8, 30), date(2024, 3, 5), "soon", None]).tolist() == [day, day, day, day, NO_DAY, NO_DAY]


def test_rows_with_one_value_are_linked_with_its_first_row_and_empty_ones_with_nothing() -> None:
    assert same_value(["a", "", "b", "a", "", "a"]).tolist() == [[0, 3], [0, 5]]
    assert same_value(["a", "b"]).shape == (0, 2)


def customers(rows: int, different: int) -> list[str]:
    return [f"C{number % different:04}" for number in range(rows)]


def test_the_identifier_of_persons_that_stands_in_many_rows_is_proposed_with_its_reason() -> None:
    columns = {"order_no": customers(600, 200), "customer": customers(600, 150), "sku": customers(600, 30), "id": customers(600, 600)}
    found = propose_group(columns, dict.fromkeys(columns, "identifier"))
    assert found is not None and found.column == "customer", "the fewer, larger groups of two that will do"
    assert "150 values with 4.0 rows each" in found.why.en and "平均每个 4.0 行" in found.why.zh


def test_no_group_is_proposed_of_things_of_single_rows_of_few_values_or_of_one_that_has_most_rows() -> None:
    for name, values in (("product_id", customers(600, 100)), ("客户编号", customers(600, 590)), ("user", customers(600, 12)), ("user", ["C1"] * 400 + customers(200, 60))):
        assert propose_group({name: values}, {name: "identifier"}) is None, name
    assert propose_group({"user": customers(600, 100)}, {"user": "category"}) is None


def test_a_column_of_dates_that_spans_weeks_is_spoken_of_and_a_birthday_or_one_day_is_not() -> None:
    days = [(date(2024, 1, 1) + timedelta(days=number % 40)).isoformat() for number in range(100)]
    found = propose_time({"birthday": days, "when": days}, {"birthday": "date", "when": "date"})
    assert found is not None and found.column == "when" and "from 2024-01-01 to 2024-02-09" in found.why.en and 'time_column = "when"' in found.why.zh
    assert propose_time({"when": ["2024-01-01 08:00"] * 100}, {"when": "date"}) is None
