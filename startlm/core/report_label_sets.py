"""report.html of a classifier of several labels a row: the verdict first, then what to do next, then the figures and each label."""

from __future__ import annotations

from .language import say
from .pictures import classes_picture, ranked
from .report_html import both, code, folded, lead, marked, of_the_user, page_of_sections, pair, percent, picture, section, table, tile, with_range
from .report_page import data_section, verdict, warnings_first
from .report_sections import FIGURES_OF_LABEL, Content, advice, calibration_section, figure_of, hand_over_section, ladder_section

FIGURES = {
    "samples_f1": say("F1 of a row's labels", "各行标签的 F1"),
    "subset_accuracy": say("All labels right (subset accuracy)", "标签全对（子集准确率）"),
    "micro_f1": say("Micro F1", "微平均 F1"),
    "macro_f1": say("Macro F1", "宏平均 F1"),
    "weighted_f1": say("Weighted F1", "加权 F1"),
    "hamming_loss": say("Labels wrong (Hamming loss)", "标签判错的比例（汉明损失）"),
    "samples_precision": say("Precision of a row's labels", "各行标签的精确率"),
    "samples_recall": say("Recall of a row's labels", "各行标签的召回率"),
    "micro_precision": say("Micro precision", "微平均精确率"),
    "micro_recall": say("Micro recall", "微平均召回率"),
    "macro_precision": say("Macro precision", "宏平均精确率"),
    "macro_recall": say("Macro recall", "宏平均召回率"),
    "weighted_precision": say("Weighted precision", "加权精确率"),
    "weighted_recall": say("Weighted recall", "加权召回率"),
}
AS_GOOD = say("One fixed set of labels may do just as well. deploy refuses this model unless it is forced.",
              "固定回答同一组标签也可能一样好。除非强行要求，deploy 会拒绝这个模型。")
NOT_YET = say("Not measured yet for several labels a row: worst groups, likely label errors, the learning curve, what each column is worth, what a random split would have claimed, costs.",
              "每行多个标签时暂不计算：最差的分组、可能标错的标签、学习曲线、各列的价值、随机划分会得出的结果、代价。")
NAMED = 3  # labels named in what to do next


def label_sets_page(content: Content) -> str:
    """The page of one report. The same bytes for the same content. Raises MissingExtraError without vl-convert-python."""
    facts = [(say("labels", "标签"), f"{len(content['labels']):,}")]
    if content["labels_a_row"]["truth"] is not None:
        of = content["labels_a_row"]
        facts.append((say("labels a test row", "每行测试数据的标签数"), both(say(f"{of['truth']:.2f} true, {of['answered']:.2f} answered", f"真实 {of['truth']:.2f}，回答 {of['answered']:.2f}"))))
    return page_of_sections([
        _verdict(content), _tiles(content), _next(content), _figures(content), hand_over_section(content), _labels(content), _together(content),
        calibration_section(content), ladder_section(content), data_section(content, facts),
    ])  # fmt: skip


def _verdict(content: Content) -> str:
    measured = figure_of(content, "samples_f1")["value"] is not None
    more = [AS_GOOD] if measured and not content["better_than_baseline"] else []
    least, exact = content["minimum_accuracy"], figure_of(content, "subset_accuracy")["value"]
    if least is not None and exact is not None and exact < least:
        more.append(say(f"Below the stated minimum accuracy of {least:.1%}: deploy refuses it.", f"低于规定的最低准确率 {least:.1%}：deploy 会拒绝它。"))
    return verdict(content, measured, more)


def _tiles(content: Content) -> str:
    tiles = [tile(FIGURES["samples_f1"], figure_of(content, "samples_f1"))]
    if content["gain"]["value"] is not None:
        tiles.append(tile(say("Points above the baseline", "高出基线（百分点）"), content["gain"], "points"))
    tiles += [tile(FIGURES[name], figure_of(content, name)) for name in ("subset_accuracy", "micro_f1", "macro_f1")]
    if content["figures_clean"]:
        tiles.append(tile(say("F1 of a row without leaked rows", "去掉泄漏行后各行的 F1"), figure_of(content, "samples_f1", "figures_clean")))
    if chosen := content["hand_over"]["chosen"]:
        tiles += [tile(say("Answered by the model", "由模型回答"), chosen["answered_on_test"]), tile(say("Not all right among them", "其中未全对"), chosen["error_on_test"])]
    return f'<ul class="tiles">{"".join(tiles)}</ul>'


def _next(content: Content) -> str:
    better, steps = content["better_than_baseline"], []
    if figure_of(content, "samples_f1")["value"] is None:
        steps.append(both(say("Add rows with labels: with so few, nothing can be measured.", "请增加有标签的数据：这么少的行什么也测不出来。")))
    elif not better:
        steps.append(marked(say("Look into startlm.toml: are {text}, {label} and {separator} under [prepare] what you mean?",
                                "检查 startlm.toml：[prepare] 下的 {text}、{label} 和 {separator} 是你想要的吗？"),
                            text=code("text"), label=code("label"), separator=code("label_separator")))
    steps += warnings_first(content)
    if content["mistakes"]:
        wrong, n = content["mistakes"], content["rows"]["test"]
        steps.append(marked(say(f"Read {{file}}: the {wrong:,} of {n:,} test rows whose labels are not all right, the surest first.",
                                f"看一遍 {{file}}：{n:,} 行测试数据中标签未全对的 {wrong:,} 行，最自信的在前。"), file='<a href="mistakes.csv">mistakes.csv</a>'))
    if better:
        worst = [each for each in ranked(content["classes"]) if each["f1"]["value"] is not None and each["f1"]["value"] < 0.95][:NAMED]
        if worst:
            named = ", ".join(f"<b>{of_the_user(each['label'])}</b> ({percent(each['f1']['value'])})" for each in worst)
            steps.append(marked(say("Give more rows of the worst labels (F1): {named}.", "为最差的标签增加数据（括号内为 F1）：{named}。"), named=named))
        steps += [advice(content)] if content["hand_over"]["chosen"] is None else []
        steps.append(marked(say("Put it to work: {deploy}, then {predict}.", "投入使用：{deploy}，然后 {predict}。"),
                            deploy=code("startlm deploy NAME"), predict=code("startlm predict NAME FILE -o OUT")))
    return section("next", say("What to do next", "接下来做什么"), f"<ol>{''.join(f'<li>{step}</li>' for step in steps)}</ol>", lead(NOT_YET))


def _figures(content: Content) -> str:
    clean = {each["name"]: each for each in content["figures_clean"] or ()}
    cheapest = {each["name"]: each for each in (content["cheapest"] or {"figures": ()})["figures"]}
    beside = [(said, each) for said, each in ((say("without leaked rows", "去掉泄漏行"), clean), (say("cheapest rung", "最便宜的一级"), cheapest)) if each]
    head = [say("figure", "指标"), say("value [95 %]", "值 [95%]"), *(said for said, _ in beside), say("baseline", "基线")]
    rows = []
    for name, said in FIGURES.items():
        figure = figure_of(content, name)
        always = "–" if figure["baseline"] is None else percent(figure["baseline"])
        rows.append(("", [both(said), with_range(figure), *(with_range(each[name]) for _, each in beside), always]))
    usual = ", ".join(of_the_user(name, 40) for name in content["baseline"]["labels"]) or both(say("no label at all", "没有标签"))
    n = figure_of(content, "samples_f1")["n"]
    top = marked(say("The baseline always answers {usual}, the most frequent combination of labels.", "基线总是回答最常见的标签组合：{usual}。"), usual=usual)
    note = lead(say(
        f"On {n:,} test rows. F1 of a row: how far its labels overlap with the true ones; all labels right is the strictest count. Micro counts all labels together, macro each label the same, "
        "weighted by its rows. Hamming loss is the share of wrong decisions about single labels: lower is better, and small wherever labels are many and rare.",
        f"测试数据 {n:,} 行。各行的 F1：回答的标签与真实标签重合多少；“全对”最严格。微平均把所有标签合在一起算，宏平均各标签平等，加权按行数。"
        "汉明损失是对单个标签判错的比例：越低越好；标签多而稀少时它总是很小。"))
    return section("figures", say("How good it is", "有多好"), f'<p class="lead">{top}</p>', table(head, rows, numbers=[len(head) - 1]), note)


def _labels(content: Content) -> str:
    """Precision, recall, F1 and the threshold of each label, the worst first."""
    order = ranked(content["classes"])
    head = [say("label", "标签"), *(FIGURES_OF_LABEL[name] for name in ("f1", "precision", "recall")), say("rows", "行数"), say("threshold", "阈值")]
    rows = [("", [of_the_user(each["label"], 60), *(with_range(each[name]) for name in ("f1", "precision", "recall")), f"{each['recall']['n']:,}",
                  "–" if each["threshold"] is None else f"{each['threshold']:.3f}"]) for each in order]
    whole = folded(say(f"All {len(order)} labels in a table", f"全部 {len(order)} 个标签的表格"), table(head, rows, numbers=[4, 5]), is_open=len(order) <= 40)
    note = lead(say("A label is answered where its confidence reaches its threshold: the one with the best F1 on calibration rows, or for a rare label that of all labels together.",
                    "置信度达到阈值就回答该标签：阈值取校准数据上 F1 最高的那个；少见的标签用所有标签合在一起的阈值。"))
    title = say("Label by label, the worst first", "逐个标签，最差的在前")
    if all(each["f1"]["value"] is None for each in order):
        return section("labels", title, both(say("Not enough data for any label.", "每个标签的数据都不够。")), whole)
    return section("labels", title, pair(picture(classes_picture(content["classes"]), [("good", say("F1, 95 % interval", "F1，95% 区间"))]), note), whole)


def _together(content: Content) -> str:
    """Pairs of labels that stand in the same rows."""
    if not content["together"]:
        return ""
    head = [say("labels", "标签"), say("rows with both", "同时有这两个的行"), say("both answered", "同时回答的行"), say("rightly", "其中正确")]
    rows = [("", [" + ".join(of_the_user(name, 40) for name in each["labels"]), *(f"{each[name]:,}" for name in ("rows", "answered", "right"))]) for each in content["together"]]
    return section("together", say("Labels that go together", "常一起出现的标签"), table(head, rows, numbers=[1, 2, 3]))
