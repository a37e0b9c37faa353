"""A table of answers: its format by the suffix, and streams answered line by line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from startlm.formats import open_table
from startlm.predict import Output, open_bundle, predict_steps
from tickets import tickets


def test_the_suffix_says_what_stands_between_the_cells(bundles: dict[str, Path], tmp_path: Path) -> None:
    rows = open_table([{"message": row["message"]} for row in tickets(3)])
    for name, delimiter in (("a.csv", ","), ("a.tsv", "\t"), ("a.psv", "|")):
        *_, last = predict_steps(open_bundle(bundles["linear"]), rows, Output(str(tmp_path / name)))
        head = (tmp_path / name).read_text(encoding="utf-8").splitlines()[0]
        assert last.result == 3 and head == delimiter.join(["message", "prediction", "confidence", "handed_over"])


def test_a_named_pipe_is_answered_line_by_line(bundles: dict[str, Path], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "inbox")
    command = [sys.executable, "-m", "startlm", "predict", str(bundles["linear"]), "inbox"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, encoding="utf-8") as answering, (tmp_path / "inbox").open("w", encoding="utf-8") as inbox:
        inbox.write("message\nplease refund the tray\n")
        inbox.flush()
        assert answering.stdout is not None and answering.stdout.readline().startswith("message,prediction")
        assert answering.stdout.readline().startswith("please refund the tray,money,"), "the answer does not wait for the next line"
