"""report.html: the page a user opens after a run. One file, offline, Chinese and English, for a desk, a phone and paper.

First the verdict, then what to do next, then the pictures. Whatever comes from the data is escaped.
"""

from __future__ import annotations

from typing import Mapping, Sequence

from .language import Said, say
from .pictures import ranked
from .report_cascade import cascade_section
from .report_costs import costs_section
from .report_html import both, code, folded, marked, of_the_user, page_of_sections, percent, section, tile, with_range
from .report_next import next_items, next_sections
from .report_order import order_section
from .report_sections import (
    FIGURES,
    NOTHING,
    Content,
    advice,
    calibration_section,
    confusion_section,
    figure_of,
    figures_section,
    hand_over_section,
    labels_section,
    ladder_section,
)
from .scripts import LANGUAGES

PARTS = {"train": say("train", "训练"), "dev": say("dev", "开发"), "calibration": say("calibration", "校准"), "test": say("test", "测试")}
AS_GOOD = say(
    "One fixed answer may do just as well. deploy refuses this model unless it is forced.",
    "固定回答一个标签也可能一样好。除非强行要求，deploy 会拒绝这个模型。",
)
DATA_FIRST = 5  # warnings about the data that stand in the list of what to do next
NAMED = 3  # labels that are named there


def report_page(content: Content) -> str:
    """The page of one report.

    The same bytes for the same content. Raises MissingExtraError without vl-convert-python.
    """
    body = [
        _verdict(content),
        _tiles(content),
        _next(content),
        figures_section(content),
        order_section(content),
        hand_over_section(content),
        costs_section(content),
        labels_section(content),
        confusion_section(content),
        *next_sections(content),
        calibration_section(content),
        ladder_section(content),
        cascade_section(content),
        data_section(content, [(say("labels", "标签"), f"{len(content['labels']):,}")]),
    ]
    return page_of_sections(body)


# -------------------------------------------------------------------- verdict


def _verdict(content: Content) -> str:
    accuracy, least = figure_of(content, "accuracy")["value"], content["minimum_accuracy"]
    more = [AS_GOOD] if accuracy is not None and not content["better_than_baseline"] else []
    if least is not None and accuracy is not None and accuracy < least:
        more.append(say(f"Below the stated minimum accuracy of {least:.1%}: deploy refuses it.", f"低于规定的最低准确率 {least:.1%}：deploy 会拒绝它。"))
    return verdict(content, accuracy is not None, more)


def verdict(content: Content, measured: bool, more: Sequence[Said]) -> str:
    """The stamp and the headline, and what else decides whether the model may be used."""
    if not measured:
        kind, sign, stamp = "few", "?", say("Not enough data", "数据不够")
    elif not content["better_than_baseline"]:
        kind, sign, stamp = "bad", "!", say("Do not use this model", "不要使用这个模型")
    else:
        kind, sign, stamp = "good", "✓", say("Better than the baseline", "比基线好")
    below = "".join(f"<p>{both(said)}</p>" for said in more)
    return (
        f'<div class="verdict {kind}"><div class="stamp"><b aria-hidden="true">{sign}</b><span>{both(stamp)}</span></div>'
        f'<h1 id="headline">{both(content["headline"])}</h1>{below}</div>'
    )


def _tiles(content: Content) -> str:
    tiles = [tile(say("Accuracy on the test part", "测试准确率"), figure_of(content, "accuracy"))]
    if content["gain"]["value"] is not None:
        tiles.append(tile(say("Points above the baseline", "高出基线（百分点）"), content["gain"], "points"))
    tiles.append(tile(FIGURES["macro_f1"], figure_of(content, "macro_f1")))
    if content["figures_clean"]:
        tiles.append(tile(say("Accuracy without leaked rows", "去掉泄漏行后的准确率"), figure_of(content, "accuracy", "figures_clean")))
    chosen = content["hand_over"]["chosen"]
    if chosen:
        tiles.append(tile(say("Answered by the model", "由模型回答"), chosen["answered_on_test"]))
        tiles.append(tile(say("Wrong among them", "其中答错"), chosen["error_on_test"]))
    if content["hand_over"]["hours_saved"]:
        tiles.append(tile(say("Hours saved per 1,000 messages", "每千条消息节省的小时数"), content["hand_over"]["hours_saved"], "hours"))
    return f'<ul class="tiles">{"".join(tiles)}</ul>'


# ----------------------------------------------------------------------- next


def _next(content: Content) -> str:
    few = figure_of(content, "accuracy")["value"] is None
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
    steps += [*_data_first(content), *warnings_first(content), *_mistakes(content), *next_items(content)]
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
        clean = figure_of(content, "accuracy", "figures_clean")
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
    return steps


def warnings_first(content: Content) -> list[str]:
    """What to settle in the data before anything else."""
    findings = {each["said"]["en"]: each for each in content["findings"]}
    found = [findings.get(said["en"], {"said": said, "kind": "", "setting": ""}) for said in content["warnings"]]
    found = [each for each in found if each["kind"] != "leaks"]
    if not found:
        return []
    items = "".join(f"<li>{_finding(each)}</li>" for each in found[:DATA_FIRST])
    left = len(found) - DATA_FIRST
    items += f"<li>{both(say(f'and {left} more below', f'另有 {left} 条见下文'))}</li>" if left > 0 else ""
    return [f'{both(say("Settle this in the data:", "先处理数据里的这些问题："))}<ul class="rows">{items}</ul>']


def _mistakes(content: Content) -> list[str]:
    wrong, n = content["mistakes"], content["rows"]["test"]
    if not wrong:
        return []
    return [
        marked(
            say(
                f"Read {{file}}: the {wrong:,} of {n:,} test rows that are answered wrongly, the surest mistakes first. "
                "Wrong labels in the data show there too.",
                f"看一遍 {{file}}：{n:,} 行测试数据中答错的 {wrong:,} 行，最自信的错误在前。数据里标错的标签也会在那里露出来。",
            ),
            file='<a href="mistakes.csv">mistakes.csv</a>',
        )
    ]


def _weak_labels(content: Content) -> list[str]:
    measured = [each for each in ranked(content["classes"]) if each["f1"]["value"] is not None]
    macro = figure_of(content, "macro_f1")["value"]
    worst = [each for each in measured if macro is not None and each["f1"]["value"] < min(macro, 0.95)][:NAMED]
    if not worst:
        return []
    named = ", ".join(f"<b>{of_the_user(each['label'])}</b> ({percent(each['f1']['value'])})" for each in worst)
    return [marked(say("Give more rows of the worst labels (F1): {named}.", "为最差的标签增加数据（括号内为 F1）：{named}。"), named=named)]


def _threshold(content: Content) -> list[str]:
    hand_over = content["hand_over"]
    if hand_over["chosen"] is None:
        return [advice(content)]
    if hand_over["chosen"]["value"] > NOTHING:
        return [f"{both(hand_over['chosen']['said'])} {advice(content)}"]
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


# ----------------------------------------------------------------------- data


def data_section(content: Content, more: Sequence[tuple[Said, str]] = ()) -> str:
    """Rows, languages and what else is known of the data; `more` facts of a task; what prepare found."""
    def listed(names: Mapping[str, Said], counts: Mapping[str, int]) -> str:
        return both(
            say(
                ", ".join(f"{said.en} {counts.get(name, 0):,}" for name, said in names.items() if counts.get(name)),
                "，".join(f"{said.zh} {counts.get(name, 0):,}" for name, said in names.items() if counts.get(name)),
            )
        )

    facts = [(say("rows", "行数"), listed(PARTS, content["rows"]))]
    if content["languages"]:
        facts.append((say("languages", "语言"), listed(LANGUAGES, content["languages"])))
    facts += more
    if content["crossfit"]:
        facts.append((say("few rows", "数据较少"), both(say("choices made by 5-fold cross-fitting", "用 5 折交叉拟合做选择"))))
    nothing = say("without a label", "没有标签") if "labels" in content else say("without a number", "没有数值")
    for key, said in (("unlabelled", nothing), ("rejected", say("could not be read", "无法读取"))):
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
