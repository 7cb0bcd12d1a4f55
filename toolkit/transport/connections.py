"""Connections that can be aborted by thread, and responses with bounds on size and time.

`requests` keeps connections in a pool and hands them to any thread. Each connection records the thread
that used it last, so that one fetch can be aborted without harm to others: the sockets of its threads are
shut down.

The bounds hold for all bytes that are read for a response: an endless status line or header, 1XX responses
before it, chunk sizes and trailers.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import math
import socket
import sys
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError
from urllib3.util.connection import allowed_gai_family

from toolkit.runtime import forks
from toolkit.runtime.interruptions import forgiving
from toolkit.transport.origin import user_exception

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection
else:
    HTTPConnection = object  # mixed into the classes for plain connections and TLS

# The largest pages, of a thousand rows, have about 2 MiB.
MAX_BODY_BYTES = 1 << 24
# Every symbol of spot with its rules and permissions has 6 to 20 MiB, a tenth of it compressed.
MAX_LIST_BODY_BYTES = 1 << 25
# Status line and headers have about 2 KiB.
_MAX_HEAD_BYTES = 1 << 16
# Allowance for chunk sizes and trailers.
_FRAMING_BYTES = 1 << 20


class AbortableAdapter(HTTPAdapter):
    """The adapter of `requests`, with connections that can be aborted."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the connection pools."""
        super().init_poolmanager(*args, **kwargs)
        _use_abortable_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Create the connection pools of a proxy."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not known:
            _use_abortable_connections(manager)
        return manager


def abort_connections(threads: Iterable[threading.Thread]) -> None:
    """Shut down the sockets that these threads use, and any they use later."""
    with _LOCK:
        _ABORTED.update(threads)
        connections = [connection for connection in _CONNECTIONS if connection.thread in _ABORTED]
    for connection in connections:
        connection.abort()


class ResponseLimitError(Exception):
    """A response exceeds a bound. The text says which, and contains nothing of the response."""


@dataclass(slots=True)
class SendTracker:
    """Whether any byte of a request may have been sent, and the deadline of its response.

    Attributes:
        deadline: End of the response, by `time.monotonic`.
        has_sent: Whether any byte may have been sent.
    """

    deadline: float
    has_sent: bool = False


@contextlib.contextmanager
def track_sending(timeout_s: float) -> Iterator[SendTracker]:
    """Track this thread's next request: `has_sent` is set before its first byte is sent.

    Args:
        timeout_s: Seconds until the response must be complete.
    """
    tracker = _THREAD.tracker = SendTracker(time.monotonic() + timeout_s)
    try:
        yield tracker
    finally:
        _THREAD.tracker = None


def is_sending() -> bool:
    """Whether this thread is sending a request of the toolkit."""
    return getattr(_THREAD, "tracker", None) is not None


def binary_size(count: int) -> str:
    """A number of bytes in MiB or KiB, such as "16 MiB"."""
    return f"{count >> 20} MiB" if count >= 1 << 20 else f"{count >> 10} KiB"


_THREAD = threading.local()
_LOCK: threading.Lock
_ABORTED: weakref.WeakSet[threading.Thread]


class _BoundedReader(io.RawIOBase):
    """The bytes of one response, up to a limit and a deadline."""

    def __init__(self, raw: io.RawIOBase, deadline: float) -> None:
        self._raw = raw
        self._deadline = deadline
        self.allow(_MAX_HEAD_BYTES)

    def allow(self, max_bytes: int) -> None:
        """Allow so many more bytes."""
        self._max_bytes = self._left = max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._deadline:
            raise ResponseLimitError("did not end in time")
        if self._left <= 0:
            raise ResponseLimitError(f"is larger than {binary_size(self._max_bytes)}")
        count = self._raw.readinto(buffer)
        self._left -= count or 0
        return count

    def close(self) -> None:
        super().close()
        self._raw.close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tracker = getattr(_THREAD, "tracker", None)
        raw = self.fp.detach()
        self._bounded = _BoundedReader(raw, tracker.deadline if tracker is not None else math.inf)
        self.fp = io.BufferedReader(self._bounded)

    def begin(self, *args: Any, **kwargs: Any) -> None:
        super().begin(*args, **kwargs)
        self._bounded.allow(MAX_BODY_BYTES + _FRAMING_BYTES)


class _AbortableConnection(HTTPConnection):
    response_class = _BoundedResponse
    # Ignore `http.client.HTTPConnection.debuglevel`: it prints requests with key and signature.
    debuglevel = 0
    thread: threading.Thread | None = None
    last_sock: Any = None

    def connect(self) -> None:
        super().connect()
        self._register()

    def _new_conn(self) -> socket.socket:
        """Connect to the first of the host's addresses that accepts.

        urllib3 gets one address at a time. With several, it takes any exception for a failure of that address
        and tries the next one, which would swallow a deadline set by the user.
        """
        if getattr(self, "_socks_options", None) is not None:  # the proxy may resolve the name
            return super()._new_conn()
        name, handled = self._dns_host, sys.exception()
        try:
            addresses = socket.getaddrinfo(
                name.strip("[]"), self.port, allowed_gai_family(), socket.SOCK_STREAM
            )
        except (socket.gaierror, UnicodeError) as error:
            raise NewConnectionError(self, "unknown host name") from error
        try:
            for left, (*_, address) in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
                self._dns_host = str(address[0])
                try:
                    return super()._new_conn()
                except (OSError, HTTPError) as error:
                    if not left or user_exception(error, handled) is not None:
                        raise
        finally:
            self._dns_host = name
        raise NewConnectionError(self, "no address")

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:  # first, so that a failure to connect is not taken for a lost response
            self.connect()
        self._register()
        tracker = getattr(_THREAD, "tracker", None)
        if tracker is not None:
            tracker.has_sent = True
        handled = sys.exception()
        try:
            super().request(*args, **kwargs)
        except OSError as error:
            own = user_exception(error, handled)
            if own is None:
                raise
            # urllib3 ignores some errors while sending, as there may be a response all the same.
            raise ProtocolError("interrupted", own) from own

    def _register(self) -> None:
        with _LOCK:
            self.thread = threading.current_thread()
            # Kept because a connection drops its socket while its last response is still being read.
            self.last_sock = self.sock or self.last_sock
            _CONNECTIONS.add(self)
            aborted = self.thread in _ABORTED
        if aborted:
            self.abort()

    def abort(self) -> None:
        # A TLS proxy wraps the socket. A TLS shutdown would wait for the peer.
        sock = self.last_sock
        if not isinstance(sock, socket.socket):
            sock = getattr(sock, "socket", None)
        with forgiving(OSError):
            if sock is not None:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


_CONNECTIONS: weakref.WeakSet[_AbortableConnection]


def _reset() -> None:
    """Start with no connections: after a fork, those that exist belong to the parent."""
    global _LOCK, _ABORTED, _CONNECTIONS
    _LOCK, _ABORTED, _CONNECTIONS = threading.Lock(), weakref.WeakSet(), weakref.WeakSet()


forks.renew(_reset)


def _use_abortable_connections(manager: Any) -> None:
    manager.pool_classes_by_scheme = {
        scheme: _abortable_pool(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


@cache
def _abortable_pool(pool: type[Any]) -> type[Any]:
    """A subclass of a pool class whose connections can be aborted."""
    connection = type("AbortableConnection", (_AbortableConnection, pool.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})
