"""Files that are no workbooks of ours are refused, in bounded memory."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import toolkit
from toolkit.exports import excel, provenance

MIB = 1 << 20
SHEET = "xl/worksheets/sheet2.xml"
FRAME = pd.DataFrame({"text": pd.array(["a", None, "b"], dtype="string"), "number": [1.5, 2.5, 3.5]})


def changed(folder: Path, change: Callable[[bytes], bytes], member: str = SHEET) -> io.BytesIO:
    """A workbook with another member, as if its provenance had been changed to match."""
    path, result = toolkit.export(FRAME, folder / "rows.xlsx"), io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == member else old.read(name))
    result.seek(0)
    return result


def read(file: io.BytesIO) -> dict[str, list[object]]:
    table, _ = excel.read_sheet(file, "rows", provenance(FRAME))
    return table.to_pydict()


def test_what_was_not_changed_is_read(tmp_path: Path) -> None:
    found = read(changed(tmp_path, lambda content: content))
    assert found == {"text": ["a", None, "b"], "number": [1.5, 2.5, 3.5]}


BOMBS: dict[str, Callable[[bytes], bytes]] = {
    "a long text": lambda xml: xml.replace(b"<t>a</t>", b"<t>" + b"a" * (64 * MIB) + b"</t>"),
    "a long attribute": lambda xml: xml.replace(b"<t>a</t>", b'<t x="' + b"a" * (64 * MIB) + b'">a</t>'),
    "many cells": lambda xml: xml.replace(b"</row>", b'<c r="ZZZZ1"><v>1</v></c>' * MIB + b"</row>", 1),
    "many entities": lambda xml: (
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + xml.replace(b"<t>a<", b"<t>&b;<")
    ),
    "rows out of order": lambda xml: xml.replace(b'<row r="3"', b'<row r="2"'),
    "half of a sheet": lambda xml: xml[: len(xml) // 2].replace(b"1.5", b"<<"),
    "a number that is none": lambda xml: xml.replace(b"<v>1.5</v>", b"<v>one</v>"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_sheet_is_refused(tmp_path: Path, name: str) -> None:
    file = changed(tmp_path, BOMBS[name])
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"."):
            read(file)
        assert tracemalloc.get_traced_memory()[1] < 16 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip"])
def test_what_is_no_workbook_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be read: BadZipFile"):
        read(io.BytesIO(content))


def test_a_workbook_of_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.xlsx"
    FRAME.to_excel(path)
    with pytest.raises(ValueError, match="cannot be read: KeyError"):
        read(io.BytesIO(path.read_bytes()))
