"""A small shop's orders for tests: numbers, categories, a date and a message; what is paid, and whether it comes back, follow from them."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

CITIES = {"Hangzhou": 4.0, "上海": 0.0, "Leeds": 12.0, "Oslo": 20.0}


def orders(rows: int = 400, seed: int = 0) -> list[dict[str, Any]]:
    """Rows with order, pieces, weight, city, ordered, note, paid (a number) and returned (yes or no); some cells are missing."""
    rng, found = random.Random(seed), []
    for number in range(rows):
        pieces, weight, city = rng.randrange(1, 9), round(rng.uniform(0.1, 3.0), 2), rng.choice(list(CITIES))
        angry = rng.random() < 0.3
        note = rng.choice(["it came broken", "the lid is cracked", "碎了，要退"] if angry else ["please wrap it", "thank you", "谢谢，包装好一点"])
        paid = 10 * pieces + 5 * weight + CITIES[city] + rng.gauss(0, 1)
        found.append({
            "order": f"A{number:05}", "pieces": pieces, "weight": "" if rng.random() < 0.05 else weight, "city": city,
            "ordered": (date(2025, 1, 1) + timedelta(days=rng.randrange(300))).isoformat(), "note": f"{note} {number}",
            "paid": round(paid, 2), "returned": "yes" if angry or pieces == 1 else "no",
        })
    return found
