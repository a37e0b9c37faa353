"""`startlm predict`: a table or a few texts, answered on the screen, into a file or as one JSON object."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from ..core.contracts import NumberAnswer, Progress, Table
from ..core.errors import CallError
from ..core.label_sets import joined
from ..core.language import Said, say
from ..core.project_file import FILE
from ..formats import open_table
from ..formats.joined import Joined, open_joins, with_joins
from ..predict import Output, Predictor, answer_table, bundle_of, open_bundle, predict_steps
from .display import Display


@dataclass(frozen=True)
class Asked:
    """What is to be answered, by which bundle: a file and how it is written, or texts."""

    name: str
    file: str | None
    texts: Sequence[str]
    how: Mapping[str, str | None]
    neighbours: int | None = None  # training rows shown beside each answer


def answer_asked(asked: Asked, output: Output, display: Display, tell: Callable[[Said | str], None], *, as_json: bool) -> tuple[dict[str, Any], Said | None]:
    """Answer; returns what --json shows, and the last sentence. Raises CallError for a call that makes no sense."""
    _refuse(asked, output, as_json)
    predictor = open_bundle(bundle_of(Path(asked.name)))
    if asked.texts and predictor.text_columns and (missing := [name for name in predictor.columns if name != predictor.text_columns[0]]):
        display.see(Progress("predict", said=say(f"Without a value here: {', '.join(missing)}. A file gives them.", f"这里没有值的列：{'、'.join(missing)}。用文件可以给出。")))
    if asked.texts and output.path is None:
        return {"answers": _answer_texts(asked, predictor, output.confidences, (display, tell))}, None
    table, joins = (open_table(_rows(asked.texts, predictor)), []) if asked.texts else _joined(open_table(asked.file, **asked.how), asked.name, predictor)
    if output.path is None and as_json:
        chunks = (predictor.task.answers(answered, predictor.settings) for _, answered in answer_table(predictor, table))
        shown = [_shown(answer, output.confidences) for answers in chunks for answer in answers]
        return {"rows": len(shown), "answers": shown}, None
    for last in predict_steps(predictor, table, output):
        display.see(last)
    for each in joins:
        if each.unmatched:
            display.see(Progress("predict", said=say(f"{each.unmatched_said.en}: {each.unmatched:,}", f"{each.unmatched:,} 行{each.unmatched_said.zh}")))
    return {"rows": last.result, "output": output.path}, say(f"Wrote {output.path}", f"已写出 {output.path}") if output.path else None


def _answer_texts(asked: Asked, predictor: Predictor, confidences: bool, beside: tuple[Display, Callable[[Said | str], None]]) -> list[dict[str, Any]]:
    """Each text answered and told; as --json shows it, with its neighbours where they are asked for."""
    display, tell = beside
    rows, evidence = _rows(asked.texts, predictor), None
    if asked.neighbours is not None:
        from .neighbours import evidence_steps  # all of a project, which an answer alone needs nothing of

        for progress in evidence_steps(asked.name, predictor, asked.neighbours):
            evidence = progress.result
            display.see(progress)
    read, shown = predictor.inputs(rows).texts, []
    for text, as_read, answer in zip(asked.texts, read, predictor.predict(rows)):
        _tell(text, answer, predictor.settings.get("separator"), confidences, tell)
        near = evidence.of(as_read, asked.neighbours) if evidence is not None else []
        for neighbour in near:
            tell(neighbour.shown())
        shown.append(answer._asdict() | ({} if evidence is None else {"neighbours": [asdict(neighbour) for neighbour in near]}))
    return shown


def _joined(table: Table, name: str, predictor: Predictor) -> tuple[Table, list[Joined]]:
    """The table with the columns that the project joins to its own rows, where it lacks one that the model reads; a bundle joins nothing."""
    if all(column in table.columns for column in predictor.columns) or not (Path(name) / FILE).is_file():
        return table, []
    from ..project import Project

    joins = open_joins(Project(Path(name)).prepare_settings().join)
    return with_joins(table, joins, predictor.columns), joins


def _refuse(asked: Asked, output: Output, as_json: bool) -> None:
    if asked.file is None and not asked.texts:
        raise CallError(say("There is nothing to answer.", "没有要回答的内容。"),
                        say(f'startlm predict {asked.name} FILE -o OUT, or --text "…"', f'startlm predict {asked.name} 文件 -o 输出，或 --text "…"'))
    if asked.file is not None and asked.texts:
        raise CallError(say(f"Both a file ({asked.file}) and --text are given.", f"同时给出了文件（{asked.file}）和 --text。"),
                        say('give one of them; a text with spaces stands in quotes, and several texts take --text each: --text "…" --text "…"',
                            '请只给一种；含空格的文字要加引号，多段文字各写一个 --text：--text "…" --text "…"'))
    if asked.neighbours is not None and (asked.file is not None or output.path is not None):
        raise CallError(say("--neighbours is about texts that are answered on the screen.", "--neighbours 用于在屏幕上回答的文字。"),
                        say(f'startlm predict {asked.name} --text "…" --neighbours 3; with --json for a program', f'startlm predict {asked.name} --text "…" --neighbours 3；供程序使用时加 --json'))
    if output.for_excel and output.path is None and (asked.texts or as_json):
        raise CallError(say("--for-excel is about a file, and none is written here.", "--for-excel 针对输出文件，而这里不写文件。"),
                        say("name the file: -o answers.csv", "请写明文件：-o answers.csv"))


def _rows(texts: Sequence[str], predictor: Predictor) -> list[dict[str, str]]:
    """Each text as a row: it stands in the first text column, the other columns are empty. Raises CallError where no column is text."""
    if not predictor.text_columns:
        raise CallError(say("This model reads no text.", "这个模型不读文本。"),
                        say(f"give a file with the columns {', '.join(predictor.columns)}", f"请给出含这些列的文件：{'、'.join(predictor.columns)}"))
    return [dict.fromkeys(predictor.columns, "") | {predictor.text_columns[0]: text} for text in texts]


def _tell(text: str, answer: Any, separator: str | None, confidences: bool, tell: Callable[[Said | str], None]) -> None:
    if isinstance(answer, NumberAnswer):
        ends = "" if answer.low is None else f" [{answer.low:.4g}, {answer.high:.4g}]"
        tell(f"{answer.prediction:.4g}{ends}  {text}")
        return
    handed = say("  (handed over)", "  （转人工）") if answer.handed_over else say("", "")
    several = isinstance(answer.prediction, tuple)
    shown = joined(answer.prediction, separator) or say("no label", "没有标签") if several else answer.prediction
    tell(f"{shown}  {answer.confidence:.1%}{handed}  {text}")
    if confidences:
        for label, confidence in sorted(answer.confidences.items(), key=lambda each: -each[1]):
            tell(f"  {confidence:6.1%}  {label}")


def _shown(answer: Any, confidences: bool) -> dict[str, Any]:
    """An answer as the columns of a file show it."""
    if isinstance(answer, NumberAnswer):
        return answer._asdict()
    shown = {"prediction": answer.prediction, "confidence": round(answer.confidence, 6), "handed_over": answer.handed_over}
    return shown | ({"confidences": {label: round(each, 6) for label, each in answer.confidences.items()}} if confidences else {})
