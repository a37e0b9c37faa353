"""`startlm label` in a real terminal: keys without Enter, Ctrl-C, and SIGKILL in the middle: what was acknowledged is there."""

from __future__ import annotations

import csv
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tickets import tickets

ROOT = Path(__file__).resolve().parents[2]
START = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from startlm.cli import main; main()"  # Ctrl-C reaches it through its terminal
QUESTION = "q stop"
ROWS = 22  # few enough that no groups come first


class Talk:
    """A session in a pseudo-terminal of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "TERM": "dumb", "PYTHONPATH": os.pathsep.join(paths)}
        self.process = subprocess.Popen([sys.executable, "-c", START, "label", "desk", *arguments], cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.text, self.seen = "", 0

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def read(self, seconds: float) -> bool:
        """Take in what is written within so many seconds; False at the end."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            self.text += os.read(self.master, 65536).decode("utf-8", "replace")
        except OSError:  # the other side is closed
            return False
        return True

    def until(self, words: str, seconds: float = 60) -> str:
        """Wait until these words come; returns what came with them."""
        end = time.monotonic() + seconds
        while words not in self.text[self.seen:]:
            if time.monotonic() > end or not self.read(1):
                raise AssertionError(f"{words!r} did not come; there is:\n{self.text[self.seen:]}")
        found = self.text.index(words, self.seen) + len(words)
        came, self.seen = self.text[self.seen:found], found
        return came

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def code(self) -> int:
        end = time.monotonic() + 60
        while self.process.poll() is None and self.read(0.2):
            assert time.monotonic() < end, f"it did not end; there is:\n{self.text[self.seen:]}"
        return self.process.wait(timeout=60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with (tmp_path / "inbox.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["message"], *([row["message"]] for row in tickets(ROWS))])
    return tmp_path


def labels(folder: Path) -> list[dict[str, str]]:
    with (folder / "desk" / "labels.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_key_is_enough_and_the_last_words_tell_what_comes_next(folder: Path) -> None:
    with Talk(folder, "--data", "inbox.csv", "--who", "ann") as talk:
        shown = talk.until(QUESTION)
        assert "22 rows" in shown and "They only test: no model learns" in " ".join(shown.split())
        talk.type("n")
        talk.until("name of the new label: ")
        talk.type("退款\n")
        talk.until("→ 退款")
        assert [row["label"] for row in labels(folder)] == ["退款"]  # on disk while the next question stands
        talk.until(QUESTION)
        talk.type("1")
        talk.until("→ 退款")
        talk.until(QUESTION)
        talk.type("q")
        talk.until("2 labels in desk/labels.csv")
        assert talk.code() == 0
    assert [(row["label"], row["who"]) for row in labels(folder)] == [("退款", "ann")] * 2


def test_keys_typed_ahead_are_not_lost(folder: Path) -> None:
    with Talk(folder, "--data", "inbox.csv") as talk:
        talk.until(QUESTION)
        talk.type("nmoney\n1111q")
        talk.until("labels in desk")
        assert talk.code() == 0
    assert [row["label"] for row in labels(folder)] == ["money"] * 5


def test_an_arrow_key_is_no_label(folder: Path) -> None:
    with Talk(folder, "--data", "inbox.csv") as talk:
        talk.until(QUESTION)
        talk.type("nmoney\n")
        talk.until(QUESTION)
        talk.type("\x1b[A")
        time.sleep(0.2)
        talk.type("1")
        talk.until("→ money")
        talk.type("q")
        assert talk.code() == 0
    assert len(labels(folder)) == 2


@pytest.mark.parametrize("wait", [0.0, 1.0])
def test_ctrl_d_ends_it_also_where_it_was_typed_ahead(folder: Path, wait: float) -> None:
    with Talk(folder, "--data", "inbox.csv") as talk:
        talk.until("drawn at random")  # the terminal still reads lines
        time.sleep(wait)
        talk.type("\x04")
        assert talk.code() == 0


def test_ctrl_c_stops_leaves_the_terminal_as_it_was_and_the_same_command_goes_on(folder: Path) -> None:
    with Talk(folder, "--data", "inbox.csv") as talk:
        before = termios.tcgetattr(talk.master)
        talk.until(QUESTION)
        talk.type("nmoney\n")
        talk.until("→ money")
        talk.until(QUESTION)
        end = time.monotonic() + 10
        while termios.tcgetattr(talk.master)[3] & termios.ICANON and time.monotonic() < end:
            time.sleep(0.01)  # single keys are asked for just after the question
        assert not termios.tcgetattr(talk.master)[3] & termios.ICANON
        talk.type("\x03")
        assert talk.code() == 130
        assert "the same command goes on" in " ".join(talk.text.split()) and termios.tcgetattr(talk.master)[3] == before[3]
    with Talk(folder) as talk:
        talk.until("1 labelled")
        talk.type("\x04")
        assert talk.code() == 0
    assert len(labels(folder)) == 1


@pytest.mark.parametrize("wait", [0.0, 0.003, 0.02])
def test_killed_in_the_middle_nothing_that_was_acknowledged_is_lost(folder: Path, wait: float) -> None:
    acknowledged = 0
    with Talk(folder, "--data", "inbox.csv") as talk:
        talk.until(QUESTION)
        talk.type("nmoney\n" + "1" * 9)
        talk.until("→ money")
        time.sleep(wait)
        os.kill(talk.process.pid, signal.SIGKILL)
        assert talk.code() == -signal.SIGKILL
        acknowledged = len(re.findall("→ money", talk.text))
    with Talk(folder) as talk:
        shown = talk.until(QUESTION)
        kept = int(re.findall(r"(\d+) labelled", shown)[0])
        talk.type("1")
        talk.until("→ money")
        talk.type("q")
        assert talk.code() == 0
    rows = labels(folder)
    assert 1 <= acknowledged <= kept <= 10 and len(rows) == kept + 1 == len({row["row"] for row in rows})


def test_a_second_session_is_told_who_holds_the_project(folder: Path) -> None:
    with Talk(folder, "--data", "inbox.csv") as talk:
        talk.until(QUESTION)
        with Talk(folder) as other:
            assert other.code() == 1 and f"process {talk.process.pid}" in " ".join(other.text.split())


def test_without_a_terminal_it_says_what_to_do(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "startlm", "label", "desk", "--data", "inbox.csv"], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "start it in a terminal" in done.stderr and done.stdout == "" and not (folder / "desk").exists()
