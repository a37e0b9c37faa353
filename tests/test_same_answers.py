"""What predict answers is what evaluate judged, row by row: for every family, clean and dirty text, one text column or two."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any, Sequence

import pytest

from startlm import build_model, deploy_model, evaluate_model, open_bundle, prepare_examples, train_model
from startlm.core.errors import CallError
from startlm.formats import open_table
from startlm.predict import Output, Predictor, PredictSettings, predict_steps
from table_bundles import KINDS
from toy_weights import built_on
from tickets import TEXT_FAMILIES, tickets

FP32, INT8 = 2e-6, 1e-5  # what an answer may differ by in another batch; it is stored with six places
DIRT = (
    lambda text: text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}),  # full width
    lambda text: f"<p>{text}<br/>&nbsp;&amp; <b>谢谢</b></p><script>alert(1)</script>",
    lambda text: f"😀 {text} 👩‍👩‍👧 🇨🇳 🏳️‍🌈",
    lambda text: "\x01\x7f\u200b\ufeff".join(text.split(" ")) + "\u202e\x0b\x85\u2028 \ufffd",
    lambda text: f"  {text.upper()}\t\n\n {text[::-1]}  é e\u0301 ﬁ 𠮷 退貨",
    lambda text: text,
)


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def dirty(tmp_path: Path) -> Path:
    return write(tmp_path / "in.csv", [{**row, "message": DIRT[row["id"] % len(DIRT)](row["message"])} for row in tickets(240)])


def answered(predictor: Predictor, source: Path, out: Path) -> list[dict[str, str]]:
    for _ in predict_steps(predictor, open_table(source), Output(str(out))):
        pass
    return read(out)


def check_same(predictor: Predictor, answers: list[dict[str, str]], stored: list[dict[str, str]]) -> None:
    """Each row that evaluate stored is answered again as it was."""
    near = INT8 if any(member.get("precision") == "int8" for member in predictor.settings["members"]) else FP32
    for row in stored:
        answer = answers[int(row["row"]) - 1]
        assert (answer["prediction"], answer["handed_over"]) == (row["prediction"], row["handed_over"]), row
        assert float(answer["confidence"]) == pytest.approx(float(row["confidence"]), abs=near), row


@pytest.mark.parametrize("family", TEXT_FAMILIES)
def test_predict_answers_dirty_text_as_evaluate_did_row_by_row(family: str, bundles: dict[str, Path], dirty: Path, tmp_path: Path) -> None:
    examples = prepare_examples(str(dirty), text="message", label="team", test_share=0.4, folder=tmp_path / "data")
    trained = replace(build_model(examples, family=family, **built_on(family)), folder=bundles[family].parent.parent / "train" / "model")
    evaluate_model(trained, examples, folder=tmp_path)
    stored, predictor = read(tmp_path / "answers.csv"), open_bundle(bundles[family])
    answers = answered(predictor, dirty, tmp_path / "out.csv")
    assert len(answers) == 240 and len(stored) > 60 and len({row["confidence"] for row in stored}) > 20
    check_same(predictor, answers, stored)


@pytest.mark.parametrize("name", KINDS)
def test_predict_answers_columns_as_evaluate_did_row_by_row_in_the_file_and_alone(name: str, tables: dict[str, Path], tmp_path: Path) -> None:
    made = tables[name].parent.parent
    predictor, stored = open_bundle(tables[name]), read(made / "answers.csv")
    answers = answered(predictor, made / "orders.csv", tmp_path / "out.csv")
    assert len(answers) == 260 and len(stored) > 60
    number, near = KINDS[name].task == "score", INT8 if any(member.get("precision") == "int8" for member in predictor.settings["members"]) else FP32
    for row in stored:
        same = answers[int(row["row"]) - 1]
        alone = predictor.task.cells(predictor.answered(predictor.inputs([same])), predictor.settings, False)[0]
        if number:
            assert [row[end] for end in ("prediction", "low", "high")] == [same[end] for end in ("prediction", "low", "high")] == [str(end) for end in alone], row
        else:
            assert (same["prediction"], same["handed_over"]) == (row["prediction"], row["handed_over"]) and alone[0] == row["prediction"], row
            assert float(same["confidence"]) == pytest.approx(float(row["confidence"]), abs=near) == pytest.approx(alone[1], abs=near), row


def test_two_text_columns_go_the_whole_way_by_file_in_any_order_and_by_rows(tmp_path: Path) -> None:
    rows = [{"subject": DIRT[row["id"] % 6](row["message"]), "team": row["team"], "body": f"{row['id'] * 7919} 谢谢"} for row in tickets(240)]
    rows = [row if i % 2 else row | {"subject": row["body"], "body": row["subject"]} for i, row in enumerate(rows)]  # either tells the team
    examples = prepare_examples(str(write(tmp_path / "in.csv", rows)), text=("subject", "body"), label="team", test_share=0.4, folder=tmp_path / "data")
    model = train_model(build_model(examples, family="linear"), examples, predict=PredictSettings(hand_over="2%"), folder=tmp_path / "train")
    report = evaluate_model(model, examples, folder=tmp_path / "report")
    predictor, stored = open_bundle(deploy_model(model, report, to=tmp_path / "bundles").folder), read(report.folder / "answers.csv")
    assert predictor.text_columns == ("subject", "body") and len(stored) > 60
    swapped = write(tmp_path / "swapped.csv", [{"body": row["body"], "no": i, "subject": row["subject"]} for i, row in enumerate(rows)])
    answers = answered(predictor, swapped, tmp_path / "out.csv")
    check_same(predictor, answers, stored)
    by_rows = predictor.predict([{"subject": row["subject"], "body": row["body"]} for row in rows])
    assert [(each.prediction, round(each.confidence, 6)) for each in by_rows] == [(row["prediction"], float(row["confidence"])) for row in answers]
    assert sum(each.prediction == row["team"] for each, row in zip(by_rows, rows, strict=True)) > 220, "both columns are read"
    for wrong in ({"subject": "only one of them"}, "a plain text"):
        with pytest.raises(CallError, match="subject, body"):
            predictor.predict([wrong])
