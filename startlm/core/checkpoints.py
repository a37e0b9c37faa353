"""Checkpoints of a descent: each one durable folder (weights, optimiser, position), the newest two kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from .disk_errors import work_errors
from .durable import json_bytes, parse_json, publish_folder, read_verified, remove_leftovers
from .errors import BundleError
from .weights import from_bytes, to_bytes

KEPT = 2


class CheckpointFolder:
    """The checkpoints under one folder. A damaged one is thrown away: training goes on from the good one before it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: list[str] = []

    def save(self, step: int, arrays: Mapping[str, np.ndarray], record: Mapping[str, Any]) -> None:
        """Returns once the checkpoint is durable. Raises WorkError where it cannot be written."""
        with publish_folder(self.folder / f"step-{step:09d}", {"kind": "startlm checkpoint"}, replace=True) as folder:
            (folder / "arrays.safetensors").write_bytes(to_bytes(arrays))
            (folder / "record.json").write_bytes(json_bytes(dict(record)))
        with work_errors(self.folder):
            for old in self._steps()[KEPT:]:
                shutil.rmtree(old)

    def load(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """The newest checkpoint that is whole, or None; the names of damaged ones are noted in `damaged`. Raises WorkError."""
        if not self.folder.is_dir():
            return None
        remove_leftovers(self.folder)
        for path in self._steps():
            try:
                _, files = read_verified(path)
                return from_bytes(files["arrays.safetensors"], where=str(path)), parse_json(files["record.json"])
            except (BundleError, KeyError):
                self.damaged.append(path.name)
                with work_errors(self.folder):  # left here it would count among the newest, and push out good ones
                    shutil.rmtree(path)
        return None

    def _steps(self) -> list[Path]:
        """Newest first."""
        return sorted((path for path in self.folder.glob("step-*") if path.is_dir()), reverse=True)
