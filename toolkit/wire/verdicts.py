"""What is known of a write by what came back."""

from __future__ import annotations

from toolkit import errors
from toolkit.wire.answers import Answer, Verdict, judge
from toolkit.wire.calls import Order
from toolkit.wire.clock import CLOCKS_APART, HostClock
from toolkit.wire.http_dates import made_at
from toolkit.wire.session import BrokenOff, NoAnswer


def verdict_of(
    order: Order,
    answer: Answer | None,
    lost: NoAnswer | None,
    broken_off: BrokenOff | None,
    *,
    timestamp: int,
    clock: HostClock,
    now: float,
) -> Verdict:
    """What is known of a write that was sent once.

    Args:
        order: The write.
        answer: What came back, None where no whole answer did.
        lost: How the answer was lost.
        broken_off: What ended the write.
        timestamp: The timestamp that it carried, in milliseconds.
        clock: The host's clock.
        now: The time by which what the answer says is meant.
    """
    if broken_off is not None and answer is None:
        if broken_off.sent:
            reason = "it was interrupted while it was under way"
            return Verdict(None, errors.OutcomeUnknownError(order.door, reason))
        return Verdict(False, errors.NotExecutedError(order.door, "it was interrupted before it left"))
    if answer is None and lost is not None:
        if lost.cut is None:
            if not lost.sent:
                return never_left(order.door, str(lost), lost.step)
            return Verdict(None, errors.OutcomeUnknownError(order.door, str(lost)))
        if lost.cut.status < 300:
            return Verdict(
                None,
                errors.OutcomeUnknownError(order.door, "the answer was cut off", lost.cut.status),
            )
        answer = lost.cut  # status and headers are whole and say enough
    assert answer is not None  # noqa: S101 - for the type checker
    verdict = judge(order.door, order.path, answer, now)
    if verdict.executed is None or isinstance(verdict.error, errors.ClockError):
        return verdict  # the latter says itself that the timestamp was ahead
    made = made_at(answer.headers)
    earliest = timestamp / 1000 - clock.reading()[1] - CLOCKS_APART
    if made is not None and clock.is_fresh() and made < earliest:
        reason = "the answer is older than the request, so it answers another one"
        return Verdict(None, errors.OutcomeUnknownError(order.door, reason, answer.status))
    return verdict


def never_left(door: str, reason: str, step: str) -> Verdict:
    """What is known of a write of which nothing got to the exchange: the reason, and what to do about it."""
    said = f"{reason}: it never left"
    said += f". {step[0].upper()}{step[1:]}" if step else ""
    return Verdict(False, errors.NotExecutedError(door, said))
