"""Calibration: confidences that mean what they say.

One temperature divides the logits (Guo et al. 2017); it is fitted on calibration rows and changes no prediction.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import NamedTuple

import numpy as np

from startlm.core.contracts import Figure
from startlm.core.errors import CallError
from startlm.core.language import say

from .intervals import FEWEST_ROWS, bootstrap_sums, kinds_of, no_figure, percentile_interval
from .judged import Judged

COLDEST, HOTTEST = 0.05, 20.0
BINS = 15

_FAR = 1e4  # logits further apart than this are as good as infinitely far
_STEPS = 60
_CLOSE = 1e-10


# ------------------------------------------------------------- temperature

def softmax_with(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Confidences float64 (N, L) of logits (N, L); a row's are the same bits whatever rows stand beside it."""
    scaled = _centred(logits) / temperature
    powers = np.exp(scaled)
    return powers / powers.sum(axis=1, keepdims=True)


def log_softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """The logarithm of `softmax_with`, float64 (N, L): finite for any finite logits."""
    scaled = _centred(logits) / temperature
    return scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature in [0.05, 20] with the least log loss on (N, L) logits with int64 (N,) labels.

    The loss is convex in 1 / temperature: Newton's steps on its slope, kept inside a shrinking bracket. Fewer than
    20 rows say nothing: 1. Where every row is right the loss falls for ever as the temperature does; one row
    that may be any label is then added in thought (the smoothed targets of Platt 1999), which gives it a minimum.
    Raises CallError where a logit is not a number.
    """
    labels = np.asarray(labels, dtype=np.int64)
    if len(labels) < FEWEST_ROWS or np.shape(logits)[1] < 2:
        return 1.0
    centred = _centred(logits)  # (N, L)
    own = centred[np.arange(len(labels)), labels]
    if np.all(centred.argmax(axis=1) == labels):
        doubt = 1 / (len(labels) + 1)
        own = (1 - doubt) * own + doubt * centred.mean(axis=1)
    low, high = 1 / HOTTEST, 1 / COLDEST
    if _slope(centred, own, low)[0] >= 0:
        return HOTTEST
    if _slope(centred, own, high)[0] <= 0:
        return COLDEST
    at = 1.0
    for _ in range(_STEPS):
        slope, bend = _slope(centred, own, at)
        low, high = (at, high) if slope < 0 else (low, at)
        step = at - slope / bend if bend > 0 else high
        following = step if low < step < high else sqrt(low * high)
        if abs(following - at) <= _CLOSE * at:
            break
        at = following
    return float(1 / at)


def _slope(centred: np.ndarray, own: np.ndarray, inverse: float) -> tuple[float, float]:
    """First and second derivative of the mean log loss by 1 / temperature."""
    confidences = np.exp(centred * inverse)
    confidences /= confidences.sum(axis=1, keepdims=True)
    first = np.einsum("nl,nl->n", confidences, centred)
    second = np.einsum("nl,nl,nl->n", confidences, centred, centred)
    return float(np.mean(first - own)), float(np.mean(second - first**2))


def _centred(logits: np.ndarray) -> np.ndarray:
    """float64 (N, L), row by row: the largest becomes 0; infinities become far."""
    # C order whatever comes in: a sum along the row then adds in the same order however many rows there are
    values = np.array(logits, dtype=np.float64, order="C")
    if np.isnan(values).any():
        raise CallError(
            say("The model's answers hold values that are not numbers (NaN).", "模型的输出里有不是数字的值（NaN）。"),
            say("train the model again; this one is damaged", "请重新训练模型；这个模型已经损坏"),
        )
    largest = np.finfo(np.float64).max / 4
    np.clip(values, -largest, largest, out=values)
    values -= values.max(axis=1, keepdims=True)
    return np.maximum(values, -_FAR)


# ------------------------------------------------------------- reliability

class ReliabilityBin(NamedTuple):
    """Rows of similar confidence: their mean confidence and the share that is right."""

    rows: int
    confidence: float
    right: float


def reliability_bins(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> list[ReliabilityBin]:
    """Bins of equal mass, empty ones left out, for float64 (N,) confidences of predictions and bool (N,) correct.

    Edges are quantiles, so rows of equal confidence share a bin (as scikit-learn's calibration_curve, strategy "quantile").
    """
    numbers = _bin_numbers(confidence, bins)
    rows = np.bincount(numbers, minlength=bins)
    sums = (np.bincount(numbers, weights=column, minlength=bins) for column in (confidence, correct))
    return [ReliabilityBin(int(n), float(c / n), float(r / n)) for n, c, r in zip(rows, *sums, strict=True) if n]


def _bin_numbers(confidence: np.ndarray, bins: int) -> np.ndarray:
    edges = np.percentile(confidence, np.linspace(0, 1, bins + 1) * 100)
    return np.searchsorted(edges[1:-1], confidence)


def expected_calibration_error(bins: list[ReliabilityBin]) -> float:
    """The mean distance between confidence and share right, weighted by rows (ECE; Naeini et al. 2015)."""
    total = sum(each.rows for each in bins)
    return sum(each.rows * abs(each.confidence - each.right) for each in bins) / total


def chance_calibration_error(bins: list[ReliabilityBin]) -> float:
    """The ECE that a perfectly calibrated model would show on these rows, on average: only the noise of each bin's rows.

    The mean of |noise| for a normal with s² = c (1 - c) / n is s √(2 / π).
    """
    total = sum(each.rows for each in bins)
    noise = (sqrt(each.confidence * max(0.0, 1 - each.confidence) / each.rows) for each in bins)
    return sqrt(2 / pi) * sum(each.rows * s for each, s in zip(bins, noise, strict=True)) / total


def debiased_calibration_error(bins: list[ReliabilityBin]) -> float:
    """The ECE less what chance alone adds, √(ECE² - chance²), never below 0.

    Noise adds to the ECE, most where rows are few and the model is good; squares add up, so squares are subtracted
    (as Kumar, Liang & Ma 2019 do for the squared calibration error).
    """
    return sqrt(max(0.0, expected_calibration_error(bins) ** 2 - chance_calibration_error(bins) ** 2))


def calibration_error(judged: Judged) -> Figure:
    """The ECE of 15 bins of equal mass, as others report it; its interval is that of the debiased one, made to hold the value."""
    return _calibration_figure("calibration_error", judged, debiased=False)


def calibration_error_debiased(judged: Judged) -> Figure:
    """The ECE less what chance adds. A bootstrap over rows; a draw holds chance's part twice, so it is taken off twice."""
    return _calibration_figure("calibration_error_debiased", judged, debiased=True)


def _calibration_figure(name: str, judged: Judged, *, debiased: bool) -> Figure:
    n, value_of = len(judged), debiased_calibration_error if debiased else expected_calibration_error
    baseline = judged.by_majority()
    beside = None if baseline is None or baseline.confidences is None or not n else value_of(_bins_of(baseline))
    if n < FEWEST_ROWS or judged.confidences is None:
        return no_figure(name, n if judged.confidences is not None else 0, higher_is_better=False, baseline=beside)
    confidence, bins = _confidence(judged), _bins_of(judged)
    chance = chance_calibration_error(bins)
    drawn = _resampled_errors(confidence, judged.correct, judged.seed)
    low, high = percentile_interval(np.sqrt(np.maximum(0.0, drawn**2 - 2 * chance**2)))
    value = value_of(bins)
    return Figure(name, value, min(low, value), max(high, value), n, beside, "bootstrap", higher_is_better=False)


def _confidence(judged: Judged) -> np.ndarray:
    """float64 (N,): that of each prediction."""
    return judged.confidences[np.arange(len(judged)), judged.predicted]  # type: ignore[index]


def _bins_of(judged: Judged) -> list[ReliabilityBin]:
    return reliability_bins(_confidence(judged), judged.correct)


def _resampled_errors(confidence: np.ndarray, correct: np.ndarray, seed: int) -> np.ndarray:
    """The ECE of each draw, float64 (draws,); the bins stay where the full sample put them."""
    rows = np.column_stack([_bin_numbers(confidence, BINS), confidence - correct])
    kinds, counts = kinds_of(rows)
    gaps = np.eye(BINS)[kinds[:, 0].astype(np.int64)] * kinds[:, 1:]  # (C, bins)
    return np.abs(bootstrap_sums(gaps, counts, seed)).sum(axis=1) / len(confidence)
