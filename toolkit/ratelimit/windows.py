"""The current window of each counter, by its host's clock, and its use for a snapshot."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.endpoints import RATE_LIMITS, Host, RateLimit
from toolkit.ratelimit.counting import WindowBounds
from toolkit.ratelimit.limits import LimitTable
from toolkit.ratelimit.records import CounterKey, CounterState, ObservedCount
from toolkit.ratelimit.snapshot import OtherCount, ProcessUsage, RateLimitUsage
from toolkit.ratelimit.store import REMEMBERED_WINDOWS
from toolkit.timing.clock import MAX_CLOCK_SKEW_S, Clock, HostClock
from toolkit.timing.http_dates import exchange_time

# Seconds after the end of a window before the server is assumed to be in the next one, in addition to the
# uncertainty of its clock.
ROLL_OVER_GRACE_S = 0.02


class Windows:
    """The windows of all counters.

    Args:
        clock: This machine's clock.
        host_clocks: Each host's clock, which times its windows.
        limits: The limits in force.
    """

    def __init__(self, clock: Clock, host_clocks: Mapping[Host, HostClock], limits: LimitTable) -> None:
        self._clock = clock
        self._host_clocks = host_clocks
        self._limits = limits

    def utc(self, host: Host | None = None) -> float:
        """Return the time in seconds since 1970 by a host's clock, or else by any host's.

        This machine's clock, which may be an hour off, is used only while no host's time is known.
        """
        clocks = list(self._host_clocks.values())
        if host is not None:
            clocks.insert(0, self._host_clocks[host])
        return next((clock.time() for clock in clocks if clock.is_known), self._clock.time())

    def exchange_time(self, host: Host, headers: Mapping[str, str]) -> float:
        """Return the exchange's time at a response, in seconds since 1970.

        This is the response's `Date`. The measured clock of the host is used where the response has no
        `Date` or an old or wrong one, and also where the two agree, because a `Date` has whole seconds only.
        """
        measured, clock = self.utc(host), self._host_clocks[host]
        reported = exchange_time(headers, measured)
        if not clock.is_fresh():
            return reported
        error = clock.reading()[1]
        agree = -error <= measured - reported <= 1.0 + error
        return measured if agree or abs(reported - measured) > MAX_CLOCK_SKEW_S else reported

    def key(self, rate_limit: RateLimit, path: str) -> CounterKey:
        """Return the key of the counter that a request to a path is charged to."""
        return CounterKey(
            rate_limit.name, "" if rate_limit.shared else path, self._limits.in_force(rate_limit).seconds
        )

    def window_bounds(self, key: CounterKey, rate_limit: RateLimit, ticks: float) -> WindowBounds:
        """Return the current window.

        It is the old one until the next one has certainly begun: a clock that is a little ahead must not
        spend the next window's limit early.
        """
        host_now, error = self.reading(rate_limit.host)
        window = int((host_now - error) // key.seconds)
        return WindowBounds(window, ticks - (host_now - window * key.seconds), self._limits.limit(rate_limit))

    def until_roll_over(self, key: CounterKey, rate_limit: RateLimit) -> float:
        """Return the seconds until the next window has certainly begun."""
        host_now, error = self.reading(rate_limit.host)
        return key.seconds - (host_now - error) % key.seconds + ROLL_OVER_GRACE_S

    def reading(self, host: Host) -> tuple[float, float]:
        """Return a host's time in seconds, and its largest error.

        Public endpoints need no measured clock. Then the time is within some seconds of the `Date` of the
        responses.
        """
        clock = self._host_clocks[host]
        host_now, error = clock.reading()
        return host_now, MAX_CLOCK_SKEW_S if clock.is_known and clock.offset is None else error

    def usage_of(
        self,
        state: CounterState,
        *,
        names: Mapping[int, tuple[int, str]],
        own_process: int,
        now: float,
        last_endpoint: Mapping[CounterKey, str],
        own_history: Mapping[CounterKey, Mapping[int, int]],
    ) -> RateLimitUsage | None:
        """Return the current use of a counter; None where it has not been used for a long time.

        Args:
            state: The stored state of the counter.
            names: Pid and name of each process, by its number in the store.
            own_process: Number of this process.
            now: The time by the exchange's clock.
            last_endpoint: The endpoint of this process that used each counter last.
            own_history: Weight that this process used of each counter, by window.
        """
        rate_limit = _BY_NAME.get(state.key.rate_limit)
        if rate_limit is None:
            return None
        counter, seconds = state.counter, state.key.seconds
        window = self.window_bounds(state.key, rate_limit, 0.0).window
        if counter.window - window in (0, 1):
            window = counter.window
        history = {**state.history, counter.window: counter.used}
        history = {each: used for each, used in history.items() if 0 <= window - each < REMEMBERED_WINDOWS}
        if state.key not in last_endpoint and not any(history.values()):
            return None
        is_current = counter.window == window
        own = {each: used for each, used in own_history.get(state.key, {}).items() if each <= window}
        process_counts = counter.processes if is_current else {}
        return RateLimitUsage(
            rate_limit=rate_limit,
            path=state.key.path,
            endpoint=last_endpoint.get(state.key, state.endpoint),
            used=history.setdefault(window, 0),
            in_flight=counter.in_flight if counter.window in (window, window - 1) else 0,
            limit=self._limits.limit(rate_limit),
            resets_at=now + seconds - self._host_clocks[rate_limit.host].time() % seconds,
            history=tuple((each * float(seconds), used) for each, used in sorted(history.items())),
            seconds=seconds,
            external=counter.external if is_current else 0,
            own_history=tuple((each * float(seconds), used) for each, used in sorted(own.items())),
            processes=tuple(
                ProcessUsage(
                    *names.get(number, (0, "")),
                    number == own_process,
                    process_count.used,
                    process_count.in_flight + process_count.carried_over,
                )
                for number, process_count in process_counts.items()
            ),
        )

    def other_count(self, other_count: ObservedCount, now: float) -> OtherCount | None:
        """Return a count that belongs to none of our rate limits; None where its window has ended."""
        rate_limits = [rate_limit for rate_limit in RATE_LIMITS if rate_limit.host == other_count.host]
        if not rate_limits:
            return None
        host_now = self._host_clocks[rate_limits[0].host].time()
        if int(host_now // other_count.seconds) != other_count.window:
            return None
        limits = (
            reported.limit
            for rate_limit in rate_limits
            for reported in self._limits.reported(rate_limit)
            if (reported.kind, reported.seconds) == (other_count.kind, other_count.seconds)
        )
        resets_at = now + other_count.seconds - host_now % other_count.seconds
        return OtherCount(
            rate_limits[0].host,
            other_count.kind,
            other_count.seconds,
            other_count.used,
            next(limits, None),
            resets_at,
        )


_BY_NAME: Mapping[str, RateLimit] = {rate_limit.name: rate_limit for rate_limit in RATE_LIMITS}
