"""Writes docs/settings.md from the declarations in the code: `python docs/make_settings.py`."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any, get_args

from startlm.core.settings import Setting, settings_of, toml_value
from startlm.project import SECTIONS

PAGE = Path(__file__).resolve().parent / "settings.md"
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

`task = "classify"` stands above all sections: what the model is asked. It is the only task so far.
`task = "classify"` 写在各节之前：要模型做什么。目前只有这一种任务。
"""
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


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
