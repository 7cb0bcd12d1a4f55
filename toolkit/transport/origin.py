"""Tells exceptions of the network from exceptions of the user's own code, such as a signal handler.

A known interruption is always the user's. Any other exception is the network's only if network code raised
it: a request is retried for no other reason.
"""

from __future__ import annotations

import socket
import ssl

from requests import RequestException
from urllib3.exceptions import HTTPError

from toolkit.runtime.interruptions import chain_of, interruption

# Packages whose code raises network errors. Those of the second set may replace the standard library's.
_NETWORK_PACKAGES = {
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
_NETWORK_PACKAGES |= {"socks", "OpenSSL", "truststore", "gevent", "eventlet", "toolkit"}


def user_exception(error: BaseException, handled: BaseException | None = None) -> BaseException | None:
    """The exception of the user's code that an error is or came from, None if it is the network's.

    Args:
        error: The exception that a request raised.
        handled: The exception that was being handled when the request began; its own causes are ignored.
    """
    own = interruption(error, handled)
    if own is not None:
        return own
    found = [each for each in chain_of(error, handled) if not _is_network_error(each)]
    # A wrapper is given the traceback of the exception it wraps, but is not what was raised.
    raised = (each for each in found if not isinstance(each, HTTPError | RequestException))
    return next(raised, found[-1] if found else None)


def _is_network_error(error: BaseException) -> bool:
    if isinstance(error, socket.gaierror | socket.herror | ssl.SSLError):
        return True  # replacements of the resolver raise these
    trace = error.__traceback__
    if trace is None:
        return True
    while trace.tb_next is not None:
        trace = trace.tb_next
    return str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] in _NETWORK_PACKAGES
