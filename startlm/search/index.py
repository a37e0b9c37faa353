"""The index of one text column: its different texts with the rows that hold them, and a ranking or two over them, in one durable folder.

    *_, last = build_index_steps(texts, places, facts)        # last.result is the Index
    write_index(index, folder)
    read_index(folder).search("where is my card", 5)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generator, Iterator, Mapping, NamedTuple, Sequence

import numpy as np

from ..core.contracts import Progress
from ..core.durable import json_bytes, publish_folder, read_verified
from ..core.errors import CallError
from ..core.language import say
from ..core.model_file import COUNT, NAME, WORD, list_of, maybe, number, one_of, record, whole
from ..core.states import state_files, state_from_files
from ..core.weights import from_bytes, to_bytes
from ..core.workers import cores
from .bm25 import Bm25
from .encoder import RECORD, Encoder, encode
from .fusion import DEPTH, USUAL, fused
from .ranked import Ranked, check_arrays, check_starts, unfit_index
from .vectors import EXACT, Vectors, stored_form, vectors_steps

SCHEMA = 1
MOST_FILES = 100_000
ENCODED_AT_ONCE = 512
WAYS = ("fused", "bm25", "vectors")
_RECORD = record({"kind": one_of(["startlm search"]), "schema": whole(SCHEMA, SCHEMA), "column": NAME, "fingerprint": WORD, "files": list_of(WORD, 0, MOST_FILES), "texts": COUNT,
                  "encoder": maybe(RECORD), "weight": maybe(number(0.0, 1.0))})
_ROWS = {"bytes": (np.uint8, 1), "text_starts": (np.int64, 1), "files": (np.int32, 1), "lines": (np.int64, 1), "place_starts": (np.int64, 1)}


class Place(NamedTuple):
    """Where a row stands: the number of its file in `Index.files`, and its line there."""

    file: int
    line: int


@dataclass(frozen=True)
class Hit:
    """One text that was found, with the rows that hold it."""

    rank: int
    score: float
    text: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Index:
    """N different texts of a column. weight: of the vectors where scores are fused, None where ranks are."""

    column: str
    fingerprint: str
    files: tuple[str, ...]
    texts: Sequence[str]
    places: Sequence[tuple[Place, ...]]
    bm25: Bm25
    vectors: Vectors | None = None
    encoder: Encoder | None = None
    weight: float | None = USUAL

    def search(self, query: str, most: int = 10, *, way: str | None = None) -> list[Hit]:
        """The texts that fit best, best first; fewer where fewer share a term with the query and there are no vectors."""
        found = self.ranked(query, most, way=way)
        return [Hit(rank, float(score), self.texts[row], tuple(self.places[row])) for rank, (row, score) in enumerate(zip(found.rows.tolist(), found.scores.tolist()), 1)]

    def ranked(self, query: str, most: int, *, way: str | None = None) -> Ranked:
        """The same as numbers of texts. way: one of WAYS; left out, fused where there are vectors."""
        way = way or ("bm25" if self.vectors is None else "fused")
        if way not in WAYS or (way != "bm25" and self.vectors is None):
            raise CallError(say(f"This index cannot be searched by {way!r}.", f"这个索引不能按 {way!r} 搜索。"),
                            say("without vectors there is bm25 alone; build it with an encoder for the others", "没有向量时只有 bm25；其他方式需要用编码器建立索引"))
        if way == "bm25":
            return self.bm25.search(query, most)
        near = self.vectors.search(self.encoded([query])[0], most if way == "vectors" else max(DEPTH, most))  # type: ignore[union-attr]
        return near if way == "vectors" else fused((self.bm25.search(query, max(DEPTH, most)), near), most, self.weight)

    def encoded(self, queries: Sequence[str]) -> np.ndarray:
        """float32 (N, D): the encoder's vectors."""
        return encode(self.encoder.tokenizer, self._engine, queries)  # type: ignore[union-attr]

    @cached_property
    def _engine(self) -> Any:
        return self.encoder.open()  # type: ignore[union-attr]


# -------------------------------------------------------------- building

class Facts(NamedTuple):
    """What an index says of its rows: the column, the files they come from, and a word that changes when they do."""

    column: str
    files: Sequence[str]
    fingerprint: str


def build_index_steps(texts: Sequence[str], places: Sequence[Place], facts: Facts, *,
                      encoder: Encoder | None = None, known: Index | None = None, exact: int = EXACT) -> Iterator[Progress]:
    """One text a row and where it stands; empty ones are left out, equal ones found as one. The last Progress carries the Index.

    known: an index made with the same encoder; what it knows is not encoded again. exact: different texts up to which every vector is compared.
    """
    by_text: dict[str, list[Place]] = {}
    for text, place in zip(texts, places, strict=True):
        if text:
            by_text.setdefault(text, []).append(place)
    different = list(by_text)
    yield Progress("search", said=say(f"{len(different):,} different texts", f"{len(different):,} 段不同的文字"))
    bm25, vectors = Bm25.fit(different), None
    if encoder is not None:
        stored = yield from _encoded_steps(different, encoder, known)
        vectors = yield from vectors_steps(stored, exact)
    index = Index(facts.column, facts.fingerprint, tuple(facts.files), different, [tuple(each) for each in by_text.values()], bm25, vectors, encoder)
    yield Progress("search", result=index)


def _encoded_steps(texts: Sequence[str], encoder: Encoder, known: Index | None) -> Generator[Progress, None, np.ndarray]:
    """Returns float16 (N, D), each of length 1."""
    there = {} if known is None or known.vectors is None else {text: row for row, text in enumerate(known.texts)}
    missing = [row for row, text in enumerate(texts) if text not in there]
    engine = encoder.open(cores())
    stored = np.zeros((len(texts), encode(encoder.tokenizer, engine, [""]).shape[1]), np.float16)
    if len(missing) < len(texts):
        kept = np.setdiff1d(np.arange(len(texts)), missing)
        stored[kept] = known.vectors.stored[[there[texts[row]] for row in kept.tolist()]]  # type: ignore[union-attr]
    for start in range(0, len(missing), ENCODED_AT_ONCE):
        rows = missing[start : start + ENCODED_AT_ONCE]
        stored[rows] = stored_form(encode(encoder.tokenizer, engine, [texts[row] for row in rows]))
        yield Progress("search", start + len(rows), len(missing))
    return stored


# --------------------------------------------------------------- storing

def write_index(index: Index, folder: Path) -> None:
    """Publish it, in place of an older one. Raises WorkError."""
    facts = {"kind": "startlm search", "schema": SCHEMA, "column": index.column, "fingerprint": index.fingerprint, "files": list(index.files), "texts": len(index.texts),
             "encoder": None if index.encoder is None else index.encoder.record(), "weight": index.weight}
    raw = [text.encode("utf-8", "replace") for text in index.texts]
    places = [place for each in index.places for place in each]
    rows = {"bytes": np.frombuffer(b"".join(raw), np.uint8), "text_starts": _starts([len(each) for each in raw]), "place_starts": _starts([len(each) for each in index.places]),
            "files": np.array([place.file for place in places], np.int32), "lines": np.array([place.line for place in places], np.int64)}
    files = {"index.json": json_bytes(facts), "rows.safetensors": to_bytes(rows), **state_files("bm25", index.bm25.state())}
    if index.vectors is not None and index.encoder is not None:
        files |= {**state_files("vectors", index.vectors.state()), **index.encoder.files()}
    with publish_folder(folder, replace=True) as partial:
        for name, data in files.items():
            (partial / name).parent.mkdir(exist_ok=True)
            (partial / name).write_bytes(data)


def read_index(folder: Path) -> Index:
    """The index in this folder. Raises BundleError where anything in it was altered, or is not what `write_index` writes."""
    _, files = read_verified(folder)
    facts = state_from_files("index", files).settings
    if _RECORD(facts, "") is not None or "rows.safetensors" not in files:
        raise unfit_index()
    texts, places = _rows(from_bytes(files["rows.safetensors"], where="rows.safetensors"), len(facts["files"]))
    bm25, vectors, encoder = Bm25.from_state(state_from_files("bm25", files)), None, None
    known = {"index.json", "rows.safetensors", "bm25.json", "bm25.safetensors"}
    if facts["encoder"] is not None:
        vectors, encoder = Vectors.from_state(state_from_files("vectors", files)), Encoder.from_files(facts["encoder"], files)
        known |= {"vectors.json", "vectors.safetensors", *encoder.files()}
    counts = {len(texts), facts["texts"], bm25.count, *([] if vectors is None else [len(vectors.vectors)])}
    if len(counts) > 1 or set(files) != known:
        raise unfit_index()
    return Index(facts["column"], facts["fingerprint"], tuple(facts["files"]), texts, places, bm25, vectors, encoder, facts["weight"])


def _starts(lengths: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)


def _rows(arrays: Mapping[str, np.ndarray], files: int) -> tuple[Sequence[str], Sequence[tuple[Place, ...]]]:
    """Texts and places, decoded when they are asked for. Raises BundleError."""
    check_arrays(arrays, _ROWS)
    count = len(arrays["text_starts"]) - 1
    check_starts(arrays["text_starts"], count, len(arrays["bytes"]))
    check_starts(arrays["place_starts"], count, len(arrays["lines"]))
    if len(arrays["files"]) != len(arrays["lines"]) or ((arrays["files"] < 0) | (arrays["files"] >= files)).any() or (arrays["lines"] < 0).any():
        raise unfit_index()
    return _Texts(arrays["bytes"].tobytes(), arrays["text_starts"]), _Places(arrays["files"], arrays["lines"], arrays["place_starts"])


@dataclass(frozen=True)
class _Texts(Sequence[str]):
    raw: bytes
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: Any) -> Any:
        try:
            return self.raw[self.starts[row] : self.starts[row + 1]].decode()
        except UnicodeDecodeError as error:
            raise unfit_index() from error


@dataclass(frozen=True)
class _Places(Sequence[tuple[Place, ...]]):
    files: np.ndarray
    lines: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: Any) -> Any:
        span = slice(self.starts[row], self.starts[row + 1])
        return tuple(map(Place, self.files[span].tolist(), self.lines[span].tolist()))
