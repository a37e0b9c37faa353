"""The documents: tutorial and how-tos are run, generated pages are fresh, everything that has a name is explained, twins are twins."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from documents import ROOT, TWINS, blocks, commands, headings, missing, needs, read, run_document

from startlm.cli import app
from startlm.core.settings import explained, settings_of, to_toml
from startlm.families import FAMILIES
from startlm.metrics import METRICS, NUMBER_METRICS, ORDER_METRICS, RANKING_METRICS, SET_METRICS, TWO_LABEL_METRICS
from startlm.project import SECTIONS

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
MADE = runpy.run_path(str(ROOT / "docs" / "make_settings.py"))["MADE"]
BOTH = [name for pair in TWINS.items() for name in pair]


@pytest.mark.loopback
@pytest.mark.skipif(bool(needs()), reason=f"not installed: {', '.join(needs())}")
@pytest.mark.parametrize("name, language", [(name, language) for pair in TWINS.items() if pair[0] != "README.md" for name, language in zip(pair, ("en", "zh"))])
def test_a_document_goes_as_it_says(name: str, language: str, tmp_path: Path) -> None:
    assert run_document(name, tmp_path, language) == []


# ------------------------------------------------------- nothing is left out

@pytest.mark.parametrize("name", MADE)
def test_what_is_made_from_the_code_is_fresh(name: str) -> None:
    """Settings, commands with their options, and the JSON Schema: so each of them stands in a document."""
    assert read(f"docs/{name}") == MADE[name](), "run: python docs/make_settings.py"


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_is_explained_in_both_languages(section: str) -> None:
    part = read("docs/settings.md").partition(f"## [{section}]\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) == [each.name for each in settings_of(SECTIONS[section])]
    assert [each.name for each in settings_of(SECTIONS[section]) if not each.doc.en or not re.search(r"[\u4e00-\u9fff]", each.doc.zh)] == []


def test_every_family_is_named_where_family_is_explained() -> None:
    setting = next(each for each in settings_of(SECTIONS["build"]) if each.name == "family")
    for name in FAMILIES:
        assert name in explained(setting) and name in to_toml("build", SECTIONS["build"], {})


@pytest.mark.parametrize("name", [command.name or command.callback.__name__ for command in app.registered_commands])
def test_every_command_is_shown(name: str) -> None:
    """At work, in a page of each language; what it takes stands in docs/commands.md."""
    for pages in (TWINS.keys(), TWINS.values()):
        assert re.search(rf"\bstartlm {name}\b", "".join(map(read, pages)))


def test_every_figure_is_explained() -> None:
    of_labels, _, others = read("docs/figures.md").partition("## Figures of several labels")
    of_sets, _, others = others.partition("## Figures of numbers")
    of_numbers, _, of_rankings = others.partition("## Figures of a search")
    assert re.findall(r"^\| `(\w+)` \|", of_sets.partition("| word")[0], re.MULTILINE) == list(SET_METRICS)
    assert re.findall(r"^\| `(\w+)` \|", of_labels.partition("Also in the report")[0], re.MULTILINE) == [*METRICS, *TWO_LABEL_METRICS, *ORDER_METRICS]
    assert re.findall(r"^\| `(\w+)` \|", of_numbers.partition("| word")[0], re.MULTILINE) == list(NUMBER_METRICS)
    assert re.findall(r"^\| `(\w+)` \|", of_rankings, re.MULTILINE) == list(RANKING_METRICS)


@pytest.mark.parametrize("index", ["docs/README.md", "docs/README.zh.md"])
def test_every_page_is_in_the_index(index: str) -> None:
    """A page in two languages stands in the index of its own."""
    foreign = TWINS.values() if index in TWINS else TWINS.keys()
    pages = [name for name in PAGES if re.fullmatch(r"docs/(?!README)[^/]+", name) and name not in foreign]
    assert [name for name in pages if f"({Path(name).name})" not in read(index)] == []


def test_every_decision_is_in_the_index() -> None:
    index = read("docs/decisions/README.md")
    assert [path.name for path in (ROOT / "docs" / "decisions").glob("0*.md") if f"({path.name})" not in index] == []


def test_every_way_to_add_something_names_files_that_are_there() -> None:
    named = re.findall(r"`(startlm/[\w/]+\.py|tests/[\w/]+\.py|benchmarks/\w+\.py|Makefile)`", read("CONTRIBUTING.md"))
    assert len(named) > 5 and [name for name in named if not (ROOT / name).is_file()] == []


# ------------------------------------------------------------------- twins

@pytest.mark.parametrize("english", TWINS)
def test_twins_have_the_same_headings_and_blocks(english: str) -> None:
    one, other = read(english), read(TWINS[english])
    assert headings(one) == headings(other)
    assert [block.kind for block in blocks(one)] == [block.kind for block in blocks(other)]


@pytest.mark.parametrize("english", TWINS)
def test_twins_have_the_same_commands(english: str) -> None:
    assert commands(read(english)) == commands(read(TWINS[english]))


@pytest.mark.parametrize("english", TWINS)
def test_twins_show_equally_many_lines_and_rows(english: str) -> None:
    def counts(text: str) -> list[int]:
        return [len(block.text.splitlines()) for block in blocks(text)] + [len(re.findall(mark, text, re.MULTILINE)) for mark in (r"^\| ", r"^- ")]

    assert counts(read(english)) == counts(read(TWINS[english]))


# ------------------------------------------------------------ every document

@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", read(name)) if not re.match(r"https?:|mailto:|#", target)]
    assert [target for target in targets if not ((ROOT / name).parent / target).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_no_path_of_a_machine_and_no_foreign_host_is_named(name: str) -> None:
    """A document may name this machine's own address and the standards that it follows."""
    text = read(name)
    assert re.findall(r"(?<![\w.~])/(?:home|Users|usr|tmp|var|opt|work|root|mnt|data)/[\w.-]*", text) == []
    assert set(re.findall(r"https?://([\w.-]+)", text)) <= {"127.0.0.1", "semver.org"}


@pytest.mark.parametrize("name", BOTH)
def test_every_command_that_is_shown_is_run_or_says_that_it_is_not(name: str) -> None:
    """Blocks are of the kinds that the runner knows; a block without a kind shows a tree."""
    kinds = {block.kind for block in blocks(read(name)) if not block.text.startswith("startlm/")}
    assert kinds <= {"sh", "python", "console", "toml", "text"}


def test_a_line_that_did_not_come_is_missed() -> None:
    """Numbers stand for any number, … for anything, and a line with a percentage for itself alone."""
    printed = "  Read 12 rows.\n0.3 s -> desk/data/0123456789abcdef\nlabel: 'team', by its name\n"
    assert missing("Read 3,000 rows.\n1.5 s -> desk/data/…\n…\n\nRight for 87.5 %\nlabel: … by its name\n", printed) == []
    assert missing("Read 3,000 lines.\nlabel: 'desk', by its name", printed) == ["Read 3,000 lines.", "label: 'desk', by its name"]
