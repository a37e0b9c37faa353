"""What the members of each shelf promise. `startlm.testing` holds the checks that prove it.

Arrays are numpy. Shapes are written (N, T, …): N rows, T tokens, L labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, NamedTuple, Protocol, Sequence, runtime_checkable

import numpy as np

from .language import Said


# --------------------------------------------------------------- tables

class Row(NamedTuple):
    """One row as read: the line it starts on (1 is the file's first) and one value a column."""

    line: int
    values: tuple[Any, ...]


class BadRow(NamedTuple):
    """A row that could not be read: where, what, and the settings line that would accept it."""

    line: int
    column: str
    value: str
    kind: str
    why: Said
    accept: str  # a line for startlm.toml


@dataclass(frozen=True)
class Table:
    """Rows and named columns, as read. `rows()` starts a new pass each time, and streams.

    `options` are what was found or told about the file (encoding, delimiter, …): given back to the
    same format they read it again in the same way. `said` tells the user what was found. A table of several files has one in `parts`
    for each, perhaps with fewer columns or in another order; the line of a row is that in its own file. `arriving` is what the rows come
    from where somebody sends them, and may wait for the answer to one before the next: a pipe, a terminal.
    """

    columns: tuple[str, ...]
    source: str
    format: str
    options: Mapping[str, Any]
    rows: Any  # Callable[[], Iterator[Row | BadRow]]
    said: tuple[Said, ...] = ()
    parts: tuple[Table, ...] = ()
    arriving: Any = None  # a formats.sources.StreamSource

    @property
    def files(self) -> tuple[Table, ...]:
        """The table of each file it is read from: `parts`, or itself."""
        return self.parts or (self,)


class RowWriter(Protocol):
    """Writes rows to a stream in one format."""

    def write(self, values: Sequence[Any]) -> None: ...

    def write_many(self, rows: Iterable[Sequence[Any]]) -> None: ...

    def flush(self) -> None:
        """Hand on to the stream what is written so far."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Format(Protocol):
    """Where rows come from and go to.

    Besides what stands here a format may have `magics` (how its files begin, bytes), `schemes` (of addresses, "sqlite" of
    sqlite:///…) and, where it writes no file, `source_of(columns, rows, folder)`, which stores rows where `open` reads them. One with
    `nests` = True writes a list as a list.
    """

    name: str
    suffixes: tuple[str, ...]

    def open(self, source: Any, **options: Any) -> Table:
        """Find out how the file is written (what `options` leave open) and return its Table."""
        ...

    def writer(self, stream: Any, columns: Sequence[str], **options: Any) -> RowWriter:
        """A writer on a binary stream that the caller opened and closes."""
        ...


# ----------------------------------------------------------- tokenizers

@dataclass(frozen=True)
class Ragged:
    """Rows of different lengths, stored flat: row i is values[starts[i]:starts[i+1]].

    values: int32 (total,), or (total, K) where each position holds K ids (0 pads).
    weights: float32 (total,), one per value, where the tokenizer weighs what it counts (n-grams); else None.
    """

    values: np.ndarray
    starts: np.ndarray  # int64 (N + 1,)
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """int64 (N,)"""
        return np.diff(self.starts)

    def take(self, rows: np.ndarray) -> Ragged:
        """The rows with these numbers, in this order."""
        rows = np.asarray(rows, dtype=np.int64)
        lengths = self.lengths[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        index = np.arange(starts[-1], dtype=np.int64) + np.repeat(self.starts[rows] - starts[:-1], lengths)
        return Ragged(self.values[index], starts, None if self.weights is None else self.weights[index])


@dataclass(frozen=True)
class State:
    """What a tokenizer or an engine is made of, ready to be stored: plain JSON and named arrays."""

    settings: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


class Tokenizer(Protocol):
    """Text to ids. Fitted on train rows only."""

    name: str
    round_trips: bool  # decode(encode([x])) == x is promised for every str
    vocabulary_size: int  # ids lie in [0, vocabulary_size); 0 is padding wherever order matters

    @classmethod
    def fit(cls, texts: Sequence[str], **options: Any) -> Tokenizer: ...

    def encode(self, texts: Sequence[str]) -> Ragged: ...

    def decode(self, ids: Sequence[int]) -> str: ...

    def state(self) -> State: ...

    @classmethod
    def from_state(cls, state: State) -> Tokenizer:
        """Raises BundleError for a state this tokenizer could not have written."""
        ...


# -------------------------------------------------------------- families

@dataclass(frozen=True)
class Facts:
    """What is known of the train rows before a model is chosen. Lengths in characters of cleaned text."""

    rows: int
    labels: int
    mean_length: float
    length_99: int
    chinese: float  # share of rows whose language is zh or mixed
    text: bool = True  # whether there is a text column
    features: int = 0  # numbers that the other columns give a model
    numeric: bool = False  # whether the target is a number
    several: bool = False  # whether a row may have several labels
    weights: str = ""  # the pretrained weights that the settings name
    way: str = "auto"  # how they are used
    pair: tuple[str, ...] = ()  # the two text columns, where a row is a pair of texts


@dataclass(frozen=True)
class Recipe:
    """One family at one size: everything that fixes what is trained. Plain JSON inside."""

    family: str
    size: str
    tokenizer: str
    tokenizer_options: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)  # widths, layers, dropout, learning rate …
    parameters: int = 0
    reason: Said = Said("", "")


@dataclass(frozen=True)
class Progress:
    """One sign of life from a step. `done` of `total`; `loss` as minimised; `figure` on dev, in [0, 1]."""

    step: str
    done: int = 0
    total: int = 0
    loss: float | None = None
    figure: float | None = None
    seconds_left: float | None = None
    said: Said | None = None
    result: Any = None  # the last Progress of a generator carries what it made


@dataclass(frozen=True)
class Inputs:
    """What a model reads of N rows: cleaned, joined texts ("" where there is no text column); the other columns, encoded.

    features: float32 (N, F), no NaN. words: int32 (N, K), one word a column, in [0, word_count). Left out: F = K = 0.
    """

    texts: Sequence[str]
    features: np.ndarray = field(default=None, kw_only=True)  # type: ignore[assignment]
    words: np.ndarray = field(default=None, kw_only=True)  # type: ignore[assignment]
    word_count: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        for name, kind in (("features", np.float32), ("words", np.int32)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.zeros((len(self.texts), 0), kind))

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: np.ndarray) -> Inputs:
        """The rows with these numbers, in this order."""
        return Inputs(**self._taken(rows))

    def _taken(self, rows: np.ndarray) -> dict[str, Any]:
        return {"texts": [self.texts[i] for i in rows], "features": self.features[rows], "words": self.words[rows], "word_count": self.word_count}


@dataclass(frozen=True)
class Labelled(Inputs):
    """Inputs with what is to be learnt: label numbers, int64 (N,); which of several labels, bool (N, L); or the target on the model's scale, float64 (N,).

    soft: where a larger model teaches, how likely each label is to be taken, float32 (N, L); rows sum to 1. Families with a `network` learn that instead.
    group: int64 (N,), rows that are near-duplicates share one; where left out, each row stands for itself.
    """

    labels: np.ndarray
    soft: np.ndarray | None = field(default=None, kw_only=True)
    group: np.ndarray | None = field(default=None, kw_only=True)

    @property
    def numeric(self) -> bool:
        """Whether a number is to be learnt: the model then has one output."""
        return self.labels.dtype.kind == "f"

    @property
    def several(self) -> bool:
        """Whether a row may have several labels: each output is then a question of its own."""
        return self.labels.ndim == 2

    def take(self, rows: np.ndarray) -> Labelled:
        """The rows with these numbers, in this order."""
        beside = {name: None if (values := getattr(self, name)) is None else values[rows] for name in ("soft", "group")}
        return Labelled(**self._taken(rows), labels=self.labels[rows], **beside)


@dataclass(frozen=True)
class Fitted:
    """What `fit_steps` ends with: the tokenizer, the engine's state and the recipe with every choice made."""

    recipe: Recipe
    tokenizer: Tokenizer
    engine: State


class Family(Protocol):
    """How a model is made and learns. Gives either `fit_steps` or `network`, never both."""

    name: str
    engine: str  # the name, on the engines shelf, of what answers
    # A family may have `needs`: of "text" and "columns", those without which it says nothing; the ladder leaves it out where there are none.
    # `tasks` names what it learns where that is more than "classify"; one without "classify_several" is left out where rows have several labels.
    # `keeps` names a folder, beside the rungs, that `fit_steps` is given to keep what all fits share; `seconds` then says how long they take.
    # labels, in what follows, is 1 where the target is a number.

    @staticmethod
    def recipe(facts: Facts, size: str) -> Recipe:
        """The recipe at this size (`small`, `medium`, `large`; `auto` lets the data choose), with its reason."""
        ...

    # A family solved on its own terms (linear): yields Progress, the last with result = Fitted.
    # Open choices of the recipe are made on dev; where dev is None, by inner folds of train.
    # staticmethod fit_steps(train: Labelled, dev: Labelled | None, labels: int, recipe: Recipe, seed: int) -> Iterator[Progress]

    # A family that train's loop trains: a torch module,
    # forward(ids: int64 (N, T) or (N, T, K), lengths: int64 (N,)[, weights: float32 (N, T), where its tokenizer weighs]) -> logits float32 (N, L)
    # staticmethod network(recipe: Recipe, vocabulary_size: int, labels: int) -> torch.nn.Module
    # It answers as an exported graph (engine "onnx"), or as what this makes of the trained module:
    # staticmethod engine_state(network: torch.nn.Module) -> State


class Engine(Protocol):
    """What answers from a bundle, without torch."""

    name: str

    def logits(self, encoded: Ragged) -> np.ndarray:
        """float32 (N, L). A row's logits do not depend on the rows beside it."""
        ...

    def state(self) -> State: ...

    @classmethod
    def from_state(cls, state: State) -> Engine:
        """Raises BundleError for a state this engine could not have written."""
        ...


# ---------------------------------------------------------------- answers

class Answer(NamedTuple):
    """What a classifier answers for one row: a label, or a tuple of labels where rows may have several."""

    prediction: Any
    confidence: float
    confidences: Mapping[str, float]
    handed_over: bool


class NumberAnswer(NamedTuple):
    """What a model of a number answers for one row; the ends of its interval are None where too few rows were there to make one."""

    prediction: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Figure:
    """One measured number with its interval (95 %), its n and the dumb baseline beside it.

    value is None where there are too few rows: it then reads "not enough data (n rows)".
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    baseline: float | None = None
    method: str = ""  # how the interval was made: "exact", "bootstrap"
    higher_is_better: bool = True
