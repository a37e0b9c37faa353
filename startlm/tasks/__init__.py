"""What a model is asked. A task owns the roles of columns, the dumb baseline, the figures and the form of an answer."""

from __future__ import annotations

from ..core.language import say
from ..core.shelves import look_up

TASKS = {
    "classify": "startlm.tasks.classify:Classify",
    "classify_several": "startlm.tasks.classify_several:ClassifySeveral",
    "score": "startlm.tasks.score:Score",
}
# What a bundle need not import to answer: how a task's label column is read, and how its report is made.
LEARNT = {"classify": "startlm.tasks.labels:Labels", "classify_several": "startlm.tasks.label_sets:LabelSets", "score": "startlm.tasks.targets:Targets"}
REPORTS = {"classify": "startlm.tasks.label_report:LabelReport", "classify_several": "startlm.tasks.label_sets_report:LabelSetsReport",
           "score": "startlm.tasks.number_report:NumberReport"}
ASKED = ("classify", "score")  # what startlm.toml may say; whether rows have several labels shows in the label column


def known_task(name: str) -> None:
    """Raises CallError for a task that is not on the shelf."""
    look_up(dict.fromkeys(ASKED, "builtins:str"), name, say("task", "任务"))
