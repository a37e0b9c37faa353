"""The sections of a report's page that say what to do next: where the model is worse, labels that are likely wrong, whether more rows
would help, what each column is worth. A report may lack any of them."""

from __future__ import annotations

from typing import Any, Mapping

from .language import say
from .pictures import escape, learning_picture
from .report_html import both, code, folded, lead, marked, of_the_user, pair, percent, picture, section, table, with_range
from .scripts import LANGUAGES

Content = Mapping[str, Any]

KINDS = {"language": say("language", "语言"), "length": say("characters", "字符数"), "label": say("label", "标签"), "answer": say("answer", "回答")}
LEARNT = ("train", "dev", "calibration")
NAMED = 3  # slices that are named among the things to do


def next_items(content: Content) -> list[str]:
    """What these sections add to the list of what to do next, as markup."""
    return [*_label_items(content), *_slice_items(content), *_row_items(content)]


def next_sections(content: Content) -> list[str]:
    """Every section there is something to say in; the data's own order."""
    return [slices_section(content), columns_section(content), learning_section(content), label_errors_section(content)]


# ------------------------------------------------------------------ slices

def slices_section(content: Content) -> str:
    """The groups of test rows that are answered worse than the others, and how many groups were looked at."""
    found = content.get("slices")
    if not found or not found["looked_at"]:
        return ""
    worse = [each for each in found["slices"] if each["worse"]]
    note = lead(
        say(
            f"Looked at {found['looked_at']:,} groups of test rows (by language, length, label and whatever other columns are read), each beside all others: Fisher's exact test, "
            f"corrected for looking at so many (Holm). Only what is still significant at {found['level']:.0%} is called worse.",
            f"按语言、长度、标签和用到的其他列看了 {found['looked_at']:,} 组测试行，每组与其余各行相比：Fisher 精确检验，并按看过的组数校正（Holm）。"
            f"校正后在 {found['level']:.0%} 水平上仍显著的才算更差。",
        )
    )
    none = f"<p>{both(say('No group is shown to be worse than the others.', '没有哪一组被证明比其余的差。'))}</p>"
    rest = [each for each in found["slices"] if not each["worse"]]
    others = folded(say(f"{len(rest)} other group{'s' * (len(rest) > 1)}", f"其他 {len(rest)} 组"), _slices_table(rest)) if rest else ""
    return section("slices", say("Where it is worse", "哪里更差"), note, _slices_table(worse) if worse else none, others)


def _slices_table(slices: list[Content]) -> str:
    head = [say("group", "分组"), say("right [95 %]", "答对 [95%]"), say("elsewhere", "其余"), say("p", "p 值")]
    rows = [
        ("kept" if each["worse"] else "",
         [f'{group_name(each)}<br><span class="small">{rows_said(each["accuracy"]["n"])}</span>', with_range(each["accuracy"]), with_range(each["rest"]), p_value(each["p_adjusted"])])
        for each in slices
    ]
    return table(head, rows, numbers=[3])


def group_name(each: Content) -> str:
    """What the rows of a slice have in common, as markup."""
    kind = both(KINDS[each["kind"]]) if each["kind"] in KINDS else of_the_user(each["column"], 40)
    return f'<span class="small">{kind}</span> {_value(each)}'


def _value(each: Content) -> str:
    return both(LANGUAGES[each["value"]]) if each["kind"] == "language" and each["value"] in LANGUAGES else of_the_user(each["value"], 60)


def rows_said(n: int) -> str:
    """So many rows, as markup."""
    return both(say(f"{n:,} rows", f"{n:,} 行"))


def p_value(p: float) -> str:
    """A chance, as markup."""
    return "&lt; 0.001" if p < 0.001 else f"{p:.3f}"


def _slice_items(content: Content) -> list[str]:
    worse = [each for each in (content.get("slices") or {"slices": ()})["slices"] if each["worse"] and each["kind"] != "label"][:NAMED]
    if not worse:
        return []
    named = ", ".join(f"<b>{group_name(each)}</b> ({percent(each['accuracy']['value'])})" for each in worse)
    return [marked(say("Give more rows of what is answered worse than the rest: {named}.", "为答得更差的部分增加数据：{named}。"), named=named)]


# ------------------------------------------------------------ label errors

def label_errors_section(content: Content) -> str:
    """How many labels are likely wrong, where they stand, and how well the search finds labels that were changed on purpose."""
    found = content.get("label_errors")
    if not found:
        return ""
    total = sum(content["rows"].get(part, 0) for part in LEARNT)
    of = say(f"{found['looked_at']:,}", f"{found['looked_at']:,}")
    if found["looked_at"] < total:
        of = say(f"{found['looked_at']:,} (drawn from {total:,})", f"{found['looked_at']:,}（从 {total:,} 行中抽取）")
    said = say(
        f"Of {of.en} rows that a model learns from, {found['found']:,} bear a label that is likely wrong: a model of the other rows is sure of another one.",
        f"在用来学习的 {of.zh} 行中，有 {found['found']:,} 行的标签可能标错了：用其他行训练的模型更确信是另一个标签。",
    )
    where = marked(say(" They stand in {file}, the likeliest first.", " 它们在 {file} 里，最可疑的在前。"), file=link_to(found["file"])) if found["found"] else ""
    precision, caught = found["expected_precision"], found.get("caught")
    if not precision or not caught:
        tried = f"<p>{both(say('How many of them are wrong indeed was not measured: too few rows.', '其中真正标错的比例没有测：行数太少。'))}</p>"
    else:
        words = say(
            "How far to trust it: with 5 % of these labels changed at random, the same search found {caught} of the changed ones, and {precision} of what it "
            "found were changed ones. Labels that were wrong before lower the second figure, and slips of people are harder to find than random ones.",
            "可信程度：随机改动其中 5% 的标签后，同样的查找找出了被改动的 {caught}，查出的行里 {precision} 是被改动的。"
            "原本就错的标签会拉低后一个数；人的笔误比随机改动更难找。",
        )
        tried = f"<p>{marked(words, precision=with_range(precision), caught=with_range(caught))}</p>"
    return section("label-errors", say("Labels that are likely wrong", "可能标错的标签"), f"<p>{both(said)}{where}</p>", tried)


def _label_items(content: Content) -> list[str]:
    found = content.get("label_errors")
    if not found or not found["found"]:
        return []
    said = say(
        f"Check {{file}}: {found['found']:,} rows to learn from whose label is likely wrong, the likeliest first. One by one: {{line}}",
        f"核对 {{file}}：{found['found']:,} 行学习数据的标签可能标错，最可疑的在前。逐条核对：{{line}}",
    )
    return [marked(said, file=link_to(found["file"]), line=code(f"startlm label NAME --check {found['file']}"))]


def link_to(file: str) -> str:
    """A link to a file beside the report."""
    return f'<a href="{escape(file)}">{escape(file)}</a>'


# ---------------------------------------------------------- learning curve

def learning_section(content: Content) -> str:
    """Accuracy by rows learnt from, the law through it, and what more rows promise."""
    found = content.get("learning_curve")
    if not found:
        return ""
    n = found["points"][0]["accuracy"]["n"]
    note = lead(
        say(
            f"Measured with a cheap family, {found['family']}: each point by several models, asked only about rows that they have not seen, {n:,} in all, none of the test part. "
            f"The line is a power law, drawn on to twice the {found['rows']:,} rows there are. The model that answers may gain more or less.",
            f"用便宜的模型 {found['family']} 测得：每个点由几个模型测出，只问它们没见过的行，共 {n:,} 行，不含测试部分。"
            f"曲线是幂律，画到现有 {found['rows']:,} 行的两倍为止。实际回答的模型增益可能更大或更小。",
        )
    )
    head = [say("rows learnt from", "学习的行数"), say("accuracy [95 %]", "准确率 [95%]")]
    rows = [("", [f"{each['rows']:,}", with_range(each["accuracy"])]) for each in found["points"]]
    key = [("good", say("accuracy out of fold, 95 % interval", "折外准确率，95% 区间")), ("dash", say("power law", "幂律"))]
    svg = learning_picture(found)
    words = f"<p><b>{both(found['said'])}</b></p>{note}{table(head, rows)}"
    return section("learning", say("Would more rows help?", "增加数据有用吗？"), pair(picture(svg, key), words) if svg else words)


def _row_items(content: Content) -> list[str]:
    found = content.get("learning_curve")
    return [both(found["said"])] if found and content["better_than_baseline"] and found["doubling"]["value"] is not None else []


# ------------------------------------------------------------ each column

def columns_section(content: Content) -> str:
    """How far the accuracy falls, or a number's error grows, without each column."""
    found = content.get("columns_worth")
    if not found:
        return ""
    rows_en, numeric = f"{found['n']:,} test rows", content["task"] == "score"
    if numeric:
        note = say(f"How much the mean absolute error grows when one column's values are dealt out anew among {rows_en}. "
                   "Where the interval holds 0 the column is not shown to tell anything that the others do not.",
                   f"在 {found['n']:,} 行测试数据中把某一列的值打乱重排后，平均绝对误差增大多少。区间含 0 时，看不出这一列提供了其他列没有的信息。")
    else:
        note = say(f"How many points the accuracy falls when one column's values are dealt out anew among {rows_en}. "
                   "Where the interval holds 0 the column is not shown to tell anything that the others do not.",
                   f"在 {found['n']:,} 行测试数据中把某一列的值打乱重排后，准确率下降多少个百分点。区间含 0 时，看不出这一列提供了其他列没有的信息。")
    lost = say("error added without it [95 %]", "没有它增加的误差 [95%]") if numeric else say("points lost without it [95 %]", "没有它损失的百分点 [95%]")
    worth = sorted(found["columns"], key=lambda each: -(each["worth"]["value"] or 0.0))
    rows = [("", [of_the_user(each["column"], 60), with_range(each["worth"], "amount" if numeric else "points")]) for each in worth]
    return section("columns", say("What each column is worth", "每一列值多少"), lead(note), table([say("column", "列"), lost], rows))
