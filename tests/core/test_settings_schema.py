"""The JSON Schema of startlm.toml: it accepts what the project accepts and refuses what the project refuses."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator

from startlm.commands.schema import schema_of
from startlm.core.errors import CallError
from startlm.core.project_file import read_file
from startlm.core.settings import check_settings, settings_of
from startlm.core.settings_schema import CHECKED
from startlm.project import SECTIONS, new_project

SCHEMA = schema_of("settings")
SHOWN = [(section, setting) for section, cls in SECTIONS.items() for setting in settings_of(cls)]


def good(content: dict[str, Any]) -> bool:
    return Draft202012Validator(SCHEMA).is_valid(content)


def test_editors_of_older_drafts_and_of_the_newest_read_it() -> None:
    for draft in (Draft4Validator, Draft202012Validator):
        draft.check_schema(SCHEMA)
        assert draft(SCHEMA).is_valid({}) and not draft(SCHEMA).is_valid({"paint": {}})


def test_a_new_project_keeps_it_also_with_every_line_taken_into_use(tmp_path: Path) -> None:
    path = new_project(tmp_path, {"data": "messages.csv", "text": ["message"], "label": "topic"}, "")
    text = path.read_text(encoding="utf-8")
    assert good(tomllib.loads(text))
    lines = [line.removeprefix("# ") if re.match(r"# \w+ = ", line) else line for line in text.splitlines()]
    used = tomllib.loads("\n".join(lines))
    assert sum(map(len, used.values())) >= len(SHOWN) and good(used)


@pytest.mark.parametrize("section, setting", SHOWN, ids=lambda each: getattr(each, "name", each))
def test_every_setting_is_explained_and_its_default_is_good(section: str, setting: Any) -> None:
    found = SCHEMA["properties"][section]["properties"][setting.name]
    assert setting.doc.en in found["description"] and setting.doc.zh in found["description"]
    assert "default" not in found or good({section: {setting.name: found["default"]}})
    assert setting.check is None or setting.check in CHECKED or setting.choices or hasattr(setting.check, "schema"), "say in CHECKED what this check asks"


@pytest.mark.parametrize("section, name, value", [
    ("train", "budget", "5m"), ("train", "budget", "1.5h"), ("train", "budget", "0s"), ("train", "budget", "five"), ("train", "budget", 5),
    ("prepare", "test_share", 0.2), ("prepare", "test_share", 1), ("prepare", "test_share", 0), ("prepare", "test_share", 1.5), ("prepare", "text", ["a"]), ("prepare", "label_separator", "、"), ("prepare", "label_separator", ""), ("prepare", "text", "a"),
    ("prepare", "bad_rows", "skip"), ("prepare", "bad_rows", "drop"), ("prepare", "format", "parquet"), ("prepare", "format", "word"), ("prepare", "head", False), ("prepare", "head", "no"),
    ("build", "family", "linear"), ("build", "family", "linnear"), ("train", "threads", 2), ("train", "threads", 0), ("train", "seed", -1), ("train", "seed", 1.5),
    ("predict", "hand_over", "5%"), ("predict", "hand_over", "5"), ("predict", "hand_over", "0%"), ("predict", "hand_over", "100%"), ("predict", "hand_over", "005%"),
    ("predict", "cascade", "off"), ("predict", "cascade", "0.2%"), ("predict", "cascade", "of"), ("predict", "cascade", "0%"),
    ("evaluate", "minutes_per_row", 3), ("evaluate", "minutes_per_row", -3), ("evaluate", "minutes", 3), ("clean", "html", True),
])  # fmt: skip
def test_it_agrees_with_what_the_project_accepts(section: str, name: str, value: Any) -> None:
    try:
        check_settings(SECTIONS[section], {name: value}, section=section, where="")
        accepted = True
    except CallError:
        accepted = False
    assert good({section: {name: value}}) == accepted


def test_a_section_that_is_not_there_is_refused_as_the_project_does(tmp_path: Path) -> None:
    (tmp_path / "startlm.toml").write_text("[trian]\nseed = 1\n", encoding="utf-8")
    with pytest.raises(CallError):
        read_file(tmp_path, SECTIONS)
    assert not good({"trian": {"seed": 1}}) and not good({"task": "paint"})


def test_another_schema_is_refused() -> None:
    with pytest.raises(CallError, match="no schema of 'bundle'"):
        schema_of("bundle")
