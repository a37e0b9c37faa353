"""Pages in real Chromium, as tests see them: what a page says and asks for, how wide it is, which language it shows."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import pytest

INSTALL = "apt-get install chromium && pip install 'startlm[dev]'"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1200, "height": 800}


@contextmanager
def launched() -> Iterator[Any]:
    """Debian's Chromium; the test is skipped where there is none, and fails where everything is required."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing = f"no Chromium to open the page with: {INSTALL}"
        (pytest.fail if os.environ.get("STARTLM_REQUIRE_DATA") else pytest.skip)(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
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


# ------------------------------------------------------- what every report keeps

OUTSIDE = """[...document.querySelectorAll('svg')].flatMap(svg => { const box = svg.getBoundingClientRect();
    return [...svg.querySelectorAll('text')].filter(text => { const own = text.getBoundingClientRect();
        return own.width && (own.left < box.left - 3 || own.right > box.right + 3 || own.top < box.top - 3 || own.bottom > box.bottom + 3); })
        .map(text => text.textContent); })"""
"""The words of pictures that are cut off."""
SMALLEST = """[...document.querySelectorAll('svg')].map(svg => Math.min(...[...svg.querySelectorAll('text')].map(text =>
    parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)))"""
"""The smallest words of each picture, in pixels."""


def check_fits_a_phone(chromium: Any, path: Path, scheme: str) -> None:
    """Quiet, offline, and no wider than a phone in either language, with everything unfolded too."""
    opened = Opened(chromium, path, color_scheme=scheme)
    for language in ("zh", "en"):
        opened.page.locator(f"label[for={language}]").click()
        assert opened.width() <= PHONE["width"], language
    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert opened.width() <= PHONE["width"] and opened.said == []


def check_headline_is_seen(chromium: Any, path: Path, size: dict[str, int]) -> None:
    """In the upper half of the window, without scrolling."""
    box = Opened(chromium, path, viewport=size).page.locator("#headline").bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= size["height"] / 2
