"""Vectors of texts, kept on disk by content: what an encoder has said once of a text is not computed again. Texts themselves are not kept."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Callable, Sequence

import numpy as np

from .durable import writing
from .errors import BundleError
from .weights import from_bytes, to_bytes

CHUNK = 2_048  # texts computed and kept at a time


class KeptVectors:
    """The vectors that one encoder gives, in one folder; float32, `width` wide. Nothing is shared between encoders: each has a folder of its own."""

    def __init__(self, folder: Path, mark: str) -> None:
        """mark: what tells this encoder, at this precision, from others."""
        self.folder = folder / hashlib.sha256(mark.encode()).hexdigest()[:16]
        self._place: dict[bytes, tuple[int, int]] = {}
        self._blocks: list[np.ndarray] = []
        for path in sorted(self.folder.glob("*.safetensors")):
            try:
                arrays = from_bytes(path.read_bytes(), where=path.name)
                self._take(arrays["keys"], arrays["vectors"])
            except (BundleError, KeyError, OSError):
                path.unlink(missing_ok=True)  # damaged: computed anew

    def of(self, texts: Sequence[str], compute: Callable[[Sequence[str]], np.ndarray]) -> np.ndarray:
        """float32 (N, D): those that are kept, and those of `compute` for the others."""
        keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        missing = list(dict.fromkeys(i for i, key in enumerate(keys) if key not in self._place))
        first = {keys[i]: i for i in reversed(missing)}
        for start in range(0, len(first), CHUNK):
            part = list(first.items())[start : start + CHUNK]
            self._keep([key for key, _ in part], compute([texts[i] for _, i in part]))
        if not keys:
            return compute([])
        return np.stack([self._blocks[block][row] for block, row in (self._place[key] for key in keys)])

    def _keep(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        stacked = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 16)
        self.folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(stacked.tobytes()).hexdigest()[:16]
        with writing(self.folder / f"{name}.safetensors") as stream:
            stream.write(to_bytes({"keys": stacked, "vectors": vectors}))
        self._take(stacked, vectors)

    def _take(self, keys: np.ndarray, vectors: np.ndarray) -> None:
        block = len(self._blocks)
        self._blocks.append(vectors)
        self._place.update({key.tobytes(): (block, row) for row, key in enumerate(keys)})
