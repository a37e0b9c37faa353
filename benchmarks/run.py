"""The runner of `make bench`: measures rows, keeps what is finished, writes RESULTS.md.

    make bench                      every row that is not measured yet with the code as it is
    make bench ROW=help             one row; several with blanks between, or the beginning of names: ROW="auto test-banking77"
    python benchmarks/run.py --list
    python benchmarks/run.py --row help --again                measured anew although its code has not changed
    python benchmarks/run.py --row auto-banking77 --quick      a trial on few rows; prints, writes nothing
    python benchmarks/run.py --row help --anyway               on a busy machine; prints, writes nothing

Ctrl-C at any moment; the same command goes on after the last finished piece.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine
import scale_page
from rows import ROWS, chosen_rows
from tables import page
from work import Work

from startlm.core.durable import read_json, write_json, write_text

HERE = Path(__file__).resolve().parent
SCALE = {"scale", "scale-weibo"}
BUSY = "Measure on a quiet machine: --wait 10 waits up to ten minutes for it. --anyway measures all the same and only prints."
RESULTS, PAGE, KEPT = HERE / "results", HERE / "RESULTS.md", HERE / ".cache"


def main(arguments: list[str]) -> int:
    """Exit code: 0 done; 2 no such row; 1 the machine is not quiet, the commit unknown, or the code was changed meanwhile; 130 Ctrl-C."""
    asked = _arguments(arguments)
    try:
        names = chosen_rows([name for given in asked.row for name in given.split()])
    except KeyError as error:
        return _refuse(f"There is no row {error}. Those there are: {', '.join(ROWS)}", 2)
    results = stored(RESULTS)
    if asked.list:
        print("\n".join(f"{name:28}{_state(name, results)}" for name in ROWS))
        return 0
    writing = not (asked.quick or asked.anyway)
    if writing and (why := _why_not(asked.wait)):
        return _refuse(f"Not measured: {why}.\n{BUSY}", 1)
    if writing and not asked.again:
        names = _stale(names, results)
    try:
        return _measure_all(names, quick=asked.quick, writing=writing)
    except KeyboardInterrupt:
        return _refuse("\nStopped. The same command goes on after the last finished piece.", 130)


def _measure_all(names: list[str], *, quick: bool, writing: bool) -> int:
    for number, name in enumerate(names, 1):
        tell(f"[{number}/{len(names)}] {name}")
        if writing and (why := machine.why_not_quiet(check_load=False)):  # the load of the row before is our own
            return _refuse(f"Stopped before {name}: {why}.", 1)
        result = measure(name, quick=quick, kept=KEPT if writing else None)
        if writing and ROWS[name].code != result["code"]:
            return _refuse(f"{name} is not kept: its code was changed while it was measured. Measure it again.", 1)
        print(json.dumps(result["figures"], ensure_ascii=False, indent=1), flush=True)
        if writing:
            write_json(RESULTS / f"{name}.json", result)
            write_page()
            shutil.rmtree(KEPT / name, ignore_errors=True)
    if writing:
        write_page()
        tell(f"{len(names)} measured; the table is {PAGE.relative_to(HERE.parent)}")
    return 0


def measure(name: str, *, quick: bool = False, kept: Path | None = None) -> dict[str, Any]:
    """One row's figures with all that says how they came about. `kept` is where finished pieces lie."""
    row, code, (head, dirty) = ROWS[name], ROWS[name].code, machine.commit()
    with tempfile.TemporaryDirectory(prefix="startlm-bench-") as scratch:
        work = Work(name, Path(scratch), None if kept is None else kept / name / code, quick, tell)
        figures = row.figures(work)
        seconds = work.seconds
    return {
        "row": name, "figures": figures, "commit": head, "dirty": dirty, "code": code, "machine": machine.describe(),
        "command": f"make bench ROW={name}", "when": time.strftime("%Y-%m-%d %H:%M", time.gmtime()) + " UTC", "seconds": round(seconds, 2),
    }  # fmt: skip


def stored(folder: Path) -> dict[str, dict[str, Any]]:
    """The results on disk, in the order of the rows; rows that no longer exist are left out."""
    return {name: read_json(folder / f"{name}.json") for name in ROWS if (folder / f"{name}.json").exists()}


def write_page() -> None:
    """RESULTS.md, and docs/scale.md with its picture where they are measured, from the results on disk."""
    results = stored(RESULTS)
    write_text(PAGE, page(results, {name: row.code for name, row in ROWS.items()}))
    if not results.keys().isdisjoint(SCALE):
        scale_page.write(results, HERE.parent)


def _why_not(minutes: float) -> str:
    """Why this machine or this folder will not do, after waiting for so many minutes at most; "" where it will."""
    if not machine.commit()[0]:
        return "this is not a git repository, so nobody could say which code was measured"
    end = time.monotonic() + 60 * minutes
    while (why := machine.why_not_quiet()) and time.monotonic() < end:
        tell(f"waiting: {why}")
        time.sleep(10)
    return why


def _stale(names: list[str], results: dict[str, dict[str, Any]]) -> list[str]:
    """Those that are not measured with the code as it is; the others are said."""
    stale = [name for name in names if name not in results or results[name]["code"] != ROWS[name].code]
    for name in names:
        if name not in stale:
            tell(f"{name} is measured already with this code; --again measures it anew")
    return stale


def _state(name: str, results: dict[str, dict[str, Any]]) -> str:
    if name not in results:
        return "not measured"
    return "measured" if results[name]["code"] == ROWS[name].code else "measured with older code"


def tell(said: str) -> None:
    """A line of progress, on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {said}", file=sys.stderr, flush=True)


def _refuse(said: str, code: int) -> int:
    print(said, file=sys.stderr)
    return code


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", action="append", default=[], help="a row's name, or the beginning of several")
    parser.add_argument("--list", action="store_true", help="the rows, and which are measured")
    parser.add_argument("--again", action="store_true", help="also rows that are measured with the code as it is")
    parser.add_argument("--quick", action="store_true", help="a trial on few rows: prints, writes nothing")
    parser.add_argument("--anyway", action="store_true", help="also on a busy machine: prints, writes nothing")
    parser.add_argument("--wait", type=float, default=0.0, metavar="MINUTES", help="wait so long for the machine to be quiet")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
