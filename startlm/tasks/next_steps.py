"""What a classifier's report says to do next: where it is worse, which labels are likely wrong, whether more rows would help, what each
column is worth.

Label errors and the learning curve are found on the rows that learn, each answered by a cheap model of the others: no test row
has a part in them. Slices and columns are measured on the test part, and choose nothing.
"""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path
from typing import Any, Callable, Mapping, NamedTuple, Protocol, Sequence

import numpy as np

from ..columns import as_text
from ..columns.days import write_day
from ..columns.encoded import ColumnEncoder
from ..core.artifacts import Examples
from ..core.contracts import Figure, Labelled
from ..core.durable import write_bytes
from ..families.folded import Folded, fold_rows
from ..families.out_of_fold import OutOfFold, out_of_fold
from ..formats.delimited import Delimited
from ..metrics.calibration import fit_temperature, softmax_with
from ..metrics.columns_worth import columns_worth
from ..metrics.intervals import FEWEST_ROWS
from ..metrics.label_errors import Suspects, find_label_errors, plant_errors, planted_figures
from ..metrics.learning_curve import SHARES, learning_curve, sizes_worth
from ..metrics.slices import Cut, quarters, slices_json

LEARNT = ("train", "dev", "calibration")
ERRORS = "label_errors.csv"
COLUMNS = ("file", "row", "text", "label", "suggested", "confidence")
MOST_SHUFFLED = 2_000  # test rows that are answered anew for each column

Cells = Mapping[str, np.ndarray]


class Worth(Protocol):
    """What asking for the worth of columns takes of what was judged."""

    @property
    def rows(self) -> np.ndarray: ...
    @property
    def truth(self) -> np.ndarray: ...
    @property
    def seed(self) -> int: ...
    @property
    def answer(self) -> Callable[[dict[str, Sequence[Any]]], np.ndarray]: ...
    @property
    def cells(self) -> Callable[[np.ndarray], Cells]: ...


class Seen(NamedTuple):
    """What was judged: the positions of the test rows among the examples, int64 (n,), their truth as label numbers, and bool (n,) correct.

    names: what the numbers stand for. answer: from the columns' values, by name, to predicted label numbers. cells: the columns beside
    the text at given positions, by name: float64 with NaN for what is missing, or text with "".
    """

    rows: np.ndarray
    truth: np.ndarray
    correct: np.ndarray
    names: Sequence[str]
    seed: int
    answer: Callable[[dict[str, Sequence[Any]]], np.ndarray]
    cells: Callable[[np.ndarray], Cells] = lambda rows: {}


def next_steps(examples: Examples, seen: Seen, folder: Path) -> dict[str, Any]:
    """The parts `slices`, `label_errors`, `learning_curve` and `columns_worth` of a report; label_errors.csv goes into `folder`.

    A part for which there are too few rows or columns is None.
    """
    learn = examples.rows_of(*LEARNT)
    trial, suspects = None, Suspects(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    if len(learn) >= FEWEST_ROWS and len(examples.labels) > 1:
        trial = _trial(examples, learn, seen.seed)
        suspects = _suspects(trial.labels, trial.logits())
    write_bytes(folder / ERRORS, _errors_csv(examples, learn if trial is None else learn[trial.rows], suspects))
    return {
        "slices": slices_json(seen.correct, _cuts(examples, seen, learn)),
        "label_errors": None if trial is None else _errors_json(trial, suspects, seen.seed),
        "learning_curve": None if trial is None else _curve_json(trial, len(learn), seen.seed),
        "columns_worth": worth_json(examples, seen),
    }


# ------------------------------------------------------------------ slices

def _cuts(examples: Examples, seen: Seen, learn: np.ndarray) -> list[Cut]:
    """Language, length, label and the columns beside the text of each test row that counts."""
    beside = cuts_beside(examples, seen.rows, learn, seen.cells)
    of_label = Cut("label", "", [seen.names[number] for number in seen.truth])
    return [*(each for each in beside if each.kind != "column"), of_label, *(each for each in beside if each.kind == "column")]


def cuts_beside(examples: Examples, rows: np.ndarray, learn: np.ndarray, cells: Callable[[np.ndarray], Cells]) -> list[Cut]:
    """Language and length of these rows' texts, where there are any, and the columns beside the text; quarters are those of the rows that learn."""
    cuts = []
    if examples.text_columns:
        lengths = examples.frame["text"].str.len_chars().to_numpy().astype(np.int64)
        cuts = [Cut("language", "", examples.frame["language"][rows].to_list()), Cut("length", "", quarters(lengths[rows], lengths[learn]))]
    mine, learnt = cells(rows), cells(learn)
    for name, values in mine.items():
        show = write_day if examples.meta["kinds"].get(name) == "date" else None
        cuts.append(Cut("column", name, quarters(values, learnt[name], show) if values.dtype.kind == "f" else list(values)))
    return cuts


def _trial(examples: Examples, learn: np.ndarray, seed: int) -> OutOfFold | Folded:
    """The rows that learn in folds: by their texts, or by the columns where there is none."""
    labels, groups = len(examples.labels), examples.frame["group"][learn].to_numpy()
    if examples.text_columns:
        return out_of_fold(examples.labelled(*LEARNT), groups, labels, seed)
    rows = with_features(examples)
    return fold_rows(rows, groups, labels, rows.labels, seed)


def with_features(examples: Examples) -> Labelled:
    """The rows that learn, with what a model reads of the columns beside the text."""
    return examples.labelled(*LEARNT, encoder=ColumnEncoder.from_state(list(examples.meta["columns"])))


def shown_rows(examples: Examples, at: np.ndarray) -> list[str]:
    """What a person sees of the rows at these positions: the text, or where there is none the columns, a line each."""
    texts: list[str] = examples.frame["text"][at].to_list()
    if examples.text_columns:
        return texts
    kinds, cells = examples.meta["kinds"], examples.cells(at)
    written = {name: [_written(value, kinds[name]) for value in values.tolist()] for name, values in cells.items()}
    return ["\n".join(f"{name}: {values[row]}" for name, values in written.items() if values[row]) for row in range(len(at))]


def _written(value: Any, kind: str) -> str:
    if isinstance(value, float):
        return "" if value != value else write_day(value) if kind == "date" else as_text(value)
    return str(value)


# ------------------------------------------------------------ label errors

def _suspects(labels: np.ndarray, logits: np.ndarray) -> Suspects:
    return find_label_errors(labels, softmax_with(logits, fit_temperature(logits, labels)))


def _errors_json(trial: OutOfFold | Folded, suspects: Suspects, seed: int) -> dict[str, Any]:
    """How many rows were looked at and found; and how well the same search finds labels that are changed on purpose."""
    planted, changed = plant_errors(trial.labels, trial.count, seed)
    precision, caught = planted_figures(changed, _suspects(planted, trial.logits(planted)).rows)
    return {"looked_at": len(trial.rows), "found": len(suspects.rows), "file": ERRORS,
            "expected_precision": measured(precision), "caught": measured(caught)}


def measured(figure: Figure) -> dict[str, Any] | None:
    return None if figure.value is None else asdict(figure)


def _errors_csv(examples: Examples, rows: np.ndarray, suspects: Suspects) -> bytes:
    """The suspects, the likeliest first, for a spreadsheet and for `startlm label --check`; rows: int64 (n,), the positions they count in."""
    at = rows[suspects.rows]
    file, row, label = (examples.frame[name][at].to_list() for name in ("file", "row", "label"))
    names, text, out = examples.meta["files"], shown_rows(examples, at), io.BytesIO()
    writer = Delimited.writer(out, COLUMNS, for_excel=True)
    writer.write_many((names[f], r, t, examples.labels[one], examples.labels[other], round(sure, 6))
                      for f, r, t, one, other, sure in zip(file, row, text, label, suspects.suggested.tolist(), suspects.confidence.tolist()))
    writer.close()
    return out.getvalue()


# ---------------------------------------------------------- learning curve

def _curve_json(trial: OutOfFold | Folded, now: int, seed: int) -> dict[str, Any] | None:
    """The curve of a cheap family; None where the smallest sizes would have too few rows a label."""
    trial = trial.affordable(SHARES)
    shares = sizes_worth(trial.learnt(), trial.count)
    if not shares:
        return None
    curve = learning_curve([trial.learnt(share) for share in shares], *trial.right_at(shares), now, seed)
    return {"family": trial.family, "rows": now, **curve.to_json()}


# ------------------------------------------------------------ each column

def worth_json(examples: Examples, seen: Worth) -> dict[str, Any] | None:
    """What each of several columns is worth, on at most MOST_SHUFFLED test rows; None for a single one."""
    some = np.sort(np.random.default_rng(seen.seed).permutation(len(seen.rows))[:MOST_SHUFFLED])
    columns = columns_read(examples, seen.rows[some], seen.cells)
    if len(columns) < 2 or not len(some):
        return None
    worth = columns_worth(seen.answer, columns, seen.truth[some], seen.seed)
    return {"n": len(some), "columns": [{"column": name, "worth": asdict(figure)} for name, figure in worth.items()]}


def columns_read(examples: Examples, rows: np.ndarray, cells: Callable[[np.ndarray], Cells]) -> dict[str, Sequence[Any]]:
    """What the model reads of these rows: the text columns as they were read, then the others."""
    texts, originals = (examples.frame[name][rows].to_list() for name in ("text", "original"))
    parts = [[text] if values is None else values for text, values in zip(texts, originals)]
    return {name: [values[number] for values in parts] for number, name in enumerate(examples.text_columns)} | dict(cells(rows))
