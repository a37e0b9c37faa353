"""Personal data is found by its form and check digit, in Chinese and English, half and full width; what only looks like it is not."""

import pytest

from startlm.core.personal import count_personal, find_personal
from startlm.formats import open_table
from startlm.sample.company import write_sample

FOUND = {
    "身份证１１０１０５１９４９１２３１００２Ｘ": {"resident_id"},
    "my id: 11010519491231002x.": {"resident_id"},
    "退到卡 6200 0000 0000 0005": {"bank_card"},
    "card 4111-1111-1111-1111 please": {"bank_card"},
    "电话13812345678，微信同号": {"mobile"},
    "call +86 138 1234 5678": {"mobile"},
    "ring 07700 900123 or (555) 123-4567": {"mobile"},
    "回复到lin.wei+tea@example.com。": {"email"},
    "a@b.co 13812345678": {"email", "mobile"},
}
NOT_FOUND = ["110105194912310021", "11010519491331002X", "order 6200000000000004", "1111111111111111", "price 13812345.678", "2024-01-02 03:04:05", "user@host", "0000 0000", "@tea", "138123456789"]


@pytest.mark.parametrize("text", FOUND)
def test_what_is_personal_is_found(text):
    assert find_personal(text) == FOUND[text]


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_only_looks_like_it_is_not(text):
    assert find_personal(text) == set()


def test_every_value_that_the_sample_plants_is_found_with_its_kind(tmp_path):
    planted = write_sample(tmp_path)
    table = open_table(tmp_path / "messages.csv")
    texts = [row.values[table.columns.index("message")] for row in table.rows()]
    missed = [each for each in planted.personal if each["kind"] not in find_personal(texts[each["row"] - 1])]
    assert len(planted.personal) > 50 and missed == []


def test_rows_are_counted_once_a_kind():
    assert count_personal(["a@b.co c@d.co", "nothing", "x@y.co"]) == {"email": 2}
