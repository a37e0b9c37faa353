"""Step 4 of 5, evaluate: the very graph that will answer, on the test part. Every figure with its interval, its n and a dumb baseline.

Each reading of a test part is written in the project's ledger: a test part that is read often has been learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

from .core.artifacts import CHEAPEST, Examples, Model, Report
from .core.contracts import Progress
from .core.durable import read_json, write_bytes, write_json
from .core.language import Said, say
from .core.run_records import read_object
from .core.settings import fraction, with_given
from .core.shelves import look_up
from .core.temporary import temporary_folder
from .predict import open_model
from .tasks import REPORTS


@dataclass(frozen=True)
class EvaluateSettings:
    """Settings of [evaluate]."""

    minutes_per_row: float | None = None
    """Minutes a person needs for one message: turns the share answered into hours saved per 1,000 messages.

    人工处理一条消息需要的分钟数：把答出的比例换算成每千条消息节省的小时数。"""
    minimum_accuracy: float | None = field(default=None, metadata={"check": fraction})
    """Accuracy (0 to 1) below which deploy refuses; of several labels a row, the share of rows with all of them right.

    准确率（0 到 1）低于此值时拒绝部署；每行多个标签时，指标签全对的行的比例。"""
    costs: tuple[str, ...] = field(default=(), metadata={"repeated": True})
    """What wrong answers cost, for instance "fraud -> fine: 200" (the truth, what is answered, the cost) and "* -> person: 3" (handing
    a row over): the report then tells the cheapest threshold and the money saved.

    答错的代价，如 "fraud -> fine: 200"（真实标签、回答、代价）和 "* -> person: 3"（转人工一行的代价）：报告会给出最省钱的阈值和省下的钱。"""
    maximum_mae: float | None = None
    """For the task score: the mean absolute error, in the target's unit, above which deploy refuses.

    任务为 score 时：平均绝对误差（以目标的单位计）高于此值时拒绝部署。"""
    seed: int = 0
    """Seed of the bootstrap.

    自助法的随机种子。"""


def evaluate_model(model: Model, examples: Examples, *, settings: EvaluateSettings = EvaluateSettings(), folder: Path | None = None, **given: Any) -> Report:
    """The report of a trained model on a test part: report.json, report.html, mistakes.csv, and label_errors.csv or target_errors.csv in `folder`.

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
    folder = folder or temporary_folder()
    folder.mkdir(parents=True, exist_ok=True)
    model_folder = model.folder or Path()
    predictor, cheapest = open_model(model_folder), model_folder.parent / CHEAPEST
    report = look_up(REPORTS, predictor.task.name, say("task", "任务"))
    judging = report(predictor, examples, settings)
    if cheapest.is_dir():
        judging.cheapest = report(open_model(cheapest), examples, settings)
        yield from judging.cheapest.answer()
    yield from judging.answer()
    content, times = judging.content() | judging.next_steps(folder), judging.times()
    write_bytes(folder / "answers.csv", judging.answers_csv())
    write_bytes(folder / "mistakes.csv", judging.mistakes_csv())
    write_json(folder / "report.json", content)
    if times:
        write_json(folder / "timing.json", read_object(folder / "timing.json") | {"ms_a_message": times})
    write_bytes(folder / "report.html", judging.page(content | {"ms_a_message": times}).encode("utf-8"))
    yield Progress("evaluate", 1, 1, said=Said(**content["headline"]), result=Report(folder, content))


def note_reading(ledger: Path, model: str, examples: str, value: float | None, figure: str = "accuracy") -> int:
    """Write one reading of the test part into the ledger; returns how many readings these examples have had."""
    entries = read_json(ledger) if ledger.exists() else []
    entry = {"model": model, "examples": examples, figure: value}
    if entry not in entries:
        entries.append(entry)
        write_json(ledger, entries)
    return sum(each["examples"] == examples for each in entries)
