"""`startlm demo`: a bilingual tea shop's message desk, from the inbox export to messages answered. Offline, in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from ..core.artifacts import Report
from ..core.durable import read_json
from ..core.language import Said, say
from ..predict import bundle_of, open_bundle
from ..project import FILE, Project, new_project, run_project
from ..sample.company import Planted, new_messages, write_sample
from .display import Display
from .new import look_at

PROJECT = "messages"


def run_demo(folder: Path, display: Display, tell: Callable[[Said], None]) -> dict[str, Any]:
    """Make the company, run the five steps, answer new messages; returns what was seen, for --json."""
    company = folder / "qingshan-tea"
    tell(say(f"Qingshan Tea is a small shop that sells tea in two languages. Its inbox is written to {company}.",
             f"青山茶铺是一家用中英文卖茶的小店。它的收件箱写在 {company}。"))
    planted = write_sample(company)
    project = folder / PROJECT
    if not (project / FILE).exists():
        look = look_at(str(company / "messages.csv"), test=None, text=(planted.text,), label=planted.label, split_column=None)
        new_project(project, look.settings(project), str(say("The demo's project.", "导览用的项目。")))
        for said in look.said:
            tell(said)
    for progress in run_project(Project(project)):
        display.see(progress)
    return _ending(project, planted, display, tell)


def _ending(project: Path, planted: Planted, display: Display, tell: Callable[[Said], None]) -> dict[str, Any]:
    run = Project(project).runs()[0]
    accuracy = Report(run, read_json(run / "report.json")).figure("accuracy")
    predictor = open_bundle(bundle_of(project))
    tell(say("\nNew messages:", "\n新来的消息："))
    answers = predictor.predict(new_messages())
    for message, answer in zip(new_messages(), answers):
        person = say(" -> a person", " -> 转人工") if answer.handed_over else say("", "")
        tell(say(f"  {answer.prediction} ({answer.confidence:.0%}){person.en}: {message}", f"  {answer.prediction}（{answer.confidence:.0%}）{person.zh}：{message}"))
    tell(say(f"\nAccuracy {accuracy['value']:.1%} [{accuracy['low']:.1%}, {accuracy['high']:.1%}] on {accuracy['n']} test rows. "
             f"{1 - planted.noise_ceiling:.1%} of the labels are wrong on purpose, so nobody can be right more often than {planted.noise_ceiling:.1%}.",
             f"\n在 {accuracy['n']} 行测试数据上准确率 {accuracy['value']:.1%} [{accuracy['low']:.1%}, {accuracy['high']:.1%}]。"
             f"有 {1 - planted.noise_ceiling:.1%} 的标签是故意写错的，所以谁也不可能超过 {planted.noise_ceiling:.1%}。"))
    tell(say(f"The report: {run / 'report.html'}\nYour own table: startlm new NAME --data FILE", f"报告：{run / 'report.html'}\n用你自己的表：startlm new 名称 --data 文件"))
    return {"steps": display.steps, "accuracy": accuracy, "noise_ceiling": planted.noise_ceiling, "report": str(run / "report.html"),
            "answers": [{"message": message, **answer._asdict()} for message, answer in zip(new_messages(), answers)]}
