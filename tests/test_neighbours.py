"""Neighbours never matter: alone, in any batch, beside longer rows, an answer is the same."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from startlm import open_bundle
from startlm.families import FAMILIES
from tickets import THINGS, tickets

ROWS = 600  # 5,000 in make test-long
FP32, INT8 = 1e-6, 1e-5


def texts_of_all_lengths(rows: int) -> list[str]:
    """1 to 512 tokens; English, Chinese and mixed."""
    rng = random.Random(1)
    words = [word for row in tickets(200, seed=3) for word in row["message"].split()] + THINGS
    return [" ".join(rng.choices(words, k=max(1, int(512 ** rng.random())))) for _ in range(rows)]


def tolerance(folder: Path) -> float:
    return INT8 if '"precision": "int8"' in (folder / "model.json").read_text(encoding="utf-8") else FP32


@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_does_not_depend_on_the_rows_beside_it(family: str, bundles: dict[str, Path]) -> None:
    check_neighbours(bundles[family], texts_of_all_lengths(ROWS))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_does_not_depend_on_the_rows_beside_it_in_5000_rows(family: str, bundles: dict[str, Path]) -> None:
    check_neighbours(bundles[family], texts_of_all_lengths(5_000))


def check_neighbours(folder: Path, texts: list[str]) -> None:
    predictor, rng = open_bundle(folder), np.random.default_rng(0)
    texts = predictor.texts(texts)
    alone = np.concatenate([predictor.confidences([text]) for text in texts])
    order = rng.permutation(len(texts))
    mixed = np.empty_like(alone)
    for rows in np.array_split(order, len(texts) // 7):
        mixed[rows] = predictor.confidences([texts[i] for i in rows])
    longest = max(texts, key=len)
    beside = np.concatenate([predictor.confidences([text, longest])[:1] for text in texts[:200]])
    for other, first in ((mixed, alone), (beside, alone[:200])):
        assert np.abs(other - first).max() <= tolerance(folder)
        assert np.array_equal(other.argmax(axis=1), first.argmax(axis=1))
