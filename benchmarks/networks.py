"""Training of `lstm` and `transformer` beside the plain loop one writes first; no test part is read.

    python benchmarks/networks.py                       # both families on banking77: rows a second
    python benchmarks/networks.py lstm thucnews-title --train     # and both trained to the end: accuracy on held-out rows

The plain loop: every row padded to the 99th percentile of the set's lengths, 32 rows a batch, fp32, dense gradients, torch's AdamW,
the same threads, the same layers (`transformer`: torch.nn.TransformerEncoder of the same width, heads and layers). `per_batch` is that
loop padded to each batch's longest row only.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from startlm.core.batches import padded
from startlm.core.contracts import Facts, Labelled, Ragged
from startlm.core.descent import Descent, DescentPlan, accuracy, descend, logits_of, plan_descent, schedule, steady
from startlm.core.embeddings import Embedding, pool
from startlm.core.language import say
from startlm.core.shelves import look_up
from startlm.core.step_times import measure as measure_steps
from startlm.families import FAMILIES
from startlm.families.transformer import positions
from startlm.tokenizers import TOKENIZERS

DATA = Path(os.environ.get("STARTLM_DATA") or Path(__file__).resolve().parents[1] / ".." / "shared" / "data")
SETS = {  # train, dev ("": a fifth of train), label column, label to leave out
    "banking77": ("banking77/train.csv", "", "category", ""),
    "clinc150": ("clinc150/train.csv", "clinc150/dev.csv", "intent", "oos"),
    "thucnews-title": ("thucnews-title/train.csv", "thucnews-title/dev.csv", "label", ""),
    "chnsenticorp": ("chnsenticorp/train.csv", "chnsenticorp/dev.csv", "label", ""),
}
BATCH, ROUNDS, STEPS = 32, 5, 12


def measure(family: str, set_name: str, *, train: bool = False, seed: int = 0) -> dict[str, Any]:
    """Rows a second of our loop and of the plain one, each the median of five rounds taken in turns; with `train`, both dev figures."""
    rows, dev, labels = load_rows(set_name)
    member = look_up(FAMILIES, family, say("family", "模型种类"))
    lengths = np.array([len(text) for text in rows.texts])
    chinese = float(np.mean([any("\u4e00" <= character <= "\u9fff" for character in text) for text in rows.texts]))
    recipe = member.recipe(Facts(len(rows), labels, float(lengths.mean()), int(np.percentile(lengths, 99)), chinese), "auto")
    tokenizer = look_up(TOKENIZERS, recipe.tokenizer, say("tokenizer", "分词器")).fit(rows.texts, **recipe.tokenizer_options)
    encoded = tokenizer.encode(rows.texts)
    torch.manual_seed(seed)
    network = member.network(recipe, tokenizer.vocabulary_size, labels)
    timed = measure_steps(network, encoded, rows.labels, recipe.options, seed=seed)
    plan = plan_descent(recipe.options, encoded, rows.labels, timed, seed=seed)
    make = lambda: plain_network(family, recipe.options, network, tokenizer.vocabulary_size, labels)  # noqa: E731
    rates = rates_of(Descent(member.network(recipe, tokenizer.vocabulary_size, labels), encoded, rows.labels, plan), make, encoded, rows.labels)
    figures = {}
    if train:
        held = (tokenizer.encode(dev.texts), dev.labels)
        figures = trained(network, make(), (encoded, rows.labels), held, plan)
    return {
        "family": family, "set": set_name, "size": recipe.size, "parameters": sum(p.numel() for p in network.parameters()),
        "precision": timed.precision, "threads": timed.threads, **rates,
        "times_plain": rates["ours"] / rates["plain"], "times_per_batch": rates["ours"] / rates["per_batch"], **figures,
    }


def rates_of(descent: Descent, make: Any, encoded: Ragged, labels: np.ndarray) -> dict[str, float]:
    """Median rows a second of the three loops, warm, in turns, so that a busy machine slows all alike."""
    whole = int(np.percentile(encoded.lengths, 99))
    loops = {"ours": ours(descent)}
    loops |= {name: plain_loop(make(), encoded, labels, descent.plan, width) for name, width in (("plain", whole), ("per_batch", 0))}
    seen: dict[str, list[float]] = {name: [] for name in loops}
    with steady(descent.plan):
        for turn in range(ROUNDS + 1):
            for name, loop in loops.items():
                start, done = time.perf_counter(), sum(next(loop) for _ in range(STEPS))
                if turn:  # the first round warms up
                    seen[name].append(done / (time.perf_counter() - start))
    return {name: float(np.median(values)) for name, values in seen.items()}


def ours(descent: Descent) -> Iterator[int]:
    while True:
        yield descent.take_step().rows


def plain_loop(network: nn.Module, encoded: Ragged, labels: np.ndarray, plan: DescentPlan, width: int) -> Iterator[int]:
    """The loop one writes first, on and on; yields the rows of each step. width: positions of each batch (0: its longest row)."""
    targets, optimiser = torch.from_numpy(labels), torch.optim.AdamW(network.parameters(), weight_decay=plan.weight_decay)
    steps, step = plan.steps * plan.batch_tokens // max(1, int(encoded.lengths.mean() * BATCH)), 0
    for epoch in range(10**6):
        order = np.random.default_rng((plan.seed, epoch)).permutation(len(labels))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            ids, lengths = (torch.from_numpy(array) for array in padded(encoded, rows, longest=width))
            if width > ids.shape[1]:
                ids = F.pad(ids, (*(0, 0) * (ids.dim() - 2), 0, width - ids.shape[1]))
            network.train()
            optimiser.zero_grad()
            loss = F.cross_entropy(network(ids, lengths), targets[rows], label_smoothing=plan.label_smoothing)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), plan.clip or 1e9)
            for group in optimiser.param_groups:
                group["lr"] = plan.learning_rate * schedule(min(step, steps), replace(plan, steps=steps))
            optimiser.step()
            step += 1
            yield len(rows)


def plain_network(family: str, options: Any, like: nn.Module, vocabulary: int, labels: int) -> nn.Module:
    """The same layers without our embedding's sparse gradient; for `transformer`, torch's own encoder."""
    if family == "transformer":
        return TorchTransformer(options, vocabulary, labels)
    network = type(like)(dict(options), vocabulary, labels)
    network.embedding.sparse = False
    return network


class TorchTransformer(nn.Module):
    """torch.nn.TransformerEncoder between the same embedding, positions and pooling."""

    def __init__(self, options: Any, vocabulary: int, labels: int) -> None:
        super().__init__()
        self.width = options["width"]
        self.embedding = Embedding(vocabulary, self.width, spread=self.width**-0.5, sparse=False)
        layer = nn.TransformerEncoderLayer(
            self.width, options["heads"], 4 * self.width, options["dropout"], activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, options["layers"], norm=nn.LayerNorm(self.width), enable_nested_tensor=False)
        self.dropout, self.head = nn.Dropout(options["head_dropout"]), nn.Linear(2 * self.width, labels)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        at = torch.arange(ids.shape[1])
        vectors = self.embedding(ids) * self.width**0.5 + positions(at, self.width)
        states = self.encoder(vectors, src_key_padding_mask=at >= lengths.clamp(min=1).unsqueeze(1))
        return self.head(self.dropout(pool(states.transpose(1, 2), lengths, lowest=-1e4)))


def trained(network: nn.Module, plain: nn.Module, train: tuple[Ragged, np.ndarray], dev: tuple[Ragged, np.ndarray], plan: DescentPlan) -> dict[str, float]:
    """Dev accuracy of both after as many epochs, at the last step (no weights are picked on dev), and the seconds each took."""
    start = time.perf_counter()
    for _ in descend(network, *train, plan):
        pass
    ours_took, start = time.perf_counter() - start, time.perf_counter()
    whole = int(np.percentile(train[0].lengths, 99))
    loop, left = plain_loop(plain, *train, plan, whole), plan.steps * plan.batch_tokens / train[0].lengths.mean()
    with steady(plan):
        while left > 0:
            left -= next(loop)
    plain_took = time.perf_counter() - start
    return {
        "accuracy": accuracy(logits_of(network, dev[0], plan), dev[1]), "plain_accuracy": accuracy(logits_of(plain, dev[0], plan), dev[1]),
        "seconds": ours_took, "plain_seconds": plain_took, "n": len(dev[1]),
    }


def load_rows(set_name: str) -> tuple[Labelled, Labelled, int]:
    """(train, dev, number of labels). Raises FileNotFoundError where the data is not there."""
    train_file, dev_file, label, left_out = SETS[set_name]
    parts = [read(file, label, left_out) for file in (train_file, dev_file) if file]
    names = sorted({name for _, name in parts[0]})
    numbers = {name: number for number, name in enumerate(names)}
    train, *dev = (Labelled([text for text, _ in part], np.array([numbers[name] for _, name in part])) for part in parts)
    if dev:
        return train, dev[0], len(names)
    order = np.random.default_rng(0).permutation(len(train))
    return train.take(order[len(order) // 5 :]), train.take(order[: len(order) // 5]), len(names)


def read(file: str, label: str, left_out: str) -> list[tuple[str, str]]:
    with (DATA / file).open(encoding="utf-8-sig", newline="") as stream:
        return [(row["text"], row[label]) for row in csv.DictReader(stream) if row[label] != left_out]


def main(arguments: list[str]) -> None:
    names = [name for name in arguments if not name.startswith("-")]
    families = [name for name in names if name in FAMILIES] or ["lstm", "transformer"]
    for family in families:
        for set_name in [name for name in names if name in SETS] or ["banking77"]:
            print(json.dumps(measure(family, set_name, train="--train" in arguments)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
