"""Step 4, evaluate: whose rows are judged, which labels count, what is written beside the report."""

from __future__ import annotations

from typing import Any

import pytest
from tickets import tickets

from startlm import build_model, evaluate_model, prepare_examples, train_model
from startlm.core.artifacts import Examples, Model
from startlm.core.errors import CallError
from startlm.predict import PredictSettings

TEAMS = ("money", "post", "tea")


def examples_of(rows: list[dict[str, Any]], **given: Any) -> Examples:
    return prepare_examples(rows, **{"text": "message", "label": "team", **given})


def trained(examples: Examples, **predict: Any) -> Model:
    return train_model(build_model(examples, family="linear"), examples, predict=PredictSettings(**predict))


@pytest.fixture(scope="module")
def model() -> Model:
    """It knows money, post and tea."""
    return trained(examples_of(tickets(300, teams=TEAMS)))


# ------------------------------------------------------- other examples

def test_a_model_is_evaluated_on_other_rows_by_the_names_of_their_labels(model: Model) -> None:
    report = evaluate_model(model, examples_of(tickets(200, seed=5, teams=("post", "tea"))))
    assert report.figure("accuracy")["value"] > 0.9 and report.content["labels"] == list(TEAMS)
    assert report.content["baseline"]["label"] in ("post", "tea") and sum(report.content["confusion"]["counts"][0]) == 0


def test_a_label_the_model_never_learnt_is_always_wrong_and_said(model: Model) -> None:
    rows = tickets(200, seed=5, teams=TEAMS)
    for row in rows:
        row["team"] = "blends" if row["team"] == "money" else row["team"]  # sorts before all labels that are known
    report = evaluate_model(model, examples_of(rows))
    assert report.content["labels"] == [*TEAMS, "blends"]
    strange = sum(report.content["confusion"]["counts"][3])
    accuracy, loss = report.figure("accuracy"), report.figure("log_loss")
    assert strange > 5 and accuracy["value"] <= 1 - strange / accuracy["n"] and 36 * strange / accuracy["n"] < loss["value"] < 40
    assert any("never learnt (blends), counted as wrong" in said["en"] for said in report.content["warnings"])


@pytest.mark.parametrize(("change", "words"), [({"text": "id"}, "text columns are message, theirs are words"), ({"clean": "html"}, "cleaning"), ({}, "labels are money, theirs are")])
def test_training_goes_on_only_with_rows_that_the_model_was_built_for(change: dict[str, str], words: str, model: Model) -> None:
    from startlm.columns.cleaning import CleanSettings

    rows = [{**row, "words": row["message"]} for row in tickets(60, seed=5, teams=TEAMS if change else ("post", "tea"))]
    examples = examples_of(rows, text="words" if "text" in change else "message", clean=CleanSettings(html="clean" not in change))
    with pytest.raises(CallError, match=words):
        train_model(model, examples)


def test_examples_with_another_text_column_are_not_judged_in_silence(model: Model) -> None:
    rows = [{"words": row["message"], "team": row["team"]} for row in tickets(60, teams=TEAMS)]
    with pytest.raises(CallError, match="its text columns are message, theirs are words"):
        evaluate_model(model, examples_of(rows, text="words"))


def test_training_takes_other_rows_with_the_same_labels(model: Model) -> None:
    assert train_model(model, examples_of(tickets(90, seed=7, teams=TEAMS))).folder != model.folder


# ------------------------------------------------------------- baselines

def test_every_figure_of_a_report_stands_beside_the_baseline(model: Model) -> None:
    content = evaluate_model(model, examples_of(tickets(300, teams=TEAMS))).content
    losses = [content["calibration"]["before"], *content["figures"]]
    assert all(figure["baseline"] is not None for figure in losses)
    assert 0.9 < next(each for each in losses if each["name"] == "log_loss")["baseline"] < 1.3  # about ln 3
