"""The sections of a report's page that say what to do next where the answers are numbers: as `report_next`, in the target's own unit."""

from __future__ import annotations

from typing import Any, Mapping

from .amounts import amounts_of
from .language import say
from .number_pictures import error_curve_picture
from .report_html import both, folded, lead, marked, pair, picture, section, table, with_range
from .report_next import LEARNT, NAMED, columns_section, group_name, link_to, p_value, rows_said

Content = Mapping[str, Any]


def number_next_items(content: Content) -> list[str]:
    """What these sections add to the list of what to do next, as markup."""
    return [*_target_items(content), *_slice_items(content), *_row_items(content)]


def number_next_sections(content: Content) -> list[str]:
    """Every section there is something to say in; the data's own order."""
    return [_slices(content), columns_section(content), _learning(content), _target_errors(content)]


# ------------------------------------------------------------------ slices

def _slices(content: Content) -> str:
    """The groups of test rows whose answers are further off than the others', and how many groups were looked at."""
    found = content.get("slices")
    if not found or not found["looked_at"]:
        return ""
    worse, rest = ([each for each in found["slices"] if each["worse"] == is_worse] for is_worse in (True, False))
    note = lead(
        say(
            f"Looked at {found['looked_at']:,} groups of test rows (by language and length of a text, and by the columns that are read), each beside all others: a permutation test "
            f"of the mean absolute error, corrected for looking at so many (Holm). Only what is still significant at {found['level']:.0%} is called worse.",
            f"按文本的语言和长度、按用到的各列看了 {found['looked_at']:,} 组测试行，每组与其余各行相比：对平均绝对误差做置换检验，并按看过的组数校正（Holm）。"
            f"校正后在 {found['level']:.0%} 水平上仍显著的才算更差。",
        )
    )
    none = f"<p>{both(say('No group is shown to be worse than the others.', '没有哪一组被证明比其余的差。'))}</p>"
    more = found.get("left_out", 0)
    left_out = f"<p>{both(say(f'{more:,} more are worse; these are the surest.', f'还有 {more:,} 组更差，这里列出最确定的。'))}</p>" if more else ""
    others = folded(say(f"{len(rest)} other group{'s' * (len(rest) > 1)}", f"其他 {len(rest)} 组"), _slices_table(rest)) if rest else ""
    return section("slices", say("Where it is worse", "哪里更差"), note, _slices_table(worse) if worse else none, left_out, others)


def _slices_table(slices: list[Content]) -> str:
    head = [say("group", "分组"), say("mean absolute error [95 %]", "平均绝对误差 [95%]"), say("elsewhere", "其余"), say("too high (+) or low (−)", "偏高（+）或偏低（−）"), say("p", "p 值")]
    rows = [
        ("kept" if each["worse"] else "",
         [f'{group_name(each)}<br><span class="small">{rows_said(each["mae"]["n"])}</span>', *(with_range(each[name], "amount") for name in ("mae", "rest", "bias")), p_value(each["p_adjusted"])])
        for each in slices
    ]
    return table(head, rows, numbers=[4])


def _slice_items(content: Content) -> list[str]:
    worse = [each for each in (content.get("slices") or {"slices": ()})["slices"] if each["worse"]][:NAMED]
    if not worse:
        return []
    named = ", ".join(f"<b>{group_name(each)}</b> ({amounts_of(each['mae'])[0]})" for each in worse)
    return [marked(say("Give more rows of what is further off than the rest (mean absolute error): {named}.", "为误差比其余更大的部分增加数据（括号内为平均绝对误差）：{named}。"), named=named)]


# ----------------------------------------------------------- likely errors

def _target_errors(content: Content) -> str:
    """How many numbers are likely wrong, where they stand, and how well the search finds numbers that were exchanged on purpose."""
    found = content.get("target_errors")
    if not found:
        return ""
    total = sum(content["rows"].get(part, 0) for part in LEARNT)
    of = say(f"{found['looked_at']:,}", f"{found['looked_at']:,}")
    if found["looked_at"] < total:
        of = say(f"{found['looked_at']:,} (drawn from {total:,})", f"{found['looked_at']:,}（从 {total:,} 行中抽取）")
    said = say(
        f"Of {of.en} rows that a model learns from, {found['found']:,} hold a number that is likely wrong: it lies more than four times as far as usual from what a model of the other rows expects.",
        f"在用来学习的 {of.zh} 行中，有 {found['found']:,} 行的数可能写错了：离其他行训练的模型所预期的值，比通常远四倍以上。",
    )
    where = marked(say(" They stand in {file}, the likeliest first.", " 它们在 {file} 里，最可疑的在前。"), file=link_to(found["file"])) if found["found"] else ""
    precision, caught = found["expected_precision"], found["caught"]
    if not precision or not caught:
        tried = f"<p>{both(say('How many of them are wrong indeed was not measured: nothing of what was planted was found, or there are too few rows.', '其中真正写错的比例没有测出：植入的错误一个也没查出，或行数太少。'))}</p>"
    else:
        words = say(
            "How far to trust it: with 5 % of these numbers exchanged among each other, the same search found {caught} of the exchanged ones, and {precision} of what it found were exchanged ones. "
            "Many of the exchanged ones are hardly wrong: another row's number may lie near the own one. Numbers ten times too large or small are found more easily.",
            "可信程度：把其中 5% 的数互相调换后，同样的查找找出了被调换的 {caught}，查出的行里 {precision} 是被调换的。"
            "很多调换几乎不算错：别的行的数可能与原来的接近。大了或小了十倍的数更容易查出。",
        )
        tried = f"<p>{marked(words, precision=with_range(precision), caught=with_range(caught))}</p>"
    return section("label-errors", say("Numbers that are likely wrong", "可能写错的数"), f"<p>{both(said)}{where}</p>", tried)


def _target_items(content: Content) -> list[str]:
    found = content.get("target_errors")
    if not found or not found["found"]:
        return []
    said = say(
        f"Check {{file}}: {found['found']:,} rows to learn from whose number is likely wrong, the likeliest first. Mend them in your table and run again.",
        f"核对 {{file}}：{found['found']:,} 行学习数据的数可能写错，最可疑的在前。在你的表里改好后重新运行。",
    )
    return [marked(said, file=link_to(found["file"]))]


# ---------------------------------------------------------- learning curve

def _learning(content: Content) -> str:
    """The error by rows learnt from, the law through it, and what more rows promise."""
    found = content.get("learning_curve")
    if not found:
        return ""
    n = found["points"][0]["mae"]["n"]
    note = lead(
        say(
            f"Measured with a cheap family, {found['family']}: each point by several models, asked only about rows that they have not seen, {n:,} in all, none of the test part. "
            f"The line is a power law, drawn on to twice the {found['rows']:,} rows there are. The model that answers may gain more or less.",
            f"用便宜的模型 {found['family']} 测得：每个点由几个模型测出，只问它们没见过的行，共 {n:,} 行，不含测试部分。"
            f"曲线是幂律，画到现有 {found['rows']:,} 行的两倍为止。实际回答的模型增益可能更大或更小。",
        )
    )
    head = [say("rows learnt from", "学习的行数"), say("mean absolute error [95 %]", "平均绝对误差 [95%]")]
    rows = [("", [f"{each['rows']:,}", with_range(each["mae"], "amount")]) for each in found["points"]]
    key = [("good", say("error out of fold, 95 % interval", "折外误差，95% 区间")), ("dash", say("power law", "幂律"))]
    words = f"<p><b>{both(found['said'])}</b></p>{note}{table(head, rows)}"
    svg = error_curve_picture(found)
    return section("learning", say("Would more rows help?", "增加数据有用吗？"), pair(picture(svg, key), words) if svg else words)


def _row_items(content: Content) -> list[str]:
    found = content.get("learning_curve")
    return [both(found["said"])] if found and content["better_than_baseline"] and found["doubling"]["value"] is not None else []
