"""The group of rows whose intervals hold the truth least often."""

from __future__ import annotations

import numpy as np

from startlm.metrics.interval_slices import least_covered
from startlm.metrics.slices import Cut


def test_the_group_that_is_held_least_often_is_named_with_its_own_interval() -> None:
    truth, shops = np.zeros(300), np.repeat(["north", "south", "east"], 100)
    high = np.where((shops == "south") & (np.arange(300) % 2 == 0), -1.0, 1.0)
    found = least_covered(truth, np.full(300, -2.0), high, [Cut("column", "shop", shops), Cut("language", "", ["en"] * 300)])
    assert (found.kind, found.column, found.value, found.covered.value, found.covered.n, found.looked_at) == ("column", "shop", "south", 0.5, 100, 4)
    assert found.covered.low < 0.5 < found.covered.high and found.to_json()["covered"]["method"] == "exact"


def test_groups_of_few_rows_are_not_looked_at() -> None:
    assert least_covered(np.zeros(40), np.ones(40), np.ones(40), [Cut("column", "shop", ["a"] * 19 + [""] * 21)]) is None
