"""Writes workbooks: a sheet about everything, and one or several with the rows of each frame."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import repeat
from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from toolkit.amounts.integers import text_of_units, units_of_array
from toolkit.errors import UsageError
from toolkit.exports import text_formats
from toolkit.exports.columns import arrow_schema, to_arrow
from toolkit.exports.excel.about import SheetSummary, write_about
from toolkit.exports.excel.columns import (
    MAX_DIGITS,
    ColumnLayout,
    added_up,
    cells_of,
    layouts_of,
    places_for,
    significant_digits,
    survey,
)
from toolkit.exports.excel.names import ABOUT, PROVENANCE, sheet_name
from toolkit.exports.provenance import as_json

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format

    from toolkit.exports.excel.sheets import Output, Sheet

# Excel ends after row 1,048,576; a round number leaves room for the heading and the total.
ROWS_PER_SHEET = 1_000_000

_ROWS_AT_ONCE = 1 << 14
_MIN_WIDTH, _MAX_WIDTH = 7, 60
_PIECE = 30_000  # characters of the hidden description in one cell


@dataclass(slots=True)
class _SheetRows:
    """The rows of a frame on their way to sheets.

    Attributes:
        name: What the frame is called.
        frame: The frame, with numbered rows.
        schema: Arrow types of its columns.
        attrs: What its provenance says about it.
        layouts: How its columns are shown.
        per_sheet: How many of its rows a sheet takes.
        totals: Those that are added up.
        sheets: Names of its sheets, in order.
        sha256: That of the rows as CSV.
    """

    name: str
    frame: pd.DataFrame
    schema: pa.Schema
    attrs: Mapping[str, Any]
    layouts: list[ColumnLayout]
    per_sheet: int
    totals: list[ColumnLayout] = field(default_factory=list)
    sheets: list[str] = field(default_factory=list)
    sha256: str = ""

    def part(self, number: int) -> range:
        """The rows on one of its sheets."""
        return range(len(self.frame))[number * self.per_sheet : (number + 1) * self.per_sheet]

    def tables(self, part: range) -> Iterator[pa.Table]:
        """These rows, some at once."""
        for at in range(0, len(part), _ROWS_AT_ONCE):
            piece = part[at : at + _ROWS_AT_ONCE]
            yield to_arrow(self.frame.iloc[piece.start : piece.stop], self.schema)


def write(
    sheets: Mapping[str, pd.DataFrame],
    path: Path,
    description: Mapping[str, Any],
    *,
    rows_per_sheet: int = ROWS_PER_SHEET,
) -> None:
    """Write frames to a workbook.

    Args:
        sheets: The frames, with numbered rows, by the names of their sheets.
        path: The file, which may be there and is overwritten.
        description: The provenance of each, under `sheets`.
        rows_per_sheet: Rows on one sheet. Further rows are on further sheets.

    Raises:
        UsageError: A text is longer than a cell, or the file would have more than 4 GiB.
        OSError: It cannot be written.
    """
    # Imported here, as nothing else needs it.
    from xlsxwriter.exceptions import FileCreateError, FileSizeError

    from toolkit.exports.excel.sheets import Output, add_sheet, new_workbook

    taken = {ABOUT, PROVENANCE}
    frames = []
    for name, frame in sheets.items():
        rows = _surveyed(name, frame, description["sheets"][name], rows_per_sheet)
        for part in range(1, max(1, -(-len(frame) // rows_per_sheet)) + 1):
            rows.sheets.append(sheet_name(name, taken, part))
            taken.add(rows.sheets[-1])
        frames.append(rows)
    raw = Output(path, "wb")
    try:
        with tempfile.TemporaryDirectory(prefix="toolkit-") as folder, io.BufferedWriter(raw) as output:
            workbook = new_workbook(output, folder)
            with _finished(workbook, raw):
                about = add_sheet(workbook, ABOUT)
                styles = _Styles(workbook)
                for rows in frames:
                    for number, name in enumerate(rows.sheets):
                        _write_rows(add_sheet(workbook, name), styles, rows, rows.part(number))
                write_about(workbook, about, description, [_summary(rows) for rows in frames])
                _write_hidden(add_sheet(workbook, PROVENANCE), description, frames)
                workbook.close()
                output.flush()
    except FileCreateError as error:
        raise error.__context__ or error from None  # the error of the system
    except FileSizeError:
        raise UsageError(
            "The workbook would have more than 4 GiB. Export fewer rows, or a .parquet file."
        ) from None


@contextmanager
def _finished(workbook: Workbook, output: Output) -> Iterator[None]:
    """Leave nothing open if something fails."""
    try:
        yield
    except BaseException as error:
        output.failed = True
        for sheet in workbook.worksheets():
            with suppress(OSError):
                sheet._opt_close()
        # The zip file is in one of these frames; it now is finished into nothing.
        for each in (error, error.__context__):
            traceback.clear_frames(each.__traceback__ if each else None)
        raise


def _surveyed(name: str, frame: pd.DataFrame, described: Mapping[str, Any], per_sheet: int) -> _SheetRows:
    """Read all values once: how they are shown, their totals and their SHA-256."""
    schema, attrs = arrow_schema(described["columns"]), described["attrs"]
    rows = _SheetRows(name, frame, schema, attrs, layouts_of(schema, attrs), per_sheet)
    digest = hashlib.sha256(text_formats.csv_header(schema.names, guard=False))

    def tables() -> Iterator[pa.Table]:
        for table in rows.tables(range(len(frame))):
            digest.update(text_formats.csv_rows(table, guard=False))
            yield table

    survey(rows.layouts, tables())
    rows.sha256 = digest.hexdigest()
    rows.totals = added_up(rows.layouts, frame, attrs)
    for layout in rows.totals:
        layout.total = _total(frame[layout.name], layout)
        layout.exact |= isinstance(layout.total, str) and significant_digits(layout.total) > MAX_DIGITS
    return rows


def _total(column: pd.Series, layout: ColumnLayout) -> str | float:
    """The sum of a column: exact amounts to the last digit, as text."""
    if not pa.types.is_decimal(layout.type):
        known = column.dropna()
        return int(known.sum()) if layout.kind == "count" else fsum(known)
    units = 0
    for at in range(0, len(column), _ROWS_AT_ONCE):
        values = pa.array(column.iloc[at : at + _ROWS_AT_ONCE], layout.type, from_pandas=True)
        values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        units += sum(each for each in units_of_array(values) if each is not None)
    return text_of_units(units)


def _summary(rows: _SheetRows) -> SheetSummary:
    return SheetSummary(rows.name, rows.sheets, len(rows.frame), rows.sha256)


# -- rows --------------------------------------------------------------------------------------------


class _Styles:
    """The formats of cells, each made once."""

    def __init__(self, workbook: Workbook) -> None:
        from toolkit.exports.excel.sheets import FAINT, FONT, LINE, ON_PRIMARY, PRIMARY

        self._workbook = workbook
        self._base = {"font_name": FONT, "font_size": 10}
        self._made: dict[tuple[str, bool, str], Format] = {}
        self._total = {**self._base, "bold": True, "top": 1, "top_color": LINE}
        heading = {
            **self._base,
            "bold": True,
            "font_color": ON_PRIMARY,
            "bg_color": PRIMARY,
            "valign": "vcenter",
            "text_wrap": True,
            "border": 1,
            "border_color": PRIMARY,
        }
        self.line = workbook.add_format({"bottom": 1, "bottom_color": FAINT})
        self.heading = workbook.add_format({**heading, "indent": 1})
        # With room for the button of the filter.
        self.number_heading = workbook.add_format({**heading, "align": "right", "indent": 2})

    def of(self, number_format: str, *, is_total: bool = False, align: str = "") -> Format:
        key = (number_format, is_total, align)
        if key not in self._made:
            properties = {**(self._total if is_total else self._base), "num_format": number_format}
            if align:
                properties |= {"align": align, "indent": 1}
            self._made[key] = self._workbook.add_format(properties)
        return self._made[key]


def _number_format(places: int) -> str:
    return "#,##0" + ("." + "0" * places if places else "")


def _write_rows(sheet: Sheet, styles: _Styles, rows: _SheetRows, part: range) -> None:
    from toolkit.exports.excel.sheets import PAGE_FONT, PAGE_NUMBERS, SANDBOX, page_text, print_readably

    headings, widths, texts, numbers = [], [], [], set()
    for layout in rows.layouts:
        headings.append(layout.heading)
        widths.append(layout.width)
        if layout.kind == "text":
            texts.append(len(headings) - 1)
        elif layout.kind in ("number", "count"):
            numbers |= set(range(len(headings) - 1, len(headings) - 1 + layout.cells))
        if layout.exact:
            texts.append(len(headings))
            headings.append(layout.exact_heading)
            widths.append(layout.exact_width)
    shown = [_width(text, width) for text, width in zip(headings, widths, strict=True)]
    for column, width in enumerate(shown):
        sheet.set_column(column, column, width)
    print_readably(sheet, shown)
    sheet.set_row(0, 31)
    for column, text in enumerate(headings):
        sheet.put_text(0, column, text, styles.number_heading if column in numbers else styles.heading)
    last = len(part)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, last, len(headings) - 1)
    is_sandbox = rows.attrs.get("source") == "sandbox"
    mark = f"&R{PAGE_FONT}&BSANDBOX: made-up data" if is_sandbox else ""
    sheet.set_header(f"&L{PAGE_FONT}&B{page_text(sheet.get_name())}{mark}")
    sheet.set_footer(PAGE_NUMBERS)
    if is_sandbox:
        sheet.set_tab_color(SANDBOX)
    line = {"type": "formula", "criteria": "=TRUE", "format": styles.line}  # also where a cell is empty
    sheet.conditional_format(1, 0, max(last, 1), len(headings) - 1, line)
    for column in texts:  # ids are text on purpose
        sheet.ignore_errors({"number_stored_as_text": _range(column, 1, max(last, 1) + 2)})
    row = 1
    for table in rows.tables(part):
        for cells in zip(*_columns(sheet, styles, rows.layouts, table), strict=True):
            for column, (put, value, style) in enumerate(cells):
                if value is not None:
                    put(row, column, value, style)
            row += 1
    if rows.totals and part.stop == len(rows.frame):
        _write_totals(sheet, styles, rows, row + 1, last)


def _columns(sheet: Sheet, styles: _Styles, layouts: Sequence[ColumnLayout], table: pa.Table) -> list[Any]:
    """For each column of the sheet, how to write a cell, its value and its style, row by row."""
    columns: list[Any] = []
    plain, right = styles.of("@", align="left"), styles.of("@", align="right")
    for layout in layouts:
        values, exact = cells_of(layout, table.column(layout.name).combine_chunks())
        if layout.kind == "text":
            columns.append(zip(repeat(sheet.put_text), values, repeat(plain)))
        elif layout.kind == "flag":
            columns.append(zip(repeat(sheet.put_flag), values, repeat(styles.of("General"))))
        elif layout.kind == "number" and layout.by:
            assets = table.column(layout.by).to_pylist()
            by = {each: styles.of(_number_format(places_for(layout, each or ""))) for each in set(assets)}
            columns.append(zip(repeat(sheet.put_number), values, map(by.__getitem__, assets)))
        else:
            align = "left" if layout.kind == "time" else ""
            columns.append(
                zip(repeat(sheet.put_number), values, repeat(styles.of(_format_of(layout), align=align)))
            )
        if exact is not None:
            columns.append(zip(repeat(sheet.put_text), exact, repeat(right)))
    return columns


def _format_of(layout: ColumnLayout) -> str:
    if layout.kind == "time":
        return layout.time_format
    return layout.percent_format or _number_format(places_for(layout, "") if layout.kind == "number" else 0)


def _write_totals(sheet: Sheet, styles: _Styles, rows: _SheetRows, row: int, last: int) -> None:
    """Totals two rows below the rows, so that no filter takes them for a row."""
    column = 0
    labelled = False
    right = styles.of("@", is_total=True, align="right")
    totals = {layout.name for layout in rows.totals}
    for layout in rows.layouts:
        if layout.name in totals and layout.total is not None:
            assets = rows.frame[layout.by].iloc[:1].tolist() if layout.by else [""]
            places = places_for(layout, str(assets[0])) if layout.kind == "number" else 0
            sheet.put_formula(
                row,
                column,
                f"=SUM({_sum_ranges(rows, column, last)})",
                styles.of(_number_format(places), is_total=True),
                float(layout.total),
            )
            if layout.exact:
                sheet.put_text(row, column + 1, str(layout.total), right)
        else:
            label = styles.of("@", is_total=True, align="left")
            for blank in range(layout.cells):
                sheet.write_blank(row, column + blank, None, label)
            if not labelled:
                sheet.put_text(row, column, "Total", label)
            labelled = True
        column += layout.cells


def _sum_ranges(rows: _SheetRows, column: int, last: int) -> str:
    """The cells that a total adds up, on all sheets of the rows."""
    others = rows.sheets[:-1]
    full = rows.per_sheet
    quoted = [f"'{name.replace(chr(39), chr(39) * 2)}'!" for name in others]
    return ",".join([*(f"{name}{_range(column, 1, full)}" for name in quoted), _range(column, 1, last)])


def _range(column: int, first: int, last: int) -> str:
    from xlsxwriter.utility import xl_range

    return str(xl_range(first, column, last, column))


def _width(text: str, longest: int) -> float:
    """Width of a column: its values in full, and its heading on two lines beside the button of the filter."""
    words = text.split()
    two_lines = max([*map(len, words), (len(text) + 1) // 2 + 1]) + 3
    return min(max(1.12 * longest + 1.5, two_lines * 1.15, _MIN_WIDTH), _MAX_WIDTH)


# -- for reading back --------------------------------------------------------------------------------


def _write_hidden(sheet: Sheet, description: Mapping[str, Any], frames: Sequence[_SheetRows]) -> None:
    """Write where everything is, for `toolkit.read`, on a sheet that programs do not list."""
    places = {
        rows.name: {
            "parts": [(name, len(rows.part(number))) for number, name in enumerate(rows.sheets)],
            "columns": [[layout.name, layout.kind, layout.exact] for layout in rows.layouts],
        }
        for rows in frames
    }
    for row, text in enumerate((as_json(description), json.dumps(places))):
        for column, at in enumerate(range(0, len(text), _PIECE)):
            sheet.put_text(row, column, text[at : at + _PIECE])
    sheet.very_hidden()
