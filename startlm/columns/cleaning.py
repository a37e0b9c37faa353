"""How texts and labels are cleaned, with a map back to the original, and how several columns become one text.

>>> CleanSettings().cleaner.clean("  I&apos;m <b>late</b>,\\u200b  sorry ").text
"I'm late, sorry"
>>> join_columns({"subject": "Card", "body": "Where is it?"}, ["subject", "body"])
'subject: Card\\nbody: Where is it?'
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from typing import Any, Callable, Mapping, NamedTuple, Sequence

from . import as_text
from .markup import Edit, Meanings, find_entities, find_tags, reduce_markup


@dataclass(frozen=True)
class CleanSettings:
    """How texts are cleaned, in prepare and again, in the same way, in predict. All of it is on unless a project says no."""

    surrogates: bool = True
    """Replace halves of broken characters (lone surrogates) by the replacement character U+FFFD.

    把残缺字符（落单的代理码位）换成替换字符 U+FFFD。"""

    control: bool = True
    """Remove control characters, zero-width characters and marks of writing direction; composed emoji stay whole.

    去掉控制字符、零宽字符和书写方向标记；组合表情保持完整。"""

    width: bool = True
    """Turn full-width letters, digits and spaces into ordinary ones; Chinese punctuation stays as it is.

    全角字母、数字和空格变成半角；中文标点保持原样。"""

    unicode_form: bool = True
    """Bring characters that can be written in several ways into one form (Unicode NFC).

    同一个字符的不同写法统一成一种（Unicode NFC）。"""

    html: bool = True
    """Remove HTML tags (only names that HTML knows) and turn entities such as &amp; into their characters.

    去掉 HTML 标签（只认 HTML 自己的标签名），把 &amp; 这类实体变成原来的字符。"""

    white_space: bool = True
    """Fold every run of white space, line breaks too, into one space; none at the start and the end.

    连续的空白（包括换行）合成一个空格，首尾不留空白。"""

    @cached_property
    def cleaner(self) -> _Cleaner:
        """The rules, made once: it is asked for every text."""
        return _Cleaner(self)


class Cleaned(NamedTuple):
    """A cleaned text. `original_offset` reads `spans`; `changed` holds the names of the settings that changed something.

    spans: None where every character stands where it stood; else pairs, flat: a place in the cleaned text and the
    place in the original from which the characters up to the next pair are counted on.
    """

    text: str
    spans: tuple[int, ...] | None
    changed: frozenset[str]


def original_offset(cleaned: Cleaned, i: int) -> int:
    """The index, in the original, of what the cleaned text's character `i` came from. Never falls as `i` rises.

    Raises IndexError for an `i` outside the cleaned text.
    """
    if not 0 <= i < len(cleaned.text):
        raise IndexError(i)
    spans = cleaned.spans
    if spans is None:
        return i
    pair = bisect_right(range(len(spans) // 2), i, key=lambda k: spans[2 * k]) - 1
    return spans[2 * pair + 1] + i - spans[2 * pair]


# ------------------------------------------------------------- the rules
# A rule takes a text and `where`, each character's index in the original (None: nobody asked), and gives both back.

_Where = list[int] | None

_EMOJI = "\u2194\u2195\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff"
_CONTROL = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_SPACE = "\t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # all white space but the space
_control = re.compile(f"[{_CONTROL}]+|[\u200c\u200d](?![{_EMOJI}])|(?<![{_EMOJI}])[\u200c\u200d]")
_surrogate = re.compile("[\ud800-\udfff]")
_wide = re.compile("[０-９Ａ-Ｚａ-ｚ\u3000]")
_NARROWING = {code: code - 0xFEE0 for code in range(0xFF10, 0xFF5B)} | {0x3000: 0x20}
_spaces = re.compile(rf"\A | \Z|[{_SPACE}]\s*+| \s++")
_FLOOD = 1_000  # from this length on a text may hold so many combining marks that sorting them takes long


def _surrogates(text: str, where: _Where) -> tuple[str, _Where]:
    return _surrogate.sub("\ufffd", text), where


def _width(text: str, where: _Where) -> tuple[str, _Where]:
    return (text.translate(_NARROWING) if _wide.search(text) else text), where


def _controls(text: str, where: _Where) -> tuple[str, _Where]:
    if where is None:
        return _control.sub("", text), None
    return _edited(text, where, [(*found.span(), "") for found in _control.finditer(text)])


def _white_space(text: str, where: _Where) -> tuple[str, _Where]:
    if where is None:
        return " ".join(text.split()), None
    edits: list[Edit] = [(*found.span(), " ") for found in _spaces.finditer(text)]  # single spaces are none
    if edits and edits[0][0] == 0:
        edits[0] = (0, edits[0][1], "")
    if edits and edits[-1][1] == len(text):
        edits[-1] = (edits[-1][0], len(text), "")
    return _edited(text, where, edits)


def _composed(text: str) -> str:
    """NFC, in linear time: Python sorts combining marks by insertion, which sorted runs cost nothing."""
    if len(text) < _FLOOD or unicodedata.is_normalized("NFC", text):
        return unicodedata.normalize("NFC", text)
    decomposed = "".join(unicodedata.normalize("NFD", c) if c in _DOUBLE_MARKS else c for c in text)
    runs = groupby(decomposed, lambda c: unicodedata.combining(c) != 0)
    ordered = (sorted(run, key=unicodedata.combining) if marks else run for marks, run in runs)
    return unicodedata.normalize("NFC", "".join("".join(run) for run in ordered))


def _clusters(text: str) -> list[int]:
    """Where a character begins that composition never joins to the one before; ends with the text's length."""
    starts = [0]
    for i, c in enumerate(text):
        if i and not (unicodedata.combining(c) or unicodedata.category(c)[0] == "M" or "\u1160" <= c <= "\u11ff"):
            starts.append(i)
    return starts + [len(text)]


def _unicode_form(text: str, where: _Where) -> tuple[str, _Where]:
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text, where
    if where is None:
        return _composed(text), None
    starts = _clusters(text)
    edits: list[Edit] = []
    for start, end in pairwise(starts):
        old = text[start:end]
        new = old if old.isascii() else _composed(old)
        if new != old:
            edits.append((start, end, new))
    form = _edited(text, where, edits)
    if unicodedata.is_normalized("NFC", form[0]):
        return form
    return _edited(text, where, [(0, len(text), _composed(text))])  # a script newer than _clusters' rule


def _edited(text: str, where: _Where, edits: Sequence[Edit]) -> tuple[str, _Where]:
    """The text with these stretches replaced. What is new comes from where the first character of the old stood."""
    parts: list[str] = []
    done = 0
    for start, end, new in edits:
        parts += (text[done:start], new)
        done = end
    parts.append(text[done:])
    if where is None:
        return "".join(parts), None
    places: list[int] = []
    done = 0
    for start, end, new in edits:
        places += where[done:start]
        if new:
            places += where[start : start + 1] * len(new)
        done = end
    return "".join(parts), places + where[done:]


def _html(text: str, where: _Where, meanings: Meanings) -> tuple[str, _Where]:
    entities = find_entities(text, meanings)
    if entities:
        text, where = _edited(text, where, entities)
    tags = find_tags(text)
    if tags:
        text, where = _edited(text, where, tags)
    if not entities and not tags or not find_tags(text) and not find_entities(text, meanings):
        return text, where
    kept = reduce_markup(text, meanings)
    if where is not None:
        old, where = where, []
        for piece, origin, own in kept:
            where += old[origin : origin + len(piece)] if own else old[origin : origin + 1] * len(piece)
    return "".join([piece for piece, _, _ in kept]), where


_DOUBLE_MARKS = frozenset("\u0344\u0f73\u0f75\u0f81")  # marks that decompose into two
_SIMPLE_RULES = {
    "surrogates": _surrogates,
    "control": _controls,
    "width": _width,
    "unicode_form": _unicode_form,
    "white_space": _white_space,
}
_ORDER = ("surrogates", "control", "width", "unicode_form", "html", "white_space")


# ------------------------------------------------------- all rules at once


class _Cleaner:
    """The rules of one CleanSettings, with the one search that lets a clean text through untouched."""

    def __init__(self, settings: CleanSettings) -> None:
        self.rules: list[tuple[str, Callable[[str, _Where], tuple[str, _Where]]]] = []
        for name in _ORDER:
            if getattr(settings, name):
                self.rules.append((name, self._html if name == "html" else _SIMPLE_RULES[name]))
        self.single = [_SIMPLE_RULES[name] for name, _ in self.rules if name not in ("html", "white_space")]
        self.meanings = Meanings(self._settle)
        self.folds = settings.white_space
        self.composes = settings.unicode_form
        classes = {
            "surrogates": "\ud800-\udfff",
            "control": _CONTROL + "\u200c\u200d",
            "width": "０-９Ａ-Ｚａ-ｚ\u3000",
            "html": "<&",
            "white_space": _SPACE,
        }
        wanted = "".join(classes.get(name, "") for name, _ in self.rules)
        self.search = re.compile(f"[{wanted}]" if wanted else "(?!)").search

    def settled(self, text: str) -> bool:
        """True only where no rule would change anything."""
        if self.search(text):
            return False
        if self.folds and text and ("  " in text or text[0] == " " or text[-1] == " "):
            return False
        return not self.composes or text.isascii() or unicodedata.is_normalized("NFC", text)

    def _settle(self, character: str) -> str:
        for rule in self.single:
            character, _ = rule(character, None)
        return character

    def _html(self, text: str, where: _Where) -> tuple[str, _Where]:
        return _html(text, where, self.meanings)

    def text(self, text: str) -> str:
        before = None
        while text != before and not self.settled(text):
            before = text
            for _, rule in self.rules:
                text, _ = rule(text, None)
        return text

    def clean(self, text: str) -> Cleaned:
        if self.settled(text):
            return Cleaned(text, None, _NOTHING)
        changed: set[str] = set()
        where: _Where = list(range(len(text)))
        before = None
        while text != before and not self.settled(text):
            before = text
            for name, rule in self.rules:
                new, where = rule(text, where)
                if new != text:
                    changed.add(name)
                text = new
        return Cleaned(text, _spans(where or []), frozenset(changed))


_NOTHING: frozenset[str] = frozenset()


def _spans(where: list[int]) -> tuple[int, ...] | None:
    spans: list[int] = []
    expected = 0
    for i, place in enumerate(where):
        if place != expected:
            spans += (i, place)
        expected = place + 1
    if not spans:
        return None
    return tuple(spans) if spans[0] == 0 else (0, 0, *spans)


def clean_texts(texts: Sequence[str], settings: CleanSettings = CleanSettings()) -> list[str]:
    """The texts that `Text.clean` gives, without their maps: the quick way, for answering."""
    cleaner = settings.cleaner
    settled, clean = cleaner.settled, cleaner.text
    return [text if settled(text) else clean(text) for text in texts]


def join_columns(values: Mapping[str, Any], columns: Sequence[str]) -> str:
    """One text out of a row. One column: its text. Several: a line each, name and value, empty ones left out."""
    if len(columns) == 1:
        return as_text(values.get(columns[0]))
    texts = ((column, as_text(values.get(column))) for column in columns)
    return "\n".join(f"{column}: {text}" for column, text in texts if text.strip())
