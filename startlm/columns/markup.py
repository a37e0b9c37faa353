"""HTML out of text, in linear time.

What counts as a tag: `<`, a name from the closed lists below, then nothing or attributes of which the first has a
`=`, then `>`. So `<b>`, `</p>` and `<a href="x">` go, while `<荐书> 推荐`, `a < b` and `if a<b and c>d` stay.
Entities count with their semicolon only (`&lt;`, not the `&lt` of a link's `?a=1&lt=3`).

What a removal leaves may be a tag again (`<<b>b>`, `&amp;lt;`, `&lt;b&gt;`). The result never holds one, so nothing
is left over for a second cleaning: the plain ones go by search, and where that lays bare others, one pass from left
to right judges each `>` and each `;` against what was kept before it.
"""

from __future__ import annotations

import re
from html import unescape
from html.entities import html5
from itertools import accumulate, repeat
from typing import Callable, Mapping

BREAKING_TAGS = frozenset(
    "address article aside blockquote body br center dd div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6 head"
    " header hr html li main nav ol option p pre section table tbody td tfoot th thead title tr ul".split()
)
"""Tags that part words: a space stands in their place."""

INLINE_TAGS = frozenset(
    "a abbr acronym audio b bdi bdo big button canvas caption cite code col colgroup data del details dfn em embed"
    " fieldset font iframe i img input ins kbd label legend link map mark meta noscript object optgroup param picture"
    " q rp rt ruby s samp script select small source span strike strong style sub summary sup svg template"
    " textarea time track tt u var video wbr".split()
)
"""Tags inside a line: nothing stands in their place."""

Edit = tuple[int, int, str]
"""From, to, and what stands there instead."""

_SILENT_TAGS = frozenset({"script", "style"})  # what stands between them is not for reading

_entity = re.compile("&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# ≮ and ≯ are what Unicode's composition makes of < and > with a stroke: without them here, composing could make a tag.
# No quantifier gives back what it took (`*+`): a text of 100 kB cannot make the search slow.
_tag = re.compile(
    r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9]{0,9}+)(?:\s++[A-Za-z_:@][A-Za-z0-9_:@.\-]*+\s*+=[^<>≮≯]*+|\s*+/?)>"
    r"|<!--[^<>≮≯]*+(?<=--)>|<![Dd][Oo][Cc][Tt][Yy][Pp][Ee](?:\s[^<>≮≯]*+)?>"
)
_pieces = re.compile("[<>&;]|[^<>&;]+")


class Meanings(dict[str, str]):
    """What each entity stands for, settled; the entity itself where it is none.

    `settle` gives the clean form of a character (a full-width letter's narrow one, nothing for a control character), so
    that what an entity stood for cannot complete a tag later.
    """

    def __init__(self, settle: Callable[[str], str]) -> None:
        super().__init__()
        self.settle = settle

    def __missing__(self, entity: str) -> str:
        if not _entity.fullmatch(entity):
            return entity
        meaning = unescape(entity) if entity[1] == "#" else html5.get(entity[1:])
        settled = entity if meaning is None else "".join(map(self.settle, meaning))
        if len(self) < 10_000:  # all names there are, and room for numbers
            self[entity] = settled
        return settled


def find_entities(text: str, meanings: Mapping[str, str]) -> list[Edit]:
    """The entities of the text and what they stand for."""
    if "&" not in text:
        return []
    found = ((match.start(), match.end(), match[0]) for match in _entity.finditer(text))
    return [(start, end, meanings[entity]) for start, end, entity in found if meanings[entity] != entity]


def find_tags(text: str) -> list[Edit]:
    """The tags of the text and what takes their place; script and style with what they enclose."""
    edits: list[Edit] = []
    if "<" not in text:
        return edits
    silent: dict[str, int] = {}  # how many edits stood before the last <script>, <style>
    for match in _tag.finditer(text):
        name = (match["name"] or "").lower()
        start, end = match.span()
        if name in BREAKING_TAGS:
            edits.append((start, end, " "))
        elif name in INLINE_TAGS or not name:
            if name in _SILENT_TAGS:
                if not match["end"]:
                    silent[name] = len(edits)
                elif silent.get(name, len(edits)) < len(edits):
                    start = edits[silent[name]][0]
                    del edits[silent[name] :]
                    silent.clear()
            edits.append((start, end, ""))
    return edits


Piece = tuple[str, int, bool]
"""Some text, where in the source it comes from, and whether it stands there itself or took the place of what did."""


def reduce_markup(text: str, meanings: Mapping[str, str]) -> list[Piece]:
    """The pieces that stay when also those tags and entities go that removals lay bare."""
    kept: list[Piece] = []
    opened: list[int] = []  # pieces that are a `<` which may still begin a tag
    amps: list[int] = []  # pieces that are a `&` which may still begin an entity
    tags: dict[str, str] = {}
    parts = _pieces.findall(text)
    todo: list[Piece] = list(zip(parts, accumulate(map(len, parts), initial=0), repeat(True)))[::-1]
    while todo:
        piece = todo.pop()
        kept.append(piece)
        sign = piece[0]
        if sign == "<":
            opened.append(len(kept) - 1)
        elif sign == "&":
            amps.append(len(kept) - 1)
        elif sign == ">" and opened or sign == ";" and amps:
            stack = opened if sign == ">" else amps
            start = stack[-1]
            source = "".join([each[0] for each in kept[start:]])
            if sign == ">":
                new = tags[source] if source in tags else tags.setdefault(source, _meaning_of_tag(source))
            else:
                new = meanings[source]
            if new == source:
                stack.clear()  # whatever began before holds this sign now, and is none
                continue
            stack.pop()
            while amps and amps[-1] > start:  # in an attribute of the tag
                amps.pop()
            if new:
                origin = kept[start][1]
                todo += [(each, origin, False) for each in new[::-1]]
            del kept[start:]
    return kept


def _meaning_of_tag(source: str) -> str:
    match = _tag.fullmatch(source)
    name = (match["name"] or "").lower() if match else ""
    if not match or (name and name not in BREAKING_TAGS and name not in INLINE_TAGS):
        return source
    return " " if name in BREAKING_TAGS else ""
