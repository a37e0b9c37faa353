"""`startlm schema`: the JSON Schema of startlm.toml, for editors, and of report.json, for whoever reads reports by program."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from ..core.errors import CallError
from ..core.language import say
from ..core.settings_schema import settings_schema
from ..project import SECTIONS
from ..tasks import ASKED


def schema_of(what: str) -> dict[str, Any]:
    """The schema of `settings` or of the `report`. Raises CallError for anything else."""
    if what == "settings":
        return settings_schema(SECTIONS, list(ASKED))
    if what == "report":
        return json.loads(files("startlm.core").joinpath("report.schema.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    raise CallError(say(f"There is no schema of {what!r}.", f"没有 {what!r} 的 JSON Schema。"), say("startlm schema settings, or startlm schema report", "startlm schema settings 或 startlm schema report"))
