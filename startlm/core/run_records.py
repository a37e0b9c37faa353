"""The runs of a project as they lie on disk: which steps each has behind it, with which settings, and how long they took."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from .durable import make_folder, read_json, write_json
from .errors import CallError

CARRIED = ("prepare", "build")  # what they make does not depend on the training, by which runs are told apart


@dataclass
class RunRecord:
    """run.json and timing.json of one run. `mark` is that of its training; `steps` holds the mark of each step that is done."""

    folder: Path
    mark: str
    steps: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    build: Path = Path()  # the build.json that describes its model: another run's where build is carried over

    def save(self) -> None:
        """Write both files durably."""
        make_folder(self.folder)
        write_json(self.folder / "timing.json", read_object(self.folder / "timing.json") | self.times)
        write_json(self.folder / "run.json", {"mark": self.mark, "steps": self.steps, "settings": self.settings})


def runs_of(project: Path) -> list[RunRecord]:
    """The runs, newest first; one whose run.json is damaged is passed over."""
    found = []
    for folder in sorted((path.parent for path in project.glob("runs/*/run.json")), reverse=True):
        record, measured = read_object(folder / "run.json"), read_object(folder / "timing.json")
        times = {step: seconds for step, seconds in measured.items() if isinstance(seconds, (int, float))}  # a step may have measured more
        if record.get("mark") and all(isinstance(record.get(key), dict) for key in ("steps", "settings")):
            found.append(RunRecord(folder, record["mark"], record["steps"], record["settings"], times, folder / "build.json"))
    return found


def begin_run(folder: Path, mark: str, runs: list[RunRecord], marks: Mapping[str, str], shaped_by: Mapping[str, tuple[str, ...]]) -> RunRecord:
    """The record of a new run in `folder`, not yet on disk: what earlier runs prepared and built just so is behind it already."""
    new = RunRecord(folder, mark, build=folder / "build.json")
    for step in CARRIED:
        same = next((run for run in runs if run.steps.get(step) == marks[step]), None)
        if same is None:
            break
        new.steps[step] = marks[step]
        new.settings |= {section: same.settings.get(section, {}) for section in shaped_by[step]}
        new.times |= {step: same.times[step]} if step in same.times else {}
        new.build = same.build if step == "build" else new.build
    return new


def fresh_folder(parent: Path, name: str) -> Path:
    """`parent`/`name`, with a number where that is taken."""
    number, folder = 1, parent / name
    while folder.exists():
        number += 1
        folder = parent / f"{name}-{number}"
    return folder


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in this file; an empty one where it is not there or damaged."""
    try:
        value = read_json(path)
    except CallError:
        value = None
    return value if isinstance(value, dict) else {}
