"""Sends one request and returns its response. No redirects and no retries: the caller decides about those."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.utils import select_proxy

from toolkit._version import __version__
from toolkit.endpoints import Host, Method
from toolkit.errors import UsageError
from toolkit.runtime import forks
from toolkit.runtime.interruptions import chain_of, forgiving
from toolkit.runtime.tracebacks import without_traceback
from toolkit.transport.addresses import checked_address, is_loopback
from toolkit.transport.bodies import receive
from toolkit.transport.connections import (
    AbortableAdapter,
    SendTracker,
    abort_connections,
    is_sending,
    track_sending,
)
from toolkit.transport.failures import NETWORK_LOGIN_REQUIRED, PROXY_LOGIN_REQUIRED, Failure, Kind, explain
from toolkit.transport.origin import user_exception
from toolkit.transport.responses import RawResponse

KEY_HEADER = "X-MBX-APIKEY"
# The time-out holds for each chunk. A large response over a slow connection may take this many in all.
_MAX_TIMEOUTS = 4
_MAX_TIMEOUT_S = 86_400.0
# Requests that are kept to be copied.
_MAX_PREPARED = 100

# Responses of a proxy or the local network, by status: the request was not forwarded.
_NETWORK_STATUSES = {407: PROXY_LOGIN_REQUIRED, 511: NETWORK_LOGIN_REQUIRED}


class _RedactingFilter(logging.Filter):
    """Removes query strings, and so signatures, from urllib3's log records of the toolkit's requests.

    It runs before the user's filters and handlers and calls them itself. Exceptions that they raise are
    dropped: otherwise they would end the request.
    """

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self._logger = logger
        logger.filters.insert(0, self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Pass other programs' records through; redact those of the toolkit and handle them here."""
        if not is_sending():
            return True
        if isinstance(record.args, tuple):
            record.args = tuple(arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args)
        others = logging.Filterer()
        others.filters = [each for each in self._logger.filters if each is not self]
        with forgiving(Exception):
            kept = others.filter(record)
            if kept:
                self._logger.callHandlers(record if kept is True else kept)
        return False


for _name in ("connection", "connectionpool", "poolmanager", "response", "util.retry"):
    _RedactingFilter(logging.getLogger(f"urllib3.{_name}"))


class TransportFailure(Exception):  # noqa: N818 - it becomes an error of the package, or a retry
    """No response arrived, or not all of it. The text has the reason, and nothing of the request.

    Attributes:
        partial_response: The part of a truncated response that arrived, None if nothing did.
        sent: Whether any byte of the request may have reached the exchange.
        kind: What failed.
        advice: What to do next, "" if the general advice applies.
        permanent: Whether a retry would fail in the same way.
    """

    def __init__(
        self,
        reason: str,
        partial_response: RawResponse | None = None,
        *,
        sent: bool = True,
        kind: Kind = "network",
        advice: str = "",
        permanent: bool = False,
    ) -> None:
        self.partial_response = partial_response
        self.sent = sent
        self.kind = kind
        self.advice = advice
        self.permanent = permanent
        super().__init__(reason)


class Interruption(BaseException):
    """An interrupt, or another exception of the user's code, ended a write.

    Attributes:
        error: That exception.
        sent: Whether any byte of the request may have reached the exchange.
        response: The response, if it had arrived in full.
    """

    def __init__(self, error: BaseException, *, sent: bool, response: RawResponse | None = None) -> None:
        self.error = error
        self.sent = sent
        self.response = response
        super().__init__()


@dataclass(frozen=True, slots=True)
class EncodedRequest:
    """A request, exactly as it is sent: signed, where it has to be.

    Attributes:
        method: HTTP method.
        host: The host.
        path: Path of the URL.
        query: Query string.
        body: Form body.
        whole_list: Whether its response is a long list that no request can ask for in parts.
    """

    method: Method
    host: Host
    path: str
    query: str = field(default="", repr=False)
    body: str = field(default="", repr=False)
    whole_list: bool = False


class Session:
    """One `requests.Session` per host.

    Args:
        hosts: Base address of each host.
        timeout: Seconds to connect, and seconds to wait for each chunk of the response.
        proxies: As in requests.
        verify: As in requests: True, or the path of a file of certificates. Never False.
        trust_env: Whether to take proxies and certificates from the environment, as in requests. For loopback
            addresses, proxies of the environment are ignored.
        connections: Connections kept open to each host.

    Raises:
        UsageError: An argument is invalid.
    """

    def __init__(
        self,
        hosts: Mapping[Host, str],
        *,
        timeout: tuple[float, float],
        proxies: Mapping[str, str] | None = None,
        verify: bool | str | Path = True,
        trust_env: bool = True,
        connections: int = 64,
    ) -> None:
        if verify is not True and not (isinstance(verify, str | Path) and str(verify)):
            raise UsageError(
                "`verify` must be True or the path of a certificate file: anything else would expose signed "
                "requests to interception. Nothing was sent."
            )
        if verify is not True and not _exists(Path(verify)):
            raise UsageError("`verify` names a certificate file that does not exist. Nothing was sent.")
        self.hosts = {host: checked_address(host, address) for host, address in hosts.items()}
        self._timeout = _checked_timeout(timeout)
        forks.renew(self._make_lock)
        self._sessions: dict[Host, requests.Session] = {}
        self._prepared: dict[tuple[str, str], requests.PreparedRequest] = {}
        self._proxies = _checked_proxies(proxies)
        self._verify = verify if verify is True else str(verify)
        self._process = os.getpid()
        self._trust_env = trust_env
        self._connections = connections

    def _make_lock(self) -> None:
        self._lock = threading.Lock()

    def get(self, host: Host, path: str, query: str, key: str | None) -> RawResponse:
        """Send one GET request with exactly this query string.

        Raises:
            TransportFailure: No complete response arrived.
        """
        return self.read(EncodedRequest("GET", host, path, query), key)

    def read(self, request: EncodedRequest, key: str | None) -> RawResponse:
        """Send one request that changes nothing, whatever its method, over a kept connection.

        Raises:
            TransportFailure: No complete response arrived.
        """
        with self._track_sending() as tracker:
            return self._complete_response(self._session(request.host), request, key, tracker)

    def send(self, request: EncodedRequest, key: str) -> RawResponse:
        """Send one request that may change something, over a new connection.

        The exchange may close a kept connection at the moment it is reused; then it would be unknown whether
        the request arrived.

        Raises:
            TransportFailure: No complete response arrived; `sent` tells whether any byte was sent.
            Interruption: The user interrupted it.
        """
        interrupt = response = tracker = None
        try:
            with self._track_sending() as tracker, self._new_session() as session:
                response = self._complete_response(session, request, key, tracker)
        except TransportFailure:
            raise
        except BaseException as error:  # noqa: BLE001 - raised again below
            interrupt = without_traceback(error)
        else:
            return response
        raise Interruption(interrupt, sent=tracker is not None and tracker.has_sent, response=response)

    def _track_sending(self) -> AbstractContextManager[SendTracker]:
        connect, read = self._timeout
        return track_sending(connect + _MAX_TIMEOUTS * read)

    def _complete_response(
        self, session: requests.Session, encoded: EncodedRequest, key: str | None, tracker: SendTracker
    ) -> RawResponse:
        failure, response, own, handled = None, None, None, sys.exception()
        try:
            response, complete = self._perform(session, encoded, key)
        except Exception as error:
            own = user_exception(error, handled)
            if own is None:
                failure = self._explain(error, encoded.host, has_sent=tracker.has_sent)
                if failure is None:
                    raise
            # The frames hold the signed URL, and the socket, which is closed with them.
            for each in [*chain_of(error, handled)]:
                without_traceback(each)
        # Raised outside the handler, so that neither its cause nor a frame with the signed URL is attached to
        # it.
        if own is not None:
            raise without_traceback(own)
        if response is not None:
            failure = _NETWORK_STATUSES.get(response.status)
            if failure is None:
                if complete:
                    return response
                raise TransportFailure("the response was cut off", response)
        assert failure is not None  # noqa: S101 - for the type checker
        # A proxy that requires a login has forwarded nothing.
        sent = tracker.has_sent and failure is not PROXY_LOGIN_REQUIRED
        raise TransportFailure(
            failure.reason, sent=sent, kind=failure.kind, advice=failure.advice, permanent=failure.permanent
        )

    def _explain(self, error: Exception, host: Host, *, has_sent: bool) -> Failure | None:
        proxy, ca_bundle = self.network_route(host)
        return explain(
            error,
            has_sent=has_sent,
            host=urlsplit(self.hosts[host]).hostname or "",
            proxy=proxy,
            ca_bundle=ca_bundle,
            from_verify=isinstance(self._verify, str),
        )

    def _perform(
        self, session: requests.Session, encoded: EncodedRequest, key: str | None
    ) -> tuple[RawResponse, bool]:
        """Send a request; returns the response, and whether it is complete."""
        url = self.hosts[encoded.host] + encoded.path
        request = self._prepare(session, encoded, url, key)
        # Set afterwards: `requests` would re-encode the query, and the signature covers exactly these bytes.
        request.url = f"{url}?{encoded.query}" if encoded.query else url
        settings = self._settings(session, self.hosts[encoded.host])
        # Not `session.send`: it resolves redirects even if it is told not to follow them.
        adapter = session.get_adapter(request.url)
        with adapter.send(request, timeout=self._timeout, **settings) as response:
            return receive(response.raw, whole_list=encoded.whole_list)

    def _prepare(
        self, session: requests.Session, encoded: EncodedRequest, url: str, key: str | None
    ) -> requests.PreparedRequest:
        """A request without its query. Those without a key and a body are alike, and prepared once."""
        if key or encoded.body:
            headers = {KEY_HEADER: key} if key else {}
            if encoded.body:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            data = encoded.body.encode("ascii")
            return session.prepare_request(requests.Request(encoded.method, url, headers=headers, data=data))
        known = self._prepared.get((encoded.method, url))
        if known is None:
            if len(self._prepared) >= _MAX_PREPARED:  # by `link.get`; there are fewer endpoints
                self._prepared.clear()
            known = session.prepare_request(requests.Request(encoded.method, url))
            self._prepared[encoded.method, url] = known
        return known.copy()

    def network_route(self, host: Host) -> tuple[str, str]:
        """The proxy's name and the file of trusted certificates for a host, "" for none or the default."""
        address = self.hosts[host]
        settings = self._settings(self._session(host), address)
        ca_bundle = settings["verify"]
        proxy = _proxy_name(select_proxy(address, settings["proxies"]) or "")
        return proxy, ca_bundle if isinstance(ca_bundle, str) else ""

    def _settings(self, session: requests.Session, address: str) -> dict[str, Any]:
        """Proxies and certificates for a host."""
        proxies = dict(self._proxies)  # a copy, as those of the environment are added to it
        settings: Any = session.merge_environment_settings(address, proxies, True, self._verify, None)
        if is_loopback(address):
            # Loopback traffic is not encrypted. A proxy given as an argument is intended; one of the
            # environment is meant for other hosts.
            settings["proxies"] = self._proxies
        return dict(settings)

    def _session(self, host: Host) -> requests.Session:
        with self._lock:
            if self._process != os.getpid():
                # After a fork the sockets belong to the parent: two processes on one socket would mix up
                # responses.
                self._process, self._sessions = os.getpid(), {}
            session = self._sessions.get(host)
            if session is None:
                session = self._sessions[host] = self._new_session()
            return session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = self._trust_env
        # No netrc, and no cookies: the exchange uses neither.
        session.auth = _no_auth
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers["User-Agent"] = f"binance-link-toolkit/{__version__}"
        session.headers["Accept"] = "application/json"
        session.headers["Accept-Encoding"] = "gzip"  # which is decompressed within bounds
        # No cache may store a response or serve a stored one. Old caches know only `Pragma`.
        session.headers["Cache-Control"] = "no-store, no-cache"
        session.headers["Pragma"] = "no-cache"
        adapter = AbortableAdapter(pool_maxsize=self._connections, max_retries=0)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session

    def abort(self, threads: Iterable[threading.Thread]) -> None:
        """Abort the current and all later requests of these threads by shutting down their connections.

        Each of them gets a `TransportFailure` soon; other threads are not affected. The threads cannot send
        requests afterwards.
        """
        abort_connections(threads)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            session.close()


def _exists(path: Path) -> bool:
    with forgiving(OSError):  # the name is too long
        return path.exists()
    return False


def _checked_timeout(timeout: tuple[float, float]) -> tuple[float, float]:
    is_pair = isinstance(timeout, tuple | list) and len(timeout) == 2
    if not is_pair or not all(_is_timeout(seconds) for seconds in timeout):
        raise UsageError(
            "`timeout` must be (seconds to connect, seconds to wait), such as (5, 30): two numbers above 0 "
            "and at most one day. Nothing was sent."
        )
    connect, read = timeout
    return connect, read


def _is_timeout(seconds: object) -> bool:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return False
    return 0 < seconds <= _MAX_TIMEOUT_S


def _checked_proxies(proxies: Mapping[str, str] | None) -> dict[str, str]:
    # The value is not quoted in errors: it may contain a password.
    if proxies is None:
        return {}
    if not isinstance(proxies, Mapping) or not all(
        isinstance(name, str) and isinstance(proxy, str | None) for name, proxy in proxies.items()
    ):
        raise UsageError(
            '`proxies` must map schemes to addresses, such as {"https": "http://proxy.example:8080"}. '
            "Nothing was sent."
        )
    return dict(proxies)


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _proxy_name(address: str) -> str:
    """The host name in a proxy's address, without user name and password; "" for no proxy."""
    with suppress(ValueError):
        return urlsplit("//" + address.rpartition("@")[2].rpartition("://")[2]).hostname or ""
    return "(unreadable)"
