"""Three quantiles of a number instead of its mean: the middle and both ends, and the loss whose least they are (Koenker and Bassett 1978).

Where `loss = "quantiles"` a model has three outputs, in the order of LEVELS. The ends need not be those of the interval that is asked for:
calibration rows move them until they hold as often as promised (`metrics.conformal.margin`).
"""

from __future__ import annotations

import numpy as np

QUANTILES = "quantiles"  # what [train] loss calls it
LEVELS = (0.5, 0.05, 0.95)


def in_order(numbers: np.ndarray) -> np.ndarray:
    """float64 (N, 3): middle, low, high. Quantiles that are learnt each by itself may cross; sorted they are nearer to the true ones
    (Chernozhukov, Fernández-Val and Galichon 2010).

    >>> in_order(np.array([[3.0, 1.0, 2.0]])).tolist()
    [[2.0, 1.0, 3.0]]
    """
    return np.sort(np.asarray(numbers, dtype=np.float64), axis=1)[:, [1, 0, 2]]


def pinball(numbers: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """float64 (N,): the loss of numbers (N, 3) in the order of LEVELS, summed over the three; that of the middle is the absolute error.

    >>> pinball(np.array([[1.0, 0.0, 4.0]]), np.array([2.0])).round(9).tolist()
    [1.4]
    """
    levels, off = np.array(LEVELS), np.asarray(truth, dtype=np.float64)[:, None] - numbers
    return 2 * np.maximum(levels * off, (levels - 1) * off).sum(axis=1)  # type: ignore[no-any-return]
