"""What tells one group of texts from the others: its typical words, by log-odds.

    z(w, g) = (log-odds of w in g − log-odds of w elsewhere) / its standard error

with all texts together as the prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words"). A word counts once a text. Chinese runs give
their pieces of two to four characters, so that nothing need be installed to part them.

>>> typical_words(["请退款给我", "我要退款", "包裹在哪里", "包裹没有到"], [0, 0, 1, 1], 1)
[['退款'], ['包裹']]
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Sequence

import numpy as np

_run = re.compile(r"[\u3400-\u9fff]+|[^\W\d_\u3400-\u9fff]+(?:['’][^\W\d_]+)?")
_PIECES = (2, 3, 4)
_SAME = 0.7  # a longer piece that comes this often where the shorter one does takes its place


def words_of(text: str) -> set[str]:
    """The words of a text in lower case, and the pieces of its Chinese runs.

    >>> sorted(words_of("Where's my 包裹?"))
    ['my', "where's", '包裹']
    """
    found: set[str] = set()
    for match in _run.finditer(text.lower()):
        run = match[0]
        if _is_chinese(run):
            found |= {run[i : i + n] for n in _PIECES for i in range(len(run) - n + 1)}
        elif len(run) > 1:
            found.add(run)
    return found


def _is_chinese(word: str) -> bool:
    return "\u3400" <= word[0] <= "\u9fff"


def typical_words(texts: Sequence[str], groups: Sequence[int] | np.ndarray, count: int = 5) -> list[list[str]]:
    """For each group (numbers from 0 on) at most `count` words that are commoner in it than elsewhere, the most typical first."""
    groups = np.asarray(groups, dtype=np.int64)
    inside = [Counter() for _ in range(int(groups.max(initial=-1)) + 1)]  # type: list[Counter[str]]
    for text, group in zip(texts, groups):
        inside[group].update(words_of(text))
    everywhere: Counter[str] = Counter()
    for each in inside:
        everywhere.update(each)
    scored = [_scores(each, everywhere, True) | _scores(each, everywhere, False) for each in inside]
    return [_chosen(each, scores, count) for each, scores in zip(inside, scored)]


def _scores(inside: Counter[str], everywhere: Counter[str], chinese: bool) -> dict[str, float]:
    """z of each word, or Chinese piece, that comes at least twice in the group, or once in a group where none does.

    Each kind is compared with its own: else in a mixed table every English word would be typical of an English group.
    """
    fewest = min(2, max(inside.values(), default=0))
    words = [word for word, rows in inside.items() if rows >= fewest and _is_chinese(word) == chinese]
    n, total = (sum(rows for word, rows in counts.items() if _is_chinese(word) == chinese) for counts in (inside, everywhere))
    here = np.array([inside[word] for word in words], dtype=np.float64)
    prior = np.array([everywhere[word] for word in words], dtype=np.float64)
    there = prior - here
    odds = np.log((here + prior) / (n + total - here - prior + 1)) - np.log((there + prior) / (2 * total - n - there - prior + 1))
    z = odds / np.sqrt(1 / (here + prior) + 1 / (there + prior))
    return {word: float(value) for word, value in zip(words, z) if value > 0}


def _chosen(inside: Counter[str], scores: dict[str, float], count: int) -> list[str]:
    """The best words; of pieces that hold each other the longer one where it comes nearly as often."""
    chosen: list[str] = []
    for word in sorted(scores, key=lambda each: (-scores[each], -len(each), each)):
        kin = next((i for i, each in enumerate(chosen) if word in each or each in word), None)
        if kin is None:
            if len(chosen) < count:
                chosen.append(word)
        elif chosen[kin] in word and _is_chinese(word) and inside[word] >= _SAME * inside[chosen[kin]]:
            chosen[kin] = word
    return chosen
