"""The formats of files: by suffix, and how rows become one of them and come back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa

from toolkit.errors import UsageError
from toolkit.exports import text_formats
from toolkit.exports.columns import arrow_schema, to_arrow
from toolkit.exports.provenance import as_json
from toolkit.storage.files import resolve_links
from toolkit.text.suggestions import did_you_mean

SUFFIXES = (".parquet", ".feather", ".csv", ".jsonl", ".xlsx")
METADATA_KEY = b"toolkit"
"""Where the provenance is in the metadata of Parquet and Feather files."""

_ROWS_AT_ONCE = 1 << 16


def resolve(path: str | PathLike[str]) -> tuple[Path, str]:
    """The file that a path leads to, and its format.

    Raises:
        UsageError: The path is none, or its suffix is of no format.
        OSError: A link on the way belongs to another user.
    """
    if not isinstance(path, str | PathLike) or isinstance(path, bytes):
        raise UsageError(f"`path` must be a path, such as 'rebates.parquet', not {type(path).__name__}.")
    given = Path(path).expanduser()
    suffix = given.suffix.lower()
    if suffix not in SUFFIXES:
        question = did_you_mean(suffix, SUFFIXES)
        raise UsageError(f"The suffix of {given.name!r} must be one of {', '.join(SUFFIXES)}.{question}")
    return resolve_links(given), suffix.removeprefix(".")


def write_rows(frame: pd.DataFrame, path: Path, kind: str, description: Mapping[str, Any]) -> None:
    """Write the rows of a frame to a file, some at once.

    Args:
        frame: The frame, with numbered rows.
        path: The file, which is there and empty.
        kind: Its format, any but xlsx.
        description: Its provenance, without what depends on the file.

    Raises:
        OSError: It cannot be written.
    """
    schema = arrow_schema(description["columns"])
    if kind in ("parquet", "feather"):
        # With the metadata of pandas, its own readers return the same types and attributes.
        sample = frame.iloc[:1].copy()
        sample.attrs = frame.attrs
        of_pandas = pa.Schema.from_pandas(sample, preserve_index=False).metadata
        schema = schema.with_metadata({**of_pandas, METADATA_KEY: as_json(description)})
    tables = _pieces(frame, schema)
    if kind == "parquet":
        from pyarrow import parquet  # imported here, as nothing else needs it

        with parquet.ParquetWriter(path, schema) as writer:
            for table in tables:
                writer.write_table(table)
        return
    if kind == "feather":
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema, options=options) as writer:
            for table in tables:
                writer.write_table(table)
        return
    with path.open("wb") as file:
        if kind == "csv":
            file.write(text_formats.csv_header(schema.names, guard=description["guard"]))
        for table in tables:
            if kind == "csv":
                file.write(text_formats.csv_rows(table, guard=description["guard"]))
            else:
                file.write(text_formats.json_rows(table))


def read_rows(file: BinaryIO, kind: str, description: Mapping[str, Any]) -> pa.Table:
    """Read the rows that `write_rows` wrote.

    Raises:
        pa.ArrowInvalid: The file is not as it is described.
    """
    schema = arrow_schema(description["columns"])
    if kind == "parquet":
        from pyarrow import parquet

        return parquet.read_table(file)
    if kind == "feather":
        return pa.ipc.open_file(file).read_all()
    if not description["rows"]:
        return schema.empty_table()
    if kind == "csv":
        return text_formats.read_csv(file, schema, guard=description["guard"])
    return text_formats.read_json_lines(file, schema)


def _pieces(frame: pd.DataFrame, schema: pa.Schema) -> Iterator[pa.Table]:
    for start in range(0, len(frame), _ROWS_AT_ONCE):
        yield to_arrow(frame.iloc[start : start + _ROWS_AT_ONCE], schema)
