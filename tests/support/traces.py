"""What a traceback shows of our frames."""

from __future__ import annotations

from pathlib import Path

from tests.support.paths import PACKAGE


def locals_shown(error: BaseException) -> list[str]:
    """The local variables of the library's frames, as tools that print tracebacks show them.

    What goes through a call of a user's has no such frame any more; what is raised below it has.
    """
    shown = []
    trace = error.__traceback__
    assert trace is not None, "it was raised"
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).is_relative_to(PACKAGE):
            shown += [repr(value) for value in trace.tb_frame.f_locals.values()]
        trace = trace.tb_next
    return shown
