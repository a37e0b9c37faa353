"""Which of several is better? Every two of them on the same rows, the whole and its slices; p adjusted for all comparisons made; a ranking in words.

>>> rows = np.arange(400)
>>> errors = Errors(np.array([rows % 4 == 0, rows % 40 == 0, rows % 5 == 0]))
>>> ranking(compare_pairs([errors], every_two(3))[0], "ABC").en
'B is better than A and C; nothing can be said of A and C.'
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from math import erfc, sqrt
from statistics import NormalDist
from typing import Sequence

import numpy as np

from startlm.core.contracts import Figure
from startlm.core.language import Said, say

from .comparison import mcnemar, paired_gain
from .intervals import FEWEST_ROWS, LEVEL, bootstrap_means, no_figure, percentile_interval, share_figure

FLIPS = 9_999
MOST_DRAWN = 10_000
"""Above so many rows sums of flipped or resampled differences are taken for normal: nothing is drawn."""

_CHUNK = 2_000_000  # signs drawn at once


# ------------------------------------------------------------------- tests

def holm(p: Sequence[float]) -> list[float]:
    """Each p adjusted for all of them, by Holm's step-down form of Bonferroni's correction (1979): one wrong claim among all at most in 20.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(p, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    adjusted = np.empty(len(given))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1)))
    return [float(each) for each in adjusted]


def sign_flip_p(gain: np.ndarray, seed: int) -> float:
    """Two-sided p of the paired permutation test (Fisher 1935): were neither better, each row's float64 (N,) gain could as well have the other sign.

    From 9,999 random flips, what was seen counted among them (Phipson & Smyth 2010); on many rows from the flips' exact variance.
    """
    gain = np.asarray(gain, dtype=np.float64)
    total, spread = abs(float(gain.sum())), sqrt(float(np.sum(gain**2)))
    if spread == 0:
        return 1.0
    if len(gain) > MOST_DRAWN:
        return erfc(total / spread / sqrt(2))
    random, least, as_far = np.random.default_rng(seed), total - 1e-9 * spread, 1
    step = max(1, _CHUNK // len(gain))
    for first in range(0, FLIPS, step):
        flipped = random.integers(0, 2, size=(min(step, FLIPS - first), len(gain)), dtype=np.int8)  # (step, N)
        as_far += int(np.sum(np.abs(2 * (flipped @ gain) - gain.sum()) >= least))
    return as_far / (FLIPS + 1)


# ------------------------------------------------------------- comparisons

@dataclass(frozen=True)
class Errors:
    """What K tools got wrong on the same N rows: bool (K, N), whether the label is wrong; or float64 (K, N), by how much the number is off."""

    values: np.ndarray
    seed: int = 0

    def __len__(self) -> int:
        return self.values.shape[1]

    @property
    def of_numbers(self) -> bool:
        return self.values.dtype != np.bool_

    def take(self, rows: np.ndarray) -> Errors:
        """The errors on these rows, int64 (n,)."""
        return replace(self, values=self.values[:, rows])

    def figure(self, tool: int) -> Figure:
        """The accuracy of one tool, or its mean absolute error."""
        errors, n = self.values[tool], len(self)
        if not self.of_numbers:
            return share_figure("accuracy", n - int(errors.sum()), n)
        return _mean_figure("mae", errors, self.seed)


@dataclass(frozen=True)
class Difference:
    """Two tools on the same rows. `gain` above 0: the second is better. `adjusted` is p for all comparisons made at once."""

    first: int
    second: int
    gain: Figure
    p: float
    adjusted: float = 1.0
    only_first: int | None = None  # rows that only the first got right; None for numbers
    only_second: int | None = None

    @property
    def better(self) -> int | None:
        """The one that is shown to be better: the interval leaves out 0, and the adjusted test agrees."""
        low, high = self.gain.low, self.gain.high
        if low is None or high is None or low <= 0 <= high or self.adjusted > 1 - LEVEL:
            return None
        return self.second if low > 0 else self.first


def every_two(tools: int, *, against_first: bool = False) -> list[tuple[int, int]]:
    """Which are compared: every two, or each other one with the first.

    >>> every_two(3), every_two(3, against_first=True)
    ([(0, 1), (0, 2), (1, 2)], [(0, 1), (0, 2)])
    """
    return [pair for pair in combinations(range(tools), 2) if not against_first or pair[0] == 0]


def compare_pairs(parts: Sequence[Errors], pairs: Sequence[tuple[int, int]]) -> list[list[Difference]]:
    """The difference of each pair on each part (the whole, or slices of it); p is adjusted for all that have rows enough to be tested."""
    found = [[_difference(part, *pair) for pair in pairs] for part in parts]
    tested = [each.p for differences in found for each in differences if each.gain.value is not None]
    adjusted = iter(holm(tested))
    return [[each if each.gain.value is None else replace(each, adjusted=next(adjusted)) for each in differences] for differences in found]


def _difference(errors: Errors, first: int, second: int) -> Difference:
    a, b = errors.values[first], errors.values[second]
    if errors.of_numbers:
        return Difference(first, second, _mean_figure("gain", a - b, errors.seed), sign_flip_p(a - b, errors.seed))
    test = mcnemar(~a, ~b)
    return Difference(first, second, paired_gain(~a, ~b, errors.seed), test.p, only_first=test.only_a, only_second=test.only_b)


def _mean_figure(name: str, values: np.ndarray, seed: int) -> Figure:
    """The mean of float64 (N,) errors or gains: percentile bootstrap, on many rows the normal interval that it tends to. Gains stand beside 0."""
    n, of_gain = len(values), name == "gain"
    if n < FEWEST_ROWS:
        return no_figure(name, n, higher_is_better=of_gain)
    value = float(values.mean())
    if n > MOST_DRAWN:
        half = NormalDist().inv_cdf((1 + LEVEL) / 2) * float(values.std(ddof=1)) / sqrt(n)
        low, high, method = value - half, value + half, "normal"
    else:
        (low, high), method = percentile_interval(bootstrap_means(values, seed)), "bootstrap"
    return Figure(name, value, min(low, value), max(high, value), n, 0.0 if of_gain else None, method, higher_is_better=of_gain)


# ----------------------------------------------------------------- in words

def ranking(differences: Sequence[Difference], names: Sequence[str]) -> Said:
    """Who is better than whom, and of which two nothing can be said."""
    if all(each.gain.value is None for each in differences):
        n = differences[0].gain.n
        return say(f"Not enough data ({n} rows).", f"数据不够（{n} 行）。")
    beaten: dict[int, list[int]] = {}
    for each in differences:
        if each.better is not None:
            beaten.setdefault(each.better, []).append(each.first + each.second - each.better)
    open_pairs = [(names[each.first], names[each.second]) for each in differences if each.better is None]
    if not beaten:
        return _nothing_shown(open_pairs)
    best_first = sorted(beaten, key=lambda tool: -len(beaten[tool]))
    en = [f"{names[tool]} is better than {_listed([names[other] for other in beaten[tool]])}" for tool in best_first]
    zh = [f"{names[tool]} 好于 {'、'.join(names[other] for other in beaten[tool])}" for tool in best_first]
    if open_pairs:
        en.append("nothing can be said " + ", ".join(f"of {a} and {b}" for a, b in open_pairs))
        zh.append("、".join(f"{a} 与 {b}" for a, b in open_pairs) + " 看不出高下")
    return say(f"{'; '.join(en)}.", f"{'；'.join(zh)}。")


def _nothing_shown(pairs: Sequence[tuple[str, str]]) -> Said:
    if len(pairs) == 1:
        a, b = pairs[0]
        return say(f"No difference shown between {a} and {b}.", f"看不出 {a} 与 {b} 有差别。")
    return say("No difference shown between any two.", "任何两者之间都看不出差别。")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
