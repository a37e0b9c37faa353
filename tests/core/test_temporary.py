"""Folders that nobody named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CALLS = """
from startlm import build_model, evaluate_model, prepare_examples, train_model
from tickets import tickets
examples = prepare_examples(tickets(60), text="message", label="team")
model = train_model(build_model(examples, family="linear"), examples)
evaluate_model(model, examples)
print(examples.folder, model.folder, sep="|")
assert model.folder.is_dir()
"""


def test_what_calls_without_a_folder_made_is_gone_when_the_process_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", CALLS], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True)
    places = done.stdout.strip().split("|")
    assert all(line.startswith(str(tmp_path)) for line in places) and len(places) == 2
    assert list(tmp_path.glob("startlm-*")) == []
