"""The contract checks of tasks: what they compare, settle and answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from startlm.columns.target import Target
from startlm.core.language import say
from startlm.core.shelves import look_up
from startlm.tasks import TASKS

from .promise import hold


def check_task(task: str | type) -> None:
    """Check that a task keeps its promises. One of labels: the baseline is the most frequent label; an answer holds every label's
    confidence and the likeliest one; the threshold and the out-of-scope label hand over. One of several labels a row: those that reach their
    thresholds are answered. One of numbers: an interval holds its answer, and none is given where none was measured. Raises AssertionError saying what does not hold."""
    member: Any = look_up(TASKS, task, say("task", "任务")) if isinstance(task, str) else task
    if getattr(member, "numeric", False):
        _check_task_of_numbers(member)
        return
    if getattr(member, "several", False):
        _check_task_of_sets(member)
        return
    hold(member.baseline(np.array([2, 0, 2]), 3) == 2, "the baseline is the most frequent label")
    labels, confidences = ("post", "退款", "oos"), np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.2, 0.5, 0.3]])
    settings = {"labels": labels, "threshold": 0.6, "out_of_scope": member.out_of_scope(labels, None)}
    answers = member.answers(confidences, settings)
    hold([answer.prediction for answer in answers] == ["post", "oos", "退款"], "the likeliest label is the prediction")
    hold(all(tuple(answer.confidences) == labels and answer.confidence == max(answer.confidences.values()) for answer in answers), "every label has its confidence")
    hold([answer.handed_over for answer in answers] == [False, True, True], "what is unsure or out of scope is handed over")
    hold(member.answers(confidences[::-1], settings) == answers[::-1], "an answer does not depend on the rows beside it")


def _check_task_of_numbers(member: Any) -> None:
    values = np.array([1.0, 2.0, 3.0, 50.0, 4.0, 400.0])
    hold(tuple(member.baseline(values[:4])) == (14.0, 2.5), "the baselines are the mean and the median")
    for target in (Target.fit(values), Target.fit(-values)):
        numbers, truth = np.linspace(-1.0, 1.0, 40), np.linspace(-1.2, 1.3, 40)
        settings = {"target": target.state(), "interval": {"half_width": member.half_width(truth, numbers, target, 0.9)}}
        answers = member.answers(member.answered(numbers[:, None], settings), settings)
        hold([answer.prediction for answer in answers] == target.back(numbers).tolist(), "the prediction is in the target's own unit")
        hold(all(answer.low < answer.prediction < answer.high for answer in answers), "the interval holds its answer")
        hold(sum(answer.low <= true <= answer.high for answer, true in zip(answers, target.back(truth, clipped=False))) >= 36, "intervals hold as much as they promise")
        hold(member.answers(member.answered(numbers[::-1, None], settings), settings) == answers[::-1], "an answer does not depend on the rows beside it")
        none = member.answers(member.answered(numbers[:, None], {"target": target.state()}), settings)
        hold({answer[1:] for answer in none} == {(None, None)}, "without an interval there are no ends")


def _check_task_of_sets(member: Any) -> None:
    hold(member.baseline(np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0]], dtype=bool)).tolist() == [True, True, False], "the baseline is the most frequent combination")
    labels = ("delivery", "refund", "退款")
    random = np.random.default_rng(0)
    truth = random.random((300, 3)) < (0.5, 0.3, 0.2)
    truth[~truth.any(axis=1), 0] = True
    logits = 4.0 * truth - 2 + random.normal(0, 1.5, truth.shape)
    begun = member.begun(labels, labels, SimpleNamespace(out_of_scope=None))
    settled, said = member.settled(logits, truth, begun, SimpleNamespace(hand_over="20%"))
    settings = begun | settled
    confidences = member.answered(logits, settings)
    answers = member.answers(confidences, settings)
    hold(bool(said.en and said.zh), "what is settled is said in both languages")
    hold(all(set(answer.prediction) <= set(labels) and tuple(answer.confidences) == labels for answer in answers), "every label has its confidence, and labels are answered")
    above = [tuple(label for label, sure, least in zip(labels, row, settings["thresholds"]) if sure >= least) for row in confidences.tolist()]
    hold([answer.prediction for answer in answers] == above, "the labels that reach their thresholds are the prediction")
    sure = [not answer.handed_over for answer in answers]
    hold(any(sure) and not all(sure), "what is unsure is handed over")
    right = [set(answer.prediction) == {label for label, has in zip(labels, row) if has} for answer, row in zip(answers, truth)]
    hold(float(np.mean([ok for ok, own in zip(right, sure) if own])) >= 0.8, "what is answered is as right as [predict] hand_over asks")
    hold(member.answers(confidences[::-1], settings) == answers[::-1], "an answer does not depend on the rows beside it")
    nothing = member.answers(member.answered(np.full((1, 3), -9.0), settings), settings)[0]
    hold(nothing.prediction == () and nothing.handed_over, "a row without a label is handed over where every row has some")
