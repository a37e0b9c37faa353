"""A cascade: the cheap rung answers what it is sure of, the dear one the rest; one model, one bundle, one predictor."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from cascades import FLAGS, flagged
from damage import files_of
from table_bundles import KINDS
from test_neighbours import check_neighbours, texts_of_all_lengths

from startlm import build_model, deploy_model, evaluate_model, open_bundle, prepare_examples, train_model
from startlm.core.artifacts import Examples, Model, Report
from startlm.core.contracts import Inputs
from startlm.core.errors import CallError
from startlm.core.members import confidence_of, is_sure
from startlm.core.report_page import report_page
from startlm.core.settings import check_settings
from startlm.predict import PredictSettings, Predictor, open_model
from startlm.train import TrainSettings, train_steps

SCHEMA = json.loads((Path(__file__).resolve().parents[1] / "docs" / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    return prepare_examples(flagged(), columns=FLAGS, label="team", folder=tmp_path_factory.mktemp("flagged"))


def trained(examples: Examples, folder: Path, **predict: Any) -> Model:
    return train_model(build_model(examples, size="small"), examples, budget="1m", threads=1, predict=PredictSettings(**predict), folder=folder)


@pytest.fixture(scope="module")
def model(examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return trained(examples, tmp_path_factory.mktemp("cascade"), hand_over="10%")


@pytest.fixture(scope="module")
def report(model: Model, examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return evaluate_model(model, examples, folder=tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def predictor(model: Model) -> Predictor:
    return open_model(model.folder)


@pytest.fixture(scope="module")
def inputs(predictor: Predictor) -> Inputs:
    return predictor.inputs(flagged(400, seed=9))


# ----------------------------------------------------------------- train

def test_the_linear_rung_answers_what_its_weights_tell_and_trees_the_rest(predictor: Predictor) -> None:
    assert [(member["family"], member["role"]) for member in predictor.settings["members"]] == [("linear", "cheap"), ("trees", "dear")]
    rows = flagged(400, seed=9)
    sure = is_sure(predictor.apart(predictor.inputs(rows))[0], predictor.threshold)
    assert 0.5 < sure.mean() < 0.8 and not any(row["kind"] == "odd" for row, cheap in zip(rows, sure) if cheap)


def test_what_is_lost_is_at_most_what_was_allowed_on_rows_that_no_member_learnt_from(predictor: Predictor, examples: Examples) -> None:
    cascade = predictor.settings["cascade"]
    assert cascade["low"] <= cascade["loss"] <= cascade["allowed"] == 0.002 and 0.5 < cascade["answered"] < 0.8
    assert cascade["n"] == len(examples.rows_of("dev", "calibration"))


def test_what_was_settled_is_said_once(examples: Examples, model: Model) -> None:
    steps = train_steps(replace(model, folder=None), examples, settings=TrainSettings(budget="1m", threads=1), predict=PredictSettings(hand_over="10%"), folder=model.folder.parent)
    said = [str(step.said) for step in steps if step.said is not None]
    assert len([line for line in said if line.startswith("Cascade: the cheapest rung answers what it is at least")]) == 1
    assert len([line for line in said if "calibration rows" in line]) == 1


def test_the_same_plan_gives_the_same_bits_also_from_rungs_that_a_kill_left(examples: Examples, model: Model, tmp_path: Path) -> None:
    shutil.copytree(model.folder.parent, tmp_path / "killed")
    for made in ("model", "cheapest", "refit/1"):
        shutil.rmtree(tmp_path / "killed" / made)
    again = trained(examples, tmp_path / "killed", hand_over="10%")
    assert files_of(again.folder) == files_of(model.folder)


def test_off_asks_the_chosen_rung_about_every_row(examples: Examples, model: Model, predictor: Predictor, inputs: Inputs, tmp_path: Path) -> None:
    shutil.copytree(model.folder.parent, tmp_path / "off")
    off = open_model(trained(examples, tmp_path / "off", cascade="off").folder)
    assert off.threshold is None and "cascade" not in off.settings and [set(member) & {"role"} for member in off.settings["members"]] == [set()]
    assert np.array_equal(off.mean(inputs).argmax(axis=1), predictor.apart(inputs)[1].argmax(axis=1))


@pytest.mark.parametrize("wrong", ["0%", "much", "", "120%"])
def test_a_loss_that_is_no_percentage_is_refused(wrong: str) -> None:
    with pytest.raises(CallError, match="cascade"):
        check_settings(PredictSettings, {"cascade": wrong}, section="predict", where="startlm.toml")


# --------------------------------------------------------------- predict

def test_only_rows_that_the_cheap_member_is_unsure_of_reach_the_dear_one(predictor: Predictor, inputs: Inputs) -> None:
    seen: list[int] = []

    class Counting:
        def __init__(self, engine: Any) -> None:
            self.engine = engine

        def logits(self, encoded: Any) -> np.ndarray:
            seen.append(len(encoded))
            return self.engine.logits(encoded)  # type: ignore[no-any-return]

    cheap, dear = predictor.members
    watched = Predictor(predictor.settings, [cheap, replace(dear, engine=Counting(dear.engine))], predictor.encoder)
    unsure = ~is_sure(predictor.apart(inputs)[0], predictor.threshold)
    assert np.array_equal(watched.mean(inputs), predictor.mean(inputs)) and seen == [int(unsure.sum())] and 0 < seen[0] < len(inputs)
    watched.mean(inputs.take(np.flatnonzero(~unsure)))
    assert len(seen) == 1


def test_each_row_is_answered_as_its_side_answers_it(predictor: Predictor, inputs: Inputs) -> None:
    cheap, dear = predictor.apart(inputs)
    sure = confidence_of(cheap) >= predictor.threshold
    assert np.array_equal(predictor.mean(inputs), np.where(sure[:, None], cheap, dear))


def test_a_cheap_member_that_is_averaged_with_the_dear_ones_is_asked_once(predictor: Predictor, inputs: Inputs) -> None:
    cheap, dear = predictor.members
    both = Predictor(predictor.settings, [replace(cheap, role="both"), dear], predictor.encoder)
    one, other = predictor.apart(inputs)
    sure = is_sure(one, predictor.threshold)
    assert np.array_equal(both.mean(inputs), np.where(sure[:, None], one, (one + other) / 2)) and np.array_equal(both.apart(inputs)[1], (one + other) / 2)


def test_neighbours_do_not_matter_to_a_cascade_of_tables(predictor: Predictor) -> None:
    check_neighbours(predictor, flagged(300, seed=4), 0.0)


def test_neighbours_do_not_matter_to_a_cascade_of_texts(cascade: Path) -> None:
    opened, given = open_bundle(cascade), texts_of_all_lengths(300)
    assert 0.1 < is_sure(opened.apart(opened.inputs(given))[0], opened.threshold).mean() < 0.9
    check_neighbours(opened, given, 1e-6)


# -------------------------------------------------------------- evaluate

def test_predict_gives_row_by_row_what_evaluate_judged(report: Report, predictor: Predictor, examples: Examples) -> None:
    with (report.folder / "answers.csv").open(encoding="utf-8", newline="") as stream:
        judged = [(row["prediction"], float(row["confidence"]), row["handed_over"] == "true") for row in csv.DictReader(stream)]
    rows = flagged()
    at = examples.frame["row"].to_numpy()[examples.rows_of("test")]
    answers = predictor.predict([rows[number - 1] for number in at])
    assert [(answer.prediction, round(answer.confidence, 6), answer.handed_over) for answer in answers] == judged


def test_the_threshold_of_handing_over_is_made_of_what_the_cascade_answers(predictor: Predictor, examples: Examples) -> None:
    rows = examples.labelled("calibration", encoder=predictor.encoder)
    confidences, stated = predictor.answered(rows), predictor.settings["hand_over"]
    answered = confidences.max(axis=1) >= stated["value"]
    assert stated["n"] == len(rows) and stated["answered"] == pytest.approx(answered.mean())
    assert stated["error"] == pytest.approx((confidences.argmax(axis=1) != rows.labels)[answered].mean())


def test_the_report_shows_a_dozen_thresholds_and_the_chosen_one(report: Report, predictor: Predictor) -> None:
    found = report.content["cascade"]
    jsonschema.validate(json.loads(json.dumps(report.content)), SCHEMA)
    thresholds = [point["threshold"] for point in found["curve"]]
    assert thresholds == sorted(thresholds, reverse=True) and predictor.threshold in thresholds and 3 <= len(thresholds) <= 12
    first, last = found["curve"][0], found["curve"][-1]
    assert first["answered"]["value"] == 0 and first["loss"]["value"] == 0 and first["accuracy"]["value"] == found["dear"]["accuracy"]["value"]
    assert last["answered"]["value"] == 1 and last["accuracy"]["value"] == found["cheap"]["accuracy"]["value"]
    chosen = next(point for point in found["curve"] if point["threshold"] == predictor.threshold)
    assert chosen["accuracy"]["value"] == report.figure("accuracy")["value"] == found["chosen"]["accuracy_on_test"]["value"]
    assert abs(found["cheap"]["confidence"] - found["cheap"]["right"]["value"]) < 0.03


def test_the_page_shows_it_in_both_languages_and_times_stay_out_of_report_json(report: Report) -> None:
    page = (report.folder / "report.html").read_text(encoding="utf-8")
    assert all(words in page for words in ("Who answers what", "谁回答哪些行", "ms a message", "每条毫秒数", "linear → trees"))
    times = json.loads((report.folder / "timing.json").read_text(encoding="utf-8"))["ms_a_message"]
    assert set(times) == {"cheap", "after", "dear"} and all(value > 0 for value in times.values())
    assert "ms_a_message" not in report.content and re.search("ms a message", report_page(report.content)) is None


def test_a_model_that_is_no_cascade_says_nothing_of_one(tables: dict[str, Path]) -> None:
    for name in ("boosted", "score"):
        content = json.loads((tables[name].parents[1] / "report.json").read_text(encoding="utf-8"))
        assert content.get("cascade") is None and "Who answers what" not in (tables[name].parents[1] / "report.html").read_text(encoding="utf-8"), KINDS[name]


# ---------------------------------------------------------------- deploy

def test_a_bundle_answers_like_its_model_and_keeps_what_was_measured(model: Model, report: Report, predictor: Predictor, inputs: Inputs, tmp_path: Path) -> None:
    bundle = open_bundle(deploy_model(model, report, to=tmp_path).folder)
    assert np.array_equal(bundle.answered(inputs), predictor.answered(inputs))
    assert json.loads((tmp_path / "v1" / "report.json").read_bytes())["cascade"]["chosen"]["threshold"] == bundle.threshold
