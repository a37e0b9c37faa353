"""Documents as tests see them: their headings and fenced blocks, and a scratch folder in which the commands are run in order.

In a document ```sh and ```python blocks are run; ```console shows a command that is not run here, ```toml and ```text are shown.
A ```text block tells what the block run just before it prints, line by line: numbers differ by machine, so any number stands for any
other; a line with a percentage is not compared; `…` stands for anything.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TWINS = {"README.md": "README.zh.md", "docs/tutorial.md": "docs/tutorial.zh.md", "docs/sources.md": "docs/sources.zh.md", "docs/label.md": "docs/label.zh.md"}
LIMIT = 120  # seconds for one block

_NUMBER = re.compile(r"[0-9a-f]{16}|\d(?:[\d.,:-]*\d)?")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One fenced block and the line where it begins."""

    kind: str
    text: str
    line: int


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    return [Block(found[1], found[2], text.count("\n", 0, found.start()) + 1) for found in _FENCE.finditer(text)]


def headings(text: str) -> list[str]:
    """The marks of the headings, in order: `#`, `##` …"""
    return re.findall(r"^(#+) ", _FENCE.sub("", text), re.MULTILINE)


def commands(text: str) -> list[tuple[str, list[str]]]:
    """What a reader types or writes, comments left out: the same in both languages."""
    shown = [(each.kind, [line for line in (re.sub(r"(^|\s+)#.*", "", line) for line in each.text.splitlines()) if line]) for each in blocks(text)]
    return [(kind, lines) for kind, lines in shown if kind not in ("text", "")]


def missing(expected: str, output: str) -> list[str]:
    """The lines of a ```text block that no line of the output matches."""
    printed = [line.strip() for line in output.splitlines()]
    compared = [line for line in expected.splitlines() if line.strip(" …") and "%" not in line]
    return [line for line in compared if not any(_pattern(line.strip()).fullmatch(each) for each in printed)]


def _pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*".join(f"(?:{_NUMBER.pattern})".join(map(re.escape, _NUMBER.split(piece))) for piece in line.split("…")))


def run_document(name: str, folder: Path, language: str) -> list[str]:
    """Run a document's blocks in order; returns a complaint for each expected line that did not come."""
    environment = _environment(folder, language)
    port, output, complaints = str(_free_port()), None, []
    for block in blocks(read(name)):
        if block.kind == "text" and output is not None:
            complaints += [f"{name}:{block.line}: not printed: {line}" for line in missing(block.text.replace("8000", port), output)]
        elif block.kind != "text":
            output = None
        if block.kind in ("sh", "python"):
            output = _run(block.kind, block.text.replace("8000", port), folder, environment, f"{name}:{block.line}")
    return complaints


def _environment(folder: Path, language: str) -> dict[str, str]:
    """`startlm` and `python` on the PATH are the ones under test."""
    tools = folder / ".tools"
    tools.mkdir(exist_ok=True)
    for tool, call in (("startlm", "-m startlm "), ("python3", ""), ("python", "")):
        (tools / tool).write_text(f'#!/bin/sh\nexec "{sys.executable}" {call}"$@"\n')
        (tools / tool).chmod(0o755)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(paths),
            "STARTLM_LANGUAGE": language, "PYTHONIOENCODING": "utf-8"}


def _run(kind: str, text: str, folder: Path, environment: dict[str, str], where: str) -> str:
    """What one block prints on both channels. Its output goes to a file: a server left behind would hold a pipe open."""
    call = ["bash", "-e", "-c", text] if kind == "sh" else [sys.executable, "-c", text]
    with (folder / ".output").open("w+b") as out:
        process = subprocess.Popen(call, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code = process.wait(timeout=LIMIT)
        finally:
            _end_session(process.pid)
        out.seek(0)
        output = out.read().decode("utf-8", errors="replace")
    assert code == 0, f"{where} ends with {code}:\n{output}"
    return output


def _end_session(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def needs() -> list[str]:
    """Programs that documents use and this machine lacks."""
    return [program for program in ("bash", "curl", "sed") if shutil.which(program) is None]
