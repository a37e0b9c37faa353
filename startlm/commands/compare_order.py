"""`startlm compare` where labels have an order: by how many steps each file is off, beside the share that is right."""

from __future__ import annotations

from dataclasses import asdict
from difflib import get_close_matches
from typing import Any, Sequence

import numpy as np

from ..columns.category import Category
from ..columns.ordered import FEWEST, find_order
from ..core.errors import CallError
from ..core.language import Said, say
from ..metrics.intervals import in_words
from ..metrics.judged import Judged
from ..metrics.ordered import quadratic_kappa, steps_off, within_one_step
from ..metrics.pairwise import Errors, compare_pairs, ranking
from .matching import Answers
from .verdicts import Contest, difference_json, gain_said, in_units, p_said


def order_of(answers: Sequence[Answers], true: Answers, told: str | None) -> tuple[str, ...]:
    """The labels from the lowest to the highest, as told ("bad < ok < good") or as they show themselves; () where nothing does.

    Raises CallError for an order that is told and leaves a label out.
    """
    columns = (*answers, true)
    if told is None:
        order = find_order([value for each in columns for value in each.values], true.name) or ()
        return order if all(value in order for each in columns for value in each.values) else ()
    order = tuple(Category.clean(name) for name in told.replace("＜", "<").split("<"))
    if len(order) < FEWEST or len(set(order)) < len(order) or "" in order:
        raise CallError(say(f"--order {told!r} is not an order of three labels or more.", f"--order {told!r} 不是三个以上标签的顺序。"),
                        say('name each label once, from the lowest to the highest: --order "bad < ok < good"', '请从低到高各写一次：--order "差 < 中 < 好"'))
    for each in columns:
        for value, line in zip(each.values, each.lines):
            if not value:
                raise CallError(say(f"This row has nothing in the column {each.name!r}: it has no place in an order.", f"这一行的 {each.name!r} 列是空的，在顺序里没有位置。"),
                                say("fill it, or leave --order out", "请填上，或不写 --order"), where=f"{each.source}:{line}")
            if value not in order:
                near = get_close_matches(value, order, n=1, cutoff=0.5)
                guess = say(f"Did you mean {near[0]!r}? ", f"是不是 {near[0]!r}？") if near else say("", "")
                raise CallError(say(f"--order leaves out {value!r}, which stands in the column {each.name!r}.", f"--order 漏掉了 {each.name!r} 列里的 {value!r}。"),
                                say(f"{guess.en}Give every label its place, or leave --order out.", f"{guess.zh}请给每个标签一个位置，或不写 --order。"), where=f"{each.source}:{line}")
    return order


def order_said(order: Sequence[str], answers: Sequence[Answers], true: Answers, contest: Contest) -> tuple[list[Said], dict[str, Any]]:
    """How many steps each file is off, every comparison of that, and the ranking by it."""
    place = {label: number for number, label in enumerate(order)}
    *given, truth = (np.array([place[value] for value in each.values], dtype=np.int64) for each in (*answers, true))
    judged = [Judged(truth, each, len(order)) for each in given]
    steps = Errors(np.array([np.abs(each - truth) for each in given], dtype=np.float64))
    differences = compare_pairs([steps], contest.pairs)[0]
    found, names = ranking(differences, contest.names), contest.names
    scale = " < ".join(order)
    lines = [say(f"in the order {scale} (--order names another), by steps off:", f"按顺序 {scale}（可用 --order 另行指定），看差几级：")]
    figures = [[metric(each) for metric in (steps_off, within_one_step, quadratic_kappa)] for each in judged]
    for name, (off, near, kappa) in zip(names, figures):
        lines.append(say(f"  {name}: {in_units(off).en} steps off, {in_words(near).en} right or one step off, quadratic weighted kappa {in_units(kappa).en}",
                         f"  {name}：平均差 {in_units(off).zh} 级，正确或只差一级 {in_words(near).zh}，二次加权 kappa {in_units(kappa).zh}"))
    for each in differences:
        gain, p = gain_said(each, names[each.first], names[each.second]), p_said(each, adjusted=len(differences) > 1)
        lines.append(say(f"  {gain.en}, {p.en}", f"  {gain.zh}，{p.zh}") if each.gain.value is not None else say(f"  {gain.en}", f"  {gain.zh}"))
    files = [{"name": name, **{figure.name: asdict(figure) for figure in of}} for name, of in zip(names, figures)]
    return [*lines, found], {"labels": list(order), "files": files, "pairs": [difference_json(each, names) for each in differences], "verdict": found._asdict()}
