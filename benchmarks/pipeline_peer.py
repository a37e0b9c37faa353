"""Hugging Face's pipeline on one file of texts, run by a Python that has `transformers`: JSON in, rows a second of each round as the last line out.

The head has random weights: its speed does not depend on them. The best of its usual ways: batches of 32, inference mode, the threads asked for.
"""

import json
import sys
import time

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

given = json.load(sys.stdin)
torch.set_num_threads(given["threads"])
model = AutoModelForSequenceClassification.from_pretrained(given["folder"], num_labels=given["labels"], local_files_only=True).eval()
answer = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(given["folder"], local_files_only=True), device="cpu", batch_size=given["batch"])
rates = []
for _ in range(given["times"] + 1):
    began = time.perf_counter()
    answer(given["texts"], truncation=True)
    rates.append(len(given["texts"]) / (time.perf_counter() - began))
sys.stdout.write("\n" + json.dumps(rates[1:]) + "\n")
