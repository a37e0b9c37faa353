"""Gates read from the source, beyond the layout: no SQL from text, no leaking comparison, nothing left open, no slow regular expression.

What the package never does at all (pickle, eval, shell …) is held by test_architecture.py. Each gate here is shown to close.
"""

from __future__ import annotations

import ast
import re
import signal
import time
from collections import deque
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, Callable, Iterator

import pytest
from defects import DEFECTS, Defect, copied, plant
from test_architecture import modules, name_of, package_files, room, tree_of

# ------------------------------------------------------------------- gates

SECRET = re.compile(r"(^|_)(secret|password|passwd|token|api_?key|signature|hmac|mac|csrf|cookie)(s|_|$)", re.IGNORECASE)
DATABASE = {"execute", "executemany", "executescript", "text"}
LOADERS = {"load", "loads", "Unpickler", "fromfile"}
UNSAFE = {"np", "numpy", "yaml", "torch", "jsonpickle", "joblib", "dill", "pd", "pandas"}
MODE = re.compile(r"[rwxabt+]{1,4}")


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _is_built(node: ast.AST) -> bool:
    """Text put together from parts: an f-string with a value in it, +, %, .format or .join."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    return isinstance(node, ast.BinOp) or (isinstance(node, ast.Call) and _name(node.func) in ("format", "join"))


def sql_from_text(tree: ast.AST) -> list[int]:
    return [call.lineno for call in _calls(tree) if _name(call.func) in DATABASE and isinstance(call.func,
        ast.Attribute) and call.args and _is_built(call.args[0])]


def secrets_compared(tree: ast.AST) -> list[int]:
    """== takes longer the more of a secret is right; hmac.compare_digest does not."""
    return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Compare) and any(isinstance(each, (ast.Eq, ast.NotEq)) for each in node.ops)
            and any(SECRET.search(_name(side)) for side in (node.left, *node.comparators))]


def loads_programs(tree: ast.AST) -> list[int]:
    """Loaders that can run what they read."""
    return [call.lineno for call in _calls(tree) if isinstance(call.func, ast.Attribute) and call.func.attr in LOADERS and _name(call.func.value) in UNSAFE]


def imports_what_data_names(tree: ast.AST) -> list[int]:
    return [call.lineno for call in _calls(tree) if _name(call.func) in ("import_module", "__import__", "exec_module", "spec_from_file_location",
        "resolve_name")]


def starts_programs(tree: ast.AST) -> list[int]:
    return [line for line, root in _imports(tree) if root in ("subprocess", "pty", "ctypes", "cffi", "code", "runpy")]


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and first part of the name of everything imported that is not our own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name.partition(".")[0]) for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.partition(".")[0]


def _opens(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Name):
        return call.func.id in ("open", "open_plain")
    if not isinstance(call.func, ast.Attribute):
        return False
    first = call.args[0] if call.args else None  # path.open("rb"), but not a format's own open(source)
    moded = isinstance(first, ast.Constant) and isinstance(first.value, str) and MODE.fullmatch(first.value)
    return call.func.attr == "open" and (bool(moded) or ast.unparse(call.func.value) in ("gzip", "bz2", "lzma", "io", "os.fdopen"))


def left_open(tree: ast.AST) -> list[int]:
    """An opened file stands in a `with`, or its name does later in the same function, or it is handed back to the caller."""
    wrong = []
    for scope in ast.walk(tree):
        if not isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Module)):
            continue
        own = list(_inside(scope))
        kept = {_name(item.context_expr) for node in own if isinstance(node, ast.With) for item in node.items}
        kept |= {_name(node.value) for node in own if isinstance(node, ast.Return) and node.value}
        good = {id(item.context_expr) for node in own if isinstance(node, ast.With) for item in node.items}
        good |= {id(node.value) for node in own if isinstance(node, ast.Return)}
        good |= {id(node.value) for node in own if isinstance(node, ast.Assign) and _name(node.targets[0]) in kept}
        wrong += [node.lineno for node in own if isinstance(node, ast.Call) and _opens(node) and id(node) not in good]
    return wrong


def _inside(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of this function alone, not of functions in it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child
            yield from _inside(child)


GATES: dict[str, tuple[Callable[[ast.AST], list[int]], set[str], str, str]] = {
    # what it forbids: how it is found, the modules that may, what must be found, what must not
    "SQL from text": (sql_from_text, set(), "db.execute(f'SELECT {x}')", "db.execute('SELECT ?', (x,))"),
    "== on a secret": (secrets_compared, set(), "given == self.api_key", "compare_digest(given, self.api_key)"),
    "a loader that runs what it reads": (loads_programs, set(), "np.load(path)", "json.loads(text)"),
    # core.shelves: names from a shelf's own dictionary; startlm: names of its own functions
    "an import that data names": (imports_what_data_names, {"startlm", "startlm.core.shelves"}, "import_module(settings['class'])", "import numpy"),
    # core.workers: this very Python with code of the package, never a program that a setting or a file names
    "a program started": (starts_programs, {"startlm.core.workers"}, "import subprocess", "import sys"),
    "a file left open": (left_open, set(), "def f(path):\n x = open(path).read()\n return x",
    "def f(path):\n stream = open(path)\n with stream:\n  return stream.read()"),
}


@pytest.mark.parametrize("gate", GATES)
def test_the_package_has_no(gate: str) -> None:
    find, allowed, _, _ = GATES[gate]
    found = [f"{name_of(path)}:{line}" for path in package_files() if name_of(path) not in allowed for line in find(tree_of(path))]
    assert found == []


@pytest.mark.parametrize("gate", GATES)
def test_the_gate_closes(gate: str) -> None:
    find, allowed, bad, good = GATES[gate]
    assert find(ast.parse(bad)) and not find(ast.parse(good))
    assert all(find(tree_of(modules()[name])) for name in allowed), "an exception that is no longer needed"


def test_sockets_are_for_the_server_alone() -> None:
    network = {"socket", "http", "urllib", "ftplib", "smtplib", "ssl", "requests", "httpx", "aiohttp", "urllib3"}
    users = {name_of(path) for path in package_files() for _, root in _imports(tree_of(path)) if root in network}
    assert {name for name in users if room(name) != "server"} == set()


# ----------------------------------------------------- regular expressions

LENGTH, MOST_SECONDS = 100_000, 0.25
METHODS = {"match", "fullmatch", "search", "findall", "finditer", "sub", "subn", "split"}
# made when it is needed, of parts that are character classes alone: one class, which is linear
MADE_LATE = {"f'[{wanted}]' if wanted else '(?!)'"}


@cache
def patterns() -> list[tuple[str, Any, frozenset[str]]]:
    """Every regular expression of the package: where it stands, compiled, and the methods it is used with."""
    found = []
    for path in package_files():
        for call in _calls(tree_of(path)):
            if not (isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "re" and call.func.attr in METHODS | {"compile"}):
                continue
            if ast.unparse(call.args[0]) in MADE_LATE:
                continue
            space = vars(import_module(name_of(path)))
            flags = [word.value for word in call.keywords if word.arg == "flags"] or (call.args[1:2] if call.func.attr == "compile" else [])
            pattern, *flag = (eval(ast.unparse(each), space) for each in (call.args[0], *flags))  # our own source
            methods = {call.func.attr} if call.func.attr in METHODS else _used_with(call, tree_of(path))
            found.append((f"{name_of(path)}:{call.lineno}", re.compile(pattern, *flag), frozenset(methods)))
    return found


def _used_with(call: ast.Call, tree: ast.Module) -> set[str]:
    """The methods called, anywhere in the package, on the name that a compiled pattern has."""
    names = {_name(target) for node in ast.walk(tree) if isinstance(node,
        (ast.Assign, ast.AnnAssign)) and any(part is call for part in ast.walk(node.value or node))
             for target in (node.targets if isinstance(node, ast.Assign) else [node.target])}
    used = {node.attr for path in package_files() for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute) and _name(node.value) in names}
    return used & METHODS or {"fullmatch", "search"}


def hostile(pattern: Any) -> list[Any]:
    """100 kB of each character that the pattern names, of neighbouring pairs of them, with an end that does not fit."""
    bare = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    named = list(dict.fromkeys(re.sub(r"\\[A-Za-z]|[()|?*+\[\]\\^]", "", bare)))[:16]
    letters = [*dict.fromkeys([*named, " ", "a", "0", "<", "&", ".", "。", "\n"])][:22]
    units = letters + [one + other for one, other in zip(letters, letters[1:], strict=False)] + ["1 ", "a=", "<a ", "&#", '="', "1,", "中a", " \t"]
    texts = [(unit * (LENGTH // len(unit)))[:LENGTH] + "\0" for unit in units] + ["1" + " " * LENGTH + "x", "<a " + "a" * LENGTH, "," * LENGTH + "1"]
    return texts if isinstance(pattern.pattern, str) else [text.encode("utf-8") for text in texts]


def _stop(number: int, frame: FrameType | None) -> None:
    raise TimeoutError


def seconds(pattern: Any, method: str, text: Any) -> float:
    """Processor seconds that this takes; a pattern that goes on for ever is stopped after one."""
    use = getattr(pattern, method)
    before, began = signal.signal(signal.SIGVTALRM, _stop), time.process_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, 1)
    try:
        deque(use(text), maxlen=0) if method == "finditer" else use(text[:0], text) if method in ("sub", "subn") else use(text)
    except TimeoutError:
        return 1.0
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return time.process_time() - began


def too_slow(pattern: Any, methods: frozenset[str]) -> str | None:
    """The first text that takes too long, or None."""
    return next((f"{method} on {text[:12]!r}…: {taken:.2f} s" for method in sorted(methods) for text in hostile(pattern)
                 if (taken := seconds(pattern, method, text)) > MOST_SECONDS  # a busy machine is slow once, not three times
                 and (taken := min(taken, seconds(pattern, method, text), seconds(pattern, method, text))) > MOST_SECONDS), None)


def test_no_regular_expression_of_the_package_is_slow_on_hostile_text() -> None:
    assert len(patterns()) > 30
    assert {where: slow for where, pattern, methods in patterns() if (slow := too_slow(pattern, methods))} == {}


@pytest.mark.parametrize("slow", [r"(a+)+b", r"\s*x", r"1[\d ]*\s*$"])
def test_a_slow_regular_expression_is_found(slow: str) -> None:
    assert too_slow(re.compile(slow), frozenset({"search"}))


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_every_defect_of_make_test_long_can_still_be_planted(defect: Defect, tmp_path: Path) -> None:
    copy = copied(tmp_path, "copy")
    plant(copy, defect.changes)  # refuses a text that does not stand there once
    assert all(change.new in (copy / change.file).read_text(encoding="utf-8") for change in defect.changes)
