"""What the report of a model of numbers says to do next: where it is further off, which numbers are likely wrong, whether more rows would help,
what each column is worth.

As for labels (`next_steps`): likely errors and the curve come from the rows that learn, each answered by a cheap model of the others;
slices and columns are measured on the test part, and choose nothing.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Callable, NamedTuple, Sequence

import numpy as np

from ..columns.target import Target
from ..core.artifacts import Examples
from ..core.durable import write_bytes
from ..families.folded import Folded, fold_rows
from ..formats.delimited import Delimited
from ..metrics.error_curve import error_curve
from ..metrics.intervals import FEWEST_ROWS
from ..metrics.label_errors import planted_figures
from ..metrics.learning_curve import SHARES, sizes_worth
from ..metrics.number_slices import number_slices_json
from ..metrics.target_errors import Doubted, exchange_targets, find_target_errors
from .next_steps import LEARNT, Cells, cuts_beside, measured, shown_rows, with_features, worth_json

ERRORS = "target_errors.csv"
COLUMNS = ("file", "row", "text", "target", "expected", "times")
_DIGITS = ".6g"


class SeenNumbers(NamedTuple):
    """What was judged: the positions of the test rows among the examples, int64 (n,), their true numbers and the answers, float64 (n,).

    target: the scale of the model. answer: from the columns' values, by name, to numbers float64 (n,). cells: the columns beside the text at
    given positions, by name.
    """

    rows: np.ndarray
    truth: np.ndarray
    answers: np.ndarray
    seed: int
    target: Target
    answer: Callable[[dict[str, Sequence[Any]]], np.ndarray]
    cells: Callable[[np.ndarray], Cells]


def number_next_steps(examples: Examples, seen: SeenNumbers, folder: Path) -> dict[str, Any]:
    """The parts `slices`, `target_errors`, `learning_curve` and `columns_worth` of a report; target_errors.csv goes into `folder`.

    A part for which there are too few rows or columns is None.
    """
    learn, trial = examples.rows_of(*LEARNT), None
    doubted, answers = Doubted(np.zeros(0, np.int64), np.zeros(0)), np.zeros(0)
    if len(learn) >= FEWEST_ROWS:
        trial = _trial(examples, learn, seen)
        answers = trial.told(trial.labels)
        doubted = find_target_errors(trial.labels, answers, trial.told)
    rows = learn if trial is None else learn[trial.rows]
    write_bytes(folder / ERRORS, _errors_csv(examples, rows, doubted, seen.target.back(answers)))
    return {
        "slices": number_slices_json(seen.truth, seen.answers, cuts_beside(examples, seen.rows, learn, seen.cells), seed=seen.seed),
        "label_errors": None, "target_errors": None if trial is None else _errors_json(trial, doubted, seen.seed),
        "learning_curve": None if trial is None else _curve_json(trial, len(learn), seen),
        "columns_worth": worth_json(examples, seen),
    }


def _trial(examples: Examples, learn: np.ndarray, seen: SeenNumbers) -> Folded:
    """The rows that learn in folds, their targets on the model's scale."""
    rows = with_features(examples)
    bins = Target.bins(rows.labels)
    groups = examples.frame["group"][learn].to_numpy()
    return fold_rows(type(rows)(rows.texts, seen.target.to_model(rows.labels), features=rows.features), groups, 1, bins, seen.seed)


# ----------------------------------------------------------- likely errors

def _errors_json(trial: Folded, doubted: Doubted, seed: int) -> dict[str, Any]:
    """How many rows were looked at and doubted; and how well the same search finds targets that are exchanged on purpose."""
    planted, changed = exchange_targets(trial.labels, seed)
    precision, caught = planted_figures(changed, find_target_errors(planted, trial.told(planted), trial.told).rows)
    return {"looked_at": len(trial.rows), "found": len(doubted.rows), "file": ERRORS, "expected_precision": measured(precision), "caught": measured(caught)}


def _errors_csv(examples: Examples, rows: np.ndarray, doubted: Doubted, expected: np.ndarray) -> bytes:
    """The doubted rows, the likeliest first, for a spreadsheet; rows: int64 (n,), the positions they count in; expected: float64 (n,)."""
    at = rows[doubted.rows]
    file, row, target = (examples.frame[name][at].to_list() for name in ("file", "row", "target"))
    names, text, out = examples.meta["files"], shown_rows(examples, at), io.BytesIO()
    writer = Delimited.writer(out, COLUMNS, for_excel=True)
    writer.write_many((names[f], r, t, value, float(format(other, _DIGITS)), round(times, 1))
                      for f, r, t, value, other, times in zip(file, row, text, target, expected[doubted.rows].tolist(), doubted.times.tolist()))
    writer.close()
    return out.getvalue()


# ---------------------------------------------------------- learning curve

def _curve_json(trial: Folded, now: int, seen: SeenNumbers) -> dict[str, Any] | None:
    """The curve of a cheap family, in the target's own unit; None where the smallest sizes would have too few rows."""
    trial = trial.affordable(SHARES)
    shares = sizes_worth(trial.learnt(), 1)
    if not shares:
        return None
    answers, fold = trial.answers_at(shares)
    off = np.abs(seen.target.back(answers[:, :, 0]) - seen.target.back(trial.labels, clipped=False)[:, None])  # (n, S)
    return {"family": trial.family, "rows": now, **error_curve([trial.learnt(share) for share in shares], off, fold, now, seen.seed).to_json()}
