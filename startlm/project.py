"""A project is the folder of one product: startlm.toml, data/, runs/, bundles/. Here the steps are put in order: what is stale
and why, what is done already, what goes on."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

from . import deploy as deploy_step
from .build import BuildSettings, build_model, load_model, save_model
from .columns.cleaning import CleanSettings
from .core.artifacts import Bundle, Examples, Model, Report
from .core.contracts import Progress
from .core.durable import hold, make_folder, read_json, write_json, write_text
from .core.errors import BundleError, CallError, StartLMError
from .core.language import Said, say
from .core.project_file import FILE, as_json, keep_flags, kept_flags, own_flags, read_file, said_of, with_flags
from .core.settings import to_toml
from .deploy import DeploySettings, deploy_steps
from .evaluate import EvaluateSettings, evaluate_steps, note_reading
from .formats import is_address
from .predict import PredictSettings, open_bundle, open_model
from .prepare import PrepareSettings, fingerprint_of, prepare_steps
from .train import TrainSettings, train_steps

STEPS = ("prepare", "build", "train", "evaluate", "deploy")
SECTIONS: dict[str, type] = {
    "prepare": PrepareSettings, "clean": CleanSettings, "build": BuildSettings, "train": TrainSettings,
    "evaluate": EvaluateSettings, "deploy": DeploySettings, "predict": PredictSettings,
}
# Which sections shape what a step makes; a step is also stale when the step before it is.
SHAPED_BY = {"prepare": ("prepare", "clean"), "build": ("build",), "train": ("train", "predict"), "evaluate": ("evaluate",), "deploy": ()}


@dataclass(frozen=True)
class StepDone:
    """One step of a run is behind us: how long it took, what it wrote, whether there was anything to do."""

    step: str
    seconds: float
    wrote: Path
    fresh: bool


@dataclass(frozen=True)
class StepState:
    """What `plan` says of one step."""

    step: str
    stale: bool
    why: Said
    changed: bool = False  # it was done before, on other data or with other settings


class Project:
    """The settings and places of one project."""

    def __init__(self, folder: Path, flags: Mapping[str, Mapping[str, Any]] | None = None, *, forget_flags: bool = False) -> None:
        self.folder, self.written = folder, read_file(folder, SECTIONS)
        own = own_flags(flags or {}, self.written)
        named = {(flag.section, flag.name) for flag in own}
        kept = [] if forget_flags else kept_flags(folder, self.written)
        self.in_force = [flag for flag in kept if (flag.section, flag.name) not in named]  # from earlier calls
        self.flags = [*self.in_force, *own]
        self.settings = with_flags(self.written, self.flags)

    @property
    def data(self) -> str:
        if not self.settings["prepare"].data:
            raise CallError(say("It is not said which table to learn from.", "没有说明用哪张表来学习。"),
                            say('write under [prepare]: data = "…", from the project\'s folder', '在 [prepare] 下写：data = "…"，路径从项目文件夹算起'), where=str(self.folder / FILE))
        return _from_here(self.folder, self.settings["prepare"].data)

    @property
    def bundles(self) -> Path:
        return self.folder / "bundles"

    def prepare_settings(self) -> PrepareSettings:
        """[prepare] with the paths made absolute from the project's folder."""
        settings = self.settings["prepare"]
        return replace(settings, data=self.data, test=None if settings.test is None else _from_here(self.folder, settings.test))

    @cached_property
    def marks(self) -> dict[str, str]:
        """The fingerprint of each step: of the data, of the settings that shape it, and of the step before it."""
        mark = fingerprint_of(self.data, self.prepare_settings(), self.settings["clean"])
        marks = {"prepare": mark}
        for step in STEPS[1:]:
            shaping = [asdict(self.settings[section]) for section in SHAPED_BY[step]]
            mark = hashlib.sha256(f"{mark} {step} {json.dumps(shaping, sort_keys=True)}".encode()).hexdigest()
            marks[step] = mark
        return marks

    def runs(self) -> list[Path]:
        """The runs, newest first."""
        return sorted((path.parent for path in (self.folder / "runs").glob("*/run.json")), reverse=True)


def _from_here(folder: Path, path: str) -> str:
    """A project's path as a person here would write it: without the way up and down again that leads through the project's folder."""
    if is_address(path):
        return path
    real, here = os.path.realpath(folder / path), os.getcwd()
    return os.path.relpath(real, here) if Path(real).is_relative_to(here) else real


# ------------------------------------------------------------- a new project

def new_project(folder: Path, given: Mapping[str, Any], comment: str) -> Path:
    """Write startlm.toml with what is `given` for [prepare]. Raises CallError where a project is there already."""
    path = folder / FILE
    if path.exists():
        raise CallError(say(f"There is a project in {folder} already.", f"{folder} 里已经有一个项目。"),
                        say("give another name, or edit its startlm.toml", "请换个名字，或修改它的 startlm.toml"), where=str(path))
    make_folder(folder)
    text = f'# {comment}\ntask = "classify"\n\n' + "\n".join(to_toml(name, cls, given if name == "prepare" else {}) for name, cls in SECTIONS.items())
    write_text(path, text)
    return path


# ------------------------------------------------------------------- a plan

def plan_project(project: Project) -> list[StepState]:
    """Which steps are stale and why, without doing anything."""
    marks = project.marks
    _, last = _run_of(project) or (None, {"steps": {}, "settings": {}})
    states, stale_before = [], None
    for step in STEPS:
        done = last["steps"].get(step) == marks[step]
        if step == "deploy" and done and not deploy_step.is_current(project.bundles, marks["deploy"]):
            states.append(StepState(step, True, say("another version answers now", "现在上线的是另一个版本")))
            continue
        if done:
            states.append(StepState(step, False, say("done, nothing changed", "已完成，没有变化")))
            continue
        states.append(StepState(step, True, _why_stale(project, step, last, stale_before), step in last["steps"]))
        stale_before = stale_before or step
    return states


def _why_stale(project: Project, step: str, last: Mapping[str, Any], before: str | None) -> Said:
    if step not in last["steps"]:
        return say("not done yet", "还没有做过") if before is None else say(f"follows {before}", f"在 {before} 之后")
    for section in SHAPED_BY[step]:
        was, now = last["settings"].get(section, {}), as_json(project.settings[section])
        for key, value in now.items():
            if was.get(key) != value:
                return say(f"[{section}] {key} changed from {was.get(key)!r} to {value!r}", f"[{section}] {key} 从 {was.get(key)!r} 改成了 {value!r}")
    if step == "prepare":
        return say("the data changed", "数据变了")
    if before is None:  # all before it is done, so one of them was done by a call that went no further
        before = STEPS[STEPS.index(step) - 1]
        return say(f"{before} was done again", f"{before} 已重做")
    return say(f"follows {before}", f"在 {before} 之后")


def _run_of(project: Project) -> tuple[Path, dict[str, Any]] | None:
    """The newest run that trains, or trained, just this, with its record; else the newest of all."""
    runs = _records(project)
    return next((run for run in runs if run[1]["mark"] == project.marks["train"]), runs[0] if runs else None)


def _records(project: Project) -> list[tuple[Path, dict[str, Any]]]:
    """The runs and what their run.json says, newest first; one that is damaged is passed over."""
    found = [(run, _record(run / "run.json")) for run in project.runs()]
    return [(run, record) for run, record in found if record.get("mark") and all(isinstance(record.get(key), dict) for key in ("steps", "settings"))]


def _record(path: Path) -> dict[str, Any]:
    """The JSON object in this file; an empty one where it is not there or damaged."""
    try:
        value = read_json(path)
    except CallError:
        value = None
    return value if isinstance(value, dict) else {}


def cost_of(project: Project, states: list[StepState]) -> Said:
    """What a run would cost, from the settings and from the times of the last run."""
    if not any(state.stale for state in states):
        return say("A run would do nothing: everything is done.", "再运行一次什么也不会做：全部已完成。")
    timing = next(filter(None, (_record(run / "timing.json") for run in project.runs())), {})
    known = sum(timing.get(state.step, 0.0) for state in states if state.stale)
    budget = project.settings["train"].budget
    last = say(f"; the same steps took {known:.0f} s last time", f"；上次这些步骤用了 {known:.0f} 秒") if known else say("", "")
    return say(f"A run would train for at most {budget}{last.en}.", f"运行一次最多训练 {budget}{last.zh}。")


def bring_back(project: Project, version: str) -> Path:
    """Let an older version answer again. Raises CallError where there is none of that name."""
    with hold(project.folder):
        return deploy_step.bring_back(project.bundles, version).folder


# -------------------------------------------------------------------- a run

def run_project(project: Project, until: str = "deploy") -> Iterator[Progress]:
    """Do what is stale, up to and including the step `until`; the last Progress of each step carries a StepDone."""
    with hold(project.folder):
        again, before = _again(plan_project(project)), kept_flags(project.folder, project.written)
        run = _Run(project)
        yield from (Progress("prepare", said=said) for said in said_of(project.in_force))
        try:
            for step in STEPS[: STEPS.index(until) + 1]:
                began = time.monotonic()
                yield Progress(step)
                if again is not None and again.step == step:
                    yield Progress(step, said=say(f"Done again, with what follows: {again.why.en}.", f"这一步和后面的各步要重做：{again.why.zh}。"))
                yield from getattr(run, step)()
                done = StepDone(step, time.monotonic() - began, run.wrote, run.was_fresh)
                run.note(step, done)
                keep_flags(project.folder, project.flags)
                yield Progress(step, 1, 1, result=done)
        except CallError:
            keep_flags(project.folder, before)  # a flag that will not do must not stand in the way of later calls
            raise


def _again(states: list[StepState]) -> StepState | None:
    """The first step that was done before and must be done again because its data or settings changed."""
    first = next((state for state in states if state.stale), None)
    return first if first is not None and first.changed else None


class _Run:
    """One pass through the steps in runs/<time-name>/, gone on with where an earlier call stopped."""

    def __init__(self, project: Project) -> None:
        self.project, self.marks = project, project.marks
        folder, record = _run_of(project) or (None, {"mark": ""})
        if folder is None or record["mark"] != self.marks["train"]:
            folder = _fresh_folder(project.folder / "runs", time.strftime("%Y-%m-%d-%H%M%S"))
            record = {"mark": self.marks["train"], "steps": {}, "settings": {}}
        self.folder, self.record = folder, record
        self.wrote, self.was_fresh = self.folder, False

    def done(self, step: str) -> bool:
        return bool(self.record["steps"].get(step) == self.marks[step])

    def note(self, step: str, done: StepDone) -> None:
        """Write into run.json that the step is behind us, and its time into timing.json."""
        if done.fresh:
            return
        make_folder(self.folder)
        self.record["steps"][step] = self.marks[step]
        self.record["settings"] |= {section: as_json(self.project.settings[section]) for section in SHAPED_BY[step]}
        write_json(self.folder / "run.json", self.record)
        timing = self.folder / "timing.json"
        write_json(timing, _record(timing) | {step: round(done.seconds, 3)})

    def prepare(self) -> Iterator[Progress]:
        before = {path.name for path in (self.project.folder / "data").glob("*/manifest.json")}
        settings = self.project.prepare_settings()
        last = None
        for last in prepare_steps(self.project.data, settings=settings, clean=self.project.settings["clean"], folder=self.project.folder / "data"):
            yield last
        self.examples: Examples = last.result  # type: ignore[union-attr]
        self.wrote, self.was_fresh = self.examples.folder, self.done("prepare") and bool(before)

    def build(self) -> Iterator[Progress]:
        path = self.folder / "build.json"
        self.wrote, self.was_fresh = path, self.done("build") and path.exists()
        if self.was_fresh:
            self.model: Model = load_model(path)
        else:
            self.model = build_model(self.examples, settings=self.project.settings["build"])
            make_folder(self.folder)
            write_json(self.folder / "run.json", self.record)
            save_model(self.model, path)
        yield Progress("build", 1, 1, said=say(f"To try, cheapest first: {', '.join(rung.family for rung in self.model.rungs)}.",
                                               f"由便宜到昂贵依次尝试：{'、'.join(rung.family for rung in self.model.rungs)}。"))

    def train(self) -> Iterator[Progress]:
        folder = self.folder / "train"
        self.wrote, self.was_fresh = folder / "model", self.done("train") and _opens(folder / "model")
        if self.was_fresh:
            self.model = replace(self.model, folder=folder / "model")
            yield Progress("train", said=say("Nothing changed: the trained model is used again.", "没有变化：直接使用已训练好的模型。"))
            return
        last = None
        for last in train_steps(self.model, self.examples, settings=self.project.settings["train"], predict=self.project.settings["predict"], folder=folder):
            yield replace(last, result=None)
        self.model = last.result  # type: ignore[union-attr]

    def evaluate(self) -> Iterator[Progress]:
        path = self.folder / "report.json"
        self.wrote, self.was_fresh = self.folder / "report.html", self.done("evaluate") and path.exists()
        if self.was_fresh:
            self.report = Report(self.folder, read_json(path))
            yield Progress("evaluate", said=Said(**self.report.content["headline"]))
            return
        if self.record["steps"].pop("evaluate", None):
            write_json(self.folder / "run.json", self.record)  # a report half replaced must not count as the old one
        last = None
        for last in evaluate_steps(self.model, self.examples, settings=self.project.settings["evaluate"], folder=self.folder):
            yield last
        self.report = last.result  # type: ignore[union-attr]
        readings = note_reading(self.project.folder / "runs" / "test-readings.json", self.marks["train"], self.examples.meta["test_fingerprint"],
                                self.report.figure("accuracy")["value"])
        yield Progress("evaluate", said=say(f"Reading {readings} of this test part (runs/test-readings.json).", f"这是第 {readings} 次读取该测试部分（runs/test-readings.json）。"))

    def deploy(self) -> Iterator[Progress]:
        # A version is known by what made it: also one that was published when the run was broken off before it could note so.
        made = deploy_step.made_by(self.project.bundles, self.marks["deploy"])
        self.was_fresh = False
        if made is not None and _opens(made, open_bundle):
            answers = deploy_step.answers_now(self.project.bundles) == made.name
            self.wrote, self.was_fresh = made, self.done("deploy") and answers
            if not answers:
                deploy_step.bring_back(self.project.bundles, made.name)
                yield Progress("deploy", said=say(f"Version {made.name} answers again.", f"版本 {made.name} 重新上线。"))
            return
        last = None
        for last in deploy_steps(self.model, self.report, to=self.project.bundles, settings=self.project.settings["deploy"], mark=self.marks["deploy"]):
            yield last
        bundle: Bundle = last.result  # type: ignore[union-attr]
        self.wrote = bundle.folder


def _opens(folder: Path, opening: Callable[[Path], Any] = open_model) -> bool:
    try:
        return folder.is_dir() and opening(folder) is not None
    except (BundleError, StartLMError):
        return False


def _fresh_folder(parent: Path, name: str) -> Path:
    number, folder = 1, parent / name
    while folder.exists():
        number += 1
        folder = parent / f"{name}-{number}"
    return folder
