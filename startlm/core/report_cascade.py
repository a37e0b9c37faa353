"""The section of a report's page on a cascade: who answers how much at each threshold, how fast, and what it costs in accuracy."""

from __future__ import annotations

from .language import say
from .report_html import both, lead, section, table
from .report_sections import Content


def cascade_section(content: Content) -> str:
    """The thresholds, the chosen one marked; "" where no cascade answers."""
    found = content.get("cascade")
    if not found:
        return ""
    ms = found["ms"]
    known = ms["cheap"] is not None
    head = [say("sure from", "把握不低于"), say("cheap model answers", "便宜模型回答"), say("ms a message", "每条毫秒"), say("accuracy lost [95 %]", "正确率损失 [95%]")]
    rows = []
    for line in sorted([*found["lines"], {key: found[key] for key in ("threshold", "share", "loss", "low", "high")}], key=lambda line: (line["share"], line["loss"])):
        chosen = line["threshold"] == found["threshold"]
        if chosen and rows and rows[-1][0] == "kept":
            continue
        took = f"{ms['cheap'] + (1 - line['share']) * ms['dear']:.2f}" if known else "–"
        lost = f'<span class="value">{line["loss"]:+.2%}</span> <span class="range">[{line["low"]:+.2%}, {line["high"]:+.2%}]</span>'
        rows.append(("kept" if chosen else "", [f"{line['threshold']:.1%}", f"{line['share']:.0%}", took, lost]))
    words = say(
        f"Two models answer as one: the ladder's cheapest answers what it is sure of, the dearer one the rest. Judged on {found['n']:,} calibration rows against the "
        f"dearer model alone; chosen is the largest share that loses at most {found['allowed']:.1%}.",
        f"两个模型合为一个：最便宜的模型回答它有把握的，其余由更贵的回答。在 {found['n']:,} 行校准数据上与只用更贵的模型比较；选取损失不超过 {found['allowed']:.1%} 时的最大比例。")
    speed = say(f"Alone, the cheap model takes {ms['cheap']:.2f} ms a message and the dear one {ms['dear']:.2f} ms, in one thread.", f"单独回答时，便宜模型每条 {ms['cheap']:.2f} 毫秒，昂贵模型 {ms['dear']:.2f} 毫秒（单线程）。") if known else say("", "")
    return section("cascade", say("Who answers", "由谁回答"), lead(words), table(head, rows), f"<p>{both(speed)}</p>")
