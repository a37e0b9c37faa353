"""The page of `startlm inspect`: what a table holds, before anything is trained. One file, offline, Chinese and English."""

from __future__ import annotations

from typing import Any, Mapping

from .language import Said, say
from .personal import KINDS as PERSONAL
from .report_html import both, code, lead, of_the_user, percent, section, table, whole_page

Content = Mapping[str, Any]


def inspect_page(content: Content) -> str:
    """The page for one table; the same bytes for the same content. Cells of the table itself are not on it, but for frequent values."""
    body = [_top(content), _uses(content), _columns(content), *(_column(each, content["rows"]) for each in content["columns"])]
    bottom = both(say("Nothing left this machine. Of personal data only counts are shown.", "没有任何内容离开这台机器。个人信息只显示数量。"))
    return whole_page("\n".join(filter(None, body)), bottom, title=say("a look at a table", "表格概览"))


def _top(content: Content) -> str:
    columns = len(content["columns"])
    head = say(f"{content['rows']:,} rows, {columns} columns", f"{content['rows']:,} 行，{columns} 列")
    tiles = [(say("rows that repeat an earlier one whole", "整行重复"), f"{content['repeated_rows']:,}"), (say("rows that cannot be read", "读不了的行"), f"{content['bad_rows']:,}")]
    if content["first_day"]:
        tiles += [(say("first day", "最早日期"), content["first_day"]), (say("last day", "最晚日期"), content["last_day"])]
    for kind in PERSONAL:
        rows = sum(each["personal"].get(kind, 0) for each in content["columns"])
        if rows:
            tiles.append((say(f"rows with {PERSONAL[kind].en}", f"含{PERSONAL[kind].zh}的行"), f"{rows:,}"))
    shown = "".join(f'<li><span class="what">{both(what)}</span><span class="value{" day" if "-" in value else ""}">{value}</span></li>' for what, value in tiles)
    return f'<div class="verdict good"><h1 id="headline">{both(head)}</h1><p>{of_the_user(content["source"])}</p></div><ul class="tiles">{shown}</ul>'


def _uses(content: Content) -> str:
    items = [both(use) + (f"<br>{code(use['command'])}" if use["command"] else "") for use in content["uses"]]
    for each in content["gives_away"]:
        items.append(both(gives_away_said(each)))
    items += [both(say(f"Line {each['line']}, {each['column']}: {each['why']['en']}", f"第 {each['line']} 行，{each['column']}：{each['why']['zh']}")) for each in content["bad"]]
    return section("next", say("What it could be used for", "可以用来做什么"), f"<ol>{''.join(f'<li>{item}</li>' for item in items)}</ol>")


def gives_away_said(found: Mapping[str, Any]) -> Said:
    """That a column tells a label by itself: {"label", "column", "share" of the rows}."""
    told = f"{found['share']:.1%}"
    return say(f"Careful: {found['column']} tells {found['label']} by itself in {told} of the rows. Leave it out where it is not known beforehand.",
               f"注意：{found['column']} 单独就能说出 {told} 的行的 {found['label']}。如果事先并不知道它，请不要使用。")


def _columns(content: Content) -> str:
    head = (say("column", "列"), say("kind", "类型"), say("filled", "有值"), say("different values", "不同的值"))
    rows = [("", [of_the_user(each["name"]), both(each["kind_said"]), percent(each["filled"] / content["rows"]), f"{each['distinct']:,}"]) for each in content["columns"]]
    return section("columns", say("The columns", "各列"), table(head, rows, numbers=(2, 3)))


def _column(each: Mapping[str, Any], rows: int) -> str:
    facts = [(Said(**fact["what"]), fact["value"]) for fact in each["facts"]]
    facts.insert(0, (say("missing", "缺失"), f"{each['missing']:,}"))
    if each["repeats"] is not None:
        facts += [(say("rows equal to an earlier one", "与前面某行相同"), f"{each['repeats']:,}"), (say("nearly equal to an earlier one", "与前面某行几乎相同"), f"{each['near']:,}")]
    facts += [(PERSONAL[kind], f"{count:,}") for kind, count in each["personal"].items()]
    listed = "".join(f"<div><dt>{both(what)}</dt><dd>{value}</dd></div>" for what, value in facts)
    title = f'<h2>{of_the_user(each["name"])} <span class="small">{both(each["kind_said"])}</span></h2>'
    return f'<section class="column">{title}{lead(Said(**each["why"]))}<dl class="facts">{listed}</dl>{_bars(each["bars"])}</section>'


def _bars(bars: list[list[Any]]) -> str:
    """Rows as bars: a name, a bar as long as its share of the longest, the number of rows."""
    if not bars:
        return ""
    most = max(1, *(count for _, count in bars))
    lines = "".join(f'<tr><td class="name">{of_the_user(str(name), 40)}</td><td class="wide"><i style="width:{100 * count / most:.1f}%"></i></td><td class="number">{count:,}</td></tr>' for name, count in bars)
    return f'<div class="scroll"><table class="bars"><tbody>{lines}</tbody></table></div>'
