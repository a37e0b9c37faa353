"""What `startlm compare` says of several files, of numbers, and of slices: in lines for a person, and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import floor, log10
from typing import Any, Sequence

from ..columns.slices import Slice
from ..core.contracts import Figure
from ..core.language import Said, say
from ..metrics.comparison import letters
from ..metrics.intervals import in_words
from ..metrics.pairwise import Difference, Errors, compare_pairs, every_two, ranking


@dataclass(frozen=True)
class Contest:
    """Several files on the same rows: what each got wrong, and which of them are compared. `f1` names the F1 beside it, of labels only."""

    files: Sequence[tuple[str, str]]  # path, column of predictions
    errors: Errors
    against_first: bool
    labels: tuple[str, ...] = ()
    f1: str = "macro_f1"
    f1s: Sequence[Figure] = ()  # one a file
    f1_gains: Sequence[Figure] = ()  # one a pair
    of_sets: bool = False  # a row may have several labels, and is right where all of them are

    @property
    def names(self) -> list[str]:
        return letters(len(self.files))

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return every_two(len(self.files), against_first=self.against_first)


def contest_said(contest: Contest) -> tuple[list[Said], dict[str, Any]]:
    """The files, their figures, every comparison, and the ranking."""
    names, errors = contest.names, contest.errors
    differences = compare_pairs([errors], contest.pairs)[0]
    found = ranking(differences, names)
    listed = ", ".join(f"{name} is {path}" for name, (path, _) in zip(names, contest.files)), "，".join(f"{name} 是 {path}" for name, (path, _) in zip(names, contest.files))
    lines = [say(*listed), _rows_said(contest), *(_file_said(contest, number) for number in range(len(names))), _tests_said(contest, differences)]
    lines += [_difference_said(each, contest, adjusted=len(differences) > 1) for each in differences]
    lines += [_f1_gain_said(each, gain, names) for each, gain in zip(differences, contest.f1_gains) if contest.of_sets]
    files = [{"name": name, "file": path, "column": column, **_figures(contest, number)} for number, (name, (path, column)) in enumerate(zip(names, contest.files))]
    pairs = [difference_json(each, names) for each in differences]
    for pair, gain in zip(pairs, contest.f1_gains):
        pair[f"{contest.f1}_gain"] = asdict(gain)
    kind = "numbers" if errors.of_numbers else "several labels" if contest.of_sets else "labels"
    return [*lines, found], {"n": len(errors), "as": kind, "labels": list(contest.labels), "files": files, "pairs": pairs, "verdict": found._asdict()}


def slices_said(contest: Contest, by: str, slices: Sequence[Slice]) -> tuple[list[Said], dict[str, Any]]:
    """The same comparisons within each slice; p is adjusted for all of them together."""
    names, parts = contest.names, [contest.errors.take(each.rows) for each in slices]
    found = compare_pairs(parts, contest.pairs)
    tested = sum(each.gain.value is not None for differences in found for each in differences)
    lines = [say(f"by {by}, p adjusted for {_many(tested)} (Holm-Bonferroni):", f"按 {by} 分组，p 已按 {tested} 次比较校正（Holm-Bonferroni）：")]
    content = []
    for part, errors, differences in zip(slices, parts, found):
        figures = [errors.figure(number) for number in range(len(names))]
        lines += _slice_said(part, figures, differences, contest)
        content.append({"slice": part.name._asdict(), "n": len(errors), "files": [{"name": name, figure.name: asdict(figure)} for name, figure in zip(names, figures)],
                        "pairs": [difference_json(each, names) for each in differences]})
    return lines, {"by": by, "comparisons": tested, "slices": content}


# -------------------------------------------------------------------- lines

def _rows_said(contest: Contest) -> Said:
    n = len(contest.errors)
    if contest.errors.of_numbers:
        return say(f"{n} rows, compared as numbers, by their absolute errors (--as labels compares them as labels)",
                   f"{n} 行，按数字比较绝对误差（--as labels 则按标签比较）")
    labels = len(contest.labels)
    if contest.of_sets:
        return say(f"{n} rows, {labels} labels, several a row: a row is right where all of its labels are (--as labels compares whole cells)",
                   f"{n} 行，{labels} 个标签，每行可有多个：全部标签都对才算对（--as labels 则按整个单元格比较）")
    return say(f"{n} rows, {labels} labels", f"{n} 行，{labels} 个标签")


def _f1_gain_said(each: Difference, gain: Figure, names: Sequence[str]) -> Said:
    a, b = names[each.first], names[each.second]
    if gain.value is None or gain.low is None or gain.high is None:
        return in_words(gain)
    value, low, high = (f"{100 * number:+.1f}" for number in (gain.value, gain.low, gain.high))
    return say(f"  micro F1 of {b} minus {a}: {value} points [{low}, {high}]", f"  {b} 的微平均 F1 减 {a}：{value} 个百分点 [{low}, {high}]")


def _file_said(contest: Contest, number: int) -> Said:
    name, figure = contest.names[number], contest.errors.figure(number)
    if contest.errors.of_numbers:
        return say(f"{name}: mean absolute error {in_units(figure).en}", f"{name}：平均绝对误差 {in_units(figure).zh}")
    f1, of = in_words(contest.f1s[number]), say("micro", "微平均") if contest.of_sets else say("macro", "宏平均")
    return say(f"{name}: accuracy {in_words(figure).en}, {of.en} F1 {f1.en}", f"{name}：准确率 {in_words(figure).zh}，{of.zh} F1 {f1.zh}")


def _tests_said(contest: Contest, differences: Sequence[Difference]) -> Said:
    test = say("paired permutation p", "配对置换检验 p") if contest.errors.of_numbers else say("exact McNemar p", "McNemar 精确检验 p")
    count = len(differences)
    if count == 1:
        return say(f"B against A, {test.en}:", f"B 与 A 相比，{test.zh}：")
    which = say("each against A", "各与 A 相比") if contest.against_first else say("every two", "两两比较")
    return say(f"{which.en}, {test.en} adjusted for {_many(count)} (Holm-Bonferroni):", f"{which.zh}，{test.zh} 已按 {count} 次比较校正（Holm-Bonferroni）：")


def _difference_said(each: Difference, contest: Contest, *, adjusted: bool) -> Said:
    a, b = contest.names[each.first], contest.names[each.second]
    gain, p = gain_said(each, a, b), p_said(each, adjusted)
    if each.gain.value is None:
        return say(f"  {gain.en}", f"  {gain.zh}")
    if each.only_first is None:
        return say(f"  {gain.en}, {p.en}", f"  {gain.zh}，{p.zh}")
    return say(f"  {gain.en}, only {a} right: {each.only_first} rows, only {b} right: {each.only_second} rows, {p.en}",
               f"  {gain.zh}，只有 {a} 对：{each.only_first} 行，只有 {b} 对：{each.only_second} 行，{p.zh}")


def _slice_said(part: Slice, figures: Sequence[Figure], differences: Sequence[Difference], contest: Contest) -> list[Said]:
    n = len(part.rows)
    if differences[0].gain.value is None:
        return [say(f"  {part.name.en}: not enough data ({n} rows)", f"  {part.name.zh}：数据不够（{n} 行）")]
    shown = ", ".join(f"{name} {in_units(figure) if contest.errors.of_numbers else in_words(figure)}" for name, figure in zip(contest.names, figures))
    lines = [say(f"  {part.name.en}, {n} rows: {shown}", f"  {part.name.zh}，{n} 行：{shown}")]
    for each in differences:
        a, b = contest.names[each.first], contest.names[each.second]
        gain, p = gain_said(each, a, b), p_said(each, adjusted=True)
        better = contest.names[each.better] if each.better is not None else None
        said = say(f"{better} is better", f"{better} 更好") if better else say("no difference shown", "看不出差别")
        lines.append(say(f"    {gain.en}, {p.en}: {said.en}", f"    {gain.zh}，{p.zh}：{said.zh}"))
    return lines


def gain_said(each: Difference, a: str, b: str) -> Said:
    """What the second gains over the first, with its interval."""
    gain = each.gain
    if gain.value is None or gain.low is None or gain.high is None:
        few = in_words(gain)
        return say(f"{b} against {a}: {few.en}", f"{b} 与 {a}：{few.zh}")
    if each.only_first is None:
        shown = in_units(gain, signed=True)
        return say(f"error of {a} minus error of {b}: {shown.en}", f"{a} 的误差减 {b} 的误差：{shown.zh}")
    value, low, high = (f"{100 * number:+.1f}" for number in (gain.value, gain.low, gain.high))
    return say(f"{b} minus {a}: {value} points [{low}, {high}]", f"{b} 减 {a}：{value} 个百分点 [{low}, {high}]")


def p_said(each: Difference, adjusted: bool) -> Said:
    """How likely chance alone would show as much."""
    if not adjusted:
        return say(f"p = {each.p:.3g}", f"p = {each.p:.3g}")
    return say(f"p = {each.p:.3g}, adjusted {each.adjusted:.3g}", f"p = {each.p:.3g}，校正后 {each.adjusted:.3g}")


def _many(comparisons: int) -> str:
    return "1 comparison" if comparisons == 1 else f"{comparisons} comparisons"


def in_units(figure: Figure, *, signed: bool = False) -> Said:
    """The figure and its interval in the unit of the column, with so many decimals as show three digits of the larger end."""
    if figure.value is None or figure.low is None or figure.high is None:
        return in_words(figure)
    largest = max(abs(figure.low), abs(figure.high))
    decimals = min(12, max(0, 2 - floor(log10(largest)))) if largest > 0 else 0
    value, low, high = (f"{number:{'+' if signed else ''},.{decimals}f}" for number in (figure.value, figure.low, figure.high))
    return say(f"{value} [{low}, {high}]", f"{value} [{low}, {high}]")


# --------------------------------------------------------------------- JSON

def _figures(contest: Contest, number: int) -> dict[str, Any]:
    figure = contest.errors.figure(number)
    return {figure.name: asdict(figure)} | ({contest.f1: asdict(contest.f1s[number])} if contest.f1s else {})


def difference_json(each: Difference, names: Sequence[str]) -> dict[str, Any]:
    """One comparison, JSON-ready."""
    right = {} if each.only_first is None else {"only_a_right": each.only_first, "only_b_right": each.only_second}
    return {"a": names[each.first], "b": names[each.second], "gain": asdict(each.gain), **right, "p": each.p, "p_adjusted": each.adjusted,
            "better": None if each.better is None else names[each.better]}
