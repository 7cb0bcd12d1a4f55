"""What a host says about itself, asked for when it is needed: its time, and its limits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from operator import attrgetter
from typing import TypeGuard

from toolkit.catalogue import API, FAPI, PAPI, Host, Pool
from toolkit.errors import BannedError, ContractError, ToolkitError
from toolkit.interruptions import forgiving
from toolkit.storage import forks
from toolkit.wire.answers import Answer, decode, error_of
from toolkit.wire.budget import LAST_LOOK, Budget
from toolkit.wire.clock import CLOCKS_APART, Clock, HostClock, Measured
from toolkit.wire.http_dates import is_cached, read_date
from toolkit.wire.ledger import Rule
from toolkit.wire.session import NoAnswer, Session
from toolkit.wire.stop import Stop

# 2010 and 2100: what lies outside is no time.
_EARLIEST, _LATEST = 1_262_304_000, 4_102_444_800
# Seconds: an answer that takes longer has the time asked for again, and a clock that another process measured
# is not good enough where it may be further off.
LONG = ROUGH = 1.0
# No limit is larger, and no window longer: one that never turned would stop every sender.
_LARGEST, _LONGEST = 10**9, 86_400

# Where each host tells the time. None is documented for /papi: the Date of a ping's answer serves.
_TIME: Mapping[Host, tuple[Pool, str]] = {
    "api": (API, "/api/v3/time"),
    "fapi": (FAPI, "/fapi/v1/time"),
    "papi": (PAPI, "/papi/v1/ping"),
}
_KINDS = {"REQUEST_WEIGHT": "weight", "ORDERS": "orders"}
_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400}

_LOG = logging.getLogger(__name__)


class Hosts:
    """The hosts of one exchange, and what is known of their clocks and limits.

    Args:
        session: What they are asked with.
        budget: What they may be asked for.
        clocks: Their clocks, kept here.
        clock: This machine's clock.
        share: Part of a limit that may be used up.
    """

    def __init__(
        self,
        session: Session,
        budget: Budget,
        clocks: Mapping[Host, HostClock],
        *,
        clock: Clock,
        share: float,
    ) -> None:
        self._clock = clock
        self._session = session
        self._budget = budget
        self._clocks = clocks
        self._share = share
        forks.renew(self._make_locks)

    def _make_locks(self) -> None:
        self._asking = {host: threading.Lock() for host in self._clocks}
        self._asks: dict[Host, int] = {}  # the thread that has that lock, or had it last

    def keep_time(self, host: Host, stop: Stop | None = None) -> None:
        """Measure a host's clock where that was not done lately, here or in another process."""
        clock = self._clocks[host]
        if clock.is_fresh():
            return
        with self._turn_to_ask(host, stop):
            if clock.is_fresh():
                return
            shared = self._budget.shared_clock(host)
            if shared is not None:
                clock.take_over(shared)
            if not clock.is_fresh() or clock.reading()[1] > ROUGH:
                self.measure(host, stop)

    def measure(self, host: Host, stop: Stop | None = None) -> None:
        """Measure a host's clock. Where that fails, the time as known stays good enough to try.

        Raises:
            NoAnswer: Nothing else that is sent there would fare better.
        """
        with _unless_it_lasts():
            self.ask_time(host, stop)

    def ask_time(self, host: Host, stop: Stop | None = None) -> Measured:
        """Ask a host for its time, and go by that.

        The first answer may have taken long only because the connection had to be made first. Nobody can
        tell how much of that was the way there, so it is asked again over the same connection; the better of
        both counts.

        Raises:
            NoAnswer: No whole answer came.
            ContractError: What came does not tell the time.
            BannedError: This address is banned; nothing was sent.
        """
        measured = self._measured(host, stop)
        if measured.took > LONG:
            with suppress(NoAnswer, ToolkitError):  # the first is there
                measured = min(measured, self._measured(host, stop), key=attrgetter("error"))
        clock = self._clocks[host]
        clock.go_by(measured)
        self._budget.share_clock(host, measured)
        with forgiving(Exception):
            _LOG.debug("clock of %s: %+.3f s, give or take %.3f s", host, clock.offset or 0.0, measured.error)
        return measured

    def _measured(self, host: Host, stop: Stop | None) -> Measured:
        pool, path = _TIME[host]
        with self._asking_of(pool, path, 1, "clock", stop) as ask:
            return self._clocks[host].measure(lambda: _told_time(ask()))

    def keep_rules(self, pool: Pool, stop: Stop | None = None) -> None:
        """Ask for the limit in force where the exchange tells it and no process has asked lately."""
        if self._budget.knows_rules(pool):
            return
        with self._turn_to_ask(pool.host, stop):
            if self._budget.knows_rules(pool):
                return
            rules: list[Rule] = []
            asking = self._asking_of(pool, pool.rules, pool.rules_weight, "limits", stop)
            with asking as ask, _unless_it_lasts():
                rules = _told_rules(ask())
            # Without an answer the documented limit has to do for a while.
            self._budget.learn(pool, rules)

    @contextmanager
    def _turn_to_ask(self, host: Host, stop: Stop | None) -> Iterator[None]:
        """One thread asks a host about itself at a time; what it waits for, the others wait for, too.

        Raises:
            Stopped: `stop` was set.
        """
        stop = stop or Stop()
        began = self._clock.monotonic()
        is_ours = False
        try:
            while not (is_ours := self._asking[host].acquire(timeout=LAST_LOOK)):
                stop.check()
                wait = self._budget.wait_of(self._asks.get(host, 0))
                if wait is not None:
                    stop.waits_for(self._clock, wait, began)
            stop.goes_on()
            self._asks[host] = threading.get_ident()
            yield
        finally:
            stop.goes_on()
            if is_ours:
                self._asking[host].release()

    @contextmanager
    def _asking_of(
        self, pool: Pool, target: str, weight: int, door: str, stop: Stop | None
    ) -> Iterator[Callable[[], Answer]]:
        """Leave to send one question, and what sends it."""
        path, _, query = target.partition("?")
        reservation = self._budget.admit(pool, path, weight, door, stop=stop, share=self._share)
        answer: Answer | None = None

        def ask() -> Answer:
            nonlocal answer
            answer = self._session.get(pool.host, path, query, None)
            return answer

        try:
            yield ask
        finally:
            status, headers = (answer.status, answer.headers) if answer else (None, {})
            self._budget.settle(reservation, status, headers)
            if answer is not None and answer.status >= 400:
                self._obey(pool.host, door, path, answer)

    def _obey(self, host: Host, door: str, path: str, answer: Answer) -> None:
        """Keep a ban whose end only the words of an answer tell."""
        now = self._budget.exchange_time(host, answer.headers)
        error = error_of(door, path, answer, now)
        if isinstance(error, BannedError):
            self._budget.obey(error)


@contextmanager
def _unless_it_lasts() -> Iterator[None]:
    """Go on without an answer, unless the next request is sure to fail in the same way."""
    try:
        yield
    except ContractError:
        pass
    except NoAnswer as lost:
        if lost.lasting:
            raise


def _told_rules(answer: Answer) -> list[Rule]:
    """The limits in an answer of exchangeInfo that count weight or orders."""
    # A limit that a cache kept may be another by now.
    payload = decode("limits", answer) if answer.status == 200 and not is_cached(answer.headers) else {}
    told = payload.get("rateLimits") if isinstance(payload, dict) else None
    rules = []
    for each in told if isinstance(told, list) else ():
        if not isinstance(each, dict):
            continue
        kind, seconds = _KINDS.get(str(each.get("rateLimitType"))), _SECONDS.get(str(each.get("interval")))
        number, most = each.get("intervalNum"), each.get("limit")
        if kind and seconds and _is_sane(most) and _is_sane(number) and number * seconds <= _LONGEST:
            rules.append(Rule(kind, number * seconds, most))
    return rules


def _is_sane(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST


def _told_time(answer: Answer) -> tuple[float, float]:
    """The host's time in an answer, and how much it may be off."""
    if answer.status != 200:
        raise ContractError("clock", f"HTTP {answer.status} is no answer that tells the time")
    if is_cached(answer.headers):
        raise ContractError("clock", "the answer comes out of a cache on the way, which tells no time")
    payload = decode("clock", answer)
    told = payload.get("serverTime") if isinstance(payload, dict) else None
    date = read_date(answer.headers)
    if isinstance(told, int) and _EARLIEST * 1000 <= told < _LATEST * 1000:
        if date is not None and abs(told / 1000 - date) > CLOCKS_APART:
            raise ContractError("clock", "the answer tells two times that differ: one of them is old")
        return told / 1000, 0.0
    if date is None or told is not None:
        raise ContractError("clock", "the answer does not tell the time")
    return date + 0.5, 0.5  # it is cut to whole seconds
