"""report.html of numbers in real Chromium: quiet, offline, no sideways scroll on a phone, both languages, nothing cut off."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import DESK, OUTSIDE, PHONE, SMALLEST, Opened, check_fits_a_phone, check_headline_is_seen
from toy_numbers import content_of, next_steps

from startlm.core.report_numbers import numbers_page

pytestmark = [pytest.mark.browser, pytest.mark.loopback]  # playwright speaks to its own driver

LONG = "a_column_whose_name_is_much_too_long_for_any_telephone_of_this_world_or_the_next"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A good report, one of prices, one that is not better than the baseline, one of ten rows, one with too few of some numbers, one with leaks and a long name, and one that says what to do next."""
    good = content_of(900)
    contents = {"good": good, "prices": content_of(900, skewed=True, name="price"), "bad": content_of(300, noise=30.0), "few": content_of(10), "thin": content_of(120),
                "long": content_of(900, name=LONG, figures_clean=good["figures"], unused=[LONG]),
                "next": content_of(900, **next_steps(900)), "next_long": content_of(900, **next_steps(900, column=LONG))}  # fmt: skip
    folder = tmp_path_factory.mktemp("reports")
    for name, content in contents.items():
        (folder / f"{name}.html").write_text(numbers_page(content), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in contents}


@pytest.mark.parametrize(("name", "scheme"), [("good", "light"), ("prices", "dark"), ("bad", "dark"), ("few", "light"), ("long", "light"), ("next", "dark"), ("next_long", "light")])
def test_the_report_is_quiet_asks_for_nothing_and_fits_a_phone(chromium, reports, name, scheme):
    check_fits_a_phone(chromium, reports[name], scheme)


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_the_headline_is_seen_without_scrolling(chromium, reports, size):
    for name in ("good", "bad", "few"):
        check_headline_is_seen(chromium, reports[name], size)


def test_words_in_pictures_change_with_the_language(chromium, reports):
    opened = Opened(chromium, reports["good"], locale="zh-CN")
    assert opened.visible("zh") and opened.page.locator("svg tspan.zh").first.is_visible()
    opened.page.locator("label[for=en]").click()
    assert opened.visible("en") and not opened.page.locator("svg tspan.zh").first.is_visible()


@pytest.mark.parametrize(("name", "pictures"), [("good", 3), ("prices", 3), ("long", 3), ("next", 4), ("thin", 3)])
def test_text_in_pictures_is_large_enough_on_a_phone_and_nothing_is_cut_off(chromium, reports, name, pictures):
    sizes = Opened(chromium, reports[name]).page.evaluate(SMALLEST)
    assert len(sizes) == pictures and min(sizes) >= 11
    assert Opened(chromium, reports[name], viewport=DESK).page.evaluate(OUTSIDE) == []
