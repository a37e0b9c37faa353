"""A larger model teaches a smaller one: what it says of a row comes from a fit that did not see it; the taught one learns it; kept lessons are used again."""

import json
from dataclasses import replace

import numpy as np
import pytest

from startlm import build_model, deploy_model, evaluate_model, open_bundle, prepare_examples, train_model
from startlm.core.contracts import Fitted, Inputs, Labelled, Recipe, State
from startlm.core.durable import read_json
from startlm.core.errors import CallError
from startlm.families import teaching
from startlm.predict import PredictSettings
from startlm.train import TrainSettings, _Climb, train_steps
from tickets import tickets
from toy_weights import shared_toy_weights

ROWS = Labelled([f"text {number}" for number in range(30)], np.arange(30) % 3)
MORE = Inputs([f"more {number}" for number in range(8)])


class Teachers:
    """Fits that remember what they were given, and say of a text how likely its number makes each label."""

    def __init__(self):
        self.seen = []

    def fit(self, rows, part):
        self.seen.append(set(rows.texts))
        yield "a sign of life"
        return Fitted(Recipe("toy", "", ""), None, State({"fit": len(self.seen) - 1}))

    def say_of(self, fitted, rows):
        assert not self.seen[fitted.engine.settings["fit"]] & set(rows.texts), "a teacher is asked of a row that it learnt from"
        odds = np.array([[1 + (int(text.split()[1]) + label) % 3 for label in range(3)] for text in rows.texts], float)
        return np.log(odds / odds.sum(axis=1, keepdims=True))


def taught(place, teachers, more=Inputs([]), rows=ROWS):
    steps = teaching.taught_steps(rows, more, 3, 0, fit=teachers.fit, say_of=teachers.say_of, place=place)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_each_rows_lesson_comes_from_a_fit_that_did_not_see_it_and_is_half_its_label(tmp_path):
    teachers = Teachers()
    rows = taught(tmp_path / "0", teachers)
    assert len(teachers.seen) == teaching.FOLDS and all(len(seen) == 20 for seen in teachers.seen)
    said = np.exp(Teachers.say_of(teachers, Fitted(Recipe("toy", "", ""), None, State({"fit": 0})), Inputs([f"more {n}" for n in range(30)])))
    assert rows.soft == pytest.approx(0.5 * np.eye(3)[ROWS.labels] + 0.5 * said, abs=1e-6) and (rows.labels == ROWS.labels).all() and rows.texts == ROWS.texts


def test_rows_without_a_label_are_taught_by_a_teacher_of_all_others(tmp_path):
    teachers = Teachers()
    rows = taught(tmp_path / "0", teachers, MORE)
    assert rows.texts == [*ROWS.texts, *MORE.texts] and teachers.seen[-1] == set(ROWS.texts) and rows.soft.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (rows.labels[30:] == rows.soft[30:].argmax(axis=1)).all() and rows.soft[30:].max() < 0.6  # no label is mixed in


def test_no_more_rows_without_a_label_than_four_for_each_with_one():
    few = ROWS.take(np.arange(3))
    many = Inputs([str(number) for number in range(100)])
    assert len(teaching.beside(few, many, 0)) == 12 and teaching.beside(few, many, 0).texts == teaching.beside(few, many, 0).texts != teaching.beside(few, many, 1).texts


def test_lessons_that_are_kept_are_not_taught_again_and_a_damaged_one_is(tmp_path):
    first = taught(tmp_path / "0", Teachers(), MORE)
    again = Teachers()
    assert np.array_equal(taught(tmp_path / "0", again, MORE).soft, first.soft) and again.seen == []
    path = tmp_path / "0-teacher-1" / "logits.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert np.array_equal(taught(tmp_path / "0", again, MORE).soft, first.soft) and len(again.seen) == 1


def test_near_duplicates_are_not_divided_so_that_no_teacher_knows_the_twin_of_what_it_is_asked(tmp_path):
    pairs = replace(ROWS, labels=np.arange(30) // 2 % 3, group=np.arange(30) // 2)
    teachers = Teachers()
    assert len(taught(tmp_path / "0", teachers, rows=pairs)) == 30 and len(teachers.seen) == teaching.FOLDS
    for seen in teachers.seen:
        assert {int(text.split()[1]) ^ 1 for text in seen} == {int(text.split()[1]) for text in seen}


def test_rows_without_a_label_are_planned_for_in_the_shares_of_those_with_one():
    rows = Labelled([str(number) for number in range(40)], np.repeat([0, 1, 2, 2], 10))
    for count in (6, 40, 100):
        shares = np.bincount(teaching.together(rows, Inputs([""] * count)).labels[40:], minlength=3) / count
        assert shares == pytest.approx([0.25, 0.25, 0.5], abs=1 / count)


# ------------------------------------------------------------- through the five steps

def unlabelled(rows, share):
    return [{**row, "team": "" if number % share == 0 else row["team"]} for number, row in enumerate(rows)]


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    return prepare_examples(unlabelled(tickets(160), 4), text="message", label="team", folder=tmp_path_factory.mktemp("teaching") / "data")


def built(examples, **given):
    return build_model(examples, **{"family": "bag", "size": "small", "teacher": "pretrained", "weights": str(shared_toy_weights()), **given})


def test_both_stand_in_the_report_the_teacher_never_answers_and_the_bundle_answers_as_judged(examples, tmp_path):
    model = train_model(built(examples), examples, budget="30m", folder=tmp_path / "train")
    table = [(line["family"], line.get("teacher"), line.get("teaches")) for line in model.ladder]
    assert table == [("bag", None, None), ("pretrained", None, "bag"), ("bag", "pretrained", None)] and not model.ladder[1]["kept"]
    report = evaluate_model(model, examples, folder=tmp_path)
    assert [line["family"] for line in report.content["ladder"]] == ["bag", "pretrained", "bag"]
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "taught by" in page and "本身不回答" in page
    bundle = open_bundle(deploy_model(model, report, to=tmp_path / "bundles", force=True).folder)
    assert [member["family"] for member in bundle.settings["members"]] == ["bag"]
    judged = report.content["figures"][0]["value"]
    test = examples.frame[examples.rows_of("test")]
    answers = [answer.prediction for answer in bundle.predict(test["text"].to_list())]
    assert np.mean([answer == examples.labels[label] for answer, label in zip(answers, test["label"])]) == pytest.approx(judged)
    assert not list((tmp_path / "train").rglob("*teacher-*")), "lessons are forgotten once the rung is kept"


def test_a_taught_network_leans_towards_its_teacher(examples, tmp_path, monkeypatch):
    """A teacher that always says the same teaches that."""
    monkeypatch.setattr(teaching, "SHARE", 1.0)
    monkeypatch.setattr(teaching, "_said_steps", constant)
    model = train_model(built(examples), examples, budget="30m", folder=tmp_path / "train")
    line = model.ladder[2]
    assert line["accuracy"] < 0.7 < model.ladder[0]["accuracy"], "it learnt what it was taught, not the labels"


def constant(learn, asked, part, fit, say_of):
    yield from ()
    said = np.full((len(asked), int(learn.labels.max()) + 1), 0.01, np.float32)
    said[:, 0] = 1 - 0.01 * (said.shape[1] - 1)
    return said


def test_broken_off_amid_the_lessons_it_goes_on_to_the_same_bits(examples, tmp_path):
    settings = TrainSettings(budget="30m", threads=1)
    whole = train_model(built(examples), examples, settings=settings, folder=tmp_path / "whole")
    steps = train_steps(built(examples), examples, settings=TrainSettings(budget="30m", threads=1, plan=str(tmp_path / "whole" / "plan.json")), folder=tmp_path / "broken")
    for _ in steps:
        if list((tmp_path / "broken").rglob("*teacher-1")):
            break
    steps.close()
    assert list((tmp_path / "broken").rglob("*teacher-1")), "it ended before a lesson was kept"
    *_, last = train_steps(built(examples), examples, settings=TrainSettings(budget="30m", threads=1, plan=str(tmp_path / "whole" / "plan.json")), folder=tmp_path / "broken")
    files = lambda folder: {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}  # noqa: E731
    assert files(last.result.folder) == files(whole.folder)
    assert json.loads((whole.folder / "model.json").read_text())["members"][0]["family"] == "bag"


@pytest.mark.parametrize("given", [{"teacher": "bag"}, {"teacher": "auto"}, {"family": "auto"}, {"family": "linear"}])
def test_what_cannot_be_taught_is_refused_with_what_can_in_both_languages(examples, given):
    with pytest.raises(CallError, match="cannot be taught") as refused:
        built(examples, **given)
    assert "bag" in refused.value.hint.en and "不能由它来教" in refused.value.message.zh


def test_an_unknown_teacher_and_one_without_weights_are_refused(examples):
    with pytest.raises(CallError, match="pretrained"):
        built(examples, teacher="pretraned")
    with pytest.raises(CallError, match="needs pretrained weights"):
        built(examples, weights=None)


@pytest.mark.parametrize("teacher", ["static", "pretrained"])
def test_weights_that_stay_as_they_are_cannot_be_taught_under_another_name_either(examples, teacher):
    with pytest.raises(CallError, match='family = "pretrained" cannot be taught'):
        built(examples, family="tuned", way="frozen", teacher=teacher)


@pytest.mark.parametrize(("teacher", "way", "rung"), [("pretrained", "lora", ("tuned", "lora")), ("tuned", "frozen", ("pretrained", "frozen")), ("pretrained", "auto", ("pretrained", "frozen"))])
def test_the_way_is_that_of_the_teacher_where_only_it_stands_on_weights(examples, teacher, way, rung):
    model = built(examples, teacher=teacher, way=way)
    assert (model.rungs[1].family, model.rungs[1].size) == rung and model.rungs[2].options["teacher"] == rung[0]


def test_no_text_that_stands_with_a_label_in_any_part_is_taught_as_one_without(tmp_path):
    rows = tickets(160)
    again = [{**row, "team": ""} for row in rows] + [{"message": f"where is parcel {number} today", "team": ""} for number in range(9)]
    twice = prepare_examples(rows + again, text="message", label="team", folder=tmp_path / "data")
    assert set(twice.unlabelled["text"]) & set(twice.labelled("test").texts), "the test part's texts stand there without a label too"
    climb = _Climb(build_model(twice, family="bag", size="small", teacher="linear"), twice, TrainSettings(), PredictSettings(), tmp_path)
    assert len(climb.unlabelled) == 9 and not set(climb.unlabelled.texts) & set(twice.frame["text"])


def test_balanced_labels_are_weighed_by_the_rows_that_have_one(examples, tmp_path):
    model = build_model(examples, family="bag", size="small", teacher="linear")
    for _ in train_steps(model, examples, settings=TrainSettings(budget="30m", threads=1, class_weights="balanced"), folder=tmp_path):
        if (tmp_path / "plan.json").exists():
            break
    alone, _, taught_too = (rung["options"].get("descent") for rung in read_json(tmp_path / "plan.json")["rungs"])
    assert taught_too["class_weights"] == pytest.approx(alone["class_weights"], rel=0.05)


def test_several_labels_a_row_are_not_taught(tmp_path):
    rows = [{"m": f"refund {i}", "t": "money;post" if i % 2 else "post"} for i in range(60)]
    several = prepare_examples(rows, text="m", label="t", label_separator=";", folder=tmp_path)
    with pytest.raises(CallError, match="one label a row"):
        built(several)
