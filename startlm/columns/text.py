"""Free text: what customers write. Guessed, and cleaned with a map back to the original."""

from __future__ import annotations

from collections import Counter
from typing import Any, Sequence

import numpy as np

from ..core.language import say
from ..core.scripts import LANGUAGES, count_han, languages_of
from . import Guess, Shown, filled, histogram, names_in
from .cleaning import Cleaned, CleanSettings


class Text:
    """What people write: sentences, titles, messages, in any language."""

    name = "text"
    said = say("text", "文本")

    @staticmethod
    def guess(values: Sequence[Any], name: str) -> Guess:
        """Sentences are long, many-worded and seldom repeated; a Chinese character counts as half a word."""
        texts = filled(values)
        if not texts:
            return Guess(0.0, say("no values", "没有值"))
        words = sorted(min(len(text[:1_000].split()), 60) + count_han(text[:200]) / 2 for text in texts)
        middle = words[len(words) // 2]
        distinct = len(set(texts)) / len(texts)
        long = min(1.0, middle / 5)
        score = long * (0.3 + 0.6 * min(1.0, distinct / 0.5))
        if names_in(name, TEXT_NAMES):
            score = max(score, 0.95) if middle >= 4 else score + 0.1
        why = say(
            f"about {middle:.0f} words a value, {distinct:.0%} of the values differ",
            f"每个值约 {middle:.0f} 个词，{distinct:.0%} 的值互不相同",
        )
        return Guess(score, why)

    @staticmethod
    def show(values: Sequence[Any]) -> Shown:
        """Lengths in characters, the languages, how many differ."""
        texts = filled(values)
        if not texts:
            return Shown(())
        lengths = np.array([len(text) for text in texts])
        languages = Counter(languages_of(texts))
        middle, long = np.quantile(lengths, (0.5, 0.99))
        facts = [(say("characters, half have at most", "字符数，一半不超过"), f"{middle:,.0f}"), (say("99 % have at most", "99% 不超过"), f"{long:,.0f}"),
                 (say("the longest has", "最长"), f"{lengths.max():,}"), (say("different values", "不同的值"), f"{len(set(texts)):,}")]
        facts += [(LANGUAGES[name], f"{languages[name] / len(texts):.1%}") for name in LANGUAGES if languages[name]]
        return Shown(tuple(facts), histogram(lengths, lambda length: f"{length:,.0f}"))

    @staticmethod
    def clean(text: str, settings: CleanSettings = CleanSettings()) -> Cleaned:
        """The text cleaned as the settings say. Cleaning it again changes nothing. Linear in its length."""
        return settings.cleaner.clean(text)


TEXT_NAMES = frozenset(
    "text texts message messages body subject title headline content description review reviews comment comments"
    " question query sentence utterance summary abstract note notes feedback_text 文本 正文 内容 标题 主题行 消息 留言 评论 评价内容"
    " 问题 问句 描述 摘要 咨询 反馈内容 句子".split()
)
