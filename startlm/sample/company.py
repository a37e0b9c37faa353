"""Qingshan Tea 青山茶铺: writes messages.csv, catalogue.csv and reviews.csv from a seed, and says what it planted.

    planted = write_sample(Path("demo/data"))
    planted.noise_ceiling        # 0.95: a model that knows every true intent is right this often, no model more
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Iterable, Sequence

from startlm.core.durable import write_bytes, write_json
from startlm.core.errors import CallError
from startlm.core.language import say

from .catalogue import Product, make_catalogue
from .dice import Dice
from .faults import Pair, copies_needed, plant
from .messages import INTENTS, OUT_OF_SCOPE, Message, write_message
from .reviews import Review, make_reviews

FIRST_DAY: Final = date(2025, 1, 2)
DAYS: Final = 540
TEST_SHARE: Final = 0.2
FEWEST_ROWS: Final = 400


@dataclass(frozen=True)
class Planted:
    """Everything planted in messages.csv. Row numbers count from 1, the head row left out; pairs are (original, copy).

    noise_ceiling: the accuracy, over rows with text and label, of a model that knows every true intent: wrong labels are
    `noise`, the copies in `contradictions` and `label_typos`.
    """

    seed: int
    rows: int
    languages: dict[str, int]
    text: str
    label: str
    out_of_scope: str
    noise_ceiling: float
    noise: tuple[dict[str, Any], ...]  # row, label, true
    personal: tuple[dict[str, Any], ...]  # row, kind, value
    duplicates: tuple[tuple[int, int], ...]
    near_duplicates: tuple[tuple[int, int], ...]
    contradictions: tuple[tuple[int, int], ...]
    leaks: tuple[tuple[int, int], ...]  # the original in test, its copy in train; only where a split was asked for
    label_typos: tuple[dict[str, Any], ...]  # row, label, true
    seen_once: tuple[dict[str, Any], ...]  # row, label, true
    empty: tuple[int, ...]
    unlabelled: tuple[int, ...]
    html: tuple[int, ...]
    full_width: tuple[int, ...]
    control: tuple[int, ...]
    traditional: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, one key a field."""
        return asdict(self)


def write_sample(folder: Path, *, seed: int = 0, rows: int = 3000, reviews: int = 1000, split: bool = False) -> Planted:
    """Write messages.csv, catalogue.csv, reviews.csv and planted.json into `folder`; the same seed gives the same bytes.

    `split` adds a column `part` (train, test) and leaks from test into train. Raises CallError for fewer than 400 rows.
    """
    if rows < FEWEST_ROWS:
        raise CallError(
            say(f"{rows} rows are too few for every planted fault.", f"{rows} 行太少，放不下所有预设的问题。"),
            say(f"ask for {FEWEST_ROWS} rows or more", f"请至少要 {FEWEST_ROWS} 行"),
        )
    dice = Dice(seed)
    messages = _written(rows - copies_needed(rows, split), dice)
    pairs = plant(messages, rows, split, dice)
    messages = dice.shuffled(messages)
    if split:
        _draw_parts(messages, pairs, dice)
    planted = _listed(messages, pairs, seed)
    products = make_catalogue(dice)
    folder = Path(folder)
    _write_table(folder / "messages.csv", ("id", "date", "channel", "message", "intent", *(["part"] if split else [])), _message_rows(messages, split, dice))
    _write_table(folder / "catalogue.csv", Product._fields, products)
    _write_table(folder / "reviews.csv", Review._fields, make_reviews(products, _dates(reviews, dice), dice))
    write_json(folder / "planted.json", planted.as_json())
    return planted


def new_messages() -> list[str]:
    """Six messages that write_sample never writes: three English, three Chinese, one of them out of scope."""
    return [
        "Hi, it's been nine days and the tracking page of QS48210377 hasn't changed. Is my Keemun lost?",
        "你好，盖碗收到的时候盖子裂了一道，箱子倒是好的，怎么处理？",
        "I don't want to send the Rougui back, I just need an invoice with our company name on it.",
        "我不是要取消订单，就是想改成寄到成都，谢谢",
        "how hot should the water be for Silver Needle? mine tastes of nothing",
        "周末想去黄山玩，帮我看看那边的酒店多少钱一晚",
    ]


def _written(count: int, dice: Dice) -> list[Message]:
    """So many messages, English and Chinese by turns, no text twice (a repeat is only ever one that was planted)."""
    seen: set[str] = set()
    messages: list[Message] = []
    weights = {intent: weight for intent, (weight, _) in INTENTS.items()}
    while len(messages) < count:
        message = write_message(("en", "zh")[len(messages) % 2], dice.pick_weighted(weights), dice)
        bare = re.sub(r"\W", "", message.text.lower())
        if bare not in seen:
            seen.add(bare)
            messages.append(message)
    return messages


def _draw_parts(messages: Sequence[Message], pairs: Sequence[Pair], dice: Dice) -> None:
    """Copies stay beside their originals, save the leaks, whose parts are set already."""
    for message in messages:
        message.part = message.part or ("test" if dice.chance(TEST_SHARE) else "train")
    for fault, original, copy in pairs:
        if fault != "leak":
            copy.part = original.part


def _dates(count: int, dice: Dice) -> list[str]:
    """ISO dates in order."""
    return [(FIRST_DAY + timedelta(days=day)).isoformat() for day in sorted(dice.whole(0, DAYS) for _ in range(count))]


def _message_rows(messages: Sequence[Message], split: bool, dice: Dice) -> Iterable[Sequence[Any]]:
    for number, (message, day) in enumerate(zip(messages, _dates(len(messages), dice), strict=True), 1):
        yield (f"M{number:05}", day, message.channel, message.text, message.label, *([message.part] if split else []))


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_bytes(path, stream.getvalue().encode("utf-8"))


def _listed(messages: Sequence[Message], pairs: Sequence[Pair], seed: int) -> Planted:
    """What the messages carry, with the row numbers they have now."""
    rows = {id(message): number for number, message in enumerate(messages, 1)}

    def carrying(fault: str) -> tuple[int, ...]:
        return tuple(rows[id(message)] for message in messages if message.planted == fault)

    def labels(fault: str) -> tuple[dict[str, Any], ...]:
        return tuple({"row": row, "label": messages[row - 1].label, "true": messages[row - 1].true} for row in carrying(fault))

    def paired(fault: str) -> tuple[tuple[int, int], ...]:
        return tuple(sorted((rows[id(original)], rows[id(copy)]) for kind, original, copy in pairs if kind == fault))

    answerable = [message for message in messages if message.label and message.planted != "empty"]
    right = sum(message.label == message.true for message in answerable)
    return Planted(
        seed=seed, rows=len(messages), languages={name: sum(message.language == name for message in messages) for name in ("en", "zh")},
        text="message", label="intent", out_of_scope=OUT_OF_SCOPE, noise_ceiling=round(right / len(answerable), 4), noise=labels("noise"),
        personal=tuple({"row": rows[id(message)], "kind": kind, "value": value} for message in messages for kind, value in message.personal),
        duplicates=paired("duplicate"), near_duplicates=paired("near_duplicate"), contradictions=paired("contradiction"), leaks=paired("leak"),
        label_typos=labels("label_typo"), seen_once=labels("seen_once"), empty=carrying("empty"), unlabelled=carrying("unlabelled"),
        html=carrying("html"), full_width=carrying("full_width"), control=carrying("control"), traditional=carrying("traditional"),
    )  # fmt: skip
