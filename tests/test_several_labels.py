"""Several labels a row, the whole way: new, run, predict, compare; altered bundles, kills, and what does not apply refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import startlm.train as train_step
from damage import files_of, seal
from startlm import build_model, deploy_model, evaluate_model, open_bundle, prepare_examples, train_model
from startlm.core.artifacts import Report
from startlm.core.contracts import Facts, Labelled
from startlm.core.errors import BundleError, CallError, GateError
from startlm.core.label_sets import split_cell
from startlm.engines.numpy import NumpyEngine
from startlm.families.linear import Linear
from startlm.formats import open_table
from startlm.predict import PredictSettings
from startlm.train import TrainSettings, train_steps
from test_neighbours import texts_of_all_lengths
from test_resume import PLACES
from test_same_answers import DIRT, FP32, answered, read, write
from test_story import startlm
from toy_sets import ASKED, requests

ROOT = Path(__file__).resolve().parent.parent
FAMILIES = ("linear", "bag", "convolution", "lstm", "transformer")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished project named `desk`, and rows that it has not seen."""
    folder = tmp_path_factory.mktemp("several")
    write(folder / "requests.csv", requests(400))
    write(folder / "later.csv", requests(200, seed=7))
    for done in (startlm("new", "desk", "--data", "requests.csv", folder=folder), startlm("run", "desk", "--family", "linear", folder=folder)):
        assert done.returncode == 0, done.stderr
        (folder / "said.txt").write_text(done.stdout)
    return folder


def test_new_finds_the_separator_and_says_why(desk: Path, tmp_path: Path) -> None:
    done = startlm("new", "desk", "--data", str(desk / "requests.csv"), "--json", folder=tmp_path)
    found = json.loads(done.stdout)
    assert (found["text"], found["label"], found["label_separator"]) == (["message"], "topics", ";")
    assert any("several labels a row" in said and "4 names" in said for said in found["said"])
    toml = (tmp_path / "desk" / "startlm.toml").read_text(encoding="utf-8")
    assert 'task = "classify"\n' in toml and '\nlabel_separator = ";"\n' in toml


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("separator", ["; ", "、", "|"])
def test_new_says_what_an_empty_cell_means(separator: str, language: str, tmp_path: Path) -> None:
    write(tmp_path / "requests.csv", requests(200, separator=separator, none=0.2))
    done = startlm("new", "desk", "--data", "requests.csv", "--language", language, folder=tmp_path)
    assert f'label_separator = "{separator.strip()}"' in done.stdout + done.stderr
    assert 'empty_label = "none"' in done.stdout + done.stderr and {"en": "nobody has labelled", "zh": "还没有人标注"}[language] in done.stdout + done.stderr
    assert f'\nlabel_separator = "{separator.strip()}"\n' in (tmp_path / "desk" / "startlm.toml").read_text(encoding="utf-8")


def test_a_wrong_separator_is_refused_with_the_line_to_write(tmp_path: Path) -> None:
    write(tmp_path / "requests.csv", requests(120, separator="、"))
    assert startlm("new", "desk", "--data", "requests.csv", folder=tmp_path).returncode == 0
    for language, words in (("en", "what to do: the cells are cut by"), ("zh", "分隔符看起来是")):
        done = startlm("prepare", "desk", "--label-separator", ",", "--language", language, folder=tmp_path)
        assert done.returncode == 2 and words in done.stderr and 'label_separator = "、"' in done.stderr, done.stderr


def test_the_report_holds_every_figure_and_the_model_beats_the_usual_combination(desk: Path) -> None:
    (run,) = desk.glob("desk/runs/2*")
    report = Report(run, json.loads((run / "report.json").read_text(encoding="utf-8")))
    assert report.better_than_baseline and report.content["task"] == "classify_several"
    assert report.figure("samples_f1")["low"] > 0.9 > 0.7 > report.figure("samples_f1")["baseline"]
    assert len(report.content["classes"]) == len(ASKED) == len(report.content["baseline"]["labels"]) + 3
    assert "F1 a row" in report.content["headline"]["en"] and "各行标签的 F1" in report.content["headline"]["zh"]


def test_predict_writes_the_labels_as_the_table_had_them_and_as_lists_where_a_format_nests(desk: Path, tmp_path: Path) -> None:
    for name in ("out.csv", "out.jsonl", "out.parquet"):
        done = startlm("predict", "desk", "later.csv", "-o", str(tmp_path / name), "--confidences", folder=desk)
        assert done.returncode == 0, done.stderr
    rows, truth = read(tmp_path / "out.csv"), [row["topics"] for row in requests(200, seed=7)]
    assert list(rows[0])[3:6] == ["prediction", "confidence", "handed_over"] and sum(row["prediction"] == true for row, true in zip(rows, truth)) > 150
    nested = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [split_cell(row["prediction"], ";") for row in rows] == [row["prediction"] for row in nested]
    parquet = [dict(zip(table.columns, row.values)) for table in [open_table(tmp_path / "out.parquet")] for row in table.rows()]
    assert [json.loads(row["prediction"]) for row in parquet] == [row["prediction"] for row in nested]
    assert all(f"confidence_{name}" in nested[0] for name in ASKED)


def test_predict_tells_the_labels_of_a_text(desk: Path) -> None:
    text = "please refund the clay pot, order 77. send me an invoice for two cups, number 8"
    assert startlm("predict", "desk", "--text", text, folder=desk).stdout.startswith("invoice; money  ")
    assert "no label" in startlm("predict", "desk", "--text", "qqqq", folder=desk).stdout and "没有标签" in startlm("predict", "desk", "--text", "qqqq", "--language", "zh", folder=desk).stdout
    (answer,) = json.loads(startlm("predict", "desk", "--text", text, "--json", folder=desk).stdout)["answers"]
    assert answer["prediction"] == ["invoice", "money"] and set(answer["confidences"]) == set(ASKED)


def test_compare_takes_several_labels_in_any_order_and_from_lists(desk: Path, tmp_path: Path) -> None:
    truth = requests(200, seed=7)
    worse = [json.dumps({"prediction": row["topics"].split("; ")[:1] if row["id"] % 3 == 0 else row["topics"].split("; ")[::-1]}) for row in truth]
    (tmp_path / "worse.jsonl").write_text("\n".join(worse), encoding="utf-8")
    write(tmp_path / "same.csv", [{"prediction": ";".join(reversed(row["topics"].split("; ")))} for row in truth])
    done = startlm("compare", str(tmp_path / "worse.jsonl"), str(tmp_path / "same.csv"), "--truth", "later.csv", "--label", "topics", folder=desk)
    assert "several a row" in done.stdout and "micro F1 100.0 %" in done.stdout and "B is better than A" in done.stdout, done.stdout + done.stderr
    found = json.loads(startlm("compare", str(tmp_path / "worse.jsonl"), str(tmp_path / "same.csv"), "--truth", "later.csv", "--label", "topics", "--json", folder=desk).stdout)
    wrong = sum(row["id"] % 3 == 0 and "; " in row["topics"] for row in truth)
    assert found["pairs"][0]["only_b_right"] == wrong > 10 and found["pairs"][0]["micro_f1_gain"]["low"] > 0 and found["as"] == "several labels"
    whole = startlm("compare", str(tmp_path / "same.csv"), str(tmp_path / "same.csv"), "--truth", "later.csv", "--label", "topics", "--as", "labels", folder=desk)
    assert "several a row" not in whole.stdout


def test_compare_leaves_empty_cells_out_or_takes_them_for_none_of_the_labels(tmp_path: Path) -> None:
    truth = requests(200, none=0.2)
    write(tmp_path / "truth.csv", truth)
    write(tmp_path / "right.csv", [{"prediction": row["topics"]} for row in truth])
    write(tmp_path / "always.csv", [{"prediction": row["topics"] or "tea"} for row in truth])
    empty, asked = sum(not row["topics"] for row in truth), ("compare", "right.csv", "always.csv", "--truth", "truth.csv", "--label", "topics", "--json")
    out, none = (json.loads(startlm(*asked, *more, folder=tmp_path).stdout) for more in ((), ("--empty-label", "none")))
    assert (out["n"], out["rows_without_label"], out["pairs"][0]["only_a_right"]) == (200 - empty, empty, 0)
    assert (none["n"], none["rows_without_label"], none["pairs"][0]["only_a_right"]) == (200, 0, empty) and empty > 20
    refused = startlm(*asked, "--empty-label", "nothing", folder=tmp_path)
    assert refused.returncode == 2 and "--empty-label none" in refused.stdout + refused.stderr


def test_run_twice_does_nothing_twice(desk: Path) -> None:
    again = json.loads(startlm("run", "desk", "--family", "linear", "--json", folder=desk).stdout)
    assert all(step["fresh"] for step in again["steps"])


# ---------------------------------------------------------------- families

@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A deployed bundle of each family that takes several labels a row."""
    folder, made = tmp_path_factory.mktemp("families"), {}
    examples = prepare_examples(requests(300), text="message", label="topics", label_separator=";", folder=folder / "data")
    for family in FAMILIES:
        model = train_model(build_model(examples, family=family, size="small"), examples, budget="2m", predict=PredictSettings(hand_over="30%"), folder=folder / family / "train")
        report = evaluate_model(model, examples, folder=folder / family)
        made[family] = deploy_model(model, report, to=folder / family / "bundles", force=True).folder
    return made


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_learns_several_labels_a_row(family: str, trained: dict[str, Path]) -> None:
    figures = {each["name"]: each for each in json.loads((trained[family] / "report.json").read_text(encoding="utf-8"))["figures"]}
    assert figures["micro_f1"]["value"] > figures["micro_f1"]["baseline"] + 0.2, figures["micro_f1"]


@pytest.mark.parametrize("family", FAMILIES)
def test_predict_answers_dirty_text_as_evaluate_did_row_by_row(family: str, trained: dict[str, Path], tmp_path: Path) -> None:
    dirty = write(tmp_path / "in.csv", [{**row, "message": DIRT[row["id"] % len(DIRT)](row["message"])} for row in requests(240)])
    examples = prepare_examples(str(dirty), text="message", label="topics", label_separator=";", test_share=0.4, folder=tmp_path / "data")
    evaluate_model(replace(build_model(examples, family=family), folder=trained[family].parent.parent / "train" / "model"), examples, folder=tmp_path)
    stored, answers = read(tmp_path / "answers.csv"), answered(open_bundle(trained[family]), dirty, tmp_path / "out.csv")
    assert len(answers) == 240 and len(stored) > 60
    for row in stored:
        answer = answers[int(row["row"]) - 1]
        assert (answer["prediction"], answer["handed_over"]) == (row["prediction"], row["handed_over"]), row
        assert float(answer["confidence"]) == pytest.approx(float(row["confidence"]), abs=10 * FP32), row


@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_does_not_depend_on_the_rows_beside_it(family: str, trained: dict[str, Path]) -> None:
    predictor = open_bundle(trained[family])
    inputs = predictor.inputs(texts_of_all_lengths(120))
    alone = np.concatenate([predictor.answered(inputs.take([row])) for row in range(120)])
    order = np.random.default_rng(0).permutation(120)
    mixed = np.empty_like(alone)
    for rows in np.array_split(order, 9):
        mixed[rows] = predictor.answered(inputs.take(rows))
    assert np.abs(mixed - alone).max() <= 1e-6


def test_trees_say_that_they_take_one_label_and_the_ladder_leaves_them_out() -> None:
    rows = [{**row, "length": len(row["message"])} for row in requests(120)]
    examples = prepare_examples(rows, text="message", columns=("length: number",), label="topics", label_separator=";")
    assert "trees" not in [rung.family for rung in build_model(examples).rungs]
    with pytest.raises(CallError, match="several labels a row") as refused:
        build_model(examples, family="trees")
    assert "linear" in refused.value.hint.en and "linear" in refused.value.hint.zh


def test_columns_beside_the_text_tell_labels_too() -> None:
    rng = np.random.default_rng(0)
    rows = [{"m": f"a message {rng.integers(10**6)}", "paid": int(a), "sent": "late" if b else "in time", "t": "; ".join(["money"] * a + ["post"] * b)} for a, b in rng.integers(0, 2, (400, 2)).tolist()]
    examples = prepare_examples(rows, text="m", columns=("paid: category", "sent: category"), label="t", label_separator=";", empty_label="none")
    report = evaluate_model(train_model(build_model(examples, family="linear"), examples), examples)
    assert report.figure("subset_accuracy")["low"] > 0.9


def test_rows_with_none_of_the_labels_are_learnt_and_answered_with_none(tmp_path: Path) -> None:
    examples = prepare_examples(requests(400, none=0.3), text="message", label="topics", label_separator=";", empty_label="none")
    model = train_model(build_model(examples, family="linear"), examples)
    report = evaluate_model(model, examples)
    predictor = open_bundle(deploy_model(model, report, to=tmp_path).folder)
    assert predictor.settings["always_some"] is False
    nothing, something = predictor.predict(["thank you, the tray is lovely, 771", "please refund the tray, order 771"])
    assert nothing.prediction == () and not nothing.handed_over and something.prediction == ("money",)


def test_rare_labels_with_balanced_weights_do_not_break_the_training_off() -> None:
    rows = requests(2_400)
    for row in rows[::800]:
        row["topics"] = f"{row['topics']}; legal"
    examples = prepare_examples(rows, text="message", label="topics", label_separator=";", label_once="keep")
    steps = list(train_steps(build_model(examples, family="convolution", size="small"), examples, settings=TrainSettings(budget="2m", class_weights="balanced")))
    assert not any(each.said and "back at step" in each.said.en for each in steps) and steps[-1].result is not None


def test_an_empty_cell_means_none_of_the_labels_only_where_rows_may_have_several() -> None:
    rows = [{"m": f"text {number}", "t": "ab"[number % 2]} for number in range(60)]
    with pytest.raises(CallError, match="for several labels a row") as refused:
        prepare_examples(rows, text="m", label="t", empty_label="none")
    assert "label_separator" in refused.value.hint.en


def test_a_large_table_has_dev_and_calibration_parts_and_goes_the_whole_way() -> None:
    examples = prepare_examples(requests(2_900), text="message", label="topics", label_separator=";")
    assert not examples.crossfit
    report = evaluate_model(train_model(build_model(examples), examples, budget="2m", predict=PredictSettings(hand_over="10%")), examples)
    assert report.figure("subset_accuracy")["value"] > 0.9 and report.content["hand_over"]["chosen"]["answered_on_test"]["value"] > 0.5


def test_a_rare_label_is_held_likelier_where_labels_count_the_same() -> None:
    texts, truth = [row["message"] for row in requests(240)], np.array([[topic in row["topics"] for topic in ASKED] for row in requests(240)])
    truth[20:, 0] = False  # now the first label is rare
    recipe = Linear.recipe(Facts(240, len(ASKED), 40.0, 80, 0.5, several=True), "small")
    of = {}
    for weights in (None, "balanced"):
        *_, last = Linear.fit_steps(Labelled(texts, truth), None, len(ASKED), replace(recipe, options={"cost": 0.05, "ratio": 0.0, "class_weights": weights}), 0)
        tokenizer, engine = last.result.tokenizer, NumpyEngine.from_state(last.result.engine)
        of[weights] = engine.logits(tokenizer.encode([row["message"] for row in requests(100, seed=5)])).mean(axis=0)
    assert of["balanced"][0] > of[None][0] + 0.1


# --------------------------------------------------------------- not good

def test_a_model_that_is_no_better_than_the_usual_combination_is_not_deployed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [{**row, "topics": ["money", "post; tea", "post"][rng.integers(3)]} for row in requests(300)]
    examples = prepare_examples(rows, text="message", label="topics", label_separator=";")
    model = train_model(build_model(examples, family="linear"), examples)
    report = evaluate_model(model, examples)
    assert not report.better_than_baseline and "Not better than the baseline" in report.content["headline"]["en"]
    with pytest.raises(GateError):
        deploy_model(model, report, to=tmp_path)


def test_what_does_not_apply_is_refused_or_left_out() -> None:
    rows = [{**row, "topics": "tea; money" if number % 5 == 0 else row["topics"]} for number, row in enumerate(requests(200))]
    examples = prepare_examples(rows, text="message", label="topics", label_separator=";")
    model = train_model(build_model(examples, family="linear"), examples)
    with pytest.raises(CallError, match="one label a row"):
        evaluate_model(model, examples, costs=("money -> post: 3",))
    with pytest.raises(CallError, match="one label a row"):
        train_model(build_model(examples, family="linear"), examples, predict=PredictSettings(out_of_scope="tea"))
    content = evaluate_model(model, examples, minimum_accuracy=0.999).content
    assert [content[name] for name in ("slices", "label_errors", "learning_curve", "columns_worth")] == [None] * 4
    assert content["broken_limit"]["setting"] == "minimum_accuracy" and "all labels right" in content["broken_limit"]["en"]


def test_labels_that_only_the_test_table_has_are_always_missed_and_said() -> None:
    held = requests(60, seed=3)
    for row in held[:15]:
        row["topics"] += "; complaint"
    examples = prepare_examples(requests(300), text="message", label="topics", label_separator=";", test=held)
    report = evaluate_model(train_model(build_model(examples, family="linear"), examples), examples)
    complaint = next(each for each in report.content["classes"] if each["label"] == "complaint")
    assert complaint["recall"]["value"] == 0 and complaint["threshold"] is None
    assert any("complaint" in said["en"] and "complaint" in said["zh"] for said in report.content["warnings"])


@pytest.mark.parametrize("harm", [
    {"thresholds": [0.5, 0.5]}, {"thresholds": [0.5, 0.5, 0.5, 1.5]}, {"exponent": -1.0}, {"always_some": 1}, {"separator": 3}, {"temperature": 0.0},
    {"out_of_scope": None}, {"labels": ["a", "b", "c"]}, {"thresholds": [0.001] * 4}, {"temperature": 9.0},
], ids=str)
def test_an_altered_bundle_is_refused_though_its_hashes_fit(harm: dict, trained: dict[str, Path], tmp_path: Path) -> None:
    bundle = tmp_path / "v1"
    for name, data in files_of(trained["linear"]).items():
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle / name).write_bytes(data)
    open_bundle(bundle)
    model = json.loads((bundle / "model.json").read_text(encoding="utf-8"))
    (bundle / "model.json").write_text(json.dumps(model | harm), encoding="utf-8")
    with pytest.raises(BundleError):
        open_bundle(bundle)
    seal(bundle)
    with pytest.raises(BundleError):
        open_bundle(bundle)


# ---------------------------------------------------------------- kill -9

def train_in_folds(parent: Path, name: str, plan: str | None) -> None:
    """A short training of a network in two folds; the examples lie beside it, made once."""
    train_step.FOLDS = 2
    examples = prepare_examples(requests(120), text="message", label="topics", label_separator=";", folder=parent / "data")
    train_model(build_model(examples, family="lstm", size="small"), examples, budget="1s", threads=1, folder=parent / name, plan=plan)


@pytest.mark.parametrize("place", [PLACES[1], PLACES[4]])
def test_a_training_killed_half_way_ends_with_the_same_bits(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_step, "FOLDS", 2)
    train_in_folds(tmp_path, "whole", None)
    plan = str(tmp_path / "whole" / "plan.json")
    code = f"from pathlib import Path; from test_several_labels import train_in_folds; train_in_folds(Path({str(tmp_path)!r}), 'killed', {plan!r})"
    path = os.pathsep.join([*map(str, (ROOT, ROOT / "tests")), os.environ["PYTHONPATH"]])
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (tmp_path / "killed" / place).exists():
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL, f"it ended before {place} was there"
    train_in_folds(tmp_path, "killed", plan)
    assert files_of(tmp_path / "killed" / "model") == files_of(tmp_path / "whole" / "model")
