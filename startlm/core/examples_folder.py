"""The folder that prepare writes and Examples reads: examples.arrow, unlabelled.arrow, findings.csv, rejects.csv, meta.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np

from .durable import publish_folder
from .shelves import import_extra


def cell_column(name: str) -> str:
    """What a column that is read beside the text is called in examples.arrow: it may bear any name."""
    return f"cell {name}"


def row_keys(values: Sequence[str], cells: Mapping[str, np.ndarray]) -> list[str]:
    """What tells rows apart: the text's values and those of the other columns."""
    if not cells:
        return list(values)
    return ["\x1f".join((text, *map(str, row))) for text, row in zip(values, zip(*(column.tolist() for column in cells.values())))]


def write_examples(target: Path, columns: Mapping[str, Any], unlabelled: Mapping[str, Any], *, meta: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Publish the folder at `target`: the columns of both tables, which Examples explains, what is known of them, further files."""
    polars = import_extra("polars")
    text, number = polars.String, polars.Int32
    types = {"row": polars.Int64, "line": polars.Int64, "file": polars.Int32, "text": text, "original": polars.List(text),
             "spans": polars.List(polars.List(number)), "label": number, "part": polars.Int8, "language": text, "group": polars.Int64, "leaks": polars.Boolean, "target": polars.Float64, "labels": polars.List(number)}
    with publish_folder(target, replace=True) as folder:
        for name, table in (("examples", columns), ("unlabelled", unlabelled)):
            frame = polars.DataFrame([polars.Series(column, values, dtype=types.get(column) or _cell_type(values, polars)) for column, values in table.items()])
            frame.write_ipc(folder / f"{name}.arrow", compression="uncompressed")
        (folder / "meta.json").write_text(json.dumps(meta, ensure_ascii=False), encoding="utf-8")
        for name, data in files.items():
            (folder / name).write_bytes(data)


def _cell_type(values: np.ndarray, polars: Any) -> Any:
    """Numbers and dates are float64 (NaN is missing), categories text ("" is missing)."""
    return polars.Float64 if values.dtype.kind == "f" else polars.String
