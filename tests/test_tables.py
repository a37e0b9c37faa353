"""Any table: several columns beside or instead of a text, a number to be told; the whole way, and what predict says equals what was judged."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orders import orders
from startlm import build_model, deploy_model, evaluate_model, open_bundle, prepare_examples, train_model
from startlm.core.errors import BundleError, CallError, GateError
from startlm.predict import open_model
from test_story import read_csv, startlm

NUMBERS = ("pieces: number", "weight: number", "city: category", "ordered: date")


def write_orders(path: Path, rows: int = 400, seed: int = 0) -> Path:
    found = orders(rows, seed)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    return path


def judged(folder: Path, family: str, **given: Any) -> tuple[Any, Any]:
    examples = prepare_examples(orders(), folder=folder / "data", **given)
    model = train_model(build_model(examples, family=family), examples, budget="2m", folder=folder / "train")
    report = evaluate_model(model, examples, folder=folder)
    return deploy_model(model, report, to=folder / "bundles"), report


# ----------------------------------------------------------- the whole way

@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished project `paid` that tells a number from four columns."""
    folder = tmp_path_factory.mktemp("orders")
    write_orders(folder / "orders.csv")
    done = startlm("new", "paid", "--data", "orders.csv", "--label", "paid", "--columns", "pieces: number,weight,city,ordered", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["columns"] == list(NUMBERS)
    done = startlm("run", "paid", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_number_is_told_by_the_command_line_from_columns_without_a_text(shop: Path) -> None:
    assert 'task = "score"' in (shop / "paid" / "startlm.toml").read_text("utf-8")
    [report] = (shop / "paid" / "runs").glob("*/report.json")
    content = json.loads(report.read_text("utf-8"))
    assert content["task"] == "score" and content["better_than_baseline"]
    mae = content["figures"][0]
    assert mae["name"] == "mae" and mae["high"] < 0.4 * mae["baseline"]


def test_predict_writes_the_number_and_its_interval_and_equals_what_was_judged(shop: Path) -> None:
    done = startlm("predict", "paid", "orders.csv", "-o", "out.csv", "--force", folder=shop)
    assert done.returncode == 0, done.stderr
    rows = read_csv(shop / "out.csv")
    [answers] = (shop / "paid" / "runs").glob("*/answers.csv")
    tested = read_csv(answers)
    assert len(tested) >= 70
    for row in tested:
        mine = rows[int(row["row"]) - 1]
        assert [float(mine[name]) for name in ("prediction", "low", "high")] == [float(row[name]) for name in ("prediction", "low", "high")]
        assert float(mine["low"]) < float(mine["prediction"]) < float(mine["high"])
    error = np.mean([abs(float(row["truth"]) - float(row["prediction"])) for row in tested])
    [report] = (shop / "paid" / "runs").glob("*/report.json")
    assert error == pytest.approx(json.loads(report.read_text("utf-8"))["figures"][0]["value"], rel=1e-6)


def test_running_twice_does_nothing_twice_and_another_kind_of_column_is_a_new_run(shop: Path) -> None:
    done = startlm("run", "paid", "--json", folder=shop)
    assert [step["fresh"] for step in json.loads(done.stdout)["steps"]] == [True] * 5


# ------------------------------------------------------------- text beside

@pytest.mark.parametrize("family", ["linear", "trees", "lstm"])
def test_a_text_and_columns_are_read_together(family: str, tmp_path: Path) -> None:
    bundle, report = judged(tmp_path, family, text="note", columns=("pieces: number",), label="returned")
    assert report.figure("accuracy")["value"] > 0.9, "each alone says less: a cup of one comes back, and what broke does"
    predictor = open_bundle(bundle.folder)
    rows = [{"note": "it came broken 7", "pieces": 5}, {"note": "thank you 3", "pieces": "5"}, {"note": "谢谢", "pieces": None}]
    answers = predictor.predict(rows)
    assert [answer.prediction for answer in answers[:2]] == ["yes", "no"]
    alone = [predictor.predict([row])[0].confidence for row in rows]
    assert alone == pytest.approx([answer.confidence for answer in answers], abs=1e-6)


def test_a_row_without_one_of_the_columns_is_refused_by_name(tmp_path: Path) -> None:
    bundle, _ = judged(tmp_path, "linear", text="note", columns=("pieces: number",), label="returned")
    with pytest.raises(CallError, match="note, pieces"):
        open_bundle(bundle.folder).predict([{"note": "thank you"}])


# -------------------------------------------------------------- what is read

def test_equal_rows_of_numbers_stay_in_one_part() -> None:
    rows = [{"a": i % 60, "b": (i * 7) % 5 if i % 60 else 0, "y": float(i % 60)} for i in range(600)]
    examples = prepare_examples(rows, columns=("a: number", "b: number"), label="y", task="score")
    parts: dict[tuple[float, float], set[int]] = {}
    for a, b, part in zip(examples.frame["cell a"], examples.frame["cell b"], examples.frame["part"]):
        parts.setdefault((a, b), set()).add(part)
    assert len(parts) > 50 and all(len(each) == 1 for each in parts.values())


def test_text_in_a_column_of_numbers_stops_and_is_listed_or_skipped(tmp_path: Path) -> None:
    rows = orders()
    rows[6]["pieces"] = "three or four"
    with pytest.raises(CallError, match=r"pieces: no number: 'three or four'") as refused:
        prepare_examples(rows, columns=NUMBERS, label="paid", task="score", folder=tmp_path)
    assert 'bad_rows = "skip"' in refused.value.hint.en and "three or four" in (tmp_path / "rejects.csv").read_text("utf-8")
    examples = prepare_examples(rows, columns=NUMBERS, label="paid", task="score", bad_rows="skip", folder=tmp_path)
    assert examples.meta["rejected"] == 1 and len(examples.frame) == len(rows) - 1


def test_answers_that_tend_to_the_mean_and_lose_to_the_median_are_refused_with_the_loss_to_try(tmp_path: Path) -> None:
    dice = random.Random(0)
    rows = [{"weight": dice.random(), "stars": dice.choice([5, 5, 5, 5, 1])} for _ in range(400)]
    examples = prepare_examples(rows, text=[], columns=["weight: number"], label="stars", task="score")
    model = train_model(build_model(examples, family="linear"), examples)
    with pytest.raises(GateError, match="the median") as refused:
        deploy_model(model, evaluate_model(model, examples), to=tmp_path)
    assert "--loss absolute" in refused.value.hint.en and "--loss absolute" in refused.value.hint.zh


@pytest.mark.parametrize("odd", ["inf", "a lot"])
def test_a_target_that_is_no_finite_number_is_refused_with_its_row(odd: str, tmp_path: Path) -> None:
    rows = orders()
    rows[3]["paid"] = odd
    with pytest.raises(CallError, match="paid: no number"):
        prepare_examples(rows, columns=NUMBERS, label="paid", task="score", folder=tmp_path)


def test_a_missing_target_is_an_unlabelled_row() -> None:
    rows = orders()
    rows[3]["paid"] = ""
    examples = prepare_examples(rows, columns=NUMBERS, label="paid", task="score")
    assert examples.meta["unlabelled"] == 1


def test_a_target_that_never_changes_is_refused_in_both_languages() -> None:
    with pytest.raises(CallError, match="same in every row") as refused:
        prepare_examples([{**row, "paid": 3} for row in orders()], columns=NUMBERS, label="paid", task="score")
    assert "目标值都一样" in refused.value.message.zh


def test_a_family_that_needs_columns_says_so_where_there_are_none() -> None:
    examples = prepare_examples(orders(), text="note", label="returned")
    with pytest.raises(CallError, match="trees needs columns"):
        build_model(examples, family="trees")
    assert [rung.family for rung in build_model(examples).rungs] == ["linear", "bag", "convolution", "lstm"]


# ------------------------------------------------------- intervals that follow the row

def some_noisy(rows: int = 500) -> list[dict[str, Any]]:
    """Orders of which those to Oslo may cost anything."""
    rng, found = random.Random(0), orders(rows)
    return [{**row, "paid": round(row["paid"] + rng.gauss(0, 40), 2)} if row["city"] == "Oslo" else row for row in found]


@pytest.mark.parametrize("family", ["linear", "trees", "convolution"])
def test_quantiles_are_answered_from_a_bundle_as_they_were_judged(family: str, tmp_path: Path) -> None:
    rows = some_noisy()
    examples = prepare_examples(rows, folder=tmp_path / "data", text="note", columns=NUMBERS, label="paid", task="score")
    model = train_model(build_model(examples, family=family, size="small"), examples, budget="2m", loss="quantiles", folder=tmp_path / "train")
    report = evaluate_model(model, examples, folder=tmp_path)
    bundle = deploy_model(model, report, to=tmp_path / "bundles", force=True)
    interval = report.content["interval"]
    assert interval["margin"] is not None and interval["constant"]["width"]["value"] > 0 and report.content["least_covered"]["looked_at"] > 5
    tested = read_csv(tmp_path / "answers.csv")
    answers = open_bundle(bundle.folder).predict([rows[int(row["row"]) - 1] for row in tested])
    for row, answer in zip(tested, answers, strict=True):
        assert [float(row[name]) for name in ("prediction", "low", "high")] == pytest.approx(list(answer), rel=1e-6)
        assert answer.low <= answer.prediction <= answer.high
    alone = open_bundle(bundle.folder).predict([rows[int(tested[0]["row"]) - 1]])
    assert alone[0] == pytest.approx(answers[0], rel=1e-6)
    kept = json.loads((bundle.folder / "report.json").read_text("utf-8"))
    assert kept["interval"] == interval and "Oslo" not in json.dumps(kept)


def test_a_model_of_quantiles_whose_margin_was_taken_away_or_altered_is_refused(tmp_path: Path) -> None:
    from startlm.core.durable import json_bytes, publish_folder, read_verified

    examples = prepare_examples(orders(), folder=tmp_path / "data", columns=NUMBERS, label="paid", task="score")
    model = train_model(build_model(examples, family="linear"), examples, loss="quantiles", folder=tmp_path / "train")
    _, files = read_verified(model.folder)
    settings = json.loads(files["model.json"])
    assert open_model(model.folder).predict([orders()[0]])[0].low is not None
    for number, changed in enumerate(({"margin": "wide"}, {"margin": 1e300}, {"more": 1}, None)):
        interval = {key: value for key, value in settings["interval"].items() if key != "margin"} | (changed or {})
        with publish_folder(tmp_path / str(number), {"kind": "startlm model"}) as folder:
            for name, data in (files | {"model.json": json_bytes(settings | {"interval": interval})}).items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
        with pytest.raises(BundleError):
            open_model(tmp_path / str(number))
