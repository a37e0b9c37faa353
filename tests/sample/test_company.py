"""The sample company: each planted fault is really in the files, and the same seed writes the same bytes."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from pathlib import Path

import pytest

from startlm import prepare_examples
from startlm.core.errors import CallError
from startlm.sample.company import Planted, new_messages, write_sample
from startlm.sample.faults import TYPOS, jaccard
from startlm.sample.messages import INTENTS

HAN = re.compile(r"[\u4e00-\u9fff]")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("青山 茶铺")


@pytest.fixture(scope="module")
def planted(folder: Path) -> Planted:
    return write_sample(folder)


@pytest.fixture(scope="module")
def rows(folder: Path, planted: Planted) -> list[dict[str, str]]:
    """Row n of the lists in `planted` is rows[n]; rows[0] only fills the place."""
    return [{}, *read(folder / "messages.csv")]


def test_the_same_seed_writes_the_same_bytes(folder, planted, tmp_path):
    assert write_sample(tmp_path) == planted
    for name in ("messages.csv", "catalogue.csv", "reviews.csv", "planted.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_another_seed_writes_other_messages(rows, tmp_path):
    write_sample(tmp_path, seed=1)
    same = {row["message"] for row in rows[1:]} & {row["message"] for row in read(tmp_path / "messages.csv")}
    assert len(same) < 150


def test_what_was_planted_is_written_beside_the_tables(folder, planted):
    assert json.loads((folder / "planted.json").read_text("utf-8")) == json.loads(json.dumps(planted.as_json()))


def test_too_few_rows_are_refused(tmp_path):
    with pytest.raises(CallError, match="400 rows or more"):
        write_sample(tmp_path, rows=399)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [400, 1000])
def test_small_files_carry_every_fault_too(tmp_path, count):
    planted = write_sample(tmp_path, rows=count, split=True)
    assert len(read(tmp_path / "messages.csv")) == planted.rows == count
    assert [name for name, value in planted.as_json().items() if value == ()] == []


def test_chinese_and_english_are_balanced(rows, planted):
    assert planted.languages["zh"] == pytest.approx(1500, abs=15)
    chinese = sum(len(HAN.findall(row["message"])) > 3 for row in rows[1:])
    assert chinese == pytest.approx(1500, rel=0.03)


def test_every_intent_is_written_about_in_both_languages(rows):
    for intent in INTENTS:
        of_it = [row["message"] for row in rows[1:] if row["intent"] == intent]
        chinese = sum(bool(HAN.search(text)) for text in of_it) / len(of_it)
        assert len(of_it) > 90 and 0.35 < chinese < 0.65, intent


def test_messages_differ_in_length(rows):
    lengths = sorted(len(row["message"]) for row in rows[1:])
    assert lengths[300] < 20 and lengths[2700] > 100


def test_the_ceiling_is_what_knowing_every_true_intent_gives(rows, planted):
    true = {entry["row"]: entry["true"] for entry in (*planted.noise, *planted.label_typos)}
    true |= {copy: rows[original]["intent"] for original, copy in planted.contradictions}
    answerable = [number for number in range(1, len(rows)) if rows[number]["intent"] and number not in planted.empty]
    right = sum(true.get(number, rows[number]["intent"]) == rows[number]["intent"] for number in answerable)
    assert planted.noise_ceiling == pytest.approx(right / len(answerable), abs=1e-4)
    assert planted.noise_ceiling == pytest.approx(0.95, abs=1e-3)


def test_noisy_rows_say_another_intent(rows, planted):
    assert all(rows[entry["row"]]["intent"] == entry["label"] != entry["true"] for entry in planted.noise)


def test_duplicates_share_text_and_label(rows, planted):
    assert all((rows[a]["message"], rows[a]["intent"]) == (rows[b]["message"], rows[b]["intent"]) for a, b in planted.duplicates)


def test_no_text_is_written_twice_but_where_planted(rows, planted):
    copies = {copy for _, copy in (*planted.duplicates, *planted.near_duplicates, *planted.contradictions)} | set(planted.empty)
    texts = [row["message"] for number, row in enumerate(rows) if number and number not in copies]
    assert len(set(texts)) == len(texts)


def test_near_duplicates_are_near_and_not_equal(rows, planted):
    pairs = [(rows[a]["message"], rows[b]["message"]) for a, b in planted.near_duplicates]
    assert all(one != other and jaccard(one, other) >= 0.9 for one, other in pairs)


def test_contradictions_share_the_text_and_not_the_label(rows, planted):
    assert all(rows[a]["message"] == rows[b]["message"] and rows[a]["intent"] != rows[b]["intent"] for a, b in planted.contradictions)


def test_label_typos_and_the_label_seen_once(rows, planted):
    assert {rows[entry["row"]]["intent"] for entry in planted.label_typos} <= set(TYPOS.values())
    labels = [row["intent"] for row in rows[1:]]
    assert [labels.count(entry["label"]) for entry in planted.seen_once] == [1]


def test_empty_and_unlabelled_rows(rows, planted):
    assert all(re.sub(r"<[^>]*>|&nbsp;|\u200b|\s", "", rows[number]["message"]) == "" for number in planted.empty)
    assert [number for number in range(1, len(rows)) if not rows[number]["intent"]] == list(planted.unlabelled)


def test_dirty_rows_are_dirty(rows, planted):
    assert all(re.search(r"<\w+/?>", rows[number]["message"]) for number in planted.html)
    assert all(re.search(r"[\uff01-\uff5e]", rows[number]["message"]) for number in planted.full_width)
    assert all(re.search(r"[\u200b\ufeff\u00a0\t\u200d\u00ad]", rows[number]["message"]) for number in planted.control)
    assert all("謝謝" in rows[number]["message"] for number in planted.traditional)


def _luhn(number: str) -> bool:
    """Hand-written here from the rule: from the right, every second digit counts double, 18 counts 9."""
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(sum(map(int, str(2 * digit))) for digit in digits[1::2])) % 10 == 0


def _resident(number: str) -> bool:
    """GB 11643: sum of 2^(place) times digit, places from 17 down to 0, is 1 modulo 11."""
    values = [10 if sign == "X" else int(sign) for sign in number]
    return sum(value * pow(2, 17 - place) for place, value in enumerate(values)) % 11 == 1


def test_personal_data_stands_in_its_row_with_right_checksums(rows, planted):
    assert all(entry["value"] in rows[entry["row"]]["message"] for entry in planted.personal)
    by_kind = {kind: [entry["value"] for entry in planted.personal if entry["kind"] == kind] for kind in ("resident_id", "bank_card", "mobile", "email")}
    assert all(len(values) >= 10 for values in by_kind.values())
    assert all(_luhn(value) for value in by_kind["bank_card"]) and all(_resident(value) for value in by_kind["resident_id"])


def test_personal_data_can_belong_to_nobody(planted):
    nobodys = {"resident_id": r"\d\d0000(19|20)\d{6}000[\dX]", "bank_card": r"620000000\d{7}(\d{3})?", "mobile": r"154\d{8}|07700 900\d{3}",
               "email": r"[\w.]+@example\.(com|org|net)"}  # fmt: skip
    assert [entry for entry in planted.personal if not re.fullmatch(nobodys[entry["kind"]], entry["value"])] == []


def test_personal_data_that_is_not_listed_is_nowhere(rows, planted):
    listed = {(entry["row"], entry["value"]) for entry in planted.personal}
    copies = {copy: original for original, copy in (*planted.duplicates, *planted.near_duplicates, *planted.contradictions)}
    found = [(number, value) for number in range(1, len(rows)) for value in
             re.findall(r"[a-z0-9.]+@[a-z0-9.]+|\d{17}[\dX]|\d{16}", unicodedata.normalize("NFKC", rows[number]["message"]))]  # fmt: skip
    assert [hit for hit in found if not any(hit[1] in value and row in (hit[0], copies.get(hit[0])) for row, value in listed)] == []


def test_a_split_leaks_from_test_into_train_where_planted(tmp_path):
    planted = write_sample(tmp_path, split=True)
    rows = [{}, *read(tmp_path / "messages.csv")]
    assert all((rows[a]["part"], rows[b]["part"]) == ("test", "train") for a, b in planted.leaks)
    assert all(jaccard(rows[a]["message"], rows[b]["message"]) >= 0.9 for a, b in planted.leaks)
    assert any(rows[a]["message"] == rows[b]["message"] for a, b in planted.leaks)
    others = (*planted.duplicates, *planted.near_duplicates, *planted.contradictions)
    assert all(rows[a]["part"] == rows[b]["part"] for a, b in others)


def test_catalogue_and_reviews_belong_together(folder, planted):
    products, reviews = read(folder / "catalogue.csv"), read(folder / "reviews.csv")
    assert len(products) == len({product["sku"] for product in products}) == 80
    assert {review["sku"] for review in reviews} <= {product["sku"] for product in products}
    assert {review["rating"] for review in reviews} == set("12345")
    assert sum(review["language"] == "zh" for review in reviews) == len(reviews) / 2


def test_new_messages_are_new_and_in_both_languages(rows):
    new = new_messages()
    assert not set(new) & {row["message"] for row in rows[1:]}
    assert [bool(HAN.search(message)) for message in new].count(True) == 3


# ------------------------------------------------- what prepare finds of it

@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> tuple[Planted, dict[str, list[int]], dict, list[str]]:
    """A company whose table names the test rows: what was planted, the rows of each kind that prepare found, its meta, and the part of each row."""
    folder = tmp_path_factory.mktemp("split")
    planted = write_sample(folder, split=True)
    meta = prepare_examples(folder / "messages.csv", text=planted.text, label=planted.label, split_column="part", folder=folder / "data").meta
    found: dict[str, list[int]] = {}
    for each in meta["findings"]:
        assert each["count"] == len(each["rows"])
        found.setdefault(each["kind"], []).extend(each["rows"])
    return planted, found, meta, [row["part"] for row in read(folder / "messages.csv")]


def test_prepare_finds_every_planted_fault_of_a_row_and_no_other(split):
    planted, found, *_ = split
    rows = {name: {entry["row"] if isinstance(entry, dict) else entry for entry in getattr(planted, name)} for name in ("empty", "unlabelled", "label_typos", "seen_once")}
    assert set(found["empty"]) == rows["empty"] and set(found["unlabelled"]) == rows["unlabelled"]
    assert set(found["label_typos"]) == rows["label_typos"]
    assert rows["seen_once"] <= {*found["label_once"], *found["unseen_labels"]}, "in train, or in test where train never shows it"


def test_prepare_finds_the_planted_repeats_of_the_rows_that_learn(split):
    """Rows of the test part are looked at for leaks alone."""
    planted, found, _, parts = split
    learning = {name: [pair for pair in getattr(planted, name) if parts[pair[0] - 1] == "train"] for name in ("duplicates", "near_duplicates", "contradictions")}
    assert all(len(pairs) >= 5 for pairs in learning.values())
    assert set(found["duplicates"]) == {max(pair) for pair in learning["duplicates"]}
    assert set(found["contradictions"]) == {row for pair in learning["contradictions"] for row in pair}
    assert {max(pair) for pair in learning["near_duplicates"]} <= set(found["near_duplicates"])


def test_prepare_finds_every_planted_leak_with_both_rows(split):
    planted, found, meta, _ = split
    pairs = {(test, train) for test, train, *_ in [*meta["leaks"]["exact"], *meta["leaks"]["near"]]}
    assert set(planted.leaks) <= pairs and {test for test, _ in planted.leaks} <= set(found["leaks"])
    assert set(found["leaks"]) == set(meta["leaks"]["test_rows"])


def test_prepare_cleans_every_planted_dirty_row(split):
    planted, found, *_ = split
    for fault, rule in (("html", "html"), ("full_width", "width")):
        assert set(getattr(planted, fault)) <= set(found[f"cleaned_{rule}"])
    assert set(planted.control) <= set(found["cleaned_control"]) | set(found["cleaned_white_space"])
