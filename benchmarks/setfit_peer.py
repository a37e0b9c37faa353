"""SetFit on a few rows, run by a Python that has `setfit`: JSON in, its answers and its seconds of training as the last line out."""

import json
import sys
import tempfile
import time

from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments

given = json.load(sys.stdin)
names = sorted(set(given["labels"]))
rows = Dataset.from_dict({"text": given["texts"], "label": [names.index(label) for label in given["labels"]]})
began = time.perf_counter()
model = SetFitModel.from_pretrained(given["folder"])
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(output_dir=folder, batch_size=16, num_epochs=1, num_iterations=given["iterations"], seed=0, save_strategy="no", report_to="none")
    Trainer(model=model, args=arguments, train_dataset=rows).train()
seconds = time.perf_counter() - began
answers = [names[int(number)] for number in model.predict(given["held"])]
sys.stdout.write("\n" + json.dumps({"answers": answers, "seconds": seconds}) + "\n")
