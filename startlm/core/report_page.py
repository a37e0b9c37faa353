"""report.html: the page a user opens after a run. One file, offline, Chinese and English, for a desk, a phone and paper.

First the verdict, then what to do next, then the pictures. Whatever comes from the data is escaped.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

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
from .report_html import (
    both,
    code,
    folded,
    lead,
    marked,
    of_the_user,
    pair,
    percent,
    picture,
    section,
    table,
    tile,
    whole_page,
    with_range,
)

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
    "log_loss": say("Log loss (nats)", "对数损失（nat）"),
    "calibration_error": say("Calibration error", "校准误差"),
    "calibration_error_debiased": say("Calibration error, less chance", "校准误差（扣除偶然）"),
}
FIGURES_OF_LABEL = {"f1": say("F1", "F1"), "precision": say("precision", "精确率"), "recall": say("recall", "召回率")}
SAME_AS_ACCURACY = ("micro_precision", "micro_recall", "micro_f1", "weighted_recall")  # with one label a row
DRAWN = ("accuracy", "macro_f1", "macro_precision", "macro_recall", "weighted_f1", "weighted_precision")
PARTS = {"train": say("train", "训练"), "dev": say("dev", "开发"), "calibration": say("calibration", "校准"), "test": say("test", "测试")}
LANGUAGES = {"zh": say("Chinese", "中文"), "en": say("English", "英文"), "mixed": say("mixed", "中英混合"), "other": say("other", "其他")}
DATA_FIRST = 5  # warnings about the data that stand in the list of what to do next
NAMED = 3  # labels that are named there
FIVE_PER_CENT = 'hand_over = "5%"'
NOTHING = 1.0  # a threshold above this is reached by no confidence


def report_page(content: Content) -> str:
    """The page of one report.

    The same bytes for the same content. Raises MissingExtraError without vl-convert-python.
    """
    body = [
        _verdict(content),
        _tiles(content),
        _next(content),
        _figures(content),
        _hand_over(content),
        _labels(content),
        _confusion(content),
        _calibration(content),
        _ladder(content),
        _data(content),
    ]
    bottom = both(
        say(
            "Intervals are 95 %: exact where a figure is a share of rows, else by bootstrap. Every number of this page stands in report.json.",
            "区间均为 95%：比例用精确区间，其余用自助法。本页所有数字都在 report.json 里。",
        )
    )
    return whole_page("\n".join(filter(None, body)), bottom)


def _figure(content: Content, name: str, among: str = "figures") -> Content:
    return next(figure for figure in content[among] if figure["name"] == name)


# -------------------------------------------------------------------- verdict


def _verdict(content: Content) -> str:
    accuracy = _figure(content, "accuracy")
    if accuracy["value"] is None:
        kind, sign, stamp = "few", "?", say("Not enough data", "数据不够")
    elif not content["better_than_baseline"]:
        kind, sign, stamp = "bad", "!", say("Do not use this model", "不要使用这个模型")
    else:
        kind, sign, stamp = "good", "✓", say("Better than the baseline", "比基线好")
    more = ""
    if kind == "bad":
        more = f"<p>{both(say('A fixed answer does as well. deploy refuses this model unless it is forced.', '固定回答一个标签也能做到这样。除非强行要求，deploy 会拒绝这个模型。'))}</p>"
    least = content["minimum_accuracy"]
    if least is not None and accuracy["value"] is not None and accuracy["value"] < least:
        more += f"<p>{both(say(f'Below the stated minimum accuracy of {least:.1%}: deploy refuses it.', f'低于规定的最低准确率 {least:.1%}：deploy 会拒绝它。'))}</p>"
    return (
        f'<div class="verdict {kind}"><div class="stamp"><b aria-hidden="true">{sign}</b><span>{both(stamp)}</span></div>'
        f'<h1 id="headline">{both(content["headline"])}</h1>{more}</div>'
    )


def _tiles(content: Content) -> str:
    tiles = [tile(say("Accuracy on the test part", "测试准确率"), _figure(content, "accuracy"))]
    if content["gain"]["value"] is not None:
        tiles.append(tile(say("Points above the baseline", "高出基线（百分点）"), content["gain"], "points"))
    tiles.append(tile(FIGURES["macro_f1"], _figure(content, "macro_f1")))
    if content["figures_clean"]:
        tiles.append(tile(say("Accuracy without leaked rows", "去掉泄漏行后的准确率"), _figure(content, "accuracy", "figures_clean")))
    chosen = content["hand_over"]["chosen"]
    if chosen:
        tiles.append(tile(say("Answered by the model", "由模型回答"), chosen["answered_on_test"]))
        tiles.append(tile(say("Wrong among them", "其中答错"), chosen["error_on_test"]))
    if content["hand_over"]["hours_saved"]:
        tiles.append(tile(say("Hours saved per 1,000 messages", "每千条消息节省的小时数"), content["hand_over"]["hours_saved"], "hours"))
    return f'<ul class="tiles">{"".join(tiles)}</ul>'


# ----------------------------------------------------------------------- next


def _next(content: Content) -> str:
    few = _figure(content, "accuracy")["value"] is None
    if few:
        steps = [both(say("Add rows with a label: with so few, nothing can be measured.", "请增加有标签的数据：这么少的行什么也测不出来。"))]
    elif not content["better_than_baseline"]:
        steps = [
            marked(
                say(
                    "Look into startlm.toml: are {text} and {label} under [prepare] the columns you mean? Do rows with the same meaning have the same label?",
                    "检查 startlm.toml：[prepare] 下的 {text} 和 {label} 是你想用的列吗？意思相同的行，标签是否一致？",
                ),
                text=code("text"),
                label=code("label"),
            )
        ]
    else:
        steps = []
    steps += [*_data_first(content), *_mistakes(content)]
    if content["better_than_baseline"]:
        steps += [*_weak_labels(content), *_threshold(content)]
        steps.append(
            marked(
                say("Put it to work: {deploy}, then {predict}.", "投入使用：{deploy}，然后 {predict}。"),
                deploy=code("startlm deploy NAME"),
                predict=code("startlm predict NAME FILE -o OUT"),
            )
        )
    return section("next", say("What to do next", "接下来做什么"), f"<ol>{''.join(f'<li>{step}</li>' for step in steps)}</ol>")


def _data_first(content: Content) -> list[str]:
    steps = []
    if content["figures_clean"]:
        clean = _figure(content, "accuracy", "figures_clean")
        steps.append(
            marked(
                say(
                    "Test rows stand in train too. Believe the accuracy without them: {clean}; {line} under [prepare] takes them out of train.",
                    "有测试行也出现在训练数据里。请以去掉它们后的准确率为准：{clean}；在 [prepare] 下写 {line} 可把它们从训练中去掉。",
                ),
                clean=with_range(clean),
                line=code('leaks = "drop_train"'),
            )
        )
    warned = [each["en"] for each in content["warnings"]]
    found = [each for each in content["findings"] if each["said"]["en"] in warned and each["kind"] != "leaks"]
    if found:
        items = "".join(f"<li>{_finding(each)}</li>" for each in found[:DATA_FIRST])
        left = len(found) - DATA_FIRST
        items += f"<li>{both(say(f'and {left} more below', f'另有 {left} 条见下文'))}</li>" if left > 0 else ""
        steps.append(f'{both(say("Settle this in the data:", "先处理数据里的这些问题："))}<ul class="rows">{items}</ul>')
    return steps


def _mistakes(content: Content) -> list[str]:
    counts = content["confusion"]["counts"]
    n, right = sum(map(sum, counts)), sum(row[i] for i, row in enumerate(counts))
    if n == right:
        return []
    return [
        marked(
            say(
                f"Read {{file}}: the {n - right:,} of {n:,} test rows that are answered wrongly, the surest mistakes first. Wrong labels in the data show there too.",
                f"看一遍 {{file}}：{n:,} 行测试数据中答错的 {n - right:,} 行，最自信的错误在前。数据里标错的标签也会在那里露出来。",
            ),
            file='<a href="mistakes.csv">mistakes.csv</a>',
        )
    ]


def _weak_labels(content: Content) -> list[str]:
    measured = [each for each in ranked(content["classes"]) if each["f1"]["value"] is not None]
    macro = _figure(content, "macro_f1")["value"]
    worst = [each for each in measured if macro is not None and each["f1"]["value"] < min(macro, 0.95)][:NAMED]
    if not worst:
        return []
    named = ", ".join(f"<b>{of_the_user(each['label'])}</b> ({percent(each['f1']['value'])})" for each in worst)
    return [marked(say("Give more rows of the worst labels (F1): {named}.", "为最差的标签增加数据（括号内为 F1）：{named}。"), named=named)]


def _threshold(content: Content) -> list[str]:
    hand_over = content["hand_over"]
    if hand_over["chosen"] is None:
        return [
            marked(
                say(
                    "Let a person answer what the model is unsure of: {line} under [predict] keeps the errors among answered rows at or below 5 %.",
                    "把模型没把握的交给人工：在 [predict] 下写 {line}，模型回答的部分错误率就不超过 5%。",
                ),
                line=code(FIVE_PER_CENT),
            )
        ]
    if hand_over["chosen"]["value"] > NOTHING:
        return [both(hand_over["chosen"]["said"])]
    if hand_over["minutes_per_row"] is None:
        return [
            marked(
                say(
                    "To see the hours saved, write the minutes a person needs for one message: {line} under [evaluate].",
                    "想看能省多少小时：在 [evaluate] 下写明人工处理一条消息的分钟数，如 {line}。",
                ),
                line=code("minutes_per_row = 3"),
            )
        ]
    return []


def _finding(finding: Content) -> str:
    setting = "" if not finding["setting"] else both(say(" To change it: ", " 如需改变：")) + code(finding["setting"])
    return both(finding["said"]) + setting


# -------------------------------------------------------------------- figures


def _figures(content: Content) -> str:
    given = [each["name"] for each in content["figures"] if each["name"] not in SAME_AS_ACCURACY]
    names = sorted(given, key=lambda name: list(FIGURES).index(name) if name in FIGURES else len(FIGURES))
    clean = {each["name"]: each for each in content["figures_clean"] or ()}
    head = [say("figure", "指标"), say("value [95 %]", "值 [95%]"), *([say("without leaked rows", "去掉泄漏行")] if clean else []), say("baseline", "基线")]
    rows = []
    for name in names:
        figure, unit = _figure(content, name), "number" if name == "log_loss" else "share"
        beside = "–" if figure["baseline"] is None else percent(figure["baseline"])
        rows.append(("", [both(FIGURES.get(name, say(name, name))), with_range(figure, unit), *([with_range(clean[name], unit)] if clean else []), beside]))
    n = _figure(content, "accuracy")["n"]
    notes = lead(
        say(
            f"On {n:,} test rows. With one label a row, micro averages and weighted recall equal the accuracy.",
            f"测试数据 {n:,} 行。每行只有一个标签时，微平均各项和加权召回率都等于准确率。",
        )
    )
    right = table(head, rows, numbers=[len(head) - 1]) + notes
    baseline = of_the_user(content["baseline"]["label"], 40)
    top = f'<p class="lead">{marked(say("The baseline always answers {label}, the most frequent label.", "基线总是回答最常见的标签 {label}。"), label=baseline)}</p>'
    title = say("How good it is", "有多好")
    if _figure(content, "accuracy")["value"] is None:
        return section("figures", title, top, right)
    key = [
        ("good", say("as published", "原样测试") if clean else say("this model, 95 % interval", "本模型，95% 区间")),
        *([("hollow", say("without leaked rows", "去掉泄漏行"))] if clean else []),
        ("bar", say("baseline", "基线")),
    ]
    cheapest = content["cheapest"]
    if cheapest:
        key.append(("diamond", say(f"cheapest rung ({cheapest['family']}), on dev", f"最便宜的一级（{cheapest['family']}），开发部分")))
    drawn = {name: FIGURES[name] for name in DRAWN if name in names}
    return section("figures", title, top, pair(picture(figures_picture(drawn, content["figures"], content["figures_clean"], cheapest), key), right))


# ------------------------------------------------------------------ hand over


def _hand_over(content: Content) -> str:
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
        said = say(
            "No threshold is chosen: the model answers every row. {line} under [predict] chooses one.",
            "没有选阈值：模型回答每一行。在 [predict] 下写 {line} 即可选一个。",
        )
        words.append(f"<p>{marked(said, line=code(FIVE_PER_CENT))}</p>")
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
    rows = [("", [with_range(each["answered"]), with_range(each["error"]), f"{each['threshold']:.3f}"]) for each in curve]
    return folded(say("The curve in numbers", "曲线的数字"), table(head, rows, numbers=[2]))


def _out_of_scope(content: Content) -> str:
    found = content["out_of_scope"]
    if found is None:
        return ""
    head = [say("out of scope", "超出范围"), say("value [95 %]", "值 [95%]")]
    rows = [
        ("", [both(say("caught", "识别出的比例")), with_range(found["caught"])]),
        ("", [both(say("false alarms among the others", "其余消息中的误报")), with_range(found["false_alarms"])]),
    ]
    note = (
        ""
        if found["caught"]["n"]
        else lead(say("The test part has no out-of-scope rows: only false alarms can be measured.", "测试部分没有超出范围的行：只能测误报。"))
    )
    what = f'<p class="lead">{marked(say("{label} means: none of these.", "{label} 表示都不是。"), label=of_the_user(found["label"], 40))}</p>'
    return f"<h3>{both(say('Out of scope', '超出范围'))}</h3>{what}{table(head, rows)}{note}"


# --------------------------------------------------------------------- labels


def _labels(content: Content) -> str:
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


def _confusion(content: Content) -> str:
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
        rows = "".join(f'<li><span class="small">{both(_row(example["row"]))}</span> {of_the_user(example["text"])}</li>' for example in each["examples"])
        count = marked(say(f"{each['count']:,} rows: {{share}} of this label", f"{each['count']:,} 行，占该标签 {{share}}"), share=with_range(each["share"]))
        items.append(
            f'<li><div class="title">{of_the_user(each["truth"], 60)}<span class="arrow" aria-hidden="true">→</span>{of_the_user(each["prediction"], 60)}</div>'
            f'<span class="small">{count}</span><ul class="rows">{rows}</ul></li>'
        )
    return f"<h3>{both(say('Most confused', '最常混淆的标签'))}</h3><p class=lead>{both(say('What it is → what the model said', '真实标签 → 模型的回答'))}</p><ul class=mixups>{''.join(items)}</ul>"


def _row(number: int) -> Said:
    return say(f"row {number}", f"第 {number} 行")


# ---------------------------------------------------------------- calibration


def _calibration(content: Content) -> str:
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
            "Of the rows that the model is 80 % sure of, 80 % should be right: then the points lie on the dashed line. One number, the temperature, is fitted on calibration rows.",
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


def _ladder(content: Content) -> str:
    if not content["ladder"]:
        return ""
    head = [say("rung", "级"), say("parameters", "参数"), say("accuracy on dev", "开发准确率"), say("gain", "增益"), say("kept", "保留")]
    rows = []
    for rung in content["ladder"]:
        gain = rung["gain"]
        shown = "–" if gain is None else f'<span class="value">{gain[0]:+.3f}</span> <span class="range">[{gain[1]:+.3f}, {gain[2]:+.3f}]</span>'
        parameters = f"{rung['parameters']:,}" if rung["parameters"] else "–"
        rows.append(
            (
                "kept" if rung["kept"] else "",
                [
                    f"{of_the_user(rung['family'], 40)} <span class=small>{of_the_user(rung['size'], 40)}</span>",
                    parameters,
                    percent(rung["accuracy"]),
                    shown,
                    both(say("yes", "是") if rung["kept"] else say("no", "否")),
                ],
            )
        )
    n = content["ladder"][0]["n"]
    note = lead(
        say(
            f"From cheap to dear, judged on {n:,} rows that are not test rows. Gain: how far the loss (cross-entropy per row) falls below that of the best rung before; "
            "a dearer rung is kept only where the interval lies above 0.",
            f"从便宜到贵，在 {n:,} 行非测试数据上比较。增益：损失（每行交叉熵）比之前最好的一级低多少；区间在 0 以上才保留更贵的一级。",
        )
    )
    answers = " + ".join(member["family"] for member in content["members"])
    what = f"<p>{marked(say('What answers: {members}.', '最终回答的模型：{members}。'), members=f'<b>{of_the_user(answers, 80)}</b>')}</p>"
    return section("ladder", say("Which models were tried", "试过哪些模型"), note, table(head, rows, numbers=[1, 2]), what)


# ----------------------------------------------------------------------- data


def _data(content: Content) -> str:
    def listed(names: Mapping[str, Said], counts: Mapping[str, int]) -> str:
        return both(
            say(
                ", ".join(f"{said.en} {counts.get(name, 0):,}" for name, said in names.items() if counts.get(name)),
                "，".join(f"{said.zh} {counts.get(name, 0):,}" for name, said in names.items() if counts.get(name)),
            )
        )

    facts = [
        (say("rows", "行数"), listed(PARTS, content["rows"])),
        (say("languages", "语言"), listed(LANGUAGES, content["languages"])),
        (say("labels", "标签"), f"{len(content['labels']):,}"),
    ]
    if content["crossfit"]:
        facts.append((say("few rows", "数据较少"), both(say("choices made by 5-fold cross-fitting", "用 5 折交叉拟合做选择"))))
    for key, said in (("unlabelled", say("without a label", "没有标签")), ("rejected", say("could not be read", "无法读取"))):
        if content[key]:
            facts.append((said, f"{content[key]:,}"))
    if content["unused"]:
        facts.append((say("columns not used", "未使用的列"), ", ".join(of_the_user(name, 40) for name in content["unused"])))
    leaks = content["leaks"]
    if leaks.get("test_rows"):
        exact, near = len(leaks["exact"]), len(leaks["near"])
        facts.append(
            (
                say("test rows also in train", "也在训练里的测试行"),
                both(
                    say(f"{len(leaks['test_rows']):,} ({exact:,} equal, {near:,} nearly)", f"{len(leaks['test_rows']):,}（{exact:,} 对相同，{near:,} 对近似）")
                ),
            )
        )
    inside = "".join(f"<div><dt>{both(said)}</dt><dd>{value}</dd></div>" for said, value in facts)
    found = "".join(f"<li>{_finding(each)}{_changes(each)}</li>" for each in content["findings"])
    heading = f"<h3>{both(say('What prepare found', 'prepare 的发现'))}</h3><ul class=found>{found}</ul>" if found else ""
    return section("data", say("The data", "数据"), f"<dl class=facts>{inside}</dl>", heading)


def _changes(finding: Content) -> str:
    """What cleaning made of a few texts."""
    pairs = [each for each in finding["examples"] if isinstance(each, (list, tuple)) and len(each) == 2]
    if not pairs:
        return ""
    items = "".join(
        f'<li>{of_the_user(str(before), 120)} <span class="arrow" aria-hidden="true">→</span> {of_the_user(str(after), 120)}</li>' for before, after in pairs
    )
    return folded(say("examples", "例子"), f'<ul class="rows">{items}</ul>')
