"""A folder for what a call made and nobody named a place for."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path


def temporary_folder() -> Path:
    """A fresh folder that goes when the process ends: rows of a company's data stay nowhere that nobody chose."""
    folder = Path(tempfile.mkdtemp(prefix="startlm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
