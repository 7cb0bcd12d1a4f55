"""Sends one write: signs it, sends it once, and classifies, counts and applies the response."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from toolkit import errors
from toolkit.auth.credentials import Credentials
from toolkit.auth.signing import encode, sign
from toolkit.endpoints import Host
from toolkit.gateway.calls import WriteAttempt, WriteRequest
from toolkit.gateway.server_info import ServerInfo
from toolkit.gateway.write_results import result_of
from toolkit.ratelimit.budget import Budget
from toolkit.ratelimit.recorder import Reservation
from toolkit.runtime.tracebacks import without_traceback
from toolkit.timing.cancel import CancelToken, Show
from toolkit.timing.clock import HostClock
from toolkit.transport.responses import RawResponse, WriteResult
from toolkit.transport.session import EncodedRequest, Interruption, Session, TransportFailure


class WriteSender:
    """Sends a write for which weight was reserved. It is sent once, whatever the response.

    Args:
        session: The HTTP session.
        budget: The budget that counts it.
        host_clocks: Each host's clock.
        server_info: Measures a host's clock again where it turns out to be wrong.
        recv_window: Milliseconds that a request stays valid.
        show: Displays waits.
    """

    def __init__(
        self,
        *,
        session: Session,
        budget: Budget,
        host_clocks: Mapping[Host, HostClock],
        server_info: ServerInfo,
        recv_window: int,
        show: Show | None,
    ) -> None:
        self._session = session
        self._budget = budget
        self._host_clocks = host_clocks
        self._server_info = server_info
        self._recv_window = recv_window
        self._show = show

    def send(
        self, request: WriteRequest, credentials: Credentials, reservation: Reservation, timestamp: int
    ) -> WriteAttempt:
        """Send a write. An interrupt meanwhile is part of what is returned.

        Args:
            request: The write.
            credentials: The key that signs it.
            reservation: The reservation of its weight.
            timestamp: The timestamp that it carries, in milliseconds.
        """
        response, failure, interruption = self._send_without_trace(request, credentials, timestamp)
        try:
            return self._conclude(
                request, response, failure, interruption, timestamp=timestamp, reservation=reservation
            )
        except BaseException as error:  # noqa: BLE001 - raised after the outcome is in the journal
            interrupted_by = error
        # The interrupt came between response and result: classify the response all the same.
        result = self._result(request, response, failure, interruption, timestamp=timestamp)
        return WriteAttempt(result, interruption.error if interruption is not None else interrupted_by)

    def _conclude(
        self,
        request: WriteRequest,
        response: RawResponse | None,
        failure: TransportFailure | None,
        interruption: Interruption | None,
        *,
        timestamp: int,
        reservation: Reservation,
    ) -> WriteAttempt:
        """Return the result of a write, after counting and applying the response."""
        status: int | None = None
        headers: Mapping[str, str] = {}
        try:
            whole = response or (failure.partial_response if failure is not None else None)
            if whole is not None:
                status, headers = whole.status, whole.headers
            result = self._result(request, response, failure, interruption, timestamp=timestamp)
        finally:
            late = self._record(reservation, status, headers)
        # Errors while counting or applying the response do not change the result.
        later = self._apply(request, result)
        return WriteAttempt(result, interruption.error if interruption is not None else late or later)

    def _result(
        self,
        request: WriteRequest,
        response: RawResponse | None,
        failure: TransportFailure | None,
        interruption: Interruption | None,
        *,
        timestamp: int,
    ) -> WriteResult:
        whole = response or (failure.partial_response if failure is not None else None)
        host = request.rate_limit.host
        return result_of(
            request,
            response,
            failure,
            interruption,
            timestamp=timestamp,
            clock=self._host_clocks[host],
            now=self._budget.exchange_time(host, whole.headers if whole is not None else {}),
        )

    def _record(
        self, reservation: Reservation, status: int | None, headers: Mapping[str, str]
    ) -> BaseException | None:
        """Count the request. Returns the exception that interrupted it, if any."""
        try:
            self._budget.record_response(reservation, status, headers)
        except BaseException as error:  # noqa: BLE001 - raised after the outcome is in the journal
            return error
        return None

    def _apply(self, request: WriteRequest, result: WriteResult) -> BaseException | None:
        """Apply a ban or clock error to later requests. Returns the exception that interrupted it, if any."""
        try:
            if isinstance(result.error, errors.BannedError):
                self._budget.apply_ban(result.error)
            if isinstance(result.error, errors.ClockError):
                with suppress(errors.ToolkitError, TransportFailure):
                    self._server_info.measure(
                        request.rate_limit.host, CancelToken(request.qualified_name, self._show)
                    )
        except BaseException as error:  # noqa: BLE001 - as above
            return error
        return None

    def _send_without_trace(
        self, request: WriteRequest, credentials: Credentials, timestamp: int
    ) -> tuple[RawResponse | None, TransportFailure | None, Interruption | None]:
        """Send once. Returns the response, or why it was lost, or what interrupted it.

        Tracebacks of errors show no frames from here on, because those hold keys and signed text.
        """
        try:
            return self._send(request, credentials, timestamp)
        except BaseException as error:  # noqa: BLE001 - raised after the outcome is in the journal
            return None, None, Interruption(without_traceback(error), sent=True)

    def _send(
        self, request: WriteRequest, credentials: Credentials, timestamp: int
    ) -> tuple[RawResponse | None, TransportFailure | None, Interruption | None]:
        query, body = request.query, request.body
        stamp = encode({"recvWindow": self._recv_window, request.timestamp_field: timestamp})
        if request.placement == "query":
            query = f"{query}&{stamp}" if query else stamp
        else:
            body = f"{body}&{stamp}" if body else stamp
        try:
            response = self._session.send(self._signed(request, credentials, query, body), credentials.key)
        except TransportFailure as failure:
            return None, without_traceback(failure), None
        except Interruption as interruption:
            return interruption.response, None, without_traceback(interruption)
        return response, None, None

    @staticmethod
    def _signed(request: WriteRequest, credentials: Credentials, query: str, body: str) -> EncodedRequest:
        # The documentation requires the signature at the end.
        signature = f"&signature={sign(credentials, query, body)}"
        if request.placement == "query":
            query += signature
        else:
            body += signature
        return EncodedRequest(request.method, request.rate_limit.host, request.path, query, body)
