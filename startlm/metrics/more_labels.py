"""Would more labels pay? A curve through the errors of models from fewer labels tells what the next ones bring.

    error(n) = b · n^(−c)

The power law of learning curves (Cortes and others 1993; Figueroa and others 2012), a straight line in logarithms.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np


def gain_of_more(labels: Sequence[int], errors: Sequence[float], more: int) -> float | None:
    """How much accuracy, in shares of 1, `more` labels beyond the largest number would bring; None without two different numbers.

    errors: shares in [0, 1] of models that learnt from so many `labels`; larger numbers weigh more. Never below 0: more labels do no harm.

    >>> round(gain_of_more([50, 100, 200], [0.4, 0.2, 0.1], 200), 3)
    0.05
    """
    n = np.asarray(labels, dtype=np.float64)
    if len(np.unique(n)) < 2:
        return None
    logs = np.log(np.maximum(np.asarray(errors, dtype=np.float64), 1e-4))
    slope, height = np.polyfit(np.log(n), logs, 1, w=np.sqrt(n))
    slope, most = min(slope, 0.0), n.max()
    return float(min(np.exp(height), 1e6) * (most**slope - (most + more) ** slope)) if slope else 0.0
