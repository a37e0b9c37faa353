"""Free text: what customers write. Guessed, and cleaned with a map back to the original."""

from __future__ import annotations

from typing import Any, Sequence

from ..core.language import say
from ..core.scripts import count_han
from . import Guess, filled, names_in
from .cleaning import Cleaned, CleanSettings


class Text:
    """What people write: sentences, titles, messages, in any language."""

    name = "text"

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
    def clean(text: str, settings: CleanSettings = CleanSettings()) -> Cleaned:
        """The text cleaned as the settings say. Cleaning it again changes nothing. Linear in its length."""
        return settings.cleaner.clean(text)


TEXT_NAMES = frozenset(
    "text texts message messages body subject title headline content description review reviews comment comments"
    " question query sentence utterance summary abstract note notes feedback_text 文本 正文 内容 标题 主题行 消息 留言 评论 评价内容"
    " 问题 问句 描述 摘要 咨询 反馈内容 句子".split()
)
