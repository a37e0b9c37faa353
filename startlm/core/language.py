"""Every sentence a person reads exists twice, in English and in Chinese, side by side in the code.

>>> str(say("No such file.", "没有这个文件。")) in ("No such file.", "没有这个文件。")
True
"""

from __future__ import annotations

import locale
import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Iterator, Literal, NamedTuple

Language = Literal["en", "zh"]


class Said(NamedTuple):
    """One sentence in both languages; `str()` gives it in the language of the moment."""

    en: str
    zh: str

    def __str__(self) -> str:
        return self.zh if current_language() == "zh" else self.en

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def say(en: str, zh: str) -> Said:
    """Pair an English sentence with its Chinese twin."""
    return Said(en, zh)


_language: ContextVar[Language | None] = ContextVar("language", default=None)


def current_language() -> Language:
    """The language set by `use_language`, else the one the locale asks for."""
    return _language.get() or locale_language()


def use_language(language: Language) -> None:
    """Speak this language from now on (the command line's `--language`)."""
    _language.set(language)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Speak this language inside the block only (the report is written once in each)."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def locale_language() -> Language:
    """`zh` when the environment asks for Chinese, else `en`."""
    for name in ("STARTLM_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "zh" if (locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"
