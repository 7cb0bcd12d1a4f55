"""The endpoint declaration behind a journal entry, and the response to a write as a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from toolkit.endpoints import WRITES_BY_NAME, Write
from toolkit.errors import UsageError
from toolkit.frames.builder import FrameBuilder, Numbers
from toolkit.writes.entry import JournalEntry


def write_of(entry: JournalEntry) -> Write:
    """The declaration of the endpoint that a journal entry called.

    Raises:
        UsageError: A newer version of the package made the entry.
    """
    write = WRITES_BY_NAME.get(entry.endpoint)
    if write is None:
        raise UsageError(
            f"#{entry.number} is a call of {entry.endpoint}, which this version of the package does not "
            "know. Use the version that sent it."
        )
    return write


def lenient(write: Write) -> Write:
    """The declaration with every column optional, for a write whose response was lost."""
    return replace(write, columns=tuple(replace(column, optional=True) for column in write.columns))


def response_frame(
    write: Write, response: Mapping[str, Any], numbers: Numbers, attrs: Mapping[str, object]
) -> pd.DataFrame:
    """The response to a write as a frame.

    Raises:
        ContractError: The response is not as documented.
    """
    builder = FrameBuilder(write, numbers)
    if write.columns:
        builder.add(response)
    return builder.frame(attrs)
