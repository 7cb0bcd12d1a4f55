"""The sheets of xlsxwriter, with what it leaves to chance made certain."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

if TYPE_CHECKING:
    from xlsxwriter.format import Format

FONT = "Arial"
PRIMARY, ON_PRIMARY, WASH = "#0f766e", "#ffffff", "#ccfbf1"
SANDBOX, ALERT, LINE, FAINT = "#5b3fc4", "#b42318", "#b8c2cc", "#e3e8ec"

PAGE_FONT = f'&"{FONT},Regular"&9'
PAGE_NUMBERS = f"&L{PAGE_FONT}&F&R{PAGE_FONT}Page &P of &N"

# Excel writes characters that XML cannot have as _x001F_, and so the underscore of a text that looks like it.
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4})")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_A4 = 9
_ROW_HEIGHT = 15
_PAGE_WIDTH = 210
"""Characters across A4 at 60 % of the size on the screen: six points, below which nobody reads a page."""


class Sheet(Worksheet):  # type: ignore[misc]
    """A sheet that raises where xlsxwriter returns a number, and writes text as text and numbers in full."""

    def put_text(self, row: int, column: int, text: str, style: Format | None = None) -> None:
        """Write text, which is never a formula, a link or a number."""
        _check(self.write_string(row, column, text, style))

    def put_number(self, row: int, column: int, number: float, style: Format | None = None) -> None:
        """Write a number, also a date as Excel counts."""
        _check(self.write_number(row, column, number, style))

    def put_flag(self, row: int, column: int, flag: bool, style: Format | None = None) -> None:
        """Write TRUE or FALSE."""
        _check(self.write_boolean(row, column, flag, style))

    def put_formula(self, row: int, column: int, formula: str, style: Format, value: float) -> None:
        """Write a formula of ours, and its result for programs that do not compute."""
        _check(self.write_formula(row, column, formula, style, value))

    def _xml_number_element(self, number: float, attributes: Iterable[tuple[str, Any]] = ()) -> None:
        # xlsxwriter writes 16 digits, and a float can need 17.
        self.fh.write(f"<c{_attributes(attributes)}><v>{number!r}</v></c>")

    @staticmethod
    def _escape_control_characters(data: Any) -> Any:
        # xlsxwriter escapes only the first of two escapes in the text that have an underscore in common.
        if not isinstance(data, str):
            return data
        return _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", _ESCAPE.sub("_x005F_", data))

    def _xml_rich_inline_string(self, string: str, attributes: Iterable[tuple[str, Any]] = ()) -> None:
        # xlsxwriter takes text from <r> to </r> for its own markup, and would not escape it.
        self._xml_inline_string(string, True, list(attributes))


class Output(io.FileIO):
    """A new file. After a failure it takes what the zip file still wants to write, and drops it."""

    failed = False

    def write(self, data: Any) -> int:
        """Write bytes."""
        return memoryview(data).nbytes if self.failed else super().write(data)


def new_workbook(output: BinaryIO, folder: str) -> Workbook:
    """A workbook that keeps one row of each sheet in memory.

    Args:
        output: Where it is written to at the end.
        folder: Where its parts are until then.
    """
    return Workbook(
        output,
        {
            "tmpdir": folder,
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
        },
    )


def add_sheet(workbook: Workbook, name: str) -> Sheet:
    """Add a sheet that prints well: on A4 across, as wide as one page."""
    sheet: Sheet = workbook.add_worksheet(name, worksheet_class=Sheet)
    sheet.set_paper(_A4)
    sheet.set_landscape()
    sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.7)
    sheet.fit_to_pages(1, 0)
    sheet.set_default_row(_ROW_HEIGHT)
    return sheet


def print_readably(sheet: Sheet, widths: Sequence[float]) -> None:
    """Print a table as wide as one page, or where that is too small to read, as several.

    Pages beside each other follow one another, and each has the heading and the first column.

    Args:
        sheet: The sheet.
        widths: Characters of its columns.
    """
    pages = 1
    if sum(widths) > _PAGE_WIDTH:
        pages = math.ceil((sum(widths) - widths[0]) / max(_PAGE_WIDTH - widths[0], _PAGE_WIDTH / 2))
        sheet.repeat_columns(0)
        sheet.print_across()
    sheet.repeat_rows(0)
    sheet.fit_to_pages(pages, 0)


def page_text(text: str) -> str:
    """Text for the top or the bottom of a printed page, where `&` begins a command."""
    return text.replace("&", "&&")


def _attributes(attributes: Iterable[tuple[str, Any]]) -> str:
    return "".join(f' {name}="{value}"' for name, value in attributes)


def _check(status: int) -> None:
    """Raise if xlsxwriter did not write a cell: it only returns a number then."""
    if status != 0:
        raise AssertionError(f"xlsxwriter left out a cell (status {status})")
