"""Reads frames that were exported, if nobody changed them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa

from toolkit.errors import ProvenanceError, UsageError
from toolkit.exports.atomic import provenance_path, sha256_of
from toolkit.exports.columns import arrow_schema, to_frame
from toolkit.exports.formats import METADATA_KEY, read_rows, resolve
from toolkit.exports.provenance import FORMAT, as_json, seal
from toolkit.storage import formats
from toolkit.text.suggestions import did_you_mean, suggests_arguments

# A writer may replace file and provenance between the reading of both, but not this many times in a row.
_MAX_ATTEMPTS = 10
_OF_THE_FILE = ("sha256", "bytes")
_UNVERIFIED = {
    "parquet": "pandas.read_parquet",
    "feather": "pandas.read_feather",
    "csv": "pandas.read_csv",
    "jsonl": "pandas.read_json(..., lines=True)",
    "xlsx": "pandas.read_excel, which needs openpyxl",
}


@suggests_arguments
def read(path: str | PathLike[str], *, sheet: str | None = None) -> pd.DataFrame:
    """Read a frame that `toolkit.export` wrote, with its types, index and `attrs`.

    Only what was written is returned: the file must have the SHA-256 that stands in its provenance, the file
    `<name>.provenance.json` beside it. This shows changes by mistake; whoever changes both files on purpose
    is not noticed. Nothing is sent.

    Args:
        path: The file.
        sheet: Which frame of an `.xlsx` file that has several, by the name under which it was exported.

    Returns:
        The frame. Its rows are numbered where it had no index with a name.

    Raises:
        UsageError: There is no such file, it is of no format that is read, or `sheet` names no frame.
        ProvenanceError: The file was changed, its provenance is missing or was changed, or a newer version of
            the toolkit wrote it.
        OSError: The file cannot be opened.

    Examples:
        >>> toolkit.read("rebates.parquet")
    """
    source, kind = resolve(path)
    if sheet is not None and kind != "xlsx":
        raise UsageError("`sheet` is for .xlsx files: the others have one frame.")
    if not source.is_file():
        raise UsageError(f"There is no file {str(source)!r}.")
    before = None
    for _ in range(_MAX_ATTEMPTS):
        stated = _stated(source, kind)
        if stated == before:  # nobody is replacing the pair
            break
        before = stated
        with source.open("rb") as file:
            found = sha256_of(file)
            for description in (stated, stated.get("before")):
                if isinstance(description, Mapping) and description.get("sha256") == found:
                    file.seek(0)
                    return _frame(file, source, kind, description, sheet)
    raise ProvenanceError(
        f"{source.name} was changed after it was exported: it does not have the SHA-256 that "
        f"{provenance_path(source).name} says. Restore both from a backup, or fetch the rows again. To look "
        f"at the file as it is, unverified: {_UNVERIFIED[kind]}."
    )


def _stated(source: Path, kind: str) -> dict[str, Any]:
    """The provenance beside a file."""
    beside = provenance_path(source)
    try:
        stated = json.loads(beside.read_bytes())
    except FileNotFoundError:
        raise ProvenanceError(
            f"{beside.name} is missing, without which nothing tells whether {source.name} is as it was "
            "exported. Put it back beside the file; if there never was one, read the file with "
            f"{_UNVERIFIED[kind]}."
        ) from None
    except ValueError:  # no JSON, or no text
        raise _damaged(source) from None
    if not isinstance(stated, dict) or type(stated.get("format")) is not int:
        raise _damaged(source)
    if defect := formats.defect(stated["format"], FORMAT):
        raise ProvenanceError(f"{source.name} cannot be read: {defect}.")
    return stated


def _frame(
    file: BinaryIO, source: Path, kind: str, description: Mapping[str, Any], sheet: str | None
) -> pd.DataFrame:
    try:
        outside = {name: value for name, value in description.items() if name != "before"}
        if outside.pop("provenance_sha256") != seal(outside) or description["kind"] != kind:
            raise _damaged(source)
        inside: str | None
        if kind == "xlsx":
            from toolkit.exports import excel  # imported here, as nothing else needs it

            name = _sheet(description["sheets"], sheet)
            description = description["sheets"][name]
            table, inside = excel.read_sheet(file, name, description)
        else:
            table = read_rows(file, kind, description)
            metadata = (table.schema.metadata or {}).get(METADATA_KEY)
            inside = None if metadata is None else metadata.decode()
        of_rows = {name: value for name, value in outside.items() if name not in _OF_THE_FILE}
        if inside is not None and inside != as_json(of_rows):
            raise _damaged(source)
        schema = arrow_schema(description["columns"])
        if table.column_names != schema.names or table.num_rows != description["rows"]:
            raise _damaged(source)
        frame = to_frame(table, description["columns"])
        if description["index"]:
            frame = frame.set_index(description["index"])
        frame.attrs = dict(description["attrs"])
    except UsageError:
        raise
    except (KeyError, TypeError, ValueError, pa.ArrowException):
        # The file is as it was written, so its description is not.
        raise _damaged(source) from None
    return frame


def _sheet(sheets: Mapping[str, Any], wanted: str | None) -> str:
    """The name of the frame that is read from a workbook."""
    if wanted is None and len(sheets) == 1:
        return next(iter(sheets))
    names = ", ".join(repr(name) for name in sheets)
    if wanted is None:
        raise UsageError(f"The workbook has several frames: `sheet` must be one of {names}.")
    if wanted not in sheets:
        raise UsageError(f"`sheet` is one of {names}, not {wanted!r}.{did_you_mean(wanted, sheets)}")
    return wanted


def _damaged(source: Path) -> ProvenanceError:
    return ProvenanceError(
        f"{provenance_path(source).name} is damaged or was changed: it does not describe {source.name}, "
        "which may be unharmed. Restore it from a backup, or fetch the rows again."
    )
