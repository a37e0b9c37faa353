"""Characters: one id for each character seen in enough train rows, its UTF-8 bytes for any other, so that nothing is lost."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from ..core.contracts import Ragged, State
from ..core.errors import BundleError, CallError
from ..core.language import say

BYTES = 256  # ids 1 to 256 are bytes; characters follow; 0 is padding
CHUNK = 4_000
LAST = 0x10FFFF


class Characters:
    """Text to characters, lone surrogates too.

    >>> characters = Characters.fit(["卡呢"] * 3)
    >>> characters.encode(["卡é"]).values.tolist(), characters.decode([257, 196, 170])
    ([257, 196, 170], '卡é')
    """

    name = "characters"

    def __init__(self, known: np.ndarray, lower: bool = False) -> None:
        """`known`: the kept code points, int32, ascending; a character's id is its place + 257."""
        self.known, self.lower = known, lower
        self.round_trips = not lower
        self.vocabulary_size = 1 + BYTES + len(known)

    @classmethod
    def fit(cls, texts: Sequence[str], *, min_rows: int = 3, most: int = 20_000, lower: bool = False) -> Characters:
        """Keep the characters seen in at least `min_rows` rows, at most the `most` frequent.

        Raises CallError for a number below 1.
        """
        if min(min_rows, most) < 1:
            raise CallError(
                say(f"min_rows = {min_rows}, most = {most} make no tokenizer.", f"min_rows = {min_rows}、most = {most} 无法做出分词器。"),
                say("both are at least 1", "两者都至少为 1"),
            )
        rows = np.zeros(LAST + 1, dtype=np.int64)
        for text in texts:
            rows[np.unique(code_points(text.lower() if lower else text))] += 1
        found = np.flatnonzero(rows >= min_rows)
        best = found[np.argsort(-rows[found], kind="stable")[:most]]
        return cls(np.sort(best).astype(np.int32), lower)

    def encode(self, texts: Sequence[str]) -> Ragged:
        """values int32 (total,)"""
        ids, sizes = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int64)]
        for start in range(0, len(texts), CHUNK):
            chunk = [text.lower() if self.lower else text for text in texts[start : start + CHUNK]]
            values, row = self._ids(chunk)
            ids.append(values)
            sizes.append(np.bincount(row, minlength=len(chunk)))
        return Ragged(np.concatenate(ids), np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64))

    def _ids(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The ids of these texts and the row of each."""
        codes = code_points("".join(texts))
        row = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
        if not len(codes):
            return codes.astype(np.int32), row
        place = np.searchsorted(self.known, codes)
        hit = np.zeros(len(codes), dtype=bool)
        if len(self.known):
            hit = self.known[np.minimum(place, len(self.known) - 1)] == codes
        if hit.all():
            return (place + 1 + BYTES).astype(np.int32), row
        size = np.where(hit, 1, 1 + (codes >= 0x80) + (codes >= 0x800).astype(np.int64) + (codes >= 0x10000))
        ids = np.zeros(size.sum(), dtype=np.int32)
        known_at = np.repeat(hit, size)
        ids[known_at] = place[hit] + 1 + BYTES
        spelled = codes[~hit].astype("<u4").tobytes().decode("utf-32-le", "surrogatepass").encode("utf-8", "surrogatepass")
        ids[~known_at] = np.frombuffer(spelled, dtype=np.uint8).astype(np.int32) + 1
        return ids, np.repeat(row, size)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of these ids; a cut character reads as U+FFFD. Padding (0) is skipped."""
        raw = b"".join(
            bytes([value - 1]) if value <= BYTES else chr(int(self.known[value - 1 - BYTES])).encode("utf-8", "surrogatepass")
            for value in map(int, ids)
            if value
        )
        try:
            return raw.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return raw.decode("utf-8", "replace")

    def state(self) -> State:
        return State({"tokenizer": self.name, "lower": self.lower}, {"known": self.known})

    @classmethod
    def from_state(cls, state: State) -> Characters:
        """Raises BundleError for settings or characters that `state()` could not have written."""
        known: Any = state.arrays.get("known")
        good = set(state.settings) == {"tokenizer", "lower"} and state.settings["tokenizer"] == cls.name
        good = good and isinstance(state.settings["lower"], bool) and set(state.arrays) == {"known"}
        good = good and isinstance(known, np.ndarray) and known.dtype == np.int32 and known.ndim == 1
        if not good or (known[1:] <= known[:-1]).any() or (len(known) and not 0 <= known[0] <= known[-1] <= LAST):
            raise BundleError(
                say("The tokenizer's settings are not what 'characters' writes.", "分词器的设置不是 characters 会写出的内容。"),
                say("take the bundle from where it was made once more", "请从原处重新复制这个模型包"),
            )
        return cls(np.ascontiguousarray(known), state.settings["lower"])


def code_points(text: str) -> np.ndarray:
    """uint32, one per character of a Python str."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
