"""The pictures of a report: Vega-Lite specifications drawn to static SVG when the report is written.

A specification holds numbers and tokens only: each text is a token `@7@`, put in after drawing, escaped, in both
languages. So no label can be markup, an expression or a number, and one drawing serves both languages. Colours
are the page's CSS variables, so that a picture follows light and dark.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Any, Mapping, NamedTuple, Sequence

from .errors import MissingExtraError
from .language import Said, say

WIDTH = 360  # of a picture, in pixels: a phone's column, so that 12 px stay 11 px or more at 390 px
LABELS = 140  # pixels for the labels on the left
LETTERS = 17  # half-width letters that fit there
LETTER = 7.6  # pixels of one, in a wide font
SIZE = 12.5  # of text, in pixels
ROW = 22  # pixels for one label
MOST_ROWS, WORST, BEST = 40, 20, 10  # more labels than MOST_ROWS: only the worst and the best are drawn
LARGEST_HEAT_MAP, BLOCK = 30, 12  # more labels than that: only the most confused block is drawn
GOOD, BAD, INK, FAINT, LINE, PAPER = (f"var(--{name})" for name in ("good", "bad", "ink", "faint", "line", "paper"))


# -------------------------------------------------------------------- drawing


class Words:
    """The texts of one picture, each behind a token."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def said(self, text: Said) -> str:
        """A token for a text in both languages."""
        return self._token("".join(f'<tspan class="{name}" lang="{name}">{escape(words)}</tspan>' for name, words in text._asdict().items()))

    def label(self, text: str) -> str:
        """A token for a label, cut in its middle to LETTERS: labels often differ only at the end."""
        return self._token(escape(squeezed(text, LETTERS)))

    def _token(self, markup: str) -> str:
        self.texts.append(markup)
        return f"@{len(self.texts) - 1}@"

    def put_into(self, svg: str) -> str:
        """The drawing with its texts."""
        return re.sub(r">@(\d+)@<", lambda found: f">{self.texts[int(found.group(1))]}<", svg)


def escape(text: str) -> str:
    """Text made harmless for HTML and SVG; what no page can hold (control characters, lone surrogates) becomes �."""
    return html.escape("".join("\ufffd" if unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t" else letter for letter in text))


def width_of(text: str) -> int:
    """In half-width letters: a Chinese character counts two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def shortened(text: str, letters: int) -> str:
    """The text on one line, cut to so many half-width letters, with … where something is left out."""
    text = " ".join(text.split())
    if width_of(text) <= letters:
        return text
    kept, room = 0, letters - 1
    while width_of(text[kept]) <= room:
        room -= width_of(text[kept])
        kept += 1
    return text[:kept] + "…"


def squeezed(text: str, letters: int) -> str:
    """As `shortened`, but a third of the room is kept for the end."""
    text = " ".join(text.split())
    if width_of(text) <= letters:
        return text
    end = shortened(text[::-1], letters // 3 + 1)[-2::-1]
    return shortened(text, letters - width_of(end)) + end


class Picture(NamedTuple):
    """Layers over one plot: its size and room around it in pixels, and what it shows in a sentence."""

    layers: Sequence[Mapping[str, Any]]
    width: int
    height: int
    padding: tuple[int, int, int, int]  # left, top, right, bottom
    title: Said
    described: Said


def draw(picture: Picture, words: Words) -> str:
    """The picture as an <svg> element to stand inside a page; the same bytes for the same picture.

    Raises MissingExtraError without vl-convert-python.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise MissingExtraError("train", "vl-convert-python") from error
    left, top, right, bottom = picture.padding
    svg = vl_convert.vegalite_to_svg(
        {
            "autosize": {"type": "none"},
            "padding": {"left": left, "top": top, "right": right, "bottom": bottom},
            "width": picture.width,
            "height": picture.height,
            "layer": list(picture.layers),
            "config": _CONFIG,
        }
    )
    width, height = left + picture.width + right, top + picture.height + bottom
    body = words.put_into(re.sub(r' (?:role|aria-\w+|pointer-events|class|xmlns(?::\w+)?)="[^"]*"', "", svg).partition(">")[2])
    least = f";min-width:{width}px" if width > WIDTH + 20 else ""  # it scrolls in its box rather than being too small to read
    texts = "".join(f"<{tag}>{escape(said.en)} / {escape(said.zh)}</{tag}>" for tag, said in (("title", picture.title), ("desc", picture.described)))
    return f'<svg role="img" viewBox="0 0 {width} {height}" style="max-width:{round(width * 1.15)}px{least}">{texts}{body}'


_CONFIG: Mapping[str, Any] = {
    "background": None,
    "view": {"stroke": None},
    "font": "sans-serif",
    "axis": {
        "labelFontSize": SIZE,
        "titleFontSize": SIZE,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": FAINT,
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
        "labelLimit": 0,
        "titleLimit": 0,
        "labelPadding": 6,
        "titlePadding": 8,
    },
    "text": {"fontSize": SIZE, "fill": INK, "limit": 0},
}


def _layer(rows: Sequence[Mapping[str, Any]], mark: Mapping[str, Any], **encoding: Any) -> dict[str, Any]:
    return {"data": {"values": list(rows)}, "mark": dict(mark), "encoding": encoding}


def _share(field: str, domain: tuple[float, float] = (0, 1), **axis: Any) -> dict[str, Any]:
    """An axis of shares in per cent."""
    small = domain[1] - domain[0] < 0.08
    plain = {"format": ".1%" if small else ".0%", "tickCount": 5, "title": None, "labelFlush": False}
    return {"field": field, "type": "quantitative", "scale": {"domain": list(domain), "nice": False, "zero": False}, "axis": plain | axis}


def _names(field: str, order: Sequence[str], **axis: Any) -> dict[str, Any]:
    """An axis of names, in this order."""
    plain = {"title": None, "ticks": False, "domain": False}
    return {"field": field, "type": "nominal", "sort": None, "scale": {"domain": list(order)}, "axis": plain | axis}


def _above(words: Words, text: Said, left: int) -> dict[str, Any]:
    """The title of an upright axis, lying flat above it."""
    return {"title": words.said(text), "titleAngle": 0, "titleAlign": "left", "titleBaseline": "bottom", "titleX": -left + 4, "titleY": -10}


def _whiskers(rows: Sequence[Mapping[str, Any]], y: Mapping[str, Any], colour: str, *, hollow: bool = False, lower: float = 0) -> list[dict[str, Any]]:
    """Dots with their intervals, for rows with value, low and high; so many pixels `lower` than the middle of the row."""
    x = _share("value")
    ends = [{**row, "end": row[end]} for row in rows for end in ("low", "high")]
    return [
        _layer(rows, {"type": "rule", "strokeWidth": 2, "stroke": colour, "yOffset": lower}, y=y, x=x | {"field": "low"}, x2={"field": "high"}),
        _layer(ends, {"type": "tick", "thickness": 2, "height": 9, "color": colour, "opacity": 1, "yOffset": lower}, y=y, x=x | {"field": "end"}),
        _layer(
            rows,
            {"type": "point", "size": 38, "opacity": 1, "stroke": colour, "strokeWidth": 2, "fill": PAPER if hollow else colour, "yOffset": lower},
            y=y,
            x=x,
        ),
    ]


def _numbers(figure: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"name": name, **{key: figure[key] for key in ("value", "low", "high", "baseline")}}


# ------------------------------------------------------------------- pictures


def figures_picture(
    names: Mapping[str, Said], figures: Sequence[Mapping[str, Any]], clean: Sequence[Mapping[str, Any]] | None, cheapest: Mapping[str, Any] | None
) -> str:
    """Shares of a report with their intervals: as published, clean where given, the baseline, the cheapest rung's."""
    words = Words()
    tokens = {name: words.said(said) for name, said in names.items()}
    y = _names("name", list(tokens.values()))

    def rows(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [_numbers(figure, tokens[figure["name"]]) for figure in given if figure["name"] in tokens and figure["value"] is not None]

    shown = rows(figures)
    baseline = [row for row in shown if row["baseline"] is not None]
    layers = [_layer(baseline, {"type": "tick", "thickness": 4, "height": 18, "color": FAINT, "opacity": 1}, y=y, x=_share("baseline"))]
    layers += _whiskers(shown, y, GOOD, lower=-5 if clean else 0)
    layers += _whiskers(rows(clean or ()), y, BAD, hollow=True, lower=6) if clean else []
    if cheapest:
        mark = {"type": "point", "shape": "diamond", "size": 60, "stroke": INK, "fill": PAPER, "strokeWidth": 1.5, "opacity": 1, "yOffset": -12}
        layers.append(_layer(rows(cheapest["figures"]), mark, y=y, x=_share("value")))
    title = say("Figures on the test part", "测试部分的指标")
    described = say("Each figure with its 95 % interval; the numbers stand in the table beside it.", "每个指标及其 95% 区间；数字见旁边的表格。")
    return draw(Picture(layers, WIDTH - LABELS - 22, (ROW + 12) * len(tokens), (LABELS, 6, 22, 26), title, described), words)


def ranked(classes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Labels by F1, the worst first; those without a figure last."""
    return sorted(classes, key=lambda each: (each["f1"]["value"] is None, each["f1"]["value"] or 0.0))


def classes_picture(classes: Sequence[Mapping[str, Any]]) -> str:
    """F1 of each label, the worst first; of many labels the worst and the best."""
    words = Words()
    order = ranked(classes)
    if len(order) > MOST_ROWS:
        measured = [each for each in order if each["f1"]["value"] is not None] or order
        order = [*measured[:WORST], None, *measured[WORST:][-BEST:]]
    tokens = [words.said(say("…", "…")) if each is None else words.label(each["label"]) for each in order]
    rows = [_numbers(each["f1"], token) for each, token in zip(order, tokens, strict=True) if each is not None and each["f1"]["value"] is not None]
    few = [
        {"name": token, "value": 0.0, "text": words.said(say(f"not enough data ({each['f1']['n']} rows)", f"数据不够（{each['f1']['n']} 行）"))}
        for each, token in zip(order, tokens, strict=True)
        if each is not None and each["f1"]["value"] is None
    ]
    y = _names("name", tokens, grid=True)
    layers = [
        _layer(few, {"type": "text", "align": "left", "fill": FAINT, "dx": 4}, y=y, x=_share("value"), text={"field": "text", "type": "nominal"}),
        *_whiskers(rows, y, GOOD),
    ]
    title = say("F1 of each label, the worst first", "各标签的 F1，最差的在前")
    worst = ", ".join(f"{each['label']} {each['f1']['value']:.0%}" for each in order[:3] if each is not None and each["f1"]["value"] is not None)
    described = say(f"The worst: {worst}. All labels stand in the table.", f"最差的：{worst}。所有标签见表格。")
    return draw(Picture(layers, WIDTH - LABELS - 22, ROW * len(order), (LABELS, 6, 22, 26), title, described), words)


def hand_over_picture(curve: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any] | None) -> str | None:
    """The share answered against the error among them, with intervals, and the chosen point; None where no point has a figure."""
    points = [
        {"answered": point["answered"]["value"], **{key: point["error"][key] for key in ("value", "low", "high")}}
        for point in curve
        if point["error"]["value"] is not None and point["answered"]["value"] is not None
    ]
    if not points:
        return None
    target = chosen["target"] if chosen else 0.0
    top = min(1.0, max(1.6 * max(point["value"] for point in points), 1.1 * points[-1]["high"], 1.5 * target, 0.02))
    words, left = Words(), 52
    # A wide interval over few rows would flatten everything else: it is cut at the top of the picture.
    cut = [point | {"low": min(point["low"], top), "high": min(point["high"], top), "value": min(point["value"], top)} for point in points]
    x = _share("answered", title=words.said(say("share the model answers", "模型回答的比例")), titleColor=FAINT)
    y = _share("value", (0, top), **_above(words, say("wrong among them", "其中答错的比例"), left))
    layers = [
        _layer(cut, {"type": "area", "fill": GOOD, "fillOpacity": 0.22}, x=x, y=y | {"field": "low"}, y2={"field": "high"}),
        _layer(cut, {"type": "line", "stroke": GOOD, "strokeWidth": 2.5}, x=x, y=y, order={"field": "answered", "type": "quantitative"}),
    ]
    if chosen:
        layers.append(_layer([{"value": target}], {"type": "rule", "stroke": FAINT, "strokeDash": [5, 4], "strokeWidth": 1.5}, y=y))
        error, answered = chosen["error_on_test"], chosen["answered_on_test"]
        if error["value"] is not None and answered["value"] is not None:
            point = {"answered": answered["value"], **{key: min(error[key], top) for key in ("value", "low", "high")}}
            layers += [
                _layer([point], {"type": "rule", "stroke": BAD, "strokeWidth": 2.5}, x=x, y=y | {"field": "low"}, y2={"field": "high"}),
                _layer([point], {"type": "point", "size": 110, "fill": BAD, "stroke": PAPER, "strokeWidth": 2, "opacity": 1}, x=x, y=y),
            ]
    title = say("Answer or hand over", "回答还是转人工")
    last = points[-1]
    described = say(
        f"Answering {last['answered']:.0%} of rows, {last['value']:.1%} are wrong.", f"回答 {last['answered']:.0%} 的消息时，有 {last['value']:.1%} 答错。"
    )
    return draw(Picture(layers, WIDTH - left - 22, 210, (left, 34, 22, 52), title, described), words)


def reliability_picture(after: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> str:
    """How often the model is right where it is so sure: on the diagonal, confidence means what it says."""
    words, left = Words(), 52
    x = _share("confidence", title=words.said(say("confidence", "置信度")), titleColor=FAINT)
    y = _share("right", **_above(words, say("share that is right", "实际正确的比例"), left))
    diagonal = [{"confidence": end, "right": end} for end in (0, 1)]
    layers = [_layer(diagonal, {"type": "line", "stroke": FAINT, "strokeDash": [5, 4], "strokeWidth": 1.5}, x=x, y=y)]
    for bins, colour, hollow in ((before, BAD, True), (after, GOOD, False)):
        if bins:
            dot = {"type": "point", "size": 60, "stroke": colour, "fill": PAPER if hollow else colour, "strokeWidth": 2, "opacity": 1}
            layers += [_layer(bins, {"type": "line", "stroke": colour, "strokeWidth": 1.5, "strokeOpacity": 0.6}, x=x, y=y), _layer(bins, dot, x=x, y=y)]
    title = say("Does confidence mean what it says?", "置信度可信吗？")
    described = say("Points above the dashed line: surer than it says; below: less.", "点在虚线上方：实际比置信度更准；在下方：不如置信度。")
    return draw(Picture(layers, WIDTH - left - 22, 240, (left, 34, 22, 52), title, described), words)


def learning_picture(curve: Mapping[str, Any]) -> str:
    """Accuracy by rows learnt from, each with its interval, and the power law through it, drawn on to twice the rows there are."""
    words, left = Words(), 52
    points = [{"rows": each["rows"], **{key: each["accuracy"][key] for key in ("value", "low", "high")}} for each in curve["points"]]
    law, last = curve["law"], 2 * curve["rows"]
    steps = [points[0]["rows"] * (last / points[0]["rows"]) ** (i / 40) for i in range(41)]
    line = [{"rows": at, "value": min(1.0, max(0.0, 1 - law["floor"] - law["factor"] * at ** -law["power"]))} for at in steps]
    low, high = min(each["low"] for each in points), max(max(each["high"] for each in points), line[-1]["value"])
    room = max(0.02, 0.08 * (high - low))
    ticks = [each["rows"] for each in points] + [last]
    axis = {"values": ticks, "format": ".2~s", "title": words.said(say("rows learnt from", "学习的行数")), "titleColor": FAINT, "grid": False}
    x = {"field": "rows", "type": "quantitative", "scale": {"type": "log", "nice": False, "domain": [ticks[0] * 0.9, last * 1.1]}, "axis": axis}
    y = _share("value", (max(0.0, low - room), min(1.0, high + room)), **_above(words, say("right out of fold", "折外正确的比例"), left))
    layers = [
        _layer(line, {"type": "line", "stroke": FAINT, "strokeDash": [5, 4], "strokeWidth": 1.5}, x=x, y=y),
        _layer(points, {"type": "rule", "stroke": GOOD, "strokeWidth": 2}, x=x, y=y | {"field": "low"}, y2={"field": "high"}),
        _layer(points, {"type": "point", "size": 60, "stroke": GOOD, "fill": GOOD, "strokeWidth": 2, "opacity": 1}, x=x, y=y),
    ]
    title = say("Accuracy by rows learnt from", "准确率与学习的行数")
    ends = points[0], points[-1]
    described = say(
        f"From {ends[0]['rows']:,} rows with {ends[0]['value']:.1%} right to {ends[1]['rows']:,} rows with {ends[1]['value']:.1%}.",
        f"从 {ends[0]['rows']:,} 行的 {ends[0]['value']:.1%} 到 {ends[1]['rows']:,} 行的 {ends[1]['value']:.1%}。",
    )
    return draw(Picture(layers, WIDTH - left - 22, 210, (left, 34, 22, 52), title, described), words)


# ------------------------------------------------------------------ confusion


def confused_block(counts: Sequence[Sequence[int]]) -> list[int]:
    """The label numbers a heat map shows: those with rows, or of too many the BLOCK most confused ones, in their order."""
    numbers = [i for i, row in enumerate(counts) if any(row) or any(line[i] for line in counts)]
    if len(numbers) <= LARGEST_HEAT_MAP:
        return numbers
    pairs = sorted(((counts[i][j] + counts[j][i], -i, -j) for i in numbers for j in numbers if i < j), reverse=True)
    chosen: list[int] = []
    for _, i, j in pairs:
        chosen += [number for number in (-i, -j) if number not in chosen][: BLOCK - len(chosen)]
    return sorted(chosen)


def confusion_picture(labels: Sequence[str], counts: Sequence[Sequence[int]], shown: Sequence[int]) -> str:
    """Rows: what a message is; columns: what the model said. Shade: the share of the row; number: how many."""
    words = Words()
    down, across = ([words.label(labels[i]) for i in shown] for _ in range(2))
    cell = next(pixels for most, pixels in ((5, 44), (8, 34), (BLOCK, 28), (LARGEST_HEAT_MAP, 24)) if len(shown) <= most)
    left = round(LETTER * max(width_of(squeezed(labels[i], LETTERS)) for i in shown)) + 12
    cells = [
        {"truth": down[a], "said": across[b], "rows": str(counts[i][j]), "shade": (counts[i][j] / sum(counts[i])) ** (1 if i == j else 0.5), "right": i == j}
        for a, i in enumerate(shown)
        for b, j in enumerate(shown)
        if counts[i][j]
    ]
    grid = [{"truth": one, "said": other} for one in down for other in across]
    y = _names("truth", down)
    x = _names("said", across, orient="top", labelAngle=-90, labelAlign="left", labelBaseline="middle")
    tile = {"type": "rect", "stroke": LINE, "strokeWidth": 1}
    text = [row | {"rows": row["rows"] if len(row["rows"]) < 4 else f"{int(row['rows']) / 1000:.0f}k"} for row in cells]
    layers = [_layer(grid, tile | {"fill": PAPER}, x=x, y=y)]
    for is_right, colour in ((True, GOOD), (False, BAD)):
        some = [row for row in cells if row["right"] == is_right]
        shade = {"field": "shade", "type": "quantitative", "scale": {"domain": [0, 1], "range": [0.08, 1]}, "legend": None}
        layers.append(_layer(some, tile | {"fill": colour}, x=x, y=y, fillOpacity=shade))
    for dark, colour in ((False, INK), (True, PAPER)):
        some = [row for row in text if (row["shade"] > 0.55) == dark]
        layers.append(_layer(some, {"type": "text", "fill": colour, "fontSize": 12}, x=x, y=y, text={"field": "rows", "type": "nominal"}))
    title = say("What is taken for what", "什么被当成了什么")
    right_rows = sum(counts[i][i] for i in shown)
    described = say(
        f"{right_rows:,} rows on the diagonal are right; the most confused pairs are listed on this page.",
        f"对角线上的 {right_rows:,} 行是对的；最常混淆的标签对见本页列表。",
    )
    return draw(Picture(layers, cell * len(shown), cell * len(shown), (left, left, 10, 8), title, described), words)
