"""Step 3 of 5, train: climb the ladder, keep what pays, train the chosen recipe once more on train + dev, export what answers.

What a clock decides (threads, precision, steps) is written to plan.json before the first step; from there on the same plan
gives the same bits, whether or not the run is broken off and goes on.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Iterator, Literal, Mapping, NamedTuple, Sequence

import numpy as np

from .columns.encoded import ColumnEncoder
from .columns.target import Target
from .core.artifacts import CHEAPEST, Examples, Model
from .core.contracts import Fitted, Inputs, Labelled, Progress, Recipe
from .core.durable import json_bytes, publish_folder, read_json, remove_leftovers, write_json
from .core.errors import CallError
from .core.inputs import encode_inputs
from .core.language import Said, say
from .core.members import cast_roles, dear_of, joined
from .core.parts import folds_of
from .core.recipes import TEACHER, TEACHES, describe_cost, describe_shortage, difference, recipe_from_json, without_times
from .core.rungs import Rung, fitted_files, keep_fold, keep_rung, read_fold, read_rung, say_damaged
from .core.settings import OFF, at_least_one, seconds_of, share_of, with_given
from .core.shelves import look_up
from .core.temporary import temporary_folder
from .engines import ENGINES
from .families import FAMILIES
from .families.network import fit_network_steps
from .families.prices import Ground, dealt, enough_for, priced, smaller_sizes
from .families.teaching import beside, taught_steps, together
from .predict import SCHEMA, PredictSettings
from .tasks import TASKS
from .tasks.ladder import Ladder
from .tokenizers import TOKENIZERS

FOLDS = 5
FOR_TRAINING = 0.85  # of the budget: the rest is for export, int8 and calibration


@dataclass(frozen=True)
class TrainSettings:
    """Settings of [train]."""

    budget: str = field(default="5m", metadata={"check": seconds_of})
    """How long training may take in all, for instance "90s", "5m", "1h".

    训练总共可用的时间，如 "90s"、"5m"、"1h"。"""
    class_weights: Literal["none", "balanced"] = "none"
    """Whether rare labels count as much as frequent ones.

    少见标签是否与常见标签同等重要。"""
    threads: int | None = field(default=None, metadata={"check": at_least_one})
    """Threads to train with; left out, a short measurement chooses.

    训练用的线程数；不写则由短时测量决定。"""
    loss: Literal["squared", "absolute", "quantiles"] = "squared"
    """For the task score: what is minimised, the squared error (answers tend to the mean), the absolute one (to the median: the least mean
    absolute error), or the pinball losses of three quantiles: the answer is the median, its interval wide where rows are hard to tell.
    Models are compared by the same loss.

    任务为 score 时最小化什么：平方误差（答案趋向平均值）、绝对误差（趋向中位数，平均绝对误差最小），或三个分位数的 pinball 损失：回答是中位数，难答的行区间宽。模型之间也按同一损失比较。"""
    optimiser: Literal["adamw", "sgd"] = "adamw"
    """How the gradient moves a network's weights: adamw gives each weight a step of its own; sgd (momentum 0.9) one step size for
    all, 30 times the recipe's, and needs more passes.

    梯度怎样改动网络的权重：adamw 为每个权重各定步长；sgd（动量 0.9）所有权重同一步长，为配方步长的 30 倍，需要更多遍数。"""
    patience: int = 0
    """Early stopping: after so many looks at dev (one a pass over the rows) without a better figure a network stops training. 0 never
    stops: the step size ends at zero, so the last passes are often the best, and the weights of the best look are kept anyway. Under
    2,000 rows there is no dev part to look at.

    提前停止：连续这么多次查看 dev（每遍一次）都没有更好的结果时，网络停止训练。0 表示不提前停止：步长最后降到零，最后几遍常常最好，
    而且无论如何都会保留最好那次的权重。不足 2,000 行时没有 dev 部分可看。"""
    seed: int = 0
    """Seed of every random choice in training.

    训练中一切随机选择的种子。"""
    plan: str | None = None
    """A plan.json of another run to follow instead of measuring this machine anew: the same plan gives the same bits.

    沿用另一次运行的 plan.json，而不重新测量本机：计划相同，结果逐位相同。"""


def train_model(model: Model, examples: Examples, *, settings: TrainSettings = TrainSettings(),
                predict: PredictSettings = PredictSettings(), folder: Path | None = None, **given: Any) -> Model:
    """The trained model; `train_steps` is the generator inside.

    >>> from startlm import build_model, prepare_examples
    >>> rows = [{"m": f"refund {i}", "t": "money"} for i in range(9)] + [{"m": f"parcel {i}", "t": "post"} for i in range(9)]
    >>> examples = prepare_examples(rows, text="m", label="t")
    >>> train_model(build_model(examples, family="linear"), examples).folder.name
    'model'
    """
    *_, last = train_steps(model, examples, settings=with_given(settings, given, section="train", call="train_model"), predict=predict, folder=folder)
    return last.result  # type: ignore[no-any-return]


def train_steps(model: Model, examples: Examples, *, settings: TrainSettings, predict: PredictSettings = PredictSettings(),
                folder: Path | None = None) -> Iterator[Progress]:
    """Train, with a sign of life after every few batches; the last Progress carries the trained Model.

    `folder` holds the plan, the rungs and checkpoints; called again with the same folder it goes on where it stopped.
    """
    folder = folder or temporary_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for place in (folder, folder / "rungs", folder / "refit"):
        remove_leftovers(place)
    climb = _Climb(model, examples, settings, predict, folder)
    plan = yield from climb.plan()
    rungs = []
    for number, recipe in enumerate(plan):
        rungs.append((yield from climb.rung(number, recipe)))
    chosen, ladder = Ladder(climb.task, climb.truth, settings.loss, settings.seed, folded=climb.crossfit).choose(rungs)
    yield Progress("train", said=say(f"Chosen: {' + '.join(rungs[i].name for i in chosen)}.", f"选中：{' + '.join(rungs[i].name for i in chosen)}。"))
    final: dict[int, Fitted] = {}
    for number in dict.fromkeys([*chosen, 0]):
        final[number] = yield from climb.refit(number, rungs[number])
    target, settled = climb.export(chosen, final, rungs, predict, ladder)
    if chosen != [0]:
        climb.export([0], final, rungs, PredictSettings(), ladder[:1], name=CHEAPEST)
    for said in settled:
        yield Progress("train", said=said)
    yield Progress("train", 1, 1, result=replace(model, folder=target, ladder=tuple(ladder)), said=say("The model is exported.", "模型已导出。"))


def _shaping(model: Model, settings: TrainSettings) -> dict[str, Any]:
    """What shapes a training beside its rungs and rows; what the plan fixes (budget, threads) is not in it."""
    return {"labels": len(model.labels), **{name: getattr(settings, name) for name in ("seed", "class_weights", "loss", "optimiser", "patience")}}


def _mark(model: Model, examples: Examples, settings: TrainSettings) -> str:
    """Tells the training of these rows, rungs and settings from any other."""
    mine = {"examples": examples.fingerprint, "settings": _shaping(model, settings), "rungs": [asdict(rung) for rung in model.rungs]}
    return hashlib.sha256(json_bytes(mine)).hexdigest()


class _Climb:
    """One ladder being climbed in one folder. Every finished piece is a durable folder: a second call finds it there."""

    def __init__(self, model: Model, examples: Examples, settings: TrainSettings, predict: PredictSettings, folder: Path) -> None:
        examples.check_made_for(asdict(model), model.labels)
        self.model, self.examples, self.settings, self.folder = model, examples, settings, folder
        self.mark, self.shaping = _mark(model, examples, settings), _shaping(model, settings)
        self.task = look_up(TASKS, model.task, say("task", "任务"))
        self.count = self.task.outputs(model.labels, settings.loss)
        self.begun = self.task.begun(model.labels, examples.every_label, predict) | ({"target": dict(model.target)} if model.target else {})
        self.begun |= {"separator": model.separator} if model.separator else {}
        self.begun |= {"always_some": bool(examples.known("train", "dev", "calibration").any(axis=1).all())} if examples.several else {}
        self.encoder = ColumnEncoder.from_state(list(model.columns))
        self.crossfit = examples.crossfit
        self.learn = self._rows("train", "dev") if self.crossfit else self._rows("train")
        self.dev = None if self.crossfit else self._rows("dev")
        self.truth = self.learn.labels if self.dev is None else self.dev.labels
        self.teacher: int | None = None  # the number of the rung that teaches
        teaching = any(TEACHER in recipe.options for recipe in model.rungs) and not self.encoder.kinds  # rows without a label are kept without their other columns
        known = set(examples.frame["text"].to_list()) if teaching else set()  # a text that dev, calibration or test ask about is not learnt from, labelled or not
        self.unlabelled = Inputs([text for text in examples.unlabelled["text"].to_list() if text not in known] if teaching else [])

    def _rows(self, *parts: str) -> Labelled:
        """The rows of these parts, targets on the model's scale."""
        rows = self.examples.labelled(*parts, encoder=self.encoder)
        return rows if self.model.target is None else replace(rows, labels=Target.from_state(self.model.target).to_model(rows.labels))

    # --- what the clock decides, once
    def plan(self) -> Iterator[Progress]:
        """The rungs that the budget pays for, each with its descent planned; read back where a plan is there already."""
        path = self.folder / "plan.json"
        if self.settings.plan is not None and not path.exists():
            write_json(path, {**self._plan_of_another(Path(self.settings.plan)), "mark": self.mark})
        if not path.exists():
            began, prices, rungs = time.monotonic(), [], []
            for number, recipe in enumerate(self.model.rungs):
                yield Progress("train", number, len(self.model.rungs))
                recipe = replace(recipe, options={**recipe.options, **self._options(recipe)})
                prices.append(priced(_family(recipe), recipe, self._ground(recipe)))
            budget = seconds_of(self.settings.budget)
            there = budget * FOR_TRAINING - (time.monotonic() - began)
            for number, (price, share) in enumerate(zip(prices, dealt(prices, there))):
                yield Progress("train", said=describe_cost(price.recipe, share.seconds))
                if share.need > share.there:
                    smaller = [(other, taken) for other, taken in smaller_sizes(_family(price.recipe), price.recipe, self.examples.facts, share.need) if taken <= share.there]
                    wanted = budget + (enough_for(number, prices, there) - there) / FOR_TRAINING
                    yield Progress("train", said=describe_shortage(price.recipe, share.need, share.there, wanted, smaller))
                if share.seconds is not None:
                    rungs.append(price.within(share.seconds))
            write_json(path, {"mark": self.mark, "settings": self.shaping, "rungs": [asdict(recipe) for recipe in rungs]})
        plan = read_json(path)
        if plan["mark"] != self.mark:  # its weights would be taken for these
            raise CallError(say("This folder holds another training.", "这个文件夹里是另一次训练。"), say("give another folder", "请换一个文件夹"), where=str(self.folder))
        recipes = [recipe_from_json(recipe) for recipe in plan["rungs"]]
        self.teacher = next((number for number, recipe in enumerate(recipes) if TEACHES in recipe.options), None)
        return recipes

    def _plan_of_another(self, path: Path) -> Any:
        """The plan in this file. Raises CallError where it is none, or one for other settings: what it fixes would not be what is asked for."""
        plan = read_json(path)
        try:
            wrong = difference(plan["settings"], self.shaping, [recipe_from_json(recipe) for recipe in plan["rungs"]], self.model.rungs)
        except (KeyError, TypeError, AttributeError):
            wrong = say("it is not a plan.json of this version", "它不是本版本的 plan.json")
        if wrong is not None:
            raise CallError(say(f"This is not a plan for what is to be trained: {wrong.en}.", f"这不是本次训练可用的计划：{wrong.zh}。"),
                            say("give the runs/…/train/plan.json of a run with the same settings under [build] and [train], or leave plan out",
                                "请给出 [build] 和 [train] 设置相同的一次运行的 runs/…/train/plan.json，或不写 plan"), where=str(path))
        return plan

    def _ground(self, recipe: Recipe) -> Ground:
        """What this rung is trained on."""
        learn = together(self.learn, beside(self.learn, self.unlabelled, self.settings.seed)) if TEACHER in recipe.options else self.learn
        passes = 1 + (FOLDS if self.dev is None else (len(learn) + len(self.dev)) / len(learn))  # the last fit learns from dev too
        return Ground(learn, self.dev, self.count, passes, self.settings.seed, self.settings.threads, self.folder)

    def _options(self, recipe: Recipe) -> dict[str, Any]:
        """What the settings add to a recipe."""
        settings = self.settings
        descent = {"optimiser": settings.optimiser, "patience": settings.patience} if hasattr(_family(recipe), "network") else {}
        if self.model.target is not None:
            return {"loss": settings.loss, **descent}
        return {"class_weights": None if settings.class_weights == "none" else settings.class_weights, **descent}

    # --- one rung
    def rung(self, number: int, recipe: Recipe) -> Iterator[Progress]:
        target = self.folder / "rungs" / str(number)
        if (kept := read_rung(target, TOKENIZERS)) is not None:
            return kept
        yield from say_damaged(target)
        if self.dev is None:
            rung = yield from self._crossfit(recipe, target)
        else:
            fitted = yield from self._fit(recipe, self.learn, self.dev, target)
            rung = Rung(fitted, _answer(fitted, self.dev))
        keep_rung(target, rung)
        figure, said = self.task.described(rung.logits, self.truth)
        yield Progress("train", figure=figure, said=say(f"{rung.name}: {said.en}.", f"{rung.name}：{said.zh}。"))
        return rung

    def _crossfit(self, recipe: Recipe, target: Path) -> Iterator[Progress]:
        """The rung fitted on all rows that learn, with its out-of-fold logits on them, the choices already made. Returns Rung."""
        whole = target.with_name(f"{target.name}-whole")
        if (kept := read_rung(whole, TOKENIZERS)) is None:
            yield from say_damaged(whole)
            fitted = yield from self._fit(recipe, self.learn, None, whole)
            kept = Rung(fitted, np.zeros((0, self.count), dtype=np.float32))
            keep_rung(whole, kept)
        label, groups = (self.examples.frame[name][self.examples.rows_of("train", "dev")].to_numpy() for name in ("label", "group"))
        fold = folds_of(label, groups, FOLDS, self.settings.seed)
        logits = np.zeros((len(self.learn), 0), dtype=np.float32)
        for number in range(FOLDS):
            inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            if not len(outside) or not len(inside):
                continue
            part = target.with_name(f"{target.name}-fold-{number}")
            if (answers := read_fold(part)) is None:
                yield from say_damaged(part)
                fitted = yield from self._fit(kept.fitted.recipe, self.learn.take(inside), None, part)
                answers = _answer(fitted, self.learn.take(outside))
                keep_fold(part, answers)
            if not logits.shape[1]:  # as wide as the engine's answers are: a number may come as the difference of two
                logits = np.zeros((len(self.learn), answers.shape[1]), dtype=np.float32)
            logits[outside] = answers
        if not logits.shape[1]:  # rows that cannot be divided: no fold says anything
            logits = np.zeros((len(self.learn), self.count), dtype=np.float32)
        return Rung(kept.fitted, logits)

    def _fit(self, recipe: Recipe, train: Labelled, dev: Labelled | None, target: Path) -> Iterator[Progress]:
        """Fit one recipe; returns Fitted."""
        family, fitted = _family(recipe), None
        if TEACHER in recipe.options:
            train = yield from self._taught(train, target)
        if hasattr(family, "network"):
            steps = fit_network_steps(family, train, dev, self.count, recipe, self.settings.seed, target.with_name(f"{target.name}-checkpoints"))
        else:
            kept = {"kept": self.folder / family.keeps} if hasattr(family, "keeps") else {}
            steps = family.fit_steps(train, dev, self.count, recipe, self.settings.seed, **kept)
        for progress in steps:
            fitted = progress.result
            yield replace(progress, result=None)
        return fitted

    def _taught(self, train: Labelled, target: Path) -> Iterator[Progress]:
        """The rows with what the rung that teaches, its choices made, says of them at its temperature. Returns Labelled."""
        teacher = read_rung(self.folder / "rungs" / str(self.teacher), TOKENIZERS)
        temperature = self.task.temperatures([teacher.logits], self.truth)[0]  # type: ignore[union-attr]
        fit = lambda rows, part: self._fit(teacher.fitted.recipe, rows, None, part)  # type: ignore[union-attr]  # noqa: E731
        return (yield from taught_steps(train, self.unlabelled, self.count, self.settings.seed, place=target, fit=fit,
                                        say_of=lambda fitted, rows: self.task.of_member(_answer(fitted, rows), temperature)))  # fmt: skip

    # --- the chosen recipe once more, and what answers
    def refit(self, number: int, rung: Rung) -> Iterator[Progress]:
        """Train + dev with every choice fixed. With folds, the rung has seen all of these rows already."""
        if self.crossfit:
            return rung.fitted
        target = self.folder / "refit" / str(number)
        if (kept := read_rung(target, TOKENIZERS)) is not None:
            return kept.fitted
        yield from say_damaged(target)
        fitted = yield from self._fit(rung.fitted.recipe, self._rows("train", "dev"), None, target)
        keep_rung(target, Rung(fitted, np.zeros((0, self.count), dtype=np.float32)))
        return fitted

    def export(self, chosen: Sequence[int], final: Mapping[int, Fitted], rungs: Sequence[Rung], predict: PredictSettings, ladder: Sequence[Mapping[str, Any]],
               name: str = "model") -> tuple[Path, list[Said]]:
        """The model folder: temperature, thresholds, intervals from calibration (out of fold where rows are few); and what was settled, in words."""
        calibration = self.learn if self.crossfit else self._rows("calibration")
        hear = lambda team: self._hear([rungs[i].logits for i in team], [final[i] for i in team], calibration)  # noqa: E731
        team, roles, heard, cascade, settled = list(chosen), [""] * len(chosen), None, None, []
        if chosen != [0] and self.teacher is None and hasattr(self.task, "cascade") and predict.cascade != OFF:
            wider, cast = [0, *(number for number in chosen if number)], cast_roles(len({0, *chosen}), averaged=0 in chosen)
            asked = hear(wider)
            cascade, said = self._cascade(cast, asked, calibration.labels, share_of(predict.cascade))
            settled.append(said)
            team, roles, heard = (wider, cast, asked) if cascade is not None else (team, roles, None)
        heard = heard or hear(team)
        mean = lambda parts: joined(parts, roles, None if cascade is None else cascade["threshold"])  # noqa: E731
        of_task, said = self.task.settled(mean(heard.calibration), calibration.labels, self.begun, predict, (mean(heard.chose), self.truth))
        settings = {
            "schema": SCHEMA, "task": self.model.task, "text": list(self.model.text), "columns": list(self.model.columns), "cleaning": dict(self.model.cleaning),
            "ladder": list(ladder),
            "members": [{"family": recipe.family, "size": recipe.size, "parameters": recipe.parameters, "options": without_times(final[number].recipe),
                         "tokenizer": recipe.tokenizer, "engine": _family(recipe).engine, "temperature": t} | ({"role": role} if role else {})
                        for number, t, role in zip(team, heard.temperatures, roles) for recipe in [final[number].recipe]],
        } | self.begun | of_task | ({} if cascade is None else {"cascade": cascade})
        files = {"model.json": json_bytes(settings)}
        for place, number in enumerate(team):
            files |= {f"members/{place}/{file}": data for file, data in fitted_files(final[number]).items()}
        target = self.folder / name
        with publish_folder(target, {"kind": "startlm model"}, replace=True) as folder:
            for file, data in files.items():
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).write_bytes(data)
        return target, settled if said is None else [*settled, said]

    def _hear(self, chose: Sequence[np.ndarray], final: Sequence[Fitted], calibration: Labelled) -> _Heard:
        temperatures = self.task.temperatures(chose, self.truth)
        at_their_own = lambda logits: [self.task.of_member(each, t) for each, t in zip(logits, temperatures)]  # noqa: E731
        return _Heard(temperatures, at_their_own(chose), at_their_own(chose if self.crossfit else [_answer(fitted, calibration) for fitted in final]))

    def _cascade(self, roles: Sequence[str], heard: _Heard, labels: np.ndarray, allowed: float) -> tuple[dict[str, Any] | None, Said]:
        """What model.json says of a cascade, from every row that none of its members learnt from."""
        known = [(heard.chose, self.truth)] if self.crossfit else [(heard.chose, self.truth), (heard.calibration, labels)]
        cheap, dear = (np.concatenate(each) for each in zip(*((parts[0], dear_of(parts, roles)) for parts, _ in known)))
        return self.task.cascade(cheap, dear, np.concatenate([truth for _, truth in known]), allowed=allowed, seed=self.settings.seed)  # type: ignore[no-any-return]


class _Heard(NamedTuple):
    """Members' temperatures, and what each says, at its own, to the rows that choose and to those that calibrate."""

    temperatures: Sequence[float]
    chose: Sequence[np.ndarray]
    calibration: Sequence[np.ndarray]


# ------------------------------------------------------------- what answers

def _family(recipe: Recipe) -> Any:
    return look_up(FAMILIES, recipe.family, say("family", "模型种类"))


def _answer(fitted: Fitted, rows: Inputs) -> np.ndarray:
    """float32 (N, L), by the very engine that will answer from the bundle."""
    engine = look_up(ENGINES, _family(fitted.recipe).engine, say("engine", "引擎")).from_state(fitted.engine)
    return engine.logits(encode_inputs(fitted.tokenizer, rows))  # type: ignore[no-any-return]
