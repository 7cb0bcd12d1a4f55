"""Warnings that point at the line of the user's own code."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from toolkit.runtime.interruptions import let_through

_PACKAGE = str(Path(__file__).parent.parent)


def warn(warning: Warning) -> None:
    """Warn at the line of the user's own code; a warning that cannot be shown is forgotten.

    Raises:
        Warning: The warning itself, where the user has made such warnings errors.
    """
    before = sys.exception()
    try:
        warnings.warn(warning, stacklevel=outside())
    except Exception as error:
        if error is warning:
            raise
        let_through(error, before)


def outside() -> int:
    """How many calls up the user's own code is, as seen by who asks."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level
