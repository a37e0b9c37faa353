"""Labels: few different values, repeated. Guessed, cleaned, and searched for labels that look like slips of another.

>>> similar_labels({"refund": 120, "Refund": 2, "refnud": 1, "q1": 9, "q2": 9})[0][:2]
('Refund', 'refund')
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import Any, Collection, Mapping, NamedTuple, Sequence

import numpy as np

from ..core.language import Said, say
from ..core.scripts import count_han
from . import Guess, Read, Shown, all_equal, as_text, filled, is_nothing, names_in
from .category_encoding import MOST_VALUES, CategoryEncoding
from .cleaning import CleanSettings, clean_texts
from .numerals import read_numbers

LABEL_NAMES = frozenset("label labels category categories intent intents class target sentiment topic polarity 标签 类别 意图 分类 类目 情感 主题 标注".split())
"""Names of the column that a model is to learn, used alone or as one word of a name."""

OUTCOME_NAMES = frozenset(
    "rating ratings stars score quality feedback outcome result team queue department priority y 评分 星级 等级 结果 部门 队列 优先级 好评".split()
)
"""Names that often are what a model is to learn, when no column bears one of LABEL_NAMES."""

OUT_OF_SCOPE_NAMES = ("oos", "out_of_scope", "out-of-scope", "outofscope", "none_of_these", "超出范围", "范围外", "都不是")
"""Names of the label that means "none of these"."""

_BARS = 12  # values shown
_FEW = 20  # so many different whole numbers may still be labels
_NEARLY_ALL = 0.9  # from this share on the rest are slips
_label_settings = CleanSettings(html=False)
_numeric = re.compile(r"[+-]?\d+(?:\.0+)?")


class Category:
    """One of a fixed set of names or small numbers: a topic, an intent, a rating, 0 and 1."""

    name = "category"
    said = say("category", "类别")
    encoding = CategoryEncoding

    @staticmethod
    def guess(values: Sequence[Any], name: str) -> Guess:
        """Few distinct values, each seen several times on average, short; whole numbers only where there are at most 20."""
        texts = filled(values)
        if not texts:
            return Guess(0.05, say("no values", "没有值"))
        distinct = set(texts)
        n, d = len(texts), len(distinct)
        why = say(f"{d:,} different values in {n:,} rows", f"{n:,} 行里有 {d:,} 种值")
        named = names_in(name, LABEL_NAMES) or names_in(name, OUTCOME_NAMES)
        if any(_looks_fractional(text) for text in distinct) or _are_amounts(distinct):
            return Guess(0.1, why)
        numbers = [text for text in texts if _numeric.fullmatch(text)]
        if numbers and len(numbers) >= _NEARLY_ALL * sum(not is_nothing(text) for text in texts):
            d = len(set(numbers))
            few = d <= 2 or d <= _FEW and n >= 3 * d
            return Guess(0.93 if few else 0.2 + 0.3 * named, why)
        length = sum(min(len(text) + 2 * count_han(text[:200]), 200) for text in distinct) / d
        repeated = min(1.0, (n / d - 1) / 2)  # 1 from three rows a value on
        short = 1.0 if length <= 30 else max(0.0, 1 - (length - 30) / 60)
        score = 0.92 * repeated * (0.4 + 0.6 * short)
        if named and length <= 30:
            score = max(score, 0.7 if d < n or n < 20 else 0.5)
        return Guess(min(0.97, score + 0.04 * named), why)

    @staticmethod
    def show(values: Sequence[Any]) -> Shown:
        """The most frequent values, and how many there are."""
        counts = Counter(text for text in Category.read(values).values.tolist() if text)
        once = sum(count == 1 for count in counts.values())
        facts = [(say("different values", "不同的值"), f"{len(counts):,}"), (say("seen once", "只出现一次"), f"{once:,}")]
        if len(counts) > MOST_VALUES:
            kept = sum(count for _, count in counts.most_common(MOST_VALUES)) / counts.total()
            facts.append((say(f"rows with one of the {MOST_VALUES} most frequent", f"取值属于最常见的 {MOST_VALUES} 种的行"), f"{kept:.1%}"))
        if len(counts) == 1 and counts.total() > 1:
            facts += all_equal(counts.total())
        return Shown(tuple(facts), tuple(counts.most_common(_BARS)))

    @staticmethod
    def read(values: Sequence[Any]) -> Read:
        """object (N,) of str, each in one spelling; "" where there is none. Nothing is bad."""
        written = [as_text(value) for value in values]
        different = list(dict.fromkeys(written))
        spelt = dict(zip(different, clean_texts(different, _label_settings)))
        read = np.empty(len(written), dtype=object)
        read[:] = [spelt[text] for text in written]
        return Read(read, [])

    @staticmethod
    def fit(values: np.ndarray) -> CategoryEncoding:
        """The encoding of these train rows, object (N,) of str with "" for what is missing."""
        return CategoryEncoding.fit(values)

    @staticmethod
    def clean(label: str) -> str:
        """A label in one spelling: NFC, half width, no hidden characters, single spaces. Case is kept."""
        return clean_texts([label], _label_settings)[0]


def _looks_fractional(text: str) -> bool:
    whole, point, decimals = text.lstrip("+-").partition(".")
    return bool(point) and whole.isdigit() and decimals.isdigit() and bool(decimals.strip("0"))


def _are_amounts(distinct: Collection[str]) -> bool:
    """Whether nearly all are numbers, and some bear what amounts alone bear: a currency, %, 万, separators."""
    read = read_numbers(list(distinct))
    numbers = int(np.isfinite(read.values).sum())
    return numbers > sum(bool(_numeric.fullmatch(text)) for text in distinct) and numbers >= _NEARLY_ALL * (numbers + len(read.bad))


# ------------------------------------------------- slips of another label


class SimilarLabels(NamedTuple):
    """A rare label that looks like a slip of a common one, and why."""

    rare: str
    common: str
    why: Said


_RARER = 5  # so many times rarer is a label that may be a slip of the pen


def similar_labels(counts: Mapping[str, int]) -> list[SimilarLabels]:
    """Labels that look like slips of another, given how many rows each has.

    Two spellings of one label (case, spaces, width, `_`, `-`) always count. Otherwise: labels in Latin letters that
    differ in one word of at least five letters, in which one letter after the first (two from nine on) was put in, left
    out, changed or swapped with the next, and the slip is at least 5 times rarer. Of short Chinese labels a changed
    character is another word, so none are compared.
    """
    found: list[SimilarLabels] = []
    common_of: dict[str, str] = {}
    ordered = sorted(counts, key=lambda label: (-counts[label], label))
    for label in ordered:
        key = _spelling(label)
        if key in common_of:
            why = say("the same but for case, spaces, width or signs", "只差大小写、空格、全半角或符号")
            found.append(SimilarLabels(label, common_of[key], why))
        else:
            common_of[key] = label
    return found + _slips([label for label in common_of.values() if label.isascii()], counts)


def _slips(labels: list[str], counts: Mapping[str, int]) -> list[SimilarLabels]:
    """Slips of the pen among labels ordered from the commonest on."""
    found: list[SimilarLabels] = []
    shapes = [_Shape.of(label) for label in labels]
    for i, label in enumerate(labels):
        for j, other in enumerate(labels[:i]):
            if counts[label] * _RARER > counts[other]:
                break  # the rest are not common enough
            if shapes[i].one_slip_from(shapes[j]):
                rarer = counts[other] // max(1, counts[label])
                why = say(f"a letter or two differ, and it is {rarer} times rarer", f"只差一两个字母，而且少见 {rarer} 倍")
                found.append(SimilarLabels(label, other, why))
                break
    return found


def _spelling(label: str) -> str:
    plain = unicodedata.normalize("NFKC", Category.clean(label)).casefold()
    return plain if _numeric.fullmatch(plain) else re.sub(r"[\s_\-]+", "", plain) or label


class _Shape(NamedTuple):
    """What two labels are compared by, the cheap things first: thousands of labels are compared in pairs."""

    words: tuple[str, ...]
    letters: int  # one bit for each of 64 classes of characters

    @classmethod
    def of(cls, label: str) -> _Shape:
        words = tuple(re.findall(r"[^\W_]+", label.lower()))
        letters = 0
        for c in "".join(words):
            letters |= 1 << (ord(c) & 63)
        return cls(words, letters)

    def one_slip_from(self, other: _Shape) -> bool:
        """One word differs, and that by a slip; a word more or less (`no`) means something else."""
        if (self.letters ^ other.letters).bit_count() > 4 or len(self.words) != len(other.words):
            return False
        different = [(a, b) for a, b in zip(self.words, other.words, strict=True) if a != b]
        return len(different) == 1 and _slipped(*different[0])


def _slipped(a: str, b: str) -> bool:
    """First letters agree (available, unavailable are no slips), no digits (q1, q2 are numbering), not too short."""
    shorter = min(len(a), len(b))
    allowed = 2 if shorter >= 9 else 1
    if shorter < 5 or a[0] != b[0] or abs(len(a) - len(b)) > allowed or any(c.isdigit() for c in a + b):
        return False
    return _distance(a, b) <= allowed


def _distance(a: str, b: str) -> int:
    """Edits between two words; two neighbours swapped count as one (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
