"""What reads texts into an encoder's vectors, each once: the tokenizer, the graph at each precision, the vectors that are kept. Not a member."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, NamedTuple

import numpy as np

from ..core.contracts import Labelled, Recipe
from ..core.kept_vectors import KeptVectors
from .encoders import engine_state, kept_bytes, named_weights, opened, small_graph, subwords, vector_graph
from .heads import COSTS, Head
from .network import may_lose

TRIED_ROWS = 2_000  # to see what int8 loses
FEWEST, ALIKE_ROWS, ALIKE = 1_000, 64, 0.99
TIMED_LENGTHS, TIMED_AT_ONCE = 8, 16


class Reader(NamedTuple):
    """What reads texts into vectors: the tokenizer, how the graph at each precision is made, and the vectors that are kept."""

    tokenizer: Any
    make: Mapping[str, Callable[[], bytes]]
    longest: int
    kept: dict[str, KeptVectors]

    @classmethod
    def of(cls, recipe: Recipe, train: Labelled, kept: Path, seed: int) -> Reader:
        """The int8 graph's scales are those of the first rows that were fitted here: every later fit reads the same vectors."""
        weights, columns = named_weights(recipe), tuple(recipe.tokenizer_options.get("columns", ()))
        tokenizer = subwords(weights, columns)
        some = train.take(np.random.default_rng(seed).permutation(len(train))[:TRIED_ROWS])
        plain = lambda: vector_graph(weights.name, weights.fingerprint, columns)  # noqa: E731
        apart = "-apart" if columns else ""  # of two texts the graph is another; both stand in this folder where a rung reads them as one
        small = lambda: kept_bytes(kept / f"{weights.fingerprint[:16]}-int8{apart}.onnx", lambda: small_graph(plain(), tokenizer.encode(some.texts), weights.longest, seed))  # noqa: E731
        marks = {precision: f"{weights.fingerprint} {precision} {columns} {weights.longest}" for precision in ("fp32", "int8")}
        return cls(tokenizer, {"fp32": plain, "int8": small}, weights.longest, {name: KeptVectors(kept, mark) for name, mark in marks.items()})

    def engine(self, precision: str) -> Any:
        """What reads; the number of threads changes no bit of a vector."""
        return opened(engine_state(self.make[precision](), self.longest, precision), threads=2)

    def timed(self, rows: Labelled, precision: str) -> tuple[float, np.ndarray]:
        """About the seconds a text that reading these rows takes, dev and the last fit's rows allowed for, and their vectors, which are not kept."""
        engine, encoded = self.engine(precision), self.tokenizer.encode(rows.texts)
        seconds, vectors = timed(lambda: engine.logits(encoded))
        return 1.2 * seconds / max(len(rows), 1), vectors

    def blocks_of(self, rows: Labelled, precision: str) -> np.ndarray:
        """float32 (N, D)"""
        return np.concatenate(list(self.blocks(rows, precision)))

    def blocks(self, rows: Labelled, precision: str) -> Iterator[np.ndarray]:
        """The vectors, some hundred rows at a time."""
        engine = cache(lambda: self.engine(precision))  # opened where a text is new, which in folds and the last fit none is
        compute = lambda texts: engine().logits(self.tokenizer.encode(texts))  # noqa: E731
        for start in range(0, max(len(rows), 1), 512):
            yield self.kept[precision].of(rows.texts[start : start + 512], compute)

    def precision(self, train: Labelled, dev: Labelled | None, head: Head) -> str:
        """int8 where a layer on its vectors answers no more than 0.3 % of rows worse than one on those of fp32; judged on dev, or on a part of train.

        Too few rows cannot show so little: then int8 where its vectors point where those of fp32 do, by a mean cosine of ALIKE.
        """
        if _are_few(train, dev):
            some = train.take(np.random.default_rng(head.seed).permutation(len(train))[:ALIKE_ROWS])
            small, plain = (self.blocks_of(some, name) for name in ("int8", "fp32"))
            cosines = (small * plain).sum(axis=1) / np.maximum(np.linalg.norm(small, axis=1) * np.linalg.norm(plain, axis=1), 1e-9)
            return "int8" if len(some) and float(cosines.mean()) >= ALIKE else "fp32"
        rows = np.random.default_rng(head.seed).permutation(len(train))[:TRIED_ROWS]
        cut = len(rows) if dev is not None else len(rows) * 3 // 4
        learn, held = train.take(rows[:cut]), train.take(rows[cut:]) if dev is None else dev.take(np.arange(min(len(dev), TRIED_ROWS)))
        wrong = {}
        for name in self.make:
            weights, bias = head.take(rows[:cut]).solve(self.blocks_of(learn, name), COSTS[0])
            wrong[name] = head.wrong(self.blocks_of(held, name) @ weights + bias, held.labels)
        return "int8" if wrong["int8"] - wrong["fp32"] <= may_lose(len(held)) else "fp32"


def _are_few(train: Labelled, dev: Labelled | None) -> bool:
    return len(train if dev is None else dev) < FEWEST


def tried(train: Labelled, dev: Labelled | None) -> int:
    """How many rows are read in fp32 too, to choose a precision."""
    few = ALIKE_ROWS if _are_few(train, dev) else TRIED_ROWS
    return min(few, len(train)) + (0 if dev is None or _are_few(train, dev) else min(few, len(dev)))


def spread(rows: Labelled) -> Labelled:
    """A few rows that take as long to read, each, as all: TIMED_LENGTHS lengths evenly over those there are, of each as many neighbours in length as are read at once."""
    order = np.argsort([len(text) for text in rows.texts], kind="stable")
    groups = np.array_split(order, TIMED_LENGTHS)
    return rows.take(np.concatenate([group[max(0, len(group) // 2 - TIMED_AT_ONCE // 2) :][:TIMED_AT_ONCE] for group in groups]))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds, what it made)"""
    began = time.monotonic()
    made = work()
    return time.monotonic() - began, made
