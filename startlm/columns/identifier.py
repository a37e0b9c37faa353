"""Identifiers: values that each stand for one thing (an order, a customer, a product) and teach a model nothing."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import Any, NoReturn, Sequence

import numpy as np

from ..core.errors import CallError
from ..core.language import say
from ..core.scripts import HAN
from . import Guess, Read, Shown, filled, names_in, words_of
from .numerals import read_numbers

_ID_NAMES = frozenset(
    "id ids customer user item product order uuid guid uid key sku asin isbn hash index idx no number code serial url link email phone mobile ip"
    " 编号 单号 订单号 工单号 序号 流水号 货号 账号 编码 手机号 电话 邮箱 身份证号 会员号 链接".split()
)
_PERSON_NAMES = frozenset("name username nickname firstname lastname fullname 姓名 昵称 用户名 客户名 联系人".split())

_code = re.compile(rf"(?=.*\d)[^\s{HAN}，。！？]+")


class Identifier:
    """A name for one thing: order numbers, customers' ids, links."""

    name = "identifier"
    said = say("identifier", "编号")

    @staticmethod
    def guess(values: Sequence[Any], name: str) -> Guess:
        """Codes (no spaces, a digit in each), nearly all different; or a name such as id or 订单号 over many values."""
        texts = filled(values)
        if not texts:
            return Guess(0.0, say("no values", "没有值"))
        n, d = len(texts), len(set(texts))
        different = d / n
        many = d > 20 or (different > 0.9 and n > 3)
        codes = sum(bool(_code.fullmatch(text)) for text in texts) / n
        numbers = int(np.isfinite(read_numbers(texts).values).sum()) / n
        last = words_of(name)[-1:]  # order_number is one, number_of_orders is not; a nameless column holds row numbers
        named = not last or names_in(last[0], _ID_NAMES)
        why = say(f"{different:.0%} of the values differ, {codes:.0%} are codes", f"{different:.0%} 的值互不相同，{codes:.0%} 是编码")
        if named and many and codes >= 0.9:
            return Guess(0.95, why)
        if names_in(name, _PERSON_NAMES) and many and max(map(len, texts)) <= 60:
            return Guess(0.91, say("names of persons or things", "人或物的名字"))
        if different >= 0.98 and n > 3 and codes >= 0.9:
            return Guess(0.6 if numbers > 0.5 and not _counts_up(texts) else 0.92, why)
        return Guess(0.3 * codes * different, why)

    @staticmethod
    def show(values: Sequence[Any]) -> Shown:
        """How many things there are, and how many rows the most frequent has: many rows of one customer belong in one part."""
        counts = Counter(filled(values))
        if not counts:
            return Shown(())
        facts = ((say("different values", "不同的值"), f"{len(counts):,}"), (say("rows of the most frequent", "最多的一个有几行"), f"{max(counts.values()):,}"))
        return Shown(facts)

    @staticmethod
    def read(values: Sequence[Any]) -> Read:
        """Always raises CallError: see `fit`."""
        _refuse()

    @staticmethod
    def fit(values: np.ndarray) -> NoReturn:
        """Always raises CallError: rows to come have numbers that train never saw."""
        _refuse()


def _refuse() -> NoReturn:
    raise CallError(say("An identifier tells a model nothing of new rows.", "编号对新的数据没有任何信息。"),
                    say('leave it out of [prepare] columns; rows that share it can be kept in one part: group = "…"; a code that repeats may be read as a category: "NAME: category"',
                        '请把它从 [prepare] columns 里去掉；同一编号的行可以放在同一部分：group = "…"；会重复出现的代码可以当作类别：“列名: category”'))


def _counts_up(texts: list[str]) -> bool:
    """Whether whole numbers rise by one from row to row, as an export's row numbers do."""
    try:
        numbers = [int(text) for text in texts]
    except ValueError:
        return False
    return all(b - a == 1 for a, b in pairwise(numbers))
