"""The cascade through the five steps: one bundle in which the cheap model answers what it is sure of, and the dear one the rest."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damage import files_of
from test_base_install import base, run  # noqa: F401
from toy_weights import shared_toy_weights

import startlm.build
import startlm.train
from startlm import build_model, deploy_model, evaluate_model, open_bundle, prepare_examples, train_model
from startlm.core.errors import BundleError
from startlm.predict import PredictSettings, Predictor
from tickets import tickets

TEAMS = ("money", "post", "tea")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose ladder takes its second rung, whatever it is worth: the toy encoder is no better than words."""
    folder, patch = tmp_path_factory.mktemp("cascade"), pytest.MonkeyPatch()
    patch.setattr(startlm.build, "LADDER", ("linear", "pretrained"))
    choose = startlm.train._Climb.choose
    patch.setattr(startlm.train._Climb, "choose", lambda climb, rungs: ([1], choose(climb, rungs)[1]))
    try:
        rows = [row | ({"team": TEAMS[row["id"] % 3]} if row["id"] % 5 == 0 else {}) for row in tickets(400, seed=3, teams=TEAMS)]  # so that nothing is sure
        with (folder / "messages.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        examples = prepare_examples(str(folder / "messages.csv"), text="message", label="team", folder=folder / "data")
        model = train_model(build_model(examples, weights=str(shared_toy_weights())), examples, folder=folder / "train", predict=PredictSettings(cascade="5%", hand_over="5%"))
    finally:
        patch.undo()
    report = evaluate_model(model, examples, folder=folder)
    deploy_model(model, report, to=folder / "bundles", force=True)
    return folder


def settings(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "bundles" / "v1" / "model.json").read_text("utf-8"))  # type: ignore[no-any-return]


def test_both_models_answer_and_which_one_depends_on_the_row_alone(made: Path) -> None:
    predictor = open_bundle(made / "bundles" / "v1")
    inputs = predictor.inputs([row["message"] for row in tickets(200, seed=8, teams=TEAMS)])
    cheap, dear = (predictor._averaged([member], inputs) for member in predictor.members)
    threshold = float(np.median(np.exp(cheap.max(axis=1))))  # the one of these rows would send all of them to the better, cheaper model
    predictor = Predictor({**predictor.settings, "cascade": {**predictor.settings["cascade"], "threshold": threshold}}, predictor.members, predictor.encoder)
    sure = np.exp(cheap.max(axis=1)) >= threshold
    assert 0 < sure.sum() < len(sure)
    together = predictor.mean(inputs)
    assert np.array_equal(together, np.where(sure[:, None], cheap, dear))
    alone = np.concatenate([predictor.mean(inputs.take(np.array([i]))) for i in range(len(inputs))])
    assert np.abs(alone - together).max() <= 1e-6


def test_predict_answers_as_evaluate_did_row_by_row(made: Path) -> None:
    predictor = open_bundle(made / "bundles" / "v1")
    with (made / "messages.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (made / "answers.csv").open(encoding="utf-8", newline="") as stream:
        stored = list(csv.DictReader(stream))
    answers = predictor.predict([row["message"] for row in rows])
    assert len(stored) > 50
    for each in stored:
        answer = answers[int(each["row"]) - 1]
        assert (answer.prediction, str(answer.handed_over).lower()) == (each["prediction"], each["handed_over"])
        assert answer.confidence == pytest.approx(float(each["confidence"]), abs=1e-5)


def test_the_report_shows_share_speed_and_loss_at_each_threshold(made: Path) -> None:
    found = json.loads((made / "report.json").read_text("utf-8"))["cascade"]
    assert found["ms"]["cheap"] > 0 and found["ms"]["dear"] > 0 and len(found["lines"]) >= 3
    assert found["loss"] <= found["allowed"] == 0.05
    page = (made / "report.html").read_text("utf-8")
    assert "Who answers" in page and "由谁回答" in page


def test_it_answers_in_the_base_without_pytorch(base: Path, made: Path) -> None:  # noqa: F811
    code = "import sys, json; from startlm import open_bundle; print(json.dumps([a._asdict() for a in open_bundle(sys.argv[1]).predict(json.loads(sys.argv[2]))])); assert 'torch' not in sys.modules"
    texts = [row["message"] for row in tickets(20, seed=8, teams=TEAMS)]
    there = json.loads(run(base, code, str(made / "bundles" / "v1"), json.dumps(texts)))
    assert there == [answer._asdict() for answer in open_bundle(made / "bundles" / "v1").predict(texts)]


@pytest.mark.parametrize("change", [
    {"threshold": -1.0}, {"threshold": 3.0}, {"threshold": "0.5"}, {"threshold": None}, {"more": 1}, {"share": 2.0}, {"lines": [{}]}, {"said": "x"}, {"threshold": float("1e308")},
])  # fmt: skip
def test_an_altered_cascade_is_refused(made: Path, change: dict[str, Any]) -> None:
    from startlm.core.model_file import check_model
    from startlm.predict import SHELVES

    altered = settings(made)
    check_model(altered, SHELVES, "here")
    with pytest.raises(BundleError):
        check_model(altered | {"cascade": altered["cascade"] | change}, SHELVES, "here")
    with pytest.raises(BundleError):
        check_model(altered | {"members": altered["members"][:1]}, SHELVES, "here")


def test_the_same_plan_gives_the_same_cascade_and_off_leaves_it_out(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startlm.build, "LADDER", ("linear", "pretrained"))
    choose = startlm.train._Climb.choose
    monkeypatch.setattr(startlm.train._Climb, "choose", lambda climb, rungs: ([1], choose(climb, rungs)[1]))
    examples = prepare_examples(str(made / "messages.csv"), text="message", label="team", folder=tmp_path / "data")
    model = build_model(examples, weights=str(shared_toy_weights()))
    same = train_model(model, examples, folder=tmp_path / "same", plan=str(made / "train" / "plan.json"), predict=PredictSettings(cascade="5%", hand_over="5%"))
    assert files_of(same.folder) == files_of(made / "train" / "model")
    off = train_model(model, examples, folder=tmp_path / "same", predict=PredictSettings(cascade="off"))
    told = json.loads((off.folder / "model.json").read_text("utf-8"))  # type: ignore[operator]
    assert "cascade" not in told and [member["family"] for member in told["members"]] == ["pretrained"]
