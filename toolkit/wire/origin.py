"""Whose exception it is that comes out of a request: the network's, or the user's own.

A handler of a signal (a deadline by `signal.alarm`, say) runs within whatever is under way, and what it
raises comes out of the same calls, often as the same class: `TimeoutError` is what a socket raises, too. They
are told apart by where they were raised.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from requests import RequestException
from urllib3.exceptions import HTTPError

# Whose code raises what the network does. The second line may stand in for the standard library's.
_NETWORK = {
    "http",
    "socket",
    "ssl",
    "select",
    "selectors",
    "email",
    "encodings",
    "requests",
    "urllib3",
    "idna",
}
_NETWORK |= {"socks", "OpenSSL", "truststore", "gevent", "eventlet", "toolkit"}


def users_own(error: BaseException, outside: BaseException | None = None) -> BaseException | None:
    """The exception of the user's own that an error came from, None where it is the network's.

    Args:
        error: What came out of a request.
        outside: What was being handled when the request began: whatever that came from says nothing.
    """
    found = [each for each in chain_of(error, outside) if not _is_of_the_network(each)]
    # What wraps an exception is given its trace, too, and is not what was raised.
    raised = (each for each in found if not isinstance(each, HTTPError | RequestException))
    return next(raised, found[-1] if found else None)


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


def _is_of_the_network(error: BaseException) -> bool:
    if isinstance(error, socket.gaierror | socket.herror | ssl.SSLError):
        return True  # whoever puts another resolver in place raises these
    if isinstance(error, OSError) and type(error).__module__ == "builtins" and not error.args:
        return False  # thrown into the thread from outside: what fails says how
    trace = error.__traceback__
    if trace is None:
        return True
    while trace.tb_next is not None:
        trace = trace.tb_next
    return str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] in _NETWORK
