"""How a delimited file is laid out: its delimiter, whether cells are quoted, whether the first row is a head row.

Judged on the rows of a sample. Every judgement is a guess that one line of startlm.toml overrules.
"""

from __future__ import annotations

import csv
import io
import re
from typing import NamedTuple, Sequence

DELIMITERS = (",", "\t", ";", "|")
_ROWS = 500  # rows of the sample that are looked at

_HEAD_NAMES = frozenset(
    "id no text label message body subject title content comment review category class intent topic sentiment rating score stars date time "
    "name user customer item product price question answer query utterance sentence tag type target url feedback note split "
    "编号 序号 文本 正文 内容 标题 标签 类别 分类 意图 情感 评论 评价 评分 星级 日期 时间 "
    "姓名 客户 用户 商品 产品 价格 问题 回答 答案 消息 留言 备注 类型 主题".split()
)
_NUMBER = re.compile(r"\s*+[-+]?[$¥￥€]?\d[\d,. ]*+%?\s*|\s*+[-+]?(?:\d++(?:\.\d++)?|\.\d++)[eE][-+]?\d+\s*|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?")
_SENTENCE = re.compile(r".*[。！？!?；.…~]\s*", re.DOTALL)


class Layout(NamedTuple):
    """What is open is None; `quote` is "" where quotes are ordinary characters."""

    delimiter: str | None = None
    quote: str | None = None
    head: bool | None = None


def dialect(delimiter: str, quote: str) -> dict[str, object]:
    """The arguments of `csv.reader` for this delimiter and quote."""
    if not quote:
        return {"delimiter": delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": delimiter, "quotechar": quote, "doublequote": True}


def find_layout(sample: str, told: Layout, *, whole: bool, tabs_first: bool = False) -> Layout:
    """Fill in what `told` leaves open. `sample` begins with the file's first row; unless it is the `whole` file, its last row
    may be cut and is left out."""
    quote = '"' if told.quote is None else told.quote
    delimiter = told.delimiter or _find_delimiter(sample, quote, whole, tabs_first)
    rows = _rows(sample, delimiter, quote, whole)
    if told.quote is None and '"' in sample:
        plain = _rows(sample, delimiter, "", whole)
        if _regularity(plain) > _regularity(rows):
            quote, rows = "", plain
    return Layout(delimiter, quote, _has_head(rows) if told.head is None else told.head)


def _rows(sample: str, delimiter: str, quote: str, whole: bool) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), **dialect(delimiter, quote)):  # type: ignore[arg-type]
            if row:
                rows.append(row)
            if len(rows) == _ROWS:
                return rows
    except csv.Error:  # a cell beyond the limit: what came before it is enough
        return rows
    return rows if whole or len(rows) < 2 else rows[:-1]


def _regularity(rows: Sequence[Sequence[str]]) -> float:
    """Share of the rows that are as wide as the first."""
    return sum(len(row) == len(rows[0]) for row in rows) / len(rows) if rows else 0.0


def _find_delimiter(sample: str, quote: str, whole: bool, tabs_first: bool) -> str:
    candidates = ("\t", ",", ";", "|") if tabs_first else DELIMITERS
    parsed = {delimiter: _rows(sample, delimiter, quote, whole) for delimiter in candidates}
    regular = {delimiter: _regularity(rows) for delimiter, rows in parsed.items()}
    several = [delimiter for delimiter in candidates if parsed[delimiter] and len(parsed[delimiter][0]) > 1]
    # One column: a delimiter that cuts no row, so that commas inside a sentence stay in it.
    return max(several or candidates, key=lambda delimiter: regular[delimiter])


def _has_head(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: it does unless its cells look like those below them."""
    if not rows:
        return True
    first, body = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    points = sum(_judge_cell(cell.strip(), [row[i].strip() for row in body]) for i, cell in enumerate(first))
    return points >= 0


def _judge_cell(cell: str, below: Sequence[str]) -> float:
    """Points for `cell` being the name of the column whose cells are `below`: positive for, negative against."""
    if cell.lower() in _HEAD_NAMES:
        return 3.0
    if not cell:
        return 0.0
    filled = [other for other in below if other]
    numbers = sum(bool(_NUMBER.fullmatch(other)) for other in filled)
    if _NUMBER.fullmatch(cell):
        return -3.0 if numbers * 2 > len(filled) or not filled else 0.0  # years may name columns
    if filled and numbers > 0.9 * len(filled):
        return 2.0
    if cell in filled:
        return -3.0
    if len(cell) > 64 or (_SENTENCE.fullmatch(cell) and sum(bool(_SENTENCE.fullmatch(other)) for other in filled) * 3 > len(filled)):
        return -1.5
    return 0.0
