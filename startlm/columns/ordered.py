"""Labels that have an order: numbers of stars, and scales of words in both languages.

>>> find_order(["good", "bad", "ok", "good"], "opinion")
('bad', 'ok', 'good')
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Sequence

from ..core.errors import CallError
from ..core.language import Said, say
from ..core.settings import toml_line
from . import filled, names_in
from .category import OUT_OF_SCOPE_NAMES, Category

FEWEST = 3  # labels: of two, every order says the same
SCALES = tuple(tuple(scale.split(" < ")) for scale in (
    "very low < low < medium < high < very high", "low < normal < high < urgent < critical", "low < moderate < high", "small < medium < large", "xs < s < m < l < xl < xxl",
    "very bad < bad < ok < good < very good", "bad < average < good", "bad < neutral < good", "terrible < poor < fair < average < good < very good < excellent",
    "very negative < negative < neutral < positive < very positive", "very dissatisfied < dissatisfied < neutral < satisfied < very satisfied",
    "never < rarely < sometimes < often < always", "minor < moderate < major < critical",
    "很差 < 差 < 中 < 好 < 很好", "很差 < 差 < 一般 < 好 < 很好", "差 < 中 < 良 < 优", "不及格 < 及格 < 良好 < 优秀", "很低 < 低 < 中 < 高 < 很高", "低 < 普通 < 高 < 紧急", "小 < 中 < 大", "轻微 < 一般 < 严重",
    "差评 < 中评 < 好评", "负面 < 中性 < 正面", "消极 < 中性 < 积极", "非常不满意 < 不满意 < 一般 < 满意 < 非常满意", "从不 < 偶尔 < 有时 < 经常 < 总是",
))
_STARS = frozenset("star stars rating ratings score quality grade level priority severity 星级 评分 打分 等级 级别 分数 优先级".split())
MOST_STARS = 11  # 0 to 10


def find_order(values: Sequence[Any], name: str) -> tuple[str, ...] | None:
    """The labels of this column from the lowest to the highest; None where nothing shows an order.

    Whole numbers without a gap, where the column's name says that they measure; words that all stand in one known scale. Two
    scales that disagree say nothing.
    """
    labels = {Category.clean(text) for text in filled(values)}
    if len(labels) < FEWEST:
        return None
    if all(label.isascii() and label.isdigit() for label in labels):
        numbers = sorted(labels, key=int)
        one_by_one = int(numbers[-1]) - int(numbers[0]) + 1 == len(numbers) <= MOST_STARS
        return tuple(numbers) if one_by_one and names_in(name, _STARS) else None
    written = {label.casefold(): label for label in labels}
    found = {tuple(written[word] for word in scale if word in written) for scale in SCALES if written.keys() <= set(scale)}
    return found.pop() if len(found) == 1 and len(written) == len(labels) else None


def order_said(name: str, order: Sequence[str]) -> Said:
    """What `new` says of an order that it sees."""
    line = toml_line("label_order", order)
    return say(f"the labels of {name!r} look like a scale; {line} adds to the report how many steps answers are off",
               f"{name!r} 的标签像是一个等级；写 {line}，报告会加上回答平均差几级")


def check_order(order: Sequence[str], labels: Sequence[str], *, where: str) -> list[str]:
    """The order in the labels' spelling. Raises CallError unless it names every label once, but for one that means out of scope.

    It may name levels that these rows lack.
    """
    spelt = [Category.clean(name) for name in order]
    unknown, missing = [name for name in spelt if name not in labels], [label for label in labels if label not in spelt and label.lower() not in OUT_OF_SCOPE_NAMES]
    if len(set(spelt)) < len(spelt):
        raise CallError(say("label_order names a label twice.", "label_order 里有重复的标签。"), say("name each label once, from the lowest to the highest", "请从低到高各写一次"), where=where)
    if unknown and missing:
        near = get_close_matches(unknown[0], missing, n=1, cutoff=0.5)
        guess = say(f"Did you mean {near[0]!r}? ", f"是不是 {near[0]!r}？") if near else say("", "")
        raise CallError(say(f"label_order names {unknown[0]!r}, which is no label.", f"label_order 里的 {unknown[0]!r} 不是标签。"),
                        say(f"{guess.en}The labels are: {', '.join(labels)}", f"{guess.zh}标签有：{'、'.join(labels)}"), where=where)
    if missing:
        raise CallError(say(f"label_order leaves out the label {missing[0]!r}.", f"label_order 漏掉了标签 {missing[0]!r}。"),
                        say(f"give every label its place, from the lowest to the highest: {', '.join(labels)}", f"请从低到高写出全部标签：{'、'.join(labels)}"), where=where)
    return spelt
