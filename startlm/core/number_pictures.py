"""The pictures of a report whose answers are numbers: answers beside the truth, the error from low to high, how errors spread."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .amounts import amount, between
from .language import Said, say
from .pictures import BAD, FAINT, GOOD, INK, LABELS, PAPER, ROW, WIDTH, Picture, Words, draw

LEFT = 56  # pixels for the numbers of an upright axis
MANY = 100_000  # from here on an axis says 100k
MOST_TICKS = 7  # of an axis of powers
ROOM = 0.04  # of an axis, around what it shows

_dashed = {"stroke": FAINT, "strokeDash": [5, 4], "strokeWidth": 1.5}


def _layer(rows: Sequence[Mapping[str, Any]], mark: Mapping[str, Any], **encoding: Any) -> dict[str, Any]:
    return {"data": {"values": list(rows)}, "mark": dict(mark), "encoding": encoding}


def _axis(field: str, domain: tuple[float, float], *, logged: bool = False, **axis: Any) -> dict[str, Any]:
    """An axis of numbers in the user's unit; `logged`: by their logarithm, through 0."""
    written = "~s" if max(map(abs, domain)) >= MANY else ",.6~r"
    plain: dict[str, Any] = {"labelExpr": f"format(datum.value, '{written}')", "tickCount": 4, "title": None, "labelFlush": False}  # each by itself: 1, 1k, 1M
    scale: dict[str, Any] = {"domain": list(domain), "nice": False, "zero": False}
    if logged and len(powers := _powers(domain)) > 1:
        plain |= {"values": powers, "tickCount": None, "labelOverlap": False}  # a count would drop some of them
        scale["type"] = "symlog"
    return {"field": field, "type": "quantitative", "scale": scale, "axis": plain | axis}


def _powers(domain: tuple[float, float]) -> list[float]:
    """0, 1, 10, 100 … inside the domain, with 3, 30 … between them where those are few; not more than an axis has room for."""
    tens = [0.0, *(10.0**power for power in range(0, 13))]
    inside = [value for value in tens if domain[0] <= value <= domain[1]]
    if len(inside) < 4:
        inside = sorted({*inside, *(3 * value for value in tens if domain[0] <= 3 * value <= domain[1])})
    return inside[:: -(-len(inside) // MOST_TICKS)] if inside else inside


def _above(words: Words, text: Said) -> dict[str, Any]:
    """The title of an upright axis, lying flat above it."""
    return {"title": words.said(text), "titleAngle": 0, "titleAlign": "left", "titleBaseline": "bottom", "titleX": 4 - LEFT, "titleY": -10}


def _domain(values: Sequence[float]) -> tuple[float, float]:
    """From the least to the greatest, with some room; never empty."""
    low, high = min(values), max(values)
    room = ROOM * (high - low) or 0.5 * abs(high) or 1.0
    return low - room, high + room


def answers_picture(pairs: Sequence[Sequence[float]], *, logged: bool) -> str | None:
    """Each drawn row as a point: across its true number, up the answer; on the dashed line they agree. None without rows."""
    if not pairs:
        return None
    words = Words()
    low, high = _domain([value for pair in pairs for value in pair])
    if logged and (least := min(min(pair) for pair in pairs)) >= 0:
        low, high = least / 1.5, 1.5 * high
    x = _axis("truth", (low, high), logged=logged, title=words.said(say("true number", "真实值")), titleColor=FAINT)
    y = _axis("answer", (low, high), logged=logged, **_above(words, say("answer", "回答")))
    points = [{"truth": truth, "answer": answer} for truth, answer in pairs]
    dot = {"type": "point", "size": 26, "filled": True, "fill": GOOD, "stroke": None, "opacity": 0.4}
    diagonal = [{"truth": end, "answer": end} for end in (low, high)]
    layers = [_layer(points, dot, x=x, y=y), _layer(diagonal, {"type": "line", **_dashed}, x=x, y=y)]
    title = say("Answers beside the truth", "回答与真实值")
    described = say(f"{len(pairs):,} rows; the nearer to the dashed line, the better.", f"{len(pairs):,} 行；离虚线越近越好。")
    return draw(Picture(layers, WIDTH - LEFT - 22, 270, (LEFT, 34, 22, 52), title, described), words)


def bins_picture(bins: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str | None:
    """For each bin of true numbers the mean absolute error, and how much too high or too low answers are; None where nothing is measured."""
    ends = [each[name][end] for each in bins for name in ("mae", "bias") for end in ("low", "high") if each[name]["value"] is not None]
    if not ends:
        return None
    words = Words()
    tokens = [words.label(name) for name in names]
    domain = _domain([0.0, *ends])
    y = {"field": "name", "type": "nominal", "sort": None, "scale": {"domain": tokens}, "axis": {"title": None, "ticks": False, "domain": False, "grid": True}}
    layers = [_layer([{"zero": 0}], {"type": "rule", "stroke": FAINT, "strokeWidth": 1.5}, x=_axis("zero", domain))]
    few = [{"name": token, "value": domain[0], "text": words.said(say(f"not enough data ({each['n']} rows)", f"数据不够（{each['n']} 行）"))}
           for each, token in zip(bins, tokens, strict=True) if each["mae"]["value"] is None]
    layers.append(_layer(few, {"type": "text", "align": "left", "fill": FAINT, "dx": 6}, y=y, x=_axis("value", domain), text={"field": "text", "type": "nominal"}))
    for name, colour, hollow, lower in (("bias", BAD, True, 6), ("mae", GOOD, False, -5)):
        rows = [{"name": token, **{key: each[name][key] for key in ("value", "low", "high")}} for each, token in zip(bins, tokens, strict=True)
                if each[name]["value"] is not None]
        layers += _whiskers(rows, y, domain, {"stroke": colour, "fill": PAPER if hollow else colour, "yOffset": lower})
    title = say("The error from low to high numbers", "从小到大各段的误差")
    described = say("The numbers stand in the table beside it.", "数字见旁边的表格。")
    return draw(Picture(layers, WIDTH - LABELS - 22, (ROW + 12) * len(bins), (LABELS, 6, 22, 26), title, described), words)


def _whiskers(rows: Sequence[Mapping[str, Any]], y: Mapping[str, Any], domain: tuple[float, float], dot: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Dots with their intervals, for rows with value, low and high."""
    x, line = _axis("value", domain), {"stroke": dot["stroke"], "yOffset": dot["yOffset"]}
    ends = [{**row, "end": row[end]} for row in rows for end in ("low", "high")]
    return [
        _layer(rows, {"type": "rule", "strokeWidth": 2, **line}, y=y, x=x | {"field": "low"}, x2={"field": "high"}),
        _layer(ends, {"type": "tick", "thickness": 2, "height": 9, "color": dot["stroke"], "opacity": 1, "yOffset": dot["yOffset"]}, y=y, x=x | {"field": "end"}),
        _layer(rows, {"type": "point", "size": 38, "opacity": 1, "strokeWidth": 2, **dot}, y=y, x=x),
    ]


def errors_picture(residuals: Mapping[str, Any] | None, half: float | None) -> str | None:
    """How many answers are so far above or below the truth; the dashed lines are the ends of the interval. None where no answer is off."""
    if residuals is None:
        return None
    words, edges, counts = Words(), residuals["edges"], residuals["counts"]
    domain, top = (edges[0], edges[-1]), 1.05 * max(counts)
    x = _axis("from", domain, title=words.said(say("answer less truth", "回答减真实值")), titleColor=FAINT)
    y = _axis("rows", (0, top), **_above(words, say("rows", "行数")))
    bars = [{"from": low, "to": high, "rows": count, "zero": 0} for low, high, count in zip(edges, edges[1:], counts, strict=False)]
    bar = {"type": "rect", "fill": GOOD, "fillOpacity": 0.75, "stroke": PAPER, "strokeWidth": 1}
    layers = [
        _layer(bars, bar, x=x, x2={"field": "to"}, y=y, y2={"field": "zero"}),
        _layer([{"at": 0}], {"type": "rule", "stroke": INK, "strokeWidth": 1.5}, x=x | {"field": "at"}),
    ]
    if half is not None and half <= domain[1]:
        layers.append(_layer([{"at": -half}, {"at": half}], {"type": "rule", **_dashed, "stroke": BAD}, x=x | {"field": "at"}))
    title = say("How far off the answers are", "回答偏差的分布")
    described = say(f"Most answers lie between {amount(domain[0])} and {amount(domain[1])} of the truth.", f"绝大多数回答与真实值相差在 {amount(domain[0])} 到 {amount(domain[1])} 之间。")
    return draw(Picture(layers, WIDTH - LEFT - 22, 200, (LEFT, 34, 22, 52), title, described), words)


def bin_names(bins: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each bin holds, in as many digits as tell them apart."""
    if not bins:
        return []
    span = (bins[-1]["high"] - bins[0]["low"]) or abs(bins[0]["high"])
    return [between(each["low"], each["high"], span) for each in bins]


def error_curve_picture(curve: Mapping[str, Any]) -> str | None:
    """The mean absolute error by rows learnt from, each with its interval, and the power law through it, drawn on to twice the rows there are;
    None where nothing is measured."""
    points = [{"rows": each["rows"], **{key: each["mae"][key] for key in ("value", "low", "high")}} for each in curve["points"] if each["mae"]["value"] is not None]
    if not points:
        return None
    words, law, last = Words(), curve["law"], 2 * curve["rows"]
    steps = [points[0]["rows"] * (last / points[0]["rows"]) ** (i / 40) for i in range(41)]
    line = [{"rows": at, "value": law["floor"] + law["factor"] * at ** -law["power"]} for at in steps]
    ticks = [each["rows"] for each in points] + [last]
    axis = {"values": ticks, "format": ".2~s", "title": words.said(say("rows learnt from", "学习的行数")), "titleColor": FAINT, "grid": False}
    x = {"field": "rows", "type": "quantitative", "scale": {"type": "log", "nice": False, "domain": [ticks[0] * 0.9, last * 1.1]}, "axis": axis}
    domain = _domain([*(each[end] for each in points for end in ("low", "high")), *(each["value"] for each in line)])
    y = _axis("value", domain, **_above(words, say("mean absolute error out of fold", "折外平均绝对误差")))
    layers = [
        _layer(line, {"type": "line", **_dashed}, x=x, y=y),
        _layer(points, {"type": "rule", "stroke": GOOD, "strokeWidth": 2}, x=x, y=y | {"field": "low"}, y2={"field": "high"}),
        _layer(points, {"type": "point", "size": 60, "stroke": GOOD, "fill": GOOD, "strokeWidth": 2, "opacity": 1}, x=x, y=y),
    ]
    title = say("The error by rows learnt from", "误差与学习的行数")
    ends = points[0], points[-1]
    described = say(
        f"From {ends[0]['rows']:,} rows with an error of {amount(ends[0]['value'])} to {ends[1]['rows']:,} rows with {amount(ends[1]['value'])}.",
        f"从 {ends[0]['rows']:,} 行的 {amount(ends[0]['value'])} 到 {ends[1]['rows']:,} 行的 {amount(ends[1]['value'])}。",
    )
    return draw(Picture(layers, WIDTH - LEFT - 22, 210, (LEFT, 34, 22, 52), title, described), words)
