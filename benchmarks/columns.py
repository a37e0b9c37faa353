"""Columns beside or instead of a text, through the five public calls, beside well-known learners in the same folds: `columns-SET`."""

from __future__ import annotations

import csv
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import numpy as np
from machine import all_threads
from sets import DATA
from work import Work, timed

from startlm import build_model, deploy_model, evaluate_model, open_bundle, prepare_examples, train_model
from startlm.core.parts import folds_of
from startlm.metrics.comparison import paired_gain

QUICK = {"rows": 600, "folds": 2}


@dataclass(frozen=True)
class Table:
    """A set: what is read, what is told, in how many folds; `numeric`: a number is told, by absolute error."""

    rows: list[dict[str, str]]
    label: str
    folds: int
    columns: tuple[str, ...]
    text: tuple[str, ...] = ()
    numeric: bool = True

    @property
    def truth(self) -> np.ndarray:
        return np.array([float(row[self.label]) for row in self.rows]) if self.numeric else np.array([row[self.label] for row in self.rows])

    def fold_of(self) -> np.ndarray:
        """int64 (N,): rows that are equal in what is read stay in one fold."""
        names = [*self.text, *(column.partition(":")[0] for column in self.columns)]
        numbers: dict[tuple[str, ...], int] = {}
        groups = np.array([numbers.setdefault(tuple(row[name].strip() for name in names), len(numbers)) for row in self.rows])
        _, labels = np.unique(self.truth, return_inverse=True)
        return folds_of(labels, groups, self.folds, seed=0)


def wine_quality() -> Table:
    rows = _read("wine-quality", ",")
    return Table(rows, "quality", 10, tuple(f"{name}: number" for name in rows[0] if name != "quality"))


def compas() -> Table:
    kinds = {"age": "number", "sex": "category", "c_charge_degree": "category", "priors_count": "number", "juv_fel_count": "number", "juv_misd_count": "number",
             "juv_other_count": "number"}  # fmt: skip
    return Table(_read("compas", ","), "two_year_recid", 5, tuple(f"{name}: {kind}" for name, kind in kinds.items()), numeric=False)


def alexa_reviews() -> Table:
    return Table(_read("alexa-reviews", "\t"), "rating", 5, ("variation: category",), ("verified_reviews",))


def _read(name: str, delimiter: str) -> list[dict[str, str]]:
    [path] = [path for path in sorted((DATA / name).iterdir()) if path.suffix in (".csv", ".tsv")]
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


TABLES: dict[str, Callable[[], Table]] = {"wine-quality": wine_quality, "compas": compas, "alexa-reviews": alexa_reviews}


# ------------------------------------------------------------------ a set

def measure(work: Work, name: str) -> dict[str, Any]:
    """Every fold answered by a model of the others, ours and each peer's; what each row was off by, and paired gains over each peer."""
    table = TABLES[name]()
    if work.quick:
        kept = np.sort(np.random.default_rng(0).permutation(len(table.rows))[: QUICK["rows"]])
        table = Table([table.rows[i] for i in kept], table.label, QUICK["folds"], table.columns, table.text, table.numeric)
    fold = table.fold_of()
    pieces = [work.piece(f"fold-{number}", lambda number=number: _fold(work, table, fold, number)) for number in range(table.folds)]
    order = np.concatenate([np.flatnonzero(fold == number) for number in range(table.folds)])
    truth = table.truth[order]
    answers = {who: np.concatenate([piece["answers"][who] for piece in pieces]) for who in pieces[0]["answers"]}
    figures: dict[str, Any] = {"set": name, "n": len(truth), "folds": table.folds, "chosen": [piece["chosen"] for piece in pieces],
                               "seconds": [piece["seconds"] for piece in pieces]}  # fmt: skip
    return figures | (_numbers(truth, answers) if table.numeric else _labels(truth, answers, fold[order]))


def _numbers(truth: np.ndarray, answers: dict[str, np.ndarray]) -> dict[str, Any]:
    errors = {who: np.abs(each - truth) for who, each in answers.items()}
    squares = {who: np.square(each - truth) for who, each in answers.items()}
    return {"figure": "mae", "ours": float(errors["ours"].mean()), "peers": {who: float(each.mean()) for who, each in errors.items() if who != "ours"},
            "rmse": {who: float(np.sqrt(each.mean())) for who, each in squares.items()},
            "gains": {who: _triple(paired_gain(each, errors["ours"], seed=0, losses=True)) for who, each in errors.items() if who != "ours"}}  # fmt: skip


def _labels(truth: np.ndarray, answers: dict[str, np.ndarray], fold: np.ndarray) -> dict[str, Any]:
    """AUROC of each fold, averaged; gains by resampling rows within the whole."""
    from sklearn.metrics import roc_auc_score

    positive = truth == "1"
    mean = lambda each: float(np.mean([roc_auc_score(positive[fold == f], each[fold == f]) for f in np.unique(fold)]))  # noqa: E731
    random = np.random.default_rng(0)
    drawn: dict[str, list[float]] = {who: [] for who in answers}
    for _ in range(500):
        rows = random.integers(0, len(truth), len(truth))
        for who, each in answers.items():
            drawn[who].append(float(np.mean([roc_auc_score(positive[rows][fold[rows] == f], each[rows][fold[rows] == f]) for f in np.unique(fold)])))
    gains = {}
    for who in answers.keys() - {"ours"}:
        low, high = np.quantile(np.array(drawn["ours"]) - np.array(drawn[who]), (0.025, 0.975))
        gains[who] = [mean(answers["ours"]) - mean(answers[who]), float(low), float(high)]
    return {"figure": "auroc", "ours": mean(answers["ours"]), "peers": {who: mean(each) for who, each in answers.items() if who != "ours"}, "gains": gains}


def _triple(gain: Any) -> list[float]:
    return [gain.value, gain.low, gain.high]


def _fold(work: Work, table: Table, fold: np.ndarray, number: int) -> dict[str, Any]:
    train, held = ([row for row, f in zip(table.rows, fold) if (f == number) == inside] for inside in (False, True))
    with all_threads():
        ours, seconds, chosen = _ours(work, table, train, held)
        answers = {"ours": ours, **_peers(table, train, held)}
        if table.text and table.columns:
            for name, fewer in (("ours, text alone", {"columns": ()}), ("ours, columns alone", {"text": ()})):
                answers[name], *_ = _ours(work, Table(table.rows, table.label, table.folds, **{"columns": table.columns, "text": table.text, **fewer}), train, held)
    return {"answers": {who: np.asarray(each, dtype=float).tolist() for who, each in answers.items()}, "seconds": seconds, "chosen": chosen}


def _ours(work: Work, table: Table, train: list[dict[str, str]], held: list[dict[str, str]]) -> tuple[np.ndarray, float, str]:
    """Prepare, build, train, evaluate, deploy; the bundle answers the held rows: a number, or the confidence of label 1."""
    rows = [{**row, "part_": "train"} for row in train] + [{**row, "part_": "test"} for row in held]
    folder, task = work.folder("run"), "score" if table.numeric else "classify"
    given = {"text": table.text, "columns": table.columns, "label": table.label, "split_column": "part_", "task": task, "bad_rows": "stop"}
    def steps() -> Any:
        examples = prepare_examples(rows, folder=folder / "data", **given)
        # what is judged is the absolute error, so that is what is minimised
        trained = train_model(build_model(examples), examples, folder=folder / "train", **({"loss": "absolute"} if table.numeric else {}))
        return deploy_model(trained, evaluate_model(trained, examples, folder=folder), to=folder / "bundles", force=True)

    bundle, seconds = timed(steps)
    predictor = open_bundle(bundle.folder)
    answers = predictor.predict(held)
    chosen = " + ".join(member["family"] for member in predictor.settings["members"])
    shutil.rmtree(folder)
    return np.array([answer.prediction if table.numeric else answer.confidences["1"] for answer in answers]), seconds, chosen


# ------------------------------------------------------------------ peers

def _peers(table: Table, train: list[dict[str, str]], held: list[dict[str, str]]) -> dict[str, np.ndarray]:
    truth = [float(row[table.label]) for row in train]
    found: dict[str, np.ndarray] = {"mean": np.full(len(held), np.mean(truth)), "median": np.full(len(held), np.median(truth))} if table.numeric else {}
    if table.text:
        return found | {"ridge on TF-IDF": _ridge(table, train, truth, held)}
    x, y = _dense(table, train, train), _dense(table, train, held)
    return found | (_forest(x, truth, y) if table.numeric else _classifiers(x, truth, y)) | _autogluon(table, train, held)


def _dense(table: Table, train: list[dict[str, str]], rows: list[dict[str, str]]) -> np.ndarray:
    """Numbers as they are, categories one-hot, as scikit-learn's own pages do it."""
    parts = []
    for column in table.columns:
        name, _, kind = column.partition(": ")
        if kind == "number":
            parts.append(np.array([[float(row[name])] for row in rows]))
        else:
            seen = sorted({row[name] for row in train})
            parts.append(np.array([[float(row[name] == value) for value in seen] for row in rows]))
    return np.concatenate(parts, axis=1)


def _forest(x: np.ndarray, truth: list[float], held: np.ndarray) -> dict[str, np.ndarray]:
    from sklearn.ensemble import RandomForestRegressor

    return {"forest of 300 trees": RandomForestRegressor(300, random_state=0, n_jobs=-1).fit(x, truth).predict(held)}


def _classifiers(x: np.ndarray, truth: list[float], held: np.ndarray) -> dict[str, np.ndarray]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    logistic = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000)), {"logisticregression__C": [0.01, 0.1, 1, 10]}, scoring="roc_auc")
    boosted = GridSearchCV(HistGradientBoostingClassifier(random_state=0, early_stopping=True), {"learning_rate": [0.03, 0.1], "max_leaf_nodes": [7, 15, 31]}, scoring="roc_auc")
    return {name: model.fit(x, truth).predict_proba(held)[:, 1] for name, model in (("logistic regression", logistic), ("boosted trees", boosted))}


def _ridge(table: Table, train: list[dict[str, str]], truth: list[float], held: list[dict[str, str]]) -> np.ndarray:
    """Its strength and its n-grams chosen by folds of train."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    texts = [[" ".join(row[name] for name in table.text) for row in rows] for rows in (train, held)]
    grid = {"ridge__alpha": [0.3, 1, 3, 10], "tfidfvectorizer__ngram_range": [(1, 1), (1, 2)]}
    model = GridSearchCV(make_pipeline(TfidfVectorizer(sublinear_tf=True), Ridge()), grid, scoring="neg_mean_absolute_error")
    return model.fit(texts[0], truth).predict(texts[1])


def _autogluon(table: Table, train: list[dict[str, str]], held: list[dict[str, str]]) -> dict[str, np.ndarray]:
    """AutoGluon with its preset medium on tables of numbers, in a Python of its own (with torch beside it, or it fails): STARTLM_AUTOGLUON names that; without one it is left out."""
    python = os.environ.get("STARTLM_AUTOGLUON")
    if not python or not table.numeric or table.text:
        return {}
    import json
    import subprocess

    names = [column.partition(":")[0] for column in table.columns]
    given = {"train": [{name: float(row[name]) for name in [*names, table.label]} for row in train], "held": [{name: float(row[name]) for name in names} for row in held],
             "label": table.label}  # fmt: skip
    done = subprocess.run([python, str(Path(__file__).with_name("autogluon_peer.py"))], input=json.dumps(given), capture_output=True, text=True, check=True)
    return {"AutoGluon medium": np.array(json.loads(done.stdout.splitlines()[-1]))}
