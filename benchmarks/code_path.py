"""Which code a row depends on, as one hash: the row's own file and every module of ours that it leads to.

Imports are followed in the source. Comments, docstrings and sentences for people (`say(…)`) do not count: rewording measures nothing
anew. A shelf's members are reached only where they are imported or named, so a change of one family leaves the rows of another alone.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import Iterable, Iterator

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"
PAGES = {"tables", "bars", "run", "rows", "code_path", "scale_page"}  # they show and order, and measure nothing
ON_CALL = {"startlm.cli", "startlm", "given"}  # they import a step when its command is called: each row names the steps it uses


def fingerprint(modules: Iterable[str]) -> str:
    """SHA-256 (first 12 digits) of all the code that these modules lead to."""
    digest = hashlib.sha256()
    for name in sorted(closure(modules)):
        digest.update(f"{name}\n{essence(_file(name))}\n".encode())
    return digest.hexdigest()[:12]


def closure(modules: Iterable[str]) -> set[str]:
    """The modules themselves and, through any chain of imports, those of the package and of this folder. KeyError: no such module."""
    seen: set[str] = set()
    waiting = list(modules)
    for name in waiting:
        if not _exists(name):
            raise KeyError(name)
    while waiting:
        name = waiting.pop()
        if name not in seen and name not in PAGES:
            seen.add(name)
            waiting += _imports(name, _stamp(_file(name)))
    return seen


def _file(name: str) -> Path:
    base = (ROOT / name.replace(".", "/")) if name.partition(".")[0] == "startlm" else BENCHMARKS / name
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _exists(name: str) -> bool:
    return _file(name).is_file()


def _stamp(path: Path) -> int:
    """Changes when the file does: what is remembered of it then no longer counts."""
    return path.stat().st_mtime_ns


@cache
def _imports(name: str, stamp: int) -> tuple[str, ...]:
    """The modules of ours that this one imports."""
    return tuple(dict.fromkeys(found for found in _named_imports(name) if _exists(found)))


def _named_imports(name: str) -> Iterator[str]:
    path = _file(name)
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    tree = ast.parse(path.read_text("utf-8"))
    nodes = tree.body if name in ON_CALL else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


class _Bare(ast.NodeTransformer):
    """Takes out what no measurement can depend on."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "say":
            return ast.copy_location(ast.Call(node.func, [], []), node)
        return self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """A shelf's table: the members that a row uses are named by the row."""
        pairs = [(key, value) for key, value in zip(node.keys, node.values, strict=True) if not _names_a_member(value)]
        node.keys, node.values = [key for key, _ in pairs], [value for _, value in pairs]
        return self.generic_visit(node)


def _names_a_member(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("startlm.") and ":" in node.value


def essence(path: Path) -> str:
    """A file's code without what no measurement can depend on."""
    return _essence(path, _stamp(path))


@cache
def _essence(path: Path, stamp: int) -> str:
    return ast.unparse(_Bare().visit(ast.parse(path.read_text("utf-8"))))
