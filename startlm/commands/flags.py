"""The flags of a command that are settings: derived from the settings' declarations, imported only for the command that is called."""

from __future__ import annotations

import inspect
from typing import Annotated, Any, Optional, get_args

import typer

from ..core.settings import explained, flag_of, settings_of
from ..project import SECTIONS

FORGET = "Go by startlm.toml: flags of earlier calls hold no longer. 以 startlm.toml 为准，之前命令的参数不再有效。"


def parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    """One keyword parameter of a command."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def setting_parameters(sections: tuple[str, ...]) -> list[inspect.Parameter]:
    """One flag for each setting of these sections, with its docstring as help; and the one that lets earlier calls' flags go."""
    found = [parameter(f"{section}__{setting.name}", *_flag(section, setting)) for section in sections for setting in settings_of(SECTIONS[section])]
    return [*found, parameter("forget_flags", Annotated[bool, typer.Option("--forget-flags", help=FORGET)], False)]


def _flag(section: str, setting: Any) -> tuple[Any, Any]:
    flag = flag_of(section, setting.name)
    if setting.name == "force":
        return Annotated[bool, typer.Option(flag, help=f"[{section}] {explained(setting)}")], False
    kind = Optional[list[str]] if setting.repeated else Optional[str]
    return Annotated[kind, typer.Option(flag, metavar=_kind(setting.type), help=f"[{section}] {explained(setting)}", show_default=False)], None


def _kind(kind: Any) -> str:
    words = [value for value in (*get_args(kind), *(part for each in get_args(kind) for part in get_args(each))) if isinstance(value, str)]
    return "|".join(words) if words else next((name.upper() for name in ("int", "float", "bool") if name in str(kind)), "TEXT")
