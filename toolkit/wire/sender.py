"""Reads, sent until something definite is known about them; writes, sent once and never again.

A read is repeated as the table says. A write goes out once, whatever comes back, and `judge` says what
that means for it; what its answer asks for in waiting is kept by the next request to that host. A wait of
over a second is said, and none is longer than `budget.LONGEST_WAIT`: then there is an error that says until
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
nothing, and so it will stay   `NoAnswerError` at once: a certificate or a proxy that refuses, a file missing
3XX, not JSON                  `ContractError`; a redirect is never followed
=============================  ==================================================================
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from toolkit import errors
from toolkit.catalogue import Endpoint, Host
from toolkit.interruptions import forgiving
from toolkit.tracebacks import bare
from toolkit.wire.answers import Answer, excerpt, understand
from toolkit.wire.budget import LONGEST_REST, LONGEST_WAIT, Budget
from toolkit.wire.calls import Call, Order, Reply, Tally
from toolkit.wire.clock import CLOCKS_APART, Clock, HostClock, Measured
from toolkit.wire.credentials import Credentials, Keys
from toolkit.wire.hosts import Hosts
from toolkit.wire.http_dates import made_at
from toolkit.wire.session import NoAnswer, Session
from toolkit.wire.signing import encode, sign
from toolkit.wire.stop import Show, Stop, Wait
from toolkit.wire.verdicts import never_left
from toolkit.wire.write_sender import WriteSender

# Pauses before a read is sent again after the exchange's side failed, as its documents advise.
PAUSES = (0.2, 0.4, 0.8)
# How often a read may meet a 429, or a 5XX that asked to wait, although it waited as told each time.
PATIENCE = 5
# The code that goes with a 429.
TOO_MANY_REQUESTS = -1003
# Seconds by which a timestamp may be ahead of the exchange, which refuses one that is a second ahead.
AHEAD = 0.5

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
        share: Part of a limit that may be used up.
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
        share: float,
        show: Show | None = None,
    ) -> None:
        self._keys = keys
        self._session = session
        self._budget = budget
        self._host_clocks = host_clocks
        self._clock = clock
        self._recv_window = recv_window
        self._share = share
        self._show = show
        self._hosts = Hosts(session, budget, host_clocks, clock=clock, share=share)
        self._writes = WriteSender(
            session=session,
            budget=budget,
            host_clocks=host_clocks,
            hosts=self._hosts,
            recv_window=recv_window,
            show=show,
        )

    def get(self, call: Call, tally: Tally, stop: Stop | None = None) -> Any:
        """Send a read until its answer is definite, and return the JSON of that.

        Args:
            call: The read.
            tally: Where its requests are counted.
            stop: Ends it between two attempts, and while it waits, when it is set; its waits are said there.

        Raises:
            Stopped: `stop` was set.
            ApiError: The exchange refused it.
            RateLimitError: It would have to wait too long.
            ServerError: The exchange's side failed, time after time.
            ContractError: The answer is not what the documents promise.
        """
        # What no key may ask is refused before anything is sent.
        credentials = self.key_for(call)
        stop = stop or Stop(call.door, self._show)
        pauses = () if call.once else PAUSES
        attempts = failures = refusals = rests = 0
        rested = 0.0
        refused_at: float | None = None
        clock_was_wrong = False
        while True:
            self._prepare(call, stop)
            attempts += 1
            answer, lost = self._attempt_without_trace(call, credentials, tally, stop)
            if lost is not None and lost.cut is not None and lost.cut.status >= 300:
                answer, lost = lost.cut, None  # status and headers are whole and say enough
            now = self._budget.exchange_time(call.pool.host, answer.headers if answer is not None else {})
            error: errors.ToolkitError | None
            if answer is None:
                error = _lost(call.door, lost, attempts)
            else:
                payload, error = understand(call.door, call.path, answer, now, attempts)
                if error is None:
                    tally.answered(self._made_at(call.pool.host, answer))
                    return payload
            if isinstance(error, errors.BannedError):
                self._budget.obey(error)
            if isinstance(error, errors.ClockError) and not clock_was_wrong:
                clock_was_wrong = True
                with _told_of(call.door):
                    self._hosts.measure(call.pool.host, stop)
            elif isinstance(error, errors.RateLimitError) and not isinstance(error, errors.BannedError):
                refusals += 1
                ticks = self._clock.monotonic()
                refused_at = ticks if refused_at is None else refused_at
                ends = ticks + (error.retry_after or 0.0)
                if call.once or refusals > PATIENCE or ends - refused_at > LONGEST_WAIT:
                    raise error
                # A 429 has made the budget wait already; a rate code on another status has not.
                if error.status != 429 and error.code in (None, TOO_MANY_REQUESTS):
                    self._budget.pause(call.pool, call.path, error.retry_after)
                elif error.status != 429:
                    self._sleep(call, "the exchange asked to slow down", error.retry_after or 1.0, stop)
            elif isinstance(error, errors.ServerError) and error.retry_after:
                # The budget leaves the host alone for as long as it asked, unless that is too long.
                rests, rested = rests + 1, rested + error.retry_after
                if call.once or rests > PATIENCE or rested > LONGEST_REST:
                    raise error
                if (error.status or 0) < 500:  # whose waiting the budget does not know of
                    self._sleep(call, "the exchange asked to wait", error.retry_after, stop)
            elif lost is not None and lost.lasting:
                raise error
            elif (isinstance(error, errors.ServerError) or lost is not None) and failures < len(pauses):
                self._sleep(call, "the exchange's side failed", pauses[failures], stop)
                failures += 1
            else:
                raise error
            with forgiving(Exception):
                _LOG.info("%s: sent again after %s (attempt %d)", call.door, _label(error), attempts + 1)

    def _made_at(self, host: Host, answer: Answer) -> float | None:
        """When the exchange made an answer at the earliest; None where that cannot be told, or believed."""
        made, clock = made_at(answer.headers), self._host_clocks[host]
        if made is None or not clock.is_fresh():
            return made
        time, error = clock.reading()
        return made if made <= time + error + CLOCKS_APART else None

    def send(self, order: Order, about_to_send: Callable[[Callable[[], int]], int]) -> Reply:
        """Send a write once.

        Args:
            order: The write.
            about_to_send: Asked for the timestamp that it will carry, before anything of it goes out, and
                given what tells the host's time in milliseconds; when it raises, nothing is sent.

        Raises:
            NoKeyError: No key may serve it; nothing was sent.
            BannedError: This address is banned; nothing was sent.
            RateLimitError: It would have to wait too long; nothing was sent.
        """
        host = order.pool.host
        credentials = self.key_for(order)
        stop = Stop(order.door, self._show)
        try:
            self._prepare(order, stop)
        except errors.NoAnswerError as error:  # nothing else that is sent there would fare better
            return Reply(never_left(order.door, error.message, error.advice))
        reservation = self._budget.admit(
            order.pool, order.path, order.weight, order.door, order.method, stop=stop, share=self._share
        )
        try:
            stamp = about_to_send(lambda: timestamp(self._host_clocks[host], self._recv_window))
        except BaseException:
            self._budget.release(reservation)
            raise
        return self._writes.send(order, credentials, reservation, stamp)

    @property
    def recv_window(self) -> int:
        """Milliseconds a request stays valid."""
        return self._recv_window

    @property
    def keys(self) -> Keys:
        """What requests are signed with."""
        return self._keys

    def key_for(self, what: Call | Order | Endpoint) -> Credentials:
        """The key that serves this.

        Raises:
            NoKeyError: None may; nothing was sent.
        """
        return self._keys.pick(what.needs, what.door, privileged=what.privileged)

    def time(self, host: Host) -> float:
        """The host's time in seconds as known: this machine's where it was not measured yet."""
        return self._host_clocks[host].time()

    def surely(self, host: Host) -> float | None:
        """What the host's clock shows at the least, in seconds; None where it was not measured lately."""
        time, error = self._host_clocks[host].reading()
        return time - error if self.time_known(host) else None

    def at_the_latest(self, host: Host) -> float | None:
        """What the host's clock shows at the most, in seconds; None where it was not measured lately."""
        time, error = self._host_clocks[host].reading()
        return time + error if self.time_known(host) else None

    def ask_time(self, host: Host) -> Measured:
        """Ask a host for its time; `Hosts.ask_time` says what it raises."""
        return self._hosts.ask_time(host, Stop("clock", self._show))

    def time_known(self, host: Host) -> bool:
        """Whether the host's clock was measured not long ago."""
        return self._host_clocks[host].is_fresh()

    def measured_time(self, host: Host, door: str) -> float:
        """The host's time in seconds, asked for first where it is not known well."""
        with _told_of(door):
            self._hosts.keep_time(host, Stop(door, self._show))
        return self.time(host)

    def _prepare(self, call: Call | Order, stop: Stop) -> None:
        """Have the host's clock and limits known."""
        with _told_of(call.door):
            self._hosts.keep_time(call.pool.host, stop)
            self._hosts.keep_rules(call.pool, stop)

    def _sleep(self, call: Call, reason: str, seconds: float, stop: Stop) -> None:
        ends = self._budget.utc(call.pool.host) + seconds
        stop.sleep(self._clock, Wait(reason, self._clock.monotonic() + seconds, ends))

    def _attempt_without_trace(
        self, call: Call, credentials: Credentials, tally: Tally, stop: Stop | None
    ) -> tuple[Answer | None, NoAnswer | None]:
        """Send once; whatever goes wrong shows no frame that holds the key or the signed address."""
        try:
            return self._attempt(call, credentials, tally, stop)
        except BaseException as error:  # noqa: BLE001 - it goes on below
            odd = bare(error)
        raise odd  # out here, with nothing of those frames hanging on it

    def _attempt(
        self, call: Call, credentials: Credentials, tally: Tally, stop: Stop | None
    ) -> tuple[Answer | None, NoAnswer | None]:
        """Send once: the answer, or how it was lost."""
        host = call.pool.host
        reservation = self._budget.admit(
            call.pool, call.path, call.weight, call.door, stop=stop, share=self._share
        )
        status: int | None = None
        headers: Mapping[str, str] = {}
        try:
            # Signed after the wait, so that the timestamp is that of the sending.
            stamp = timestamp(self._host_clocks[host], self._recv_window)
            own = encode({"recvWindow": self._recv_window, "timestamp": stamp})
            query = f"{call.query}&{own}" if call.query else own
            # Not given a name: whatever goes wrong further on, no frame of this shows the signature.
            answer = self._session.get(
                host, call.path, f"{query}&signature={sign(credentials, query)}", credentials.key
            )
            status, headers = answer.status, answer.headers
        except NoAnswer as lost:
            if lost.cut is not None:
                status, headers = lost.cut.status, lost.cut.headers
            return None, bare(lost)
        else:
            return answer, None
        finally:
            self._budget.settle(reservation, status, headers)
            host_clock = self._host_clocks[host]
            tally.add(call.weight, None if host_clock.offset is None else host_clock.time())


def _label(error: errors.ToolkitError) -> str:
    """An error in a log: its class and its status, nothing that the exchange said."""
    status = getattr(error, "status", None)
    return type(error).__name__ + (f" ({status})" if status is not None else "")


def timestamp(clock: HostClock, recv_window: int) -> int:
    """A host's time in milliseconds for a request to carry, set back by what it may be ahead.

    The exchange takes what is old while its window lasts, and refuses what is a second ahead of it.
    """
    time, error = clock.reading()
    back = min(max(0.0, error - AHEAD), recv_window / 2000)
    return int((time - back) * 1000)


@contextmanager
def _told_of(door: str) -> Iterator[None]:
    """What is met while a host is asked for its clock or limits is told of the door that was called."""
    until = refused = lost = None
    try:
        yield
    except errors.BannedError as error:
        until = error.until
    except errors.RateLimitError as error:
        refused = error
    except NoAnswer as error:
        lost = error
    if until is not None:
        raise errors.BannedError(door, "This address is banned", until)
    if refused is not None:
        raise errors.RateLimitError(
            door, refused.status, refused.code, refused.message, refused.retry_after, advice=refused.advice
        )
    if lost is not None:
        raise _lost(door, lost, 1)


def _lost(door: str, lost: NoAnswer | None, attempts: int) -> errors.ToolkitError:
    if lost is not None and lost.cut is not None:
        return errors.ContractError(door, f"the answer was cut off, {attempts} times over", excerpt(lost.cut))
    step = lost.step if lost is not None else ""
    return errors.NoAnswerError(door, None, None, str(lost), attempts, advice=step)
