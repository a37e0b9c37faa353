"""Several labels a row: how cells are read, how rows are divided, what is settled and answered."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from startlm import prepare_examples
from startlm.core.errors import CallError
from startlm.core.label_sets import packed, unpacked
from startlm.predict import PredictSettings
from startlm.tasks.classify_several import ClassifySeveral
from startlm.tasks.label_sets import LabelSets
from startlm.testing import check_task
from toy_sets import requests


def read(cells, **changed):
    told = {"label": "topics", "label_separator": ";", "empty_label": "unlabelled", "label_typos": "report", "label_once": "keep"}
    return [each and unpacked(each) for each in LabelSets(SimpleNamespace(**told | changed)).read(cells)[0]]


def test_a_cell_is_cut_at_its_separator_and_each_name_brought_into_one_spelling() -> None:
    assert read(["b ; a;", "ａ", "a;a", "", " ; "]) == [["a", "b"], ["a"], ["a"], "", ""]
    assert read(["a  b", "b"], label_separator=" ") == [["a", "b"], ["b"]]
    assert read(["a；b", "a;b", "a；"], label_separator=";") == read(["a;b", "a；b", "a"], label_separator="；") == [["a", "b"], ["a", "b"], ["a"]]
    assert read(['["b", "a", null]', "a", "[]"], label_separator=None) == [["a", "b"], ["a"], ""]


def test_an_empty_cell_may_mean_that_a_row_has_none_of_the_labels() -> None:
    assert read(["a", "", "[]"], label_separator=None, empty_label="none") == [["a"], [], []]


def test_rows_without_a_label_are_kept_aside_or_learnt_from_as_the_setting_says() -> None:
    rows = requests(200, none=0.2)
    aside = prepare_examples(rows, text="message", label="topics", label_separator=";")
    learnt = prepare_examples(rows, text="message", label="topics", label_separator=";", empty_label="none")
    empty = sum(not row["topics"] for row in rows)
    assert empty > 20 and aside.meta["unlabelled"] == empty and learnt.meta["unlabelled"] == 0
    assert (~learnt.known("train", "dev", "calibration", "test").any(axis=1)).sum() == empty
    said = {each["kind"]: each for examples in (aside, learnt) for each in examples.meta["findings"]}
    assert said["unlabelled"]["setting"] == 'empty_label = "none"' and said["label_none"]["setting"] == 'empty_label = "unlabelled"'
    assert said["unlabelled"]["count"] == said["label_none"]["count"] == empty


@pytest.mark.parametrize("separator", [";", "、", "|"])
def test_a_separator_that_cuts_no_cell_is_refused_with_the_one_that_does(separator: str) -> None:
    rows, wrong = requests(120, separator=separator), {";": ",", "、": ";", "|": "、"}[separator]
    with pytest.raises(CallError, match="more than one label") as refused:
        prepare_examples(rows, text="message", label="topics", label_separator=wrong)
    assert all(f'label_separator = "{separator}"' in hint for hint in refused.value.hint)


def test_a_separator_where_rows_have_one_label_is_refused_with_what_to_do() -> None:
    rows = [{**row, "topics": row["topics"].split(";")[0]} for row in requests(120)]
    with pytest.raises(CallError, match="more than one label") as refused:
        prepare_examples(rows, text="message", label="topics", label_separator=";")
    assert "take label_separator out" in refused.value.hint.en and "去掉" in refused.value.hint.zh


def test_a_second_separator_in_some_rows_is_found_and_said() -> None:
    rows = [{**row, "topics": row["topics"].replace("; ", "、") if number % 4 == 0 else row["topics"]} for number, row in enumerate(requests(200))]
    found = {each["kind"]: each for each in prepare_examples(rows, text="message", label="topics", label_separator=";").meta["findings"]}
    assert found["label_separator"]["count"] == sum("、" in row["topics"] for row in rows) and "'、'" in found["label_separator"]["said"]["zh"]


@pytest.mark.parametrize("choice", ["keep", "drop"])
def test_a_label_that_is_seen_once_is_said_and_kept_or_its_row_dropped(choice: str) -> None:
    rows = requests(120)
    rows[7]["topics"] += "; theft"
    examples = prepare_examples(rows, text="message", label="topics", label_separator=";", label_once=choice)
    (found,) = [each for each in examples.meta["findings"] if each["kind"] == "label_once"]
    assert list(found["rows"]) == [8] and "theft" in found["said"]["en"] and "theft" in found["said"]["zh"]
    assert ("theft" in examples.labels) == (choice == "keep") and len(examples.frame) == 120 - (choice == "drop")


def test_examples_hold_the_labels_of_each_row_and_parts_have_each_label_in_proportion() -> None:
    rows = requests(400)
    examples = prepare_examples(rows, text="message", label="topics", label_separator=";")
    assert examples.labels == ("invoice", "money", "post", "tea") and examples.several and examples.meta["task"] == "classify_several"
    known = examples.known("train", "test")
    for row, has in zip(examples.frame["row"][examples.rows_of("train", "test")].to_list(), known):
        assert [name for name, there in zip(examples.labels, has) if there] == rows[row - 1]["topics"].split("; ")
    shares = [examples.known(part).mean(axis=0) for part in ("train", "test")]
    assert np.abs(shares[0] - shares[1]).max() < 0.08


def test_lists_need_no_separator() -> None:
    rows = [{**row, "topics": row["topics"].split("; ")} for row in requests(120)]
    one, other = (prepare_examples(given, text="message", label="topics", **more) for given, more in (
        (rows, {}), ([{**row, "topics": "|".join(row["topics"])} for row in rows], {"label_separator": "|"})))
    assert np.array_equal(one.known("train", "test"), other.known("train", "test")) and one.meta["separator"] is None


def test_a_test_table_may_have_labels_that_train_never_shows() -> None:
    held = [{"message": f"我要投诉 {number}", "topics": "complaint; money"} for number in range(30)]
    examples = prepare_examples(requests(120), text="message", label="topics", label_separator=";", test=held)
    assert examples.every_label[-1] == "complaint" and "complaint" not in examples.labels
    assert examples.known("train").shape[1] == 4 and examples.known("test").shape[1] == 5 and examples.known("test")[:, 4].all()


@pytest.mark.parametrize(("labels", "match"), [(["a; a"] * 30, "1 label"), (["a; b"] * 30, "0 stand")])
def test_labels_that_every_row_has_cannot_be_learnt(labels: list[str], match: str) -> None:
    rows = [{"m": f"text number {i}", "t": label} for i, label in enumerate(labels)]
    with pytest.raises(CallError, match=match):
        prepare_examples(rows, text="m", label="t", label_separator=";")


@pytest.mark.parametrize(("given", "match"), [({"label_separator": ""}, "one character or more"), ({"task": "score", "label_separator": ";"}, "is for labels")])
def test_a_separator_that_makes_no_sense_is_refused(given: dict, match: str) -> None:
    with pytest.raises(CallError, match=match):
        prepare_examples(requests(60), text="message", label="topics", **given)


# --------------------------------------------------------------- the task

def test_the_check_notices_a_task_that_ignores_its_thresholds() -> None:
    class Even(ClassifySeveral):
        @staticmethod
        def answers(confidences, settings):
            return ClassifySeveral.answers(confidences, settings | {"thresholds": [0.05] * confidences.shape[1]})

    with pytest.raises(AssertionError, match="thresholds"):
        check_task(Even)


def test_that_rows_may_have_no_label_is_known_though_no_calibration_row_has_none() -> None:
    truth = np.random.default_rng(0).random((120, 3)) < 0.5
    truth[~truth.any(axis=1), 0] = True
    for begun, expected in (({}, True), ({"always_some": False}, False)):
        settled, _ = ClassifySeveral.settled(4.0 * truth - 2, truth, begun, PredictSettings())
        assert settled["always_some"] is expected


def test_the_loss_of_a_row_is_the_cross_entropy_of_its_labels() -> None:
    logits, truth = np.array([[2.0, -1.0], [0.0, 0.0]]), np.array([[True, False], [True, True]])
    sure = 1 / (1 + np.exp(-logits))
    expected = -(np.log(np.where(truth, sure, 1 - sure))).sum(axis=1)
    assert ClassifySeveral.losses(logits, truth, "squared") == pytest.approx(expected)
    assert ClassifySeveral.losses(np.array([[1e4, -1e4]]), np.array([[True, False]]), "squared") == pytest.approx(0)


SETTINGS = {"labels": ["a", "b"], "thresholds": [0.4, 0.7], "temperature": 1.0, "exponent": 1.0, "always_some": True, "separator": ";"}


def test_labels_at_or_above_their_thresholds_are_answered_as_a_list_or_as_the_table_had_them() -> None:
    sure = np.array([[0.4, 0.7], [0.39, 0.9], [0.1, 0.1]])
    assert [answer.prediction for answer in ClassifySeveral.answers(sure, SETTINGS)] == [("a", "b"), ("b",), ()]
    assert [cell[0] for cell in ClassifySeveral.cells(sure, SETTINGS, False)] == ["a; b", "b", ""]
    assert [cell[0] for cell in ClassifySeveral.cells(sure, SETTINGS | {"nested": True}, False)] == [["a", "b"], ["b"], []]
    assert [cell[0] for cell in ClassifySeveral.cells(sure, {**SETTINGS, "separator": None}, False)] == ['["a", "b"]', '["b"]', "[]"], "learnt from lists"
    assert ClassifySeveral.columns(SETTINGS, True) == ["prediction", "confidence", "handed_over", "confidence_a", "confidence_b"]
    assert ClassifySeveral.cells(sure, SETTINGS, True)[1][3:] == (0.39, 0.9)


def test_an_answer_keeps_its_published_schema() -> None:
    from jsonschema import Draft202012Validator

    schema = {"type": "object", "properties": ClassifySeveral.answer_schema(SETTINGS), "additionalProperties": False}
    for answer in ClassifySeveral.answers(np.array([[0.4, 0.7], [0.1, 0.1]]), SETTINGS):
        sent = json.loads(json.dumps(answer._asdict()))
        assert list(Draft202012Validator(schema).iter_errors(sent)) == []
        assert list(Draft202012Validator(schema).iter_errors(sent | {"prediction": "a; b"})) != []


def test_a_row_without_a_label_is_handed_over_only_where_every_row_has_some() -> None:
    nothing = np.array([[0.1, 0.1]])
    assert ClassifySeveral.answers(nothing, SETTINGS)[0][1:] == (0.0, {"a": 0.1, "b": 0.1}, True)
    answer = ClassifySeveral.answers(nothing, SETTINGS | {"always_some": False})[0]
    assert answer.confidence == pytest.approx(0.81) and not answer.handed_over


def test_a_probe_agrees_while_labels_stay_on_their_side_of_the_threshold() -> None:
    near, far = np.array([[0.4002, 0.1]]), np.array([[0.43, 0.1]])
    (was,) = ClassifySeveral.probed(near, SETTINGS)
    assert json.loads(json.dumps(was)) == was
    assert ClassifySeveral.agrees(was, near[0], SETTINGS, 1e-3) and ClassifySeveral.agrees(was, np.array([0.3998, 0.1]), SETTINGS, 1e-3)
    assert not ClassifySeveral.agrees(was, far[0], SETTINGS, 1e-3) and not ClassifySeveral.agrees(was, np.array([0.38, 0.1]), SETTINGS, 1e-2)


def test_out_of_scope_is_refused_with_what_to_write_instead() -> None:
    with pytest.raises(CallError, match="one label a row") as refused:
        ClassifySeveral.begun(["a", "b"], ["a", "b"], SimpleNamespace(out_of_scope="b"))
    assert "empty_label" in refused.value.hint.en and "empty_label" in refused.value.hint.zh


def test_one_text_stands_for_a_set() -> None:
    assert packed(["b", "a", "b"]) == packed(["a", "b"]) and unpacked(packed([])) == [] and packed([])
