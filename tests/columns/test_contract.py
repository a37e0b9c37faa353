"""Every kind of column keeps what the shelf promises."""

from __future__ import annotations

import pytest

from startlm.columns import COLUMNS, Guess
from startlm.core.language import say
from startlm.testing import check_column


@pytest.mark.parametrize("name", COLUMNS)
def test_every_kind_of_column_keeps_its_promises(name: str) -> None:
    check_column(name)


def test_a_kind_that_is_surer_than_sure_is_found_out() -> None:
    class Boaster:
        name = "boaster"
        said = say("boaster", "吹牛")

        @staticmethod
        def guess(values: object, name: str) -> Guess:
            return Guess(2.0, say("of course", "当然"))

    with pytest.raises(AssertionError, match="score"):
        check_column(Boaster)
