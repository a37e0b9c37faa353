"""Writes what follows from the declarations in the code, settings.md, settings.schema.json and commands.md: `python docs/make_settings.py`."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any, get_args

import typer

from startlm.cli import _flagged, app
from startlm.commands.schema import schema_of
from startlm.core.settings import Setting, settings_of, toml_value
from startlm.project import SECTIONS

DOCS = Path(__file__).resolve().parent
HEAD = """# Settings 设置

Every setting of `startlm.toml`, by section. Each is a flag too, of its step's command, of the later steps' and of `run` and `plan`
(`test_share` is `--test-share`; `seed` of train and evaluate are `--train-seed` and `--evaluate-seed`).
A flag stays in force for later calls on the project until `startlm.toml` says something new for its setting, another flag does, or
`--forget-flags` is given; each call says so, and only `--force` counts for one call. A path given by flag starts where you stand, a path in `startlm.toml` at the project.
This page is made from the code: `python docs/make_settings.py`.

`startlm.toml` 的全部设置，按节排列。每项也可以作为参数，用在相应步骤、其后各步以及 `run`、`plan` 的命令后面
（`test_share` 写作 `--test-share`；train 和 evaluate 的 `seed` 分别是 `--train-seed`、`--evaluate-seed`）。
参数对这个项目以后的命令也有效，直到 `startlm.toml` 里这项设置改了、给出了另一个值，或加上 `--forget-flags`；每次都会说明，只有 `--force` 仅一次有效。
用参数给出的路径从当前所在的文件夹算起，`startlm.toml` 里的路径从项目文件夹算起。
本页由代码生成：`python docs/make_settings.py`。

`task = "classify"` stands above all sections: what the model is asked: `classify` answers with a label, `score` with a number. `startlm new` writes it.
`task = "classify"` 写在各节之前：要模型做什么。`classify` 回答标签，`score` 回答数字；`startlm new` 会写上。
"""
COMMANDS_HEAD = """# Commands 命令

Every command with its arguments and options, as `startlm COMMAND --help` shows them. Three more go with every command: `--language zh|en`,
`--json` (one JSON object on standard output; progress goes to standard error) and `--debug` (shows the traceback of an error).
This page is made from the code: `python docs/make_settings.py`.

全部命令及其参数，与 `startlm 命令 --help` 显示的一致。另有三个参数每条命令都有：`--language zh|en`、
`--json`（在标准输出上给出一个 JSON 对象，进度写到标准错误）和 `--debug`（显示出错的调用栈）。
本页由代码生成：`python docs/make_settings.py`。
"""
BAR = "\\|"
EVERYWHERE = ("language", "as_json", "debug", "forget_flags")
TYPES = {"str | tuple": "text, or list of texts", "tuple": "list of texts", "str": "text", "int": "whole number", "float": "number", "bool": "true, false"}


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_section(name, cls) for name, cls in SECTIONS.items())


def _section(name: str, cls: type) -> str:
    rows = [f"| `{each.name}` | {_kind(each.type)} | {_default(each)} | {_cell(each.doc.en)} | {_cell(each.doc.zh)} |" for each in settings_of(cls)]
    return "\n".join([f"\n## [{name}]\n", "| setting 设置 | type 类型 | default 默认 | what it does | 作用 |", "|---|---|---|---|---|", *rows, ""])


def _kind(kind: Any) -> str:
    """The words a setting may be, or its type in words."""
    words = [word for each in (kind, *get_args(kind)) for word in get_args(each) if isinstance(word, str)]
    return ", ".join(f'`"{word}"`' for word in words) or next(word for name, word in TYPES.items() if name in str(kind))


def _default(setting: Setting) -> str:
    return "none 无" if setting.default in (None, "", ()) else f"`{toml_value(setting.default)}`"


def _cell(text: str) -> str:
    return html.escape(text, quote=False).replace("|", "\\|")


# ----------------------------------------------------------------- commands

def commands_page() -> str:
    """Every command with what it takes."""
    door = typer.main.get_command(app)
    return COMMANDS_HEAD + "".join(_command(name, command) for name, command in door.commands.items())  # type: ignore[attr-defined]


def _command(name: str, command: Any) -> str:
    own = [each for each in command.params if each.name not in (*EVERYWHERE, "help") and "__" not in each.name]
    # The flags that are settings join a command when it is called; this process may have called some.
    sections = dict.fromkeys([*(each.name.partition("__")[0] for each in command.params if "__" in each.name), *_flagged.get(name, (None, ()))[1]])
    usage = " ".join(["startlm", name, *(_usage(each) for each in own if each.param_type_name == "argument" or each.required)])
    lines = [f"\n## {name}\n", f"`{usage}`\n", html.escape(command.help or "", quote=False), ""]
    if own:
        lines += ["| takes 参数 | what it is 说明 |", "|---|---|", *(f"| `{_usage(each, full=True).replace('|', BAR)}` | {_cell(each.help or '')} |" for each in own), ""]
    if sections:
        named = ", ".join(f"[[{section}]](settings.md#{section})" for section in sections)
        lines += [f"Also a flag for each setting of {named}, and `--forget-flags`. 另有这些节的每项设置，以及 `--forget-flags`。", ""]
    return "\n".join(lines)


def _usage(parameter: Any, *, full: bool = False) -> str:
    word = parameter.metavar or parameter.name.upper()
    if parameter.param_type_name == "argument":
        word += "..." if parameter.nargs == -1 else ""
        return word if parameter.required or full else f"[{word}]"
    flag = ", ".join(sorted(parameter.opts, key=len, reverse=True)) if full else parameter.opts[0]
    return flag if parameter.is_flag else f"{flag} {word}"


MADE = {
    "settings.md": page,
    "settings.schema.json": lambda: json.dumps(schema_of("settings"), ensure_ascii=False, indent=1) + "\n",
    "commands.md": commands_page,
}

if __name__ == "__main__":
    for name, made in MADE.items():
        (DOCS / name).write_text(made(), encoding="utf-8")
