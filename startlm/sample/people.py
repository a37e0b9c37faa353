"""Personal data of people who do not exist: the checksums are right, so a finder must find it; nobody can own it.

- resident ids: right province, date and check digit, but the county is 0000 and the serial 000, which are never given out;
- bank cards: the Luhn digit is right, the number begins 620000000, as published test numbers do;
- mobile numbers: China's form with 154, a range not in use by any operator to our knowledge; Britain's 07700 900 for drama;
- e-mail: at example.com, example.org and example.net, which RFC 2606 keeps free for ever.
"""

from __future__ import annotations

from .dice import Dice

PROVINCES = (11, 12, 31, 32, 33, 35, 37, 42, 43, 44, 50, 51, 53, 61)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"

CLAUSES = {
    "zh": {
        "resident_id": ("身份证号{value}", "我身份证{value}，核实一下", "实名信息：{value}"),
        "bank_card": ("卡号{value}", "退到这张卡{value}", "银行卡{value}"),
        "mobile": ("电话{value}", "打我手机{value}", "手机号{value}"),
        "email": ("邮箱{value}", "发我邮箱{value}", "回复到{value}"),
    },
    "en": {
        "resident_id": ("my Chinese ID is {value}", "ID number {value}"),
        "bank_card": ("card number {value}", "put it on my card {value}"),
        "mobile": ("call me on {value}", "my number is {value}"),
        "email": ("reply to {value}", "my mail is {value}"),
    },
}


def resident_id_check(seventeen: str) -> str:
    """The last character of a Chinese resident id (GB 11643-1999, ISO 7064 MOD 11-2).

    >>> resident_id_check("11010519491231002")
    'X'
    """
    return CHECKS[sum(int(digit) * weight for digit, weight in zip(seventeen, WEIGHTS, strict=True)) % 11]


def luhn_check(digits: str) -> str:
    """The digit that makes the number pass the Luhn test (ISO/IEC 7812-1, annex B).

    >>> luhn_check("7992739871")
    '3'
    """
    doubled = [int(digit) * (2 - position % 2) for position, digit in enumerate(reversed(digits))]
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def resident_id(dice: Dice) -> str:
    """18 characters with a right check, which no person carries."""
    born = f"{dice.whole(1950, 2004)}{dice.whole(1, 12):02}{dice.whole(1, 28):02}"
    body = f"{dice.pick(PROVINCES)}0000{born}000"
    return body + resident_id_check(body)


def bank_card(dice: Dice) -> str:
    """16 or 19 digits with a right Luhn digit."""
    body = "620000000" + dice.digits(dice.pick((6, 9)))
    return body + luhn_check(body)


def mobile(dice: Dice, language: str) -> str:
    """A Chinese number, or for English messages as often a British one."""
    if language == "en" and dice.chance(0.5):
        return f"07700 900{dice.digits(3)}"
    return f"154{dice.digits(8)}"


def email(dice: Dice) -> str:
    """An address at a domain that delivers to nobody."""
    name = dice.pick(("lin", "chen.wei", "anna", "tom.b", "xiaomei", "zhaoyun", "maria", "office", "hello", "jw"))
    return f"{name}{dice.whole(1, 999)}@example.{dice.pick(('com', 'org', 'net'))}"


def person_value(kind: str, language: str, dice: Dice) -> str:
    """A value of this kind: resident_id, bank_card, mobile or email."""
    if kind == "mobile":
        return mobile(dice, language)
    return {"resident_id": resident_id, "bank_card": bank_card, "email": email}[kind](dice)
