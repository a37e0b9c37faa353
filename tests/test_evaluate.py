"""Step 4, evaluate: whose rows are judged, which labels count, what is written beside the report."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score
from tickets import tickets

from startlm import build_model, deploy_model, evaluate_model, prepare_examples, train_model
from startlm.core.artifacts import Examples, Model, Report
from startlm.core.errors import CallError, GateError
from startlm.evaluate import note_reading
from startlm.predict import PredictSettings, open_bundle
from startlm.project import Project, new_project, run_project

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
    assert content["figures_clean"] is None, "one column where nothing leaks"
    losses = [content["calibration"]["before"], *content["figures"]]
    assert all(figure["baseline"] is not None for figure in losses)
    assert 0.9 < next(each for each in losses if each["name"] == "log_loss")["baseline"] < 1.3  # about ln 3


# ---------------------------------------------------------- out of scope

STRANGE = ["do you sell flights to {}", "what is the weather in {} today", "{} won the football match", "tell me a joke about {}", "今天{}天气怎么样", "{}的股票涨了吗"]


def with_strange(label: str, parts: dict[str, int], seed: int = 0) -> list[dict[str, Any]]:
    """Tickets, every third of the test part, with so many rows of each part that no desk answers."""
    rng = random.Random(seed)
    rows = [{**row, "part": "train" if row["id"] % 3 else "test"} for row in tickets(360, seed=seed, teams=TEAMS)]
    for part, count in parts.items():
        rows += [{"id": 0, "message": rng.choice(STRANGE).format(f"{rng.choice(['Paris', 'Rome', '上海', 'Oslo'])} {rng.randrange(10**6)}"), "team": label, "part": part} for _ in range(count)]
    return rows


def judged_with(rows: list[dict[str, Any]], folder: Path, **predict: Any) -> tuple[Report, list[dict[str, str]]]:
    """The report and answers.csv."""
    examples = examples_of(rows, split_column="part")
    report = evaluate_model(trained(examples, **predict), examples, folder=folder)
    return report, list(csv.DictReader((folder / "answers.csv").read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("label", ["NO_NODES_DETECTED", "oos"])
def test_rows_out_of_scope_that_only_test_has_are_caught_where_they_are_handed_over(label: str, tmp_path: Path) -> None:
    named = {} if label == "oos" else {"out_of_scope": label}  # known by its setting, or by its name
    report, answers = judged_with(with_strange(label, {"test": 40}), tmp_path, hand_over="5%", **named)
    strange, others = ([row for row in answers if (row["truth"] == label) == outside] for outside in (True, False))
    found = report.content["out_of_scope"]
    assert (found["label"], found["learnt"], found["rows"]) == (label, False, 40) and "leave these rows out" in found["said"]["en"]
    assert found["caught"]["value"] == np.mean([row["handed_over"] == "true" for row in strange]) and found["caught"]["value"] > 0
    assert found["false_alarms"]["value"] == np.mean([row["handed_over"] == "true" for row in others])
    accuracy = report.figure("accuracy")
    assert accuracy["value"] == pytest.approx(accuracy_score([row["truth"] for row in others], [row["prediction"] for row in others]), abs=1e-9)
    assert accuracy["n"] == len(others) == 120 and "40 more rows are out of scope" in report.content["headline"]["en"]
    assert not any("never learnt" in said["en"] for said in report.content["warnings"])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "40 rows out of scope are not counted here." in page and "such a row is caught where it is handed over" in page


@pytest.mark.parametrize("both", [False, True])
def test_false_alarms_hand_over_what_resembles_nothing_learnt_and_the_report_counts_what_the_bundle_does(both: bool, tmp_path: Path) -> None:
    rows = with_strange("oos", {"test": 40})
    examples = examples_of(rows, split_column="part")
    model = trained(examples, false_alarms="5%", **({"hand_over": "5%"} if both else {}))
    report = evaluate_model(model, examples, folder=tmp_path)
    answers = list(csv.DictReader((tmp_path / "answers.csv").read_text(encoding="utf-8").splitlines()))
    predictor = open_bundle(deploy_model(model, report, to=tmp_path / "bundles", force=True).folder)
    asked = predictor.predict([row["message"] for row in rows if row["part"] == "test"])
    assert sum(answer.handed_over for answer in asked) == sum(row["handed_over"] == "true" for row in answers)
    found, (strange, others) = report.content["out_of_scope"], ([row for row in answers if (row["truth"] == "oos") == outside] for outside in (True, False))
    assert found["caught"]["value"] == np.mean([row["handed_over"] == "true" for row in strange]) > 0.5
    assert found["false_alarms"]["value"] == np.mean([row["handed_over"] == "true" for row in others]) < 0.3
    assert found["stated"] == (None if both else 0.05), "of both together nothing is stated"
    assert ("hand_over promises" in found["said"]["en"]) == both
    if both:
        assert report.content["hand_over"]["chosen"]["answered_on_test"]["value"] == pytest.approx(np.mean([row["handed_over"] == "false" for row in answers]))


def test_answering_a_row_out_of_scope_is_an_error_of_the_hand_over_curve_and_a_mistake(tmp_path: Path) -> None:
    report, answers = judged_with(with_strange("oos", {"test": 40}), tmp_path)
    everything = report.content["hand_over"]["curve"][-1]
    assert everything["answered"]["value"] == 1.0 and everything["error"]["n"] == 160
    assert everything["error"]["value"] == np.mean([row["truth"] != row["prediction"] for row in answers]) >= 0.25
    assert report.content["mistakes"] == round(everything["error"]["value"] * 160)
    assert report.content["out_of_scope"]["caught"]["value"] == 0.0 and 'false_alarms under [predict]' in report.content["out_of_scope"]["said"]["en"]


def test_an_out_of_scope_label_that_is_learnt_counts_like_any_other(tmp_path: Path) -> None:
    report, answers = judged_with(with_strange("NO_NODES_DETECTED", {"train": 60, "test": 40}), tmp_path, out_of_scope="NO_NODES_DETECTED")
    found, strange = report.content["out_of_scope"], [row for row in answers if row["truth"] == "NO_NODES_DETECTED"]
    assert found["caught"]["value"] == np.mean([row["prediction"] == "NO_NODES_DETECTED" for row in strange]) > 0.5
    assert report.figure("accuracy")["n"] == 160 and "count these rows like any others" in found["said"]["en"]
    assert all(row["handed_over"] == "true" for row in answers if row["prediction"] == "NO_NODES_DETECTED")


def test_without_rows_out_of_scope_only_false_alarms_are_measured_and_that_is_said(tmp_path: Path) -> None:
    report, answers = judged_with(with_strange("", {}), tmp_path, hand_over="5%")
    found = report.content["out_of_scope"]
    assert (found["label"], found["rows"], found["caught"]["value"]) == (None, 0, None) and found["said"]["en"].startswith("The test part has no rows out of scope")
    assert found["false_alarms"]["value"] == np.mean([row["handed_over"] == "true" for row in answers])


# ------------------------------------------------------------- hand over

def doubtful(seed: int, wrong: float, rows: int = 600) -> list[dict[str, Any]]:
    """Tickets with so many labels drawn anew."""
    rng = random.Random(seed)
    return [{**row, "team": rng.choice(TEAMS) if rng.random() < wrong else row["team"]} for row in tickets(rows, seed=seed, teams=TEAMS)]


def test_minutes_per_row_alone_give_hours_at_each_threshold(model: Model, tmp_path: Path) -> None:
    content = evaluate_model(model, examples_of(tickets(300, teams=TEAMS)), minutes_per_row=3.0, folder=tmp_path).content
    points = content["hand_over"]["curve"]
    assert content["hand_over"]["hours_saved"] is None and points[-1]["hours_saved"]["value"] == 50.0
    for point in points:
        assert [point["hours_saved"][end] for end in ("low", "value", "high")] == [50 * point["answered"][end] for end in ("low", "value", "high")]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "hours saved per 1,000" in page and "<code>hand_over = " in page


def test_the_threshold_chosen_on_calibration_rows_decides_which_test_rows_are_handed_over(tmp_path: Path) -> None:
    rows, drawn = tickets(600, seed=3, teams=TEAMS), doubtful(3, 0.9)
    examples = examples_of([odd if "茶" in row["message"] or "壶" in row["message"] else row for row, odd in zip(rows, drawn, strict=True)])  # some are hard
    report = evaluate_model(trained(examples, hand_over="15%"), examples, folder=tmp_path)
    chosen = report.content["hand_over"]["chosen"]
    answers = list(csv.DictReader((tmp_path / "answers.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["handed_over"] == "true" for row in answers] == [float(row["confidence"]) < round(chosen["value"], 6) for row in answers]
    answered = [row for row in answers if row["handed_over"] == "false"]
    assert chosen["answered_on_test"]["value"] == len(answered) / len(answers) and 0 < len(answered) < len(answers)
    assert chosen["error_on_test"]["value"] == np.mean([row["truth"] != row["prediction"] for row in answered])
    assert chosen["n"] == sum(examples.meta["parts"][part] for part in ("train", "dev")), "rows out of fold, none of test"


@pytest.mark.parametrize(("wrong", "line"), [(0.12, 'hand_over = &quot;20%&quot;'), (0.6, "No error rate up to 30 % can be kept")])
def test_where_five_per_cent_hands_everything_over_another_rate_is_advised_or_none(wrong: float, line: str, tmp_path: Path) -> None:
    examples = examples_of(doubtful(4, wrong))
    report = evaluate_model(trained(examples, hand_over="5%"), examples, folder=tmp_path)
    assert report.content["hand_over"]["chosen"]["answered"] == 0.0
    advice, page = report.content["hand_over"]["advice"], (tmp_path / "report.html").read_text(encoding="utf-8")
    assert line in page and 'hand_over = &quot;5%' not in page
    assert advice is None or (advice["error"]["high"] <= advice["rate"] and advice["answered"]["value"] >= 0.5)


# ---------------------------------------------------------------- labels

def test_three_hundred_rows_of_six_labels_show_something_of_each_label() -> None:
    rows = tickets(300, seed=6, teams=TEAMS)
    for row in rows:
        row["team"] += "-zh" if any("一" <= letter <= "鿿" for letter in row["message"]) else "-en"
    examples = examples_of(rows)
    classes = evaluate_model(trained(examples), examples).content["classes"]
    assert len(classes) == 6 and all(5 <= each["recall"]["n"] < 20 for each in classes)
    assert all(each[name]["low"] <= each[name]["value"] <= each[name]["high"] for each in classes for name in ("recall", "f1"))


# -------------------------------------------------------------- mistakes

def test_the_mistakes_name_their_file_and_row_and_the_surest_comes_first(tmp_path: Path) -> None:
    test = tickets(60, seed=8, teams=TEAMS)
    for number in (3, 7):
        test[number] |= {"team": "tea" if test[number]["team"] == "post" else "post"}
    (tmp_path / "test.jsonl").write_text("\n".join(json.dumps(row) for row in test), encoding="utf-8")
    examples = examples_of(tickets(240, teams=TEAMS), test=str(tmp_path / "test.jsonl"))
    content = evaluate_model(trained(examples), examples, folder=tmp_path / "out").content
    rows = spreadsheet(tmp_path / "out" / "mistakes.csv")
    assert list(rows[0]) == ["file", "row", "line", "text", "truth", "prediction", "confidence", "handed_over"]
    assert {Path(row["file"]).name for row in rows} == {"test.jsonl"} and {"4", "8"} <= {row["line"] for row in rows} and len(rows) == content["mistakes"]
    assert {row["text"]: row["truth"] for row in rows}.items() <= {row["message"]: row["team"] for row in test}.items()
    assert all(row["truth"] != row["prediction"] for row in rows)
    assert [row["confidence"] for row in rows] == sorted((row["confidence"] for row in rows), key=float, reverse=True)


def test_a_mistake_that_looks_like_a_formula_is_disarmed_for_the_spreadsheet(tmp_path: Path) -> None:
    rows = [{**row, "part": "train" if row["id"] % 3 else "test"} for row in tickets(150, teams=TEAMS)]
    for row in rows:
        if row["part"] == "test":
            row |= {"message": f"=HYPERLINK({row['message']})", "team": "@tea"}  # never learnt, so each is a mistake
    examples = examples_of(rows, split_column="part")
    evaluate_model(trained(examples), examples, folder=tmp_path)
    assert (tmp_path / "mistakes.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    found = spreadsheet(tmp_path / "mistakes.csv")
    assert len(found) == 50 and all(row["text"].startswith("'=HYPERLINK(") and row["truth"] == "'@tea" and row["file"] == "memory" for row in found)


# --------------------------------------------------- leaks, gate, ledger

def test_the_clean_figures_are_those_of_the_test_rows_that_train_does_not_show(tmp_path: Path) -> None:
    rows = with_strange("", {})
    train = [row for row in rows if row["part"] == "train"]
    rows += [{**row, "part": "test"} for row in train[:30]]  # what the model has learnt by heart
    for row in rows[2:120:9]:
        row["team"] = "tea" if row["team"] != "tea" else "post"
    report, answers = judged_with(rows, tmp_path)
    leaking = set(report.content["leaks"]["test_rows"])
    fresh = [row for row in answers if int(row["row"]) not in leaking]
    clean = {each["name"]: each for each in report.content["figures_clean"]}
    assert len(leaking) >= 30 and clean["accuracy"]["n"] == len(fresh) == report.figure("accuracy")["n"] - len(leaking)
    truth, predicted = ([row[name] for row in fresh] for name in ("truth", "prediction"))
    assert clean["accuracy"]["value"] == pytest.approx(accuracy_score(truth, predicted), abs=1e-9)
    assert clean["macro_f1"]["value"] == pytest.approx(f1_score(truth, predicted, average="macro"), abs=1e-9)
    assert "Accuracy without leaked rows" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_an_accuracy_below_the_stated_minimum_is_not_deployed_unless_forced(tmp_path: Path) -> None:
    examples = examples_of(doubtful(9, 0.4))
    model = trained(examples)
    report = evaluate_model(model, examples, minimum_accuracy=0.95)
    assert report.better_than_baseline and report.figure("accuracy")["value"] < 0.95
    with pytest.raises(GateError, match="below the stated minimum of 95.0%") as refused:
        deploy_model(model, report, to=tmp_path / "bundles")
    assert "[evaluate] minimum_accuracy" in refused.value.hint.en and not (tmp_path / "bundles").exists()
    assert deploy_model(model, report, to=tmp_path / "bundles", force=True).folder.name == "v1"
    assert deploy_model(model, evaluate_model(model, examples, minimum_accuracy=0.5), to=tmp_path / "bundles").folder.name == "v2"


@pytest.mark.parametrize(("costs", "deployed"), [(["back -> kept: 40", "kept -> back: 3"], True), (["back -> kept: 1", "kept -> back: 1"], False), ([], False)])
def test_a_model_that_saves_money_is_deployed_though_no_answer_is_ever_the_rare_label(costs: list[str], deployed: bool, tmp_path: Path) -> None:
    dice = random.Random(3)
    rows = [{"weight": dice.uniform(0, 6)} for _ in range(1_500)]
    rows = [{**row, "end": "back" if dice.random() < 0.3 * (row["weight"] > 5) else "kept"} for row in rows]  # never likelier than not
    examples = prepare_examples(rows, text=[], columns=["weight: number"], label="end")
    model = train_model(build_model(examples, family="linear"), examples)
    report = evaluate_model(model, examples, costs=costs)
    assert (report.content["gain"]["low"] or 0) <= 0 and report.better_than_baseline == deployed
    assert report.content["headline"]["en"].startswith("Cheaper, not more often right" if deployed else "Not better than the baseline")
    assert report.content["headline"]["zh"].startswith("更省钱" if deployed else "不比基线好")
    if not deployed:
        with pytest.raises(GateError, match="Not better than the baseline"):
            deploy_model(model, report, to=tmp_path)
    else:
        assert deploy_model(model, report, to=tmp_path).folder.name == "v1"


def test_each_reading_of_a_test_part_is_counted_once_in_the_ledger(tmp_path: Path) -> None:
    ledger = tmp_path / "test-readings.json"
    assert [note_reading(ledger, *reading) for reading in (("m1", "rows", 0.9), ("m1", "rows", 0.9), ("m2", "rows", 0.8), ("m2", "others", 0.7))] == [1, 1, 2, 1]
    assert json.loads(ledger.read_text(encoding="utf-8"))[1] == {"model": "m2", "examples": "rows", "accuracy": 0.8}


def test_a_second_model_reads_the_same_test_part_a_second_time_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(row) for row in tickets(120)), encoding="utf-8")
    new_project(tmp_path / "desk", {"data": "../t.jsonl", "text": ["message"], "label": "team"}, "")
    said = [[progress.said.en for progress in run_project(Project(tmp_path / "desk", {"build": {"family": "linear"}, "train": {"seed": seed}}), until="evaluate")
             if progress.said is not None and "this test part" in progress.said.en] for seed in ("0", "1", "1")]
    assert [[line.partition(" of")[0] for line in lines] for lines in said] == [["Reading 1"], ["Reading 2"], []]


def spreadsheet(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
