"""docs/scale.md, its twin and their picture, written from the results of the rows `scale` and `scale-weibo`; not by hand.

    python benchmarks/scale_page.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Mapping

from tables import table

Results = Mapping[str, Mapping[str, Any]]
ROOT = Path(__file__).resolve().parents[1]
PICTURE = "docs/images/scale.svg"
GIB, MIB = 2**30, 2**20
COLOURS = {"new": "#2a7f62", "prepare": "#b5562b", "predict": "#3b5b92"}
WORDS = {
    "docs/scale.md": {
        "title": "# Large tables", "picture": "Seconds and peak memory of new, prepare and predict, by rows", "rows": "rows", "what": "command", "took": "seconds", "peak": "peak memory",
        "head": """
A million rows of 40 words: `new` looks at the first 100,000, `prepare` holds the texts in memory and compares all of them with each other, `predict`
streams. `prepare` compares on every core; `predict` answers in one process a core once a table is long enough to be worth starting them (16,384 rows),
in the order of the rows and bit for bit as one process does. A file as standard input is read as the file itself is; of a pipe
all rows that have arrived are answered, in one process, before the next are waited for.
""",
        "how": """
Measured by `make bench ROW=scale` and `make bench ROW=scale-weibo`, which write this page: whole commands, start of the process included, once each; the peak is that
of all their processes together. Half of the made rows are English and half Chinese, one in twenty is the row before with a slip.
""",
        "weibo": "A real Chinese column, {rows:,} titles of a hot-search list with the year as label:", "nothing": "Not measured yet: `make bench ROW=scale`.", "machine": "Machine: {processor}, {cores} cores, {memory_gb} GB.",
    },
    "docs/scale.zh.md": {
        "title": "# 大表", "picture": "new、prepare、predict 的用时和内存峰值，按行数", "rows": "行数", "what": "命令", "took": "秒", "peak": "内存峰值",
        "head": """
一百万行、每行 40 个词：`new` 只看前 100,000 行；`prepare` 把文本放在内存里，两两比对；`predict` 边读边答。`prepare` 用所有核比对；`predict` 在表足够长（16,384
行以上）时每个核用一个进程作答，行的顺序不变，结果与单个进程逐位相同。用 < 送入标准输入的文件与直接给出文件名一样；
管道则由一个进程先答完已经到达的各行，再等后面的行。
""",
        "how": """
由 `make bench ROW=scale` 和 `make bench ROW=scale-weibo` 测得，本页也由它们写出：整条命令，含进程启动，各测一次；峰值是它的所有进程合计。生成的行一半英文、一半中文，每二十行有一行是前一行少一个字。
""",
        "weibo": "真实的中文列：热搜榜的 {rows:,} 条标题，以年份作标签：", "nothing": "尚未测量：`make bench ROW=scale`。", "machine": "机器：{processor}，{cores} 核，{memory_gb} GB。",
    },
}  # fmt: skip


def pages(results: Results) -> dict[str, str]:
    """The text of each page, by its path. results: what run.py stored for each row."""
    return {name: "\n".join(_parts(words, results)) for name, words in WORDS.items()}


def _parts(words: Mapping[str, str], results: Results) -> list[str]:
    parts = [words["title"], words["head"]]
    if scale := results.get("scale"):
        parts += [f"![{words['picture']}](images/scale.svg)\n", table([_cells(words, f"`{line['step']}`", line) for line in scale["figures"]["lines"]])]
    else:
        parts.append(f"{words['nothing']}\n")
    if weibo := results.get("scale-weibo"):
        figures = weibo["figures"]
        parts += [words["weibo"].format(**figures) + "\n", table([_cells(words, f"`{step}`", figures[step] | {"rows": figures["rows"]}) for step in ("inspect", "prepare")])]
    measured = scale or weibo
    return [*parts, words["how"].strip(), *([words["machine"].format(**measured["machine"])] if measured else []), ""]


def _cells(words: Mapping[str, str], what: str, line: Mapping[str, Any]) -> dict[str, str]:
    return {words["rows"]: f"{line['rows']:,}", words["what"]: what, words["took"]: f"{line['seconds']:.1f}", words["peak"]: memory(line["peak"])}


def memory(size: float) -> str:
    return f"{size / GIB:.2f} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"


def picture(results: Results) -> str:
    """Two logarithmic plots beside each other as SVG, seconds and memory by rows."""
    import vl_convert

    values = [{"rows": line["rows"], "step": line["step"], "s": line["seconds"], "MiB": line["peak"] / MIB} for line in results["scale"]["figures"]["lines"]]
    colour = {"field": "step", "type": "nominal", "sort": None, "scale": {"domain": list(COLOURS), "range": list(COLOURS.values())}, "legend": {"title": None}}

    def plot(field: str, limit: float) -> dict[str, Any]:
        across = {"field": "rows", "type": "quantitative", "scale": {"type": "log"}, "axis": {"tickCount": 4, "format": "~s"}}
        upward = {"field": field, "type": "quantitative", "scale": {"type": "log"}, "axis": {"tickCount": 5, "format": "~s"}}
        line = {"mark": {"type": "line", "point": True}, "encoding": {"x": across, "y": upward, "color": colour}}
        return {"width": 300, "height": 240, "layer": [line, {"mark": {"type": "rule", "strokeDash": [4, 4], "color": "#888"}, "encoding": {"y": {"datum": limit}}}]}

    return str(vl_convert.vegalite_to_svg({"background": "white", "data": {"values": values}, "hconcat": [plot("s", 180), plot("MiB", 2048)]}))


def write(results: Results, root: Path = ROOT) -> None:
    """The pages, and the picture where there is something to show."""
    for name, text in pages(results).items():
        (root / name).write_text(text, encoding="utf-8")
    if "scale" in results:
        (root / PICTURE).write_text(picture(results), encoding="utf-8")


if __name__ == "__main__":
    from run import RESULTS, stored

    sys.exit(write(stored(RESULTS)))
