"""What is kept about a frame in a file: its columns and types, and where its rows come from.

The same description stands in `path.provenance.json` beside every file, and inside Parquet, Feather and Excel
files. Beside the file it also has the SHA-256 of the file, by which a change is noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from toolkit._version import __version__
from toolkit.errors import UsageError
from toolkit.exports.columns import describe_columns, index_names, with_plain_index

FORMAT = 1
"""Format of the description. A newer one is not read."""


def provenance(frame: pd.DataFrame) -> dict[str, Any]:
    """What a file says about the frame in it, as values of JSON.

    Returns:
        `format` and `version` of the toolkit that wrote it; `rows`; `span`, what was asked for, with the
        `start` and `end` as text, None where there is none; `columns` with `name` and `dtype`; `index`, the
        names of the columns that are the index; and all `attrs` of the frame: endpoint, source, account,
        parameters, fetched_at, server_time, complete, missing and the rest.

    Raises:
        UsageError: A column or an attribute cannot be kept in a file.
    """
    index = index_names(frame)
    return {
        "format": FORMAT,
        "version": __version__,
        "rows": len(frame),
        "span": _span(frame.attrs),
        "columns": describe_columns(with_plain_index(frame)),
        "index": index,
        "attrs": _checked_attrs(frame.attrs),
    }


def as_json(description: Mapping[str, Any]) -> str:
    """A description as one line of JSON, the same for equal ones."""
    return json.dumps(description, allow_nan=False, separators=(",", ":"))


def seal(description: Mapping[str, Any]) -> str:
    """The SHA-256 of a description, by which a change of it is noticed."""
    return hashlib.sha256(as_json(description).encode()).hexdigest()


def _span(attrs: Mapping[Any, Any]) -> dict[str, Any] | None:
    for key in ("parameters", "period"):  # of a fetched frame, and of one of `toolkit.analytics`
        stated = attrs.get(key)
        if isinstance(stated, Mapping) and ("start" in stated or "end" in stated):
            return {"start": stated.get("start"), "end": stated.get("end")}
    return None


def _checked_attrs(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """The attributes of a frame, which must come back equal from JSON.

    Raises:
        UsageError: One does not.
    """
    for key, value in attrs.items():
        try:
            same = json.loads(json.dumps({key: value}, allow_nan=False)) == {key: value}
        except (TypeError, ValueError, RecursionError):
            same = False
        if not same or not isinstance(key, str):
            raise UsageError(
                f"attrs[{key!r}] cannot be kept in a file: only text, numbers, True, False, None, and "
                "lists and dicts of them can. Convert it, for example with str(), or remove it."
            )
    return dict(attrs)
