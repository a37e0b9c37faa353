"""What train says before it begins, and what its settings do."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import startlm.train
from startlm import build_model, prepare_examples, train_model
from startlm.build import BuildSettings, _names, describe_rungs
from startlm.core import parts
from startlm.core.artifacts import Examples
from startlm.core.contracts import Progress
from startlm.core.durable import read_json
from startlm.core.errors import CallError
from startlm.core.language import Said
from startlm.train import TrainSettings, train_steps
from tickets import tickets


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    return prepare_examples(tickets(120), text="message", label="team", folder=tmp_path_factory.mktemp("few"))


@pytest.fixture(scope="module")
def with_dev(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """A few hundred rows that have a dev part all the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "CROSSFIT_BELOW", 100)
        return prepare_examples(tickets(400), text="message", label="team", folder=tmp_path_factory.mktemp("with-dev"))


def said_before(examples: Examples, folder: Path, budget: str, **build: Any) -> list[Said]:
    """What is said until the plan is written."""
    said = []
    for progress in train_steps(build_model(examples, **build), examples, settings=TrainSettings(budget=budget, threads=1), folder=folder):
        if (folder / "plan.json").exists():
            return said
        said.append(progress.said)
    raise AssertionError("no plan was written")


# ------------------------------------------------------------- what it costs

def test_build_says_the_parameters_memory_and_reason_of_each_rung(few: Examples) -> None:
    model = build_model(few, size="small")
    lines = describe_rungs(model)
    assert [line.en.split()[0] for line in lines] == ["linear", "bag", "convolution", "lstm"]
    for line, rung in zip(lines, model.rungs, strict=True):
        assert f"{rung.parameters:,} parameters, {rung.parameters * 4 / 1e6:,.0f} MB" in line.en and rung.reason.en in line.en
        assert f"{rung.parameters:,} 个参数" in line.zh and rung.reason.zh in line.zh


@pytest.mark.parametrize(("settings", "facts"), [({"weights": "some"}, {"weights": "some"}), ({}, {"several": True}), ({}, {"numeric": True})])
def test_lstm_is_no_rung_where_there_are_weights_several_labels_or_a_number(settings: dict[str, Any], facts: dict[str, Any], few: Examples) -> None:
    assert "lstm" in _names(BuildSettings(), few.facts) and "lstm" not in _names(BuildSettings(**settings), replace(few.facts, **facts))
    assert _names(BuildSettings(family="lstm", **settings), replace(few.facts, **facts)) == ("lstm",)


def test_lstm_is_a_rung_from_scratch_and_takes_what_the_others_leave(few: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its share is all that is left; the others divide what is there between themselves."""
    shares = {}

    def timed(family: Any, recipe: Any, ground: Any, seconds: float) -> Any:
        shares[recipe.family] = seconds
        return recipe, 10.0, 10.0, True

    monkeypatch.setattr(startlm.train, "priced", timed)
    said_before(few, tmp_path, "100s", size="small")
    assert shares == pytest.approx({"linear": 85 / 3, "bag": 75 / 2, "convolution": 65, "lstm": 55}, abs=1)


def test_a_family_asked_for_by_name_that_the_budget_does_not_pay_says_so_and_what_would(few: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Timed as: six fits of 10 s each, for a tenth of the passes; so a third of the passes takes 200 s, and 85 s of 100 are for training."""
    monkeypatch.setattr(startlm.families.prices, "plan_network", lambda family, recipe, *_, **__: (replace(recipe, options={"seconds": 10.0}), 0.1))
    monkeypatch.setattr(startlm.train, "fit_network_steps", lambda *_: iter([Progress("train")]))
    small, medium, large = (build_model(few, family="convolution", size=size).rungs[0].parameters for size in ("small", "medium", "large"))
    cost, shortage = said_before(few, tmp_path, "100s", family="convolution", size="large")
    assert "about 60 s" in cost.en and "left out" not in cost.en and 200 * medium / large > 85
    assert shortage.en == (
        "The budget does not suffice for convolution (large): the shortest training worth beginning takes about 200 s, and 85 s are there. "
        f'What would: [train] budget = "236s", or under [build] size = "small" ({small:,} parameters, about {200 * small / large:.0f} s), family = "linear".')
    assert "预算不够训练 convolution（large）" in shortage.zh and f"{small:,} 个参数" in shortage.zh


def test_a_rung_of_the_ladder_that_is_left_out_says_what_would_pay_for_it(few: Examples, tmp_path: Path) -> None:
    *_, left_out, shortage = said_before(few, tmp_path, "1s", size="small")
    assert "left out: the budget does not pay for it." in left_out.en and "does not suffice for lstm (small)" in shortage.en


def test_the_budget_that_is_named_pays_for_the_rung_that_was_left_out(few: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the 75 s that the linear rung leaves of 85, bag may take half; its 60 s want 120."""
    times = {"linear": 10.0, "bag": 60.0}

    def timed(family: Any, recipe: Any, ground: Any, seconds: float) -> Any:
        taken = times.get(recipe.family, 1.0)
        return recipe, taken, taken, taken <= seconds

    monkeypatch.setattr(startlm.train, "priced", timed)
    shortage = next(said.en for said in said_before(few, tmp_path / "short", "100s", size="small") if "does not suffice" in said.en)
    budget = re.search(r'budget = "(\d+s)"', shortage)
    assert "takes about 60 s, and 37 s are there" in shortage and budget and int(budget[1][:-1]) == pytest.approx(100 + 45 / 0.85, abs=2)
    assert not any("does not suffice" in said.en for said in said_before(few, tmp_path / "enough", budget[1], size="small"))


def test_a_budget_that_suffices_is_not_complained_of(few: Examples, tmp_path: Path) -> None:
    assert [said.en.split(" (")[0] for said in said_before(few, tmp_path, "10m", size="small")] == ["linear", "bag", "convolution", "lstm"]


# ------------------------------------------------------------- its settings

def descent_of(examples: Examples, folder: Path, **settings: Any) -> tuple[dict[str, Any], list[Progress]]:
    """The plan of the one network's descent and every sign of life."""
    model = build_model(examples, family="convolution", size="small")
    progress = list(train_steps(model, examples, settings=TrainSettings(threads=1, **settings), folder=folder))
    return read_json(folder / "plan.json")["rungs"][0]["options"]["descent"], progress


def test_patience_stops_a_network_that_no_longer_gains_on_dev(with_dev: Examples, tmp_path: Path) -> None:
    plan, progress = descent_of(with_dev, tmp_path, patience=2)
    learning = [each for each in progress if each.loss is not None and each.total == plan["stop"]]
    looks = [each.figure for each in learning if each.done % plan["dev_every"] == 0]
    assert plan["patience"] == 2 and learning[-1].done < plan["stop"], "it stops before its end"
    assert max(looks[-2:]) <= max(looks[:-2]), "after two looks without a gain"
    kept = read_json(tmp_path / "rungs" / "0" / "rung.json")["options"]["kept_step"]
    assert kept % plan["dev_every"] == 0 and kept <= learning[-1].done


def test_without_patience_every_planned_step_is_taken(with_dev: Examples, tmp_path: Path) -> None:
    plan, progress = descent_of(with_dev, tmp_path)
    assert plan["patience"] == 0 and max(each.done for each in progress if each.loss is not None and each.total == plan["stop"]) == plan["stop"]


def test_sgd_learns_by_the_setting_with_a_step_of_its_own(with_dev: Examples, tmp_path: Path) -> None:
    plan, progress = descent_of(with_dev, tmp_path, optimiser="sgd")
    recipe = build_model(with_dev, family="convolution", size="small").rungs[0]
    assert plan["optimiser"] == "sgd" and plan["learning_rate"] == 30 * recipe.options["learning_rate"]
    assert progress[-1].result.ladder[0]["accuracy"] > 0.7


def test_other_optimisers_and_patience_are_other_trainings(few: Examples, tmp_path: Path) -> None:
    model = build_model(few, family="linear")
    train_model(model, few, folder=tmp_path)
    for settings in ({"optimiser": "sgd"}, {"patience": 1}):
        with pytest.raises(CallError, match="holds another training"):
            train_model(model, few, folder=tmp_path, **settings)
