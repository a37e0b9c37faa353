"""A table that grows row by row, each on disk before it is acknowledged: what people type is not typed twice.

A kill or a power cut can leave at most the beginning of one row, which was never acknowledged: it is cut off at the next opening.
"""

from __future__ import annotations

import csv
import io
import os
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import Iterator, Sequence

from .disk_errors import work_errors
from .durable import write_bytes
from .errors import CallError
from .language import Said, say

CELL_LIMIT = 1_000_000  # characters; csv's own limit is lower


class AppendedTable:
    """A CSV file in UTF-8. Its last column holds one of `endings`, none of which begins another, so that a torn row is known as one."""

    def __init__(self, path: Path, columns: Sequence[str], endings: Sequence[str]) -> None:
        """Reads what is there. Raises CallError for a file that is not such a table, WorkError where a torn row cannot be cut off."""
        self.path, self.columns, self.endings = path, tuple(columns), tuple(endings)
        self.rows: list[tuple[str, ...]] = []
        self._ends: list[int] = []  # where each row ends in the file, in bytes
        self._head = 0  # where the head ends
        self.torn = False
        if path.exists():
            self._read()

    def append(self, *rows: Sequence[str]) -> None:
        """Add rows in one write; they are on disk when this returns. Raises WorkError, and then none of them is there."""
        if not self._head:
            self.rewrite(rows)
            return
        written = [_line(row) for row in rows]
        with work_errors(self.path), open(self.path, "r+b", buffering=0) as stream:
            _write_at(stream.fileno(), b"".join(written), self._end)
        for row, line in zip(rows, written):
            self._ends.append(self._end + len(line))
            self.rows.append(tuple(row))

    def take_back(self, count: int = 1) -> list[tuple[str, ...]]:
        """Remove the last rows, on disk too, and return them."""
        kept = max(0, len(self.rows) - count)
        taken, end = self.rows[kept:], self._ends[kept - 1] if kept else self._head
        if taken:
            self._cut(end)
            del self.rows[kept:], self._ends[kept:]
        return taken

    def rewrite(self, rows: Sequence[Sequence[str]]) -> None:
        """Put these rows in the place of all that are there, by one rename. Raises WorkError."""
        head, written = _line(self.columns), [_line(row) for row in rows]
        write_bytes(self.path, head + b"".join(written))
        self.rows, self._head = [tuple(row) for row in rows], len(head)
        self._ends = [len(head) + size for size in accumulate(map(len, written))]

    @property
    def _end(self) -> int:
        return self._ends[-1] if self._ends else self._head

    def _cut(self, end: int) -> None:
        with work_errors(self.path), open(self.path, "r+b", buffering=0) as stream:
            stream.truncate(end)
            os.fsync(stream.fileno())

    def _read(self) -> None:
        with work_errors(self.path):
            data = self.path.read_bytes()
        text = data.decode("utf-8", "surrogateescape")
        try:
            records = list(_records(text))
        except csv.Error as error:
            raise self._strange(say(str(error), str(error))) from error
        if not records or tuple(cell.lstrip("\ufeff") for cell in records[0][0]) != self.columns:
            raise self._strange(say(f"its head is not {', '.join(self.columns)}", f"表头不是 {', '.join(self.columns)}"))
        self._head = records[0][1]
        for number, (cells, end) in enumerate(records[1:], 2):
            if self._whole(cells):
                self.rows.append(tuple(cells))
                self._ends.append(end)
            elif cells and number < len(records):
                raise self._strange(say(f"row {number} is not whole", f"第 {number} 行不完整"))
        if self._end < len(data):
            self.torn = bool(records[-1][0])  # else only empty lines
            self._cut(self._end)
        elif not data.endswith(b"\n"):  # whole but for its line end
            with work_errors(self.path), open(self.path, "r+b", buffering=0) as stream:
                _write_at(stream.fileno(), b"\r\n", len(data))
            if self._ends:
                self._ends[-1] += 2
            else:
                self._head += 2

    def _whole(self, cells: list[str]) -> bool:
        return len(cells) == len(self.columns) and cells[-1] in self.endings and not any("\udc80" <= each <= "\udcff" for each in "".join(cells))

    def _strange(self, why: Said) -> CallError:
        return CallError(say(f"{self.path} is not as startlm label wrote it: {why.en}.", f"{self.path} 与 startlm label 写出的不一样：{why.zh}。"),
                         say("mend that row as UTF-8 text with commas, or move the file away to begin anew", "请按 UTF-8、逗号分隔改好那一行，或把文件移走重新开始"), where=str(self.path))


def _records(text: str) -> Iterator[tuple[list[str], int]]:
    """The cells of each record, and where it ends in the file in bytes."""
    read = 0

    def lines() -> Iterator[str]:
        nonlocal read
        for line in io.StringIO(text, newline=""):
            read += len(line.encode("utf-8", "surrogateescape"))
            yield line

    csv.field_size_limit(CELL_LIMIT)  # process-wide in the standard library
    for cells in csv.reader(lines()):
        yield cells, read


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode("utf-8", "replace")


def _write_at(descriptor: int, data: bytes, place: int) -> None:
    """All of the data, synced; where the disk refuses, the file ends at `place` as before. Raises OSError."""
    try:
        done = 0
        while done < len(data):
            done += os.pwrite(descriptor, data[done:], place + done)
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, place)
        raise
