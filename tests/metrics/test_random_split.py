"""What a random split would have claimed beside a split by group: more where groups give the label away, the same where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from startlm.core.contracts import Figure, Labelled
from startlm.families.linear import answer_with_linear
from startlm.metrics.random_split import difference, random_split
from tickets import tickets


def by_group(rows: Labelled, other: Labelled) -> np.ndarray:
    """Answers what most rows of the same customer had, the first word of the text; 0 for an unknown one."""
    known: dict[str, list[int]] = {}
    for text, label in zip(rows.texts, rows.labels):
        known.setdefault(text.split()[0], []).append(int(label))
    return np.array([round(np.mean(known.get(text.split()[0], [0]))) for text in other.texts])


@pytest.fixture
def grouped() -> tuple[Labelled, np.ndarray]:
    """1,000 rows of 100 customers, each of whom has one label; the last 20 customers test."""
    label = np.random.default_rng(0).integers(0, 2, 100)
    customer = np.arange(1_000) // 10
    return Labelled([f"C{c} writes number {row} about {row * 7919 % 1009}" for row, c in enumerate(customer)], label[customer]), customer >= 80


def test_a_random_split_claims_more_where_the_group_tells_the_label(grouped: tuple[Labelled, np.ndarray]) -> None:
    rows, test = grouped
    found = random_split(rows, rows.texts, test, by_group)
    assert found.figure.value == 1.0 and found.figure.n == pytest.approx(200, abs=2)
    assert found.figure.baseline == pytest.approx(float(np.mean(rows.labels[test] == 0)))
    assert found.gain.low > 0.3 and found.gain.value == pytest.approx(1.0 - found.figure.baseline)
    assert set(found.as_json()) == {"figure", "gain"} and found.as_json()["figure"]["value"] == 1.0


def test_a_random_split_claims_nothing_more_where_groups_do_not_matter() -> None:
    shop = tickets(600)
    rows = Labelled([row["message"] for row in shop], np.array([row["team"] == "post" for row in shop]).astype(np.int64))
    found = random_split(rows, rows.texts, np.arange(600) % 5 == 0, answer_with_linear)
    assert found.figure.value > 0.9 and found.gain.low <= 0 <= found.gain.high


def test_the_same_seed_gives_the_same_claim_and_a_large_table_is_thinned(grouped: tuple[Labelled, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    from startlm.metrics import random_split as module

    rows, test = grouped
    assert random_split(rows, rows.texts, test, by_group, 1) == random_split(rows, rows.texts, test, by_group, 1)
    monkeypatch.setattr(module, "MOST_LEARN", 300)
    monkeypatch.setattr(module, "MOST_TEST", 50)
    seen: list[tuple[int, int]] = []

    def counted(learn: Labelled, held: Labelled) -> np.ndarray:
        seen.append((len(learn), len(held)))
        return by_group(learn, held)

    random_split(rows, rows.texts, test, counted)
    assert seen[0] == (300, 50) and sum(seen[1]) == 350


def test_too_few_rows_claim_nothing() -> None:
    rows = Labelled(["a", "b", "c"], np.array([0, 1, 0]))
    found = random_split(rows, rows.texts, np.array([False, False, True]), lambda one, other: np.zeros(len(other), dtype=np.int64))
    assert found.figure.value is None and found.gain.value is None


def test_a_difference_of_shares_has_the_interval_of_both() -> None:
    """Newcombe (1998), case a: 56/70 less 48/80; with exact bounds for the shares the interval is a little wider than his score one [0.0524, 0.3339]."""
    one, other = (Figure("accuracy", k / n, low, high, n) for k, n, low, high in ((56, 70, 0.68735, 0.88607), (48, 80, 0.48442, 0.70799)))
    found = difference("gain", one, other)
    assert found.value == pytest.approx(0.2) and 0.03 < found.low < 0.0524 and 0.3339 < found.high < 0.36
