"""A shop's messages that ask for one, two or three things at once, for tests of several labels a row: both languages."""

from __future__ import annotations

import random
from functools import cache
from typing import Any, Mapping

from startlm import build_model, evaluate_model, prepare_examples, train_model
from startlm.predict import PredictSettings
from tickets import ASKS, THINGS

MORE = {"invoice": ["send me an invoice for {0}, number {1}", "I need a receipt with {0} on it ({1})", "{0}请开发票，抬头{1}", "要{0}的发票 {1}"]}
ASKED = ASKS | MORE


def requests(rows: int = 300, seed: int = 0, *, separator: str = "; ", none: float = 0.0) -> list[dict[str, Any]]:
    """Rows with id, message and topics, such as "money; post"; a share of `none` asks for nothing. The same seed gives the same rows."""
    rng, found = random.Random(seed), []
    for number in range(rows):
        topics = sorted(rng.sample(list(ASKED), rng.choices((1, 2, 3), (5, 4, 1))[0])) if rng.random() >= none else []
        parts = [rng.choice(ASKED[topic]).format(rng.choice(THINGS), rng.randrange(10**6)) for topic in topics]
        rng.shuffle(parts)
        found.append({"id": number, "message": ". ".join(parts) or f"thank you, {rng.choice(THINGS)} is lovely, {rng.randrange(10**6)}", "topics": separator.join(topics)})
    return found


LONG = "a_label_whose_name_is_much_too_long_for_any_telephone_of_this_world_or_the_next"
EVIL = "<img src=x onerror=alert(1)>{name}"


@cache
def content_of(name: str) -> Mapping[str, Any]:
    """The content of a report, through all the steps: good, bad (labels drawn at random), few (rows), long (names), evil (names)."""
    rows = requests({"few": 60, "bad": 200}.get(name, 400), seed=2)
    rng, new = random.Random(1), {"long": LONG, "evil": EVIL}.get(name, "post")
    for row in rows:
        row["topics"] = rng.choice(("money", "post; tea", "tea")) if name == "bad" else row["topics"].replace("post", new)
    examples = prepare_examples(rows, text="message", label="topics", label_separator=";")
    model = train_model(build_model(examples, family="linear"), examples, predict=PredictSettings(hand_over="30%" if name == "good" else None))
    return evaluate_model(model, examples, minutes_per_row=3.0 if name == "good" else None).content
