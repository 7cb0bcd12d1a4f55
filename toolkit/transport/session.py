"""One request out, one answer in. No redirects, no retries: who calls decides about those."""

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
from toolkit.runtime.tracebacks import bare
from toolkit.transport.addresses import checked_address, is_loopback
from toolkit.transport.bodies import receive
from toolkit.transport.connections import (
    AbortableAdapter,
    SendTracker,
    abort_connections,
    is_sending,
    track_sending,
)
from toolkit.transport.failures import WANTS_PASSWORD, WANTS_SIGN_IN, Failure, Kind, explain
from toolkit.transport.origin import users_own
from toolkit.transport.responses import RawResponse

KEY_HEADER = "X-MBX-APIKEY"
# A large answer over a slow line takes several time-outs, each of its pieces being in time; one that takes
# longer than this many does not mean to end.
_TIMEOUTS = 4
_LONGEST_TIMEOUT = 86_400.0

# Answers that are not the exchange's, by their status: whoever is in between handed nothing on.
_IN_BETWEEN = {407: WANTS_PASSWORD, 511: WANTS_SIGN_IN}


class _RedactingFilter(logging.Filter):
    """Stands between what urllib3 logs of a request of ours and the user's filters and handlers.

    They see no query, and with it no signature. What they raise ends here: it would go on into urllib3, and
    the request would be lost with it.
    """

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self._logger = logger
        logger.filters.insert(0, self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Hand a record of ours on, shortened; keep those of others."""
        if not is_sending():
            return True
        if isinstance(record.args, tuple):
            record.args = tuple(
                argument.partition("?")[0] if isinstance(argument, str) else argument
                for argument in record.args
            )
        external = logging.Filterer()
        external.filters = [each for each in self._logger.filters if each is not self]
        with forgiving(Exception):
            kept = external.filter(record)
            if kept:
                self._logger.callHandlers(record if kept is True else kept)
        return False


for _name in ("connection", "connectionpool", "poolmanager", "response", "util.retry"):
    _RedactingFilter(logging.getLogger(f"urllib3.{_name}"))


class TransportFailure(Exception):  # noqa: N818 - not an error of the package: it becomes one, or a retry
    """Nothing came back, or not all of it. Holds the reason in words, and never the request.

    Attributes:
        partial_response: What had come of an answer that was cut off, None where nothing had.
        sent: Whether anything of the request may have got to the exchange.
        kind: What it was that failed.
        advice: What to do about it, "" where the usual advice serves.
        permanent: It would fail in the same way if it was sent again.
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
    """An interrupt, or another exception of the user's own, ended a write.

    Attributes:
        error: That exception.
        sent: Whether anything of the request may have got to the exchange.
        response: The answer, where all of it had come by then.
    """

    def __init__(self, error: BaseException, *, sent: bool, response: RawResponse | None = None) -> None:
        self.error = error
        self.sent = sent
        self.response = response
        super().__init__()


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it goes out, signed.

    Attributes:
        method: HTTP method.
        host: Base host.
        path: Path on it.
        query: The query string, as it goes out.
        body: The form body, as it goes out.
    """

    method: Method
    host: Host
    path: str
    query: str = field(default="", repr=False)
    body: str = field(default="", repr=False)


class Session:
    """One `requests.Session` for each host.

    Args:
        hosts: Base address of each host.
        timeout: Seconds to connect, and seconds to wait for each piece of the answer.
        proxies: As in requests.
        verify: As in requests: True, or the path of a file of certificates. Never False.
        trust_env: Whether proxies and certificates are taken from the environment, as in requests; for an
            address of this machine never a proxy.
        connections: Connections kept open to each host.

    Raises:
        UsageError: An argument cannot be right.
    """

    def __init__(
        self,
        hosts: Mapping[Host, str],
        *,
        timeout: tuple[float, float],
        proxies: Mapping[str, str] | None = None,
        verify: bool | str | Path = True,
        trust_env: bool = True,
        connections: int = 32,
    ) -> None:
        if verify is not True and not (isinstance(verify, str | Path) and str(verify)):
            raise UsageError(
                "`verify` is True or the path of your certificate authority's file: anything else would hand "
                "signed requests to anyone in between. Nothing was sent."
            )
        if verify is not True and not _exists(Path(verify)):
            raise UsageError("`verify` names a file of certificates that does not exist. Nothing was sent.")
        self.hosts = {host: checked_address(host, address) for host, address in hosts.items()}
        self._timeout = _checked_timeout(timeout)
        forks.renew(self._make_lock)
        self._sessions: dict[Host, requests.Session] = {}
        self._proxies = _checked_proxies(proxies)
        self._verify = verify if verify is True else str(verify)
        self._process = os.getpid()
        self._trust_env = trust_env
        self._connections = connections

    def _make_lock(self) -> None:
        self._lock = threading.Lock()

    def get(self, host: Host, path: str, query: str, key: str | None) -> RawResponse:
        """Send one GET with exactly this query string.

        Raises:
            TransportFailure: No whole answer came.
        """
        with self._track_sending() as tracker:
            return self._complete_response(
                self._session(host), SignedRequest("GET", host, path, query), key, tracker
            )

    def send(self, signed: SignedRequest, key: str) -> RawResponse:
        """Send one request that may change something, over a connection of its own.

        One that was kept open may be closed by the other side in the moment it is used again, and then
        nobody could tell whether the request had arrived.

        Raises:
            TransportFailure: No whole answer came; `sent` tells whether anything went out.
            Interruption: The user ended it.
        """
        broken = response = tracker = None
        try:
            with self._track_sending() as tracker, self._new_session() as session:
                response = self._complete_response(session, signed, key, tracker)
        except TransportFailure:
            raise
        except BaseException as error:  # noqa: BLE001 - it goes on below
            broken = bare(error)
        else:
            return response
        raise Interruption(broken, sent=tracker is not None and tracker.has_sent, response=response)

    def _track_sending(self) -> AbstractContextManager[SendTracker]:
        connect, read = self._timeout
        return track_sending(connect + _TIMEOUTS * read)

    def _complete_response(
        self, session: requests.Session, signed: SignedRequest, key: str | None, tracker: SendTracker
    ) -> RawResponse:
        failure, response, own, outside = None, None, None, sys.exception()
        try:
            response, whole = self._perform(session, signed, key)
        except Exception as error:
            own = users_own(error, outside)
            if own is None:
                failure = self._explained(error, signed.host, has_sent=tracker.has_sent)
                if failure is None:
                    raise
            # The frames hold the signed address, and the socket, which is closed with them.
            for each in [*chain_of(error, outside)]:
                bare(each)
        # Raised out here so that neither the cause nor a frame holding the signed address hangs on it.
        if own is not None:
            raise bare(own)
        if response is not None:
            failure = _IN_BETWEEN.get(response.status)
            if failure is None:
                if whole:
                    return response
                raise TransportFailure("the answer was cut off", response)
        assert failure is not None  # noqa: S101 - for the type checker
        # A proxy that wants a password has handed nothing on.
        sent = tracker.has_sent and failure is not WANTS_PASSWORD
        raise TransportFailure(
            failure.reason, sent=sent, kind=failure.kind, advice=failure.advice, permanent=failure.permanent
        )

    def _explained(self, error: Exception, host: Host, *, has_sent: bool) -> Failure | None:
        proxy, trusted = self.network_route(host)
        return explain(
            error,
            has_sent=has_sent,
            host=urlsplit(self.hosts[host]).hostname or "",
            proxy=proxy,
            trusted=trusted,
            given=isinstance(self._verify, str),
        )

    def _perform(
        self, session: requests.Session, signed: SignedRequest, key: str | None
    ) -> tuple[RawResponse, bool]:
        """The answer, and whether all of it came."""
        address = self.hosts[signed.host] + signed.path
        headers = {KEY_HEADER: key} if key else {}
        if signed.body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        request = session.prepare_request(
            requests.Request(signed.method, address, headers=headers, data=signed.body.encode("ascii"))
        )
        # Set afterwards: `requests` would decode and encode the query again, and the signature is
        # over these very bytes.
        request.url = f"{address}?{signed.query}" if signed.query else address
        settings = self._settings(session, self.hosts[signed.host])
        # Not through `session.send`: that reads where a redirect would lead, also when told not to follow.
        adapter = session.get_adapter(request.url)
        with adapter.send(request, timeout=self._timeout, **settings) as response:
            return receive(response)

    def network_route(self, host: Host) -> tuple[str, str]:
        """The proxy on the way to a host, by its name alone, and the file of certificates that is trusted.

        Both are "" where there is none but the usual.
        """
        address = self.hosts[host]
        settings = self._settings(self._session(host), address)
        trusted = settings["verify"]
        proxy = _name_of_proxy(select_proxy(address, settings["proxies"]) or "")
        return proxy, trusted if isinstance(trusted, str) else ""

    def _settings(self, session: requests.Session, base: str) -> dict[str, Any]:
        """Proxies and certificates for a host, by its base address."""
        given = dict(self._proxies)  # those of the environment are written into it
        settings: Any = session.merge_environment_settings(base, given, True, self._verify, None)
        if is_loopback(base):
            # What goes from this machine to itself is not encrypted. A proxy that the user names is the
            # user's word; one of the environment was meant for others.
            settings["proxies"] = self._proxies
        return dict(settings)

    def _session(self, host: Host) -> requests.Session:
        with self._lock:
            if self._process != os.getpid():
                # After a fork the sockets are the parent's: two processes on one would mix their answers.
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
        session.headers["Accept-Encoding"] = "gzip"  # what is decompressed within bounds
        # No cache on the way may keep an answer, or give one that it kept. Old ones know the second only.
        session.headers["Cache-Control"] = "no-store, no-cache"
        session.headers["Pragma"] = "no-cache"
        adapter = AbortableAdapter(pool_maxsize=self._connections, max_retries=0)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session

    def abort(self, threads: Iterable[threading.Thread]) -> None:
        """Break off what these threads ask and go on to ask, and close the connections they do it over.

        Each of them gets `TransportFailure` soon; other threads notice nothing. A thread cannot be used for
        requests any more afterwards.
        """
        abort_connections(threads)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            session.close()


def _exists(path: Path) -> bool:
    with forgiving(OSError):  # its name is longer than any is
        return path.exists()
    return False


def _checked_timeout(timeout: tuple[float, float]) -> tuple[float, float]:
    two = isinstance(timeout, tuple | list) and len(timeout) == 2
    if not two or not all(_is_timeout(seconds) for seconds in timeout):
        raise UsageError(
            "`timeout` is (seconds to connect, seconds to wait), as (5, 30): two finite numbers above 0, a "
            "day at most. Nothing was sent."
        )
    connect, wait = timeout
    return connect, wait


def _is_timeout(seconds: object) -> bool:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return False
    return 0 < seconds <= _LONGEST_TIMEOUT


def _checked_proxies(proxies: Mapping[str, str] | None) -> dict[str, str]:
    # What was given is not said again: it may hold a password.
    if proxies is None:
        return {}
    if not isinstance(proxies, Mapping) or not all(
        isinstance(name, str) and isinstance(proxy, str | None) for name, proxy in proxies.items()
    ):
        raise UsageError(
            '`proxies` has the address of a proxy for each scheme, as {"https": "http://proxy.example:80"}. '
            "Nothing was sent."
        )
    return dict(proxies)


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _name_of_proxy(address: str) -> str:
    """The name of a proxy, "" where there is none, without the user and password in its address."""
    with suppress(ValueError):
        return urlsplit("//" + address.rpartition("@")[2].rpartition("://")[2]).hostname or ""
    return "(unreadable)"
