"""The learning curve of a model of numbers: in the target's unit, and what more rows promise."""

from __future__ import annotations

import numpy as np
import pytest

from startlm.metrics.error_curve import LESS, ErrorCurve, error_curve

SIZES = (200, 400, 800, 1_600)


def drawn(seed: int, factor: float, floor: float = 2.0, rows: int = 1_500) -> ErrorCurve:
    """A curve measured on rows whose errors shrink by a law; a row that is hard is so at every size."""
    rng = np.random.default_rng(seed)
    hard = rng.gamma(2.0, 0.5, rows)[:, None]
    off = hard * (floor + factor * np.array(SIZES, dtype=float) ** -0.5) * rng.uniform(0.8, 1.2, (rows, len(SIZES)))
    return error_curve(SIZES, off, np.arange(rows) % 5, now=2_000, seed=seed)


def test_the_interval_of_the_fall_holds_what_the_law_promises_nearly_always() -> None:
    truth = 30.0 * (2_000**-0.5 - 4_000**-0.5)
    curves = [drawn(seed, 30.0) for seed in range(20)]
    assert sum(each.doubling.low <= truth <= each.doubling.high for each in curves) >= 17


def test_where_rows_help_their_number_is_said_for_a_twentieth_less() -> None:
    curve = drawn(0, 60.0)
    value, low, high = curve.more
    assert low <= value <= (high or 10**9) and f"About {value:,} more rows" in curve.said.en and f"约 {value:,} 行" in curve.said.zh
    assert curve.less == pytest.approx(LESS * (curve.law[0] + curve.law[1] * 2_000 ** -curve.law[2]))
    assert curve.to_json()["rows_for_less"]["value"] == value and curve.points[0].n == 1_500 and curve.points[0].value > curve.points[-1].value


def test_where_the_curve_is_flat_more_rows_would_not_help() -> None:
    assert drawn(0, 0.0).said.en.startswith("More rows of the same kind would not help measurably")


def test_the_unit_of_the_target_changes_no_verdict() -> None:
    rng = np.random.default_rng(1)
    off = rng.gamma(2.0, 0.5, (900, 1)) * (1 + 20 * np.array(SIZES, dtype=float) ** -0.5)
    one, other = (error_curve(SIZES, unit * off, np.arange(900) % 5, now=2_000, seed=0) for unit in (1.0, 1_000.0))
    assert one.more == other.more and other.doubling.value == pytest.approx(1_000 * one.doubling.value)


def test_few_rows_and_no_errors_are_said_to_be_so() -> None:
    assert error_curve(SIZES, np.ones((12, 4)), np.arange(12) % 5, now=15, seed=0).said.en.startswith("Not enough data (12 rows)")
    assert error_curve(SIZES, np.zeros((90, 4)), np.arange(90) % 5, now=90, seed=0).more == (None, None, None)
