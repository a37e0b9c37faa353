"""Where the bytes of a table lie: a file that can be read again and again, or a stream that passes once.

Whatever is wrong with it as a file (not there, a folder, empty, binary, not readable) is said here, for every format.
"""

from __future__ import annotations

import glob
import os
import re
import select
import stat
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any, BinaryIO, Iterator

from startlm.core.errors import CallError
from startlm.core.language import Said, say

SAMPLE = 1 << 18  # bytes looked at to find out how a file is written
BLOCK = 1 << 18  # bytes decoded at a time
_SCAN = 1 << 28  # how far a file of plain ASCII is searched for its first other byte

SAVE_AS_CSV = say("save it as CSV UTF-8 and give that file", "请另存为“CSV UTF-8”，再使用那个文件")

_MAGIC = {
    b"PK\x03\x04": say("an Excel workbook or a zip archive", "Excel 工作簿或 zip 压缩包"),
    b"\xd0\xcf\x11\xe0": say("an old Excel or Word file", "旧版 Excel 或 Word 文件"),
    b"SQLite format 3\0": say("an SQLite database", "SQLite 数据库"),
    b"PAR1": say("a Parquet file", "Parquet 文件"),
    b"ARROW1": say("an Arrow file", "Arrow 文件"),
    b"%PDF": say("a PDF", "PDF 文件"),
    b"\x89PNG": say("a picture", "图片"),
    b"\xff\xd8\xff": say("a picture", "图片"),
    b"GIF8": say("a picture", "图片"),
    b"\x1f\x8b": say("a gzip archive", "gzip 压缩文件"),
    b"7z\xbc\xaf": say("a 7z archive", "7z 压缩包"),
    b"\x7fELF": say("a program", "程序文件"),
}


class FileSource:
    """A file on disk: every pass starts anew."""

    again = True
    arriving = None

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path)

    def sample(self) -> bytes:
        """The first bytes."""
        with _opened(self.path) as stream:
            return stream.read(SAMPLE)

    def telling_sample(self) -> bytes:
        """The first bytes, or where those are plain ASCII, the first that are not: they tell the encoding."""
        first = self.sample()
        if b"\0" in first or not first.isascii():
            return first
        with _opened(self.path) as stream:
            for _ in range(_SCAN // BLOCK):
                block = stream.read(BLOCK)
                if not block.isascii():
                    return block[re.search(rb"[\x80-\xff]", block).start() :]  # type: ignore[union-attr]
                if not block:
                    break
        return first

    def blocks(self) -> Iterator[bytes]:
        """The bytes, in order."""
        with _opened(self.path) as stream:
            while block := stream.read(BLOCK):
                yield block


class StreamSource:
    """Standard input or a pipe: it passes once, and each line is handed on as it arrives.

    With `pauses` set, an empty block says that nothing more has arrived yet: the next read waits.
    """

    again = False
    pauses = False

    def __init__(self, stream: BinaryIO, name: str, *, close: bool = False) -> None:
        self.stream, self.name, self._close = stream, name, close
        self._first: bytes | None = None
        self._passed = False

    @property
    def arriving(self) -> StreamSource | None:
        """Itself; None where all is there already: a file on disk as standard input, bytes in memory."""
        try:
            return None if stat.S_ISREG(os.fstat(self.stream.fileno()).st_mode) else self
        except OSError:  # no descriptor
            return None

    def sample(self) -> bytes:
        """What has arrived, at least one line: an answer must not wait for a full sample."""
        if self._first is None:
            self._first = b""
            while not re.search(rb"[\r\n]", self._first) and len(self._first) < SAMPLE:
                block = self._read()
                self._first += block
                if not block:
                    break
        return self._first

    telling_sample = sample

    def blocks(self) -> Iterator[bytes]:
        """The bytes, in order. Raises CallError on a second pass."""
        if self._passed:
            raise CallError(
                say("Standard input can be read only once.", "标准输入只能读一遍。"),
                say("save it to a file and give the file", "请先存成文件，再使用那个文件"),
                where=self.name,
            )
        first, self._passed = self.sample(), True
        try:
            yield first
            while True:
                if self.pauses and not select.select([self.stream], [], [], 0)[0]:
                    yield b""
                if not (block := self._read()):
                    return
                yield block
        finally:
            if self._close:
                self.stream.close()

    def _read(self) -> bytes:
        read = getattr(self.stream, "read1", self.stream.read)
        return read(SAMPLE)


Source = FileSource | StreamSource


def find_source(source: str | Path | Source) -> Source:
    """The file at this path, or standard input for "-"; a source already found stays as it is.

    Raises CallError for what is not there, a folder, an empty or binary file, or one that may not be read.
    """
    if isinstance(source, (FileSource, StreamSource)):
        return source
    found: Source
    if str(source) == "-":
        found = StreamSource(sys.stdin.buffer, "-")
    else:
        path = Path(source)
        found = FileSource(path) if stat.S_ISREG(_kind(path)) else StreamSource(_opened(path), str(path), close=True)
    _refuse_empty_or_known(found.sample(), found.name)
    return found


def find_file(source: str | Path | Source) -> Path:
    """The path of a file that is read as a whole. Raises CallError for what is not there, a folder, a stream, or an empty file."""
    path = source.path if isinstance(source, FileSource) else Path(source if isinstance(source, (str, Path)) else source.name)
    if not stat.S_ISREG(_kind(path)):
        raise _wrong(path, say("This is not a file on disk.", "这不是磁盘上的文件。"), say("save it to a file and give the file", "请先存成文件，再使用那个文件"))
    if not first_bytes(path):
        raise _empty(path)
    return path


def is_address(source: str | Path) -> bool:
    """Whether this is an address (scheme://…), not a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", str(source)) is not None


def several_files(source: Any) -> list[str | Path] | None:
    """The files of a list, or of a pattern such as "tickets-*.csv", in its order or that of their names; None for what is neither.

    Raises CallError for a pattern that no file fits.
    """
    if isinstance(source, (list, tuple)) and source and all(isinstance(each, (str, Path)) for each in source):
        return [file for each in source for file in several_files(each) or [each]]
    if not isinstance(source, (str, Path)) or is_address(source) or not glob.has_magic(str(source)) or Path(source).exists():
        return None
    parts = Path(source).parts
    there = next(count for count in range(len(parts) - 1, -1, -1) if count == 0 or Path(*parts[:count]).exists())  # a folder may be called [a]
    folder = Path(*parts[:there])
    found = [folder / name for name in sorted(glob.glob(str(Path(*parts[there:])), root_dir=folder, recursive=True)) if (folder / name).is_file()]
    if not found:
        raise _wrong(str(source), say("No file fits this pattern.", "没有文件符合这个模式。"),
                     say("check the folder and the name; in a shell the pattern stands in quotes", "请检查文件夹和文件名；在命令行里要给模式加引号"))
    return found  # type: ignore[return-value]


def first_bytes(path: Path, count: int = 16) -> bytes:
    """How the file begins; b"" for what is no file on disk: it would pass only once."""
    try:
        if not path.is_file():
            return b""
    except (OSError, ValueError):
        return b""
    with _opened(path) as stream:
        return stream.read(count)


def _refuse_empty_or_known(sample: bytes, name: str) -> None:
    """Raises CallError for an empty sample and for one that begins as a known binary format does."""
    if not sample.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise _empty(name)
    for magic, kind in _MAGIC.items():
        if sample.startswith(magic):
            message = say(f"This is not text but {kind.en}.", f"这不是文本，而是{kind.zh}。")
            raise _wrong(name, message, SAVE_AS_CSV)


def _empty(name: Path | str) -> CallError:
    return _wrong(name, say("The file is empty.", "文件是空的。"), say("give a file with rows in it", "请换一个有内容的文件"))


def _kind(path: Path) -> int:
    """The mode of what is there; never a folder's."""
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise _wrong(path, say("This is a folder, not a file.", "这是一个文件夹，不是文件。"), say(f'give one file in it, or a pattern for several: "{path}/*.csv"', f'请指定其中的一个文件；多个文件可用模式："{path}/*.csv"'))
        return kind
    except PermissionError:
        raise _unreadable(path) from None
    except (OSError, ValueError):  # ValueError: a NUL in the path
        message = say("There is no such file.", "没有这个文件。")
        near = _nearest(path)
        hint = say(f"did you mean {near}?", f"是不是 {near}？") if near else say("check the path and the spelling", "请检查路径和文件名")
        raise _wrong(path, message, hint) from None


def _nearest(path: Path) -> str | None:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        return None
    near = get_close_matches(path.name, names, n=1, cutoff=0.75)
    return str(path.with_name(near[0])) if near else None


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except PermissionError:
        raise _unreadable(path) from None
    except FileNotFoundError:
        raise _wrong(path, say("There is no such file.", "没有这个文件。"), say("check the path and the spelling", "请检查路径和文件名")) from None


def _unreadable(path: Path) -> CallError:
    hint = say("give yourself the right to read it, or copy it", "请设置读取权限，或复制一份")
    return _wrong(path, say("The file may not be read.", "没有权限读取这个文件。"), hint)


def _wrong(path: Path | str, message: Said, hint: Said) -> CallError:
    return CallError(message, hint, where=str(path))
