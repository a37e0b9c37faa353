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
        if run[0] < "\u3400" or run[0] > "\u9fff":
            found |= {run} if len(run) > 1 else set()
        else:
            found |= {run[i : i + n] for n in _PIECES for i in range(len(run) - n + 1)}
    return found


def typical_words(texts: Sequence[str], groups: Sequence[int] | np.ndarray, count: int = 5) -> list[list[str]]:
    """For each group (numbers from 0 on) at most `count` words that are commoner in it than elsewhere, the most typical first."""
    groups = np.asarray(groups, dtype=np.int64)
    inside = [Counter() for _ in range(int(groups.max(initial=-1)) + 1)]  # type: list[Counter[str]]
    for text, group in zip(texts, groups):
        inside[group].update(words_of(text))
    everywhere: Counter[str] = Counter()
    for each in inside:
        everywhere.update(each)
    total = sum(everywhere.values())
    return [_chosen(each, _scores(each, everywhere, total), count) for each in inside]


def _scores(inside: Counter[str], everywhere: Counter[str], total: int) -> dict[str, float]:
    """z of each word that comes at least twice in the group, or once in a group where none does."""
    fewest = min(2, max(inside.values(), default=0))
    words = [word for word, rows in inside.items() if rows >= fewest]
    here = np.array([inside[word] for word in words], dtype=np.float64)
    prior = np.array([everywhere[word] for word in words], dtype=np.float64)
    n = sum(inside.values())
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
        elif chosen[kin] in word and word[0] >= "\u3400" and inside[word] >= _SAME * inside[chosen[kin]]:
            chosen[kin] = word
    return chosen
