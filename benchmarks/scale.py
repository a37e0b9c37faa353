"""Large tables: seconds and peak memory of whole commands, the memory of every process they start counted.

A process's memory is its proportional set size (a page that several share counts once), summed over the tree and read every
SAMPLED seconds from /proc.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any, Iterator

import numpy as np
from commands import deployed
from machine import startlm_command
from sets import DATA, NONE, load
from work import Work

SIZES, QUICK_SIZES = (1_000, 10_000, 100_000, 1_000_000), (500, 1_000)
TOKENS = 40  # a row: words of English, single characters of Chinese
ENGLISH, CHINESE = ("banking77", "clinc150"), ("thucnews-title", "waimai-10k")
REPEATED = 0.05  # share of rows that are the row before with a character less
PIECE = 12  # tokens of one sentence, at most, four times out of five
SAMPLED = 0.05
TOKEN = re.compile("[\u3400-\u9fff]|[^\u3400-\u9fff\\s]+\\s*|\\s+")
WEIBO, WEIBO_QUICK = "weibo-hot-search/titles.csv", 2_000


def measure(work: Work) -> dict[str, Any]:
    """new, prepare and predict of made rows; predict with a linear bundle of other messages."""
    bundle = deployed(work, "linear", "5m")
    lines = [line for rows in (QUICK_SIZES if work.quick else SIZES) for line in work.piece(str(rows), lambda rows=rows: _of_size(work, rows, bundle))]
    return {"tokens": TOKENS, "lines": lines}


def _of_size(work: Work, rows: int, bundle: str) -> list[dict[str, Any]]:
    file, project, out = work.scratch / f"{rows}.csv", work.scratch / f"project-{rows}", work.scratch / "answers.csv"
    _write(file, ("text", "label"), made(rows))
    calls = {
        "new": ["new", str(project), "--data", str(file), "--text", "text", "--label", "label"],
        "prepare": ["prepare", str(project)],
        "predict": ["predict", bundle, str(file), "-o", str(out), "--force"],
    }
    lines = [{"rows": rows, "step": step, **watched(*call)} for step, call in calls.items()]
    file.unlink()
    return lines


def weibo(work: Work) -> dict[str, Any]:
    """inspect and prepare of every title of the hot-search list; the year of its day stands in as a label, which the list has not."""
    file, project = work.scratch / "titles.csv", work.scratch / "project"
    with (DATA / WEIBO).open(encoding="utf-8-sig", newline="") as stream:
        rows = [(row["date"], row["title"], row["date"][:4]) for row in csv.DictReader(stream)]
    rows = rows[:: len(rows) // WEIBO_QUICK] if work.quick else rows
    _write(file, ("date", "title", "year"), iter(rows))
    inspect = watched("inspect", str(file), "-o", str(work.scratch / "page.html"))
    watched("new", str(project), "--data", str(file), "--text", "title", "--label", "year")
    return {"rows": len(rows), "inspect": inspect, "prepare": watched("prepare", str(project))}


# ------------------------------------------------------------------ watching

def watched(*arguments: str) -> dict[str, float]:
    """Run one command: its seconds and the peak, in bytes, of all its processes together. CalledProcessError where it fails."""
    began, peak = time.monotonic(), 0
    with subprocess.Popen([*startlm_command(), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ | {"STARTLM_LANGUAGE": "en"}) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(_memory, _tree(process.pid))))
            time.sleep(SAMPLED)
        seconds = time.monotonic() - began
        said = process.stderr.read() if process.stderr else b""
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args, stderr=said)
    return {"seconds": seconds, "peak": peak}


def _tree(root: int) -> list[int]:
    """The process and all that it has started."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
        children.setdefault(parent, []).append(int(folder.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def _memory(process: int) -> int:
    try:
        rolled = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:  # it has ended meanwhile
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", rolled, re.MULTILINE)
    return 1024 * int(found[1]) if found else 0


# -------------------------------------------------------------------- rows

def made(count: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Text and label of so many rows of TOKENS tokens, half English and half Chinese: pieces of real sentences of one label after each other."""
    random, labels = np.random.default_rng(seed), [_by_label(names) for names in (ENGLISH, CHINESE)]
    text = label = ""
    for _ in range(count):
        if text and random.random() < REPEATED:
            place = int(random.integers(len(text)))
            text = text[:place] + text[place + 1 :]
        else:
            sentences = labels[int(random.integers(2))]
            label = list(sentences)[int(random.integers(len(sentences)))]
            text = _sentence(sentences[label], random)
        yield text, label


def _sentence(sentences: list[list[str]], random: np.random.Generator) -> str:
    tokens: list[str] = []
    while len(tokens) < TOKENS:
        drawn = sentences[int(random.integers(len(sentences)))]
        if random.random() < 0.8:
            start = int(random.integers(len(drawn)))
            drawn = drawn[start : start + PIECE]
        tokens += drawn
    return "".join(tokens[:TOKENS]).strip()


def _by_label(names: tuple[str, ...]) -> dict[str, list[list[str]]]:
    """The tokens of each sentence, by label."""
    rows = sum((load(name, "train") for name in names), NONE)
    found: dict[str, list[list[str]]] = {}
    for text, label in zip(rows.texts, rows.labels, strict=True):
        found.setdefault(label, []).append(TOKEN.findall(f"{text} "))
    return found


def _write(path: Path, head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(head)
        writer.writerows(rows)
