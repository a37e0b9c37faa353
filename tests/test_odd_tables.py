"""Tables that are small, lopsided or split in odd ways go through the steps, or are refused with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from startlm import build_model, evaluate_model, prepare_examples, train_model
from startlm.core.errors import CallError
from startlm.deploy import answers_now
from startlm.project import Project, bring_back, new_project, plan_project, run_project
from tickets import tickets


def rows_with(parts: dict[int, str], count: int = 120) -> list[dict[str, Any]]:
    """Tickets with a column `part`; the last part serves all rows from its number on."""
    return [{**row, "part": next(part for start, part in sorted(parts.items(), reverse=True) if number >= start)} for number, row in enumerate(tickets(count))]


def test_ten_rows_go_through_the_whole_ladder_and_no_figure_is_made_up(tmp_path: Path) -> None:
    examples = prepare_examples(tickets(10), text="message", label="team", folder=tmp_path)
    report = evaluate_model(train_model(build_model(examples, size="small"), examples, budget="2m", folder=tmp_path / "train"), examples)
    assert {figure["value"] for figure in report.content["figures"]} == {None} and not report.better_than_baseline


def test_blanks_around_a_split_word_do_not_matter() -> None:
    examples = prepare_examples(rows_with({0: " train", 90: "test "}), text="message", label="team", split_column="part")
    assert examples.meta["parts"]["test"] == 30


def test_a_split_without_test_rows_still_gets_a_test_part() -> None:
    examples = prepare_examples(rows_with({0: "train", 90: "dev"}), text="message", label="team", split_column="part")
    assert 0 < examples.meta["parts"]["test"] < 90 and examples.meta["parts"]["dev"] == 30


def test_a_test_table_equal_to_train_leaves_nothing_to_learn_and_says_so() -> None:
    rows = [{**row, "part": part} for part in ("train", "test") for row in tickets(60)]
    with pytest.raises(CallError, match="label"):
        prepare_examples(rows, text="message", label="team", split_column="part", leaks="drop_train")


def test_rows_that_are_all_near_duplicates_are_not_divided() -> None:
    rows = [{"t": f"please send what I ordered to the old address as before, number {number % 10}", "l": "ab"[number % 2]} for number in range(100, 160)]
    examples = prepare_examples(rows, text="t", label="l")
    model = train_model(build_model(examples, family="linear"), examples)
    assert len(np.unique(examples.frame["group"].to_numpy())) == 1 and model.folder is not None


def test_a_half_character_from_memory_is_kept_as_the_replacement_character() -> None:
    examples = prepare_examples([{**row, "message": "\ud800" + row["message"]} for row in tickets(40)], text="message", label="team")
    assert examples.frame["text"][0].startswith("\ufffd")


def test_a_folder_that_holds_another_training_is_refused(tmp_path: Path) -> None:
    examples = prepare_examples(tickets(60), text="message", label="team")
    model = build_model(examples, family="linear")
    train_model(model, examples, folder=tmp_path)
    with pytest.raises(CallError, match="another training"):
        train_model(model, examples, folder=tmp_path, seed=1)


def test_an_out_of_scope_label_that_does_not_exist_is_refused() -> None:
    from startlm.predict import PredictSettings

    examples = prepare_examples(tickets(60), text="message", label="team")
    with pytest.raises(CallError, match="money, post"):
        train_model(build_model(examples, family="linear"), examples, predict=PredictSettings(out_of_scope="nothing"))


def test_a_rollback_is_said_by_plan_and_a_broken_off_deploy_makes_no_second_version(tmp_path: Path) -> None:
    import json

    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(row) for row in tickets(240)), encoding="utf-8")
    new_project(tmp_path / "desk", {"data": "../t.jsonl", "text": ["message"], "label": "team"}, "")
    for seed in ("0", "1"):
        list(run_project(Project(tmp_path / "desk", {"build": {"family": "linear"}, "train": {"seed": seed}})))
    second = Project(tmp_path / "desk", {"build": {"family": "linear"}, "train": {"seed": "1"}})
    bring_back(second, "v1")
    assert [state.step for state in plan_project(second) if state.stale] == ["deploy"]
    record = second.runs()[0] / "run.json"
    content = json.loads(record.read_text(encoding="utf-8"))
    del content["steps"]["deploy"]  # as if the run had been killed between publishing and noting
    record.write_text(json.dumps(content), encoding="utf-8")
    list(run_project(second))
    assert answers_now(second.bundles) == "v2" and not (second.bundles / "v3").exists()
