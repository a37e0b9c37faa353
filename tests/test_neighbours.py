"""Neighbours never matter: alone, in any batch, beside longer rows, an answer is the same."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from startlm import open_bundle
from startlm.core.contracts import Recipe
from startlm.families import network
from startlm.predict import Predictor
from tickets import OF_TEXT, THINGS, tickets

ROWS = 600  # 5,000 in make test-long
FP32, INT8 = 1e-6, 1e-5
NETWORKS = [name for name in OF_TEXT if name != "linear"]


def texts_of_all_lengths(rows: int) -> list[str]:
    """1 to 512 tokens; English, Chinese and mixed."""
    rng = random.Random(1)
    words = [word for row in tickets(200, seed=3) for word in row["message"].split()] + THINGS
    return [" ".join(rng.choices(words, k=max(1, int(512 ** rng.random())))) for _ in range(rows)]


@pytest.mark.parametrize("family", OF_TEXT)
def test_an_answer_does_not_depend_on_the_rows_beside_it(family: str, bundles: dict[str, Path]) -> None:
    check_neighbours(open_bundle(bundles[family]), texts_of_all_lengths(ROWS), FP32)


@pytest.mark.parametrize("family", NETWORKS)
def test_an_int8_answer_does_not_depend_on_the_rows_beside_it(family: str, bundles: dict[str, Path]) -> None:
    check_neighbours(in_int8(open_bundle(bundles[family])), texts_of_all_lengths(ROWS // 3), INT8)


@pytest.mark.slow
@pytest.mark.parametrize("family", OF_TEXT)
def test_an_answer_does_not_depend_on_the_rows_beside_it_in_5000_rows(family: str, bundles: dict[str, Path]) -> None:
    check_neighbours(open_bundle(bundles[family]), texts_of_all_lengths(5_000), FP32)


@pytest.mark.slow
@pytest.mark.parametrize("family", NETWORKS)
def test_an_int8_answer_does_not_depend_on_the_rows_beside_it_in_5000_rows(family: str, bundles: dict[str, Path]) -> None:
    check_neighbours(in_int8(open_bundle(bundles[family])), texts_of_all_lengths(5_000), INT8)


def in_int8(predictor: Predictor) -> Predictor:
    """The same trained network in int8, as train makes it where a dev part lets it choose: these tables have too few rows for one."""
    (member,) = predictor.members
    assert member.engine.settings["precision"] == "fp32"
    recipe = Recipe("", "", "", options={"longest": member.engine.settings["max_length"]})
    encoded = member.tokenizer.encode(predictor.texts([row["message"] for row in tickets()]))
    small = network._engine(network._quantised(member.engine.graph, encoded, recipe, 0), "int8", encoded, recipe)
    assert len(small.graph) < len(member.engine.graph)
    return Predictor(predictor.settings, [replace(member, engine=small)])


def check_neighbours(predictor: Predictor, texts: list[str], tolerance: float) -> None:
    rng = np.random.default_rng(0)
    texts = predictor.texts(texts)
    alone = np.concatenate([predictor.confidences([text]) for text in texts])
    order = rng.permutation(len(texts))
    mixed = np.empty_like(alone)
    for rows in np.array_split(order, len(texts) // 7):
        mixed[rows] = predictor.confidences([texts[i] for i in rows])
    longest = max(texts, key=len)
    beside = np.concatenate([predictor.confidences([text, longest])[:1] for text in texts[:200]])
    for other, first in ((mixed, alone), (beside, alone[:200])):
        assert np.abs(other - first).max() <= tolerance
        assert np.array_equal(other.argmax(axis=1), first.argmax(axis=1))
