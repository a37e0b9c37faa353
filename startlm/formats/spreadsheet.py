"""Spreadsheets: Excel's .xlsx, .xls and .xlsb, and .ods. One sheet is one table, its first filled row the head."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Iterable, Iterator, Sequence

from startlm.core.contracts import Row, Table
from startlm.core.errors import CallError
from startlm.core.language import Said, say
from startlm.core.shelves import import_extra
from startlm.formats.rows import name_columns
from startlm.formats.sources import SAVE_AS_CSV, find_file

MOST_ROWS, MOST_CHARACTERS = 1_048_576, 32_767  # what a sheet and a cell of Excel can hold


class Spreadsheet:
    """A sheet of a workbook. The "line" of a row is its number in the sheet, as the spreadsheet shows it."""

    name = "spreadsheet"
    suffixes = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
    magics = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # a zip archive; what Office wrote before

    @staticmethod
    def open(source: str | Path, *, sheet: str | None = None) -> Table:
        """`sheet` names the sheet; left out, the only one that holds rows is taken.

        Raises CallError for a workbook that cannot be read, a sheet that is not there, several of which none is named, and
        a head of merged cells; MissingExtraError where python-calamine is not installed.
        """
        path = find_file(source)
        book = _opened(path)
        chosen, said = _choose_sheet(book, sheet, path)
        place = f"{path}[{chosen}]"
        number, left, cells = _find_head(book.get_sheet_by_name(chosen), place)
        _refuse_merged_head(book.get_sheet_by_name(chosen), number, place)
        columns, changed = name_columns([str(cell) for cell in cells])
        above = (say(f"Head found in row {number}.", f"表头在第 {number} 行。"),) if number > 1 else ()
        return Table(columns, place, Spreadsheet.name, {"sheet": chosen}, partial(_read_rows, path, chosen, number, (left, left + len(columns))), (*said, *above, *changed))

    @staticmethod
    def writer(stream: BinaryIO, columns: Sequence[str], *, for_excel: bool = False) -> SpreadsheetWriter:
        """A writer of .xlsx with one sheet. A text stays text, whatever it begins with: `for_excel` changes nothing."""
        return SpreadsheetWriter(stream, columns)


class SpreadsheetWriter:
    """Writes one sheet row by row to a stream that stays open. No text is run as a formula or turned into a link."""

    def __init__(self, stream: BinaryIO, columns: Sequence[str]) -> None:
        self._book = import_extra("xlsxwriter").Workbook(stream, {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"})
        self._sheet = self._book.add_worksheet("startlm")
        self._row = 0
        self.write(columns)

    def write(self, values: Sequence[Any]) -> None:
        """Write one row. Raises CallError for one that Excel cannot hold."""
        if self._row >= MOST_ROWS:
            raise _too_much(say(f"A sheet holds {MOST_ROWS:,} rows, and here are more.", f"一个工作表最多 {MOST_ROWS:,} 行，这里超过了。"))
        for column, value in enumerate(values):
            if isinstance(value, bool):
                self._sheet.write_boolean(self._row, column, value)
            elif isinstance(value, (int, float)) and abs(value) < 1e15:  # larger ones lose digits; NaN and infinity have no cell
                self._sheet.write_number(self._row, column, value)
            elif hasattr(value, "isoformat") and getattr(value, "tzinfo", None) is None:
                self._sheet.write_datetime(self._row, column, value)
            elif value is not None:
                self._write_text(column, str(value))
        self._row += 1

    def write_many(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write rows."""
        for row in rows:
            self.write(row)

    def flush(self) -> None:
        """Nothing: half a workbook cannot be read."""

    def close(self) -> None:
        """Write the workbook; the stream stays open."""
        self._book.close()

    def _write_text(self, column: int, text: str) -> None:
        if len(text.encode("utf-16-le", "surrogatepass")) // 2 > MOST_CHARACTERS:
            raise _too_much(say(f"A cell holds {MOST_CHARACTERS:,} characters, and one has more (row {self._row + 1}).",
                                f"一个单元格最多 {MOST_CHARACTERS:,} 个字符，第 {self._row + 1} 行超过了。"))
        self._sheet.write_string(self._row, column, text.encode("utf-8", "replace").decode("utf-8"))


def _too_much(message: Said) -> CallError:
    return CallError(message, say("let the name of the output end in .csv", "请让输出文件名以 .csv 结尾"))


# ------------------------------------------------------------- reading

def _opened(path: Path) -> Any:
    calamine = import_extra("python_calamine")
    try:
        return calamine.CalamineWorkbook.from_path(str(path))
    except calamine.CalamineError as error:
        locked = isinstance(error, calamine.PasswordError)
        message = say("The workbook is locked with a password.", "这个工作簿有密码保护。") if locked else say(
            f"This is not a workbook that can be read: {error}", f"这不是可以读取的工作簿：{error}")
        hint = say("remove the password and save it again", "请去掉密码后重新保存") if locked else say(
            f"save it again as .xlsx, or {SAVE_AS_CSV.en}", f"请重新存为 .xlsx，或者{SAVE_AS_CSV.zh}")
        raise CallError(message, hint, where=str(path)) from None


def _choose_sheet(book: Any, told: str | None, path: Path) -> tuple[str, tuple[Said, ...]]:
    names = list(book.sheet_names)
    listed = ", ".join(repr(name) for name in names)
    if told is not None:
        if told not in names:
            raise CallError(say(f"There is no sheet {told!r}.", f"没有工作表 {told!r}。"), say(f"the sheets are: {listed}", f"现有的工作表：{listed}"), where=str(path))
        return told, ()
    filled = [name for name in names if book.get_sheet_by_name(name).height > 1]
    if len(filled) > 1:
        raise CallError(say("The workbook has several sheets with rows.", "这个工作簿有多个含数据的工作表。"),
                        say(f'name one: sheet = "{filled[0]}" (or --sheet); there are: {", ".join(filled)}',
                            f'请指定一个：sheet = "{filled[0]}"（或 --sheet）；现有：{"、".join(filled)}'), where=str(path))
    chosen = (filled or names)[0]
    return chosen, (say(f"Sheet: {chosen}", f"工作表：{chosen}"),)


def _find_head(sheet: Any, place: str) -> tuple[int, int, list[Any]]:
    """The head's row number (1 is the sheet's first), the column it begins in (0 is A), its cells; a title above it is passed over."""
    for number, left, cells in _numbered(sheet):
        filled = [i for i, cell in enumerate(cells) if _filled(cell)]
        if len(filled) > 1 or len(filled) == len(cells) == 1:
            return number, left + filled[0], cells[filled[0] : filled[-1] + 1]
    raise CallError(say("The sheet has no head row with names of columns.", "这个工作表没有列名所在的表头行。"), say('name another sheet: sheet = "…"', '请指定另一个工作表：sheet = "…"'), where=place)


def _numbered(sheet: Any) -> Iterator[tuple[int, int, list[Any]]]:
    """The rows of a sheet: their number from 1, the first column that is filled anywhere from 0, the cells from that column on."""
    left = (sheet.start or (0, 0))[1]
    for number, cells in enumerate(sheet.iter_rows(), 1):
        yield number, left, cells


def _refuse_merged_head(sheet: Any, head: int, place: str) -> None:
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        if top < head <= bottom + 1:
            cells = f"{_letter(left)}{top + 1}:{_letter(right)}{bottom + 1}"
            raise CallError(say(f"The cells {cells} of the head are merged: which column has which name cannot be told.", f"表头的单元格 {cells} 是合并的：无法确定每一列的名字。"),
                            say("unmerge them and give each column one name in one row", "请取消合并，让每一列在同一行里有一个名字"), where=place)


def _letter(column: int) -> str:
    """The letters of a column, 0 is A.

    >>> _letter(0), _letter(27)
    ('A', 'AB')
    """
    return (_letter(column // 26 - 1) if column >= 26 else "") + chr(65 + column % 26)


def _filled(cell: Any) -> bool:
    return cell is not None and cell != ""


def _read_rows(path: Path, sheet: str, head: int, span: tuple[int, int]) -> Iterator[Row]:
    """Rows below the head, in the columns that it spans; empty ones are passed over."""
    for number, left, cells in _numbered(_opened(path).get_sheet_by_name(sheet)):
        values = cells[span[0] - left : span[1] - left]
        if number > head and any(map(_filled, values)):
            yield Row(number, tuple(values))
