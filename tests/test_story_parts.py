"""The parts of a table keep to themselves: test rows teach nothing, and a figure is of the test part alone."""

from __future__ import annotations

import csv
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from damage import files_of
from sklearn.metrics import accuracy_score
from tickets import ASKS, THINGS, tickets

import startlm.train
from startlm import build_model, deploy_model, evaluate_model, open_bundle, prepare_examples, train_model
from startlm.core.artifacts import Examples, Model, Report

TEAMS = ("money", "post", "tea")
LONG = " ".join(f"w{number}x{number * 7919 % 1_000}" for number in range(30))  # about 200 characters
COLUMNS = {"text": "message", "label": "team", "split_column": "part"}


def split_tickets() -> list[dict[str, Any]]:
    """Every third row tests, under a split that the table gives. The last two are too different to be near-duplicates."""
    rows = [{**row, "part": "test" if row["id"] % 3 == 0 else "train"} for row in tickets(150, teams=TEAMS)]
    return rows + [{"id": 150 + number, "message": LONG + end, "team": "tea", "part": "train"} for number,
        end in enumerate((" qwertyuiopasdfghj", " mnbvcxzlkjhgfdsaq"))]


def with_other_test_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same train rows. Test rows of other words, with labels drawn anew; some equal or nearly equal train rows, one of them two at once."""
    draw, train = random.Random(1), [row for row in rows if row["part"] == "train"]
    strange = [{**row, "message": f"zyzzyva {row['id']} 鱻麤龘 quixotic {draw.random()}", "team": draw.choice(TEAMS)} for row in rows if row["part"] == "test"]
    strange[0] |= {"message": train[0]["message"]}
    strange[1] |= {"message": train[1]["message"] + "!"}
    strange[2] |= {"message": LONG}
    others = iter(strange)
    return [next(others) if row["part"] == "test" else row for row in rows]


def trained(rows: list[dict[str, Any]], family: str, folder: Path, **settings: Any) -> tuple[Model, Examples]:
    examples = prepare_examples(rows, **COLUMNS, leaks="report", folder=folder / "data")
    model = build_model(examples, family=family, size="small")
    return train_model(model, examples, budget="5s", threads=1, folder=folder / "train", **settings), examples


@pytest.mark.parametrize("family", ["linear", "convolution"])
def test_changing_test_rows_leaves_every_weight_bitwise_equal(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startlm.train, "FOLDS", 2)
    rows = split_tickets()
    one, examples = trained(rows, family, tmp_path / "one")
    other, others = trained(with_other_test_rows(rows), family, tmp_path / "other", plan=str(tmp_path / "one" / "train" / "plan.json"))
    assert examples.labelled("test").texts != others.labelled("test").texts and examples.labelled("train").texts == others.labelled("train").texts
    assert len(set(examples.frame["group"].tail(2))) == 2, "the two long rows are linked by a test row alone"
    assert files_of(one.folder) == files_of(other.folder)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Report, list[dict[str, Any]]]:
    """A model that was given a hard test part: a third of its labels are drawn wrong, so its figure differs from every other part's."""
    folder, draw = tmp_path_factory.mktemp("judged"), random.Random(2)
    rows = [{**row, "team": draw.choice(TEAMS)} if row["part"] == "test" and draw.random() < 0.5 else row for row in split_tickets()]
    model, examples = trained(rows, "linear", folder)
    return model, evaluate_model(model, examples, folder=folder / "report"), rows


def test_the_accuracy_of_the_report_is_that_of_the_test_rows(judged: tuple[Model, Report, list[dict[str, Any]]]) -> None:
    _, report, rows = judged
    answers = list(csv.DictReader((report.folder / "answers.csv").read_text(encoding="utf-8").splitlines()))
    test = {row["message"]: row["team"] for row in rows if row["part"] == "test"}
    assert {answer["text"]: answer["truth"] for answer in answers} == test
    accuracy = report.figure("accuracy")
    assert accuracy["value"] == pytest.approx(accuracy_score([a["truth"] for a in answers], [a["prediction"] for a in answers]), abs=1e-12)
    assert accuracy["n"] == len(answers) == 50 and accuracy["value"] < 0.9


def test_each_label_answers_its_own_plain_example_from_the_bundle(judged: tuple[Model, Report, list[dict[str, Any]]], tmp_path: Path) -> None:
    model, report, _ = judged
    predictor = open_bundle(deploy_model(model, report, to=tmp_path / "bundles", force=True).folder)
    for team in TEAMS:
        texts = [ask.format(THINGS[3], 4_711) for ask in ASKS[team]]
        answers = predictor.predict(texts)
        assert [answer.prediction for answer in answers].count(team) >= len(texts) - 1
        assert all(answer.confidences[answer.prediction] == answer.confidence == max(answer.confidences.values()) for answer in answers)


def test_clean_figures_leave_out_the_leaking_rows_of_both_files_and_no_others(tmp_path: Path) -> None:
    """A row of the data file and one of the test file may have the same number."""
    rows, held = split_tickets(), [{**row, "message": f"{row['message']} {row['id']} zyzzyva", "part": ""} for row in tickets(30, seed=4, teams=TEAMS)]
    rows[3]["message"], held[7]["message"] = rows[1]["message"], rows[2]["message"]  # row 4 tests and leaks; so does row 8 of the second file
    examples = prepare_examples(rows, test=held, **COLUMNS, folder=tmp_path)
    assert examples.meta["leaks"]["test_rows"] == [4, 8] and examples.meta["leaks"]["files"]["exact"] == ["memory", "memory (2)"]
    report = evaluate_model(train_model(build_model(examples, family="linear", size="small"), examples, budget="5s", threads=1), examples)
    assert report.figure("accuracy")["n"] == 80
    assert [each["n"] for each in report.content["figures_clean"] if each["name"] == "accuracy"] == [78]


def test_intervals_hold_new_rows_as_often_as_they_say_though_the_model_knows_its_own_by_heart(tmp_path: Path) -> None:
    """Numbers drawn by lot: a forest comes near those it has grown on, and tells nothing of others."""
    draw = random.Random(4)
    rows = [{"a": draw.random(), "b": draw.random(), "y": draw.gauss(0, 1)} for _ in range(900)]
    examples = prepare_examples(rows, columns=("a: number", "b: number"), label="y", task="score", test_share=0.4, folder=tmp_path / "data")
    model = build_model(examples, family="trees", size="small")
    forest = replace(model, rungs=tuple(replace(rung, options={**rung.options, "kind": "forest", "rounds": 60}) for rung in model.rungs))
    report = evaluate_model(train_model(forest, examples, folder=tmp_path / "train"), examples, folder=tmp_path)
    covered = report.content["interval"]["covered"]
    assert covered["n"] == 360 and covered["low"] <= 0.9 <= covered["high"], covered
