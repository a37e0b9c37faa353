"""Words that tell one group from the others, in both languages."""

from __future__ import annotations

from startlm.core.typical_words import typical_words, words_of
from tickets import tickets


def test_words_of_both_languages_are_found_in_one_text() -> None:
    assert {"refund", "退款", "退款单"} <= words_of("Please REFUND 退款单 12") and "12" not in words_of("refund 12")


def test_each_group_gets_the_words_that_the_others_lack() -> None:
    rows = tickets(300, teams=("money", "post"))
    words = typical_words([row["message"] for row in rows], [row["team"] == "post" for row in rows], 6)
    money, post = (set(each) for each in words)
    assert money & {"refund", "money", "charged", "twice", "请退款", "多扣了"} and post & {"parcel", "tracking", "arrived", "包裹", "还没收到", "什么时候"}
    assert not money & post and max(map(len, words)) <= 6


def test_a_longer_chinese_piece_takes_the_place_of_its_parts() -> None:
    (first, _) = typical_words(["信用卡丢了", "信用卡被盗", "我的信用卡", "包裹在哪", "包裹没到", "找包裹"], [0, 0, 0, 1, 1, 1], 3)
    assert "信用卡" in first and not {"信用", "用卡"} & set(first)


def test_groups_without_words_get_none() -> None:
    assert typical_words(["??", "1 2 3"], [0, 1]) == [[], []] and typical_words([], []) == []
