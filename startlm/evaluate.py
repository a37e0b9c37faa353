"""Step 4 of 5, evaluate: the very graph that will answer, on the test part. Every figure with its interval, its n and a dumb baseline.

Each reading of a test part is written in the project's ledger: a test part that is read often has been learnt from.
"""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Iterable, Iterator, Mapping, Sequence

import numpy as np

from .core.artifacts import CHEAPEST, Examples, Model, Report
from .core.contracts import Figure, Progress
from .core.durable import read_json, write_bytes, write_json
from .core.findings import listed
from .core.language import Said, say
from .core.report_page import report_page
from .core.settings import fraction, with_given
from .core.shelves import look_up
from .formats.delimited import Delimited
from .metrics import METRICS
from .metrics.calibration import calibration_error, reliability_bins
from .metrics.comparison import paired_gain
from .metrics.hand_over import ANSWER_NOTHING, Point, advise, curve, figures_at, hours_saved
from .metrics.intervals import in_words
from .metrics.judged import Judged, judge
from .metrics.labels import confused_pairs, label_figures, out_of_scope_figures
from .predict import Predictor, open_model
from .tasks import TASKS
from .tasks.next_steps import Seen, next_steps

SCHEMA = 1
CHUNK = 4_096
PAIRS, PAIR_EXAMPLES = 10, 3
ANSWERED = ("file", "row", "line", "text", "truth", "prediction", "confidence", "handed_over")


@dataclass(frozen=True)
class EvaluateSettings:
    """Settings of [evaluate]."""

    minutes_per_row: float | None = None
    """Minutes a person needs for one message: turns the share answered into hours saved per 1,000 messages.

    人工处理一条消息需要的分钟数：把答出的比例换算成每千条消息节省的小时数。"""
    minimum_accuracy: float | None = field(default=None, metadata={"check": fraction})
    """Accuracy (0 to 1) below which deploy refuses.

    准确率（0 到 1）低于此值时拒绝部署。"""
    seed: int = 0
    """Seed of the bootstrap.

    自助法的随机种子。"""


def evaluate_model(model: Model, examples: Examples, *, settings: EvaluateSettings = EvaluateSettings(), folder: Path | None = None, **given: Any) -> Report:
    """The report of a trained model on a test part: report.json, report.html, mistakes.csv, label_errors.csv in `folder`.

    The examples may be others than the model's: labels are known by their names, and one the model never learnt is always wrong.
    Raises CallError for examples with other text columns or another cleaning.

    >>> from startlm import build_model, prepare_examples, train_model
    >>> rows = [{"m": f"refund {i}", "t": "money"} for i in range(90)] + [{"m": f"parcel {i}", "t": "post"} for i in range(90)]
    >>> examples = prepare_examples(rows, text="m", label="t")
    >>> evaluate_model(train_model(build_model(examples, family="linear"), examples), examples).better_than_baseline
    True
    """
    *_, last = evaluate_steps(model, examples, settings=with_given(settings, given, section="evaluate", call="evaluate_model"), folder=folder)
    return last.result  # type: ignore[no-any-return]


def evaluate_steps(model: Model, examples: Examples, *, settings: EvaluateSettings, folder: Path | None = None) -> Iterator[Progress]:
    """Evaluate, with signs of life; the last Progress carries the Report."""
    folder = folder or Path(tempfile.mkdtemp(prefix="startlm-"))
    folder.mkdir(parents=True, exist_ok=True)
    model_folder = model.folder or Path()
    judging = _Judging(open_model(model_folder), examples, settings)
    cheapest = model_folder.parent / CHEAPEST
    if cheapest.is_dir():
        judging.cheapest = _Judging(open_model(cheapest), examples, settings)
        yield from judging.cheapest.answer()
    yield from judging.answer()
    content = judging.content() | next_steps(examples, judging.seen(), folder)
    write_bytes(folder / "answers.csv", judging.answers_csv())
    write_bytes(folder / "mistakes.csv", judging.mistakes_csv())
    write_json(folder / "report.json", content)
    write_bytes(folder / "report.html", report_page(content).encode("utf-8"))
    yield Progress("evaluate", 1, 1, said=Said(**content["headline"]), result=Report(folder, content))


def note_reading(ledger: Path, model: str, examples: str, accuracy: float | None) -> int:
    """Write one reading of the test part into the ledger; returns how many readings these examples have had."""
    entries = read_json(ledger) if ledger.exists() else []
    entry = {"model": model, "examples": examples, "accuracy": accuracy}
    if entry not in entries:
        entries.append(entry)
        write_json(ledger, entries)
    return sum(each["examples"] == examples for each in entries)


class _Judging:
    """One model judged on one test part."""

    def __init__(self, predictor: Predictor, examples: Examples, settings: EvaluateSettings) -> None:
        self.predictor, self.examples, self.settings = predictor, examples, settings
        self.task = look_up(TASKS, predictor.settings["task"], say("task", "任务"))
        self.rows = examples.rows_of("test")
        self.test = examples.labelled("test")
        examples.check_made_for(predictor.text_columns, predictor.settings["cleaning"])
        # The rows may be others than those the model learnt from, with other labels: numbers mean nothing, names do.
        self.names = [*predictor.labels, *(name for name in examples.every_label if name not in predictor.labels)]
        number_of = {name: number for number, name in enumerate(self.names)}
        numbers = np.array([number_of[name] for name in examples.every_label], dtype=np.int64)
        self.truth = numbers[self.test.labels]
        self.outside = self._outside()
        # A row out of scope that the model cannot know has no right answer: no figure of labels counts it.
        self.counted = np.flatnonzero(self.truth != self.outside) if self.unlearnt_outside else np.arange(len(self.test))
        learnt = numbers[examples.labelled("train", "dev", "calibration").labels]
        self.majority = self.task.baseline(learnt, len(self.names))
        self.shares = np.bincount(learnt, minlength=len(self.names)) / len(learnt)
        self.cheapest: _Judging | None = None

    def _outside(self) -> int | None:
        """The number of the label that means "none of these", of the model or of the test part alone."""
        learnt = self.predictor.settings["out_of_scope"]
        return learnt if learnt is not None else self.task.out_of_scope(self.names, self.predictor.settings.get("out_of_scope_label"))

    @property
    def unlearnt_outside(self) -> bool:
        return self.outside is not None and self.outside >= len(self.predictor.labels)

    def answer(self) -> Iterator[Progress]:
        """Confidences of the test rows, float64 (N, L), and the raw ones before the last temperature."""
        raw = []
        for start in range(0, len(self.test), CHUNK):
            raw.append(self.predictor.log_confidences(self.test.texts[start:start + CHUNK]))
            yield Progress("evaluate", min(start + CHUNK, len(self.test)), len(self.test))
        logs = np.concatenate(raw) if raw else np.zeros((0, len(self.predictor.labels)))
        self.before = self._with_unseen(self.predictor.scaled(logs, 1.0))
        self.confidences = self._with_unseen(self.predictor.scaled(logs))
        self.predicted = self.confidences.argmax(axis=1)
        self.correct = self.truth == self.predicted
        self.handed = self.task.handed_over(self.confidences, self.predictor.settings)
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

    def seen(self) -> Seen:
        """What the parts on what to do next are made from."""
        return Seen(self.rows[self.counted], self.judged.truth, self.judged.correct, self.names, self.settings.seed, self._answered_columns)

    def _answered_columns(self, columns: Mapping[str, Sequence[Any]]) -> np.ndarray:
        """int64 (N,): what the model answers to these values of its columns."""
        values = [columns[name] for name in self.predictor.text_columns]
        return self.predictor.confidences(self.predictor.clean_columns(values)).argmax(axis=1)

    # --- the report
    def content(self) -> dict[str, Any]:
        judged, meta = self.judged, self.examples.meta
        sure = self.task.sureness(self.confidences, self.predictor.settings) if len(self.test) else np.zeros(0)
        gain = paired_gain(judged.truth == self.majority, judged.correct, self.settings.seed)
        better = gain.low is not None and gain.low > 0
        figures = _figures(judged)
        accuracy = Figure(**figures[0])
        return {
            "schema": SCHEMA, "task": "classify", "headline": self._headline(accuracy, better)._asdict(), "better_than_baseline": better,
            "gain": asdict(gain), "baseline": {"label": self.names[self.majority], "accuracy": accuracy.baseline},
            "rows": meta["parts"], "languages": meta["languages"], "crossfit": meta["crossfit"], "labels": self.names,
            "figures": figures, "figures_clean": self._clean_figures(), "cheapest": self._cheapest(),
            "classes": [{"label": self.names[each.label], **{name: asdict(getattr(each, name)) for name in ("precision", "recall", "f1")}} for each in label_figures(judged) if not (self.unlearnt_outside and each.label == self.outside)],
            "confusion": {"labels": self.names, "counts": judged.table.tolist()}, "confused_pairs": self._pairs(), "mistakes": int(self.mistaken.sum()),
            "calibration": {"before": asdict(calibration_error(self._judge(self.before))), "after": asdict(calibration_error(judged)),
                            "bins": self._bins(self.confidences), "bins_before": self._bins(self.before)},
            "hand_over": self._hand_over(sure), "out_of_scope": self._out_of_scope(),
            "members": self.predictor.settings["members"], "ladder": self.predictor.settings["ladder"],
            "leaks": meta["leaks"], "findings": meta["findings"], "unlabelled": meta["unlabelled"], "rejected": meta["rejected"], "unused": meta["unused"],
            "minimum_accuracy": self.settings.minimum_accuracy, "warnings": [each._asdict() for each in self._warnings()],
        }

    def _headline(self, accuracy: Figure, better: bool) -> Said:
        left_out = len(self.test) - len(self.counted)
        said = self._verdict(accuracy, better)
        if not left_out:
            return said
        return say(f"{said.en} {left_out:,} more rows are out of scope.", f"{said.zh}另有 {left_out:,} 行超出范围，不计入。")

    def _verdict(self, accuracy: Figure, better: bool) -> Said:
        if accuracy.value is None:
            few = in_words(accuracy)
            return say(f"{few.en[0].upper()}{few.en[1:]} to say how good the model is.", f"{few.zh}，无法判断模型好坏。")
        label, always = self.names[self.majority], 100 * (accuracy.baseline or 0.0)
        if not better:
            return say(f"Not better than the baseline: always answering {label!r} is right for {always:.1f} %, the model for {in_words(accuracy).en}.",
                       f"不比基线好：总是回答 {label!r} 的准确率是 {always:.1f}%，模型是 {in_words(accuracy).zh}。")
        return say(f"Right for {in_words(accuracy).en} of {accuracy.n:,} test rows; always answering {label!r} is right for {always:.1f} %.",
                   f"在 {accuracy.n:,} 行测试数据上准确率 {in_words(accuracy).zh}；总是回答 {label!r} 的准确率是 {always:.1f}%。")

    def _clean_figures(self) -> list[dict[str, Any]] | None:
        """The same figures on the test rows that have no equal or near row in train; None where nothing leaks."""
        leaking = self.examples.meta["leaks"].get("test_rows", [])
        if not leaking or self.examples.meta["leaks"]["handled"] == "drop_train":
            return None
        judged, keep = self.judged, ~self.examples.frame["leaks"][self.rows[self.counted]].to_numpy()
        return _figures(replace(judged, truth=judged.truth[keep], predicted=judged.predicted[keep], confidences=self.confidences[self.counted][keep]))

    def _cheapest(self) -> dict[str, Any] | None:
        """The ladder's first rung on the same test rows, and what the chosen model gains over it."""
        if self.cheapest is None:
            return None
        judged = self.cheapest.judged
        return {"family": self.cheapest.predictor.settings["members"][0]["family"], "figures": _figures(judged),
                "gain": asdict(paired_gain(judged.correct, self.judged.correct, self.settings.seed))}

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

    def _hand_over(self, sure: np.ndarray) -> dict[str, Any]:
        points, chosen, hours, tried = curve(sure, self.correct), None, None, 0.0
        if "hand_over" in self.predictor.settings:
            chosen = dict(self.predictor.settings["hand_over"])
            point = figures_at(sure, self.correct, chosen["value"])
            chosen |= {"answered_on_test": asdict(point.answered), "error_on_test": asdict(point.error)}
            hours, tried = self._hours(point), chosen["target"] if chosen["value"] == ANSWER_NOTHING else 0.0
        advice = advise(points, above=tried)
        return {
            "curve": [{"threshold": each.threshold, "answered": asdict(each.answered), "error": asdict(each.error), "hours_saved": self._hours(each)} for each in points],
            "chosen": chosen, "hours_saved": hours, "minutes_per_row": self.settings.minutes_per_row,
            "advice": None if advice is None else {"rate": advice.rate, "answered": asdict(advice.point.answered), "error": asdict(advice.point.error)},
        }

    def _hours(self, point: Point) -> dict[str, Any] | None:
        minutes = self.settings.minutes_per_row
        return None if minutes is None else asdict(hours_saved(point.answered, minutes))

    def _out_of_scope(self) -> dict[str, Any] | None:
        """The share of rows out of scope that is caught, and of the others wrongly held for such; None where nothing tells them apart."""
        settings = self.predictor.settings
        label = self.names[self.outside] if self.outside is not None else settings.get("out_of_scope_label")
        learnt, threshold = settings["out_of_scope"] is not None, "threshold" in settings
        if label is None and not threshold:
            return None
        is_out = self.truth == (-1 if self.outside is None else self.outside)
        found = out_of_scope_figures(is_out, self.predicted == self.outside if learnt else self.handed)
        return {"label": label, "learnt": learnt, "rows": int(is_out.sum()), "caught": asdict(found.caught), "false_alarms": asdict(found.false_alarms),
                "said": _say_out_of_scope(int(is_out.sum()), learnt, threshold)._asdict()}

    def _warnings(self) -> list[Said]:
        said = [Said(**finding["said"]) for finding in self.examples.meta["findings"] if finding["kind"] in ("leaks", "gives_away", "label_once", "label_typos")]
        unseen = self.counted[self.truth[self.counted] >= len(self.predictor.labels)]
        if len(unseen):
            rows = listed(self.examples.frame["row"][self.rows[unseen]].to_list())
            named = [self.names[number] for number in np.unique(self.truth[unseen])]
            said.append(say(f"Test rows with a label that the model never learnt ({', '.join(named)}), counted as wrong: {len(unseen)} (rows {rows})",
                            f"{len(unseen)} 行测试数据的标签是模型没有学过的（{'、'.join(named)}），一律算错（第 {rows} 行）"))
        return said

    def answers_csv(self) -> bytes:
        """Every test row: file, row and line in it, text, truth, prediction, confidence, handed_over."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(ANSWERED)
        writer.writerows(self._answered(range(len(self.test))))
        return out.getvalue().encode("utf-8")

    def mistakes_csv(self) -> bytes:
        """The wrong rows, the surest first, with the columns of answers.csv, for a spreadsheet."""
        order = [i for i in np.argsort(-self.confidences.max(axis=1), kind="stable") if self.mistaken[i]] if len(self.test) else []
        out = io.BytesIO()
        writer = Delimited.writer(out, ANSWERED, for_excel=True)
        writer.write_many(self._answered(order))
        writer.close()
        return out.getvalue()

    def _answered(self, order: Iterable[int]) -> Iterator[tuple[Any, ...]]:
        file, row, line = (self.examples.frame[name][self.rows].to_list() for name in ("file", "row", "line"))
        names = self.examples.meta["files"]
        for i in order:
            yield (names[file[i]], row[i], line[i], self.test.texts[i], self.names[self.truth[i]], self.names[self.predicted[i]],
                   round(float(self.confidences[i].max()), 6), "true" if self.handed[i] else "false")


def _say_out_of_scope(rows: int, learnt: bool, threshold: bool) -> Said:
    """How rows out of scope are counted."""
    if learnt:
        said = say("The model learnt this label: a row out of scope is caught where it is the prediction. Accuracy and the other figures count these rows like any others.",
                   "模型学过这个标签：预测为它就算识别出来。准确率等指标把这些行和其他行一样计入。")
    else:
        said = say("The model never learnt what is out of scope: such a row is caught where it is handed over to a person, and any other row handed over is a false alarm. "
                   "Accuracy and the figures of labels leave these rows out; the hand-over curve counts them as wrong where the model answers.",
                   "模型没有学过哪些消息超出范围：这样的行转人工就算识别出来，其他行转人工则算误报。准确率和各标签的指标不计入这些行；在转人工曲线里，模型回答了它们就算错。")
        if threshold:
            said = say(f"{said.en} What [predict] hand_over promises was measured without such rows.", f"{said.zh}[predict] hand_over 的承诺是在没有这类消息的数据上测得的。")
        else:
            said = say(f"{said.en} Nothing is handed over yet: hand_over under [predict] sets a threshold.", f"{said.zh}目前什么都不转人工：在 [predict] 下写 hand_over 即可设定阈值。")
    if rows:
        return said
    return say(f"The test part has no rows out of scope: only false alarms can be measured. {said.en}", f"测试部分没有超出范围的行：只能测误报。{said.zh}")


def _figures(judged: Judged) -> list[dict[str, Any]]:
    """Every figure on the shelf, JSON-ready."""
    return [asdict(look_up(METRICS, name, say("metric", "指标"))(judged)) for name in METRICS]
