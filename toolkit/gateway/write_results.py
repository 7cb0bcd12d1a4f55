"""What is known of a write by what came back."""

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
    """What is known of a write that was sent once.

    Args:
        request: The write.
        response: What came back, None where no whole answer did.
        failure: How the answer was lost.
        interruption: What ended the write.
        timestamp: The timestamp that it carried, in milliseconds.
        clock: The host's clock.
        now: The time by which what the answer says is meant.
    """
    if interruption is not None and response is None:
        if interruption.sent:
            reason = "it was interrupted while it was under way"
            return WriteResult(None, errors.OutcomeUnknownError(request.qualified_name, reason))
        return WriteResult(
            False, errors.NotExecutedError(request.qualified_name, "it was interrupted before it left")
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
                    request.qualified_name, "the answer was cut off", failure.partial_response.status
                ),
            )
        response = failure.partial_response  # status and headers are whole and say enough
    assert response is not None  # noqa: S101 - for the type checker
    result = classify(request.qualified_name, request.path, response, now)
    if result.executed is None or isinstance(result.error, errors.ClockError):
        return result  # the latter says itself that the timestamp was ahead
    made = made_at(response.headers)
    earliest = timestamp / 1000 - clock.reading()[1] - MAX_CLOCK_SKEW_S
    if made is not None and clock.is_fresh() and made < earliest:
        reason = "the answer is older than the request, so it answers another one"
        return WriteResult(None, errors.OutcomeUnknownError(request.qualified_name, reason, response.status))
    return result


def not_sent(endpoint: str, reason: str, advice: str) -> WriteResult:
    """What is known of a write of which nothing got to the exchange: the reason, and what to do about it."""
    said = f"{reason}: it never left"
    said += f". {advice[0].upper()}{advice[1:]}" if advice else ""
    return WriteResult(False, errors.NotExecutedError(endpoint, said))
