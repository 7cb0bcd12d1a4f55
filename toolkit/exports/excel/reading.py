"""Reads the rows of a workbook that `write` wrote, to the last digit.

Workbooks are read as what they are, XML in a zip file, by the standard library: a hidden sheet says where the
values of each column are. Only cells and texts as long as a workbook can have are taken, a piece of the file
at once, so that a file made to expand without end is refused, and not unpacked.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO
from xml.parsers import expat

import numpy as np
import pyarrow as pa

from toolkit.exports.columns import arrow_schema
from toolkit.exports.excel.columns import DAY_MS, EPOCH_DAYS, MAX_COLUMNS, MAX_ROWS, MAX_TEXT, times_of
from toolkit.exports.excel.names import PROVENANCE
from toolkit.exports.text_formats import parsed

_ROWS_AT_ONCE = 1 << 14
_CHUNK_BYTES = 1 << 18  # more than any cell has
_MAX_PIECES = 1_000  # of the hidden description
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
# A character of a cell takes up to seven in the file, as _x001F_.
_MAX_CHARACTERS = 7 * MAX_TEXT

Cells = dict[int, str]
"""The texts of the cells of a row, by column."""


class DamagedWorkbookError(ValueError):
    """A file is not a workbook that was written by this package."""


def read_sheet(file: BinaryIO, name: str, described: Mapping[str, Any]) -> tuple[pa.Table, str]:
    """Read the rows of a frame.

    Args:
        file: The workbook.
        name: What the frame is called.
        described: Its provenance, with columns and number of rows.

    Returns:
        The rows, and the description that the workbook has inside.

    Raises:
        ValueError: The file is no such workbook.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = _members(archive)
            inside, places = _hidden(archive, members[PROVENANCE])
            place = json.loads(places)[name]
            schema = arrow_schema(described["columns"])
            parts = [(members[part], int(rows)) for part, rows in place["parts"]]
            counts = [rows for _, rows in parts]
            if sum(counts) != described["rows"] or not all(0 <= rows < MAX_ROWS for rows in counts):
                raise DamagedWorkbookError("the workbook has another number of rows")
            rows = _rows(archive, parts)
            return _table(rows, place["columns"], schema), inside
    except (KeyError, TypeError, IndexError, expat.ExpatError, zipfile.BadZipFile, EOFError) as error:
        raise DamagedWorkbookError(f"the workbook cannot be read: {type(error).__name__}") from None


def _members(archive: zipfile.ZipFile) -> dict[str, str]:
    """The file in the archive of each sheet."""
    sheets: dict[str, str] = {}
    targets: dict[str, str] = {}

    def take_sheet(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "sheet":
            sheets[attributes["name"]] = attributes["r:id"]

    def take_target(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "Relationship":
            targets[attributes["Id"]] = attributes["Target"]

    for path, take in (("xl/workbook.xml", take_sheet), ("xl/_rels/workbook.xml.rels", take_target)):
        parser = _parser()
        parser.StartElementHandler = take
        for chunk in _chunks(archive, path):
            parser.Parse(chunk, False)
    return {name: f"xl/{targets[relation]}" for name, relation in sheets.items()}


def _hidden(archive: zipfile.ZipFile, member: str) -> tuple[str, str]:
    texts: list[str] = []
    for _, cells in _cells(archive, member):
        if len(texts) == 2 or len(cells) > _MAX_PIECES:
            break
        texts.append("".join(cells[column] for column in sorted(cells)))
    inside, places = texts
    return inside, places


def _rows(archive: zipfile.ZipFile, members: Sequence[tuple[str, int]]) -> Iterator[Cells]:
    """The rows of all sheets, without the headings and what follows the rows.

    Args:
        archive: The workbook.
        members: The files of the sheets, and how many rows each has.
    """
    for member, count in members:
        row = 0
        for number, cells in _cells(archive, member):
            if number == 1:  # the heading
                continue
            if number > count + 1:
                break
            for _ in range(number - 2 - row):  # rows without a value are left out of the file
                yield {}
            yield cells
            row = number - 1
        for _ in range(count - row):
            yield {}


def _table(rows: Iterator[Cells], columns: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    at, sources = 0, []
    for (_, kind, exact), each in zip(columns, schema, strict=True):
        sources.append((at + bool(exact), "text" if exact else kind, each.type))
        at += 1 + bool(exact)
    tables = []
    while piece := [row for row, _ in zip(rows, range(_ROWS_AT_ONCE), strict=False)]:
        arrays = [_values([row.get(at) for row in piece], kind, type_) for at, kind, type_ in sources]
        tables.append(pa.Table.from_arrays(arrays, schema=schema))
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _values(texts: list[str | None], kind: str, type_: pa.DataType) -> pa.Array:
    """The values of a column from the texts of its cells."""
    if kind == "time":
        days = np.array([np.nan if text is None else float(text) for text in texts])
        milliseconds = np.round((days - EPOCH_DAYS) * DAY_MS)
        known = ~np.isnan(milliseconds)
        local = pa.array(np.where(known, milliseconds, 0).astype("int64"), mask=~known).cast(
            pa.timestamp("ms")
        )
        return times_of(local, type_)
    if kind == "number" and pa.types.is_floating(type_):
        return pa.array([None if text is None else float(text) for text in texts], type_)
    values = parsed(pa.array(texts, pa.string()), type_)
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


# -- XML ---------------------------------------------------------------------------------------------


def _cells(archive: zipfile.ZipFile, member: str) -> Iterator[tuple[int, Cells]]:
    """The rows of a sheet that have values, with their numbers, which begin at 1."""
    reader = _SheetReader()
    before = 0
    for chunk in _chunks(archive, member):
        reader.parser.Parse(chunk, False)
        rows, reader.rows = reader.rows, []
        for number, cells in rows:
            if number <= before:
                raise DamagedWorkbookError("rows are out of order")
            yield number, cells
            before = number
    reader.parser.Parse(b"", True)  # raises if the sheet ends too early


class _SheetReader:
    """Takes the values of cells out of the XML of a sheet."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, Cells]] = []
        self._row: Cells = {}
        self._number = 0
        self._column = 0
        self._is_escaped = False
        self._pieces: list[str] | None = None
        self._length = 0
        self.parser = _parser()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "c":
            self._column = _column(attributes["r"])
            self._is_escaped = attributes.get("t") == "inlineStr"
        elif tag in ("v", "t"):
            self._pieces, self._length = [], 0
        elif tag == "row":
            self._row, self._number = {}, int(attributes["r"])

    def _data(self, data: str) -> None:
        if self._pieces is not None:
            self._length += len(data)
            if self._length > _MAX_CHARACTERS:
                raise DamagedWorkbookError("a text is longer than a cell")
            self._pieces.append(data)

    def _end(self, tag: str) -> None:
        if tag in ("v", "t") and self._pieces is not None:
            text = "".join(self._pieces)
            self._row[self._column] = _ESCAPE.sub(_character, text) if self._is_escaped else text
            self._pieces = None
        elif tag == "row":
            self.rows.append((self._number, self._row))


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _refuse(*_: object) -> None:
    raise DamagedWorkbookError("a workbook declares no document type")


def _chunks(archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    with archive.open(member) as file:
        while chunk := file.read(_CHUNK_BYTES):
            if len(chunk) == _CHUNK_BYTES and b">" not in chunk:  # else the parser would keep it all
                raise DamagedWorkbookError("a text is longer than a cell")
            yield chunk


def _column(reference: str) -> int:
    """The column of a cell: 0 of A1, 27 of AB7."""
    number = 0
    for letter in reference.rstrip("0123456789"):
        number = 26 * number + ord(letter) - 64
        if not 0 < number <= MAX_COLUMNS:
            raise DamagedWorkbookError("a cell is outside of the sheet")
    return number - 1


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))
