"""What a traceback shows of our frames."""

from __future__ import annotations

from pathlib import Path

import toolkit

PACKAGE = Path(toolkit.__file__).parent


def locals_shown(error: BaseException) -> list[str]:
    """The local variables of the library's frames, as tools that print tracebacks show them.

    Of a call that users make there is no such frame at all.
    """
    shown = []
    trace = error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).is_relative_to(PACKAGE):
            shown += [repr(value) for value in trace.tb_frame.f_locals.values()]
        trace = trace.tb_next
    return shown
