"""How long a step takes here, in which precision, with how many threads, on which device: measured before a descent is planned. Needs torch."""

from __future__ import annotations

import itertools
import math
import time
from copy import deepcopy
from typing import Any, Mapping

import numpy as np
from torch import nn

from .contracts import Ragged
from .descent import Descent, Exploded, not_finite, steady
from .descent_plan import DescentPlan, Measured, batch_tokens
from .devices import devices, place
from .language import Said, say
from .workers import processors

__all__ = ["measure"]

FEWEST, MOST = 3, 12  # steps that are timed
LONGEST = 1.0  # seconds within which more than FEWEST are
LOST = 1.5  # times the fastest so far: steps differ in length, but not by so much


def measure(network: nn.Module, train: Ragged, labels: np.ndarray, options: Mapping[str, Any], *, seed: int = 0, threads: int | None = None) -> Measured:
    """Time a few steps in bf16 and fp32, on the processor with all threads and with one or with as many as are asked for, and on a GPU where there is one; keep the fastest.

    What does not stay finite is left out. Raises WorkError where nothing does.
    """
    best: Measured | None = None
    why: Said | None = None
    counts = sorted({1, processors()} if threads is None else {threads}, reverse=True)  # what is mostly fastest first: the others then need fewer steps
    places = [(device, count) for device in devices() for count in (counts if device == "cpu" else counts[:1])]  # a GPU's speed hangs little on threads
    for (device, count), precision in itertools.product(places, ("bf16", "fp32")):
        plan = DescentPlan(10**6, 10**6, batch_tokens(options, train), seed, precision, count, device, optimiser=options.get("optimiser", "adamw"), longest=options.get("longest", 0), pool=options.get("pool", DescentPlan.pool))
        try:
            seconds, rows = time_steps(Descent(deepcopy(network), train, labels, plan), beat=math.inf if best is None else best.seconds)
        except Exploded as explosion:
            why = explosion.what
            continue
        except RuntimeError:  # a GPU that is too small, or lacks what a step needs; the processor has no such excuse
            if device == "cpu":
                raise
            continue
        if best is None or seconds < best.seconds:
            said = say(
                f"{precision}, {place(device, count).en}: {rows:,.0f} rows a second, the fastest of what was timed.",
                f"{precision}，{place(device, count).zh}：每秒 {rows:,.0f} 行，是试过的里面最快的。",
            )
            best = Measured(precision, count, seconds, rows, said, device)
    if best is None:
        raise not_finite(why or say("", ""))
    return best


def time_steps(descent: Descent, beat: float = math.inf) -> tuple[float, float]:
    """(seconds a step, rows a second): one step to warm up, then the median of at least FEWEST and, within LONGEST seconds, of at most MOST; of fewer where a step takes LOST times `beat`."""
    taken: list[float] = []
    rows = 0
    with steady(descent.plan):
        descent.take_step()
        while (len(taken) < FEWEST or (len(taken) < MOST and sum(taken) < LONGEST)) and (not taken or taken[-1] < LOST * beat):
            start = time.perf_counter()
            rows += descent.take_step().rows
            taken.append(time.perf_counter() - start)
    seconds = float(np.median(taken))
    return seconds, rows / len(taken) / seconds
