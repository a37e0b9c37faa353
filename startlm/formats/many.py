"""Several files as one table: the months of an export, the same form from three shops. Each is read in its own format and encoding."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Iterator, NoReturn, Sequence

from startlm.core.contracts import BadRow, Row, Table
from startlm.core.errors import CallError
from startlm.core.language import Said, say
from startlm.formats import find_format, find_out, no_such_option, open_table, options_of
from startlm.formats.rows import in_order


class Many:
    """Files one after the other; the "line" of a row is that in its own file. Cannot write."""

    name = "many"
    suffixes: tuple[str, ...] = ()

    @staticmethod
    def open(source: str | Path | Sequence[str | Path], *, format: str | None = None, **told: Any) -> Table:
        """The columns are those of all files, in order of appearance; in a file without one of them its cells are None.

        Each file takes of what is `told` the options that its own format has. Raises CallError for no files, a file that cannot be
        opened or shares no column with those before it, and an option that none of the formats has.
        """
        files = [source] if isinstance(source, (str, Path)) else list(source)
        if not files:
            raise CallError(say("There are no files.", "没有文件。"), say('name them: data = ["january.csv", "february.csv"]', '请写出文件名：data = ["january.csv", "february.csv"]'))
        found = [find_out(file, format) for file in files]
        known = {name: options_of(name) for name, _ in found}
        for option in told:
            if not any(option in options for options in known.values()):
                raise no_such_option(found[0][0], option, known[found[0][0]])
        parts = tuple(open_table(opened, format=name, **{option: value for option, value in told.items() if option in known[name]}) for name, opened in found)
        columns, said = _columns(parts)
        return Table(columns, ", ".join(part.source for part in parts), Many.name, {}, partial(_read_rows, parts, columns), said, parts)

    @staticmethod
    def source_of(columns: Sequence[str], rows: Sequence[Sequence[Any]], folder: Path) -> Any:
        """These rows in two new files, as `open` takes them: a CSV file, and JSON lines with the columns the other way round."""
        half, files = len(rows) // 2, [folder / "a.csv", folder / "b.jsonl"]
        for path, name, step, part in zip(files, ("delimited", "json_lines"), (1, -1), (rows[:half], rows[half:])):
            with path.open("wb") as stream:
                writer = find_format(name).writer(stream, columns[::step])
                writer.write_many([values[::step] for values in part])
                writer.close()
        return files

    @staticmethod
    def writer(stream: Any, columns: Sequence[str], **options: Any) -> NoReturn:
        """Raises CallError: answers are written to one file."""
        raise CallError(say("Answers are not written to several files.", "答案不会写成多个文件。"), say("name one file: -o answers.csv", "请写一个文件：-o answers.csv"))


def _columns(parts: Sequence[Table]) -> tuple[tuple[str, ...], tuple[Said, ...]]:
    """The columns of all files, and what is to be said of each file."""
    columns = dict.fromkeys(parts[0].columns)
    for part in parts[1:]:
        if not columns.keys() & set(part.columns):
            raise CallError(say(f"This file has no column of the others ({', '.join(columns)}); it has: {', '.join(part.columns)}.",
                                f"这个文件没有一列与其他文件相同（{'、'.join(columns)}）；它的列：{'、'.join(part.columns)}。"),
                            say("take it out of data, or give it the same head", "请从 data 中去掉它，或使用同样的表头"), where=part.source)
        columns.update(dict.fromkeys(part.columns))
    names = [Path(part.source).name for part in parts]
    said = [say(f"{len(parts)} files as one table: {', '.join(names)}", f"{len(parts)} 个文件合成一张表：{'、'.join(names)}")]
    for name, part in zip(names, parts):
        said += [say(f"{name}: {each.en}", f"{name}：{each.zh}") for each in part.said]
        if missing := [column for column in columns if column not in part.columns]:
            said.append(say(f"{name} has no column {', '.join(missing)}: its cells are empty.", f"{name} 没有 {'、'.join(missing)} 列：这些单元格为空。"))
    return tuple(columns), tuple(said)


def _read_rows(parts: Sequence[Table], columns: tuple[str, ...]) -> Iterator[Row | BadRow]:
    for part in parts:
        yield from in_order(part, columns)
