"""The table that grows row by row: whatever is cut off, what was acknowledged is there."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from startlm.core import appended
from startlm.core.appended import AppendedTable
from startlm.core.errors import CallError, WorkError

COLUMNS, ENDINGS = ("text", "label", "part"), ("train", "test")
ROWS = [("one, two", "a", "train"), ('said "no"\r\nand left', "b", "test"), ("退款\n在哪里", "退款", "train")]
ROOT = Path(__file__).resolve().parents[2]


def table(path: Path) -> AppendedTable:
    return AppendedTable(path, COLUMNS, ENDINGS)


def written(path: Path) -> bytes:
    there = table(path)
    for row in ROWS:
        there.append(row)
    return path.read_bytes()


def test_what_is_appended_is_read_back_and_several_rows_at_once_too(tmp_path: Path) -> None:
    one, both = table(tmp_path / "one.csv"), table(tmp_path / "both.csv")
    for row in ROWS:
        one.append(row)
    both.append(*ROWS)
    assert one.path.read_bytes() == both.path.read_bytes() and table(one.path).rows == ROWS == one.rows


def test_cut_off_anywhere_the_rows_before_are_there_and_the_next_one_goes_behind_them(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.csv")
    ends, path = [whole.index(b"part\r\n") + 6, whole.index(b"train\r\n") + 7, whole.index(b"test\r\n") + 6, len(whole)], tmp_path / "cut.csv"
    for cut in range(ends[0], len(whole) + 1):
        path.write_bytes(whole[:cut])
        there = table(path)
        kept = sum(end - 2 <= cut for end in ends[1:])  # a row lacks nothing but its line end
        assert there.rows == ROWS[:kept], cut
        there.append(ROWS[0])
        assert table(path).rows == [*ROWS[:kept], ROWS[0]], cut


def test_that_a_row_was_cut_short_is_known(tmp_path: Path) -> None:
    whole = written(tmp_path / "t.csv")
    assert not table(tmp_path / "t.csv").torn
    (tmp_path / "t.csv").write_bytes(whole[:-9])
    assert table(tmp_path / "t.csv").torn and not table(tmp_path / "t.csv").torn  # the second opening finds it mended


def test_rows_taken_back_are_gone_from_the_disk(tmp_path: Path) -> None:
    written(tmp_path / "t.csv")
    there = table(tmp_path / "t.csv")
    assert there.take_back(2) == ROWS[1:] and table(tmp_path / "t.csv").rows == ROWS[:1]
    assert there.take_back(5) == ROWS[:1] and there.take_back() == [] and table(tmp_path / "t.csv").rows == []
    there.append(ROWS[2])
    assert table(tmp_path / "t.csv").rows == [ROWS[2]]


def test_rows_put_in_the_place_of_all_can_be_appended_to(tmp_path: Path) -> None:
    written(tmp_path / "t.csv")
    there = table(tmp_path / "t.csv")
    there.rewrite(ROWS[1:])
    there.append(ROWS[0])
    assert there.take_back() == [ROWS[0]] and table(tmp_path / "t.csv").rows == ROWS[1:]


@pytest.mark.parametrize("content, words", [("text,label\r\n", "its head is not text, label, part"), ("text,label,part\r\na,b\r\nc,d,test\r\n", "row 2 is not whole"), ("", "its head")])
def test_another_file_of_that_name_is_refused_and_stays_as_it_is(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "t.csv").write_bytes(content.encode())
    with pytest.raises(CallError, match=words):
        table(tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes() == content.encode()


def test_a_full_disk_leaves_the_rows_before_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "t.csv")
    there, whole = table(tmp_path / "t.csv"), (tmp_path / "t.csv").read_bytes()

    def full(descriptor: int, data: bytes, place: int) -> int:
        os.lseek(descriptor, place, os.SEEK_SET)
        os.write(descriptor, data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(appended.os, "pwrite", full)
    with pytest.raises(WorkError, match="disk is full"):
        there.append(ROWS[0])
    assert there.path.read_bytes() == whole and there.rows == ROWS


def test_a_row_is_synced_before_append_returns(tmp_path: Path) -> None:
    assert shutil.which("strace"), "this test reads system calls with strace: apt-get install strace"
    written(tmp_path / "t.csv")
    code = "import os, sys\nfrom pathlib import Path\nfrom startlm.core.appended import AppendedTable\n"
    code += "t = AppendedTable(Path(sys.argv[1]), ('text', 'label', 'part'), ('train', 'test'))\nt.append(('x', 'y', 'test'))\nos.write(1, b'acknowledged')"
    log = tmp_path / "log"
    subprocess.run(["strace", "-f", "-e", "trace=write,pwrite64,fsync", "-o", log, sys.executable, "-c", code, tmp_path / "t.csv"], check=True, capture_output=True,
                   env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])})  # fmt: skip
    calls = [line.split()[1].partition("(")[0] for line in log.read_text(errors="replace").splitlines() if "pwrite64(" in line or "fsync(" in line or "acknowledged" in line]
    assert calls == ["pwrite64", "fsync", "write"]
