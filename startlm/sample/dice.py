"""Random choices that come out the same for a seed on every version of Python: only `random.random` promises that."""

from __future__ import annotations

import random
import re
from typing import Callable, Mapping, Sequence, TypeVar

Item = TypeVar("Item")

INNERMOST = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")


class Dice:
    """Draws from one seed.

    >>> Dice(0).whole(1, 6)
    6
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._random() * (high - low + 1))

    def chance(self, share: float) -> bool:
        """True in this share of the calls."""
        return self._random() < share

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items, each as likely."""
        return items[int(self._random() * len(items))]

    def pick_weighted(self, weights: Mapping[Item, float]) -> Item:
        """One of the keys, as often as its weight says."""
        mark = self._random() * sum(weights.values())
        passed = 0.0
        for item, weight in weights.items():
            passed += weight
            if mark < passed:
                return item
        return next(reversed(list(weights)))  # only where rounding left the mark at the very end

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """The items in another order."""
        return [item for _, item in sorted(((self._random(), item) for item in items), key=lambda pair: pair[0])]

    def digits(self, count: int) -> str:
        """So many decimal digits."""
        return "".join(str(self.whole(0, 9)) for _ in range(count))

    def choose(self, pattern: str) -> str:
        """The pattern with one side of each `[a|b]` taken; `{slots}` stay.

        >>> Dice(0).choose("[a|[b|c]] {x}")
        'c {x}'
        """
        while match := INNERMOST.search(pattern):
            pattern = pattern[: match.start()] + self.pick(match.group(1).split("|")) + pattern[match.end():]
        return pattern


def fill(pattern: str, values: Mapping[str, Callable[[], str]]) -> str:
    """The pattern with each `{slot}` replaced by a new draw of its value. Raises KeyError for an unknown slot."""
    return SLOT.sub(lambda match: values[match.group(1)](), pattern)
