"""The declaration of a call in the journal, and its answer as a frame."""

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
    """The declaration of a call in the journal.

    Raises:
        UsageError: A newer version of the package made it.
    """
    write = WRITES_BY_NAME.get(entry.endpoint)
    if write is None:
        raise UsageError(
            f"#{entry.number} is {entry.endpoint}, which this version of the package does not know: use the one "
            "that sent it."
        )
    return write


def lenient(write: Write) -> Write:
    """The write with columns that may be missing: where its answer was lost, not all of it is known."""
    return replace(write, columns=tuple(replace(column, optional=True) for column in write.columns))


def answer_frame(
    write: Write, answer: Mapping[str, Any], numbers: Numbers, attrs: Mapping[str, object]
) -> pd.DataFrame:
    """The answer to a write as a frame.

    Raises:
        ContractError: It is not as documented.
    """
    builder = FrameBuilder(write, numbers)
    if write.columns:
        builder.add(answer)
    return builder.frame(attrs)
