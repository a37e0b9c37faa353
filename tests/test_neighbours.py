"""Neighbours never matter: alone, in any batch, beside longer rows, an answer is the same."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from orders import orders
from table_bundles import KINDS

from startlm import open_bundle
from startlm.core.contracts import Recipe
from startlm.core.language import say
from startlm.core.shelves import look_up
from startlm.families import FAMILIES, network
from startlm.predict import Predictor
from tickets import TEXT_FAMILIES, THINGS, tickets

ROWS = 600  # 5,000 in make test-long
FP32, INT8 = 1e-6, 1e-5
NETWORKS = [name for name in TEXT_FAMILIES if look_up(FAMILIES, name, say("family", "模型种类")).engine == "onnx"]


def texts_of_all_lengths(rows: int) -> list[str]:
    """1 to 512 tokens; English, Chinese and mixed."""
    rng = random.Random(1)
    words = [word for row in tickets(200, seed=3) for word in row["message"].split()] + THINGS
    return [" ".join(rng.choices(words, k=max(1, int(512 ** rng.random())))) for _ in range(rows)]


@pytest.mark.parametrize("family", TEXT_FAMILIES)
def test_an_answer_does_not_depend_on_the_rows_beside_it(family: str, bundles: dict[str, Path]) -> None:
    check_neighbours(open_bundle(bundles[family]), texts_of_all_lengths(ROWS), FP32)


@pytest.mark.parametrize("name", KINDS)
def test_an_answer_to_columns_does_not_depend_on_the_rows_beside_it(name: str, tables: dict[str, Path]) -> None:
    check_neighbours(open_bundle(tables[name]), orders(ROWS, seed=2), FP32 if KINDS[name].family == "lstm" else 0.0)


@pytest.mark.parametrize("family", NETWORKS)
def test_an_int8_answer_does_not_depend_on_the_rows_beside_it(family: str, bundles: dict[str, Path]) -> None:
    check_neighbours(in_int8(open_bundle(bundles[family])), texts_of_all_lengths(ROWS // 3), INT8)


@pytest.mark.slow
@pytest.mark.parametrize("family", TEXT_FAMILIES)
def test_an_answer_does_not_depend_on_the_rows_beside_it_in_5000_rows(family: str, bundles: dict[str, Path]) -> None:
    check_neighbours(open_bundle(bundles[family]), texts_of_all_lengths(5_000), FP32)


@pytest.mark.slow
@pytest.mark.parametrize("family", NETWORKS)
def test_an_int8_answer_does_not_depend_on_the_rows_beside_it_in_5000_rows(family: str, bundles: dict[str, Path]) -> None:
    check_neighbours(in_int8(open_bundle(bundles[family])), texts_of_all_lengths(5_000), INT8)


def in_int8(predictor: Predictor) -> Predictor:
    """The same trained network in int8, as train makes it where a dev part lets it choose: these tables have too few rows for one."""
    (member,) = predictor.members
    if member.engine.settings["precision"] == "int8":
        return predictor
    recipe = Recipe("", "", "", options={"longest": member.engine.settings["max_length"]})
    encoded = member.tokenizer.encode(predictor.inputs([row["message"] for row in tickets()]).texts)
    small = network._engine(network._quantised(member.engine.graph, encoded, recipe, 0), "int8", encoded, recipe)
    assert len(small.graph) < len(member.engine.graph)
    return Predictor(predictor.settings, [replace(member, engine=small)], predictor.encoder)


def check_neighbours(predictor: Predictor, given: list[Any], tolerance: float) -> None:
    rng = np.random.default_rng(0)
    inputs = predictor.inputs(given)
    alone = np.concatenate([predictor.answered(inputs.take([row])) for row in range(len(given))])
    order = rng.permutation(len(given))
    mixed = np.empty_like(alone)
    for rows in np.array_split(order, len(given) // 7):
        mixed[rows] = predictor.answered(inputs.take(rows))
    longest = int(np.argmax([len(text) for text in inputs.texts]))
    beside = np.concatenate([predictor.answered(inputs.take([row, longest]))[:1] for row in range(200)])
    for other, first in ((mixed, alone), (beside, alone[:200])):
        assert np.abs(other - first).max() <= tolerance
        assert np.array_equal(other.argmax(axis=1), first.argmax(axis=1))
