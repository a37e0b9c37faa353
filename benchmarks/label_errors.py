"""Likely label errors, found among planted ones, beside what the cleanlab package finds from the same confidences: `label-errors-SET`.

5 % of the train file's labels are changed to another one at random, three times over. cleanlab lives in an environment of its own:

    python -m venv ../cleanlab && ../cleanlab/bin/pip install cleanlab
    STARTLM_CLEANLAB=../cleanlab/bin/python make bench ROW=label-errors
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import numpy as np
from sets import few, load, near_groups
from work import Work, timed

from startlm.columns.cleaning import clean_texts
from startlm.core.contracts import Labelled
from startlm.families.out_of_fold import out_of_fold
from startlm.metrics.calibration import fit_temperature, softmax_with
from startlm.metrics.intervals import exact_interval
from startlm.metrics.label_errors import PLANTED, doubted, find_label_errors, plant_errors

CHOSEN = ("banking77", "clinc150", "thucnews-title", "chnsenticorp", "waimai-10k")
ROUNDS = 3
QUICK_ROWS = 1_500
PEER = """
import json, sys
import cleanlab, numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
given = np.load(sys.argv[1])
order = np.argsort(get_label_quality_scores(given["labels"], given["confidences"]), kind="stable")
found = find_label_issues(given["labels"], given["confidences"], return_indices_ranked_by="self_confidence", n_jobs=1)
print(json.dumps({"version": cleanlab.__version__, "order": order.tolist(), "found": found.tolist()}))
"""


def measure(work: Work, name: str) -> dict[str, Any]:
    """One set: the precision of the top 5 %, of all that is found, and the share of planted errors that is found; no test part is read."""
    rows = load(name, "train")
    rows = few(rows, QUICK_ROWS) if work.quick else rows
    names, labels = np.unique(rows.labels, return_inverse=True)
    group = near_groups(rows)
    pieces = [work.piece(f"round-{seed}", lambda seed=seed: _round(work, Labelled(clean_texts(rows.texts), labels), group, len(names), seed)) for seed in range(ROUNDS)]
    sides = {side: _summed([piece[side] for piece in pieces]) for side in ("ours", "cleanlab") if all(piece[side] for piece in pieces)}
    return {"set": name, "n": len(rows), "labels": len(names), "planted": PLANTED, "rounds": ROUNDS, "seconds": [piece["seconds"] for piece in pieces],
            "looked_at": pieces[0]["looked_at"], "cleanlab_version": pieces[0]["version"], **sides}


def _round(work: Work, rows: Labelled, group: np.ndarray, count: int, seed: int) -> dict[str, Any]:
    planted, changed = plant_errors(rows.labels, count, seed)
    trial, seconds = timed(lambda: out_of_fold(Labelled(rows.texts, planted), group, count, seed))
    logits, more = timed(trial.logits)
    labels, changed = trial.labels, changed[trial.rows]
    confidences = softmax_with(logits, fit_temperature(logits, labels))
    ours = _counted(changed, doubted(labels, confidences), find_label_errors(labels, confidences).rows)
    peer = _cleanlab(work, labels, confidences)
    theirs = None if peer is None else _counted(changed, np.array(peer["order"]), np.array(peer["found"], dtype=np.int64))
    return {"ours": ours, "cleanlab": theirs, "version": None if peer is None else peer["version"], "seconds": seconds + more, "looked_at": len(trial.rows)}


def _counted(changed: np.ndarray, order: np.ndarray, found: np.ndarray) -> dict[str, int]:
    """Planted rows among the top 5 % and among all found; how many those are, and how many were planted."""
    top = order[: round(PLANTED * len(changed))]
    return {"top_hits": int(changed[top].sum()), "top": len(top), "found_hits": int(changed[found].sum()), "found": len(found), "planted": int(changed.sum())}


def _summed(rounds: list[dict[str, int]]) -> dict[str, Any]:
    total = {key: sum(each[key] for each in rounds) for key in rounds[0]}
    shares = {"top": ("top_hits", "top"), "found": ("found_hits", "found"), "caught": ("found_hits", "planted")}
    return {name: [total[hits] / max(1, total[of]), *exact_interval(total[hits], total[of])] for name, (hits, of) in shares.items()} | {"rows_found": total["found"]}


def _cleanlab(work: Work, labels: np.ndarray, confidences: np.ndarray) -> dict[str, Any] | None:
    """What cleanlab says of the same labels and confidences; None where it is not installed."""
    python, file = os.environ.get("STARTLM_CLEANLAB"), work.scratch / "confidences.npz"
    if not python:
        return None
    np.savez(file, labels=labels, confidences=confidences)
    return json.loads(subprocess.run([python, "-c", PEER, str(file)], capture_output=True, text=True, check=True).stdout)
