"""What a model is asked. A task owns the roles of columns, the dumb baseline, the figures and the form of an answer."""

TASKS = {
    "classify": "startlm.tasks.classify:Classify",
}
