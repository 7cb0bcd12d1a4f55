"""The declaration of a call in the journal, and its answer as a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from toolkit.catalogue import WRITE_BY_DOOR, Write
from toolkit.errors import UsageError
from toolkit.frames import Gathering, Numbers
from toolkit.operations.entry import Entry


def write_of(entry: Entry) -> Write:
    """The declaration of a call in the journal.

    Raises:
        UsageError: A newer version of the package made it.
    """
    write = WRITE_BY_DOOR.get(entry.door)
    if write is None:
        raise UsageError(
            f"#{entry.number} is {entry.door}, which this version of the package does not know: use the one "
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
    gathering = Gathering(write, numbers)
    if write.columns:
        gathering.add(answer)
    return gathering.frame(attrs)
