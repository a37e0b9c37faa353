"""What somebody who can compute hashes may write into a bundle that reads columns, grows trees or tells numbers: nothing of it may be opened.

Changes of model.json get its content, those of arrays get the arrays of the engine.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import safetensors.numpy

Arrays = dict[str, np.ndarray]
CONTROL = "age\x1b[2J"


def put_at(path: str, value: Any) -> Callable[[Any], None]:
    """Set what stands at this path, keys parted by blanks."""
    def change(settings: Any) -> None:
        *way, last = [int(part) if part.isdecimal() else part for part in path.split()]
        for part in way:
            settings = settings[part]
        settings[last] = value

    return change


# ------------------------------------------------------------- columns

# The columns are pieces (number), weight (number), city (category), ordered (date), in this order.
NUMBER = {"middle": 0.0, "scale": 1.0, "knots": [], "cuts": []}
DATE = {"middle": 20_000.0, "scale": 90.0, "first": 19_000.0, "last": 21_000.0, "cuts": [], "clock": False}
ENCODINGS: dict[str, tuple[int, dict[str, Any]]] = {
    **{f"a number's {key} is {wrong!r}"[:60]: (0, {**NUMBER, key: wrong}) for key, wrongs in {
        "middle": ("0", None, True, float("nan"), float("inf"), 1e200, 10**400), "scale": (0.0, -1.0, "1", float("nan"), float("inf"), None, 5e200),
        "knots": ([1.0, 2.0], [3.0, 2.0, 1.0], [1.0, 1.0, 2.0], [0.0, float("nan"), 2.0], ["a", "b", "c"], list(range(1_000_000)), 7, None, {"0": 1}),
        "cuts": ([2.0, 1.0], [float(each) for each in range(16)], ["1"], [None], list(range(1_000_000)), 10**9),
        "width": (-1, 10**9), "word_count": (10**9,),
    }.items() for wrong in wrongs},
    **{f"a category's values are {wrong!r}"[:60]: (2, {"values": wrong}) for wrong in (
        ["a", "a"], [""], [7], [None], [CONTROL], ["\ud800"], ["x" * 201], "abc", None, 10**9, {"a": 1}, [["a"]], [f"v{each}" for each in range(257)])},
    **{f"a date's {key} is {wrong!r}"[:60]: (3, {**DATE, key: wrong}) for key, wrongs in {
        "middle": (1e9, "0", float("nan")), "scale": (0.0, -90.0, 1e9, float("inf")), "first": (21_500.0, -1e9, None), "last": (float("nan"), 1e9, True),
        "cuts": ([1.0, 2.0, 3.0, 4.0], [2.0, 1.0], ["x"]), "clock": (1, "yes", None),
    }.items() for wrong in wrongs},
    "a number that is a category": (0, {"values": ["a"]}), "an encoding of nothing": (2, {}), "an encoding that is a list": (2, []),  # type: ignore[dict-item]
}  # fmt: skip
COLUMNS = {
    **{f"column: {name}": put_at(f"columns {number} encoding", encoding) for name, (number, encoding) in ENCODINGS.items()},
    **{f"habit {wrong!r}"[:60]: put_at("columns 0 habit", wrong) for wrong in (
        {"comma": 1, "hundredth": False}, {"comma": True}, {"comma": "no", "hundredth": "no"}, {"comma": False, "hundredth": False, "__class__": "os"}, [], None, "comma", {"day_first": True})},
    **{f"name {wrong!r}"[:60]: put_at("columns 0 name", wrong) for wrong in (CONTROL, "a\0b", "\x9bA", "\ud800", "x" * 10_001, "city", None, 7, ["pieces"])},
    **{f"kind {wrong!r}"[:60]: put_at("columns 0 kind", wrong) for wrong in ("text", "identifier", "builtins:eval", "category", None, ["number"], "Number")},
    "text with control characters": put_at("text", [CONTROL]), "columns no list": put_at("columns", {"0": {}}), "columns no objects": put_at("columns", ["pieces: number"]),
    "a column less": lambda settings: settings["columns"].pop() and None, "a column twice": lambda settings: settings["columns"].append(settings["columns"][0]),
    "a column more": lambda settings: settings["columns"].append({**settings["columns"][0], "name": "other"}), "no columns": put_at("columns", []),
    "ten thousand and one columns": lambda settings: settings["columns"].extend({**settings["columns"][0], "name": f"c{each}"} for each in range(10_001)),
    "a column with a key more": put_at("columns 0 module", "os"),
}  # fmt: skip


# --------------------------------------------------------------- trees

def unchecked(arrays: Arrays) -> bytes:
    """safetensors of whatever it is, NaN too."""
    return safetensors.numpy.save({name: np.ascontiguousarray(each) for name, each in arrays.items()})


def at(name: str, place: int, value: Any) -> Callable[[Arrays], Arrays]:
    def change(arrays: Arrays) -> Arrays:
        new = arrays[name].copy()
        new[place] = value
        return {**arrays, name: new}

    return change


def deepest(arrays: Arrays) -> Arrays:
    """The last root leads to a chain of a million nodes."""
    steps = np.arange(1_000_000)
    inner, leaf = len(steps), arrays["leaf"][:1].repeat(len(steps) + 1, axis=0)
    return {**arrays, "feature": np.zeros(inner, np.int32), "threshold": np.zeros(inner, np.float32), "left": (inner + steps).astype(np.int32),
            "right": np.append(steps[1:], 2 * inner).astype(np.int32), "leaf": leaf, "roots": np.zeros(1, np.int32)}


def fanned(arrays: Arrays) -> Arrays:
    """Every node leads to the next one twice over: 2^60 ways through sixty nodes."""
    inner = np.arange(60)
    both = (inner + 1).astype(np.int32)
    return {**arrays, "feature": np.zeros(60, np.int32), "threshold": np.zeros(60, np.float32), "left": both, "right": both, "leaf": arrays["leaf"][:1], "roots": np.zeros(1, np.int32)}


GROVES: dict[str, Callable[[Arrays], Arrays]] = {
    "a child that is itself": at("left", 1, 1), "a child that is its parent": at("right", 1, 0), "a root that is a child": at("roots", 1, 1), "a child below nothing": at("left", 0, -1),
    "a child beyond all leaves": at("right", 0, 2**31 - 1), "a node with two parents": lambda a: at("left", 0, int(a["right"][0]))(a), "a root twice": lambda a: at("roots", 1, int(a["roots"][0]))(a),
    "a root beyond": at("roots", 0, 2**31 - 1), "a feature before the first": at("feature", 0, -1), "a feature beyond the last": at("feature", 0, 2**31 - 1),
    "a threshold that is none": at("threshold", 0, np.nan), "a threshold without end": at("threshold", 0, np.inf), "a leaf that is none": at("leaf", 0, np.nan),
    "a leaf without end": at("leaf", 0, -np.inf), "a leaf that is huge": at("leaf", 0, 1e300), "a chain of a million nodes": deepest, "sixty nodes and 2^60 ways": fanned,
    "no roots": lambda a: {**a, "roots": a["roots"][:0]}, "no leaves": lambda a: {**a, "leaf": a["leaf"][:0]}, "a root less": lambda a: {**a, "roots": a["roots"][1:]},
    "leaves twice as wide": lambda a: {**a, "leaf": np.concatenate([a["leaf"]] * 2, axis=1)}, "leaves of no width": lambda a: {**a, "leaf": a["leaf"][:, :0]},
    "left and right of different lengths": lambda a: {**a, "left": a["left"][:-1]}, "nodes of eight bytes": lambda a: {**a, "left": a["left"].astype(np.int64)},
    "leaves of four bytes": lambda a: {**a, "leaf": a["leaf"].astype(np.float32)}, "weights more": lambda a: {**a, "weights": np.zeros((len(a["weights"]) + 1, a["weights"].shape[1]), np.float16)},
    "a bias more": lambda a: {**a, "bias": np.zeros(len(a["bias"]) + 1, np.float32)},
}  # fmt: skip
COUNTS = {
    f"{key} is {wrong!r}"[:60]: put_at(key, wrong) for key, wrongs in {
        "text": (-1, 1 << 30, 1 << 31, 10**18, "9", 1.0, True, None), "columns": (-1, 0, 1 << 20, 10**9, "9", None), "outputs": (0, -1, 3, 1 << 20, 10**9, True),
        "floor": (0, 0.5, -0.1, "0", True, None, float("nan")), "median": (1, 0, None, "yes"),
    }.items() for wrong in wrongs}  # fmt: skip


# --------------------------------------------------------------- numbers

SCORES = {
    **{f"target's {key} is {wrong!r}"[:60]: put_at(f"target {key}", wrong) for key, wrongs in {
        "mean": (float("nan"), float("inf"), "1", None, 1e200, True), "scale": (0.0, -1.0, float("nan"), float("inf"), 5e-324, "1", None), "average": (float("nan"), 1e99, "x"),
        "transform": ("exp", "", None, 1, ["none"]), "skewness": ([0.0], None, [float("nan"), 0.0], "00"), "quantiles": ([5.0, 4.0, 3.0, 2.0, 1.0], [1.0] * 6, [float("nan")] * 5, [None] * 5, 7),
        "module": ("os",),
    }.items() for wrong in wrongs},
    **{f"interval's {key} is {wrong!r}"[:60]: put_at(f"interval {key}", wrong) for key, wrongs in {
        "half_width": (-1.0, -1e-9, float("nan"), float("inf"), 1e102, "1", True, [1.0]), "coverage": (0.0, 1.0, 1.5, -0.9, float("nan"), "0.9", None, True, 90),
        "n": (-1, 1.5, "260", None, 10**30), "low": (0,),
    }.items() for wrong in wrongs},
    "no target": lambda settings: settings.pop("target") and None, "no interval": lambda settings: settings.pop("interval") and None, "target no object": put_at("target", [1.0]),
    "interval no object": put_at("interval", 0.9), "labels of a number": put_at("labels", ["cheap", "dear"]), "a temperature for all": put_at("temperature", 1.0),
    "a threshold": put_at("threshold", 0.5), "another task": put_at("task", "classify"), "a scale ten times as large": lambda settings: settings["target"].update(scale=settings["target"]["scale"] * 10),
}  # fmt: skip
NO_NUMBERS = {
    "another number": lambda golden: golden["answers"][0].update(prediction=golden["answers"][0]["prediction"] + 10.0), "a number that is none": put_at("answers 0 prediction", float("nan")),
    "a number without end": put_at("answers 0 prediction", float("inf")), "a number in words": put_at("answers 0 prediction", "12"), "no number": put_at("answers 0 prediction", None),
    "a number that is true": put_at("answers 0 prediction", True), "a confidence beside it": put_at("answers 0 confidence", 0.9), "an answer less": lambda golden: golden["answers"].pop() and None,
    "an answer more": lambda golden: golden["answers"].append(golden["answers"][0]), "a list": lambda golden: [], "answers no list": put_at("answers", 7),
}  # fmt: skip
