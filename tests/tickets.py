"""A small shop's messages for tests: both languages, two teams, varied enough that no two rows are near-duplicates by accident."""

from __future__ import annotations

import random
from typing import Any

from startlm.core.language import say
from startlm.core.shelves import look_up
from startlm.families import FAMILIES

OF_TEXT = [name for name in FAMILIES if "columns" not in getattr(look_up(FAMILIES, name, say("family", "模型种类")), "needs", ())]  # those that a text alone suffices
ASKS = {
    "money": ["please refund {0}, order {1}", "I was charged twice for {0} ({1})", "give my money back, {0} was a mistake {1}", "{0}多扣了一次费，单号{1}", "我要退{0}的钱 {1}", "请退款：{0}不要了，{1}"],
    "post": ["where is my parcel with {0}? {1}", "{0} has not arrived, tracking {1}", "when will {0} be sent, number {1}", "{0}的包裹到哪了 {1}", "单号{1}，{0}还没收到", "什么时候发{0}？{1}"],
    "tea": ["how hot should water be for {0}? {1}", "how many grams of {0} in a pot {1}", "does {0} keep for {1} days", "{0}用多少度的水泡？{1}", "{0}怎么保存，能放{1}天吗", "{0}一壶放几克 {1}"],
}
THINGS = ["green tea", "the clay pot", "two cups", "Dragon Well", "a kettle", "Keemun", "龙井", "盖碗", "紫砂壶", "祁门红茶", "茶盘", "白毫银针", "oolong cake", "the tray"]


def tickets(rows: int = 240, seed: int = 0, teams: tuple[str, ...] = ("money", "post")) -> list[dict[str, Any]]:
    """Rows with id, message and team; the same seed gives the same rows."""
    rng = random.Random(seed)
    found = []
    for number in range(rows):
        team = rng.choice(teams)
        found.append({"id": number, "message": rng.choice(ASKS[team]).format(rng.choice(THINGS), rng.randrange(10**6)), "team": team})
    return found
