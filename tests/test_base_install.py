"""The base install answers: no extras, no PyTorch, ten direct dependencies at most, 270 MB at most."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_MEGABYTES, MOST_DEPENDENCIES = 270, 10
TEXTS = ["where is my parcel", "我要退款", "tea? 茶", ""]


@pytest.fixture(scope="module")
def base() -> Path:
    """The Python of an environment with the base alone; `make test` makes it."""
    python = Path(os.environ.get("STARTLM_BASE") or ROOT / ".venv" / "base").absolute() / "bin" / "python"
    if not python.exists():
        pytest.fail("there is no base environment: run the tests with `make test`, which makes it") if os.environ.get("CI") else pytest.skip("no base environment: run `make test`")
    return python


def run(python: Path, code: str, *arguments: str) -> str:
    return subprocess.run([python, "-c", code, *arguments], capture_output=True, text=True, check=True, timeout=120, cwd="/").stdout


def test_pytorch_and_the_other_extras_are_not_in_the_base(base: Path) -> None:
    code = "import importlib.util as u; print([n for n in ('torch', 'polars', 'sklearn', 'scipy', 'onnx') if u.find_spec(n)])"
    assert run(base, code).strip() == "[]"


@pytest.mark.parametrize("family", ["linear", "bag", "convolution", "pretrained", "tuned", "cascade"])
def test_a_bundle_answers_in_the_base_as_it_does_here(base: Path, family: str, bundles: dict[str, Path], cascade: Path) -> None:
    from startlm import open_bundle

    folder = cascade if family == "cascade" else bundles[family]
    code = "import sys, json; from startlm import open_bundle; print(json.dumps([a._asdict() for a in open_bundle(sys.argv[1]).predict(json.loads(sys.argv[2]))]))"
    there = json.loads(run(base, code, str(folder), json.dumps(TEXTS)))
    here = [answer._asdict() for answer in open_bundle(folder).predict(TEXTS)]
    assert there == here


def test_the_base_is_small(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packages = next((base.parent.parent / "lib").glob("python3*")) / "site-packages"
    tools = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
    size = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file() and not path.relative_to(packages).parts[0].startswith(tools)) / 1e6
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    with capsys.disabled():
        print(f"\nbase install: {size:.0f} MB, {len(dependencies)} direct dependencies")
    assert size <= MOST_MEGABYTES and len(dependencies) <= MOST_DEPENDENCIES
