"""The JSON Schema of startlm.toml, made from the declared settings: an editor completes them, explains them and marks what will not do.

Only words that drafts 4 to 2020-12 of the standard share are used: editors of TOML read older drafts.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any, Mapping, Sequence, get_args

from .settings import NONE, Setting, at_least_one, fraction, not_empty, seconds_of, settings_of, share_of, share_or_off

DIALECT = "http://json-schema.org/draft-07/schema#"

# What a check asks beyond the type. A check that looks on a shelf needs no line here: its setting lists its choices.
CHECKED: dict[Any, dict[str, Any]] = {
    fraction: {"minimum": 0, "maximum": 1, "not": {"enum": [0, 1]}},
    at_least_one: {"minimum": 1},
    not_empty: {"minLength": 1},
    seconds_of: {"pattern": r"^\s*(?!0+(\.0+)?\s*[smh])\d+(\.\d+)?\s*[smh]\s*$"},
    share_of: {"pattern": r"^\s*(?!0+(\.0+)?\s*%)0*\d{1,2}(\.\d+)?\s*%\s*$"},
    share_or_off: {"pattern": r"^(off|\s*(?!0+(\.0+)?\s*%)0*\d{1,2}(\.\d+)?\s*%\s*)$"},
}


def settings_schema(sections: Mapping[str, type], tasks: Sequence[str]) -> dict[str, Any]:
    """The schema of a file with `task` and these sections."""
    task = {"description": "What the model is asked.\n\n要模型做什么。", "enum": list(tasks), "default": tasks[0]}
    properties = {"task": task} | {name: _section(cls) for name, cls in sections.items()}
    return {"$schema": DIALECT, "title": "startlm.toml", "type": "object", "properties": properties, "additionalProperties": False}


def _section(cls: type) -> dict[str, Any]:
    return {"type": "object", "properties": {each.name: _property(each) for each in settings_of(cls)}, "additionalProperties": False}


def _property(setting: Setting) -> dict[str, Any]:
    from pydantic import TypeAdapter

    # TOML has no null: a setting without a value is left out.
    kinds = [kind for kind in get_args(setting.type) if kind is not type(None)] if type(None) in get_args(setting.type) else [setting.type]
    found = {"description": f"{setting.doc.en}\n\n{setting.doc.zh}", **TypeAdapter(reduce(or_, kinds)).json_schema()}
    if setting.choices:
        found["enum"] = list(setting.choices)
    if found.get("type") in ("integer", "number"):
        found["minimum"] = 0
    if setting.default not in NONE:
        found["default"] = setting.default
    return found | (CHECKED.get(setting.check) or getattr(setting.check, "schema", {}))
