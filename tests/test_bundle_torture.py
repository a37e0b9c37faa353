"""Altered, crafted and hostile bundles: refused with BundleError, quickly, and nothing happens while they are looked at.

An attacker can compute SHA-256 too, so most of what follows is sealed again after it was altered: the manifest is right,
and only what stands in the files can give it away.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import time
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from damage import files_of, mutations, seal, write_manifest
from table_attacks import COLUMNS, COUNTS, GROVES, NO_NUMBERS, SCORES, unchecked

from startlm.columns import COLUMNS as KINDS
from startlm.core.errors import BundleError, CallError
from startlm.core.language import say
from startlm.core.shelves import look_up
from startlm.core.weights import from_bytes, to_bytes
from startlm.engines import ENGINES
from startlm.predict import Predictor, open_bundle
from startlm.tokenizers import TOKENIZERS

SEED = 20261124
FAMILIES = ("linear", "bag", "convolution")
CASCADES = ("cascade",)
TABLES = ("boosted", "forest", "median", "score")  # these read columns
FLIPS = {**dict.fromkeys(FAMILIES, 500), **dict.fromkeys(CASCADES, 250), **dict.fromkeys(TABLES, 1_000)}
SEALED = {**dict.fromkeys(FAMILIES, 500), **dict.fromkeys(CASCADES, 250), **dict.fromkeys(TABLES, 250)}
TEXTS = ["please refund the clay pot, order 77", "龙井的包裹到哪了 12", "", "zzz qqq \u0000 \ud800", "a" * 600]


# --------------------------------------------------------- flips and cuts

def made(request: pytest.FixtureRequest, name: str) -> Path:
    """The deployed bundle of this name."""
    if name in CASCADES:
        return request.getfixturevalue(name)  # type: ignore[no-any-return]
    return request.getfixturevalue("tables" if name in TABLES else "bundles")[name]  # type: ignore[no-any-return]


def asked(predictor: Predictor) -> list[Any]:
    """TEXTS as what the model reads: each stands in all of its columns."""
    return [dict.fromkeys(predictor.columns, text) for text in TEXTS] if predictor.encoder.kinds else TEXTS


@pytest.fixture(params=FAMILIES + CASCADES + TABLES)
def copied(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A bundle of our own to alter; the folder it lies in bears the name of its kind."""
    return Path(shutil.copytree(made(request, request.param), tmp_path / request.param / "v1"))


def test_every_flip_and_every_cut_is_refused(copied: Path) -> None:
    whole, opened = files_of(copied), []
    open_bundle(copied)
    for name, data in mutations(copied, FLIPS[copied.parent.name], SEED):
        (copied / name).write_bytes(data)
        try:
            open_bundle(copied)
            opened.append(name)
        except BundleError:
            pass
        (copied / name).write_bytes(whole[name])
    assert opened == []
    predictor = open_bundle(copied)
    assert predictor.predict(asked(predictor)[:1])


def answers_or_refuses(folder: Path) -> str:
    """What comes of a bundle: "refused" by a BundleError, or "answers", each a label with confidences that sum to 1, or a number in its interval."""
    try:
        predictor = open_bundle(folder)
        answers = predictor.predict(asked(predictor))
    except BundleError:
        return "refused"
    if not predictor.labels:
        assert all(np.isfinite(answer.prediction) and (answer.low is None or answer.low <= answer.prediction <= answer.high) for answer in answers)
        return "answers"
    assert all(answer.prediction in predictor.labels and abs(sum(answer.confidences.values()) - 1) < 1e-9 for answer in answers)
    return "answers"


def test_sealed_again_a_flip_is_refused_or_still_answers_and_nothing_else_is_raised(copied: Path) -> None:
    whole, came = files_of(copied), []
    for name, data in mutations(copied, SEALED[copied.parent.name], SEED):
        if name == "manifest.json":
            continue
        (copied / name).write_bytes(data)
        seal(copied)
        came.append((name, answers_or_refuses(copied)))
        (copied / name).write_bytes(whole[name])
    assert {what for _, what in came} == {"refused", "answers"}
    assert {"golden.json", "model.json", "members/0/tokenizer.json"} <= {name for name, what in came if what == "refused"}


# ------------------------------------------------------------- crafted ones

Attack = Callable[[Path], None]


class Touching:
    """A pickle of this makes the file, where anybody unpickles it."""

    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.canary, "w")


def pickles(canary: Path) -> dict[str, bytes]:
    """The forms in which unsafe formats carry a pickle: bare, in numpy's file, in a zip as torch writes it."""
    bare, array, archive = pickle.dumps(Touching(str(canary))), BytesIO(), BytesIO()
    np.save(array, np.array([Touching(str(canary))], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("archive/data.pkl", bare)
    return {"pickle": bare, "npy": array.getvalue(), "zip": archive.getvalue()}


def put(name: str, data: bytes) -> Attack:
    return lambda folder: (folder / name).write_bytes(data) and None


def alter(name: str, change: Callable[[Any], Any]) -> Attack:
    """Change the value of a JSON file; `change` gives the new one, or None where it altered the old in place."""
    def attack(folder: Path) -> None:
        value = json.loads((folder / name).read_bytes())
        new = change(value)
        (folder / name).write_text(json.dumps(value if new is None else new), encoding="utf-8")

    return attack


def setting(path: str, value: Any) -> Callable[[Any], None]:
    """Set what stands at this path, keys parted by blanks; a key that is not there is added."""
    def change(settings: Any) -> None:
        *way, last = [int(part) if part.isdecimal() else part for part in path.split()]
        for part in way:
            settings = settings[part]
        settings[last] = value

    return change


def without(key: str) -> Callable[[Any], Any]:
    return lambda settings: {name: value for name, value in settings.items() if name != key}


NO_MODELS = {
    "unknown key": setting("architectures", ["X"]), "class path": setting("__class__", "os.system"),
    "auto_map": setting("auto_map", {"AutoModel": "evil--x.Model"}),
    "custom objects": setting("custom_objects", {"Lambda": "x"}), "unknown key in a member": setting("members 0 module", "os"),
    "class in options": setting("members 0 options", {"__class__": "os.system"}),
    "options too deep": setting("members 0 options", json.loads('{"a":' * 40 + "1" + "}" * 40)),
    "engine of Python": setting("members 0 engine", "builtins:eval"), "tokenizer of Python": setting("members 0 tokenizer", "os:system"),
    "engine unknown": setting("members 0 engine", "torch"), "engine no name": setting("members 0 engine", ["numpy"]),
    "engine a number": setting("members 0 engine", 1),
    "tokenizer of another": setting("members 0 tokenizer", "characters"), "task unknown": setting("task", "builtins:eval"), "task no name": setting("task", {}),
    "no members": setting("members", []), "members no list": setting("members", {"0": {}}), "a member no object": setting("members 0", "numpy"),
    "a second member without files": lambda s: s["members"].append(s["members"][0]), "too many members": lambda s: s["members"].extend(s["members"] * 1_000),
    "no labels": setting("labels", []), "one label": setting("labels", ["money"]), "labels twice": setting("labels", ["money", "money"]),
    "labels missing": without("labels"), "labels of numbers": setting("labels", [0, 1]), "labels text": setting("labels", "money"),
    "a label more": setting("labels", ["money", "post", "tea"]), "labels no text to write": setting("labels", ["\ud800", "post"]),
    "temperature 0": setting("temperature", 0), "temperature negative": setting("temperature", -1.0), "temperature NaN": setting("temperature", float("nan")),
    "temperature infinite": setting("temperature", float("inf")), "temperature text": setting("temperature", "1.0"),
    "temperature true": setting("temperature", True),
    "temperature huge": setting("temperature", 10**400), "temperature tiny": setting("temperature", 1e-300), "temperature missing": without("temperature"),
    "member's temperature 0": setting("members 0 temperature", 0.0), "member's temperature none": setting("members 0 temperature", None),
    "threshold text": setting("threshold", "0.5"), "threshold negative": setting("threshold", -1), "hand_over of anything": setting("hand_over", {"value": 1}),
    "out of scope far": setting("out_of_scope", 2), "out of scope before": setting("out_of_scope", -1), "out of scope true": setting("out_of_scope", True),
    "out of scope a number": setting("out_of_scope_label", 1),
    "schema 2": setting("schema", 2), "schema text": setting("schema", "1"), "schema 1.0": setting("schema", 1.0), "schema huge": setting("schema", 10**4_000),
    "no text column": setting("text", []), "text column no list": setting("text", "message"), "text column twice": setting("text", ["message", "message"]),
    "cleaning unknown": setting("cleaning exec", True), "cleaning less": lambda s: s["cleaning"].pop("html") and None,
    "cleaning no object": setting("cleaning", []),
    "cleaning of numbers": setting("cleaning html", 1), "ladder of anything": setting("ladder", [{"gain": "x"}]), "ladder no list": setting("ladder", {}),
    "a list": lambda s: [s], "nothing": lambda s: {}, "null": lambda s: 0,
}  # fmt: skip
NO_CASCADES = {
    **{f"threshold {wrong!r}"[:40]: setting("cascade threshold", wrong) for wrong in ("0.9", None, True, -0.1, 1.1, float("nan"), float("inf"), 10**400, [0.9])},
    **{f"role {wrong!r}": setting("members 0 role", wrong) for wrong in ("dear", "both ", "", None, 1, ["cheap"], "os.system")},
    "two cheap ones": setting("members 1 role", "cheap"), "two of both": setting("members 1 role", "both"), "no role": lambda s: s["members"][1].pop("role") and None,
    "no roles": lambda s: [member.pop("role") for member in s["members"]] and None, "roles without a threshold": without("cascade"),
    "turned round": lambda s: s["members"].reverse(), "a dear one less": lambda s: s["members"].pop() and None, "a key more": setting("cascade module", "os"),
    "a key less": lambda s: s["cascade"].pop("said") and None, "no object": setting("cascade", 0.9), "nothing": setting("cascade", None), "of numbers": setting("task", "score"),
    "of several labels": setting("task", "classify_several"), "answers more than all": setting("cascade answered", 1.5), "loss text": setting("cascade loss", "0"),
    # well formed, but no longer what was deployed: the golden answers tell
    "the cheap one always": setting("cascade threshold", 0.0), "the dear one always": setting("cascade threshold", 1.0),
    "averaged": setting("members 0 role", "both"), "another temperature": setting("members 1 temperature", 3.0),
}  # fmt: skip
NO_GOLDEN = {
    "another confidence": lambda s: setting("answers 0 confidence", s["answers"][0]["confidence"] - 0.002)(s),
    "another label": lambda s: setting("answers 0 prediction", "money" if s["answers"][0]["prediction"] == "post" else "post")(s),
    "a label unknown": setting("answers 0 prediction", "nobody"), "a label no text": setting("answers 0 prediction", None),
    "a confidence huge": setting("answers 0 confidence", 10**400), "a confidence infinite": setting("answers 0 confidence", float("inf")),
    "a confidence text": setting("answers 0 confidence", "0.9"), "an answer less": lambda s: s["answers"].pop() and None,
    "an answer more": lambda s: s["answers"].append(s["answers"][0]), "no answers": lambda s: {}, "answers no list": setting("answers", 7),
    "an unknown key": setting("script", "x"), "a list": lambda s: [],
}  # fmt: skip
NO_JSON = {"empty": b"", "cut": b'{"a": ', "twins": b'{"schema": 1, "schema": 1}', "deep": b"[" * 100_000, "long number": b"9" * 5_000,
    "not UTF-8": b"\xff\xfe{}",
           "YAML": b"!!python/object/apply:os.system ['touch canary']"}  # fmt: skip


def header(entries: dict[str, Any] | bytes, data: bytes = bytes(64)) -> bytes:
    raw = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw + data


def entry(dtype: str = "F32", shape: tuple[Any, ...] = (16,), offsets: tuple[Any, ...] = (0, 64)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


NO_WEIGHTS = {
    "empty": b"", "length 0": bytes(8), "length 2^63": (1 << 63).to_bytes(8, "little") + b"{}", "longer than the file": (10_000).to_bytes(8, "little") + b"{}",
    "header of 2 MB": header(b"{" + b" " * (2 << 20) + b"}"), "a million arrays": header({f"a{i}": entry(shape=(0,), offsets=(0, 0)) for i in range(11_000)}),
    "overlapping": header({"a": entry(shape=(12,), offsets=(0, 48)), "b": entry(shape=(12,), offsets=(16, 64))}),
    "a gap": header({"a": entry(shape=(8,), offsets=(32, 64))}),
    "negative": header({"a": entry(shape=(-4, -4))}), "overflow": header({"a": entry(shape=(2**62, 4, 16))}),
    "too many": header({"a": entry(shape=(2**40, 2**40))}),
    "type unknown": header({"a": entry("BF16", (32,))}), "twins": header(b'{"a":%s,"a":%s}' % ((json.dumps(entry()).encode(),) * 2)),
    "notes": header({"__metadata__": {"x": "y"}, "a": entry()}),
    "other arrays": to_bytes({"a": np.zeros(3, np.float32)}), "not a number": header({"a": entry()}, np.full(16, np.nan, np.float32).tobytes()),
    "no text": header(b'{"\xff":1}'),
}  # fmt: skip


def arrays(name: str, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]], write: Callable[[Any], bytes] = to_bytes) -> Attack:
    """Well-formed weights of the wrong kind."""
    return lambda folder: put(name, write(change(dict(from_bytes((folder / name).read_bytes(), where=name)))))(folder)


WRONG_ARRAYS: dict[str, Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]] = {
    "one more": lambda a: {**a, "more": np.zeros(1, np.float32)},
    "one less": lambda a: dict(sorted(a.items())[1:]),
    "other types": lambda a: {name: each.astype(np.float64) for name, each in a.items()},
    "empty": lambda a: {name: each[:0] for name, each in a.items()},
    "half": lambda a: {name: each[: len(each) // 2] for name, each in a.items()},
    "of another rank": lambda a: {name: each[None] for name, each in a.items()},
    "turned round": lambda a: {name: each[::-1].copy() for name, each in a.items()},
}


def graph_attacks() -> dict[str, Attack]:
    """What a hostile graph can ask onnxruntime for (more of them, on bytes alone, in tests/core/test_graph_check.py)."""
    import onnx
    from onnx import helper

    def craft(change: Callable[[Any], None]) -> Attack:
        def attack(folder: Path) -> None:
            model = onnx.load_from_string((folder / "members/0/engine.onnx").read_bytes())
            change(model)
            (folder / "members/0/engine.onnx").write_bytes(model.SerializeToString())

        return attack

    def external(model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../../../../../../etc/passwd")

    def foreign(model: Any) -> None:
        model.graph.node[0].domain = "evil.ops"
        model.opset_import.append(helper.make_opsetid("evil.ops", 1))

    def loop(model: Any) -> None:
        body = helper.make_graph([helper.make_node("Identity", ["c"], ["d"])], "body", [], [])
        model.graph.node.append(helper.make_node("Loop", ["lengths"], ["looped"], body=body))

    def condition(model: Any) -> None:
        empty = helper.make_graph([], "body", [], [])
        model.graph.node.append(helper.make_node("If", ["lengths"], ["chosen"], then_branch=empty, else_branch=empty))

    def function(model: Any) -> None:
        model.functions.append(helper.make_function("local", "f", ["x"], ["y"], [helper.make_node("Relu", ["x"], ["y"])], [helper.make_opsetid("", 20)]))

    def notes(model: Any) -> None:
        model.metadata_props.add(key="__init__", value="os.system")

    def labels(model: Any) -> None:
        model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 3

    crafted = {each.__name__: craft(each) for each in (external, foreign, loop, condition, function, notes, labels)}
    return crafted | {"an empty graph": put("members/0/engine.onnx", b""), "no graph": lambda folder: (folder / "members/0/engine.onnx").unlink()}


def name_attacks() -> dict[str, Attack]:
    """Names in the manifest that lead out of the folder, and files that no bundle has."""
    def listed(name: str, source: str = "golden.json") -> Attack:
        def attack(folder: Path) -> None:
            seal(folder)
            manifest = json.loads((folder / "manifest.json").read_bytes())
            manifest["files"][name] = manifest["files"][source]
            write_manifest(folder, manifest)

        return attack

    def linked(name: str) -> Attack:
        def attack(folder: Path) -> None:
            seal(folder)
            (folder / name).rename(folder.parent / "outside")
            (folder / name).symlink_to(folder.parent / "outside")

        return attack

    odd = ["../x", "../../golden.json", "/etc/passwd", "a/../../x", "..\\x", "C:x", "x\0y", "%2e%2e/x", "．．/x", "x.", "nul", "GOLDEN.json",
        "manifest.json", "x" * 300]
    extra = ["evil.py", "members/0/evil.pkl", "members/0/__init__.py", "members/1/tokenizer.json", "members/99999999999/engine.json",
        "members/golden.json", "config.json"]

    def planted(name: str) -> Attack:
        def attack(folder: Path) -> None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"{}")

        return attack

    return {f"name {name[:20]!r}": listed(name) for name in odd} | {f"file {name}": planted(name) for name in extra} | {
        f"link {name}": linked(name) for name in ("model.json", "members", "members/0/tokenizer.safetensors")}


def manifest_attacks() -> dict[str, Attack]:
    def attack_with(change: Callable[[dict[str, Any]], None]) -> Attack:
        def attack(folder: Path) -> None:
            seal(folder)
            manifest = json.loads((folder / "manifest.json").read_bytes())
            change(manifest)
            write_manifest(folder, manifest)

        return attack

    changes = {"kind of a model": setting("kind", "startlm model"), "no kind": lambda m: m.pop("kind") and None, "schema 2": setting("schema", 2),
               "an unknown key": setting("run", "x.py"), "files no object": setting("files", []), "a size negative": setting("files model.json bytes", -1),
               "a size text": setting("files model.json bytes", "9"), "a size huge": setting("files model.json bytes", 10**30)}  # fmt: skip
    return {f"manifest: {name}": attack_with(change) for name, change in changes.items()}


def corpus(family: str, names: list[str], canary: Path) -> dict[str, Attack]:
    """Every crafted bundle: what is done to a good one. Sealed again after, unless the attack wrote the manifest itself."""
    stored = [f"members/0/{name}.safetensors" for name in (("tokenizer",) if family == "convolution" else ("tokenizer", "engine"))]
    attacks = {f"{kind} as {name}": put(name, data) for name in names for kind, data in pickles(canary).items()}
    harmless = {"boosted": ("no text column",), "score": ("no text column", "no labels", "temperature missing")}.get(family, ())
    attacks |= {f"model: {name}": alter("model.json", change) for name, change in NO_MODELS.items() if name not in harmless}
    attacks |= {f"golden: {name}": alter("golden.json", change) for name, change in (NO_NUMBERS if family == "score" else NO_GOLDEN).items()}
    if family in TABLES:
        attacks |= {f"columns: {name}": alter("model.json", change) for name, change in COLUMNS.items()}
    if family == "boosted":
        attacks |= {f"trees: {name}": arrays("members/0/engine.safetensors", change, unchecked) for name, change in GROVES.items()}
        attacks |= {f"trees: {name}": alter("members/0/engine.json", change) for name, change in COUNTS.items()}
    if family == "score":
        attacks |= {f"number: {name}": alter("model.json", change) for name, change in SCORES.items()}
    attacks |= {f"{name}: {what}": put(name, data) for name in names if name.endswith(".json") for what, data in NO_JSON.items()}
    attacks |= {f"{name}: {what}": put(name, data) for name in stored for what, data in NO_WEIGHTS.items()}
    attacks |= {f"{name}: {what}": arrays(name, change) for name in stored for what, change in WRONG_ARRAYS.items()}
    for name in ("members/0/tokenizer.json", "members/0/engine.json"):
        attacks[f"{name}: unknown key"] = alter(name, setting("__class__", "os.system"))
        attacks[f"{name}: huge"] = alter(name, lambda settings: dict.fromkeys(settings, 10**400) or {"x": 10**400})
        attacks[f"{name}: lists"] = alter(name, lambda settings: {key: [settings] for key in settings} or {"x": []})
        attacks[f"{name}: gone"] = lambda folder, name=name: (folder / name).unlink()
    if family == "convolution":
        attacks |= {f"graph: {name}": attack for name, attack in graph_attacks().items()}
        attacks["members/0/engine.json: more ids"] = alter("members/0/engine.json", setting("ids", 3))
        attacks["numpy's engine"] = alter("model.json", setting("members 0 engine", "numpy"))
    return attacks | name_attacks() | manifest_attacks()


# --------------------------------------------- run in a process that is watched

OPENS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
WATCHED = ("pickle.find_class", "exec", "compile", "marshal.loads", "import", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork",
    "os.remove", "os.rename",
           "os.mkdir", "os.symlink", "os.link", "os.chmod", "os.truncate", "shutil.rmtree", "socket.connect", "socket.bind", "socket.getaddrinfo",
           "ctypes.dlopen")  # fmt: skip


class Watch:
    """What Python is asked for while a bundle is looked at: reading below `folder` is all that may happen."""

    def __init__(self) -> None:
        self.folder, self.seen = None, []
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event == "open":
            path, _, flags = arguments
            if flags & OPENS or not str(path).startswith(str(self.folder)):
                self.seen.append(f"open {path}")
        elif event in WATCHED:
            self.seen.append(f"{event} {arguments[:1]}")


def highest_memory() -> int:
    """MiB that this process has held at most. (getrusage would count its parent's, from before exec.)"""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))[1]) // 1024


def look_at(folder: Path, watch: Watch) -> dict[str, Any]:
    """Open it and say what came of it."""
    watch.folder, watch.seen, began = folder, [], time.perf_counter()
    try:
        predictor = open_bundle(folder)
        predictor.predict(asked(predictor))
        came = "opened"
    except BundleError:
        came = "refused"
    except Exception as error:  # noqa: BLE001 - the name of whatever comes is the finding
        came = f"{type(error).__name__}: {error}"[:200]
    watch.folder = None
    return {"came": came, "seconds": time.perf_counter() - began, "seen": list(watch.seen)}


def run_corpus(family: str, good: Path, place: Path) -> None:
    """The child's work: every attack on a copy of its own, the outcome as JSON on standard output."""
    canary, watch = place / "canary", Watch()
    attacks = corpus(family, sorted(files_of(good)), canary)
    predictor = open_bundle(good)
    predictor.predict(asked(predictor))  # what is imported late is here now
    for shelf in (TOKENIZERS, ENGINES, KINDS):
        for name in shelf:
            look_up(shelf, name, say("", ""))
    look_at(place / "nothing", watch)
    found: dict[str, Any] = {}
    for number, (name, attack) in enumerate(attacks.items()):
        folder = Path(shutil.copytree(good, place / str(number) / "v1"))
        attack(folder)
        if not name.startswith(("name ", "link ", "manifest")) and "manifest.json" not in name:
            seal(folder)
        if number == 1:
            before = highest_memory()
        found[name] = look_at(folder, watch)
        shutil.rmtree(place / str(number))
    watch.folder = place
    (place / "control").write_text("x")  # the watch must see this
    json.dump({"found": found, "control": watch.seen, "canary": canary.exists(), "grown": highest_memory() - before}, sys.stdout)


@pytest.fixture(scope="module", params=(*FAMILIES, "boosted", "score"))
def crafted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of every crafted bundle, in a process of its own."""
    here, place = Path(__file__).resolve(), tmp_path_factory.mktemp("crafted")
    code = f"import sys; sys.path.insert(0, {str(here.parent)!r}); sys.path.insert(0, {str(here.parent.parent)!r}); from {here.stem} import *; " \
           f"run_corpus({request.param!r}, Path({str(made(request, request.param))!r}), Path({str(place)!r}))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_crafted_bundle_is_refused(crafted: dict[str, Any]) -> None:
    assert {name: each["came"] for name, each in crafted["found"].items() if each["came"] != "refused"} == {}
    assert len(crafted["found"]) > 200


def test_nothing_is_run_written_connected_or_read_elsewhere_meanwhile(crafted: dict[str, Any]) -> None:
    assert {name: each["seen"] for name, each in crafted["found"].items() if each["seen"]} == {}
    assert not crafted["canary"] and any("control" in seen for seen in crafted["control"])


def test_each_is_refused_quickly_and_in_little_memory(crafted: dict[str, Any]) -> None:
    assert {name: each["seconds"] for name, each in crafted["found"].items() if each["seconds"] > 2} == {}
    assert crafted["grown"] <= 256  # MiB


@pytest.mark.parametrize("name", NO_CASCADES)
def test_an_altered_cascade_is_refused(name: str, cascade: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(cascade, tmp_path / "v1"))
    alter("model.json", NO_CASCADES[name])(folder)
    seal(folder)
    with pytest.raises(BundleError):
        open_bundle(folder)


# ---------------------------------------------------------------- current

@pytest.mark.parametrize("target", ["..", ".", "../other/v1", "v1/", "v2", "/", "v1/members"])
def test_current_leads_to_a_folder_beside_it_and_nowhere_else(bundles: dict[str, Path], tmp_path: Path, target: str) -> None:
    shutil.copytree(bundles["linear"], tmp_path / "bundles" / "v1")
    shutil.copytree(bundles["linear"], tmp_path / "other" / "v1")
    shutil.copytree(bundles["linear"], tmp_path, dirs_exist_ok=True)  # so that "..", too, is a whole bundle
    current = tmp_path / "bundles" / "current"
    current.symlink_to("v1")
    assert open_bundle(current).labels == ("money", "post")
    (tmp_path / "bundles" / "v2").symlink_to("v1")
    current.unlink()
    current.symlink_to(target)
    if target == "v1/":
        assert open_bundle(current).labels == ("money", "post")
        return
    with pytest.raises(BundleError):
        open_bundle(current)


def test_a_folder_that_is_not_there_or_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(CallError, match="no bundle"):
            open_bundle(place)
    with pytest.raises(BundleError):
        open_bundle(tmp_path)
