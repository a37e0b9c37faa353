"""The language of a text, told from its scripts."""

from __future__ import annotations

import pytest

from startlm.core.scripts import language_of, languages_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我的卡还没到", "zh"),
        ("這間酒店環境和服務態度亦算不錯", "zh"),
        ("我的iPhone充不了电，怎么办", "zh"),
        ("体验2D巅峰 倚天屠龙记十大创新概览", "zh"),
        ("where is my card", "en"),
        ("Où est ma carte", "en"),
        ("I ordered 青山 tea but it has not arrived yet", "en"),
        ("please help 我的订单还没有到", "mixed"),
        ("我的 order 还没 delivered", "mixed"),
        ("12:30, 100%", "other"),
        ("Где моя карта", "other"),
        ("カードはどこですか", "other"),
        ("", "other"),
        ("\ud800😀", "other"),
    ],
)
def test_languages_are_told_apart(text: str, language: str) -> None:
    assert language_of(text) == language
    assert languages_of([text]) == [language]
