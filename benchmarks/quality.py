"""Quality through the five public calls, beside the peer on the same rows: `auto-SET`, `test-SET`, `families`."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from math import comb
from typing import Any, Mapping

import numpy as np
from machine import all_threads
from peer import fit_peer
from sets import FOLDS, NONE, SETS, Rows, few, folds, leaking, load, near_groups, without
from work import Work, timed

from startlm import build_model, deploy_model, evaluate_model, open_bundle, prepare_examples, train_model
from startlm.metrics.comparison import paired_gain
from startlm.metrics.intervals import exact_interval

BUDGET = "5m"  # the default
QUICK = {"rows": 500, "folds": 2, "budget": "10s"}
FAMILY_SETS = ("banking77", "thucnews-title")
FAMILIES = ("linear", "convolution", "lstm", "transformer")


@dataclass(frozen=True)
class Ours:
    """What one pass through the five calls gave: answers for the held rows, seconds a step, what was chosen, the ladder's table."""

    answers: list[str]
    seconds: dict[str, float]
    chosen: str
    ladder: list[dict[str, Any]]


def run_ours(work: Work, train: Rows, held: Rows, dev: Rows = NONE, *, family: str = "auto", budget: str = BUDGET) -> Ours:
    """Prepare, build, train, evaluate, deploy with default settings; the deployed bundle answers the held rows."""
    table = train.records("train") + dev.records("dev") + held.records("test")
    folder, seconds = work.folder("run"), {}
    examples, seconds["prepare"] = timed(lambda: prepare_examples(table, text="text", label="label", split_column="part", folder=folder / "data"))
    model, seconds["build"] = timed(lambda: build_model(examples, family=family))
    trained, seconds["train"] = timed(lambda: train_model(model, examples, budget=budget, folder=folder / "train"))
    report, seconds["evaluate"] = timed(lambda: evaluate_model(trained, examples, folder=folder))
    bundle, seconds["deploy"] = timed(lambda: deploy_model(trained, report, to=folder / "bundles", force=True))
    predictor = open_bundle(bundle.folder)
    answers = [answer.prediction for answer in predictor.predict(held.texts)]
    chosen = " + ".join(sized(member) for member in predictor.settings["members"])
    shutil.rmtree(folder)
    return Ours(answers, seconds, chosen, [dict(line) for line in trained.ladder])


def sized(member: Mapping[str, Any]) -> str:
    """A family with its size, where it has several."""
    return member["family"] if member["size"] in ("", "auto") else f"{member['family']} ({member['size']})"


# ----------------------------------------------------------- folds of train

def auto(work: Work, name: str) -> dict[str, Any]:
    """Five folds of the train file; equal or near rows stay in one fold."""
    rows = load(name, "train")
    rows = few(rows, QUICK["rows"]) if work.quick else rows
    count = QUICK["folds"] if work.quick else FOLDS
    fold = folds(rows.labels, near_groups(rows), count)
    parts = [(rows.take(np.flatnonzero(fold != number)), rows.take(np.flatnonzero(fold == number))) for number in range(count)]
    pieces = [work.piece(f"fold-{number}", lambda train=train, held=held: _side_by_side(work, train, NONE, held, SETS[name].chinese))
              for number, (train, held) in enumerate(parts)]  # fmt: skip
    ours, theirs = (np.concatenate([piece[side] for piece in pieces]).astype(bool) for side in ("ours", "peer"))
    gain = paired_gain(theirs, ours, seed=0)
    intervals = {side: list(exact_interval(int(right.sum()), len(right))) for side, right in (("ours", ours), ("peer", theirs))}
    return {
        "set": name, "n": len(rows), "folds": count, "gain": [gain.value, gain.low, gain.high], "intervals": intervals,
        "accuracy": float(np.mean([np.mean(piece["ours"]) for piece in pieces])), "peer": float(np.mean([np.mean(piece["peer"]) for piece in pieces])),
        "by_fold": [[float(np.mean(piece["ours"])), float(np.mean(piece["peer"]))] for piece in pieces],
        "seconds": [sum(piece["seconds"].values()) for piece in pieces], "train_seconds": [piece["seconds"]["train"] for piece in pieces],
        "peer_seconds": [piece["peer_seconds"] for piece in pieces], "chosen": [piece["chosen"] for piece in pieces],
        "peer_chosen": [piece["peer_chosen"] for piece in pieces], "threads": pieces[0]["threads"],
    }


def _side_by_side(work: Work, train: Rows, dev: Rows, held: Rows, chinese: bool) -> dict[str, Any]:
    """Both learn from train and dev (ours is told which is which) and answer the held rows; 0 and 1 a row: was it right."""
    with all_threads() as threads:
        ours = run_ours(work, train, held, dev, budget=QUICK["budget"] if work.quick else BUDGET)
        peer = fit_peer(train + dev, chinese)
    return {
        "ours": _right(ours.answers, held), "peer": _right(peer.answers(held.texts), held), "seconds": ours.seconds, "chosen": ours.chosen,
        "ladder": ours.ladder, "peer_seconds": peer.fit_seconds, "peer_chosen": f"{peer.analyser}, C {peer.cost:g}", "threads": threads,
    }


def _right(answers: list[str], held: Rows) -> list[int]:
    return [int(answer == label) for answer, label in zip(answers, held.labels, strict=True)]


# ----------------------------------------------------------------- test, once

def test(work: Work, name: str) -> dict[str, Any]:
    """The whole train file (a given dev part as dev), then the test file once; where the set leaks, clean and retrained too."""
    train, dev, held = (load(name, part) for part in ("train", "dev", "test"))
    if work.quick:  # never a test row in a trial
        train, dev = few(train, QUICK["rows"]), few(dev, QUICK["rows"])
        held = few(train, 100, seed=1)
    learn = train + dev
    sources, targets = leaking(learn, held)
    published = work.piece("published", lambda: _side_by_side(work, train, dev, held, SETS[name].chinese))
    clean = np.setdiff1d(np.arange(len(held)), targets)
    figures = {"set": name, "leaking_test_rows": len(targets), "leaking_train_rows": len(sources), "published": _judged(published, np.arange(len(held))),
               "clean": _judged(published, clean), "chosen": published["chosen"], "peer_chosen": published["peer_chosen"],
               "seconds": sum(published["seconds"].values()), "peer_seconds": published["peer_seconds"]}  # fmt: skip
    if SETS[name].leaks:
        kept, kept_dev = without(train, sources[sources < len(train)]), without(dev, sources[sources >= len(train)] - len(train))
        retrained = work.piece("retrained", lambda: _side_by_side(work, kept, kept_dev, held, SETS[name].chinese))
        figures["retrained"] = _judged(retrained, np.arange(len(held))) | {"chosen": retrained["chosen"]}
    return figures


def _judged(piece: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
    """Both accuracies with exact intervals, and the chance of so many rows lost to the peer if neither were better."""
    ours, theirs = (np.array(piece[side], dtype=bool)[rows] for side in ("ours", "peer"))
    figures = {side: [hits / max(1, len(rows)), *exact_interval(hits, len(rows))] for side, hits in (("ours", int(ours.sum())), ("peer", int(theirs.sum())))}
    return figures | {"n": len(rows), "p_below": p_below(int(np.sum(theirs & ~ours)), int(np.sum(ours & ~theirs)))}


def p_below(only_peer: int, only_ours: int) -> float:
    """McNemar's exact test, one-sided: P(X >= only_peer) for X ~ Binomial(only_peer + only_ours, 1/2).

    >>> p_below(3, 0)
    0.125
    """
    n = only_peer + only_ours
    return sum(comb(n, k) for k in range(only_peer, n + 1)) / 2**n


# ------------------------------------------------------------- each family

def families(work: Work) -> dict[str, Any]:
    """Each family's figure on dev, with default settings, on an English and a Chinese set; no test row is read."""
    lines = [work.piece(f"{name}-{family}", lambda name=name, family=family: _dev_figure(work, name, family)) for name in FAMILY_SETS for family in FAMILIES]
    return {"lines": lines}


def _dev_figure(work: Work, name: str, family: str) -> dict[str, Any]:
    train, dev = load(name, "train"), load(name, "dev")
    if work.quick:
        train, dev = few(train, QUICK["rows"]), NONE
    if not len(dev):  # one row in ten chooses; equal or near rows stay on one side
        fold = folds(train.labels, near_groups(train), 10)
        train, dev = train.take(np.flatnonzero(fold != 0)), train.take(np.flatnonzero(fold == 0))
    folder = work.folder("family")
    table = train.records("train") + dev.records("dev")
    examples = prepare_examples(table, text="text", label="label", split_column="part", folder=folder / "data")
    model = build_model(examples, family=family)
    trained, seconds = timed(lambda: train_model(model, examples, budget=QUICK["budget"] if work.quick else BUDGET, folder=folder / "train"))
    shutil.rmtree(folder)
    line = trained.ladder[0]
    low, high = exact_interval(round(line["accuracy"] * line["n"]), line["n"])
    return {"set": name, "family": family, "size": line["size"], "parameters": line["parameters"], "accuracy": line["accuracy"], "low": low, "high": high,
            "n": line["n"], "log_loss": line["log_loss"], "seconds": seconds}  # fmt: skip

