"""Connections that know which thread uses them, so that one fetch can be broken off and no other.

`requests` keeps connections in a pool and hands them to whichever thread asks. Each connection notes
the thread that it was handed to last; breaking off shuts down the sockets of the threads meant.

An answer is read through a bound on its bytes and its time, whatever reads it: lines of a head that does
not end, welcomes before it, sizes of chunks, what stands behind them.
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
from toolkit.transport.origin import users_own

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection
else:
    HTTPConnection = object  # mixed into the plain class and the one for TLS

# The largest documented answers, a thousand rows or every symbol of an exchange, have some 2 MiB.
MAX_BODY_BYTES = 1 << 24
# Heads have some 2 KiB.
_LONGEST_HEAD = 1 << 16
# For what stands between the chunks of a body.
_FRAMING = 1 << 20


class AbortableAdapter(HTTPAdapter):
    """The adapter of `requests`, over connections that can be hung up."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool of connections."""
        super().init_poolmanager(*args, **kwargs)
        _use_abortable_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make the pool of connections over a proxy."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not known:
            _use_abortable_connections(manager)
        return manager


def abort_connections(threads: Iterable[threading.Thread]) -> None:
    """Shut down the sockets that these threads use, and every one they go on to use."""
    with _LOCK:
        _ABORTED.update(threads)
        connections = [connection for connection in _CONNECTIONS if connection.thread in _ABORTED]
    for connection in connections:
        connection.shut()


class ResponseLimitError(Exception):
    """An answer goes on beyond its bound. Says which, and holds nothing of the answer."""


@dataclass(slots=True)
class SendTracker:
    """Whether anything of a request may have left this machine, and until when its answer is read."""

    until: float
    has_sent: bool = False


@contextlib.contextmanager
def track_sending(timeout_s: float) -> Iterator[SendTracker]:
    """Watch this thread's next request: before its first byte goes out, it is noted.

    Args:
        timeout_s: Seconds until the end of the answer.
    """
    tracker = _THREAD.tracker = SendTracker(time.monotonic() + timeout_s)
    try:
        yield tracker
    finally:
        _THREAD.tracker = None


def is_sending() -> bool:
    """Whether a request of ours is under way in this thread."""
    return getattr(_THREAD, "tracker", None) is not None


_THREAD = threading.local()
_LOCK: threading.Lock
_ABORTED: weakref.WeakSet[threading.Thread]


class _BoundedReader(io.RawIOBase):
    """What comes over a line for one answer."""

    def __init__(self, connection: io.RawIOBase, until: float) -> None:
        self._raw = connection
        self._until = until
        self.left = _LONGEST_HEAD

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._until:
            raise ResponseLimitError("did not come to its end in time")
        if self.left <= 0:
            raise ResponseLimitError("is larger than any good one")
        count = self._raw.readinto(buffer)
        self.left -= count or 0
        return count

    def close(self) -> None:
        super().close()
        self._raw.close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tracker = getattr(_THREAD, "tracker", None)
        connection = self.fp.detach()
        self._bounded = _BoundedReader(connection, tracker.until if tracker is not None else math.inf)
        self.fp = io.BufferedReader(self._bounded)

    def begin(self, *args: Any, **kwargs: Any) -> None:
        super().begin(*args, **kwargs)
        self._bounded.left = MAX_BODY_BYTES + _FRAMING


class _AbortableConnection(HTTPConnection):
    response_class = _BoundedResponse
    # Whatever `http.client.HTTPConnection.debuglevel` says: it prints requests with key and signature.
    debuglevel = 0
    thread: threading.Thread | None = None
    last_sock: Any = None

    def connect(self) -> None:
        super().connect()
        self._register()

    def _new_conn(self) -> socket.socket:
        """A socket to the first of the host's addresses that answers, as urllib3 makes it.

        One address after the other is handed to it: it takes whatever is raised meanwhile for a failure of
        the address and goes on to the next one, and a deadline of the user's would be lost.
        """
        if getattr(self, "_socks_options", None) is not None:  # the proxy may be the one to look names up
            return super()._new_conn()
        name, outside = self._dns_host, sys.exception()
        try:
            found = socket.getaddrinfo(name.strip("[]"), self.port, allowed_gai_family(), socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise NewConnectionError(self, "no such name") from error
        try:
            for left, (*_, place) in zip(range(len(found) - 1, -1, -1), found, strict=True):
                self._dns_host = str(place[0])
                try:
                    return super()._new_conn()
                except (OSError, HTTPError) as error:
                    if not left or users_own(error, outside) is not None:
                        raise
        finally:
            self._dns_host = name
        raise NewConnectionError(self, "no address")

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:  # so that a failure to connect is told from a loss on the way
            self.connect()
        self._register()
        tracker = getattr(_THREAD, "tracker", None)
        if tracker is not None:
            tracker.has_sent = True
        outside = sys.exception()
        try:
            super().request(*args, **kwargs)
        except OSError as error:
            own = users_own(error, outside)
            if own is None:
                raise
            # Some that break off the sending are passed over by urllib3: there may be an answer all the same.
            raise ProtocolError("broken off", own) from own

    def _register(self) -> None:
        with _LOCK:
            self.thread = threading.current_thread()
            # Kept besides: a connection forgets its socket while the last answer on it is still read.
            self.last_sock = self.sock or self.last_sock
            _CONNECTIONS.add(self)
            aborted = self.thread in _ABORTED
        if aborted:
            self.shut()

    def shut(self) -> None:
        # A proxy over TLS wraps the socket. What shuts down TLS politely would wait for the other side.
        last_sock = (
            self.last_sock
            if isinstance(self.last_sock, socket.socket)
            else getattr(self.last_sock, "socket", None)
        )
        with forgiving(OSError):
            if last_sock is not None:
                socket.socket.shutdown(last_sock, socket.SHUT_RDWR)


_CONNECTIONS: weakref.WeakSet[_AbortableConnection]


def _begin() -> None:
    """Know of no connection; in a child, the connections there are belong to its parent."""
    global _LOCK, _ABORTED, _CONNECTIONS
    _LOCK, _ABORTED, _CONNECTIONS = threading.Lock(), weakref.WeakSet(), weakref.WeakSet()


forks.renew(_begin)


def _use_abortable_connections(manager: Any) -> None:
    manager.pool_classes_by_scheme = {
        scheme: _abortable_pool(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


@cache
def _abortable_pool(pool: type[Any]) -> type[Any]:
    """A class of pools as this one, of connections that note who uses them."""
    connection = type("AbortableConnection", (_AbortableConnection, pool.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})
