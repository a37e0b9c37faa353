"""report.html of several labels a row in real Chromium: quiet, offline, no sideways scroll on a phone, both languages, nothing cut off."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import DESK, OUTSIDE, PHONE, SMALLEST, Opened, check_fits_a_phone, check_headline_is_seen
from toy_sets import content_of

from startlm.core.report_label_sets import label_sets_page

pytestmark = [pytest.mark.browser, pytest.mark.loopback]  # playwright speaks to its own driver


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A good report, one that is not better than the baseline, one of few rows, and one with long names."""
    folder = tmp_path_factory.mktemp("reports")
    for name in ("good", "bad", "few", "long"):
        (folder / f"{name}.html").write_text(label_sets_page(content_of(name)), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in ("good", "bad", "few", "long")}


@pytest.mark.parametrize(("name", "scheme"), [("good", "light"), ("bad", "dark"), ("few", "light"), ("long", "dark")])
def test_the_report_is_quiet_asks_for_nothing_and_fits_a_phone(chromium, reports, name, scheme):
    check_fits_a_phone(chromium, reports[name], scheme)


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_the_headline_is_seen_without_scrolling(chromium, reports, size):
    for name in ("good", "bad", "few"):
        check_headline_is_seen(chromium, reports[name], size)


def test_words_change_with_the_language_and_none_is_cut_off(chromium, reports):
    opened = Opened(chromium, reports["good"], locale="zh-CN")
    assert opened.visible("zh") and "阈值" in opened.page.locator("section.labels").inner_text()
    opened.page.locator("label[for=en]").click()
    assert opened.visible("en") and "threshold" in opened.page.locator("section.labels").inner_text()
    assert min(Opened(chromium, reports["good"]).page.evaluate(SMALLEST)) >= 11
    assert Opened(chromium, reports["long"], viewport=DESK).page.evaluate(OUTSIDE) == []
