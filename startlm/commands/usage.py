"""What the command line says of a bare call and of one that it does not understand, in the language that was asked for.

The parser (typer, on its own or on click) raises errors in English only; here each becomes a CallError. They are told apart by
the name of their class, because typer has carried these classes in two places.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Sequence

from typer.core import TyperGroup

from ..core.errors import CallError
from ..core.language import Said, say

TOUR = say(
    "StartLM takes a table of messages to a classifier that answers, in five steps.\n\n"
    "  startlm demo                       the tour: a tea shop's messages, all five steps, offline\n"
    "  startlm inspect FILE               a look at your own table: one page\n"
    "  startlm new NAME --data FILE       a project for it: writes a commented startlm.toml\n"
    "  startlm run NAME                   the five steps\n"
    "  startlm --help                     every command",
    "StartLM 用五步把一张消息表变成能回答的分类器。\n\n"
    "  startlm demo                       导览：一家茶铺的消息，走完五步，离线运行\n"
    "  startlm inspect 文件               先看看你自己的表：一个页面\n"
    "  startlm new 名称 --data 文件       为它建一个项目：写出带注释的 startlm.toml\n"
    "  startlm run 名称                   走完五步\n"
    "  startlm --help                     全部命令",
)


class Group(TyperGroup):
    """Commands in the order of the work, not of the alphabet."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise no_such_command(args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)


def usage_error(error: Any) -> CallError:
    """The CallError for an error of the parser: one that has `format_message()`."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "startlm"
    see = say(f"{path} --help shows how", f"用法见 {path} --help")
    kind = type(error).__name__
    if kind == "NoSuchOption":
        known = [option for parameter in context.command.get_params(context) for option in parameter.opts] if context is not None else []
        return CallError(say(f"There is no option {error.option_name}.", f"没有 {error.option_name} 这个选项。"), _nearest(error.option_name, known, see), where=path)
    if kind == "MissingParameter" and error.param is not None:
        needed = [parameter for parameter in (context.command.get_params(context) if context is not None else [error.param]) if parameter.required]
        usage = " ".join([path, *(_shown(parameter) for parameter in needed)])
        return CallError(say(f"{_shown(error.param)} is missing.", f"缺少 {_shown(error.param)}。"), say(f"write: {usage}", f"请这样写：{usage}"), where=path)
    if kind == "BadParameter" and error.param is not None:
        name = error.param.opts[0]
        return CallError(say(f"The value of {name} will not do: {error.message}", f"{name} 的值不行：{error.message}"), see, where=path)
    if kind == "BadOptionUsage":
        return CallError(say(error.message, f"{error.option_name} 的用法不对：后面缺少值，或不需要值。"), see, where=path)
    return CallError(say(error.format_message(), f"这条命令的写法不对：{error.format_message()}"), see, where=path)


def common_last(arguments: list[str]) -> list[str]:
    """`startlm --language zh run NAME` means the same as `startlm run NAME --language zh`."""
    front: list[str] = []
    rest = list(arguments)
    while rest and rest[0].split("=")[0] in ("--language", "--json", "--debug"):
        front.append(rest.pop(0))
        if front[-1] == "--language" and rest:
            front.append(rest.pop(0))
    return [*rest, *front] if rest else front


def no_such_command(name: str, known: Sequence[str]) -> CallError:
    """The refusal of a command that does not exist, with the nearest one that does."""
    hint = say(f"the commands are: {', '.join(known)}", f"可用的命令：{'、'.join(known)}")
    return CallError(say(f"There is no command {name!r}.", f"没有 {name!r} 这个命令。"), _nearest(name, known, hint), where="startlm")


def _shown(parameter: Any) -> str:
    name = parameter.metavar or (parameter.name or "").upper()
    return name if parameter.param_type_name == "argument" else f"{parameter.opts[0]} {name}"


def _nearest(name: str, known: Sequence[str], otherwise: Said) -> Said:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return say(f"did you mean {near[0]}? {otherwise.en}", f"是不是 {near[0]}？{otherwise.zh}") if near else otherwise
