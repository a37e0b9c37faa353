"""The terms of a text, as BM25 counts them: words and the pieces of words where words are written apart, characters and pairs of them where they are not.

Chinese (and kana, hangul, Thai) needs no segmenter so: a word that is asked for is found by its pairs, whatever a dictionary knows. Pieces, four
letters with "<" and ">" at a word's ends, find refunded by refund, and words with a slip of the finger.
docs/decisions/0016-search.md says what else was compared.

>>> terms_of("My cards: 1234")
['my', '<my>', 'card', '<car', 'ard>', '1234']
>>> terms_of("退款 ＡＰＰ")
['退', '退款', '款', 'app']
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

from ..core.scripts import HAN

_UNSPACED = f"{HAN}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\uac00-\ud7af"
_RUNS = re.compile(f"([{_UNSPACED}]+)|([^\\W_{_UNSPACED}](?:[^\\W_{_UNSPACED}]|[\u0300-\u036f]|['’](?=\\w))*)")
_NO_PLURAL = ("ss", "us", "is")
PIECE = 4  # letters, a mark of an end among them
_SHORTEST = 4  # letters of a word that may lose an s


def terms_of(text: str) -> list[str]:
    """The terms in order, repeated as they are."""
    terms: list[str] = []
    for unspaced, word in _RUNS.findall(unicodedata.normalize("NFKC", text).casefold()):
        if word:
            terms += _of_word(_singular(word))
        for i, letter in enumerate(unspaced):
            terms.append(letter)
            if i + 1 < len(unspaced):
                terms.append(unspaced[i : i + 2])
    return terms


def _of_word(word: str) -> list[str]:
    """The word and its pieces; a number, and what holds one, is found as a whole."""
    if not word.isalpha():
        return [word]
    marked = f"<{word}>"
    return [word, *(piece for i in range(len(marked) - PIECE + 1) if (piece := marked[i : i + PIECE]) != word)]


def _singular(word: str) -> str:
    """Without the s of an English plural and 's: the lightest of stemmers (Harman 1991)."""
    word = word.replace("’", "'").removesuffix("'s")
    if len(word) < _SHORTEST or not word.isascii() or not word.endswith("s") or word.endswith(_NO_PLURAL):
        return word
    return word[:-3] + "y" if word.endswith("ies") and len(word) > _SHORTEST else word[:-1]


def key_of(term: str) -> int:
    """The 64 bits under which an index knows a term: it need not hold the words themselves."""
    return int.from_bytes(blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
