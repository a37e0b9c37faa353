"""Tuned: a pretrained encoder that goes on learning on the company's own rows: whole, or by small differences (LoRA)."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..core.contracts import Facts, Recipe
from ..core.encoder_heads import Prototypes
from ..core.encoder_heads import Tuned as Network
from ..core.encoders import Shape, adapt, freeze, shape_of
from ..core.errors import CallError
from ..core.language import say
from ..core.weight_folders import find_weights
from .encoders import described, loaded_encoder, named_weights, subwords

RANK = 16  # of the differences that LoRA learns
LARGE = 200_000_000  # weights in the layers; from there on LoRA, whose optimiser needs a hundredth of the memory
NEVER = 10**9  # steps between two looks at dev: the end alone, where the rate has come down; an earlier one is best by luck, and steps not taken cost more
FEW, SHARP = 16, 20.0  # rows a label up to which there are few; times the cosine
WAYS = {"full": say("all layers learn", "所有层都学习"), "few-shot": say("few rows a label: a vector for each label, and all layers learn", "每个标签只有几行：每个标签一个向量，所有层都学习"),
        "lora": say(f"each layer learns a difference of rank {RANK}", f"每层学习一个秩为 {RANK} 的差")}


class Tuned:
    """Fine-tuning: its vectors of words stay as they are, all else learns."""

    name = "tuned"
    engine = "onnx"
    needs = ("text", "weights", "text alone")
    tasks = ("classify", "classify_several")

    @staticmethod
    def recipe(facts: Facts, size: str) -> Recipe:
        """`size` has nothing to choose. Raises CallError where the weights that facts name are not there or of an unknown kind, and for few-shot of several labels."""
        weights = find_weights(facts.weights)
        shape = shape_of(weights)
        if facts.way == "few-shot" and (facts.several or facts.numeric):
            raise CallError(say('way = "few-shot" takes one label a row.', 'way = "few-shot" 要求每行一个标签。'),
                            say('leave way out under [build], or write way = "frozen" or "full"', '在 [build] 下去掉 way，或写 way = "frozen" 或 "full"'))
        way = facts.way if facts.way in WAYS else _suited(shape, facts)
        options = described(weights) | {
            "way": way, "longest": weights.longest, "dropout": 0.1, "layer_dropout": 0.0, "label_smoothing": 0.1, "head_rate": 20.0,
            "learning_rate": 2e-4 if way == "full" else 1e-3, "warm_up": 0.1, "decay": "linear", "weight_decay": 0.01,
            "epochs": 4 if facts.rows >= 5_000 else 8, "batch_rows": 32, "clip": 1.0, "dev_every": NEVER,
        }  # fmt: skip
        if way == "full":
            options["pool"] = 32  # docs/decisions/0020; not tried for the others
        if way == "few-shot":
            options |= {"learning_rate": 1e-4, "label_smoothing": 0.0, "sharp": SHARP, "batch_rows": 64}
        reason = say(f"the encoder {weights.label} (licence {weights.licence}); {WAYS[way].en}", f"编码器 {weights.label}（许可证 {weights.licence}）；{WAYS[way].zh}")
        head = (shape.width * (4 if facts.pair else 1) + (way != "few-shot")) * facts.labels
        return Recipe("tuned", way, "subwords", {"weights": weights.name, "columns": list(facts.pair)}, options, _learning(shape, way) + head, reason)

    @staticmethod
    def network(recipe: Recipe, vocabulary_size: int, labels: int) -> nn.Module:
        """Raises CallError for weights that are not there or have changed since the recipe was made."""
        options: dict[str, Any] = dict(recipe.options)
        weights = named_weights(recipe)
        encoder = loaded_encoder(weights, subwords(weights, recipe.tokenizer_options["columns"]))
        if options["way"] == "lora":
            adapt(encoder, RANK)
        else:
            freeze(encoder, "words")
        for layer in encoder.layers:
            layer.dropout.p = options["layer_dropout"]
        if options["way"] == "few-shot":
            return Prototypes(encoder, labels, sharp=options["sharp"], head_rate=options["head_rate"], longest=options["longest"])
        return Network(encoder, labels, dropout=options["dropout"], head_rate=options["head_rate"], longest=options["longest"])


def _suited(shape: Shape, facts: Facts) -> str:
    """The way for these rows where none is asked for: LoRA for large weights, few-shot where there are few rows a label, else all layers."""
    if _learning(shape, "full") > LARGE:
        return "lora"
    return "few-shot" if facts.rows <= FEW * facts.labels and not facts.several else "full"


def _learning(shape: Shape, way: str) -> int:
    """How many numbers of the encoder learn."""
    width, wide = shape.width, shape.wide
    norms, biases = 4 * width, 5 * width + wide
    if way == "lora":
        return shape.layers * (norms + biases + RANK * (8 * width + 2 * wide)) + 2 * width
    return shape.layers * (norms + biases + 4 * width**2 + 2 * width * wide) + shape.places * width + 2 * width + shape.buckets * shape.heads
