"""Fetches a host's time and limits when they are needed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from operator import attrgetter
from typing import TypeGuard

from toolkit.endpoints import API, FAPI, PAPI, Host, RateLimit
from toolkit.errors import BannedError, ContractError, ToolkitError
from toolkit.ratelimit.budget import MAX_POLL_S, Budget
from toolkit.ratelimit.records import ReportedLimit
from toolkit.runtime import forks
from toolkit.runtime.interruptions import forgiving
from toolkit.timing.cancel import CancelToken
from toolkit.timing.clock import MAX_CLOCK_SKEW_S, Clock, ClockMeasurement, HostClock
from toolkit.timing.http_dates import is_cached, read_date
from toolkit.transport.responses import RawResponse, decode, error_of
from toolkit.transport.session import Session, TransportFailure

# 2010 and 2100: times outside are invalid.
_EARLIEST, _LATEST = 1_262_304_000, 4_102_444_800
# After a slower response the time is fetched again; a clock measured by another process with a larger error
# is measured again.
SLOW_RESPONSE_S = MAX_CLOCK_ERROR_S = 1.0
# Bounds of plausible limits and windows: a window that never ends would stop every sender.
_MAX_LIMIT, _MAX_WINDOW_S = 10**9, 86_400

# Source of each host's time. /papi documents none, so the `Date` of a ping's response is used.
_TIME: Mapping[Host, tuple[RateLimit, str]] = {
    "api": (API, "/api/v3/time"),
    "fapi": (FAPI, "/fapi/v1/time"),
    "papi": (PAPI, "/papi/v1/ping"),
}
_KINDS = {"REQUEST_WEIGHT": "weight", "ORDERS": "orders"}
_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400}

_LOG = logging.getLogger(__name__)


class ServerInfo:
    """Keeps the clocks and limits of an exchange's hosts up to date.

    Args:
        session: The HTTP session.
        budget: The budget that admits the requests.
        clocks: Each host's clock, which is set here.
        clock: This machine's clock.
        limit_fraction: Fraction of a limit that may be used up.
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
        self._lock_owners: dict[Host, int] = {}  # the thread that holds each lock, or held it last

    def ensure_time(self, host: Host, cancel: CancelToken | None = None) -> None:
        """Measure a host's clock unless this or another process did so recently."""
        clock = self._clocks[host]
        if clock.is_fresh():
            return
        with self._one_at_a_time(host, cancel):
            if clock.is_fresh():
                return
            self.adopt_time(host)
            if not clock.is_fresh() or clock.reading()[1] > MAX_CLOCK_ERROR_S:
                self.measure(host, cancel)

    def adopt_time(self, host: Host) -> None:
        """Use a measurement of a host's clock by another process, where there is no recent one here."""
        clock = self._clocks[host]
        if clock.is_fresh():
            return
        shared = self._budget.shared_clock(host)
        if shared is not None:
            clock.adopt(shared)

    def measure(self, host: Host, cancel: CancelToken | None = None) -> None:
        """Measure a host's clock. After a temporary failure the time as known is used.

        Raises:
            TransportFailure: Any other request to the host would fail in the same way.
        """
        with _ignore_temporary_failures():
            self.fetch_time(host, cancel)

    def fetch_time(self, host: Host, cancel: CancelToken | None = None) -> ClockMeasurement:
        """Fetch a host's time and set its clock.

        A slow first response may be due to connecting, which makes the measurement imprecise. Then the time
        is fetched again over the same connection, and the more precise measurement is used.

        Raises:
            TransportFailure: No complete response came.
            ContractError: The response does not give the time.
            BannedError: This IP address is banned. Nothing was sent.
        """
        measured = self._measured(host, cancel)
        if measured.took > SLOW_RESPONSE_S:
            with suppress(TransportFailure, ToolkitError):  # the first measurement is used
                measured = min(measured, self._measured(host, cancel), key=attrgetter("error"))
        clock = self._clocks[host]
        clock.use(measured)
        self._budget.publish_clock(host, measured)
        with forgiving(Exception):
            _LOG.debug("clock of %s: %+.3f s, error up to %.3f s", host, clock.offset or 0.0, measured.error)
        return measured

    def _measured(self, host: Host, cancel: CancelToken | None) -> ClockMeasurement:
        rate_limit, path = _TIME[host]
        with self._budgeted_request(rate_limit, path, 1, "clock", cancel) as send:
            return self._clocks[host].measure(lambda: _parse_time(send()))

    def ensure_limits(self, rate_limit: RateLimit, cancel: CancelToken | None = None) -> None:
        """Fetch the limits in force where the exchange reports them and no process did so recently."""
        if self._budget.has_current_limits(rate_limit):
            return
        with self._one_at_a_time(rate_limit.host, cancel):
            if self._budget.has_current_limits(rate_limit):
                return
            limits: list[ReportedLimit] = []
            request = self._budgeted_request(
                rate_limit, rate_limit.limits_path, rate_limit.limits_weight, "limits", cancel
            )
            with request as send, _ignore_temporary_failures():
                limits = _parse_limits(send())
            # Without a response the documented limit is used for a while.
            self._budget.update_limits(rate_limit, limits)

    @contextmanager
    def _one_at_a_time(self, host: Host, cancel: CancelToken | None) -> Iterator[None]:
        """Let one thread at a time fetch information about a host; the others show what it waits for.

        Raises:
            Cancelled: `cancel` was set.
        """
        cancel = cancel or CancelToken()
        began = self._clock.monotonic()
        has_lock = False
        try:
            while not (has_lock := self._locks[host].acquire(timeout=MAX_POLL_S)):
                cancel.check()
                wait = self._budget.wait_in_thread(self._lock_owners.get(host, 0))
                if wait is not None:
                    cancel.begin_wait(self._clock, wait, began)
            cancel.end_wait()
            self._lock_owners[host] = threading.get_ident()
            yield
        finally:
            cancel.end_wait()
            if has_lock:
                self._locks[host].release()

    @contextmanager
    def _budgeted_request(
        self, rate_limit: RateLimit, target: str, weight: int, endpoint: str, cancel: CancelToken | None
    ) -> Iterator[Callable[[], RawResponse]]:
        """Reserve the weight of one request, yield the function that sends it, and record the response."""
        path, _, query = target.partition("?")
        reservation = self._budget.admit(
            rate_limit, path, weight, endpoint, cancel=cancel, limit_fraction=self._limit_fraction
        )
        response: RawResponse | None = None

        def send() -> RawResponse:
            nonlocal response
            response = self._session.get(rate_limit.host, path, query, None)
            return response

        try:
            yield send
        finally:
            status, headers = (response.status, response.headers) if response else (None, {})
            self._budget.record_response(reservation, status, headers)
            if response is not None and response.status >= 400:
                self._apply_ban(rate_limit.host, endpoint, path, response)

    def _apply_ban(self, host: Host, endpoint: str, path: str, response: RawResponse) -> None:
        """Store a ban whose end only the body of a response gives."""
        now = self._budget.exchange_time(host, response.headers)
        error = error_of(endpoint, path, response, now)
        if isinstance(error, BannedError):
            self._budget.apply_ban(error)


@contextmanager
def _ignore_temporary_failures() -> Iterator[None]:
    """Ignore a failed request, unless the next one is certain to fail in the same way."""
    try:
        yield
    except ContractError:
        pass
    except TransportFailure as failure:
        if failure.permanent:
            raise


def _parse_limits(response: RawResponse) -> list[ReportedLimit]:
    """Return the limits of weight and orders in a response of exchangeInfo."""
    # A limit from a cache may be outdated.
    payload = decode("limits", response) if response.status == 200 and not is_cached(response.headers) else {}
    reported = payload.get("rateLimits") if isinstance(payload, dict) else None
    limits = []
    for each in reported if isinstance(reported, list) else ():
        if not isinstance(each, dict):
            continue
        kind, seconds = _KINDS.get(str(each.get("rateLimitType"))), _SECONDS.get(str(each.get("interval")))
        number, limit = each.get("intervalNum"), each.get("limit")
        if kind and seconds and _is_sane(limit) and _is_sane(number) and number * seconds <= _MAX_WINDOW_S:
            limits.append(ReportedLimit(kind, number * seconds, limit))
    return limits


def _is_sane(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_LIMIT


def _parse_time(response: RawResponse) -> tuple[float, float]:
    """Return the host's time in a response, and its possible error, in seconds."""
    if response.status != 200:
        raise ContractError("clock", f"the response (HTTP {response.status}) does not give the time")
    if is_cached(response.headers):
        raise ContractError("clock", "the response came from a cache, so its time is outdated")
    payload = decode("clock", response)
    reported = payload.get("serverTime") if isinstance(payload, dict) else None
    date = read_date(response.headers)
    if isinstance(reported, int) and _EARLIEST * 1000 <= reported < _LATEST * 1000:
        if date is not None and abs(reported / 1000 - date) > MAX_CLOCK_SKEW_S:
            raise ContractError(
                "clock", "the response gives two times that differ, so one of them is outdated"
            )
        return reported / 1000, 0.0
    if date is None or reported is not None:
        raise ContractError("clock", "the response does not give the time")
    return date + 0.5, 0.5  # a `Date` has whole seconds
