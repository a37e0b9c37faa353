"""`startlm compare`: predictions of any tool, whatever their column is called; what cannot be compared is refused, not judged."""

from __future__ import annotations

import csv
import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Sequence

import pytest

from startlm.commands.compare import Asked, Compared, compare_files
from startlm.core.errors import CallError
from startlm.metrics.pairwise import holm

TRUTH = random.Random(0).choices(["money", "post", "tea"], k=200)
GOOD = [label if i % 10 else "tea" for i, label in enumerate(TRUTH)]
POOR = [label if i % 3 else "money" for i, label in enumerate(TRUTH)]


def write(path: Path, **columns: Sequence[str]) -> str:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([list(columns), *zip(*columns.values(), strict=True)])
    return path.name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    numbers = [str(i) for i in range(len(TRUTH))]
    write(tmp_path / "good.csv", no=numbers, prediction=GOOD)
    write(tmp_path / "poor.csv", no=numbers, prediction=POOR)
    write(tmp_path / "truth.csv", no=numbers, team=TRUTH)
    return tmp_path


def compare(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "startlm", "compare", *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def compared(*arguments: str, folder: Path) -> dict[str, Any]:
    """The one object that --json prints."""
    done = compare(*arguments, "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def refused(*arguments: str, folder: Path) -> str:
    done = compare(*arguments, folder=folder)
    assert done.returncode == 2 and done.stdout == "" and "Traceback" not in done.stderr
    return done.stderr


def right(predictions: list[str], truth: list[str] = TRUTH) -> float:
    return sum(map(str.__eq__, predictions, truth)) / len(truth)


def test_the_better_one_is_named_and_json_has_every_figure(folder: Path) -> None:
    found = compared("poor.csv", "good.csv", "--truth", "truth.csv", "--label", "team", folder=folder)
    assert (found["n"], found["accuracy_a"]["value"], found["accuracy_b"]["value"]) == (200, right(POOR), right(GOOD))
    assert found["p"] < 0.05 and found["accuracy_gain"]["low"] > 0 and found["verdict"]["en"].startswith("B is better by")
    only_a = sum(a == t != b for a, b, t in zip(POOR, GOOD, TRUTH, strict=True))
    assert found["only_a_right"] == only_a and found["columns"] == {"a": "prediction", "b": "prediction", "truth": "team"}


def test_the_column_of_the_truth_that_was_guessed_is_said(folder: Path) -> None:
    done = compare("poor.csv", "good.csv", "--truth", "truth.csv", folder=folder)
    assert done.returncode == 0 and "the column 'team' (--label names another)" in done.stdout


def test_each_file_may_call_its_predictions_otherwise_and_a_file_of_one_column_needs_no_name(folder: Path) -> None:
    write(folder / "other.csv", no=["1"] * 200, answer=POOR)
    write(folder / "only.csv", guess=GOOD)
    found = compared("other.csv", "only.csv", "--truth", "truth.csv", "--column-a", "answer", folder=folder)
    assert found["columns"] == {"a": "answer", "b": "guess", "truth": "team"} and found["accuracy_b"]["value"] == right(GOOD)
    found = compared("poor.csv", "other.csv", "--truth", "truth.csv", "--column", "prediction", "--column-b", "answer", folder=folder)
    assert found["columns"] == {"a": "prediction", "b": "answer", "truth": "team"} and found["only_a_right"] == found["only_b_right"] == 0


def test_a_file_without_a_column_of_predictions_is_told_the_flag_that_names_one(folder: Path) -> None:
    write(folder / "other.csv", no=["1"] * 200, answer=POOR)
    said = refused("poor.csv", "other.csv", "--truth", "truth.csv", folder=folder)
    assert "no column 'prediction'" in said and "no, answer" in said and "--column-b" in said


def test_rows_of_the_truth_without_a_label_are_left_out_and_counted(folder: Path) -> None:
    some = ["" if i < 20 else label for i, label in enumerate(TRUTH)]
    write(folder / "some.csv", label=some)
    found = compared("poor.csv", "good.csv", "--truth", "some.csv", folder=folder)
    assert (found["n"], found["rows_without_label"], found["labels"]) == (180, 20, ["money", "post", "tea"])
    assert found["accuracy_b"]["value"] == right(GOOD[20:], TRUTH[20:])
    assert "left out: 20 of 200 rows of the truth" in compare("poor.csv", "good.csv", "--truth", "some.csv", folder=folder).stdout


def test_predictions_that_share_no_value_with_the_truth_are_not_judged(folder: Path) -> None:
    write(folder / "wide.csv", team=TRUTH, note=[f"note {i}" for i in range(200)])
    said = refused("poor.csv", "good.csv", "--truth", "wide.csv", folder=folder)
    assert "'note'" in said and "--label" in said and "team, note" in said
    assert compare("poor.csv", "good.csv", "--truth", "wide.csv", "--label", "team", folder=folder).returncode == 0


def test_files_of_other_rows_are_refused_also_where_some_have_no_label(folder: Path) -> None:
    write(folder / "short.csv", label=["", *TRUTH[:99]])
    assert "B has 200, the truth has 100" in refused("poor.csv", "good.csv", "--truth", "short.csv", folder=folder)


# -------------------------------------------------------------- more than two

FAIR = [label if i % 4 else "post" for i, label in enumerate(TRUTH)]


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, with a third tool's file, and we stand in it."""
    write(folder / "fair.csv", no=[str(i) for i in range(len(TRUTH))], prediction=FAIR)
    monkeypatch.chdir(folder)
    return folder


def asked(*files: str, truth: str = "truth.csv", label: str | None = "team", **more: Any) -> Compared:
    return compare_files(Asked(files, truth, label=label, **more))


def said(found: Compared) -> str:
    return "\n".join(line.en for line in found.lines)


def test_every_two_of_three_files_are_compared_and_ranked(here: Path) -> None:
    found = asked("poor.csv", "good.csv", "fair.csv")
    pairs = {(each["a"], each["b"]): each for each in found.as_json["pairs"]}
    assert list(pairs) == [("A", "B"), ("A", "C"), ("B", "C")]
    alone = asked("poor.csv", "good.csv").as_json
    first = pairs["A", "B"]
    assert (first["gain"], first["macro_f1_gain"], first["p"], first["only_a_right"]) == (alone["accuracy_gain"], alone["macro_f1_gain"], alone["p"], alone["only_a_right"])
    assert sorted(each["p_adjusted"] for each in pairs.values()) == sorted(holm([each["p"] for each in pairs.values()]))
    assert [each["accuracy"]["value"] for each in found.as_json["files"]] == [right(POOR), right(GOOD), right(FAIR)]
    assert "A is poor.csv, B is good.csv, C is fair.csv" in said(found) and "adjusted for 3 comparisons (Holm-Bonferroni)" in said(found)
    assert found.lines[-1].en == found.as_json["verdict"]["en"] and found.lines[-1].en.startswith("B is better than A")


def test_two_files_read_as_they_always_did(here: Path) -> None:
    """Word for word: scripts read these lines."""
    lines = said(asked("poor.csv", "good.csv")).splitlines()
    patterns = [r"200 rows, 3 labels", r"A: accuracy [\d.]+ % \[[\d.]+, [\d.]+\], macro F1 [\d.]+ % \[[\d.]+, [\d.]+\]", r"B: accuracy .*",
                r"only A right: \d+ rows, only B right: \d+ rows, exact McNemar p = [\d.e-]+", r"B is better by [\d.]+ points \[[\d.]+, [\d.]+\]\."]  # fmt: skip
    assert len(lines) == len(patterns) and all(re.fullmatch(pattern, line) for pattern, line in zip(patterns, lines))


def test_against_one_file_the_others_are_not_compared_with_each_other(here: Path) -> None:
    found = asked("poor.csv", "good.csv", "fair.csv", against="fair.csv")
    assert [(each["a"], each["b"]) for each in found.as_json["pairs"]] == [("A", "B"), ("A", "C")]
    assert [each["file"] for each in found.as_json["files"]] == ["fair.csv", "poor.csv", "good.csv"] and "each against A" in said(found)
    assert asked("good.csv", against="poor.csv").as_json["verdict"]["en"].startswith("B is better by")


def test_several_files_may_call_their_predictions_otherwise(here: Path) -> None:
    write(here / "other.csv", no=["1"] * 200, answer=POOR)
    found = asked("good.csv", "fair.csv", "other.csv", columns=("prediction", "prediction", "answer"))
    assert found.as_json["columns"] == {"a": "prediction", "b": "prediction", "c": "answer", "truth": "team"}
    found = asked("good.csv", "other.csv", "fair.csv", columns=("prediction", "answer", "prediction"), against="other.csv")
    assert found.as_json["columns"] == {"a": "answer", "b": "prediction", "c": "prediction", "truth": "team"}
    with pytest.raises(CallError, match="2 times for 3 files"):
        asked("good.csv", "fair.csv", "other.csv", columns=("prediction", "answer"))
    with pytest.raises(CallError) as error:
        asked("good.csv", "fair.csv", "other.csv")
    assert "no column 'prediction'" in error.value.message.en and "--column COLUMN" in error.value.hint.en


def test_several_files_of_other_rows_are_refused_with_their_lengths(here: Path) -> None:
    write(here / "short.csv", prediction=TRUTH[:150])
    with pytest.raises(CallError, match="A has 200, B has 200, C has 150, the truth has 200"):
        asked("good.csv", "poor.csv", "short.csv")


def test_one_file_is_nothing_to_compare(folder: Path) -> None:
    assert "only one file" in refused("good.csv", "--truth", "truth.csv", folder=folder)


def test_the_command_takes_all_of_it(folder: Path) -> None:
    write(folder / "fair.csv", prediction=FAIR)
    write(folder / "where.csv", team=TRUTH, shop=["east" if i % 2 else "west" for i in range(200)])
    found = compared("poor.csv", "good.csv", "fair.csv", "--truth", "where.csv", "--label", "team", "--against", "good.csv", "--by", "shop", folder=folder)
    assert [each["slice"]["en"] for each in found["slices"]["slices"]] == ["east", "west"] and found["slices"]["comparisons"] == 4


# ------------------------------------------------------------ which row is which

def test_rows_in_another_order_are_refused_and_matched_by_a_column(here: Path) -> None:
    order = random.Random(1).sample(range(200), 200)
    write(here / "mixed.csv", no=[str(i) for i in order], prediction=[GOOD[i] for i in order])
    with pytest.raises(CallError) as error:
        asked("poor.csv", "mixed.csv")
    assert "another order" in error.value.message.en and "--id no" in error.value.hint.en
    matched, plain = asked("poor.csv", "mixed.csv", row_id="no").as_json, asked("poor.csv", "good.csv").as_json
    assert matched | {"columns": None} == plain | {"columns": None}


def test_a_file_may_have_more_rows_than_the_truth_but_not_fewer(here: Path) -> None:
    write(here / "more.csv", no=[*map(str, range(200)), "x", "y"], prediction=[*GOOD, "tea", "tea"])
    found = asked("poor.csv", "more.csv", "fair.csv", row_id="no")
    assert "B: 2 rows are not in the truth" in said(found) and found.as_json["files"][1]["accuracy"]["value"] == right(GOOD)
    write(here / "fewer.csv", no=[*map(str, range(198))], prediction=GOOD[:198])
    with pytest.raises(CallError, match="without a prediction: 2, the first with no = '198'"):
        asked("poor.csv", "fewer.csv", row_id="no")


def test_a_key_that_stands_twice_is_refused_with_its_line(here: Path) -> None:
    write(here / "twice.csv", no=["7", *map(str, range(1, 200))], prediction=GOOD)
    with pytest.raises(CallError) as error:
        asked("poor.csv", "twice.csv", row_id="no")
    assert "Two rows have the same no: '7'" in error.value.message.en and str(error.value.where).endswith("twice.csv:9")


def test_a_row_without_a_label_needs_no_prediction(here: Path) -> None:
    write(here / "some.csv", no=[*map(str, range(201))], team=[*TRUTH, ""])
    assert asked("poor.csv", "good.csv", truth="some.csv", row_id="no").as_json["rows_without_label"] == 1


# ------------------------------------------------------------------- slices

def test_each_slice_has_its_difference_and_small_ones_say_so(here: Path) -> None:
    write(here / "sliced.csv", team=TRUTH, shop=["north" if i < 12 else "east" if i % 2 else "west" for i in range(200)])
    found = asked("poor.csv", "good.csv", truth="sliced.csv", by="shop")
    by = {each["slice"]["en"]: each for each in found.as_json["slices"]["slices"]}
    assert {name: each["n"] for name, each in by.items()} == {"east": 94, "west": 94, "north": 12}
    assert by["north"]["pairs"][0]["gain"]["value"] is None and "north: not enough data (12 rows)" in said(found)
    poor, good = (right([each[i] for i in range(13, 200, 2)], TRUTH[13::2]) for each in (POOR, GOOD))
    assert by["east"]["pairs"][0]["gain"]["value"] == pytest.approx(good - poor)
    assert "adjusted for 2 comparisons" in said(found) and found.as_json["accuracy_b"]["value"] == right(GOOD)


def test_language_and_length_are_made_from_the_text(here: Path) -> None:
    texts = ["where is my parcel please" if i % 2 else "我的包裹到哪里了呢" for i in range(200)]
    write(here / "texts.csv", message=[f"{text} {i}" for i, text in enumerate(texts)], team=TRUTH)
    found = asked("poor.csv", "good.csv", "fair.csv", truth="texts.csv", by="language")
    assert [(each["slice"]["zh"], each["n"]) for each in found.as_json["slices"]["slices"]] == [("中文", 100), ("英文", 100)]
    assert "text: the column 'message' (--text names another)" in said(found)
    assert len(asked("poor.csv", "good.csv", truth="texts.csv", by="length", text="message").as_json["slices"]["slices"]) == 4


def test_a_slice_column_that_is_not_there_is_told_of_language_and_length(here: Path) -> None:
    with pytest.raises(CallError) as error:
        asked("poor.csv", "good.csv", by="shop")
    assert "no column 'shop'" in error.value.message.en and "--by language" in error.value.hint.en
    with pytest.raises(CallError, match="looks like text"):
        asked("poor.csv", "good.csv", by="language")


# ------------------------------------------------------------------- numbers

PRICES = [round(random.Random(i).uniform(5, 500), 2) for i in range(120)]


@pytest.fixture
def priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "truth.csv", price=[f"¥{price:,}" for price in PRICES])
    write(tmp_path / "near.csv", prediction=[str(round(price + (-1) ** i * 3, 2)) for i, price in enumerate(PRICES)])
    write(tmp_path / "far.csv", prediction=[str(round(price + (-1) ** i * (30 + i % 7), 2)) for i, price in enumerate(PRICES)])
    return tmp_path


def test_numbers_are_compared_by_their_absolute_errors_and_it_is_said(priced: Path) -> None:
    found = asked("far.csv", "near.csv", label="price")
    assert found.as_json["as"] == "numbers" and "compared as numbers, by their absolute errors" in said(found)
    far, near = (each["mae"] for each in found.as_json["files"])
    assert near["value"] == pytest.approx(3) and far["low"] < far["value"] < far["high"]
    pair = found.as_json["pairs"][0]
    assert pair["gain"]["value"] == pytest.approx(far["value"] - 3) and pair["p"] == 1e-4 and pair["better"] == "B"
    assert found.lines[-1].en == "B is better than A."


def test_numbers_of_equally_good_tools_show_no_difference(priced: Path) -> None:
    for name, seed in (("one.csv", 0), ("two.csv", 1_000)):
        write(priced / name, prediction=[str(price + random.Random(seed + i).gauss(0, 3)) for i, price in enumerate(PRICES)])
    found = asked("one.csv", "two.csv", "far.csv", label="price")
    assert found.lines[-1].en == "A is better than C; B is better than C; nothing can be said of A and B."


def test_codes_of_labels_are_labels_though_they_are_many_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    codes = [str(i % 50) for i in range(200)]
    write(tmp_path / "truth.csv", team=codes)
    write(tmp_path / "a.csv", prediction=[code if i % 3 else "7" for i, code in enumerate(codes)])
    write(tmp_path / "b.csv", prediction=[code if i % 9 else "8" for i, code in enumerate(codes)])
    assert asked("a.csv", "b.csv").as_json["accuracy_b"]["value"] > 0.8
    assert asked("a.csv", "b.csv", kind="numbers").as_json["as"] == "numbers"


def test_a_prediction_that_is_no_number_is_refused_with_its_line(priced: Path) -> None:
    write(priced / "gap.csv", prediction=["" if i == 4 else str(price + 1) for i, price in enumerate(PRICES)])
    with pytest.raises(CallError) as error:
        asked("near.csv", "gap.csv", label="price")
    assert "which is not a number" in error.value.message.en and "--as labels" in error.value.hint.en and str(error.value.where).endswith("gap.csv:6")


def test_a_truth_of_per_cents_is_read_as_prepare_reads_it(priced: Path) -> None:
    shares = [round(random.Random(i).uniform(0.05, 0.95), 3) for i in range(120)]
    write(priced / "shares.csv", share=[f"{100 * share:.1f}%" if i % 2 else str(share) for i, share in enumerate(shares)])
    for name, off in (("a.csv", 0.04), ("b.csv", 0.08)):
        write(priced / name, prediction=[str(share + off) for share in shares])
    found = asked("a.csv", "b.csv", truth="shares.csv", label="share")
    assert [each["mae"]["value"] for each in found.as_json["files"]] == pytest.approx([0.04, 0.08])


@pytest.mark.parametrize("kind", [None, "numbers"])
def test_a_number_that_nobody_knows_is_no_label(kind: str | None, priced: Path) -> None:
    write(priced / "truth.csv", price=[{3: "未知", 5: "n/a"}.get(i, str(price)) for i, price in enumerate(PRICES)])
    found = asked("far.csv", "near.csv", label="price", kind=kind)
    assert found.as_json["as"] == "numbers" and found.as_json["rows_without_label"] == 2 and "left out: 2 of 120" in said(found)


def test_numbers_have_slices_too(priced: Path) -> None:
    write(priced / "truth.csv", price=[str(price) for price in PRICES], kind=["tea" if i % 2 else "ware" for i in range(120)])
    found = asked("far.csv", "near.csv", label="price", by="kind")
    assert [(each["slice"]["en"], each["n"], each["pairs"][0]["better"]) for each in found.as_json["slices"]["slices"]] == [("tea", 60, "B"), ("ware", 60, "B")]
    assert "error of A minus error of B" in said(found)


def test_every_sentence_is_in_both_languages(here: Path) -> None:
    write(here / "where.csv", team=[*TRUTH[:199], ""], shop=["east" if i % 2 else "west" for i in range(200)])
    for line in asked("poor.csv", "good.csv", "fair.csv", truth="where.csv", by="shop").lines:
        assert re.search(r"[\u4e00-\u9fff]", line.zh) or not re.search("[a-z]{3}", line.en)


def test_every_figure_of_a_comparison_is_explained(priced: Path) -> None:
    explained = (Path(__file__).resolve().parents[2] / "docs" / "figures.md").read_text("utf-8")
    for name, labels in (("labels.csv", TRUTH), ("good.csv", GOOD), ("poor.csv", POOR)):
        write(priced / name, prediction=labels)
    shown = [asked("far.csv", "near.csv", label="price"), asked("poor.csv", "good.csv", "poor.csv", truth="labels.csv", label=None), asked("poor.csv", "good.csv", truth="labels.csv", label=None)]
    names = set(re.findall(r'"name": "([a-z_0-9]{2,})", "value"', json.dumps([each.as_json for each in shown])))
    assert {"mae", "macro_f1_gain", "gain"} <= names and [name for name in names if f"`{name}`" not in explained] == []
