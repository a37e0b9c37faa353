"""report.html of several labels a row: the verdict first, every figure, text from the data stays text, report.json keeps its schema."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from outline import Outline
from startlm.core.report_label_sets import FIGURES, label_sets_page
from startlm.metrics import SET_METRICS
from toy_sets import content_of

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["good", "bad", "few", "evil"])
def test_report_json_keeps_its_schema_and_is_plain(name):
    from jsonschema import Draft202012Validator

    content = content_of(name)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(content)] == []
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert [each["name"] for each in content["figures"]] == list(SET_METRICS) and FIGURES.keys() == SET_METRICS.keys()


@pytest.mark.parametrize("name", ["good", "bad", "few", "evil"])
def test_every_report_is_a_whole_page(name):
    page = label_sets_page(content_of(name))
    closed = Outline(page)
    assert closed.open == [] and not re.search(r"\bNone\b|\bnan\b|\binf\b", closed.words)
    words = Outline(page[page.index("<main>"):page.index("<footer>")]).words
    assert words.index(content_of(name)["headline"]["en"]) < 150 and content_of(name)["headline"]["zh"] in words


def test_what_stands_in_the_data_stays_text():
    page = label_sets_page(content_of("evil"))
    assert "<img" not in page and "&lt;img" in page


def test_a_good_report_names_thresholds_and_labels_that_go_together_and_says_what_is_not_measured():
    page = label_sets_page(content_of("good"))
    assert page.count("<svg") >= 3 and "not measured yet" in page.lower() and "暂不计算" in page
    for each in content_of("good")["together"]:
        assert each["right"] <= min(each["rows"], each["answered"])
    assert f'{content_of("good")["classes"][0]["threshold"]:.3f}' in page
