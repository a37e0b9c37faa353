"""Every task keeps the published contract."""

from __future__ import annotations

import pytest

from startlm.tasks import TASKS
from startlm.tasks.classify import Classify
from startlm.testing import check_task


@pytest.mark.parametrize("task", TASKS)
def test_a_task_keeps_its_promises(task: str) -> None:
    check_task(task)


def test_the_check_notices_a_task_that_hands_nothing_over() -> None:
    class Eager(Classify):
        @staticmethod
        def handed_over(confidences, settings):
            return confidences[:, 0] < 0

        @staticmethod
        def answers(confidences, settings):
            return [answer._replace(handed_over=False) for answer in Classify.answers(confidences, settings)]

    with pytest.raises(AssertionError, match="handed over"):
        check_task(Eager)
