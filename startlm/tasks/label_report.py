"""The report of a classifier: every figure with its interval, its n and the dumb baseline, and what can be done with it."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Iterator

import numpy as np

from ..core.artifacts import PARTS, Examples
from ..core.contracts import Figure, Progress
from ..core.examples_folder import row_keys
from ..core.findings import listed
from ..core.language import Said, say
from ..core.report_page import report_page
from ..core.shelves import look_up
from ..families.linear import answer_with_linear
from ..metrics import METRICS, TWO_LABEL_METRICS
from ..metrics.calibration import calibration_error, reliability_bins
from ..metrics.comparison import paired_gain
from ..metrics.costs import PERSON, cost_figure, parse_costs
from ..metrics.intervals import in_words
from ..metrics.judged import Judged, judge
from ..metrics.labels import confused_pairs, label_figures, out_of_scope_figures
from ..metrics.random_split import random_split
from .cascade_content import Apart, cascade_content, times_of
from .hand_over_content import hand_over_content
from .judging import CHUNK, Judging
from .next_steps import Seen, next_steps
from .order_content import order_content

PAIRS, PAIR_EXAMPLES = 10, 3


class LabelReport(Judging):
    """A classifier judged on one test part."""

    ANSWERED = ("prediction", "confidence", "handed_over")
    page = staticmethod(report_page)

    def __init__(self, predictor: Any, examples: Examples, settings: Any) -> None:
        super().__init__(predictor, examples, settings)
        # The rows may be others than those the model learnt from, with other labels: numbers mean nothing, names do.
        self.names = [*predictor.labels, *(name for name in examples.every_label if name not in predictor.labels)]
        number_of = {name: number for number, name in enumerate(self.names)}
        numbers = np.array([number_of[name] for name in examples.every_label], dtype=np.int64)
        self.truth = numbers[self.test.labels]
        self.outside = self._outside()
        # A row out of scope that the model cannot know has no right answer: no figure of labels counts it.
        self.counted = np.flatnonzero(self.truth != self.outside) if self.unlearnt_outside else np.arange(len(self.test))
        learnt = numbers[self.learnt]
        self.majority = self.task.baseline(learnt, len(self.names))
        self.apart: Apart | None = None  # of a cascade, on the rows that are counted
        self.shares = np.bincount(learnt, minlength=len(self.names)) / len(learnt)

    def _outside(self) -> int | None:
        """The number of the label that means "none of these", of the model or of the test part alone."""
        learnt = self.predictor.settings["out_of_scope"]
        return learnt if learnt is not None else self.task.out_of_scope(self.names, self.predictor.settings.get("out_of_scope_label"))

    @property
    def unlearnt_outside(self) -> bool:
        return self.outside is not None and self.outside >= len(self.predictor.labels)

    def answer(self) -> Iterator[Progress]:
        yield from super().answer()
        if self.predictor.threshold is None:
            return
        parts = []
        for start in range(0, len(self.counted), CHUNK):
            parts.append(Apart.of(self.predictor.apart(self.test.take(self.counted[start : start + CHUNK]))))
            yield Progress("evaluate", min(start + CHUNK, len(self.counted)), len(self.counted))
        self.apart = Apart(*map(np.concatenate, zip(*parts))) if parts else None

    def times(self) -> dict[str, float]:
        return {} if self.apart is None else times_of(self.predictor.members, self.test)

    def judge(self, mean: np.ndarray) -> None:
        """Confidences of the test rows, float64 (N, L), and those before the last temperature."""
        settings = self.predictor.settings
        self.before = self._with_unseen(self.task.answered(mean, settings, 1.0))
        answered = self.task.answered(mean, settings)
        self.sure, self.handed = self.task.sureness(answered, settings), self.task.handed_over(answered, settings)
        self.confidences = self._with_unseen(answered)
        self.predicted = self.confidences.argmax(axis=1)
        self.correct = self.truth == self.predicted
        self.judged = self._judge(self.confidences)

    def _judge(self, confidences: np.ndarray) -> Judged:
        return judge(self.truth[self.counted], confidences[self.counted], majority=self.majority, seed=self.settings.seed, shares=self.shares)

    def _with_unseen(self, confidences: np.ndarray) -> np.ndarray:
        missing = len(self.names) - confidences.shape[1]
        return np.pad(confidences, ((0, 0), (0, missing)))

    @property
    def mistaken(self) -> np.ndarray:
        """bool (N,): answered wrongly; where the model cannot know what is out of scope, handing it over is right."""
        known_to_nobody = self.truth == self.outside if self.unlearnt_outside else False
        return ~self.correct & ~(known_to_nobody & self.handed)

    def next_steps(self, folder: Path) -> dict[str, Any]:
        seen = Seen(self.rows[self.counted], self.judged.truth, self.judged.correct, self.names, self.settings.seed, lambda columns: self.answered_columns(columns).argmax(axis=1), self.examples.cells)
        return next_steps(self.examples, seen, folder)

    # --- the report
    def content(self) -> dict[str, Any]:
        judged = self.judged
        gain = paired_gain(judged.truth == self.majority, judged.correct, self.settings.seed)
        more_right, costs = gain.low is not None and gain.low > 0, self._costs()
        cheaper = costs is not None and (costs["saved"]["low"] or 0.0) > 0
        figures = _figures(judged)
        accuracy = Figure(**figures[0])
        return {
            **self.data(), "headline": self._headline(accuracy, more_right, costs if cheaper else None)._asdict(), "better_than_baseline": more_right or cheaper,
            "gain": asdict(gain), "baseline": {"label": self.names[self.majority], "accuracy": accuracy.baseline},
            "labels": self.names, "random_split": self._random_split(),
            "figures": figures, "figures_clean": self._clean_figures(), "cheapest": self._cheapest(), "cascade": self._cascade(),
            "classes": [{"label": self.names[each.label], **{name: asdict(getattr(each, name)) for name in ("precision", "recall", "f1")}} for each in label_figures(judged) if not (self.unlearnt_outside and each.label == self.outside)],
            "confusion": self._confusion(), "order": self._order(), "confused_pairs": self._pairs(), "mistakes": int(self.mistaken.sum()),
            "calibration": {"before": asdict(calibration_error(self._judge(self.before))), "after": asdict(calibration_error(judged)),
                            "bins": self._bins(self.confidences), "bins_before": self._bins(self.before)},
            "hand_over": hand_over_content(self.sure, self.correct, self.predictor.settings, self.settings.minutes_per_row), "out_of_scope": self._out_of_scope(),
            "costs": costs, "minimum_accuracy": self.settings.minimum_accuracy, "broken_limit": self._broken_limit(accuracy), "warnings": [each._asdict() for each in self._warnings()],
        }

    def _order(self) -> dict[str, Any] | None:
        order = self.examples.meta.get("order")
        return order_content(self.judged, self.names, order) if order else None

    def _confusion(self) -> dict[str, Any]:
        """In the labels' order, where they have one."""
        order = self.examples.meta.get("order") or self.names
        at = sorted(range(len(self.names)), key=lambda i: order.index(self.names[i]) if self.names[i] in order else len(order))
        return {"labels": [self.names[i] for i in at], "counts": self.judged.table[np.ix_(at, at)].tolist()}

    def _random_split(self) -> dict[str, Any] | None:
        """What a random split of the same rows would have claimed, where they are split by group or by time: one cheap model, both ways."""
        meta = self.examples.meta
        if not (meta["group_column"] or meta["time_column"]) or not len(self.test):
            return None
        rows = self.examples.labelled(*PARTS, encoder=self.predictor.encoder)
        keys = row_keys(rows.texts, self.examples.cells(self.examples.rows_of(*PARTS)))
        return random_split(rows, keys, self.examples.frame["part"].to_numpy() == PARTS.index("test"), answer_with_linear, self.settings.seed).as_json()

    def _broken_limit(self, accuracy: Figure) -> dict[str, str] | None:
        """The stated limit that this model breaks, in words."""
        least = self.settings.minimum_accuracy
        if least is None or accuracy.value is not None and accuracy.value >= least:
            return None
        value = "–" if accuracy.value is None else f"{accuracy.value:.1%}"
        return say(f"accuracy {value} is below the stated minimum of {least:.1%}.", f"准确率 {value} 低于规定的最低值 {least:.1%}。")._asdict() | {"setting": "minimum_accuracy"}

    def _headline(self, accuracy: Figure, more_right: bool, saving: dict[str, Any] | None) -> Said:
        """`saving`: the costs, where answering by them is cheaper than any answer that never changes."""
        left_out = len(self.test) - len(self.counted)
        said = self._verdict(accuracy, more_right, saving)
        if not left_out:
            return said
        return say(f"{said.en} {left_out:,} more rows are out of scope.", f"{said.zh}另有 {left_out:,} 行超出范围，不计入。")

    def _verdict(self, accuracy: Figure, more_right: bool, saving: dict[str, Any] | None) -> Said:
        if accuracy.value is None:
            few = in_words(accuracy)
            return say(f"{few.en[0].upper()}{few.en[1:]} to say how good the model is.", f"{few.zh}，无法判断模型好坏。")
        label, always = self.names[self.majority], 100 * (accuracy.baseline or 0.0)
        if not more_right and saving:
            saved, beside = "{value:,.0f} [{low:,.0f}, {high:,.0f}]".format(**saving["saved"]), saving["baseline"]
            return say(f"Cheaper, not more often right: by the stated costs the cheapest answer (which predict --confidences lets you take; its prediction stays the likeliest label) saves {saved} on 1,000 rows against always answering {beside!r}; accuracy is {in_words(accuracy).en}, always answering {label!r} has {always:.1f} %.",
                       f"更省钱，但准确率没有更高：按写明的代价，最省钱的回答（可由 predict --confidences 得出；prediction 一列仍是最可能的标签）比总是回答 {beside!r} 每千行省 {saved}；准确率 {in_words(accuracy).zh}，总是回答 {label!r} 是 {always:.1f}%。")
        if not more_right:
            return say(f"Not better than the baseline: always answering {label!r} is right for {always:.1f} %, the model for {in_words(accuracy).en}.",
                       f"不比基线好：总是回答 {label!r} 的准确率是 {always:.1f}%，模型是 {in_words(accuracy).zh}。")
        return say(f"Right for {in_words(accuracy).en} of {accuracy.n:,} test rows; always answering {label!r} is right for {always:.1f} %.",
                   f"在 {accuracy.n:,} 行测试数据上准确率 {in_words(accuracy).zh}；总是回答 {label!r} 的准确率是 {always:.1f}%。")

    def _clean_figures(self) -> list[dict[str, Any]] | None:
        """The same figures on the test rows that have no equal or near row in train; None where nothing leaks."""
        if self.leaking is None:
            return None
        judged, keep = self.judged, ~self.leaking[self.counted]
        return _figures(replace(judged, truth=judged.truth[keep], predicted=judged.predicted[keep], confidences=self.confidences[self.counted][keep]))

    def _cheapest(self) -> dict[str, Any] | None:
        """The ladder's first rung on the same test rows, and what the chosen model gains over it."""
        if self.cheapest is None:
            return None
        judged = self.cheapest.judged
        return {"family": self.cheapest.predictor.settings["members"][0]["family"], "figures": _figures(judged),
                "gain": asdict(paired_gain(judged.correct, self.judged.correct, self.settings.seed))}

    def _cascade(self) -> dict[str, Any] | None:
        """Which side answers what, and what that loses; None where the model is no cascade."""
        if self.apart is None:
            return None
        return cascade_content(self.predictor.settings, self.apart, self.judged.truth, self.confidences[self.counted], self.settings.seed)

    def _pairs(self) -> list[dict[str, Any]]:
        found = []
        for pair in confused_pairs(self.judged.table, PAIRS):
            at = self.counted[(self.judged.truth == pair.truth) & (self.judged.predicted == pair.predicted)][:PAIR_EXAMPLES]
            files, rows = (self.examples.frame[name][self.rows[at]].to_list() for name in ("file", "row"))
            found.append({"truth": self.names[pair.truth], "prediction": self.names[pair.predicted], "count": pair.rows, "share": asdict(pair.share),
                          "examples": [{"file": self.examples.meta["files"][file], "row": row, "text": self.test.texts[i]} for file, row, i in zip(files, rows, at)]})
        return found

    def _bins(self, confidences: np.ndarray) -> list[dict[str, Any]]:
        return [each._asdict() for each in reliability_bins(confidences[self.counted].max(axis=1), self.judged.correct)] if len(self.counted) else []

    def _costs(self) -> dict[str, Any] | None:
        """What answers cost for 1,000 rows: the likeliest label, the cheapest answer by [evaluate] costs, the cheapest constant one."""
        if not self.settings.costs:
            return None
        costs, (truth, seed) = parse_costs(self.settings.costs, self.names), (self.truth[self.counted], self.settings.seed)
        always, threshold = costs.constant(self.shares), costs.threshold()
        cheapest = costs.cheapest(self.confidences[self.counted])
        of = {"baseline": costs.of_rows(truth, np.full(len(truth), always)), "likeliest": costs.of_rows(truth, self.predicted[self.counted]),
              "cheapest": costs.of_rows(truth, cheapest)}
        return {
            "lines": list(self.settings.costs), "baseline": [*self.names, PERSON][always], "handed_over": float(np.mean(cheapest == len(self.names))) if len(truth) else 0.0,
            "threshold": None if threshold is None else {"label": self.names[threshold[0]], "confidence": threshold[1]},
            "likeliest": asdict(cost_figure("cost", of["likeliest"], seed, baseline=of["baseline"])),
            "cheapest": asdict(cost_figure("cost", of["cheapest"], seed, baseline=of["baseline"])),
            "saved": asdict(cost_figure("saved", of["baseline"] - of["cheapest"], seed, higher_is_better=True)),
        }

    def _out_of_scope(self) -> dict[str, Any] | None:
        """The share of rows out of scope that is caught, and of the others wrongly held for such; None where nothing tells them apart."""
        settings = self.predictor.settings
        label = self.names[self.outside] if self.outside is not None else settings.get("out_of_scope_label")
        learnt, rules = settings["out_of_scope"] is not None, {"hand_over", "alarms"} & set(settings)
        if label is None and not rules:
            return None
        is_out = self.truth == (-1 if self.outside is None else self.outside)
        found = out_of_scope_figures(is_out, self.predicted == self.outside if learnt else self.handed)
        return {"label": label, "learnt": learnt, "rows": int(is_out.sum()), "caught": asdict(found.caught), "false_alarms": asdict(found.false_alarms), "stated": settings["alarms"]["allowed"] if "alarms" in rules and (learnt or len(rules) == 1) else None,
                "said": _say_out_of_scope(int(is_out.sum()), learnt, rules)._asdict()}

    def _warnings(self) -> list[Said]:
        said = self.found()
        unseen = self.counted[self.truth[self.counted] >= len(self.predictor.labels)]
        if len(unseen):
            rows = listed(self.examples.frame["row"][self.rows[unseen]].to_list())
            named = [self.names[number] for number in np.unique(self.truth[unseen])]
            said.append(say(f"Test rows with a label that the model never learnt ({', '.join(named)}), counted as wrong: {len(unseen)} (rows {rows})",
                            f"{len(unseen)} 行测试数据的标签是模型没有学过的（{'、'.join(named)}），一律算错（第 {rows} 行）"))
        return said

    def order(self) -> list[int]:
        """The rows answered wrongly, the surest first."""
        return [i for i in np.argsort(-self.confidences.max(axis=1), kind="stable").tolist() if self.mistaken[i]] if len(self.test) else []

    def shown(self, i: int) -> tuple[Any, ...]:
        return (self.names[self.truth[i]], self.names[self.predicted[i]], round(float(self.confidences[i].max()), 6), "true" if self.handed[i] else "false")


def _say_out_of_scope(rows: int, learnt: bool, rules: set[str]) -> Said:
    """How rows out of scope are counted; rules: "hand_over", "alarms", where these stand."""
    if learnt:
        said = say("The model learnt this label: a row out of scope is caught where it is the prediction. Accuracy and the other figures count these rows like any others.",
                   "模型学过这个标签：预测为它就算识别出来。准确率等指标把这些行和其他行一样计入。")
    else:
        said = say("The model never learnt what is out of scope: such a row is caught where it is handed over to a person, and any other row handed over is a false alarm. "
                   "Accuracy and the figures of labels leave these rows out; the hand-over curve counts them as wrong where the model answers.",
                   "模型没有学过哪些消息超出范围：这样的行转人工就算识别出来，其他行转人工则算误报。准确率和各标签的指标不计入这些行；在转人工曲线里，模型回答了它们就算错。")
        if "hand_over" in rules:
            said = say(f"{said.en} What [predict] hand_over promises was measured without such rows.", f"{said.zh}[predict] hand_over 的承诺是在没有这类消息的数据上测得的。")
        elif not rules:
            said = say(f"{said.en} Nothing is handed over yet: false_alarms under [predict] settles what is, at that rate, or hand_over by confidence.",
                       f"{said.zh}目前什么都不转人工：在 [predict] 下写 false_alarms 可按该比例转交，或写 hand_over 按置信度转交。")
    if rows:
        return said
    return say(f"The test part has no rows out of scope: only false alarms can be measured. {said.en}", f"测试部分没有超出范围的行：只能测误报。{said.zh}")


def _figures(judged: Judged) -> list[dict[str, Any]]:
    """Every figure on the shelf, JSON-ready."""
    shelf = METRICS | (TWO_LABEL_METRICS if judged.labels == 2 else {})
    return [asdict(look_up(shelf, name, say("metric", "指标"))(judged)) for name in shelf]
