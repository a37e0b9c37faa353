"""Ctrl-C and SIGTERM, which service managers and `kill` send: both end a command in the same way, so that nothing is left half-written."""

from __future__ import annotations

import signal
from typing import Any

from ..core.errors import StartLMError
from ..core.language import say


STOPPED = (130, 143)  # the exit codes of Ctrl-C and SIGTERM: 128 and the number of the signal, as shells give them


class Terminated(KeyboardInterrupt):
    """SIGTERM: whatever cleans up after Ctrl-C cleans up after it too."""


def heed_termination() -> None:
    """Let SIGTERM raise Terminated from now on. For a command only: it changes the whole process. One that is ignored stays ignored."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def stopped(error: KeyboardInterrupt) -> tuple[StartLMError, int]:
    """What is said at the end, and the exit code."""
    said = StartLMError(say("Stopped.", "已停止。"), say("the same command goes on where it stopped", "再次输入同一命令即可继续"))
    return said, STOPPED[isinstance(error, Terminated)]


def _terminate(*_: Any) -> None:
    raise Terminated
