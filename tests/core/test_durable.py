"""The durable writer: what is published is whole or absent, shown by the system calls, kills, a full disk and flips."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

import pytest

from startlm.core.durable import (
    hold,
    point_link,
    publish_folder,
    read_json,
    read_verified,
    remove_leftovers,
    sha256_of,
    verify_folder,
    write_bytes,
    write_json,
    write_text,
    writing,
)
from startlm.core.errors import BundleError, CallError, WorkError
from startlm.core.strict_json import json_bytes

ROOT = Path(__file__).resolve().parents[2]


def publish(target: Path, **options: object) -> Path:
    with publish_folder(target, {"name": "一"}, **options) as folder:
        (folder / "members" / "0").mkdir(parents=True)
        (folder / "model.json").write_text("{}")
        (folder / "members" / "0" / "graph.onnx").write_bytes(bytes(range(256)) * 4)
    return target


def python(code: str, *arguments: object) -> list[str]:
    imports = "import os, sys\nfrom pathlib import Path\nfrom startlm.core.durable import *\nplace = Path(sys.argv[1])\n"
    return [sys.executable, "-c", imports + code, *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


# ------------------------------------------------------------ the order of the system calls

CALL = re.compile(r"^\d+\s+(\w+)\((.*)\)\s+= (-?\d+)")


def publish_lint(log: str, target: Path) -> list[str]:
    """What is wrong in an strace log with the publishing of `target`; nothing where the order is exact.

    Every file written at or below what is renamed to `target` was synced after its last write and before the rename,
    so was every folder in it, and the folder above `target` was synced after the rename.
    """
    names: dict[str, str] = {}  # descriptor -> path
    unsynced: set[str] = set()
    parent_synced, renamed, wrong = False, False, []
    for line in log.splitlines():
        if not (match := CALL.match(line)) or int(match[3]) < 0:
            continue
        call, arguments, result = match[1], match[2], match[3]
        paths = re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)
        descriptor = arguments.split(",")[0]
        if call == "openat":
            names[result] = paths[0]
        elif call in ("write", "pwrite64", "writev"):
            unsynced.add(names.get(descriptor, ""))
        elif call in ("mkdir", "mkdirat"):
            unsynced.add(paths[0])
        elif call in ("fsync", "fdatasync"):
            unsynced.discard(names.get(descriptor, ""))
            parent_synced |= renamed and names.get(descriptor) == str(target.parent)
        elif call.startswith("rename") and paths[1] == str(target):
            renamed = True
            wrong += [f"not synced before the rename: {p}" for p in unsynced if p == paths[0] or p.startswith(paths[0] + "/")]
    if not renamed:
        wrong.append("never renamed to its name")
    if not parent_synced:
        wrong.append("the folder was not synced after the rename")
    return wrong


def lint_of(code: str, target: Path, tmp_path: Path) -> list[str]:
    assert shutil.which("strace"), "this test reads system calls with strace: apt-get install strace"
    log = tmp_path / "log"
    calls = "trace=openat,write,pwrite64,writev,mkdir,mkdirat,fsync,fdatasync,rename,renameat,renameat2"
    subprocess.run(["strace", "-f", "-s", "300", "-e", calls, "-o", log, *python(code, target)], env=environment(), check=True)
    return publish_lint(log.read_text(errors="replace"), target)


def test_a_file_is_written_synced_renamed_and_its_folder_synced(tmp_path: Path) -> None:
    assert lint_of("write_bytes(place, b'x' * 100_000)", tmp_path / "file", tmp_path) == []


def test_a_folder_is_written_synced_renamed_and_its_parent_synced(tmp_path: Path) -> None:
    code = "with publish_folder(place) as f:\n (f / 'in').mkdir(); (f / 'in' / 'a').write_text('a'); (f / 'b').write_text('b')"
    assert lint_of(code, tmp_path / "folder", tmp_path) == []


def test_a_link_is_moved_by_a_rename_and_its_folder_synced(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    assert lint_of("point_link(place, 'v1')", tmp_path / "current", tmp_path) == []


def test_the_lint_goes_red_for_a_plain_write_and_rename(tmp_path: Path) -> None:
    code = "open(str(place) + '.tmp', 'wb').write(b'x'); os.replace(str(place) + '.tmp', place)"
    assert len(lint_of(code, tmp_path / "file", tmp_path)) == 2


@pytest.mark.parametrize("missing", ["_sync_folder", "_sync"])
def test_the_lint_goes_red_when_one_sync_is_taken_out(tmp_path: Path, missing: str) -> None:
    code = f"import startlm.core.durable as d\nd.{missing} = lambda place: None\nd.write_bytes(place, b'x' * 10)"
    assert len(lint_of(code, tmp_path / "file", tmp_path)) == 1


# ------------------------------------------------------------ files

def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_json(tmp_path / "数据 目录" / "a.json", {"b": "中\ud800", "a": [1.5, None]})
    assert read_json(tmp_path / "数据 目录" / "a.json") == {"a": [1.5, None], "b": "中\ud800"}
    assert (tmp_path / "数据 目录" / "a.json").read_bytes().endswith(b"}\n")
    write_text(tmp_path / "t", "中\n")
    assert (tmp_path / "t").read_bytes() == "中\n".encode()
    assert sha256_of(tmp_path / "t") == hashlib.sha256("中\n".encode()).hexdigest()


def test_not_a_number_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"NaN", b'{"a": 1, "a": 2}', b"[" * 100_000, b"9" * 5000])
def test_damaged_json_is_refused_with_its_place(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(CallError, match=r"a\.json"):
        read_json(tmp_path / "a.json")


def test_json_that_is_too_large_or_missing_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", list(range(100)))
    with pytest.raises(CallError, match="more than 10 bytes"):
        read_json(tmp_path / "a.json", limit=10)
    with pytest.raises(CallError, match=r"b\.json"):
        read_json(tmp_path / "b.json")


def test_an_error_in_the_block_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")
    with pytest.raises(KeyboardInterrupt), writing(tmp_path / "a") as stream:
        stream.write(b"new")
        raise KeyboardInterrupt
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a", "old")]


def test_a_callers_own_error_is_not_taken_for_the_disks(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), writing(tmp_path / "a") as stream:
        stream.write((tmp_path / "missing").read_bytes())


def test_a_file_where_a_folder_should_be_is_said(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "x")
    with pytest.raises(WorkError, match="was not written"):
        write_text(tmp_path / "a" / "b", "x")


# ------------------------------------------------------------ a full disk

@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"mounting a small disk was refused, so a full one is NOT tested here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("free", [0, 4, 8, 16, 32, 48, 60, 64, 100, 128])
def test_a_full_disk_leaves_the_old_content(small_disk: Path, free: int) -> None:
    write_bytes(small_disk / "state", b"old" * 1000)
    publish(small_disk / "v1")
    room = shutil.disk_usage(small_disk).free - free * 1024
    (small_disk / "ballast").write_bytes(bytes(max(0, room)))
    before = sorted(os.listdir(small_disk))
    with pytest.raises(WorkError, match="disk is full"):
        write_bytes(small_disk / "state", os.urandom(150_000))
    with pytest.raises(WorkError, match="disk is full"), publish_folder(small_disk / "v2") as folder:
        for number in range(40):
            (folder / f"{number}").write_bytes(bytes(4096))
    assert (small_disk / "state").read_bytes() == b"old" * 1000
    assert verify_folder(small_disk / "v1")["name"] == "一"
    assert sorted(os.listdir(small_disk)) == before


def test_a_disk_that_is_read_only_is_said(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for attempt in (lambda: write_text(small_disk / "a", "x"), lambda: publish(small_disk / "v1"), lambda: hold(small_disk).__enter__()):
        with pytest.raises(WorkError, match="may not be written"):
            attempt()


# ------------------------------------------------------------ folders

def test_a_published_folder_is_whole_and_says_what_it_holds(tmp_path: Path) -> None:
    publish(tmp_path / "版本 1")
    manifest, contents = read_verified(tmp_path / "版本 1")
    assert manifest == verify_folder(tmp_path / "版本 1")
    assert manifest["name"] == "一" and list(contents) == ["members/0/graph.onnx", "model.json"]
    assert contents["model.json"] == b"{}"
    assert os.listdir(tmp_path) == ["版本 1"]


def test_entries_added_inside_the_block_are_in_the_manifest(tmp_path: Path) -> None:
    entries: dict[str, object] = {}
    with publish_folder(tmp_path / "v1", entries):
        entries["step"] = 7
    assert verify_folder(tmp_path / "v1")["step"] == 7


def test_the_same_content_gives_the_same_manifest(tmp_path: Path) -> None:
    assert sha256_of(publish(tmp_path / "a") / "manifest.json") == sha256_of(publish(tmp_path / "b") / "manifest.json")


def test_an_error_in_the_block_publishes_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), publish_folder(tmp_path / "v1") as folder:
        (folder / "a").write_text("a")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_an_existing_version_is_kept_unless_told(tmp_path: Path) -> None:
    publish(tmp_path / "v1")
    with pytest.raises(WorkError, match="already there"), publish_folder(tmp_path / "v1"):
        pass
    with publish_folder(tmp_path / "v1", {"name": "二"}, replace=True):
        assert verify_folder(tmp_path / "v1")["name"] == "一"
    assert verify_folder(tmp_path / "v1")["name"] == "二"
    assert os.listdir(tmp_path) == ["v1"]


def test_a_swap_cut_off_between_its_renames_goes_back_to_the_old_version(tmp_path: Path) -> None:
    publish(tmp_path / "v1").rename(tmp_path / ".aside-v1")
    (tmp_path / ".partial-1").mkdir()
    remove_leftovers(tmp_path)
    assert verify_folder(tmp_path / "v1")["name"] == "一"
    assert os.listdir(tmp_path) == ["v1"]


@pytest.mark.parametrize("name", ["manifest.json", "a b", "名", ".hidden", "con.txt", "a."])
def test_a_name_that_no_bundle_may_hold_is_not_published(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError), publish_folder(tmp_path / "v1") as folder:
        (folder / name).write_text("a")
    assert list(tmp_path.iterdir()) == []


def test_the_link_moves_to_another_version(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        publish(tmp_path / version)
        point_link(tmp_path / "current", version)
        assert os.readlink(tmp_path / "current") == version
    for wrong in ("v3", "../v1", "", "."):
        with pytest.raises(CallError):
            point_link(tmp_path / "current", wrong)
    assert sorted(os.listdir(tmp_path)) == ["current", "v1", "v2"]


# ------------------------------------------------------------ damage

def test_every_flip_and_every_cut_is_found(tmp_path: Path) -> None:
    draw, folder = random.Random(5), publish(tmp_path / "v1")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for _ in range(200):
        path = draw.choice(files)
        whole = path.read_bytes()
        at = draw.randrange(len(whole))
        flipped = whole[:at] + bytes([whole[at] ^ draw.randrange(1, 256)]) + whole[at + 1 :]
        path.write_bytes(flipped if draw.random() < 0.5 else whole[:at])
        for check in (verify_folder, read_verified):
            with pytest.raises(BundleError, match=re.escape(path.name)):
                check(folder)
        path.write_bytes(whole)
    verify_folder(folder)


def respace(folder: Path) -> None:
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace("\n", " ", 1))


def add(folder: Path) -> None:
    (folder / "members" / "extra.bin").write_text("x")


def take(folder: Path) -> None:
    (folder / "model.json").unlink()


def link_file(folder: Path) -> None:
    (folder / "model.json").rename(folder.parent / "outside")
    (folder / "model.json").symlink_to(folder.parent / "outside")


def link_folder(folder: Path) -> None:
    (folder / "members").rename(folder.parent / "outside")
    (folder / "members").symlink_to(folder.parent / "outside")


def pipe(folder: Path) -> None:
    (folder / "model.json").unlink()
    os.mkfifo(folder / "model.json")


def swap(folder: Path) -> None:
    (folder / "model.json").write_bytes((folder / "members" / "0" / "graph.onnx").read_bytes())


def no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize("harm", [respace, add, take, link_file, link_folder, pipe, swap, no_manifest])
def test_a_folder_that_was_changed_is_refused(tmp_path: Path, harm: object) -> None:
    folder = publish(tmp_path / "v1")
    harm(folder)
    for check in (verify_folder, read_verified):
        with pytest.raises(BundleError):
            check(folder)


ODD = ["../x", "/abs", "a/../../x", "..\\x", "C:x", "x\0y", "%2e%2e/x", "%252e", "．．/x", "x.", "x ", "nul", "LPT1.txt", "a//b",
       "./x", "x/", "", "y" * 300, "Model.json", "manifest.json"]


@pytest.mark.parametrize("name", ODD)
def test_a_manifest_with_an_odd_name_is_refused_though_its_hash_is_right(tmp_path: Path, name: str) -> None:
    folder = publish(tmp_path / "v1")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = manifest["files"]["model.json"]
    sign(folder, manifest)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        verify_folder(folder)


def sign(folder: Path, manifest: dict) -> None:
    manifest.pop("sha256")
    manifest["sha256"] = hashlib.sha256(json_bytes(manifest)).hexdigest()
    (folder / "manifest.json").write_bytes(json_bytes(manifest))


def test_a_folder_larger_than_the_limit_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="larger than 1,000 bytes"):
        read_verified(publish(tmp_path / "v1"), limit=1000)


# ------------------------------------------------------------ killed

def test_a_kill_in_the_middle_leaves_nothing_or_all_of_it(tmp_path: Path) -> None:
    code = (
        "print('go', flush=True)\n"
        "for n in range(1000):\n"
        " with publish_folder(place / f'v{n}') as f:\n"
        "  for k in range(20): (f / f'{k}').write_bytes(bytes(20_000))\n"
    )
    draw, cut = random.Random(1), 0
    for number in range(10):
        place = tmp_path / str(number)
        child = subprocess.Popen(python(code, place), env=environment(), stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(draw.uniform(0.02, 0.2))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        cut += any(entry.name.startswith(".partial-") for entry in place.iterdir())
        remove_leftovers(place)
        for folder in place.iterdir():
            assert len(verify_folder(folder)["files"]) == 20
    assert cut, "no kill fell into the middle: the test shows nothing"


def test_a_second_holder_is_told_the_first_ones_process_and_a_kill_frees_the_lock(tmp_path: Path) -> None:
    code = "with hold(place):\n pid = os.fork()\n print(pid, flush=True) if pid else None\n sys.stdin.read()"
    child = subprocess.Popen(python(code, tmp_path), env=environment(), stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    grandchild = int(child.stdout.readline())
    with pytest.raises(WorkError, match=f"process {child.pid}"), hold(tmp_path):
        pass
    child.kill()
    child.wait()
    with hold(tmp_path):  # although the fork lives on
        os.kill(grandchild, signal.SIGKILL)
    child.stdin.close()
    child.stdout.close()


def test_one_process_cannot_hold_a_folder_twice(tmp_path: Path) -> None:
    with hold(tmp_path):
        with pytest.raises(WorkError, match=str(os.getpid())), hold(tmp_path):
            pass
        refused = subprocess.run(python("with hold(place): pass", tmp_path), env=environment(), capture_output=True, text=True)
        assert "WorkError" in refused.stderr  # the failed second hold has not opened the first one's lock
    with hold(tmp_path):
        pass
