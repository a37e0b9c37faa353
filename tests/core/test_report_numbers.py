"""report.html of numbers: the verdict first, every figure in the target's own unit, text from the data stays text, report.json keeps its schema."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from startlm.core.amounts import amount, between
from startlm.core.number_pictures import answers_picture
from startlm.core.report_numbers import numbers_page
from outline import Outline
from toy_numbers import content_of

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "report.schema.json"
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)> {name} @0@ \x00\ud800"


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    return content_of(900)


@pytest.fixture(scope="module")
def page(content: dict[str, Any]) -> str:
    return numbers_page(content)


def test_the_headline_comes_first_in_both_languages(content, page):
    words = Outline(page[page.index("<main>"):page.index("<footer>")]).words
    assert words.index(content["headline"]["en"]) < 100 and content["headline"]["zh"] in words


@pytest.mark.parametrize("changed", [{}, {"rows": 0}, {"rows": 10}, {"rows": 60}, {"skewed": True, "rows": 900}, {"noise": 0.0, "rows": 300}])
def test_every_report_is_a_whole_page(changed):
    page = numbers_page(content_of(**{"rows": 300, **changed}))
    closed = Outline(page)
    assert closed.open == [] and not re.search(r"\bNone\b|\bnan\b|\binf\b", closed.words)


def test_three_pictures_stand_beside_their_tables(page):
    assert page.count("<svg") == 3 and page.count("<table") >= 4
    for name in ("figures", "bins", "errors"):
        part = page.partition(f'<section class="{name}"')[2].partition("</section>")[0]
        assert "<svg" in part and "<table" in part


def test_errors_stand_in_the_targets_own_unit_and_shares_without_one():
    content = content_of(900, skewed=True)
    figures = {each["name"]: each for each in content["figures"]}
    page = numbers_page(content)
    assert f'<span class="value">{amount(figures["mae"]["value"])}</span>' in page and f"{figures['r2']['value']:.3f}" in page
    assert "log(1 + value)" in page and "log(1 + 值)" in page


def test_a_model_no_better_than_the_baseline_is_impossible_to_miss():
    bad = content_of(300, noise=30.0, name="stars")
    page = numbers_page(bad)
    assert not bad["better_than_baseline"] and 'class="verdict bad"' in page
    assert page.index("Do not use this model") < page.index("Not better than the baseline") < page.index("What to do next")
    assert "startlm deploy NAME" not in page and "<bdi>stars</bdi>" in page
    absolute = [{**rung, "loss": "absolute"} for rung in bad["ladder"]]
    assert "minimises what is judged" in page and "minimises what is judged" not in numbers_page(bad | {"ladder": absolute})


def test_the_ladder_shows_the_error_that_rungs_were_compared_by(content):
    for loss, head, figure in (("squared", "squared error on dev", 0.52), ("absolute", "absolute error on dev", 0.416), ("quantiles", "absolute error on dev", 0.416)):
        page = numbers_page(content | {"ladder": [{**rung, "loss": loss} for rung in content["ladder"]]})
        assert head in page and f"{figure:.3f}" in page and ("pinball" in page) == (loss == "quantiles")


def test_an_error_above_the_stated_one_is_said(content):
    assert "deploy refuses it" in numbers_page(content | {"maximum_mae": 0.01}) and "deploy refuses it" not in numbers_page(content | {"maximum_mae": 99.0})


def test_intervals_that_hold_too_little_are_a_thing_to_do(content):
    low = copy.deepcopy(content)
    low["interval"]["covered"] |= {"value": 0.5, "low": 0.4, "high": 0.6}
    said = "Intervals were to hold the truth 90% of the time"
    assert said in numbers_page(low) and said not in numbers_page(content)
    assert "too few rows for an interval" in numbers_page(content | {"interval": content["interval"] | {"half_width": None}})


def test_leaked_rows_are_told_before_anything_else_is(content):
    clean = numbers_page(content | {"figures_clean": content["figures"]})
    assert clean.index("Believe the error without them") < clean.index("mistakes.csv") and clean.count("without leaked rows") == 2


def test_text_from_the_data_stays_text(content):
    evil = copy.deepcopy(content)
    said = {"en": EVIL, "zh": EVIL}
    evil["target"] |= {"name": EVIL, "said": said}
    evil |= {"unused": [EVIL], "headline": said, "warnings": [said]}
    evil["cheapest"]["family"] = evil["ladder"][0]["family"] = EVIL
    page = numbers_page(evil)
    assert Outline(page).open == [] and page.count("<script>") == 1 and "<img" not in page and page.encode("utf-8")


def test_the_same_content_gives_the_same_bytes(content, page):
    assert numbers_page(json.loads(json.dumps(content))) == page


# ------------------------------------------------------------------ amounts

@pytest.mark.parametrize(("value", "like", "written"), [
    (0.52341, None, "0.523"), (6.04, None, "6.04"), (52.36, None, "52.4"), (1234.5, None, "1,234"), (2_500_000.0, None, "2,500,000"), (0.0, None, "0.00"),
    (-0.0004, 3.1, "0.00"), (2.5e12, None, "2.5e+12"), (3e-7, None, "3e-07"), (0.0312, 5.2, "0.03"), (-7.0, None, "-7.00"),
])  # fmt: skip
def test_an_amount_has_the_digits_that_matter(value, like, written):
    assert amount(value, like) == written


def test_a_bin_is_named_by_its_ends_or_its_only_value():
    assert (between(3.0, 4.25), between(7.0, 7.0), between(1000.0, 20000.0), between(0.5, 1.0, 6.0)) == ("3 – 4.25", "7", "1,000 – 20,000", "0.5 – 1")


# ------------------------------------------------------------------- schema

@pytest.mark.parametrize("changed", [{}, {"rows": 10}, {"skewed": True}, {"noise": 0.0}])
def test_a_report_of_numbers_keeps_the_published_schema(changed):
    from jsonschema import Draft202012Validator

    schema, content = json.loads(SCHEMA.read_text("utf-8")), content_of(**{"rows": 300, **changed})
    Draft202012Validator.check_schema(schema)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(json.dumps(content)))] == []
    for key in ("interval", "target", "figures", "maximum_mae"):
        assert not Draft202012Validator(schema).is_valid({name: value for name, value in content.items() if name != key})
    assert not Draft202012Validator(schema).is_valid(content | {"baseline": {"label": "a", "accuracy": 0.5}})


# ------------------------------------------------------------------ pictures

@pytest.mark.parametrize(("pairs", "shown"), [
    ([[30.0, 40.0], [7_000.0, 900.0]], {"30", "100", "300", "1,000", "3,000", "10,000"}),
    ([[1.0, 2.0], [1e9, 1e8]], {"1", "100", "10k", "1M", "100M"}),
    ([[0.2, 0.3], [0.25, 0.3]], {"0.2", "0.3"}),
])  # fmt: skip
def test_an_axis_of_a_skewed_target_shows_powers_of_ten(pairs, shown):
    numbers = set(re.findall(r">([\d.,]+[kM]?)</text>", answers_picture(pairs, logged=True)))
    assert shown <= numbers and len(numbers) <= 8
