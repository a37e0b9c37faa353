"""Figures: one measured number each, with its interval, its n and the dumb baseline beside it.

A member of METRICS takes a `startlm.metrics.judged.Judged` (truth, predictions, confidences), one of NUMBER_METRICS a
`startlm.metrics.numbers.JudgedNumbers` (truth and answers that are numbers); both return a Figure.
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

# Where a number is told.
NUMBER_METRICS = {
    "mae": "startlm.metrics.numbers:mae",
    "rmse": "startlm.metrics.numbers:rmse",
    "r2": "startlm.metrics.numbers:r2",
    "spearman": "startlm.metrics.numbers:spearman",
}
