"""A stream of bytes as decoded lines, in blocks: fast where all is well, bounded where it isn't."""

from __future__ import annotations

import io
from collections import deque
from typing import Iterator

from startlm.formats.encodings import has_unfit, start_decoder

LINE_LIMIT = 1 << 22  # characters of one line that are kept
HELD = 1_200_000  # characters behind the last line that can be read again


class Lines:
    """Blocks of lines, each line with its own ending (LF, CRLF or CR).

    After a block is handed out, `unfit_until` is the number of the last line so far that may hold marks or NULs (the first line
    is 1). `ended` is True once everything was handed out. `back_to` reads recent lines again. Where an empty block of bytes says that
    nothing more has arrived yet, an empty block of lines does, and `paused` is True until there are more.
    """

    def __init__(self, blocks: Iterator[bytes], encoding: str, quote: str = "") -> None:
        self.unfit_until = 0
        self.ended = self.paused = False
        self._read = self._decoded(blocks, encoding, quote)
        self._recent: deque[tuple[int, list[str]]] = deque()
        self._sizes: deque[int] = deque()
        self._again: list[str] = []
        self._next = 1

    def __iter__(self) -> Iterator[list[str]]:
        if self._again:
            again, self._again = self._again, []
            self.paused = False
            yield again
        for lines in self._read:
            self.paused = not lines
            yield lines
        self.paused, self.ended = False, True

    @property
    def first_held(self) -> int:
        """The number of the first line that can be read again."""
        return self._recent[0][0] if self._recent else self._next

    def back_to(self, line: int, otherwise: int) -> int:
        """Let the next pass begin with `line`, or where that is no longer held, with `otherwise`. Returns which."""
        if self._recent and line < self._recent[0][0]:
            line = otherwise
        held = [(first, lines) for first, lines in self._recent if first + len(lines) > line]
        self._again = [text for _, lines in held for text in lines][line - held[0][0] :] if held else []
        self.ended = False
        return line

    def _decoded(self, blocks: Iterator[bytes], encoding: str, quote: str) -> Iterator[list[str]]:
        for text in _whole_lines(_texts(blocks, encoding), quote):
            if not text:
                yield []
                continue
            lines = list(io.StringIO(text, newline=""))
            first, self._next = self._next, self._next + len(lines)
            if has_unfit(text):
                self.unfit_until = self._next - 1
            self._recent.append((first, lines))
            self._sizes.append(len(text))
            while sum(self._sizes) - self._sizes[0] > HELD:
                self._recent.popleft()
                self._sizes.popleft()
            yield lines


def _texts(blocks: Iterator[bytes], encoding: str) -> Iterator[str]:
    decoder = start_decoder(encoding)
    for block in blocks:
        if (text := decoder.decode(block)) or not block:  # a block may hold only part of a character
            yield text
    if text := decoder.decode(b"", True):
        yield text


def _whole_lines(texts: Iterator[str], quote: str) -> Iterator[str]:
    """Texts cut anywhere, cut again where a line ends. The tail of a line beyond the limit is dropped, and the quote it leaves
    open is closed, so that the next line is read as the line it is."""
    held: list[str] = []
    size = dropped = 0
    for text in texts:
        if not text:
            yield text
            continue
        cut = max(text.rfind("\n"), text.rfind("\r", 0, len(text) - 1)) + 1  # a last CR may be half of CRLF
        if cut == 0 and not (held and held[-1].endswith("\r")):
            if size < LINE_LIMIT:
                held.append(text)
                size += len(text)
            else:
                dropped += text.count(quote) if quote else 0
            continue
        end = text[:cut]
        if size >= LINE_LIMIT:
            first = min(position for position in (end.find("\n"), end.find("\r"), len(end)) if position >= 0)
            dropped += end.count(quote, 0, first) if quote else 0
            end = quote * (dropped % 2) + end[first:]
        yield "".join(held) + end
        held, size, dropped = [text[cut:]], len(text) - cut, 0
    if size:
        yield "".join(held) + quote * (dropped % 2)
