"""Every format on the shelf keeps the published contract."""

import pytest

from startlm.formats import FORMATS, find_format
from startlm.formats.delimited import Delimited
from startlm.testing import check_format


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_keeps_its_contract(name):
    check_format(name)


def test_a_format_that_loses_the_last_row_is_found_out():
    class Forgetful(Delimited):
        @staticmethod
        def writer(stream, columns, **options):
            writer = Delimited.writer(stream, columns, **options)
            rows = iter(range(2))
            write = writer.write
            writer.write = lambda values: write(values) if next(rows, None) is not None else None
            return writer

    with pytest.raises(AssertionError, match="what is written is read again"):
        check_format(Forgetful)


def test_the_name_of_a_member_is_its_name_on_the_shelf():
    assert [find_format(name).name for name in FORMATS] == list(FORMATS)
