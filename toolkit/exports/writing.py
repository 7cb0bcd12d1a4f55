"""Writes frames to files."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit._version import __version__
from toolkit.errors import ExportError, UsageError
from toolkit.exports.atomic import replace_pair
from toolkit.exports.columns import with_masked_emails, with_plain_index
from toolkit.exports.formats import resolve, write_rows
from toolkit.exports.provenance import FORMAT, provenance
from toolkit.redaction import Emails
from toolkit.text.suggestions import suggests_arguments

_MAX_SHEET_NAME = 31


@suggests_arguments
def export(
    frame: pd.DataFrame | Mapping[str, pd.DataFrame],
    path: str | PathLike[str],
    *,
    emails: Emails = "masked",
    guard: bool = False,
    overwrite: bool = True,
) -> Path:
    """Write a frame to a file, with its types and where its rows come from.

    The format follows from the suffix: `.parquet`, `.feather`, `.csv`, `.jsonl` or `.xlsx`. Beside the file,
    `<name>.provenance.json` has endpoint, parameters, account, times, completeness and types, and the SHA-256
    of the file; Parquet, Feather and Excel files have all but the SHA-256 inside, too. `toolkit.read` returns
    the frame from them. Nothing is sent.

    The file is written under another name and then renamed: whatever happens, the old file is there or the
    new one, and never half of one.

    Args:
        frame: A frame of the toolkit, also filtered or grouped, or one of your own. An index with a name is
            kept, row numbers are not. For `.xlsx`, it may be a mapping of names of sheets to frames.
        path: The file. Its folder must exist.
        emails: "masked" masks e-mail addresses, "clear" writes them as they are in the frame.
        guard: Whether texts in a CSV file that begin with `=`, `+`, `-`, `@`, a tab or a carriage return
            get an apostrophe in front, so that a spreadsheet does not run them as formulas. `toolkit.read`
            removes it again.
        overwrite: Whether an existing file is replaced.

    Returns:
        The path of the file.

    Raises:
        UsageError: An argument is invalid, or the frame has something that a file cannot keep, such as
            infinite numbers or a dtype without a name of its own. Nothing was written.
        ExportError: The file cannot be written, for example because the disk is full. An old file is as it
            was.

    Examples:
        >>> toolkit.export(link.spot.rebates(start="-30D"), "rebates.parquet")
        >>> toolkit.read("rebates.parquet")
    """
    if emails not in ("masked", "clear"):
        raise UsageError(f'`emails` must be "masked" or "clear", not {emails!r}.')
    try:
        target, kind = resolve(path)
        if guard and kind != "csv":
            raise UsageError("`guard` is for .csv files: in the other formats, no text is a formula.")
        sheets = _sheets(frame, kind)
        check_target(target, overwrite=overwrite)
        if emails == "masked":
            sheets = {name: with_masked_emails(each) for name, each in sheets.items()}
        _write(sheets, target, kind, guard=guard, overwrite=overwrite)
    except OSError as error:
        raise ExportError(
            f"{Path(path).name} was not written: {error.strerror or error}. If there was such a file, it "
            "is as it was."
        ) from error
    return target


def check_target(target: Path, *, overwrite: bool) -> None:
    """Check that a file can be written where it is to be.

    Raises:
        UsageError: Its folder does not exist, it is no file, or it exists and is not to be replaced.
    """
    if not target.parent.is_dir():
        raise UsageError(f"There is no folder {str(target.parent)!r}. Create it first.")
    if target.exists() and not target.is_file():
        raise UsageError(f"{str(target)!r} is not a file, and is not replaced.")
    if target.exists() and not overwrite:
        raise _exists_already(target)


def _exists_already(target: Path) -> UsageError:
    return UsageError(
        f"{target.name} exists already. Choose another name, or replace it with overwrite=True."
    )


def _write(
    sheets: Mapping[str, pd.DataFrame], target: Path, kind: str, *, guard: bool, overwrite: bool
) -> None:
    descriptions = {name: provenance(each) for name, each in sheets.items()}
    plain = {name: with_plain_index(each) for name, each in sheets.items()}
    description: dict[str, Any]
    if kind == "xlsx":
        description = {"kind": kind, "format": FORMAT, "version": __version__, "sheets": descriptions}
    else:
        (one,) = descriptions.values()
        description = {"kind": kind, **one, **({"guard": guard} if kind == "csv" else {})}

    def write(draft: Path) -> None:
        if kind == "xlsx":
            from toolkit.exports import excel  # imported here, as it needs a library of its own

            excel.write(plain, draft, description)
        else:
            (rows,) = plain.values()
            write_rows(rows, draft, kind, description)

    try:
        replace_pair(target, write, description, overwrite=overwrite)
    except FileExistsError:  # another program has written it meanwhile
        raise _exists_already(target) from None


def _sheets(frame: object, kind: str) -> dict[str, pd.DataFrame]:
    """The frames by the names of their sheets."""
    if isinstance(frame, pd.DataFrame):
        name = str(frame.attrs.get("endpoint") or frame.attrs.get("analytics") or "rows")
        return {name[:_MAX_SHEET_NAME]: frame}
    if isinstance(frame, pd.Series):
        raise UsageError("`frame` is a Series: make it a frame with .to_frame().")
    if not isinstance(frame, Mapping):
        raise UsageError(f"`frame` must be a DataFrame, not {type(frame).__name__}.")
    if kind != "xlsx":
        raise UsageError("Several frames fit into an .xlsx file alone. Export each to a file of its own.")
    sheets = {}
    for name, each in frame.items():
        if not isinstance(name, str) or not isinstance(each, pd.DataFrame):
            raise UsageError("`frame` must map names of sheets to DataFrames.")
        sheets[name] = each
    if not sheets:
        raise UsageError("`frame` is empty: there is no sheet to write.")
    return sheets
