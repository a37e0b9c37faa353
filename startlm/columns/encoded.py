"""The columns beside the text, all together: cells read by kind, then features and words for a model, and the way back to names.

A kind of column is known through its shelf alone. The order of `kinds` is the order of features and of words.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, Iterator, Mapping, NamedTuple, Sequence

import numpy as np

from ..core.errors import CallError
from ..core.findings import Finding
from ..core.language import Said, say
from ..core.model_file import MOST_COLUMNS, NAME, list_of, one_of, record, where
from ..core.shelves import look_up
from . import COLUMNS, Encoding, as_text, kind_said
from .category_encoding import MOST_VALUES
from .roles import check_kind
from .stored import checked, damaged

Kinds = Mapping[str, str]
Habits = Mapping[str, Mapping[str, Any]]
_COLUMN = say("column", "列")
_OBJECT = where(lambda value: isinstance(value, dict))
_STATE = list_of(record({"name": NAME, "kind": one_of(COLUMNS), "habit": _OBJECT, "encoding": _OBJECT}), 0, MOST_COLUMNS)


def find_habits(kinds: Kinds, columns: Mapping[str, Sequence[Any]]) -> dict[str, dict[str, Any]]:
    """How each column is written, as far as its kind asks for that: whether 1,5 is one and a half, whether 03/04 is in April.

    It belongs to the column: found once on all rows of the data, kept, and given to `read_cells` for every row to come, so that a
    row is read alike alone and beside others.
    """
    return {name: _member(name, kind).habit(columns[name]) for name, kind in kinds.items() if hasattr(_member(name, kind), "habit")}


def read_cells(kinds: Kinds, columns: Mapping[str, Sequence[Any]], habits: Habits | None = None) -> tuple[dict[str, np.ndarray], dict[str, list[int]]]:
    """The cells of each column, read by its kind (see `Read`), and the positions of those that are not of this kind.

    Without `habits` they are found in these rows. Raises CallError for a kind that cannot stand beside the text.
    """
    told = find_habits(kinds, columns) if habits is None else habits
    cells, bad = {}, {}
    for name, kind in kinds.items():
        member = _member(name, kind)
        try:
            cells[name], bad[name] = member.read(columns[name], told[name]) if name in told else member.read(columns[name])
        except CallError as error:
            raise CallError(error.message, error.hint, where=name) from None
    return cells, bad


def check_kinds(kinds: Kinds, columns: Mapping[str, Sequence[Any]], *, where: str) -> None:
    """Raises CallError where a kind given to --columns cannot stand beside the text, or is not that of most cells of its column; these are a sample."""
    for name, bad in read_cells(kinds, columns)[1].items():
        check_kind(name, kinds[name], columns[name], bad, is_label=False, where=where, by_flag=True)


def find_untelling(cells: Mapping[str, np.ndarray]) -> list[Finding]:
    """The columns, as `read_cells` gives them, that tell a model little: the same in every row, or more categories than it knows apart."""
    found = []
    for name, values in cells.items():
        held = values[values != ""] if values.dtype == object else values[np.isfinite(values)]
        if not len(held) or len(held) == len(values) and (held == held[0]).all():  # where some are missing, that they are may tell something
            en, zh = ("holds the same", "都一样") if len(held) else ("is empty", "都是空的")
            found.append(Finding("constant_column", len(values), say(f"The column {name!r} {en} in every row, which tells a model nothing", f"{name!r} 列每一行{zh}，对模型没有信息")))
        elif values.dtype == object and (different := len(set(held.tolist()))) > MOST_VALUES:
            said = say(f"The column {name!r} has {different:,} different values: at most the {MOST_VALUES} most frequent ones are told apart, all others count as rare",
                       f"{name!r} 列有 {different:,} 种不同的值：最多区分最常见的 {MOST_VALUES} 种，其余都算少见")
            found.append(Finding("many_categories", different, said))
    return found


def _member(name: str, kind: str) -> Any:
    member = look_up(COLUMNS, kind, say("kind of column", "列类型"))
    if not hasattr(member, "fit"):
        raise CallError(say(f"A column of the kind {kind!r} is not encoded beside the text.", f"{kind!r} 类型的列不能作为文本之外的输入。"),
                        say(f'name it under [prepare] text, or give another kind: "{name}: category"', f'请写进 [prepare] text，或换一种类型："{name}: category"'), where=name)
    return member


class EncodedColumn(NamedTuple):
    """One column: its name, its kind, how it is written, and how it becomes input."""

    name: str
    kind: str
    habit: dict[str, Any]
    encoding: Encoding


class ColumnEncoder:
    """The encodings of all columns of a model, side by side.

    `width` features, called `names`; `groups` says which of them are a column's; `word_count` words, each column's apart from the others'.
    """

    def __init__(self, columns: Sequence[EncodedColumn]) -> None:
        self.columns = tuple(columns)
        self.kinds = {each.name: each.kind for each in columns}
        self.habits = {each.name: each.habit for each in columns if each.habit}
        ends = np.cumsum([0, *(each.encoding.width for each in columns)]).tolist()
        self.groups = {each.name: slice(start, end) for each, start, end in zip(columns, ends, ends[1:])}
        self.width: int = ends[-1]
        self.word_count = sum(each.encoding.word_count for each in columns)

    @classmethod
    def fit(cls, kinds: Kinds, cells: Mapping[str, np.ndarray], habits: Habits | None = None) -> ColumnEncoder:
        """Fitted on the cells of train rows, as `read_cells` gives them. Raises CallError for a kind that tells nothing of new rows."""
        told, columns = habits or {}, []
        for name, kind in kinds.items():
            try:
                encoding = _member(name, kind).fit(cells[name])
            except CallError as error:
                raise CallError(error.message, error.hint, where=name) from None
            columns.append(EncodedColumn(name, kind, dict(told.get(name, {})), encoding))
        return cls(columns)

    @property
    def names(self) -> tuple[str, ...]:
        """One a feature: "age", "age missing", "sex=Male"."""
        return tuple(each.name + name for each in self.columns for name in each.encoding.names)

    def read(self, columns: Mapping[str, Sequence[Any]]) -> dict[str, np.ndarray]:
        """The cells of rows to come, read as those of train were; what is not of its column's kind is missing."""
        return read_cells(self.kinds, columns, self.habits)[0]

    def unread(self, columns: Mapping[str, Sequence[Any]]) -> Iterator[Said]:
        """A sentence for each column with cells that are not of its kind, which `read` takes for missing."""
        for name, bad in read_cells(self.kinds, columns, self.habits)[1].items():
            if bad:
                kind, rows, shown = kind_said(self.kinds[name]), len(columns[name]), as_text(columns[name][bad[0]])[:60]
                yield say(f"{len(bad):,} of the first {rows:,} cells of {name!r} hold no {kind.en} and count as missing; the first, in row {bad[0] + 1:,}, holds {shown!r}.",
                          f"{name!r} 列的前 {rows:,} 个单元格中有 {len(bad):,} 个不是{kind.zh}，按缺失处理；第一个在第 {bad[0] + 1:,} 行：{shown!r}。")

    def encode(self, cells: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """features: float32 (N, width), no NaN; words: int32 (N, K), one a column, in [0, word_count).

        A row's features and words do not depend on the rows beside it. The columns are looked up by name, whatever their order.
        """
        rows = len(cells[self.columns[0].name]) if self.columns else 0
        features = np.empty((rows, self.width), dtype=np.float32)
        words, first = np.empty((rows, len(self.columns)), dtype=np.int32), 0
        for number, each in enumerate(self.columns):
            features[:, self.groups[each.name]] = each.encoding.features(cells[each.name])
            words[:, number] = first + each.encoding.words(cells[each.name])
            first += each.encoding.word_count
        return features, words

    def state(self) -> list[dict[str, Any]]:
        """Plain JSON: of each column its name, kind, habit and encoding."""
        return [{**each._asdict(), "encoding": each.encoding.state()} for each in self.columns]

    @classmethod
    def from_state(cls, state: Any) -> ColumnEncoder:
        """Raises BundleError for a state this encoder could not have written."""
        checked(state, _STATE, _COLUMN)
        if len({each["name"] for each in state}) < len(state):
            raise damaged(_COLUMN, "name")
        return cls([_opened(each) for each in state])


def _opened(stored: Mapping[str, Any]) -> EncodedColumn:
    member = look_up(COLUMNS, stored["kind"], say("kind of column", "列类型"))
    if not hasattr(member, "encoding"):
        raise damaged(_COLUMN, "kind")
    rule = getattr(member, "habits", record({}))
    if stored["habit"] != {}:
        checked(stored["habit"], rule, _COLUMN)
    return EncodedColumn(stored["name"], stored["kind"], dict(stored["habit"]), member.encoding.from_state(stored["encoding"]))


# ------------------------------------------- what [prepare] columns asks for

_with_kind = re.compile(r"(.*\S)\s*[:：]\s*(.*?)\s*", re.DOTALL)


def parse_columns(given: Sequence[str], known: Sequence[str]) -> dict[str, str | None]:
    """Each column asked for with its kind, None where that is to be guessed.

    "age" or "age: number"; a kind may bear its Chinese name. What is the whole name of a column is taken as that, with a colon or without.
    Raises CallError for a column that is not there (with the nearest), a kind that is not (with the list), and one named twice.

    >>> parse_columns(["age", "城市: category"], ["age", "城市"])
    {'age': None, '城市': 'category'}
    """
    asked: dict[str, str | None] = {}
    for entry in given:
        name, kind = _name_and_kind(entry, known)
        if name in asked:
            raise CallError(say(f"The column {name!r} is named twice.", f"{name!r} 这一列写了两次。"), say("name it once under [prepare] columns", "在 [prepare] columns 里只写一次"))
        asked[name] = kind
    return asked


def _name_and_kind(entry: str, known: Sequence[str]) -> tuple[str, str | None]:
    if entry in known:
        return entry, None
    found = _with_kind.fullmatch(entry)
    name, told = (found[1].strip(), found[2]) if found else (entry.strip(), "")
    kind = {kind_said(kind).zh: kind for kind in COLUMNS}.get(told, told.lower())
    if found and (kind in COLUMNS or name in known):
        look_up(COLUMNS, kind, say("kind of column", "列类型"))
        return _known(name, known), kind
    return _known(entry.strip(), known), None


def _known(name: str, known: Sequence[str]) -> str:
    if name in known:
        return name
    near = get_close_matches(name, known, n=1, cutoff=0.4)
    guess = say(f"did you mean {near[0]!r}? ", f"是不是 {near[0]!r}？") if near else say("", "")
    raise CallError(say(f"There is no column {name!r}.", f"没有 {name!r} 这一列。"),
                    say(f"{guess.en}The columns are: {', '.join(known)}.", f"{guess.zh}现有的列：{'、'.join(known)}。"), where="[prepare] columns")
