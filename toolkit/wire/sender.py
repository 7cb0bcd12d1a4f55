"""Reads, sent until something definite is known about them.

=============================  ==================================================================
what came back                 what is done about it
=============================  ==================================================================
2XX, JSON                      handed on
-1021                          the clock is measured again; sent once more, signed anew
429                            waits as long as the exchange asks, then sent again
418                            `BannedError`; nothing is sent before the ban ends
other 4XX                      the `ApiError` that says what to do
5XX, time-out, broken or cut   sent again, signed anew, after growing pauses; then `ServerError`
                               (`ContractError` for an answer that is cut off every time)
3XX, not JSON                  `ContractError`; a redirect is never followed
=============================  ==================================================================
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from toolkit import errors
from toolkit.catalogue import Host, Pool
from toolkit.wire.answers import Answer, decode, error_of, excerpt
from toolkit.wire.budget import Budget
from toolkit.wire.clock import Clock, HostClock
from toolkit.wire.credentials import Credentials
from toolkit.wire.hosts import Hosts
from toolkit.wire.session import NoAnswer, Session
from toolkit.wire.signing import encode, sign
from toolkit.wire.stop import Stop

# Pauses before a read is sent again after the exchange's side failed, as its documents advise.
PAUSES = (0.2, 0.4, 0.8)
# How often a read may meet a 429 although it waited as told each time.
PATIENCE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One read, before it is signed."""

    door: str
    path: str
    parameters: Mapping[str, object] = field(repr=False)
    pool: Pool
    weight: int


@dataclass(slots=True)
class Tally:
    """What a fetch has cost by now, repetitions included; its threads share it."""

    requests: int = 0
    weight: int = 0
    server_time: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def add(self, weight: int, server_time: float | None) -> None:
        """Count one request; the host's time where its clock was measured."""
        with self._lock:
            self.requests += 1
            self.weight += weight
            if server_time is not None:
                self.server_time = datetime.fromtimestamp(server_time, UTC)


class Sender:
    """Signs and sends reads within the budget, and obeys what comes back."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        session: Session,
        budget: Budget,
        host_clocks: Mapping[Host, HostClock],
        clock: Clock,
        recv_window: int,
        share: float,
    ) -> None:
        self._credentials = credentials
        self._session = session
        self._budget = budget
        self._host_clocks = host_clocks
        self._clock = clock
        self._recv_window = recv_window
        self._share = share
        self._hosts = Hosts(session, budget, host_clocks, share)

    def get(self, call: Call, tally: Tally, stop: Stop | None = None) -> Any:
        """Send a read until its answer is definite, and return the JSON of that.

        Args:
            call: The read.
            tally: Where its requests are counted.
            stop: Ends it between two attempts, and while it waits, when it is set.

        Raises:
            Stopped: `stop` was set.
            ApiError: The exchange refused it.
            ServerError: The exchange's side failed, time after time.
            ContractError: The answer is not what the documents promise.
        """
        encode(call.parameters)  # what cannot be written is refused before anything is sent
        attempts = failures = refusals = 0
        clock_was_wrong = False
        while True:
            self._prepare(call, stop)
            attempts += 1
            answer, lost = self._attempt_without_trace(call, tally, stop)
            if lost is not None and lost.cut is not None and lost.cut.status >= 300:
                answer, lost = lost.cut, None  # status and headers are whole and say enough
            error = (
                _lost(call.door, lost, attempts)
                if answer is None
                else error_of(call.door, call.path, answer, self._clock.time(), attempts)
            )
            if error is None and answer is not None:
                return decode(call.door, answer)
            if isinstance(error, errors.BannedError):
                self._budget.ban(error.until.timestamp() - self._clock.time())
            if isinstance(error, errors.ClockError) and not clock_was_wrong:
                clock_was_wrong = True
                self._hosts.measure(call.pool.host, stop)
            elif (
                isinstance(error, errors.RateLimitError)
                and not isinstance(error, errors.BannedError)
                and refusals < PATIENCE
            ):
                # A 429 has made the budget wait already; a rate code on another status has not.
                refusals += 1
                if error.status != 429:
                    self._sleep(error.retry_after or 1.0, stop)
            elif (isinstance(error, errors.ServerError) or lost is not None) and failures < len(PAUSES):
                self._sleep(PAUSES[failures], stop)
                failures += 1
            elif error is not None:
                raise error

    def time(self, host: Host) -> float:
        """The host's time in seconds as known: this machine's where it was not measured yet."""
        return self._host_clocks[host].time()

    def time_known(self, host: Host) -> bool:
        """Whether the host's clock was measured not long ago."""
        return self._host_clocks[host].is_fresh()

    def measured_time(self, host: Host) -> float:
        """The host's time in seconds, asked for first where it is not known well."""
        self._hosts.keep_time(host)
        return self.time(host)

    def _prepare(self, call: Call, stop: Stop | None) -> None:
        """Have the host's clock and limits known; a ban is told of the door that was called."""
        try:
            self._hosts.keep_time(call.pool.host, stop)
            self._hosts.keep_rules(call.pool, stop)
        except errors.BannedError as error:
            raise errors.BannedError(call.door, error.message, error.until) from None

    def _sleep(self, seconds: float, stop: Stop | None) -> None:
        if stop is None:
            self._clock.sleep(seconds)
        else:
            stop.sleep(self._clock, seconds)

    def _attempt_without_trace(
        self, call: Call, tally: Tally, stop: Stop | None
    ) -> tuple[Answer | None, NoAnswer | None]:
        """Send once; an interrupt shows no frame that holds the key or the signed address."""
        with suppress(KeyboardInterrupt):
            return self._attempt(call, tally, stop)
        raise KeyboardInterrupt  # out here, with nothing of the one that was caught hanging on it

    def _attempt(self, call: Call, tally: Tally, stop: Stop | None) -> tuple[Answer | None, NoAnswer | None]:
        """Send once: the answer, or how it was lost."""
        host = call.pool.host
        reservation = self._budget.admit(
            call.pool, call.path, call.weight, call.door, stop=stop, share=self._share
        )
        status: int | None = None
        headers: Mapping[str, str] = {}
        try:
            # Signed after the wait, so that the timestamp is that of the sending.
            query = encode(
                {
                    **call.parameters,
                    "recvWindow": self._recv_window,
                    "timestamp": int(self._host_clocks[host].time() * 1000),
                }
            )
            # Not given a name: whatever goes wrong further on, no frame of this shows the signature.
            answer = self._session.get(
                host, call.path, f"{query}&signature={sign(self._credentials, query)}", self._credentials.key
            )
            status, headers = answer.status, answer.headers
        except NoAnswer as lost:
            if lost.cut is not None:
                status, headers = lost.cut.status, lost.cut.headers
            return None, lost
        else:
            return answer, None
        finally:
            self._budget.settle(reservation, status, headers)
            host_clock = self._host_clocks[host]
            tally.add(call.weight, None if host_clock.offset is None else host_clock.time())


def _lost(door: str, lost: NoAnswer | None, attempts: int) -> errors.ToolkitError:
    if lost is not None and lost.cut is not None:
        return errors.ContractError(door, f"the answer was cut off, {attempts} times over", excerpt(lost.cut))
    return errors.NoAnswerError(door, None, None, str(lost), attempts)
