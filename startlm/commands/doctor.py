"""`startlm doctor`: this machine, the installation, and what is missing for what. Its output fits into a bug report."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..core.language import Said, say

BASE = ("numpy", "safetensors", "onnxruntime", "tokenizers", "pydantic", "typer", "rich", "starlette", "uvicorn")
TRAIN = ("torch", "polars", "scikit-learn", "scipy", "lightgbm", "onnx", "onnxscript", "altair", "vl-convert-python")
ENOUGH_DISK, ENOUGH_MEMORY = 2 << 30, 2 << 30


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str
    ok: bool
    said: Said


def examine() -> list[Check]:
    """Every check, the machine first."""
    import startlm

    memory = _available_memory()
    disk = shutil.disk_usage(Path.cwd()).free
    checks = [
        Check("startlm", True, say(f"StartLM {startlm.__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
                  f"StartLM {startlm.__version__}，Python {platform.python_version()}，{platform.system()} {platform.machine()}")),
        Check("processors", True, say(f"{os.cpu_count()} processors", f"{os.cpu_count()} 个处理器")),
        Check("memory", memory >= ENOUGH_MEMORY, say(f"{memory / 2**30:.1f} GiB of memory free", f"可用内存 {memory / 2**30:.1f} GiB")),
        Check("disk", disk >= ENOUGH_DISK, say(f"{disk / 2**30:.0f} GiB of disk free here", f"当前磁盘剩余 {disk / 2**30:.0f} GiB")),
        Check("writable", os.access(Path.cwd(), os.W_OK), say("this folder can be written to" if os.access(Path.cwd(), os.W_OK) else "this folder cannot be written to",
                                                              "当前文件夹可写" if os.access(Path.cwd(), os.W_OK) else "当前文件夹不可写")),
    ]
    return checks + [_packages("base", BASE), _packages("train", TRAIN)]


def _packages(extra: str, names: tuple[str, ...]) -> Check:
    found, missing = [], []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    line = f"pip install 'startlm[{extra}]'" if extra != "base" else "pip install startlm"
    if missing:
        return Check(extra, False, say(f"{extra}: {', '.join(missing)} not installed: {line}", f"{extra}：缺少 {'、'.join(missing)}，请安装：{line}"))
    return Check(extra, True, say(f"{extra}: {', '.join(found)}", f"{extra}：{'、'.join(found)}"))


def _available_memory() -> int:
    """Bytes of memory that can still be taken."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
