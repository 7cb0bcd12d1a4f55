"""What a host says about itself, asked for when it is needed: its time, and its limits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from operator import attrgetter
from typing import TypeGuard

from toolkit.endpoints import API, FAPI, PAPI, Host, RateLimit
from toolkit.errors import BannedError, ContractError, ToolkitError
from toolkit.ratelimit import ReportedLimit
from toolkit.ratelimit.budget import MAX_POLL_S, Budget
from toolkit.runtime import forks
from toolkit.runtime.interruptions import forgiving
from toolkit.timing.cancel import CancelToken
from toolkit.timing.clock import MAX_CLOCK_SKEW_S, Clock, HostClock, Measured
from toolkit.timing.http_dates import is_cached, read_date
from toolkit.transport.responses import RawResponse, decode, error_of
from toolkit.transport.session import Session, TransportFailure

# 2010 and 2100: what lies outside is no time.
_EARLIEST, _LATEST = 1_262_304_000, 4_102_444_800
# Seconds: an answer that takes longer has the time asked for again, and a clock that another process measured
# is not good enough where it may be further off.
SLOW_RESPONSE_S = MAX_CLOCK_ERROR_S = 1.0
# No limit is larger, and no window longer: one that never turned would stop every sender.
_LARGEST, _LONGEST = 10**9, 86_400

# Where each host tells the time. None is documented for /papi: the Date of a ping's answer serves.
_TIME: Mapping[Host, tuple[RateLimit, str]] = {
    "api": (API, "/api/v3/time"),
    "fapi": (FAPI, "/fapi/v1/time"),
    "papi": (PAPI, "/papi/v1/ping"),
}
_KINDS = {"REQUEST_WEIGHT": "weight", "ORDERS": "orders"}
_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400}

_LOG = logging.getLogger(__name__)


class ServerInfo:
    """The hosts of one exchange, and what is known of their clocks and limits.

    Args:
        session: What they are asked with.
        budget: What they may be asked for.
        clocks: Their clocks, kept here.
        clock: This machine's clock.
        limit_fraction: Part of a limit that may be used up.
    """

    def __init__(
        self,
        session: Session,
        budget: Budget,
        clocks: Mapping[Host, HostClock],
        *,
        clock: Clock,
        limit_fraction: float,
    ) -> None:
        self._clock = clock
        self._session = session
        self._budget = budget
        self._clocks = clocks
        self._limit_fraction = limit_fraction
        forks.renew(self._make_locks)

    def _make_locks(self) -> None:
        self._locks = {host: threading.Lock() for host in self._clocks}
        self._lock_owners: dict[Host, int] = {}  # the thread that has that lock, or had it last

    def ensure_time(self, host: Host, cancel: CancelToken | None = None) -> None:
        """Measure a host's clock where that was not done lately, here or in another process."""
        clock = self._clocks[host]
        if clock.is_fresh():
            return
        with self._one_at_a_time(host, cancel):
            if clock.is_fresh():
                return
            shared = self._budget.shared_clock(host)
            if shared is not None:
                clock.adopt(shared)
            if not clock.is_fresh() or clock.reading()[1] > MAX_CLOCK_ERROR_S:
                self.measure(host, cancel)

    def measure(self, host: Host, cancel: CancelToken | None = None) -> None:
        """Measure a host's clock. Where that fails, the time as known stays good enough to try.

        Raises:
            TransportFailure: Nothing else that is sent there would fare better.
        """
        with _ignore_temporary_failures():
            self.fetch_time(host, cancel)

    def fetch_time(self, host: Host, cancel: CancelToken | None = None) -> Measured:
        """Ask a host for its time, and go by that.

        The first answer may have taken long only because the connection had to be made first. Nobody can
        tell how much of that was the way there, so it is asked again over the same connection; the better of
        both counts.

        Raises:
            TransportFailure: No whole answer came.
            ContractError: What came does not tell the time.
            BannedError: This address is banned; nothing was sent.
        """
        measured = self._measured(host, cancel)
        if measured.took > SLOW_RESPONSE_S:
            with suppress(TransportFailure, ToolkitError):  # the first is there
                measured = min(measured, self._measured(host, cancel), key=attrgetter("error"))
        clock = self._clocks[host]
        clock.use(measured)
        self._budget.publish_clock(host, measured)
        with forgiving(Exception):
            _LOG.debug("clock of %s: %+.3f s, give or take %.3f s", host, clock.offset or 0.0, measured.error)
        return measured

    def _measured(self, host: Host, cancel: CancelToken | None) -> Measured:
        rate_limit, path = _TIME[host]
        with self._budgeted_request(rate_limit, path, 1, "clock", cancel) as ask:
            return self._clocks[host].measure(lambda: _parse_time(ask()))

    def ensure_limits(self, rate_limit: RateLimit, cancel: CancelToken | None = None) -> None:
        """Ask for the limit in force where the exchange tells it and no process has asked lately."""
        if self._budget.has_current_limits(rate_limit):
            return
        with self._one_at_a_time(rate_limit.host, cancel):
            if self._budget.has_current_limits(rate_limit):
                return
            limits: list[ReportedLimit] = []
            asking = self._budgeted_request(
                rate_limit, rate_limit.limits_path, rate_limit.limits_weight, "limits", cancel
            )
            with asking as ask, _ignore_temporary_failures():
                limits = _parse_limits(ask())
            # Without an answer the documented limit has to do for a while.
            self._budget.update_limits(rate_limit, limits)

    @contextmanager
    def _one_at_a_time(self, host: Host, cancel: CancelToken | None) -> Iterator[None]:
        """One thread asks a host about itself at a time; what it waits for, the others wait for, too.

        Raises:
            Stopped: `cancel` was set.
        """
        cancel = cancel or CancelToken()
        began = self._clock.monotonic()
        is_ours = False
        try:
            while not (is_ours := self._locks[host].acquire(timeout=MAX_POLL_S)):
                cancel.check()
                wait = self._budget.wait_in_thread(self._lock_owners.get(host, 0))
                if wait is not None:
                    cancel.begin_wait(self._clock, wait, began)
            cancel.end_wait()
            self._lock_owners[host] = threading.get_ident()
            yield
        finally:
            cancel.end_wait()
            if is_ours:
                self._locks[host].release()

    @contextmanager
    def _budgeted_request(
        self, rate_limit: RateLimit, target: str, weight: int, endpoint: str, cancel: CancelToken | None
    ) -> Iterator[Callable[[], RawResponse]]:
        """Leave to send one question, and what sends it."""
        path, _, query = target.partition("?")
        reservation = self._budget.admit(
            rate_limit, path, weight, endpoint, cancel=cancel, limit_fraction=self._limit_fraction
        )
        response: RawResponse | None = None

        def ask() -> RawResponse:
            nonlocal response
            response = self._session.get(rate_limit.host, path, query, None)
            return response

        try:
            yield ask
        finally:
            status, headers = (response.status, response.headers) if response else (None, {})
            self._budget.record_response(reservation, status, headers)
            if response is not None and response.status >= 400:
                self._apply_ban(rate_limit.host, endpoint, path, response)

    def _apply_ban(self, host: Host, endpoint: str, path: str, response: RawResponse) -> None:
        """Keep a ban whose end only the words of an answer tell."""
        now = self._budget.exchange_time(host, response.headers)
        error = error_of(endpoint, path, response, now)
        if isinstance(error, BannedError):
            self._budget.apply_ban(error)


@contextmanager
def _ignore_temporary_failures() -> Iterator[None]:
    """Go on without an answer, unless the next request is sure to fail in the same way."""
    try:
        yield
    except ContractError:
        pass
    except TransportFailure as failure:
        if failure.permanent:
            raise


def _parse_limits(response: RawResponse) -> list[ReportedLimit]:
    """The limits in an answer of exchangeInfo that count weight or orders."""
    # A limit that a cache kept may be another by now.
    payload = decode("limits", response) if response.status == 200 and not is_cached(response.headers) else {}
    reported = payload.get("rateLimits") if isinstance(payload, dict) else None
    limits = []
    for each in reported if isinstance(reported, list) else ():
        if not isinstance(each, dict):
            continue
        kind, seconds = _KINDS.get(str(each.get("rateLimitType"))), _SECONDS.get(str(each.get("interval")))
        number, most = each.get("intervalNum"), each.get("limit")
        if kind and seconds and _is_sane(most) and _is_sane(number) and number * seconds <= _LONGEST:
            limits.append(ReportedLimit(kind, number * seconds, most))
    return limits


def _is_sane(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST


def _parse_time(response: RawResponse) -> tuple[float, float]:
    """The host's time in an answer, and how much it may be off."""
    if response.status != 200:
        raise ContractError("clock", f"HTTP {response.status} is no answer that tells the time")
    if is_cached(response.headers):
        raise ContractError("clock", "the answer comes out of a cache on the way, which tells no time")
    payload = decode("clock", response)
    reported = payload.get("serverTime") if isinstance(payload, dict) else None
    date = read_date(response.headers)
    if isinstance(reported, int) and _EARLIEST * 1000 <= reported < _LATEST * 1000:
        if date is not None and abs(reported / 1000 - date) > MAX_CLOCK_SKEW_S:
            raise ContractError("clock", "the answer tells two times that differ: one of them is old")
        return reported / 1000, 0.0
    if date is None or reported is not None:
        raise ContractError("clock", "the answer does not tell the time")
    return date + 0.5, 0.5  # it is cut to whole seconds
