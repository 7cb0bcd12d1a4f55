"""What tracebacks show of calls that are given something secret: nothing of them."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from toolkit.errors import ToolkitError
from toolkit.text.suggestions import explain_misfit

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

_WITHIN = "Within the call:\n"


def bare(error: E) -> E:
    """An error without the frames it came through, and without those it came from.

    What prints a traceback may print the local variables of each frame, and some hold what is secret.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def without_frames(call: Callable[P, T]) -> Callable[P, T]:
    """A call that is given something secret: its errors show neither that nor any frame below.

    The user's own frames above stay, and are all that a traceback has. What nobody foresaw tells where it
    came from in a note: that has the lines, and not what was in their variables.
    """

    @wraps(call)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        handled = sys.exception()
        try:
            return call(*args, **kwargs)
        except BaseException as error:
            if explain_misfit(error, call, args, kwargs):
                error.args = (f"{error} Nothing was sent.",)
            bare(_placed(error))
            if error is not handled:
                error.__context__ = handled  # of the user's own, as Python has it
            # A bare `raise` adds no frame of its own: there is nothing of this call in the traceback.
            raise

    return guarded


def _placed(error: E) -> E:
    """An error with a note of where it came from, where its text does not say all there is to do."""
    if isinstance(error, (ToolkitError, Warning, KeyboardInterrupt)):
        return error
    lines = traceback.extract_tb(error.__traceback__)[1:]
    # Without a line the call did not fit; with a note it has been through another call like this one.
    if lines and not any(note.startswith(_WITHIN) for note in getattr(error, "__notes__", ())):
        error.add_note(_WITHIN + "".join(traceback.format_list(lines)).rstrip())
    return error
