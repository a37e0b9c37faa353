"""The machine that measures: what it is, which code it runs, and whether it is quiet enough to measure on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Iterator

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("numpy", "scikit-learn", "torch", "onnxruntime", "tokenizers", "polars")
MOST_LOAD = 0.7  # processes running or waiting, averaged over a minute
HEAVY = 0.2  # of one core, over WATCHED seconds
WATCHED = 1.0
OWN_WRITING = ("benchmarks/results", "benchmarks/RESULTS.md", "docs/scale.md", "docs/scale.zh.md", "docs/images/scale.svg")


def describe() -> dict[str, Any]:
    """Processor, cores, memory, and the versions that matter. No name and no path of the machine."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return {"processor": _processor(), "cores": len(os.sched_getaffinity(0)), "memory_gb": _memory_gb(), "system": platform.system(),
            "python": platform.python_version(), "packages": versions}  # fmt: skip


def _processor() -> str:
    lines = _proc("cpuinfo").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "") or platform.processor() or platform.machine()


def _memory_gb() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def commit() -> tuple[str, bool]:
    """(the commit's hash, whether files differ from it); ("", True) outside a repository. What the runner writes does not count."""
    head = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--", ".", *(f":(exclude){path}" for path in OWN_WRITING))
    return head, bool(changed) or not head


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


# ------------------------------------------------------------- is it quiet

def why_not_quiet(check_load: bool = True) -> str:
    """What speaks against measuring now, in words; "" where nothing does."""
    load = os.getloadavg()[0]
    if check_load and load > MOST_LOAD:
        return f"the machine is busy: load average {load:.2f} over the last minute, {MOST_LOAD} at most"
    others = [f"{name} (process {pid}, {share:.0%} of a core)" for pid, name, share in heavy_processes()]
    return f"another process is working: {', '.join(others)}" if others else ""


def heavy_processes() -> list[tuple[int, str, float]]:
    """Processes other than this one and its parents that use more than HEAVY of a core now; none where there is no /proc."""
    own = _ancestors()
    before = _ticks()
    time.sleep(WATCHED)
    ticks_a_second = os.sysconf("SC_CLK_TCK")
    used = {pid: (ticks - before[pid]) / ticks_a_second / WATCHED for pid, ticks in _ticks().items() if pid in before and pid not in own}
    return sorted(((pid, _proc(f"{pid}/comm").strip(), share) for pid, share in used.items() if share > HEAVY), key=lambda each: -each[2])


def _ticks() -> dict[int, int]:
    """Processor time of each process so far, in clock ticks."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        fields = _proc(f"{path.name}/stat").rpartition(")")[2].split()
        if len(fields) > 12:
            found[int(path.name)] = int(fields[11]) + int(fields[12])
    return found


def _ancestors() -> set[int]:
    found, pid = set(), os.getpid()
    while pid > 0 and pid not in found:
        found.add(pid)
        fields = _proc(f"{pid}/stat").rpartition(")")[2].split()
        pid = int(fields[1]) if len(fields) > 1 else 0
    return found


def _proc(name: str) -> str:
    try:
        return Path("/proc", name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


# ------------------------------------------------------------------ threads

@contextmanager
def all_threads() -> Iterator[int]:
    """Both sides may use every core: the thread pools of BLAS and OpenMP are set to as many; yields how many."""
    from threadpoolctl import threadpool_limits

    cores = len(os.sched_getaffinity(0))
    with threadpool_limits(cores):
        yield cores


def startlm_command() -> list[str]:
    """How the shell starts StartLM in this environment."""
    script = Path(sys.executable).with_name("startlm")
    return [str(script)] if script.exists() else [sys.executable, "-m", "startlm"]
