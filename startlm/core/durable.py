"""The one durable writer: what it has written is whole, or is not there, whatever happens to the process or the power.

A file:    temporary name in the same folder -> write -> flush -> fsync -> close -> rename -> fsync of the folder.
A folder:  the same with every file in it, `manifest.json` (SHA-256 and size of each) last, then one rename.

After a failed fsync nothing is tried again: a second fsync may
succeed although the data is lost, so the temporary file goes and the error is raised.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Iterator, Mapping

from .disk_errors import already_there, bundle_errors, damaged, taken, work_errors, write_errors
from .errors import BundleError, CallError
from .language import say
from .strict_json import json_bytes, parse_json

PARTIAL = ".partial-"  # a name that begins so is unfinished work: never read, removed by remove_leftovers
ASIDE = ".aside-"  # the old version while replace=True swaps in the new one
MANIFEST = "manifest.json"
LOCK = ".lock"

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,98}[A-Za-z0-9_-]|[A-Za-z0-9_]")
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


# ----------------------------------------------------------------- files

def write_bytes(path: Path, data: bytes) -> None:
    """Put these bytes at `path`, replacing what was there, durably. Missing folders are made. Raises WorkError."""
    with writing(path) as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of the text as UTF-8."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """`write_bytes` of the value as JSON: UTF-8, sorted keys, a newline at the end. ValueError for NaN or infinity."""
    write_bytes(path, json_bytes(value))


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A binary stream whose content appears at `path` when the block ends well, and not at all otherwise."""
    path = Path(path)
    with work_errors(path):
        make_folder(path.parent)
        partial = _partial(path.parent)
        stream = open(partial, "xb")
    try:
        with write_errors(path), stream:  # in this order: closing writes too, and meets the same full disk
            yield stream
            _sync(stream)
        with work_errors(path):
            os.replace(partial, path)
            _sync_folder(path.parent)
    finally:
        _discard(partial)  # already renamed when all went well


def read_json(path: Path, limit: int = 64 << 20) -> Any:
    """The value in a JSON file of at most `limit` bytes. Raises CallError where it is missing, damaged or larger."""
    path = Path(path)
    try:
        with open(path, "rb") as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise ValueError(f"more than {limit:,} bytes")
        return parse_json(data)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CallError(
            say(f"{path} cannot be read: {why}.", f"无法读取 {path}：{why}。"),
            say("Put the file back as it was, or make it again with the command that made it.",
                "请恢复原来的文件，或用当初生成它的命令重新生成。"),
            where=str(path),
        ) from error


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hex, read in blocks. A symbolic link is not followed: OSError."""
    with open_plain(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def open_plain(path: Path) -> BinaryIO:
    """A stream on an ordinary file; OSError for a symbolic link, a pipe or a device."""
    stream = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK))
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "not an ordinary file", str(path))
    return stream


# --------------------------------------------------------------- folders

@contextmanager
def publish_folder(target: Path, manifest: Mapping[str, Any] | None = None, *, replace: bool = False) -> Iterator[Path]:
    """Fill the folder that is yielded; when the block ends well it is at `target`, whole, with its manifest.

    `manifest` holds further entries for manifest.json and is read when the block ends. WorkError where `target`
    exists (unless `replace`) or the disk refuses; ValueError for a name or an entry that is not allowed.
    """
    target = Path(target)
    with work_errors(target):
        make_folder(target.parent)
        _settle(target)
        if os.path.lexists(target) and not replace:
            raise already_there(target)
        partial = _partial(target.parent)
        partial.mkdir()
    try:
        with write_errors(target):
            yield partial
        with work_errors(target):
            _seal(partial, manifest or {})
            _swap_in(partial, target, replace)
    finally:
        _discard(partial)  # already renamed when all went well


def verify_folder(folder: Path) -> dict[str, Any]:
    """The manifest of a published folder in which nothing was changed, added or taken away; else BundleError."""
    folder = Path(folder)
    manifest = _manifest(folder)
    for name in _checked_names(folder, manifest):
        with bundle_errors(folder, name), open_plain(folder / name) as stream:
            sha256, size = hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell()
        _compare(folder, name, manifest["files"][name], size, sha256)
    return manifest


def seems_whole(folder: Path) -> bool:
    """Whether a published folder holds its manifest and every file at its size; their content is not read."""
    try:
        manifest = _manifest(folder)
        return all((folder / name).stat().st_size == manifest["files"][name]["bytes"] for name in _checked_names(folder, manifest))
    except (BundleError, OSError):
        return False


def read_verified(folder: Path, limit: int = 2 << 30) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and every file's bytes, each read once and checked as held in memory; else BundleError.

    `limit` bounds the sum of the files' sizes in bytes.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    names = _checked_names(folder, manifest)
    if sum(manifest["files"][name]["bytes"] for name in names) > limit:
        raise damaged(folder, MANIFEST, say(f"its files are larger than {limit:,} bytes", f"其中的文件超过 {limit:,} 字节"))
    contents = {}
    for name in names:
        entry = manifest["files"][name]
        with bundle_errors(folder, name), open_plain(folder / name) as stream:
            contents[name] = stream.read(entry["bytes"] + 1)  # one more than it may have shows a longer file
        _compare(folder, name, entry, len(contents[name]), hashlib.sha256(contents[name]).hexdigest())
    return manifest, contents


def point_link(link: Path, target_name: str) -> None:
    """Let the symbolic link `link` point at the folder `target_name` beside it, by one rename. Raises WorkError."""
    link = Path(link)
    if not allowed_name(target_name) or "/" in target_name or not (link.parent / target_name).is_dir():
        raise CallError(say(f"There is no {target_name} in {link.parent}.", f"{link.parent} 里没有 {target_name}。"),
                        say("Give the name of a folder that is there.", "请给出其中已有文件夹的名称。"), where=str(link.parent))
    with work_errors(link):
        partial = _partial(link.parent)
        try:
            os.symlink(target_name, partial)
            os.replace(partial, link)
        finally:
            _discard(partial)
        _sync_folder(link.parent)


def remove_leftovers(folder: Path) -> None:
    """Clear what a killed run left in `folder`. Only for one who holds the folder: another's unfinished work goes too."""
    folder = Path(folder)
    if not folder.is_dir():
        return
    with work_errors(folder):
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith(PARTIAL):
                _remove(entry)
            elif entry.name.startswith(ASIDE):
                _settle(folder / entry.name.removeprefix(ASIDE))


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably. Raises OSError."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
        _sync_folder(place.parent)


# ------------------------------------------------------------------ lock

_held: dict[str, object] = {}  # POSIX locks do not keep a process from itself


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Be the only one at work in `folder`; WorkError, naming the other process, where that is taken.

    The lock is POSIX's (`lockf`): it ends with the process, however it ends, and children do not inherit it.
    """
    folder, me = Path(folder), object()
    key = os.path.realpath(folder)
    if _held.setdefault(key, me) is not me:
        raise taken(folder, str(os.getpid()))
    try:
        with work_errors(folder):
            make_folder(folder)
            stream = open(folder / LOCK, "a+b", buffering=0)
        with stream:
            with work_errors(folder):
                _lock(stream, folder)
            yield
    finally:
        del _held[key]


def _lock(stream: Any, folder: Path) -> None:
    try:
        fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:  # which of the two depends on the system
        stream.seek(0)
        raise taken(folder, stream.read(20).decode("ascii", "replace")) from error
    stream.truncate(0)
    stream.write(str(os.getpid()).encode("ascii"))


# ------------------------------------------------------------ what they share

def allowed_name(name: str) -> bool:
    """Whether a relative name may stand in a manifest: plain ASCII parts, nothing that any system reads otherwise."""
    parts = name.split("/")
    return len(name) <= 200 and all(NAME.fullmatch(part) and not DEVICE.fullmatch(part) for part in parts)


def _partial(folder: Path) -> Path:
    return folder / f"{PARTIAL}{secrets.token_hex(8)}"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _discard(partial: Path) -> None:
    with suppress(OSError):  # it must not hide the error that led here; remove_leftovers comes again
        _remove(partial)


def _sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _seal(folder: Path, entries: Mapping[str, Any]) -> None:
    """Sync every file, write the manifest last, then sync the folders from the deepest up."""
    names = sorted(_names(folder))
    if MANIFEST in names or {"files", "sha256"} & set(entries):
        raise ValueError("manifest.json and its entries 'files' and 'sha256' are written by publish_folder")
    if odd := [name for name in names if not allowed_name(name)] or _colliding(names):
        raise ValueError(f"names that a published folder may not hold: {odd}")
    files = {}
    for name in names:
        with open_plain(folder / name) as stream:
            os.fsync(stream.fileno())
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            files[name] = {"bytes": stream.tell(), "sha256": sha256}
    manifest = {**entries, "files": files}
    manifest["sha256"] = hashlib.sha256(json_bytes(manifest)).hexdigest()
    with open(folder / MANIFEST, "xb") as stream:
        stream.write(json_bytes(manifest))
        _sync(stream)
    for place, _, _ in os.walk(folder, topdown=False):
        _sync_folder(Path(place))


def _swap_in(partial: Path, target: Path, replace: bool) -> None:
    """One rename; with `replace` the old version steps aside first and is brought back if the power fails between."""
    aside = target.with_name(ASIDE + target.name)
    if os.path.lexists(target):
        if not replace:  # it came while the block ran
            raise already_there(target)
        os.rename(target, aside)
    try:
        os.rename(partial, target)
    except OSError:
        _settle(target)
        raise
    _sync_folder(target.parent)
    _settle(target)


def _settle(target: Path) -> None:
    """Finish what a swap of `target` left: back to the old version if no new one came, else remove the old."""
    aside = target.with_name(ASIDE + target.name)
    if not os.path.lexists(aside):
        return
    if os.path.lexists(target):
        _remove(aside)
    else:
        os.rename(aside, target)
    _sync_folder(target.parent)


def _names(folder: Path) -> Iterator[str]:
    """The names, relative and with "/", of all that is in the folder and below and is not a folder."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in files + links:
            yield Path(place, name).relative_to(folder).as_posix()


def _colliding(names: list[str]) -> list[str]:
    """Names that a file system blind to case takes for another one of them."""
    seen: set[str] = set()
    return [name for name in names if name.lower() in seen or seen.add(name.lower())]


def _manifest(folder: Path) -> dict[str, Any]:
    """manifest.json, after its own hash and form are checked: byte for byte what publish_folder writes."""
    wrong = say("it is not a manifest that StartLM has written", "它不是 StartLM 写出的清单")
    with bundle_errors(folder, MANIFEST), open_plain(folder / MANIFEST) as stream:
        data = stream.read((16 << 20) + 1)
    try:
        manifest = parse_json(data[: 16 << 20])
        if not isinstance(manifest, dict) or json_bytes(manifest) != data:
            raise ValueError("not in the form it was written in")
        body = {key: value for key, value in manifest.items() if key != "sha256"}
        if manifest.get("sha256") != hashlib.sha256(json_bytes(body)).hexdigest():
            raise ValueError("its hash does not match")
    except (ValueError, RecursionError) as error:
        raise damaged(folder, MANIFEST, wrong) from error
    if not _is_file_list(manifest.get("files")):
        raise damaged(folder, MANIFEST, wrong)
    return manifest


def _is_file_list(files: Any) -> bool:
    return isinstance(files, dict) and not _colliding(list(files)) and all(
        allowed_name(name) and name != MANIFEST
        and isinstance(entry, dict) and set(entry) == {"bytes", "sha256"}
        and type(entry["bytes"]) is int and entry["bytes"] >= 0 and isinstance(entry["sha256"], str)
        for name, entry in files.items()
    )


def _checked_names(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """The listed names, once it is clear that the folder holds these and no others."""
    missing = set(manifest["files"])
    for name in _names(folder):
        if name in missing:
            missing.remove(name)
        elif name != MANIFEST:
            raise damaged(folder, name, say("it is not in the manifest", "清单中没有它"))
    if missing:
        raise damaged(folder, min(missing), say("it is missing", "它不见了"))
    return sorted(manifest["files"])


def _compare(folder: Path, name: str, entry: Mapping[str, Any], size: int, sha256: str) -> None:
    if size != entry["bytes"] or sha256 != entry["sha256"]:
        raise damaged(folder, name, say("its content is not what was published", "它的内容与发布时不同"))
