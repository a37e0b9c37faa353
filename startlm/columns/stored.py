"""What an encoding is stored as, held to closed rules when it is opened: a bundle may come from anywhere."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Collection, Mapping

from ..core.errors import BundleError
from ..core.language import Said, say
from ..core.model_file import Rule, number, where


def checked(state: Any, rule: Rule, what: Said) -> Mapping[str, Any]:
    """The state. Raises BundleError, which names the first thing that is wrong, where the rule does not allow it."""
    wrong = rule(state, "")
    if wrong is not None:
        raise damaged(what, wrong)
    return state  # type: ignore[no-any-return]


def damaged(what: Said, part: str) -> BundleError:
    """The refusal of a state that we cannot have written."""
    shown = ascii(part[:100])[1:-1] or "state"
    return BundleError(say(f"The encoding of a column ({what.en}) is damaged: {shown} is not what was written.", f"一列（{what.zh}）的编码已损坏：{shown} 与写入时不同。"),
                       say("deploy the bundle again, or copy it anew", "请重新部署，或重新复制这个模型包"))


def rising(low: float, high: float, counts: Collection[int]) -> Rule:
    """A list of so many numbers in [low, high], each greater than the one before."""
    inside = number(low, high)
    return where(lambda value: isinstance(value, list) and len(value) in counts
                 and all(inside(each, "") is None for each in value) and all(a < b for a, b in pairwise(value)))
