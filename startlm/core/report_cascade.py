"""The section of a report's page on a cascade: what the cheap rung answers, what that loses and how much quicker it is, threshold by threshold."""

from __future__ import annotations

from typing import Any

from .language import say
from .report_html import both, code, lead, marked, of_the_user, percent, section, table, with_range
from .report_sections import Content

ALWAYS = 1.0  # a threshold above this is reached by no confidence


def cascade_section(content: Content) -> str:
    """Nothing where the model is no cascade. Times stand there where `ms_a_message` was measured."""
    found, times = content.get("cascade"), content.get("ms_a_message")
    if not found:
        return ""
    named = {side: f'<b>{of_the_user(" + ".join(found[side]["families"]), 80)}</b>' for side in ("cheap", "dear")}
    what = say("{cheap} answers what it is sure of, from a confidence of {threshold} on; only the other rows reach {dear}.",
               "{cheap} 回答它有把握的行（置信度达到 {threshold}），只有其余的行交给 {dear}。")
    top = f"<p>{marked(what, threshold=code(format(found['chosen']['threshold'], '.1%')), **named)}</p>"
    why = lead(say("The threshold was chosen on rows that neither learnt from. Lost: how many points of accuracy asking the dear one about every row would have gained, on the same test rows.",
                   "阈值是在两者都没有学过的行上选定的。损失：在同样的测试行上，如果每一行都由贵的模型回答，准确率会高出多少个百分点。"))
    head = [say("threshold", "阈值"), say("answered by the cheap one [95 %]", "便宜的一级回答的比例 [95%]"), say("accuracy [95 %]", "准确率 [95%]"), say("points lost [95 %]", "损失的百分点 [95%]")]
    head += [say("ms a message", "每条毫秒数")] if times else []
    rows = [("kept" if point["threshold"] == found["chosen"]["threshold"] else "", _row(point, times)) for point in found["curve"]]
    return section("cascade", say("Who answers what", "谁回答哪些行"), top, why, table(head, rows, numbers=[0, 4] if times else [0]), _sides(found, named), _timed(times))


def _row(point: Content, times: Content | None) -> list[str]:
    share, shown = point["answered"]["value"], f"{point['threshold']:.4f}"
    if point["threshold"] > ALWAYS:
        shown = both(say("dear one always", "总是由贵的回答"))
    cells = [shown, with_range(point["answered"]), with_range(point["accuracy"]), with_range(point["loss"], "points")]
    return [*cells, f"{_milliseconds(times, share):.2f}"] if times else cells


def _milliseconds(times: Content, share: float | None) -> float:
    """What a message takes on average where the cheap one answers this share."""
    return times["dear"] if not share else times["cheap"] + (1 - share) * times["after"]  # type: ignore[no-any-return]


def _sides(found: Content, named: dict[str, str]) -> str:
    """Whether the confidences of both mean the same: of the rows that each answers, how sure and how many right."""
    head = [say("of the rows that it answers", "在它回答的行中"), say("mean confidence", "平均置信度"), say("right [95 %]", "正确 [95%]"), say("alone, on all rows [95 %]", "单独回答所有行 [95%]")]
    rows: list[tuple[str, list[Any]]] = []
    for side in ("cheap", "dear"):
        sure = found[side]["confidence"]
        rows.append(("", [named[side], "–" if sure is None else percent(sure), with_range(found[side]["right"]), with_range(found[side]["accuracy"])]))
    return table(head, rows)


def _timed(times: Content | None) -> str:
    if not times:
        return ""
    return lead(say(f"Measured here, one message at a time, one thread: the cheap one {times['cheap']:.2f} ms, what is asked after it {times['after']:.2f} ms.",
                    f"在本机测得，逐条回答、单线程：便宜的一级 {times['cheap']:.2f} 毫秒，之后再问的 {times['after']:.2f} 毫秒。"))
