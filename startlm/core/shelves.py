"""A shelf is a dictionary from a name to "module:object"; looking a name up imports it."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any, Mapping

from .errors import CallError, missing_extra
from .language import Said, say


def look_up(shelf: Mapping[str, str], name: str, kind: Said) -> Any:
    """The member of this name.

    Raises CallError, with the nearest name and the whole list, for a name that is not there; MissingExtraError for a member
    that needs an extra which is not installed.

    >>> look_up({"join": "posixpath:join"}, "join", say("function", "函数"))("a", "b")
    'a/b'
    """
    if name not in shelf:
        near = get_close_matches(name, shelf, n=1)
        guess = say(f"did you mean {near[0]!r}? ", f"是不是 {near[0]!r}？") if near else say("", "")
        raise CallError(
            say(f"Unknown {kind.en}: {name!r}.", f"没有这种{kind.zh}：{name!r}。"),
            say(f"{guess.en}There are: {', '.join(shelf)}.", f"{guess.zh}可用的有：{'、'.join(shelf)}。"),
        )
    module, _, attribute = shelf[name].partition(":")
    return getattr(import_extra(module), attribute)


def import_extra(module: str) -> Any:
    """The module; MissingExtraError, with the line that installs it, where it needs an extra that is not there.

    >>> import_extra("posixpath").join("a", "b")
    'a/b'
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise missing_extra(error) from error
