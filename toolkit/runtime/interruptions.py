"""Tells interruptions by the user from errors of the code that they interrupt.

A signal handler (such as a deadline by `signal.alarm`) runs within any code, and its exception comes out of
the same calls, often with the same class: `TimeoutError` is an `OSError`, which sockets and files raise, too.
Such an exception is the user's and ends the call at once, whatever is usually done about its class.
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
    """Like `contextlib.suppress`, but raises interruptions."""

    def __init__(self, *kinds: type[Exception]) -> None:
        self._kinds = kinds
        self._handled: BaseException | None = None

    def __enter__(self) -> None:
        self._handled = sys.exception()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, self._kinds):
            return False
        own = interruption(error, self._handled)
        if own is not None and own is not error:
            raise own
        return own is None


def let_through(error: BaseException, handled: BaseException | None) -> None:
    """Raise the interruption that an error is or came from, if any.

    Args:
        error: The caught exception.
        handled: The exception that was being handled when the failed work began, from `sys.exception()`.
    """
    own = interruption(error, handled)
    if own is not None:
        raise own


def interruption(error: BaseException, handled: BaseException | None) -> BaseException | None:
    """The interruption that an error is or came from, None if there is none.

    Args:
        error: The caught exception.
        handled: The exception that was being handled when the work began; its own causes are ignored.
    """
    found = [each for each in chain_of(error, handled) if _is_interruption(each)]
    # A wrapper may be given the traceback of the exception it wraps, but is not what was raised.
    raised_at = {id(_innermost(each)): each for each in found}
    return raised_at[id(_innermost(found[0]))] if found else None


def chain_of(error: BaseException, handled: BaseException | None = None) -> Iterator[BaseException]:
    """An error and everything it came from; `urllib3` and `requests` wrap exceptions in different ways."""
    todo, seen = [error], {id(handled)}
    while todo:
        this = todo.pop(0)
        if id(this) in seen:
            continue
        seen.add(id(this))
        yield this
        others = (*this.args, getattr(this, "reason", None), this.__cause__, this.__context__)
        todo += [each for each in others if isinstance(each, BaseException)]


def _is_interruption(error: BaseException) -> bool:
    """Whether a signal handler or another thread raised it."""
    codes = {trace.tb_frame.f_code for trace in _trace_of(error)}
    if len(codes) > 1 and not codes.isdisjoint(_handlers()):
        return True
    # A failing call gives arguments; an exception injected into a thread has only its class.
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
    """The code of all signal handlers."""
    return {_code_of(signal.getsignal(each)) for each in signal.valid_signals()} - {None}


def _code_of(handler: object) -> CodeType | None:
    while isinstance(handler, functools.partial):
        handler = handler.func
    code = getattr(handler, "__code__", None) or getattr(type(handler).__call__, "__code__", None)
    return code if isinstance(code, CodeType) else None
