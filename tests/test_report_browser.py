"""report.html opened in real Chromium from the disk: quiet, offline, no sideways scroll on a phone, both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import DESK, OUTSIDE, PHONE, SMALLEST, Opened, check_fits_a_phone, check_headline_is_seen
from toy_report import messages, report_of

from startlm.core.report_page import report_page

pytestmark = [pytest.mark.browser, pytest.mark.loopback]  # playwright speaks to its own driver

LONG = "a_label_whose_name_is_much_too_long_for_any_telephone_of_this_world_or_the_next"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A good report, one that is not better than the baseline, one of ten rows, and one with long names."""
    good = report_of(messages(700, 1), hand_over="25%", minutes_per_row=3.0)
    lengthened = [{"team": row["team"].replace("money", LONG), "message": row["message"] + " x" * 9 + "y" * 120} for row in messages(500, 4)]
    long = report_of(lengthened)
    contents = {"good": good, "bad": report_of(messages(300, 2, wrong=1.0)), "few": report_of(messages(10, 3)), "long": long}
    folder = tmp_path_factory.mktemp("reports")
    for name, content in contents.items():
        (folder / f"{name}.html").write_text(report_page(content), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in contents}


@pytest.mark.parametrize(("name", "scheme"), [("good", "light"), ("bad", "dark"), ("few", "light"), ("long", "dark")])
def test_the_report_is_quiet_asks_for_nothing_and_fits_a_phone(chromium, reports, name, scheme):
    check_fits_a_phone(chromium, reports[name], scheme)


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_the_headline_is_seen_without_scrolling(chromium, reports, size):
    for name in ("good", "bad", "few"):
        check_headline_is_seen(chromium, reports[name], size)


@pytest.mark.parametrize(("locale", "first", "other"), [("zh-CN", "zh", "en"), ("en-GB", "en", "zh"), ("fr-FR", "en", "zh")])
def test_it_opens_in_the_browsers_language_and_switches(chromium, reports, locale, first, other):
    opened = Opened(chromium, reports["good"], locale=locale)
    assert opened.visible(first) and not opened.visible(other)
    opened.page.locator(f"label[for={other}]").click()
    assert opened.visible(other) and not opened.visible(first)
    assert opened.page.evaluate("document.documentElement.lang") == other
    assert opened.page.locator(f"svg tspan.{other}").first.is_visible() and not opened.page.locator(f"svg tspan.{first}").first.is_visible()


def test_without_script_it_is_english_and_still_switches(chromium, reports):
    opened = Opened(chromium, reports["good"], locale="zh-CN", java_script_enabled=False)
    assert opened.visible("en") and not opened.visible("zh")
    opened.page.locator("label[for=zh]").click()
    assert opened.visible("zh")


def test_text_in_pictures_is_no_smaller_than_eleven_pixels_on_a_phone(chromium, reports):
    sizes = Opened(chromium, reports["good"]).page.evaluate(SMALLEST)
    assert len(sizes) >= 5 and min(sizes) >= 11


def test_nothing_in_a_picture_is_cut_off(chromium, reports):
    """Labels stay inside their drawing, in a font that this machine has."""
    for name in ("good", "long"):
        assert Opened(chromium, reports[name], viewport=DESK).page.evaluate(OUTSIDE) == []
