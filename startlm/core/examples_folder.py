"""The folder that prepare writes and Examples reads: examples.arrow, unlabelled.arrow, findings.csv, rejects.csv, meta.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

from .durable import publish_folder
from .shelves import import_extra


def write_examples(target: Path, columns: Mapping[str, Any], unlabelled: Mapping[str, Any], *, meta: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Publish the folder at `target`: the columns of both tables, which Examples explains, what is known of them, further files."""
    polars = import_extra("polars")
    text, number = polars.String, polars.Int32
    types = {"row": polars.Int64, "line": polars.Int64, "file": polars.Int32, "text": text, "original": polars.List(text),
             "spans": polars.List(polars.List(number)), "label": number, "part": polars.Int8, "language": text, "group": polars.Int64, "leaks": polars.Boolean}
    with publish_folder(target, replace=True) as folder:
        for name, table in (("examples", columns), ("unlabelled", unlabelled)):
            frame = polars.DataFrame([polars.Series(column, values, dtype=types[column]) for column, values in table.items()])
            frame.write_ipc(folder / f"{name}.arrow", compression="uncompressed")
        (folder / "meta.json").write_text(json.dumps(meta, ensure_ascii=False), encoding="utf-8")
        for name, data in files.items():
            (folder / name).write_bytes(data)
