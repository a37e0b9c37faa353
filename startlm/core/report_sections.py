"""The sections of a report's page that show how good the model is: each a picture with its words and its table."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Mapping, NamedTuple, Sequence

from .language import Said, say
from .pictures import (
    BEST,
    LARGEST_HEAT_MAP,
    MOST_ROWS,
    WORST,
    classes_picture,
    confused_block,
    confusion_picture,
    figures_picture,
    hand_over_picture,
    ranked,
    reliability_picture,
)
from .report_html import both, code, folded, lead, marked, of_the_user, pair, percent, picture, section, table, with_range

Content = Mapping[str, Any]

FIGURES = {
    "accuracy": say("Accuracy", "准确率"),
    "macro_f1": say("Macro F1", "宏平均 F1"),
    "macro_precision": say("Macro precision", "宏平均精确率"),
    "macro_recall": say("Macro recall", "宏平均召回率"),
    "weighted_f1": say("Weighted F1", "加权 F1"),
    "weighted_precision": say("Weighted precision", "加权精确率"),
    "weighted_recall": say("Weighted recall", "加权召回率"),
    "micro_f1": say("Micro F1", "微平均 F1"),
    "micro_precision": say("Micro precision", "微平均精确率"),
    "micro_recall": say("Micro recall", "微平均召回率"),
    "auroc": say("AUROC of the rarer label", "较少标签的 AUROC"),
    "auprc": say("AUPRC of the rarer label", "较少标签的 AUPRC"),
    "log_loss": say("Log loss (nats)", "对数损失（nat）"),
    "brier": say("Brier score", "Brier 分数"),
    "calibration_error": say("Calibration error", "校准误差"),
    "calibration_error_debiased": say("Calibration error, less chance", "校准误差（扣除偶然）"),
}
FIGURES_OF_LABEL = {"f1": say("F1", "F1"), "precision": say("precision", "精确率"), "recall": say("recall", "召回率")}
SAME_AS_ACCURACY = ("micro_precision", "micro_recall", "micro_f1", "weighted_recall")  # with one label a row
DRAWN = ("accuracy", "macro_f1", "macro_precision", "macro_recall", "weighted_f1", "weighted_precision")
NOTHING = 1.0  # a threshold above this is reached by no confidence


def figure_of(content: Content, name: str, among: str = "figures") -> Content:
    """The figure of this name, of `figures` or `figures_clean`."""
    return next(figure for figure in content[among] if figure["name"] == name)


def advice(content: Content) -> str:
    """The line that hands over to a good end, with what the test part says of it; or that none does."""
    found = content["hand_over"]["advice"]
    if found is None:
        said = say(
            "No error rate up to 30 % can be kept while half of the rows are answered: correct labels and add rows first.",
            "在回答一半以上消息的前提下，30% 以内的错误率都保证不了：请先改正标签、增加数据。",
        )
        return both(said)
    said = say(
        "Let a person answer what the model is unsure of: {line} under [predict]. With {answered} of the test rows answered, {error} of those are wrong.",
        "把模型没把握的交给人工：在 [predict] 下写 {line}。测试数据中回答 {answered} 时，其中 {error} 答错。",
    )
    line = code(f'hand_over = "{found["rate"]:.0%}"')
    return marked(said, line=line, answered=with_range(found["answered"]), error=with_range(found["error"]))


# -------------------------------------------------------------------- figures


def figures_section(content: Content) -> str:
    """Every figure with its interval, as published and clean, beside the baseline and the cheapest rung."""
    given = [each["name"] for each in content["figures"] if each["name"] not in SAME_AS_ACCURACY]
    names = sorted(given, key=lambda name: list(FIGURES).index(name) if name in FIGURES else len(FIGURES))
    clean = {each["name"]: each for each in content["figures_clean"] or ()}
    cheapest = {each["name"]: each for each in (content["cheapest"] or {"figures": ()})["figures"]}
    head = [say("figure", "指标"), say("value [95 %]", "值 [95%]"), *([say("without leaked rows", "去掉泄漏行")] if clean else []), *([say("cheapest rung", "最便宜的一级")] if cheapest else []), say("baseline", "基线")]
    rows = []
    for name in names:
        figure, unit = figure_of(content, name), "number" if name == "log_loss" else "share"
        beside = "–" if figure["baseline"] is None else f"{figure['baseline']:.3f}" if unit == "number" else percent(figure["baseline"])
        rows.append(("", [both(FIGURES.get(name, say(name, name))), with_range(figure, unit), *([with_range(clean[name], unit)] if clean else []), *([with_range(cheapest[name], unit)] if cheapest else []), beside]))
    n = figure_of(content, "accuracy")["n"]
    outside = content["out_of_scope"]
    left_out = 0 if outside is None or outside["learnt"] else outside["rows"]
    beyond = lead(say(f"{left_out:,} rows out of scope are not counted here.", f"{left_out:,} 行超出范围，这里不计入。")) if left_out else ""
    notes = beyond + lead(
        say(
            f"On {n:,} test rows. With one label a row, micro averages and weighted recall equal the accuracy.",
            f"测试数据 {n:,} 行。每行只有一个标签时，微平均各项和加权召回率都等于准确率。",
        )
    )
    right = table(head, rows, numbers=[len(head) - 1]) + notes
    baseline = of_the_user(content["baseline"]["label"], 40)
    said = say(
        "The baseline always answers {label}, the most frequent label, and is as sure of each label as its share of train says.",
        "基线总是回答最常见的标签 {label}，对各标签的置信度就是它们在训练中的比例。",
    )
    top = f'<p class="lead">{marked(said, label=baseline)}</p>'
    title = say("How good it is", "有多好")
    if figure_of(content, "accuracy")["value"] is None:
        return section("figures", title, top, right)
    key = [
        ("good", say("as published", "原样测试") if clean else say("this model, 95 % interval", "本模型，95% 区间")),
        *([("hollow", say("without leaked rows", "去掉泄漏行"))] if clean else []),
        ("bar", say("baseline", "基线")),
    ]
    if cheapest:
        family = content["cheapest"]["family"]
        key.append(("diamond", say(f"cheapest rung ({family})", f"最便宜的一级（{family}）")))
    drawn = {name: FIGURES[name] for name in DRAWN if name in names}
    return section("figures", title, top, pair(picture(figures_picture(drawn, content["figures"], content["figures_clean"], content["cheapest"]), key), right))


# ------------------------------------------------------------------ hand over


def hand_over_section(content: Content) -> str:
    """The share answered against the error, the chosen threshold, the hours it saves; out of scope."""
    title = say("Answer or hand over", "回答还是转人工")
    chosen, hours = content["hand_over"]["chosen"], content["hand_over"]["hours_saved"]
    words = [
        lead(
            say(
                "The surest rows are answered first. The further right, the more the model answers alone, and the more of that is wrong.",
                "最有把握的先回答。越往右，模型独自回答得越多，其中答错的也越多。",
            )
        )
    ]
    if chosen:
        words.append(f"<p>{both(chosen['said'])}</p>")
        answered = (
            [both(say("answered", "回答的比例")), with_range(chosen["answered_on_test"])],
            [both(say("wrong among them", "其中答错")), with_range(chosen["error_on_test"])],
        )
        saved = [[both(say("hours saved per 1,000 messages", "每千条消息节省的小时数")), with_range(hours, "hours")]] if hours else []
        words.append(table([say("on the test part", "在测试部分"), say("value [95 %]", "值 [95%]")], [("", row) for row in [*answered, *saved]]))
    else:
        words.append(f"<p>{both(say('No threshold is chosen: the model answers every row.', '没有选阈值：模型回答每一行。'))} {advice(content)}</p>")
        if content["hand_over"]["minutes_per_row"] is not None and content["hand_over"]["curve"]:
            words.append(f"<p>{both(say('The hours saved stand beside each threshold in the table.', '每个阈值能省的小时数见下表。'))}</p>")
    words.append(_curve_table(content["hand_over"]["curve"]))
    words.append(_out_of_scope(content))
    svg = hand_over_picture(content["hand_over"]["curve"], chosen)
    key = [("good", say("error, 95 % interval", "错误率，95% 区间"))]
    if chosen:
        key += [("dash", say(f"allowed: {chosen['target']:.1%}", f"允许：{chosen['target']:.1%}"))]
        key += [("bad", say("chosen on calibration rows", "在校准部分选定"))] if chosen["value"] <= NOTHING else []
    if svg is None:
        return section("hand-over", title, f"<p>{both(say('Not enough data for a curve.', '数据不够，画不出曲线。'))}</p>", *words[3 if chosen else 2 :])
    return section("hand-over", title, pair(picture(svg, key), "".join(words)))


def _curve_table(curve: Sequence[Content]) -> str:
    if not curve:
        return ""
    head = [say("answered", "回答的比例"), say("wrong among them", "其中答错"), say("threshold", "阈值")]
    timed = curve[0]["hours_saved"] is not None
    head += [say("hours saved per 1,000", "每千条节省小时")] if timed else []
    rows = [
        ("", [with_range(each["answered"]), with_range(each["error"]), f"{each['threshold']:.3f}", *([with_range(each["hours_saved"], "hours")] if timed else [])])
        for each in curve
    ]
    return folded(say("The curve in numbers", "曲线的数字"), table(head, rows, numbers=[2]), is_open=timed)


def _out_of_scope(content: Content) -> str:
    found = content["out_of_scope"]
    if found is None:
        return ""
    head = [say("out of scope", "超出范围"), say("value [95 %]", "值 [95%]")]
    rows = [
        ("", [both(say("caught", "识别出的比例")), with_range(found["caught"])]),
        ("", [both(say("false alarms among the others", "其余消息中的误报")), with_range(found["false_alarms"])]),
    ]
    if found.get("stated") is not None:
        rows.append(("", [both(say("false alarms allowed", "允许的误报")), f"{found['stated']:.1%}"]))
    named = "" if found["label"] is None else marked(say("{label} means: none of these. ", "{label} 表示都不是。"), label=of_the_user(found["label"], 40))
    return f'<h3>{both(say("Out of scope", "超出范围"))}</h3><p class="lead">{named}{both(found["said"])}</p>{table(head, rows)}'


# --------------------------------------------------------------------- labels


def labels_section(content: Content) -> str:
    """Precision, recall and F1 of each label, the worst first."""
    order = ranked(content["classes"])
    head = [say("label", "标签"), FIGURES_OF_LABEL["f1"], FIGURES_OF_LABEL["precision"], FIGURES_OF_LABEL["recall"], say("rows", "行数")]
    rows = [
        ("", [of_the_user(each["label"], 60), *(with_range(each[name]) for name in ("f1", "precision", "recall")), f"{each['recall']['n']:,}"])
        for each in order
    ]
    whole = table(head, rows, numbers=[4])
    note = lead(
        say(
            "Precision: how much of what is called so is so. Recall: how much of what is so is found. F1 joins both. A wide whisker means few rows.",
            "精确率：被判为该标签的有多少判对。召回率：属于该标签的有多少被找到。F1 综合两者。区间宽说明行数少。",
        )
    )
    title = say("Label by label, the worst first", "逐个标签，最差的在前")
    if all(each["f1"]["value"] is None for each in order):
        return section("labels", title, both(say("Not enough data for any label.", "每个标签的数据都不够。")), folded(say("The table", "表格"), whole))
    some = lead(
        say(
            f"The picture shows the {WORST} worst and the {BEST} best of {len(order)} labels.",
            f"图中是 {len(order)} 个标签中最差的 {WORST} 个和最好的 {BEST} 个。",
        )
    )
    many = len(order) > MOST_ROWS
    right = note + (some if many else "") + folded(say(f"All {len(order)} labels in a table", f"全部 {len(order)} 个标签的表格"), whole, is_open=not many)
    return section("labels", title, pair(picture(classes_picture(content["classes"]), [("good", say("F1, 95 % interval", "F1，95% 区间"))]), right))


# ------------------------------------------------------------------ confusion


def confusion_section(content: Content) -> str:
    """The heat map, or the most confused block of many labels, and the most confused pairs with examples; nothing without test rows."""
    counts, labels = content["confusion"]["counts"], content["confusion"]["labels"]
    shown = confused_block(counts)
    if not shown:
        return ""
    whole = len([1 for i, row in enumerate(counts) if any(row) or any(line[i] for line in counts)]) <= LARGEST_HEAT_MAP
    note = lead(
        say(
            "Down: what a message is. Across: what the model said. Shade: share of the row; number: rows.",
            "纵向：真实标签；横向：模型的回答。颜色深浅：占该行的比例；数字：行数。",
        )
    )
    if not whole:
        note += lead(say(f"The {len(shown)} most confused of {len(labels)} labels.", f"{len(labels)} 个标签中最容易混淆的 {len(shown)} 个。"))
    key = [("good", say("right", "正确")), ("bad", say("wrong", "错误"))]
    return section(
        "confusion", say("What is taken for what", "什么被当成了什么"), note, picture(confusion_picture(labels, counts, shown), key), _pairs(content)
    )


def _pairs(content: Content) -> str:
    if not content["confused_pairs"]:
        return ""
    items = []
    for each in content["confused_pairs"]:
        rows = "".join(f'<li><span class="small">{of_the_user(PurePath(example["file"]).name, 40)} {both(_row(example["row"]))}</span> {of_the_user(example["text"])}</li>' for example in each["examples"])
        count = marked(say(f"{each['count']:,} rows: {{share}} of this label", f"{each['count']:,} 行，占该标签 {{share}}"), share=with_range(each["share"]))
        items.append(
            f'<li><div class="title">{of_the_user(each["truth"], 60)}<span class="arrow" aria-hidden="true">→</span>{of_the_user(each["prediction"], 60)}</div>'
            f'<span class="small">{count}</span><ul class="rows">{rows}</ul></li>'
        )
    top = f"<h3>{both(say('Most confused', '最常混淆的标签'))}</h3>{lead(say('What it is → what the model said', '真实标签 → 模型的回答'))}"
    return f'{top}<ul class="mixups">{"".join(items)}</ul>'


def _row(number: int) -> Said:
    return say(f"row {number}", f"第 {number} 行")


# ---------------------------------------------------------------- calibration


def calibration_section(content: Content) -> str:
    """Reliability before and after temperature; nothing where there is too little data."""
    found = content["calibration"]
    if not found["bins"] or found["after"]["value"] is None:
        return ""
    before = found.get("bins_before", ())
    head = [say("calibration error", "校准误差"), say("value [95 %]", "值 [95%]")]
    rows = [
        ("", [both(say("before temperature", "温度校准前")), with_range(found["before"])]),
        ("", [both(say("after", "校准后")), with_range(found["after"])]),
    ]
    words = lead(
        say(
            "Of the rows that the model is 80 % sure of, 80 % should be right: then the points lie on the dashed line. "
            "One number, the temperature, is fitted on calibration rows.",
            "模型说有 80% 把握的那些行，应该有 80% 是对的：这样点就落在虚线上。温度这一个数是在校准部分拟合的。",
        )
    )
    key = [("good", say("after temperature", "温度校准后")), *([("hollow", say("before", "校准前"))] if before else []), ("dash", say("ideal", "理想"))]
    return section(
        "calibration",
        say("Does confidence mean what it says?", "置信度可信吗？"),
        pair(picture(reliability_picture(found["bins"], before), key), words + table(head, rows)),
    )


# --------------------------------------------------------------------- ladder


class _NumberLoss(NamedTuple):
    """How the ladder's table shows rungs that were compared by a loss of numbers: which of a rung's figures, under which head, and what gains are of."""

    key: str
    head: Said
    loss: Said


_ABSOLUTE = say("absolute error on dev", "开发绝对误差")
NUMBER_LOSSES = {
    "squared": _NumberLoss("squared_error", say("squared error on dev", "开发平方误差"), say("squared error per row, where the spread of the target is 1", "每行平方误差，以目标的标准差为 1")),
    "absolute": _NumberLoss("absolute_error", _ABSOLUTE, say("absolute error per row, where the spread of the target is 1", "每行绝对误差，以目标的标准差为 1")),
    "quantiles": _NumberLoss("absolute_error", _ABSOLUTE, say("pinball losses of the three quantiles per row, where the spread of the target is 1", "每行三个分位数的 pinball 损失之和，以目标的标准差为 1")),
}


def ladder_section(content: Content) -> str:
    """Which families were tried, what each gained, and which are kept."""
    if not content["ladder"]:
        return ""
    numbers = NUMBER_LOSSES[content["ladder"][0].get("loss", "squared")] if "squared_error" in content["ladder"][0] else None
    measured, loss = (numbers.head, numbers.loss) if numbers else (say("right on dev", "开发准确率"), say("cross-entropy per row", "每行交叉熵"))
    head = [say("rung", "级"), measured, say("gain", "增益"), say("kept", "保留")]
    rows = []
    for rung in content["ladder"]:
        name = f'{of_the_user(rung["family"], 40)} <span class="small">{of_the_user(rung["size"], 40)}</span>'
        if "teacher" in rung or "teaches" in rung:
            said = say("taught by {family}", "由 {family} 教") if "teacher" in rung else say("teaches {family}; does not answer", "教 {family}，本身不回答")
            name += f'<br><span class="small">{marked(said, family=of_the_user(rung.get("teacher") or rung["teaches"], 40))}</span>'
        if rung["parameters"]:
            size = say(f"{rung['parameters']:,} parameters", f"{rung['parameters']:,} 个参数")
            name += f'<br><span class="small">{both(size)}</span>'
        kept = say("yes", "是") if rung["kept"] else say("no", "否")
        rows.append(("kept" if rung["kept"] else "", [name, f"{rung[numbers.key]:.3f}" if numbers else percent(rung["accuracy"]), _gain(rung["gain"]), both(kept)]))
    n = content["ladder"][0]["n"]
    note = lead(
        say(
            f"From cheap to dear, judged on {n:,} rows that are not test rows. "
            f"Gain: how far the loss ({loss.en}) falls below that of the best rung before; "
            "a dearer rung is kept only where the interval lies above 0; under 2,000 rows a blend, the mean of several, also where that is likely.",
            f"从便宜到贵，在 {n:,} 行非测试数据上比较。增益：损失（{loss.zh}）比之前最好的一级低多少；区间在 0 以上才保留更贵的一级；不足 2,000 行时，几级取平均（blend）只要很可能更好也会保留。",
        )
    )
    families, cascade = [member["family"] for member in content["members"]], content.get("cascade")
    answers = f"{families[0]} → {' + '.join(cascade['dear']['families'])}" if cascade else " + ".join(families)
    what = f"<p>{marked(say('What answers: {members}.', '最终回答的模型：{members}。'), members=f'<b>{of_the_user(answers, 80)}</b>')}</p>"
    return section("ladder", say("Which models were tried", "试过哪些模型"), note, table(head, rows), what)


def _gain(gain: Sequence[float] | None) -> str:
    """Value, low and high in nats a row; the first rung has none."""
    return "–" if gain is None else f'<span class="value">{gain[0]:+.3f}</span> <span class="range">[{gain[1]:+.3f}, {gain[2]:+.3f}]</span>'
