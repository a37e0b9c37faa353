"""Takes the pictures in docs/images anew, of pages about the sample company: `python docs/make_images.py` (needs Chromium; a minute or two)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests"))
from browser import DESK, PHONE, Opened, launched  # noqa: E402

SIZES = {"desk": DESK | {"height": 1750}, "phone": PHONE | {"height": 1700}}
COMMANDS = (
    "demo",
    "inspect demo/qingshan-tea/messages.csv -o inspect.html",
    "new ratings --data demo/qingshan-tea/reviews.csv --label rating --task score",
    "run ratings --budget 30s",
)
PAGES = {"report": "demo/messages/runs/*/report.html", "inspect": "inspect.html", "score": "ratings/runs/*/report.html"}


def make(folder: Path) -> None:
    """Every page of PAGES, at both sizes, in both languages."""
    for command in COMMANDS:
        subprocess.run([sys.executable, "-m", "startlm", *command.split()], cwd=folder, check=True)
    with launched() as browser:
        for name, pattern in PAGES.items():
            (page,) = folder.glob(pattern)
            for size, viewport in SIZES.items():
                opened = Opened(browser, page, viewport=viewport)
                for language in ("zh", "en"):
                    opened.page.locator(f"label[for={language}]").click()
                    opened.page.screenshot(path=DOCS / "images" / f"{name}-{size}-{language}.png")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        make(Path(temporary))
