"""Subwords: the tokenizer that pretrained weights were made with, as their tokenizer.json says, applied by the `tokenizers` library."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import Any, Sequence

import numpy as np
import tokenizers

from ..core.contracts import Ragged, State
from ..core.errors import BundleError, CallError
from ..core.language import Said, say
from ..core.weight_folders import find_weights

CHUNK = 4_000  # rows handed to the library at once
MOST_BYTES = 64 << 20
LONE = re.compile("[\ud800-\udfff]")  # halves of a pair, which are no Unicode text


class Subwords:
    """Text to the ids that an encoder knows, its marks of beginning and end among them; cut to `longest`, the end mark kept.

    Where `columns` names two, a row of both is two texts: each is cut to half and begins with the mark of beginning. With `means` there are no marks and
    no end: a row's ids are each weighed by one over their number, so that a sum of vectors is their mean.
    """

    name = "subwords"
    round_trips = False

    def __init__(self, file: bytes, longest: int, prefix: str = "", columns: Sequence[str] = (), means: bool = False) -> None:
        """file: the bytes of tokenizer.json. Raises ValueError where the library cannot read it."""
        try:
            self._library = tokenizers.Tokenizer.from_buffer(file)
            self._library.no_padding()
            self._library.encode_special_tokens = True  # a customer who writes [SEP] has written five letters, no mark
            self._library.no_truncation() if means else self._library.enable_truncation(longest // 2 if columns else longest)
        except Exception as error:  # the library has no error of its own
            raise ValueError(str(error)[:200]) from error
        self.file, self.longest, self.prefix, self.columns, self.means = file, longest, prefix, tuple(columns), means
        self.vocabulary_size = max(self._library.get_vocab(with_added_tokens=True).values(), default=0) + 1
        self.beginning = next(iter(self._library.encode("").ids), 0)

    @classmethod
    def fit(cls, texts: Sequence[str], *, weights: str, longest: int = 0, columns: Sequence[str] = (), means: bool = False) -> Subwords:
        """The tokenizer of these weights; nothing is learnt from the texts. Raises CallError."""
        found = find_weights(weights)
        try:
            return cls(found.tokenizer, min(longest or found.longest, found.longest), "" if means else found.prefix, columns, means)
        except ValueError as error:
            raise CallError(say(f"tokenizer.json of {weights} cannot be read ({error}).", f"无法读取 {weights} 的 tokenizer.json（{error}）。"),
                            say("fetch the weights once more", "请重新取一份权重")) from error

    def encode(self, texts: Sequence[str]) -> Ragged:
        """values int32 (total,); with `means` weights float32 (total,)"""
        rows: list[list[int]] = []
        for start in range(0, len(texts), CHUNK):
            clean = [LONE.sub("\ufffd", text) for text in texts[start : start + CHUNK]]
            rows += self._pairs(clean) if self.columns else self._ids(clean)
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)]).astype(np.int64)
        weights = np.repeat(1 / np.maximum(np.diff(starts), 1), np.diff(starts)).astype(np.float32) if self.means else None
        return Ragged(np.fromiter(chain.from_iterable(rows), np.int32, count=int(starts[-1])), starts, weights)

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        encoded = self._library.encode_batch_fast([self.prefix + text for text in texts], add_special_tokens=not self.means)
        return [each.ids if each.ids or self.means else [self.beginning] for each in encoded]

    def _pairs(self, texts: Sequence[str]) -> list[list[int]]:
        parts = [self._parted(text) for text in texts]
        ids = self._ids([part for pair in parts for part in pair])
        return [first + second for first, second in zip(ids[::2], ids[1::2])]

    def _parted(self, text: str) -> tuple[str, str]:
        """The two texts of a row, a line each with its column's name before it; one that is empty has no line."""
        first, second = (f"{name}: " for name in self.columns)
        if text.startswith(second):
            return "", text.removeprefix(second)
        before, _, after = text.partition(f"\n{second}")
        return before.removeprefix(first), after

    def said_of_cut(self, texts: Sequence[str]) -> Said | None:
        """How many of these texts are longer than the encoder takes, in words; None where none is."""
        count = 0
        for start in range(0, len(texts), CHUNK):
            clean = [LONE.sub("\ufffd", text) for text in texts[start : start + CHUNK]]
            parts = [part for text in clean for part in self._parted(text)] if self.columns else clean
            over = [bool(each.overflowing) for each in self._library.encode_batch([self.prefix + part for part in parts])]
            count += sum(map(any, zip(over[::2], over[1::2]))) if self.columns else sum(over)
        if not count:
            return None
        return say(f"{count:,} of {len(texts):,} texts are longer than the {self.longest:,} tokens that these weights read: their ends are cut off.",
                   f"{len(texts):,} 段文字中有 {count:,} 段超过这些权重能读的 {self.longest:,} 个词元：末尾被截去。")

    def decode(self, ids: Sequence[int]) -> str:
        """The text of these ids as the library writes it: spaces and case may differ from what was read."""
        return self._library.decode([int(value) for value in ids])  # type: ignore[no-any-return]

    def state(self) -> State:
        settings = {"tokenizer": self.name, "longest": self.longest, "prefix": self.prefix, "columns": list(self.columns), "means": self.means}
        return State(settings, {"file": np.frombuffer(self.file, dtype=np.uint8)})

    @classmethod
    def from_state(cls, state: State) -> Subwords:
        """Raises BundleError for a state that `state()` could not have written."""
        settings, file = state.settings, state.arrays.get("file")
        try:
            if set(settings) != {"tokenizer", "longest", "prefix", "columns", "means"} or set(state.arrays) != {"file"} or settings["tokenizer"] != cls.name:
                raise ValueError("other settings")
            if type(settings["longest"]) is not int or not 8 <= settings["longest"] <= 8_192 or not isinstance(settings["prefix"], str) or len(settings["prefix"]) > 200:
                raise ValueError("longest or prefix")
            settings["prefix"].encode("utf-8")
            _check_columns(settings["columns"])
            if type(settings["means"]) is not bool:
                raise ValueError("means")
            if not isinstance(file, np.ndarray) or file.dtype != np.uint8 or file.ndim != 1 or len(file) > MOST_BYTES:
                raise ValueError("no file")
            json.loads(file.tobytes())
            return cls(file.tobytes(), settings["longest"], settings["prefix"], settings["columns"], settings["means"])
        except (ValueError, RecursionError) as error:
            raise BundleError(say("The tokenizer's settings are not what 'subwords' writes.", "分词器的设置不是 subwords 会写出的内容。"),
                              say("take the bundle from where it was made once more", "请从原处重新复制这个模型包")) from error


def _check_columns(columns: Any) -> None:
    if not isinstance(columns, list) or len(columns) not in (0, 2) or not all(isinstance(name, str) and len(name) < 1_000 for name in columns):
        raise ValueError("columns")
