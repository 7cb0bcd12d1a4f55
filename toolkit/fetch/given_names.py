"""Reads and checks the names that users give: a dict, a frame, or a CSV file.

Programs for tables change long ids when they open a file: they round them, write them with an exponent, or
as fractions. Such ids are refused, since their names would stand beside no id, or beside a wrong one. No
error contains a name.
"""

from __future__ import annotations

import csv
import io
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from operator import index
from pathlib import Path
from typing import Any, SupportsIndex

import pandas as pd

from toolkit.errors import UsageError
from toolkit.frames.names import Names
from toolkit.runtime.interruptions import let_through

NamesSource = Mapping[Any, str] | pd.DataFrame | str | Path
"""What `names=` accepts: names by id, a frame with the columns `id` and `name`, or the path of a CSV file."""

_EXPONENT = re.compile(r"[+-]?\d+([.,]\d+)?[eE]\+?\d+")
_FRACTION = re.compile(r"[+-]?\d+[.,]0*")
_EXCEL_ERROR = re.compile(r"#+|#[A-Z/0]+[!?]?")
_WRAPPED = re.compile(r"=?\".*\"|'.*")
# Excel keeps so many digits of a number, and makes the others zeros.
_EXCEL_DIGITS = 15
# So many zeros in place of digits are not a coincidence.
_TOO_MANY_ZEROS = 6
_MAX_BYTES = 50_000_000
_AS_TEXT = (
    "Ids have up to 19 digits, which programs for tables do not keep: import the column as text, or export "
    "the file again"
)


def names_from(given: NamesSource | None) -> Names | None:
    """Return the names that a user gave; None for None.

    Raises:
        UsageError: They cannot be used. Nothing was sent.
    """
    if given is None:
        return None
    if isinstance(given, pd.DataFrame):
        pairs = _of_frame(given)
    elif isinstance(given, Mapping):
        pairs = ((f"key {number}", key, name) for number, (key, name) in enumerate(given.items(), 1))
    elif isinstance(given, str | Path):
        pairs = _of_file(Path(given))
    else:
        raise _refused(
            "it must be a dict of names by id, a DataFrame with the columns id and name, or the path of a "
            f"CSV file, not {type(given).__name__}"
        )
    return Names(_checked(pairs))


def _checked(pairs: Iterable[tuple[str, object, object]]) -> dict[str, str]:
    """Return names by id.

    Args:
        pairs: Where it is, the id, and the name of each.
    """
    names: dict[str, str] = {}
    seen: dict[str, str] = {}
    for where, key, name in pairs:
        id_ = _id_of(key, where)
        if id_ in seen:
            raise _refused(f"{seen[id_]} and {where} have the same id. Keep one of them")
        seen[id_] = where
        if _is_missing(name):
            continue
        if not isinstance(name, str):
            raise _refused(f"{where}: the name is not text but {type(name).__name__}")
        if name.strip():
            names[id_] = name.strip()
    rounded = [id_ for id_ in seen if id_.isdecimal() and len(id_) > _EXCEL_DIGITS]
    tails = "".join(id_[_EXCEL_DIGITS:] for id_ in rounded)
    if len(tails) >= _TOO_MANY_ZEROS and not tails.strip("0"):
        raise _refused(
            f"all ids with more than {_EXCEL_DIGITS} digits end in zeros, such as {rounded[0]}: Excel has "
            f"rounded them. {_AS_TEXT}"
        )
    return names


def _id_of(key: object, where: str) -> str:
    """Return an id as text, refused where it may not be what it was."""
    if _is_missing(key):
        raise _refused(f"{where} has no id")
    if isinstance(key, float):  # numpy's, too
        raise _refused(
            f"{where}: the id {key!r} is a float, which does not hold every digit of an id. pandas makes "
            'floats of a column in which an id is missing: read it with `dtype={"id": str}`'
        )
    if isinstance(key, SupportsIndex) and not pd.api.types.is_bool(key):
        return str(index(key))
    if not isinstance(key, str):
        raise _refused(f"{where}: the id is not text but {type(key).__name__}")
    id_ = key.strip()
    if not id_:
        raise _refused(f"{where} has no id")
    if _EXPONENT.fullmatch(id_):
        raise _refused(f"{where}: the id {id_!r} has an exponent, as Excel writes long numbers. {_AS_TEXT}")
    if _FRACTION.fullmatch(id_):
        raise _refused(f"{where}: the id {id_!r} was a float, whose digits may be others. {_AS_TEXT}")
    if _EXCEL_ERROR.fullmatch(id_):
        raise _refused(f"{where}: {id_!r} is what Excel shows in place of an id. {_AS_TEXT}")
    if _WRAPPED.fullmatch(id_):
        raise _refused(f"{where}: the id {id_!r} is in quotes. Take them away")
    return id_


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _of_frame(frame: pd.DataFrame) -> Iterator[tuple[str, object, object]]:
    for name in ("id", "name"):
        columns = [column for column in frame.columns if column == name]
        if len(columns) != 1:
            raise _refused(f"the frame needs one column {name!r}, and has {len(columns) or 'none'}")
    if pd.api.types.is_float_dtype(frame["id"].dtype):
        raise _refused(
            f"the ids are floats ({frame['id'].dtype}), which do not hold every digit of an id, such as "
            'that of 1e18. Read them as text: `pd.read_csv(path, dtype={"id": str})`'
        )
    for number, (key, name) in enumerate(zip(frame["id"], frame["name"], strict=True), 1):
        yield f"row {number}", key, name


def _of_file(path: Path) -> Iterator[tuple[str, object, object]]:
    text = _text_of(path)
    header = text.partition("\n")[0]
    for delimiter in (",", ";", "\t"):
        columns = [name.strip().strip('"').casefold() for name in header.split(delimiter)]
        if columns.count("id") == 1 and columns.count("name") == 1:
            break
    else:
        raise _refused(
            f"{path.name}: the first line of the file must name its columns, among them id and name, "
            'separated by commas, semicolons or tabs, as in "id,name"'
        )
    at_id, at_name = columns.index("id"), columns.index("name")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        next(rows)
        for row in rows:
            if not any(each.strip() for each in row):
                continue
            where = f"{path.name}, line {rows.line_num}"
            if len(row) <= max(at_id, at_name):
                raise _refused(f"{where} has {len(row)} of {len(columns)} columns")
            yield where, row[at_id], row[at_name]
    except csv.Error as error:
        raise _refused(f"{path.name}, line {rows.line_num} is not CSV: {error}") from None


def _text_of(path: Path) -> str:
    outside = sys.exception()
    content, problem = b"", "there is no file at this path"
    try:
        path = path.expanduser()
        if path.is_file():
            problem = ""
            with path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError, RuntimeError) as error:
        let_through(error, outside)
        problem = getattr(error, "strerror", None) or "it is not a path"
    if problem:
        raise _refused(f"the file cannot be read ({problem})")
    if len(content) > _MAX_BYTES:
        raise _refused(f"{path.name} is larger than {_MAX_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(f"{path.name} is not UTF-8: in Excel, save it as “CSV UTF-8”") from None


def _refused(problem: str) -> UsageError:
    return UsageError(f"`names`: {problem}. Nothing was sent.")
