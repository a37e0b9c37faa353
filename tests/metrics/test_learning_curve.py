"""The learning curve: the law through the points, what more rows promise, and how often the interval holds the truth."""

from __future__ import annotations

import numpy as np
import pytest

from startlm.metrics.learning_curve import Curve, fit_law, learning_curve, sizes_worth

SIZES = (200, 400, 800, 1_600)


def test_the_law_of_points_that_follow_one_is_found() -> None:
    errors = 0.05 + 3.0 * np.array(SIZES, dtype=float) ** -0.6
    law = fit_law(np.array(SIZES, dtype=float), errors[None])
    assert law.error(3_200)[0] == pytest.approx(0.05 + 3.0 * 3_200**-0.6, abs=1e-3)
    now, gain = 2_000, 0.01
    more = law.more_for(gain, now)[0]
    assert law.error(now)[0] - law.error(now + more)[0] == pytest.approx(gain, abs=1e-9)


def test_what_no_number_of_rows_gives_is_infinite() -> None:
    law = fit_law(np.array(SIZES, dtype=float), np.array([[0.1, 0.1, 0.1, 0.1], [0.104, 0.102, 0.101, 0.1005]]))
    assert np.all(np.isinf(law.more_for(0.01, 2_000))) and law.factor[0] == 0


def test_a_curve_that_rises_with_more_rows_is_called_flat_not_harmful() -> None:
    law = fit_law(np.array(SIZES, dtype=float), np.array([[0.1, 0.11, 0.12, 0.13]]))
    assert law.error(3_200)[0] == pytest.approx(0.115) == law.error(200)[0]


def drawn(seed: int, factor: float, floor: float = 0.05, rows: int = 2_000) -> Curve:
    """A curve measured on rows whose chance of being right follows a law; a row that is easy is so at every size, as real ones are."""
    rng = np.random.default_rng(seed)
    error = floor + factor * np.array(SIZES, dtype=float) ** -0.5
    right = rng.random(rows)[:, None] * 0.7 + rng.random((rows, len(SIZES))) * 0.3  # what is shared, and what is not
    edges = np.quantile(right, error, axis=0).diagonal()
    return learning_curve(SIZES, right > edges, np.arange(rows) % 5, now=2_000, seed=seed)


def test_the_interval_of_the_gain_holds_what_the_law_promises_nearly_always() -> None:
    truth = 2.0 * (2_000**-0.5 - 4_000**-0.5)
    curves = [drawn(seed, 2.0) for seed in range(40)]
    assert sum(each.doubling.low <= truth <= each.doubling.high for each in curves) >= 35
    assert all(each.doubling.low <= each.doubling.value <= each.doubling.high for each in curves)


def test_where_rows_help_their_number_is_said() -> None:
    curve = drawn(0, 4.0)
    value, low, high = curve.more
    assert low <= value <= (high or 10**9) and f"About {value:,} more rows" in curve.said.en and f"约 {value:,} 行" in curve.said.zh
    assert curve.to_json()["points"][0] == {"rows": 200, "accuracy": curve.to_json()["points"][0]["accuracy"]} and curve.points[0].n == 2_000


def test_where_the_curve_is_flat_more_rows_would_not_help() -> None:
    curve = drawn(0, 0.0)
    assert curve.doubling.high < 0.01 and curve.said.en.startswith("More rows of the same kind would not help measurably")


@pytest.mark.parametrize(("learnt", "labels", "count"), [(1_600, 10, 4), (150, 40, 0), (200, 3, 4), (170, 3, 4), (150, 3, 3), (60, 3, 0), (1_600, 100, 4), (1_000, 100, 3)])
def test_sizes_with_too_few_rows_are_left_out_and_two_points_are_no_curve(learnt: int, labels: int, count: int) -> None:
    assert len(sizes_worth(learnt, labels)) == count


def test_twenty_rows_say_nothing() -> None:
    right = np.ones((12, 4), dtype=bool)
    assert learning_curve(SIZES, right, np.arange(12) % 5, now=15, seed=0).said.en.startswith("Not enough data (12 rows)")
