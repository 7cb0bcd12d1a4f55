"""Keeps secrets out of tracebacks."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from toolkit.errors import ToolkitError
from toolkit.text.suggestions import explain_arguments

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

_WITHIN = "Within the call:\n"


def without_traceback(error: E) -> E:
    """Remove the traceback, cause and context of an error, and return it.

    Programs that print tracebacks may print local variables, some of which are secret.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def without_frames(call: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function with secret arguments: its errors show no frame from here on.

    Tracebacks keep the user's frames above the call. An unexpected error gets a note with the lines that it
    came from, without local variables.
    """

    @wraps(call)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        handled = sys.exception()
        try:
            return call(*args, **kwargs)
        except BaseException as error:
            if explain_arguments(error, call, args, kwargs):
                error.args = (f"{error} Nothing was sent.",)
            without_traceback(_with_origin(error))
            if error is not handled:
                error.__context__ = handled  # the exception of the user's `except` block, as usual
            # A plain `raise` adds no frame, so the traceback contains nothing of this call.
            raise

    return guarded


def _with_origin(error: E) -> E:
    """Add a note with its origin to an unexpected error, and return the error."""
    if isinstance(error, (ToolkitError, Warning, KeyboardInterrupt)):
        return error
    lines = traceback.extract_tb(error.__traceback__)[1:]
    # No lines: the arguments did not fit. A note: it has passed through another decorated call.
    if lines and not any(note.startswith(_WITHIN) for note in getattr(error, "__notes__", ())):
        error.add_note(_WITHIN + "".join(traceback.format_list(lines)).rstrip())
    return error
