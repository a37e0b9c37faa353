"""What the ladder is for: a network where order matters, the linear model where single words decide."""

from __future__ import annotations

import random
from typing import Any

from startlm import build_model, prepare_examples, train_model

FILLERS = [f"{a}{b}" for a in ("ka", "mo", "ti", "ru", "se", "no", "li", "pa") for b in ("ra", "to", "ne", "shi", "gu", "ban")]


def ordered(rows: int) -> list[dict[str, Any]]:
    """The label says which of two words comes first, with one or two others between them: no single word and no pair tells."""
    rng, found = random.Random(0), []
    for _ in range(rows):
        first, second = rng.sample(["north", "south"], 2)
        words = rng.choices(FILLERS, k=rng.randint(3, 8))
        place = rng.randrange(len(words))
        found.append({"text": " ".join([*words[:place], first, *rng.choices(FILLERS, k=rng.randint(1, 2)), second, *words[place:]]), "label": first})
    return found


def worded(rows: int) -> list[dict[str, Any]]:
    """The label hangs on single words."""
    rng, found = random.Random(0), []
    for _ in range(rows):
        label = rng.choice(["money", "post", "tea"])
        signal = {"money": ["refund", "退款"], "post": ["parcel", "包裹"], "tea": ["brew", "泡茶"]}[label]
        words = [*rng.choices(FILLERS, k=rng.randint(4, 9)), rng.choice(signal)]
        rng.shuffle(words)
        found.append({"text": " ".join(words), "label": label})
    return found


def families_of(rows: list[dict[str, Any]]) -> list[str]:
    """The families that the ladder keeps for these rows."""
    examples = prepare_examples(rows, text="text", label="label")
    model = train_model(build_model(examples, size="small"), examples, budget="2m")
    return [line["family"] for line in model.ladder if line["kept"]]


def test_a_network_wins_where_labels_depend_on_word_order() -> None:
    assert families_of(ordered(2_600))[-1] in ("convolution", "blend")


def test_linear_stays_where_single_words_decide_in_300_rows() -> None:
    assert families_of(worded(300)) == ["linear"]
