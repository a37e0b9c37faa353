"""The layout, read from the source: floors, cycles, budgets, and what the package never does."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Iterator, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "startlm"

FLOORS = {
    "core": 1,
    **dict.fromkeys(("formats", "columns", "tokenizers", "families", "engines", "metrics", "search", "store"), 2),
    "tasks": 3, "predict": 4, "trust": 5,
    **dict.fromkeys(("prepare", "build", "train", "evaluate", "deploy"), 6),
    "apps": 7, "project": 7, "server": 8, "console": 8, "commands": 9, "cli": 10, "__main__": 11,
}  # fmt: skip
COMMAND_LINE = {"cli", "commands", "__main__"}  # it speaks to a person, and imports a step when its command is called
OUTSIDE = {"testing", "sample"}  # they may import any floor; of ours, only the command line and tests import them
EXTRAS = {"torch", "polars", "sklearn", "scipy", "lightgbm", "onnx", "onnxscript", "altair", "vl_convert", "rensa", "pandas", "pyarrow", "python_calamine", "xlsxwriter", "sqlalchemy", "psycopg"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
NOT_IN_HELP = EXTRAS | {"numpy", "onnxruntime", "pydantic", "tokenizers", "safetensors", "starlette", "uvicorn"}


class Imported(NamedTuple):
    """One import statement's module, and whether it stands at the top of its file."""

    module: str
    top: bool


def package_files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)


def name_of(path: Path) -> str:
    """`startlm/core/errors.py` is `startlm.core.errors`; an `__init__.py` is its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


@cache
def modules() -> dict[str, Path]:
    return {name_of(path): path for path in package_files()}


def _walk(node: ast.AST, top: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Every node, and whether it runs on import; `if TYPE_CHECKING:` never runs, so it is left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        inside = top and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield child, inside
        yield from _walk(child, inside)


@cache
def imports_of(path: Path) -> tuple[Imported, ...]:
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    found = []
    for node, top in _walk(tree_of(path), True):
        if isinstance(node, ast.Import):
            found += [Imported(alias.name, top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            steps_up = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*steps_up, *filter(None, [node.module])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                found.append(Imported(full if full in modules() else base, top))
    return tuple(found)


def own_imports(path: Path, *, top_only: bool = False) -> set[str]:
    return {found.module for found in imports_of(path) if found.module in modules() and (found.top or not top_only)} - {name_of(path)}


def room(module: str) -> str:
    """The step or shelf a module belongs to: `startlm.families.linear` is of `families`."""
    return (module.split(".") + ["", ""])[1]


def complaints(path: Path, *problems: tuple[int, str]) -> list[str]:
    return [f"{path.relative_to(ROOT)}:{line}: {what}" for line, what in problems]


# ------------------------------------------------------------------ layout

def test_every_room_of_the_package_has_a_floor():
    rooms = {room(name) for name in modules()} - {""}
    assert rooms <= FLOORS.keys() | OUTSIDE


def test_the_package_root_stays_small():
    names = {path.name for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert len(names - {"__init__.py", "__main__.py"}) <= 25


def test_there_is_no_room_without_a_subject():
    assert [name for name in modules() if re.search(r"(^|[._])(utils?|helpers?|common|misc)($|[._])", name)] == []


def _upward(path: Path) -> list[str]:
    here = name_of(path)
    if room(here) in OUTSIDE or not room(here):
        return []
    wrong = []
    for target in own_imports(path):
        if room(target) in OUTSIDE:
            bad = room(here) not in COMMAND_LINE
        else:
            bad = bool(room(target)) and room(target) != room(here) and FLOORS[room(target)] >= FLOORS[room(here)]
            # a family or an index may name an engine and a tokenizer: it sees the shelf's table, never a member
            bad = bad and not (room(here) in ("families", "search") and target in ("startlm.engines", "startlm.tokenizers"))
        if bad:
            wrong.append(f"{here} imports {target}")
    return wrong


def test_imports_go_down_only():
    wrong = [wrong for path in package_files() for wrong in _upward(path)]
    assert wrong == [], "\n".join(wrong)


def _shelf_entries(init: Path) -> set[str]:
    """What a shelf's dictionary says: "startlm.families.linear:Linear"."""
    texts = {node.value for node in ast.walk(tree_of(init)) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if re.fullmatch(r"startlm(\.\w+)+:\w+", text)}


def _shelf_members(init: Path) -> set[str]:
    """The modules that a shelf's dictionary names."""
    return {entry.partition(":")[0] for entry in _shelf_entries(init)}


def test_members_of_one_shelf_do_not_import_each_other():
    shelves = [members for init in PACKAGE.glob("*/__init__.py") if (members := _shelf_members(init) & modules().keys())]
    assert [(name, other) for members in shelves for name in members for other in own_imports(modules()[name]) & members] == []


def _defined(module: str) -> set[str]:
    """The names a module's top level defines; none where there is no such module."""
    body = tree_of(modules()[module]).body if module in modules() else []
    stored = {name.id for node in body if isinstance(node, (ast.Assign, ast.AnnAssign)) for name in ast.walk(node) if isinstance(name, ast.Name)}
    return {getattr(node, "name", "") for node in body} | stored


def test_every_name_on_a_shelf_leads_to_an_object():
    assert [entry for init in PACKAGE.glob("*/__init__.py") for entry in _shelf_entries(init)
            if entry.partition(":")[2] not in _defined(entry.partition(":")[0])] == []  # fmt: skip


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: own_imports(path) - {"startlm"} for name, path in modules().items()}
    while leaves := {name for name, targets in graph.items() if not targets & graph.keys()}:
        graph = {name: targets - leaves for name, targets in graph.items() if name not in leaves}
    assert graph == {}


def _closure(module: str) -> set[str]:
    """The modules of ours that importing this one imports, itself and the folders it lies in included."""
    seen, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in seen and name in modules():
            seen.add(name)
            waiting += [name.rpartition(".")[0], *own_imports(modules()[name], top_only=True)]
    return seen


def _heavy(module: str, heavy: set[str]) -> set[str]:
    """Which of these packages importing the module imports."""
    return {root for name in _closure(module) for found in imports_of(modules()[name]) if found.top and (root := found.module.partition(".")[0]) in heavy}


def test_our_own_modules_are_imported_at_the_top():
    """Late only where the module brings torch or another extra with it: the base install must do without."""
    late = [f"{name_of(path)} imports {found.module} inside a function" for path in package_files()
            if room(name_of(path)) not in COMMAND_LINE | {""} for found in imports_of(path)
            if found.module.startswith("startlm") and not found.top and not _heavy(found.module, EXTRAS)]  # fmt: skip
    assert late == [], "\n".join(late)


def test_the_base_install_imports_everything_but_networks():
    """Only families, and what of the ground serves them alone, may have torch at the top of a file; no other extra may be there."""
    wrong = [f"{name} brings {', '.join(sorted(brought))}" for name in modules()
             if (brought := _heavy(name, EXTRAS)) and (room(name) not in ("families", "core") or brought != {"torch"})]  # fmt: skip
    assert wrong == [], "\n".join(wrong)


def test_help_imports_nothing_heavy():
    doors = [name for name in ("startlm", "startlm.cli", "startlm.__main__") if name in modules()]
    assert {name: _heavy(name, NOT_IN_HELP) for name in doors} == {name: set() for name in doors}


# ------------------------------------------------- what the package never does

def _is_call(node: ast.AST, *names: str) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in names


def _keyword_on(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and any(
        word.arg == name and not (isinstance(word.value, ast.Constant) and word.value.value is False) for word in node.keywords
    )


def _swallows(node: ast.AST) -> bool:
    """A handler for everything is allowed only where it raises again what it does not know."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    broad = node.type is None or any(ast.unparse(kind) in ("Exception", "BaseException")
                                     for kind in (node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]))  # fmt: skip
    return broad and not any(isinstance(part, ast.Raise) for part in ast.walk(node))


NEVER = {
    "prints": lambda node: _is_call(node, "print"),
    "evaluates text": lambda node: _is_call(node, "eval", "exec", "compile", "__import__"),
    "leaves the process": lambda node: _is_call(node, "os.system", "os.popen", "exit", "quit"),
    "opens a shell": lambda node: _keyword_on(node, "shell"),
    "allows pickles": lambda node: _keyword_on(node, "allow_pickle"),
    "uses torch's pickles": lambda node: _is_call(node, "torch.load", "torch.save"),
    "extracts an archive": lambda node: isinstance(node, ast.Attribute) and node.attr == "extractall",
    "swallows every error": _swallows,
    "is not finished": lambda node: isinstance(node, ast.Name) and node.id == "NotImplementedError",
}


@pytest.mark.parametrize("deed", NEVER)
def test_the_package_never(deed):
    done = [line for path in package_files() for node in ast.walk(tree_of(path)) if NEVER[deed](node)
            and not (deed == "prints" and room(name_of(path)) in COMMAND_LINE) for line in complaints(path, (node.lineno, deed))]  # fmt: skip
    assert done == []


def test_nothing_that_pickles_is_imported():
    assert [(name_of(path), found.module) for path in package_files() for found in imports_of(path)
            if found.module.partition(".")[0] in FORBIDDEN_MODULES] == []  # fmt: skip


def test_users_are_not_answered_with_assert():
    """`startlm.testing` is made of assertions; nothing else is."""
    assert [line for path in package_files() if room(name_of(path)) != "testing" for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Assert) for line in complaints(path, (node.lineno, "assert"))] == []  # fmt: skip


def test_no_work_is_left_as_a_note():
    note = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
    assert [line for path in (*package_files(), *(ROOT / "tests").rglob("*.py")) for number, text in enumerate(path.read_text("utf-8").split("\n"), 1)
            if note.search(text) for line in complaints(path, (number, text.strip()))] == []  # fmt: skip


# ----------------------------------------------------------------- budgets

def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree_of(path)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_functions_stay_within_sixty_lines():
    assert [line for path in package_files() for node in _functions(path) if node.end_lineno - node.lineno + 1 > 60
            for line in complaints(path, (node.lineno, f"{node.name} has {node.end_lineno - node.lineno + 1} lines"))] == []  # fmt: skip


def test_files_stay_within_four_hundred_lines():
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines()) for path in package_files()}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_functions_take_at_most_seven_arguments():
    """A command's flags are its arguments, so the command line is left out."""
    def count(node):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        return len([argument for argument in arguments if argument.arg not in ("self", "cls")])

    assert [line for path in package_files() if room(name_of(path)) not in COMMAND_LINE for node in _functions(path) if count(node) > 7
            for line in complaints(path, (node.lineno, f"{node.name} takes {count(node)} arguments"))] == []  # fmt: skip


def test_public_functions_are_typed():
    """Every argument and what comes back."""
    untyped = []
    for path in package_files():
        for node in _functions(path):
            arguments = [argument for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                         if argument.arg not in ("self", "cls")]  # fmt: skip
            if not node.name.startswith("_") and (node.returns is None or any(argument.annotation is None for argument in arguments)):
                untyped += complaints(path, (node.lineno, node.name))
    assert untyped == []


def test_every_module_says_what_it_is():
    assert [name_of(path) for path in package_files() if not ast.get_docstring(tree_of(path))] == []


# ------------------------------------------------------------------- tests

ASSERTING = re.compile(r"^(pytest\.(raises|warns|fail)|assert_\w+|check_\w+|_check\w*|expect|.*\.assert_\w+|np\.testing\.\w+)$")


def _asserts(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Assert) or isinstance(part, ast.Call) and ASSERTING.match(ast.unparse(part.func)) for part in ast.walk(node))


def test_every_test_asserts_something():
    tests = [(path, node) for path in (ROOT / "tests").rglob("test_*.py") for node in _functions(path) if node.name.startswith("test_")]
    assert [line for path, node in tests if not _asserts(node) for line in complaints(path, (node.lineno, node.name))] == []


def _texts() -> Iterator[Path]:
    for place in ("startlm", "tests", "docs", "benchmarks", ".ci"):
        yield from (path for path in (ROOT / place).rglob("*") if path.is_file() and path.suffix in ("", ".py", ".md", ".toml", ".json", ".html", ".sh"))
    yield from (path for path in ROOT.iterdir() if path.suffix in (".md", ".toml", ".txt") or path.name == "Makefile")


def test_no_machine_and_no_registry_is_named():
    """Written in pieces, so that this file does not name them either."""
    forbidden = re.compile("|".join(["/wo" "rk/", "/ro" "ot/", "/opt/" "pypi", "pypi\\." "org", "python" "hosted", "hugging" "face\\.co", "/tmp/" "dev"]))
    named = [f"{path.relative_to(ROOT)}: {found.group()}" for path in _texts() if "__pycache__" not in path.parts
             and (found := forbidden.search(path.read_text("utf-8", errors="replace")))]  # fmt: skip
    assert named == []


def test_make_check_is_content() -> None:
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "--no-cache", "."], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
