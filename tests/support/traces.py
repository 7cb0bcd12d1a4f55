"""Reads the toolkit's frames from a traceback."""

from __future__ import annotations

from pathlib import Path

from tests.support.paths import PACKAGE


def locals_shown(error: BaseException) -> list[str]:
    """The local variables of the toolkit's frames, as tools that print tracebacks show them.

    An error that leaves a public method has no such frame any more; one raised below still has them.
    """
    shown = []
    trace = error.__traceback__
    assert trace is not None, "the error was raised"
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).is_relative_to(PACKAGE):
            shown += [repr(value) for value in trace.tb_frame.f_locals.values()]
        trace = trace.tb_next
    return shown
