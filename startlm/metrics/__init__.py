"""Figures: one measured number each, with its interval, its n and the dumb baseline beside it.

A member of METRICS takes a `startlm.metrics.judged.Judged` (truth, predictions, confidences), one of SET_METRICS a
`startlm.metrics.label_sets.JudgedSets` (several labels a row), one of NUMBER_METRICS a
`startlm.metrics.numbers.JudgedNumbers` (truth and answers that are numbers); each returns a Figure.
"""

METRICS = {
    "accuracy": "startlm.metrics.labels:accuracy",
    "micro_precision": "startlm.metrics.labels:micro_precision",
    "micro_recall": "startlm.metrics.labels:micro_recall",
    "micro_f1": "startlm.metrics.labels:micro_f1",
    "macro_precision": "startlm.metrics.labels:macro_precision",
    "macro_recall": "startlm.metrics.labels:macro_recall",
    "macro_f1": "startlm.metrics.labels:macro_f1",
    "weighted_precision": "startlm.metrics.labels:weighted_precision",
    "weighted_recall": "startlm.metrics.labels:weighted_recall",
    "weighted_f1": "startlm.metrics.labels:weighted_f1",
    "log_loss": "startlm.metrics.labels:log_loss",
    "brier": "startlm.metrics.labels:brier",
    "calibration_error": "startlm.metrics.calibration:calibration_error",
    "calibration_error_debiased": "startlm.metrics.calibration:calibration_error_debiased",
}

# Where there are two labels: how well the rarer one is found.
TWO_LABEL_METRICS = {
    "auroc": "startlm.metrics.detection:auroc",
    "auprc": "startlm.metrics.detection:auprc",
}

# Where labels have an order.
ORDER_METRICS = {
    "steps_off": "startlm.metrics.ordered:steps_off",
    "within_one_step": "startlm.metrics.ordered:within_one_step",
    "quadratic_kappa": "startlm.metrics.ordered:quadratic_kappa",
}

# Where a row may have several labels.
SET_METRICS = {
    "samples_f1": "startlm.metrics.label_sets:samples_f1",
    "subset_accuracy": "startlm.metrics.label_sets:subset_accuracy",
    "hamming_loss": "startlm.metrics.label_sets:hamming_loss",
    "micro_precision": "startlm.metrics.label_sets:micro_precision",
    "micro_recall": "startlm.metrics.label_sets:micro_recall",
    "micro_f1": "startlm.metrics.label_sets:micro_f1",
    "macro_precision": "startlm.metrics.label_sets:macro_precision",
    "macro_recall": "startlm.metrics.label_sets:macro_recall",
    "macro_f1": "startlm.metrics.label_sets:macro_f1",
    "weighted_precision": "startlm.metrics.label_sets:weighted_precision",
    "weighted_recall": "startlm.metrics.label_sets:weighted_recall",
    "weighted_f1": "startlm.metrics.label_sets:weighted_f1",
    "samples_precision": "startlm.metrics.label_sets:samples_precision",
    "samples_recall": "startlm.metrics.label_sets:samples_recall",
}

# Where a number is told.
NUMBER_METRICS = {
    "mae": "startlm.metrics.numbers:mae",
    "rmse": "startlm.metrics.numbers:rmse",
    "r2": "startlm.metrics.numbers:r2",
    "spearman": "startlm.metrics.numbers:spearman",
}

# Where rows are searched and ranked.
RANKING_METRICS = {
    "recall_at": "startlm.metrics.rankings:recall_at",
    "hit_at": "startlm.metrics.rankings:hit_at",
    "reciprocal_rank": "startlm.metrics.rankings:reciprocal_rank",
    "ndcg_at": "startlm.metrics.rankings:ndcg_at",
}
