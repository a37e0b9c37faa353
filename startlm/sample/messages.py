"""How one message of the sample company is written: a core, what stands around it, the typing, the slots."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable, Final, Mapping

from . import chinese, english
from .catalogue import TEA_NAMES, WARE_NAMES
from .dice import SLOT, Dice, fill
from .people import email

OUT_OF_SCOPE: Final = "out_of_scope"

# How often each intent is written about, and the intents that it is most easily taken for.
INTENTS: Final[Mapping[str, tuple[int, tuple[str, ...]]]] = {
    "order_status": (14, ("change_address", "complaint", "cancel_order")), "refund": (11, ("cancel_order", "damaged_parcel", "payment_problem")),
    "product_question": (11, ("brewing_advice", "wholesale")), "damaged_parcel": (8, ("refund", "complaint")),
    "brewing_advice": (9, ("product_question",)),
    "cancel_order": (8, ("refund", "order_status", "change_address")), "change_address": (7, ("order_status", "cancel_order")),
    "payment_problem": (8, ("invoice", "refund", "cancel_order")),
    "invoice": (8, ("payment_problem", "refund")), "wholesale": (6, ("product_question", "invoice")),
    "complaint": (7, ("refund", "order_status", "damaged_parcel")), "praise": (5, ("complaint", "order_status")),
    OUT_OF_SCOPE: (8, ()),
}  # fmt: skip
WORDS: Final = {"en": english, "zh": chinese}

CITIES: Final = {
    "en": ("Shanghai", "Berlin", "London", "Hong Kong", "Leeds", "Singapore", "Hangzhou", "Toronto", "Lyon", "Sydney", "Vienna", "Chengdu", "Dublin",
        "Oslo"),
    "zh": ("杭州", "上海", "北京", "成都", "广州", "西安", "武汉", "苏州", "青岛", "昆明", "哈尔滨", "乌鲁木齐", "厦门", "长沙"),
}
NAMES: Final = {"en": ("Anna", "Tom", "Mrs Lee", "J. Weber", "Maria", "Oliver", "Priya", "Chen Wei"),
    "zh": ("小王", "李女士", "陈先生", "阿琳", "张姐", "老周", "赵同学", "吴小姐")}
COMPANIES: Final = {"en": ("Lantern Studio Ltd", "Harbour Books", "Alder Hotel GmbH", "Nine Stones Design"),
    "zh": ("云杉设计工作室", "星河文具有限公司", "半亩民宿", "南山软件有限公司")}
DAYS: Final = {"en": ("Monday", "last Tuesday", "Wednesday", "the weekend", "yesterday", "last Friday"),
    "zh": ("周一", "上周二", "前天", "昨天", "周末", "上周五")}
MONTHS: Final = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
MIXED: Final = (("订单", "order"), ("退款", "refund"), ("客服", "CS"), ("发票", "invoice"), ("包装", "package"), ("礼盒", "gift box"),
    ("会员", "VIP"), ("邮箱", "email"), ("支付", "pay"), ("地址", "address"))
DOUBLED: Final = re.compile(r"([?？!！])[.,。，]")  # "?," where two pieces meet
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


@dataclass(eq=False)
class Message:
    """One message: `true` is the intent it was written for, `label` what the file says."""

    language: str
    channel: str
    text: str
    true: str
    label: str
    personal: list[tuple[str, str]] = field(default_factory=list)
    planted: str = ""  # the one fault it carries, if any
    part: str = ""


def write_message(language: str, intent: str, dice: Dice) -> Message:
    """A new message in `language` ("en" or "zh") for this intent."""
    channel = dice.pick_weighted({"email": 3, "web": 3, "app": 3} if language == "en" else {"wechat": 4, "app": 3, "web": 2, "email": 1})
    pattern = dice.choose(_around(language, _body(language, intent, dice), channel, dice))
    pattern = _typed(language, pattern, dice)
    message = Message(language, channel, "", intent, intent)
    message.text = DOUBLED.sub(r"\1", fill(pattern, _slots(message, dice)).strip())
    return message


def _body(language: str, intent: str, dice: Dice) -> str:
    """The request: plain, beside another intent that it is not about, or two of the same."""
    words, neighbours = WORDS[language], INTENTS[intent][1]
    kind = dice.pick_weighted({"plain": 66, "contrast": 10, "aside": 14, "double": 10})
    if kind in ("plain", "double") or not neighbours:
        cores = [dice.pick(words.CORES[intent]) for _ in range(2 if kind == "double" else 1)]
        return ("，" if language == "zh" else dice.pick((". ", ", also ", ", and "))).join(dict.fromkeys(cores))
    other = dice.pick(neighbours) if dice.chance(0.7) else dice.pick([name for name in words.WISHES if name != intent])
    if kind == "contrast":
        wishes = {"wish": dice.pick(words.WISHES[intent]), "other": dice.pick(words.WISHES[other])}
        return SLOT.sub(lambda slot: wishes.get(slot.group(1), slot.group()), dice.pick(words.CONTRASTS))
    parts = {"topic": dice.pick(words.TOPICS[other]), "core": dice.pick(words.CORES[intent])}
    return SLOT.sub(lambda slot: parts.get(slot.group(1), slot.group()), dice.pick(words.ASIDES))


def _around(language: str, body: str, channel: str, dice: Dice) -> str:
    """The body between an opening, where the customer comes from, and a closing; mails are longer and have lines."""
    words, mail = WORDS[language], channel == "email"
    opening = dice.pick(words.OPENINGS) if dice.chance(0.8 if mail else 0.4) else ""
    background = dice.pick(words.BACKGROUNDS) if dice.chance(0.5 if mail else 0.22) else ""
    closing = dice.pick(words.CLOSINGS) if dice.chance(0.8 if mail else 0.35) else ""
    if mail and opening and dice.chance(0.4):
        opening = opening.rstrip() + "\n"
    end = "" if body[-1] in "?？!！]" or closing[:1] in ("，", "。", "？", "！") or dice.chance(0.5) else {"en": ".", "zh": "。"}[language]
    return f"{opening}{background}{body}{end}{closing}"


def _typed(language: str, pattern: str, dice: Dice) -> str:
    """The pattern as it came off a keyboard; what stands in slots is left alone."""
    pieces = SLOT.split(pattern)  # text, slot name, text, …
    hurried = dice.chance(0.25)
    if language == "zh":
        wrong = dict([dice.pick(chinese.HOMOPHONES)] if hurried else []) | dict([dice.pick(MIXED)] if dice.chance(0.12) else [])
        bare = dice.chance(0.12)
        pieces[::2] = [_replaced(text, wrong).translate(str.maketrans("，。", "  ")) if bare else _replaced(text, wrong) for text in pieces[::2]]
    else:
        small, loud = dice.chance(0.35), dice.chance(0.02)
        pieces[::2] = [_english_typing(text, hurried, dice) for text in pieces[::2]]
        pieces[::2] = [text.lower() if small else text.upper() if loud else text for text in pieces[::2]]
        if not small and pieces[0]:
            pieces[0] = pieces[0][0].upper() + pieces[0][1:]
    return "".join(piece if place % 2 == 0 else "{" + piece + "}" for place, piece in enumerate(pieces))


def _replaced(text: str, wrong: Mapping[str, str]) -> str:
    for right, other in wrong.items():
        text = text.replace(right, other)
    return text


def _english_typing(text: str, hurried: bool, dice: Dice) -> str:
    """Slips of the finger: two letters swapped, one dropped, doubled or replaced; apostrophes left out."""
    if not hurried:
        return text
    typed = list(text.replace("'", "") if dice.chance(0.6) else text)
    for place in range(1, len(typed) - 1):
        if typed[place].isalpha() and typed[place - 1].isalpha() and dice.chance(0.03):
            slip = dice.whole(0, 3)
            if slip == 0:
                typed[place - 1], typed[place] = typed[place], typed[place - 1]
            else:
                typed[place] = ("", typed[place] * 2, dice.pick(LETTERS))[slip - 1]
    return "".join(typed)


def _slots(message: Message, dice: Dice) -> Mapping[str, Callable[[], str]]:
    """What each slot may hold. An address written into a message is personal data, so it is noted."""
    language = message.language

    def noted_email() -> str:
        message.personal.append(("email", email(dice)))
        return message.personal[-1][1]

    def amount() -> str:
        yuan = f"{dice.whole(19, 980)}{dice.pick(('', '', '.5', '.80'))}"
        return dice.pick((f"¥{yuan}", f"{yuan} yuan", f"€{yuan}", f"{yuan} RMB") if language == "en" else (f"{yuan}元", f"{yuan}块", f"¥{yuan}"))

    def date() -> str:
        month, day = dice.whole(1, 12), dice.whole(1, 28)
        if dice.chance(0.4):
            return dice.pick(DAYS[language])
        return dice.pick((f"{day} {MONTHS[month - 1]}", f"{MONTHS[month - 1][:3]} {day}",
            f"{month}/{day}")) if language == "en" else f"{month}月{day}{dice.pick('号日')}"

    return {
        "product": lambda: dice.pick(TEA_NAMES["zh" if dice.chance(0.05) else language]), "teaware": lambda: dice.pick(WARE_NAMES[language]),
        "order": lambda: dice.pick(("QS", "QS-", "#", "")) + dice.digits(8), "code": lambda: dice.pick(("TEA", "SPRING", "QS")) + dice.digits(2),
        "amount": amount, "date": date,
        "days": lambda: str(dice.whole(2, 20)), "few": lambda: str(dice.whole(2, 9)), "volume": lambda: str(dice.whole(8, 60) * 10),
        "number": lambda: str(dice.whole(1, 30) * dice.pick((1, 10))), "kilos": lambda: str(dice.whole(1, 40) * 5), "email": noted_email,
        "city": lambda: dice.pick(CITIES[language]), "name": lambda: dice.pick(NAMES[language]), "company": lambda: dice.pick(COMPANIES[language]),
    }  # fmt: skip
