"""A setting is declared once: a typed dataclass field with its docstring (English, blank line, Chinese).

startlm.toml, the flags, the checks and the JSON Schema are all derived from that field.
"""

from __future__ import annotations

import ast
import inspect
import json
import math
import re
import textwrap
from dataclasses import MISSING, dataclass, fields, replace
from difflib import get_close_matches
from functools import cache
from numbers import Number
from types import MappingProxyType
from typing import Any, Mapping, Sequence, TypeVar, get_args, get_origin, get_type_hints

from .errors import CallError
from .language import Said, say

T = TypeVar("T")
NONE = (None, "", ())  # defaults that stand for nothing
# What startlm.toml shows for a text without a default.
EXAMPLES = {"data": "messages.csv", "test": "test.csv", "text": ["message"], "columns": ["age: number", "city"], "label": "topic", "label_separator": ";", "label_order": ["low", "medium", "high"],
            "costs": ["fraud -> fine: 200", "fine -> fraud: 5"], "split_column": "split",
            "join": ["customers.csv on customer_id"], "group_column": "customer_id", "time_column": "date", "sheet": "Sheet1",
            "query": "SELECT message, topic FROM messages", "delimiter": ";", "quote": "'", "plan": "runs/2026-01-31-120000/train/plan.json", "out_of_scope": "other"}


@dataclass(frozen=True)
class Setting:
    """One declared setting."""

    name: str
    type: Any
    default: Any
    doc: Said
    choices: tuple[str, ...] = ()  # names on a shelf, where the setting takes one of them
    check: Any = None  # a function that raises ValueError(Said) for a value of the right type but wrong form
    repeated: bool = False  # its flag may be given several times, and a comma is part of a value


@cache
def settings_of(cls: type) -> tuple[Setting, ...]:
    """The settings a dataclass declares, in order.

    >>> from startlm.core.settings import settings_of
    >>> settings_of(type("Empty", (), {"__dataclass_fields__": {}}))
    ()
    """
    if not fields(cls):
        return ()
    docs, hints = _docs(cls), get_type_hints(cls)
    found = []
    for field in fields(cls):
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        found.append(Setting(field.name, hints[field.name], default, docs[field.name], tuple(field.metadata.get("choices", ())), field.metadata.get("check"), field.metadata.get("repeated", False)))
    return tuple(found)


def _docs(cls: type) -> dict[str, Said]:
    """The string that stands under each field: its English and its Chinese paragraph."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0].body  # type: ignore[attr-defined]
    docs = {}
    for field, below in zip(body, body[1:]):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            english, _, chinese = inspect.cleandoc(str(below.value.value)).partition("\n\n")
            docs[field.target.id] = say(" ".join(english.split()), "".join(chinese.split("\n")))  # type: ignore[union-attr]
    return docs


def check_settings(cls: type[T], given: Mapping[str, Any], *, section: str, where: str, lenient: bool = False) -> T:
    """An instance of `cls` from what a file (strict types) or flags (`lenient`: text is converted) gave.

    Raises CallError for an unknown key (with the nearest name) and for a value of the wrong type.
    """
    known = {setting.name: setting for setting in settings_of(cls)}
    for key in given:
        if key not in known:
            raise unknown_key(key, known, section=section, where=where)
    return cls(**{key: _checked(known[key], value, section, where, lenient) for key, value in given.items()})


def with_given(settings: T, given: Mapping[str, Any], *, section: str, call: str) -> T:
    """The settings with what the keywords of a Python call give, held to the rules of startlm.toml."""
    plain = {key: value.item() if isinstance(value, Number) and hasattr(value, "item") else value for key, value in given.items()}  # numpy's too
    checked = check_settings(type(settings), plain, section=section, where=f"{call}(…)")
    return replace(settings, **{key: getattr(checked, key) for key in given})  # type: ignore[type-var]


def unknown_key(key: str, known: Sequence[str] | Mapping[str, Any], *, section: str, where: str) -> CallError:
    """The refusal of a key that does not exist, with the nearest one that does."""
    near = get_close_matches(key, list(known), n=1, cutoff=0.5)
    place = f"[{section}] " if section else ""
    guess = say(f"Did you mean {near[0]}? ", f"是不是 {near[0]}？") if near else say("", "")
    return CallError(
        say(f"There is no setting {place}{key}.", f"没有 {place}{key} 这个设置。"),
        say(f"{guess.en}The settings here are: {', '.join(known)}.", f"{guess.zh}这里的设置有：{'、'.join(known)}。"),
        where=where,
    )


def _checked(setting: Setting, value: Any, section: str, where: str, lenient: bool) -> Any:
    from pydantic import TypeAdapter, ValidationError

    try:
        if lenient:
            checked = TypeAdapter(setting.type).validate_python(_from_flag(setting, value))
        else:
            checked = TypeAdapter(setting.type).validate_json(json.dumps(value, default=str), strict=True)
        if setting.check is not None and checked is not None:
            setting.check(checked)
        if isinstance(checked, (int, float)) and not 0 <= checked < math.inf:
            raise ValueError(say(f"{_wanted(setting.type).en} that is not below 0", f"{_wanted(setting.type).zh}，不能小于 0"))
        return checked
    except (ValidationError, ValueError) as error:
        wanted = error.args[0] if error.args and isinstance(error.args[0], Said) else _wanted(setting.type)
        raise CallError(
            say(f"[{section}] {setting.name} = {toml_value(value)} will not do: it takes {wanted.en}.",
                f"[{section}] {setting.name} = {toml_value(value)} 不行：这里要{wanted.zh}。"),
            _such_as(setting, value),
            where=where,
        ) from None
    except CallError as error:  # a check that looks on a shelf knows the names there, not the place of the setting
        raise CallError(error.message, error.hint, where=say(f"{where} [{section}] {setting.name}", f"{where} [{section}] {setting.name}")) from None


def _from_flag(setting: Setting, value: Any) -> Any:
    """What a flag says, as the setting takes it: a list from commas, or from a flag that is given several times."""
    if "tuple" not in str(setting.type):
        return value
    if setting.repeated:
        given = (value,) if isinstance(value, str) else tuple(value)
        return given[0] if len(given) == 1 and get_origin(setting.type) is not tuple else given
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _such_as(setting: Setting, value: Any) -> Said:
    example = [value] if setting.default == () and isinstance(value, str) else setting.default
    if example in (None, ()):
        return say("take it out, or give such a value", "请去掉它，或换成这样的值")
    line = toml_line(setting.name, example)
    return say(f"for instance: {line}", f"例如：{line}")


def _wanted(kind: Any) -> Said:
    options = [value for each in (kind, *get_args(kind)) for value in get_args(each) if isinstance(value, str)]
    if options:
        listed = " | ".join(f'"{value}"' for value in options)
        return say(listed, f" {listed} 之一")
    names = {
        "int": say("a whole number", "一个整数"), "float": say("a number", "一个数"),
        "bool": say("true or false", " true 或 false"), "str | tuple": say("a text or a list of texts", "一段文字或一串文字（列表）"), "tuple": say("a list of texts", "一串文字（列表）"),
    }
    return next((said for name, said in names.items() if name in str(kind)), say("a text", "一段文字"))


def flag_of(section: str, name: str) -> str:
    """The flag of a setting: its name; several sections have a seed.

    >>> flag_of("build", "size"), flag_of("train", "seed")
    ('--size', '--train-seed')
    """
    return f"--{section}-seed" if name == "seed" and section != "prepare" else "--" + name.replace("_", "-")


def explained(setting: Setting) -> str:
    """The docstring, with the names to choose from."""
    return f"{setting.doc} ({', '.join(setting.choices)})" if setting.choices else str(setting.doc)


# ------------------------------------------------------------------ TOML

def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)


def toml_line(name: str, value: Any) -> str:
    """`name = value`.

    >>> toml_line("seed", 0)
    'seed = 0'
    """
    return f"{name} = {toml_value(value)}"


def to_toml(section: str, cls: type, given: Mapping[str, Any], proposed: Mapping[str, Any] = MappingProxyType({})) -> str:
    """One commented section: what was `given` stands open, every other setting as a comment with its default, with what is `proposed`,
    or with an example that says so."""
    lines = [f"[{section}]"]
    for setting in settings_of(cls):
        lines += [f"# {line}" for line in textwrap.wrap(explained(setting), 110)]
        if setting.name in given and given[setting.name] not in (None, ()):
            lines.append(toml_line(setting.name, given[setting.name]))
        else:
            remark = say("no default; an example", "没有默认值；这是例子") if setting.default in NONE else None
            remark = say("a proposal", "建议") if setting.name in proposed else remark
            lines.append(f"# {toml_line(setting.name, proposed.get(setting.name, _example(setting)))}{f'  # {remark}' if remark else ''}")
    return "\n".join(lines) + "\n"


def _example(setting: Setting) -> Any:
    """The default; where there is none, a value that will do, so that the line works when its # is taken off."""
    if setting.default not in NONE:
        return setting.default
    if setting.name in EXAMPLES:
        return EXAMPLES[setting.name]
    told = re.search('for instance "([^"]+)"', setting.doc.en)
    words = [value for part in (setting.type, *get_args(setting.type)) for value in get_args(part) if isinstance(value, str)]
    if told or setting.choices or words:
        return told[1] if told else (*setting.choices, *words)[0]
    kind = str(setting.type)
    return True if "bool" in kind else 1 if "int" in kind else 0.5 if "float" in kind else "…"


# ------------------------------------------------------- forms of values

def seconds_of(duration: str) -> float:
    """Seconds in a duration such as "90s", "5m", "1h".

    >>> seconds_of("5m")
    300.0
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h)\s*", duration)
    if not match or float(match[1]) == 0:
        raise ValueError(say('a duration such as "90s", "5m" or "1h"', '一段时间，如 "90s"、"5m"、"1h"'))
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def fraction(value: float) -> float:
    """A number between 0 and 1, neither included.

    >>> fraction(0.2)
    0.2
    """
    if not 0 < value < 1:
        raise ValueError(say("a number between 0 and 1", "一个 0 到 1 之间的数"))
    return value


def at_least_one(value: int) -> int:
    """A whole number of 1 or more.

    >>> at_least_one(2)
    2
    """
    if value < 1:
        raise ValueError(say("a whole number of 1 or more", "一个不小于 1 的整数"))
    return value


def not_empty(text: str) -> str:
    """A text of one character or more; a space is one.

    >>> not_empty(";")
    ';'
    """
    if not text:
        raise ValueError(say("a text of one character or more", "至少一个字符的文字"))
    return text


OFF = "off"


def share_or_off(percentage: str) -> None:
    """Raises ValueError for what is neither a percentage nor "off".

    >>> share_or_off("off")
    """
    if percentage != OFF:
        share_of(percentage)


def share_of(percentage: str) -> float:
    """The share in a percentage such as "5%".

    >>> share_of("5%")
    0.05
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", percentage)
    if not match or not 0 < float(match[1]) < 100:
        raise ValueError(say('a percentage between 0 and 100 such as "5%"', '一个 0 到 100 之间的百分比，如 "5%"'))
    return float(match[1]) / 100
