"""Weights come back as they were stored, and nothing else is taken for weights."""

from __future__ import annotations

import io
import json
import pickle
import random
import zipfile
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from startlm.core.errors import BundleError
from startlm.core.weights import TYPES, from_bytes, to_bytes

numbers = st.sampled_from(list(TYPES.values())).flatmap(
    lambda dtype: hnp.arrays(
        dtype,
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
        elements={"allow_nan": False, "allow_infinity": False} if dtype.kind == "f" else None,
    )
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("abc.0中", min_size=1, max_size=8), numbers, max_size=5))
def test_arrays_come_back_bit_for_bit_read_only_and_as_the_library_reads_them(arrays: dict[str, np.ndarray]) -> None:
    data = to_bytes(arrays)
    assert data == to_bytes(dict(reversed(arrays.items())))
    read, library = from_bytes(data, where="w"), safetensors.numpy.load(data)
    assert list(read) == sorted(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype and read[name].shape == array.shape == library[name].shape
        assert read[name].tobytes() == array.tobytes() == library[name].tobytes()
        assert not read[name].flags.writeable


def test_nothing_is_copied_and_a_transposed_array_keeps_its_values() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    data = to_bytes({"a": array})
    read = from_bytes(data, where="w")["a"]
    assert np.array_equal(read, array)
    assert np.shares_memory(read, np.frombuffer(data, np.uint8))


@pytest.mark.parametrize("array", [np.array([np.nan]), np.array([-np.inf], np.float16), np.array(["a"]), np.array([None]), np.uint32([1])])
def test_what_could_not_be_read_again_is_not_written(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="array 'a'"):
        to_bytes({"a": array})


def raw(header: Any, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + body


def one(dtype: Any = "F32", shape: Any = (1,), offsets: Any = (0, 4), **more: Any) -> dict[str, Any]:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}}


FOUR = bytes(4)
BAD = {
    "empty": b"",
    "too short": b"\2\0\0",
    "header of length 0": raw(b"", FOUR),
    "header of length 2^63": raw(one(), FOUR, 1 << 63),
    "header longer than the file": raw(one(), FOUR, 1 << 12),
    "header over 1 MB": raw(json.dumps(one()).encode() + b" " * (1 << 20), FOUR),
    "leading space": raw(b" " + json.dumps(one()).encode(), FOUR),
    "trailing space": raw(json.dumps(one()).encode() + b" " * 8, FOUR),
    "not UTF-8": raw(b'{"\xff": 1}'),
    "a list": raw([]),
    "a key twice": raw(b'{"a": 1, "a": 2}'),
    "deep": raw(b'{"a":' * 90_000 + b"}" * 90_000),
    "NaN in the header": raw(b'{"a": NaN}'),
    "metadata": raw({"__metadata__": {"a": "b"}, **one()}, FOUR),
    "unknown type": raw(one("BF16", (2,)), FOUR),
    "type not a string": raw(one(["F32"]), FOUR),
    "a further key": raw(one(strides=[1]), FOUR),
    "negative offset": raw(one(offsets=(-4, 0)), FOUR),
    "gap before": raw(one(offsets=(4, 8)), FOUR * 2),
    "bytes left over": raw(one(), FOUR * 2),
    "bytes missing": raw(one(), b"\0\0\0"),
    "overlap": raw({**one(), "b": one()["a"]}, FOUR),
    "shape and length differ": raw(one(shape=(2,)), FOUR),
    "overflow to 4": raw(one("I8", (1 << 32, 1 << 32, 4)), FOUR),
    "huge empty": raw(one(shape=(0, 1 << 62, 1 << 62), offsets=(0, 0))),
    "negative size": raw(one(shape=(-1, -1)), FOUR),
    "size as a float": raw(one(shape=(1.0,)), FOUR),
    "size as a truth value": raw(one(shape=(True,)), FOUR),
    "40 dimensions": raw(one(shape=(1,) * 40), FOUR),
    "10,001 arrays": raw({str(i): one("U8", (0,), (0, 0))["a"] for i in range(10_001)}),
    "a name of 300": raw({"a" * 300: one()["a"]}, FOUR),
    "NaN": raw(one(), np.float32([np.nan]).tobytes()),
    "infinity": raw(one(), np.float32([np.inf]).tobytes()),
    "a truth value of 2": raw(one("BOOL", (1,), (0, 1)), b"\2"),
    "a pickle": pickle.dumps({"a": [1.0] * 100}),
}


@pytest.mark.parametrize("name", BAD)
def test_abuse_is_refused(name: str) -> None:
    with pytest.raises(BundleError, match=r"^net\.safetensors is not a weights file"):
        from_bytes(BAD[name], where="net.safetensors")


def test_the_abused_header_without_the_abuse_is_read() -> None:
    assert from_bytes(raw(one(), FOUR), where="w")["a"].tolist() == [0.0]


def test_a_zip_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", "x" * 1000)
    with pytest.raises(BundleError):
        from_bytes(buffer.getvalue(), where="w")
    with pytest.raises(BundleError):  # weights with a zip behind them
        from_bytes(to_bytes({"a": np.ones(3)}) + buffer.getvalue(), where="w")


def test_a_flip_in_the_header_or_a_cut_gives_an_error_of_ours_or_arrays_of_the_same_size() -> None:
    whole = to_bytes({"a": np.ones((3, 2), np.float32), "b": np.arange(5)})
    draw = random.Random(7)
    for _ in range(1000):
        at = draw.randrange(len(whole))
        with pytest.raises(BundleError):
            from_bytes(whole[:at], where="w")
        try:
            read = from_bytes(whole[:at] + bytes([whole[at] ^ (1 << draw.randrange(8))]) + whole[at + 1 :], where="w")
        except BundleError:
            continue
        assert sum(array.nbytes for array in read.values()) == 64  # what is left to find is the hash's part
