"""Whether an exception was raised by what is under way, or only came up there.

A handler of a signal (a deadline by `signal.alarm`, say) runs within whatever is under way, and what it
raises comes out of the same calls, often as the same class: `TimeoutError` is an `OSError`, which sockets and
files raise, too. It is the user's, and leaves the call at once, whatever else would be done about its class.
"""

from __future__ import annotations

import dis
import functools
import signal
import sys
from collections.abc import Iterator
from types import CodeType, TracebackType

_RAISE = dis.opmap["RAISE_VARARGS"]


class forgiving:  # noqa: N801 - it is used as `contextlib.suppress` is
    """As `contextlib.suppress`, but for interruptions: those leave."""

    def __init__(self, *kinds: type[Exception]) -> None:
        self._kinds = kinds
        self._outside: BaseException | None = None

    def __enter__(self) -> None:
        self._outside = sys.exception()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, self._kinds):
            return False
        own = interruption(error, self._outside)
        if own is not None and own is not error:
            raise own
        return own is None


def let_through(error: BaseException, outside: BaseException | None) -> None:
    """Raise the interruption that an error is, or came from; nothing where it is none.

    Args:
        error: What was caught.
        outside: What was being handled when it was begun what failed: `sys.exception()` of that moment.
    """
    own = interruption(error, outside)
    if own is not None:
        raise own


def interruption(error: BaseException, outside: BaseException | None) -> BaseException | None:
    """The interruption that an error is, or came from; None where it is none.

    Args:
        error: What was caught.
        outside: What was being handled when the work began: whatever that came from says nothing.
    """
    found = [each for each in chain_of(error, outside) if _came_up(each)]
    # What wraps an exception may be given its trace, too, and is not what was raised.
    raised_at = {id(_innermost(each)): each for each in found}
    return raised_at[id(_innermost(found[0]))] if found else None


def chain_of(error: BaseException, outside: BaseException | None = None) -> Iterator[BaseException]:
    """An error and all that it came from: `urllib3` and `requests` each wrap what they catch in their way."""
    todo, seen = [error], {id(outside)}
    while todo:
        this = todo.pop(0)
        if id(this) in seen:
            continue
        seen.add(id(this))
        yield this
        others = (*this.args, getattr(this, "reason", None), this.__cause__, this.__context__)
        todo += [each for each in others if isinstance(each, BaseException)]


def _came_up(error: BaseException) -> bool:
    """Whether a handler of a signal raised it, or another thread did."""
    codes = {trace.tb_frame.f_code for trace in _trace_of(error)}
    if len(codes) > 1 and not codes.isdisjoint(_handlers()):
        return True
    # What fails says how; thrown into a thread from outside, an exception is made of its class alone.
    innermost = _innermost(error)
    if not isinstance(error, OSError) or type(error).__module__ != "builtins" or error.args:
        return False
    return innermost is not None and innermost.tb_frame.f_code.co_code[innermost.tb_lasti] != _RAISE


def _trace_of(error: BaseException) -> Iterator[TracebackType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _innermost(error: BaseException) -> TracebackType | None:
    return next(reversed([*_trace_of(error)]), None)


def _handlers() -> set[CodeType | None]:
    """The code of all handlers of signals."""
    return {_code_of(signal.getsignal(each)) for each in signal.valid_signals()} - {None}


def _code_of(handler: object) -> CodeType | None:
    while isinstance(handler, functools.partial):
        handler = handler.func
    code = getattr(handler, "__code__", None) or getattr(type(handler).__call__, "__code__", None)
    return code if isinstance(code, CodeType) else None
