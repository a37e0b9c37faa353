"""The faults that the sample company plants among its messages, each message carrying one at most."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Final, Iterator

from . import chinese, english
from .dice import Dice, fill
from .messages import INTENTS, OUT_OF_SCOPE, Message
from .people import CLAUSES, person_value

NOISE: Final = 0.05  # share of the messages with text and label whose label is wrong
NEAR: Final = 0.9  # Jaccard of character 5-grams from which two texts count as near

# Fault: how many in 3,000 rows.
COUNTS: Final = {"duplicate": 45, "near_duplicate": 45, "contradiction": 12, "label_typo": 3, "empty": 12, "unlabelled": 15,
                 "html": 40, "full_width": 40, "control": 24, "traditional": 60, "personal": 110, "leak": 24}  # fmt: skip
TYPOS: Final = {"refund": "refnud", "invoice": "invioce", "order_status": "order_staus"}
GIFT_CARD: Final = "gift_card"
KINDS: Final = {"zh": {"mobile": 4, "resident_id": 3, "bank_card": 3, "email": 2}, "en": {"email": 4, "mobile": 4, "bank_card": 2, "resident_id": 1}}
WORTH_A_NUMBER: Final = ("refund", "change_address", "invoice", "payment_problem", "order_status", "wholesale")
TAILS: Final = ("!", " !", "～", "...", "。", " :)", "!!", "？")
FULL_WIDTH: Final = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)} | {" ": "\u3000"})
FULL_WIDTH_SIGNS: Final = {code: wide for code, wide in FULL_WIDTH.items() if chr(code) not in " '" and not chr(code).isalpha()}

Pair = tuple[str, Message, Message]


def how_many(fault: str, rows: int) -> int:
    """How often a fault is planted among so many rows: two at least."""
    return max(2, round(COUNTS[fault] * rows / 3000))


def copies_needed(rows: int, leaks: bool) -> int:
    """Rows that planting adds to the messages written: copies, and the one label seen once."""
    return 1 + sum(how_many(fault, rows) for fault in ("duplicate", "near_duplicate", "contradiction", *(["leak"] if leaks else [])))


def plant(messages: list[Message], rows: int, leaks: bool, dice: Dice) -> list[Pair]:
    """Plant every fault for a file of `rows` rows; `messages` grows by the copies. Returns (fault, original, copy)."""
    free = iter(dice.shuffled(messages))
    for fault in ("empty", "unlabelled", "html", "full_width", "control", "traditional", "personal", "label_typo"):
        for message in _takers(fault, how_many(fault, rows), free):
            message.planted = fault
            _spoil(fault, message, dice)
    pairs: list[Pair] = []
    for fault in ("duplicate", "near_duplicate", "contradiction", *(["leak"] if leaks else [])):
        for number, message in enumerate(_takers(fault, how_many(fault, rows), free)):
            message.planted = fault
            pairs.append((fault, message, _copied(fault, number, message, dice)))
    messages += [copy for _, _, copy in pairs]
    messages.append(_seen_once(dice))
    labelled = sum(bool(message.label) and message.planted != "empty" for message in messages)
    wrong = how_many("contradiction", rows) + how_many("label_typo", rows)
    for message in _takers("noise", round(NOISE * labelled) - wrong, free):
        message.planted, message.label = "noise", _wrong_label(message, dice)
    return pairs


def _takers(fault: str, count: int, free: Iterator[Message]) -> Iterator[Message]:
    """The next messages that suit the fault, English and Chinese by turns where both suit."""
    suits = {
        "traditional": lambda message: message.language == "zh", "label_typo": lambda message: message.true in TYPOS,
        "personal": lambda message: message.true in WORTH_A_NUMBER, "near_duplicate": lambda message: len(message.text) > 30,
        "leak": lambda message: len(message.text) > 30, "contradiction": lambda message: message.true != OUT_OF_SCOPE,
    }.get(fault, lambda message: True)  # fmt: skip
    taken = 0
    while taken < count:
        message = next(free)
        if suits(message) and (fault == "traditional" or message.language == ("en", "zh")[taken % 2]) and not message.personal:
            taken += 1
            yield message


def _spoil(fault: str, message: Message, dice: Dice) -> None:
    """Change the message in place."""
    if fault == "empty":
        message.text = dice.pick(english.EMPTIES)
    elif fault == "unlabelled":
        message.label = ""
    elif fault == "label_typo":
        message.label = TYPOS[message.true]
    elif fault == "html":
        message.text = _as_html(message.text, dice)
    elif fault == "full_width":
        message.text = f"{message.text} (#{dice.digits(4)})".translate(FULL_WIDTH if dice.chance(0.3) else FULL_WIDTH_SIGNS)
    elif fault == "control":
        place = dice.whole(1, max(1, len(message.text) - 1))
        message.text = message.text[:place] + dice.pick(("\u200b", "\ufeff", "\u00a0\u00a0", "\t", "\u200d", "\u00ad")) + message.text[place:]
    elif fault == "traditional":
        message.text = (message.text + "，謝謝您").translate(chinese.TRADITIONAL)
    elif fault == "personal":
        _add_person(message, dice)


def _as_html(text: str, dice: Dice) -> str:
    escaped = html.escape(text, quote=False).replace("\n", "<br>")
    return dice.pick((f"<p>{escaped}</p>", f"<div>{escaped}<br></div>", f"{escaped}<br/><br/>&nbsp;", f"<b>{escaped}</b>", f"&quot;{escaped}&quot;<br>"))


def _add_person(message: Message, dice: Dice) -> None:
    kind = dice.pick_weighted(KINDS[message.language])
    value = person_value(kind, message.language, dice)
    message.personal.append((kind, value))
    clause = fill(dice.pick(CLAUSES[message.language][kind]), {"value": lambda: value})
    message.text = f"{message.text}{'，' if message.language == 'zh' else ' - '}{clause}"


def _copied(fault: str, number: int, message: Message, dice: Dice) -> Message:
    """A second message with the same text, or nearly; of leaks every other one is only near."""
    copy = replace(message, personal=[], planted=f"{fault}_copy")
    if fault == "near_duplicate" or fault == "leak" and number % 2:
        tail = dice.pick(TAILS)
        copy.text = message.text + (tail if jaccard(message.text, message.text + tail) >= NEAR else ".")
    if fault == "contradiction":
        copy.label = _wrong_label(message, dice)
    if fault == "leak":
        message.part, copy.part = "test", "train"
    return copy


def _wrong_label(message: Message, dice: Dice) -> str:
    """Another intent: half of the time one that is easily taken for it."""
    near = INTENTS[message.true][1]
    if near and dice.chance(0.5):
        return dice.pick(near)
    return dice.pick([intent for intent in INTENTS if intent != message.true])


def _seen_once(dice: Dice) -> Message:
    text = fill(english.GIFT_CARD, {"amount": lambda: f"{dice.whole(2, 9)}0 yuan"})
    return Message("en", "web", text, GIFT_CARD, GIFT_CARD, planted="seen_once")


def jaccard(one: str, other: str, size: int = 5) -> float:
    """Shared character 5-grams over all of both (Jaccard index)."""
    grams = [{text[start:start + size] for start in range(max(1, len(text) - size + 1))} for text in (one, other)]
    return len(grams[0] & grams[1]) / len(grams[0] | grams[1])
