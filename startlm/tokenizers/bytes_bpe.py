"""Byte-level BPE: the pieces are learned from train rows, and no string is ever lost.

Merges of byte pairs (Sennrich, Haddow and Birch 2016), on bytes (Radford et al. 2019), learned and applied by the
`tokenizers` library. Only pieces seen in `min_rows` train rows are kept, so that no customer's own words end up in
the vocabulary; what is not a piece is spelled in bytes. Stored are the merges alone: no pattern, no program.
"""

from __future__ import annotations

import json
import re
from typing import Iterable, Iterator, Sequence

import numpy as np
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from ..core.contracts import Ragged, State
from ..core.errors import BundleError, CallError
from ..core.language import say

MOST_MERGES = 100_000
CHUNK = 4_000  # rows handed to the library at once
LONE = re.compile("[\ud800-\udfff]")  # halves of a pair, which are no Unicode text; Python's str may hold them


def byte_letters() -> dict[int, str]:
    """GPT-2's printable letter for each byte: itself where printable, else one from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in letters:
            letters[byte] = chr(256 + len(letters) - len(printable))
    return letters


LETTERS = byte_letters()
BYTES = {letter: byte for byte, letter in LETTERS.items()}
ALPHABET = sorted(BYTES)  # the pieces that are always there: ids 1 to 256


class BytesBpe:
    """Text to learned pieces of bytes; id 0 is padding and never met in a text.

    >>> bpe = BytesBpe.fit(["where is my card"] * 3)
    >>> bpe.decode(bpe.encode(["my 卡"]).values)
    'my 卡'
    """

    name = "bytes_bpe"

    def __init__(self, merges: Sequence[tuple[str, str]], lower: bool = False) -> None:
        """`merges` in the order learned; `lower` folds case, and then no round trip is promised."""
        self.merges, self.lower = list(merges), lower
        self.round_trips = not lower
        self.pieces = ALPHABET + [left + right for left, right in self.merges]
        self.vocabulary_size = len(self.pieces) + 1
        self._model = library_model(self.pieces, self.merges)

    @classmethod
    def fit(cls, texts: Sequence[str], *, vocabulary: int = 0, min_rows: int = 3, lower: bool = False) -> BytesBpe:
        """Learn at most `vocabulary` pieces (0: sized from the data), each seen in at least `min_rows` rows."""
        if not (isinstance(vocabulary, int) and (vocabulary == 0 or 257 <= vocabulary <= MOST_MERGES) and min_rows >= 1):
            raise CallError(
                say(f"vocabulary = {vocabulary}, min_rows = {min_rows} make no tokenizer.", f"vocabulary = {vocabulary}、min_rows = {min_rows} 不可用。"),
                say(f"vocabulary: 0 or 257 to {MOST_MERGES}; min_rows: at least 1", f"vocabulary 取 0 或 257 到 {MOST_MERGES}；min_rows 至少为 1"),
            )
        clean = [LONE.sub(" ", text.lower() if lower else text) for text in texts]
        size = vocabulary or size_for(sum(map(len, clean)))
        learner = library_model(ALPHABET, [])
        learner.train_from_iterator(
            clean, trainers.BpeTrainer(vocab_size=size, min_frequency=min_rows, initial_alphabet=ALPHABET, show_progress=False)
        )
        return cls(seen_merges(learner, clean, min_rows), lower)

    def encode(self, texts: Sequence[str]) -> Ragged:
        """values int32 (total,). Any str, lone surrogates too."""
        parts: list[list[int]] = []
        for start in range(0, len(texts), CHUNK):
            chunk = [text.lower() for text in texts[start : start + CHUNK]] if self.lower else list(texts[start : start + CHUNK])
            lone = [number for number, text in enumerate(chunk) if LONE.search(text)]
            spelled = {number: self._spell(chunk[number]) for number in lone}
            for number in lone:
                chunk[number] = ""
            ids = [encoding.ids for encoding in self._model.encode_batch_fast(chunk, add_special_tokens=False)]
            for number, spelling in spelled.items():
                ids[number] = spelling
            parts += ids
        starts = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum([len(part) for part in parts], out=starts[1:])
        values = np.fromiter((value for part in parts for value in part), dtype=np.int32, count=int(starts[-1]))
        return Ragged(values + np.int32(1), starts)

    def _spell(self, text: str) -> list[int]:
        """The library takes Unicode only: encode what lies between lone surrogates, and those as their three bytes."""
        ids: list[int] = []
        for part in re.split("([\ud800-\udfff])", text):
            if LONE.fullmatch(part):
                ids += [ALPHABET.index(LETTERS[byte]) for byte in part.encode("utf-8", "surrogatepass")]
            else:
                ids += self._model.encode(part, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of these ids; a cut character reads as U+FFFD. Padding (0) is skipped."""
        letters = "".join(self.pieces[int(value) - 1] for value in ids if int(value) > 0)
        raw = bytes(BYTES[letter] for letter in letters)
        try:
            return raw.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return raw.decode("utf-8", "replace")

    def state(self) -> State:
        return State({"tokenizer": self.name, "lower": self.lower, "merges": [list(merge) for merge in self.merges]})

    @classmethod
    def from_state(cls, state: State) -> BytesBpe:
        """Raises BundleError unless each merge joins two pieces that exist and makes one that does not."""
        settings = state.settings
        if set(settings) != {"tokenizer", "lower", "merges"} or settings["tokenizer"] != cls.name or state.arrays:
            raise damaged("settings")
        merges = settings["merges"]
        if not isinstance(settings["lower"], bool) or not isinstance(merges, list) or len(merges) > MOST_MERGES:
            raise damaged("merges")
        known = set(ALPHABET)
        for merge in merges:
            if not (isinstance(merge, (list, tuple)) and len(merge) == 2 and all(isinstance(part, str) and part in known for part in merge)):
                raise damaged("merges")
            made = merge[0] + merge[1]
            if made in known or len(made) > 256:  # twins, or a piece no training makes: 2^n long after n merges
                raise damaged("merges")
            known.add(made)
        return cls([(left, right) for left, right in merges], settings["lower"])


def damaged(part: str) -> BundleError:
    return BundleError(
        say(f"The tokenizer's {part!r} are not what 'bytes_bpe' writes.", f"分词器的 {part!r} 不是 bytes_bpe 会写出的内容。"),
        say("take the bundle from where it was made once more", "请从原处重新复制这个模型包"),
    )


def size_for(characters: int) -> int:
    """Pieces for so many characters of text: eight times the root, as vocabularies grow (Heaps' law), 512 to 32,000.

    >>> size_for(600_000)
    6196
    """
    return max(512, min(32_000, int(8 * characters**0.5)))


def library_model(pieces: Sequence[str], merges: Sequence[tuple[str, str]]) -> tokenizers.Tokenizer:
    """The library's tokenizer for these merges. Nothing is 'special': no text can name padding."""
    model = tokenizers.Tokenizer(models.BPE(vocab={piece: number for number, piece in enumerate(pieces)}, merges=list(merges)))
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    model.decoder = decoders.ByteLevel()
    return model


def seen_merges(learner: tokenizers.Tokenizer, texts: Sequence[str], min_rows: int) -> list[tuple[str, str]]:
    """The learned merges whose piece stands in at least `min_rows` rows, two ways to the same piece once.

    A row shows the pieces it ends up as and the pieces those are made of. A piece made of a rare one is rarer
    still, so what is dropped takes nothing with it that would stay.
    """
    merges = [(left, right) for left, right in json.loads(learner.to_str())["model"]["merges"]]
    rows: dict[str, set[int]] = {}
    for number, ids in enumerate(encoded(learner, texts)):
        for value in set(ids):
            held = rows.setdefault(learner.id_to_token(value) or "", set())
            if len(held) < min_rows:
                held.add(number)
    for left, right in reversed(merges):  # from the longest back: what a piece is made of is seen where it is
        here = rows.get(left + right, set())
        for part in (left, right):
            held = rows.setdefault(part, set())
            held.update(sorted(here - held)[: min_rows - len(held)])
    known, kept = set(ALPHABET), []
    for left, right in merges:
        made = left + right
        if made not in known and left in known and right in known and len(rows.get(made, ())) >= min_rows:
            known.add(made)
            kept.append((left, right))
    return kept


def encoded(learner: tokenizers.Tokenizer, texts: Sequence[str]) -> Iterator[Iterable[int]]:
    for start in range(0, len(texts), CHUNK):
        for encoding in learner.encode_batch_fast(list(texts[start : start + CHUNK]), add_special_tokens=False):
            yield encoding.ids
