"""What tells the label by itself: a column's values, one by one, or stretches of its numbers; and what merely helps is left in peace."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from startlm import prepare_examples
from startlm.tasks.give_aways import share_told, telling_values


def test_one_value_that_tells_is_found_though_the_others_say_nothing() -> None:
    rng = random.Random(0)
    labels = [rng.choice("ab") for _ in range(600)]
    values = ["closed" if label == "a" and rng.random() < 0.3 else "open" for label in labels]
    [found] = telling_values(values, labels)
    assert "'closed'" in found.said.en and found.rows == [i for i, value in enumerate(values) if value == "closed"]


def test_a_stretch_of_numbers_that_tells_is_found() -> None:
    rng = random.Random(0)
    days = [rng.uniform(0, 1_000) for _ in range(3_000)]
    labels = ["late" if day > 700 else rng.choice(["late", "in time"]) for day in days]
    found = telling_values([f"{day:.2f}" for day in days], labels)
    assert found and all(days[row] > 600 for each in found for row in each.rows)


def test_a_column_that_helps_is_not_named() -> None:
    rng = random.Random(0)
    labels = [rng.choice("ab") for _ in range(600)]
    values = [label if rng.random() < 0.75 else rng.choice("ab") for label in labels]
    assert telling_values(values, labels) == []


def test_a_value_of_the_commonest_label_is_not_named_for_that() -> None:
    labels = ["ham"] * 950 + ["spam"] * 50
    assert telling_values(["mail", "web"] * 500, labels) == []


@pytest.mark.parametrize(("values", "labels", "share"), [
    (["P", "M"] * 30, ["post", "money"] * 30, 1.0),  # another name for each label
    ([f"{i}.5" for i in range(60)], [f"{i}.5" for i in range(60)], 1.0),  # a copied number, though none repeats
    (["post", "money", ""] * 30, ["post", "money", None] * 30, 1.0),  # rows without a label tell nothing
    (["mail", "web"] * 500, ["ham"] * 995 + ["spam"] * 5, 0.0),  # right for 99.5 % of the rows, and for no spam
    (["mail"] * 995 + ["web"] * 5, ["ham"] * 995 + ["spam"] * 5, 1.0),
    (["mail", "web"] * 30, ["ham"] * 60, 0.0),  # one label: there is nothing to tell
    (["a", "b"] * 5, ["a", "b"] * 5, 0.0),  # too few rows
])  # fmt: skip
def test_the_share_a_column_tells_is_of_the_rows_that_have_a_label(values: list[str], labels: list[str | None], share: float) -> None:
    assert share_told(values, labels) == share


@pytest.mark.real_data
def test_columns_written_after_the_outcome_are_found_in_real_records_and_the_others_are_not(data_folder: Path) -> None:
    [path] = (data_folder / "compas").glob("*.csv")
    examples = prepare_examples(path, columns=("age: number", "sex: category", "c_charge_degree: category", "priors_count: number"), label="two_year_recid")
    said = " ".join(each["said"]["en"] for each in examples.meta["findings"] if each["kind"] == "gives_away")
    assert all(f"'{name}'" in said for name in ("is_recid", "is_violent_recid", "event", "end"))
    assert not any(f"'{name}'" in said for name in ("age", "sex", "race", "c_charge_degree", "priors_count", "decile_score", "juv_fel_count"))
