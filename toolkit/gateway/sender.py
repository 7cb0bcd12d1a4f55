"""Reads, sent until something definite is known about them; writes, sent once and never again.

A read is repeated as the table says. A write goes out once, whatever comes back, and `classify` says what
that means for it; what its answer asks for in waiting is kept by the next request to that host. A wait of
over a second is said, and none is longer than `budget.MAX_WAIT_S`: then there is an error that says until
when.

=============================  ==================================================================
what came back                 what is done about it
=============================  ==================================================================
2XX, JSON                      handed on
-1021                          the clock is measured again; sent once more, signed anew
429, a rate code               waits as long as the exchange asks, ten minutes at most, then sent again
418                            `BannedError`; nothing is sent before the ban ends
other 4XX                      the `ApiError` that says what to do
5XX, time-out, broken or cut   sent again, signed anew, after growing pauses, or after as long as the
                               answer asks (a minute in all at most); then `ServerError`
                               (`ContractError` for an answer that is cut off every time)
nothing, and so it will stay   `NoResponseError` at once: a certificate or a proxy that refuses, a file missing
3XX, not JSON                  `ContractError`; a redirect is never followed
=============================  ==================================================================
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from toolkit import errors
from toolkit.auth.credentials import Credentials, Keys
from toolkit.auth.signing import encode, sign
from toolkit.endpoints import Endpoint, Host
from toolkit.gateway.calls import ReadRequest, RequestStats, WriteAttempt, WriteRequest
from toolkit.gateway.server_info import ServerInfo
from toolkit.gateway.write_results import not_sent
from toolkit.gateway.write_sender import WriteSender
from toolkit.ratelimit.budget import MAX_SERVER_BACKOFF_S, MAX_WAIT_S, Budget
from toolkit.runtime.interruptions import forgiving
from toolkit.runtime.tracebacks import bare
from toolkit.timing.cancel import CancelToken, Show, Wait
from toolkit.timing.clock import MAX_CLOCK_SKEW_S, Clock, HostClock, Measured
from toolkit.timing.http_dates import made_at
from toolkit.transport.responses import RawResponse, excerpt, parse_response
from toolkit.transport.session import Session, TransportFailure

# Pauses before a read is sent again after the exchange's side failed, as its documents advise.
RETRY_PAUSES_S = (0.2, 0.4, 0.8)
# How often a read may meet a 429, or a 5XX that asked to wait, although it waited as told each time.
MAX_RETRIES = 5
# The code that goes with a 429.
TOO_MANY_REQUESTS = -1003
# Seconds by which a timestamp may be ahead of the exchange, which refuses one that is a second ahead.
MAX_CLOCK_LEAD_S = 0.5

_LOG = logging.getLogger(__name__)


class Sender:
    """Signs and sends within the budget, and obeys what comes back.

    Args:
        keys: What requests are signed with.
        session: What they are sent with.
        budget: What may be sent.
        host_clocks: Each host's clock.
        clock: This machine's clock.
        recv_window: Milliseconds a request stays valid.
        limit_fraction: Part of a limit that may be used up.
        show: Shows the waits of calls that have nothing else to show them.
    """

    def __init__(
        self,
        *,
        keys: Keys,
        session: Session,
        budget: Budget,
        host_clocks: Mapping[Host, HostClock],
        clock: Clock,
        recv_window: int,
        limit_fraction: float,
        show: Show | None = None,
    ) -> None:
        self._keys = keys
        self._session = session
        self._budget = budget
        self._host_clocks = host_clocks
        self._clock = clock
        self._recv_window = recv_window
        self._limit_fraction = limit_fraction
        self._show = show
        self._server_info = ServerInfo(
            session, budget, host_clocks, clock=clock, limit_fraction=limit_fraction
        )
        self._writes = WriteSender(
            session=session,
            budget=budget,
            host_clocks=host_clocks,
            hosts=self._server_info,
            recv_window=recv_window,
            show=show,
        )

    def get(self, call: ReadRequest, stats: RequestStats, cancel: CancelToken | None = None) -> Any:
        """Send a read until its answer is definite, and return the JSON of that.

        Args:
            call: The read.
            stats: Where its requests are counted.
            cancel: Ends it between two attempts, and while it waits, when it is set; its waits are said there.

        Raises:
            Stopped: `cancel` was set.
            ApiError: The exchange refused it.
            RateLimitError: It would have to wait too long.
            ServerError: The exchange's side failed, time after time.
            ContractError: The answer is not what the documents promise.
        """
        # What no key may ask is refused before anything is sent.
        credentials = self.key_for(call)
        cancel = cancel or CancelToken(call.qualified_name, self._show)
        pauses = () if call.single_attempt else RETRY_PAUSES_S
        attempts = failures = rate_limited = server_backoffs = 0
        backed_off_s = 0.0
        refused_at: float | None = None
        clock_was_wrong = False
        while True:
            self._prepare(call, cancel)
            attempts += 1
            response, failure = self._attempt_without_trace(call, credentials, stats, cancel)
            if (
                failure is not None
                and failure.partial_response is not None
                and failure.partial_response.status >= 300
            ):
                response, failure = (
                    failure.partial_response,
                    None,
                )  # status and headers are whole and say enough
            now = self._budget.exchange_time(
                call.rate_limit.host, response.headers if response is not None else {}
            )
            error: errors.ToolkitError | None
            if response is None:
                error = _failure_error(call.qualified_name, failure, attempts)
            else:
                payload, error = parse_response(call.qualified_name, call.path, response, now, attempts)
                if error is None:
                    stats.add_response(self._made_at(call.rate_limit.host, response))
                    return payload
            if isinstance(error, errors.BannedError):
                self._budget.apply_ban(error)
            if isinstance(error, errors.ClockError) and not clock_was_wrong:
                clock_was_wrong = True
                with _named_in_errors(call.qualified_name):
                    self._server_info.measure(call.rate_limit.host, cancel)
            elif isinstance(error, errors.RateLimitError) and not isinstance(error, errors.BannedError):
                rate_limited += 1
                ticks = self._clock.monotonic()
                refused_at = ticks if refused_at is None else refused_at
                ends = ticks + (error.retry_after or 0.0)
                if call.single_attempt or rate_limited > MAX_RETRIES or ends - refused_at > MAX_WAIT_S:
                    raise error
                # A 429 has made the budget wait already; a rate code on another status has not.
                if error.status != 429 and error.code in (None, TOO_MANY_REQUESTS):
                    self._budget.back_off(call.rate_limit, call.path, error.retry_after)
                elif error.status != 429:
                    self._sleep(call, "the exchange asked to slow down", error.retry_after or 1.0, cancel)
            elif isinstance(error, errors.ServerError) and error.retry_after:
                # The budget leaves the host alone for as long as it asked, unless that is too long.
                server_backoffs, backed_off_s = server_backoffs + 1, backed_off_s + error.retry_after
                if (
                    call.single_attempt
                    or server_backoffs > MAX_RETRIES
                    or backed_off_s > MAX_SERVER_BACKOFF_S
                ):
                    raise error
                if (error.status or 0) < 500:  # whose waiting the budget does not know of
                    self._sleep(call, "the exchange asked to wait", error.retry_after, cancel)
            elif failure is not None and failure.permanent:
                raise error
            elif (isinstance(error, errors.ServerError) or failure is not None) and failures < len(pauses):
                self._sleep(call, "the exchange's side failed", pauses[failures], cancel)
                failures += 1
            else:
                raise error
            with forgiving(Exception):
                _LOG.info(
                    "%s: sent again after %s (attempt %d)", call.qualified_name, _label(error), attempts + 1
                )

    def _made_at(self, host: Host, response: RawResponse) -> float | None:
        """When the exchange made an answer at the earliest; None where that cannot be told, or believed."""
        made, clock = made_at(response.headers), self._host_clocks[host]
        if made is None or not clock.is_fresh():
            return made
        time, error = clock.reading()
        return made if made <= time + error + MAX_CLOCK_SKEW_S else None

    def send(self, request: WriteRequest, before_send: Callable[[Callable[[], int]], int]) -> WriteAttempt:
        """Send a write once.

        Args:
            request: The write.
            before_send: Asked for the timestamp that it will carry, before anything of it goes out, and
                given what tells the host's time in milliseconds; when it raises, nothing is sent.

        Raises:
            NoKeyError: No key may serve it; nothing was sent.
            BannedError: This address is banned; nothing was sent.
            RateLimitError: It would have to wait too long; nothing was sent.
        """
        host = request.rate_limit.host
        credentials = self.key_for(request)
        cancel = CancelToken(request.qualified_name, self._show)
        try:
            self._prepare(request, cancel)
        except errors.NoResponseError as error:  # nothing else that is sent there would fare better
            return WriteAttempt(not_sent(request.qualified_name, error.message, error.advice))
        reservation = self._budget.admit(
            request.rate_limit,
            request.path,
            request.weight,
            request.qualified_name,
            request.method,
            cancel=cancel,
            limit_fraction=self._limit_fraction,
        )
        try:
            stamp = before_send(lambda: timestamp(self._host_clocks[host], self._recv_window))
        except BaseException:
            self._budget.release(reservation)
            raise
        return self._writes.send(request, credentials, reservation, stamp)

    @property
    def recv_window(self) -> int:
        """Milliseconds a request stays valid."""
        return self._recv_window

    @property
    def keys(self) -> Keys:
        """What requests are signed with."""
        return self._keys

    def key_for(self, what: ReadRequest | WriteRequest | Endpoint) -> Credentials:
        """The key that serves this.

        Raises:
            NoKeyError: None may; nothing was sent.
        """
        return self._keys.pick(what.needs, what.qualified_name, privileged=what.privileged)

    def time(self, host: Host) -> float:
        """The host's time in seconds as known: this machine's where it was not measured yet."""
        return self._host_clocks[host].time()

    def time_at_least(self, host: Host) -> float | None:
        """What the host's clock shows at the least, in seconds; None where it was not measured lately."""
        time, error = self._host_clocks[host].reading()
        return time - error if self.is_time_known(host) else None

    def time_at_most(self, host: Host) -> float | None:
        """What the host's clock shows at the most, in seconds; None where it was not measured lately."""
        time, error = self._host_clocks[host].reading()
        return time + error if self.is_time_known(host) else None

    def fetch_time(self, host: Host) -> Measured:
        """Ask a host for its time; `ServerInfo.fetch_time` says what it raises."""
        return self._server_info.fetch_time(host, CancelToken("clock", self._show))

    def is_time_known(self, host: Host) -> bool:
        """Whether the host's clock was measured not long ago."""
        return self._host_clocks[host].is_fresh()

    def measured_time(self, host: Host, endpoint: str) -> float:
        """The host's time in seconds, asked for first where it is not known well."""
        with _named_in_errors(endpoint):
            self._server_info.ensure_time(host, CancelToken(endpoint, self._show))
        return self.time(host)

    def _prepare(self, call: ReadRequest | WriteRequest, cancel: CancelToken) -> None:
        """Have the host's clock and limits known."""
        with _named_in_errors(call.qualified_name):
            self._server_info.ensure_time(call.rate_limit.host, cancel)
            self._server_info.ensure_limits(call.rate_limit, cancel)

    def _sleep(self, call: ReadRequest, reason: str, seconds: float, cancel: CancelToken) -> None:
        ends = self._budget.utc(call.rate_limit.host) + seconds
        cancel.sleep(self._clock, Wait(reason, self._clock.monotonic() + seconds, ends))

    def _attempt_without_trace(
        self, call: ReadRequest, credentials: Credentials, stats: RequestStats, cancel: CancelToken | None
    ) -> tuple[RawResponse | None, TransportFailure | None]:
        """Send once; whatever goes wrong shows no frame that holds the key or the signed address."""
        try:
            return self._attempt(call, credentials, stats, cancel)
        except BaseException as error:  # noqa: BLE001 - it goes on below
            odd = bare(error)
        raise odd  # out here, with nothing of those frames hanging on it

    def _attempt(
        self, call: ReadRequest, credentials: Credentials, stats: RequestStats, cancel: CancelToken | None
    ) -> tuple[RawResponse | None, TransportFailure | None]:
        """Send once: the answer, or how it was lost."""
        host = call.rate_limit.host
        reservation = self._budget.admit(
            call.rate_limit,
            call.path,
            call.weight,
            call.qualified_name,
            cancel=cancel,
            limit_fraction=self._limit_fraction,
        )
        status: int | None = None
        headers: Mapping[str, str] = {}
        try:
            # Signed after the wait, so that the timestamp is that of the sending.
            stamp = timestamp(self._host_clocks[host], self._recv_window)
            own = encode({"recvWindow": self._recv_window, "timestamp": stamp})
            query = f"{call.query}&{own}" if call.query else own
            # Not given a name: whatever goes wrong further on, no frame of this shows the signature.
            response = self._session.get(
                host, call.path, f"{query}&signature={sign(credentials, query)}", credentials.key
            )
            status, headers = response.status, response.headers
        except TransportFailure as failure:
            if failure.partial_response is not None:
                status, headers = failure.partial_response.status, failure.partial_response.headers
            return None, bare(failure)
        else:
            return response, None
        finally:
            self._budget.record_response(reservation, status, headers)
            host_clock = self._host_clocks[host]
            stats.add(call.weight, None if host_clock.offset is None else host_clock.time())


def _label(error: errors.ToolkitError) -> str:
    """An error in a log: its class and its status, nothing that the exchange said."""
    status = getattr(error, "status", None)
    return type(error).__name__ + (f" ({status})" if status is not None else "")


def timestamp(clock: HostClock, recv_window: int) -> int:
    """A host's time in milliseconds for a request to carry, set back by what it may be ahead.

    The exchange takes what is old while its window lasts, and refuses what is a second ahead of it.
    """
    time, error = clock.reading()
    back = min(max(0.0, error - MAX_CLOCK_LEAD_S), recv_window / 2000)
    return int((time - back) * 1000)


@contextmanager
def _named_in_errors(endpoint: str) -> Iterator[None]:
    """What is met while a host is asked for its clock or limits is told of the door that was called."""
    until = refused = failure = None
    try:
        yield
    except errors.BannedError as error:
        until = error.until
    except errors.RateLimitError as error:
        refused = error
    except TransportFailure as error:
        failure = error
    if until is not None:
        raise errors.BannedError(endpoint, "This address is banned", until)
    if refused is not None:
        raise errors.RateLimitError(
            endpoint,
            refused.status,
            refused.code,
            refused.message,
            refused.retry_after,
            advice=refused.advice,
        )
    if failure is not None:
        raise _failure_error(endpoint, failure, 1)


def _failure_error(endpoint: str, failure: TransportFailure | None, attempts: int) -> errors.ToolkitError:
    if failure is not None and failure.partial_response is not None:
        return errors.ContractError(
            endpoint, f"the answer was cut off, {attempts} times over", excerpt(failure.partial_response)
        )
    advice = failure.advice if failure is not None else ""
    return errors.NoResponseError(endpoint, None, None, str(failure), attempts, advice=advice)
