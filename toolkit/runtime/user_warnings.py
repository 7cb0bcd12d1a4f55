"""Warnings that point to the line of the user's code."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from toolkit.runtime.interruptions import let_through

_PACKAGE = str(Path(__file__).parent.parent)


def warn(warning: Warning) -> None:
    """Warn at the line of the user's code. A warning that cannot be shown is dropped.

    Raises:
        Warning: The warning itself, if the user turned such warnings into errors.
    """
    handled = sys.exception()
    try:
        warnings.warn(warning, stacklevel=user_stack_level())
    except Exception as error:
        if error is warning:
            raise
        let_through(error, handled)


def user_stack_level() -> int:
    """The stack level of the user's code, as seen from the caller."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level
