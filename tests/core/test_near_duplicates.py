"""Near-duplicates: the same pairs as by comparing all with all, fast, and not slower for thousands of equal rows."""

from __future__ import annotations

import csv
import random
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.near_duplicates import Pairs, exact_groups, groups, leaks, near_pairs

WORDS = "where is my card 退款 什么时候 到账 refund order 12 快递 还没 到 please help 请问 top up".split()


def grams(text: str) -> set[str]:
    return {text[i : i + 5] for i in range(len(text) - 4)}


def by_brute_force(texts: list[str], threshold: float = 0.9) -> dict[tuple[int, int], float]:
    """Every pair of different texts that is near, between the first rows of each."""
    first = sorted({text: row for row, text in reversed(list(enumerate(texts)))}.values())
    sets = {row: grams(texts[row]) for row in first}
    near = {}
    for place, i in enumerate(first):
        for j in first[place + 1 :]:
            a, b = len(sets[i]), len(sets[j])
            if a and b and min(a, b) >= threshold * max(a, b) - 1e-9:
                shared = len(sets[i] & sets[j])
                if shared / (a + b - shared) >= threshold:
                    near[i, j] = shared / (a + b - shared)
    return near


def different(texts: list[str], pairs: Pairs) -> dict[tuple[int, int], float]:
    found = zip(map(tuple, pairs.rows.tolist()), pairs.similarity.tolist(), strict=True)
    return {pair: similarity for pair, similarity in found if texts[pair[0]] != texts[pair[1]]}


def sentence(draw: random.Random, words: int) -> str:
    return " ".join(draw.choice(WORDS) + str(draw.randrange(50)) * (draw.random() < 0.3) for _ in range(words))


def altered(text: str, draw: random.Random) -> str:
    """One to three small changes: a letter more at an end, or one put in, taken out or changed anywhere."""
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        at = draw.choice([0, len(text), draw.randrange(len(text) + 1)])
        text = text[:at] + draw.choice(["", "x", "了", "!"]) + text[at + draw.randrange(2) :]
    return text


def with_planted(count: int, seed: int) -> list[str]:
    """Half of the rows are altered copies of the other half, zh and en, 3 to 40 words."""
    draw = random.Random(seed)
    texts = [sentence(draw, draw.randrange(3, 40)) for _ in range(count // 2)]
    texts += [altered(text, draw) for text in texts]
    draw.shuffle(texts)
    return texts


@pytest.mark.parametrize(("threshold", "rows"), [(0.9, 2000), (0.7, 500), (1.0, 500)])
def test_the_pairs_are_those_of_comparing_all_with_all(threshold: float, rows: int) -> None:
    texts = with_planted(rows, seed=1)
    truth = by_brute_force(texts, threshold)
    assert len(truth) > rows // 10 or threshold == 1
    assert different(texts, near_pairs(texts, threshold)) == truth


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("ab中", max_size=30), max_size=40), st.sampled_from([0.5, 0.8, 0.9]))
def test_repetitive_texts_are_no_exception(texts: list[str], threshold: float) -> None:
    assert different(texts, near_pairs(texts, threshold)) == by_brute_force(texts, threshold)


@pytest.mark.real_data
def test_every_planted_pair_is_found_among_real_messages(data_folder: Path) -> None:
    draw = random.Random(3)
    with (data_folder / "banking77" / "train.csv").open(encoding="utf-8") as file:
        texts = [row[0] for row in csv.reader(file)][1:8001]
    with (data_folder / "weibo-hot-search" / "titles.csv").open(encoding="utf-8") as file:
        titles = [row[1] for row in csv.reader(file)][1:]
    texts += ["，".join(draw.sample(titles, 4)) for _ in range(8000)]
    planted = [(i, len(texts) + k) for k, i in enumerate(draw.sample(range(len(texts)), 4000))]
    texts += [altered(texts[i], draw) for i, _ in planted]
    alike = [(i, j) for i, j in planted if texts[i] != texts[j] and (i, j) in by_pair(texts, i, j)]
    found = different(texts, near_pairs(texts))
    first = exact_groups(texts)
    reached = sum(tuple(sorted((first[i], first[j]))) in found for i, j in alike)
    assert len(alike) > 500
    assert reached == len(alike)  # the bound says that none can be missed


def by_pair(texts: list[str], i: int, j: int) -> set[tuple[int, int]]:
    one, other = grams(texts[i]), grams(texts[j])
    return {(i, j)} if one | other and len(one & other) >= 0.9 * len(one | other) else set()


def test_short_texts_are_near_only_when_equal() -> None:
    pairs = near_pairs(["", "abcd", "abc", "", "abcd", "abcde", "abcd"])
    assert pairs.rows.tolist() == [[0, 3], [1, 4], [1, 6]] and pairs.similarity.tolist() == [1.0, 1.0, 1.0]


def test_nothing_and_odd_characters_are_taken_as_they_are() -> None:
    assert near_pairs([]).rows.shape == (0, 2)
    assert near_pairs(["\ud800" * 9, "\ud800" * 8, "\U0010ffff" * 9]).rows.tolist() == [[0, 1]]  # the same set of grams


def test_more_characters_than_have_numbers_of_their_own_change_nothing() -> None:
    alphabet = "".join(map(chr, range(0x4E00, 0x4E00 + 9000)))
    texts = [alphabet[i : i + 40] for i in range(0, 8960, 40)] + [alphabet[i : i + 39] for i in range(0, 8960, 40)]
    assert different(texts, near_pairs(texts)) == by_brute_force(texts)
    assert len(by_brute_force(texts)) == 224


def seconds(texts: list[str]) -> tuple[float, np.ndarray]:
    start = time.process_time()
    group = groups(len(texts), near_pairs(texts))
    return time.process_time() - start, group


LETTER = "Dear customer, your order has been shipped and will arrive within three working days, thank you, order number "


def test_thousands_of_equal_or_nearly_equal_rows_are_one_group_without_comparing_all_with_all() -> None:
    equal, group = seconds(["hello, my card is lost"] * 50_000)
    assert not group.any() and equal < 2
    alike, group = seconds([f"{LETTER}{number}" for number in range(3_000)])
    assert not group.any() and alike < 20  # 4,498,500 pairs


def test_shared_boilerplate_does_not_bring_rows_together() -> None:
    draw = random.Random(4)
    spent, group = seconds([f"{LETTER}{sentence(draw, 8)}" for _ in range(3_000)])
    assert len(set(group.tolist())) > 2_900 and spent < 20


def test_rows_come_in_order_whatever_the_run() -> None:
    texts = with_planted(400, seed=5)
    one, other = near_pairs(texts), near_pairs(texts)
    assert one.rows.tobytes() == other.rows.tobytes() and one.similarity.tobytes() == other.similarity.tobytes()
    assert one.rows.tolist() == sorted(one.rows.tolist()) and (one.rows[:, 0] < one.rows[:, 1]).all()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=40))
def test_groups_are_the_connected_rows(links: list[tuple[int, int]]) -> None:
    rows = np.array([sorted(pair) for pair in links if pair[0] != pair[1]], dtype=np.int64).reshape(-1, 2)
    expected = list(range(30))
    for _ in range(30):
        for i, j in rows.tolist():
            expected[i] = expected[j] = min(expected[i], expected[j])
    assert groups(30, Pairs(rows, np.ones(len(rows)))).tolist() == expected


def test_a_long_chain_in_any_order_is_one_group() -> None:
    numbers = np.random.default_rng(0).permutation(100_000)
    rows = np.sort(np.stack([numbers[:-1], numbers[1:]], axis=1), axis=1)
    assert not groups(100_000, Pairs(rows, np.ones(len(rows)))).any()


def test_leaks_name_every_test_row_and_every_train_row() -> None:
    long = "please tell me where the card is that I ordered on Monday, it has not come so far"
    found = leaks(["a b", long, "other text here", "a b", long], [f"{long}!", "a b", "new words", f"{long}!", "a b"])
    assert found.exact == [(1, 0), (1, 3), (4, 0)]
    assert [(test, train) for test, train, _ in found.near] == [(0, 1), (0, 4), (3, 1)]
    assert all(0.9 <= similarity < 1 for _, _, similarity in found.near)


def test_there_are_no_leaks_within_one_part() -> None:
    assert leaks(["same text", "same text"], ["other text", "other text"]) == leaks([], [])
