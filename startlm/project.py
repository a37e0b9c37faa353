"""A project is the folder of one product: startlm.toml, data/, runs/, bundles/. Here the steps are put in order: what is stale
and why, what is done already, what goes on."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Callable, Iterator, Mapping

from . import deploy as deploy_step
from .build import BuildSettings, build_model, describe_rungs, load_model, save_model
from .columns.cleaning import CleanSettings
from .core.artifacts import Bundle, Examples, Model, Report
from .core.contracts import Progress
from .core.durable import hold, make_folder, remove_leftovers, seems_whole, write_text
from .core.errors import BundleError, CallError, StartLMError
from .core.language import Said, say
from .core.project_file import FILE, Flag, as_json, keep_flags, kept_flags, own_flags, read_file, said_of, with_flags
from .core.weight_folders import weights_mark
from .core.run_records import RunRecord, begin_run, fresh_folder, read_object, runs_of
from .core.settings import to_toml
from .deploy import DeploySettings, deploy_steps
from .evaluate import EvaluateSettings, evaluate_steps, note_reading
from .formats.paths import from_folder, from_here, move_paths
from .predict import PredictSettings, open_bundle, open_model
from .prepare import PrepareSettings, fingerprint_of, prepare_steps
from .tasks import known_task
from .train import TrainSettings, train_steps

STEPS = ("prepare", "build", "train", "evaluate", "deploy")
SECTIONS: dict[str, type] = {
    "prepare": PrepareSettings, "clean": CleanSettings, "build": BuildSettings, "train": TrainSettings,
    "evaluate": EvaluateSettings, "deploy": DeploySettings, "predict": PredictSettings,
}
PATHS = ("data", "join", "test", "plan")  # settings that are paths: in startlm.toml from the project's folder, as flags from where one stands
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
    light: bool = False  # a train that only writes the model out once more


class Project:
    """The settings and places of one project."""

    def __init__(self, folder: Path, flags: Mapping[str, Mapping[str, Any]] | None = None, *, forget_flags: bool = False) -> None:
        self.folder = folder
        self.task, self.written = read_file(folder, SECTIONS)
        known_task(self.task)
        own = [_with_path(flag, partial(from_folder, folder)) for flag in own_flags(flags or {}, self.written)]
        named = {(flag.section, flag.name) for flag in own}
        kept = [] if forget_flags else [flag for flag in kept_flags(folder, self.written) if (flag.section, flag.name) not in named]
        self.flags = [*kept, *own]
        self.in_force = [_with_path(flag, partial(from_here, folder)) for flag in kept]  # from earlier calls, as one would give them here
        self.settings = with_flags(self.written, self.flags)

    @property
    def data(self) -> str | tuple[str, ...]:
        if not self.settings["prepare"].data:
            raise CallError(say("It is not said which table to learn from.", "没有说明用哪张表来学习。"),
                            say('write under [prepare]: data = "…", from the project\'s folder', '在 [prepare] 下写：data = "…"，路径从项目文件夹算起'), where=str(self.folder / FILE))
        return move_paths("data", self.settings["prepare"].data, partial(from_here, self.folder))  # type: ignore[no-any-return]

    @property
    def bundles(self) -> Path:
        return self.folder / "bundles"

    def prepare_settings(self) -> PrepareSettings:
        """[prepare] with the paths made absolute from the project's folder."""
        settings = self.settings["prepare"]
        return replace(settings, data=self.data, join=move_paths("join", settings.join, partial(from_here, self.folder)), test=None if settings.test is None else from_here(self.folder, settings.test))

    def build_settings(self) -> BuildSettings:
        """[build] with its weights as seen from here, where they are a folder."""
        settings: BuildSettings = self.settings["build"]
        folder = None if settings.weights is None else Path(from_here(self.folder, settings.weights))
        return replace(settings, weights=str(folder)) if folder is not None and folder.is_dir() else settings

    def train_settings(self) -> TrainSettings:
        """[train] with the path of its plan as seen from here."""
        settings: TrainSettings = self.settings["train"]
        return replace(settings, plan=None if settings.plan is None else from_here(self.folder, settings.plan))

    @cached_property
    def marks(self) -> dict[str, str]:
        """The fingerprint of each step: of the data, of the settings that shape it, and of the step before it."""
        mark = fingerprint_of(self.data, self.prepare_settings(), self.settings["clean"], self.task)
        marks = {"prepare": mark}
        for step in STEPS[1:]:
            shaping = [asdict(self.settings[section]) for section in SHAPED_BY[step]]
            if step == "build" and (weights := self.build_settings().weights) is not None:
                shaping.append({"weights": weights_mark(weights)})
            mark = hashlib.sha256(f"{mark} {step} {json.dumps(shaping, sort_keys=True)}".encode()).hexdigest()
            marks[step] = mark
        return marks

    @property
    def prepared(self) -> Path:
        """Where prepare puts the examples of this data and these settings."""
        return self.folder / "data" / self.marks["prepare"][:16]

    def run(self) -> RunRecord:
        """The newest run that trains, or trained, just this; else a new one. [predict] shapes only what a training exports, so it keeps its run."""
        shaping = json.dumps(asdict(self.settings["train"]), sort_keys=True)
        mark = hashlib.sha256(f"{self.marks['build']} run {shaping}".encode()).hexdigest()
        runs = runs_of(self.folder)
        found = next((run for run in runs if run.mark == mark), None)
        return found or begin_run(fresh_folder(self.folder / "runs", time.strftime("%Y-%m-%d-%H%M%S")), mark, runs, self.marks, SHAPED_BY)

    def runs(self) -> list[Path]:
        """The folders of the runs, newest first."""
        return [run.folder for run in runs_of(self.folder)]


def _with_path(flag: Flag, seen: Callable[[str], str]) -> Flag:
    path = flag.name in PATHS or (flag.name == "weights" and Path(str(flag.value)).is_dir())
    return replace(flag, value=move_paths(flag.name, flag.value, seen)) if path else flag


# ------------------------------------------------------------- a new project

def new_project(folder: Path, given: Mapping[str, Any], comment: str, proposed: Mapping[str, Any] = MappingProxyType({}), task: str = "classify") -> Path:
    """Write startlm.toml with what is `given` for [prepare], what is `proposed` behind a #. Raises CallError where a project is there already."""
    path = folder / FILE
    if path.exists():
        raise CallError(say(f"There is a project in {folder} already.", f"{folder} 里已经有一个项目。"),
                        say("give another name, or edit its startlm.toml", "请换个名字，或修改它的 startlm.toml"), where=str(path))
    make_folder(folder)
    text = f'# {comment}\ntask = "{task}"\n\n' + "\n".join(to_toml(name, cls, *((given, proposed) if name == "prepare" else ({},))) for name, cls in SECTIONS.items())
    write_text(path, text)
    return path


# ------------------------------------------------------------------- a plan

def plan_project(project: Project) -> list[StepState]:
    """Which steps are stale and why, without doing anything."""
    run, runs = project.run(), runs_of(project.folder)
    last = run if run in runs or not runs else runs[0]
    states: list[StepState] = []
    before, anew = None, False  # the last stale step; whether the model will be another one though no setting changed
    for step in STEPS:
        done = run.steps.get(step) == project.marks[step]
        missing = _missing(project, run, step) if done else None
        light = step == "train" and "train" in run.steps and _can_export(run)
        if done and missing is None and not anew:
            states.append(StepState(step, False, say("done, nothing changed", "已完成，没有变化")))
        elif missing is not None:
            states.append(StepState(step, True, missing, light=light))
            anew = anew or (step == "train" and not (run.folder / "train" / "plan.json").exists())
            before = step if anew else before
        else:
            states.append(StepState(step, True, _why_stale(project, step, last, before), step in last.steps, light))
            before = before or step
    return states


def _missing(project: Project, run: RunRecord, step: str) -> Said | None:
    """What is not on disk any more of a step that was done, as far as can be told without reading all of it."""
    gone = say("what it made is gone or damaged", "它的结果不见了或已损坏")
    if step == "deploy":
        made, answers = deploy_step.made_by(project.bundles, project.marks["deploy"], run.folder / "train" / "model"), deploy_step.answers_now(project.bundles)
        if made is None or not seems_whole(made):
            return gone
        return None if answers == made.name else say("another version answers now", "现在上线的是另一个版本") if answers else say("no version answers now", "现在没有版本上线")
    there = {"prepare": lambda: seems_whole(project.prepared), "build": lambda: _built(run) is not None,
             "train": lambda: seems_whole(run.folder / "train" / "model"), "evaluate": lambda: _reported(run.folder) is not None}
    return None if there[step]() else gone


def _can_export(run: RunRecord) -> bool:
    """Whether all rungs of its plan are trained, so that the model is only to be written out once more."""
    plan = read_object(run.folder / "train" / "plan.json")
    return bool(plan) and all(seems_whole(run.folder / "train" / "rungs" / str(number)) for number in range(len(plan.get("rungs", []))))


def _why_stale(project: Project, step: str, last: RunRecord, before: str | None) -> Said:
    if step not in last.steps:
        return say("not done yet", "还没有做过") if before is None else say(f"follows {before}", f"在 {before} 之后")
    for section in SHAPED_BY[step]:
        was, now = last.settings.get(section, {}), as_json(project.settings[section])
        for key, value in now.items():
            if was.get(key) != value:
                return say(f"[{section}] {key} changed from {was.get(key)!r} to {value!r}", f"[{section}] {key} 从 {was.get(key)!r} 改成了 {value!r}")
    if step == "prepare":
        return say("the data changed", "数据变了")
    if before is None:  # all before it is done, so one of them was done by a call that went no further
        before = STEPS[STEPS.index(step) - 1]
        return say(f"{before} was done again", f"{before} 已重做")
    return say(f"follows {before}", f"在 {before} 之后")


def cost_of(project: Project, states: list[StepState]) -> Said:
    """What a run would cost, from the settings and from the times of earlier runs."""
    if not any(state.stale for state in states):
        return say("A run would do nothing: everything is done.", "再运行一次什么也不会做：全部已完成。")
    times: dict[str, float] = {}
    for run in reversed(runs_of(project.folder)):
        times |= run.times
    known = sum(times.get(state.step, 0.0) for state in states if state.stale and not state.light)
    last = say(f"; the same steps took {known:.0f} s last time", f"；上次这些步骤用了 {known:.0f} 秒") if known else say("", "")
    if not any(state.step == "train" and state.stale and not state.light for state in states):
        return say(f"A run would train nothing{last.en}.", f"再运行一次不需要训练{last.zh}。")
    budget = project.settings["train"].budget
    return say(f"A run would train for at most {budget}{last.en}.", f"运行一次最多训练 {budget}{last.zh}。")


def bring_back(project: Project, version: str) -> Path:
    """Let an older version answer again. Raises CallError where there is none of that name."""
    with hold(project.folder):
        return deploy_step.bring_back(project.bundles, version).folder


# -------------------------------------------------------------------- a run

def run_project(project: Project, until: str = "deploy") -> Iterator[Progress]:
    """Do what is stale, up to and including the step `until`; the last Progress of each step carries a StepDone."""
    with hold(project.folder):
        for folder in _workplaces(project.folder):
            remove_leftovers(folder)
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


def _workplaces(folder: Path) -> list[Path]:
    """The folders in which only a run writes: what a killed one left there is nobody's. The project's own also takes answers of predict."""
    return [path for pattern in ("data", "bundles", "runs", "runs/*", "runs/*/train", "runs/*/train/r*") for path in folder.glob(pattern) if path.is_dir()]


def _again(states: list[StepState]) -> StepState | None:
    """The first step that was done before and must be done again because its data or settings changed."""
    first = next((state for state in states if state.stale), None)
    return first if first is not None and first.changed else None


class _Run:
    """One pass through the steps in runs/<time-name>/, gone on with where an earlier call stopped."""

    def __init__(self, project: Project) -> None:
        self.project, self.marks, self.record = project, project.marks, project.run()
        self.folder = self.record.folder
        self.wrote, self.was_fresh = self.folder, False

    def done(self, step: str) -> bool:
        return self.record.steps.get(step) == self.marks[step]

    def note(self, step: str, done: StepDone) -> None:
        """Write down that the step is behind us, and its time."""
        if done.fresh:
            return
        self.record.steps[step] = self.marks[step]
        self.record.settings |= {section: as_json(self.project.settings[section]) for section in SHAPED_BY[step]}
        self.record.times[step] = round(done.seconds, 3)
        self.record.save()

    def undo(self, *steps: str) -> None:
        """What is about to be replaced must not count as the old one, should this be broken off."""
        if [self.record.steps.pop(step) for step in steps if step in self.record.steps]:
            self.record.save()

    def prepare(self) -> Iterator[Progress]:
        before = _stamp(self.project.prepared)
        settings = self.project.prepare_settings()
        last = None
        for last in prepare_steps(self.project.data, settings=settings, clean=self.project.settings["clean"], folder=self.project.folder / "data", task=self.project.task):
            yield last
        self.examples: Examples = last.result  # type: ignore[union-attr]
        self.wrote, self.was_fresh = self.examples.folder, self.done("prepare") and before == _stamp(self.examples.folder)

    def build(self) -> Iterator[Progress]:
        self.wrote = self.folder / "build.json"
        described = _built(self.record) if self.done("build") else None
        self.was_fresh = described is not None
        self.model = described or build_model(self.examples, settings=self.project.build_settings())
        if described is None or self.record.build != self.wrote:
            self.record.save()
            save_model(self.model, self.wrote)
        for line in describe_rungs(self.model):
            yield Progress("build", said=line)
        yield Progress("build", 1, 1, said=say(f"To try, cheapest first: {', '.join(rung.family for rung in self.model.rungs)}.",
                                               f"由便宜到昂贵依次尝试：{'、'.join(rung.family for rung in self.model.rungs)}。"))

    def train(self) -> Iterator[Progress]:
        folder = self.folder / "train"
        self.wrote, self.was_fresh = folder / "model", self.done("train") and _opens(folder / "model")
        if self.was_fresh:
            self.model = replace(self.model, folder=folder / "model")
            yield Progress("train", said=say("Nothing changed: the trained model is used again.", "没有变化：直接使用已训练好的模型。"))
            return
        # Without its plan the model comes out with other bits, which the old report does not tell of.
        self.undo("train", *([] if (folder / "plan.json").exists() else ["evaluate"]))
        last = None
        for last in train_steps(self.model, self.examples, settings=self.project.train_settings(), predict=self.project.settings["predict"], folder=folder):
            yield replace(last, result=None)
        self.model = last.result  # type: ignore[union-attr]

    def evaluate(self) -> Iterator[Progress]:
        reported = _reported(self.folder) if self.done("evaluate") else None
        self.wrote, self.was_fresh = self.folder / "report.html", reported is not None
        if reported is not None:
            self.report = reported
            yield Progress("evaluate", said=Said(**self.report.content["headline"]))
            return
        self.undo("evaluate")
        last = None
        for last in evaluate_steps(self.model, self.examples, settings=self.project.settings["evaluate"], folder=self.folder):
            yield last
        self.report = last.result  # type: ignore[union-attr]
        first = self.report.content["figures"][0]
        readings = note_reading(self.project.folder / "runs" / "test-readings.json", self.marks["train"], self.examples.meta["test_fingerprint"],
                                first["value"], first["name"])
        yield Progress("evaluate", said=say(f"Reading {readings} of this test part (runs/test-readings.json).", f"这是第 {readings} 次读取该测试部分（runs/test-readings.json）。"))

    def deploy(self) -> Iterator[Progress]:
        # A version is known by what made it: also one that was published when the run was broken off before it could note so.
        made = deploy_step.made_by(self.project.bundles, self.marks["deploy"], self.folder / "train" / "model")
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


def _built(run: RunRecord) -> Model | None:
    """The model that build described for this run; None where its build.json is gone or damaged."""
    try:
        return load_model(run.build)
    except (CallError, KeyError, TypeError):
        return None


def _reported(folder: Path) -> Report | None:
    """The report in a run's folder; None where it is gone or damaged."""
    content = read_object(folder / "report.json")
    return Report(folder, content) if "headline" in content and (folder / "report.html").is_file() else None


def _stamp(folder: Path) -> tuple[int, int] | None:
    """Tells a published folder from the one that takes its place."""
    try:
        found = (folder / "manifest.json").stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
