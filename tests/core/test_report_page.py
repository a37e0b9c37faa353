"""report.html: says the verdict first, in both languages; escapes what comes from data; the same bytes each time; report.json keeps its schema."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any, Mapping

import pytest

from startlm.commands.schema import schema_of
from startlm.core.pictures import confused_block, ranked, shortened, squeezed, width_of
from startlm.core.report_page import report_page
from outline import Outline
from toy_report import messages, report_of

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "report.schema.json"
EVIL = (
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"onload="alert(1)', "@0@", "{label}", "</svg><b>", "datum.value",
    "\x00\ud800\u202e",
)  # fmt: skip


@pytest.fixture(scope="module")
def content() -> Mapping[str, Any]:
    return report_of(messages(700, 1), hand_over="25%", minutes_per_row=3.0)


@pytest.fixture(scope="module")
def page(content) -> str:
    return report_page(content)


def test_the_headline_comes_first_in_both_languages(content, page):
    words = Outline(page[page.index("<main>"):page.index("<footer>")]).words
    assert words.index(content["headline"]["en"]) < 100 and content["headline"]["zh"] in words


def test_every_element_that_is_opened_is_closed(page):
    assert Outline(page).open == []


def test_each_figure_stands_there_with_its_interval(content, page):
    accuracy = content["figures"][0]
    assert f"{100 * accuracy['value']:.1f}\u00a0%" in page and f"[{100 * accuracy['low']:.1f}, {100 * accuracy['high']:.1f}]" in page


def test_nothing_is_loaded_and_only_our_script_may_run(page):
    outline = Outline(page)
    assert [value for _, given in outline.elements for name, value in given.items() if name in ("src", "srcset", "xlink:href")] == []
    assert {given.get("href") for tag, given in outline.elements if "href" in given} == {"data:,", "mistakes.csv", "label_errors.csv"}
    assert "@import" not in page and "url(" not in page and "//" not in re.sub(r"<(script|style)>.*?</\1>", "", page, flags=re.S)
    script, = re.findall(r"<script>(.*?)</script>", page, flags=re.S)
    policy = next(given["content"] for tag, given in outline.elements if given.get("http-equiv"))
    assert "default-src 'none'" in policy and base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy


def test_the_same_content_gives_the_same_bytes(content, page):
    assert report_page(json.loads(json.dumps(content))) == page


def _with_labels(content: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The content with evil labels, messages, columns and findings."""
    changed = copy.deepcopy(dict(content))
    changed["labels"] = changed["confusion"]["labels"] = list(names[: len(content["labels"])])
    for each, name in zip(changed["classes"], names, strict=False):
        each["label"] = name
    for number, pair in enumerate(changed["confused_pairs"]):
        pair |= {"truth": names[number % len(names)], "prediction": names[-1 - number % len(names)], "examples": [{"file": "data/tickets.csv", "row": 1, "text": name} for name in names]}
    changed["baseline"]["label"], changed["unused"] = names[0], list(names)
    said = {"en": names[1], "zh": names[0]}
    changed["headline"], changed["warnings"] = said, [said]
    changed["slices"] = {"looked_at": 9, "level": 0.05, "n": 99, "slices": [_slice("column", name, names[1], True) for name in names]}
    changed["columns_worth"] = {"n": 99, "columns": [{"column": name, "worth": changed["gain"]} for name in names]}
    changed["findings"] = [{"kind": "label_typos", "count": 1, "said": said, "rows": [1], "setting": names[0], "examples": [list(names[:2])]}]
    changed["ladder"][0] |= {"family": names[0], "size": names[1]}
    changed["cheapest"] = {"family": names[0], "figures": changed["figures"], "gain": changed["gain"]}
    changed["out_of_scope"] = {"label": names[0], "learnt": False, "rows": 9, "caught": changed["figures"][0], "false_alarms": changed["figures"][0], "said": said}
    return changed


def _slice(kind: str, column: str, value: str, worse: bool) -> dict[str, Any]:
    accuracy, rest = ({"name": "accuracy", "value": share, "low": share - 0.1, "high": share + 0.1, "n": 40, "baseline": None} for share in (0.5, 0.8))
    return {"kind": kind, "column": column, "value": value, "accuracy": accuracy, "rest": rest, "p": 0.0001, "p_adjusted": 0.0004, "worse": worse}


@pytest.mark.parametrize("names", [EVIL, EVIL[::-1]])
def test_text_from_the_data_stays_text(content, page, names):
    evil = report_page(_with_labels(content, names))
    outline = Outline(evil)
    assert outline.open == [] and evil.count("<script>") == 1 and "<img" not in evil and "onerror" not in str([given for _, given in outline.elements])
    assert {name for _, given in outline.elements for name in given if name.startswith("on")} == set()
    assert "@0@" in outline.words  # a label that looks like a token stays itself
    assert evil.encode("utf-8")


def test_a_model_no_better_than_the_baseline_is_impossible_to_miss():
    bad = report_of(messages(300, 2, wrong=1.0))
    page = report_page(bad)
    assert not bad["better_than_baseline"] and 'class="verdict bad"' in page
    assert page.index("Do not use this model") < page.index("Not better than the baseline") < page.index("What to do next")
    assert "startlm deploy NAME" not in page


def test_ten_rows_say_that_there_is_not_enough_data():
    few = report_of(messages(10, 3, wrong=0.0))
    words = Outline(report_page(few)).words
    assert words.count("not enough data") >= len(few["figures"]) - 4 and "数据不够" in words and "<svg" in report_page(few)
    assert not re.search(r"\bNone\b|\bnan\b", words)


def test_a_report_without_test_rows_is_a_page_too(content):
    empty = copy.deepcopy(dict(content))
    none = {"value": None, "low": None, "high": None, "n": 0, "baseline": None}
    for figure in [*empty["figures"], empty["gain"], *(each[name] for each in empty["classes"] for name in ("f1", "precision", "recall"))]:
        figure |= none
    empty["confusion"]["counts"] = [[0] * len(empty["labels"]) for _ in empty["labels"]]
    empty["confused_pairs"], empty["hand_over"]["curve"], empty["calibration"]["bins"] = [], [], []
    assert Outline(report_page(empty)).open == []


# --------------------------------------------------------------------- many labels

def _many(content: Mapping[str, Any], labels: int) -> dict[str, Any]:
    wide = copy.deepcopy(dict(content))
    names = [f"label_{i:03d}" for i in range(labels)]
    figure = {"name": "f1", "low": 0.2, "high": 0.9, "n": 40, "baseline": 0.0, "method": "exact", "higher_is_better": True}
    wide["labels"] = names
    each = [dict.fromkeys(("f1", "precision", "recall"), figure | {"value": 0.3 + 0.4 * i / labels}) for i in range(labels)]
    wide["classes"] = [{"label": name, **figures} for name, figures in zip(names, each, strict=True)]
    wide["confusion"] = {"labels": names, "counts": [[20 if i == j else (i * j) % 3 for j in range(labels)] for i in range(labels)]}
    return wide


def test_of_many_labels_the_worst_and_the_best_are_drawn_and_all_are_in_the_table(content):
    page = report_page(_many(content, 90))
    drawn = re.findall(r">(label_\d+)</text>", page)
    assert "label_000" in drawn and "label_019" in drawn and "label_089" in drawn and "label_050" not in drawn
    assert "<bdi>label_<wbr>050</bdi>" in page


def test_a_hundred_and_fifty_labels_are_drawn_in_time(content):
    wide = _many(content, 150)
    report_page(wide)
    began = time.process_time()
    report_page(wide)
    assert time.process_time() - began < 3


def test_the_confused_block_holds_the_most_confused_labels():
    counts = [[9 if i == j else 0 for j in range(40)] for i in range(40)]
    counts[3][17], counts[30][2] = 5, 4
    block = confused_block(counts)
    assert {3, 17, 30, 2} <= set(block) and len(block) == 12 and block == sorted(block)


def test_labels_without_rows_are_left_out_of_the_heat_map():
    assert confused_block([[2, 0, 1], [0, 0, 0], [0, 0, 3]]) == [0, 2]


def test_labels_without_a_figure_come_last():
    given = [{"label": name, "f1": {"value": value}} for name, value in (("a", None), ("b", 0.9), ("c", 0.1))]
    assert [each["label"] for each in ranked(given)] == ["c", "b", "a"]


@pytest.mark.parametrize("text", ["short", "balance_not_updated_after_bank_transfer", "物流到哪里了物流到哪里了", "a 物 b 流 c 到 d 哪 e 里", ""])
def test_a_label_is_cut_to_its_room(text):
    assert width_of(squeezed(text, 17)) <= 17 and width_of(shortened(text, 17)) <= 17
    assert squeezed(text, 17) == text or "…" in squeezed(text, 17)


def test_a_cut_label_keeps_its_beginning_and_its_end():
    assert squeezed("balance_not_updated_after_bank_transfer", 17) == "balance_not…nsfer"


# ------------------------------------------------------------------------- schema

def test_a_real_report_keeps_the_published_schema(content):
    from jsonschema import Draft202012Validator

    schema = json.loads(SCHEMA.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(json.dumps(content)))] == []


def test_the_schema_refuses_a_report_without_its_headline(content):
    from jsonschema import Draft202012Validator

    schema = json.loads(SCHEMA.read_text("utf-8"))
    without = {key: value for key, value in content.items() if key != "headline"}
    assert not Draft202012Validator(schema).is_valid(without)
    assert not Draft202012Validator(schema).is_valid({**content, "figures": [{"name": "accuracy", "value": 2}]})


def test_the_schema_explains_every_key_and_knows_every_key_of_a_real_report(content):
    """Also where it lets other keys in, for reports of later versions."""
    from jsonschema import Draft202012Validator

    schema = json.loads(SCHEMA.read_text("utf-8"))
    assert set(content) <= set(schema["properties"])
    assert [key for key, value in schema["properties"].items() if not value.get("description")] == []
    closed = json.loads(SCHEMA.read_text("utf-8").replace('"additionalProperties": true', '"additionalProperties": false'))
    assert [error.message for error in Draft202012Validator(closed).iter_errors(json.loads(json.dumps(content)))] == []


def test_every_figure_of_a_real_report_is_explained(content):
    """docs/figures.md names each of them, in the table of metrics or below it."""
    def names(part: Any) -> set[str]:
        inside = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
        own = {part["name"]} if isinstance(part, Mapping) and {"name", "low", "high", "n"} <= part.keys() else set()
        return own.union(*map(names, inside))

    explained = (SCHEMA.parent / "figures.md").read_text("utf-8")
    found = names(content)
    assert {"accuracy", "recall", "answered", "hours_saved"} <= found
    assert sorted(name for name in found if f"`{name}`" not in explained) == []


def test_startlm_schema_report_gives_the_published_schema():
    assert schema_of("report") == json.loads(SCHEMA.read_text("utf-8"))


# ---------------------------------------------------------------- what to do next

def test_groups_that_are_worse_are_named_first_with_how_many_were_looked_at(content):
    slices = [_slice("language", "", "zh", True), _slice("column", "shop", "north", False)]
    page = report_page({**content, "slices": {"looked_at": 14, "level": 0.05, "n": 140, "slices": slices}})
    words = Outline(page).words
    assert "Looked at 14 groups" in words and "看了 14 组" in words and "1 other group" in words and "40 rows40 行" in words
    todo = words[words.index("What to do next"):words.index("How good it is")]
    assert "Give more rows of what is answered worse than the rest: language语言 Chinese中文 (50.0" in todo
    none = report_page({**content, "slices": {"looked_at": 14, "level": 0.05, "n": 140, "slices": slices[1:]}})
    assert "No group is shown to be worse than the others." in none and "answered worse than the rest" not in none


def test_likely_label_errors_are_counted_beside_what_the_search_finds_of_planted_ones(content, page):
    found, words = content["label_errors"], Outline(page).words
    assert f"{found['found']:,} bear a label that is likely wrong" in words and f"{found['found']:,} 行的标签可能标错了" in words
    assert f"[{100 * found['caught']['low']:.1f}, {100 * found['caught']['high']:.1f}] of the changed ones" in words and "startlm label NAME --check label_errors.csv" in words
    drawn = report_page({**content, "label_errors": {**found, "looked_at": 99, "expected_precision": None, "found": 0}})
    assert "Of 99 (drawn from " in drawn and "was not measured" in drawn and "label_errors.csv" not in drawn


def test_more_rows_are_promised_in_the_words_of_the_learning_curve(content, page):
    curve, words = content["learning_curve"], Outline(page).words
    assert words.count(curve["said"]["en"]) == 2 and words.count(curve["said"]["zh"]) == 2, "in the list of what to do and beside the picture"
    assert f"{curve['points'][0]['rows']:,}" in words and "Would more rows help?" in words


def test_a_report_without_any_of_it_is_a_page_too(content):
    less = {key: value for key, value in content.items() if key not in ("slices", "label_errors", "learning_curve", "columns_worth")}
    for bare in (less, {**less, "slices": None, "label_errors": None, "learning_curve": None, "columns_worth": None}):
        words = Outline(report_page(bare)).words
        assert not [title for title in ("Where it is worse", "likely wrong", "Would more rows help?", "What each column is worth") if title in words]
