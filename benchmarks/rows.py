"""The rows of RESULTS.md: a name, the function that measures it, and the modules that its figures depend on.

A row's function takes a `Work` and the row's arguments and returns its figures, plain JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from cascade import ON as CASCADES
from code_path import fingerprint
from columns import TABLES
from label_errors import CHOSEN as LABEL_ERRORS
from pretrained import ON_TEST
from retrieval import TASKS as SEARCHED
from scope import ON as SCOPES
from search_index import ENCODERS as INDEXED
from sets import LABELLING, SETS
from work import Work

LINEAR = ("startlm.families.linear", "startlm.tokenizers.ngrams", "startlm.engines.numpy")
CONVOLUTION = ("startlm.families.convolution", "startlm.tokenizers.pieces", "startlm.engines.onnx")
STEPS = ("startlm.prepare", "startlm.build", "startlm.train", "startlm.predict", "startlm.tasks.classify", "startlm.formats.memory")
BAG = ("startlm.families.bag", "startlm.engines.hidden")
LSTM, TRANSFORMER = ("startlm.families.lstm", "startlm.tokenizers.bytes_bpe"), ("startlm.families.transformer", "startlm.tokenizers.bytes_bpe")
AUTO = (*STEPS, *LINEAR, *BAG, *CONVOLUTION, "startlm.families.lstm")
ENCODERS = ("startlm.families.pretrained", "startlm.families.static", "startlm.families.tuned", "startlm.tokenizers.subwords", "startlm.engines.onnx")
FILES = ("startlm.formats.delimited", "startlm.cli", "startlm.commands.display")


@dataclass(frozen=True)
class Row:
    """`measure` is "module:function" in this folder; `needs` are modules of the package beside those that it imports."""

    measure: str
    arguments: tuple[Any, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """The hash of everything that the row's figures depend on."""
        return fingerprint((self.measure.partition(":")[0], *self.needs))

    def figures(self, work: Work) -> dict[str, Any]:
        module, _, function = self.measure.partition(":")
        return getattr(import_module(module), function)(work, *self.arguments)


ROWS: dict[str, Row] = {
    "help": Row("commands:help_page", needs=("startlm.cli",)),
    "new-100k": Row("commands:new_table", needs=(*FILES, "startlm.commands.new", "startlm.project")),
    "prepare-100k": Row("commands:prepare_table", needs=(*FILES, "startlm.prepare", "startlm.project")),
    "predict-300k": Row("commands:predict_file", needs=(*FILES, "startlm.commands.predict", "startlm.predict", "startlm.tasks.classify", *LINEAR)),
    "scale": Row("scale:measure", needs=(*FILES, "startlm.commands.new", "startlm.project", "startlm.commands.predict", "startlm.predict", "startlm.tasks.classify", *LINEAR)),
    "scale-weibo": Row("scale:weibo", needs=(*FILES, "startlm.commands.inspect", "startlm.commands.new", "startlm.project")),
    "cold-text": Row("commands:cold_text", needs=(*FILES, "startlm.commands.predict", "startlm.predict", "startlm.tasks.classify", *LINEAR, *CONVOLUTION[1:])),
    "demo": Row("commands:demo", needs=(*FILES, "startlm.commands.demo", "startlm.project", *AUTO)),
    **{f"linear-{name}": Row("given:linear_row", (name,), ("linear", *LINEAR)) for name in SETS},
    "int8-speed": Row("int8:measure", needs=("startlm.engines.onnx", *TRANSFORMER)),
    "lstm-speed": Row("given:network_row", ("lstm",), ("networks", *LSTM)),
    "transformer-speed": Row("given:network_row", ("transformer",), ("networks", *TRANSFORMER)),
    **{f"label-errors-{name}": Row("label_errors:measure", (name,), LINEAR) for name in LABEL_ERRORS},
    **{f"columns-{name}": Row("columns:measure", (name,), (*STEPS, "startlm.tasks.score", "startlm.families.trees", "startlm.engines.trees", *LINEAR)) for name in TABLES},
    "families": Row("quality:families", needs=(*AUTO, *LSTM, *TRANSFORMER)),
    "budget": Row("commands:budget", needs=AUTO),
    **{f"labelling-{name}": Row("labelling:measure", (name,)) for name in LABELLING},
    **{f"auto-{name}": Row("quality:auto", (name,), AUTO) for name in SETS},
    **{f"pretrained-{name}": Row("pretrained:measure", (name,), (*AUTO, *ENCODERS)) for name in ON_TEST},
    "pretrained-fewclue-tnews": Row("pretrained:small_parts", needs=(*AUTO, *ENCODERS)),
    "pretrained-fewclue-bustm": Row("pretrained:pairs", needs=(*AUTO, *ENCODERS)),
    **{f"cascade-{name}": Row("cascade:measure", (name,), (*AUTO, *ENCODERS)) for name in CASCADES},
    **{f"scope-{name}": Row("scope:measure", (name,), (*AUTO, *ENCODERS)) for name in SCOPES},
    "few-shot-banking77": Row("few_shot:measure", ("banking77",), (*AUTO, *ENCODERS)),
    **{f"search-{name}": Row("retrieval:measure", (name,), ENCODERS) for name in SEARCHED},
    **{f"search-index-{how}": Row("search_index:measure", (how,), ENCODERS) for how in INDEXED},
    "encoder-serving": Row("encoder_serving:measure", needs=ENCODERS),
    "encoder-training": Row("encoder_training:measure", needs=ENCODERS),
    "tuned-banking77": Row("pretrained:tuned", ("banking77",), (*STEPS, *ENCODERS)),
    **{f"test-{name}": Row("quality:test", (name,), AUTO) for name, chosen in SETS.items() if chosen.test},
}


def chosen_rows(asked: list[str]) -> list[str]:
    """The rows with one of these names, or whose name begins so; all of them where nothing is asked. KeyError: no such row."""
    found = []
    for name in asked:
        matches = [name] if name in ROWS else [row for row in ROWS if row.startswith(f"{name}-")]
        if not matches:
            raise KeyError(name)
        found += matches
    return list(dict.fromkeys(found)) or list(ROWS)
