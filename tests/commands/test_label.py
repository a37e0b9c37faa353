"""`startlm label` with a person made of a table: what is asked, in which order, what is written down, what it trains."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any, Iterator

import pytest

from startlm import prepare_examples
from startlm.commands import label as command
from startlm.commands.label import Asked, label_rows
from startlm.commands.label_person import Leave, Person
from startlm.commands.new import look_at
from startlm.core.durable import hold
from startlm.core.errors import CallError, WorkError
from startlm.core.language import speaking
from tickets import tickets

TEAMS = ("money", "post", "tea")
ROWS = tickets(200, teams=TEAMS)
TRUTH = {row["message"]: row["team"] for row in ROWS}


class Truthful:
    """Gives each message its team, one after the other; with `most` answers she has had enough. Remembers all that she was told."""

    def __init__(self, most: int = 10**9, truth: dict[str, str] = TRUTH, first: str = "") -> None:
        self.most, self.truth, self.first = most, truth, list(first)
        self.said: list[str] = []
        self.asked: list[list[str]] = []

    def __enter__(self) -> Truthful:
        return self

    def __exit__(self, *_: Any) -> None:
        return None

    def tell(self, said: Any = "", style: str = "") -> None:
        self.said.append(str(said))
        if style == "dim":
            self.asked.append([])
        elif style == "bold" and str(said).startswith("   "):
            self.asked[-1].append(str(said)[3:])

    def key(self) -> str:
        self.most -= 1
        if self.most < 0:
            return "q"
        if self.first:
            return self.first.pop(0)
        return "n" if len({self.truth[text] for text in self.asked[-1]}) == 1 else "s"

    def line(self, prompt: Any, begun: str = "") -> str:
        return begun + self.truth[self.asked[-1][0]]

    def told(self, words: str) -> list[str]:
        return [said for said in self.said if words in said]


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """label(person, …) is one session in tmp_path / "desk" on the tickets without their teams."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "inbox.csv", [{"id": row["id"], "message": row["message"]} for row in ROWS])

    def session(person: Truthful, who: str = "ann", data: str | None = "inbox.csv", text: str | None = None, check: str | None = None) -> dict[str, Any]:
        monkeypatch.setattr(command, "Terminal", lambda *, aside: person)
        return label_rows(Asked("desk", data, text, who, check, {}), as_json=False)[0]

    return session


# ------------------------------------------------------ what is written down

def test_each_label_says_whose_it_is_and_where_its_row_stands(label: Any) -> None:
    result = label(Truthful(30))
    rows = read(Path("desk/labels.csv"))
    assert [list(row) for row in rows] == [["text", "label", "who", "when", "row", "part"]] * len(rows) and len(rows) == result["labelled"]
    assert all(ROWS[int(row["row"]) - 1]["message"] == row["text"] and TRUTH[row["text"]] == row["label"] and row["who"] == "ann" for row in rows)
    assert all(row["when"].startswith("20") and row["when"].endswith("+00:00") for row in rows)


def test_a_random_part_is_drawn_first_and_only_that_tests(label: Any) -> None:
    result = label(Truthful())
    drawn = json.loads(Path("desk/label.json").read_text("utf-8"))["test"]
    rows = read(Path("desk/labels.csv"))
    assert sorted(int(row["row"]) for row in rows if row["part"] == "test") == sorted(drawn) and result["test"] == len(drawn) == 40
    singles = [row["part"] for row in rows[rows.index(next(row for row in rows if row["part"] == "test")):]]
    assert singles[:40] == ["test"] * 40 and set(singles[40:]) == {"train"}


def test_every_message_is_asked_once_and_the_end_is_said(label: Any) -> None:
    person = Truthful()
    result = label(person)
    assert result["labelled"] == 200 == len({row["row"] for row in read(Path("desk/labels.csv"))}) and person.told("Everything is labelled")


def test_equal_and_nearly_equal_messages_are_asked_for_once(label: Any) -> None:
    write(Path("inbox.csv"), [{"message": row["message"]} for row in ROWS[:30]] * 2)
    assert label(Truthful())["labelled"] == 30


def test_the_labels_train_as_they_are(label: Any) -> None:
    result = label(Truthful())
    assert result["next"] == "startlm new desk --data desk/labels.csv --text text --label label --split-column part"
    look = look_at("desk/labels.csv")
    assert (look.text, look.label, look.split_column) == (("text",), "label", "part")  # also where the flags are left out
    examples = prepare_examples("desk/labels.csv", text="text", label="label", split_column="part", folder="examples")
    assert examples.labels == TEAMS and examples.meta["parts"]["test"] == 40


def test_too_few_labels_to_train_are_said_to_be_so(label: Any) -> None:
    assert label(Truthful(2))["next"] == ""


# ---------------------------------------------------------------- the order

def test_a_label_for_a_group_is_written_down_for_the_messages_shown(label: Any) -> None:
    person = Truthful(1, {row["message"]: "all" for row in ROWS})
    label(person)
    shown = next(texts for texts in person.asked if texts)
    assert sorted(row["text"] for row in read(Path("desk/labels.csv"))) == sorted(shown) and len(shown) == 3
    assert person.told("typical words: ") and person.told("group 1 of")


def test_groups_can_be_left_and_do_not_come_again_once_the_random_part_has_begun(label: Any) -> None:
    person = Truthful(3, first="g")
    label(person)
    assert {row["part"] for row in read(Path("desk/labels.csv"))} == {"test"} and person.told("They only test: no model")
    again = Truthful(1)
    label(again)
    assert not again.told("group ") and again.told("random part, 38 left")


def test_the_rule_for_what_comes_next_stands_on_the_screen(label: Any) -> None:
    person = Truthful(first="g")
    label(person)
    assert person.told("Now 50 messages from everywhere") and person.told("of the 50 messages that a model from all labels so far is least sure of, 10 that differ")
    assert person.said.index(person.told("from everywhere: ")[0]) < person.said.index(person.told("Now the most useful, 10 at a time")[0])


def test_the_next_session_goes_on_and_asks_nothing_twice(label: Any) -> None:
    for _ in range(4):
        label(Truthful(17), data="inbox.csv")
    label(Truthful(), data=None)
    assert Counter(row["row"] for row in read(Path("desk/labels.csv"))) == Counter(str(i) for i in range(1, 201))


def test_what_is_skipped_is_asked_again_in_the_next_session(label: Any) -> None:
    label(Truthful(2, first="g"))
    first, again = Truthful(2, first="s"), Truthful(1)
    for person in (first, again):
        label(person)
    (skipped, labelled, *_), (asked, *_) = ([texts for texts in person.asked if len(texts) == 1] for person in (first, again))
    assert asked == skipped != labelled and first.told("random part")


# ---------------------------------------------------------------- the keys

def test_undo_takes_the_label_from_the_disk_and_asks_again(label: Any) -> None:
    person = Truthful(4, first="gnun")
    label(person)
    singles = [texts for texts in person.asked if len(texts) == 1]
    assert singles[0] == singles[2] and [row["text"] for row in read(Path("desk/labels.csv"))] == singles[2] and person.told("undone: ")


def test_undo_reaches_into_an_earlier_session_but_not_to_somebody_else(label: Any) -> None:
    label(Truthful(3, first="gnn"))
    label(Truthful(1, first="u"))
    assert len(read(Path("desk/labels.csv"))) == 1
    other = Truthful(1, first="u")
    label(other, who="bob")
    assert len(read(Path("desk/labels.csv"))) == 1 and other.told("nothing of yours to undo")


class Typing:
    """A terminal whose keys and lines are given."""

    def __init__(self, keys: str, *lines: str) -> None:
        self.keys, self.lines, self.said = list(keys), list(lines), [""]

    def key(self) -> str:
        return self.keys.pop(0) if self.keys else ""

    def line(self, prompt: Any, begun: str = "") -> str:
        return begun + self.lines.pop(0)

    def tell(self, said: Any = "", style: str = "") -> None:
        self.said.append(str(said))


NAMES = ["refund", "refused", "退款", "parcel", "tea", "six", "seven", "eight", "nine", "ten", "Tenth day"]


@pytest.mark.parametrize("keys, lines, label", [
    ("1", (), "refund"), ("９", (), "nine"), ("p", ("arcel",), "parcel"), ("P", ("A",), "parcel"), ("退", ("",), "退款"), ("/", ("six",), "six"),
    ("t", ("en",), "ten"), ("r", ("ef", "refun"), "refund"), ("n", ("new  name ",), "new name"), ("n", ("REFUND",), "refund"), ("n2", ("   ",), "refused"), ("n2", ("x" * 101,), "refused"),
    ("\r \x1b3", (), "退款"), ("?4", (), "parcel"), ("zk5", ("zz", "kk"), "tea"),
])  # fmt: skip
def test_keys_and_beginnings_choose_a_label(keys: str, lines: tuple[str, ...], label: str) -> None:
    if keys == "r":
        keys = "r/"
    assert Person(Typing(keys, *lines), lambda: NAMES).answer("su") == ("", label)  # type: ignore[arg-type]


@pytest.mark.parametrize("keys, lines, words", [("n", ("",), "cannot be empty"), ("r", ("e",), "several begin so: refund, refused"), ("z", ("",), "no label begins so"), ("?", (), "1-9")])
def test_what_will_not_do_is_said_and_asked_again(keys: str, lines: tuple[str, ...], words: str) -> None:
    typing = Typing(keys, *lines)
    with pytest.raises(Leave):  # the keys end here
        Person(typing, lambda: NAMES).answer("su")  # type: ignore[arg-type]
    assert [said for said in typing.said if words in said]


def test_without_labels_digits_and_letters_say_what_to_do() -> None:
    typing = Typing("1x")
    with pytest.raises(Leave):
        Person(typing, list).answer("su")  # type: ignore[arg-type]
    assert "there is no label 1 yet; n makes a new one" in typing.said[2] and "n makes the first" in typing.said[3]


def test_labels_without_a_key_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    typing = Typing("q")
    with pytest.raises(Leave):
        Person(typing, lambda: NAMES).answer("su")  # type: ignore[arg-type]
    assert "9 nine" in typing.said[1] and "by the beginning of its name: ten, Tenth day" in typing.said[1]


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    from startlm.core.language import say

    typing = Typing("")
    Person(typing, list).show(say("", ""), ["before\x1b[2Jafter\x07"])  # type: ignore[arg-type]
    assert "\x1b" not in typing.said[-1] and "before" in typing.said[-1]


# ------------------------------------------------------------------ figures

def test_after_fifty_labels_a_model_is_judged_on_the_random_part_with_an_interval(label: Any) -> None:
    person = Truthful(first="g")
    result = label(person)
    figures = person.told("A model from ")
    assert [said.split()[3] for said in figures] == ["50", "100", "150"] and "[" in figures[0] and "points since the last" in figures[1]
    assert result["accuracy"]["n"] == 40 and result["accuracy"]["value"] > 0.9 and result["accuracy"]["low"] < result["accuracy"]["value"]


def test_where_more_labels_bring_nothing_they_are_said_to_stop_paying(label: Any) -> None:
    person = Truthful(first="g")
    label(person)
    assert person.told("By the learning curve 50 more would bring 0.") and person.told("Below 0.5, more labels stop paying")


# --------------------------------------------------------------- two people

def test_a_second_person_labels_a_random_part_again_and_kappa_is_told(label: Any) -> None:
    label(Truthful(100, first="g"))
    before = Path("desk/labels.csv").read_bytes()
    mixed = {text: "post" if team == "tea" else team for text, team in TRUTH.items()}
    person = Truthful(50, mixed)
    result = label(person, who="bob")
    assert Path("desk/labels.csv").read_bytes() == before and len(read(Path("desk/second_opinions.csv"))) == 50
    assert 0.2 < result["kappa"]["value"] < 0.9 and result["kappa"]["n"] == 50 and result["by"]["bob"] == 50
    assert person.told("Cohen's kappa: 0.") and person.told("   tea / post: ") and not person.told("   money / ")


def test_second_opinions_go_on_where_they_stopped_and_then_new_messages_come(label: Any) -> None:
    label(Truthful(60, first="g"))
    label(Truthful(20), who="bob")
    person = Truthful(40)
    result = label(person, who="bob")
    assert len({row["row"] for row in read(Path("desk/second_opinions.csv"))}) == 50 and result["kappa"]["value"] == 1
    assert sum(row["who"] == "bob" for row in read(Path("desk/labels.csv"))) == 10 == result["by"]["bob"] - 50


def test_a_second_person_may_undo_an_opinion(label: Any) -> None:
    label(Truthful(60, first="g"))
    label(Truthful(3, first="nun"), who="bob")
    assert len(read(Path("desk/second_opinions.csv"))) == 1


# ----------------------------------------------------------------- bad input

def test_a_table_that_grew_goes_on_and_says_so(label: Any) -> None:
    label(Truthful(30))
    write(Path("inbox.csv"), [{"id": row["id"], "message": row["message"]} for row in [*ROWS, {"id": 200, "message": "a wholly new question"}]])
    person = Truthful(1)
    label(person)
    assert person.told("labelled rows stand where they stood") and person.told("201 rows")


def test_a_table_whose_rows_have_moved_is_refused(label: Any) -> None:
    label(Truthful(30))
    before = Path("desk/labels.csv").read_bytes()
    write(Path("inbox.csv"), [{"id": row["id"], "message": row["message"]} for row in ROWS[5:]])
    with pytest.raises(CallError, match="has changed: .* labelled rows hold another text now") as error:
        label(Truthful(1))
    assert "another name" in error.value.hint.en and Path("desk/labels.csv").read_bytes() == before


def refusals() -> Iterator[tuple[str, dict[str, Any], str]]:
    yield "id,n\n1,2\n2,3\n", {}, "No column holds sentences: id, n"
    yield "id,message\n", {}, "no rows"
    yield 'id,message\n1,""\n2,""\n', {"text": "message"}, "Every text in 'message' is empty"
    yield "id,message\n1,hello there\n", {"text": "massage"}, "no column 'massage'"
    yield "", {}, "file is empty"
    yield "id,message\n1,hello there\n", {"data": None}, "not said which table"
    yield "id,message\n1,hello there\n", {"data": "-"}, "passes only once"
    yield "id,message\n1,hello there\n", {"data": "inbx.csv"}, "no such file"


@pytest.mark.parametrize("content, call, words", [*refusals()])
def test_what_cannot_be_labelled_is_refused_before_anything_is_asked(label: Any, content: str, call: dict[str, Any], words: str) -> None:
    Path("inbox.csv").write_text(content, encoding="utf-8")
    person = Truthful()
    with pytest.raises(CallError, match=words):
        label(person, **call)
    assert person.asked == [] and not Path("desk/labels.csv").exists() and not Path("desk/label.json").exists()


def test_another_table_and_another_column_want_another_name(label: Any) -> None:
    label(Truthful(2))
    write(Path("other.csv"), [{"id": 1, "message": "x y z"}])
    with pytest.raises(CallError, match="desk labels inbox.csv, not other.csv"):
        label(Truthful(), data="other.csv")
    with pytest.raises(CallError, match="the column 'message', not 'id'"):
        label(Truthful(), text="id")


@pytest.mark.parametrize("line, words", [("hello,,ann,now,3,train\r\n", "an empty label"), ("hello,tea,ann,now,third,train\r\n", "the row number 'third'")])
def test_labels_that_were_edited_into_nonsense_are_refused_with_their_place(label: Any, line: str, words: str) -> None:
    label(Truthful(2))
    before = Path("desk/labels.csv").read_text("utf-8")
    Path("desk/labels.csv").write_bytes((before.partition("\n")[0] + "\n" + line).encode())
    with pytest.raises(CallError, match=f"Row 2 .* has {words}"):
        label(Truthful())


def test_a_card_that_was_edited_into_nonsense_is_refused(label: Any) -> None:
    label(Truthful(2))
    Path("desk/label.json").write_text('{"data": 3}', encoding="utf-8")
    with pytest.raises(CallError, match="label.json is not as startlm label wrote it"):
        label(Truthful())


def test_two_sessions_at_once_are_refused(label: Any) -> None:
    with hold(Path("desk")), pytest.raises(WorkError, match="at work in desk"):
        label(Truthful())


def test_a_project_tells_table_and_column(label: Any) -> None:
    Path("desk").mkdir()
    Path("desk/startlm.toml").write_text('[prepare]\ndata = "../inbox.csv"\ntext = ["message"]\nlabel = "id"\n', encoding="utf-8")
    result = label(Truthful(first="g"), data=None)
    assert result["labelled"] == 200 and result["next"] == "startlm run desk --data desk/labels.csv --text text --label label --split-column part"


def test_the_screens_are_in_chinese_too(label: Any) -> None:
    person = Truthful(60, first="g")
    with speaking("zh"):
        label(person)
    assert person.told("先看分组") and person.told("先标随机部分：随机抽出的消息") and person.told("新标签  s 跳过") and not person.told("new label")
