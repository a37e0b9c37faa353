"""Hugging Face's Trainer on texts with labels, run by a Python that has `transformers`: JSON in, rows a second as the last line out."""

import json
import sys
import tempfile
import time

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainerCallback, TrainingArguments

WARM = 50  # steps before the clock starts: grouped by length, fifty batches are sorted together, the longest first, so only whole fifties are fair

given = json.load(sys.stdin)
torch.set_num_threads(given["threads"])
tokenizer = AutoTokenizer.from_pretrained(given["folder"], local_files_only=True)
model = AutoModelForSequenceClassification.from_pretrained(given["folder"], num_labels=max(given["labels"]) + 1, local_files_only=True)
rows = [{"input_ids": ids, "label": label, "length": len(ids)} for ids, label in zip(tokenizer(given["texts"], truncation=True)["input_ids"], given["labels"])]


class Clock(TrainerCallback):
    def __init__(self):
        self.began = self.ended = 0.0

    def on_step_end(self, args, state, control, **_):
        if state.global_step == WARM:
            self.began = time.perf_counter()
        self.ended = time.perf_counter()


clock = Clock()
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(output_dir=folder, per_device_train_batch_size=given["batch"], max_steps=WARM + given["steps"], save_strategy="no", logging_strategy="no", report_to="none",
                                  disable_tqdm=True, use_cpu=not torch.cuda.is_available(), **given["switches"])
    Trainer(model=model, args=arguments, train_dataset=rows, processing_class=tokenizer, callbacks=[clock]).train()
sys.stdout.write("\n" + json.dumps(given["steps"] * given["batch"] / (clock.ended - clock.began)) + "\n")
