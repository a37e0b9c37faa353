"""A column of several labels a cell is found by what its parts do, and nothing else is taken for one."""

from __future__ import annotations

import json
import random

import pytest

from startlm.columns.several import find_several

rng = random.Random(5)
NAMES = ["refund", "delivery", "praise", "invoice", "size"]
SETS = [rng.sample(NAMES, rng.choice((1, 1, 2, 3))) for _ in range(200)]
CITIES = {"New York": "NY", "Buffalo": "NY", "Albany": "NY", "Austin": "TX", "Dallas": "TX", "Houston": "TX"}


@pytest.mark.parametrize("separator", [";", "；", "|", "、", ",", "，", "/"])
@pytest.mark.parametrize("space", ["", " "])
def test_cells_made_of_the_same_names_hold_several_labels(separator: str, space: str) -> None:
    found = find_several([f"{separator}{space}".join(names) for names in SETS])
    assert found is not None and (found.separator, found.names) == (separator, 5) and 0.3 < found.share < 0.7
    assert repr(separator) in found.said("topics").en and "topics" in found.said("topics").zh


def test_a_separator_in_both_widths_is_one_and_its_commoner_spelling_is_told() -> None:
    found = find_several(["；".join(names) if number % 5 else ";".join(names) for number, names in enumerate(SETS)])
    assert found is not None and (found.separator, found.names) == ("；", 5)


def test_a_cell_that_names_a_label_twice_hides_nothing() -> None:
    found = find_several(["; ".join(names) for names in SETS] + ["refund; refund"])
    assert found is not None and found.separator == ";"


def test_names_in_alphabetical_order_are_found_too() -> None:
    found = find_several(["; ".join(sorted(names)) for names in SETS])
    assert found is not None and found.separator == ";"


def test_cells_that_are_lists_need_no_separator() -> None:
    found = find_several([json.dumps(names) for names in SETS])
    assert found is not None and found.separator is None and found.names == 5


@pytest.mark.parametrize("cells", [
    [f"{city}, {CITIES[city]}" for city in rng.choices(list(CITIES), k=200)],
    [f"{rng.choice(('Smith', 'Jones', 'Brown'))}, {rng.choice(('Mary', 'John', 'Ann'))}" for _ in range(200)],
    [f"{rng.randrange(1, 13)}/{rng.randrange(1, 5)}/2024" for _ in range(200)],
    [f"{rng.randrange(1, 4)},{rng.randrange(100, 103)}" for _ in range(200)],
    [rng.choice(("Tea/Green", "Tea/Black", "Cups/Clay", "Cups/Glass", "Tea/White/Old")) for _ in range(200)],
    [f"Hello, where is my parcel {number}, please" for number in range(200)],
    [rng.choice(NAMES) for _ in range(200)],
    [rng.choice(("yes", "no", "n/a")) for _ in range(200)],
    ["refund; delivery"] * 100 + ["praise"] * 100,
    ["refund; delivery", "delivery", "refund"] * 5,
], ids=["city and state", "last and first name", "dates", "thousands", "paths", "sentences", "one label", "n/a", "always together", "too few rows"])
def test_what_is_no_set_of_labels_is_not_taken_for_one(cells: list[str]) -> None:
    assert find_several(cells) is None
