"""What the reports of all tasks share: the test rows answered by the very model that will answer, and what is known of the data."""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Iterable, Iterator, Mapping

import numpy as np

from ..core.artifacts import Examples
from ..core.contracts import Progress
from ..core.language import Said
from ..formats.delimited import Delimited

CHUNK = 4_096
PLACED = ("file", "row", "line", "text", "truth")


class Judging(ABC):
    """One model judged on one test part. A task's report adds what is abstract here, and `page`."""

    ANSWERED: tuple[str, ...] = ()

    def __init__(self, predictor: Any, examples: Examples, settings: Any) -> None:
        """Raises CallError for examples that are not made for this model."""
        examples.check_made_for(predictor.settings)
        self.predictor, self.examples, self.settings, self.task = predictor, examples, settings, predictor.task
        self.rows = examples.rows_of("test")
        self.test = examples.labelled("test", encoder=predictor.encoder)
        self.learnt = examples.known("train", "dev", "calibration")
        self.cheapest: Any = None  # the ladder's first rung, judged on the same rows

    def answer(self) -> Iterator[Progress]:
        """Answer the test rows, then judge."""
        means = []
        for start in range(0, len(self.test), CHUNK):
            stop = min(start + CHUNK, len(self.test))
            means.append(self.predictor.mean(self.test.take(np.arange(start, stop))))
            yield Progress("evaluate", stop, len(self.test))
        self.judge(np.concatenate(means) if means else self.predictor.mean(self.test))

    @abstractmethod
    def judge(self, mean: np.ndarray) -> None:
        """Keep what the members' mean says of each test row."""

    @property
    def leaking(self) -> np.ndarray | None:
        """bool (N,): test rows with an equal or near row in train, where that was left as it is; None where nothing leaks."""
        leaks = self.examples.meta["leaks"]
        if not leaks.get("test_rows", []) or leaks["handled"] == "drop_train":
            return None
        return self.examples.frame["leaks"][self.rows].to_numpy()  # type: ignore[no-any-return]

    def data(self) -> dict[str, Any]:
        """What a report says of the data and the model."""
        meta, settings = self.examples.meta, self.predictor.settings
        known = {name: meta[name] for name in ("languages", "crossfit", "leaks", "findings", "unlabelled", "rejected", "unused")}
        return {"schema": 1, "task": self.task.name, "rows": meta["parts"], **known, "members": settings["members"], "ladder": settings["ladder"]}

    def times(self) -> dict[str, float]:
        """Milliseconds that a message takes, where a report says so: measured, so no part of report.json, which is the same in every run."""
        return {}

    def next_steps(self, folder: Path) -> dict[str, Any]:
        """What a report says to do next; what it needs beside the report goes into `folder`."""
        return dict.fromkeys(("slices", "label_errors", "learning_curve", "columns_worth"))

    def answered_columns(self, columns: Mapping[str, Any]) -> np.ndarray:
        """What is answered to these values of the model's columns, by name: confidences float64 (N, L), or numbers with their intervals (N, 3)."""
        texts, cells = ({name: columns[name] for name in names} for names in (self.predictor.text_columns, self.predictor.encoder.kinds))
        return self.predictor.answered(self.predictor.of_cells(list(texts.values()), cells))  # type: ignore[no-any-return]

    def found(self) -> list[Said]:
        """The findings of prepare that a reader should be warned of."""
        return [Said(**finding["said"]) for finding in self.examples.meta["findings"] if finding["kind"] in ("leaks", "gives_away", "label_once", "label_typos", "label_separator")]

    # --- tables of test rows
    def answers_csv(self) -> bytes:
        """Every test row: file, row and line in it, text, truth, and what was answered."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow([*PLACED, *self.ANSWERED])
        writer.writerows(self._answered(range(len(self.test))))
        return out.getvalue().encode("utf-8")

    def mistakes_csv(self) -> bytes:
        """The rows to look at, the worst first, with the columns of answers.csv, for a spreadsheet."""
        out = io.BytesIO()
        writer = Delimited.writer(out, [*PLACED, *self.ANSWERED], for_excel=True)
        writer.write_many(self._answered(self.order()))
        writer.close()
        return out.getvalue()

    @abstractmethod
    def order(self) -> list[int]:
        """The test rows that mistakes.csv shows."""

    @abstractmethod
    def shown(self, i: int) -> tuple[Any, ...]:
        """Truth and answer of one test row."""

    @abstractmethod
    def content(self) -> Mapping[str, Any]:
        """What report.json holds."""

    def _answered(self, order: Iterable[int]) -> Iterator[tuple[Any, ...]]:
        file, row, line = (self.examples.frame[name][self.rows].to_list() for name in ("file", "row", "line"))
        names = self.examples.meta["files"]
        for i in order:
            yield (names[file[i]], row[i], line[i], self.test.texts[i], *self.shown(i))
