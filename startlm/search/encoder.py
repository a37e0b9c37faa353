"""What turns texts into vectors: a tokenizer and an engine, named by their shelves, as they are stored beside the vectors that they made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

import numpy as np

from ..core.contracts import State, Tokenizer
from ..core.language import say
from ..core.model_file import WORD, one_of, record
from ..core.shelves import look_up
from ..core.states import state_files, state_from_files
from ..engines import ENGINES
from ..tokenizers import TOKENIZERS
from .ranked import unfit_index

RECORD = record({"name": WORD, "fingerprint": WORD, "licence": WORD, "origin": WORD, "tokenizer": one_of(TOKENIZERS), "engine": one_of(ENGINES)})
FOLDER = "encoder/"


@dataclass(frozen=True)
class Encoder:
    """facts: name, fingerprint, licence and origin of the weights. `engine` is the state of one of the shelf: it is opened when it is first asked."""

    facts: Mapping[str, str]
    tokenizer: Tokenizer
    engine: State
    engine_name: str = "onnx"

    def open(self, threads: int = 1) -> Any:
        """The engine, whose "logits" are the vectors. Raises BundleError for a state it could not have written."""
        return look_up(ENGINES, self.engine_name, say("engine", "引擎")).from_state(self.engine, threads=threads)

    def record(self) -> dict[str, Any]:
        """What an index says of it; RECORD is its rule."""
        return {**self.facts, "tokenizer": self.tokenizer.name, "engine": self.engine_name}

    def files(self) -> dict[str, bytes]:
        states = {"tokenizer": self.tokenizer.state(), "engine": self.engine}
        return {FOLDER + name: data for each, state in states.items() for name, data in state_files(each, state).items()}

    @classmethod
    def from_files(cls, said: Mapping[str, Any], files: Mapping[str, bytes]) -> Encoder:
        """Raises BundleError. `said` is a record that was checked."""
        own = {name.removeprefix(FOLDER): data for name, data in files.items() if name.startswith(FOLDER)}
        tokenizer = look_up(TOKENIZERS, said["tokenizer"], say("tokenizer", "分词器")).from_state(state_from_files("tokenizer", own))
        facts = {name: said[name] for name in ("name", "fingerprint", "licence", "origin")}
        return cls(facts, tokenizer, state_from_files("engine", own), said["engine"])


def encode(tokenizer: Tokenizer, engine: Any, texts: Sequence[str]) -> np.ndarray:
    """float32 (N, D). Raises BundleError where tokenizer and engine do not fit."""
    vectors = engine.logits(tokenizer.encode(texts))
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise unfit_index()
    return vectors  # type: ignore[no-any-return]
