"""Workbooks: the sheet chosen or asked for, the head found below a title, dates and numbers as they are, texts never run."""

import datetime
import io
import zipfile

import pytest
import xlsxwriter

from startlm.core.errors import CallError
from startlm.core.language import speaking
from startlm.formats import open_table
from startlm.formats import spreadsheet as module
from startlm.formats.spreadsheet import Spreadsheet


@pytest.fixture
def book(tmp_path):
    """A workbook from {sheet: {(row, column): value}}, rows and columns from 0."""

    def make(sheets, merged=()):
        path = tmp_path / "订单.xlsx"
        workbook = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"})
        for name, cells in sheets.items():
            sheet = workbook.add_worksheet(name)
            for place in merged:
                sheet.merge_range(*place, "")
            for (row, column), value in cells.items():
                sheet.write(row, column, value)
        workbook.close()
        return path

    return make


def cells(rows, top=0, left=0):
    return {(top + i, left + j): value for i, row in enumerate(rows) for j, value in enumerate(row)}


ROWS = [["message", "team", "n"], ["我的卡还没到", "card", 3], ["", "", ""], ["hi", "other", 2.5]]


def values(table):
    return [(row.line, *row.values) for row in table.rows()]


def test_rows_carry_the_number_that_the_spreadsheet_shows_and_empty_ones_are_passed_over(book):
    table = open_table(book({"一月": cells(ROWS)}))
    assert table.columns == ("message", "team", "n") and table.source.endswith("[一月]")
    assert values(table) == [(2, "我的卡还没到", "card", 3.0), (4, "hi", "other", 2.5)]


def test_a_title_above_the_head_and_empty_columns_beside_it_are_passed_over(book):
    table = open_table(book({"a": {(1, 2): "Report of 2024", **cells(ROWS, 3, 2)}}))
    assert values(table) == [(5, "我的卡还没到", "card", 3.0), (7, "hi", "other", 2.5)]
    assert "Head found in row 4." in [said.en for said in table.said]


def test_dates_are_dates(book):
    table = open_table(book({"a": cells([["when", "n"], [datetime.datetime(2024, 3, 5), 1]])}))
    assert values(table) == [(2, datetime.date(2024, 3, 5), 1.0)]


def test_of_several_sheets_the_only_filled_one_is_taken_and_otherwise_asked_for(book):
    assert open_table(book({"空": {}, "data": cells(ROWS)})).options == {"sheet": "data"}
    path = book({"一月": cells(ROWS), "二月": cells(ROWS)})
    with pytest.raises(CallError, match='sheet = "一月"'):
        open_table(path)
    assert len(values(open_table(path, sheet="二月"))) == 2
    with pytest.raises(CallError, match="the sheets are: '一月', '二月'"):
        open_table(path, sheet="三月")


def test_merged_head_cells_are_refused_with_their_place_in_both_languages(book):
    path = book({"a": {(0, 0): "name", (0, 2): "team", **cells([["x", "y", "z"]], 1)}}, merged=[(0, 0, 0, 1)])
    with pytest.raises(CallError, match="A1:B1") as caught:
        open_table(path)
    assert "unmerge" in str(caught.value) and caught.value.exit_code == 2
    with speaking("zh"):
        assert "取消合并" in str(caught.value)


def test_an_empty_workbook_and_a_zip_archive_are_refused(book, tmp_path):
    with pytest.raises(CallError, match="no head row"):
        open_table(book({"a": {}}))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "hello")
    with pytest.raises(CallError, match="not a workbook"):
        open_table(tmp_path / "a.zip")


def test_texts_that_look_like_formulas_links_or_numbers_stay_texts(tmp_path):
    told = ("=1+1", "http://example.org", "007", "@a", "-5")
    with (tmp_path / "out.xlsx").open("wb") as stream:
        writer = Spreadsheet.writer(stream, ["a", "b", "c", "d", "e"])
        writer.write(told)
        writer.close()
    assert values(open_table(tmp_path / "out.xlsx")) == [(2, *told)]
    with zipfile.ZipFile(tmp_path / "out.xlsx") as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


def test_numbers_dates_and_truths_are_cells_of_their_kind(tmp_path):
    when = datetime.datetime(2024, 1, 2, 3, 4, 5)
    with (tmp_path / "out.xlsx").open("wb") as stream:
        writer = Spreadsheet.writer(stream, ["a", "b", "c", "d", "e"])
        writer.write((1.5, True, when, None, float("inf")))
        writer.close()
    assert values(open_table(tmp_path / "out.xlsx")) == [(2, 1.5, True, when, "", "inf")]


def test_what_excel_cannot_hold_is_refused_not_cut_off(monkeypatch):
    writer = Spreadsheet.writer(io.BytesIO(), ["a"])
    with pytest.raises(CallError, match="32,767 characters"):
        writer.write(("字" * 32_768,))
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    writer.write(("a",))
    with pytest.raises(CallError, match="end in .csv"):
        writer.write(("b",))
    writer.close()
