"""The section of a report's page on labels that have an order: how many steps answers are off, and costs that count steps."""

from __future__ import annotations

from .language import say
from .report_html import both, code, folded, lead, of_the_user, percent, section, table, with_range
from .report_sections import Content

FIGURES = {
    "steps_off": (say("Mean steps off", "平均差几级"), "number"),
    "within_one_step": (say("Right or one step off", "正确或只差一级"), "share"),
    "quadratic_kappa": (say("Quadratic weighted kappa", "二次加权 kappa"), "number"),
}


def order_section(content: Content) -> str:
    """Nothing where labels have no order."""
    found = content.get("order")
    if not found:
        return ""
    head = [say("figure", "指标"), say("value [95 %]", "值 [95%]"), say("baseline", "基线")]
    rows = []
    for figure in found["figures"]:
        said, unit = FIGURES[figure["name"]]
        always = "–" if figure["baseline"] is None else percent(figure["baseline"]) if unit == "share" else f"{figure['baseline']:.3f}"
        rows.append(("", [both(said), with_range(figure, unit), always]))
    scale = " &lt; ".join(of_the_user(label, 40) for label in found["labels"])
    note = lead(say("The labels have an order: a near miss counts less than a far one. Kappa is 1 where every answer is right and 0 where answers are no better than chance. "
                    "The answer stays the likeliest label.", "标签有高低之分：差一级比差几级要好。kappa 为 1 表示全对，0 表示不比碰运气好。回答仍是最可能的标签。"))
    offered = ""
    if found["costs"]:
        lines = "<br>".join(code(f'"{line}",') for line in found["costs"])
        offered = folded(say("Costs that count steps, for [evaluate] costs", "按级数计的代价，可写进 [evaluate] costs"), f"<p>{lines}</p>")
    return section("order", say("How many steps off", "差几级"), f"<p>{scale}</p>", note, table(head, rows, numbers=[2]), offered)
