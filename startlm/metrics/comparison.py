"""Is B better than A? On the same rows, with an exact test, an interval and a verdict in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Sequence

import numpy as np

from startlm.core.contracts import Figure
from startlm.core.errors import CallError
from startlm.core.language import Said, say

from .intervals import (
    DRAWS, FEWEST_ROWS, LEVEL, binomial_at, binomial_tail, bootstrap_means, bootstrap_sums, corrected_interval,
    kinds_of, no_figure, percentile_interval,
)
from .judged import Counts, Judged
from .labels import accuracy, macro_f1


class McNemar(NamedTuple):
    """Rows that only A or only B got right, the exact two-sided p and the less cautious mid-p."""

    only_a: int
    only_b: int
    p: float
    mid_p: float


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> McNemar:
    """McNemar's exact test on bool (N,): are the rows that only one of them got right split evenly?

    mid-p as Fagerland, Lydersen & Laake (2013).
    """
    correct_a, correct_b = np.asarray(correct_a, dtype=bool), np.asarray(correct_b, dtype=bool)
    only_a, only_b = int(np.sum(correct_a & ~correct_b)), int(np.sum(correct_b & ~correct_a))
    most, n = np.array([max(only_a, only_b)]), np.array([only_a + only_b])
    both_tails = 2 * float(binomial_tail(most, n, 0.5)[0])
    at = float(binomial_at(most, n, 0.5)[0])
    return McNemar(only_a, only_b, min(1.0, both_tails), min(1.0, both_tails - at))


def paired_gain(a: np.ndarray, b: np.ndarray, seed: int, *, level: float = LEVEL, losses: bool = False) -> Figure:
    """How much better B is than A on the same rows: mean difference, with a paired bootstrap interval; above 0, B is better.

    a, b: bool (N,) correct, or with `losses` float64 (N,) losses (less is better). Rows are resampled in pairs.
    Raises ValueError for shares where no losses are meant: as yes or no they would all be yes.
    """
    if not losses and any(np.asarray(each).dtype.kind == "f" for each in (a, b)):
        raise ValueError("answers are right or wrong: give bool, or losses with losses=True")
    if len(a) < FEWEST_ROWS:
        return no_figure("gain", len(a))
    if losses:
        gain = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
        drawn = bootstrap_means(gain, seed)
    else:
        gain = np.asarray(b, dtype=bool).astype(np.int64) - np.asarray(a, dtype=bool)
        drawn = _smoothed_means(gain, seed)
    value = float(gain.mean())
    low, high = percentile_interval(drawn, level)
    return Figure("gain", value, min(low, value), max(high, value), len(gain), 0.0, "bootstrap")


def _smoothed_means(gain: np.ndarray, seed: int) -> np.ndarray:
    """Bootstrap means, float64 (draws,), of int64 (N,) gains of -1, 0 and 1.

    Half a row is added to each cell of the two-by-two table (Agresti & Min 2005): where few rows differ, or none,
    resampling those few alone would claim to know more than they can tell.
    """
    rows = np.bincount(gain + 1, minlength=3) + np.array([0.5, 1.0, 0.5])
    drawn = np.random.default_rng(seed).multinomial(len(gain), rows / rows.sum(), size=DRAWS)  # (draws, 3)
    return (drawn[:, 2] - drawn[:, 0]) / len(gain)


def verdict(gain: Figure, p: float | None = None, names: tuple[str, str] = ("A", "B")) -> Said:
    """The gain in words. A difference is claimed only where its interval leaves out 0 and the exact test, if given, agrees.

    >>> verdict(Figure("gain", 0.012, 0.003, 0.021, 1000)).en
    'B is better by 1.2 points [0.3, 2.1].'
    """
    if gain.value is None or gain.low is None or gain.high is None:
        return say(f"Not enough data ({gain.n} rows).", f"数据不够（{gain.n} 行）。")
    low, high = 100 * gain.low, 100 * gain.high
    if gain.low <= 0 <= gain.high or (p is not None and p > 1 - LEVEL):
        return say(
            f"No difference shown: {names[1]} minus {names[0]} is {100 * gain.value:+.1f} points [{low:+.1f}, {high:+.1f}].",
            f"看不出差别：{names[1]} 减 {names[0]} 为 {100 * gain.value:+.1f} 个百分点 [{low:+.1f}, {high:+.1f}]。",
        )
    winner = names[1] if gain.value > 0 else names[0]
    points = 100 * abs(gain.value)
    low, high = sorted((abs(low), abs(high)))
    return say(
        f"{winner} is better by {points:.1f} points [{low:.1f}, {high:.1f}].",
        f"{winner} 更好，高出 {points:.1f} 个百分点 [{low:.1f}, {high:.1f}]。",
    )


@dataclass(frozen=True)
class Comparison:
    """Two files of predictions on the same rows. Gains are B minus A, in shares of 1."""

    n: int
    labels: tuple[str, ...]
    accuracy_a: Figure
    accuracy_b: Figure
    macro_f1_a: Figure
    macro_f1_b: Figure
    only_a_right: int
    only_b_right: int
    p: float
    mid_p: float
    accuracy_gain: Figure
    macro_f1_gain: Figure
    verdict: Said

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; the verdict in both languages."""
        return {**asdict(self), "labels": list(self.labels), "verdict": self.verdict._asdict()}


def compare(
    a: Sequence[object], b: Sequence[object], truth: Sequence[object], *, seed: int = 0, names: tuple[str, str] = ("A", "B"),
) -> Comparison:
    """Compare the predictions of any two tools, row by row with the truth; labels are compared as they are written.

    Raises CallError where the three do not have the same number of rows.
    """
    check_same_rows([len(a), len(b)], len(truth))
    n = len(truth)
    labels, columns = number_labels([a, b, truth])
    judged_a, judged_b = (Judged(columns[2], column, len(labels), seed=seed) for column in columns[:2])
    test = mcnemar(judged_a.correct, judged_b.correct)
    gain = paired_gain(judged_a.correct, judged_b.correct, seed)
    return Comparison(
        n, labels, accuracy(judged_a), accuracy(judged_b), macro_f1(judged_a), macro_f1(judged_b),
        test.only_a, test.only_b, test.p, test.mid_p, gain, macro_f1_gain(columns, len(labels), seed),
        verdict(gain, test.p, names),
    )


def check_same_rows(lengths: Sequence[int], rows: int) -> None:
    """Raises CallError where the files, A, B and so on, do not have as many rows as the truth."""
    if all(length == rows for length in lengths):
        return
    names = letters(len(lengths))
    en, zh = (", ".join(f"{name} has {length}" for name, length in zip(names, lengths)), "，".join(f"{name} 有 {length} 行" for name, length in zip(names, lengths)))
    raise CallError(
        say(f"The rows do not match: {en}, the truth has {rows}.", f"行数对不上：{zh}，真实标签有 {rows} 行。"),
        say("give files that hold the same rows in the same order, or name the column that tells the rows apart: --id COLUMN",
            "请给出行相同、顺序也相同的文件，或指明用来区分各行的列：--id 列名"),
    )


def letters(count: int) -> list[str]:
    """What the files are called: A, B, … Z, A2, B2, …

    >>> letters(3)
    ['A', 'B', 'C']
    """
    return [chr(ord("A") + number % 26) + (str(number // 26 + 1) if number >= 26 else "") for number in range(count)]


def number_labels(columns: Sequence[Sequence[object]]) -> tuple[tuple[str, ...], np.ndarray]:
    """Every label that occurs, as it is written and sorted, and the number of each, int64 (columns, N)."""
    written = np.array([str(value) for column in columns for value in column], dtype=object)
    labels, numbers = np.unique(written, return_inverse=True)
    return tuple(labels.tolist()), numbers.reshape(len(columns), -1)


def macro_f1_gain(columns: np.ndarray, labels: int, seed: int) -> Figure:
    """B's macro F1 less A's, int64 (3, N) columns of A, B and truth; a BCa bootstrap over distinct triples of labels."""
    n = columns.shape[1]
    if n < FEWEST_ROWS:
        return no_figure("macro_f1_gain", n)
    triples, counts = kinds_of(columns.T)
    a, b, truth = np.eye(labels)[triples.T]  # (C, L) each
    kinds = np.hstack([a * truth, truth, a, b * truth, b])  # (C, 5 L)

    def gain(sums: np.ndarray) -> np.ndarray:
        right_a, actual, as_a, right_b, as_b = np.split(sums, 5, axis=-1)
        return Counts(right_b, actual, as_b).average("f1", "macro") - Counts(right_a, actual, as_a).average("f1", "macro")

    total = counts @ kinds
    value = float(gain(total))
    low, high = corrected_interval(value, gain(bootstrap_sums(kinds, counts, seed)), gain(total - kinds), counts)
    return Figure("macro_f1_gain", value, min(low, value), max(high, value), n, 0.0, "bootstrap")
