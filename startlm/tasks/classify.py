"""The task classify: one label out of several. Owns the dumb baseline, how rungs are compared, thresholds and the form of an answer."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import numpy as np

from ..columns.category import OUT_OF_SCOPE_NAMES
from ..core.contracts import Answer
from ..core.errors import CallError
from ..core.language import Said, say
from ..core.members import confidence_of
from ..core.settings import share_of
from ..metrics.alarms import TOO_FEW, choose_least, choose_shift, energy_of, shifted
from ..metrics.calibration import fit_temperature, log_softmax, softmax_with
from ..metrics.cascade import choose_cascade
from ..metrics.comparison import paired_gain
from ..metrics.hand_over import choose_threshold


class Classify:
    """Which label a row has, and how sure that is. Where `settings` stands, it is what model.json says."""

    name = "classify"

    # --- train: how rungs are compared. Answers of one rung: log-confidences float64 (N, L)
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
        return log_softmax(logits, fit_temperature(logits, truth))

    @staticmethod
    def joined(answers: Sequence[np.ndarray]) -> np.ndarray:
        """The answers of several members together."""
        return log_softmax(np.mean(answers, axis=0))

    @staticmethod
    def losses(answers: np.ndarray, truth: np.ndarray, loss: str) -> np.ndarray:
        """float64 (N,): what train minimises (`loss` is of numbers); sees every row's confidence, so it tells rungs apart that accuracy cannot."""
        return -answers[np.arange(len(truth)), truth]

    @staticmethod
    def worse(old: np.ndarray, new: np.ndarray, truth: np.ndarray, *, seed: int, level: float) -> bool:
        """Whether fewer rows are right, by more than chance."""
        high = paired_gain(*(answers.argmax(axis=1) == truth for answers in (old, new)), seed, level=level).high
        return high is not None and high < 0

    @staticmethod
    def shown(answers: np.ndarray, truth: np.ndarray, loss: str) -> dict[str, float]:
        """What the ladder's table says of one rung."""
        return {"accuracy": float(np.mean(answers.argmax(axis=1) == truth)), "log_loss": float(Classify.losses(answers, truth, loss).mean())}

    @staticmethod
    def described(logits: np.ndarray, truth: np.ndarray) -> tuple[float, Said]:
        """The figure of one rung on the rows that choose, and in words."""
        accuracy = float(np.mean(logits.argmax(axis=1) == truth))
        return accuracy, say(f"{accuracy:.1%} right on the rows that choose", f"在用于选择的行上正确率 {accuracy:.1%}")

    # --- train: what calibration rows settle
    @staticmethod
    def begun(labels: Sequence[str], every_label: Sequence[str], predict: Any) -> dict[str, Any]:
        """What model.json says of the label out of scope. Raises CallError for a setting that is no label."""
        Classify.check_out_of_scope(every_label, predict.out_of_scope)
        number = Classify.out_of_scope(labels, predict.out_of_scope)
        unlearnt = {"out_of_scope_label": predict.out_of_scope} if number is None and predict.out_of_scope is not None else {}
        return {"labels": list(labels), "out_of_scope": number, **unlearnt}

    @staticmethod
    def temperatures(logits: Sequence[np.ndarray], truth: np.ndarray) -> list[float]:
        """One for each member, from the rows that choose; alone it needs none of its own: the model's is then the only one."""
        return [fit_temperature(each, truth) for each in logits] if len(logits) > 1 else [1.0]

    @staticmethod
    def of_member(logits: np.ndarray, temperature: float) -> np.ndarray:
        """A member's part of the answer: log-confidences."""
        return log_softmax(logits, temperature)

    @staticmethod
    def cascade(cheap: np.ndarray, dear: np.ndarray, truth: np.ndarray, *, allowed: float, seed: int) -> tuple[dict[str, Any] | None, Said]:
        """Where the cheap member may answer for the dear ones, for model.json, and in words; None where it may not. A task without this has no cascade.

        cheap, dear: log-confidences float64 (N, L) on rows that neither learnt from.
        """
        chosen, said = choose_cascade(confidence_of(cheap), *(each.argmax(axis=1) == truth for each in (cheap, dear)), allowed, seed)
        return None if chosen is None else chosen._asdict() | {"said": said._asdict()}, said

    @staticmethod
    def settled(mean: np.ndarray, truth: np.ndarray, settings: Mapping[str, Any], predict: Any, choosing: Any = None) -> tuple[dict[str, Any], Said | None]:
        """What calibration rows settle, for model.json, and in words; `mean` are the members' parts, averaged. `choosing`: the same of the rows that choose, and their labels."""
        outside, allowed = settings["out_of_scope"], None if predict.false_alarms is None else share_of(predict.false_alarms)
        alarms = None if allowed is None or outside is None else choose_shift(mean, truth, outside, allowed, choosing)
        mean = shifted(mean, outside, alarms)
        temperature = fit_temperature(mean, truth)
        confidences = softmax_with(mean, temperature)
        if allowed is not None and outside is None:  # on the scale that is answered on
            alarms = choose_least(confidences, allowed)
        rule = {} if alarms is None else {"alarms": alarms}
        said = [] if allowed is None else [TOO_FEW if alarms is None else Said(**alarms["said"])]
        if predict.hand_over is not None:
            chosen = choose_threshold(Classify.sureness(confidences, {**settings, **rule}), confidences.argmax(axis=1) == truth, share_of(predict.hand_over))
            rule |= {"threshold": chosen.value, "hand_over": chosen._asdict() | {"said": chosen.said._asdict()}}
            said.append(chosen.said)
        return {"temperature": temperature, **rule}, say(" ".join(each.en for each in said), "".join(each.zh for each in said)) if said else None

    # --- predict
    @staticmethod
    def answered(mean: np.ndarray, settings: Mapping[str, Any], temperature: float | None = None) -> np.ndarray:
        """Confidences float64 (N, L), at the model's temperature unless another is given."""
        return softmax_with(shifted(mean, settings["out_of_scope"], settings.get("alarms")), temperature or settings["temperature"])

    @staticmethod
    def answers(confidences: np.ndarray, settings: Mapping[str, Any]) -> list[Answer]:
        """One Answer a row from confidences float64 (N, L)."""
        best, labels = confidences.argmax(axis=1), settings["labels"]
        handed = Classify.handed_over(confidences, settings)
        return [Answer(labels[top], float(row[top]), dict(zip(labels, row.tolist())), bool(over))
                for row, top, over in zip(confidences, best, handed)]

    @staticmethod
    def answer_schema(settings: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON Schema of an answer's properties."""
        return {"prediction": {"type": "string", "enum": list(settings["labels"])}, "confidence": {"type": "number"},
                "confidences": {"type": "object", "additionalProperties": {"type": "number"}}, "handed_over": {"type": "boolean"}}

    @staticmethod
    def columns(settings: Mapping[str, Any], every_label: bool) -> list[str]:
        """The columns that predict adds to a table."""
        return ["prediction", "confidence", "handed_over", *(f"confidence_{label}" for label in settings["labels"] if every_label)]

    @staticmethod
    def cells(confidences: np.ndarray, settings: Mapping[str, Any], every_label: bool) -> list[tuple[Any, ...]]:
        """What stands in these columns, row by row."""
        best, labels = confidences.argmax(axis=1), settings["labels"]
        top = confidences[np.arange(len(best)), best]
        rows = zip(best.tolist(), top.tolist(), Classify.handed_over(confidences, settings).tolist())
        if every_label:
            return [(labels[b], round(t, 6), h, *(round(c, 6) for c in every)) for (b, t, h), every in zip(rows, confidences.tolist())]
        return [(labels[b], round(t, 6), h) for b, t, h in rows]

    @staticmethod
    def probed(confidences: np.ndarray, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What golden.json keeps of the answers to the probes."""
        best = confidences.argmax(axis=1)
        return [{"prediction": settings["labels"][top], "confidence": float(row[top])} for row, top in zip(confidences, best)]

    @staticmethod
    def agrees(was: Mapping[str, Any], now: np.ndarray, settings: Mapping[str, Any], tolerance: float) -> bool:
        """Whether a probe is answered as it was. Two labels within the tolerance of each other may change places on another processor."""
        own = now[settings["labels"].index(was["prediction"])]
        return bool(abs(was["confidence"] - own) <= tolerance and now.max() <= own + 2 * tolerance)

    # --- what a label means
    @staticmethod
    def baseline(labels: np.ndarray, count: int) -> int:
        """The number of the most frequent label: what always answering the same would say."""
        return int(np.argmax(np.bincount(labels, minlength=count)))

    @staticmethod
    def out_of_scope(labels: Sequence[str], named: str | None) -> int | None:
        """The number of the label that means "none of these", by its setting or by its name; None where there is none."""
        for number, label in enumerate(labels):
            if label == named or (named is None and label.lower() in OUT_OF_SCOPE_NAMES):
                return number
        return None

    @staticmethod
    def check_out_of_scope(labels: Sequence[str], named: str | None) -> None:
        """Raises CallError for a setting that is no label, nor a usual name of one: it will be misspelt."""
        if named is not None and named not in labels and named.lower() not in OUT_OF_SCOPE_NAMES:
            raise CallError(say(f"There is no label {named!r}.", f"没有 {named!r} 这个标签。"),
                            say(f"[predict] out_of_scope takes one of: {', '.join(labels)}", f"[predict] out_of_scope 可写：{'、'.join(labels)}"))

    @staticmethod
    def sureness(confidences: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
        """float64 (N,): the confidence of the prediction; -1 where the row is "none of these", which no threshold answers. Of what the model answers: its labels, no others."""
        best = confidences.argmax(axis=1)
        sure = confidences[np.arange(len(best)), best]
        if "least" in settings.get("alarms", {}):
            sure = np.where(energy_of(confidences) < settings["alarms"]["least"], -1.0, sure)
        return sure if settings.get("out_of_scope") is None else np.where(best == settings["out_of_scope"], -1.0, sure)

    @staticmethod
    def handed_over(confidences: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
        """bool (N,): the rows a person should answer: below the threshold, or out of scope."""
        return Classify.sureness(confidences, settings) < settings.get("threshold", 0.0)
