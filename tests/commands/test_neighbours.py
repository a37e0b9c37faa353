"""`predict --neighbours`: the training rows nearest to a text stand beside its answer, come from the project, and never from a bundle."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from startlm import open_bundle
from startlm.commands import neighbours
from startlm.commands.display import Display
from startlm.commands.predict import Asked, answer_asked
from startlm.core.errors import CallError
from startlm.core.language import speaking
from startlm.predict import Output
from startlm.project import Project, new_project, run_project
from tickets import tickets
from toy_weights import shared_toy_weights


def project_at(folder: Path, family: str = "linear", **build: str) -> Path:
    """A project of tickets, run to its end."""
    rows = tickets(120)
    with (folder / "in.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["message", "team"], *([row["message"], row["team"]] for row in rows)])
    desk = folder / "desk"
    new_project(desk, {"data": "../in.csv", "text": ["message"], "label": "team"}, "")
    for _ in run_project(Project(desk, {"build": {"family": family, **build}, "deploy": {"force": True}})):
        pass
    return desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_at(tmp_path_factory.mktemp("neighbours"))


def ask(desk: Path, *texts: str, near: int | None = 3, output: Output = Output(), file: str | None = None) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """The answers as --json shows them, what was said on the way, the lines of the screen."""
    said: list[str] = []
    shown: list[str] = []
    display = Display(quiet=True, titles={})
    display.see = lambda progress: said.append(str(progress.said or ""))  # type: ignore[method-assign]
    found, _ = answer_asked(Asked(str(desk), file, list(texts), {}, near), output, display, lambda line: shown.append(str(line)), as_json=False)
    return found["answers"], [each for each in said if each], shown


def learnt(desk: Path) -> list[tuple[str, str, int]]:
    """(text, label, line) of every row that the model could learn from."""
    examples = Project(desk).prepared
    from startlm.core.artifacts import Examples

    rows = Examples(examples)
    at = rows.rows_of("train", "dev")
    return [(rows.frame["text"][int(row)], rows.labels[rows.frame["label"][int(row)]], rows.frame["line"][int(row)]) for row in at]


def test_a_training_text_is_its_own_nearest_row_with_its_label_and_line(desk: Path) -> None:
    text, label, line = learnt(desk)[7]
    answers, _, shown = ask(desk, text)
    nearest = [each for each in answers[0]["neighbours"] if each["score"] == answers[0]["neighbours"][0]["score"]]
    assert (text, label, line) in [(each["text"], each["label"], each["line"]) for each in nearest] and nearest[0]["file"].endswith("in.csv")
    assert len(answers[0]["neighbours"]) == 3 and len(shown) == 4 and shown[1].startswith("    ") and f"in.csv:{answers[0]['neighbours'][0]['line']})" in shown[1]


def test_no_neighbour_is_a_test_row(desk: Path) -> None:
    from startlm.core.artifacts import Examples

    examples = Examples(Project(desk).prepared)
    held = {examples.frame["line"][int(row)] for row in examples.rows_of("test")}
    near = ask(desk, "where is my parcel", "please refund", near=100)[0]
    assert held and not held & {each["line"] for answer in near for each in answer["neighbours"]}


def test_the_answer_is_the_same_with_and_without_and_the_index_is_made_once(desk: Path) -> None:
    plain, _, _ = ask(desk, "please refund the pot", near=None)
    ask(desk, "x")
    answers, said, _ = ask(desk, "please refund the pot")
    assert {name: value for name, value in answers[0].items() if name != "neighbours"} == plain[0] and "neighbours" not in plain[0] and said == []


def test_a_text_that_says_nothing_has_no_neighbours(desk: Path) -> None:
    assert ask(desk, "  ")[0][0]["neighbours"] == []


def test_an_altered_index_is_made_anew(desk: Path) -> None:
    ask(desk, "parcel")
    path = desk / neighbours.FOLDER / neighbours.INDEX / "rows.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    answers, said, _ = ask(desk, "parcel")
    assert said[0].startswith("First neighbours") and len(answers[0]["neighbours"]) == 3


def test_no_training_text_stands_in_the_bundle_and_a_bundle_alone_says_so(desk: Path) -> None:
    bundle = open_bundle(desk / "bundles" / "current").folder
    assert bundle is not None
    texts = [text.encode() for text, *_ in learnt(desk)]
    assert not any(text in path.read_bytes() for path in bundle.rglob("*") if path.is_file() for text in texts)
    with pytest.raises(CallError, match="holds no training rows") as refused:
        ask(bundle, "parcel")
    assert "模型包里没有训练数据" in refused.value.message.zh


@pytest.mark.parametrize("near", [0, -1, 101])
def test_an_odd_number_of_neighbours_is_refused(desk: Path, near: int) -> None:
    with pytest.raises(CallError, match="will not do") as refused:
        ask(desk, "parcel", near=near)
    assert "1 到 100" in refused.value.hint.zh


def test_a_table_has_no_room_for_neighbours(desk: Path) -> None:
    for given in ({"file": "in.csv"}, {"output": Output("out.csv")}):
        with pytest.raises(CallError, match="on the screen"):
            ask(desk, *([] if "file" in given else ["parcel"]), **given)  # type: ignore[arg-type]


def test_a_table_that_changed_since_is_said(tmp_path: Path) -> None:
    desk = project_at(tmp_path)
    assert not any("have changed" in each for each in ask(desk, "parcel")[1])
    with (tmp_path / "in.csv").open("a", encoding="utf-8") as stream:
        stream.write("one more parcel,post\n")
    answers, said, _ = ask(desk, "parcel")
    assert "have changed" in said[0] and len(answers[0]["neighbours"]) == 3


def test_a_version_whose_rows_are_gone_says_so_in_both_languages(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "read_json", lambda path: {"training_data": "another"} if path.name == "manifest.json" else json.loads(path.read_text("utf-8")))
    with speaking("zh"), pytest.raises(CallError, match="已不在项目中"):
        ask(desk, "parcel")


def test_a_model_on_weights_compares_by_its_encoders_vectors(tmp_path: Path) -> None:
    desk = project_at(tmp_path, "pretrained", weights=str(shared_toy_weights()))
    text, label, _ = learnt(desk)[3]
    near = ask(desk, text, near=2)[0][0]["neighbours"]
    assert near[0]["text"] == text and near[0]["label"] == label and near[0]["score"] == pytest.approx(1, abs=2e-3) and near[1]["score"] <= near[0]["score"]
