"""The linear family beside scikit-learn's TF-IDF + LinearSVC on folds of a set's train part; no test part is read.

    python benchmarks/linear.py banking77 thucnews-title

One line a set: accuracy of both over 5 folds with the paired difference and its 95 % interval; seconds to fit; rows answered a
second and milliseconds for one warm row on one thread; megabytes stored. The peer gets the better of two character analysers
and of three C, found inside the first fold.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from pathlib import Path
from typing import Any, Callable

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from startlm.core.contracts import Facts, Fitted, Labelled
from startlm.engines.numpy import NumpyEngine
from startlm.families.linear import Linear

DATA = Path(os.environ.get("STARTLM_DATA") or Path(__file__).resolve().parents[1] / ".." / "shared" / "data")
SETS = {  # file, text column, label column, label to leave out, is it Chinese
    "banking77": ("banking77/train.csv", "text", "category", "", False),
    "clinc150": ("clinc150/train.csv", "text", "intent", "oos", False),
    "thucnews-title": ("thucnews-title/train.csv", "text", "label", "", True),
    "chnsenticorp": ("chnsenticorp/train.csv", "text", "label", "", True),
    "waimai-10k": ("waimai-10k/reviews.csv", "review", "label", "", True),
    "hint3-sofmattress": ("hint3-sofmattress/train.csv", "text", "intent", "NO_NODES_DETECTED", False),
}


def measure(set_name: str) -> dict[str, Any]:
    """Every figure of one set. Raises FileNotFoundError where the data is not there."""
    rows = load_rows(set_name)
    facts = Facts(len(rows), int(rows.labels.max()) + 1, float(np.mean([len(text) for text in rows.texts])), 0, 0.0)
    ours, theirs, seconds = [], [], []
    peer = None
    for inside, outside in StratifiedKFold(5, shuffle=True, random_state=0).split(rows.texts, rows.labels):
        train, held = rows.take(inside), rows.take(outside)
        peer = peer or best_peer(train, SETS[set_name][4])
        fitted, our_seconds = timed(fit_ours, train, facts)
        pipeline, peer_seconds = timed(peer().fit, train.texts, train.labels)
        answer = answerer(fitted)
        ours.append(answer(held.texts).argmax(axis=1) == held.labels)
        theirs.append(pipeline.predict(held.texts) == held.labels)
        seconds.append((our_seconds, peer_seconds))
    gain = np.concatenate(ours).astype(float) - np.concatenate(theirs)
    half = 1.96 * gain.std() / np.sqrt(len(gain))
    with threadpool_limits(1):
        rates = [rate(answer, held.texts), rate(pipeline.predict, held.texts)]
        one = float(np.median([timed(answer, [text])[1] for text in held.texts[:500]])) * 1000
    return {
        "set": set_name, "accuracy": float(np.mean(np.concatenate(ours))), "peer": float(np.mean(np.concatenate(theirs))),
        "gain": (gain.mean(), gain.mean() - half, gain.mean() + half), "chosen": dict(fitted.recipe.options),
        "fit_seconds": np.median(seconds, axis=0).tolist(), "rows_per_second": rates, "one_ms": one,
        "megabytes": sum(a.nbytes for state in (fitted.engine, fitted.tokenizer.state()) for a in state.arrays.values()) / 1e6,
    }


def load_rows(set_name: str) -> Labelled:
    file, text, label, left_out, _ = SETS[set_name]
    with (DATA / file).open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row[label] != left_out]
    return Labelled([row[text] for row in rows], np.unique([row[label] for row in rows], return_inverse=True)[1].astype(np.int64))


def fit_ours(train: Labelled, facts: Facts) -> Fitted:
    *_, last = Linear.fit_steps(train, None, facts.labels, Linear.recipe(facts, "auto"), 0)
    return last.result


def answerer(fitted: Fitted) -> Callable[[list[str]], np.ndarray]:
    engine = NumpyEngine.from_state(fitted.engine)
    return lambda texts: engine.logits(fitted.tokenizer.encode(texts))


def best_peer(train: Labelled, chinese: bool) -> Callable[[], Any]:
    """The pipeline with the most right answers on a fifth of these rows."""
    inside, outside = next(StratifiedKFold(5, shuffle=True, random_state=1).split(train.texts, train.labels))
    fit, held = train.take(inside), train.take(outside)
    right = {}
    for analyzer in ("char",) if chinese else ("char_wb", "char"):
        union = peer_features(analyzer, chinese)
        features, others = union.fit_transform(fit.texts), union.transform(held.texts)
        for cost in (0.5, 1.0, 2.0):
            right[analyzer, cost] = LinearSVC(C=cost, random_state=0).fit(features, fit.labels).score(others, held.labels)
    analyzer, cost = max(right, key=right.__getitem__)
    return lambda: make_pipeline(peer_features(analyzer, chinese), LinearSVC(C=cost, random_state=0))


def peer_features(analyzer: str, chinese: bool) -> Any:
    characters = TfidfVectorizer(analyzer=analyzer, ngram_range=(1, 3) if chinese else (2, 5), sublinear_tf=True)
    return characters if chinese else make_union(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), characters)


def timed(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    start = time.perf_counter()
    return work(*arguments), time.perf_counter() - start


def rate(answer: Callable[[list[str]], Any], texts: list[str]) -> float:
    """Rows a second: the median of five warm passes over at least 2,000 rows."""
    texts = list(texts) * -(-2000 // len(texts))
    answer(texts)
    return len(texts) / float(np.median([timed(answer, texts)[1] for _ in range(5)]))


def main(names: list[str]) -> None:
    for name in names or SETS:
        f = measure(name)
        gain, low, high = (100 * x for x in f["gain"])
        print(f"{name}: accuracy {f['accuracy']:.2%}, peer {f['peer']:.2%}, gain {gain:+.2f} [{low:+.2f}, {high:+.2f}]; "
              f"fit {f['fit_seconds'][0]:.2f} s, peer {f['fit_seconds'][1]:.2f} s; rows/s {f['rows_per_second'][0]:,.0f}, "
              f"peer {f['rows_per_second'][1]:,.0f} ({f['rows_per_second'][0] / f['rows_per_second'][1]:.1f} times); "
              f"one {f['one_ms']:.2f} ms; {f['megabytes']:.1f} MB; {f['chosen']}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
