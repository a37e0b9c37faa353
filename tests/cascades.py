"""Cascades for tests: one trained by the ladder in seconds, one joined from two bundles that were trained on the same rows."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from damage import files_of, seal

from startlm.core.members import confidence_of
from startlm.core.strict_json import json_bytes
from startlm.predict import _assemble, golden_predictions

SAID = {"en": "made for a test", "zh": "为测试而做"}
FLAGS = ("kind: category", "here: category", "there: category", "weight: number", "price: number")


def flagged(rows: int = 2_700, seed: int = 0) -> list[dict[str, Any]]:
    """Seven rows in ten whose label their kind tells, which a linear model sees; in the others two flags tell it together and neither alone,
    which trees see. One row in fifty is wrong; weight and price say nothing."""
    rng, found = random.Random(seed), []
    for _ in range(rows):
        kind, here, there = rng.choice([*"abcdefg", "odd", "odd", "odd"]), rng.randrange(2), rng.randrange(2)
        money = (here != there) if kind == "odd" else kind in "abc"
        found.append({"kind": kind, "here": "yes" if here else "no", "there": "on" if there else "off", "weight": rng.randrange(10**6), "price": rng.randrange(10**6), "team": "money" if money != (rng.random() < 0.02) else "post"})
    return found


def join(cheap: Path, dear: Path, to: Path, rows: list[Any]) -> Path:
    """One bundle in which the first answers the surer half of the rows, by its own confidence, and the second the rest."""
    shutil.copytree(cheap, to)
    shutil.copytree(dear / "members" / "0", to / "members" / "1")
    one, other = (json.loads((folder / "model.json").read_bytes()) for folder in (cheap, dear))
    entries = [one["members"][0] | {"role": "cheap", "temperature": one["temperature"]}, other["members"][0] | {"role": "dear", "temperature": other["temperature"]}]
    cascade = {"threshold": 1.0, "answered": 0.5, "loss": 0.0, "low": -0.01, "high": 0.01, "n": 100, "allowed": 0.002, "said": SAID}
    settings = one | {"members": entries, "cascade": cascade, "temperature": 1.0}
    files = {name: data for name, data in files_of(to).items() if name != "manifest.json"}
    predictor = _assemble(files | {"model.json": json_bytes(settings)}, to)
    cascade["threshold"] = float(np.median(confidence_of(predictor.apart(predictor.inputs(rows))[0])))
    files["model.json"] = json_bytes(settings)
    (to / "model.json").write_bytes(files["model.json"])
    (to / "golden.json").write_bytes(json_bytes({"answers": golden_predictions(_assemble(files, to))}))
    seal(to)
    return to
