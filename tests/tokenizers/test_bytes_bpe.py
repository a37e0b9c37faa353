"""Byte-level BPE loses nothing, keeps nobody's own words and opens no damaged state."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.contracts import State
from startlm.core.errors import BundleError, CallError
from startlm.testing import check_round_trip
from startlm.tokenizers.bytes_bpe import BytesBpe, byte_letters

TEXTS = ["where is my card", "我的卡还没到", "my card has not arrived", "卡到了吗"] * 3
BPE = BytesBpe.fit(TEXTS)
ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)


@given(ANY)
@settings(max_examples=200, deadline=None)
def test_any_string_comes_back(text):
    check_round_trip(BPE, text)


def test_frequent_words_are_few_pieces_and_strange_ones_many():
    lengths = BPE.encode(["where is my card", "wherewithal zzz"]).lengths
    assert lengths[0] == 4 and lengths[1] > 4


def test_a_name_seen_in_two_rows_is_no_piece():
    fitted = BytesBpe.fit(TEXTS + ["Zhangsan Zhangsan Zhangsan Zhangsan"] * 2)
    assert not any("hangs" in piece for piece in fitted.pieces)
    assert any("hangs" in piece for piece in BytesBpe.fit(TEXTS + ["Zhangsan"] * 3).pieces)


def test_padding_cannot_be_written_in_a_text():
    assert (BPE.encode(["<pad>", "\x00", "[PAD]"]).values > 0).all()


def test_the_letters_are_gpt2s():
    letters = byte_letters()
    assert len(set(letters.values())) == 256 and letters[ord("A")] == "A" and letters[ord(" ")] == "Ġ" and letters[0] == "Ā"


def test_a_cut_character_reads_as_a_mark():
    ids = BytesBpe.fit([]).encode(["卡"]).values
    assert BytesBpe.fit([]).decode(ids[:2]) == "\ufffd"


@pytest.mark.parametrize("merges", [
    [["a", "b"], ["a", "b"]],  # twins
    [["ab", "c"], ["a", "b"]],  # out of order, as a cycle must be
    [["a", "卡"]],  # no byte's letter
    [["a", "b", "c"]], ["ab"], [["a", 1]], [["a", ""]],
    [["a" * 2**n, "a" * 2**n] for n in range(12)],  # doubles twelve times
    [["a", "b"]] * 100_001,
])  # fmt: skip
def test_merges_that_no_training_makes_are_refused(merges):
    with pytest.raises(BundleError):
        BytesBpe.from_state(State({"tokenizer": "bytes_bpe", "lower": False, "merges": merges}))


def test_a_vocabulary_without_room_for_bytes_is_refused():
    with pytest.raises(CallError, match="257"):
        BytesBpe.fit(TEXTS, vocabulary=100)


def test_another_process_learns_the_same():
    code = f"from startlm.tokenizers.bytes_bpe import BytesBpe; print(ascii(BytesBpe.fit({TEXTS!r}).merges))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert other.strip() == ascii(BPE.merges)
