"""The published contract checks: run them on a member of your own and see whether it keeps what its shelf promises.

    from startlm.testing import check_format
    check_format(MyFormat)        # or the name of one on the shelf; AssertionError says what does not hold
"""

from __future__ import annotations

import io
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from startlm.columns import COLUMNS
from startlm.columns.promises import look_at_promises
from startlm.core.contracts import Engine, Facts, Fitted, Format, Labelled, Ragged, Recipe, Row, State, Table, Tokenizer
from startlm.core.errors import BundleError, CallError
from startlm.core.inputs import encode_inputs
from startlm.core.language import say
from startlm.core.number_losses import LEVELS, QUANTILES, in_order
from startlm.core.shelves import look_up
from startlm.engines import ENGINES
from startlm.families import FAMILIES
from startlm.families.network import fit_network_steps, time_network
from startlm.formats import find_format
from startlm.tokenizers import TOKENIZERS

from .figures import check_metric, check_number_metric, check_ranking_metric, check_set_metric, check_two_label_metric
from .promise import hold
from .rankings import check_ranking
from .tasks import check_task

__all__ = [
    "check_column", "check_engine", "check_family", "check_format", "check_metric", "check_number_metric", "check_ranking", "check_ranking_metric", "check_round_trip",
    "check_set_metric", "check_task", "check_tokenizer", "check_two_label_metric",
]  # fmt: skip

# ------------------------------------------------------------- formats

_TRICKY = (
    ("我的卡还没到", "card"),
    ('she said "hello", twice', "a,b;c|d\te"),
    ("two\nlines\r\nand a third\rone", "😀 emoji 𠮷"),
    ("", "an empty cell before"),
    ("'apostrophe", '"'),
    (" spaces kept ", "＝full width＠"),
)
_PLAIN = (("我的卡还没到，请问什么时候能收到？", "物流"), ("这个商品的质量很好", "评价"), ("我要退款，订单有问题", "退款")) * 20


def check_format(format: str | Format) -> None:
    """Check that a format keeps its promises: what is written is read again, twice, lazily; an empty file is refused politely.

    A format without `suffixes` writes no file: its writer has to say so, and `source_of(columns, rows, folder)` stores rows where
    `open` reads them. A format may name in `written` the options that read again what its writer wrote. Raises AssertionError
    saying what does not hold.
    """
    member: Format = find_format(format) if isinstance(format, str) else format
    hold(isinstance(member, Format), "a format has name, suffixes, open and writer")
    if not member.suffixes:
        _refuses(lambda: member.writer(io.BytesIO(), ["text"]), "a format that cannot write says so with a CallError and a hint")
        _refuses(lambda: member.open([]), "what is no source is refused with a CallError and a hint")
        with TemporaryDirectory() as folder:
            _same_twice(member.open(member.source_of(("text", "label"), _TRICKY, Path(folder))), _TRICKY)
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"表 table{member.suffixes[0]}"
        options = dict(getattr(member, "written", {}))
        _write(member, path, _TRICKY)
        _same_twice(member.open(path, **options), _TRICKY)
        _same_twice(member.open(str(path), **options), _TRICKY)
        _check_encodings(member, path)
        _check_laziness(member, path)
        path.write_bytes(b"")
        _refuses(lambda: member.open(path), "an empty file is refused with a CallError, its place and a hint")
        _refuses(lambda: member.open(Path(folder)), "a folder is refused with a CallError, its place and a hint")


def _write(member: Format, path: Path, rows: Any) -> None:
    with path.open("wb") as stream:
        writer = member.writer(stream, ["text", "label"])
        for row in rows:
            writer.write(row)
        writer.close()
        hold(not stream.closed, "close() leaves the stream open: the caller opened it")


def _same_twice(table: Table, rows: Any) -> None:
    hold(table.columns == ("text", "label"), f"the columns come back: {table.columns}")
    first, second = list(table.rows()), list(table.rows())
    hold(first == second, "rows() starts a new pass each time and gives the same rows")
    hold([row.values for row in first if isinstance(row, Row)] == list(rows), f"what is written is read again: {first}")
    for file in table.files:
        lines = [row.line for row in file.rows()]
        hold(lines == sorted(set(lines)) and lines[0] >= 1, f"each row says its line in its file: {lines}")


def _check_encodings(member: Format, path: Path) -> None:
    """Text in other encodings is read too, without being told; a binary format has none."""
    _write(member, path, _PLAIN)
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"):
        path.write_bytes(text.encode(encoding))
        table = member.open(path)
        _same_twice(table, _PLAIN)
        _same_twice(member.open(path, **table.options), _PLAIN)
        hold(encoding.startswith("utf-8") or bool(table.said), f"{encoding} is found and said")


def _check_laziness(member: Format, path: Path) -> None:
    _write(member, path, (("a message of a hundred characters " * 3, "label"),) * 80_000)
    size = path.stat().st_size
    tracemalloc.start()
    try:
        rows = member.open(path).rows()
        hold(iter(rows) is rows and isinstance(next(rows), Row), "rows() is an iterator")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    hold(peak < max(size / 2, 1 << 22), f"rows() streams: the first row took {peak:,} bytes of memory from a file of {size:,}")


def _refuses(call: Any, promise: str) -> None:
    try:
        call()
    except CallError as error:
        hold(bool(error.hint.en and error.hint.zh), promise)
    else:
        hold(False, promise)


# ------------------------------------------------------------- columns

_ODD_COLUMNS: tuple[list[Any], ...] = (
    [],
    [None, "", "  ", float("nan")],
    [1, 2.5, True, None, "x"],
    ["\ud800", "\x00", "\u200b", "\u202e"],
    ["我的卡还没到", "where is my card", "１２３", "2024-01-01"],
    ["<" * 5_000, "9" * 5_000, "1," * 5_000],
)


def check_column(column: str | type) -> None:
    """Check that a kind of column keeps its promises: it guesses and shows anything, twice the same, and speaks both languages.

    Where it cleans, cleaning a second time changes nothing. Where it can stand beside the text: a cell is read and encoded alike alone
    and beside others, nothing comes out as NaN, what was stored encodes as before, and a damaged state is refused. Raises
    AssertionError saying what does not hold.
    """
    member: Any = look_up(COLUMNS, column, say("kind of column", "列类型")) if isinstance(column, str) else column
    hold(isinstance(member.name, str) and bool(member.name and member.said.en and member.said.zh), "a kind of column has a name, and one in each language")
    for values in _ODD_COLUMNS:
        given = list(values)
        guess = member.guess(values, "column")
        hold(0.0 <= guess.score <= 1.0, f"the score lies in [0, 1], not at {guess.score}")
        hold(bool(guess.why.en and guess.why.zh), "a guess says why, in both languages")
        hold(member.guess(values, "column") == guess, "the same values are guessed the same")
        shown = member.show(values)
        hold(all(said.en and said.zh and isinstance(value, str) for said, value in shown.facts), "facts are said in both languages")
        hold(sum(rows for _, rows in shown.bars) <= len(values), "bars count each value once at most")
        hold(list(map(repr, values)) == list(map(repr, given)), "guessing and showing leave the values alone")
    for value in (value for values in _ODD_COLUMNS for value in values if isinstance(value, str) and hasattr(member, "clean")):
        once = member.clean(value)
        text = once if isinstance(once, str) else once.text
        again = member.clean(text)
        hold((again if isinstance(again, str) else again.text) == text, "cleaning a second time changes nothing")
    for holds, promise in look_at_promises(member, _ODD_COLUMNS):
        hold(holds, promise)


# ---------------------------------------------------------- tokenizers

_TEXTS = ("where is my card?", "我的卡还没到", "Ünïcödé ẞ ﬁ İ", "😀👩‍👩‍👧 emoji", " spaces\t\nkept  ", "<pad> [PAD] </s>", "\x00\u200b\u202e", "ａｂｃ１２３")
_LONE = ("\ud800", "a\udfffb", "\ud800\udc00", "卡\udc80卡")  # str that is no Unicode text, yet Python's


def check_tokenizer(tokenizer: str | type, **options: Any) -> None:
    """Check that a tokenizer keeps its promises: ids in range, a row's ids its own, the same state the same ids, no damaged state opened.

    Where it promises a round trip, every text comes back, lone surrogates too. Raises AssertionError saying what does not hold.
    """
    member: Any = look_up(TOKENIZERS, tokenizer, say("tokenizer", "分词器")) if isinstance(tokenizer, str) else tokenizer
    fitted: Tokenizer = member.fit(list(_TEXTS) * 3, **options)
    state, again = fitted.state(), member.fit(list(_TEXTS) * 3, **options).state()
    hold(_same_state(state, again), "fitting twice on the same texts gives the same state")
    _check_ids(fitted)
    stored = State(json.loads(json.dumps(dict(state.settings))), {name: array.copy() for name, array in state.arrays.items()})
    opened: Tokenizer = member.from_state(stored)
    texts = [*_TEXTS, *_LONE, "", "never seen before 从未见过"]
    hold(_same_rows(fitted.encode(texts), opened.encode(texts)), "a state that was stored and opened encodes as before")
    _check_damaged(member, stored)
    if fitted.round_trips:
        for text in texts:
            check_round_trip(opened, text)
    hold(_same_state(fitted.state(), state), "encoding and decoding change no state")


def check_round_trip(tokenizer: Tokenizer, text: str) -> None:
    """Check that this one text comes back, for property tests. Raises AssertionError."""
    back = tokenizer.decode(tokenizer.encode([text]).values.tolist())
    hold(back == text, f"{text!r} comes back, not as {back!r}")


def _check_ids(fitted: Tokenizer) -> None:
    texts = [*_TEXTS, "", *_LONE]
    encoded = fitted.encode(texts)
    hold(len(encoded) == len(texts) and len(fitted.encode([])) == 0, "there are as many rows as texts, none for none")
    hold(encoded.values.dtype == np.int32 and encoded.starts.dtype == np.int64, "ids are int32, starts int64")
    hold(encoded.starts[0] == 0 and encoded.starts[-1] == len(encoded.values), "the rows cover all values")
    inside = (encoded.values >= 0) & (encoded.values < fitted.vocabulary_size)
    hold(bool(inside.all()), "ids lie in [0, vocabulary_size)")
    for number, text in enumerate(texts):
        hold(_same_rows(fitted.encode([text]), encoded.take(np.array([number]))), f"{text!r} has the same ids alone and beside others")


def _check_damaged(member: Any, state: State) -> None:
    """Settings and arrays taken away, of another type, out of order: each a BundleError, never another error, never opened."""
    settings, arrays = dict(state.settings), dict(state.arrays)
    damaged = [*([State({}, arrays)] if settings else []), State({**settings, "more": 1}, arrays), State(settings, {**arrays, "more": np.zeros(1)})]
    for name in settings:
        damaged += [State({key: value for key, value in settings.items() if key != name}, arrays)]
        damaged += [State({**settings, name: wrong}, arrays) for wrong in (None, [[None]], {"a": "b"}, "\ud800", -(10**9))]
    for name, array in arrays.items():
        damaged += [State(settings, {key: value for key, value in arrays.items() if key != name})]
        damaged += [State(settings, {**arrays, name: wrong}) for wrong in (array.astype(np.complex64), array.reshape(1, -1), None)]
    for broken in damaged:
        try:
            member.from_state(broken)
        except BundleError as error:
            hold(bool(error.hint.en and error.hint.zh), "a damaged state is refused with a hint")
        else:
            hold(False, f"a state it could not have written is refused: {broken}")


def _same_state(one: State, other: State) -> bool:
    arrays = one.arrays.keys() == other.arrays.keys() and all(np.array_equal(array, other.arrays[name]) for name, array in one.arrays.items())
    return arrays and dict(one.settings) == dict(other.settings)


def _same_rows(one: Any, other: Any) -> bool:
    weights = one.weights is None or np.array_equal(one.weights, other.weights)
    return weights and np.array_equal(one.values, other.values) and np.array_equal(one.starts, other.starts)


# ------------------------------------------------------------- engines

def check_engine(engine: str | type, state: State, rows: Ragged, *, tolerance: float = 1e-6) -> None:
    """Check that an engine keeps its promises on these rows (give some empty, short and long ones): a row's logits are the same
    alone, in any batch and order and within `tolerance`, with an equal label; what was stored answers as before; a damaged state
    is refused. Raises AssertionError saying what does not hold.
    """
    member: Any = look_up(ENGINES, engine, say("engine", "引擎")) if isinstance(engine, str) else engine
    hold(isinstance(member.name, str) and bool(member.name), "an engine has a name")
    opened: Engine = member.from_state(state)
    logits = opened.logits(rows)
    hold(logits.dtype == np.float32 and logits.ndim == 2 and len(logits) == len(rows), "logits are float32 (N, L)")
    hold(bool(np.isfinite(logits).all()), "logits are finite, those of empty rows too")
    hold(opened.logits(rows.take(np.arange(0))).shape == (0, logits.shape[1]), "no rows give (0, L)")
    _check_neighbours(opened, rows, logits, tolerance)
    hold(_same_state(opened.state(), state), "answering changes no state, and the state comes back")
    stored = State(json.loads(json.dumps(dict(state.settings))), {name: array.copy() for name, array in state.arrays.items()})
    hold(np.array_equal(member.from_state(stored).logits(rows), logits), "a state that was stored and opened answers as before")
    _check_damaged(member, stored)


def _check_neighbours(opened: Engine, rows: Ragged, logits: np.ndarray, tolerance: float) -> None:
    random = np.random.default_rng(0)
    shuffled = random.permutation(len(rows))
    for batches in ([np.array([row]) for row in range(len(rows))], np.array_split(shuffled, 1 + len(rows) // 7), [shuffled]):
        for batch in batches:
            again = opened.logits(rows.take(batch))
            gap = float(np.abs(again - logits[batch]).max(initial=0.0))
            hold(gap <= tolerance, f"a row answers the same beside other rows: logits differ by {gap:.1e}")
            hold(bool((again.argmax(1) == logits[batch].argmax(1)).all()), "a row's label does not depend on its neighbours")


# ------------------------------------------------------------ families

CONTRACT_ROWS = Labelled([f"{ask} {thing} {number}" for number in range(12) for ask, thing in (
    ("please refund the", "cup"), ("where is my parcel of", "tea"), ("我要退款，不要", "茶壶"), ("包裹到哪里了", "龙井"))], np.tile([0, 1, 0, 1], 12))
CONTRACT_SETS = np.stack([np.tile([1, 0, 1, 0], 12), np.tile([0, 1, 0, 1], 12), np.tile([0, 0, 1, 1], 12)], axis=1).astype(bool)  # refund, parcel, Chinese
CONTRACT_COLUMNS = np.stack([np.tile([-1.0, 1.0], 24), np.arange(48) / 24 - 1], axis=1).astype(np.float32)  # one tells the label, one the row


def check_family(family: str | type, folder: Path, *, weights: str = "") -> None:
    """Check that a family keeps its promises, for each of its `tasks` ("classify" where it has none): it learns what is easy; the
    recipe that comes back leaves no choice open, so that it gives the same bits again; another seed is taken; the tokenizer's and
    the engine's state answer as stored. `folder` is for checkpoints; `weights` names those of an encoder, for a family that needs them. Raises AssertionError saying what does not hold.
    (48 short rows; two labels, three of which a row may have several, or numbers near −1 and 1; both languages; two columns more where the family needs them.)
    """
    member: Any = look_up(FAMILIES, family, say("family", "模型种类")) if isinstance(family, str) else family
    hold(hasattr(member, "network") != hasattr(member, "fit_steps"), "a family gives either network or fit_steps")
    rows = replace(CONTRACT_ROWS, features=CONTRACT_COLUMNS) if "columns" in getattr(member, "needs", ()) else CONTRACT_ROWS
    learnt = {"classify": rows.labels, "classify_several": CONTRACT_SETS, "score": rows.labels * 2.0 - 1 + np.arange(48) / 480}
    for task in getattr(member, "tasks", ("classify",)):
        facts = Facts(len(rows), _outputs(replace(rows, labels=learnt[task])), 20.0, 30, 0.5, features=rows.features.shape[1], numeric=task == "score",
                      several=task == "classify_several", weights=weights)
        _check_learns(member, replace(rows, labels=learnt[task]), facts, folder / task)
        if task == "score":
            _check_learns(member, replace(rows, labels=learnt[task]), facts, folder / "quantiles", QUANTILES)


def _check_learns(member: Any, rows: Labelled, facts: Facts, folder: Path, loss: str = "") -> None:
    recipe = member.recipe(facts, "small")
    hold(recipe.family == member.name and bool(recipe.reason.en and recipe.reason.zh), "the recipe names its family and its reason")
    hold(json.loads(json.dumps(dict(recipe.options))) == dict(recipe.options), "a recipe's options are plain JSON")
    recipe = replace(recipe, options={**recipe.options, "loss": loss}) if loss else recipe
    if hasattr(member, "keeps"):
        hold(min(member.seconds(rows, None, recipe, 1, folder / "kept", 0)) > 0, "a family that keeps what it read says how long reading takes, and the rest")
    first = _fit(member, recipe, rows, folder / "first", None)
    again = _fit(member, first.recipe, rows, folder / "again", first.recipe)
    hold(_same_state(first.engine, again.engine), "the recipe that comes back gives the same bits again")
    hold(again.recipe.options == first.recipe.options, "no choice is left open in the recipe that comes back")
    engine = look_up(ENGINES, member.engine, say("engine", "引擎")).from_state(first.engine)
    logits = engine.logits(encode_inputs(first.tokenizer, rows))
    if loss == QUANTILES:
        hold(logits.shape == (len(rows), len(LEVELS)), "of quantiles there are three")
        middle, low, high = in_order(logits).T
        hold(float(np.mean((middle - rows.labels) ** 2)) < 0.2 * float(np.var(rows.labels)), "what is easy is learnt")
        hold(float(np.mean((low <= rows.labels) & (rows.labels <= high))) > 0.5, "the outer quantiles hold most rows")
    elif rows.numeric:
        hold(logits.shape in ((len(rows), 1), (len(rows), 2)), "logits of a number are (N, 1), or (N, 2): it is the second less the first")
        away = logits[:, -1] - (logits[:, 0] if logits.shape[1] == 2 else 0) - rows.labels
        hold(float(np.mean(away**2)) < 0.2 * float(np.var(rows.labels)), "what is easy is learnt")
    elif rows.several:
        hold(logits.shape == rows.labels.shape, "logits are (N, L), one for each of several labels")
        hold(bool(((logits > 0) == rows.labels).mean() > 0.95), "what is easy is learnt: a label that a row has lies above 0, any other below")
    else:
        hold(logits.shape == (len(rows), 2), "logits are (N, L)")
        hold(bool((logits.argmax(axis=1) == rows.labels).all()), "what is easy is learnt")


def _outputs(rows: Labelled) -> int:
    return 1 if rows.numeric else rows.labels.shape[1] if rows.several else 2


def _fit(member: Any, recipe: Recipe, rows: Labelled, folder: Path, planned: Recipe | None) -> Fitted:
    labels = len(LEVELS) if recipe.options.get("loss") == QUANTILES else _outputs(rows)
    if not hasattr(member, "network"):
        kept = {"kept": folder.parent / "kept"} if hasattr(member, "keeps") else {}
        *_, last = member.fit_steps(rows, None, labels, recipe, 0, **kept)
        return last.result  # type: ignore[no-any-return]
    if planned is None:
        longer = replace(recipe, options={**recipe.options, "epochs": 60})
        planned = time_network(member, longer, rows, labels, seed=0, threads=1).within(60.0)
    *_, last = fit_network_steps(member, rows, None, labels, planned, 0, folder)
    return last.result  # type: ignore[no-any-return]
