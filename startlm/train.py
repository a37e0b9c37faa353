"""Step 3 of 5, train: climb the ladder, keep what pays, train the chosen recipe once more on train + dev, export what answers.

What a clock decides (threads, precision, steps) is written to plan.json before the first step; from there on the same plan
gives the same bits, whether or not the run is broken off and goes on.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Iterator, Literal, Mapping, Sequence

import numpy as np

from .columns.encoded import ColumnEncoder
from .columns.target import Target
from .core.artifacts import CHEAPEST, Examples, Model
from .core.contracts import Figure, Fitted, Inputs, Labelled, Progress, Recipe
from .core.durable import json_bytes, publish_folder, read_json, remove_leftovers, write_json
from .core.errors import CallError
from .core.inputs import encode_inputs
from .core.language import Said, say
from .core.parts import folds_of
from .core.recipes import describe_cost, describe_shortage, difference, recipe_from_json, without_times
from .core.rungs import Answering, Rung, fitted_files, keep_fold, keep_rung, read_fold, read_rung, say_damaged
from .core.settings import at_least_one, seconds_of, with_given
from .core.shelves import look_up
from .engines import ENGINES
from .families import FAMILIES
from .families.network import fit_network_steps
from .families.prices import Ground, priced, smaller_sizes
from .metrics.comparison import paired_gain
from .predict import SCHEMA, PredictSettings
from .tasks import TASKS
from .tokenizers import TOKENIZERS

FOLDS = 5
FOR_TRAINING = 0.85  # of the budget: the rest is for export, int8 and calibration
SURE = 0.80  # confidence level of the interval of a rung's gain, which must lie above WORTH
WORTH = 0.005  # nats a row: a gain below this is not worth a dearer model


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
    folder = folder or Path(tempfile.mkdtemp(prefix="startlm-"))
    folder.mkdir(parents=True, exist_ok=True)
    for place in (folder, folder / "rungs", folder / "refit"):
        remove_leftovers(place)
    climb = _Climb(model, examples, settings, predict, folder)
    plan = yield from climb.plan()
    rungs = []
    for number, recipe in enumerate(plan):
        rungs.append((yield from climb.rung(number, recipe)))
    chosen, ladder = climb.choose(rungs)
    yield Progress("train", said=say(f"Chosen: {' + '.join(rungs[i].name for i in chosen)}.", f"选中：{' + '.join(rungs[i].name for i in chosen)}。"))
    final = []
    for number in chosen:
        final.append((yield from climb.refit(number, rungs[number])))
    answering = [Answering(fitted, rungs[i]) for fitted, i in zip(final, chosen)]
    if chosen != [0] and len(rungs) > 1:
        cheapest = Answering(final[chosen.index(0)] if 0 in chosen else (yield from climb.refit(0, rungs[0])), rungs[0])
        climb.export([cheapest], PredictSettings(), ladder[:1], name=CHEAPEST)
        target = climb.export(answering, predict, ladder, cheap=cheapest)
    else:
        target = climb.export(answering, predict, ladder)
    yield from (Progress("train", said=said) for said in climb.settled)
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
        self.settled: list[Said] = []  # what calibration rows settled, in words
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
            began, rungs, threads = time.monotonic(), [], self.settings.threads
            ground = Ground(self.learn, self.dev, self.count, 1 + (FOLDS if self.crossfit else 1), self.settings.seed, threads, self.folder)
            for number, recipe in enumerate(self.model.rungs):
                recipe = replace(recipe, options={**recipe.options, **self._options(recipe)})
                left = seconds_of(self.settings.budget) * FOR_TRAINING - self._spent(rungs) - (time.monotonic() - began)
                share = left / (len(self.model.rungs) - number)
                recipe, seconds, least, enough = priced(_family(recipe), recipe, ground, share)
                pays = enough or len(self.model.rungs) == 1  # asked for by name, it is trained for as long as the budget lasts
                yield Progress("train", said=describe_cost(recipe, seconds, pays))
                if not enough or seconds > left:
                    budget = seconds_of(self.settings.budget) + max(least - left, 0) / FOR_TRAINING
                    there = left if enough else share
                    smaller = [(other, taken) for other, taken in smaller_sizes(_family(recipe), recipe, self.examples.facts, least) if taken <= there]
                    yield Progress("train", said=describe_shortage(recipe, least, there, budget, smaller))
                if pays:
                    rungs.append((recipe, seconds))
            write_json(path, {"mark": self.mark, "settings": self.shaping, "rungs": [asdict(recipe) for recipe, _ in rungs]})
        plan = read_json(path)
        if plan["mark"] != self.mark:  # its weights would be taken for these
            raise CallError(say("This folder holds another training.", "这个文件夹里是另一次训练。"), say("give another folder", "请换一个文件夹"), where=str(self.folder))
        return [recipe_from_json(recipe) for recipe in plan["rungs"]]

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

    @staticmethod
    def _spent(rungs: Sequence[tuple[Recipe, float]]) -> float:
        return sum(seconds for _, seconds in rungs)

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
        if hasattr(family, "network"):
            steps = fit_network_steps(family, train, dev, self.count, recipe, self.settings.seed, target.with_name(f"{target.name}-checkpoints"))
        else:
            kept = {"kept": self.folder / family.keeps} if hasattr(family, "keeps") else {}
            steps = family.fit_steps(train, dev, self.count, recipe, self.settings.seed, **kept)
        for progress in steps:
            fitted = progress.result
            yield replace(progress, result=None)
        return fitted

    # --- which rungs pay
    def choose(self, rungs: Sequence[Rung]) -> tuple[list[int], list[dict[str, Any]]]:
        """The numbers of the members, and the ladder's table."""
        answers = [self.task.calibrated(rung.logits, self.truth) for rung in rungs]
        best, table = [0], [self._line(rungs[0].fitted.recipe, answers[0], None, True)]
        for number in range(1, len(rungs)):
            gain, pays = self._pays(answers[best[0]], answers[number])
            table.append(self._line(rungs[number].fitted.recipe, answers[number], gain, pays))
            best = [number] if pays else best
        if len(rungs) > 1:
            blend = self._blend(answers)
            mixed = self.task.calibrated(self.task.joined([answers[i] for i in blend]), self.truth)
            gain, pays = self._pays(answers[best[0]], mixed)
            pays = pays and len(blend) > 1
            table.append(self._line(Recipe("blend", " + ".join(rungs[i].fitted.recipe.family for i in blend), ""), mixed, gain, pays))
            best = blend if pays else best
        return best, table

    def _blend(self, answers: Sequence[np.ndarray]) -> list[int]:
        """All rungs, less those whose leaving lowers the mean loss."""
        members = list(range(len(answers)))
        loss = lambda rows: float(self._losses(self.task.joined([answers[i] for i in rows])).mean())  # noqa: E731
        while len(members) > 1:
            without = min(members, key=lambda i: loss([j for j in members if j != i]))
            fewer = [j for j in members if j != without]
            if loss(fewer) >= loss(members):
                break
            members = fewer
        return members

    def _losses(self, answers: np.ndarray) -> np.ndarray:
        """float64 (N,): rungs are compared by the loss that is asked for, or a rung that is best at it would be passed over."""
        return self.task.losses(answers, self.truth, self.settings.loss)  # type: ignore[no-any-return]

    def _pays(self, old: np.ndarray, new: np.ndarray) -> tuple[Figure, bool]:
        """The fall of the loss per row, and whether it is surely worth a dearer model and nothing a user counts is worse."""
        gain = paired_gain(self._losses(old), self._losses(new), self.settings.seed, level=SURE, losses=True)
        return gain, _surely_above(gain, WORTH) and not self.task.worse(old, new, self.truth, seed=self.settings.seed, level=SURE)

    def _line(self, recipe: Recipe, answers: np.ndarray, gain: Figure | None, kept: bool) -> dict[str, Any]:
        return {"family": recipe.family, "size": recipe.size, "parameters": recipe.parameters, "n": len(self.truth), **self.task.shown(answers, self.truth, self.settings.loss),
                "gain": None if gain is None or gain.value is None else [gain.value, gain.low, gain.high], "level": SURE, "kept": kept}

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

    def export(self, members: Sequence[Answering], predict: PredictSettings, ladder: Sequence[Mapping[str, Any]], *, cheap: Answering | None = None,
               name: str = "model") -> Path:
        """The model folder: temperature, thresholds, intervals from calibration (out of fold where rows are few). With `cheap`, a cascade where one is worth it."""
        calibration = self.learn if self.crossfit else self._rows("calibration")
        cascade, self.settled = {}, []
        if cheap is not None and hasattr(self.task, "cascade"):
            (first, first_chose, one), (answers, chose, others) = self._parts([cheap, *members], 1, calibration)
            cascade = self.task.cascade(first, answers, calibration.labels, predict)
        if cascade:
            answers, chose = (self.task.cascaded(*each, cascade["cascade"]) for each in ((first, answers), (first_chose, chose)))
            members, temperatures = [cheap, *members], [*one, *others]  # type: ignore[list-item]
            self.settled.append(Said(**cascade["cascade"]["said"]))
        else:
            ((answers, chose, temperatures),) = self._parts(members, 0, calibration)
        settled, threshold = self.task.settled(answers, calibration.labels, self.begun, predict, (chose, self.truth))
        self.settled += [threshold] if threshold is not None else []
        settings = {
            "schema": SCHEMA, "task": self.model.task, "text": list(self.model.text), "columns": list(self.model.columns), "cleaning": dict(self.model.cleaning),
            "ladder": list(ladder),
            "members": [{"family": fitted.recipe.family, "size": fitted.recipe.size, "parameters": fitted.recipe.parameters, "options": without_times(fitted.recipe),
                         "tokenizer": fitted.recipe.tokenizer, "engine": _family(fitted.recipe).engine, "temperature": t}
                        for (fitted, _), t in zip(members, temperatures)],
        } | self.begun | settled | cascade
        files = {"model.json": json_bytes(settings)}
        for number, (fitted, _) in enumerate(members):
            files |= {f"members/{number}/{name}": data for name, data in fitted_files(fitted).items()}
        target = self.folder / name
        with publish_folder(target, {"kind": "startlm model"}, replace=True) as folder:
            for name, data in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
        return target


    def _parts(self, members: Sequence[Answering], cut: int, calibration: Labelled) -> list[tuple[np.ndarray, np.ndarray, list[float]]]:
        """What the members before and from `cut` on say together of the calibration rows and of those that chose, with the temperature of each."""
        chose = [each.rung.logits for each in members]
        judged = chose if self.crossfit else [_answer(each.fitted, calibration) for each in members]
        temperatures = self.task.temperatures(chose, self.truth)
        mean = lambda logits, part: np.mean([self.task.of_member(each, t) for each, t in zip(logits[part], temperatures[part])], axis=0)  # noqa: E731
        return [(mean(judged, part), mean(chose, part), temperatures[part]) for part in (slice(0, cut), slice(cut, None)) if members[part]]


def _surely_above(gain: Figure, least: float) -> bool:
    """Whether the whole interval lies above; too few rows have none."""
    return gain.low is not None and gain.low > least


# ------------------------------------------------------------- what answers

def _family(recipe: Recipe) -> Any:
    return look_up(FAMILIES, recipe.family, say("family", "模型种类"))


def _answer(fitted: Fitted, rows: Inputs) -> np.ndarray:
    """float32 (N, L), by the very engine that will answer from the bundle."""
    engine = look_up(ENGINES, _family(fitted.recipe).engine, say("engine", "引擎")).from_state(fitted.engine)
    return engine.logits(encode_inputs(fitted.tokenizer, rows))  # type: ignore[no-any-return]
