"""A small encoder with random weights in Hugging Face's form: what a weight folder holds, for tests that need no real one."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from startlm.core.encoders import _NAMES
from startlm.core.language import say
from startlm.core.shelves import look_up
from startlm.families import FAMILIES
from tickets import tickets

WIDTH, WIDE, LAYERS, HEADS, PLACES = 32, 64, 2, 4, 128


def toy_weights(folder: Path, kind: str = "bert", seed: int = 0, **config: Any) -> Path:
    """The folder, filled; `config` replaces what config.json says."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = toy_tokenizer()
    (folder / "tokenizer.json").write_text(tokenizer.to_str(), "utf-8")
    own = {"dim": WIDTH, "n_layers": LAYERS, "n_heads": HEADS, "hidden_dim": WIDE, "activation": "gelu"} if kind == "distilbert" else {
        "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "intermediate_size": WIDE, "hidden_act": "gelu"}
    facts = {"model_type": kind, **own, "vocab_size": tokenizer.get_vocab_size(), "max_position_embeddings": PLACES, "pad_token_id": 0, "layer_norm_eps": 1e-12, **config}
    (folder / "config.json").write_text(json.dumps(facts), "utf-8")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\nA toy.\n", "utf-8")
    save_file(toy_arrays(kind, tokenizer.get_vocab_size(), seed), folder / "model.safetensors")
    return folder


def toy_arrays(kind: str, vocabulary: int, seed: int) -> dict[str, np.ndarray]:
    """Random numbers under the names that this kind gives its weights."""
    random = np.random.default_rng(seed)
    draw = lambda *size, spread=0.3: (random.standard_normal(size) * spread).astype(np.float32)  # noqa: E731
    arrays = {"embeddings.word_embeddings.weight": draw(vocabulary, WIDTH), "embeddings.position_embeddings.weight": draw(PLACES, WIDTH, spread=0.02)}
    if kind in ("bert", "roberta"):
        arrays["embeddings.token_type_embeddings.weight"] = draw(2, WIDTH, spread=0.02)
    if kind == "mpnet":
        arrays["encoder.relative_attention_bias.weight"] = draw(32, HEADS)
    norms = {"embeddings.LayerNorm"}
    for number in range(LAYERS):
        for part, name in _NAMES[kind].items():
            name = name.format(number)
            if part.startswith("norm"):
                norms.add(name)
                continue
            rows, columns = {"wide": (WIDE, WIDTH), "narrow": (WIDTH, WIDE)}.get(part, (WIDTH, WIDTH))
            arrays |= {f"{name}.weight": draw(rows, columns, spread=WIDTH**-0.5), f"{name}.bias": draw(rows, spread=0.02)}
    for name in sorted(norms):
        arrays |= {f"{name}.weight": 1 + draw(WIDTH, spread=0.02), f"{name}.bias": draw(WIDTH, spread=0.02)}
    return arrays


@cache
def toy_tokenizer() -> Tokenizer:
    texts = [row["message"].lower() for row in tickets(400, seed=9, teams=("money", "post", "tea"))]
    words, letters = (sorted(set(found)) for found in (" ".join(texts).split(), "".join(texts).replace(" ", "")))
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{letter}" for letter in letters), *(word for word in words if word.isascii() and word.isalpha() and len(word) > 1)]
    pieces += [f"[unused{number}]" for number in range(600 - len(pieces))]
    tokenizer = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))  # learnt ones differ from run to run
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    ends = [("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return tokenizer


@cache
def shared_toy_weights() -> Path:
    """One folder for all tests of a process."""
    folder = Path(tempfile.mkdtemp(prefix="startlm-toy-weights-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return toy_weights(folder)


def built_on(family: str) -> dict[str, str]:
    """The settings under [build] that this family needs beside its name."""
    needs = getattr(look_up(FAMILIES, family, say("family", "模型种类")), "needs", ())
    return {"weights": str(shared_toy_weights())} if "weights" in needs else {}
