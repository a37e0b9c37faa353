"""What answers: one member alone, several whose answers are averaged, or a cascade: a cheap one first, the dear ones where it is unsure.

An answer here is log-confidences float64 (N, L), or numbers float64 (N, 1). Which member answers a row is decided by that row alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from .contracts import Engine, Inputs, Ragged, Tokenizer
from .errors import BundleError
from .inputs import encode_inputs, width_of
from .language import say

CHEAP, DEAR, BOTH = ROLES = ("cheap", "dear", "both")  # of a cascade's members; "both": the cheap one, which is averaged with the dear ones too

Part = Callable[["Member", Inputs], np.ndarray]
"""A member's answers to rows, at its own temperature."""


@dataclass(frozen=True)
class Member:
    """One network, linear model or forest of a Predictor. `role`: one of ROLES, "" where there is no cascade."""

    tokenizer: Tokenizer
    engine: Engine
    temperature: float
    role: str = ""

    def logits(self, inputs: Inputs) -> np.ndarray:
        """float32 (N, L). Raises BundleError where the engine gives no number."""
        logits = self.engine.logits(encode_inputs(self.tokenizer, inputs))
        if np.isnan(logits).any():
            raise BundleError(say("The model answers with something that is no number (NaN).", "模型的输出不是数字（NaN）。"),
                              say("do not use it; deploy it again, or take an unaltered copy", "请不要使用它；请重新部署，或取一份没有改动过的副本"))
        return logits

    def check_fit(self, labels: int, like: Inputs, where: str) -> None:
        """Raises BundleError unless the engine has places for just the ids there are, and one logit a label; `like` is one row of inputs."""
        encoded, last = self.tokenizer.encode(["a"]), width_of(self.tokenizer, like) - 1
        count = min(last + 1, 1)
        weights = None if encoded.weights is None else np.ones(count, np.float32)
        row = Ragged(np.full((count, *encoded.values.shape[1:]), last, np.int32), np.array([0, count]), weights)
        fits = getattr(self.engine, "width", last + 1) == last + 1
        if not fits or self.engine.logits(row).shape not in {(1, labels), (1, max(labels, 2))}:  # a number may come as the difference of two
            raise BundleError(say("The parts of this model do not belong together: its labels, its columns or its tokenizer are not those of its engine.",
                                  "这个模型的各部分不匹配：标签、列或分词器与推理引擎不一致。"),
                              say("do not use it; deploy it again, or take an unaltered copy", "请不要使用它；请重新部署，或取一份没有改动过的副本"),
                              where=where)


def average(parts: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of the members' answers, added in their order."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total / len(parts)  # type: ignore[no-any-return]


def confidence_of(answers: np.ndarray) -> np.ndarray:
    """float64 (N,): the largest confidence of each row, from log-confidences (N, L)."""
    return np.exp(answers.max(axis=1))  # type: ignore[no-any-return]


def is_sure(cheap: np.ndarray, threshold: float) -> np.ndarray:
    """bool (N,): the rows that the cheap member of a cascade answers."""
    return confidence_of(cheap) >= threshold  # type: ignore[no-any-return]


def dear_of(parts: Sequence[np.ndarray], roles: Sequence[str]) -> np.ndarray:
    """What the dear members of a cascade say, averaged."""
    return average([part for part, role in zip(parts, roles, strict=True) if role != CHEAP])


def joined(parts: Sequence[np.ndarray], roles: Sequence[str], threshold: float | None) -> np.ndarray:
    """The answers of all members together where each is known of every row; a threshold makes them a cascade."""
    return average(parts) if threshold is None else np.where(is_sure(parts[0], threshold)[:, None], parts[0], dear_of(parts, roles))


def answer_together(members: Sequence[Member], inputs: Inputs, part: Part, threshold: float | None = None) -> np.ndarray:
    """The members' answers, averaged; with the threshold of a cascade, those of its first member where it is sure, and only
    the other rows reach the rest."""
    if threshold is None:
        return average([part(member, inputs) for member in members])
    answers = part(members[0], inputs)
    unsure = np.flatnonzero(~is_sure(answers, threshold))
    if len(unsure):
        few = inputs.take(unsure)
        parts = [answers[unsure], *(part(member, few) for member in members[1:])]
        answers[unsure] = dear_of(parts, [member.role for member in members])
    return answers


def roles_of(members: Sequence[Mapping[str, Any]]) -> list[str]:
    """The roles that model.json gives its members, "" where it gives none."""
    return [member.get("role", "") for member in members]


def cast_roles(count: int, *, averaged: bool) -> list[str]:
    """The roles of so many members; `averaged`: whether the cheap one stands among those whose mean is the dear answer."""
    return [BOTH if averaged else CHEAP, *[DEAR] * (count - 1)]


def is_cascade(roles: Sequence[str]) -> bool:
    """Whether one cheap member comes first and dear ones follow."""
    return len(roles) > 1 and roles[0] in (CHEAP, BOTH) and set(roles[1:]) == {DEAR}
