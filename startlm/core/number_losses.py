"""What a model of numbers minimises, row by row, and what everything that chooses between such models therefore compares: the squared error,
the absolute one, or the pinball losses of three quantiles, the middle and both ends (Koenker and Bassett 1978).

Where `loss = "quantiles"` a model has three outputs, in the order of LEVELS. The ends need not be those of the interval that is asked for:
calibration rows move them until they hold as often as promised (`metrics.conformal.margin`).
"""

from __future__ import annotations

import numpy as np

ABSOLUTE, QUANTILES = "absolute", "quantiles"  # what [train] loss calls them; "squared" is the third
LEVELS = (0.5, 0.05, 0.95)


def number_losses(numbers: np.ndarray, truth: np.ndarray, loss: str) -> np.ndarray:
    """float64 (N,): by how much numbers (N, 1), or (N, 3) of quantiles, miss the truth (N,), as `loss` counts it.

    >>> numbers, truth = np.array([[1.0], [4.0]]), np.array([3.0, 4.5])
    >>> number_losses(numbers, truth, "squared").tolist(), number_losses(numbers, truth, "absolute").tolist()
    ([4.0, 0.25], [2.0, 0.5])
    """
    if loss == QUANTILES:
        return pinball(in_order(numbers), truth)
    off = np.abs(numbers[:, 0] - truth)
    return off if loss == ABSOLUTE else np.square(off)  # type: ignore[no-any-return]


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
