"""How files are harmed in tests: flips, cuts and copies drawn from a seed, and a manifest that is made to fit again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from startlm.core.strict_json import json_bytes, parse_json


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below the folder, by its name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """One flipped bit, one other byte, a cut, something put in, or a stretch copied elsewhere; never the same bytes."""
    at = int(random.integers(len(data)))
    kind = random.integers(5)
    if kind == 0:
        new = data[:at] + bytes([data[at] ^ 1 << int(random.integers(8))]) + data[at + 1 :]
    elif kind == 1:
        new = data[:at] + random.bytes(1) + data[at + 1 :]
    elif kind == 2:
        new = data[:at]
    elif kind == 3:
        new = data[:at] + random.bytes(int(random.integers(1, 9))) + data[at:]
    else:
        source, size = int(random.integers(len(data))), int(random.integers(1, 64))
        piece = data[source : source + size]
        new = data[:at] + piece + data[at + len(piece) :]
    return new if new != data else data + b"\0"


def mutations(folder: Path, count: int, seed: int) -> list[tuple[str, bytes]]:
    """So many (name, new content), spread over all files of the folder."""
    random, files = np.random.default_rng(seed), files_of(folder)
    return [(name, mutated(files[name], random)) for name in random.choice(sorted(files), count).tolist()]


def seal(folder: Path) -> None:
    """A manifest whose every hash is right for what lies in the folder now: whoever alters a bundle can do as much."""
    manifest = parse_json((folder / "manifest.json").read_bytes())
    manifest["files"] = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                         for name, data in files_of(folder).items() if name != "manifest.json"}  # fmt: skip
    write_manifest(folder, manifest)


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """The manifest with its own hash made right."""
    body = {key: value for key, value in manifest.items() if key != "sha256"}
    (folder / "manifest.json").write_bytes(json_bytes({**body, "sha256": hashlib.sha256(json_bytes(body)).hexdigest()}))
