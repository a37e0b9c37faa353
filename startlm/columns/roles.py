"""Which column plays which part: the text that is read, the label that is learnt, the split that is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ..core.errors import CallError
from ..core.language import Said, say
from ..core.model_file import is_name
from . import SAMPLE, as_text, filled, guess_kind, is_nothing, kind_said, names_in, stands_beside
from .category import LABEL_NAMES, OUTCOME_NAMES

_SPLIT_WORDS = {
    "train": "train training tr 训练 训练集",
    "dev": "dev develop development valid validation val eval 验证 验证集 开发 开发集",
    "calibration": "calibration calib 校准 校准集",
    "test": "test testing tst heldout holdout 测试 测试集",
}
_PART_OF = {word: part for part, words in _SPLIT_WORDS.items() for word in words.split()}

_AFTERWARDS = frozenset(
    "reply replies response responses answer answers resolution solution agent_reply 回复 答复 回答 客服回复 处理结果 解决方案 处理意见".split()
)
"""Names of texts that are written after the message: they would give the answer away."""

MOST_ROWS = 100_000  # rows from which a sample is drawn: files are often sorted by label


@dataclass(frozen=True)
class Roles:
    """What each column is for. `why` holds one sentence for every choice, the columns left out included."""

    text: tuple[str, ...]
    label: str | None
    split: str | None
    unused: tuple[str, ...]
    why: tuple[Said, ...]
    beside: tuple[str, ...] = ()  # columns that could be read beside the text, or instead of one


def sample_of(values: Sequence[Any]) -> Sequence[Any]:
    """At most SAMPLE of a column's first MOST_ROWS values, evenly spread: what kinds and roles are guessed from.

    >>> sample_of(range(5_000))[-1]
    3998
    """
    looked_at = values[:MOST_ROWS]
    return looked_at[:: max(1, len(looked_at) // SAMPLE)][:SAMPLE]


def guess_split(values: Sequence[Any]) -> dict[str, str] | None:
    """The part that each of the column's words means, where the column says train, dev, test; else None.

    >>> guess_split(["训练", "测试", "训练"])
    {'训练': 'train', '测试': 'test'}
    """
    parts: dict[str, str] = {}
    for word in dict.fromkeys(filled(values)):
        part = _PART_OF.get(word.lower().strip("._- "))
        if part is None:
            return None
        parts[word] = part
    return parts if "train" in parts.values() and len(set(parts.values())) > 1 else None


def no_parts(column: str, values: Sequence[Any], *, where: str) -> CallError:
    """The refusal of a split column that does not say train, dev, test."""
    shown = ", ".join(sorted(set(filled(values)))[:8])
    return CallError(say(f"The column {column!r} does not hold train, dev and test: {shown}", f"{column!r} 列里不是 train、dev、test：{shown}"),
                     say("leave [prepare] split_column out, or write train, dev or test in each row", "去掉 [prepare] split_column，或在每行写 train、dev 或 test"), where=where)


def check_read(read: Sequence[str], label: str, *, where: str) -> None:
    """Raises CallError where the label is among the columns that are read, or the name of one of these cannot be shown."""
    if label in read:
        raise CallError(say(f"The label {label!r} is also read: a model would only repeat it.", f"标签列 {label!r} 同时又被读取：模型只会照抄它。"),
                        say(f"take {label!r} out of [prepare] text and columns, or name another label", f"请从 [prepare] 的 text 和 columns 中去掉 {label!r}，或换一个标签列"), where=where)
    if odd := [name for name in read if not is_name(name)]:
        raise CallError(say(f"The name of the column {odd[0]!r} holds control characters.", f"列名 {odd[0]!r} 含有控制字符。"), say("rename the column", "请给这一列改名"), where=where)


def check_kind(column: str, kind: str, values: Sequence[Any], bad: Sequence[int], *, is_label: bool, where: str, by_flag: bool = False) -> None:
    """Raises CallError where more than half of a column's cells (`bad` are their positions) are not of its kind: then it is the kind that is wrong, not the rows.

    `by_flag`: the kind was given to --columns, before there is a startlm.toml, and the values are a sample.
    """
    if 2 * len(bad) <= len(values):
        return
    guessed, said, first = guess_kind(values, column)[0], kind_said(kind), as_text(values[bad[0]])[:60]
    line, place, text = f'"{column}: {guessed}"', "--columns" if by_flag else "[prepare] columns", "--text" if by_flag else "text"
    if is_label:
        hint = say('name another [prepare] label, or write at the top: task = "classify"', '换一个 [prepare] label，或在文件开头写：task = "classify"')
    elif guessed in ("text", "identifier", kind):
        hint = say(f"take {column!r} out of {place}{f', name it under {text}' if guessed == 'text' else ''}", f"从 {place} 中去掉 {column!r}{f'，写进 {text}' if guessed == 'text' else ''}")
    else:
        hint = say(f"write {'--columns' if by_flag else 'in [prepare] columns (or --columns):'} {line}", f"{'写 --columns ' if by_flag else '在 [prepare] columns（或 --columns）里写：'}{line}")
    looked, seen = (" looked at", "看过的") if by_flag else ("", "的")
    raise CallError(say(f"{len(bad):,} of the {len(values):,} cells of {column!r}{looked} hold no {said.en}; the first holds {first!r}.", f"{column!r} 列{seen} {len(values):,} 个单元格中有 {len(bad):,} 个不是{said.zh}；第一个是 {first!r}。"),
                    _or_skip(hint, values, bad, by_flag=by_flag), where=where)


def _or_skip(hint: Said, values: Sequence[Any], bad: Sequence[int], *, by_flag: bool) -> Said:
    """The hint, and how to leave the bad rows out: where any cell is good, so that something is left."""
    wrong = set(bad)
    if all(is_nothing(as_text(value)) for i, value in enumerate(values) if i not in wrong):
        return hint
    if by_flag:
        return say(f'{hint.en}; or make the project without it, then add it to [prepare] columns with bad_rows = "skip", which leaves these rows out',
                   f'{hint.zh}；或先不要这一列，建好项目后再写进 [prepare] columns，并写 bad_rows = "skip" 略去这些行')
    return say(f'{hint.en}; or leave these rows out: bad_rows = "skip"', f'{hint.zh}；或略去这些行：bad_rows = "skip"')


def names_parts(values: Sequence[Any]) -> bool:
    """Whether every value that is filled in names a part; sorted files may show one part at first."""
    found = filled(values)
    return bool(found) and all(word.lower().strip("._- ") in _PART_OF for word in set(found))


@dataclass(frozen=True)
class Told:
    """The roles that are told: they are not guessed, and nothing else is guessed from their columns."""

    text: tuple[str, ...] = ()
    label: str | None = None
    split: str | None = None
    columns: tuple[str, ...] = ()


def guess_roles(columns: Sequence[str], samples: Mapping[str, Sequence[Any]], kinds: Mapping[str, str], told: Told = Told()) -> Roles:
    """Which columns are text, label and split: as told, else from their names, kinds and a sample of each one's values."""
    why: list[Said] = []
    left = [column for column in columns if column not in (*told.text, *told.columns, told.label, told.split)]
    split = _as_told("split", "划分", told.split, why) or _pick_split(left, samples, why)
    left = [column for column in left if column != split]
    label = _as_told("label", "标签", told.label, why) or _pick_label(left, samples, kinds, why)
    if told.text:
        _as_told("text", "文本", ", ".join(told.text), why)
    text = told.text or _pick_text([column for column in left if column != label], samples, kinds, why)
    unused = tuple(column for column in columns if column not in (*text, *told.columns, label, split))
    beside = tuple(column for column in unused if stands_beside(kinds[column]) and len(set(filled(samples[column]))) > 1)
    why += [_why_unused(column, kinds[column]) for column in unused if text or column not in beside]
    return Roles(text, label, split, unused, tuple(why), beside)


def _as_told(en: str, zh: str, column: str | None, why: list[Said]) -> str | None:
    if column:
        why.append(say(f"{en}: {column!r}, as told", f"{zh}：{column!r}，按你的指定"))
    return column


def _pick_split(columns: Sequence[str], samples: Mapping[str, Sequence[Any]], why: list[Said]) -> str | None:
    for column in columns:
        parts = guess_split(samples[column])
        if parts:
            shown = ", ".join(f"{word} = {part}" for word, part in parts.items())
            why.append(say(f"split: {column!r}, its values name the parts ({shown})", f"划分：{column!r}，它的值就是各部分的名字（{shown}）"))
            return column
    return None


def _repeats(values: Sequence[Any]) -> bool:
    texts = filled(values)
    return len(set(texts)) < len(texts)


def _pick_label(columns: Sequence[str], samples: Mapping[str, Sequence[Any]], kinds: Mapping[str, str], why: list[Said]) -> str | None:
    learnable = [c for c in columns if kinds[c] not in ("text", "date") and _repeats(samples[c])]
    categories = [c for c in learnable if kinds[c] == "category" and len(set(filled(samples[c]))) > 1]
    exact = [c for c in learnable if c.strip().lower() in LABEL_NAMES]  # sorted files may show one label at first
    named = exact or [c for c in categories if names_in(c, LABEL_NAMES)]
    outcomes = [c for c in categories if c.strip().lower() in OUTCOME_NAMES]
    if named or outcomes:
        label = (named or outcomes)[0]
        why.append(say(f"label: {label!r}, by its name", f"标签：{label!r}，名字如此"))
    elif categories:
        label = categories[-1]  # exports tend to put the answer last
        others = len(categories) - 1
        also = say(f"; {others} more could be it", f"；另有 {others} 列也可能是") if others else say("", "")
        why.append(say(f"label: {label!r}, the last column of repeated values{also.en}", f"标签：{label!r}，最后一列重复出现的值{also.zh}"))
    else:
        why.append(say("label: none, no column repeats its values", "标签：没有，没有一列的值是重复出现的"))
        return None
    return label


def _pick_text(columns: Sequence[str], samples: Mapping[str, Sequence[Any]], kinds: Mapping[str, str], why: list[Said]) -> tuple[str, ...]:
    texts = [c for c in columns if kinds[c] == "text"]
    afterwards = [c for c in texts if names_in(c, _AFTERWARDS)]
    chosen = tuple(c for c in texts if c not in afterwards) or tuple(texts[:1])
    if not chosen:
        why.append(say("text: none, no column holds sentences", "文本：没有，没有一列是句子"))
        return ()
    en, zh = (", ".join(f"{c!r} ({_mean_length(samples[c]):.0f} {unit})" for c in chosen) for unit in ("characters on average", "个字符（平均）"))
    if len(chosen) == 1:
        why.append(say(f"text: {en}, free text", f"文本：{zh}，自由文本"))
    else:
        why.append(say(f"text: {en}, joined with their names", f"文本：{zh}，连同列名合在一起"))
    return chosen


def _mean_length(values: Sequence[Any]) -> float:
    return sum(len(as_text(value)) for value in values) / max(1, len(values))


def _why_unused(column: str, kind: str) -> Said:
    if kind == "text" and names_in(column, _AFTERWARDS):
        return say(
            f"left out: {column!r}, written after the message, it would give the answer away",
            f"不用：{column!r}，它写在消息之后，会泄露答案",
        )
    return say(f"left out: {column!r} ({kind_said(kind).en})", f"不用：{column!r}（{kind_said(kind).zh}）")
