"""Whole commands, as processes started from the shell: what one waits for. Warm disk, median, fastest and slowest."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Iterator

import numpy as np
from machine import startlm_command
from sets import NONE, Rows, few, load
from work import Work, repeated, spread, timed

from startlm import build_model, deploy_model, evaluate_model, prepare_examples, train_model

MESSAGES, REPEATED = "banking77", 300_000
MADE = 100_000
MADE_FROM = ("banking77", "clinc150", "thucnews-title", "waimai-10k")
BUDGET_SET, BUDGETS = "clinc150", {"60s": 60.0, "5m": 300.0}
TEXT = "where is my card"
QUICK_ROWS = 2_000


def startlm(*arguments: str) -> str:
    """Run one command; returns its standard output. Raises subprocess.CalledProcessError, with what it said, where it failed."""
    done = subprocess.run([*startlm_command(), *arguments], capture_output=True, text=True, env=os.environ | {"STARTLM_LANGUAGE": "en"}, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
    return done.stdout


# --------------------------------------------------------------- answering

def deployed(work: Work, family: str, budget: str) -> str:
    """A bundle of this family on the messages, by the five calls; its path."""
    rows = load(MESSAGES, "train")
    rows = few(rows, QUICK_ROWS) if work.quick else rows
    folder = work.folder(f"bundle-{family}")
    table = [{"text": text, "label": label} for text, label in zip(rows.texts, rows.labels, strict=True)]
    examples = prepare_examples(table, text="text", label="label", folder=folder / "data")
    trained = train_model(build_model(examples, family=family), examples, budget=budget, folder=folder / "train")
    report = evaluate_model(trained, examples, folder=folder)
    return str(deploy_model(trained, report, to=folder / "bundles", force=True).folder)


def predict_file(work: Work) -> dict[str, Any]:
    """`startlm predict NAME FILE -o OUT` with a linear bundle: read, answer, write. Start of the process included."""
    bundle, count = deployed(work, "linear", "5m"), QUICK_ROWS if work.quick else REPEATED
    file, out = work.scratch / "messages.csv", work.scratch / "answers.csv"
    texts = load(MESSAGES, "train").texts
    write_csv(file, {"text": [texts[i % len(texts)] for i in range(count)]})
    seconds = spread(repeated(lambda: startlm("predict", bundle, str(file), "-o", str(out), "--force"), 3))
    with out.open(encoding="utf-8", newline="") as stream:
        answered = sum(1 for _ in csv.reader(stream)) - 1
    if answered != count:
        raise ValueError(f"{answered} rows were answered, {count} were asked")
    return {"n": count, "seconds": seconds, "rows_per_second": count / seconds["median"]}


def cold_text(work: Work) -> dict[str, Any]:
    """`startlm predict NAME --text …` as a new process, with a linear bundle and with what `auto` chooses."""
    lines = {}
    for family in ("linear", "auto"):
        bundle = deployed(work, family, "10s" if work.quick else "5m")
        members = len(json.loads((Path(bundle) / "model.json").read_text("utf-8"))["members"])
        lines[family] = spread(repeated(lambda bundle=bundle: startlm("predict", bundle, "--text", TEXT), 5)) | {"members": members}
    return lines


def help_page(work: Work) -> dict[str, Any]:
    return spread(repeated(lambda: startlm("--help"), 5))


# ----------------------------------------------------- looking and preparing

def new_table(work: Work) -> dict[str, Any]:
    """`startlm new NAME --data FILE` on made messages, each time for a new project."""
    file, project = _made_file(work), work.scratch / "project"
    return spread(repeated(lambda: startlm("new", str(project), "--data", str(file)), 3, before=lambda: _remove(project)))


def prepare_table(work: Work) -> dict[str, Any]:
    """`startlm prepare NAME` on made messages, with nothing prepared before."""
    file, project = _made_file(work), work.scratch / "project"
    startlm("new", str(project), "--data", str(file), "--text", "text", "--label", "label")
    return spread(repeated(lambda: startlm("prepare", str(project)), 3, before=lambda: [_remove(project / name) for name in ("data", "runs")]))


def _made_file(work: Work) -> Path:
    file = work.scratch / "made.csv"
    rows = made(QUICK_ROWS if work.quick else MADE)
    write_csv(file, {"text": rows.texts, "label": rows.labels})
    return file


def made(count: int, seed: int = 0) -> Rows:
    """Messages made from real English and Chinese ones: the beginning of one and the end of another of its label,
    with up to two slips of the finger; one in five stays whole but for the slips."""
    random, sources = np.random.default_rng(seed), sum((load(name, "train") for name in MADE_FROM), NONE)
    by_label: dict[str, list[str]] = {}
    for text, label in zip(sources.texts, sources.labels, strict=True):
        by_label.setdefault(label, []).append(text)
    drawn = random.permutation(np.arange(count) % len(sources))
    return Rows([_perturbed(sources.texts[i], by_label[sources.labels[i]], random) for i in drawn], [sources.labels[i] for i in drawn])


def _perturbed(text: str, others: list[str], random: np.random.Generator) -> str:
    if random.random() < 0.8:
        other = others[int(random.integers(len(others)))]
        text = text[: len(text) // 2 + 1] + other[len(other) // 2 :]
    for _ in range(int(random.integers(3))):
        place = int(random.integers(len(text)))
        text = text[:place] + text[place + 1 :] if len(text) > 4 and random.random() < 0.5 else text[:place] + text[place] + text[place:]
    return text


# ---------------------------------------------------------------- budget, demo

def budget(work: Work) -> dict[str, Any]:
    """Seconds that training takes under each budget; rows without out-of-scope ones."""
    budgets = {"10s": 10.0} if work.quick else BUDGETS
    lines = [work.piece(name, lambda name=name, seconds=seconds: _budgeted(work, name, seconds)) for name, seconds in budgets.items()]
    return {"set": BUDGET_SET, "lines": lines}


def _budgeted(work: Work, name: str, seconds: float) -> dict[str, Any]:
    rows, folder = load(BUDGET_SET, "train"), work.folder(f"budget-{name}")
    rows = few(rows, QUICK_ROWS) if work.quick else rows
    table = [{"text": text, "label": label} for text, label in zip(rows.texts, rows.labels, strict=True)]
    examples = prepare_examples(table, text="text", label="label", folder=folder / "data")
    trained, used = timed(lambda: train_model(build_model(examples), examples, budget=name, folder=folder / "train"))
    return {"budget": name, "allowed": seconds, "used": used, "chosen": [line["family"] for line in trained.ladder if line["kept"]][-1]}


def demo(work: Work) -> dict[str, Any]:
    """`startlm demo` in an empty folder, then once more."""
    folder = str(work.folder("demo"))
    first, second = (timed(lambda: startlm("demo", folder))[1] for _ in range(2))
    return {"first": first, "second": second}


# -------------------------------------------------------------------- files

def write_csv(path: Path, columns: dict[str, list[str]]) -> None:
    """A CSV file in UTF-8 with a head row."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(_rows(columns))


def _rows(columns: dict[str, list[str]]) -> Iterator[tuple[str, ...]]:
    return zip(*columns.values(), strict=True)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
