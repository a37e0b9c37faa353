"""How bytes become characters: the encoding of a file found, and bytes that don't fit it kept visible.

A byte that the encoding cannot read becomes one mark, the lone surrogate U+DC00 + byte, which no valid text holds. So one bad
byte spoils one row instead of the whole file, and the row can say which byte it was.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from typing import NamedTuple

from startlm.core.contracts import BadRow
from startlm.core.errors import CallError
from startlm.core.language import Said, say
from startlm.formats.sources import SAVE_AS_CSV, Source

UNFIT = re.compile("[\0\udc00-\udcff]")
_UNREADABLE = re.compile("[\0-\x08\x0e-\x1a\x1c-\x1f\udc00-\udcff]")

# What people call an encoding -> the superset that reads what they have (Windows' variants included).
_READ_AS = {
    "utf-8": "utf-8-sig", "ascii": "utf-8-sig", "gbk": "gb18030", "gb2312": "gb18030", "cp936": "gb18030",
    "big5": "cp950", "iso8859-1": "cp1252",
}  # fmt: skip

# The most frequent characters of Chinese text, simplified then traditional, and its punctuation. They tell GBK from Big5:
# read in the wrong one, text turns into valid but rare characters.
_COMMON = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么"
    "去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又"
    "关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海"
    "通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管"
    "期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北"
    "边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运买店快差服务房价错吃味送订单货钱费退款谢请吗呢吧啊"
    "這個們來為國說時會對於著過發後裡種經麼學現當沒動還進樣開從實無與長機關點業將兩間問並應戰頭體見產話給門數條認題爾總電報務場計"
    "資統區隊決馬書聽達強難權設記類據邊該規萬覺術領確傳師觀讓識帶導爭運買價錯訂單貨錢費謝請嗎"
    "，。！？、；：“”‘’（）《》【】…—·～　０１２３４５６７８９"
)
_READABLE = _COMMON | {"\t", "\n", "\r", *map(chr, range(0x20, 0x7F))}


class Encoding(NamedTuple):
    """An encoding as found or told.

    `sure` is False where the sample held plain ASCII only, so that later bytes may say otherwise. `better` reads the sample
    without fault where the one told does not.
    """

    name: str
    bom: bool = False
    sure: bool = True
    better: str | None = None


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("startlm.mark", _mark)


def check_encoding(name: object) -> str:
    """The name Python reads this encoding by, aliases resolved to the superset that reads what people have.

    Raises CallError for a name that is no text encoding.
    """
    try:
        found = codecs.lookup(str(name))
        b"a".decode(str(name), "startlm.mark")  # refuses codecs that are not of text, such as base64
    except (LookupError, UnicodeError):
        raise CallError(
            say(f"Unknown encoding: {name!r}.", f"没有这种编码：{name!r}。"),
            say('set one of these: encoding = "utf-8", "utf-16", "gb18030", "big5"', '请改成其中之一：encoding = "utf-8"、"utf-16"、"gb18030"、"big5"'),
        ) from None
    return _READ_AS.get(found.name, found.name)


def start_decoder(name: str) -> codecs.IncrementalDecoder:
    """A decoder that marks the bytes it cannot read and never fails; a byte order mark is dropped."""
    return codecs.getincrementaldecoder(check_encoding(name))("startlm.mark")


def has_unfit(text: str) -> bool:
    """Whether the text holds a mark or a NUL. Costs about 1 ms a million characters."""
    if "\0" in text:
        return True
    try:
        text.isascii() or text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def choose_encoding(source: Source, told: str | None) -> Encoding:
    """The encoding told, else the one found.

    Raises CallError for a binary file and for an encoding that does not exist.
    """
    sample = source.telling_sample()
    found = find_encoding(sample)
    text = _decode(sample, found.name)
    if len(_UNREADABLE.findall(text)) * 10 > len(text) + 80:
        raise CallError(say("This is not text but a binary file.", "这不是文本，而是二进制文件。"), SAVE_AS_CSV, where=source.name)
    if told is None:
        return found
    check_encoding(told)
    return Encoding(told, better=found.name if _marks(_decode(sample, told)) and not _marks(text) else None)


def say_encoding(coding: Encoding, *, told: bool) -> Said:
    """What was found, and the line that overrules it."""
    name = coding.name + {"gb18030": " (GBK)"}.get(coding.name, "")
    if told:
        return say(f"Encoding: {name}, as set.", f"编码：{name}（按设置）。")
    mark = say(" with a byte order mark", "，带 BOM") if coding.bom else say("", "")
    other = "gb18030" if coding.name == "utf-8" else "utf-8"
    line = f'encoding = "{other}"'
    return say(
        f"Encoding found: {name}{mark.en}. If characters look wrong, set under [prepare]: {line}",
        f"识别出的编码：{name}{mark.zh}。如果文字显示不对，请在 [prepare] 下设置：{line}",
    )


def judge_unfit(text: str, line: int, column: str, coding: Encoding) -> BadRow:
    """The bad row of a text that holds a mark or a NUL: the first of them is named, with the line that would accept it."""
    character = UNFIT.search(text)[0]  # type: ignore[index]
    shown = UNFIT.sub(lambda match: f"\\x{ord(match[0]) & 0xFF:02X}", text)
    shown = shown if len(shown) <= 200 else shown[:199] + "…"
    if character == "\0":
        return BadRow(line, column, shown, "nul", say("a NUL byte", "含有 NUL 字节"), 'bad_rows = "skip"')
    byte = f"0x{ord(character) & 0xFF:02X}"
    better = coding.better or (None if coding.sure else find_encoding(text.encode("utf-8", "surrogateescape")).name)
    accept = f'encoding = "{better}"' if better and better != coding.name else 'bad_rows = "skip"'
    why = say(f"byte {byte} does not fit the encoding {coding.name}", f"字节 {byte} 不符合编码 {coding.name}")
    return BadRow(line, column, shown, "undecodable", why, accept)


def find_encoding(sample: bytes) -> Encoding:
    """The encoding of a sample (its last character may be cut): by byte order mark, by NULs where UTF-16 has them, by
    valid UTF-8, then by which of GB18030 and Big5 gives the more frequent characters."""
    for mark, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if sample.startswith(mark):
            return Encoding(name, bom=True)
    if b"\0" in sample and (wide := _find_utf16(sample)):
        return Encoding(wide)
    if sample.isascii():
        return Encoding("utf-8", sure=False)
    high = sum(sample.count(byte) for byte in range(0x80, 0x100))
    if _marks(_decode(sample, "utf-8")) <= high / 20:
        return Encoding("utf-8")
    score = {name: _plausibility(_decode(sample, name)) for name in ("utf-8", "gb18030", "big5")}
    alone = len(re.findall(rb"[\x80-\xff]+", sample)) > 2 * len(re.findall(rb"[\x80-\xff]{2,}", sample))
    if alone and max(score.values()) < 0.15:
        return Encoding("cp1252")  # accents that stand alone between ASCII letters, and nothing that reads as Chinese
    return Encoding(max(score, key=lambda name: score[name]))


def _find_utf16(sample: bytes) -> str | None:
    """Which UTF-16 without byte order mark: that in which most characters are ASCII or frequent Chinese."""
    texts = {name: _decode(sample, name) for name in ("utf-16-le", "utf-16-be")}
    readable = {name: sum(n for character, n in Counter(text).items() if character in _READABLE) for name, text in texts.items()}
    best = max(readable, key=lambda name: readable[name])
    return best if readable[best] * 3 > len(texts[best]) and not _marks(texts[best]) else None


def _decode(sample: bytes, name: str) -> str:
    return start_decoder(name).decode(sample, False)


def _marks(text: str) -> int:
    return len(re.findall("[\udc00-\udcff]", text))


def _plausibility(text: str) -> float:
    """Share of frequent characters among those beyond ASCII; a mark takes half of one away."""
    counts = Counter(character for character in text if character > "\x7f")
    good = sum(count * (-0.5 if "\udc00" <= character <= "\udcff" else character in _COMMON) for character, count in counts.items())
    return good / max(1, counts.total())
