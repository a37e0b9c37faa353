"""The task classify where a row has several labels, or none: one question of two answers for each label.

Owns how rungs are compared, the thresholds, how sure an answer is, and its form. In startlm.toml the task is `classify`: the label
column says whether a row has one label or several.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import numpy as np

from ..core.contracts import Answer
from ..core.errors import CallError
from ..core.label_sets import joined, row_f1
from ..core.language import Said, say
from ..core.settings import share_of
from ..metrics.comparison import paired_gain
from ..metrics.hand_over import choose_threshold
from ..metrics.set_thresholds import certainty, choose_thresholds, fit_exponent, fit_set_temperature, sigmoid

_UNSURE = -1.0  # how sure an answer is that no threshold lets pass


class ClassifySeveral:
    """Which labels a row has, and how sure that is. Truth is bool (N, L). Where `settings` stands, it is what model.json says."""

    name = "classify_several"
    several = True

    # --- train: how rungs are compared. Answers of one rung: logits at their temperature, float64 (N, L)
    @staticmethod
    def outputs(labels: Sequence[str], loss: str) -> int:
        """How many numbers a model gives, whatever the loss of numbers is called."""
        return len(labels)

    @staticmethod
    def width(settings: Mapping[str, Any]) -> int:
        """How many numbers the model gives."""
        return len(settings["labels"])

    @staticmethod
    def calibrated(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Answers from logits (N, L), at the temperature that suits these rows."""
        return ClassifySeveral.of_member(logits, fit_set_temperature(logits, truth))

    @staticmethod
    def joined(answers: Sequence[np.ndarray]) -> np.ndarray:
        """The answers of several members together."""
        return np.mean(answers, axis=0)  # type: ignore[no-any-return]

    @staticmethod
    def losses(answers: np.ndarray, truth: np.ndarray, loss: str) -> np.ndarray:
        """float64 (N,): what train minimises (`loss` is of numbers), the cross-entropy of each label, added up."""
        return (np.logaddexp(0.0, answers) - answers * truth).sum(axis=1)  # type: ignore[no-any-return]

    @staticmethod
    def worse(old: np.ndarray, new: np.ndarray, truth: np.ndarray, *, seed: int, level: float) -> bool:
        """Whether rows' labels overlap less with the truth, by more than chance."""
        before, now = (1 - row_f1(answers > 0, truth) for answers in (old, new))
        high = paired_gain(before, now, seed, level=level, losses=True).high
        return high is not None and high < 0

    @staticmethod
    def shown(answers: np.ndarray, truth: np.ndarray, loss: str) -> dict[str, float]:
        """What the ladder's table says of one rung; accuracy asks for all labels of a row, each at even odds."""
        return {"accuracy": float(np.mean(((answers > 0) == truth).all(axis=1))), "log_loss": float(ClassifySeveral.losses(answers, truth, loss).mean())}

    @staticmethod
    def described(logits: np.ndarray, truth: np.ndarray) -> tuple[float, Said]:
        """The figure of one rung on the rows that choose, and in words."""
        overlap = float(row_f1(logits > 0, truth).mean())
        return overlap, say(f"rows' labels right to {overlap:.1%} (F1) on the rows that choose", f"在用于选择的行上，各行标签的 F1 平均 {overlap:.1%}")

    # --- train: what calibration rows settle
    @staticmethod
    def begun(labels: Sequence[str], every_label: Sequence[str], predict: Any) -> dict[str, Any]:
        """What model.json says of labels. Raises CallError for a label that means "none of these": a row without any label says so."""
        if predict.out_of_scope is not None:
            raise CallError(say("[predict] out_of_scope is for one label a row.", "[predict] out_of_scope 用于每行一个标签的情形。"),
                            say('take it out; where an empty cell means that a row has none of the labels, write empty_label = "none" under [prepare]',
                                '请去掉它；如果空单元格表示“都不是”，请在 [prepare] 下写 empty_label = "none"'))
        return {"labels": list(labels)}

    @staticmethod
    def temperatures(logits: Sequence[np.ndarray], truth: np.ndarray) -> list[float]:
        """One for each member, from the rows that choose; alone it needs none of its own."""
        return [fit_set_temperature(each, truth) for each in logits] if len(logits) > 1 else [1.0]

    @staticmethod
    def of_member(logits: np.ndarray, temperature: float) -> np.ndarray:
        """A member's part of the answer: logits float64 (N, L)."""
        return np.asarray(logits, dtype=np.float64) / temperature

    @staticmethod
    def settled(mean: np.ndarray, truth: np.ndarray, settings: Mapping[str, Any], predict: Any, choosing: Any = None) -> tuple[dict[str, Any], Said | None]:
        """What calibration rows settle, for model.json, and in words; `mean` are the members' parts, averaged. Nothing is chosen, so `choosing` is not asked."""
        found: dict[str, Any] = {"temperature": fit_set_temperature(mean, truth), "always_some": settings.get("always_some", bool(truth.any(axis=1).all()))}
        confidences = ClassifySeveral.answered(mean, found)
        found["thresholds"] = choose_thresholds(confidences, truth).tolist()
        chosen = ClassifySeveral.chosen(confidences, found)
        exact = (chosen == truth).all(axis=1)
        found["exponent"] = fit_exponent(confidences, chosen, exact)
        if predict.hand_over is None:
            return found, None
        threshold = choose_threshold(ClassifySeveral.sureness(confidences, found), exact, share_of(predict.hand_over))
        return found | {"threshold": threshold.value, "hand_over": threshold._asdict() | {"said": threshold.said._asdict()}}, threshold.said

    # --- predict
    @staticmethod
    def answered(mean: np.ndarray, settings: Mapping[str, Any], temperature: float | None = None) -> np.ndarray:
        """Confidences float64 (N, L), at the model's temperature unless another is given; a row's do not sum to 1."""
        return sigmoid(mean / (temperature or settings["temperature"]))

    @staticmethod
    def chosen(confidences: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
        """bool (N, L): the labels whose confidence reaches their threshold."""
        return confidences >= np.asarray(settings["thresholds"])  # type: ignore[no-any-return]

    @staticmethod
    def sureness(confidences: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
        """float64 (N,): how sure it is that all labels of a row are right; -1 where none is answered though each row has some."""
        chosen = ClassifySeveral.chosen(confidences, settings)
        sure = certainty(confidences, chosen, settings["exponent"])
        return np.where(~chosen.any(axis=1), _UNSURE, sure) if settings["always_some"] else sure

    @staticmethod
    def handed_over(confidences: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
        """bool (N,): the rows a person should answer: below the threshold, or without a label though each row has some."""
        return ClassifySeveral.sureness(confidences, settings) < settings.get("threshold", 0.0)

    @staticmethod
    def answers(confidences: np.ndarray, settings: Mapping[str, Any]) -> list[Answer]:
        """One Answer a row from confidences float64 (N, L); its prediction is a tuple of labels."""
        labels = settings["labels"]
        return [Answer(tuple(cell[0]), cell[1], dict(zip(labels, row)), cell[2])
                for cell, row in zip(_cells(confidences, settings), confidences.tolist())]

    @staticmethod
    def answer_schema(settings: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON Schema of an answer's properties."""
        return {"prediction": {"type": "array", "items": {"type": "string", "enum": list(settings["labels"])}, "uniqueItems": True}, "confidence": {"type": "number"},
                "confidences": {"type": "object", "additionalProperties": {"type": "number"}}, "handed_over": {"type": "boolean"}}

    @staticmethod
    def columns(settings: Mapping[str, Any], every_label: bool) -> list[str]:
        """The columns that predict adds to a table."""
        return ["prediction", "confidence", "handed_over", *(f"confidence_{label}" for label in settings["labels"] if every_label)]

    @staticmethod
    def cells(confidences: np.ndarray, settings: Mapping[str, Any], every_label: bool) -> list[tuple[Any, ...]]:
        """What stands in these columns, row by row: the labels as a list where settings say `nested`, else joined as the table had them."""
        written = (lambda names: names) if settings.get("nested") else (lambda names: joined(names, settings.get("separator")))
        more = confidences.round(6).tolist() if every_label else [()] * len(confidences)
        return [(written(names), round(sure, 6), handed, *each) for (names, sure, handed), each in zip(_cells(confidences, settings), more)]

    @staticmethod
    def probed(confidences: np.ndarray, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What golden.json keeps of the answers to the probes."""
        return [{"prediction": names, "confidences": row} for (names, *_), row in zip(_cells(confidences, settings), confidences.tolist())]

    @staticmethod
    def agrees(was: Mapping[str, Any], now: np.ndarray, settings: Mapping[str, Any], tolerance: float) -> bool:
        """Whether a probe is answered as it was. A label within the tolerance of its threshold may come or go on another processor."""
        had = np.array([label in was["prediction"] for label in settings["labels"]])
        wrong = np.where(had, np.asarray(settings["thresholds"]) - now, now - np.asarray(settings["thresholds"]))
        return bool(np.abs(now - np.asarray(was["confidences"])).max() <= tolerance and wrong.max() <= tolerance)

    # --- what labels are compared with
    @staticmethod
    def baseline(labels: np.ndarray) -> np.ndarray:
        """bool (L,): the most frequent combination of bool (N, L): what always answering the same would say."""
        combinations, counts = np.unique(labels, axis=0, return_counts=True)
        return combinations[counts.argmax()] if len(labels) else np.zeros(labels.shape[1], dtype=bool)  # type: ignore[no-any-return]


def _cells(confidences: np.ndarray, settings: Mapping[str, Any]) -> list[tuple[list[str], float, bool]]:
    """The labels of each row, how sure all of them are (0 where there are none though each row has some), and whether it is handed over."""
    labels = np.array(settings["labels"], dtype=object)
    names = [labels[row].tolist() for row in ClassifySeveral.chosen(confidences, settings)]
    sure = ClassifySeveral.sureness(confidences, settings)
    handed = ClassifySeveral.handed_over(confidences, settings)
    return list(zip(names, np.maximum(sure, 0.0).tolist(), handed.tolist()))
