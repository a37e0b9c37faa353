"""The report of a classifier of several labels a row: figures with their intervals, each label with its threshold, labels that go together."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from ..core.artifacts import Examples
from ..core.contracts import Figure
from ..core.errors import CallError
from ..core.findings import listed
from ..core.label_sets import joined, row_f1
from ..core.language import Said, say
from ..core.report_label_sets import label_sets_page
from ..core.shelves import look_up
from ..metrics import SET_METRICS
from ..metrics.calibration import calibration_error, reliability_bins
from ..metrics.comparison import paired_gain
from ..metrics.intervals import in_words
from ..metrics.judged import Judged
from ..metrics.label_sets import JudgedSets, figures_of_each_label, labels_together
from ..metrics.set_thresholds import certainty
from .hand_over_content import hand_over_content
from .judging import Judging


class LabelSetsReport(Judging):
    """A classifier of several labels a row, judged on one test part."""

    ANSWERED = ("prediction", "confidence", "handed_over")
    page = staticmethod(label_sets_page)

    def __init__(self, predictor: Any, examples: Examples, settings: Any) -> None:
        """Raises CallError for a cost matrix, which is for one label a row."""
        super().__init__(predictor, examples, settings)
        if settings.costs:
            raise CallError(say("[evaluate] costs is for one label a row.", "[evaluate] costs 用于每行一个标签的情形。"),
                            say("take it out; each label's precision and recall stand in the report", "请去掉它；报告里有每个标签的精确率和召回率"))
        # The rows may be others than those the model learnt from, with other labels: numbers mean nothing, names do.
        self.names = [*predictor.labels, *(name for name in examples.every_label if name not in predictor.labels)]
        self.truth = self._by_name(self.test.labels, examples.every_label)
        self.usual = self.task.baseline(self._by_name(self.learnt, examples.labels))

    def _by_name(self, labels: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        """bool (N, len(self.names)) from bool (N, L) whose columns bear these names."""
        found = np.zeros((len(labels), len(self.names)), dtype=bool)
        found[:, [self.names.index(name) for name in names[: labels.shape[1]]]] = labels
        return found

    def judge(self, mean: np.ndarray) -> None:
        """Confidences of the test rows, float64 (N, L), the labels answered, and how sure that is."""
        settings = self.predictor.settings
        self.confidences, bare = self.task.answered(mean, settings), self.task.answered(mean, settings, 1.0)
        chosen = self.task.chosen(self.confidences, settings)
        predicted = np.pad(chosen, ((0, 0), (0, len(self.names) - chosen.shape[1])))
        self.judged = JudgedSets(self.truth, predicted, self.usual, self.settings.seed)
        self.sure, self.before = self.task.sureness(self.confidences, settings), certainty(bare, chosen)
        self.cells = self.task.cells(self.confidences, settings, False)

    # --- the report
    def content(self) -> dict[str, Any]:
        judged = self.judged
        gain = self._gain(judged.by_usual() or judged)
        better = gain.low is not None and gain.low > 0
        figures = _figures(judged)
        of = {each["name"]: Figure(**each) for each in figures}
        after = self._of_sureness(np.maximum(self.sure, 0.0))
        return {
            **self.data(), "headline": self._headline(of, better)._asdict(), "better_than_baseline": better, "gain": asdict(gain),
            "baseline": {"labels": [name for name, has in zip(self.names, self.usual) if has], "subset_accuracy": of["subset_accuracy"].baseline, "samples_f1": of["samples_f1"].baseline},
            "labels": self.names, "figures": figures, "figures_clean": None if self.leaking is None else _figures(judged.take(~self.leaking)), "cheapest": self._cheapest(),
            "classes": self._classes(), "together": self._together(), "labels_a_row": {"truth": _mean(judged.truth), "answered": _mean(judged.predicted)},
            "mistakes": int((~judged.exact).sum()),
            "calibration": {"before": asdict(calibration_error(self._of_sureness(self.before))), "after": asdict(calibration_error(after)),
                            "bins": self._bins(np.maximum(self.sure, 0.0)), "bins_before": self._bins(self.before)},
            "hand_over": hand_over_content(self.sure, judged.exact, self.predictor.settings, self.settings.minutes_per_row), "out_of_scope": None,
            "minimum_accuracy": self.settings.minimum_accuracy, "broken_limit": self._broken_limit(of["subset_accuracy"]), "warnings": [each._asdict() for each in self._warnings()],
        }

    def _of_sureness(self, sure: np.ndarray) -> Judged:
        """Whether all labels of a row are right, as a question of two answers, asked with this confidence."""
        return Judged(self.judged.exact.astype(np.int64), np.ones(len(sure), dtype=np.int64), 2, np.stack([1 - sure, sure], axis=1), seed=self.settings.seed)

    def _bins(self, sure: np.ndarray) -> list[dict[str, Any]]:
        return [each._asdict() for each in reliability_bins(sure, self.judged.exact)] if len(sure) else []

    def _classes(self) -> list[dict[str, Any]]:
        thresholds = self.predictor.settings["thresholds"]
        return [{"label": self.names[each.label], **{name: asdict(getattr(each, name)) for name in ("precision", "recall", "f1")},
                 "threshold": thresholds[each.label] if each.label < len(thresholds) else None} for each in figures_of_each_label(self.judged)]

    def _together(self) -> list[dict[str, Any]]:
        found = labels_together(self.judged.truth, self.judged.predicted)
        return [{"labels": [self.names[each.first], self.names[each.second]], "rows": each.rows, "answered": each.answered, "right": each.right} for each in found]

    def _broken_limit(self, accuracy: Figure) -> dict[str, str] | None:
        """The stated limit that this model breaks, in words."""
        least = self.settings.minimum_accuracy
        if least is None or accuracy.value is not None and accuracy.value >= least:
            return None
        value = "–" if accuracy.value is None else f"{accuracy.value:.1%}"
        return say(f"all labels right for {value} of the rows, below the stated minimum of {least:.1%}.", f"标签全对的行占 {value}，低于规定的最低值 {least:.1%}。")._asdict() | {"setting": "minimum_accuracy"}

    def _headline(self, of: dict[str, Figure], better: bool) -> Said:
        overlap, exact = of["samples_f1"], of["subset_accuracy"]
        if overlap.value is None:
            few = in_words(overlap)
            return say(f"{few.en[0].upper()}{few.en[1:]} to say how good the model is.", f"{few.zh}，无法判断模型好坏。")
        usual = joined([name for name, has in zip(self.names, self.usual) if has], self.predictor.settings.get("separator"))
        named, always = say(repr(usual), repr(usual)) if usual else say("no label", "“没有标签”"), 100 * (overlap.baseline or 0.0)
        if not better:
            return say(f"Not better than the baseline: always answering {named.en} has an F1 of {always:.1f} % a row, the model {in_words(overlap).en}.",
                       f"不比基线好：总是回答 {named.zh} 时各行 F1 平均 {always:.1f}%，模型是 {in_words(overlap).zh}。")
        return say(f"Labels right to {in_words(overlap).en} (F1 a row) on {overlap.n:,} test rows, all of them for {in_words(exact).en}; always answering {named.en} reaches {always:.1f} %.",
                   f"在 {overlap.n:,} 行测试数据上，各行标签的 F1 平均 {in_words(overlap).zh}，全对的行占 {in_words(exact).zh}；总是回答 {named.zh} 时 F1 是 {always:.1f}%。")

    def _cheapest(self) -> dict[str, Any] | None:
        """The ladder's first rung on the same test rows, and what the chosen model's F1 a row gains over it."""
        if self.cheapest is None:
            return None
        return {"family": self.cheapest.predictor.settings["members"][0]["family"], "figures": _figures(self.cheapest.judged), "gain": asdict(self._gain(self.cheapest.judged))}

    def _gain(self, other: JudgedSets) -> Figure:
        """How much nearer to the truth this model's labels are than another's, row by row: the difference of their F1."""
        before, now = (1 - row_f1(each.predicted, each.truth) for each in (other, self.judged))
        return paired_gain(before, now, self.settings.seed, losses=True)

    def _warnings(self) -> list[Said]:
        said, learnt = self.found(), len(self.predictor.labels)
        if len(unseen := np.flatnonzero(self.truth[:, learnt:].any(axis=1))):
            rows = listed(self.examples.frame["row"][self.rows[unseen]].to_list())
            said.append(say(f"Test rows with a label that the model never learnt ({', '.join(self.names[learnt:])}), which it always misses: {len(unseen)} (rows {rows})",
                            f"{len(unseen)} 行测试数据有模型没有学过的标签（{'、'.join(self.names[learnt:])}），一律算漏掉（第 {rows} 行）"))
        return said

    def order(self) -> list[int]:
        """The rows whose labels are not all right, the surest first."""
        return [i for i in np.argsort(-self.sure, kind="stable").tolist() if not self.judged.exact[i]]

    def shown(self, i: int) -> tuple[Any, ...]:
        labels, sure, handed = self.cells[i]
        truth = joined([self.names[number] for number in np.flatnonzero(self.truth[i])], self.predictor.settings.get("separator"))
        return (truth, labels, sure, "true" if handed else "false")


def _figures(judged: JudgedSets) -> list[dict[str, Any]]:
    """Every figure on the shelf, JSON-ready."""
    return [asdict(look_up(SET_METRICS, name, say("metric", "指标"))(judged)) for name in SET_METRICS]


def _mean(labels: np.ndarray) -> float | None:
    return float(labels.sum(axis=1).mean()) if len(labels) else None
