"""What one step hands to the next: Examples, Model, Report, Bundle. Each is a small frozen record over a folder on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np

from .contracts import Facts, Labelled, Recipe
from .durable import read_json
from .errors import CallError
from .examples_folder import cell_column
from .label_sets import multi_hot
from .language import say
from .shelves import import_extra

CHEAPEST = "cheapest"  # the folder, beside the model's, of the ladder's first rung where another was chosen
PARTS = ("train", "dev", "calibration", "test")


@dataclass(frozen=True)
class Examples:
    """Clean typed rows with their part, in `folder`: examples.arrow, unlabelled.arrow (memory-mapped), meta.json, findings.csv.

    Columns of examples.arrow: row (int64, 1 is the first row of its file), line (int64, in its file), file (int32, data first,
    then test; meta's `files` names them), text (cleaned), original (list of str, the text columns as read; null where cleaning changed
    nothing and there is one column), spans (for each text column a list of int32, the map from its cleaned value back to the
    original, null where nothing moved), label (int32, a number in `labels`), part (int8, a number in PARTS), language, group
    (int64, near-duplicates share it, and rows with the same value in a group column), leaks (bool, a test row that stands, equal or nearly, in train), target (float64, where a
    number is learnt: label is then its bin), labels (list of int32, numbers in `labels`, where rows may have several: label is then the
    number of a stratum), and for each column that is read beside the text "cell NAME" (numbers and dates, in
    days since 1970, float64 with NaN for what is missing; categories as text).
    """

    folder: Path

    @cached_property
    def meta(self) -> Mapping[str, Any]:
        return read_json(self.folder / "meta.json")

    @cached_property
    def frame(self) -> Any:
        """The rows as a memory-mapped polars.DataFrame."""
        return import_extra("polars").read_ipc(self.folder / "examples.arrow")

    @cached_property
    def unlabelled(self) -> Any:
        """The rows that have a text and no label, as a memory-mapped polars.DataFrame: row, line, file, text."""
        return import_extra("polars").read_ipc(self.folder / "unlabelled.arrow")

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.meta["labels"])

    @property
    def every_label(self) -> tuple[str, ...]:
        """What the label numbers stand for: `labels`, then those that only the test part knows."""
        return (*self.labels, *self.meta["unseen_labels"])

    @property
    def text_columns(self) -> tuple[str, ...]:
        return tuple(self.meta["text"])

    def check_made_for(self, model: Mapping[str, Any], labels: Sequence[str] | None = None) -> None:
        """Raises CallError unless a model of this task, text, columns and cleaning, and where given these labels, can take the rows as they are."""
        cleaning = model["cleaning"]
        for en, zh, wanted, there in (
            ("task", "任务", [model["task"]], [self.meta["task"]]),
            ("text columns", "文本列", list(model["text"]), list(self.text_columns)),
            ("columns", "列", [f"{each['name']}: {each['kind']}" for each in model["columns"]], [f"{name}: {kind}" for name, kind in self.meta["kinds"].items()]),
            ("labels", "标签", list(labels or self.labels), list(self.labels)),
            ("cleaning", "清洗设置", [f"{name} = {cleaning[name]}".lower() for name in sorted(cleaning)],
             [f"{name} = {self.meta['cleaning'][name]}".lower() for name in sorted(self.meta["cleaning"])]),
        ):
            if wanted != there:
                odd = [", ".join([each for each in one if each not in other] or one)[:200] for one, other in ((wanted, there), (there, wanted))]
                raise CallError(say(f"These examples are not made for this model: its {en} are {odd[0]}, theirs are {odd[1]}.",
                                    f"这些数据不适用于这个模型：模型的{zh}是 {odd[0]}，数据的是 {odd[1]}。"),
                                say("prepare them with the settings of the model, or build a model for them", "请用模型的设置重新准备数据，或为这些数据新建一个模型"))

    @property
    def numeric(self) -> bool:
        """Whether a number is to be told, not a label."""
        return self.facts.numeric

    @property
    def several(self) -> bool:
        """Whether a row may have several labels."""
        return self.facts.several

    @property
    def crossfit(self) -> bool:
        """True where rows are so few that choices and thresholds come from five folds of train."""
        return bool(self.meta["crossfit"])

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the rows are: changes when data or prepare's settings change."""
        return str(self.meta["fingerprint"])

    @cached_property
    def facts(self) -> Facts:
        return Facts(**self.meta["facts"])

    def rows_of(self, *parts: str) -> np.ndarray:
        """int64 (n,): the positions, in order, of the rows in these parts."""
        wanted = [PARTS.index(part) for part in parts]
        return np.flatnonzero(np.isin(self.frame["part"].to_numpy(), wanted))

    def cells(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The columns beside the text at these positions, as prepare read them."""
        taken = {name: self.frame[cell_column(name)][rows] for name in self.meta["kinds"]}
        return {name: values.to_numpy() if values.dtype.is_float() else np.array(values.to_list(), dtype=object) for name, values in taken.items()}

    def labelled(self, *parts: str, encoder: Any = None) -> Labelled:
        """The rows of these parts; labels are label numbers, or targets in the data's own unit.

        encoder: the model's ColumnEncoder, for the columns beside the text; without one they are left out.
        """
        rows, beside = self.rows_of(*parts), {}
        if encoder is not None and self.meta["kinds"]:
            features, words = encoder.encode(self.cells(rows))
            beside = {"features": features, "words": words, "word_count": encoder.word_count}
        return Labelled(self.frame["text"][rows].to_list(), self.known(*parts), group=self.frame["group"][rows].to_numpy(), **beside)

    def known(self, *parts: str) -> np.ndarray:
        """What is known of the rows of these parts: label numbers, int64 (n,), targets in the data's own unit, float64 (n,), or which of
        several labels, bool (n, L), those that only the test part knows among them where it is asked for."""
        rows = self.rows_of(*parts)
        if self.several:
            return multi_hot(self.frame["labels"][rows].to_list(), len(self.every_label if "test" in parts else self.labels))
        return self.frame["target"][rows].to_numpy() if self.numeric else self.frame["label"][rows].to_numpy().astype(np.int64)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Model:
    """What build describes (rungs, no folder yet) and train makes (a folder that answers)."""

    task: str
    text: tuple[str, ...]
    labels: tuple[str, ...]  # none where a number is told
    cleaning: Mapping[str, Any]
    rungs: tuple[Recipe, ...]
    examples: str  # fingerprint of the examples it was built for
    chosen_by: str = "auto"
    folder: Path | None = None
    ladder: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)
    columns: tuple[Mapping[str, Any], ...] = ()  # how the columns beside the text are encoded: the state of a ColumnEncoder
    target: Mapping[str, Any] | None = None  # the scale of the number that is told
    separator: str | None = None  # what stands between several labels of a row


@dataclass(frozen=True)
class Report:
    """Figures, plots, warnings: report.json and report.html in `folder`."""

    folder: Path
    content: Mapping[str, Any]

    def figure(self, name: str) -> Mapping[str, Any]:
        """One figure by its name: value, low, high, n, baseline."""
        return next(figure for figure in self.content["figures"] if figure["name"] == name)

    @property
    def better_than_baseline(self) -> bool:
        return bool(self.content["better_than_baseline"])


@dataclass(frozen=True)
class Bundle:
    """The folder that answers, one version of a product."""

    folder: Path
