"""Personal data in texts: found by form and check digit, counted, never shown.

Kinds: `resident_id` (China's 18 characters, GB 11643-1999, with a real date and the right check character), `bank_card` (15 to 19
digits that pass the Luhn test, ISO/IEC 7812-1), `mobile` (mainland China's form, or a number with its country code, or Britain's and
North America's written forms), `email` (RFC 5322's everyday part).

>>> sorted(find_personal("我身份证11010519491231002X，回复 wei@example.com"))
['email', 'resident_id']
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Iterable

from .language import say

KINDS = {"resident_id": say("resident ids", "身份证号"), "bank_card": say("bank cards", "银行卡号"), "mobile": say("phone numbers", "电话号码"), "email": say("e-mail addresses", "邮箱地址")}

_maybe = re.compile(r"[@＠]|[0-9０-９][0-9０-９\s().-]{6,}")  # what none of the kinds can do without
_email = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}(?![\w-])")
_id = re.compile(r"(?<!\d)[1-8]\d{16}[\dXx](?!\d)")
_card = re.compile(r"(?<!\d)\d(?:[ -]?\d){14,18}(?!\d)")
_mobile = re.compile(
    r"(?<![\d.])(?:(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"  # mainland China
    r"|\+\d{1,3}[ -]?\(?\d{1,4}\)?(?:[ -]?\d{2,4}){2,4}"  # with a country code
    r"|0\d{3,4} \d{3} ?\d{3,4}"  # Britain
    r"|\(?\d{3}\)?[ -]\d{3}-\d{4})(?!\d)"  # North America
)


def find_personal(text: str) -> set[str]:
    """The kinds of personal data that the text holds."""
    if not _maybe.search(text):
        return set()
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    found = {"email"} if _email.search(plain) else set()
    if any(_is_resident_id(each) for each in _id.findall(plain)):
        found.add("resident_id")
    if any(_passes_luhn(each) and not _is_resident_id(each) for each in _card.findall(plain)):
        found.add("bank_card")
    return found | ({"mobile"} if _mobile.search(plain) else set())


def count_personal(texts: Iterable[str]) -> dict[str, int]:
    """How many texts hold each kind; kinds that none holds are left out."""
    counts = dict.fromkeys(KINDS, 0)
    for text in texts:
        for kind in find_personal(text):
            counts[kind] += 1
    return {kind: count for kind, count in counts.items() if count}


def _is_resident_id(text: str) -> bool:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    if len(text) != 18 or not text[:17].isdigit():
        return False
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(text, weights)) % 11]
    return 1900 <= born.year <= 2100 and text[17].upper() == check


def _passes_luhn(text: str) -> bool:
    digits = [int(each) for each in text if each.isdigit()]
    if len(set(digits)) == 1:
        return False
    doubled = [digit * (1 + position % 2) for position, digit in enumerate(reversed(digits))]
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0
