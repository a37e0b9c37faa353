"""Hashed n-grams: what is counted, that a row stands alone, and that nothing damaged is opened."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.contracts import State
from startlm.core.errors import BundleError, CallError
from startlm.tokenizers.ngrams import Ngrams

TEXTS = ["我的卡还没到", "where is my card", "我的 iPhone 卡 还没到!", "Where is MY card?", "退款多久到账", "refund, how long"] * 2
ANY_TEXT = st.text(st.characters(), max_size=40)  # lone surrogates too
FITTED = Ngrams.fit(TEXTS)


def row(encoded, i):
    span = slice(encoded.starts[i], encoded.starts[i + 1])
    return encoded.values[span].tolist(), encoded.weights[span].tolist()


def features(text, **options):
    """How many features one text has, each counted once."""
    return Ngrams.fit([text], **options).vocabulary_size


@settings(max_examples=80, deadline=None)
@given(st.lists(ANY_TEXT, max_size=8))
def test_a_row_is_encoded_the_same_alone_and_beside_others(texts):
    tokenizer = Ngrams.fit(texts + TEXTS)
    together = tokenizer.encode(texts)
    assert [row(together, i) for i in range(len(texts))] == [row(tokenizer.encode([text]), 0) for text in texts]


def test_a_row_is_encoded_the_same_in_whatever_block_it_falls():
    texts = [text * 40 for text in TEXTS] * 60  # several blocks
    tokenizer = Ngrams.fit(texts)
    encoded = tokenizer.encode(texts)
    assert all(row(encoded, i) == row(tokenizer.encode([texts[i]]), 0) for i in range(0, len(texts), 97))


def test_words_and_pieces_of_spaced_scripts_are_counted():
    assert features("ab cd", longest=(2, 1, 0)) == 3  # ab, cd, ab cd
    assert features("abc", longest=(0, 3, 0)) == 4 + 3  # " a" ab bc "c "; " ab" abc "bc "


def test_chinese_is_counted_in_ngrams_that_may_reach_over_to_latin():
    assert features("我的卡", longest=(0, 1, 2)) == 3 + 4  # each; " 我" 我的 的卡 "卡 "
    assert features("用2g", longest=(0, 1, 2)) == 1 + 2  # 用; " 用" 用2, but not 2g


def test_rows_do_not_run_into_each_other():
    tokenizer = Ngrams.fit(["ab 我", "cd 的"], min_rows=1, bits=22)
    assert tokenizer.vocabulary_size == features("ab 我", bits=22) + features("cd 的", bits=22)


def test_case_and_repeated_blanks_do_not_matter():
    encoded = FITTED.encode(["Where IS  my\tcard", "where is my card", "我的   卡", "我的 卡"])
    assert row(encoded, 0) == row(encoded, 1) and row(encoded, 2) == row(encoded, 3)


def test_weights_are_sublinear_tf_idf_of_length_one():
    tokenizer = Ngrams.fit(["a a a b", "b"], longest=(1, 1, 0), min_rows=1, word_weight=1.0)
    values, weights = row(tokenizer.encode(["a a a b"]), 0)
    idf = {1: np.log(3 / 2) + 1, 2: 1.0}
    raw = sorted([(1 + np.log(3)) * idf[1], 1 * idf[2]])
    assert sorted(weights) == pytest.approx(raw / np.linalg.norm(raw), abs=1e-6)
    assert values == sorted(values)


def test_a_feature_seen_in_one_row_is_dropped_while_others_are_left():
    assert Ngrams.fit(["ab", "ab", "xy"], longest=(2, 1, 3)).vocabulary_size == 1
    assert Ngrams.fit(["ab", "xy"], longest=(2, 1, 3)).vocabulary_size == 2


def test_the_most_frequent_are_kept_where_there_are_too_many():
    tokenizer = Ngrams.fit(["ab"] * 3 + ["xy"] * 2, longest=(2, 1, 3), most=1)
    assert len(tokenizer.encode(["ab"]).values) == 1 and len(tokenizer.encode(["xy"]).values) == 0


def test_no_rows_and_empty_rows_are_empty():
    assert len(FITTED.encode([])) == 0
    assert FITTED.encode(["", " ", "\n"]).lengths.tolist() == [0, 0, 0]


def test_a_state_opens_as_the_same_tokenizer_and_holds_no_text():
    state = FITTED.state()
    again = Ngrams.from_state(state).encode(TEXTS)
    assert again.values.tolist() == FITTED.encode(TEXTS).values.tolist() and again.weights.tolist() == FITTED.encode(TEXTS).weights.tolist()
    assert all(array.dtype.kind in "if" for array in state.arrays.values()) and all(type(v) is int for v in state.settings.values())


@pytest.mark.parametrize("settings_change, arrays_change", [
    ({"bits": 60}, {}), ({"bits": "21"}, {}), ({"extra": 1}, {}), ({"words": True}, {}), ({"alone": -1}, {}),
    ({}, {"idf": np.ones(3, np.float32)}), ({}, {"buckets": None}), ({}, {"idf": FITTED.idf.astype(np.float64)}),
    ({}, {"buckets": FITTED.buckets[::-1].copy()}), ({}, {"buckets": FITTED.buckets + np.int32(1 << 23)}), ({}, {"idf": FITTED.idf * np.float32("nan")}),
])
def test_a_damaged_state_is_refused(settings_change, arrays_change):
    state = FITTED.state()
    with pytest.raises(BundleError):
        Ngrams.from_state(State({**state.settings, **settings_change}, {**state.arrays, **arrays_change}))


def test_decoding_is_refused_because_hashes_hold_no_text():
    with pytest.raises(CallError):
        FITTED.decode([1])


def test_hashes_are_the_same_in_every_version_so_that_an_old_bundle_still_answers():
    tokenizer = Ngrams.fit(["where is my 卡"])
    assert tokenizer.buckets[:4].tolist() == [200060, 736128, 1073701, 1650828] and tokenizer.vocabulary_size == 37
    assert tokenizer.encode(["My 卡!"]).values.tolist() == [2, 5, 8, 9, 12, 22, 25, 32, 34, 35]
