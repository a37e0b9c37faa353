"""What a row is measured with: its pieces, each kept when it is finished, a scratch folder, and a clock."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from startlm.core.durable import read_json, write_json


@dataclass
class Work:
    """One row being measured. `kept` is the folder of its finished pieces; None where nothing may be kept."""

    row: str
    scratch: Path
    kept: Path | None = None
    quick: bool = False
    tell: Callable[[str], None] = lambda said: None
    began: float = field(default_factory=time.monotonic)
    seconds_before: float = 0.0  # of pieces that an earlier call made

    def piece(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` returns (plain JSON), from an earlier call where it was finished there."""
        path = None if self.kept is None else self.kept / f"{name}.json"
        if path is not None and path.exists():
            record = read_json(path)
            self.seconds_before += record["seconds"]
            self.tell(f"{self.row}: {name} was finished before ({record['seconds']:.0f} s)")
            return record["value"]
        self.tell(f"{self.row}: {name} …")
        value, seconds = timed(make)
        self.tell(f"{self.row}: {name} took {seconds:.1f} s")
        if path is not None:
            write_json(path, {"seconds": seconds, "value": value})
        return value

    @property
    def seconds(self) -> float:
        """Of the whole row, pieces of earlier calls included."""
        return time.monotonic() - self.began + self.seconds_before

    def folder(self, name: str) -> Path:
        """A new folder under scratch."""
        path = self.scratch / name
        path.mkdir(parents=True)
        return path


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What `work` returns, and its seconds."""
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def repeated(work: Callable[[], Any], times: int, warm_up: int = 1, before: Callable[[], Any] = lambda: None) -> list[float]:
    """Seconds of each of `times` calls after `warm_up` that do not count; `before` each call, outside the clock."""
    seconds = []
    for _ in range(warm_up + times):
        before()
        seconds.append(timed(work)[1])
    return seconds[warm_up:]


def spread(seconds: list[float]) -> dict[str, Any]:
    """Median, fastest, slowest and how many."""
    return {"median": statistics.median(seconds), "low": min(seconds), "high": max(seconds), "times": len(seconds)}
