"""`startlm predict … --neighbours N`: the training rows nearest to a text, as evidence beside its answer.

The rows stand in the project, under data/; a bundle holds none of their texts. Nearest is by the vectors of the encoder that the model stands on,
else by words (BM25). What is compared with is made once for the rows that the deployed version learnt from, and kept in the project's folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from ..core.artifacts import Examples
from ..core.contracts import Progress
from ..core.durable import hold, read_json, remove_leftovers
from ..core.errors import BundleError, CallError
from ..core.language import say
from ..core.project_file import FILE
from ..predict import Predictor
from ..project import Project
from ..search.encoder import Encoder
from ..search.index import Facts, Index, Place, build_index_steps, read_index, write_index
from .search import encoder_of

FOLDER, INDEX = "neighbours", "index"
MOST = 100
SHOWN = 200  # characters of a text on the screen
LEARNT = ("train", "dev")


@dataclass(frozen=True)
class Neighbour:
    """A row that the model learnt from. score: the cosine of two vectors, or BM25's sum; the larger, the nearer."""

    score: float
    label: Any  # as an answer's prediction: a label, several, or a number
    text: str
    file: str
    line: int

    def shown(self) -> str:
        """As one line of the screen."""
        text = " ".join(self.text.split())
        label = ", ".join(self.label) if isinstance(self.label, list) else self.label
        return f"    {self.score:.4f}  {label}  {text if len(text) <= SHOWN else f'{text[:SHOWN]}…'}  ({self.file}:{self.line})"


@dataclass(frozen=True)
class Evidence:
    """The rows that a deployed version learnt from, ready to be compared with."""

    examples: Examples
    index: Index

    def of(self, text: str, most: int) -> list[Neighbour]:
        """The nearest rows to a text as the model reads it, nearest first; rows of one text count once each."""
        found: list[Neighbour] = []
        for hit in self.index.search(text, most, way="bm25" if self.index.vectors is None else "vectors") if text.strip() else []:
            found += [self._row(hit.score, hit.text, place.line) for place in hit.places]
        return found[:most]

    def _row(self, score: float, text: str, position: int) -> Neighbour:
        frame, examples = self.examples.frame, self.examples
        if examples.several:
            label: Any = [examples.every_label[number] for number in frame["labels"][position]]
        else:
            label = float(frame["target"][position]) if examples.numeric else examples.every_label[frame["label"][position]]
        return Neighbour(score, label, text, examples.meta["files"][frame["file"][position]], int(frame["line"][position]))


def evidence_steps(name: str, predictor: Predictor, most: int) -> Iterator[Progress]:
    """The last Progress carries the Evidence for the project's deployed version. Raises CallError where there can be none."""
    if not 1 <= most <= MOST:
        raise CallError(say(f"--neighbours {most} will not do.", f"--neighbours {most} 不行。"), say(f"a number from 1 to {MOST}", f"请写 1 到 {MOST} 的数"))
    folder = Path(name)
    if not (folder / FILE).is_file():
        raise CallError(say("A bundle holds no training rows, so it can show no neighbours.", "模型包里没有训练数据，因此无法显示近邻。"),
                        say("give the project's folder, where the rows are: startlm predict NAME --text … --neighbours 3", "请给出数据所在的项目文件夹：startlm predict NAME --text … --neighbours 3"), where=name)
    if not predictor.text_columns:
        raise CallError(say("This model reads no text: no row is nearest to one.", "这个模型不读文本，没有近邻可比。"), say("leave out --neighbours", "请去掉 --neighbours"), where=name)
    examples = _learnt_from(folder, predictor)
    if examples.folder != Project(folder).prepared:
        yield Progress("predict", said=say("The table or its settings have changed since this version learnt: the files and lines shown are those of that time.",
                                           "这个版本学习之后，表或设置有了变化：所示的文件和行号是当时的。"))
    stands_on = _weights_of(predictor.settings["members"])
    fingerprint = f"{examples.fingerprint} {stands_on.get('fingerprint', '')}"
    with hold(folder / FOLDER):
        remove_leftovers(folder / FOLDER)
        index = _read(folder / FOLDER / INDEX, fingerprint)
        if index is None:
            yield Progress("predict", said=say("First neighbours of this version: what is compared with is made once.", "第一次为这个版本查找近邻：先建立索引，以后直接使用。"))
            for progress in _make(examples, _encoder(folder, stands_on), fingerprint):
                index = progress.result
                yield Progress("predict", progress.done, progress.total, said=progress.said)
            write_index(index, folder / FOLDER / INDEX)  # type: ignore[arg-type]
    yield Progress("predict", result=Evidence(examples, index))  # type: ignore[arg-type]


def _learnt_from(folder: Path, predictor: Predictor) -> Examples:
    """The examples that the deployed version learnt from, by the fingerprint in its manifest."""
    wanted = read_json(predictor.folder / "manifest.json").get("training_data") if predictor.folder else None
    for meta in sorted((folder / "data").glob("*/meta.json")):
        if read_json(meta).get("fingerprint") == wanted:
            return Examples(meta.parent)
    raise CallError(say("The rows that this version learnt from are not in the project any more.", "这个版本所用的训练数据已不在项目中。"),
                    say("train and deploy a version on the rows that are there: startlm run NAME", "请用现有数据重新训练并部署：startlm run NAME"), where=str(folder / "data"))


def _weights_of(members: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What a member says of the weights it stands on: the last, which is the dearest; empty where none does."""
    return next((member["options"] for member in reversed(members) if "weights" in member["options"]), {})


def _read(folder: Path, fingerprint: str) -> Index | None:
    try:
        index = read_index(folder) if folder.is_dir() else None
    except BundleError:
        return None
    return index if index is not None and index.fingerprint == fingerprint else None


def _make(examples: Examples, encoder: Encoder | None, fingerprint: str) -> Iterator[Progress]:
    rows = examples.rows_of(*LEARNT)
    texts = examples.frame["text"][rows].to_list()
    return build_index_steps(texts, [Place(0, int(row)) for row in rows], Facts("text", ("examples",), fingerprint), encoder=encoder)


def _encoder(folder: Path, options: Mapping[str, Any]) -> Encoder | None:
    """The encoder of these weights, before it learnt anything here; None where the model stands on none. Raises CallError where they are not at hand any more."""
    if not options:
        return None
    return encoder_of(Project(folder).build_settings().weights or options["weights"])  # a bundle names a folder, and never where it lies
