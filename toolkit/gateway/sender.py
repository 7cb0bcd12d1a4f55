"""Sends reads, with retries, and writes, exactly once.

A read is retried as the table says. A write is sent once, whatever the response, and `classify` derives the
outcome from it; a pause that the response asks for applies to the next request to that host. A wait of over a
second is shown and logged. No wait is longer than `budget.MAX_WAIT_S`: instead an error is raised that gives
its end.

=============================  ==================================================================
response                       what happens
=============================  ==================================================================
2XX, JSON                      returned
-1021                          the clock is measured again; sent once more, signed anew
429, a rate-limit code         waits as long as the exchange asks, ten minutes at most, then sent again
418                            `BannedError`; nothing is sent before the ban ends
other 4XX                      the `ApiError` that says what to do
5XX, time-out, broken or cut   sent again, signed anew, after growing pauses, or after the pause that the
                               response asks for (a minute in total at most); then `ServerError`
                               (`ContractError` for a response that is cut off every time)
permanent failure              `NoResponseError` at once: a refused certificate or proxy, a missing file
3XX, not JSON                  `ContractError`; a redirect is never followed
=============================  ==================================================================
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from toolkit import errors
from toolkit.auth.credentials import Credentials, Keys
from toolkit.auth.signing import encode, sign
from toolkit.endpoints import Endpoint, Host
from toolkit.frames.page import Page
from toolkit.gateway.calls import ReadRequest, RequestStats, WriteAttempt, WriteRequest
from toolkit.gateway.server_info import ServerInfo
from toolkit.gateway.write_results import not_sent
from toolkit.gateway.write_sender import WriteSender
from toolkit.ratelimit.budget import MAX_SERVER_BACKOFF_S, MAX_WAIT_S, Budget
from toolkit.ratelimit.limits import check_weight
from toolkit.ratelimit.recorder import Reservation
from toolkit.runtime.interruptions import forgiving
from toolkit.runtime.tracebacks import without_traceback
from toolkit.timing.cancel import CancelToken, Show, Wait
from toolkit.timing.clock import MAX_CLOCK_SKEW_S, Clock, ClockMeasurement, HostClock
from toolkit.timing.http_dates import earliest_read, is_cached, made_at
from toolkit.transport.responses import RawResponse, excerpt, parse_response
from toolkit.transport.session import EncodedRequest, Session, TransportFailure

# Pauses before a read is retried after a failure of the exchange, as its documentation advises.
RETRY_PAUSES_S = (0.2, 0.4, 0.8)
# Retries of a read after a 429, and after a 5XX that asked for a pause.
MAX_RETRIES = 5
# The error code of a 429.
TOO_MANY_REQUESTS = -1003
# Seconds by which a timestamp may be ahead of the exchange, which refuses one that is a second ahead.
MAX_CLOCK_LEAD_S = 0.5
_EXAMPLE_HEADER = "X-Sandbox-Example"  # marks what the sandbox makes from a documented example

_LOG = logging.getLogger(__name__)


class Sender:
    """Signs requests, sends them within the budget, and applies the responses.

    Args:
        keys: The keys that sign requests.
        session: The HTTP session.
        budget: The budget that admits requests.
        host_clocks: Each host's clock.
        clock: This machine's clock.
        recv_window: Milliseconds that a request stays valid.
        limit_fraction: Fraction of a limit that may be used up.
        show: Displays the waits of calls that have no progress bar.
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
            server_info=self._server_info,
            recv_window=recv_window,
            show=show,
        )

    def get(self, request: ReadRequest, stats: RequestStats, cancel: CancelToken | None = None) -> Any:
        """Send a read, with retries, and return its rows as a `Page`, or its JSON if it has no decoder.

        Args:
            request: The read.
            stats: Counts the requests.
            cancel: Shows and logs waits; when set, ends the read between two attempts or during a wait.

        Raises:
            Cancelled: `cancel` was set.
            NoKeyError: No key may sign it. Nothing was sent.
            ApiError: The exchange refused it.
            RateLimitError: The wait would be too long.
            ServerError: The exchange failed at every attempt.
            ContractError: The response is not as documented.
        """
        credentials = self.key_for(request) if request.needs_key else None
        cancel = cancel or CancelToken(request.qualified_name, self._show)
        pauses = () if request.single_attempt else RETRY_PAUSES_S
        attempts = failures = rate_limited = server_backoffs = 0
        backed_off_s = 0.0
        refused_at: float | None = None
        clock_was_wrong = False
        while True:
            self._prepare(request, cancel)
            attempts += 1
            sent_at = self.time_at_least(request.rate_limit.host)
            response, failure = self._attempt_without_trace(request, credentials, stats, cancel)
            partial = None if failure is None else failure.partial_response
            if partial is not None and partial.status >= 300:
                response, failure = partial, None  # its status and headers are complete, and sufficient
            now = self._budget.exchange_time(
                request.rate_limit.host, response.headers if response is not None else {}
            )
            error: errors.ToolkitError | None
            if response is None:
                error = _failure_error(request.qualified_name, failure, attempts)
            else:
                payload, error = parse_response(
                    request.qualified_name, request.path, response, now, attempts, decoder=request.decoder
                )
                if error is None:
                    made = self._made_at(request.rate_limit.host, response)
                    cached = is_cached(response.headers)
                    is_example = _EXAMPLE_HEADER in response.headers
                    stats.add_response(made, is_example=is_example, is_cached=cached)
                    if not isinstance(payload, Page) or cached:
                        return payload
                    received_at = self.time_at_most(request.rate_limit.host)
                    read_at = earliest_read(made, sent_at, received_at)
                    return payload if read_at is None else replace(payload, read_at=int(read_at * 1000))
            if isinstance(error, errors.CredentialsError) and credentials is None:
                raise _keyless_error(error)
            if isinstance(error, errors.BannedError):
                self._budget.apply_ban(error)
            if isinstance(error, errors.ClockError) and not clock_was_wrong:
                clock_was_wrong = True
                with _named_in_errors(request.qualified_name):
                    self._server_info.measure(request.rate_limit.host, cancel)
            elif isinstance(error, errors.RateLimitError) and not isinstance(error, errors.BannedError):
                rate_limited += 1
                ticks = self._clock.monotonic()
                refused_at = ticks if refused_at is None else refused_at
                ends = ticks + (error.retry_after or 0.0)
                if request.single_attempt or rate_limited > MAX_RETRIES or ends - refused_at > MAX_WAIT_S:
                    raise error
                check_weight(error, request.weight, self._budget.limit(request.rate_limit))
                # After a 429 the budget pauses by itself; after a rate-limit code with another status it does
                # not.
                if error.status != 429 and error.code in (None, TOO_MANY_REQUESTS):
                    self._budget.back_off(request.rate_limit, request.path, error.retry_after)
                elif error.status != 429:
                    self._sleep(request, "the exchange asked to slow down", error.retry_after or 1.0, cancel)
            elif isinstance(error, errors.ServerError) and error.retry_after:
                # The budget pauses the host for as long as it asked, unless that is too long.
                server_backoffs, backed_off_s = server_backoffs + 1, backed_off_s + error.retry_after
                if (
                    request.single_attempt
                    or server_backoffs > MAX_RETRIES
                    or backed_off_s > MAX_SERVER_BACKOFF_S
                ):
                    raise error
                if (error.status or 0) < 500:  # the budget does not pause for this one
                    self._sleep(request, "the exchange asked to wait", error.retry_after, cancel)
            elif failure is not None and failure.permanent:
                raise error
            elif (isinstance(error, errors.ServerError) or failure is not None) and failures < len(pauses):
                self._sleep(request, "the exchange failed", pauses[failures], cancel)
                failures += 1
            else:
                raise error
            with forgiving(Exception):
                _LOG.info(
                    "%s: sent again after %s (attempt %d)",
                    request.qualified_name,
                    _label(error),
                    attempts + 1,
                )

    def _made_at(self, host: Host, response: RawResponse) -> float | None:
        """Return when the exchange made a response at the earliest; None where that is unknown."""
        made, clock = made_at(response.headers), self._host_clocks[host]
        if made is None or not clock.is_fresh():
            return made
        time, error = clock.reading()
        return made if made <= time + error + MAX_CLOCK_SKEW_S else None

    def send(self, request: WriteRequest, before_send: Callable[[Callable[[], int]], int]) -> WriteAttempt:
        """Send a write once.

        Args:
            request: The write.
            before_send: Called right before it is sent, with a function that returns the host's time in
                milliseconds. It returns the timestamp for the request. When it raises, nothing is sent.

        Raises:
            NoKeyError: No key may sign it. Nothing was sent.
            BannedError: This IP address is banned. Nothing was sent.
            RateLimitError: The wait would be too long. Nothing was sent.
        """
        host = request.rate_limit.host
        credentials = self.key_for(request)
        cancel = CancelToken(request.qualified_name, self._show)
        try:
            self._prepare(request, cancel)
        except errors.NoResponseError as error:  # the write would fail in the same way
            return WriteAttempt(not_sent(request.qualified_name, error.message, error.advice))
        reservation = self._admit(request, cancel)
        try:
            stamp = before_send(lambda: timestamp(self._host_clocks[host], self._recv_window))
        except BaseException:
            self._budget.release(reservation)
            raise
        return self._writes.send(request, credentials, reservation, stamp)

    @property
    def recv_window(self) -> int:
        """Milliseconds that a request stays valid."""
        return self._recv_window

    @property
    def keys(self) -> Keys:
        """The keys that sign requests."""
        return self._keys

    def key_for(self, request: ReadRequest | WriteRequest | Endpoint) -> Credentials:
        """Return the key that may sign a request.

        Raises:
            NoKeyError: No key may sign it. Nothing was sent.
        """
        return self._keys.pick(request.needs, request.qualified_name, privileged=request.privileged)

    def time(self, host: Host) -> float:
        """Return the host's time in seconds; this machine's time before the host's was measured."""
        return self._host_clocks[host].time()

    def time_at_least(self, host: Host) -> float | None:
        """Return the earliest possible time of the host, in seconds; None without a recent measurement."""
        time, error = self._host_clocks[host].reading()
        return time - error if self.is_time_known(host) else None

    def time_at_most(self, host: Host) -> float | None:
        """Return the latest possible time of the host, in seconds; None without a recent measurement."""
        time, error = self._host_clocks[host].reading()
        return time + error if self.is_time_known(host) else None

    def fetch_time(self, host: Host) -> ClockMeasurement:
        """Fetch a host's time and set its clock, as `ServerInfo.fetch_time` does."""
        return self._server_info.fetch_time(host, CancelToken("clock", self._show))

    def is_time_known(self, host: Host) -> bool:
        """Whether the host's clock was measured recently."""
        return self._host_clocks[host].is_fresh()

    def measured_time(self, host: Host, endpoint: str) -> float:
        """Return the host's time in seconds, fetched first where it was not measured recently."""
        with _named_in_errors(endpoint):
            self._server_info.ensure_time(host, CancelToken(endpoint, self._show))
        return self.time(host)

    def _prepare(self, request: ReadRequest | WriteRequest, cancel: CancelToken) -> None:
        """Make sure that the host's limits are known, and its clock for a signed request."""
        with _named_in_errors(request.qualified_name):
            if isinstance(request, WriteRequest) or request.is_signed:
                self._server_info.ensure_time(request.rate_limit.host, cancel)
            else:  # without a timestamp, the time serves only to tell windows apart
                self._server_info.adopt_time(request.rate_limit.host)
            self._server_info.ensure_limits(request.rate_limit, cancel)

    def _admit(self, request: ReadRequest | WriteRequest, cancel: CancelToken | None) -> Reservation:
        """Reserve what a request is charged, or wait until there is room for it."""
        return self._budget.admit(
            request.rate_limit,
            request.path,
            request.weight,
            request.qualified_name,
            request.method,
            cancel=cancel,
            limit_fraction=self._limit_fraction,
        )

    def _sleep(self, request: ReadRequest, reason: str, seconds: float, cancel: CancelToken) -> None:
        ends = self._budget.utc(request.rate_limit.host) + seconds
        cancel.sleep(self._clock, Wait(reason, self._clock.monotonic() + seconds, ends))

    def _attempt_without_trace(
        self,
        request: ReadRequest,
        credentials: Credentials | None,
        stats: RequestStats,
        cancel: CancelToken | None,
    ) -> tuple[RawResponse | None, TransportFailure | None]:
        """Send once. Tracebacks of errors show no frame that holds a key or the signed URL."""
        try:
            return self._attempt(request, credentials, stats, cancel)
        except BaseException as error:  # noqa: BLE001 - raised below
            bare_error = without_traceback(error)
        raise bare_error  # outside of `except`, so that its context holds none of those frames

    def _attempt(
        self,
        request: ReadRequest,
        credentials: Credentials | None,
        stats: RequestStats,
        cancel: CancelToken | None,
    ) -> tuple[RawResponse | None, TransportFailure | None]:
        """Send once. Returns the response, or why it was lost."""
        host = request.rate_limit.host
        reservation = self._admit(request, cancel)
        status: int | None = None
        headers: Mapping[str, str] = {}
        try:
            # Signed after the wait, so that the timestamp is current. Not a local variable, so that no
            # traceback shows the signature.
            response = self._session.read(
                self._encoded(request, credentials), credentials.key if credentials is not None else None
            )
            status, headers = response.status, response.headers
        except TransportFailure as failure:
            if failure.partial_response is not None:
                status, headers = failure.partial_response.status, failure.partial_response.headers
            return None, without_traceback(failure)
        else:
            return response, None
        finally:
            self._budget.record_response(reservation, status, headers)
            host_clock = self._host_clocks[host]
            stats.add(reservation.weight, None if host_clock.offset is None else host_clock.time())

    def _encoded(self, request: ReadRequest, credentials: Credentials | None) -> EncodedRequest:
        """Return a read as it is sent now."""
        text = request.encoded
        if credentials is not None and request.is_signed:
            stamp = timestamp(self._host_clocks[request.rate_limit.host], self._recv_window)
            own = encode({"recvWindow": self._recv_window, request.timestamp_field: stamp})
            text = f"{text}&{own}" if text else own
            # Query string and body are signed as one text, so it is the same for both.
            text = f"{text}&signature={sign(credentials, text)}"
        query, body = (text, "") if request.method == "GET" else ("", text)
        whole_list = request.decoder is not None and request.decoder.endpoint.whole
        return EncodedRequest(
            request.method, request.rate_limit.host, request.path, query, body, whole_list=whole_list
        )


def _keyless_error(error: errors.CredentialsError) -> errors.CredentialsError:
    """Return a refusal with advice for a request without a key, which the exchange takes for a wrong one."""
    if "/" in error.endpoint:  # `link.get` has the path for a name
        advice = (
            "No API key was sent. If this path needs one, pass the security type that its documentation "
            'names: `security="MARKET_DATA"` sends the key without a signature. If it needs none, check the '
            "path."
        )
    else:
        advice = (
            "No API key was sent: this endpoint is documented to need none. Look for it in the exchange's "
            "change log; a newer toolkit may know the change."
        )
    return errors.CredentialsError(error.endpoint, error.status, error.code, error.message, advice=advice)


def _label(error: errors.ToolkitError) -> str:
    """Return an error for the log: class and status, without the exchange's message."""
    status = getattr(error, "status", None)
    return type(error).__name__ + (f" ({status})" if status is not None else "")


def timestamp(clock: HostClock, recv_window: int) -> int:
    """Return a timestamp for a request: the host's time in milliseconds, minus its possible error.

    The exchange accepts timestamps that are old by up to recvWindow, and refuses those a second in the
    future.
    """
    time, error = clock.reading()
    lead = min(max(0.0, error - MAX_CLOCK_LEAD_S), recv_window / 2000)
    return int((time - lead) * 1000)


@contextmanager
def _named_in_errors(endpoint: str) -> Iterator[None]:
    """Raise errors of a request for a host's clock or limits in the name of the endpoint that was called."""
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
            endpoint,
            f"the response was cut off at each of {attempts} attempts",
            excerpt(failure.partial_response),
        )
    advice = failure.advice if failure is not None else ""
    return errors.NoResponseError(endpoint, None, None, str(failure), attempts, advice=advice)
