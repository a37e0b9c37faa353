"""AutoGluon's answers to one fold, run by a Python that has `autogluon.tabular[lightgbm]`: JSON in, the answers as the last line out."""

import json
import sys
import tempfile

import pandas
from autogluon.tabular import TabularPredictor

given = json.load(sys.stdin)
with tempfile.TemporaryDirectory() as folder:
    predictor = TabularPredictor(given["label"], path=folder, problem_type="regression", eval_metric="mean_absolute_error", verbosity=0)
    predictor.fit(pandas.DataFrame(given["train"]), presets="medium_quality")
    answers = predictor.predict(pandas.DataFrame(given["held"]))
sys.stdout.write("\n" + json.dumps([float(answer) for answer in answers]) + "\n")
