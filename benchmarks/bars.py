"""What was asked for, beside what was measured: the first table of RESULTS.md. Judged from the rows' figures alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, NamedTuple

import numpy as np
from label_errors import CHOSEN as LABEL_ERRORS
from sets import BESIDE_ONE, LABELLING, SETS

from startlm.metrics.intervals import exact_interval

Results = Mapping[str, Mapping[str, Any]]  # the figures of each row that is measured
FEW_LABELS = ("banking77", "thucnews-title", "chnsenticorp", "waimai-10k")  # 5,000 rows or more, up to 80 labels
MANY_LABELS = ("clinc150",)
FROM_SCRATCH = {"banking77": 0.93, "clinc150": 0.942}
AIMS = {"banking77": 0.925, "clinc150": 0.935, "thucnews-title": 0.91, "chnsenticorp": 0.935, "waimai-10k": 0.905, "hint3-sofmattress": 0.765}
SIGNIFICANT = 0.05


class Verdict(NamedTuple):
    """What was measured, in words, and whether it is met: None where something is still to be measured."""

    measured: str
    met: bool | None


@dataclass(frozen=True)
class Bar:
    """One figure that was asked for, the rows that it is judged on, and how."""

    asked: str
    rows: tuple[str, ...]
    judge: Callable[[Results], Verdict]

    def verdict(self, results: Results) -> Verdict:
        """Judged on the rows that are there; met is None while one is missing, unless it is failed already."""
        there = {name: results[name] for name in self.rows if name in results}
        if not there:
            return Verdict("not measured yet", None)
        measured, met = self.judge(there)
        missing = len(self.rows) - len(there)
        if not missing:
            return Verdict(measured, met)
        return Verdict(f"{measured} ({missing} of {len(self.rows)} rows still to be measured)", False if met is False else None)


def percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def short(name: str) -> str:
    """A row's set: `auto-banking77` is banking77."""
    return name.partition("-")[2]


def _limit(row: str, asked: str, value: Callable[[Mapping[str, Any]], float], most: float, unit: str) -> Bar:
    def judge(results: Results) -> Verdict:
        measured = value(results[row])
        return Verdict(f"{measured:.3g} {unit}", measured <= most)

    return Bar(asked, (row,), judge)


# ------------------------------------------------------------------ quality

def _auto_above(results: Results) -> Verdict:
    above = [short(name) for name, figures in results.items() if figures["gain"][1] > 0]
    below = [short(name) for name, figures in results.items() if figures["gain"][2] < 0]
    said = f"above on {len(above)} ({', '.join(above) or 'none'}), wholly below on {len(below)} ({', '.join(below) or 'none'})"
    enough = len(above) >= 4 or (None if len(results) < len(SETS) else False)
    return Verdict(said, False if below else enough)


def _test_not_below(results: Results) -> Verdict:
    p = {short(name): figures["published"]["p_below"] for name, figures in results.items()}
    return Verdict(", ".join(f"{name} p = {value:.2g}" for name, value in p.items()), all(value >= SIGNIFICANT for value in p.values()))


def _aims(results: Results) -> Verdict:
    reached = {short(name): figures["published"]["ours"][0] if "published" in figures else figures["accuracy"] for name, figures in results.items()}
    said = ", ".join(f"{name} {percent(value)} (aim {100 * AIMS[name]:.1f})" for name, value in reached.items())
    return Verdict(said, all(value >= AIMS[name] for name, value in reached.items()))


def _auto_seconds(results: Results) -> Verdict:
    slowest = {name: max(np.atleast_1d(figures["seconds"])) for name, figures in results.items()}
    name = max(slowest, key=slowest.__getitem__)
    return Verdict(f"slowest of all runs: {slowest[name]:.0f} s ({name}), prepare to deploy", bool(slowest[name] <= 300))


# ------------------------------------------------------------------- linear

def _linear_fit(results: Results) -> Verdict:
    ratios = {short(name): figures["fit_seconds"][1] / figures["fit_seconds"][0] for name, figures in results.items()}
    return Verdict(", ".join(f"{name} {ratio:.1f} times as fast" for name, ratio in ratios.items()), min(ratios.values()) >= 1)


def _linear_rate(results: Results) -> Verdict:
    ratios = {short(name): figures["rows_per_second"][0] / figures["rows_per_second"][1] for name, figures in results.items()}
    wanted = {name: 8 if SETS[name].chinese else 3 if name in MANY_LABELS else 4 for name in ratios}
    said = ", ".join(f"{name} {ratio:.1f} times (bar {wanted[name]})" for name, ratio in ratios.items())
    return Verdict(said, all(ratios[name] >= wanted[name] for name in ratios))


def _linear_accuracy(results: Results) -> Verdict:
    gains = {short(name): figures["gain"] for name, figures in results.items()}
    above = sum(gain[0] > 0 for gain in gains.values())
    said = ", ".join(f"{name} {100 * gain[0]:+.2f} [{100 * gain[1]:+.2f}, {100 * gain[2]:+.2f}]" for name, gain in gains.items())
    most = above > len(SETS) / 2 or (None if len(results) < len(SETS) else False)
    return Verdict(f"{said} points", False if any(gain[2] < 0 for gain in gains.values()) else most)


def _linear_small(results: Results) -> Verdict:
    one, size = (max(figures[name] for figures in results.values()) for name in ("one_ms", "megabytes"))
    return Verdict(f"at most {one:.2f} ms and {size:.1f} MB", one <= 0.5 and size <= 25)


# ----------------------------------------------------------------- networks

def equal(figures: Mapping[str, Any]) -> bool:
    """Whether the exact intervals of our accuracy and the plain loop's overlap, or ours lies above."""
    ours, plain = (exact_interval(round(figures[name] * figures["n"]), figures["n"]) for name in ("accuracy", "plain_accuracy"))
    return ours.high >= plain.low


def _network(row: str, times: float) -> Callable[[Results], Verdict]:
    def judge(results: Results) -> Verdict:
        first = results[row]["lines"][0]
        said = f"{first['times_plain']:.1f} times ({first['times_per_batch']:.1f} times the loop padded per batch)"
        if "accuracy" not in first:
            return Verdict(said, None)
        said += f"; accuracy {percent(first['accuracy'])} against {percent(first['plain_accuracy'])}"
        return Verdict(said, first["times_plain"] >= times and equal(first))

    return judge


def _int8(way: str) -> Callable[[Results], Verdict]:
    def judge(results: Results) -> Verdict:
        ratios = {line["threads"]: line[way] / line["eager"] for line in results["int8-speed"]["lines"]}
        said = ", ".join(f"{ratio:.1f} times with {threads} thread{'s' * (threads > 1)}" for threads, ratio in ratios.items())
        return Verdict(said, min(ratios.values()) >= 2)

    return judge


# ----------------------------------------------------------------- commands

def _predict(results: Results) -> Verdict:
    rate = results["predict-300k"]["rows_per_second"]
    return Verdict(f"{rate:,.0f} rows/s", rate >= 30_000)


def _budget(results: Results) -> Verdict:
    lines = results["budget"]["lines"]
    return Verdict(", ".join(f"{line['used']:.0f} s of {line['budget']}" for line in lines), all(line["used"] <= 1.1 * line["allowed"] for line in lines))


def _demo(results: Results) -> Verdict:
    figures = results["demo"]
    return Verdict(f"first {figures['first']:.0f} s, second {figures['second']:.1f} s", figures["second"] < 10)


def _label_errors(results: Results) -> Verdict:
    top = {name.removeprefix("label-errors-"): figures["ours"]["top"][0] for name, figures in results.items()}
    return Verdict(", ".join(f"{name} {percent(value)}" for name, value in top.items()), sum(value >= 0.6 for value in top.values()) >= 2)


def _labelling(results: Results) -> Verdict:
    ratios = {short(name): figures["ratio"] for name, figures in results.items()}
    return Verdict(", ".join(f"{name} {ratio:.0%}" for name, ratio in ratios.items()), all(ratio <= 0.6 for ratio in ratios.values()))


# --------------------------------------------------------- pretrained weights

def _weights_above(results: Results) -> Verdict:
    judged = {short(name): {column: figures[column]["gain"] for column in ("published", "clean") if column in figures} for name, figures in results.items()}
    said = "; ".join(f"{name} " + ", ".join(f"{100 * gain[0]:+.1f} [{100 * gain[1]:+.1f}, {100 * gain[2]:+.1f}]" for gain in gains.values()) for name, gains in judged.items())
    return Verdict(said, all(gain[1] > 0 for gains in judged.values() for gain in gains.values()))


def _at_least(row: str, share: float) -> Callable[[Results], Verdict]:
    def judge(results: Results) -> Verdict:
        figures = results[row]
        value = figures["accuracy"] if "accuracy" in figures else figures["published"]["with"][0]
        return Verdict(percent(value), value >= share)

    return judge


def _not_below_one(results: Results) -> Verdict:
    """Whether the ladder is significantly below the best single kind on no set."""
    best = {short(name): max(figures["alone"].items(), key=lambda item: item[1]["accuracy"][0]) for name, figures in results.items() if "alone" in figures}
    said = ", ".join(f"{name} {100 * one['gain'][0]:+.2f} [{100 * one['gain'][1]:+.2f}, {100 * one['gain'][2]:+.2f}] against {family}" for name, (family, one) in best.items())
    return Verdict(f"{said} points", all(one["gain"][2] >= 0 for _, one in best.values()) if len(best) == len(results) else None)


def _from_scratch(results: Results) -> Verdict:
    shares = {short(name): figures["published"]["ours"][0] for name, figures in results.items()}
    return Verdict(", ".join(f"{name} {percent(value)} (bar {percent(FROM_SCRATCH[name])})" for name, value in shares.items()), all(value >= FROM_SCRATCH[name] for name, value in shares.items()))


def _scope(results: Results) -> Verdict:
    """Whether at some stated rate both are reached; of those, or of all, the one that catches most is told."""
    def caught(point: Mapping[str, Any]) -> float:
        return float((point["caught"] or [0.0])[0])  # a quick run may have no row out of scope

    def best(points: Mapping[str, Any]) -> tuple[bool, str, Any]:
        reached = {allowed: point["in_scope"][0] >= 0.962 and caught(point) >= 0.65 for allowed, point in points.items()}
        allowed = max(points, key=lambda name: (reached[name], caught(points[name])))
        return reached[allowed], allowed, points[allowed]

    found = {way: best(line["points"]) for way, line in results["scope-clinc150"]["lines"].items()}
    said = "; ".join(f"{way}: {percent(point['in_scope'][0])} at {percent(caught(point))}, false alarms {percent(point['false_alarms'][0])} ({allowed} allowed)" for way, (_, allowed, point) in found.items())
    return Verdict(said, all(reached for reached, _, _ in found.values()))


def _tuned(results: Results) -> Verdict:
    figures = results["tuned-banking77"]
    slowest = max(figures["train_seconds"])
    return Verdict(f"{percent(figures['accuracy'])}, training at most {slowest:.0f} s", figures["accuracy"] >= 0.933 and slowest <= 360)


def _few_shot(results: Results) -> Verdict:
    figures = results["few-shot-banking77"]
    by_way = {line["way"]: line for line in figures["lines"]}
    said = ", ".join(f"{way} {percent(line['accuracy'][0])} in {max(line['seconds']):.0f} s" for way, line in by_way.items())
    if "setfit" not in by_way:
        return Verdict(said, None)
    return Verdict(said, any(gain[1] > 0 and max(by_way[way]["seconds"]) < min(by_way["setfit"]["seconds"]) for way, gain in figures["over_setfit"].items()))


def _searched(results: Results) -> Verdict:
    gains = {short(name): figures["gain"] for name, figures in results.items()}
    said = ", ".join(f"{name} {100 * gain[0]:+.1f} [{100 * gain[1]:+.1f}, {100 * gain[2]:+.1f}]" if gain else f"{name}: no weights" for name, gain in gains.items())
    return Verdict(said, all(gain[1] > 0 for gain in gains.values()) if all(gains.values()) else None)


def _serving(results: Results) -> Verdict:
    figures = results["encoder-serving"]
    lines = [line for line in figures["lines"] if line["pipeline"]]
    ratios = {line["threads"]: min(line["all_rows"], line["by_32"]) / line["pipeline"] for line in lines}
    said = ", ".join(f"{ratio:.1f} times with {threads} thread{'s' * (threads > 1)} (the slower of all at once and 32 a call)" for threads, ratio in ratios.items())
    lost = -100 * figures["gain"][0]
    return Verdict(f"{said}; {lost:.2f} points lost", min(ratios.values()) >= 3.5 and lost <= 0.3 if ratios else None)


def _cascade(results: Results) -> Verdict:
    figures = results["cascade-banking77"]
    if figures["cascade"] is None:
        return Verdict("no cascade", False)
    accuracy, alone, together = figures["accuracy"]["cascade"][0], figures["ms"]["cascade"], figures["ms_together"]["cascade"]
    return Verdict(f"{percent(accuracy)}, {alone:.2f} ms asked one at a time, {together:.2f} ms in one call", accuracy >= 0.945 and together <= 1.5)


def _training(results: Results) -> Verdict:
    figures = results["encoder-training"]
    rates = {name: rate for name, rate in figures["trainer"].items() if rate}
    if not rates:
        return Verdict(f"{figures['ours']:,.0f} rows/s", None)
    defaults, best = figures["ours"] / rates["defaults"], figures["ours"] / max(rates.values())
    return Verdict(f"{defaults:.1f} times its defaults, {best:.1f} times the best of its switches ({max(rates, key=rates.__getitem__)}), on {figures['device']}", defaults >= 4.5 and best >= 1.5)


AUTO, TEST, LINEAR = (tuple(f"{kind}-{name}" for name, chosen in SETS.items() if kind != "test" or chosen.test) for kind in ("auto", "test", "linear"))
BARS = (
    Bar("`auto` over 5 folds of train: the paired interval of the gain above zero on at least four of the six sets, wholly below on none", AUTO, _auto_above),
    Bar("`auto` on test: on no set significantly below the peer (one-sided 5 %)", TEST, _test_not_below),
    Bar("`auto`, aims: accuracy on test, as published; waimai-10k: mean of its fifths", (*TEST, "auto-waimai-10k"), _aims),
    Bar("each `auto` run ≤ 5 minutes on two cores", (*AUTO, *TEST), _auto_seconds),
    Bar("`linear`: fit no slower than the peer on sets of ≥ 5,000 rows up to 80 labels", tuple(f"linear-{name}" for name in FEW_LABELS), _linear_fit),
    Bar("`linear`: answers, one thread, ≥ 4 times the peer's rows/s (Chinese ≥ 8, 150 labels ≥ 3)", LINEAR, _linear_rate),
    Bar("`linear`: accuracy not significantly below on any set, above on most", LINEAR, _linear_accuracy),
    Bar("`linear`: one warm answer ≤ 0.5 ms; weights ≤ 25 MB", LINEAR, _linear_small),
    Bar("label errors: 5 % of the labels of two sets changed at random: at least 60 % of the top 5 % are changed ones",
        tuple(f"label-errors-{name}" for name in LABEL_ERRORS), _label_errors),
    Bar("`startlm predict` as a whole on 300,000 rows: ≥ 30,000 rows/s", ("predict-300k",), _predict),
    Bar("`lstm`: ≥ 3 times the plain loop's rows/s at equal dev accuracy", ("lstm-speed",), _network("lstm-speed", 3)),
    Bar("`transformer`: ≥ 2 times torch.nn.TransformerEncoder in the plain loop (aim 4), at equal dev accuracy",
        ("transformer-speed",), _network("transformer-speed", 2)),
    Bar("int8 Transformer, all rows handed to the engine at once: ≥ 2 times eager PyTorch at batch 32 (aim 3)", ("int8-speed",), _int8("all_rows")),
    Bar("int8 Transformer, 32 rows a call: ≥ 2 times eager PyTorch at batch 32 (aim 3)", ("int8-speed",), _int8("by_32")),
    _limit("cold-text", "`startlm predict NAME --text` cold from the shell ≤ 1.0 s (linear and `auto`, the slower)",
           lambda f: max(each["median"] for each in f.values()), 1.0, "s"),
    _limit("new-100k", "`startlm new` on 100,000 rows ≤ 3 s", lambda f: f["median"], 3.0, "s"),
    _limit("prepare-100k", "`startlm prepare` of 100,000 messages ≤ 15 s", lambda f: f["median"], 15.0, "s"),
    _limit("scale", "a million rows of 40 tokens: `startlm prepare` ≤ 3 minutes on two cores", lambda f: max(each["seconds"] for each in f["lines"] if each["step"] == "prepare"), 180.0, "s"),
    _limit("scale", "a million rows of 40 tokens: `new`, `prepare`, `predict` within 2 GiB, all processes together", lambda f: max(each["peak"] for each in f["lines"]) / 2**30, 2.0, "GiB"),
    _limit("scale-weibo", "weibo-hot-search (206,451 rows): `startlm inspect` ≤ 20 s", lambda f: f["inspect"]["seconds"], 20.0, "s"),
    _limit("scale-weibo", "weibo-hot-search: `startlm prepare` ≤ 60 s", lambda f: f["prepare"]["seconds"], 60.0, "s"),
    _limit("help", "`startlm --help` ≤ 0.3 s", lambda f: f["median"], 0.3, "s"),
    Bar("`startlm label`: at most 60 % of the labels of random order for nine tenths of the full accuracy", tuple(f"labelling-{name}" for name in LABELLING), _labelling),
    Bar("a budget is kept within 10 %", ("budget",), _budget),
    Bar("clinc150: right in scope ≥ 96.2 % with ≥ 65 % caught out of scope (aim 96.5 at 80), from labelled rows out of scope and from none", ("scope-clinc150",), _scope),
    Bar("from scratch with the blend, on test: banking77 93.0 %, clinc150 in scope 94.2 %", ("test-banking77", "test-clinc150"), _from_scratch),
    Bar("banking77 with weights: ≥ 93.3 % (mean of three seeds) within 6 minutes of training", ("tuned-banking77",), _tuned),
    Bar("Chinese with the multilingual weights: the ladder significantly above the ladder without", tuple(f"pretrained-{name}" for name in ("thucnews-title", "fewclue-tnews", "fewclue-bustm")), _weights_above),
    Bar("chnsenticorp (as published, clean) and hint3-sofmattress: above the ladder without weights", ("pretrained-chnsenticorp", "pretrained-hint3-sofmattress"), _weights_above),
    Bar("`auto` with weights: not significantly worse than the best single kind in the same 10 minutes", tuple(f"pretrained-{name}" for name in BESIDE_ONE), _not_below_one),
    Bar("fewclue-tnews, mean of the five small parts: above RoBERTa's published 49.0 % (aim 52)", ("pretrained-fewclue-tnews",), _at_least("pretrained-fewclue-tnews", 0.49)),
    Bar("fewclue-bustm as pairs: above RoBERTa's published 60.7 % (aim 65)", ("pretrained-fewclue-bustm",), _at_least("pretrained-fewclue-bustm", 0.607)),
    Bar("banking77, ten rows a label: above SetFit with the same weights in less time (aim 87 %)", ("few-shot-banking77",), _few_shot),
    Bar("int8 encoder: ≥ 3.5 times Hugging Face's pipeline at batch 32 (aim 6), at most 0.3 points lost", ("encoder-serving",), _serving),
    Bar("aim, the cascade: banking77 94.5 % at ≤ 1.5 ms mean a message, one thread (in one call)", ("cascade-banking77",), _cascade),
    Bar("`static`: ≥ 15,000 rows/s", ("encoder-serving",), lambda results: Verdict(f"{results['encoder-serving']['static']:,.0f} rows/s", results["encoder-serving"]["static"] >= 15_000)),
    Bar("fine-tuning: ≥ 4.5 times the rows/s of Hugging Face's Trainer with its defaults at batch 32, ≥ 1.5 times the best of its switches", ("encoder-training",), _training),
    Bar("search, fused above BM25 alone by more than the interval (MRR@10)", ("search-chip-sts", "search-hint3-sofmattress"), _searched),
    Bar("a second demo takes seconds (under 10)", ("demo",), _demo),
)
