"""report.html opened in real Chromium from the disk: quiet, offline, no sideways scroll on a phone, both languages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Iterator

import pytest
from toy_report import messages, report_of

from startlm.core.report_page import report_page

pytestmark = [pytest.mark.browser, pytest.mark.loopback]  # playwright speaks to its own driver

INSTALL = "apt-get install chromium && pip install 'startlm[dev]'"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1200, "height": 800}
LONG = "a_label_whose_name_is_much_too_long_for_any_telephone_of_this_world_or_the_next"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing = f"no Chromium to open the report with: {INSTALL}"
        (pytest.fail if os.environ.get("STARTLM_REQUIRE_DATA") else pytest.skip)(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


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


class _Opened:
    """A page opened, and whatever it said or asked for."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        for done in browser.contexts:
            done.close()
        self.page = browser.new_context(**{"viewport": PHONE, "locale": "en-US", **options}).new_page()
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.said.append(request.url) if request.url != path.as_uri() and not request.url.startswith("data:") else None)
        self.page.goto(path.as_uri())

    def width(self) -> int:
        return int(self.page.evaluate("document.scrollingElement.scrollWidth"))

    def visible(self, language: str) -> bool:
        return bool(self.page.locator(f"#headline .{language}").is_visible())


@pytest.mark.parametrize(("name", "scheme"), [("good", "light"), ("bad", "dark"), ("few", "light"), ("long", "dark")])
def test_the_report_is_quiet_asks_for_nothing_and_fits_a_phone(chromium, reports, name, scheme):
    opened = _Opened(chromium, reports[name], color_scheme=scheme)
    for language in ("zh", "en"):
        opened.page.locator(f"label[for={language}]").click()
        assert opened.width() <= PHONE["width"], language
    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert opened.width() <= PHONE["width"] and opened.said == []


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_the_headline_is_seen_without_scrolling(chromium, reports, size):
    for name in ("good", "bad", "few"):
        box = _Opened(chromium, reports[name], viewport=size).page.locator("#headline").bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= size["height"] / 2


@pytest.mark.parametrize(("locale", "first", "other"), [("zh-CN", "zh", "en"), ("en-GB", "en", "zh"), ("fr-FR", "en", "zh")])
def test_it_opens_in_the_browsers_language_and_switches(chromium, reports, locale, first, other):
    opened = _Opened(chromium, reports["good"], locale=locale)
    assert opened.visible(first) and not opened.visible(other)
    opened.page.locator(f"label[for={other}]").click()
    assert opened.visible(other) and not opened.visible(first)
    assert opened.page.evaluate("document.documentElement.lang") == other
    assert opened.page.locator(f"svg tspan.{other}").first.is_visible() and not opened.page.locator(f"svg tspan.{first}").first.is_visible()


def test_without_script_it_is_english_and_still_switches(chromium, reports):
    opened = _Opened(chromium, reports["good"], locale="zh-CN", java_script_enabled=False)
    assert opened.visible("en") and not opened.visible("zh")
    opened.page.locator("label[for=zh]").click()
    assert opened.visible("zh")


def test_text_in_pictures_is_no_smaller_than_eleven_pixels_on_a_phone(chromium, reports):
    smallest = """[...document.querySelectorAll('svg')].map(svg => Math.min(...[...svg.querySelectorAll('text')].map(text =>
        parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)))"""
    sizes = _Opened(chromium, reports["good"]).page.evaluate(smallest)
    assert len(sizes) >= 5 and min(sizes) >= 11


def test_nothing_in_a_picture_is_cut_off(chromium, reports):
    """Labels stay inside their drawing, in a font that this machine has."""
    outside = """[...document.querySelectorAll('svg')].flatMap(svg => { const box = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('text')].filter(text => { const own = text.getBoundingClientRect();
            return own.width && (own.left < box.left - 3 || own.right > box.right + 3 || own.top < box.top - 3 || own.bottom > box.bottom + 3); })
            .map(text => text.textContent); })"""
    for name in ("good", "long"):
        assert _Opened(chromium, reports[name], viewport=DESK).page.evaluate(outside) == []
