"""Large tables: every core at work gives bit for bit what one process gives, memory grows slowly with the rows, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import errno
import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import date
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Iterator

import numpy as np
import pytest

from startlm import predict, prepare_examples
from startlm.core import near_duplicates, workers
from startlm.core.errors import CallError
from startlm.core.near_duplicates import near_pairs
from startlm.core.workers import Crew, in_threads
from startlm.formats import open_table
from startlm.predict import Output, Predictor, open_bundle, predict_steps
from tickets import tickets

GIB = 2**30
WITHIN = 60  # seconds


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (workers, predict):
        monkeypatch.setattr(module, "cores", lambda: 2)


# --------------------------------------------------------------- in threads

def test_results_come_in_the_order_of_the_items(two_cores: None) -> None:
    draw = random.Random(0)
    assert list(in_threads(lambda number: [time.sleep(draw.random() / 100), number][1], range(50))) == list(range(50))


def test_an_error_of_a_table_comes_after_the_results_of_the_rows_before_it(two_cores: None) -> None:
    def items() -> Iterator[int]:
        yield from (1, 2, 3)
        raise CallError(predict.say("row 4", "第 4 行"), predict.say("mend it", "改好"))

    results = in_threads(lambda number: 10 * number, items())
    assert [next(results) for _ in range(3)] == [10, 20, 30]
    with pytest.raises(CallError, match="row 4"):
        next(results)


def test_near_pairs_do_not_depend_on_cores_nor_on_how_much_is_worked_on_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(1)
    words = "where is my card 退款 什么时候 到账 refund order 快递 还没 到 please help".split()
    texts = [" ".join(draw.choices(words, k=draw.randrange(4, 30))) for _ in range(800)]
    texts += [text[:-1] for text in texts] + [f"a long beginning that many rows share, then {number}" for number in range(300)]
    found = []
    for cores, characters, stretch, pairs in ((1, 1 << 18, 1 << 19, 1 << 16), (2, 500, 100, 50)):
        monkeypatch.setattr(workers, "cores", lambda cores=cores: cores)
        for name, value in (("CHARACTERS", characters), ("STRETCH", stretch), ("PAIRS", pairs)):
            monkeypatch.setattr(near_duplicates, name, value)
        found.append(near_pairs(texts))
    assert len(found[0].rows) > 800 and np.array_equal(found[0].rows, found[1].rows) and np.array_equal(found[0].similarity, found[1].similarity)


def test_ctrl_c_in_the_comparison_of_rows_leaves_no_folder_and_no_thread(tmp_path: Path, two_cores: None, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, presses = near_duplicates._kept, iter([signal.SIGINT])

    def pressed(*given: Any) -> Any:
        for key in presses:  # once: a second Ctrl-C would break off the cleaning up, as it may
            os.kill(os.getpid(), key)
        time.sleep(0.2)
        return kept(*given)

    monkeypatch.setattr(near_duplicates, "_kept", pressed)
    with pytest.raises(KeyboardInterrupt):
        prepare_examples(tickets(), text="message", label="team", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    end = time.monotonic() + WITHIN
    while any(thread.name.startswith("startlm") for thread in threading.enumerate()):
        assert time.monotonic() < end
        gc.collect()  # frames of the broken-off work may still hold it
        time.sleep(0.05)


# ------------------------------------------------------------- in processes

def answered(predictor: Predictor, table: Any, out: Path) -> bytes:
    for _ in predict_steps(predictor, open_table(table), Output(str(out), overwrite=True)):
        pass
    return out.read_bytes()


@pytest.fixture
def soon(two_cores: None, monkeypatch: pytest.MonkeyPatch) -> list[bytes | None]:
    """Processes help from the third chunk of 16 rows on; what they answer."""
    monkeypatch.setattr(predict, "CHUNK", 16)
    monkeypatch.setattr(predict, "ALONE", 1)
    ready, ask, asked = Crew.ready, Crew.ask, []

    def wait(crew: Crew) -> bool:
        end = time.monotonic() + WITHIN
        while not ready(crew):
            assert time.monotonic() < end
            time.sleep(0.01)
        return True

    monkeypatch.setattr(Crew, "ready", wait)
    monkeypatch.setattr(Crew, "ask", lambda crew, message: [asked.append(ask(crew, message)), asked[-1]][1])
    return asked


@pytest.mark.parametrize("family", ["linear", "convolution"])
def test_processes_answer_bit_for_bit_as_one_does(family: str, bundles: dict[str, Path], tmp_path: Path, soon: list[bytes | None]) -> None:
    predictor, rows = open_bundle(bundles[family]), tickets(200)
    rows[150]["message"] = "half a character \ud800, a NUL \0, 😀"
    together = answered(predictor, rows, tmp_path / "out.csv")
    assert len(soon) == 11 and None not in soon
    predictor.folder = None  # then nobody helps
    assert answered(predictor, rows, tmp_path / "alone.csv") == together and len(soon) == 11


def test_a_file_as_standard_input_is_answered_as_the_file_is(bundles: dict[str, Path], tmp_path: Path, soon: list[bytes | None], monkeypatch: pytest.MonkeyPatch) -> None:
    predictor, file = open_bundle(bundles["linear"]), tmp_path / "in.csv"
    file.write_text("message\n" + "\n".join(row["message"] for row in tickets(200)), encoding="utf-8")
    named = answered(predictor, file, tmp_path / "named.csv")
    with file.open("rb") as stream:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
        assert answered(predictor, "-", tmp_path / "out.csv") == named and len(soon) == 22, "processes helped both times"


def test_rows_with_what_json_does_not_bring_over_are_answered_here(bundles: dict[str, Path], tmp_path: Path, soon: list[bytes | None]) -> None:
    rows = [{"message": date(2024, 1, 1 + number % 20)} for number in range(64)]
    assert answered(open_bundle(bundles["linear"]), rows, tmp_path / "out.csv").count(b"\r\n") == 65 and soon == []


def test_what_a_process_that_is_gone_was_asked_is_answered_here(bundles: dict[str, Path], tmp_path: Path, soon: list[bytes | None], monkeypatch: pytest.MonkeyPatch) -> None:
    predictor, rows = open_bundle(bundles["linear"]), tickets(200)
    start = Crew.__enter__

    def start_and_kill(crew: Crew) -> Crew:
        crew._all[0].kill()
        return start(crew)

    monkeypatch.setattr(Crew, "__enter__", start_and_kill)
    together = answered(predictor, rows, tmp_path / "out.csv")
    assert None in soon
    predictor.folder = None
    assert answered(predictor, rows, tmp_path / "alone.csv") == together


@pytest.mark.parametrize("started", [0, 1])
def test_where_no_process_can_be_started_one_answers_alone(started: int, bundles: dict[str, Path], tmp_path: Path, soon: list[bytes | None], monkeypatch: pytest.MonkeyPatch) -> None:
    predictor, rows, start, running = open_bundle(bundles["linear"]), tickets(200), subprocess.Popen, []

    def start_or_refuse(*given: Any, **options: Any) -> Any:
        if len(running) == started:
            raise OSError(errno.EMFILE, "Too many open files")
        running.append(start(*given, **options))
        return running[-1]

    monkeypatch.setattr(subprocess, "Popen", start_or_refuse)
    alone = answered(predictor, rows, tmp_path / "out.csv")
    assert soon == [] and len(running) == started and all(process.returncode is not None for process in running), "those that started have ended"
    predictor.folder = None
    assert answered(predictor, rows, tmp_path / "alone.csv") == alone


def test_a_small_table_starts_no_process(bundles: dict[str, Path], tmp_path: Path, two_cores: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "Crew", partial(pytest.fail, "a process was started"))
    assert answered(open_bundle(bundles["linear"]), tickets(200), tmp_path / "out.csv").count(b"\r\n") == 201


# -------------------------------------------------------- stopped, and memory

def processes_of(text: str) -> list[int]:
    """Those whose command line holds this text, this test left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (folder / "cmdline").read_bytes() and int(folder.name) != os.getpid():
                found.append(int(folder.name))
        except OSError:  # it has ended meanwhile
            continue
    return found


@pytest.mark.skipif(workers.cores() == 1, reason="one core: no process helps")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_predict_leaves_no_answers_and_no_process(how: signal.Signals, bundles: dict[str, Path], tmp_path: Path) -> None:
    bundle, file, out = bundles["linear"], tmp_path / "in.csv", tmp_path / "out.csv"
    file.write_text("message\n" + "where is the parcel that I am waiting for\n" * 600_000, encoding="utf-8")
    with subprocess.Popen([sys.executable, "-m", "startlm", "predict", str(bundle), str(file), "-o", str(out)], stderr=subprocess.PIPE, text=True, env=os.environ | {"STARTLM_LANGUAGE": "en"}) as running:
        end = time.monotonic() + WITHIN
        while not (helping := [pid for pid in processes_of("answer_messages") if pid in processes_of(str(bundle))]):
            assert time.monotonic() < end and running.poll() is None
            time.sleep(0.05)
        running.send_signal(how)
        assert running.wait(WITHIN) == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -how}[how]
        assert running.stderr is not None
        said = running.stderr.read()
        assert "Traceback" not in said and ("the same command goes on" in said or how == signal.SIGKILL)
    while any(pid in processes_of("answer_messages") for pid in helping):
        assert time.monotonic() < end + WITHIN
        time.sleep(0.05)
    assert not out.exists() and (how == signal.SIGKILL or not list(tmp_path.glob(".partial-*")))


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process can be halted here")
def test_predict_that_is_broken_off_does_not_wait_for_a_process_that_is_halted(bundles: dict[str, Path], tmp_path: Path, soon: list[bytes | None], monkeypatch: pytest.MonkeyPatch) -> None:
    crews, presses, ask = [], iter([signal.SIGINT]), Crew.ask

    def halted(crew: Crew, message: bytes) -> bytes | None:
        for key in presses:  # once
            crews.append(crew)
            for process in crew._all:
                process.send_signal(signal.SIGSTOP)
            os.kill(os.getpid(), key)
        return ask(crew, message)

    monkeypatch.setattr(Crew, "ask", halted)
    goes_on = threading.Timer(WITHIN, lambda: [process.send_signal(signal.SIGCONT) for process in crews[0]._all])
    goes_on.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        answered(open_bundle(bundles["linear"]), tickets(300), tmp_path / "out.csv")
    goes_on.cancel()
    assert time.monotonic() - begin < WITHIN and list(tmp_path.iterdir()) == [] and all(process.returncode is not None for process in crews[0]._all)


PEAK = """
import resource, sys
from startlm import prepare_examples
prepare_examples(sys.argv[1], text="message", label="team")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_a_million_rows_of_40_words_would_be_prepared_within_two_gib(tmp_path: Path) -> None:
    draw, peaks = random.Random(0), {}
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randrange(2, 8))) for _ in range(3_000)]
    for rows in (20_000, 60_000):
        file = tmp_path / f"{rows}.csv"
        file.write_text("message,team\n" + "".join(f"{' '.join(draw.choices(words, k=40))},{draw.choice(['money', 'post'])}\n" for _ in range(rows)), encoding="utf-8")
        done = subprocess.run([sys.executable, "-c", PEAK, str(file)], capture_output=True, text=True, check=True, timeout=300)
        peaks[rows] = int(done.stdout) * 1024
    a_row = (peaks[60_000] - peaks[20_000]) / 40_000
    assert peaks[20_000] + a_row * 980_000 < 2 * GIB, (peaks, a_row)
