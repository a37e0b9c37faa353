"""From which confidence on a cheap model answers alone."""

from __future__ import annotations

import numpy as np
import pytest

from startlm.metrics.cascade import ASK_ALWAYS, cascade_points, choose_cascade

N = 2_000
CONFIDENCE = np.linspace(1.0, 0.0, N)  # the surest first


def right(*wrong: range) -> np.ndarray:
    """bool (N,): all but these, counted from the surest."""
    hits = np.ones(N, dtype=bool)
    for each in wrong:
        hits[each] = False
    return hits


def test_the_threshold_goes_as_far_as_the_loss_allows() -> None:
    chosen, said = choose_cascade(CONFIDENCE, right(range(1_000, 2_000)), right(), 0.002, seed=0)
    assert chosen is not None and chosen.answered == 0.5 and chosen.loss == 0 and chosen.high > 0
    assert "50% of 2,000 rows" in said.en and "50%" in said.zh


def test_a_lenient_threshold_that_looks_good_by_chance_behind_a_bad_one_is_not_taken() -> None:
    cheap, dear = right(range(1_000, 1_100)), right(range(1_500, 1_600))  # 100 lost, then won back
    chosen, _ = choose_cascade(CONFIDENCE, cheap, dear, 0.002, seed=0)
    assert (np.where(CONFIDENCE > 0, cheap, dear).mean() >= dear.mean()) and chosen is not None and chosen.answered == 0.5


def test_rows_that_only_the_cheap_model_has_right_count_for_it() -> None:
    chosen, _ = choose_cascade(CONFIDENCE, right(range(200, 210)), right(range(100, 110)), 0.002, seed=0)
    assert chosen is not None and chosen.answered == 1.0 and chosen.loss == 0.0


def test_a_larger_loss_lets_the_cheap_model_answer_more() -> None:
    cheap = right(*(range(place, place + 4) for place in range(400, N, 100)))
    shares = [chosen.answered for allowed in (0.002, 0.005, 0.02) for chosen, _ in [choose_cascade(CONFIDENCE, cheap, right(), allowed, seed=0)] if chosen]
    assert shares == sorted(shares) and len(set(shares)) == 3


def test_fewer_rows_than_can_tell_give_no_cascade_and_say_so() -> None:
    few = np.linspace(1, 0, 60)
    chosen, said = choose_cascade(few, np.ones(60, bool), np.ones(60, bool), 0.002, seed=0)
    assert chosen is None and "60 rows" in said.en and "60 行" in said.zh
    assert choose_cascade(np.zeros(0), np.zeros(0, bool), np.zeros(0, bool), 0.002, seed=0)[0] is None


def test_a_cascade_in_which_the_cheap_model_would_hardly_answer_is_none() -> None:
    assert choose_cascade(CONFIDENCE, right(range(300, N)), right(), 0.002, seed=0)[0] is None


def test_no_row_lies_upon_the_threshold() -> None:
    confidence = np.repeat([0.9999999, 0.7000001, 0.4], [1_000, 500, 500])
    chosen, _ = choose_cascade(confidence, right(range(1_500, N)), right(), 0.002, seed=0)
    assert chosen is not None and chosen.threshold == 0.7 and chosen.answered == 0.75


def test_points_run_from_the_dear_model_alone_to_the_cheap_one_alone() -> None:
    cheap, dear = right(range(1_000, 1_200)), right(range(0, 50))
    points = cascade_points(CONFIDENCE, cheap, dear, 0.33, seed=0)
    assert points[0].threshold == ASK_ALWAYS and (points[0].loss.low, points[0].loss.high) == (0, 0) and points[0].accuracy.value == dear.mean()
    assert points[-1].accuracy.value == cheap.mean() and points[-1].loss.value == pytest.approx(dear.mean() - cheap.mean())
    assert [point.answered.value for point in points] == sorted(point.answered.value for point in points) and len(points) == 12  # type: ignore[type-var]
