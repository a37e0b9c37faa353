"""The one way from rows to answers: columns > tokenizer > engine > task > calibration. Needs neither torch nor polars.

    open_bundle("bundles/current").predict(["我的卡还没到", "where is my card"])
"""

from __future__ import annotations

import json
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Generator, Iterator, Mapping, Sequence

import numpy as np

from .columns import as_text
from .columns.cleaning import CleanSettings, clean_texts, join_columns
from .columns.encoded import ColumnEncoder
from .core.contracts import Inputs, Progress, Table
from .core.durable import allowed_name, read_verified, writing
from .core.errors import BundleError, CallError
from .core.language import say
from .core.members import Member, answer_together, dear_of
from .core.model_file import SCHEMA, check_files, check_golden, check_manifest, check_model
from .core.settings import fraction, share_of, share_or_off
from .core.shelves import look_up
from .core.states import state_from_files
from .core.workers import Crew, cores, in_threads, serve
from .engines import ENGINES
from .formats import FORMATS, format_for, written_as
from .formats.rows import in_chunks
from .tasks import TASKS
from .tokenizers import TOKENIZERS

CHUNK = 4_096  # rows answered and written at a time
ALONE = 4  # chunks answered before other processes are asked to help
PLAIN = {str, int, float, bool, type(None)}  # what JSON brings over as it is
GOLDEN_TOLERANCE = 1e-3  # other processors round otherwise; the label must be equal
SHELVES = {"task": TASKS, "tokenizer": TOKENIZERS, "engine": ENGINES, "cleaning": [each.name for each in fields(CleanSettings)]}
PROBES = ("Where is my order?", "我的订单到哪里了？", "I want my money back, this is broken!", "请问可以开发票吗", "谢谢 thanks 👍", "12345", "")
PROBE_CELLS = ("0", "1", "-2.5", "2024-01-31", "1000", "never seen", "")  # each kind reads what it can, the rest is missing or unseen to it


@dataclass(frozen=True)
class PredictSettings:
    """Settings of [predict]."""

    hand_over: str | None = field(default=None, metadata={"check": share_of})
    """The error you accept among answered rows, for instance "5%": rows the model is less sure of are handed over to a person.

    答出的行里可以接受的错误率，如 "5%"：把握不够的行转交人工。"""
    cascade: str = field(default="0.2%", metadata={"check": share_or_off})
    """Where the ladder chose more than its cheapest rung: the accuracy you accept to lose so that the cheapest rung answers what it is sure of and only
    the rest reaches the chosen ones, which is several times as fast; "off" asks the chosen ones about every row.

    当选中的不只是最便宜的一级时：为了让最便宜的一级回答它有把握的行、只把其余的行交给选中的模型（快几倍），可以接受损失多少准确率；"off" 表示每一行都由选中的模型回答。"""
    coverage: float = field(default=0.9, metadata={"check": fraction})
    """For the task score: the share of rows whose true number lies inside the interval around the answer.

    任务为 score 时：真实数字落在答案区间内的比例。"""
    false_alarms: str | None = field(default=None, metadata={"check": share_of})
    """The share of rows in scope that may be taken for out of scope, for instance "2%": where that label was learnt the model leans towards it
    so far, else the rows that least resemble what was learnt, by the energy of their confidences, are handed over.

    可以把多大比例的范围内的行当作超出范围，如 "2%"：学过该标签时，模型向它倾斜到这个程度；没学过时，按置信度的能量，最不像所学内容的行转交人工。"""
    out_of_scope: str | None = None
    """The label that means "none of these", of train or of the test part alone; left out, it is known by its name (oos, out_of_scope, 超出范围 …).

    表示“都不是”的标签，可以只出现在测试数据里；不写则按名字识别（oos、out_of_scope、超出范围……）。"""


class Predictor:
    """What turns rows into answers; a trained model and a bundle both open as one."""

    def __init__(self, settings: Mapping[str, Any], members: Sequence[Member], encoder: ColumnEncoder) -> None:
        self.settings, self.members, self.encoder = settings, members, encoder
        self.labels: tuple[str, ...] = tuple(settings["labels"])
        self.text_columns: tuple[str, ...] = tuple(settings["text"])
        self.columns: tuple[str, ...] = (*self.text_columns, *encoder.kinds)
        self.task = look_up(TASKS, settings["task"], say("task", "任务"))
        self._clean = CleanSettings(**settings["cleaning"])
        self.threshold: float | None = settings["cascade"]["threshold"] if "cascade" in settings else None  # below it a cascade asks its dear members
        self.folder: Path | None = None  # of the bundle it was opened from

    def predict(self, rows: Sequence[Mapping[str, Any] | str]) -> list[Any]:
        """One Answer or NumberAnswer a row; a row is a dict of the model's columns, or a plain string where it reads one text column only."""
        return self.task.answers(self.answered(self.inputs(rows)), self.settings)  # type: ignore[no-any-return]

    def inputs(self, rows: Sequence[Mapping[str, Any] | str]) -> Inputs:
        """What the model reads of these rows. Raises CallError for a row without its columns."""
        names = self.columns
        columns: list[list[Any]] = [[] for _ in names]
        for row in rows:
            if isinstance(row, str) and names == self.text_columns and len(names) == 1:
                columns[0].append(row)
                continue
            if not isinstance(row, Mapping) or any(name not in row for name in names):
                raise CallError(say(f"This model needs the columns {', '.join(names)}.", f"这个模型需要这些列：{'、'.join(names)}。"),
                                say("give a dict with these names, or a string where there is one text column", "请给出含这些列名的字典；只有一个文本列时可以直接给文字"))
            for column, name in zip(columns, names):
                column.append(row[name])
        return self.read(columns)

    def read(self, columns: Sequence[Sequence[Any]]) -> Inputs:
        """What the model reads, from one list of values a column, in the order of `columns`. A cell that is not of its column's kind is missing."""
        count = len(self.text_columns)
        return self.of_cells(columns[:count], self.encoder.read(dict(zip(self.encoder.kinds, columns[count:]))))

    def of_cells(self, texts: Sequence[Sequence[Any]], cells: Mapping[str, np.ndarray]) -> Inputs:
        """The same from the text columns and from the others' cells as they are read."""
        names = self.text_columns
        cleaned = [clean_texts([as_text(value) for value in values], self._clean) for values in texts]
        joined = cleaned[0] if len(names) == 1 else [join_columns(dict(zip(names, parts)), names) for parts in zip(*cleaned)]
        if not cells:
            return Inputs(joined)
        features, words = self.encoder.encode(cells)
        return Inputs(joined if names else [""] * len(features), features=features, words=words, word_count=self.encoder.word_count)

    def mean(self, inputs: Inputs) -> np.ndarray:
        """What the members say together, before calibration: log-confidences or logits float64 (N, L), or numbers float64 (N, 1)."""
        if not len(inputs):
            return np.zeros((0, self.task.width(self.settings)))
        return answer_together(self.members, inputs, self._part, self.threshold)

    def apart(self, inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
        """Of a cascade: what its cheap member says of every row, and what its dear ones say, as in `mean`."""
        parts = [self._part(member, inputs) for member in self.members]
        return parts[0], dear_of(parts, [member.role for member in self.members])

    def _part(self, member: Member, inputs: Inputs) -> np.ndarray:
        return self.task.of_member(member.logits(inputs), member.temperature)  # type: ignore[no-any-return]

    def answered(self, inputs: Inputs) -> np.ndarray:
        """Confidences float64 (N, L), each row summing to 1 where it has one label; or float64 (N, 3): a number and the ends of its interval."""
        return self.task.answered(self.mean(inputs), self.settings)  # type: ignore[no-any-return]


# --------------------------------------------------------------- opening

def open_bundle(folder: str | Path) -> Predictor:
    """Open a deployed bundle: hashes and golden predictions are verified first.

    Raises BundleError for anything that is not, byte for byte, what deploy wrote.

    >>> from tempfile import TemporaryDirectory
    >>> from startlm import build_model, deploy_model, evaluate_model, prepare_examples, train_model
    >>> rows = [{"m": f"refund {i}", "t": "money"} for i in range(90)] + [{"m": f"parcel {i}", "t": "post"} for i in range(90)]
    >>> examples = prepare_examples(rows, text="m", label="t")
    >>> model = train_model(build_model(examples, family="linear"), examples)
    >>> with TemporaryDirectory() as folder:
    ...     bundle = deploy_model(model, evaluate_model(model, examples), to=folder)
    ...     open_bundle(bundle.folder).predict(["a parcel", "refund please"])[1].prediction
    'money'
    """
    manifest, files = read_verified(_resolved(Path(folder)))
    if manifest.get("kind") != "startlm bundle":
        raise _not_a("bundle", folder)
    check_manifest(manifest, str(folder))
    state_from_files("report", files)
    predictor = _assemble(files, folder)
    _check_golden(predictor, files, folder)
    predictor.folder = _resolved(Path(folder)).resolve()
    return predictor


def bundle_of(folder: Path) -> Path:
    """The bundle that answers for a project's folder (its current version); a bundle's folder is its own."""
    return folder if (folder / "manifest.json").is_file() else folder / "bundles" / "current"


def open_model(folder: str | Path) -> Predictor:
    """Open what train wrote."""
    manifest, files = read_verified(Path(folder))
    if manifest.get("kind") != "startlm model":
        raise _not_a("model", folder)
    return _assemble(files, folder)


def _resolved(folder: Path) -> Path:
    """`bundles/current` is a link to a folder beside it, nothing else is followed."""
    if folder.is_symlink():
        name = str(folder.readlink())
        target = folder.parent / name
        if not allowed_name(name) or "/" in name or target.is_symlink():
            raise BundleError(say(f"{folder} points outside its own folder.", f"{folder} 指向了它所在文件夹之外。"), say("deploy the model again", "请重新部署模型"))
        return target
    if not folder.is_dir():
        raise CallError(say(f"There is no bundle at {folder}.", f"{folder} 处没有可用的包。"), say("deploy one: startlm run NAME", "请先部署：startlm run NAME"))
    return folder


def _not_a(kind: str, folder: str | Path) -> BundleError:
    return BundleError(say(f"{folder} is not a StartLM {kind}.", f"{folder} 不是 StartLM 的 {kind}。"), say("give the folder that deploy wrote", "请给出 deploy 写出的文件夹"))


def _assemble(files: Mapping[str, bytes], folder: str | Path) -> Predictor:
    settings = dict(state_from_files("model", files).settings)
    schema = settings.get("schema")
    if type(schema) is int and 0 < schema < 1_000 and schema != SCHEMA:
        raise BundleError(say(f"This folder was written for schema {schema}; this StartLM reads {SCHEMA}.", f"该文件夹的格式版本是 {schema}，当前 StartLM 读的是 {SCHEMA}。"),
                          say("use the StartLM version that its manifest names", "请使用 manifest 中写明的 StartLM 版本"), where=str(folder))
    settings.setdefault("columns", [])
    check_model(settings, SHELVES, str(folder))
    check_files(files.keys(), len(settings["members"]), str(folder))
    members = [_member(entry, number, files) for number, entry in enumerate(settings["members"])]
    predictor = Predictor(settings, members, ColumnEncoder.from_state(settings["columns"]))
    like = predictor.read([[""] for _ in predictor.columns])
    for member in members:
        member.check_fit(predictor.task.width(settings), like, str(folder))
    return predictor


def _member(entry: Mapping[str, Any], number: int, files: Mapping[str, bytes]) -> Member:
    prefix = f"members/{number}/"
    own = {name.removeprefix(prefix): data for name, data in files.items() if name.startswith(prefix)}
    tokenizer = look_up(TOKENIZERS, entry["tokenizer"], say("tokenizer", "分词器")).from_state(state_from_files("tokenizer", own))
    engine = look_up(ENGINES, entry["engine"], say("engine", "引擎")).from_state(state_from_files("engine", own))
    return Member(tokenizer, engine, float(entry["temperature"]), entry.get("role", ""))


def golden_predictions(predictor: Predictor) -> list[dict[str, Any]]:
    """What the model answers for the fixed probes; stored at deploy, checked at every opening."""
    return predictor.task.probed(_probed(predictor), predictor.settings)  # type: ignore[no-any-return]


def _probed(predictor: Predictor) -> np.ndarray:
    """The answers, one row a probe; every text column reads the same sentence, every other the same cell."""
    texts = len(predictor.text_columns)
    return predictor.answered(predictor.read([list(PROBES)] * texts + [list(PROBE_CELLS)] * (len(predictor.columns) - texts)))


def _check_golden(predictor: Predictor, files: Mapping[str, bytes], folder: str | Path) -> None:
    golden = state_from_files("golden", files).settings
    check_golden(golden, len(PROBES), predictor.settings, str(folder))
    for probe, was, now in zip(PROBES, golden["answers"], _probed(predictor)):
        if not predictor.task.agrees(was, now, predictor.settings, GOLDEN_TOLERANCE):
            raise BundleError(say(f"The bundle no longer answers as it did when it was deployed ({probe!r}).", f"这个包的回答与部署时不同（{probe!r}）。"),
                              say("deploy the model again with this StartLM", "请用当前 StartLM 重新部署"), where=str(folder))


# ------------------------------------------------------- a table of answers

@dataclass(frozen=True)
class Output:
    """How the answers are written."""

    path: str | None = None  # None is standard output
    format: str | None = None
    confidences: bool = False
    for_excel: bool = False
    overwrite: bool = False


def predict_steps(predictor: Predictor, table: Table, output: Output) -> Iterator[Progress]:
    """Stream a table's rows to its columns, then those of the task (prediction, confidence, handed_over); nothing is left at `output` on failure."""
    columns = [*table.columns, *_fresh_names(predictor.task.columns(predictor.settings, output.confidences), table.columns)]
    name = output.format or (format_for(output.path) if output.path else "delimited")
    options = (written_as(output.path) if output.path else {}) | ({"for_excel": True} if output.for_excel else {})
    done, answered = 0, answer_table(predictor, table)
    task, format = predictor.task, look_up(FORMATS, name, say("format", "格式"))()
    settings = {**predictor.settings, "nested": getattr(format, "nests", False)}
    with closing(answered), _destination(output) as stream:
        writer = format.writer(stream, columns, **options)
        for values, answers in answered:
            writer.write_many((*row, *cells) for row, cells in zip(values, task.cells(answers, settings, output.confidences)))
            writer.flush()
            if not done:  # a column that no longer holds what it did would be answered in silence
                yield from _unread(predictor, table.columns, values)
            done += len(values)
            yield Progress("predict", done)
        writer.close()
    yield Progress("predict", done, done, said=say(f"Answered {done:,} rows.", f"已回答 {done:,} 行。"), result=done)


def _unread(predictor: Predictor, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Iterator[Progress]:
    """What is to be said of cells of the first rows that are not of their column's kind."""
    positions = {name: columns.index(name) for name in predictor.encoder.kinds}
    said = predictor.encoder.unread({name: [row[i] for row in rows] for name, i in positions.items()})
    return (Progress("predict", said=each) for each in said)


def answer_table(predictor: Predictor, table: Table) -> Generator[tuple[list[tuple[Any, ...]], np.ndarray], None, None]:
    """Each chunk of a table's rows as read, with what is answered to them (`Predictor.answered`).

    Raises CallError at once for a table without the model's columns, and at a row that cannot be read.
    """
    for file in table.parts:  # one without a column that is read is refused, not answered as if it were empty there
        for name in predictor.columns:
            _column(file, name)
    positions = [_column(table, name) for name in predictor.columns]
    chunks = ([row.values for row in chunk] for file in table.files for chunk in in_chunks(file, table.columns, CHUNK))
    return _answer_chunks(predictor, chunks, positions, alone=any(file.arriving for file in table.files))


def _answer_chunks(predictor: Predictor, chunks: Iterator[list[tuple[Any, ...]]], positions: Sequence[int], *, alone: bool) -> Generator[tuple[list[tuple[Any, ...]], np.ndarray], None, None]:
    """The first chunks in this process, which is all that small tables need; those of a large one in processes, as soon as they have started."""
    def here(values: list[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], np.ndarray]:
        return values, predictor.answered(predictor.read([[row[i] for row in values] for i in positions]))

    if alone or predictor.folder is None or cores() == 1:
        yield from map(here, chunks)
        return
    yield from map(here, islice(chunks, ALONE))
    if (following := next(chunks, None)) is None:
        return
    try:
        helping = Crew("startlm.predict", "answer_messages", str(predictor.folder))
    except OSError:  # no more processes or files are allowed here: slower, but answered
        yield from map(here, chain([following], chunks))
        return
    with helping as crew:
        yield here(following)
        while not crew.ready():
            if (following := next(chunks, None)) is None:
                return
            yield here(following)

        def there(values: list[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], np.ndarray]:
            columns = [[row[i] for row in values] for i in positions]
            answer = crew.ask(json.dumps(columns).encode()) if all({*map(type, column)} <= PLAIN for column in columns) else None
            return here(values) if answer is None else (values, np.frombuffer(answer).reshape(len(values), -1))

        yield from in_threads(there, chunks, release=crew.kill)


def answer_messages(folder: str) -> None:
    """What a process of `_answer_chunks` does: columns as JSON in, what is answered to them out, as the bytes of its float64."""
    predictor = open_bundle(folder)
    serve(lambda message: np.asarray(predictor.answered(predictor.read(json.loads(message))), dtype=np.float64).tobytes())


def _column(table: Table, name: str) -> int:
    if name not in table.columns:
        raise CallError(say(f"There is no column {name!r}, which this model reads.", f"没有这个模型要读的 {name!r} 列。"),
                        say(f"rename a column of the file; it has: {', '.join(table.columns)}", f"请修改文件的列名；现有的列：{'、'.join(table.columns)}"), where=table.source)
    return table.columns.index(name)


def _fresh_names(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """The names, each with as many suffixes as it needs to differ from every column that is taken and from every other name."""
    used, fresh = {*taken, *names}, []
    for name in names:
        if name in taken:
            while name in used:
                name += "_startlm"
            used.add(name)
        fresh.append(name)
    return fresh


@contextmanager
def _destination(output: Output) -> Iterator[BinaryIO]:
    if output.path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output.path)
    if path.exists() and not output.overwrite:
        raise CallError(say(f"{path} is there already.", f"{path} 已经存在。"), say("give another name, or --force to replace it", "请换一个文件名，或加 --force 覆盖"), where=str(path))
    with writing(path) as stream:
        yield stream
