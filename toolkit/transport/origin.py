"""Whose exception it is that comes out of a request: the network's, or the user's own.

What is known to be an interruption is the user's, wherever it was raised. Of everything else only that is the
network's which its code has raised: a request is sent again for no other reason.
"""

from __future__ import annotations

import socket
import ssl

from requests import RequestException
from urllib3.exceptions import HTTPError

from toolkit.runtime.interruptions import chain_of, interruption

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
    own = interruption(error, outside)
    if own is not None:
        return own
    found = [each for each in chain_of(error, outside) if not _is_of_the_network(each)]
    # What wraps an exception is given its trace, too, and is not what was raised.
    raised = (each for each in found if not isinstance(each, HTTPError | RequestException))
    return next(raised, found[-1] if found else None)


def _is_of_the_network(error: BaseException) -> bool:
    if isinstance(error, socket.gaierror | socket.herror | ssl.SSLError):
        return True  # whoever puts another resolver in place raises these
    trace = error.__traceback__
    if trace is None:
        return True
    while trace.tb_next is not None:
        trace = trace.tb_next
    return str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] in _NETWORK
