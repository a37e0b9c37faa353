"""Contents of reports as the steps make them, from small tables in memory."""

from __future__ import annotations

import random
from typing import Any, Mapping

from startlm import build_model, evaluate_model, prepare_examples, train_model
from startlm.predict import PredictSettings

SENTENCES = {
    "money": "please refund the {} and the {} of order {}", "post": "where is parcel {} with the {} number {}",
    "praise": "thank you for the {} and the lovely {}, {} stars", "物流": "我的{}和{}快递单号{}到哪里了",
}  # fmt: skip
THINGS = ["tea", "cup", "kettle", "green tea", "box", "tray", "茶壶", "龙井", "滤网", "罐子", "leaf", "pot", "lamp", "spoon"]


def messages(rows: int, seed: int, *, wrong: float = 0.12) -> list[dict[str, str]]:
    """Rows with a `message` and a `team`; so many of the labels are drawn at random."""
    rng, found = random.Random(seed), []
    for _ in range(rows):
        team = rng.choice(list(SENTENCES))
        text = SENTENCES[team].format(rng.choice(THINGS), f"{rng.choice(THINGS)} {rng.randrange(999)}", rng.randrange(10**6))
        found.append({"message": text, "team": rng.choice(list(SENTENCES)) if rng.random() < wrong else team})
    return found


def report_of(rows: list[dict[str, str]], *, hand_over: str | None = None, **evaluate: Any) -> Mapping[str, Any]:
    """The content of the report that evaluate writes for these rows, through all the steps."""
    examples = prepare_examples(rows, text="message", label="team")
    model = train_model(build_model(examples, family="linear"), examples, predict=PredictSettings(hand_over=hand_over))
    return evaluate_model(model, examples, **evaluate).content
