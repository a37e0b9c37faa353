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
from startlm.core.descent_plan import DescentPlan
from startlm.core.durable import read_json
from startlm.core.errors import CallError
from startlm.core.language import Said
from startlm.families.network import Timed
from startlm.families.prices import Price
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
        said += [] if progress.said is None else [progress.said]
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


def test_lstm_is_a_rung_from_scratch(few: Examples) -> None:
    assert [rung.family for rung in build_model(few).rungs] == ["linear", "bag", "convolution", "lstm"]


def test_a_family_asked_for_by_name_that_the_budget_does_not_pay_says_so_and_what_would(few: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Timed as: six fits of 100 steps of a second; so a third of the steps takes 204 s, and 85 s of 100 are for training."""
    timed = lambda family, recipe, *_, **__: Timed(recipe, DescentPlan(steps=100, stop=100, batch_tokens=1), 34, 1.0, 0.0)  # noqa: E731
    monkeypatch.setattr(startlm.families.prices, "time_network", timed)
    monkeypatch.setattr(startlm.train, "fit_network_steps", lambda *_: iter([Progress("train")]))
    small, medium, large = (build_model(few, family="convolution", size=size).rungs[0].parameters for size in ("small", "medium", "large"))
    cost, shortage = said_before(few, tmp_path, "100s", family="convolution", size="large")
    assert "about 85 s" in cost.en and "left out" not in cost.en and 204 * medium / large > 85
    budget = re.search(r'budget = "(\d+)s"', shortage.en)[1]  # type: ignore[index]
    assert int(budget) == pytest.approx(100 + (204 - 85) / 0.85, abs=2)
    assert shortage.en == (
        "The budget does not suffice for convolution (large): the shortest training worth beginning takes about 204 s, and 85 s are there. "
        f'What would: [train] budget = "{budget}s", or under [build] size = "small" ({small:,} parameters, about {204 * small / large:.0f} s), family = "linear".')
    assert "预算不够训练 convolution（large）" in shortage.zh and f"{small:,} 个参数" in shortage.zh


def test_a_rung_of_the_ladder_that_is_left_out_says_what_would_pay_for_it(few: Examples, tmp_path: Path) -> None:
    *_, left_out, shortage = said_before(few, tmp_path, "1s", size="small")
    assert "left out: the budget does not pay for it." in left_out.en and "does not suffice for lstm (small)" in shortage.en


def test_the_budget_that_is_named_pays_for_the_rung_that_was_left_out(few: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 85 s linear takes 10; the 90 s that bag asks for are not there. The two rungs after it, a second each, stay."""
    times = {"linear": 10.0, "bag": 90.0}
    monkeypatch.setattr(startlm.train, "priced", lambda family, recipe, ground: Price(recipe, *[times.get(recipe.family, 1.0)] * 2, lambda _: recipe))
    shortage = next(said.en for said in said_before(few, tmp_path / "short", "100s", size="small") if "does not suffice" in said.en)
    budget = re.search(r'budget = "(\d+s)"', shortage)
    assert "bag (small): the shortest training worth beginning takes about 90 s, and 75 s are there" in shortage
    assert budget and int(budget[1][:-1]) == pytest.approx(100 + 17 / 0.85, abs=2)
    assert not any("does not suffice" in said.en for said in said_before(few, tmp_path / "enough", budget[1], size="small"))


def test_a_budget_that_suffices_is_not_complained_of(few: Examples, tmp_path: Path) -> None:
    assert [said.en.split(" (")[0] for said in said_before(few, tmp_path, "10m", size="small")] == ["linear", "bag", "convolution", "lstm"]


def test_a_price_counts_the_rows_of_dev_in_the_last_fit(few: Examples, with_dev: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With folds, each of five is priced as if it had all rows."""
    passes = []
    monkeypatch.setattr(startlm.train, "priced", lambda family, recipe, ground: passes.append(ground.passes) or Price(recipe, 1.0, 1.0, lambda _: recipe))
    said_before(few, tmp_path / "folds", "1m", family="linear")
    said_before(with_dev, tmp_path / "dev", "1m", family="linear")
    train, dev = (len(with_dev.rows_of(part)) for part in ("train", "dev"))
    assert passes == [6, pytest.approx(2 + dev / train)]


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
