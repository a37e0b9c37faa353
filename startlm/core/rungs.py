"""What training keeps on disk of the ladder: each rung, and each fold of one, is one durable folder, whole or not there."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Iterator, Mapping

import numpy as np

from .contracts import Fitted, Progress
from .durable import json_bytes, publish_folder, read_verified
from .errors import BundleError
from .language import say
from .recipes import name_of, recipe_from_json
from .shelves import look_up
from .states import state_files, state_from_files
from .weights import from_bytes, to_bytes

LOGITS = "logits.safetensors"


@dataclass(frozen=True)
class Rung:
    """One trained rung: what answers, and its logits on the rows that choose, float32 (n, L)."""

    fitted: Fitted
    logits: np.ndarray

    @property
    def name(self) -> str:
        return name_of(self.fitted.recipe)


def fitted_files(fitted: Fitted) -> dict[str, bytes]:
    """The files of what answers."""
    return state_files("tokenizer", fitted.tokenizer.state()) | state_files("engine", fitted.engine)


def keep_rung(target: Path, rung: Rung) -> None:
    """Returns once the rung is durable; what it was fitted from beside it is then forgotten. Raises WorkError."""
    _publish(target, fitted_files(rung.fitted) | {"rung.json": json_bytes(asdict(rung.fitted.recipe)), LOGITS: to_bytes({"logits": rung.logits})})


def read_rung(target: Path, tokenizers: Mapping[str, str]) -> Rung | None:
    """The finished rung that lies here; None where there is none or it is damaged (it is then trained anew, to the same bits)."""
    if (files := _files(target)) is None:
        return None
    recipe = recipe_from_json(state_from_files("rung", files | {"rung.json": files["rung.json"]}).settings)  # type: ignore[arg-type]
    tokenizer = look_up(tokenizers, recipe.tokenizer, say("tokenizer", "分词器")).from_state(state_from_files("tokenizer", files))
    _forget_parts(target)  # a kill may have come before they were
    return Rung(Fitted(recipe, tokenizer, state_from_files("engine", files)), from_bytes(files[LOGITS], where="logits")["logits"])


def keep_fold(target: Path, logits: np.ndarray) -> None:
    """The answers of one fold's model to the rows it has not seen."""
    _publish(target, {LOGITS: to_bytes({"logits": logits})})


def read_fold(target: Path) -> np.ndarray | None:
    """float32 (n, L), or None where the fold is not finished or is damaged."""
    files = _files(target)
    return None if files is None else from_bytes(files[LOGITS], where="logits")["logits"]


def say_damaged(target: Path) -> Iterator[Progress]:
    """A finished rung that lies here and could not be read is said before it is trained anew."""
    if target.is_dir():
        yield Progress("train", said=say(f"The finished rung in {target} is damaged: it is trained anew from the plan.", f"{target} 中已完成的一级已损坏：将按计划重新训练。"))


def _publish(target: Path, files: Mapping[str, bytes]) -> None:
    with publish_folder(target, {"kind": "startlm rung"}, replace=True) as folder:
        for name, data in files.items():
            (folder / name).write_bytes(data)
    _forget_parts(target)


def _files(target: Path) -> dict[str, bytes] | None:
    try:
        return read_verified(target)[1] if target.is_dir() else None
    except BundleError:
        return None


def _forget_parts(target: Path) -> None:
    """The checkpoints and folds that led here."""
    for path in target.parent.glob(f"{target.name}-*"):
        shutil.rmtree(path, ignore_errors=True)
