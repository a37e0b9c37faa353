"""Every member of the tokenizers shelf keeps the published contract."""

import numpy as np
import pytest

from startlm.core.contracts import Ragged
from startlm.testing import check_tokenizer
from startlm.tokenizers import TOKENIZERS
from startlm.tokenizers.characters import Characters
from toy_weights import shared_toy_weights


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_tokenizer_of_the_shelf_keeps_its_promises(name):
    check_tokenizer(name, **({"weights": str(shared_toy_weights())} if name == "subwords" else {}))


@pytest.mark.parametrize("name", ["pieces", "bytes_bpe", "characters"])
def test_case_folded_or_not_the_promises_hold(name):
    for lower in (True, False):
        check_tokenizer(name, lower=lower)


def test_the_check_finds_a_tokenizer_that_loses_spaces():
    class Stripping(Characters):
        def encode(self, texts):
            return super().encode([text.strip() for text in texts])

    with pytest.raises(AssertionError, match="comes back"):
        check_tokenizer(Stripping)


def test_the_check_finds_a_row_that_depends_on_its_neighbours():
    class Neighbourly(Characters):
        def encode(self, texts):
            encoded = super().encode(texts)
            return Ragged(np.minimum(encoded.values, len(texts)), encoded.starts)

    with pytest.raises(AssertionError, match="alone and beside others"):
        check_tokenizer(Neighbourly)


def test_the_check_finds_a_damaged_state_that_is_opened():
    class Trusting(Characters):
        @classmethod
        def from_state(cls, state):
            return cls(state.arrays.get("known"), bool(state.settings.get("lower")))

    with pytest.raises(AssertionError, match="refused"):
        check_tokenizer(Trusting)
