"""One request out, one answer in. No redirects, no retries: who calls decides about those."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
from requests.utils import select_proxy

from toolkit._version import __version__
from toolkit.catalogue import Host, Method
from toolkit.errors import UsageError
from toolkit.storage import forks
from toolkit.wire.addresses import checked_address, is_loopback
from toolkit.wire.answers import Answer
from toolkit.wire.bodies import receive
from toolkit.wire.lines import BoundError, Lines, departing, hang_up

KEY_HEADER = "X-MBX-APIKEY"
# A large answer over a slow line takes several time-outs, each of its pieces being in time; one that takes
# longer than this many does not mean to end.
_TIMEOUTS = 4
_LONGEST_TIMEOUT = 86_400.0

Kind = Literal["certificate", "authorities", "proxy", "network"]
"""What it was that failed."""


class _WithoutQuery(logging.Filter):
    """Takes the query, and with it the signature, out of what urllib3 logs of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, shortened."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                argument.partition("?")[0]
                if isinstance(argument, str) and "signature=" in argument
                else argument
                for argument in record.args
            )
        return True


for _name in ("urllib3.connectionpool", "urllib3.connection"):
    logging.getLogger(_name).addFilter(_WithoutQuery())


class NoAnswer(Exception):  # noqa: N818 - not an error of the package: it becomes one, or a retry
    """Nothing came back, or not all of it. Holds the reason in words, and never the request.

    Attributes:
        cut: What had come of an answer that was cut off, None where nothing had.
        sent: Whether anything of the request may have left this machine.
        kind: What it was that failed.
    """

    def __init__(
        self, reason: str, cut: Answer | None = None, *, sent: bool = True, kind: Kind = "network"
    ) -> None:
        self.cut = cut
        self.sent = sent
        self.kind = kind
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Message:
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

    def get(self, host: Host, path: str, query: str, key: str | None) -> Answer:
        """Send one GET with exactly this query string.

        Raises:
            NoAnswer: No whole answer came.
        """
        return self._whole_answer(self._session(host), Message("GET", host, path, query), key)

    def send(self, message: Message, key: str) -> Answer:
        """Send one request that may change something, over a connection of its own.

        One that was kept open may be closed by the other side in the moment it is used again, and then
        nobody could tell whether the request had arrived.

        Raises:
            NoAnswer: No whole answer came; `sent` tells whether anything went out.
        """
        with self._new_session() as session:
            return self._whole_answer(session, message, key)

    def _whole_answer(self, session: requests.Session, message: Message, key: str | None) -> Answer:
        reason = ""
        kind: Kind = "network"
        connect, read = self._timeout
        with departing(connect + _TIMEOUTS * read) as departure:
            try:
                answer, whole = self._answer(session, message, key)
            except requests.exceptions.ConnectTimeout:
                reason = "no connection in time"
            except requests.exceptions.Timeout:
                # The handshake of TLS and a proxy's word count as answers, too.
                reason = "no answer in time" if departure.began else "no connection in time"
            except requests.exceptions.SSLError:
                reason, kind = "the certificate or the encryption was not accepted", "certificate"
            except requests.exceptions.ProxyError:
                reason, kind = "the proxy could not be reached or refused", "proxy"
            except requests.exceptions.ConnectionError:
                reason = "the connection failed or was broken off"
            except requests.exceptions.RequestException as error:
                reason = f"the request failed ({type(error).__name__})"
            except OSError:
                reason = "the file of certificates, or what belongs to it, cannot be read"
                kind = "authorities"
            except UnicodeError:  # everything else is plain ASCII
                reason, kind = "the proxy's user or password cannot be sent", "proxy"
            except BoundError as error:
                reason = f"the head of the answer {error}"
            else:
                if whole:
                    return answer
                raise NoAnswer("the answer was cut off", answer)
        # Raised out here so that neither the cause nor a frame holding the signed address hangs on it.
        raise NoAnswer(reason, sent=departure.began, kind=kind)

    def _answer(self, session: requests.Session, message: Message, key: str | None) -> tuple[Answer, bool]:
        """The answer, and whether all of it came."""
        address = self.hosts[message.host] + message.path
        headers = {KEY_HEADER: key} if key else {}
        if message.body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        request = session.prepare_request(
            requests.Request(message.method, address, headers=headers, data=message.body.encode("ascii"))
        )
        # Set afterwards: `requests` would decode and encode the query again, and the signature is
        # over these very bytes.
        request.url = f"{address}?{message.query}" if message.query else address
        settings = self._settings(session, self.hosts[message.host])
        # Not through `session.send`: that reads where a redirect would lead, also when told not to follow.
        adapter = session.get_adapter(request.url)
        with adapter.send(request, timeout=self._timeout, **settings) as response:
            return receive(response)

    def way(self, host: Host) -> tuple[str, str]:
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
        adapter = Lines(pool_maxsize=self._connections, max_retries=0)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session

    def abort(self, threads: Iterable[threading.Thread]) -> None:
        """Break off what these threads ask and go on to ask, and close the connections they do it over.

        Each of them gets `NoAnswer` soon; other threads notice nothing. A thread cannot be used for
        requests any more afterwards.
        """
        hang_up(threads)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            session.close()


def _exists(path: Path) -> bool:
    with suppress(OSError):  # its name is longer than any is
        return path.exists()
    return False


def _checked_timeout(timeout: tuple[float, float]) -> tuple[float, float]:
    two = isinstance(timeout, tuple | list) and len(timeout) == 2
    if not two or not all(_is_patience(seconds) for seconds in timeout):
        raise UsageError(
            "`timeout` is (seconds to connect, seconds to wait), as (5, 30): two finite numbers above 0, a "
            "day at most. Nothing was sent."
        )
    connect, wait = timeout
    return connect, wait


def _is_patience(seconds: object) -> bool:
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
