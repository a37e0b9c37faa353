"""What the system says when a file is read or written, as our errors, with what to do."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from .errors import BundleError, WorkError
from .language import Said, say

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def damaged(folder: Path, name: str, why: Said) -> BundleError:
    """The error for a published folder in which the file `name` is wrong."""
    name = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return BundleError(
        say(f"{folder} was altered or damaged: {name}: {why.en}.", f"{folder} 被改动过或已损坏：{name}：{why.zh}。"),
        say("Do not use it. Copy it again from where it is whole, or make it again with the command that made it.",
            "请不要使用它。请从完好的地方重新复制，或用当初生成它的命令重新生成。"),
        where=str(folder / name),
    )


@contextmanager
def bundle_errors(folder: Path, name: str) -> Iterator[None]:
    """Around the reading of one file of a published folder: OSError becomes BundleError."""
    try:
        yield
    except OSError as error:
        raise damaged(folder, name, say(f"it cannot be read ({error.strerror})", f"无法读取（{error.strerror}）")) from error


@contextmanager
def work_errors(path: Path) -> Iterator[None]:
    """Around our own writing: every OSError becomes WorkError."""
    try:
        yield
    except OSError as error:
        raise work_error(path, error) from error


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Around a caller's own work: only what a disk says when written to is ours to translate."""
    try:
        yield
    except OSError as error:
        if error.errno not in (*FULL, errno.EROFS, errno.EIO):
            raise
        raise work_error(path, error) from error


def work_error(path: Path, error: OSError) -> WorkError:
    """What the system said while `path` was written, as a WorkError that says what to do."""
    if error.errno in FULL:
        return WorkError(say(f"The disk is full: {path} was not written.", f"磁盘已满：{path} 没有写入。"),
                         say("Free some space, then give the same command again.", "请腾出一些空间，然后重新运行同一条命令。"),
                         where=str(path))
    if error.errno in FORBIDDEN:
        return WorkError(say(f"{path} may not be written here.", f"没有权限写入 {path}。"),
                         say("Make the folder writable, or choose another one, then give the same command again.",
                             "请把该文件夹改为可写，或换一个文件夹，然后重新运行同一条命令。"),
                         where=str(path))
    return WorkError(say(f"{path} was not written: {error.strerror}.", f"{path} 没有写入：{error.strerror}。"),
                     say("Look at the place named, then give the same command again.", "请检查所指的位置，然后重新运行同一条命令。"),
                     where=str(path))


def already_there(target: Path) -> WorkError:
    """The error for a place that is to be written and is not empty."""
    return WorkError(say(f"{target} is already there.", f"{target} 已经存在。"),
                     say("Choose another name, or move the old one away.", "请换一个名称，或把旧的移走。"), where=str(target))


def taken(folder: Path, pid: str) -> WorkError:
    """The error for a folder that another process holds."""
    return WorkError(say(f"Another run (process {pid or 'unknown'}) is at work in {folder}.",
                         f"另一个运行（进程 {pid or '未知'}）正在使用 {folder}。"),
                     say("Wait until it has finished, then give the same command again.", "请等它结束，然后重新运行同一条命令。"),
                     where=str(folder))
