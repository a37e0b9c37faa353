"""How progress is shown in a terminal: a bar while a step works, a line when it is done. Progress goes to standard error."""

from __future__ import annotations

import sys
import time
from typing import Any, Mapping, Sequence

from ..core.contracts import Progress
from ..core.language import Said, say

BAR = 24
REDRAW = 0.1  # seconds


def plan_said(states: Sequence[Any], titles: Mapping[str, Said]) -> list[Said]:
    """A line for each step: whether it is to be done, and why."""
    marks = {True: say("do  ", "要做"), False: say("done", "完成")}
    return [say(f"{titles[each.step].en:<12} {marks[each.stale].en}  {each.why.en}", f"{titles[each.step].zh:<8} {marks[each.stale].zh}  {each.why.zh}") for each in states]


class Display:
    """Shows Progress as it comes, and remembers what the steps did."""

    def __init__(self, *, quiet: bool, titles: Mapping[str, Said]) -> None:
        self.quiet, self.titles = quiet, titles
        self.steps: list[dict[str, Any]] = []
        self._title, self._drawn, self._last = "", 0.0, ""
        self._live = sys.stderr.isatty()

    def see(self, progress: Progress) -> None:
        """Show one sign of life."""
        from ..project import StepDone

        if isinstance(progress.result, StepDone):
            done = progress.result
            self.steps.append({"step": done.step, "seconds": round(done.seconds, 2), "wrote": str(done.wrote), "fresh": done.fresh})
            fresh = say("nothing to do", "无需重做") if done.fresh else say(f"{done.seconds:.1f} s", f"{done.seconds:.1f} 秒")
            self._say(f"  {fresh} -> {done.wrote}")
            return
        title = str(self.titles.get(progress.step, ""))
        if title and title != self._title:
            self._title = title
            self._say(title)
        if progress.said is not None and str(progress.said):
            self._say(f"  {progress.said}")
        elif progress.total or progress.done:
            self._bar(progress)

    def _say(self, text: str) -> None:
        if not self.quiet and text != self._last:
            clear = "\r\033[K" if self._live else ""
            print(f"{clear}{text}", file=sys.stderr, flush=True)
            self._last = text

    def _bar(self, progress: Progress) -> None:
        now = time.monotonic()
        if self.quiet or not self._live or (now - self._drawn < REDRAW and (progress.done < progress.total or not progress.total)):
            return
        self._drawn = now
        if not progress.total:  # how many there are to come is not known
            print(f"\r\033[K  {progress.done:,}", end="", file=sys.stderr, flush=True)
            return
        full = round(BAR * progress.done / progress.total)
        parts = [f"\r\033[K  [{'#' * full}{'.' * (BAR - full)}] {progress.done}/{progress.total}"]
        parts += [f"loss {progress.loss:.3f}"] if progress.loss is not None else []
        parts += [f"dev {progress.figure:.1%}"] if progress.figure is not None else []
        parts += [str(say(f"{progress.seconds_left:.0f} s left", f"还剩 {progress.seconds_left:.0f} 秒"))] if progress.seconds_left is not None else []
        print("  ".join(parts), end="", file=sys.stderr, flush=True)
