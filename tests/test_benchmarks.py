"""What RESULTS.md says of itself, when the runner refuses, and that the peer is the one that is stated."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "benchmarks"
CARRIED = ("commit", "machine", "command", "when", "seconds", "code")


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    """The files of benchmarks/ can be imported by name, as when the runner is started."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def runner(monkeypatch, tmp_path):
    """The runner, writing into an empty folder, on a quiet machine, with a row that takes no time."""
    import machine
    import rows
    import run

    monkeypatch.setattr(run, "HERE", tmp_path)
    for name, path in (("RESULTS", "results"), ("PAGE", "RESULTS.md"), ("KEPT", ".cache")):
        monkeypatch.setattr(run, name, tmp_path / path)
    monkeypatch.setattr(machine, "why_not_quiet", lambda check_load=True: "")
    monkeypatch.setattr(machine, "commit", lambda: ("0123456789abcdef", False))
    monkeypatch.setattr(rows.Row, "code", "0123456789ab")
    monkeypatch.setattr(rows.Row, "figures", lambda row, work: {"median": 0.25, "low": 0.2, "high": 0.3, "times": 5})
    return run


def tables_of(markdown: str) -> dict[str, list[dict[str, str]]]:
    """Each heading's table, a dict a row."""
    found: dict[str, list[dict[str, str]]] = {}
    for section in re.split(r"^## ", markdown, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines() if line.startswith("|")]
        found[title] = [dict(zip(cells[0], row, strict=True)) for row in cells[2:]] if cells else []
    return found


# ----------------------------------------------------------- RESULTS.md

def carries_all(row: dict[str, str]) -> bool:
    return all(row[name] for name in CARRIED) and bool(re.match(r"[0-9a-f]{12}", row["commit"])) and "make bench ROW=" in row["command"]


@pytest.mark.skipif(not (FOLDER / "RESULTS.md").exists(), reason="nothing is measured yet")
def test_each_row_of_the_results_carries_commit_machine_command_and_time():
    import run

    tables = tables_of((FOLDER / "RESULTS.md").read_text("utf-8"))
    provenance = {row["row"]: row for row in tables.pop("How each row was measured")}
    tables.pop("What was asked, what was measured")
    assert [name for name, row in provenance.items() if not carries_all(row)] == []
    assert {row["row"].removesuffix(" (older code)") for table in tables.values() for row in table} == set(provenance) == set(run.stored(run.RESULTS))


def test_the_results_on_disk_are_what_the_page_shows(runner, tmp_path):
    assert runner.main(["--row", "help"]) == 0
    tables = tables_of((tmp_path / "RESULTS.md").read_text("utf-8"))
    (row,) = tables["How each row was measured"]
    assert carries_all(row) and row["row"] == "help"
    assert tables["Commands"][0]["took"] == "0.25 s (0.20–0.30, n = 5)"
    assert {bar["met"] for bar in tables["What was asked, what was measured"] if "--help" in bar["asked"]} == {"**yes**"}


def test_a_row_whose_code_has_changed_is_marked_and_measured_again(runner, monkeypatch, tmp_path):
    import rows

    measured: list[str] = []
    monkeypatch.setattr(rows.Row, "figures", lambda row, work: measured.append(work.row) or {"median": 0.25, "low": 0.2, "high": 0.3, "times": 5})
    for _ in range(2):
        assert runner.main(["--row", "help"]) == 0
    assert measured == ["help"]
    monkeypatch.setattr(rows.Row, "code", "another hash")
    runner.write_page()
    assert "help (older code)" in (tmp_path / "RESULTS.md").read_text("utf-8")
    assert runner.main(["--row", "help"]) == 0
    assert measured == ["help", "help"]


def test_a_row_whose_code_is_changed_while_it_is_measured_is_not_kept(runner, monkeypatch, tmp_path, capsys):
    import rows

    monkeypatch.setattr(rows.Row, "figures", lambda row, work: monkeypatch.setattr(rows.Row, "code", "another hash"))
    assert runner.main(["--row", "help"]) == 1
    assert "changed while it was measured" in capsys.readouterr().err and written(tmp_path) == []


# ------------------------------------------------------------ the runner

def written(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*")]


def test_the_runner_refuses_on_a_busy_machine_and_says_why(monkeypatch, capsys):
    import machine
    import run

    monkeypatch.setattr(machine.os, "getloadavg", lambda: (5.0, 5.0, 5.0))
    monkeypatch.setattr(machine, "commit", lambda: ("0123456789abcdef", False))
    monkeypatch.setattr(run, "write_json", lambda *_: pytest.fail("it measured"))
    assert run.main(["--row", "help"]) == 1
    assert "the machine is busy: load average 5.00" in capsys.readouterr().err


def test_another_process_at_work_is_seen_and_named(monkeypatch):
    import machine

    monkeypatch.setattr(machine, "HEAVY", 0.02)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            assert process.pid in [pid for pid, _, _ in machine.heavy_processes()]
            assert f"process {process.pid}" in machine.why_not_quiet(check_load=False)
        finally:
            process.kill()


@pytest.mark.parametrize("flag", ["--anyway", "--quick"])
def test_a_trial_prints_and_writes_nothing(runner, monkeypatch, tmp_path, capsys, flag):
    import machine

    monkeypatch.setattr(machine, "why_not_quiet", lambda check_load=True: "the machine is busy")
    assert runner.main(["--row", "help", flag]) == 0
    assert '"median": 0.25' in capsys.readouterr().out and written(tmp_path) == []


def test_a_row_that_is_not_there_is_refused_with_those_that_are(runner, capsys):
    assert runner.main(["--row", "hlep"]) == 2
    assert "help, new-100k" in capsys.readouterr().err


def test_the_beginning_of_names_asks_for_all_of_them():
    from rows import ROWS, chosen_rows

    assert chosen_rows(["test", "help"]) == [name for name in ROWS if name.startswith("test-")] + ["help"]
    assert chosen_rows([]) == list(ROWS)


def test_ctrl_c_and_again_goes_on_after_the_last_finished_piece(runner, monkeypatch):
    import rows

    made: list[str] = []

    def figures(_, work):
        for name in ("one", "two"):
            work.piece(name, lambda name=name: made.append(name))
            if name == "one" and work.seconds_before == 0:
                raise KeyboardInterrupt
        return {"median": 0.25, "low": 0.2, "high": 0.3, "times": 5}

    monkeypatch.setattr(rows.Row, "figures", figures)
    assert runner.main(["--row", "help"]) == 130
    assert runner.main(["--row", "help"]) == 0
    assert made == ["one", "two"] and written(runner.KEPT) == []


# ----------------------------------------------------------- the code path

def test_a_row_depends_on_the_families_it_names_and_on_no_other():
    from code_path import closure
    from rows import ROWS

    auto, other = (closure((ROWS[name].measure.partition(":")[0], *ROWS[name].needs)) for name in ("auto-banking77", "transformer-speed"))
    assert {"quality", "peer", "startlm.train", "startlm.core.descent", "startlm.families.linear", "startlm.families.convolution"} <= auto
    assert "startlm.families.transformer" not in auto and "startlm.families.transformer" in other and "linear" not in other


def test_every_row_has_a_code_path_and_is_shown_in_a_table():
    from rows import ROWS
    from tables import GROUPS, _rows_of

    assert all(len(row.code) == 12 for row in ROWS.values())
    assert {name for group in GROUPS for name in _rows_of(group, dict.fromkeys(ROWS, {}))} == set(ROWS)


@pytest.mark.parametrize("other, same", [("f(2)", False), ("f(1)  # why", True), ('"""New words."""\nf(1)', True)])
def test_words_for_people_measure_nothing_anew(tmp_path, other, same):
    import code_path

    for name, text in (("a.py", "f(1)"), ("b.py", other)):
        (tmp_path / name).write_text(text, "utf-8")
    assert (code_path.essence(tmp_path / "a.py") == code_path.essence(tmp_path / "b.py")) is same


# ------------------------------------------------------- the peer, the bars

@pytest.mark.parametrize("chinese, wanted", [
    (False, {"words": ("word", (1, 2)), "characters": ("char_wb", (2, 5))}), (True, {"characters": ("char_wb", (1, 3))}),
])  # fmt: skip
def test_the_peer_is_the_pipeline_that_is_stated(chinese, wanted):
    import peer

    union = dict(peer.features("char_wb", chinese).transformer_list)
    assert {name: (each.analyzer, each.ngram_range) for name, each in union.items()} == wanted
    assert all(each.sublinear_tf for each in union.values())
    assert type(peer.classifier(0.3)).__name__ == "LinearSVC" and peer.classifier(0.3).C == 0.3
    assert peer.COSTS == (0.1, 0.3, 1.0, 3.0)


def test_equal_and_near_rows_stay_in_one_fold():
    import sets

    texts = [f"a sentence about the thing with the number {number} that nobody else has ever seen" for number in range(40)]
    rows = sets.Rows(texts + texts, ["even", "odd"] * 40)
    fold = sets.folds(rows.labels, sets.near_groups(rows))
    assert np.array_equal(fold[:40], fold[40:])


def test_the_side_by_side_run_answers_every_held_row(monkeypatch, tmp_path):
    import quality
    import sets
    from tickets import tickets
    from work import Work

    rows = tickets()
    given = sets.Rows([row["message"] for row in rows], [row["team"] for row in rows])
    monkeypatch.setattr("startlm.build.LADDER", ("linear",))
    monkeypatch.setattr(quality, "load", lambda name, part: given)
    monkeypatch.setattr(quality, "QUICK", {"rows": 120, "folds": 2, "budget": "1s"})
    figures = quality.auto(Work("auto-x", tmp_path, quick=True), "banking77")
    assert figures["n"] == 120 and len(figures["chosen"]) == 2 and figures["accuracy"] > 0.3 and figures["peer"] > 0.3
    assert figures["gain"][1] <= figures["gain"][0] <= figures["gain"][2]


def test_label_errors_are_counted_on_planted_ones_and_shown_beside_the_peer(monkeypatch, tmp_path):
    import label_errors
    import sets
    from tables import page
    from tickets import tickets
    from work import Work

    rows = tickets()
    monkeypatch.setattr(label_errors, "load", lambda name, part: sets.Rows([row["message"] for row in rows], [row["team"] for row in rows]))
    monkeypatch.setattr(label_errors, "_cleanlab", lambda work, labels, confidences: {"version": "2.9.0", "order": list(range(240)), "found": [0, 1, 2]})
    figures = label_errors.measure(Work("label-errors-x", tmp_path), "banking77")
    assert figures["ours"]["top"][0] > 0.8 > figures["cleanlab"]["top"][0] and figures["cleanlab"]["rows_found"] == 9 and figures["looked_at"] == 240
    carried = {"commit": "0", "dirty": False, "machine": machine_of_a_test(), "command": "", "when": "", "seconds": 1.0, "code": "0"}
    assert "cleanlab 2.9.0" in page({"label-errors-banking77": {"figures": figures, **carried}}, {})


def machine_of_a_test() -> dict[str, object]:
    return {"processor": "one", "cores": 2, "memory_gb": 8, "system": "Linux", "python": "3.11", "packages": {}}


@pytest.mark.parametrize("only_peer, only_ours, p", [(0, 0, 1.0), (5, 0, 1 / 32), (0, 5, 1.0), (3, 1, 5 / 16)])
def test_the_one_sided_p_is_the_binomial_tail(only_peer, only_ours, p):
    from quality import p_below

    assert p_below(only_peer, only_ours) == p


@pytest.mark.parametrize("gains, met", [
    ([(0.01, 0.001, 0.02)] * 4 + [(0, -0.01, 0.01)] * 2, True),
    ([(0.01, 0.001, 0.02)] * 3 + [(0, -0.01, 0.01)] * 3, False),
    ([(0.01, 0.001, 0.02)] * 5 + [(-0.02, -0.03, -0.01)], False),
    ([(0.01, 0.001, 0.02)] * 5, None),
])  # fmt: skip
def test_the_bar_of_auto_wants_four_above_and_none_below(gains, met):
    from bars import AUTO, BARS

    results = {name: {"gain": gain} for name, gain in zip(AUTO, gains, strict=False)}
    assert BARS[0].verdict(results).met is met


# ------------------------------------------------------------- large tables

MADE_UP = {
    "scale": {"figures": {"tokens": 40, "lines": [{"rows": rows, "step": step, "seconds": 0.2 * number + rows / 1e4, "peak": 2**26 + rows * 1500}
                                                  for rows in (1_000, 1_000_000) for number, step in enumerate(("new", "prepare", "predict"), 1)]}},
    "scale-weibo": {"figures": {"rows": 206_451, "inspect": {"seconds": 9.87, "peak": 2**29}, "prepare": {"seconds": 12.0, "peak": 2**28}}},
}  # fmt: skip


def test_the_page_of_large_tables_shows_the_results_on_disk():
    import run
    import scale_page

    for name, text in scale_page.pages(run.stored(run.RESULTS)).items():
        assert (ROOT / name).read_text("utf-8") == text, "run: python benchmarks/scale_page.py"


def test_each_figure_of_large_tables_stands_in_both_pages_and_in_the_picture(tmp_path):
    import machine
    import scale_page

    (tmp_path / "docs" / "images").mkdir(parents=True)
    scale_page.write({name: result | {"machine": machine.describe()} for name, result in MADE_UP.items()}, tmp_path)
    for page in scale_page.WORDS:
        text = (tmp_path / page).read_text("utf-8")
        assert "| 1,000,000 | `prepare` | 100.4 | 1.46 GiB |" in text and "| 206,451 | `inspect` | 9.9 | 512 MiB |" in text
    svg = (tmp_path / scale_page.PICTURE).read_text("utf-8")
    assert svg.startswith("<svg") and all(step in svg for step in ("new", "prepare", "predict"))


def test_the_memory_of_a_command_is_that_of_all_its_processes(monkeypatch):
    import scale

    child = "import time; held = bytearray(150_000_000); held[::4096] = b'x' * len(held[::4096]); time.sleep(1)"
    monkeypatch.setattr(scale, "startlm_command", lambda: [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"])
    found = scale.watched()
    assert 150_000_000 < found["peak"] < 250_000_000 and found["seconds"] > 1


def test_made_rows_have_40_tokens_and_are_the_same_each_time(data_folder):
    import scale

    rows = list(scale.made(40))
    assert rows == list(scale.made(40)) and len({label for _, label in rows}) > 5
    assert 38 <= np.median([len(scale.TOKEN.findall(text)) for text, _ in rows]) <= 40


@pytest.mark.real_data
def test_a_search_is_judged_with_bm25_alone_and_with_an_encoder(data_folder, monkeypatch, tmp_path):
    import retrieval
    from tables import page
    from toy_encoder import toy_encoder
    from work import Work

    carried = {"commit": "c", "dirty": False, "code": "h", "command": "m", "when": "w", "seconds": 1.0,
               "machine": {"processor": "p", "cores": 2, "memory_gb": 1, "system": "s", "python": "3", "packages": {}}}
    monkeypatch.setattr(retrieval, "_encoder", lambda weights: None)
    alone = retrieval.measure(Work("search-x", tmp_path, quick=True), "chip-sts")
    assert list(alone["ways"]) == ["bm25"] and alone["gain"] is None and 0.3 < alone["ways"]["bm25"]["reciprocal_rank"][0] < 0.9
    monkeypatch.setattr(retrieval, "_encoder", lambda weights: toy_encoder())
    both = retrieval.measure(Work("search-x", tmp_path, quick=True), "hint3-sofmattress")
    assert list(both["ways"]) == ["bm25", "vectors", "by rank", "fused"] and both["gain"][1] <= both["gain"][0] <= both["gain"][2]
    assert "fused, weight" in page({"search-hint3-sofmattress": {"figures": both, **carried}, "search-chip-sts": {"figures": alone, **carried}}, {})


def test_cells_are_judged_beside_every_vector_on_queries_that_are_not_in_the_index():
    import search_index
    from tables import page

    vectors = np.random.default_rng(2).normal(size=(4_050, 24)).astype(np.float32)
    figures = search_index._compared(search_index.stored_form(vectors[50:]), vectors[:50], 1_000)
    assert figures["cells"] == 253 and 64 <= figures["looked_in"] < 253 and 0.9 < figures["recall_unseen"][0] <= 1 and figures["asked"] == 50
    carried = {"commit": "c", "dirty": False, "code": "h", "command": "m", "when": "w", "seconds": 1.0,
               "machine": {"processor": "p", "cores": 2, "memory_gb": 1, "system": "s", "python": "3", "packages": {}}}
    shown = page({"search-index-averaged": {"figures": {"texts": 4_000, **figures}, **carried}}, {})
    assert f"{figures['looked_in']} of 253" in shown and "fused" not in shown.split("## How")[0].split("## Search")[-1]
    with pytest.raises(ValueError, match="too few"):
        search_index._compared(search_index.stored_form(vectors[:200]), vectors[:5], 1_000)


def test_the_mean_of_parts_is_that_of_each_side_and_their_difference_and_no_surer_than_the_rows_are_many() -> None:
    from pretrained import mean_of_parts

    rng = np.random.default_rng(0)
    easy = rng.random(400)  # the same rows in each part, so five answers to one row are no five rows
    right = {side: (easy[None, :] + 0.1 * rng.random((5, 400)) < share).astype(float) for side, share in (("without", 0.3), ("with", 0.5))}
    found = mean_of_parts(right)
    (without, *_), (share, low, high) = found["without"], found["with"]
    assert found["n"] == 400 and share == pytest.approx(right["with"].mean()) and found["gain"][0] == pytest.approx(share - without)
    alone = mean_of_parts({side: hits[:1] for side, hits in right.items()})["with"]
    assert low < share < high and high - low > 0.85 * (alone[2] - alone[1])
