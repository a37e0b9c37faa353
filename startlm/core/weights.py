"""Named arrays to bytes and back, in the safetensors format: a JSON header and raw numbers, nothing that runs.

The header is checked here in full before one number is believed, so a file that is not exactly what `to_bytes`
could have written is refused: https://github.com/huggingface/safetensors#format says what the format allows.
"""

from __future__ import annotations

from math import prod
from typing import Any, Mapping

import numpy as np
import safetensors.numpy

from .errors import BundleError
from .language import Said, say
from .strict_json import parse_json

TYPES = {
    "F16": np.dtype("<f2"), "F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "BOOL": np.dtype("?"),
    "I8": np.dtype("i1"), "U8": np.dtype("u1"), "I16": np.dtype("<i2"), "I32": np.dtype("<i4"), "I64": np.dtype("<i8"), "U64": np.dtype("<u8"),
}  # fmt: skip
MOST_HEADER = 1 << 20
MOST_TENSORS = 10_000
MOST_DIMENSIONS = 8
MOST_NUMBERS = 1 << 40  # in one array; numpy counts the other dimensions of an empty one too
LONGEST_NAME = 200


def to_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays as safetensors; the same arrays give the same bytes, in whatever order they come.

    Raises ValueError for what `from_bytes` would refuse (a type not in TYPES, NaN, infinity, a name too long).
    """
    for name, array in arrays.items():
        if why := _unfit(name, array):
            raise ValueError(f"array {name!r}: {why.en}")
    if len(arrays) > MOST_TENSORS:
        raise ValueError(f"more than {MOST_TENSORS} arrays")
    return safetensors.numpy.save({name: np.ascontiguousarray(arrays[name]).reshape(arrays[name].shape) for name in sorted(arrays)})


def from_bytes(data: bytes, *, where: str) -> dict[str, np.ndarray]:
    """The arrays, sorted by name, as read-only views into `data`: nothing is copied.

    `where` is the file's name for the message. Raises BundleError for anything damaged or not written by `to_bytes`.
    """
    try:
        header, start = _header(data)
        entries = sorted(((*_entry(name, value), name) for name, value in header.items()), key=lambda entry: entry[:2])
        _refuse_gaps(entries, len(data) - start)
        arrays = {}
        for begin, _, dtype, shape, name in sorted(entries, key=lambda entry: entry[4]):
            arrays[name] = _view(data, start + begin, dtype, shape)
            if why := _unfit(name, arrays[name]):
                raise _Refused(say(f"{name!r}: {why.en}", f"{name!r}：{why.zh}"))
    except _Refused as refused:
        raise BundleError(
            say(f"{where} is not a weights file that StartLM has written: {refused.why.en}.",
                f"{where} 不是 StartLM 写出的权重文件：{refused.why.zh}。"),
            say("Do not use it. Copy it again from where it is whole, or make it again with the command that made it.",
                "请不要使用它。请从完好的地方重新复制，或用当初生成它的命令重新生成。"),
            where=where,
        ) from refused
    return arrays


class _Refused(ValueError):
    def __init__(self, why: Said) -> None:
        super().__init__(why.en)
        self.why = why


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """The parsed header and where the numbers begin. Layout: uint64 length, little-endian; JSON padded by spaces to 8."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or not 2 <= length <= min(MOST_HEADER, len(data) - 8):
        raise _Refused(say("the length of its header is wrong", "文件头的长度不对"))
    raw = data[8 : 8 + length]
    if not raw.startswith(b"{") or len(raw) - len(raw.rstrip(b" ")) > 7:
        raise _Refused(say("its header is not in the right form", "文件头的格式不对"))
    try:
        header = parse_json(raw)
    except ValueError as error:
        raise _Refused(say(f"its header is not JSON ({error})", f"文件头不是 JSON（{error}）")) from error
    if len(header) > MOST_TENSORS:
        raise _Refused(say(f"it has more than {MOST_TENSORS:,} arrays", f"数组超过 {MOST_TENSORS:,} 个"))
    return header, 8 + length


def _entry(name: str, value: Any) -> tuple[int, int, np.dtype[Any], tuple[int, ...]]:
    """Begin and end in bytes, type and shape of one array, once they fit each other."""
    wrong = _Refused(say(f"the entry of {name!r} is wrong", f"{name!r} 的条目不对"))
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"} or not isinstance(value["dtype"], str):
        raise wrong
    dtype, shape, offsets = TYPES.get(value["dtype"]), value["shape"], value["data_offsets"]
    if dtype is None or not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2 or len(shape) > MOST_DIMENSIONS:
        raise wrong
    # Python's integers do not overflow, so a product of any size is compared as it is.
    if prod(size for size in shape if size) > MOST_NUMBERS or offsets[1] - offsets[0] != prod(shape) * dtype.itemsize:
        raise wrong
    return offsets[0], offsets[1], dtype, tuple(shape)


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _refuse_gaps(entries: list[Any], total: int) -> None:
    """The arrays, in order of place, must cover all bytes after the header once."""
    place = 0
    for begin, end, _, _, name in entries:
        if begin != place:
            raise _Refused(say(f"the place of {name!r} is wrong", f"{name!r} 的位置不对"))
        place = end
    if place != total:
        raise _Refused(say("its length is wrong", "文件长度不对"))


def _view(data: bytes, begin: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    count = prod(shape)
    if dtype.kind == "b" and count and np.frombuffer(data, np.uint8, count, begin).max() > 1:
        raise _Refused(say("a truth value is neither 0 nor 1", "有布尔值既不是 0 也不是 1"))
    if not count:
        return _read_only(np.empty(shape, dtype))
    return np.frombuffer(data, dtype, count, begin).reshape(shape)


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _unfit(name: str, array: np.ndarray) -> Said | None:
    """Why this array may not be stored, or None."""
    if not 0 < len(name) <= LONGEST_NAME or name == "__metadata__":
        return say("its name is not allowed", "名称不允许")
    if array.dtype not in TYPES.values():
        return say(f"its type {array.dtype} is not allowed", f"类型 {array.dtype} 不允许")
    # Minimum and maximum carry NaN and infinity along and, unlike isfinite, need no second array.
    if array.dtype.kind == "f" and array.size and not (np.isfinite(array.min()) and np.isfinite(array.max())):
        return say("it holds NaN or infinity", "含有 NaN 或无穷大")
    return None
