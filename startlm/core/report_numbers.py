"""report.html of a model whose answers are numbers: the verdict first, then what to do next, then the pictures."""

from __future__ import annotations

from typing import Any

from .amounts import amount, between
from .language import say
from .number_pictures import answers_picture, bin_names, bins_picture, errors_picture
from .report_html import both, code, folded, lead, marked, of_the_user, page_of_sections, pair, percent, picture, section, table, tile, with_range
from .report_number_next import number_next_items, number_next_sections
from .report_next import group_name
from .report_page import data_section, verdict, warnings_first
from .report_sections import Content, figure_of, ladder_section

FIGURES = {
    "mae": say("Mean absolute error", "平均绝对误差"),
    "rmse": say("Root mean squared error", "均方根误差"),
    "r2": say("Share explained (R²)", "解释的比例（R²）"),
    "spearman": say("Rank correlation (Spearman)", "秩相关（Spearman）"),
}
WITHOUT_UNIT = ("r2", "spearman")
AS_GOOD = say(
    "One fixed number may do just as well. deploy refuses this model unless it is forced.",
    "固定回答一个数也可能一样好。除非强行要求，deploy 会拒绝这个模型。",
)


def numbers_page(content: Content) -> str:
    """The page of one report of the task `score`.

    The same bytes for the same content. Raises MissingExtraError without vl-convert-python.
    """
    body = [
        _verdict(content),
        _tiles(content),
        _next(content),
        _figures(content),
        _bins(content),
        _errors(content),
        *number_next_sections(content),
        ladder_section(content),
        data_section(content, _target(content)),
    ]
    return page_of_sections(body)


def _unit(name: str) -> str:
    return "number" if name in WITHOUT_UNIT else "amount"


# -------------------------------------------------------------------- verdict


def _verdict(content: Content) -> str:
    error, most = figure_of(content, "mae")["value"], content["maximum_mae"]
    more = [AS_GOOD] if error is not None and not content["better_than_baseline"] else []
    if most is not None and error is not None and error > most:
        stated = amount(most, trimmed=True)
        more.append(say(f"Above the stated greatest mean absolute error of {stated}: deploy refuses it.", f"高于规定的最大平均绝对误差 {stated}：deploy 会拒绝它。"))
    return verdict(content, error is not None, more)


def _tiles(content: Content) -> str:
    tiles = [tile(say("Mean absolute error on the test part", "测试平均绝对误差"), figure_of(content, "mae"), "amount")]
    if content["gain"]["value"] is not None:
        tiles.append(tile(say("Less than the baseline's by", "比基线的误差小"), content["gain"], "amount"))
    tiles += [tile(FIGURES[name], figure_of(content, name), _unit(name)) for name in ("rmse", "r2")]
    if content["figures_clean"]:
        tiles.append(tile(say("Mean absolute error without leaked rows", "去掉泄漏行后的平均绝对误差"), figure_of(content, "mae", "figures_clean"), "amount"))
    if content["interval"]["covered"]["value"] is not None:
        tiles.append(tile(say("Truth inside the interval", "真实值落在区间内"), content["interval"]["covered"]))
    return f'<ul class="tiles">{"".join(tiles)}</ul>'


# ----------------------------------------------------------------------- next


def _next(content: Content) -> str:
    better, steps = content["better_than_baseline"], []
    name = of_the_user(content["target"]["name"], 40)
    if figure_of(content, "mae")["value"] is None:
        steps.append(both(say("Add rows with a number: with so few, nothing can be measured.", "请增加有数值的数据：这么少的行什么也测不出来。")))
    elif not better:
        said = say(
            "Look into startlm.toml: is {name} the column you mean, and do the other columns say anything about it?",
            "检查 startlm.toml：{name} 是你想要的列吗？其余的列和它有关系吗？",
        )
        steps += [marked(said, name=name), *_loss_advice(content)]
    if content["figures_clean"]:
        said = say(
            "Test rows stand in train too. Believe the error without them: {clean}; {line} under [prepare] takes them out of train.",
            "有测试行也出现在训练数据里。请以去掉它们后的误差为准：{clean}；在 [prepare] 下写 {line} 可把它们从训练中去掉。",
        )
        steps.append(marked(said, clean=with_range(figure_of(content, "mae", "figures_clean"), "amount"), line=code('leaks = "drop_train"')))
    steps += [*warnings_first(content), *_mistakes(content), *number_next_items(content)]
    if better:
        steps += [*_worst_bin(content), *_interval_advice(content)]
        said = say("Put it to work: {deploy}, then {predict}.", "投入使用：{deploy}，然后 {predict}。")
        steps.append(marked(said, deploy=code("startlm deploy NAME"), predict=code("startlm predict NAME FILE -o OUT")))
    return section("next", say("What to do next", "接下来做什么"), f"<ol>{''.join(f'<li>{step}</li>' for step in steps)}</ol>")


def _loss_advice(content: Content) -> list[str]:
    """A model that learnt to answer with the mean is judged by its absolute error, in which the median is better."""
    if not content["ladder"] or content["ladder"][0].get("loss", "squared") != "squared":
        return []
    said = say("What is judged is the mean absolute error, what was minimised the squared one: {line} under [train] minimises what is judged.",
               "评判用的是平均绝对误差，而最小化的是平方误差：在 [train] 下写 {line}，就最小化评判的误差。")
    return [marked(said, line=code('loss = "absolute"'))]


def _mistakes(content: Content) -> list[str]:
    rows = content["mistakes"]
    if not rows:
        return []
    said = say(
        f"Read {{file}}: {rows:,} test row{'s' * (rows != 1)}, the furthest from the truth first. Wrong numbers in the data show there too.",
        f"看一遍 {{file}}：{rows:,} 行测试数据，偏差最大的在前。数据里写错的数也会在那里露出来。",
    )
    return [marked(said, file='<a href="mistakes.csv">mistakes.csv</a>')]


def _worst_bin(content: Content) -> list[str]:
    """The numbers with the largest errors, where their interval lies above the whole's."""
    overall = figure_of(content, "mae")
    measured = [(each, name) for each, name in zip(content["by_bin"], bin_names(content["by_bin"]), strict=True) if each["mae"]["value"] is not None]
    worst, between_them = max(measured, key=lambda found: found[0]["mae"]["value"], default=(None, ""))
    if worst is None or worst["mae"]["low"] <= overall["high"]:
        return []
    said = say(
        f"Errors are largest where the true number is {between_them}: {{error}}. Give more rows like these.",
        f"真实值为 {between_them} 时误差最大：{{error}}。请增加这样的数据。",
    )
    return [marked(said, error=with_range(worst["mae"], "amount"))]


def _interval_advice(content: Content) -> list[str]:
    interval = content["interval"]
    promised, inside = interval["coverage"], interval["covered"]
    if interval["half_width"] is None:
        return [both(say(f"There are too few rows for an interval that holds the truth {promised:.0%} of the time: add rows.",
                         f"数据太少，给不出能以 {promised:.0%} 的比例包含真实值的区间：请增加数据。"))]
    if inside["value"] is not None and inside["high"] < promised:
        said = say(
            f"Intervals were to hold the truth {promised:.0%} of the time and do so for {{inside}}: are the test rows later, or otherwise unlike those of train?",
            f"区间本应以 {promised:.0%} 的比例包含真实值，实际只有 {{inside}}：测试数据是不是更晚，或者与训练数据不同？",
        )
        return [marked(said, inside=with_range(inside))]
    return []


# -------------------------------------------------------------------- figures


def _figures(content: Content) -> str:
    """Answers beside the truth, and every figure with its interval beside the baseline and the cheapest rung."""
    title = say("How good it is", "有多好")
    clean = {each["name"]: each for each in content["figures_clean"] or ()}
    cheapest = {each["name"]: each for each in (content["cheapest"] or {"figures": ()})["figures"]}
    beside = [(say("without leaked rows", "去掉泄漏行"), clean), (say("cheapest rung", "最便宜的一级"), cheapest)]
    beside = [each for each in beside if each[1]]
    head = [say("figure", "指标"), say("value [95 %]", "值 [95%]"), *(said for said, _ in beside), say("baseline", "基线")]
    rows = []
    for figure in content["figures"]:
        name = figure["name"]
        always = "–" if figure["baseline"] is None else f"{round(figure['baseline'], 3) + 0.0:.3f}" if name in WITHOUT_UNIT else amount(figure["baseline"])
        rows.append(("", [both(FIGURES.get(name, say(name, name))), *(with_range(each[name], _unit(name)) for each in ({name: figure}, *(one for _, one in beside))), always]))
    note = lead(
        say(
            f"On {figure_of(content, 'mae')['n']:,} test rows. R² is 1 where every answer is right and 0 where they are no better than the mean; "
            "the rank correlation asks only whether higher numbers get higher answers.",
            f"测试数据 {figure_of(content, 'mae')['n']:,} 行。R² 为 1 表示全对，为 0 表示不比总答平均值好；秩相关只看真实值大的，回答是否也大。",
        )
    )
    right = table(head, rows, numbers=[len(head) - 1]) + note
    drawn = answers_picture(content["truth_and_answer"], logged=content["target"]["transform"] == "log1p")
    top = _baseline(content)
    if drawn is None:
        return section("figures", title, top, right)
    rows_drawn = len(content["truth_and_answer"])
    key = [("good", say(f"a test row ({rows_drawn:,} drawn)", f"一行测试数据（画出 {rows_drawn:,} 行）")), ("dash", say("answer = truth", "回答等于真实值"))]
    return section("figures", title, top, pair(picture(drawn, key), right))


def _baseline(content: Content) -> str:
    constants = content["baseline"]
    if constants["median"] is None or constants["mean"] is None:
        return ""
    median, mean = (amount(constants[name], trimmed=True) for name in ("median", "mean"))
    return lead(say(f"The baseline always answers {median}, the median of train (for the absolute error), or {mean}, its mean (for the others).",
                    f"基线总是回答训练数据的中位数 {median}（用于绝对误差）或平均值 {mean}（用于其余指标）。"))


# ----------------------------------------------------------------------- bins


def _bins(content: Content) -> str:
    """The error and the bias from the least to the greatest numbers."""
    bins = content["by_bin"]
    if not bins:
        return ""
    title = say("From low to high numbers", "从小到大")
    names = bin_names(bins)
    head = [say("true number", "真实值"), say("mean absolute error", "平均绝对误差"), say("too high (+) or low (−)", "偏高（+）或偏低（−）"), say("rows", "行数")]
    rows = [("", [name, with_range(each["mae"], "amount"), with_range(each["bias"], "amount"), f"{each['n']:,}"]) for each, name in zip(bins, names, strict=True)]
    note = lead(
        say(
            "Test rows with similar true numbers together. A model that is unsure answers near the middle: low numbers come out too high, high ones too low.",
            "真实值相近的测试行放在一起。模型没把握时会往中间靠：小的答得偏大，大的答得偏小。",
        )
    )
    whole = table(head, rows, numbers=[3])
    drawn = bins_picture(bins, names)
    if drawn is None:
        return section("bins", title, both(say("Not enough data for any of them.", "每一段的数据都不够。")), folded(say("The table", "表格"), whole))
    key = [("good", say("mean absolute error, 95 % interval", "平均绝对误差，95% 区间")), ("hollow", say("how much too high (right) or low (left)", "偏高（右）或偏低（左）多少"))]
    return section("bins", title, pair(picture(drawn, key), note + folded(say("In numbers", "具体数字"), whole, is_open=True)))


# --------------------------------------------------------------------- errors


def _errors(content: Content) -> str:
    """How errors spread, and the interval around each answer: how often it holds the truth, and how wide it is."""
    title = say("How far off, and how sure", "偏差多大，有多大把握")
    interval, words = content["interval"], []
    words.append(lead(say("Right of 0 the answer was too high, left of it too low. The outermost bars hold whatever lies beyond.",
                          "0 的右边是答得偏高，左边是偏低；更远的都算在最外面的柱子里。")))
    words.append(_interval(content))
    fixed = content["target"]["transform"] == "none" and interval.get("margin") is None
    plain = interval["half_width"] if fixed else None
    drawn = errors_picture(content["residuals"], plain)
    if drawn is None:
        return section("errors", title, *words[1:])
    residuals = content["residuals"]
    span = residuals["edges"][-1]
    rows = [("", [between(low, high, span), f"{count:,}"]) for low, high, count in zip(residuals["edges"], residuals["edges"][1:], residuals["counts"], strict=False)]
    words.append(folded(say("The picture in numbers", "图中的数字"), table([say("answer less truth", "回答减真实值"), say("rows", "行数")], rows, numbers=[1])))
    key = [("good", say("test rows", "测试行"))]
    if plain is not None and plain <= span:
        key.append(("dash bad", say("ends of the interval around an answer", "回答区间的两端")))
    return section("errors", title, pair(picture(drawn, key), "".join(words)))


def _interval(content: Content) -> str:
    interval = content["interval"]
    promised, half = interval["coverage"], interval["half_width"]
    if half is None:
        return f"<p>{both(say('There are too few rows for an interval around each answer.', '数据太少，无法给出回答的区间。'))}</p>"
    if interval.get("margin") is not None:
        said = say(f"Each answer carries an interval that is wide where rows are hard to tell, made on calibration rows to hold the truth at least {promised:.0%} of the time.",
                   f"每个回答都带有区间，难答的行区间宽，由校准数据得出，至少以 {promised:.0%} 的比例包含真实值。")
    elif content["target"]["transform"] == "none":
        reach = amount(half)
        said = say(f"Each answer carries an interval of ± {reach}, made on calibration rows to hold the truth at least {promised:.0%} of the time.",
                   f"每个回答都带有 ± {reach} 的区间，由校准数据得出，至少以 {promised:.0%} 的比例包含真实值。")
    else:
        said = say(f"Each answer carries an interval, wider for larger numbers, made on calibration rows to hold the truth at least {promised:.0%} of the time.",
                   f"每个回答都带有区间（数越大区间越宽），由校准数据得出，至少以 {promised:.0%} 的比例包含真实值。")
    head = [say("on the test part", "在测试部分"), say("value [95 %]", "值 [95%]")]
    rows = [
        ("", [both(say("truth inside", "包含真实值")), with_range(interval["covered"])]),
        ("", [both(say("promised", "承诺")), percent(promised)]),
        ("", [both(say("mean width", "平均宽度")), with_range(interval["width"], "amount")]),
        *_of_one_width(interval), *_least_covered(content),
    ]
    return f"<p>{both(said)}</p>{table(head, rows)}"


def _of_one_width(interval: Content) -> list[tuple[str, list[str]]]:
    """The same of intervals of one width around the same answers, where those of the answers follow each row."""
    other = interval.get("constant")
    if not other:
        return []
    return [
        ("", [both(say("intervals of one width: truth inside", "同一宽度的区间：包含真实值")), with_range(other["covered"])]),
        ("", [both(say("their mean width", "其平均宽度")), with_range(other["width"], "amount")]),
        ("", [both(say("narrower than those by", "比它窄")), with_range(other["narrower"], "amount")]),
    ]


def _least_covered(content: Content) -> list[tuple[str, list[str]]]:
    """The group of rows whose intervals hold the truth least often."""
    found = content.get("least_covered")
    if not found:
        return []
    said = say("held least often, of {looked_at} groups: ", "{looked_at} 组中包含最少的：")
    return [("", [marked(said, looked_at=f"{found['looked_at']:,}") + group_name(found), with_range(found["covered"])])]


# ----------------------------------------------------------------------- data


def _target(content: Content) -> list[tuple[Any, str]]:
    """What is answered: the column, how its numbers spread in train, what was done to them."""
    target = content["target"]
    least, quarter, median, upper, greatest = (amount(value, trimmed=True) for value in target["quantiles"])
    facts = [
        (say("numbers of", "数值列"), of_the_user(target["name"], 40)),
        (say("from … to, in train", "训练中的范围"), f"{least} – {greatest}"),
        (say("half of them between", "一半的值在"), f"{quarter} – {upper}"),
        (say("median", "中位数"), median),
    ]
    return [*facts, (say("learnt as", "学习方式"), both(target["said"]))] if target["said"] else facts
