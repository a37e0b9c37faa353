"""A person at a terminal: single keys, lines, and sentences one below the other. Nothing moves the cursor up, so it works everywhere."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from types import TracebackType
from typing import Any

from ..core.errors import CallError
from ..core.language import Said, say

_REST = {0xC0: 1, 0xE0: 2, 0xF0: 3}  # how many bytes follow the first one of a character in UTF-8
_ESCAPE, _WAIT = b"\x1b", 0.02  # an arrow key sends several characters within this many seconds


class Terminal:
    """Reads standard input key by key inside its block, and leaves the terminal as it was. CallError where there is none."""

    def __init__(self, *, aside: bool) -> None:
        """`aside`: write to standard error, because standard output is for something else."""
        if not sys.stdin.isatty():
            raise CallError(say("Labelling asks a person at a terminal, and standard input is none.", "标注需要有人在终端里回答，而标准输入不是终端。"),
                            say("start it in a terminal, without < and |; a table that has labels already needs no labelling: startlm new NAME --data FILE",
                                "请在终端里直接运行，不要用 < 和 |；已有标签的表不需要标注：startlm new 名称 --data 文件"))
        from rich.console import Console

        self._input = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._input)
        stream = sys.stderr if aside or not sys.stdout.isatty() else sys.stdout
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._as_before()

    def tell(self, said: Said | str = "", style: str = "") -> None:
        """One paragraph, wrapped at the terminal's width."""
        self._console.print(str(said), style=style or None, soft_wrap=False)

    def key(self) -> str:
        """One character, without Enter; "" at the end of input; the escape character for keys that send several."""
        mode: list[Any] = termios.tcgetattr(self._input)
        if mode[3] & termios.ICANON:  # also after the shell had the terminal in between
            tty.setcbreak(self._input, termios.TCSANOW)
        first = os.read(self._input, 1)
        if first == _ESCAPE:
            while select.select([self._input], [], [], _WAIT)[0] and os.read(self._input, 8):
                pass
            return "\x1b"
        rest = next((count for lead, count in sorted(_REST.items(), reverse=True) if first and first[0] >= lead), 0)
        while rest and (more := os.read(self._input, rest)):
            first, rest = first + more, rest - len(more)
        return first.decode("utf-8", "replace")

    def line(self, prompt: Said | str, begun: str = "") -> str:
        """A line that ends with Enter, edited as terminals do; `begun` is its first character, typed already."""
        self._as_before()
        self._console.print(f"{prompt}{begun}", end="", soft_wrap=True)
        self._console.file.flush()
        typed = b""
        while not typed.endswith(b"\n") and (more := os.read(self._input, 1)):  # no more: keys typed ahead belong to what follows
            typed += more
        return begun + typed.decode("utf-8", "replace").rstrip("\r\n")

    def _as_before(self) -> None:
        termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)
