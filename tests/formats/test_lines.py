"""Lines come out whole, however the bytes were cut; what lies behind can be read again."""

import io
from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.formats import lines as module
from startlm.formats.lines import Lines

TEXT = st.text(st.sampled_from("ab中😀,\"\r\n\0"), max_size=60)


def cut(data, size):
    return iter([data[i : i + size] for i in range(0, len(data), size)])


@settings(max_examples=300, deadline=None)
@given(TEXT, st.sampled_from(["utf-8", "utf-16-le", "gb18030"]), st.integers(1, 12))
def test_lines_are_the_same_however_the_bytes_were_cut(text, encoding, size):
    lines = list(chain.from_iterable(Lines(cut(text.encode(encoding), size), encoding)))
    assert lines == list(io.StringIO(text, newline=""))


@given(TEXT, st.integers(1, 12))
def test_every_line_that_holds_a_nul_is_within_what_is_marked(text, size):
    lines, number = Lines(cut(text.encode(), size), "utf-8"), 0
    for block in lines:
        number += len(block)
        assert not any("\0" in line for line in block) or lines.unfit_until == number


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 40))
def test_going_back_gives_the_same_lines_again(behind, to, size):
    lines = Lines(cut(b"".join(b"%d\n" % n for n in range(1, 31)), size), "utf-8")
    read = []
    for line in chain.from_iterable(lines):
        read.append(line)
        if len(read) == behind:
            break
    start = lines.back_to(min(to, behind), otherwise=behind + 1)
    assert [int(line) for line in chain.from_iterable(lines)] == list(range(start, 31)) and start == min(to, behind)
    assert lines.ended


def test_lines_no_longer_held_are_not_gone_back_to(monkeypatch):
    monkeypatch.setattr(module, "HELD", 20)
    lines = Lines(cut(b"abc\n" * 100, 8), "utf-8")
    iterator = chain.from_iterable(lines)
    for _ in range(50):
        next(iterator)
    assert lines.back_to(2, otherwise=51) == 51 and len(list(chain.from_iterable(lines))) == 50


def test_a_dropped_tail_leaves_no_quote_open(monkeypatch):
    monkeypatch.setattr(module, "LINE_LIMIT", 8)
    for row in (b'"aaaa","bbbbbbbbbbbb"\n', b'"aaaa",bbbbbbbbbbbb\n', b'"aaaaaaaaaaaaaaaaaaaaa\n'):
        long, after = chain.from_iterable(Lines(cut(row + b"next\n", 4), "utf-8", '"'))
        assert after == "next\n" and long.count('"') % 2 == row.count(b'"') % 2 and len(long) < len(row)
