"""What holds for one call on a project: startlm.toml, then flags of earlier calls that are still in force, then the call's own flags.

A flag stays in force until startlm.toml says something new for its setting or another flag does. So each step goes on with
the run that the call before it made, whoever gives which flag to which step.
"""

from __future__ import annotations

import json
import shlex
import tomllib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Mapping, Sequence

from .durable import json_bytes, read_json, write_json
from .errors import CallError
from .language import Said, say
from .settings import check_settings, flag_of, toml_value, unknown_key

FILE = "startlm.toml"
KEPT = Path("runs") / "flags.json"
ONCE = ("force",)  # a permission for one call
REPEATED = ("data", "join")  # given once for each value, in which commas may be


@dataclass(frozen=True)
class Flag:
    """A flag that was given, and what startlm.toml said for its setting at that time (both JSON-ready)."""

    section: str
    name: str
    value: Any
    instead_of: Any

    def __str__(self) -> str:
        if self.name in REPEATED and isinstance(self.value, list):
            return " ".join(f"{flag_of(self.section, self.name)} {shlex.quote(each)}" for each in self.value)
        value = ",".join(self.value) if isinstance(self.value, list) else self.value if isinstance(self.value, str) else json.dumps(self.value)
        return f"{flag_of(self.section, self.name)} {shlex.quote(value)}"


def read_file(folder: Path, sections: Mapping[str, type]) -> tuple[str, dict[str, Any]]:
    """The task, and every section's settings, as startlm.toml has them. Raises CallError for anything misspelt, before any work."""
    path = folder / FILE
    if not path.is_file():
        name = shlex.quote(str(folder))
        raise CallError(say(f"{folder} is not a project: there is no {FILE}.", f"{folder} 不是项目：没有 {FILE}。"),
                        say(f"make one: startlm new {name} --data FILE", f"请新建：startlm new {name} --data 文件"), where=str(folder))
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CallError(say(f"{FILE} is not valid TOML: {error}", f"{FILE} 不是有效的 TOML：{error}"), say("mend that line", "请修改那一行"), where=str(path)) from None
    task = content.pop("task", "classify")
    for name in content:
        if name not in sections:
            raise unknown_key(name, ["task", *sections], section="", where=str(path))
        if not isinstance(content[name], dict):
            raise CallError(say(f"{name} is a section, not a setting.", f"{name} 是一节，不是一个设置。"), say(f"write [{name}] on a line, its settings below", f"另起一行写 [{name}]，它的设置写在下面"), where=str(path))
    return task, {name: check_settings(cls, content.get(name, {}), section=name, where=str(path)) for name, cls in sections.items()}


# ------------------------------------------------------------------ flags

def own_flags(given: Mapping[str, Mapping[str, Any]], written: Mapping[str, Any]) -> list[Flag]:
    """The flags of this call. Raises CallError for a value that will not do."""
    where = str(say("the command line", "命令行"))
    return [_flag(section, name, value, written, where) for section in written for name, value in given.get(section, {}).items()]


def _flag(section: str, name: str, value: Any, written: Mapping[str, Any], where: str) -> Flag:
    checked = check_settings(type(written[section]), {name: value}, section=section, where=where, lenient=True)
    return Flag(section, name, as_json(checked)[name], as_json(written[section])[name])


def kept_flags(folder: Path, written: Mapping[str, Any]) -> list[Flag]:
    """The flags of earlier calls that are still in force. What cannot be read, or is no setting any more, is none."""
    kept = []
    try:
        for entry in read_json(folder / KEPT):
            flag = _flag(entry["section"], entry["name"], entry["value"], written, KEPT.name)
            if flag.instead_of == entry["instead_of"]:  # else startlm.toml has changed since, and wins
                kept.append(flag)
    except (CallError, TypeError, KeyError):
        return []
    return kept


def keep_flags(folder: Path, flags: Sequence[Flag]) -> None:
    """Let these flags hold for later calls too, and no others."""
    value = [asdict(flag) for flag in flags if flag.value != flag.instead_of and flag.name not in ONCE]
    path = folder / KEPT
    if path.read_bytes() != json_bytes(value) if path.exists() else value:
        write_json(path, value)


def with_flags(written: Mapping[str, Any], flags: Sequence[Flag]) -> dict[str, Any]:
    """Every section's settings, where flags say so another than the written ones."""
    changed: dict[str, Any] = {name: {} for name in written}
    for flag in flags:
        changed[flag.section][flag.name] = tuple(flag.value) if isinstance(flag.value, list) else flag.value
    return {name: replace(settings, **changed[name]) for name, settings in written.items()}


def said_of(flags: Sequence[Flag]) -> list[Said]:
    """Which flags of earlier calls are in force, beside what startlm.toml says; nothing where none is."""
    if not flags:
        return []
    none = say("not set", "未设置")
    en, zh = ([f"{flag} ({FILE}: {none[i] if flag.instead_of in (None, []) else toml_value(flag.instead_of)})" for flag in flags] for i in (0, 1))
    return [say(f"Still in force from an earlier call: {', '.join(en)}. --forget-flags goes by {FILE}.", f"之前命令的参数仍然有效：{'、'.join(zh)}。加 --forget-flags 则以 {FILE} 为准。")]


def as_json(settings: Any) -> Any:
    """The settings of a section as JSON reads them back."""
    return json.loads(json.dumps(asdict(settings)))
