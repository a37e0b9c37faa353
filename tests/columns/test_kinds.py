"""Kinds and roles, guessed from small tables and from real ones."""

from __future__ import annotations

import csv
import datetime
import itertools
import os
import uuid
from pathlib import Path
from typing import Any

import pytest

from startlm.columns import COLUMNS, as_text, guess_kind
from startlm.columns.category import Category
from startlm.columns.roles import Roles, guess_roles, guess_split
from startlm.core.language import say
from startlm.core.shelves import look_up

_SENTENCES = ["我的卡还没到", "怎么修改收货地址", "这个质量太差了我要退货", "请问什么时候发货", "很快，好吃，味道足，量大", "没有送水没有送水没有送水"]
_TABLES: list[tuple[str, str, list[Any]]] = [
    ("text", "c", _SENTENCES),
    ("text", "c", ["where is my card", "I want a refund please", "how do I change my address?", "cancel it"]),
    ("text", "message", ["please send me the invoice again", "thank you very much for this"] * 20),
    ("category", "c", ["0", "1", "1"] * 10),
    ("category", "c", [0, 1, 1] * 10),
    ("category", "c", [True, False] * 5),
    ("category", "stars", [1, 2, 3, 4, 5] * 10),
    ("category", "c", ["物流", "退款", "物流", "售后", "退款"] * 4),
    ("category", "c", ["card_arrival", "lost_or_stolen_card", "exchange_rate"] * 5),
    ("category", "label", ["-1", "0", "1", None, ""] * 5),
    ("number", "c", ["1,234", "５６７", "12.5", "¥ 30", "1e3", "99", "17"]),
    ("number", "age", [str(18 + i % 60) for i in range(200)]),
    ("number", "number_of_orders", [str(i * 7 % 101) for i in range(300)]),
    ("number", "price", ["¥30", "¥50", "￥1,200", "3.2万"] * 40),
    ("number", "discount", ["50%", "80%", "１００％"] * 40),
    ("number", "amount", [f"¥{i * 37:,}" for i in range(200)]),
    ("number", "c", ["1 234,5", "12,25", "7,5"] * 2),
    ("number", "age", [str(18 + i % 60) for i in range(184)] + ["unknown"] * 16),
    ("number", "c", [str(i * 7 % 101) for i in range(300)] + ["n/a", "无", "-"] * 40),
    ("number", "c", [str(45_000 + i * 7 % 300) for i in range(600)]),
    ("number", "time_on_site", [str(20_000 + i * 7 % 300) for i in range(600)]),
    ("date", "c", ["2024-01-31", "31/01/2024", "2024年1月31日", "45322"] * 5),
    ("date", "order_date", [str(45_000 + i * 7 % 300) for i in range(600)]),
    ("date", "下单日期", ["2024-01-31", "无", "2024-02-01 08:30"] * 5),
    ("date", "c", ["2024-01-31", "2024-02-01 08:30:00", "2023/12/01"]),
    ("date", "c", ["2024年3月5日", "2024年12月31日 10:05"]),
    ("date", "c", ["31-Jul-18", "1-Aug-18"]),
    ("date", "c", ["20240131", "20240201", "20231201"]),
    ("identifier", "c", [str(uuid.UUID(int=i * 10**30)) for i in range(30)]),
    ("identifier", "订单号", [str(7_000_000 + i * 37) for i in range(30)]),
    ("identifier", "customer_id", [f"C{i % 40:04}" for i in range(200)]),
    ("identifier", "row", [str(i) for i in range(100)]),
    ("identifier", "姓名", ["张伟", "王芳", "李娜", "刘洋", "陈静"]),
]


@pytest.mark.parametrize(("kind", "name", "values"), _TABLES, ids=[f"{kind}-{i}" for i, (kind, _, _) in enumerate(_TABLES)])
def test_kinds_of_small_columns(kind: str, name: str, values: list[Any]) -> None:
    found, why = guess_kind(values, name)
    assert found == kind, why.en
    assert why.en and why.zh


def test_days_and_truths_of_python_are_read_like_written_ones() -> None:
    days = [datetime.date(2024, 1, day) for day in range(1, 9)]
    assert guess_kind(days, "c")[0] == "date" and guess_kind([datetime.datetime(2024, 1, 2, 3, 4)] * 3, "c")[0] == "date"
    assert [as_text(value) for value in (True, 2.0, 2.5, float("inf"), None, days[0])] == ["true", "2", "2.5", "inf", "", "2024-01-01"]


@pytest.mark.parametrize(("values", "kind"), [(["tea"] * 20, "category"), (["2.5"] * 20, "number"), (["2024-01-31"] * 20, "date")])
def test_a_constant_column_is_said_to_tell_nothing(values: list[str], kind: str) -> None:
    found, why = guess_kind(values, "c")
    shown = look_up(COLUMNS, found, say("kind of column", "列类型")).show(values)
    assert found == kind and "one value in all 20 rows" in why.en and "同一个值" in why.zh
    assert "20" in [value for said, value in shown.facts if "all with one value" in said.en]


def test_a_category_of_many_values_says_how_many_rows_have_a_frequent_one() -> None:
    shown = Category.show([f"town {i % 1_000}" for i in range(4_000)])
    assert ("rows with one of the 256 most frequent", "25.6%") in [(said.en, value) for said, value in shown.facts]


def test_an_empty_column_is_not_taken_for_text() -> None:
    assert guess_kind(["", None, " "], "c")[0] == "category"


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        (["train", "train", "test", ""], {"train": "train", "test": "test"}),
        (["Training", "Validation"], {"Training": "train", "Validation": "dev"}),
        (["训练", "验证", "测试"], {"训练": "train", "验证": "dev", "测试": "test"}),
        (["valid", "invalid"], None),
        (["train", "plane"], None),
        (["train", "train"], None),
        ([], None),
    ],
)
def test_a_column_of_train_and_test_words_is_recognised(values: list[str], parts: dict[str, str] | None) -> None:
    assert guess_split(values) == parts


def _roles(table: dict[str, list[Any]]) -> Roles:
    return guess_roles(list(table), table, {name: guess_kind(values, name)[0] for name, values in table.items()})


def test_the_split_column_is_never_the_label_and_an_id_is_left_out() -> None:
    table = {
        "id": [str(i) for i in range(12)],
        "message": _SENTENCES * 2,
        "group": ["物流", "售后", "评价"] * 4,
        "part": ["train", "train", "test"] * 4,
    }
    roles = _roles(table)
    assert (roles.text, roles.label, roles.split, roles.unused) == (("message",), "group", "part", ("id",))
    assert len(roles.why) == 4 and all(said.en and said.zh for said in roles.why)


def test_a_named_label_wins_over_other_categories() -> None:
    roles = _roles({"text": _SENTENCES * 2, "意图": ["退款", "物流"] * 6, "channel": ["web", "app"] * 6})
    assert (roles.label, roles.unused) == ("意图", ("channel",))


def test_subject_and_body_are_both_text_but_a_reply_is_left_out() -> None:
    replies = [f"we are sorry to hear that, parcel {i} is on its way" for i in range(12)]
    roles = _roles({"标题": _SENTENCES * 2, "正文": [s * 4 for s in _SENTENCES] * 2, "reply": replies, "team": ["a", "b"] * 6})
    assert (roles.text, roles.label, roles.unused) == (("标题", "正文"), "team", ("reply",))
    assert any("give the answer away" in said.en for said in roles.why)


def test_a_label_of_which_the_first_rows_show_one_value_is_still_the_label() -> None:
    assert _roles({"label": ["1"] * 12, "review": _SENTENCES * 2}).label == "label"


def test_a_table_without_labels_has_none() -> None:
    roles = _roles({"title": _SENTENCES, "date": ["2024-01-31"] * 6})
    assert (roles.text, roles.label, roles.unused) == (("title",), None, ("date",))


_ROOT = Path(os.environ.get("STARTLM_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("file", "text", "label"),
    [
        ("banking77/train.csv", ("text",), "category"),
        ("clinc150/train.csv", ("text",), "intent"),
        ("thucnews-title/train.csv", ("text",), "label"),
        ("chnsenticorp/train.csv", ("text",), "label"),
        ("waimai-10k/reviews.csv", ("review",), "label"),
        ("hint3-sofmattress/train.csv", ("text",), "intent"),
        ("fewclue-tnews/train_0.csv", ("text",), "label"),
        ("alexa-reviews/amazon_alexa.tsv", ("verified_reviews",), "rating"),
        ("compas/compas-scores-two-years.csv", (), "two_year_recid"),
        ("weibo-hot-search/titles.csv", ("title",), None),
    ],
)
def test_roles_of_real_tables(file: str, text: tuple[str, ...], label: str | None) -> None:
    path = _ROOT / file
    if not path.exists():
        pytest.skip("real data is not there: set STARTLM_DATA")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.reader(stream, delimiter="\t" if path.suffix == ".tsv" else ",")
        names = next(rows)
        values = list(zip(*itertools.islice(rows, 2_000), strict=True))
    roles = _roles({name: list(column) for name, column in zip(names, values, strict=True)})
    assert (roles.text, roles.label, roles.split) == (text, label, None)
