"""A State (settings and arrays) as files: NAME.json, NAME.safetensors; an ONNX graph lies open as NAME.onnx."""

from __future__ import annotations

from typing import Mapping

import numpy as np

from .contracts import State
from .durable import json_bytes, parse_json
from .errors import BundleError
from .language import say
from .weights import from_bytes, to_bytes

GRAPH = "graph"  # the array that holds an ONNX file's bytes, uint8


def state_files(name: str, state: State) -> dict[str, bytes]:
    """The files of a state, by file name."""
    files = {f"{name}.json": json_bytes(dict(state.settings))}
    arrays = dict(state.arrays)
    if GRAPH in arrays:
        files[f"{name}.onnx"] = arrays.pop(GRAPH).tobytes()
    if arrays:
        files[f"{name}.safetensors"] = to_bytes(arrays)
    return files


def state_from_files(name: str, files: Mapping[str, bytes]) -> State:
    """The state that `state_files` wrote. Raises BundleError where a file is missing or is not what it should be."""
    if f"{name}.json" not in files:
        raise BundleError(say(f"The file {name}.json is missing.", f"缺少文件 {name}.json。"), say("deploy the model again", "请重新部署模型"))
    try:
        settings = parse_json(files[f"{name}.json"])
        if not isinstance(settings, dict):
            raise ValueError("not an object")
    except ValueError as error:
        why = ascii(str(error)[:200])[1:-1]
        raise BundleError(say(f"{name}.json is not what was written ({why}).", f"{name}.json 与写入时不同（{why}）。"),
                          say("deploy the model again", "请重新部署模型")) from error
    arrays: dict[str, np.ndarray] = {}
    if f"{name}.safetensors" in files:
        arrays.update(from_bytes(files[f"{name}.safetensors"], where=f"{name}.safetensors"))
    if f"{name}.onnx" in files:
        arrays[GRAPH] = np.frombuffer(files[f"{name}.onnx"], dtype=np.uint8)
    return State(settings, arrays)
