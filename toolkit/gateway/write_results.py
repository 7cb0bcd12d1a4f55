"""Determines from the response whether a write was executed."""

from __future__ import annotations

from toolkit import errors
from toolkit.gateway.calls import WriteRequest
from toolkit.timing.clock import MAX_CLOCK_SKEW_S, HostClock
from toolkit.timing.http_dates import made_at
from toolkit.transport.responses import RawResponse, WriteResult, classify
from toolkit.transport.session import Interruption, TransportFailure


def result_of(
    request: WriteRequest,
    response: RawResponse | None,
    failure: TransportFailure | None,
    interruption: Interruption | None,
    *,
    timestamp: int,
    clock: HostClock,
    now: float,
) -> WriteResult:
    """Return the result of a write that was sent once.

    Args:
        request: The write.
        response: The response, None where none came completely.
        failure: Why the response was lost.
        interruption: What interrupted the write.
        timestamp: The timestamp that the request carried, in milliseconds.
        clock: The host's clock.
        now: The exchange's time at the response, in seconds.
    """
    if interruption is not None and response is None:
        if interruption.sent:
            reason = "it was interrupted while it was being sent"
            return WriteResult(None, errors.OutcomeUnknownError(request.qualified_name, reason))
        return WriteResult(
            False, errors.NotExecutedError(request.qualified_name, "it was interrupted before it was sent")
        )
    if response is None and failure is not None:
        if failure.partial_response is None:
            if not failure.sent:
                return not_sent(request.qualified_name, str(failure), failure.advice)
            return WriteResult(None, errors.OutcomeUnknownError(request.qualified_name, str(failure)))
        if failure.partial_response.status < 300:
            return WriteResult(
                None,
                errors.OutcomeUnknownError(
                    request.qualified_name, "the response was cut off", failure.partial_response.status
                ),
            )
        response = failure.partial_response  # its status and headers are complete and sufficient
    assert response is not None  # noqa: S101 - for the type checker
    result = classify(request.qualified_name, request.path, response, now)
    if result.executed is None or isinstance(result.error, errors.ClockError):
        return result  # a ClockError says that the timestamp was ahead
    made = made_at(response.headers)
    earliest = timestamp / 1000 - clock.reading()[1] - MAX_CLOCK_SKEW_S
    if made is not None and clock.is_fresh() and made < earliest:
        reason = "the response is older than the request, so it belongs to another one"
        return WriteResult(None, errors.OutcomeUnknownError(request.qualified_name, reason, response.status))
    return result


def not_sent(endpoint: str, reason: str, advice: str) -> WriteResult:
    """Return the result of a write that was never sent.

    Args:
        endpoint: Name of the endpoint.
        reason: Why it was not sent.
        advice: What to do about it.
    """
    message = f"{reason}: it was never sent"
    message += f". {advice}" if advice else ""
    return WriteResult(False, errors.NotExecutedError(endpoint, message))
