"""The contract checks of what is measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from startlm.core.language import say
from startlm.core.shelves import look_up
from startlm.metrics import METRICS, NUMBER_METRICS, RANKING_METRICS, SET_METRICS, TWO_LABEL_METRICS
from startlm.metrics.judged import Judged, Metric, judge
from startlm.metrics.label_sets import JudgedSets, SetMetric
from startlm.metrics.numbers import JudgedNumbers, NumberMetric
from startlm.metrics.rankings import JudgedRankings, RankingMetric

from .promise import hold

# ------------------------------------------------------------- metrics

def check_metric(metric: str | Metric) -> None:
    """Check that a metric keeps its promises: perfect answers are best, the order of rows does not matter, bounds hold.

    Raises AssertionError saying what does not hold.
    """
    member: Metric = look_up(METRICS, metric, say("metric", "指标")) if isinstance(metric, str) else metric
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, 400)
    confidences = random.dirichlet(np.ones(5), 400) * 0.6  # label 4 is only ever predicted
    confidences[np.arange(400), truth] += 0.4
    order, few = random.permutation(400), Judged(truth[:10], truth[:10], 5, np.eye(5)[truth[:10]])
    judged, perfect, shuffled = (judge(truth[rows], given[rows], majority=0) for rows, given in (
        (np.arange(400), confidences), (np.arange(400), np.eye(5)[truth]), (order, confidences)))
    for each in _check_figures(member, judged, perfect, shuffled, few):
        hold(each.low >= 0, f"no figure lies below 0: {each}")
        hold(each.high <= 1 or not each.higher_is_better, f"what is better when higher ends at 1: {each}")


def check_number_metric(metric: str | NumberMetric) -> None:
    """Check that a metric of numbers keeps its promises: as `check_metric`, and the baseline stands beside it, or none. Raises AssertionError."""
    member: NumberMetric = look_up(NUMBER_METRICS, metric, say("metric", "指标")) if isinstance(metric, str) else metric
    random = np.random.default_rng(0)
    truth = random.gamma(2.0, 30.0, 400).round()  # skewed, with ties
    predicted, order, middle = (0.7 * truth + random.normal(0, 20, 400)).round(), random.permutation(400), (float(truth.mean()), float(np.median(truth)))
    judged, shuffled = JudgedNumbers(truth, predicted, *middle), JudgedNumbers(truth[order], predicted[order], *middle)
    figure, perfect = _check_figures(member, judged, JudgedNumbers(truth, truth, *middle), shuffled, JudgedNumbers(truth[:10], truth[:10]))
    hold(figure.baseline == perfect.baseline, "the baseline does not depend on the answers")
    hold(figure.baseline is None or (figure.baseline < figure.value) == figure.higher_is_better, f"good answers are better than the baseline's: {figure}")
    hold(member(JudgedNumbers(truth, predicted)).baseline is None, "without train there is no baseline")


def _check_figures(member: Any, judged: Any, perfect: Any, shuffled: Any, few: Any) -> tuple[Any, Any]:
    """What any metric promises of 400 judged rows, the same answered perfectly, the same in another order, and ten rows."""
    figure, best = member(judged), member(perfect)
    hold(figure.value is not None and best.value is not None and figure.n == 400, "400 rows are enough, and n says so")
    better = figure.value - best.value if figure.higher_is_better else best.value - figure.value
    hold(better <= 0, f"perfect answers are best: {best.value} against {figure.value}")
    for each in (figure, best):
        hold(each.low <= each.value <= each.high, f"the interval holds the value: {each}")
    hold(_same_figure(figure, member(shuffled)), f"the order of rows changes nothing: {figure} and {member(shuffled)}")
    hold(member(replace(judged)) == figure, "the same seed gives the same figure")
    nothing = member(few)
    hold((nothing.value, nothing.low, nothing.high, nothing.n) == (None, None, None, 10), f"ten rows give no number: {nothing}")
    return figure, best


def check_set_metric(metric: str | SetMetric) -> None:
    """Check that a metric of several labels a row keeps its promises: as `check_metric`. Raises AssertionError saying what does not hold."""
    member: SetMetric = look_up(SET_METRICS, metric, say("metric", "指标")) if isinstance(metric, str) else metric
    random = np.random.default_rng(0)
    truth, usual = random.random((400, 5)) < (0.6, 0.3, 0.3, 0.1, 0.0), np.array([True, False, False, False, False])  # label 4 is only ever predicted
    predicted, order = truth ^ (random.random((400, 5)) < 0.15), random.permutation(400)
    judged, shuffled = JudgedSets(truth, predicted, usual), JudgedSets(truth[order], predicted[order], usual)
    figure, perfect = _check_figures(member, judged, JudgedSets(truth, truth, usual), shuffled, JudgedSets(truth[:10], truth[:10], usual))
    hold(0 <= figure.low and figure.high <= 1, f"a figure of labels lies in [0, 1]: {figure}")
    hold(figure.baseline is not None and figure.baseline == perfect.baseline, "the baseline stands beside it and does not depend on the answers")


def check_ranking_metric(metric: str | RankingMetric) -> None:
    """Check that a metric of rankings keeps its promises: as `check_metric`, and a right row further up is never worse. Raises AssertionError."""
    member: RankingMetric = look_up(RANKING_METRICS, metric, say("metric", "指标")) if isinstance(metric, str) else metric
    random = np.random.default_rng(0)
    ideal = np.sort(random.integers(0, 3, (400, 5)), axis=1)[:, ::-1].astype(np.float64)
    ideal[:, 0] = 2.0  # no query without an answer
    gains = np.where(random.random((400, 12)) < 0.2, random.integers(1, 3, (400, 12)), 0).astype(np.float64)
    gains = np.where(np.cumsum(gains > 0, axis=1) <= (ideal > 0).sum(axis=1, keepdims=True), np.minimum(gains, 1.0), 0.0)
    order, best = random.permutation(400), np.concatenate([ideal, np.zeros((400, 7))], axis=1)
    figure, perfect = _check_figures(member, JudgedRankings(gains, ideal), JudgedRankings(best, ideal), JudgedRankings(gains[order], ideal[order]), JudgedRankings(gains[:10], ideal[:10]))
    hold(perfect.value == 1.0 and 0 <= figure.low and figure.high <= 1, f"a figure of rankings lies in [0, 1], and perfect is 1: {perfect}")
    hold(member(JudgedRankings(np.sort(gains, axis=1)[:, ::-1], ideal)).value >= figure.value, "a right row further up is never worse")


def check_two_label_metric(metric: str | Metric) -> None:
    """Check that a metric for two labels keeps its promises: a better ranking is better, chance is the baseline, few rows give no number.

    Raises AssertionError saying what does not hold.
    """
    member: Metric = look_up(TWO_LABEL_METRICS, metric, say("metric", "指标")) if isinstance(metric, str) else metric
    random = np.random.default_rng(0)
    truth = (random.random(400) < 0.3).astype(np.int64)
    sure = np.clip(0.5 * truth + 0.6 * random.random(400) - 0.05, 0, 1)
    answers = lambda each: np.stack([1 - each, each], axis=1)  # noqa: E731
    figure, perfect, chance = (member(judge(truth, answers(each), majority=0)) for each in (sure, truth.astype(float), np.full(400, 0.3)))
    hold(perfect.value == 1.0 and chance.value is not None and abs(chance.value - (chance.baseline or 0)) < 1e-9, "perfect is 1, saying the same of all is chance")
    hold(chance.value < figure.low <= figure.value <= figure.high < 1.0, f"the interval holds the value, between chance and perfect: {figure}")
    order = random.permutation(400)
    hold(_same_figure(figure, member(judge(truth[order], answers(sure[order]), majority=0))), "the order of rows changes nothing")
    few = member(judge(truth[:10], answers(sure[:10]), majority=0))
    hold((few.value, few.n) == (None, 10), f"ten rows give no number: {few}")


def _same_figure(one: Any, other: Any) -> bool:
    pairs = ((one.value, other.value), (one.low, other.low), (one.high, other.high))
    return one.n == other.n and all(abs(a - b) < 1e-12 for a, b in pairs)
