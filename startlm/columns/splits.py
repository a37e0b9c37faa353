"""Columns that say which rows learn and which test: one that names the parts, one whose rows belong together, one that is time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np

from ..core.artifacts import PARTS
from ..core.errors import CallError
from ..core.findings import Finding
from ..core.language import Said, say
from ..core.near_duplicates import Pairs, exact_groups
from ..core.parts import NO_DAY, TEST, draw_by_time, draw_groups, draw_parts, newest
from . import as_text, filled, names_in
from .date import parse_dates
from .roles import guess_split, no_parts

ROWS_OF_ONE = 1.5  # rows a value, on average, from which on `new` proposes a group column
FEWEST_GROUPS, LARGEST_GROUP = 20, 0.2  # and so many values, none with more than this share of the rows: else no part can be drawn
WEEKS = 14  # days that a column of dates must span for `new` to speak of it
DATED = 0.9  # share of its cells that must be dates

_WHO = frozenset("customer client user member buyer account patient person author sender contact email phone mobile visitor session conversation thread ticket order"
                 " 客户 顾客 用户 会员 买家 账号 患者 作者 邮箱 手机号 会话 工单号 订单号 单号".split())
_WHAT = frozenset("product item sku asin isbn goods catalogue url link 商品 货号 产品 链接".split())  # new rows are about the same things again
_NOT_WHEN = frozenset("birth birthday birthdate dob 生日 出生 出生日期".split())


def check_splits(split: str | None, time: str | None) -> None:
    """Raises CallError where two columns would each say which rows test."""
    if split and time:
        raise CallError(say(f"Both a split column ({split}) and a time column ({time}) say which rows test.", f"划分列（{split}）和时间列（{time}）都在指定测试数据。"),
                        say("take split_column or time_column out of [prepare]", "请从 [prepare] 中去掉 split_column 或 time_column"))


@dataclass(frozen=True)
class Split:
    """The way from rows to parts under the settings of [prepare]; what is found on it goes into `findings`.

    `rows` are the Rows as read; `kept` the positions, int64 (N,), of those that have a text and a label.
    """

    settings: Any
    rows: Any
    findings: list[Finding]

    @property
    def where(self) -> str:
        return str(self.rows.bounds[0][0])

    def given(self, kept: np.ndarray) -> np.ndarray:
        """int8 (N,): the part that the data names, or -1. Raises CallError where what should name it does not."""
        given = np.full(len(kept), -1, dtype=np.int8)
        tables, column = self.rows.bounds, self.settings.split_column
        if column:
            values = [as_text(value).strip() for value in self.rows.column(column)]
            words = guess_split(values)
            if words is None:
                raise no_parts(column, values, where=self.where)
            given = np.array([PARTS.index(words[values[i]]) if values[i] else -1 for i in kept], dtype=np.int8)
            if "test" in words.values() and len(tables) == 1 and TEST not in given:
                raise CallError(say("No test row has a text and a label.", "测试行都没有文本或标签。"),
                                say("fill them in, or leave [prepare] split_column out", "请补上，或去掉 [prepare] split_column"), where=self.where)
        for _, start, _ in tables[1:]:
            given[kept >= start] = TEST
        if self.settings.time_column:
            self._hold_out_newest(given, kept)
        return given

    def _hold_out_newest(self, given: np.ndarray, kept: np.ndarray) -> None:
        """The newest rows test, unless a table of its own does; a row without a day learns."""
        name, days = self.settings.time_column, self.days[kept]
        places, learn = self.rows.places, given != TEST
        today = date.today().toordinal()
        for kind, wrong, en, zh in (
            ("no_day", days == NO_DAY, f"Rows without a day in {name!r}: they learn and never test", f"的 {name!r} 列没有日期：只用于学习，不用于测试"),
            ("future", days > today, f"Rows whose day in {name!r} is yet to come: they count as the newest", f"的 {name!r} 列是未来的日期：算作最新的行"),
        ):
            if (wrong & learn).any():
                self.findings.append(places.finding(kind, kept[wrong & learn], say(en, zh)))
        if not learn.all():
            return
        held = newest(days, self.settings.test_share)
        if not held.any():
            alike = say("no cell of it reads as a date", "没有一个单元格是日期") if (days == NO_DAY).all() else say("too many rows share the newest day", "太多的行是同一天")
            raise CallError(say(f"The rows cannot be split by {name!r}: {alike.en}.", f"不能按 {name!r} 列划分：{alike.zh}。"),
                            say("name another [prepare] time_column, or take it out", "请换一个 [prepare] time_column，或去掉它"), where=self.where)
        given[held] = TEST

    @cached_property
    def days(self) -> np.ndarray:
        """int64: the day of every row as read."""
        return days_of(self.rows.column(self.settings.time_column))

    def link(self, pairs: Pairs, kept: np.ndarray, learn: np.ndarray) -> Pairs:
        """The near pairs among the rows that learn (positions in `kept`), with pairs of rows that share a value of the group column."""
        name = self.settings.group_column
        if not name:
            return pairs
        values = self.rows.column(name)
        names = [as_text(values[i]).strip() for i in kept]
        learns = np.zeros(len(kept), dtype=bool)
        learns[learn] = True
        known = {names[i] for i in learn}
        for kind, rows, en, zh in (
            ("no_group", [i for i in learn if not names[i]], f"Rows without {name!r}: each stands for itself", f"没有 {name!r}：各算各的"),
            ("known_groups", [i for i in np.flatnonzero(~learns) if names[i] and names[i] in known],
             f"Test rows whose {name!r} stands in rows that learn too", f"测试数据的 {name!r} 在学习的行里也有"),
        ):
            if rows:
                self.findings.append(self.rows.places.finding(kind, kept[rows], say(en, zh)))
        same = same_value([names[i] for i in learn])
        return Pairs(np.concatenate([pairs.rows, same]), np.concatenate([pairs.similarity, np.ones(len(same))]))

    def draw(self, kept: np.ndarray, labels: np.ndarray, groups: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, bool]:
        """The part of each row, int8 (N,), and whether folds of train do the choosing. Raises CallError where groups leave nothing to test."""
        if self.settings.time_column:
            return draw_by_time(given, self.days[kept])
        # rows of numbers may be equal by the hundred; equal texts are few
        draw = draw_groups if self.settings.group_column or not self.settings.text else draw_parts
        part, crossfit = draw(labels, groups, given, seed=self.settings.seed, test_share=self.settings.test_share)
        if self.settings.group_column and TEST not in part:
            raise CallError(say(f"The values of {self.settings.group_column!r} are too few, or one has too many rows: no part can be kept for testing.",
                                f"{self.settings.group_column!r} 的取值太少，或有一个值的行太多：无法留出测试数据。"),
                            say("name another [prepare] group_column, raise test_share, or take group_column out", "请换一个 [prepare] group_column，调大 test_share，或去掉 group_column"), where=self.where)
        return part, crossfit


def days_of(values: Sequence[Any]) -> np.ndarray:
    """int64 (N,): the day that each value writes, as `date.toordinal` counts; NO_DAY where it writes none."""
    days = parse_dates([as_text(value).strip() for value in values])
    return np.array([NO_DAY if day is None else day.toordinal() for day in days], dtype=np.int64)


def same_value(names: Sequence[str]) -> np.ndarray:
    """int64 (P, 2): each row that has a value which an earlier one has, with the first of these; "" is no value.

    >>> same_value(["a", "", "b", "a", ""]).tolist()
    [[0, 3]]
    """
    first = exact_groups(names)
    rows = np.array([row for row, name in enumerate(names) if name and first[row] != row], dtype=np.int64)
    return np.stack([first[rows], rows], axis=1)


# ------------------------------------------------------------- proposals

class Proposal(NamedTuple):
    """A column for the split, and why."""

    column: str
    why: Said


def propose_group(columns: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> Proposal | None:
    """The identifier that stands in many rows: who wrote them before what thread they are of; never what they are about."""
    found = []
    for name, values in columns.items():
        texts = filled(values) if kinds[name] == "identifier" and not names_in(name, _WHAT) else []
        counts: dict[str, int] = {}
        for text in texts:
            counts[text] = counts.get(text, 0) + 1
        if len(counts) >= FEWEST_GROUPS and len(texts) >= ROWS_OF_ONE * len(counts) and max(counts.values()) <= LARGEST_GROUP * len(texts):
            found.append((not names_in(name, _WHO), len(counts), name, len(texts) / len(counts)))
    if not found:
        return None
    _, different, name, rows = min(found)
    return Proposal(name, say(f"group: {name!r}, {different:,} values with {rows:.1f} rows each on average; rows of one stay in one part, so that the test part shows how new ones are answered",
                              f"分组：{name!r}，{different:,} 个值，平均每个 {rows:.1f} 行；同一个值的行放在同一部分，测试才能说明对新来者答得如何"))


def propose_time(columns: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> Proposal | None:
    """The first column of dates that spans weeks. It is only spoken of: a random part tests on all of the time, the newest rows on its end."""
    for name, values in columns.items():
        texts = filled(values) if kinds[name] == "date" and not names_in(name, _NOT_WHEN) else []
        days = days_of(texts)
        known = days[days != NO_DAY]
        if len(known) and len(known) >= DATED * len(texts) and known.max() - known.min() >= WEEKS:
            first, last = (date.fromordinal(int(day)).isoformat() for day in (known.min(), known.max()))
            return Proposal(name, say(f"time: {name!r} runs from {first} to {last}; time_column = \"{name}\" would test on the newest rows, a random part claims more than the future gives",
                                      f"时间：{name!r} 从 {first} 到 {last}；写 time_column = \"{name}\" 就用最新的行测试，随机划分的成绩往往比将来的好"))
    return None
