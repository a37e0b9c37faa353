"""An index on disk: what was written is found again, equal texts once with all their rows; altered, cut or crafted, it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from damage import files_of, mutations, seal
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.errors import BundleError, CallError
from startlm.core.strict_json import json_bytes, parse_json
from startlm.core.weights import from_bytes, to_bytes
from startlm.search.index import Facts, Index, Place, build_index_steps, read_index, write_index
from tickets import tickets
from toy_encoder import toy_encoder

TEXTS = ["where is my card", "我的卡还没到", "", "refund, please", "where is my card", "物流太慢 😀"]
PLACES = [Place(0, 2), Place(0, 3), Place(0, 4), Place(0, 5), Place(1, 2), Place(1, 4)]


def made(texts: list[str] = TEXTS, places: list[Place] = PLACES, **given: Any) -> Index:
    *_, last = build_index_steps(texts, places, Facts("message", ["a.csv", "b.csv"], "abc"), **given)
    return last.result  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with an encoder."""
    folder = tmp_path_factory.mktemp("search") / "message"
    write_index(made(encoder=toy_encoder()), folder)
    return folder


def test_a_text_that_stands_in_several_rows_is_found_once_with_all_of_them(tmp_path: Path) -> None:
    write_index(made(), tmp_path / "message")
    index = read_index(tmp_path / "message")
    assert (index.column, index.fingerprint, index.files, len(index.texts)) == ("message", "abc", ("a.csv", "b.csv"), 4)
    (hit,) = index.search("CARDS where")
    assert (hit.rank, hit.text, hit.places) == (1, "where is my card", (Place(0, 2), Place(1, 2)))
    assert [hit.text for hit in index.search("卡没到")] == ["我的卡还没到"] and index.search("xyz") == []
    with pytest.raises(CallError, match="vectors"):
        index.search("card", way="vectors")


def test_with_an_encoder_every_text_is_ranked_and_the_stored_index_answers_the_same(whole: Path) -> None:
    index, again = made(encoder=toy_encoder()), read_index(whole)
    for way in (None, "fused", "vectors", "bm25"):
        assert index.search("我的卡 refund", 3, way=way) == again.search("我的卡 refund", 3, way=way)
    assert len(again.search("xyz", way="vectors")) == 4 and again.search("我的卡还没到", way="vectors")[0].text == "我的卡还没到"
    assert again.search("我的卡还没到", way="vectors")[0].score == pytest.approx(1.0, abs=2e-3)


def test_rows_that_were_encoded_before_are_not_encoded_again_and_give_the_same_index(monkeypatch: pytest.MonkeyPatch) -> None:
    import startlm.search.index as module

    texts = [row["message"] for row in tickets(40)]
    places = [Place(0, line) for line in range(40)]
    old, new = made(texts[:30], places[:30], encoder=toy_encoder()), made(texts, places, encoder=toy_encoder())
    asked: list[str] = []
    encode = module.encode
    monkeypatch.setattr(module, "encode", lambda tokenizer, engine, texts: asked.extend(texts) or encode(tokenizer, engine, texts))
    grown = made(texts, places, encoder=toy_encoder(), known=old)
    assert set(asked) - {""} == set(texts[30:]) - set(texts[:30])
    assert grown.vectors.stored.tobytes() == new.vectors.stored.tobytes()


def test_above_exact_texts_there_are_cells_and_an_old_index_spares_the_encoder_there_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import startlm.search.index as module

    texts = [f"{row['message']} {number}" for number, row in enumerate(tickets(260))]
    places = [Place(0, line) for line in range(260)]
    old, new = (made(texts[:count], places[:count], encoder=toy_encoder(), exact=200) for count in (220, 260))
    assert (len(old.vectors.cells), len(new.vectors.cells)) == (59, 64) and made(texts, places, encoder=toy_encoder(), exact=260).vectors.cells is None
    asked: list[str] = []
    encode = module.encode
    monkeypatch.setattr(module, "encode", lambda tokenizer, engine, texts: asked.extend(texts) or encode(tokenizer, engine, texts))
    write_index(old, tmp_path / "old")
    grown = made(texts, places, encoder=toy_encoder(), known=read_index(tmp_path / "old"), exact=200)
    assert set(asked) - {""} == set(texts[220:]) and to_bytes(grown.vectors.state().arrays) == to_bytes(new.vectors.state().arrays)
    write_index(grown, tmp_path / "grown")
    assert read_index(tmp_path / "grown").search("我的卡 refund", 30) == grown.search("我的卡 refund", 30) == new.search("我的卡 refund", 30)


@given(st.lists(st.tuples(st.text(max_size=8), st.integers(0, 1), st.integers(0, 2**40)), max_size=8))
@settings(max_examples=12, deadline=None)
def test_any_texts_make_the_round_trip(rows: list[tuple[str, int, int]]) -> None:
    from tempfile import TemporaryDirectory

    texts = [text.encode("utf-8", "replace").decode() for text, _, _ in rows]
    index = made(texts, [Place(file, line) for _, file, line in rows])
    with TemporaryDirectory() as folder:
        write_index(index, Path(folder) / "index")
        again = read_index(Path(folder) / "index")
    assert list(again.texts) == list(index.texts) == list(dict.fromkeys(filter(None, texts)))
    assert [tuple(each) for each in again.places] == list(index.places)


# ------------------------------------------------------------- altered

@pytest.mark.parametrize("sealed", [False, True])
def test_an_altered_index_is_refused_or_answers(whole: Path, tmp_path: Path, sealed: bool) -> None:
    """Without its hash made right every change is seen; with it, what cannot be told from an index must still answer."""
    import shutil

    copy, refused = tmp_path / "message", 0
    shutil.copytree(whole, copy)
    for name, content in mutations(whole, 150, seed=20261125):
        if name == "manifest.json" and sealed:
            continue
        before = (copy / name).read_bytes()
        (copy / name).write_bytes(content)
        if sealed:
            seal(copy)
        try:
            index = read_index(copy)
            for query in ("我的卡", "card", "zzz"):
                index.search(query, 5)
        except BundleError:
            refused += 1
        (copy / name).write_bytes(before)
        (copy / "manifest.json").write_bytes((whole / "manifest.json").read_bytes())
    assert refused == 150 if not sealed else refused > 20


def _record(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, bytes]], None]:
    def alter(files: dict[str, bytes]) -> None:
        facts = parse_json(files["index.json"])
        change(facts)
        files["index.json"] = json_bytes(facts)

    return alter


def _arrays(file: str, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict[str, bytes]], None]:
    def alter(files: dict[str, bytes]) -> None:
        arrays = dict(from_bytes(files[file], where=file))
        files[file] = to_bytes({**arrays, name: change(arrays[name].copy())})

    return alter


CRAFTED = {
    "another schema": _record(lambda facts: facts.update(schema=2)), "a key too many": _record(lambda facts: facts.update(more=1)), "a key too few": _record(lambda facts: facts.pop("weight")),
    "a column that moves the cursor": _record(lambda facts: facts.update(column="a\x1b[2J")), "a weight above 1": _record(lambda facts: facts.update(weight=1.5)),
    "another number of texts": _record(lambda facts: facts.update(texts=5)), "fewer files": _record(lambda facts: facts.update(files=["a.csv"])),
    "an engine that is none": _record(lambda facts: facts["encoder"].update(engine="pickle")), "no encoder, but its files": _record(lambda facts: facts.update(encoder=None)),
    "bytes that are no text": _arrays("rows.safetensors", "bytes", lambda raw: np.full_like(raw, 0xFF)),
    "texts that overlap": _arrays("rows.safetensors", "text_starts", lambda starts: starts[::-1].copy()), "a file that is none": _arrays("rows.safetensors", "files", lambda files: files + 7),
    "a line before the first": _arrays("rows.safetensors", "lines", lambda lines: lines - 100), "places beyond the end": _arrays("rows.safetensors", "place_starts", lambda starts: starts + 1),
    "vectors longer than 1": _arrays("vectors.safetensors", "vectors", lambda vectors: vectors * 3), "a vector too few": _arrays("vectors.safetensors", "vectors", lambda vectors: vectors[1:]),
    "vectors of another width": _arrays("vectors.safetensors", "vectors", lambda vectors: vectors[:, :7]), "a row of postings beyond the end": _arrays("bm25.safetensors", "rows", lambda rows: rows + 4),
    "a file too many": lambda files: files.update({"more.json": b"{}\n"}), "no rows": lambda files: files.pop("rows.safetensors") and None,
    "no engine": lambda files: files.pop("encoder/engine.onnx") and None, "no tokenizer": lambda files: files.pop("encoder/tokenizer.json") and None,
}  # fmt: skip


@pytest.mark.parametrize("what", CRAFTED)
def test_a_crafted_index_whose_hashes_are_right_is_refused(whole: Path, tmp_path: Path, what: str) -> None:
    files = files_of(whole)
    CRAFTED[what](files)
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    seal(tmp_path)
    with pytest.raises(BundleError):
        read_index(tmp_path).search("我的卡 where is my card", 5)
