"""The README, in both languages: short before its first command, and everything it shows comes out when it is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documents import ROOT, blocks, commands, missing, needs, read, run_document

from startlm.commands import demo
from startlm.commands.display import Display
from startlm.cli import TITLES
from startlm.core.errors import BundleError, CallError, GateError, MissingExtraError, WorkError
from startlm.core.language import speaking
from startlm.project import Project

READMES = {"README.md": "en", "README.zh.md": "zh"}


@pytest.fixture(scope="module", params=READMES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A README and an empty folder in which its demo was run."""
    return request.param, tmp_path_factory.mktemp("shop")


def demo_block(name: str) -> str:
    """What the README shows of the demo: the block after the first command."""
    return blocks(read(name))[1].text


def test_sixty_words_at_most_stand_before_the_first_command() -> None:
    before = re.sub(r"\[[^\]]*\]\([^)]*\)", "", read("README.md").split("```")[0])
    assert len(before.replace("#", "").split()) <= 60


def test_the_first_commands_are_demo_and_test_and_the_makefile_has_them() -> None:
    first = commands(read("README.md"))[0]
    assert first == ("console", ["make demo", "make test"])
    assert all(re.search(rf"^{line.split()[1]}:", read("Makefile"), re.MULTILINE) for line in first[1])


def test_the_demo_prints_what_the_readme_shows(shop: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """With the cheapest family: the ladder takes a minute, and is tried elsewhere."""
    name, folder = shop
    monkeypatch.chdir(folder)
    monkeypatch.setattr(demo, "Project", lambda place: Project(place, {"build": {"family": "linear"}}))
    with speaking(READMES[name]):
        demo.run_demo(Path("demo"), Display(quiet=False, titles=TITLES), print)
    out, err = capfd.readouterr()
    assert missing(demo_block(name), out + err) == []


@pytest.mark.loopback
@pytest.mark.skipif(bool(needs()), reason=f"not installed: {', '.join(needs())}")
def test_the_commands_print_what_the_readme_shows(shop: tuple[str, Path]) -> None:
    name, folder = shop
    if not (folder / "demo").exists():
        demo.write_sample(folder / "demo" / "qingshan-tea")
    assert run_document(name, folder, READMES[name]) == []


@pytest.mark.parametrize("name", READMES)
def test_every_exit_code_has_its_row(name: str) -> None:
    codes = {each.exit_code for each in (CallError, MissingExtraError, BundleError, WorkError, GateError)} | {0, 130, 143}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", read(name), re.MULTILINE)} == codes


@pytest.mark.parametrize("name", READMES)
def test_the_tree_names_everything_that_lies_in_the_package(name: str) -> None:
    tree = next(each.text for each in blocks(read(name)) if each.text.startswith("startlm/"))
    shown = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.startswith("  ")}
    there = {path.name for path in (ROOT / "startlm").iterdir() if not path.name.startswith(("_", ".")) and path.suffix in ("", ".py")}
    assert shown == there


@pytest.mark.parametrize("name", READMES)
def test_the_wheel_that_is_named_is_the_one_that_is_built(name: str) -> None:
    version = re.search(r'^version = "(.+)"', read("pyproject.toml"), re.MULTILINE)
    assert version and set(re.findall(r"startlm-([\d.]+)-py3-none-any\.whl", read(name))) == {version[1]}


@pytest.mark.parametrize("name", READMES)
def test_every_share_among_the_figures_was_measured(name: str) -> None:
    figures = re.findall(r"\d+\.\d\d(?= ?%)", read(name).split("<!-- figures -->")[1].split("\n## ")[0])
    assert len(figures) > 20 and [each for each in figures if f"{each} %" not in read("benchmarks/RESULTS.md")] == []
