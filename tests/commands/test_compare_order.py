"""`startlm compare` where labels have an order: steps off beside the share that is right, in the file's own order or the one that is told."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Sequence

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from startlm.commands.compare import Asked, Compared, compare_files
from startlm.core.errors import CallError

rng = random.Random(0)
STARS = [rng.choice("12345") for _ in range(300)]
NEAR = [str(min(5, int(star) + 1)) if number % 4 == 0 else star for number, star in enumerate(STARS)]  # one step off
FAR = ["1" if number % 4 == 0 else star for number, star in enumerate(STARS)]


def compared(folder: Path, truth: Sequence[str] = STARS, files: Sequence[Sequence[str]] = (NEAR, FAR), name: str = "stars", **asked: str) -> Compared:
    for number, values in enumerate([*files, truth]):
        with (folder / f"{number}.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([["prediction" if number < len(files) else name], *([value] for value in values)])
    return compare_files(Asked(tuple(str(folder / f"{number}.csv") for number in range(len(files))), str(folder / f"{len(files)}.csv"), label=name, **asked))


def test_stars_are_compared_by_steps_too_and_equal_what_numpy_and_scikit_learn_say(tmp_path: Path) -> None:
    found = compared(tmp_path).as_json["order"]
    assert found["labels"] == list("12345")
    truth, *given = (np.array(values, dtype=int) for values in (STARS, NEAR, FAR))
    for of, values in zip(found["files"], given):
        assert of["steps_off"]["value"] == pytest.approx(np.abs(values - truth).mean())
        assert of["within_one_step"]["value"] == pytest.approx((np.abs(values - truth) <= 1).mean())
        assert of["quadratic_kappa"]["value"] == pytest.approx(cohen_kappa_score(truth, values, weights="quadratic"))
    (pair,) = found["pairs"]
    assert pair["better"] == "A" and pair["gain"]["high"] < 0, "both are wrong about as often, but A is one step off"


def test_what_is_said_is_said_in_both_languages(tmp_path: Path) -> None:
    lines = compared(tmp_path).lines
    assert any("in the order 1 < 2 < 3 < 4 < 5" in line.en and "1 < 2 < 3 < 4 < 5" in line.zh for line in lines)
    assert any("steps off" in line.en and "kappa" in line.en and "级" in line.zh for line in lines)
    assert lines[-1].en == "A is better than B." and lines[-1].zh == "A 好于 B。"


def test_several_files_are_corrected_for_all_comparisons(tmp_path: Path) -> None:
    found = compared(tmp_path, files=(NEAR, FAR, STARS)).as_json["order"]
    assert [each["name"] for each in found["files"]] == ["A", "B", "C"] and len(found["pairs"]) == 3
    assert all(each["p_adjusted"] >= each["p"] for each in found["pairs"]) and found["pairs"][2]["better"] == "C"


def test_an_order_is_told_where_the_labels_do_not_show_it(tmp_path: Path) -> None:
    words = dict(zip("12345", ["frozen", "cool", "mild", "warm", "boiling"]))
    truth, near, far = ([words[star] for star in values] for values in (STARS, NEAR, FAR))
    assert "order" not in compared(tmp_path, truth, (near, far)).as_json
    found = compared(tmp_path, truth, (near, far), order="frozen < cool < mild < warm < boiling").as_json["order"]
    assert found["files"] == compared(tmp_path).as_json["order"]["files"]


@pytest.mark.parametrize(("order", "match", "hint"), [
    ("1 < 2 < 3 < 4", "leaves out '5'", "every label"), ("1 < 2", "three labels", "bad < ok < good"), ("1 < 2 < 2 < 3", "three labels", "once"), ("1 < 2 < 3 < 4 < 50", "leaves out '5'", "'50'"),
])
def test_an_order_that_does_not_fit_is_refused_with_what_to_write(order: str, match: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(CallError, match=match) as refused:
        compared(tmp_path, order=order)
    assert hint in refused.value.hint.en and refused.value.hint.zh


def test_labels_without_an_order_are_compared_as_before(tmp_path: Path) -> None:
    teams = [dict(zip("12345", ("tea", "post", "money", "gift", "oos")))[star] for star in STARS]
    assert "order" not in compared(tmp_path, teams, (teams, teams), name="team").as_json


def test_where_a_prediction_is_missing_no_steps_are_counted_and_it_is_said(tmp_path: Path) -> None:
    found = compared(tmp_path, STARS, (NEAR, ["", *FAR[1:]]), name="stars")
    assert "order" not in found.as_json and any("Steps off are left out: 1 predictions are empty" in line.en and "空" in line.zh for line in found.lines)
    with pytest.raises(CallError, match="nothing in the column 'prediction'") as refused:
        compared(tmp_path, STARS, (NEAR, ["", *FAR[1:]]), order="1<2<3<4<5")
    assert str(refused.value.where).endswith("1.csv:2")


def test_predictions_with_a_separator_are_read_where_the_truth_holds_lists(tmp_path: Path) -> None:
    truth = [['["refund", "delivery"]', '["delivery"]', '["refund"]', '["praise", "refund"]'][int(star) % 4] for star in STARS]
    right = ["; ".join(json.loads(cell)) for cell in truth]
    wrong = ["refund" if number % 3 == 0 else cell for number, cell in enumerate(truth)]
    found = compared(tmp_path, truth, (right, wrong), name="tags").as_json
    assert [each["accuracy"]["value"] for each in found["files"]][0] == 1.0 and found["pairs"][0]["better"] == "A"


def test_cells_of_several_labels_have_no_order(tmp_path: Path) -> None:
    several = ["tea;post" if star in "12" else "tea" for star in STARS]
    with pytest.raises(CallError, match="several labels have no order") as refused:
        compared(tmp_path, several, (several, several), order="tea < post < gift", separator=";")
    assert "--as labels" in refused.value.hint.en
