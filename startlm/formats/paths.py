"""Paths that settings hold: in startlm.toml from the project's folder, as flags and messages from where a person stands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable

from startlm.formats.joined import move_join
from startlm.formats.sources import is_address


def from_here(folder: Path, path: str) -> str:
    """A project's path as a person here would write it: without the way up and down again that leads through the project's folder."""
    if is_address(path):
        return path
    real, here = os.path.realpath(folder / path), os.getcwd()
    return os.path.relpath(real, here) if Path(real).is_relative_to(here) else real


def from_folder(folder: Path, path: str) -> str:
    """A path from where a person stands as startlm.toml writes it: from the project's folder."""
    path = path.removeprefix("sqlite:///")
    return path if is_address(path) else Path(os.path.relpath(os.path.realpath(path), os.path.realpath(folder))).as_posix()


def move_paths(name: str, value: Any, seen: Callable[[str], str]) -> Any:
    """The path or paths that the setting of this name holds, as `seen` from elsewhere; in a line of join the path is its beginning."""
    if isinstance(value, str):
        return move_join(value, seen) if name == "join" else seen(value)
    return type(value)(move_paths(name, each, seen) for each in value)
