"""The small pieces of a report's page: words in both languages, figures with their intervals, tables, the frame of the page."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

from .amounts import amounts_of
from .language import Said, say
from .pictures import escape, shortened

TEXT_LETTERS = 240  # half-width letters shown of a user's text

# The first language is the browser's; a click goes on to <html lang>; what is folded is printed too.
SCRIPT = """
const radios = document.querySelectorAll('.switch');
const speak = () => { document.documentElement.lang = document.getElementById('zh').checked ? 'zh' : 'en'; };
if ((navigator.languages[0] || navigator.language || '').toLowerCase().startsWith('zh')) document.getElementById('zh').checked = true;
for (const radio of radios) radio.addEventListener('change', speak);
speak();
addEventListener('beforeprint', () => { for (const each of document.querySelectorAll('details')) each.open = true; });
"""


def both(said: Said | Mapping[str, str]) -> str:
    """A sentence in both languages, one of which is shown."""
    words = said._asdict() if isinstance(said, Said) else said
    return f'<span class="en" lang="en">{escape(words["en"])}</span><span class="zh" lang="zh">{escape(words["zh"])}</span>'


def marked(said: Said, **parts: str) -> str:
    """A sentence in both languages with markup at its {names}."""
    return "".join(f'<span class="{name}" lang="{name}">{escape(words).format(**parts)}</span>' for name, words in said._asdict().items())


def of_the_user(text: str, letters: int = TEXT_LETTERS) -> str:
    """A text from the data: escaped, shortened, its writing direction kept to itself; a line may break after _."""
    return f"<bdi>{escape(shortened(text, letters)).replace('_', '_<wbr>')}</bdi>"


def code(text: str) -> str:
    """A setting or a command, to be typed."""
    return f"<code>{escape(text)}</code>"


# -------------------------------------------------------------------- figures


def percent(share: float) -> str:
    """0.923 as "92.3 %", with a space that does not break."""
    return f"{100 * share:.1f}\u00a0%"


def value_of(figure: Mapping[str, Any], unit: str = "share") -> str:
    """The bare value: a `share` in per cent, `points` with a sign, a `number`, `hours`, or an `amount` in the user's unit; "not enough data" where there is none."""
    if figure["value"] is None:
        return f'<span class="none">{both(say("not enough data", "数据不够"))}</span>'
    if unit == "amount":
        return f'<span class="value">{amounts_of(figure)[0]}</span>'
    plain = {
        "share": percent(figure["value"]),
        "points": f"{100 * figure['value']:+.1f}",
        "number": f"{figure['value']:.3f}",
        "hours": f"{figure['value']:.1f}",
    }
    return f'<span class="value">{plain[unit]}</span>'


def range_of(figure: Mapping[str, Any], unit: str = "share") -> str:
    """The interval in brackets; where there is none, how many rows there were."""
    if figure["value"] is None or figure["low"] is None:
        rows = f"{figure['n']:,}"
        return f'<span class="range">{both(say(f"({rows} rows)", f"（{rows} 行）"))}</span>'
    if unit == "amount":
        return '<span class="range">[{1}, {2}]</span>'.format(*amounts_of(figure))
    times, digits, sign = {"share": (100, 1, ""), "points": (100, 1, "+"), "number": (1, 3, ""), "hours": (1, 1, "")}[unit]
    low, high = (f"{times * figure[end]:{sign}.{digits}f}" for end in ("low", "high"))
    return f'<span class="range">[{low}, {high}]</span>'


def with_range(figure: Mapping[str, Any], unit: str = "share") -> str:
    """ "92.3 % [91.0, 93.4]" or "not enough data (10 rows)"."""
    return f"{value_of(figure, unit)} {range_of(figure, unit)}"


def tile(what: Said, figure: Mapping[str, Any], unit: str = "share") -> str:
    """One large number with its interval."""
    none = " none" if figure["value"] is None else ""
    return f'<li><span class="what">{both(what)}</span><span class="value{none}">{value_of(figure, unit)}</span>{range_of(figure, unit)}</li>'


# --------------------------------------------------------------------- blocks


def section(name: str, title: Said, *inside: str) -> str:
    """A part of the page under its heading; `name` is its class and anchor."""
    return f'<section class="{name}" aria-labelledby="{name}"><h2 id="{name}">{both(title)}</h2>{"".join(inside)}</section>'


def lead(said: Said) -> str:
    """A paragraph that explains."""
    return f'<p class="lead">{both(said)}</p>'


def table(head: Sequence[Said], rows: Iterable[tuple[str, Sequence[str]]], numbers: Sequence[int] = ()) -> str:
    """A table in a box that scrolls by itself: rows are (class, cells as markup); columns in `numbers` are set right."""
    align = [' class="number"' if i in numbers else (' class="name"' if i == 0 else "") for i in range(len(head))]
    top = "".join(f"<th{kind}>{both(said)}</th>" for kind, said in zip(align, head, strict=True))
    body = "".join(f'<tr class="{name}">{"".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(align, cells, strict=True))}</tr>' for name, cells in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def folded(summary: Said, inside: str, is_open: bool = False) -> str:
    """Something for those who want to know more."""
    return f"<details{' open' if is_open else ''}><summary>{both(summary)}</summary>{inside}</details>"


def picture(svg: str, key: Sequence[tuple[str, Said]] = ()) -> str:
    """A drawing in a box that scrolls by itself, with what its marks mean."""
    items = "".join(f'<li><i class="{mark}"></i>{both(said)}</li>' for mark, said in key)
    return f'<figure><div class="scroll">{svg}</div>{f"<figcaption><ul class=key>{items}</ul></figcaption>" if key else ""}</figure>'


def pair(left: str, right: str) -> str:
    """A picture with its words beside it; on a phone, below it."""
    return f'<div class="pair"><div>{left}</div><div>{right}</div></div>'


# ----------------------------------------------------------------------- page


def page_of_sections(sections: Iterable[str]) -> str:
    """The page of a report: its sections, less the empty ones, and what its intervals are."""
    said = say("Intervals are 95 %: exact where a figure is a share of rows, else by bootstrap. Every number of this page stands in report.json.",
               "区间均为 95%：比例用精确区间，其余用自助法。本页所有数字都在 report.json 里。")
    return whole_page("\n".join(filter(None, sections)), both(said))


def whole_page(body: str, bottom: str, title: Said = say("report", "评估报告")) -> str:
    """The page around its main part: nothing is loaded, and no other script runs than ours."""
    style = Path(__file__).with_name("report_page.css").read_text(encoding="utf-8")
    fingerprint = b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{fingerprint}'; base-uri 'none'; form-action 'none'"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>StartLM: {title.en} · {title.zh}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<input class="switch" type="radio" name="language" id="en" aria-label="English" autocomplete="off" checked>
<input class="switch" type="radio" name="language" id="zh" aria-label="中文" autocomplete="off">
<header><span class="name">StartLM <span class="small">{both(title)}</span></span>
<div class="languages"><label for="en" lang="en">English</label><label for="zh" lang="zh">中文</label></div></header>
<main>
{body}
</main>
<footer>{bottom}</footer>
<script>{SCRIPT}</script>
</body>
</html>
"""
