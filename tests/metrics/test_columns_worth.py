"""What each column is worth: a column that tells is seen to, one that does not is not."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from startlm.metrics.columns_worth import columns_worth

RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 2, 800)
COLUMNS: dict[str, Sequence[Any]] = {
    "subject": [f"{'refund' if label else 'parcel'} {i}" for i, label in enumerate(TRUTH)],
    "noise": RNG.integers(0, 9, 800).tolist(),
    "hint": [int(label) if RNG.random() < 0.6 else 1 - int(label) for label in TRUTH],
}


def by_subject(columns: dict[str, Sequence[Any]]) -> np.ndarray:
    return np.array([text.startswith("refund") for text in columns["subject"]]).astype(np.int64)


def test_the_column_that_tells_everything_is_worth_what_guessing_loses() -> None:
    worth = columns_worth(by_subject, COLUMNS, TRUTH, seed=0)
    assert 0.4 < worth["subject"].low < worth["subject"].value < worth["subject"].high < 0.6 and worth["subject"].n == 800
    assert list(worth) == ["subject", "noise", "hint"] and worth["subject"].name == "worth"


def test_a_column_that_nothing_is_read_from_is_not_shown_to_be_worth_anything() -> None:
    for name in ("noise", "hint"):
        figure = columns_worth(by_subject, COLUMNS, TRUTH, seed=1)[name]
        assert figure.value == 0.0 and figure.low < 0 < figure.high, "an interval of no width would claim to know"


def test_every_row_gets_the_value_of_another_row() -> None:
    given: list[dict[str, Sequence[Any]]] = []
    columns_worth(lambda columns: given.append(columns) or TRUTH, {"row": list(range(800))}, TRUTH, seed=2)  # type: ignore[func-returns-value]
    assert sorted(given[1]["row"]) == given[0]["row"] == list(range(800)) and np.all(np.array(given[1]["row"]) != np.arange(800))


def test_the_same_seed_gives_the_same_figures_and_nothing_given_is_changed() -> None:
    before = {name: list(values) for name, values in COLUMNS.items()}
    assert columns_worth(by_subject, COLUMNS, TRUTH, seed=3) == columns_worth(by_subject, COLUMNS, TRUTH, seed=3) and before == COLUMNS


def test_an_array_stays_an_array() -> None:
    given: list[Any] = []
    columns_worth(lambda columns: given.append(columns["age"]) or TRUTH, {"age": RNG.normal(size=800)}, TRUTH, seed=4)  # type: ignore[func-returns-value]
    assert [each.dtype for each in given] == [np.float64] * 2 and not np.array_equal(*given)


def test_ten_rows_give_no_figure() -> None:
    few = {name: values[:10] for name, values in COLUMNS.items()}
    assert columns_worth(by_subject, few, TRUTH[:10], seed=0)["subject"].value is None
