"""Which rungs a budget pays for, and for how long."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from startlm.core.contracts import Facts, Labelled, Recipe
from startlm.core.descent_plan import DescentPlan
from startlm.core.recipes import TEACHER, TEACHES
from startlm.families.bag import Bag
from startlm.families.network import Timed, time_network
from startlm.families.prices import Price, Reading, dealt, enough_for

READ = ("vectors",)


def price(family: str, least: float, whole: float | None = None, reading: float = 0.0, **options: Any) -> Price:
    recipe = Recipe(family, "", "", options=options)
    return Price(recipe, least, least if whole is None else whole, lambda _: recipe, Reading(READ, reading) if reading else Reading())


def seconds(prices: list[Price], there: float) -> list[float | None]:
    return [None if share.seconds is None else pytest.approx(share.seconds) for share in dealt(prices, there)]


def test_every_rung_has_the_least_it_asks_for_before_any_has_more() -> None:
    assert seconds([price("linear", 10), price("bag", 20, 60), price("convolution", 30, 90)], 60) == [10, 20, 30]


def test_what_is_left_raises_all_to_one_level_and_none_above_what_it_asks_for() -> None:
    rungs = [price("linear", 10), price("bag", 10, 30), price("convolution", 20, 90)]
    assert seconds(rungs, 60) == [10, 25, 25]
    assert seconds(rungs, 100) == [10, 30, 60]
    assert seconds(rungs, 1000) == [10, 30, 90]


def test_rungs_on_weights_are_paid_before_those_that_are_cheaper() -> None:
    """As on chnsenticorp: a frozen encoder fits if it comes first, and what it leaves pays for one of the others."""
    rungs = [price("linear", 20), price("bag", 30, 80), price("convolution", 60, 120), price("pretrained", 350), price("tuned", 600, 1800)]
    assert seconds(rungs, 410) == [20, 40, None, 350, None]


def test_a_rough_price_is_no_reason_to_leave_a_rung_out() -> None:
    rungs = [price("linear", 10), price("bag", 20, 40), replace(price("trees", 90), rough=True)]
    assert seconds(rungs, 60) == [10, None, 50] and seconds(rungs, 130) == [10, 30, 90]


def test_what_two_rungs_read_alike_is_paid_for_once() -> None:
    rungs = [price("linear", 10), price("static", 5, reading=100.0), price("pretrained", 20, reading=90.0)]
    assert seconds(rungs, 130) == [10, 5, 110]
    assert seconds(rungs[:2], 130) == [10, 105]


def test_lstm_has_what_the_others_leave_of_what_they_ask_for() -> None:
    rungs = [price("linear", 10), price("lstm", 10, 40), price("bag", 10, 50)]
    assert seconds(rungs, 65) == [10, None, 50 + 5 - 5], "bag is raised first; five seconds are too few"
    assert seconds(rungs, 80) == [10, 20, 50]


def test_the_first_is_trained_for_as_long_as_there_is_time() -> None:
    assert [tuple(share) for share in dealt([price("tuned", 100, 300)], 60)] == [(60, 100, 60)]


@pytest.mark.parametrize("teacher", ["pretrained", "lstm", "bag"])
@pytest.mark.parametrize("pupil", ["tuned", "lstm", "convolution"])
def test_a_teacher_is_paid_before_its_pupil(teacher: str, pupil: str) -> None:
    rungs = [price(pupil, 10), price(teacher, 50, **{TEACHES: pupil}), price(pupil, 20, **{TEACHER: teacher})]
    assert seconds(rungs, 80) == [10, 50, 20] and seconds(rungs, 65) == [10, 50, None]


def test_a_pupil_is_nothing_without_its_teacher() -> None:
    rungs = [price("tuned", 10), price("pretrained", 50, **{TEACHES: "tuned"}), price("tuned", 20, **{TEACHER: "pretrained"})]
    assert seconds(rungs, 40) == [10, None, None] and dealt(rungs, 40)[2].need == 70


@given(st.lists(st.tuples(st.sampled_from(["bag", "convolution", "lstm", "static", "pretrained", "tuned"]), st.floats(0.1, 500), st.floats(1, 4), st.floats(0, 100)), min_size=1, max_size=6),
       st.floats(1, 1500))  # fmt: skip
def test_no_more_is_dealt_than_there_is_and_what_would_suffice_does(asked: list[tuple[str, float, float, float]], there: float) -> None:
    rungs = [price(family, least, least * more, reading) for family, least, more, reading in asked]
    shares = dealt(rungs, there)
    assert sum(share.seconds or 0 for share in shares) <= there + 1e-6
    for number, share in enumerate(shares):
        assert share.seconds is None or number == 0 or share.seconds >= share.need - 1e-6
        if share.need > share.there:
            enough = dealt(rungs, enough_for(number, rungs, there))
            assert all(enough[each].need <= enough[each].there for each, now in enumerate(shares) if each == number or now.seconds is not None)


@pytest.mark.parametrize(("there", "steps"), [(1000.0, 100), (45.0, 40), (1.0, 25)])
def test_a_network_is_shortened_to_the_time_and_never_below_one_pass(there: float, steps: int) -> None:
    timed = Timed(Recipe("bag", "", "", options={"epochs": 4}), DescentPlan(steps=100, stop=100, batch_tokens=1), 34, 1.0, 5.0)
    recipe = timed.within(there)
    assert (recipe.options["descent"]["steps"], recipe.options["descent"]["stop"], recipe.options["seconds"]) == (steps, steps, steps + 5.0)
    assert (timed.least, timed.whole) == (39.0, 105.0)


def test_the_price_of_a_network_counts_what_its_engines_then_answer() -> None:
    """As long as 1.5 passes over those rows; they are twice as many as those it learns from."""
    rows = Labelled([f"parcel {number}" for number in range(60)], np.arange(60) % 2)
    recipe = Bag.recipe(Facts(rows=60, labels=2, mean_length=2, length_99=2, chinese=0.0), "small")
    timed = time_network(Bag, recipe, rows, 2, seed=0, threads=1, answered=120)
    a_pass = timed.descent.steps / recipe.options["epochs"]
    assert timed.closing >= 2 * 1.5 * a_pass * timed.step and timed.least == timed.steps * timed.step + timed.closing
