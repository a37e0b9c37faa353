"""Defects planted one at a time in a copy of the package: the tests must notice each. Run by `make test-long`; python tests/defects.py

A defect is an exact replacement of text. Where the text is no longer there the script fails: a defect that is not planted proves nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Change(NamedTuple):
    """One text of one file, which must stand there once, and what takes its place."""

    file: str
    old: str
    new: str


class Defect(NamedTuple):
    """What is done wrong, and the tests that must turn red."""

    name: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]


PARTS = "tests/test_story_parts.py::"
DEFECTS = (
    Defect(
        "label order permuted",
        (Change("startlm/tasks/classify.py", 'return {"labels": list(labels), ', 'return {"labels": list(labels)[::-1], '),),
        (PARTS + "test_each_label_answers_its_own_plain_example_from_the_bundle",),
    ),
    Defect(
        "tokenizer fitted on test rows",
        (
            Change("startlm/families/linear.py", '_TOKENIZERS = {"ngrams"', 'UNSEEN = []\n_TOKENIZERS = {"ngrams"'),
            Change("startlm/families/linear.py", ".fit(train.texts, **", ".fit([*train.texts, *UNSEEN], **"),
            Change("startlm/train.py", "        self.crossfit = examples.crossfit\n",
                   "        from .families import linear\n        self.crossfit = examples.crossfit\n"
                   '        linear.UNSEEN = examples.labelled("test").texts\n'),
        ),
        (PARTS + "test_changing_test_rows_leaves_every_weight_bitwise_equal[linear]",),
    ),
    Defect(
        "dev figure shown as test",
        (
            Change("startlm/tasks/judging.py", 'self.rows = examples.rows_of("test")',
                'self.rows = examples.rows_of(*(("train", "dev") if examples.crossfit else ("dev",)))'),
            Change("startlm/tasks/judging.py", 'self.test = examples.labelled("test", ',
            'self.test = examples.labelled(*(("train", "dev") if examples.crossfit else ("dev",)), '),
        ),
        (PARTS + "test_the_accuracy_of_the_report_is_that_of_the_test_rows",),
    ),
    Defect(
        "padding leaking into pooling",
        (Change("startlm/core/embeddings.py", "kept.sum(2) / real.sum(1, keepdim=True)", "kept.sum(2) / states.shape[2]"),),
        ("tests/families/test_networks.py::test_padding_and_neighbours_never_change_an_answer",),
    ),
    Defect(
        "fsync removed",
        (Change("startlm/core/durable.py", "    stream.flush()\n    os.fsync(stream.fileno())\n", "    stream.flush()\n"),),
        ("tests/core/test_durable.py::test_a_file_is_written_synced_renamed_and_its_folder_synced",),
    ),
    Defect(
        "join that doubles rows",
        (
            Change("startlm/formats/joined.py", "            if key in found:\n                repeated[key] = None\n            else:\n                found[key] = (*row.values[:at], *row.values[at + 1:])\n",
                "            found.setdefault(key, []).append((*row.values[:at], *row.values[at + 1:]))\n"),
            Change("startlm/formats/joined.py", "self.unmatched + 1, nothing\n            yield Row(row.line, row.values + found)\n",
                "self.unmatched + 1, [nothing]\n            for each in found:\n                yield Row(row.line, row.values + each)\n"),
        ),
        ("tests/formats/test_joined.py::test_a_key_that_repeats_is_refused_with_its_rows_and_the_ways_out",),
    ),
    Defect(
        "interval from rows that were fitted",
        (
            Change("startlm/train.py", 'calibration = self.learn if self.crossfit else self._rows("calibration")', "calibration = self.learn"),
            Change("startlm/train.py", "at_their_own(chose if self.crossfit else [_answer(fitted, calibration) for fitted in final])", "at_their_own([_answer(fitted, calibration) for fitted in final])"),
        ),
        (PARTS + "test_intervals_hold_new_rows_as_often_as_they_say_though_the_model_knows_its_own_by_heart",),
    ),
)


def plant(copy: Path, changes: tuple[Change, ...]) -> None:
    """Raises ValueError where a text does not stand there exactly once."""
    for file, old, new in changes:
        text = (copy / file).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{file} holds this {text.count(old)} times, not once: {old!r}")
        (copy / file).write_text(text.replace(old, new), encoding="utf-8")


def run_tests(copy: Path, tests: tuple[str, ...]) -> tuple[str, str]:
    """("green", "red" or "broken", what pytest said) of these tests on the package in the copy."""
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    where = [sys.executable, "-c", "import startlm; print(startlm.__file__)"]
    seen = subprocess.run(where, cwd=copy, env=environment, capture_output=True, text=True, check=False).stdout.strip()
    if not seen.startswith(str(copy)):
        return "broken", f"another package is tested: {seen}"
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], cwd=copy, env=environment, capture_output=True,
        text=True, check=False)
    passed = done.returncode == 0 and " passed" in done.stdout and " skipped" not in done.stdout
    failed = done.returncode == 1 and " failed" in done.stdout and " error" not in done.stdout.splitlines()[-1]
    return "green" if passed else "red" if failed else "broken", done.stdout + done.stderr


def copied(place: Path, name: str) -> Path:
    """The package and its tests, to be altered."""
    copy, ignore = place / name, shutil.ignore_patterns("__pycache__")
    for folder in ("startlm", "tests"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def noticed(place: Path, number: int, defect: Defect) -> str:
    """"noticed", or what went wrong: the tests must be green before the defect is planted, and red after."""
    copy = copied(place, f"defect-{number}")
    before, said = run_tests(copy, defect.tests)
    if before != "green":
        return f"{before} before it was planted:\n{said}"
    try:
        plant(copy, defect.changes)
    except ValueError as error:
        return f"cannot be planted: {error}"
    after, said = run_tests(copy, defect.tests)
    return "noticed" if after == "red" else f"NOT NOTICED, the tests are {after}:\n{said}"


def main() -> int:
    print(f"{'defect':34}{'seconds':>8}  result")
    results = []
    with tempfile.TemporaryDirectory(prefix="startlm-defects-") as place:
        for number, defect in enumerate(DEFECTS):
            began = time.monotonic()
            results.append(noticed(Path(place), number, defect))
            print(f"{defect.name:34}{time.monotonic() - began:8.0f}  {results[-1]}", flush=True)
    failed = sum(result != "noticed" for result in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
