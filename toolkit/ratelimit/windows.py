"""Which window of a counter is running, by its host's clock, and what there is to see of it."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.endpoints import RATE_LIMITS, Host, RateLimit
from toolkit.ratelimit import REMEMBERED_WINDOWS, CounterKey, CounterState, ObservedCount, WindowBounds
from toolkit.ratelimit.limits import LimitTable
from toolkit.ratelimit.snapshot import OtherCount, ProcessUsage, RateLimitUsage
from toolkit.timing.clock import MAX_CLOCK_SKEW_S, Clock, HostClock
from toolkit.timing.http_dates import now_by

# Added to the turn of a window before it is trusted to have turned at the server, beside the
# uncertainty of its clock.
ROLL_OVER_GRACE_S = 0.02


class Windows:
    """The windows of all counters.

    Args:
        clock: This machine's clock.
        host_clocks: Each host's clock, by which windows turn.
        limits: What is in force.
    """

    def __init__(self, clock: Clock, host_clocks: Mapping[Host, HostClock], limits: LimitTable) -> None:
        self._clock = clock
        self._host_clocks = host_clocks
        self._limits = limits

    def utc(self, host: Host | None = None) -> float:
        """The time in seconds since 1970 by a host's clock, or else by that of any host.

        This machine's clock, which may be an hour off, tells it only where no host has told its own yet.
        """
        clocks = list(self._host_clocks.values())
        if host is not None:
            clocks.insert(0, self._host_clocks[host])
        return next((clock.time() for clock in clocks if clock.is_known), self._clock.time())

    def exchange_time(self, host: Host, headers: Mapping[str, str]) -> float:
        """The time by which an answer's absolute times are meant, in seconds since 1970: by its own `Date`.

        By the host's clock as it was measured where it tells none, or one that is old or wrong; and where
        they agree, too, as a `Date` is cut to whole seconds.
        """
        measured, clock = self.utc(host), self._host_clocks[host]
        reported = now_by(headers, measured)
        if not clock.is_fresh():
            return reported
        error = clock.reading()[1]
        agree = -error <= measured - reported <= 1.0 + error
        return measured if agree or abs(reported - measured) > MAX_CLOCK_SKEW_S else reported

    def key(self, rate_limit: RateLimit, path: str) -> CounterKey:
        """The counter that a request to a path is charged to."""
        return CounterKey(
            rate_limit.name, "" if rate_limit.shared else path, self._limits.in_force(rate_limit).seconds
        )

    def window_bounds(self, key: CounterKey, rate_limit: RateLimit, ticks: float) -> WindowBounds:
        """The running window.

        Until the turn is certain it is the old one: a clock that is a little ahead must not spend the next
        allowance too early.
        """
        host_now, error = self._host_clocks[rate_limit.host].reading()
        window = int((host_now - error) // key.seconds)
        return WindowBounds(window, ticks - (host_now - window * key.seconds), self._limits.limit(rate_limit))

    def until_roll_over(self, key: CounterKey, rate_limit: RateLimit) -> float:
        """Seconds until a window has turned for certain."""
        host_now, error = self._host_clocks[rate_limit.host].reading()
        return key.seconds - (host_now - error) % key.seconds + ROLL_OVER_GRACE_S

    def usage_of(
        self,
        state: CounterState,
        *,
        names: Mapping[int, tuple[int, str]],
        me: int,
        now: float,
        last_endpoint: Mapping[CounterKey, str],
        own: Mapping[CounterKey, Mapping[int, int]],
    ) -> RateLimitUsage | None:
        """A counter as it stands now; None where nobody has used it for long.

        Args:
            state: What is written down of it.
            names: The processes, by their numbers.
            me: The number of this one.
            now: The time by the exchange's clock.
            last_endpoint: The door of this process that used each counter last.
            own: What this process used of each in each window.
        """
        rate_limit = _BY_NAME.get(state.key.rate_limit)
        if rate_limit is None:
            return None
        counter, seconds = state.counter, state.key.seconds
        window = self.window_bounds(state.key, rate_limit, 0.0).window
        if counter.window - window in (0, 1):
            window = counter.window
        known = {**state.history, counter.window: counter.used}
        known = {each: used for each, used in known.items() if 0 <= window - each < REMEMBERED_WINDOWS}
        if state.key not in last_endpoint and not any(used for used in known.values()):
            return None
        running = counter.window == window
        mine = {each: used for each, used in own.get(state.key, {}).items() if each <= window}
        process_counts = counter.processes if running else {}
        return RateLimitUsage(
            rate_limit=rate_limit,
            path=state.key.path,
            endpoint=last_endpoint.get(state.key, state.endpoint),
            used=known.setdefault(window, 0),
            in_flight=counter.in_flight if counter.window in (window, window - 1) else 0,
            limit=self._limits.limit(rate_limit),
            resets_at=now + seconds - self._host_clocks[rate_limit.host].time() % seconds,
            history=tuple((each * float(seconds), used) for each, used in sorted(known.items())),
            seconds=seconds,
            external=counter.external if running else 0,
            own_history=tuple((each * float(seconds), used) for each, used in sorted(mine.items())),
            processes=tuple(
                ProcessUsage(
                    *names.get(number, (0, "")),
                    number == me,
                    process_count.used,
                    process_count.in_flight + process_count.carried_over,
                )
                for number, process_count in process_counts.items()
            ),
        )

    def other_count(self, other_count: ObservedCount, now: float) -> OtherCount | None:
        """A count that no pool is charged with, while its window lasts."""
        rate_limits = [rate_limit for rate_limit in RATE_LIMITS if rate_limit.host == other_count.host]
        if not rate_limits:
            return None
        host_now = self._host_clocks[rate_limits[0].host].time()
        if int(host_now // other_count.seconds) != other_count.window:
            return None
        most = (
            reported.most
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
            next(most, None),
            resets_at,
        )


_BY_NAME: Mapping[str, RateLimit] = {rate_limit.name: rate_limit for rate_limit in RATE_LIMITS}
