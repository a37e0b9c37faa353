"""The section of a report's page on what wrong answers cost."""

from __future__ import annotations

from .language import say
from .report_html import both, code, marked, of_the_user, section, table
from .report_sections import Content


def costs_section(content: Content) -> str:
    """The cheapest rule in words, and what it costs beside the likeliest label and the cheapest constant answer; "" without costs."""
    found = content.get("costs")
    if not found:
        return ""
    rule = say("Cheapest is the answer with the least expected cost, by the model's confidences and the costs under [evaluate].",
               "按模型的置信度和 [evaluate] 下写明的代价，期望代价最小的回答最省钱。")
    words = [f'<p class="lead">{both(rule)}</p>']
    if found["threshold"]:
        said = say("With two labels that is a threshold: answer {label} from a confidence of {confidence} on.", "只有两个标签时这就是一个阈值：置信度达到 {confidence} 就回答 {label}。")
        words.append(f"<p>{marked(said, label=of_the_user(found['threshold']['label'], 40), confidence=code(format(found['threshold']['confidence'], '.1%')))}</p>")
    if found["handed_over"]:
        share = f"{found['handed_over']:.1%}"
        words.append(f"<p>{both(say(f'It hands {share} of the rows over to a person.', f'其中 {share} 的行转交人工。'))}</p>")
    baseline = of_the_user(found["baseline"], 40)
    always = "–" if found["cheapest"]["baseline"] is None else f"{found['cheapest']['baseline']:,.0f}"
    rows = [("", [both(say("the likeliest label", "最可能的标签")), _money(found["likeliest"])]), ("", [both(say("the cheapest answer", "最省钱的回答")), _money(found["cheapest"])]),
            ("", [marked(say("always {label}", "总是 {label}"), label=baseline), always]),
            ("", [both(say("saved by the cheapest answer against that", "最省钱的回答比它省下")), _money(found["saved"])])]  # fmt: skip
    head = [say("answering", "怎样回答"), say("cost of 1,000 rows [95 %]", "每千行的代价 [95%]")]
    return section("costs", say("What wrong answers cost", "答错的代价"), *words, table(head, rows))


def _money(figure: Content) -> str:
    if figure["value"] is None:
        return both(say("not enough data", "数据不够"))
    return f"{figure['value']:,.0f} [{figure['low']:,.0f}, {figure['high']:,.0f}]"
