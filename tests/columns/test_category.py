"""Labels: one spelling each, and slips found without mistaking other words for them."""

from __future__ import annotations

import random
import time

import pytest

from startlm.columns.category import Category, similar_labels


@pytest.mark.parametrize(("label", "clean"), [(" ｒefund　１ ", "refund 1"), ("<b>", "<b>"), ("e\u0301", "é"), ("物流\u200b", "物流"), ("Refund", "Refund")])
def test_a_label_is_cleaned_but_keeps_its_case(label: str, clean: str) -> None:
    assert Category.clean(label) == clean


@pytest.mark.parametrize(
    ("rare", "common"),
    [("Refund", "refund"), ("card arrival", "card_arrival"), ("ｒefund", "refund"), ("refnud", "refund"), ("card_arival", "card_arrival"), (" 物流", "物流")],
)
def test_a_slip_is_found(rare: str, common: str) -> None:
    found = similar_labels({common: 120, rare: 2, "other_label": 60})
    assert [(each.rare, each.common) for each in found] == [(rare, common)] and found[0].why.zh


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("q1", "q2"), ("topic_10", "topic_11"), ("差评", "好评"), ("中评", "好评"), ("-1", "1"), ("available", "unavailable"),
        ("robbery no weapon", "robbery weapon"), ("card", "cart"), ("plan a", "plan b"), ("male", "female"), ("退款", "退货"),
    ],
)  # fmt: skip
def test_another_word_is_no_slip(one: str, two: str) -> None:
    assert similar_labels({two: 500, one: 3}) == []


def test_labels_about_as_frequent_are_two_labels() -> None:
    assert similar_labels({"casting": 50, "canting": 40}) == []
    assert similar_labels({"casting": 500, "canting": 40}) != []


def test_thousands_of_labels_are_compared_in_seconds() -> None:
    dice = random.Random(1)
    labels = {"".join(dice.choices("abcdefghijklmnop", k=15)): dice.randint(1, 5_000) for _ in range(1_000)}
    start = time.process_time()
    similar_labels(labels)
    assert time.process_time() - start < 2
