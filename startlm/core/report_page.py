"""report.html: one file, offline, Chinese and English. (First form: the figures; the pictures follow.)"""

from __future__ import annotations

import html
from typing import Any, Mapping


def report_page(content: Mapping[str, Any]) -> str:
    """The page of one report."""
    lines = [f"<p>{html.escape(content['headline'][language])}</p>" for language in ("en", "zh")]
    return "<!doctype html><meta charset=utf-8><title>StartLM</title>" + "".join(lines)
