"""Every family keeps the published contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from startlm.families import FAMILIES
from startlm.families.linear import Linear
from startlm.testing import check_family
from toy_weights import built_on


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_keeps_its_promises(family: str, tmp_path: Path) -> None:
    check_family(family, tmp_path, **built_on(family))


def test_the_check_notices_a_family_that_guesses(tmp_path: Path) -> None:
    class Guessing(Linear):
        @staticmethod
        def fit_steps(train, dev, labels, recipe, seed):
            yield from Linear.fit_steps(type(train)(train.texts, 1 - train.labels), dev, labels, recipe, seed)

    with pytest.raises(AssertionError, match="learnt"):
        check_family(Guessing, tmp_path)
